/* Components: groups out of pairs, whose bridges are cut. */
#include "base/memory.h"
#include "base/random.h"
#include "photos/components.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { N = 40, D = 4 };

/* What the definition says, by taking each edge away in turn. */
static int64_t reach(const kin_edge *edge, int64_t edges, const bool *cut, int64_t without, int64_t from,
                     bool *seen)
{
    int64_t count = 1;
    memset(seen, 0, N * sizeof *seen);
    seen[from] = true;
    for (bool more = true; more;) {
        more = false;
        for (int64_t e = 0; e < edges; e++) {
            if (e == without || (cut && cut[e]) || seen[edge[e].a] == seen[edge[e].b]) continue;
            seen[edge[e].a] = seen[edge[e].b] = more = true, count++;
        }
    }
    return count;
}

static void plain_components(kin_vectors rows, const kin_edge *edge, int64_t edges, double agree,
                             int64_t *group)
{
    bool cut[200], side[N], all[N];
    for (int64_t e = 0; e < edges; e++) {
        int64_t whole = reach(edge, edges, NULL, -1, edge[e].a, all),
                part = reach(edge, edges, NULL, e, edge[e].a, side);
        double sum = 0;
        for (int64_t i = 0; i < N; i++)
            for (int64_t j = 0; j < N; j++)
                if (side[i] && all[j] && !side[j])
                    for (int d = 0; d < D; d++)
                        sum += (double)rows.data[i * D + d] * (double)rows.data[j * D + d];
        cut[e] = part < whole && part >= 2 && whole - part >= 2 && !edge[e].sure &&
                 sum < agree * (double)part * (double)(whole - part);
    }
    int64_t groups = 0;
    for (int64_t i = 0; i < N; i++) group[i] = -1;
    for (int64_t i = 0; i < N; i++) {
        if (group[i] >= 0) continue;
        reach(edge, edges, cut, -1, i, side);
        for (int64_t j = 0; j < N; j++)
            if (side[j]) group[j] = groups;
        groups++;
    }
}

static void test_components(void)
{
    check_begin("groups: bridges are cut as the definition says");
    float data[N * D];
    int cuts = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        kin_edge edge[200];
        int64_t group[N], want[N], edges = 20 + (int64_t)(seed % 40);
        for (int i = 0; i < N; i++) {
            double norm = 0;
            for (int d = 0; d < D; d++)
                data[i * D + d] = (float)kin_random_normal(seed, (uint64_t)(i * D + d));
            for (int d = 0; d < D; d++) norm += (double)data[i * D + d] * (double)data[i * D + d];
            for (int d = 0; d < D; d++) data[i * D + d] /= (float)sqrt(norm);
        }
        for (int64_t e = 0; e < edges; e++) {
            uint64_t r = kin_random_bits(seed + 100, (uint64_t)e);
            int64_t a = (int64_t)(r % N), b = (a + 1 + (int64_t)(r / N % 6)) % N;
            edge[e] = (kin_edge){a, b, (r >> 40) % 5 == 0};
        }
        kin_vectors rows = {data, N, D};
        int64_t groups = kin_components(rows, edge, edges, .1, group, NULL);
        plain_components(rows, edge, edges, .1, want);
        CHECK_MSG(memcmp(group, want, sizeof group) == 0, "seed %d", (int)seed);
        int64_t uncut = kin_components(rows, edge, edges, -2, group, NULL);
        cuts += groups > uncut;
    }
    CHECK_MSG(cuts > 10, "%d", cuts);
    int64_t none[N];
    CHECK(kin_components((kin_vectors){data, N, D}, NULL, 0, 0, none, NULL) == N && none[N - 1] == N - 1);
    check_end();
}

int main(void)
{
    test_components();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
