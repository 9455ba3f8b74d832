/* Exact search against the plain form (reference/search.c), for every metric, shape and number of threads. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "reference/search.h"
#include "retrieval/search/search.h"
#include "retrieval/search/select.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char letter[] = {[KIN_EUCLID] = 'e', [KIN_COSINE] = 'c', [KIN_INNER] = 'i'};

static void compare(kin_vectors query, kin_vectors gallery, const kin_search_opt *opt)
{
    kin_neighbours found;
    kin_error err = {0};
    if (!kin_search(query, gallery, opt, &found, &err)) {
        check_fail(__FILE__, __LINE__, "%s", err.message);
        return;
    }
    double *d = kin_reference_distances(query.data, query.count, gallery.data, gallery.count, query.dim,
                                        letter[opt->metric]);
    int64_t *order = malloc((size_t)gallery.count * sizeof *order);
    for (int64_t q = 0; q < query.count; q++) {
        kin_reference_order(d + q * gallery.count, gallery.count, opt->leave_one_out ? q : -1, order);
        for (int64_t i = 0; i < opt->k; i++) {
            int64_t got = found.index[q * opt->k + i];
            double want = d[q * gallery.count + order[i]];
            CHECK_MSG(got == order[i], "query %lld rank %lld: item %lld, expected %lld", (long long)q,
                      (long long)i, (long long)got, (long long)order[i]);
            CHECK_CLOSE(found.value[q * opt->k + i], opt->metric == KIN_EUCLID ? want : -want,
                        2e-7 * fabs(want) + 1e-30);
        }
    }
    free(d), free(order);
    kin_neighbours_free(&found);
}

static void shapes(void)
{
    static const struct {
        int64_t queries, gallery, dim, k;
        bool leave;
    } rows[] = {
        {1, 1, 1, 1, false},      {1, 700, 7, 10, false},    {3, 1030, 64, 1030, false},
        {5, 513, 33, 100, false}, {40, 1500, 16, 37, false}, {300, 300, 24, 299, true},
        {301, 301, 5, 20, true},  {600, 90, 48, 90, false},  {257, 515, 130, 1, false},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        float *data = malloc((size_t)((rows[r].queries + rows[r].gallery) * rows[r].dim) * sizeof *data);
        brute_clusters(data, rows[r].queries + rows[r].gallery, rows[r].dim, 13, 0.3, r);
        kin_vectors gallery = {data, rows[r].gallery, rows[r].dim},
                    query = {data + rows[r].gallery * rows[r].dim, rows[r].queries, rows[r].dim};
        if (rows[r].leave) query = gallery;
        for (int metric = KIN_EUCLID; metric <= KIN_INNER; metric++) {
            check_begin("search: %lld x %lld x %lld, best %lld, %c%s", (long long)rows[r].queries,
                        (long long)rows[r].gallery, (long long)rows[r].dim, (long long)rows[r].k,
                        letter[metric], rows[r].leave ? ", leaving one out" : "");
            compare(query, gallery,
                    &(kin_search_opt){
                        .k = rows[r].k, .metric = (kin_metric)metric, .leave_one_out = rows[r].leave});
            check_end();
        }
        free(data);
    }
}

static void hard(void)
{
    enum { N = 900, D = 40 };
    float *data = malloc(N * D * sizeof *data);
    kin_vectors all = {data, N, D};

    check_begin("search: ties go by index");
    for (int64_t i = 0; i < N * D; i++) data[i] = (float)(kin_random_bits(5, (uint64_t)i) % 2);
    for (int metric = KIN_EUCLID; metric <= KIN_INNER; metric += KIN_INNER)
        compare(all, all, &(kin_search_opt){.k = 500, .metric = (kin_metric)metric, .leave_one_out = true});
    check_end();

    check_begin("search: near neighbours far from the origin, where float32 products lose all digits");
    for (int64_t i = 0; i < N * D; i++) data[i] = 1000.0f + (float)kin_random_normal(6, (uint64_t)i) * 0.01f;
    compare(all, all, &(kin_search_opt){.k = 50});
    compare((kin_vectors){data, 2, D}, all, &(kin_search_opt){.k = 5});
    compare(all, all, &(kin_search_opt){.k = 20, .metric = KIN_COSINE});
    check_end();

    check_begin("search: a collapsed embedding, all rows equal");
    for (int64_t i = 0; i < N * D; i++) data[i] = 0.1f * (float)(i % D);
    kin_neighbours found;
    kin_error err = {0};
    CHECK_MSG(kin_search(all, all, &(kin_search_opt){.k = 30, .leave_one_out = true}, &found, &err), "%s",
              err.message);
    for (int64_t q = 0; found.index && q < N; q++)
        for (int64_t i = 0; i < 30; i++)
            CHECK(found.index[q * 30 + i] == i + (i >= q) && found.value[q * 30 + i] == 0);
    kin_neighbours_free(&found);
    check_end();

    check_begin("search: tiny queries among items whose norms alone tell them apart");
    for (int64_t i = 0; i < N; i++) {
        double squares = 0, length = 1 + 1e-7 * (double)(i * 7 % N) / N;
        for (int64_t d = 0; d < D; d++) {
            data[i * D + d] = (float)kin_random_normal(9, (uint64_t)(i * D + d));
            squares += (double)data[i * D + d] * (double)data[i * D + d];
        }
        for (int64_t d = 0; d < D; d++) data[i * D + d] *= (float)(length / sqrt(squares));
    }
    float *tiny = malloc(300 * D * sizeof *tiny);
    for (int64_t i = 0; i < 300 * D; i++) tiny[i] = 1e-9f * (float)kin_random_normal(10, (uint64_t)i);
    compare((kin_vectors){tiny, 300, D}, all, &(kin_search_opt){.k = 5});
    compare((kin_vectors){tiny, 3, D}, all, &(kin_search_opt){.k = 5});
    check_end();

    check_begin("search: by cosine the lengths of near neighbours are of no account");
    for (int64_t i = 0; i < N; i++)
        for (int64_t d = 0; d < D; d++)
            data[i * D + d] = 1 + 1e-4f * (float)kin_random_normal(11, (uint64_t)(i * D + d));
    for (int scale = 0; scale < 3; scale++) {
        const float by[] = {1e-6f, 1, 1e6f};
        for (int64_t i = 0; i < 300 * D; i++)
            tiny[i] = by[scale] * (1 + 1e-4f * (float)kin_random_normal(12, (uint64_t)i));
        compare((kin_vectors){tiny, 300, D}, all, &(kin_search_opt){.k = 5, .metric = KIN_COSINE});
    }
    free(tiny);
    check_end();

    check_begin("search: tiny and huge norms in one gallery");
    for (int64_t i = 0; i < N; i++)
        for (int64_t d = 0; d < D; d++)
            data[i * D + d] = (float)(kin_random_normal(8, (uint64_t)(i * D + d)) *
                                      pow(10, (double)(i % 7) * 3 - 9));
    compare(all, all, &(kin_search_opt){.k = 40});
    compare(all, all, &(kin_search_opt){.k = 40, .metric = KIN_COSINE});
    compare(all, all, &(kin_search_opt){.k = 40, .metric = KIN_INNER, .leave_one_out = true});
    check_end();
    free(data);
}

/* So many rows and items that selection begins with a bound guessed from a sample
 * (retrieval/search/scan_sample.c). */
static void sampled(void)
{
    enum { Q = 448, G = 9300, D = 8, SAMPLE = 576, MANY = 400 };
    float *data = malloc((Q + G) * D * sizeof *data);
    kin_vectors query = {data, Q, D}, gallery = {data + Q * D, G, D};
    brute_clusters(data, Q + G, D, 200, 0.5, 5);
    check_begin("search: with a bound from a sample");
    for (int metric = KIN_EUCLID; metric <= KIN_INNER; metric++)
        compare(query, gallery, &(kin_search_opt){.k = MANY, .metric = (kin_metric)metric});
    check_end();

    check_begin("search: a sample that misleads, all of it nearer than any other item");
    for (int64_t i = 0; i < Q * D; i++) data[i] = 1e-3f * (float)kin_random_normal(7, (uint64_t)i);
    for (uint32_t i = 0; i < SAMPLE; i++) {
        int64_t item = (int64_t)((uint64_t)(i * UINT32_C(2654435769)) * G >> 32);
        for (int64_t d = 0; d < D; d++)
            data[(Q + item) * D + d] = 1e-3f * (float)kin_random_normal(6, (uint64_t)(item * D + d));
    }
    compare(query, gallery, &(kin_search_opt){.k = 600});
    check_end();
    free(data);
}

static void float32(void)
{
    check_begin("search: float32 order stays within its stated bound");
    enum { Q = 70, N = 2000, D = 96, K = 100 };
    float *data = malloc((Q + N) * D * sizeof *data);
    brute_clusters(data, Q + N, D, 9, 0.5, 3);
    kin_neighbours found;
    kin_error err = {0};
    CHECK_MSG(kin_search((kin_vectors){data, Q, D}, (kin_vectors){data + Q * D, N, D},
                         &(kin_search_opt){.k = K, .float32_order = true}, &found, &err),
              "%s", err.message);
    double *d = kin_reference_distances(data, Q, data + Q * D, N, D, 'e');
    int64_t *order = malloc(N * sizeof *order);
    for (int64_t q = 0; q < Q && found.index; q++) {
        kin_reference_order(d + q * N, N, -1, order);
        double bound = 2 * (D + 2) * 6e-8 * 4 * D;
        for (int64_t i = 0; i < K; i++)
            CHECK_CLOSE(d[q * N + found.index[q * K + i]], d[q * N + order[i]], 2 * bound);
    }
    free(d), free(order), free(data);
    kin_neighbours_free(&found);
    check_end();
}

static void threads(void)
{
    static const struct {
        int64_t queries, k;
    } rows[] = {{1, 9}, {3, 50}, {200, 33}, {1200, 7}};
    enum { N = 3000, D = 31 };
    float *data = malloc((N + 1200) * D * sizeof *data);
    brute_clusters(data, N + 1200, D, 50, 0.7, 11);
    for (size_t r = 0; r < 2 * sizeof rows / sizeof *rows; r++) {
        int64_t queries = rows[r / 2].queries, k = rows[r / 2].k;
        check_begin("search: the same bits for 1, 2 and 3 threads, %lld queries%s", (long long)queries,
                    r % 2 ? ", float32 order" : "");
        kin_neighbours first = {0};
        for (int t = 1; t <= 3; t++) {
            kin_set_threads(t);
            kin_neighbours found;
            kin_error err = {0};
            CHECK_MSG(kin_search((kin_vectors){data + N * D, queries, D}, (kin_vectors){data, N, D},
                                 &(kin_search_opt){.k = k, .float32_order = r % 2}, &found, &err),
                      "%s", err.message);
            if (t == 1) {
                first = found;
                continue;
            }
            CHECK(memcmp(first.index, found.index, (size_t)(queries * k) * sizeof *found.index) == 0);
            CHECK(memcmp(first.value, found.value, (size_t)(queries * k) * sizeof *found.value) == 0);
            kin_neighbours_free(&found);
        }
        kin_neighbours_free(&first);
        check_end();
    }
    kin_set_threads(0);
    free(data);
}

static bool stop_soon(void *user, const char *stage, int64_t done, int64_t total)
{
    int64_t *calls = user;
    CHECK(stage && done >= 0 && done <= total);
    return ++*calls < 2;
}

static void refusals(void)
{
    check_begin("search: bad input is one clear error");
    float data[40 * 4], nan_row[8] = {1, 2, 3, 4, 5, NAN, 7, 8};
    for (int i = 0; i < 160; i++) data[i] = (float)(i % 7) + 1;
    kin_vectors all = {data, 40, 4};
    static const struct {
        const char *part;
        kin_search_opt opt;
    } rows[] = {
        {"best 41 of 40", {.k = 41}},
        {"best 0 of 40", {.k = 0}},
        {"take 1 to 39", {.k = 40, .leave_one_out = true}},
    };
    kin_neighbours found;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        kin_error err = {0};
        CHECK(!kin_search(all, all, &rows[r].opt, &found, &err) && !found.index);
        CHECK_TEXT(err.message, rows[r].part);
    }
    kin_error err = {0};
    CHECK(!kin_search((kin_vectors){data, 10, 3}, all, &(kin_search_opt){.k = 1}, &found, &err));
    CHECK_TEXT(err.message, "3 dimensions and the gallery 4");
    kin_error_clear(&err);
    CHECK(!kin_search((kin_vectors){nan_row, 2, 4}, all, &(kin_search_opt){.k = 1}, &found, &err) &&
          err.code == KIN_ERR_NUMERIC);
    CHECK_TEXT(err.message, "the queries: row 1 (counted from 0) holds NaN");
    kin_error_clear(&err);
    memset(data + 12, 0, 4 * sizeof *data);
    CHECK(!kin_search(all, all, &(kin_search_opt){.k = 1, .metric = KIN_COSINE}, &found, &err));
    CHECK_TEXT(err.message, "row 3 is zero");
    kin_error_clear(&err);
    memset(data, 0, 4 * sizeof *data);
    CHECK(!kin_search(all, all, &(kin_search_opt){.k = 1, .metric = KIN_COSINE}, &found, &err));
    CHECK_TEXT(err.message, "row 0 is zero");
    kin_error_clear(&err);
    nan_row[0] = INFINITY;
    CHECK(!kin_search((kin_vectors){nan_row, 1, 4}, all, &(kin_search_opt){.k = 1}, &found, &err));
    CHECK_TEXT(err.message, "row 0 (counted from 0) holds infinity");
    kin_error_clear(&err);
    data[20] = 3e18f;
    CHECK(!kin_search(all, all, &(kin_search_opt){.k = 1}, &found, &err));
    CHECK_TEXT(err.message, "row 5 has the norm");
    check_end();

    check_begin("search: can be stopped, and a failed allocation leaks nothing");
    enum { N = 2000 };
    float *more = malloc(N * 4 * sizeof *more);
    brute_clusters(more, N, 4, 5, 1, 1);
    int64_t calls = 0;
    kin_error_clear(&err);
    kin_search_opt opt = {.k = 3, .progress = {stop_soon, &calls}};
    CHECK(!kin_search((kin_vectors){more, N, 4}, (kin_vectors){more, N, 4}, &opt, &found, &err) &&
          err.code == KIN_ERR_INTERRUPTED);
    CHECK(calls == 2 && kin_alloc_live() == 0);
    long n = 1;
    for (bool ok = false; !ok && n < 200; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_search((kin_vectors){more, 20, 4}, (kin_vectors){more, N, 4}, &(kin_search_opt){.k = 3},
                        &found, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_neighbours_free(&found);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 5 && n < 200);
    free(more);
    check_end();
}

static int by_word(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void selection(void)
{
    check_begin("select: the k smallest of any stream, ordered as numbers are");
    enum { N = 5000 };
    static float number[N], zero[N], one[N];
    static uint64_t want[N], buffer[2 * N + KIN_SELECT_STEP], spare[N];
    for (int i = 0; i < N; i++) one[i] = 1;
    for (int shape = 0; shape < 5; shape++) {
        for (int i = 0; i < N; i++)
            number[i] = shape == 0   ? (float)kin_random_normal(1, (uint64_t)i)
                        : shape == 1 ? (float)i
                        : shape == 2 ? (float)-i
                        : shape == 3 ? (float)(i % 3 - 1)
                                     : (float)((i ^ 0x5a5) % 97) * (i % 2 ? -1.0f : 1.0f);
        for (int i = 0; i < N; i++) want[i] = kin_select_word(number[i], (uint32_t)i);
        qsort(want, N, sizeof *want, by_word);
        for (int i = 1; i < N; i++) CHECK(kin_select_number(want[i - 1]) <= kin_select_number(want[i]));
        for (int64_t k = 1; k <= N; k = k * 3 + 1) {
            kin_select select;
            kin_select_begin(&select, buffer, k, kin_select_capacity(k, N));
            kin_select_offer(&select, number, zero, one, 1234, 0, -1);
            kin_select_offer(&select, number + 1234, zero, one, N - 1234, 1234, -1);
            kin_select_end(&select);
            CHECK(select.used == k);
            kin_select_sort(buffer, spare, k, 0);
            CHECK(memcmp(buffer, want, (size_t)k * sizeof *want) == 0);
        }
    }
    CHECK(kin_select_word(-0.0f, 3) == kin_select_word(0.0f, 3));
    check_end();
}

int main(void)
{
    selection();
    shapes();
    hard();
    sampled();
    float32();
    threads();
    refusals();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
