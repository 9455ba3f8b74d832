/* kin sweep: settings searched by many short trainings and a few long ones. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/options/command.h"
#include "cli/options/source.h"
#include "cli/pages/sweep_page.h"
#include "cli/sweep/space.h"
#include "cli/sweep/told.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "data/sets/split.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 10 };

typedef struct sweep {
    kin_cli *cli;
    const char *folder;
    kin_space space;
    kin_sweep_opt opt;
    kin_dataset all, kept, held;
    kin_meter meter;
    char label[48]; /* of the meter */
    int64_t from;
    double best; /* that was told last */
} sweep;

/* ---- progress ---- */

static bool stop(void *user)
{
    (void)user;
    return kin_interrupted();
}

static void name_of(const kin_sweep_next *next, char out[48])
{
    if (next->seed)
        snprintf(out, 48, "trial %lld, seed %lld more", (long long)next->trial, (long long)next->seed);
    else snprintf(out, 48, "trial %lld", (long long)next->trial);
}

static void on_begin(void *user, const kin_sweep_next *next, int64_t from, int64_t to, double needs)
{
    sweep *s = user;
    (void)needs;
    name_of(next, s->label);
    kin_meter_break();
    kin_meter_start(&s->meter, s->label, "steps", from, to, s->cli->quiet);
}

static void on_step(void *user, const kin_train_step *step)
{
    sweep *s = user;
    char extra[40];
    snprintf(extra, sizeof extra, "loss %.4f", step->smooth);
    kin_meter_update(&s->meter, step->step, extra);
}

static void on_result(void *user, const kin_sweep_next *next, const kin_sweep_result *r)
{
    sweep *s = user;
    bool best = !next->seed && r->figure > s->best;
    if (best) s->best = r->figure;
    kin_meter_say(&s->meter, "%s: mAP %.4f at step %lld of %lld%s", s->label, r->figure, (long long)r->step,
                  (long long)s->opt.plan.step[s->opt.plan.rungs - 1], best ? ", the best so far" : "");
}

static void on_failed(void *user, const kin_sweep_next *next, const char *why)
{
    sweep *s = user;
    char name[48];
    name_of(next, name);
    kin_meter_say(&s->meter, "%s failed: %s", name, why);
}

/* Tenths where they matter. */
static const char *seconds_text(double seconds, char room[24])
{
    if (seconds >= 10) return kin_meter_clock(seconds, room);
    snprintf(room, 24, "%.1f s", seconds);
    return room;
}

static void on_left_out(void *user, const kin_sweep_next *next, double needs, double left)
{
    sweep *s = user;
    char name[48], a[24], b[24];
    name_of(next, name);
    kin_meter_break();
    if (needs > 0)
        kin_cli_note(s->cli, "left out for the time: %s to step %lld, which would take about %s with %s left",
                     name, (long long)s->opt.plan.step[next->rung], seconds_text(needs, a),
                     seconds_text(left, b));
    else
        kin_cli_note(s->cli, "left out for the time: %s to step %lld", name,
                     (long long)s->opt.plan.step[next->rung]);
}

/* ---- the best so far ---- */

static bool write_text(const sweep *s, const char *name, const kin_text *text, kin_error *err)
{
    char *path = kin_path_join(s->folder, name);
    bool ok = (path && !text->failed) ? kin_write_file(path, text->data, text->size, err)
                                      : kin_fail_memory(err, name, text->size);
    kin_free(path);
    return ok;
}

static bool on_best(void *user, const kin_sweep_table *table, int64_t trial, kin_error *err)
{
    sweep *s = user;
    const double *value = table->trials[trial].value;
    const kin_sweep_result *r = kin_sweep_last(&table->trials[trial]);
    kin_text head = {0}, recipe = {0}, params = {0};
    char about[200];
    snprintf(about, sizeof about, "kin sweep: trial %lld, mAP %.4f of what is held out, at step %lld of %lld",
             (long long)trial, r->figure, (long long)r->step,
             (long long)s->opt.plan.step[s->opt.plan.rungs - 1]);
    kin_text_format(&head, "# The best so far of %s\n", about);
    if (s->space.has_chain) kin_text_add(&head, "# behind it: kin retrieve --params best.json\n");
    bool ok = (!head.failed || kin_fail_memory(err, "best.conf", head.size)) &&
              (!s->space.has_chain || (kin_space_params(&s->space, value, about, &params, err) &&
                                       write_text(s, "best.json", &params, err))) &&
              kin_space_recipe(&s->space, &s->opt.plan, value, head.data, &recipe, err) &&
              write_text(s, "best.conf", &recipe, err);
    kin_text_free(&head), kin_text_free(&recipe), kin_text_free(&params);
    return ok;
}

/* ---- the search ---- */

static bool show_reading(void *user, int64_t done, int64_t total)
{
    (void)user, (void)done, (void)total;
    return !kin_interrupted();
}

static bool open_data(sweep *s, kin_error *err)
{
    const kin_cli *train = &s->space.train;
    const char *fold = kin_option_string(train, "validate-fold");
    kin_split how = {.share = kin_option_real(train, "validate"),
                     .list = kin_option_string(train, "validate-list")};
    const kin_dataset_opt choice = kin_source_choice(train);
    if (!(how.share > 0) && !fold && !how.list)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s: validate = 0 holds nothing out to judge by; leave it out for 0.25",
                        s->space.conf.path);
    return (!fold || kin_split_parse_fold(fold, &how.fold, &how.folds, err)) &&
           kin_source_open_set(s->cli, s->space.data, &choice, &s->all, err) &&
           (s->all.classes > 0 || kin_source_need_classes(&s->all, s->space.data, "a sweep", err)) &&
           kin_split_validation(&s->all, &how, &s->kept, &s->held, err) &&
           kin_space_fits(&s->space, &s->held, err);
}

static bool read_time(const kin_cli *cli, const char *option, double *seconds, kin_error *err)
{
    const char *text = kin_option_string(cli, option);
    return !text || kin_duration_read(text, seconds, err);
}

static bool make_plan(sweep *s, kin_error *err)
{
    const kin_cli *cli = s->cli;
    bool halving = kin_option_choice(cli, "method") == 0;
    kin_sweep_plan *plan = &s->opt.plan;
    plan->trials = kin_option_int(cli, "trials");
    plan->seeds = (int)kin_option_int(cli, "seeds"), plan->finalists = (int)kin_option_int(cli, "finalists");
    plan->keep = kin_option_int(cli, "keep");
    plan->seed = (uint64_t)kin_option_int(cli, "seed");
    return kin_sweep_plan_rungs(plan, kin_option_int(&s->space.train, "steps"),
                                halving ? (int)kin_option_int(cli, "rungs") : 1,
                                (int)kin_option_int(cli, "eta"), err);
}

/* What was asked for as kin_sweep has it. */
static bool prepare(sweep *s, kin_error *err)
{
    const kin_cli *cli = s->cli, *train = &s->space.train;
    s->best = -1;
    s->opt = (kin_sweep_opt){
        .params = s->space.params,
        .n_params = s->space.n_params,
        .configure = kin_space_configure,
        .user = &s->space,
        .fixed = s->space.fixed.data ? s->space.fixed.data : "",
        .set = &s->kept,
        .validation = &s->held,
        .folder = s->folder,
        .reading = {.cache = (uint64_t)kin_option_int(train, "cache") << 20,
                    .limits = {.max_pixels = (uint64_t)kin_option_int(train, "max-pixels")},
                    .progress = show_reading,
                    .user = s},
        .watch = {.user = s,
                  .on_begin = on_begin,
                  .on_step = on_step,
                  .on_result = on_result,
                  .on_failed = on_failed,
                  .on_left_out = on_left_out,
                  .on_best = on_best,
                  .should_stop = stop}};
    return read_time(cli, "budget", &s->opt.budget, err) &&
           read_time(cli, "deadline", &s->opt.deadline, err) && make_plan(s, err);
}

/* The page that --html names, or the folder's own. */
static bool write_page(const kin_cli *cli, const char *folder, const kin_sweep_record *record, kin_error *err)
{
    const char *asked = kin_option_string(cli, "html");
    char *own = asked ? NULL : kin_path_join(folder, "report.html");
    bool ok = (asked || own) ? kin_sweep_page_write(asked ? asked : own, folder, record, err)
                             : kin_fail_memory(err, folder, strlen(folder));
    if (ok) kin_cli_note(cli, "%s shows it", asked ? asked : own);
    kin_free(own);
    return ok;
}

static bool tell(const kin_cli *cli, const char *folder, kin_error *err)
{
    kin_sweep_record record;
    kin_text out = {0};
    if (!kin_sweep_read(folder, &record, err)) return false;
    bool ok = kin_option_flag(cli, "json")
                  ? kin_sweep_json(&record, &out, err)
                  : kin_sweep_table_text(&record, kin_option_flag(cli, "all") ? INT64_MAX : SHOWN, &out, err);
    if (ok && out.data) fputs(out.data, stdout);
    ok = ok && write_page(cli, folder, &record, err);
    kin_text_free(&out);
    kin_sweep_record_free(&record);
    return ok;
}

static bool search(sweep *s, double began, kin_error *err)
{
    const char *path = s->cli->positional[0], *data = s->cli->positional[1];
    if (!kin_space_open(&s->space, path, data, err)) return false;
    bool ok = prepare(s, err) && open_data(s, err);
    if (ok) {
        const kin_sweep_plan *plan = &s->opt.plan;
        kin_cli_note(
            s->cli,
            "%d parameters, %lld pictures of %d classes and %lld of %d held out, trials of up to %lld steps",
            s->space.n_params, (long long)s->kept.count, s->kept.classes, (long long)s->held.count,
            s->held.classes, (long long)plan->step[plan->rungs - 1]);
        if (s->opt.deadline > 0) s->opt.deadline = fmax(1e-3, s->opt.deadline - (kin_clock() - began));
        kin_interrupt_lasts("\nkin: stops after this step, with a checkpoint; once more ends at once\n");
        ok = kin_sweep(&s->opt, NULL, err);
        kin_interrupt_lasts(NULL);
    }
    kin_meter_break();
    kin_dataset_free(&s->kept), kin_dataset_free(&s->held), kin_dataset_free(&s->all);
    kin_space_free(&s->space);
    return ok;
}

/* Who stops a sweep wants to see how far it came; that it was stopped is the error that counts. */
static void show_so_far(const kin_cli *cli)
{
    const char *folder = kin_option_string(cli, "out");
    kin_sweep_record record;
    if (!kin_sweep_read(folder, &record, NULL)) return;
    write_page(cli, folder, &record, NULL);
    kin_sweep_record_free(&record);
}

static bool swept(kin_cli *cli, double began, kin_error *err)
{
    sweep *s = kin_alloc_zero(1, sizeof *s);
    kin_error why = {0};
    if (!s) return kin_fail_memory(err, "the sweep", sizeof *s);
    s->cli = cli, s->folder = kin_option_string(cli, "out");
    bool ok = search(s, began, &why);
    kin_free(s);
    if (ok) return tell(cli, kin_option_string(cli, "out"), err);
    if (why.code == KIN_ERR_INTERRUPTED) show_so_far(cli);
    if (why.code != KIN_ERR_INTERRUPTED) return kin_fail(err, why.code, "%s", why.message);
    return kin_fail(err, KIN_ERR_INTERRUPTED,
                    "%s; the same command goes on, and kin sweep --report %s tells what there is",
                    why.message, kin_option_string(cli, "out"));
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    double began = kin_clock();
    const char *report = kin_option_string(cli, "report"), *out = kin_option_string(cli, "out");
    if (report && (out || cli->positionals))
        return kin_cli_usage(cli,
                             "--report DIR tells of a sweep that is there; leave out SPACE, DATA and --out");
    if (!report && (!out || cli->positionals != 2))
        return kin_cli_usage(cli, "SPACE, DATA and --out DIR are needed");
    if (!report && !kin_option_given(cli, "budget") && !kin_option_given(cli, "deadline") &&
        !kin_option_given(cli, "trials"))
        return kin_cli_usage(
            cli, "say how long: --budget 30m of computing, --deadline 30m from now, or --trials 20");
    kin_interrupt_catch();
    bool ok = report ? tell(cli, report, &err) : swept(cli, began, &err);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const char *const methods[] = {"asha", "random", NULL};

static const kin_option options[] = {
    {.name = "out",
     .kind = KIN_OPTION_STRING,
     .value = "DIR",
     .help = "Folder of the sweep: the journal, the trials' checkpoints, the best recipe so far (best.conf). "
             "The same "
             "command goes on with it."},
    {.name = "report",
     .kind = KIN_OPTION_STRING,
     .value = "DIR",
     .help = "Tell what came of a sweep so far, also while it runs."},
    {.name = "budget",
     .kind = KIN_OPTION_STRING,
     .value = "TIME",
     .fallback_shown = "none",
     .help = "Computing time in all, over all calls for DIR: 30m, 2h. A rung that does not fit any more is "
             "not begun."},
    {.name = "deadline",
     .kind = KIN_OPTION_STRING,
     .value = "TIME",
     .fallback_shown = "none",
     .help = "When to be done, from now, as kin retrieve keeps it."},
    {.name = "trials",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback_shown = "as many as there is time for",
     .help = "How many settings are tried at most."},
    {.name = "method",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = methods,
     .fallback = "asha",
     .help = "asha trains all a little and the best ones on, rung by rung; random trains each to its end."},
    {.name = "rungs",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = KIN_SWEEP_RUNGS,
     .fallback = "3",
     .help = "How many rungs asha has; the last is the steps of SPACE."},
    {.name = "eta",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 2,
     .high = 100,
     .fallback = "3",
     .help =
         "A rung has so many times the steps of the one before, and one of so many trials goes on to it."},
    {.name = "finalists",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 8,
     .fallback = "2",
     .help = "How many of the best are trained again in the end."},
    {.name = "seeds",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = 100,
     .fallback = "3",
     .help = "With how many other seeds; 0: not at all."},
    {.name = "keep",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .fallback_shown = "of all",
     .help = "Checkpoints are kept of so many trials, the best ones; another that is promoted yet begins "
             "again. Those of other seeds are not kept."},
    {.name = "seed",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = 999999999,
     .fallback = "1",
     .help = "What is drawn is a function of it."},
    {.name = "html",
     .kind = KIN_OPTION_STRING,
     .writes = KIN_WRITES_PAGE,
     .value = "PAGE",
     .fallback_shown = "DIR/report.html",
     .help = "Where the page goes: the best, what other seeds say, which parameters mattered, pairs of them, "
             "curves."},
    {.name = "all", .help = "Print all trials, not the best ten."},
    {.name = "json", .help = "Print one line of JSON instead of the table."},
    {0},
};

const kin_command kin_command_sweep = {
    .name = "sweep",
    .summary = "searches settings of a training, and of what follows it",
    .usage = "kin sweep SPACE DATA --out DIR (--budget TIME | --deadline TIME | --trials N) [options]\n"
             "kin sweep --report DIR [--html PAGE] [--json]",
    .about = "SPACE is a recipe whose values may be ranges: `lr = log(1e-4, 1e-2)`, `smoothing = uniform(0, "
             ".2)`, `head = "
             "choice(plain, bfe(global=64,part=128))`; any option of kin train, and in a section [chain] "
             "what follows the "
             "network: expand, alpha, augment, k1, k2, lambda. What stands as it is holds for all trials; "
             "steps is what a "
             "finished trial has.\n\n"
             "Trials are drawn at random and trained to the first rung, the best third of them on to the "
             "second, of those the "
             "best third to the end. Each goes on from its checkpoint, so that no step is computed twice and "
             "a finished trial "
             "is what kin train gives with its recipe. They are judged by the mAP of classes that no "
             "training sees: the last "
             "quarter, unless SPACE says validate, validate-fold or validate-list. The best few are trained "
             "again with other "
             "seeds, and whether the first differs from the second is said by those.\n\n"
             "DIR/journal.jsonl has every result as soon as it is there; after Ctrl-C or a kill the same "
             "command goes on, and "
             "without a limit of time ends with the same trials, bit for bit. DIR/best.conf is the best "
             "recipe so far.",
    .examples = "# half an hour\n"
                "kin sweep examples/sweep.conf shop --budget 30m --out sweeps/shop\n"
                "# what came of it\n"
                "kin sweep --report sweeps/shop\n"
                "# the best one, on all classes\n"
                "kin train shop --recipe sweeps/shop/best.conf --validate 0 --out runs/best",
    .arguments = {{"SPACE", "what is searched"}, {"DATA", "pictures with classes, as kin train takes them"}},
    .arguments_min = 0,
    .arguments_max = 2,
    .options = options,
    .run = run,
};
