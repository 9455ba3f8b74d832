/* kin backbones: frozen networks ranked on validation classes. */
#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/judge/backbones.h"
#include "cli/options/source.h"
#include "cli/terminal/interrupt.h"
#include "data/sets/split.h"
#include "retrieval/judge/judgement.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const kin_option options[] = {
    {"weights", KIN_OPTION_STRING, "DIR|FILE,...",
     "files of weights, or folders of them; kin weights tells what a file is and where others are had"},
    {"random", KIN_OPTION_STRING, "NAME,...",
     "networks of kin models with first values too: what the shape alone is worth"},
    {"classes", KIN_OPTION_STRING, "LIST",
     "classes to take, by their place in sorted order: 45-59, 700- or 0,2,4-6", .fallback_shown = "all"},
    KIN_LABELS_OPTION,
    {"validate", KIN_OPTION_REAL, "SHARE",
     "of these classes, judge the last share alone: the chunk that kin train --validate holds out", "0",
     .low = 0, .high = 0.9},
    {"size", KIN_OPTION_INT, "PIXELS", "height and width for all of them",
     .fallback_shown = "each network's own", .low = 1, .high = 4096},
    KIN_PICTURE_OPTIONS,
    {"cache", KIN_OPTION_STRING, "FOLDER",
     "keep rows and descriptors there: an interrupted run goes on, and a network more costs only itself",
     .fallback_shown = "none"},
    {"bootstrap", KIN_OPTION_INT, "ROUNDS", "rounds in which classes are drawn anew, for the intervals",
     "2000", .low = 100, .high = 1000000},
    {"seed", KIN_OPTION_INT, "N", "of the rounds, and of first values", "1", .low = 0, .high = -1},
    {"csv", KIN_OPTION_STRING, "FILE", "write the table there too", .writes = KIN_WRITES_FILE},
    {"json", KIN_OPTION_FLAG, NULL, "print one JSON object instead of the table"},
    {"strict", KIN_OPTION_FLAG, NULL, "refuse broken pictures instead of leaving them out"},
    {0},
};

/* ---- what is told ---- */

typedef struct difference {
    bool any, real; /* there are two; the interval does not hold 0 */
    double by, low, high;
} difference;

/* The better first; networks as good as one another by their names. */
static int by_map(const void *x, const void *y)
{
    const kin_backbone *a = x, *b = y;
    if (a->map != b->map) return a->map > b->map ? -1 : 1;
    int order = strcmp(a->model, b->model);
    return order ? order : strcmp(a->from, b->from);
}

static void add_verdict(kin_text *out, const kin_backbones *b, const difference *d)
{
    if (!d->any) return;
    const kin_backbone *first = &b->row[0], *second = &b->row[1];
    kin_text_format(out, "%s before %s: mAP %+.4f, %+.4f to %+.4f over other classes", first->model,
                    second->model, d->by, d->low, d->high);
    if (d->real) kin_text_add(out, ": a difference\n");
    else
        kin_text_format(out, ": no difference that these classes show; %s does less work\n",
                        first->macs <= second->macs ? first->model : second->model);
}

static void add_table(kin_text *out, const kin_dataset *set, const kin_backbones *b, const difference *d)
{
    kin_text_format(out, "%-19s %7s  %-17s %6s %7s %10s %7s %6s %5s  %s\n", "network", "mAP",
                    "95 % over classes", "R@1", "GMACs", "ms/picture", "MiB", "dim", "side", "weights");
    for (size_t i = 0; i < b->count; i++) {
        const kin_backbone *r = &b->row[i];
        kin_text_format(out, "%-19s %7.4f  %.4f to %.4f   %6.4f %7.3f %10.2f %7.1f %6lld %5lld  ", r->model,
                        r->map, r->low, r->high, r->recall1, r->macs * 1e-9, r->seconds * 1e3,
                        r->bytes / (1 << 20), (long long)r->dim, (long long)r->side);
        kin_text_add_visible(out, r->from);
        kin_text_add(out, "\n");
    }
    kin_text_format(out,
                    "%lld pictures of %d classes, each looked for among the others; times on %d thread%s\n",
                    (long long)set->count, set->classes, kin_threads(), kin_threads() == 1 ? "" : "s");
    add_verdict(out, b, d);
    if (set->classes < 10)
        kin_text_format(out, "%d classes are few to draw anew: the intervals are rough\n", set->classes);
}

static void add_member(kin_text *out, const char *name, double value)
{
    kin_text_format(out, ", \"%s\": ", name);
    kin_json_add_number(out, value);
}

static void add_json(kin_text *out, const kin_dataset *set, const kin_backbones *b, const difference *d)
{
    kin_text_format(out, "{\"pictures\": %lld, \"classes\": %d, \"threads\": %d, \"networks\": [",
                    (long long)set->count, set->classes, kin_threads());
    for (size_t i = 0; i < b->count; i++) {
        const kin_backbone *r = &b->row[i];
        kin_text_format(out, "%s\n  {\"network\": ", i ? "," : "");
        kin_json_add_string(out, r->model);
        kin_text_add(out, ", \"weights\": ");
        kin_json_add_string(out, r->from);
        add_member(out, "mAP", r->map), add_member(out, "low", r->low), add_member(out, "high", r->high);
        add_member(out, "R@1", r->recall1), add_member(out, "macs", r->macs);
        add_member(out, "milliseconds", r->seconds * 1e3);
        add_member(out, "bytes", r->bytes), add_member(out, "dim", (double)r->dim);
        add_member(out, "side", (double)r->side);
        kin_text_add(out, "}");
    }
    kin_text_add(out, "]");
    if (d->any) {
        kin_text_add(out, ", \"difference\": {\"first\": ");
        kin_json_add_string(out, b->row[0].model);
        kin_text_add(out, ", \"second\": ");
        kin_json_add_string(out, b->row[1].model);
        add_member(out, "mAP", d->by), add_member(out, "low", d->low), add_member(out, "high", d->high);
        kin_text_format(out, ", \"shown\": %s}", d->real ? "true" : "false");
    }
    kin_text_add(out, "}\n");
}

static bool write_csv(const char *path, const kin_backbones *b, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    fputs("network,weights,mAP,low,high,R@1,macs,milliseconds,bytes,dim,side\n", file.stream);
    for (size_t i = 0; i < b->count; i++) {
        const kin_backbone *r = &b->row[i];
        fprintf(file.stream, "%s,", r->model);
        kin_csv_put(file.stream, r->from);
        fprintf(file.stream, ",%.6f,%.6f,%.6f,%.6f,%.0f,%.4f,%.0f,%lld,%lld\n", r->map, r->low, r->high,
                r->recall1, r->macs, r->seconds * 1e3, r->bytes, (long long)r->dim, (long long)r->side);
    }
    return kin_file_commit(&file, err);
}

/* ---- the work ---- */

static bool intervals(const kin_cli *cli, const kin_dataset *set, kin_backbones *b, difference *d,
                      kin_error *err)
{
    const double level = .95;
    int64_t rounds = kin_option_int(cli, "bootstrap"), n = set->count,
            *label = kin_alloc_array((size_t)n, sizeof *label);
    uint64_t seed = (uint64_t)kin_option_int(cli, "seed");
    bool ok = label || kin_fail_memory(err, "the labels", (size_t)n * sizeof *label);
    for (int64_t i = 0; ok && i < n; i++) label[i] = set->items[i].label;
    for (size_t i = 0; ok && i < b->count; i++) {
        kin_backbone *r = &b->row[i];
        ok = kin_bootstrap_classes(&(kin_figures){r->ap, NULL, label, n},
                                   &(kin_bootstrap_opt){rounds, level, seed}, &r->low, &r->high, err);
    }
    *d = (difference){.any = b->count > 1};
    if (ok && d->any) {
        const double *first = b->row[0].ap, *second = b->row[1].ap;
        d->by = b->row[0].map - b->row[1].map;
        ok = kin_bootstrap_classes(&(kin_figures){first, second, label, n},
                                   &(kin_bootstrap_opt){rounds, level, seed}, &d->low, &d->high, err);
        d->real = d->low > 0;
    }
    kin_free(label);
    return ok;
}

/* A network that answers nothing, or does not take this size, is left out, with the reason. */
static bool measure_all(const kin_cli *cli, const kin_dataset *set, kin_backbones *b, kin_error *err)
{
    size_t kept = 0, cached = 0;
    for (size_t i = 0; i < b->count; i++) {
        kin_error why = {0};
        bool known = false;
        if (kin_backbone_measure(cli, set, &b->row[i], &known, &why)) {
            kin_backbone now = b->row[i];
            b->row[i] = b->row[kept];
            b->row[kept++] = now;
            cached += known;
        } else if (why.code == KIN_ERR_NUMERIC || why.code == KIN_ERR_ARGUMENT)
            kin_cli_note(cli, "left out: %s, %s: %s", b->row[i].model, b->row[i].from, why.message);
        else return kin_fail(err, why.code, "%s", why.message);
    }
    for (size_t i = kept; i < b->count; i++) kin_free(b->row[i].from), kin_free(b->row[i].ap);
    b->count = kept;
    if (kin_option_given(cli, "cache")) kin_cli_note(cli, "%zu of %zu rows were in the cache", cached, kept);
    return kept || kin_fail(err, KIN_ERR_DATA, "no network could be judged");
}

static bool rank(const kin_cli *cli, const kin_dataset *set, kin_error *err)
{
    kin_backbones b = {0};
    kin_text out = {0};
    difference d = {0};
    bool ok = kin_backbones_find(cli, &b, err) && measure_all(cli, set, &b, err);
    if (ok) {
        qsort(b.row, b.count, sizeof *b.row, by_map);
        ok = intervals(cli, set, &b, &d, err);
    }
    ok = ok && (!kin_option_given(cli, "csv") || write_csv(kin_option_string(cli, "csv"), &b, err));
    if (ok) {
        if (kin_option_flag(cli, "json")) add_json(&out, set, &b, &d);
        else add_table(&out, set, &b, &d);
        ok = !out.failed || kin_fail_memory(err, "the table", out.size);
    }
    if (ok) fwrite(out.data, 1, out.size, stdout);
    kin_text_free(&out);
    kin_backbones_free(&b);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_dataset all = {0}, kept = {0}, held = {0};
    double share = kin_option_real(cli, "validate");
    if (!kin_option_given(cli, "weights") && !kin_option_given(cli, "random"))
        return kin_cli_usage(cli, "give --weights DIR, --random NAMES or both");
    kin_interrupt_catch();
    if (kin_option_given(cli, "cache"))
        kin_interrupt_lasts("\nkin: stops after this batch, which the cache keeps; once more ends at once\n");
    kin_dataset_opt choice = kin_source_choice(cli);
    kin_image_limits limits; /* refused here, before any network is */
    bool ok = kin_picture_limits(cli, &limits, &err) &&
              kin_source_open_set(cli, cli->positional[0], &choice, &all, &err) &&
              kin_source_need_classes(&all, cli->positional[0], "kin backbones", &err);
    ok = ok && (share <= 0 || kin_split_validation(&all, &(kin_split){.share = share}, &kept, &held, &err));
    ok = ok && rank(cli, share > 0 ? &held : &all, &err);
    kin_dataset_free(&kept), kin_dataset_free(&held), kin_dataset_free(&all);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_backbones = {
    .name = "backbones",
    .summary = "rank frozen networks on validation classes, with their cost",
    .usage =
        "kin backbones DATA [--weights DIR|FILE,...] [--random NAME,...] [--classes LIST] [--cache FOLDER]",
    .about = "Which network to begin with: each one, as it is, turns the pictures into descriptors, and each "
             "picture "
             "looks for the others of its class. A row tells mAP, the milliseconds of one picture through "
             "the network "
             "(batches of 8, without decoding), weights and what a batch needs in memory, the length of the "
             "descriptor. Networks are recognised by the names and shapes in their files (kin weights); each "
             "reads pictures in its own size and scale.\n\n"
             "The interval tells what other classes could have given: classes are drawn anew, with all their "
             "pictures. When the interval of the difference between the first two holds 0, that is said: the "
             "cheaper one "
             "is then as good a choice. Judge on validation classes (--classes, or --validate as in kin "
             "train), never on "
             "those of the test.",
    .examples =
        "kin backbones shop --weights weights --validate .25\n"
        "# with two of random values, resumed where it was interrupted\n"
        "kin backbones grocery:train+val --classes 45-59 --weights weights,wheels --random resnet20,conv4 "
        "--cache cache",
    .arguments = {{"DATA", "a data set with classes, as kin train takes it"}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
