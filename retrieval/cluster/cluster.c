#include "retrieval/cluster/cluster.h"

#include "base/memory.h"
#include "retrieval/rerank/rerank.h"

#include <stdlib.h>

static int by_items(const void *a, const void *b)
{
    const kin_cluster_link *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* The lists' items that share neighbours with the row, each pair once. */
static kin_cluster_link *take_links(const kin_neighbours *lists, int64_t *links, kin_error *err)
{
    int64_t all = lists->queries * lists->k, count = 0, kept = 0;
    kin_cluster_link *link = kin_alloc_array((size_t)all, sizeof *link);
    if (!link) return kin_fail_memory(err, "links", (size_t)all * sizeof *link), NULL;
    for (int64_t i = 0; i < all; i++) {
        int64_t a = i / lists->k, b = lists->index[i];
        double value = 1 - (double)lists->value[i];
        if (b < 0 || !(value > 1e-6)) continue; /* what share none, but for rounding */
        link[count++] = (kin_cluster_link){a < b ? a : b, a < b ? b : a, value};
    }
    if (count) qsort(link, (size_t)count, sizeof *link, by_items);
    for (int64_t i = 0; i < count; i++) {
        if (kept && by_items(&link[kept - 1], &link[i]) == 0) {
            /* from both sides, summed in another order: the larger of the two */
            if (link[i].value > link[kept - 1].value) link[kept - 1].value = link[i].value;
            continue;
        }
        link[kept++] = link[i];
    }
    *links = kept;
    return link;
}

/* Of few items a group has few, too: ten neighbours would all be strangers. */
static int64_t chosen_k1(int64_t n)
{
    int64_t k1 = n / 20;
    return k1 < 3 ? 3 : k1 > 10 ? 10 : k1;
}

int64_t kin_cluster(kin_vectors v, const kin_cluster_opt *opt, int64_t *group, kin_error *err)
{
    static const kin_cluster_opt none = {0};
    if (!opt) opt = &none;
    int64_t n = v.count, k1 = opt->k1 ? opt->k1 : chosen_k1(n), k2 = opt->k2 ? opt->k2 : k1 * 2 / 5;
    if (n < 3) {
        for (int64_t i = 0; i < n; i++) group[i] = i; /* too few to have neighbours in common */
        return n;
    }
    if (k1 > n - 2) k1 = n - 2;
    if (k2 > k1) k2 = k1;
    if (k2 < 1) k2 = 1;
    kin_rerank_opt rerank = {.k = 12 * k1 < n - 1 ? 12 * k1 : n - 1,
                             .k1 = k1,
                             .k2 = k2,
                             .lambda = 0,
                             .leave_one_out = true,
                             .progress = opt->progress};
    kin_neighbours lists;
    int64_t links = 0, groups = -1;
    if (!kin_rerank_k_reciprocal(v, v, &rerank, &lists, err)) return -1;
    kin_cluster_link *link = take_links(&lists, &links, err);
    kin_neighbours_free(&lists);
    if (link)
        groups = kin_cluster_average(n, link, links, 1 - (opt->apart > 0 ? opt->apart : .96), group, err);
    kin_free(link);
    return groups;
}
