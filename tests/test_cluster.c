/* Groups without labels: average linkage against its plain form, and measures against their definitions. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/cluster/cluster.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { N = 40 };

/* The two nearest clusters are looked for anew each time. */
static void plain_average(int64_t n, double value[N][N], double least, int64_t *group)
{
    for (int64_t i = 0; i < n; i++) group[i] = i;
    for (;;) {
        double best = -1;
        int64_t x = 0, y = 0;
        for (int64_t a = 0; a < n; a++)
            for (int64_t b = a + 1; b < n; b++) {
                double sum = 0, count = 0;
                for (int64_t i = 0; i < n; i++)
                    for (int64_t j = 0; j < n; j++)
                        if (group[i] == a && group[j] == b) sum += value[i][j], count++;
                if (count && sum > 0 && sum / count > best + 1e-12) best = sum / count, x = a, y = b;
            }
        if (best < least || best < 0) return;
        for (int64_t i = 0; i < n; i++)
            if (group[i] == y) group[i] = x;
    }
}

static bool same_groups(const int64_t *a, const int64_t *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if ((a[i] == a[j]) != (b[i] == b[j])) return false;
    return true;
}

static void test_average(void)
{
    check_begin("clusters: average linkage is its plain form's");
    for (uint64_t seed = 0; seed < 40; seed++) {
        double value[N][N] = {{0}};
        kin_cluster_link link[N * N];
        int64_t links = 0, n = 5 + (int64_t)(seed % 20), got[N], want[N];
        for (int64_t a = 0; a < n; a++)
            for (int64_t b = a + 1; b < n; b++) {
                uint64_t at = (uint64_t)(a * N + b);
                if (kin_random_uniform(seed, 2 * at) < .5) continue;
                value[a][b] = value[b][a] = .01 + kin_random_uniform(seed, 2 * at + 1);
                link[links++] = (kin_cluster_link){a, b, value[a][b]};
            }
        for (double least = .1; least < .9; least += .2) {
            int64_t groups = kin_cluster_average(n, link, links, least, got, NULL);
            plain_average(n, value, least, want);
            CHECK_MSG(same_groups(got, want, n), "seed %d, least %g", (int)seed, least);
            int64_t size[N] = {0}, most = 0;
            for (int64_t i = 0; i < n; i++) size[got[i]]++, most = got[i] > most ? got[i] : most;
            CHECK(most == groups - 1);
            for (int64_t g = 1; g < groups; g++) CHECK(size[g] <= size[g - 1]);
        }
    }
    check_end();
    check_begin("clusters: without links everything is alone, and memory that fails is an error");
    int64_t group[N];
    CHECK(kin_cluster_average(3, NULL, 0, .5, group, NULL) == 3 && group[2] == 2);
    kin_cluster_link some[3] = {{0, 1, .9}, {0, 2, .8}, {1, 2, .7}};
    for (long at = 1;; at++) {
        kin_error err = {0};
        kin_alloc_fail_at(at);
        int64_t groups = kin_cluster_average(3, some, 3, .5, group, &err);
        bool pending = kin_alloc_pending() > 0;
        kin_alloc_fail_at(0);
        if (pending) break;
        CHECK(groups < 0 && err.code == KIN_ERR_MEMORY);
    }
    check_end();
}

/* By all pairs, and by the table. */
static void test_agreement(void)
{
    check_begin("clusters: NMI, ARI and pairwise F are their definitions'");
    for (uint64_t seed = 0; seed < 20; seed++) {
        int64_t g[N], l[N], tp = 0, in_g = 0, in_l = 0, pairs = 0;
        double table[6][6] = {{0}}, row[6] = {0}, column[6] = {0}, mutual = 0, hg = 0, hl = 0, counted = 0;
        for (int64_t i = 0; i < N; i++) {
            g[i] = (int64_t)kin_random_below(seed, (uint64_t)i, 6);
            l[i] = (int64_t)kin_random_below(seed + 50, (uint64_t)i, 5) - (i % 7 == 0);
        }
        for (int64_t i = 0; i < N; i++) {
            if (l[i] < 0) continue;
            table[g[i]][l[i]]++, row[g[i]]++, column[l[i]]++, counted++;
            for (int64_t j = 0; j < i; j++)
                if (l[j] >= 0)
                    pairs++, tp += g[i] == g[j] && l[i] == l[j], in_g += g[i] == g[j], in_l += l[i] == l[j];
        }
        for (int a = 0; a < 6; a++) {
            if (row[a] > 0) hg -= row[a] / counted * log(row[a] / counted);
            if (column[a] > 0) hl -= column[a] / counted * log(column[a] / counted);
            for (int b = 0; b < 6; b++)
                if (table[a][b] > 0)
                    mutual += table[a][b] / counted * log(table[a][b] * counted / (row[a] * column[b]));
        }
        kin_agreement a;
        CHECK(kin_cluster_agreement(g, l, N, &a, NULL) && a.counted == (int64_t)counted);
        CHECK_CLOSE(a.nmi, 2 * mutual / (hg + hl), 1e-9);
        double chance = (double)in_g * (double)in_l / (double)pairs;
        CHECK_CLOSE(a.ari, ((double)tp - chance) / ((double)(in_g + in_l) / 2 - chance), 1e-9);
        CHECK_CLOSE(a.precision, (double)tp / (double)in_g, 1e-12);
        CHECK_CLOSE(a.recall, (double)tp / (double)in_l, 1e-12);
        CHECK_CLOSE(a.f, 2 * (double)tp / (double)(in_g + in_l), 1e-12);
    }
    kin_agreement a;
    int64_t same[4] = {0, 0, 1, 1}, other[4] = {5, 5, 2, 2}, alone[4] = {-1, -1, -1, -1};
    CHECK(kin_cluster_agreement(same, other, 4, &a, NULL) && a.ari == 1 && a.f == 1);
    CHECK_CLOSE(a.nmi, 1, 1e-12);
    CHECK(kin_cluster_agreement(alone, same, 4, &a, NULL) && a.groups == 4 && a.precision == 1 &&
          a.recall == 0);
    check_end();
}

static void test_whole(void)
{
    enum { GROUPS = 12, EACH = 15, D = 16, ALL = GROUPS * EACH };
    static float rows[ALL * D];
    int64_t group[ALL], again[ALL], label[ALL];
    check_begin("clusters: those that are there are found, for any number of threads");
    for (int i = 0; i < ALL; i++) {
        double norm = 0, spread = i % GROUPS < 4 ? .05 : .12; /* dense and sparse ones */
        label[i] = i % GROUPS;
        for (int d = 0; d < D; d++)
            rows[i * D + d] = (float)(kin_random_normal(1, (uint64_t)(label[i] * D + d)) +
                                      4 * spread * kin_random_normal(2, (uint64_t)(i * D + d)));
        for (int d = 0; d < D; d++) norm += (double)rows[i * D + d] * (double)rows[i * D + d];
        for (int d = 0; d < D; d++) rows[i * D + d] /= (float)sqrt(norm);
    }
    kin_vectors v = {rows, ALL, D};
    kin_agreement a = {0};
    kin_set_threads(1);
    CHECK(kin_cluster(v, NULL, group, NULL) > 0 && kin_cluster_agreement(group, label, ALL, &a, NULL));
    CHECK_MSG(a.ari > .95, "ARI %g, %d groups", a.ari, (int)a.groups);
    kin_set_threads(3);
    CHECK(kin_cluster(v, NULL, again, NULL) > 0 && memcmp(group, again, sizeof group) == 0);
    kin_set_threads(0);
    for (int64_t n = 1; n < 8; n++) CHECK(kin_cluster((kin_vectors){rows, n, D}, NULL, again, NULL) >= 1);
    check_end();
}

int main(void)
{
    test_average();
    test_agreement();
    test_whole();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
