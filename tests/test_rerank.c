/* k-reciprocal re-ranking against the published steps done densely (reference/k_reciprocal.c). */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "reference/k_reciprocal.h"
#include "reference/search.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/rerank_graph.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void compare(const float *data, int64_t queries, int64_t gallery, int64_t dim,
                    const kin_rerank_opt *opt)
{
    kin_vectors q = {data, queries, dim}, g = {data + queries * dim, gallery, dim};
    kin_neighbours found;
    kin_error err = {0};
    if (!kin_rerank_k_reciprocal(q, g, opt, &found, &err)) {
        check_fail(__FILE__, __LINE__, "%s", err.message);
        return;
    }
    kin_reference_k_reciprocal_opt plain = {(int)opt->k1, (int)opt->k2, opt->lambda,
                                            opt->input == KIN_INPUT_SQUARED};
    double *want = kin_reference_k_reciprocal(data, queries + gallery, queries, dim, &plain);
    int64_t *order = malloc((size_t)gallery * sizeof *order);
    for (int64_t i = 0; i < found.queries; i++) {
        kin_reference_order(want + i * gallery, gallery, opt->leave_one_out ? i : -1, order);
        for (int64_t a = 0; a < opt->k; a++) {
            int64_t got = found.index[i * opt->k + a];
            /* Equal but for the last bits of sums taken in another order counts as a tie. */
            CHECK_MSG(got == order[a] || fabs(want[i * gallery + got] - want[i * gallery + order[a]]) < 1e-13,
                      "query %lld rank %lld: item %lld, expected %lld", (long long)i, (long long)a,
                      (long long)got, (long long)order[a]);
            CHECK_CLOSE(found.value[i * opt->k + a], want[i * gallery + order[a]], 1e-7);
        }
    }
    free(want), free(order);
    kin_neighbours_free(&found);
}

static void settings(void)
{
    static const struct {
        int64_t queries, gallery;
        kin_rerank_opt opt;
    } rows[] = {
        {60, 200, {.k = 200, KIN_RERANK_DEFAULTS}},
        {60, 200, {.k = 10, KIN_RERANK_DEFAULTS}},
        {60, 200, {.k = 50, .k1 = 20, .k2 = 1, .lambda = 0.3}},
        {60, 200, {.k = 50, .k1 = 7, .k2 = 3, .lambda = 0.85}},
        {60, 200, {.k = 150, .k1 = 5, .k2 = 12, .lambda = 0}},
        {60, 200, {.k = 30, .k1 = 20, .k2 = 6, .lambda = 1}},
        {60, 200, {.k = 200, KIN_RERANK_DEFAULTS, .input = KIN_INPUT_SQUARED}},
        {1, 200, {.k = 40, KIN_RERANK_DEFAULTS}},
        {200, 3, {.k = 3, KIN_RERANK_DEFAULTS}},
        {200, 1, {.k = 1, KIN_RERANK_DEFAULTS}},
        {2, 9, {.k = 9, .k1 = 10, .k2 = 6, .lambda = 0.3}},
        /* from here on enough items for each pair to be met once */
        {150, 500, {.k = 500, KIN_RERANK_DEFAULTS}},
        {300, 301, {.k = 20, KIN_RERANK_DEFAULTS}},
        {1, 600, {.k = 100, .k1 = 30, .k2 = 2, .lambda = 0}},
        {0, 700, {.k = 5, KIN_RERANK_DEFAULTS, .leave_one_out = true}},
        {0, 240, {.k = 239, KIN_RERANK_DEFAULTS, .leave_one_out = true}},
        {0, 240, {.k = 5, .k1 = 3, .k2 = 2, .lambda = 0.1, .leave_one_out = true}},
        {0, 240, {.k = 60, .k1 = 4, .k2 = 2, .lambda = 0, .leave_one_out = true, .input = KIN_INPUT_SQUARED}},
    };
    enum { D = 20 };
    float data[700 * D];
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (int kind = 0; kind < 4; kind++) {
            static const char *const kinds[] = {"clusters", "repeated rows", "few whole numbers",
                                                "all rows equal"};
            int64_t n = rows[r].queries + rows[r].gallery;
            check_begin("rerank: %lld x %lld, best %lld, k1 %lld, k2 %lld, lambda %g%s%s, %s",
                        (long long)rows[r].queries, (long long)rows[r].gallery, (long long)rows[r].opt.k,
                        (long long)rows[r].opt.k1, (long long)rows[r].opt.k2, rows[r].opt.lambda,
                        rows[r].opt.input ? ", squared input" : "",
                        rows[r].opt.leave_one_out ? ", leaving one out" : "", kinds[kind]);
            brute_clusters(data, n, D, 17, 0.6, r + 1);
            for (int64_t i = n - 1; kind == 1 && i > 0; i--)
                memcpy(data + i * D, data + i / 3 * D, D * sizeof *data);
            for (int64_t i = 1; kind == 3 && i < n; i++) memcpy(data + i * D, data, D * sizeof *data);
            for (int64_t i = 0; kind == 2 && i < n * D; i++)
                data[i] = (float)(kin_random_bits(r, (uint64_t)i) % 2);
            compare(data, rows[r].queries, rows[r].gallery, D, &rows[r].opt);
            check_end();
        }
    }
}

static void threads(void)
{
    check_begin("rerank: the same bits for 1, 2 and 3 threads");
    enum { Q = 300, G = 900, D = 24, K = 100 };
    float *data = malloc((Q + G) * D * sizeof *data);
    brute_clusters(data, Q + G, D, 60, 0.8, 4);
    kin_neighbours first = {0};
    for (int t = 1; t <= 3; t++) {
        kin_set_threads(t);
        kin_neighbours found;
        kin_error err = {0};
        CHECK_MSG(kin_rerank_k_reciprocal((kin_vectors){data, Q, D}, (kin_vectors){data + Q * D, G, D},
                                          &(kin_rerank_opt){.k = K, KIN_RERANK_DEFAULTS}, &found, &err),
                  "%s", err.message);
        if (t == 1) {
            first = found;
            continue;
        }
        CHECK(memcmp(first.index, found.index, Q * K * sizeof *found.index) == 0 &&
              memcmp(first.value, found.value, Q * K * sizeof *found.value) == 0);
        kin_neighbours_free(&found);
    }
    kin_neighbours_free(&first);
    kin_set_threads(0);
    free(data);
    check_end();
}

static bool stop_late(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)done, (void)total;
    return strcmp(stage, user) != 0;
}

static void refusals(void)
{
    enum { N = 60, D = 6 };
    float data[N * D];
    brute_clusters(data, N, D, 5, 1, 9);
    kin_vectors q = {data, 20, D}, g = {data + 20 * D, 40, D};
    static const struct {
        const char *part;
        kin_rerank_opt opt;
    } rows[] = {
        {"take 1 to 40", {.k = 41, KIN_RERANK_DEFAULTS}},
        {"take 1 to 40", {.k = 0, KIN_RERANK_DEFAULTS}},
        {"k1 60 and k2 6 need more items", {.k = 4, .k1 = 60, .k2 = 6, .lambda = 0.3}},
        {"k1 0", {.k = 4, .lambda = 0.3}},
        {"lambda is 1.5", {.k = 4, .k1 = 20, .k2 = 6, .lambda = 1.5}},
        {"lambda is nan", {.k = 4, .k1 = 20, .k2 = 6, .lambda = NAN}},
        {"take 1 to 39", {.k = 40, KIN_RERANK_DEFAULTS, .leave_one_out = true}},
    };
    kin_neighbours found;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        check_begin("rerank: refuses %s", rows[r].part);
        kin_error err = {0};
        CHECK(!kin_rerank_k_reciprocal(q, g, &rows[r].opt, &found, &err) && !found.index);
        CHECK_TEXT(err.message, rows[r].part);
        check_end();
    }
    check_begin("rerank: can be stopped at every stage");
    static char stages[][16] = {"comparing", "encoding", "re-ranking"};
    for (size_t s = 0; s < 3; s++) {
        kin_error err = {0};
        kin_rerank_opt opt = {.k = 4, KIN_RERANK_DEFAULTS, .progress = {stop_late, stages[s]}};
        CHECK(!kin_rerank_k_reciprocal(q, g, &opt, &found, &err) && err.code == KIN_ERR_INTERRUPTED &&
              kin_alloc_live() == 0);
    }
    check_end();
    check_begin("rerank: every failed allocation is an error and leaks nothing");
    long n = 1;
    for (bool ok = false; !ok && n < 1000; n++) {
        kin_error err = {0};
        kin_alloc_fail_at(n);
        ok = kin_rerank_k_reciprocal(q, g, &(kin_rerank_opt){.k = 4, KIN_RERANK_DEFAULTS}, &found, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_neighbours_free(&found);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 30 && n < 1000);
    check_end();
}

/* Blocks of rows beside one another, where a counting round must not read what another thread counts: for
 * the thread sanitizer, and the bits of one thread for everybody. */
static void graphs_with_threads(void)
{
    enum { Q = 150, G = 450, D = 12, K = 40 };
    float *data = malloc((Q + G) * D * sizeof *data);
    for (int i = 0; i < (Q + G) * D; i++) data[i] = (float)kin_random_normal(kin_key(5, 1, 2), (uint64_t)i);
    kin_vectors q = {data, Q, D}, g = {data + Q * D, G, D};
    kin_neighbours found[2][2] = {{{0}}};
    check_begin("rerank: graphs and diffusion with four threads have the bits of one");
    for (int t = 0; t < 2; t++) {
        kin_error err = {0};
        kin_set_threads(t ? 4 : 1);
        CHECK_MSG(kin_rerank_graph(q, g, &(kin_rerank_graph_opt){.k = K, KIN_RERANK_GRAPH_DEFAULTS},
                                   &found[0][t], &err) &&
                      kin_diffuse(q, g, &(kin_diffusion_opt){.k = K, KIN_DIFFUSION_DEFAULTS}, &found[1][t],
                                  &err),
                  "%s", err.message);
    }
    for (int m = 0; m < 2; m++) {
        CHECK(memcmp(found[m][0].index, found[m][1].index, Q * K * sizeof(int64_t)) == 0);
        for (int t = 0; t < 2; t++) kin_neighbours_free(&found[m][t]);
    }
    kin_set_threads(0);
    free(data);
    check_end();
}

int main(void)
{
    settings();
    threads();
    graphs_with_threads();
    refusals();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
