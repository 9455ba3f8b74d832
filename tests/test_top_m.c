/* Top-M descriptor augmentation against its definition done plainly in double. */
#include "base/memory.h"
#include "base/parallel.h"
#include "retrieval/describe/expand.h"
#include "retrieval/rerank/top_m.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 12, G = 300, D = 14 };
static float data[(Q + G) * D];

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int d = 0; d < D; d++) sum += a[d] * b[d];
    return sum;
}

static void sort(double *score, int64_t *item, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = i;
             j > 0 && (score[j] > score[j - 1] || (score[j] == score[j - 1] && item[j] < item[j - 1])); j--) {
            double s = score[j];
            int64_t x = item[j];
            score[j] = score[j - 1], item[j] = item[j - 1];
            score[j - 1] = s, item[j - 1] = x;
        }
}

/* The whole list of one query, and its scores as far as M. */
static void brute(const double *q, const double (*g)[D], int64_t self, int64_t m, int64_t k, double beta,
                  int64_t *list, double *score)
{
    static double refined[G][D], s[G], s1[G], by[G];
    static int64_t item[G], place[G];
    int64_t count = 0;
    for (int64_t i = 0; i < G; i++)
        if (i != self) list[count] = i, score[count++] = dot(q, g[i]);
    sort(score, list, count);
    if (m > count) m = count;
    if (k > m - 1) k = m - 1;
    for (int64_t i = 0; i < m; i++) {
        int64_t n = 0;
        double weights = 1;
        for (int64_t j = 0; j < m; j++)
            if (j != i) item[n] = list[j], s[n++] = dot(g[list[i]], g[list[j]]);
        sort(s, item, n);
        for (int d = 0; d < D; d++) refined[i][d] = g[list[i]][d];
        for (int64_t a = 0; a < k; a++) {
            weights += beta * s[a];
            for (int d = 0; d < D; d++) refined[i][d] += beta * s[a] * g[item[a]][d];
        }
        for (int d = 0; d < D; d++) refined[i][d] /= weights;
        s1[i] = by[i] = dot(q, refined[i]);
        place[i] = i;
    }
    for (int64_t i = 0; i < m; i++) item[i] = list[i];
    for (int64_t i = 1; i < m; i++) /* places by s1, ties by item */
        for (int64_t j = i;
             j > 0 && (s1[place[j]] > s1[place[j - 1]] ||
                       (s1[place[j]] == s1[place[j - 1]] && list[place[j]] < list[place[j - 1]]));
             j--) {
            int64_t x = place[j];
            place[j] = place[j - 1], place[j - 1] = x;
        }
    double best[D] = {0};
    for (int64_t a = 0; a <= k; a++)
        for (int d = 0; d < D; d++) best[d] = a ? fmax(best[d], refined[place[a]][d]) : refined[place[a]][d];
    for (int64_t i = 0; i < m; i++) by[i] = (s1[i] + dot(best, refined[i])) / 2;
    sort(by, item, m);
    for (int64_t i = 0; i < m; i++) list[i] = item[i], score[i] = by[i];
}

static void definition(void)
{
    static const struct {
        int64_t k, first, neighbours;
        double beta;
        bool leave;
    } rows[] = {{G, 400, 9, 0.15, false},  {50, 100, 9, 0.15, false}, {120, 40, 5, 0.6, false},
                {10, 20, 0, 0.15, false},  {10, 1, 9, 0.15, false},   {G - 1, 100, 9, 0.15, true},
                {20, 60, 300, 0.01, true}, {30, 80, 9, 0, false}};
    static double q[Q][D], g[G][D], score[G];
    int64_t list[G];
    for (int kind = 0; kind < 2; kind++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            check_begin("top-M: the first %lld, %lld neighbours, beta %g, lists of %lld%s%s",
                        (long long)rows[r].first, (long long)rows[r].neighbours, rows[r].beta,
                        (long long)rows[r].k, rows[r].leave ? ", leaving one out" : "",
                        kind ? ", repeated rows" : "");
            brute_clusters(data, Q + G, D, 15, 0.6, r + 1);
            for (int64_t i = Q + G - 1; kind && i > 0; i--)
                memcpy(data + i * D, data + i / 3 * D, D * sizeof *data);
            CHECK(kin_normalize_rows(data, Q + G, D, "data", NULL));
            for (int64_t i = 0; i < (Q + G) * D; i++)
                (i < Q * D ? q[0] : g[0])[i < Q * D ? i : i - Q * D] = (double)data[i];
            kin_vectors query = {data, Q, D}, gallery = {data + Q * D, G, D};
            kin_top_m_opt opt = {.k = rows[r].k,
                                 .first = rows[r].first,
                                 .neighbours = rows[r].neighbours,
                                 .beta = rows[r].beta,
                                 .leave_one_out = rows[r].leave};
            kin_neighbours found, again;
            kin_error err = {0};
            kin_set_threads(1);
            CHECK_MSG(kin_rerank_top_m(query, gallery, &opt, &found, &err), "%s", err.message);
            kin_set_threads(3);
            CHECK(kin_rerank_top_m(query, gallery, &opt, &again, &err));
            kin_set_threads(0);
            CHECK(memcmp(found.index, again.index, (size_t)(found.queries * found.k) * sizeof *found.index) ==
                      0 &&
                  memcmp(found.value, again.value, (size_t)(found.queries * found.k) * sizeof *found.value) ==
                      0);
            for (int64_t a = 0; found.index && a < Q; a++) {
                brute(rows[r].leave ? g[a] : q[a], (const double(*)[D])g, rows[r].leave ? a : -1,
                      rows[r].first, rows[r].neighbours, rows[r].beta, list, score);
                for (int64_t i = 0; i < rows[r].k; i++) {
                    int64_t got = found.index[a * rows[r].k + i], at = 0;
                    while (list[at] != got && at < G - 1) at++;
                    CHECK_MSG(got == list[i] || fabs(score[at] - score[i]) < 1e-12,
                              "query %lld rank %lld: %lld, expected %lld", (long long)a, (long long)i,
                              (long long)got, (long long)list[i]);
                    if (i < rows[r].first) CHECK_CLOSE(found.value[a * rows[r].k + i], score[i], 1e-6);
                    CHECK(i == 0 || found.value[a * rows[r].k + i] <= found.value[a * rows[r].k + i - 1]);
                }
            }
            kin_neighbours_free(&found), kin_neighbours_free(&again);
            check_end();
        }
}

static bool stop(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)done, (void)total;
    return strcmp(stage, user) != 0;
}

static void refusals(void)
{
    static char stages[][16] = {"searching", "re-ranking"};
    kin_vectors query = {data, Q, D}, gallery = {data + Q * D, G, D};
    kin_neighbours found;
    kin_error err = {0};
    check_begin("top-M: queries that are gallery items, alone as among others");
    int64_t self[Q];
    for (int64_t a = 0; a < Q; a++)
        self[a] = 3 * a, memcpy(data + a * D, data + (Q + self[a]) * D, D * sizeof *data);
    kin_neighbours all;
    CHECK(kin_rerank_top_m(query, gallery, &(kin_top_m_opt){.k = 40, KIN_TOP_M_DEFAULTS, .self = self},
                           &found, &err) &&
          kin_rerank_top_m(query, gallery,
                           &(kin_top_m_opt){.k = 40, KIN_TOP_M_DEFAULTS, .leave_one_out = true}, &all, &err));
    for (int64_t a = 0; a < Q; a++)
        CHECK(memcmp(found.index + a * 40, all.index + self[a] * 40, 40 * sizeof *all.index) == 0);
    kin_neighbours_free(&found), kin_neighbours_free(&all);
    check_end();
    check_begin("top-M: refuses, stops, and fails without memory");
    CHECK(!kin_rerank_top_m(query, gallery, &(kin_top_m_opt){.k = G + 1, KIN_TOP_M_DEFAULTS}, &found, &err));
    CHECK_TEXT(err.message, "take 1 to 300");
    kin_error_clear(&err);
    CHECK(!kin_rerank_top_m(query, gallery, &(kin_top_m_opt){.k = 4, .first = 9, .beta = -1}, &found, &err));
    CHECK_TEXT(err.message, "beta is -1");
    for (int s = 0; s < 2; s++) {
        kin_error_clear(&err);
        CHECK(!kin_rerank_top_m(query, gallery,
                                &(kin_top_m_opt){.k = 4, KIN_TOP_M_DEFAULTS, .progress = {stop, stages[s]}},
                                &found, &err) &&
              err.code == KIN_ERR_INTERRUPTED);
    }
    long n = 1;
    for (bool ok = false; !ok && n < 500; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_rerank_top_m(query, gallery, &(kin_top_m_opt){.k = 4, KIN_TOP_M_DEFAULTS}, &found, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_neighbours_free(&found);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 10 && n < 500);
    check_end();
}

int main(void)
{
    definition();
    refusals();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
