/* kin plan: what a run of kin retrieve will take, before it is begun. */
#include "autograd/ops.h"
#include "base/random.h"
#include "cli/options/command.h"
#include "cli/options/model_options.h"
#include "cli/retrieve/calibrate.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kin_job_size job_of(const kin_cli *cli)
{
    bool reranks = kin_option_choice(cli, "method") == 0;
    kin_job_size job = {.queries = kin_option_int(cli, "queries"),
                        .gallery = kin_option_int(cli, "gallery"),
                        .dim = kin_option_int(cli, "dim"),
                        .augment = kin_option_int(cli, "augment"),
                        .expand = kin_option_int(cli, "expand"),
                        .k1 = reranks ? kin_option_int(cli, "k1") : 0,
                        .k2 = reranks ? kin_option_int(cli, "k2") : 0};
    int64_t most = job.gallery - !job.queries, top = kin_option_int(cli, "top");
    job.top = top ? top : most < 1000 ? most : 1000;
    if (kin_option_given(cli, "model")) job.pictures = job.queries + job.gallery;
    return job;
}

static bool check(const kin_job_size *job, kin_error *err)
{
    int64_t items = job->queries + job->gallery, most = job->gallery - !job->queries;
    if (job->top < 1 || job->top > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--top %lld: a query can find %lld items", (long long)job->top,
                        (long long)most);
    if (job->k1 >= items)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--k1 %lld needs more items than the %lld there are",
                        (long long)job->k1, (long long)items);
    if (job->augment > job->gallery || job->expand > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "means over more neighbours than the %lld there are",
                        (long long)most);
    return true;
}

/* ---- embedding ---- */

/* Seconds a picture of the network alone, by two batches of noise, of which the second counts; *bytes is
 * what it holds. */
static bool time_network(const kin_cli *cli, double *seconds, double *bytes, kin_error *err)
{
    enum { BATCH = 16 };
    const kin_model *model = kin_model_named(kin_option_string(cli, "model"), err);
    kin_named_model chosen = {.model = model};
    if (!model) return false;
    kin_shape input = KIN_SHAPE(1, model->size, model->size, model->channels);
    if (kin_option_given(cli, "input") &&
        !kin_input_read(kin_option_string(cli, "input"), model, &input, err))
        return false;
    kin_ctx *ctx = kin_ctx_new();
    input.dim[0] = BATCH;
    kin_module *m = ctx ? kin_module_new(ctx, kin_named_model_forward, &chosen, input, 1) : NULL;
    if (m) {
        kin_record(ctx, false);
        kin_module_pictures_apart(m);
        for (int turn = 0; turn < 2 && kin_ok(ctx); turn++) {
            double began = kin_clock();
            kin_module_forward(m, kin_input(ctx, input, NULL), KIN_EVAL);
            *seconds = (kin_clock() - began) / BATCH;
            *bytes = (double)kin_peak_bytes(ctx) + (double)kin_module_packed_bytes(m) +
                     (double)kin_module_slab_count(m) * sizeof(kin_real);
            kin_end_step(ctx);
        }
    }
    bool ok = m && kin_ok(ctx);
    if (!ok)
        kin_fail(err, ctx ? kin_ctx_error(ctx)->code : KIN_ERR_MEMORY, "%s",
                 ctx ? kin_ctx_error(ctx)->message : "out of memory");
    kin_module_free(m);
    kin_ctx_free(ctx);
    return ok;
}

/* ---- the table ---- */

static const char *size_text(double bytes, char *text)
{
    if (bytes < 1e9) snprintf(text, 24, "%.0f MiB", ceil(bytes / 1048576));
    else snprintf(text, 24, "%.2f GiB", bytes / 1073741824);
    return text;
}

static const char *seconds_text(double seconds, char *text)
{
    if (seconds < 0) snprintf(text, 24, "?");
    else if (seconds < 60) snprintf(text, 24, "%.2f s", seconds);
    else kin_meter_clock(seconds, text);
    return text;
}

typedef struct forecast {
    double seconds[KIN_COSTS], bytes[KIN_COSTS], total, most;
    bool whole;
} forecast;

static forecast predict(const kin_job_size *job, const kin_timings *t)
{
    kin_rates rates = kin_rates_from(&t->job, t->seconds);
    forecast f = {.whole = true};
    for (int c = 0; c < KIN_COSTS; c++) {
        f.seconds[c] = kin_cost_seconds(&rates, job, (kin_cost)c);
        f.bytes[c] = kin_cost_work(job, (kin_cost)c) > 0 ? kin_cost_bytes(job, (kin_cost)c) : 0;
        f.total += fmax(0, f.seconds[c]);
        f.most = fmax(f.most, f.bytes[c]);
        if (f.seconds[c] < 0) f.whole = false;
    }
    return f;
}

static void print_json(const kin_job_size *job, const forecast *f)
{
    const char *comma = "";
    printf("{\"seconds\": {");
    for (int c = 0; c < KIN_COSTS; c++) {
        if (!(kin_cost_work(job, (kin_cost)c) > 0) || f->seconds[c] < 0) continue;
        printf("%s\"%s\": %.4f", comma, kin_cost_names[c], f->seconds[c]);
        comma = ", ";
    }
    printf("}, \"total\": %.4f, \"memory\": %.0f}\n", f->total, f->most);
}

static void print_table(const kin_job_size *job, const forecast *f)
{
    static const char *const about[KIN_COSTS] = {"pictures to descriptors",
                                                 "plain search",
                                                 "means over the gallery",
                                                 "means over the queries' neighbours",
                                                 "search with those",
                                                 "all pairs, for re-ranking",
                                                 "mutual neighbours",
                                                 "re-ranked lists",
                                                 "files"};
    char a[24], b[24];
    printf("%-14s %10s %10s\n", "stage", "time", "memory");
    for (int c = 0; c < KIN_COSTS; c++)
        if (kin_cost_work(job, (kin_cost)c) > 0)
            printf("%-14s %10s %10s   %s\n", kin_cost_names[c], seconds_text(f->seconds[c], a),
                   size_text(f->bytes[c], b), about[c]);
    printf("%-14s %10s %10s\n", "all", seconds_text(f->total, a), size_text(f->most, b));
}

/* What kin retrieve would do with so much time: its results in their order. */
static void print_verdict(const kin_job_size *job, const forecast *f, double deadline)
{
    const double *s = f->seconds;
    double write = fmax(0, s[KIN_COST_WRITE]) / (1 + (job->augment || job->expand) + (job->k1 > 0)),
           plain = fmax(0, s[KIN_COST_EMBED]) + s[KIN_COST_SEARCH] + write;
    double expanded = plain + (job->augment || job->expand ? s[KIN_COST_AUGMENT] + s[KIN_COST_EXPAND] +
                                                                 s[KIN_COST_SEARCH_AGAIN] + write
                                                           : 0);
    const char *what = deadline >= f->total ? "all of it fits"
                       : deadline >= expanded && expanded > plain
                           ? "the expanded search fits, re-ranking with the whole gallery does not"
                       : deadline >= plain ? "the plain search fits, the rest in part or not at all"
                                           : "not even the plain search fits";
    char a[24], b[24];
    printf("deadline       %10s              %s (%.0f %% of it is needed)\n", seconds_text(deadline, a), what,
           100 * f->total / deadline);
    if (deadline < f->total)
        printf("%-14s %10s              is what would do\n", "", seconds_text(f->total * 1.1, b));
}

static bool gather(kin_cli *cli, kin_job_size *job, kin_timings *t, double *network_bytes, kin_error *err)
{
    const char *folder = getenv("TMPDIR"), *file = kin_option_string(cli, "timings");
    if (!check(job, err)) return false;
    if (file && !kin_timings_read(file, t, err)) return false;
    if (file && t->job.dim != job->dim)
        kin_cli_note(
            cli,
            "%s was measured at %lld dimensions, not %lld: times are scaled by that, which is less exact",
            file, (long long)t->job.dim, (long long)job->dim);
    if (!file)
        kin_cli_note(cli, "measuring this machine on a smaller job, for some seconds (--timings FILE takes "
                          "those of a run instead)");
    if (!file && !kin_calibrate(job, folder && *folder ? folder : "/tmp", t, err)) return false;
    if (!job->pictures || (file && t->seconds[KIN_COST_EMBED] >= 0)) return true;
    double seconds = 0;
    if (!time_network(cli, &seconds, network_bytes, err)) return false;
    kin_cli_note(cli, "embedding is reckoned without reading and decoding pictures, which goes on beside it");
    t->job.pictures = 1;
    t->seconds[KIN_COST_EMBED] = seconds;
    return true;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_job_size job = job_of(cli);
    kin_timings t;
    double deadline = 0, network = 0;
    const char *text = kin_option_string(cli, "deadline");
    kin_interrupt_catch();
    if (text && !kin_duration_read(text, &deadline, &err)) return kin_cli_fail(cli, &err);
    if (!gather(cli, &job, &t, &network, &err)) return kin_cli_fail(cli, &err);
    forecast f = predict(&job, &t);
    f.bytes[KIN_COST_EMBED] += network;
    f.most = fmax(f.most, f.bytes[KIN_COST_EMBED]);
    if (kin_option_flag(cli, "json")) print_json(&job, &f);
    else print_table(&job, &f);
    if (!f.whole) kin_cli_note(cli, "a stage with ? was not among those measured");
    if (deadline > 0 && !kin_option_flag(cli, "json")) print_verdict(&job, &f, deadline);
    return 0;
}

static const char *const methods[] = {"k-reciprocal", "none", NULL};

static const kin_option options[] = {
    {.name = "queries",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 0,
     .high = 1e9,
     .fallback = "0",
     .help = "Queries; 0: each gallery item is looked for among the others."},
    {.name = "gallery",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 2,
     .high = 1e9,
     .required = true,
     .help = "Gallery items."},
    {.name = "dim",
     .kind = KIN_OPTION_INT,
     .value = "D",
     .low = 1,
     .high = 1e6,
     .required = true,
     .help = "Numbers in a descriptor."},
    {.name = "top",
     .kind = KIN_OPTION_INT,
     .value = "K",
     .low = 1,
     .high = -1,
     .fallback_shown = "1000, or the whole gallery if that is smaller",
     .help = "Length of the lists."},
    {.name = "augment",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Means over the gallery, as in kin retrieve."},
    {.name = "expand",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = -1,
     .help = "Means over the queries' neighbours."},
    {.name = "method",
     .kind = KIN_OPTION_CHOICE,
     .value = "M",
     .choices = methods,
     .fallback = "k-reciprocal",
     .help = "What comes last: re-ranking, or nothing."},
    {.name = "k1",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "20",
     .help = "How many neighbours must be mutual."},
    {.name = "k2",
     .kind = KIN_OPTION_INT,
     .value = "N",
     .low = 1,
     .high = 100000,
     .fallback = "6",
     .help = "Over how many neighbours encodings are averaged."},
    {.name = "model",
     .kind = KIN_OPTION_STRING,
     .value = "NAME",
     .help = "Descriptors come from this network of kin models: its time is reckoned too."},
    {.name = "input",
     .kind = KIN_OPTION_STRING,
     .value = "CxHxW",
     .fallback_shown = "the network's",
     .help = "With --model: the pictures' size."},
    {.name = "timings",
     .kind = KIN_OPTION_STRING,
     .value = "FILE",
     .help =
         "What `kin retrieve --timings` wrote, of a smaller run of the same kind: nothing is measured then."},
    {.name = "deadline",
     .kind = KIN_OPTION_STRING,
     .value = "TIME",
     .help = "Say what of it fits: 3600s, 60m, 1h."},
    {.name = "json",
     .kind = KIN_OPTION_FLAG,
     .help = "Print numbers for programs: seconds by stage, and bytes."},
    {0},
};

const kin_command kin_command_plan = {
    .name = "plan",
    .summary = "foretells the time and memory of a retrieval",
    .usage = "kin plan --queries N --gallery N --dim D [--top K] [--expand N] [--augment N] [--model NAME] "
             "[--deadline TIME]",
    .about = "Measures the stages on a smaller job of the same kind, made up, and scales each by its work: a "
             "search by queries x gallery x dimensions, re-ranking's "
             "comparisons by (queries + gallery) squared, and so on. More exact is a run on a part of one's "
             "own data: kin retrieve --timings FILE on half of the queries "
             "foretells all of them.",
    .examples = "# the contest: does it fit into its hour?\n"
                "kin plan --queries 18027 --gallery 36748 --dim 1536 --augment 10 --expand 10 --deadline 1h\n"
                "# from a run on a part of the queries\n"
                "kin plan --queries 18027 --gallery 36748 --dim 1536 --timings half.json",
    .options = options,
    .run = run,
};
