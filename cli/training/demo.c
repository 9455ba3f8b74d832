#include "cli/training/demo.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "cli/terminal/interrupt.h"
#include "retrieval/describe/expand.h"
#include "retrieval/rerank/rerank.h"

#include <string.h>

enum {
    VIEWS = 10,
    QUERY_VIEWS = 3, /* of each product; the other seven are its positives in the gallery */
    SIZE = 48,
    TRAIN_PRODUCTS = 200,
    FIT_PRODUCTS = 40,
    TEST_PRODUCTS = 60,
};

/* ---- drawing ---- */

typedef struct drawing {
    kin_pictures *part;
    uint64_t seed;
    int first_product;
    int64_t from;      /* picture of the part */
    kin_error *errors; /* one a worker */
} drawing;

int64_t kin_demo_pictures(void) { return (int64_t)(TRAIN_PRODUCTS + FIT_PRODUCTS + TEST_PRODUCTS) * VIEWS; }

static void draw_one(void *arg, int64_t block, int worker)
{
    drawing *d = arg;
    int64_t i = d->from + block;
    size_t bytes = (size_t)SIZE * SIZE * 3;
    kin_image image;
    kin_synth_opt opt = {.seed = d->seed, .size = SIZE};
    if (!kin_synth_image(&opt, d->first_product + (int)(i / VIEWS), (int)(i % VIEWS), &image,
                         &d->errors[worker]))
        return;
    memcpy(d->part->pixels + (size_t)i * bytes, image.data, bytes);
    kin_image_free(&image);
}

static bool draw_all(drawing *d, kin_meter *meter, int64_t *done, kin_error *err)
{
    for (; d->from < d->part->count; d->from += VIEWS * 4) {
        int64_t left = d->part->count - d->from, n = left < VIEWS * 4 ? left : VIEWS * 4;
        kin_parallel_for(n, draw_one, d);
        kin_meter_update(meter, *done += n, NULL);
        if (kin_interrupted()) return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while drawing");
    }
    for (int w = 0; w < KIN_MAX_THREADS; w++)
        if (kin_failed(&d->errors[w])) return kin_fail(err, d->errors[w].code, "%s", d->errors[w].message);
    return true;
}

static bool draw_part(kin_pictures *part, int first, int products, uint64_t seed, kin_meter *meter,
                      int64_t *done, kin_error *err)
{
    *part = (kin_pictures){
        .count = (int64_t)products * VIEWS, .size = SIZE, .channels = 3, .classes = products};
    drawing d = {part, seed, first, 0, kin_alloc_zero(KIN_MAX_THREADS, sizeof *d.errors)};
    part->pixels = kin_alloc_array((size_t)part->count, (size_t)SIZE * SIZE * 3);
    part->items = kin_alloc_zero((size_t)part->count, sizeof *part->items);
    bool ok = d.errors && part->pixels && part->items
                  ? draw_all(&d, meter, done, err)
                  : kin_fail_memory(err, "the shop", (size_t)part->count * SIZE * SIZE * 3);
    kin_free(d.errors);
    for (int64_t i = 0; ok && i < part->count; i++)
        part->items[i] = (kin_sample){.id = "", .path = "", .label = (int)(i / VIEWS), .index = i};
    return ok;
}

bool kin_demo_draw(kin_demo_shop *shop, uint64_t seed, kin_meter *meter, kin_error *err)
{
    int64_t done = 0;
    *shop = (kin_demo_shop){0};
    bool ok = draw_part(&shop->train, 0, TRAIN_PRODUCTS, seed, meter, &done, err) &&
              draw_part(&shop->fit, TRAIN_PRODUCTS, FIT_PRODUCTS, seed, meter, &done, err) &&
              draw_part(&shop->test, TRAIN_PRODUCTS + FIT_PRODUCTS, TEST_PRODUCTS, seed, meter, &done, err);
    if (!ok) kin_demo_shop_free(shop);
    return ok;
}

void kin_demo_shop_free(kin_demo_shop *shop)
{
    kin_pictures_free(&shop->train);
    kin_pictures_free(&shop->fit);
    kin_pictures_free(&shop->test);
}

/* ---- queries and gallery ---- */

bool kin_demo_split_new(kin_demo_split *s, const kin_pictures *part, const float *rows, int64_t dim,
                        kin_error *err)
{
    int64_t products = part->count / VIEWS;
    *s = (kin_demo_split){
        .queries = products * QUERY_VIEWS, .items = products * (VIEWS - QUERY_VIEWS), .dim = dim};
    s->query = kin_alloc_array((size_t)s->queries, (size_t)dim * sizeof *rows);
    s->gallery = kin_alloc_array((size_t)s->items, (size_t)dim * sizeof *rows);
    s->query_label = kin_alloc_array((size_t)s->queries, sizeof *s->query_label);
    s->query_picture = kin_alloc_array((size_t)s->queries, sizeof *s->query_picture);
    s->gallery_label = kin_alloc_array((size_t)s->items, sizeof *s->gallery_label);
    s->gallery_picture = kin_alloc_array((size_t)s->items, sizeof *s->gallery_picture);
    if (!s->query || !s->gallery || !s->query_label || !s->query_picture || !s->gallery_label ||
        !s->gallery_picture) {
        kin_demo_split_free(s);
        return kin_fail_memory(err, "queries and gallery", (size_t)part->count * (size_t)dim * sizeof *rows);
    }
    int64_t q = 0, g = 0;
    for (int64_t i = 0; i < part->count; i++) {
        bool query = i % VIEWS < QUERY_VIEWS;
        memcpy(query ? s->query + q * dim : s->gallery + g * dim, rows + i * dim, (size_t)dim * sizeof *rows);
        if (query) s->query_label[q] = part->items[i].label, s->query_picture[q++] = i;
        else s->gallery_label[g] = part->items[i].label, s->gallery_picture[g++] = i;
    }
    return true;
}

void kin_demo_split_free(kin_demo_split *s)
{
    kin_free(s->query);
    kin_free(s->gallery);
    kin_free(s->query_label);
    kin_free(s->query_picture);
    kin_free(s->gallery_label);
    kin_free(s->gallery_picture);
    *s = (kin_demo_split){0};
}

/* ---- ranking ---- */

static bool rank_expanded(kin_vectors query, kin_vectors gallery, bool rerank, const kin_demo_fit *fit,
                          kin_neighbours *lists, kin_error *err)
{
    float *q = kin_alloc_array((size_t)query.count, (size_t)query.dim * sizeof *q),
          *g = kin_alloc_array((size_t)gallery.count, (size_t)gallery.dim * sizeof *g);
    bool ok = (q && g) ||
              kin_fail_memory(err, "expansion",
                              (size_t)(query.count + gallery.count) * (size_t)query.dim * sizeof *q);
    kin_expand_opt opt = {.n = fit->expand_n, .alpha = fit->alpha};
    /* The gallery is augmented from the gallery alone, then the queries from it: no query enters another's
     * result here. */
    ok = ok && kin_expand_database(gallery, &opt, g, err) &&
         kin_expand_queries(query, (kin_vectors){g, gallery.count, gallery.dim}, &opt, q, err);
    kin_vectors eq = {q, query.count, query.dim}, eg = {g, gallery.count, gallery.dim};
    if (ok && rerank) {
        kin_rerank_opt r = {KIN_RERANK_DEFAULTS, .k = gallery.count};
        r.k1 = fit->k1, r.k2 = fit->k2, r.lambda = fit->lambda;
        ok = kin_rerank_k_reciprocal(eq, eg, &r, lists, err);
    } else if (ok) {
        ok = kin_search(eq, eg, &(kin_search_opt){.k = gallery.count, .metric = KIN_COSINE}, lists, err);
    }
    kin_free(q);
    kin_free(g);
    return ok;
}

bool kin_demo_rank(const kin_demo_split *s, kin_demo_rung rung, const kin_demo_fit *fit,
                   kin_neighbours *lists, kin_error *err)
{
    kin_vectors query = {s->query, s->queries, s->dim}, gallery = {s->gallery, s->items, s->dim};
    if (rung == KIN_DEMO_EXPANDED || rung == KIN_DEMO_RERANKED)
        return rank_expanded(query, gallery, rung == KIN_DEMO_RERANKED, fit, lists, err);
    return kin_search(query, gallery, &(kin_search_opt){.k = s->items, .metric = KIN_COSINE}, lists, err);
}

bool kin_demo_judge(const kin_demo_split *s, const kin_neighbours *lists, kin_metrics *m,
                    kin_scores *per_query, kin_error *err)
{
    return kin_judge_lists(
        lists,
        &(kin_judged){.gallery = s->items, .query_label = s->query_label, .gallery_label = s->gallery_label},
        m, NULL, per_query, err);
}

static bool try_out(const kin_demo_split *s, kin_demo_rung rung, kin_demo_fit *trial, kin_demo_fit *best,
                    kin_error *err)
{
    kin_neighbours lists;
    kin_metrics m;
    if (!kin_demo_rank(s, rung, trial, &lists, err)) return false;
    bool ok = kin_demo_judge(s, &lists, &m, NULL, err);
    kin_neighbours_free(&lists);
    trial->map = m.mean.ap;
    if (ok && trial->map > best->map) *best = *trial;
    return ok;
}

bool kin_demo_fit_ranking(const kin_demo_split *s, kin_demo_fit *fit, kin_error *err)
{
    static const int64_t ns[] = {1, 2, 3, 4, 6}, k1s[] = {4, 6, 8, 10, 14}, k2s[] = {1, 2, 3, 4, 6};
    static const double alphas[] = {0, 1, 3}, lambdas[] = {0.1, 0.3, 0.5, 0.7};
    kin_demo_fit best = {.map = -1};
    for (int n = 0; n < 5; n++)
        for (int a = 0; a < 3; a++)
            if (!try_out(s, KIN_DEMO_EXPANDED, &(kin_demo_fit){.expand_n = ns[n], .alpha = alphas[a]}, &best,
                         err))
                return false;
    kin_demo_fit expanded = best;
    best.map = -1;
    for (int i = 0; i < 5 * 5 * 4; i++) {
        kin_demo_fit trial = expanded;
        trial.k1 = k1s[i / 20], trial.k2 = k2s[i / 4 % 5], trial.lambda = lambdas[i % 4];
        if (trial.k2 <= trial.k1 && !try_out(s, KIN_DEMO_RERANKED, &trial, &best, err)) return false;
    }
    *fit = best;
    return true;
}
