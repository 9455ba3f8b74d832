#include "cli/training/live.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/pages/watch_page.h"
#include "cli/terminal/deadline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char page_name[] = "watch.html", drawing_name[] = "learning.svg";

bool kin_live_open(kin_live *l, kin_meter *meter, const char *run, const kin_dataset *set,
                   const kin_dataset *held, kin_error *err)
{
    *l = (kin_live){.meter = meter, .set = set};
    l->page = kin_path_join(run, page_name), l->drawing = kin_path_join(run, drawing_name);
    bool ok = ((l->page && l->drawing) || kin_fail_memory(err, run, strlen(run))) &&
              kin_forming_open(&l->forming, held ? held : set, 0, err);
    if (!ok) kin_live_close(l);
    return ok;
}

void kin_live_close(kin_live *l)
{
    kin_forming_free(&l->forming);
    kin_free(l->steps), kin_free(l->at), kin_free(l->map), kin_free(l->recall);
    kin_free(l->page), kin_free(l->drawing);
    *l = (kin_live){0};
}

bool kin_live_forget(const char *run, kin_error *err)
{
    const char *const names[] = {page_name, drawing_name};
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        char *path = kin_path_join(run, names[i]);
        ok = path ? remove(path) == 0 || errno == ENOENT ||
                        kin_fail(err, KIN_ERR_IO, "%s: is of an earlier run and cannot be removed: %s", path,
                                 strerror(errno))
                  : kin_fail_memory(err, run, strlen(run));
        kin_free(path);
    }
    return ok;
}

/* An interruption is the training's to tell. */
static void fail(kin_live *l, const kin_error *err)
{
    if (err->code != KIN_ERR_INTERRUPTED && !l->failed)
        kin_meter_say(l->meter, "the page to watch is no longer written: %s", err->message);
    l->failed |= err->code != KIN_ERR_INTERRUPTED;
}

static void write_page(kin_live *l, bool over)
{
    kin_error err = {0};
    if (!l->failed && !kin_watch_page_write(l, over, &err)) fail(l, &err);
    l->written = kin_clock();
}

static void look(kin_live *l, int64_t step)
{
    kin_error err = {0};
    if (!l->failed && !kin_forming_look(&l->forming, l->trainer, step, &err)) fail(l, &err);
}

void kin_live_begin(kin_live *l, kin_trainer *t)
{
    const kin_train_state *now = kin_trainer_state(t);
    kin_error err = {0};
    l->trainer = t, l->forming.from = now->step;
    l->last = (kin_train_step){.step = now->step, .steps = now->steps};
    l->room = now->steps / kin_trainer_network(t)->config.validate_every +
              2; /* the first and the last among them */
    l->steps = kin_alloc_array((size_t)now->steps + 1, sizeof *l->steps);
    l->at = kin_alloc_array((size_t)l->room, sizeof *l->at);
    l->map = kin_alloc_array((size_t)l->room, sizeof *l->map);
    l->recall = kin_alloc_array((size_t)l->room, sizeof *l->recall);
    if (!l->steps || !l->at || !l->map || !l->recall) {
        kin_fail_memory(&err, l->page, (size_t)now->steps * sizeof *l->steps);
        fail(l, &err);
        return;
    }
    for (int64_t i = 0; i < now->steps; i++) l->steps[i] = (double)i;
    look(l, now->step);
    write_page(l, false);
    if (!l->failed) kin_meter_say(l->meter, "%s shows how it goes, and loads itself anew", l->page);
}

void kin_live_step(kin_live *l, const kin_train_step *step)
{
    kin_error err = {0};
    double begun = kin_clock(), waited = begun - l->written;
    bool due = kin_forming_due(&l->forming, step->step, step->steps),
         late = waited >= KIN_LIVE_SECONDS && waited >= KIN_LIVE_SHARE * l->took;
    l->last = *step, l->last.batch = NULL;
    if (l->failed || (!due && !late)) return;
    if (due) look(l, step->step);
    if (!l->failed && !kin_hardest_find(&l->hardest, l->trainer, l->set, step, &err)) fail(l, &err);
    if (late || kin_clock() - l->written >= 1) write_page(l, false);
    l->took = kin_clock() - begun;
}

void kin_live_validation(kin_live *l, const kin_train_validation *v)
{
    if (l->failed || l->validations == l->room) return;
    l->at[l->validations] = (double)v->step;
    l->map[l->validations] = v->metrics->mean.ap;
    l->recall[l->validations++] = v->metrics->mean.recall[0];
}

void kin_live_end(kin_live *l)
{
    kin_error err = {0};
    kin_learning learning = kin_forming_learning(&l->forming);
    if (l->failed) return;
    write_page(l, true);
    if (l->failed || learning.n_frames < 1) return;
    if (!kin_learning_write(l->drawing, &learning, &err)) fail(l, &err);
    else kin_meter_say(l->meter, "%s and %s show how it went", l->page, l->drawing);
}
