/* kin demo: the whole way once, on products that kin draws itself. */
#include "base/json.h"
#include "base/memory.h"
#include "cli/options/command.h"
#include "cli/options/own.h"
#include "cli/pages/demo_page.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "cli/training/demo.h"
#include "cli/training/live.h"
#include "retrieval/lists/items.h"
#include "retrieval/lists/ranks.h"

#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"out", KIN_OPTION_STRING, "DIR", "folder for the page, the figures and the network", "out/demo"},
    {"steps", KIN_OPTION_INT, "N", "how long to train", "600", .low = 1, .high = -1},
    {"seed", KIN_OPTION_INT, "N", "another shop, another training", "3", .low = 0, .high = -1},
    {0},
};

static const char *const rung_names[KIN_DEMO_RUNGS] = {"raw_pixels", "histogram", "untrained",
                                                       "embedding",  "expanded",  "reranked"};

static void set_config(kin_config *c, const kin_cli *cli)
{
    *c = (kin_config){.model = "conv4",
                      .loss = "triplet-hard",
                      .size = 48,
                      .channels = 3,
                      .filter = "bilinear",
                      .batch_classes = 16,
                      .batch_pictures = 4,
                      .batch = 64,
                      .optimizer = KIN_ADAM,
                      .schedule = KIN_SCHEDULE_COSINE,
                      .lr = 1e-3,
                      .decay_every = 1000,
                      .decay_gamma = 0.1,
                      .momentum = 0.9,
                      .flip = 0,
                      .shift = 3,
                      .light = 0.15,
                      .validate_every = 250,
                      .save_every = 1000000,
                      .data = KIN_DEMO_DATA};
    c->steps = kin_option_int(cli, "steps");
    c->seed = kin_option_int(cli, "seed");
}

/* Descriptors of a part by one of the rungs up to the embedding. */
static bool describe(kin_demo_rung rung, kin_trainer *t, const kin_pictures *part, kin_demo_split *out,
                     kin_error *err)
{
    kin_encoded encoded = {0};
    kin_dataset set = kin_pictures_set(part);
    bool ok;
    if (rung == KIN_DEMO_PIXELS || rung == KIN_DEMO_HISTOGRAM)
        ok = (encoded.rows = (rung == KIN_DEMO_PIXELS ? kin_encode_pixels : kin_encode_histogram)(
                  part, &encoded.dim, err)) != NULL;
    else ok = kin_encode(kin_trainer_module(t), kin_trainer_network(t), &set, NULL, &encoded, err);
    ok = ok && kin_demo_split_new(out, part, encoded.rows, encoded.dim, err);
    kin_encoded_free(&encoded);
    return ok;
}

static bool measure(const kin_demo_split *s, kin_demo_rung rung, const kin_demo_fit *fit, kin_metrics *m,
                    kin_error *err)
{
    kin_neighbours lists;
    if (!kin_demo_rank(s, rung, fit, &lists, err)) return false;
    bool ok = kin_demo_judge(s, &lists, m, NULL, err);
    kin_neighbours_free(&lists);
    return ok;
}

static bool describe_and_measure(kin_demo_rung rung, kin_trainer *t, const kin_pictures *part, kin_metrics *m,
                                 kin_error *err)
{
    kin_demo_split split;
    if (!describe(rung, t, part, &split, err)) return false;
    bool ok = measure(&split, rung, NULL, m, err);
    kin_demo_split_free(&split);
    return ok;
}

static bool fit_ranking(kin_trainer *t, const kin_pictures *part, kin_demo_fit *fit, kin_error *err)
{
    kin_demo_split split;
    if (!describe(KIN_DEMO_EMBEDDING, t, part, &split, err)) return false;
    bool ok = kin_demo_fit_ranking(&split, fit, err);
    kin_demo_split_free(&split);
    return ok;
}

static bool write_metrics(const char *folder, const kin_metrics *m, const kin_demo_fit *fit, double seconds,
                          kin_error *err)
{
    kin_text json = {0};
    kin_text_add(&json, "{");
    for (int r = 0; r < KIN_DEMO_RUNGS; r++) {
        kin_text_format(&json, "%s\"%s\":{\"mAP\":", r ? "," : "", rung_names[r]);
        kin_json_add_number(&json, m[r].mean.ap);
        kin_text_add(&json, ",\"R@1\":");
        kin_json_add_number(&json, m[r].mean.recall[0]);
        kin_text_add(&json, ",\"mAP-pessimistic\":");
        kin_json_add_number(&json, m[r].pessimistic.ap);
        kin_text_add(&json, ",\"R@1-pessimistic\":");
        kin_json_add_number(&json, m[r].pessimistic.recall[0]);
        kin_text_add(&json, "}");
    }
    kin_text_format(&json,
                    ",\"fitted\":{\"expand\":%lld,\"alpha\":%g,\"k1\":%lld,\"k2\":%lld,\"lambda\":%g},"
                    "\"seconds\":%.1f}\n",
                    (long long)fit->expand_n, fit->alpha, (long long)fit->k1, (long long)fit->k2, fit->lambda,
                    seconds);
    char *path = kin_path_join(folder, "metrics.json");
    bool ok = path && !json.failed ? kin_write_file(path, json.data, json.size, err)
                                   : kin_fail_memory(err, "metrics.json", json.size);
    kin_free(path);
    kin_text_free(&json);
    return ok;
}

/* Queries and gallery as `kin embed` would have written them, and the best lists: to go on with the other
 * commands. */
static bool write_side(const char *folder, const char *name, const float *rows, const int64_t *label,
                       const int64_t *picture, int64_t count, int64_t dim, kin_error *err)
{
    enum { ID = 32 };
    char *texts = kin_alloc_array((size_t)count, 2 * ID), *path = kin_path_join(folder, name);
    const char **lists = kin_alloc_array((size_t)count, 2 * sizeof *lists);
    bool ok = (texts && path && lists) || kin_fail_memory(err, name, (size_t)count * 2 * ID);
    for (int64_t i = 0; ok && i < count; i++) {
        lists[i] = texts + i * 2 * ID;
        lists[count + i] = texts + (i * 2 + 1) * ID;
        snprintf(texts + i * 2 * ID, ID, "picture-%05lld", (long long)picture[i]);
        snprintf(texts + (i * 2 + 1) * ID, ID, "product-%04lld", (long long)label[i] + 1);
    }
    ok = ok && kin_embeddings_write(path, (kin_vectors){rows, count, dim}, lists, lists + count, NULL, err);
    kin_free(texts);
    kin_free(path);
    kin_free(lists);
    return ok;
}

static bool write_lists(const char *folder, const kin_demo_split *s, kin_error *err)
{
    return write_side(folder, "query", s->query, s->query_label, s->query_picture, s->queries, s->dim, err) &&
           write_side(folder, "gallery", s->gallery, s->gallery_label, s->gallery_picture, s->items, s->dim,
                      err);
}

/* What is too large for a stack. */
typedef struct demo {
    kin_config config, was; /* was: of the run that is there */
    kin_metrics metrics[KIN_DEMO_RUNGS];
    kin_live live;
} demo;

/* With the network trained: fit, measure the last rungs, write everything. */
static bool finish(const kin_cli *cli, const char *folder, kin_demo_shop *shop, kin_trainer *t, demo *d,
                   double started, kin_error *err)
{
    kin_metrics *m = d->metrics;
    kin_demo_split test = {0};
    kin_demo_fit fit = {0};
    bool ok = describe(KIN_DEMO_EMBEDDING, t, &shop->test, &test, err) &&
              measure(&test, KIN_DEMO_EMBEDDING, NULL, &m[KIN_DEMO_EMBEDDING], err);
    ok = ok && fit_ranking(t, &shop->fit, &fit, err) &&
         measure(&test, KIN_DEMO_EXPANDED, &fit, &m[KIN_DEMO_EXPANDED], err) &&
         measure(&test, KIN_DEMO_RERANKED, &fit, &m[KIN_DEMO_RERANKED], err);
    ok = ok && write_lists(folder, &test, err) &&
         kin_demo_page(folder, shop, t, &test, &fit, m, &d->live.forming, err) &&
         write_metrics(folder, m, &fit, kin_clock() - started, err);
    kin_demo_split_free(&test);
    if (!ok) return false;
    char ties[KIN_TIES_TEXT];
    printf("%-44s %8s %8s\n", "", "mAP", "R@1");
    for (int r = 0; r < KIN_DEMO_RUNGS; r++)
        printf("%-44s %8.4f %8.4f%s\n", kin_demo_rung_titles[r], m[r].mean.ap, m[r].mean.recall[0],
               kin_judge_ties(&m[r], ties));
    printf("\n%s/report.html shows what was found, in %.0f s\n", folder, kin_clock() - started);
    (void)cli;
    return true;
}

/* Whether the folder holds this very demo, begun and not done; not being able to tell is no. */
static bool begun(const char *run, demo *d)
{
    const kin_config *config = &d->config, *was = &d->was;
    kin_checkpoint *checkpoint = NULL;
    kin_error ignored = {0};
    int64_t step = 0;
    char *path = kin_path_join(run, "last.safetensors");
    bool same = path && kin_exists(path) && kin_checkpoint_open(path, &checkpoint, &ignored) &&
                kin_config_from_checkpoint(&d->was, checkpoint, path, kin_own(), &ignored);
    const char *at = same ? kin_checkpoint_note(checkpoint, "step") : NULL;
    same = same && at && kin_parse_int(at, 0, INT64_MAX, &step) && step < config->steps &&
           strcmp(was->data, config->data) == 0 && was->steps == config->steps && was->seed == config->seed;
    kin_checkpoint_free(checkpoint);
    kin_free(path);
    return same;
}

/* The rungs below the trained network, by first values: of a trainer that trains nothing. */
static bool measure_untrained(demo *d, const kin_dataset *set, kin_demo_shop *shop, kin_error *err)
{
    kin_trainer *t = kin_trainer_open(&(kin_trainer_opt){.config = &d->config, .set = set}, err);
    if (!t) return false;
    bool ok = true;
    for (int r = 0; ok && r <= KIN_DEMO_UNTRAINED; r++)
        ok = describe_and_measure((kin_demo_rung)r, t, &shop->test, &d->metrics[r], err);
    kin_trainer_close(t);
    return ok;
}

static bool stopped(const kin_trainer *t, kin_error *err)
{
    const kin_train_state *now = kin_trainer_state(t);
    if (err->code != KIN_ERR_INTERRUPTED) return false;
    kin_error_clear(err);
    return kin_fail(err, KIN_ERR_INTERRUPTED,
                    "stopped at step %lld of %lld; the same kin demo goes on from there",
                    (long long)now->step, (long long)now->steps);
}

/* Trains in `run` and tells the rest; the map that forms while it trains is of products that it never sees. */
static bool train_and_tell(demo *d, kin_cli *cli, const char *folder, char *run, kin_demo_shop *shop,
                           double started, kin_error *err)
{
    kin_meter meter;
    kin_show show = {.meter = &meter, .run = run, .live = &d->live};
    kin_dataset set = kin_pictures_set(&shop->train), test = kin_pictures_set(&shop->test);
    set_config(&d->config, cli);
    kin_trainer_opt opt = {.config = &d->config,
                           .set = &set,
                           .run = run,
                           .resume = begun(run, d),
                           .watch = kin_show_watch(&show)};
    kin_trainer *t = measure_untrained(d, &set, shop, err) &&
                             kin_live_open(&d->live, &meter, run, &set, &test, err)
                         ? kin_trainer_open(&opt, err)
                         : NULL;
    if (!t) return false;
    const kin_train_state *now = kin_trainer_state(t);
    if (opt.resume) kin_cli_note(cli, "goes on with the training at step %lld", (long long)now->step);
    kin_meter_start(&meter, "training", "steps", now->step, d->config.steps, cli->quiet);
    bool ok = kin_show_training(&show, t, err) || stopped(t, err);
    if (ok) kin_meter_end(&meter);
    ok = ok && finish(cli, folder, shop, t, d, started, err);
    kin_trainer_close(t);
    return ok;
}

static bool tell_with(demo *d, kin_cli *cli, const char *folder, kin_demo_shop *shop, double started,
                      kin_error *err)
{
    char *run = kin_path_join(folder, "run");
    bool ok = run ? train_and_tell(d, cli, folder, run, shop, started, err)
                  : kin_fail_memory(err, "the demo", strlen(folder));
    kin_live_close(&d->live);
    kin_free(run);
    return ok;
}

static bool tell(kin_cli *cli, const char *folder, kin_demo_shop *shop, double started, kin_error *err)
{
    demo *d = kin_alloc_zero(1, sizeof *d);
    bool ok = d ? tell_with(d, cli, folder, shop, started, err) : kin_fail_memory(err, "the demo", sizeof *d);
    kin_free(d);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_demo_shop shop;
    kin_meter meter;
    double started = kin_clock();
    const char *folder = kin_option_string(cli, "out");
    kin_interrupt_catch();
    bool ok = kin_make_folders(folder, &err);
    kin_meter_start(&meter, "drawing a shop", "pictures", 0, kin_demo_pictures(), cli->quiet);
    ok = ok && kin_demo_draw(&shop, (uint64_t)kin_option_int(cli, "seed"), &meter, &err);
    if (!ok) return kin_cli_fail(cli, &err);
    kin_meter_end(&meter);
    ok = tell(cli, folder, &shop, started, &err);
    kin_demo_shop_free(&shop);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_demo = {
    .name = "demo",
    .summary = "draw a shop, learn its products, find others, and show it",
    .usage = "kin demo [--out DIR]",
    .about = "Draws 3,000 pictures of 300 products, trains a small network on 200 of them, and searches "
             "products that it never saw: by raw pixels, by colours, with the untrained network, "
             "with the trained one, with query expansion, and with k-reciprocal re-ranking. The parameters "
             "of the last two are fitted on 40 further products.\n\n"
             "DIR receives report.html (a page of pictures that needs no network connection), metrics.json, "
             "the trained network in run/, and query and gallery as kin embed writes them. While it trains, "
             "run/watch.html shows how; run/learning.svg, and the page, how the new products came to lie "
             "together. Ctrl-C leaves a "
             "checkpoint; "
             "the same command goes on from there and ends with the same bits.",
    .examples = "kin demo\n"
                "# go on by hand with what it left\n"
                "kin rerank --query out/demo/query --gallery out/demo/gallery --top 20 --out ranks.csv",
    .options = options,
    .run = run,
};
