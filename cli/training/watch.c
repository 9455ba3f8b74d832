#include "cli/training/watch.h"

#include "base/memory.h"
#include "cli/pages/svg.h"
#include "cli/terminal/interrupt.h"
#include "cli/training/live.h"
#include "cli/training/run_log.h"
#include "train/judge.h"
#include "train/run_folder.h"

#include <stdio.h>
#include <string.h>

static void show_step(void *user, const kin_train_step *s)
{
    const kin_show *show = user;
    char extra[64] = "";
    if (kin_meter_due(show->meter)) {
        if (s->entropy >= 0)
            snprintf(extra, sizeof extra, "loss %.4f, attention's entropy %.3f", s->smooth, s->entropy);
        else snprintf(extra, sizeof extra, "loss %.4f", s->smooth);
    }
    kin_meter_update(show->meter, s->step, extra);
    if (show->live) kin_live_step(show->live, s);
}

static void show_validation(void *user, const kin_train_validation *v)
{
    const kin_show *show = user;
    char ties[KIN_TIES_TEXT];
    if (v->zeros)
        kin_meter_say(show->meter,
                      "validation: %lld pictures have a descriptor of zeros and count for nothing",
                      (long long)v->zeros);
    kin_meter_say(show->meter, "step %lld: validation mAP %.4f, R@1 %.4f%s%s", (long long)v->step,
                  v->metrics->mean.ap, v->metrics->mean.recall[0], v->best ? ", the best so far" : "",
                  kin_judge_ties(v->metrics, ties));
    if (show->live) kin_live_validation(show->live, v);
}

static void show_remark(void *user, const char *line)
{
    const kin_show *show = user;
    kin_meter_say(show->meter, "%s", line);
}

static void profile_part(void *user, kin_train_part part)
{
    kin_profile *p = ((const kin_show *)user)->profile;
    switch (part) {
    case KIN_PART_BEGIN: kin_profile_begin(p); break;
    case KIN_PART_LOADER: kin_profile_lap(p, KIN_LAP_LOADER); break;
    case KIN_PART_NETWORK: kin_profile_lap(p, KIN_LAP_NETWORK); break;
    case KIN_PART_OPTIMISER: kin_profile_lap(p, KIN_LAP_OPTIMISER); break;
    case KIN_PART_END: kin_profile_end(p); break;
    case KIN_PART_PAUSE: kin_profile_pause(p); break;
    case KIN_PART_RESUME: kin_profile_resume(p); break;
    }
}

/* The loss, and below it what validation gave, where there was any. */
static bool draw_curves(const kin_trainer *t, const double *steps, const char *path, const kin_run_log *log,
                        kin_error *err)
{
    const kin_train_state *now = kin_trainer_state(t);
    kin_curve loss = {.name = kin_trainer_network(t)->config.loss,
                      .x = steps,
                      .y = now->losses,
                      .count = now->step,
                      .smooth = true},
              held[2] = {{.name = "mAP", .x = log->at, .y = log->map, .count = log->validations},
                         {.name = "R@1", .x = log->at, .y = log->recall_1, .count = log->validations}};
    kin_curves charts[2] = {{.title = "Training loss",
                             .x_label = "training step",
                             .y_label = "loss",
                             .curves = &loss,
                             .n_curves = 1},
                            {.title = "Validation",
                             .x_label = "training step",
                             .y_label = "on held-out classes",
                             .curves = held,
                             .n_curves = 2,
                             .height = 260}};
    return kin_svg_write_curves(path, charts, log->validations ? 2 : 1, err);
}

static bool write_curve(void *user, const kin_trainer *t, kin_error *err)
{
    const kin_show *show = user;
    const kin_train_state *now = kin_trainer_state(t);
    kin_run_log log = {0};
    if (now->step < 2) return true;
    double *steps = kin_alloc_array((size_t)now->step, sizeof *steps);
    char *path = kin_path_join(show->run, "curve.svg"), *logged = kin_path_join(show->run, KIN_RUN_LOG);
    bool ok = ((path && logged) || kin_fail_memory(err, "curve.svg", strlen("curve.svg"))) &&
              (steps || kin_fail_memory(err, "the curve", (size_t)now->step * sizeof *steps)) &&
              kin_run_log_read(logged, true, &log, err);
    for (int64_t i = 0; ok && i < now->step; i++) steps[i] = (double)i;
    ok = ok && draw_curves(t, steps, path, &log, err);
    kin_run_log_free(&log);
    kin_free(path), kin_free(logged);
    kin_free(steps);
    return ok;
}

static bool stop(void *user)
{
    (void)user;
    return kin_interrupted();
}

kin_train_watch kin_show_watch(kin_show *show)
{
    return (kin_train_watch){.user = show,
                             .on_step = show_step,
                             .on_validation = show_validation,
                             .on_remark = show_remark,
                             .on_part = profile_part,
                             .on_save = write_curve,
                             .should_stop = stop};
}

bool kin_show_training(kin_show *show, kin_trainer *t, kin_error *err)
{
    if (show->run)
        kin_interrupt_lasts("\nkin: stops after this step, with a checkpoint; once more ends at once\n");
    if (show->live) kin_live_begin(show->live, t);
    bool ok = kin_trainer_run(t, err);
    if (show->live) kin_live_end(show->live);
    kin_interrupt_lasts(NULL);
    return ok;
}
