/* Range search against whole distance matrices; the threshold for "not in the gallery". */
#include "base/memory.h"
#include "base/parallel.h"
#include "reference/search.h"
#include "retrieval/search/range.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 300, G = 700, D = 10 };
static float data[(Q + G) * D];

static void ranges(void)
{
    static const kin_metric metrics[] = {KIN_EUCLID, KIN_COSINE, KIN_INNER};
    static const char letters[] = "eci";
    for (int c = 0; c < 24; c++) {
        int m = c % 3;
        bool leave = c / 3 % 2, repeated = c / 6 % 2, limited = c / 12;
        for (double share = 0; share <= 1; share += 0.25) {
            brute_clusters(data, Q + G, D, 15, 0.7, 3);
            for (int64_t i = G - 1; repeated && i > 0; i--)
                memcpy(data + (Q + i) * D, data + (Q + i / 90 * 90) * D, D * sizeof *data);
            kin_vectors g = {data + Q * D, G, D}, q = leave ? g : (kin_vectors){data, Q, D};
            double *d = kin_reference_distances(q.data, q.count, g.data, G, D, letters[m]),
                   *sorted = malloc(G * sizeof *sorted);
            memcpy(sorted, d + 5 * G, G * sizeof *sorted);
            int64_t order[G];
            kin_reference_order(d + 5 * G, G, -1, order);
            double at = share < 1 ? sorted[order[(int64_t)(share * G * 0.9)]] + 1e-4 : 1e9;
            check_begin("range: metric %c, about %g of the gallery%s%s%s", letters[m], share,
                        leave ? ", leaving one out" : "", repeated ? ", repeated rows" : "",
                        limited ? ", limited" : "");
            kin_range_opt opt = {.distance = m == 1 ? at + 1 : at,
                                 .metric = metrics[m],
                                 .limit = limited ? 70 : 0,
                                 .leave_one_out = leave};
            kin_ranges found;
            kin_error err = {0};
            CHECK_MSG(kin_search_range(q, g, &opt, &found, &err), "%s", err.message);
            for (int64_t i = 0; found.offset && i < q.count; i++) {
                int64_t n = kin_reference_order(d + i * G, G, leave ? i : -1, order), want = 0, unsure = 0;
                for (int64_t a = 0; a < n; a++) {
                    want += d[i * G + order[a]] <= at;
                    unsure += fabs(d[i * G + order[a]] - at) < 1e-5;
                }
                if (limited && want > 70) want = 70;
                int64_t got = found.offset[i + 1] - found.offset[i];
                CHECK_MSG(llabs(got - want) <= unsure, "query %lld: %lld items, expected %lld", (long long)i,
                          (long long)got, (long long)want);
                for (int64_t a = 0; a < got; a++) {
                    int64_t item = found.index[found.offset[i] + a];
                    CHECK(item == order[a] || fabs(d[i * G + item] - d[i * G + order[a]]) < 1e-6);
                }
            }
            kin_ranges_free(&found);
            free(d), free(sorted);
            check_end();
        }
    }
}

static void threshold(void)
{
    enum { N = 240 };
    int64_t label[N], query_label[N];
    brute_clusters(data, 2 * N, D, 20, 0.9, 8);
    for (int64_t i = 0; i < N; i++)
        label[i] = (i + N) % 20 == 4 ? -1 : (i + N) % 20,
        query_label[i] = i % 20 < 15 ? i % 20 : 100 + i % 20;
    kin_vectors q = {data, N, D}, g = {data + N * D, N, D};
    static const double rates[] = {0, 0.01, 0.1, 0.5, 1};
    for (int c = 0; c < 10; c++) {
        bool leave = c % 2;
        double rate = rates[c / 2];
        check_begin("threshold: false-accept rate %g%s", rate, leave ? ", leaving one out" : "");
        kin_threshold t;
        kin_error err = {0};
        CHECK_MSG(kin_threshold_fit(
                      q, g,
                      &(kin_threshold_labels){.query = query_label, .gallery = label, .leave_one_out = leave},
                      rate, &t, &err),
                  "%s", err.message);
        const int64_t *asked = leave ? label : query_label;
        double *d = kin_reference_distances(leave ? g.data : q.data, N, g.data, N, D, 'c');
        int64_t reach = 0, accepted = 0, found = 0, first = 0, known = 0, order[N];
        for (int64_t i = 0; i < N; i++) {
            double impostor = INFINITY;
            bool relevant = false;
            kin_reference_order(d + i * N, N, leave ? i : -1, order);
            for (int64_t j = 0; j < N; j++) {
                bool match = asked[i] >= 0 && asked[i] == label[j];
                if (leave && i == j) continue;
                if (!match) impostor = fmin(impostor, 1 + d[i * N + j]);
                relevant = relevant || match;
            }
            accepted += impostor <= t.distance;
            reach += impostor <= t.distance + 1e-6; /* a hair farther would be too far */
            bool right = asked[i] >= 0 && asked[i] == label[order[0]];
            known += relevant, first += relevant && right,
                found += relevant && right && 1 + d[i * N + order[0]] <= t.distance;
        }
        CHECK(t.impostors == N && t.queries == known);
        /* similarities are float32 there, and pairs may share one */
        CHECK_CLOSE(t.false_accept, (double)accepted / N, 2.5 / N);
        CHECK_CLOSE(t.first, (double)first / (double)known, 1e-12);
        CHECK_CLOSE(t.found, (double)found / (double)known, 2.5 / (double)known);
        CHECK(t.false_accept <= rate && (rate == 1 || (double)reach > rate * N));
        free(d);
        check_end();
    }
    check_begin("range and threshold: refusals, threads, failed allocations");
    kin_error err = {0};
    kin_threshold t;
    kin_ranges a, b;
    CHECK(!kin_threshold_fit(q, g, &(kin_threshold_labels){.query = query_label, .gallery = label}, 1.5, &t,
                             &err));
    CHECK_TEXT(err.message, "rate of 1.5");
    kin_error_clear(&err);
    for (int64_t i = 0; i < N; i++) query_label[i] = label[i] = 3;
    CHECK(!kin_threshold_fit(q, g, &(kin_threshold_labels){.query = query_label, .gallery = label}, 0.1, &t,
                             &err));
    CHECK_TEXT(err.message, "all items have one label");
    kin_error_clear(&err);
    kin_range_opt opt = {.distance = 0.5, .metric = KIN_COSINE};
    CHECK(!kin_search_range(q, g, &(kin_range_opt){.distance = NAN}, &a, &err));
    kin_error_clear(&err);
    kin_set_threads(1);
    CHECK(kin_search_range(q, g, &opt, &a, &err));
    kin_set_threads(3);
    CHECK(kin_search_range(q, g, &opt, &b, &err));
    kin_set_threads(0);
    CHECK(a.offset[N] == b.offset[N] && a.offset[N] > N &&
          memcmp(a.value, b.value, (size_t)a.offset[N] * sizeof *a.value) == 0);
    kin_ranges_free(&a), kin_ranges_free(&b);
    q.count = 3;
    long n = 1;
    for (bool ok = false; !ok && n < 1000; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        ok = kin_search_range(q, g, &opt, &a, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_ranges_free(&a);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 10 && n < 1000);
    check_end();
}

static void padded(void)
{
    check_begin("range: lists are padded to the longest, with -1 and what is asked for");
    int64_t offset[] = {0, 2, 2, 5}, index[] = {4, 1, 0, 2, 3};
    float value[] = {.1f, .2f, .3f, .4f, .5f};
    kin_ranges r = {.queries = 3, .offset = offset, .index = index, .value = value};
    static const int64_t want[] = {4, 1, -1, -1, -1, -1, 0, 2, 3};
    static const float numbers[] = {.1f, .2f, 9, 9, 9, 9, .3f, .4f, .5f};
    kin_neighbours n = {0};
    kin_error err = {0};
    CHECK(kin_ranges_pad(&r, 9, &n, &err) && n.queries == 3 && n.k == 3);
    for (int i = 0; n.index && i < 9; i++) CHECK(n.index[i] == want[i] && n.value[i] == numbers[i]);
    kin_neighbours_free(&n);
    int64_t none[] = {0, 0, 0, 0};
    r.offset = none;
    CHECK(kin_ranges_pad(&r, 9, &n, &err) && n.k == 1 && n.index[2] == -1 && n.value[2] == 9);
    kin_neighbours_free(&n);
    check_end();
}

static void nobody(void)
{
    check_begin("threshold: a gallery without labels has impostors alone");
    enum { N = 20 };
    int64_t none[N], label[N];
    brute_clusters(data, 2 * N, D, 4, 0.5, 2);
    for (int i = 0; i < N; i++) none[i] = -1, label[i] = i % 4;
    kin_threshold t;
    kin_error err = {0};
    CHECK_MSG(kin_threshold_fit((kin_vectors){data, N, D}, (kin_vectors){data + N * D, N, D},
                                &(kin_threshold_labels){.query = label, .gallery = none}, 0.5, &t, &err),
              "%s", err.message);
    CHECK(t.impostors == N && t.queries == 0);
    CHECK(!kin_threshold_fit((kin_vectors){data, N, D}, (kin_vectors){data, 0, D},
                             &(kin_threshold_labels){.query = label, .gallery = none}, 0.5, &t, &err) &&
          err.code == KIN_ERR_ARGUMENT);
    check_end();
}

int main(void)
{
    ranges();
    padded();
    nobody();
    threshold();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
