/* Queries that are gallery items: which they are, and lists without them, by every way to a list. */
#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/describe/expand.h"
#include "retrieval/describe/fuse.h"
#include "retrieval/judge/metrics.h"
#include "retrieval/lists/ranks.h"
#include "retrieval/lists/selves.h"
#include "retrieval/rerank/among.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/rerank_graph.h"
#include "retrieval/search/range.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which they are ---- */

static kin_embeddings set_of(const float *rows, int64_t count, const char *const *id, const char *const *path)
{
    kin_embeddings e = {.dim = 2};
    kin_error err = {0};
    float *copy = kin_alloc_array((size_t)count, 2 * sizeof *copy);
    memcpy(copy, rows, (size_t)count * 2 * sizeof *copy);
    kin_embeddings_take(&e, copy, 2);
    CHECK_MSG(id ? kin_items_make(&e.items, count, id, NULL, path, &err)
                 : kin_items_numbered(&e.items, count, &err),
              "%s", err.message);
    return e;
}

static void matching(void)
{
    static const float g[] = {1, 0, 2, 0, 3, 0, 4, 0, 1, 0}, part[] = {4, 0, 1, 0, 9, 9},
                       all[] = {1, 0, 2, 0};
    static const char *const five[] = {"a", "b", "c", "d", "e"}, *const three[] = {"d", "e", "a"},
                             *const other[] = {"x", "y", "z"}, *const paths[] = {"p/d", "p/e", "p/a"},
                             *const five_paths[] = {"p/a", "p/b", "p/c", "p/d", "p/e"};
    static const struct {
        const char *about;
        const float *query;
        int64_t queries, galleries;
        const char *const *query_id, *const *gallery_id, *const *query_path;
        int64_t row[3], count, same_id, same_numbers;
    } rows[] = {
        {"equal ids and numbers", part, 3, 5, three, five, NULL, {3, 4, -1}, 2, 1, 0},
        {"equal paths and numbers", part, 3, 5, other, five, paths, {3, 4, -1}, 2, 0, 0},
        {"equal numbers under other names are two pictures",
         part,
         3,
         5,
         other,
         five,
         NULL,
         {-1, -1, -1},
         0,
         0,
         2},
        {"without names the first row of these numbers", part, 3, 5, NULL, five, NULL, {3, 0, -1}, 2, 0, 0},
        {"neither has names", part, 3, 5, NULL, NULL, NULL, {3, 0, -1}, 2, 0, 0},
        {"the same numbers throughout are one set", all, 2, 2, other, five, NULL, {0, 1, 0}, 2, 0, 0},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        check_begin("selves: %s", rows[r].about);
        kin_embeddings query = set_of(rows[r].query, rows[r].queries, rows[r].query_id, rows[r].query_path),
                       gallery = set_of(g, rows[r].galleries, rows[r].gallery_id,
                                        rows[r].query_path ? five_paths : NULL);
        kin_selves s;
        kin_error err = {0};
        CHECK_MSG(kin_selves_find(&query, &gallery, &s, &err), "%s", err.message);
        for (int64_t q = 0; s.row && q < rows[r].queries; q++)
            CHECK_MSG(s.row[q] == rows[r].row[q], "query %lld is row %lld", (long long)q,
                      (long long)s.row[q]);
        CHECK(s.count == rows[r].count && s.same_id == rows[r].same_id &&
              s.same_numbers == rows[r].same_numbers);
        kin_selves_free(&s);
        for (long n = 1, ok = 0; !ok && n < 100; n++) {
            kin_alloc_fail_at(n);
            ok = kin_selves_find(&query, &gallery, &s, &err);
            kin_alloc_fail_at(0);
            CHECK(ok || err.code == KIN_ERR_MEMORY);
            kin_selves_free(&s);
            kin_error_clear(&err);
        }
        kin_embeddings_free(&query), kin_embeddings_free(&gallery);
        check_end();
    }
}

/* ---- lists ---- */

enum { N = 260, D = 16, ASKED = 40, K = 50 };
static float data[N * D], asked[N * D];
static int64_t self[N];

typedef struct outcome {
    kin_neighbours lists;
    bool ok;
    kin_error err;
} outcome;

/* The ways to a list; `self` is NULL when leaving one out. */
enum { SEARCH, FLOAT32, RECIPROCAL, NO_DISTANCE, GRAPH, DIFFUSION, TRUNCATED, WAYS };
static const char *const ways[] = {
    "search", "search by float32", "k-reciprocal",       "k-reciprocal, lambda 0",
    "graph",  "diffusion",         "diffusion, off-line"};

static bool rank(int way, kin_vectors q, kin_vectors g, bool leave, const int64_t *selves, int64_t k,
                 kin_neighbours *out, kin_error *err)
{
    kin_search_opt search = {.k = k,
                             .metric = KIN_COSINE,
                             .leave_one_out = leave,
                             .self = selves,
                             .float32_order = way == FLOAT32};
    kin_rerank_opt rerank = {.k = k,
                             .k1 = 8,
                             .k2 = 3,
                             .lambda = way == NO_DISTANCE ? 0 : 0.3,
                             .leave_one_out = leave,
                             .self = selves};
    kin_rerank_graph_opt graph = {
        .k = k, .k1 = 8, .k2 = 3, .layers = 2, .leave_one_out = leave, .self = selves};
    kin_diffusion_opt diffusion = {.k = k,
                                   KIN_DIFFUSION_DEFAULTS,
                                   .truncation = way == TRUNCATED ? 60 : 0,
                                   .leave_one_out = leave,
                                   .self = selves};
    if (way == RECIPROCAL || way == NO_DISTANCE) return kin_rerank_k_reciprocal(q, g, &rerank, out, err);
    if (way == GRAPH) return kin_rerank_graph(q, g, &graph, out, err);
    if (way >= DIFFUSION) return kin_diffuse(q, g, &diffusion, out, err);
    return kin_search(q, g, &search, out, err);
}

/* Queries are rows 5, 11, 17 .. of the gallery. */
static void take_rows(void)
{
    for (int64_t q = 0; q < ASKED; q++) {
        self[q] = 5 + 6 * q;
        memcpy(asked + q * D, data + self[q] * D, D * sizeof *data);
    }
}

/* Where all queries are gallery items, every list is that of leaving one out, bit for bit. */
static void as_leaving_one_out(void)
{
    brute_clusters(data, N, D, 20, 0.7, 3);
    kin_normalize_rows(data, N, D, "data", NULL);
    take_rows();
    for (int way = 0; way < WAYS; way++)
        for (int64_t k = K; k < N; k += N - 1 - K) {
            check_begin("selves: %s, lists of %lld, as leaving one out", ways[way], (long long)k);
            kin_vectors q = {asked, ASKED, D}, g = {data, N, D};
            kin_neighbours some, all;
            kin_error err = {0};
            CHECK_MSG(rank(way, g, g, true, NULL, k, &all, &err), "%s", err.message);
            CHECK_MSG(rank(way, q, g, false, self, k, &some, &err), "%s", err.message);
            for (int64_t a = 0; some.index && all.index && a < ASKED; a++)
                CHECK_MSG(memcmp(some.index + a * k, all.index + self[a] * k,
                                 (size_t)k * sizeof *all.index) == 0 &&
                              memcmp(some.value + a * k, all.value + self[a] * k,
                                     (size_t)k * sizeof *all.value) == 0,
                          "list %lld differs", (long long)a);
            kin_neighbours_free(&some), kin_neighbours_free(&all);
            CHECK(!rank(way, q, g, false, self, N, &some, &err));
            check_end();
        }
}

static bool holds(const kin_neighbours *lists, int64_t q, int64_t g)
{
    for (int64_t a = 0; a < lists->k; a++)
        if (lists->index[q * lists->k + a] == g) return true;
    return false;
}

/* Some queries are gallery items, others are not: no list holds its query, all are as long and without
 * repeats. */
static void mixed(void)
{
    for (int64_t q = 1; q < ASKED; q += 2) {
        self[q] = -1;
        asked[q * D] += 0.05F;
    }
    kin_normalize_rows(asked, ASKED, D, "queries", NULL);
    for (int64_t q = 0; q < ASKED; q += 2) memcpy(asked + q * D, data + self[q] * D, D * sizeof *data);
    for (int way = 0; way < WAYS; way++) {
        check_begin("selves: %s, some queries are gallery items", ways[way]);
        kin_neighbours first = {0}, lists;
        kin_error err = {0};
        kin_vectors q = {asked, ASKED, D}, g = {data, N, D};
        for (int threads = 1; threads <= 3; threads++) {
            kin_set_threads(threads);
            CHECK_MSG(rank(way, q, g, false, self, N - 1, &lists, &err), "%s", err.message);
            if (threads == 1) {
                first = lists;
                continue;
            }
            CHECK(lists.index &&
                  memcmp(first.index, lists.index, ASKED * (N - 1) * sizeof *lists.index) == 0 &&
                  memcmp(first.value, lists.value, ASKED * (N - 1) * sizeof *lists.value) == 0);
            kin_neighbours_free(&lists);
        }
        kin_set_threads(0);
        for (int64_t a = 0; first.index && a < ASKED; a++) {
            int64_t missing = 0;
            for (int64_t item = 0; item < N; item++) missing += !holds(&first, a, item);
            CHECK(missing == 1 && (self[a] < 0 || !holds(&first, a, self[a])));
        }
        kin_neighbours_free(&first);
        check_end();
    }
}

static void others(void)
{
    kin_vectors q = {asked, ASKED, D}, g = {data, N, D};
    kin_error err = {0};
    take_rows();
    check_begin("selves: expansion counts the query once");
    float *with = kin_alloc_array(ASKED * D, sizeof *with), *plain = kin_alloc_array(N * D, sizeof *plain);
    CHECK(kin_expand_queries(q, g, &(kin_expand_opt){.n = 4, .alpha = 3, .self = self}, with, &err) &&
          kin_expand_database(g, &(kin_expand_opt){.n = 5, .alpha = 3}, plain, &err));
    for (int64_t a = 0; a < ASKED; a++)
        CHECK(memcmp(with + a * D, plain + self[a] * D, D * sizeof *with) == 0);
    kin_free(with), kin_free(plain);
    check_end();

    check_begin("selves: range search and its limit");
    kin_ranges found;
    CHECK(kin_search_range(q, g,
                           &(kin_range_opt){.distance = 0.6, .metric = KIN_COSINE, .limit = 3, .self = self},
                           &found, &err));
    for (int64_t a = 0; a < ASKED; a++)
        for (int64_t at = found.offset[a]; at < found.offset[a + 1]; at++) CHECK(found.index[at] != self[a]);
    CHECK(found.offset[1] - found.offset[0] == 3);
    kin_ranges_free(&found);
    check_end();

    check_begin("selves: ensembles");
    kin_fusion f;
    CHECK(kin_fusion_vectors(&q, &g, 1,
                             &(kin_fuse_opt){.candidates = N - 1, .metric = KIN_COSINE, .self = self}, &f,
                             &err) &&
          f.shortest == N - 1);
    for (int64_t a = 0; a < ASKED; a++)
        for (int64_t at = f.offset[a]; at < f.offset[a + 1]; at++) CHECK(f.index[at] != self[a]);
    kin_fusion_free(&f);
    check_end();

    check_begin("selves: re-ranking among the first, one list complete for every query");
    kin_neighbours lists, better;
    int64_t some[ASKED];
    for (int64_t a = 0; a < ASKED; a++) some[a] = a % 2 ? -1 : self[a];
    CHECK(kin_search(q, g, &(kin_search_opt){.k = N - 1, .metric = KIN_COSINE, .self = some}, &lists, &err) &&
          kin_rerank_among(q, g, &lists, 5,
                           &(kin_rerank_opt){.k = N - 1, .k1 = 8, .k2 = 3, .lambda = 0.3, .self = some},
                           &better, &err));
    for (int64_t a = 0; better.index && a < ASKED; a++) {
        int64_t there = 0;
        for (int64_t item = 0; item < N; item++) there += holds(&better, a, item);
        CHECK_MSG(there == N - 1 && (some[a] < 0 || !holds(&better, a, some[a])), "query %lld holds %lld",
                  (long long)a, (long long)there);
    }
    kin_neighbours_free(&lists), kin_neighbours_free(&better);
    check_end();

    check_begin("selves: figures without the query, and lists it is taken out of");
    int64_t offset[] = {0, 3, 5}, index[] = {0, 1, 2, 2, 0}, ask[] = {7, 7}, label[] = {7, 7, 8},
            me[] = {0, -1};
    kin_judged judged = {.queries = 2,
                         .gallery = 3,
                         .query_label = ask,
                         .gallery_label = label,
                         .self = me,
                         .offset = offset,
                         .index = index};
    kin_metrics m;
    kin_scores each[2];
    CHECK(kin_evaluate(&judged, NULL, &m, each, &err) && each[0].ap == 1 && each[1].reciprocal_rank == 0.5);
    kin_ranks ranks = {2, offset, index};
    kin_ranks_drop(&ranks, me);
    CHECK(offset[1] == 2 && offset[2] == 4 && index[0] == 1 && index[1] == 2 && index[2] == 2 &&
          index[3] == 0);
    check_end();
}

int main(void)
{
    matching();
    as_leaving_one_out();
    mixed();
    others();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
