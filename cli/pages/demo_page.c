#include "cli/pages/demo_page.h"

#include "base/memory.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/finds.h"
#include "cli/pages/watch_page.h"
#include "data/shop/synth.h"
#include "retrieval/describe/tsne.h"

#include <stdio.h>
#include <string.h>

const char *const kin_demo_rung_titles[KIN_DEMO_RUNGS] = {
    "raw pixels",        "colour histogram",  "untrained network",
    "trained embedding", "+ query expansion", "+ re-ranking",
};

enum {
    TOP = 10,
    NAME = 40,
    FACTS = 6,
    MAP_EVERY = 2 /* of the test pictures, every other one is on the map */
};

/* What the page borrows. */
typedef struct page {
    const kin_demo_shop *shop;
    const kin_demo_split *test;
    const kin_forming *forming;
    int64_t *labels, *ranks, *queries, *map_items; /* pictures of shop->test */
    int64_t *relevant,
        *before; /* by query: what there is to find; by place found: the place before re-ranking */
    float *rows, *positions;
    int64_t n_map;
    double *ap, *steps;
    char *names;
    const char **class_names;
} page;

static void page_free(page *p)
{
    void *blocks[] = {p->labels, p->ranks,     p->queries, p->map_items, p->relevant, p->before,
                      p->rows,   p->positions, p->ap,      p->steps,     p->names,    p->class_names};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) kin_free(blocks[i]);
}

static bool page_alloc(page *p, int64_t steps, kin_error *err)
{
    size_t items = (size_t)p->shop->test.count, queries = (size_t)p->test->queries,
           classes = (size_t)p->shop->test.classes;
    p->labels = kin_alloc_array(items, sizeof *p->labels);
    p->map_items = kin_alloc_array(items, sizeof *p->map_items);
    p->positions = kin_alloc_array(items, 2 * sizeof *p->positions);
    p->rows = kin_alloc_array(items, (size_t)p->test->dim * sizeof *p->rows);
    p->queries = kin_alloc_array(queries, sizeof *p->queries);
    p->ap = kin_alloc_array(queries, sizeof *p->ap);
    p->ranks = kin_alloc_array(queries, TOP * sizeof *p->ranks);
    p->before = kin_alloc_array(queries, TOP * sizeof *p->before);
    p->relevant = kin_alloc_zero(queries, sizeof *p->relevant);
    p->steps = kin_alloc_array((size_t)steps, sizeof *p->steps);
    p->names = kin_alloc_array(classes, NAME);
    p->class_names = kin_alloc_array(classes, sizeof *p->class_names);
    bool ok = p->labels && p->map_items && p->positions && p->rows && p->queries && p->ap && p->ranks &&
              p->before && p->relevant;
    if (ok && p->steps && p->names && p->class_names) return true;
    return kin_fail_memory(err, "the demo's page",
                           (unsigned long long)items * (unsigned long long)p->test->dim * sizeof *p->rows);
}

static bool picture(void *arg, int64_t index, kin_image *out, kin_error *err)
{
    const kin_pictures *from = arg;
    size_t bytes = (size_t)from->size * (size_t)from->size * (size_t)from->channels;
    if (!kin_image_new(out, from->size, from->size, from->channels, err)) return false;
    memcpy(out->data, from->pixels + (size_t)index * bytes, bytes);
    return true;
}

static void name_products(page *p, uint64_t seed)
{
    int first = p->shop->train.classes + p->shop->fit.classes;
    for (int c = 0; c < p->shop->test.classes; c++) {
        char *name = p->names + (size_t)c * NAME;
        snprintf(name, NAME, "%s %d", kin_synth_kind(&(kin_synth_opt){.seed = seed}, first + c),
                 first + c + 1);
        p->class_names[c] = name;
    }
    for (int64_t i = 0; i < p->shop->test.count; i++) p->labels[i] = p->shop->test.items[i].label;
}

static int64_t place_of(const kin_neighbours *lists, int64_t q, int64_t item)
{
    for (int64_t r = 0; r < lists->k; r++)
        if (lists->index[q * lists->k + r] == item) return r + 1;
    return 0;
}

/* One query's list as it is shown: its order is the last rung's, so that beside each stands what that rung
 * did to it, and not a similarity, by which these lists are not sorted. */
static void fill_list(page *p, int64_t q, const kin_neighbours *lists, const kin_neighbours *plain)
{
    const kin_demo_split *s = p->test;
    p->queries[q] = s->query_picture[q];
    for (int64_t g = 0; g < s->items; g++) p->relevant[q] += s->gallery_label[g] == s->query_label[q];
    for (int64_t r = 0; r < TOP; r++) {
        int64_t found = r < lists->k ? lists->index[q * lists->k + r] : -1;
        p->ranks[q * TOP + r] = found >= 0 ? s->gallery_picture[found] : -1;
        p->before[q * TOP + r] = found >= 0 ? place_of(plain, q, found) : 0;
    }
}

/* The best lists there are. */
static bool fill_lists(page *p, const kin_demo_fit *fit, kin_error *err)
{
    const kin_demo_split *s = p->test;
    kin_scores *scores = kin_alloc_array((size_t)s->queries, sizeof *scores);
    kin_neighbours lists = {0}, plain = {0};
    kin_metrics m;
    bool ok = scores ||
              kin_fail_memory(err, "the demo's page", (unsigned long long)s->queries * sizeof *scores);
    ok = ok && kin_demo_rank(s, KIN_DEMO_EMBEDDING, fit, &plain, err) &&
         kin_demo_rank(s, KIN_DEMO_RERANKED, fit, &lists, err) && kin_demo_judge(s, &lists, &m, scores, err);
    for (int64_t q = 0; ok && q < s->queries; q++) {
        fill_list(p, q, &lists, &plain);
        p->ap[q] = scores[q].ap;
    }
    kin_neighbours_free(&lists), kin_neighbours_free(&plain);
    kin_free(scores);
    return ok;
}

static void note_place(void *arg, int64_t query, int rank, char *text, size_t size)
{
    int64_t before = ((const page *)arg)->before[query * TOP + rank];
    if (before == rank + 1) snprintf(text, size, "as before");
    else if (before) snprintf(text, size, "was %lld", (long long)before);
}

static void take_row(page *p, int64_t picture_index, const float *row)
{
    if (picture_index % MAP_EVERY) return;
    memcpy(p->rows + p->n_map * p->test->dim, row, (size_t)p->test->dim * sizeof *row);
    p->map_items[p->n_map++] = picture_index;
}

static bool fill_map(page *p, kin_error *err)
{
    const kin_demo_split *s = p->test;
    for (int64_t q = 0; q < s->queries; q++) take_row(p, s->query_picture[q], s->query + q * s->dim);
    for (int64_t g = 0; g < s->items; g++) take_row(p, s->gallery_picture[g], s->gallery + g * s->dim);
    return kin_tsne((kin_vectors){p->rows, p->n_map, s->dim}, &(kin_tsne_opt){.perplexity = 10}, p->positions,
                    NULL, err);
}

static void add_facts(kin_page *out, const page *p, const kin_trainer *t, const kin_demo_fit *fit)
{
    char texts[FACTS][64];
    const kin_train_state *now = kin_trainer_state(t);
    snprintf(texts[0], sizeof texts[0], "%d, with %lld pictures", p->shop->train.classes,
             (long long)p->shop->train.count);
    snprintf(texts[1], sizeof texts[1], "%d, with %lld pictures", p->shop->test.classes,
             (long long)p->shop->test.count);
    snprintf(texts[2], sizeof texts[2], "%s, %lld numbers a picture", kin_trainer_network(t)->config.model,
             (long long)p->test->dim);
    snprintf(texts[3], sizeof texts[3], "%lld steps of %lld pictures", (long long)now->step,
             (long long)now->batch);
    snprintf(texts[4], sizeof texts[4], "%lld neighbours, α = %g", (long long)fit->expand_n, fit->alpha);
    snprintf(texts[5], sizeof texts[5], "k₁ = %lld, k₂ = %lld, λ = %g", (long long)fit->k1,
             (long long)fit->k2, fit->lambda);
    kin_page_facts(out,
                   (kin_page_fact[FACTS]){{"Products learned from", texts[0]},
                                          {"New products searched", texts[1]},
                                          {"Network", texts[2]},
                                          {"Training", texts[3]},
                                          {"Expansion, fitted", texts[4]},
                                          {"Re-ranking, fitted", texts[5]}},
                   FACTS);
}

static void add_figures(kin_page *out, const kin_metrics *m)
{
    static const char *const values[2] = {"mAP", "R@1"};
    char names[KIN_DEMO_RUNGS][128], ties[KIN_TIES_TEXT];
    kin_bar bars[KIN_DEMO_RUNGS];
    for (int r = 0; r < KIN_DEMO_RUNGS; r++) {
        snprintf(names[r], sizeof names[r], "%s%s", kin_demo_rung_titles[r], kin_judge_ties(&m[r], ties));
        bars[r] = (kin_bar){names[r], {m[r].mean.ap, m[r].mean.recall[0]}};
    }
    kin_page_section(
        out, "How well it finds",
        "mAP: how early the right pictures come in the whole list. R@1: how often the first one is "
        "right. All on the new products. Expansion and re-ranking were fitted on other products "
        "again.");
    kin_page_bars(out, "System", values, bars, KIN_DEMO_RUNGS);
}

static void add_curve(kin_page *out, const page *p, const kin_trainer *t)
{
    const kin_train_state *now = kin_trainer_state(t);
    kin_curve loss = {NULL, p->steps, now->losses, now->step, true};
    kin_curves chart = {.title = "Loss while training",
                        .x_label = "training step",
                        .y_label = "loss",
                        .curves = &loss,
                        .n_curves = 1};
    for (int64_t i = 0; i < now->step; i++) p->steps[i] = (double)(i + 1);
    kin_page_section(out, "How it learned", "Pale: each step; strong: their moving average.");
    kin_page_curves(out, &chart, 1);
}

static bool write_page(const char *path, page *p, const kin_trainer *t, const kin_demo_fit *fit,
                       const kin_metrics *m, kin_error *err)
{
    kin_page out;
    kin_page_begin(&out, path, "What kin learned in a shop that it drew",
                   "A network saw some products in many views, and learned what makes two pictures show the "
                   "same thing. Then it was asked to find products that it had never seen.");
    add_facts(&out, p, t, fit);
    add_figures(&out, m);
    add_curve(&out, p, t);
    kin_page_section(&out, "A map of the embedding", NULL);
    kin_page_map(&out, &(kin_embedding_map){.count = p->n_map,
                                            .positions = p->positions,
                                            .items = p->map_items,
                                            .labels = p->labels,
                                            .n_labels = p->shop->test.count,
                                            .class_names = p->class_names,
                                            .image = picture,
                                            .image_arg = (void *)&p->shop->test});
    kin_page_movement(&out, p->forming);
    kin_page_section(
        &out, "What it finds",
        "Left the query, then its list, best first. ✓ and a full border: the same product; ✗ and a "
        "dashed one: another; pale: all right ones stand before it. The order is that after "
        "expansion and re-ranking; below stands the place that a picture had before them.");
    kin_page_finds(&out, &(kin_finds){.items = p->shop->test.count,
                                      .labels = p->labels,
                                      .class_names = p->class_names,
                                      .image = picture,
                                      .image_arg = (void *)&p->shop->test,
                                      .n_queries = p->test->queries,
                                      .queries = p->queries,
                                      .ranks = p->ranks,
                                      .top = TOP,
                                      .relevant = p->relevant,
                                      .ap = p->ap,
                                      .note = note_place,
                                      .note_arg = p,
                                      .worst = 8,
                                      .best = 4,
                                      .random = 4});
    bool ok = kin_page_write(&out, err);
    kin_page_free(&out);
    return ok;
}

bool kin_demo_page(const char *folder, const kin_demo_shop *shop, const kin_trainer *t,
                   const kin_demo_split *test, const kin_demo_fit *fit, const kin_metrics *m,
                   const kin_forming *forming, kin_error *err)
{
    page p = {.shop = shop, .test = test, .forming = forming};
    char *path = kin_path_join(folder, "report.html");
    bool ok = path ? page_alloc(&p, kin_trainer_state(t)->step, err)
                   : kin_fail_memory(err, "the demo's page", 1);
    if (ok) {
        name_products(&p, (uint64_t)kin_trainer_network(t)->config.seed);
        ok = fill_lists(&p, fit, err) && fill_map(&p, err) && write_page(path, &p, t, fit, m, err);
    }
    page_free(&p);
    kin_free(path);
    return ok;
}
