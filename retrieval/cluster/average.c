/* Average linkage over a sparse set of links: each cluster has a list of the clusters that it is linked to,
 * with the sum of the links between them, and a heap holds all pairs by their mean. A merged cluster has a
 * new number, larger than any before: what lists and heap say of the old ones is passed over where it is met,
 * and lists stay sorted. */
#include "base/memory.h"
#include "retrieval/cluster/cluster.h"

#include <stdlib.h>
#include <string.h>

typedef struct neighbour {
    int64_t cluster;
    double sum;
} neighbour;

typedef struct cluster {
    neighbour *list; /* rising by cluster */
    size_t count, capacity;
    int64_t size, first; /* items, and the first of them */
    int64_t into;        /* what it was merged into; -1: it lives */
} cluster;

typedef struct pair {
    double mean;
    int64_t a, b; /* a < b */
} pair;

typedef struct linkage {
    cluster *all; /* [2 n] */
    int64_t clusters;
    pair *heap;
    size_t pairs, room;
} linkage;

static bool before(const pair *x, const pair *y)
{
    if (x->mean != y->mean) return x->mean > y->mean;
    return x->a != y->a ? x->a < y->a : x->b < y->b;
}

static bool push(linkage *l, pair p)
{
    if (!kin_grow((void **)&l->heap, l->pairs, &l->room, sizeof *l->heap)) return false;
    size_t at = l->pairs++;
    for (; at && before(&p, &l->heap[(at - 1) / 2]); at = (at - 1) / 2) l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = p;
    return true;
}

static pair pop(linkage *l)
{
    pair top = l->heap[0], last = l->heap[--l->pairs];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < l->pairs; at = child) {
        if (child + 1 < l->pairs && before(&l->heap[child + 1], &l->heap[child])) child++;
        if (!before(&l->heap[child], &last)) break;
        l->heap[at] = l->heap[child];
    }
    l->heap[at] = last;
    return top;
}

static bool append(cluster *c, int64_t other, double sum)
{
    if (!kin_grow((void **)&c->list, c->count, &c->capacity, sizeof *c->list)) return false;
    c->list[c->count++] = (neighbour){other, sum};
    return true;
}

static bool link_both(linkage *l, int64_t a, int64_t b, double sum)
{
    return append(&l->all[a], b, sum) && append(&l->all[b], a, sum) &&
           push(l, (pair){sum / ((double)l->all[a].size * (double)l->all[b].size), a < b ? a : b,
                          a < b ? b : a});
}

/* The next living neighbour from place `at` on; NULL: none. */
static const neighbour *living(const linkage *l, const cluster *c, size_t *at)
{
    while (*at < c->count && l->all[c->list[*at].cluster].into >= 0) ++*at;
    return *at < c->count ? &c->list[*at] : NULL;
}

static bool merge(linkage *l, int64_t a, int64_t b)
{
    int64_t c = l->clusters++;
    cluster *x = &l->all[a], *y = &l->all[b];
    l->all[c] = (cluster){
        .size = x->size + y->size, .first = x->first < y->first ? x->first : y->first, .into = -1};
    x->into = y->into = c;
    size_t i = 0, k = 0;
    bool ok = true;
    for (const neighbour *p, *q; ok;) {
        p = living(l, x, &i), q = living(l, y, &k);
        if (!p && !q) break;
        bool left = p && (!q || p->cluster <= q->cluster), right = q && (!p || q->cluster <= p->cluster);
        int64_t other = left ? p->cluster : q->cluster;
        ok = link_both(l, c, other, (left ? p->sum : 0) + (right ? q->sum : 0));
        i += left, k += right;
    }
    kin_free(x->list), kin_free(y->list);
    x->list = y->list = NULL;
    x->count = y->count = 0;
    return ok;
}

static int by_size(const void *a, const void *b)
{
    const cluster *const *x = a, *const *y = b;
    if ((*x)->size != (*y)->size) return (*x)->size > (*y)->size ? -1 : 1;
    return ((*x)->first > (*y)->first) - ((*x)->first < (*y)->first);
}

/* Numbers of the living, the largest first, and then of the items. */
static int64_t number(linkage *l, int64_t n, int64_t *group)
{
    int64_t groups = 0;
    cluster **order = kin_alloc_array((size_t)n, sizeof *order);
    if (!order) return -1;
    for (int64_t c = 0; c < l->clusters; c++)
        if (l->all[c].into < 0) order[groups++] = &l->all[c];
    if (groups) qsort(order, (size_t)groups, sizeof *order, by_size);
    for (int64_t g = 0; g < groups; g++) order[g]->size = g;
    for (int64_t c = l->clusters - 1; c >= 0; c--) {
        /* what it was merged into has a larger number, and knows its group by now */
        if (l->all[c].into >= 0) l->all[c].size = l->all[l->all[c].into].size;
        if (c < n) group[c] = l->all[c].size;
    }
    kin_free(order);
    return groups;
}

int64_t kin_cluster_average(int64_t n, const kin_cluster_link *link, int64_t links, double least,
                            int64_t *group, kin_error *err)
{
    linkage l = {.clusters = n};
    int64_t groups = -1;
    l.all = kin_alloc_zero((size_t)n, 2 * sizeof *l.all);
    bool ok = l.all != NULL;
    for (int64_t i = 0; ok && i < n; i++) l.all[i] = (cluster){.size = 1, .first = i, .into = -1};
    /* Links are sorted by (a, b), so that every list rises: of a by b, and of b by a, the smaller ones
     * first. */
    for (int64_t i = 0; ok && i < links; i++) ok = link_both(&l, link[i].a, link[i].b, link[i].value);
    while (ok && l.pairs) {
        pair p = pop(&l);
        if (p.mean < least) break;
        if (l.all[p.a].into < 0 && l.all[p.b].into < 0) ok = merge(&l, p.a, p.b);
    }
    if (ok) groups = number(&l, n, group);
    if (groups < 0) kin_fail_memory(err, "clusters", (size_t)n * 2 * sizeof *l.all);
    for (int64_t c = 0; l.all && c < l.clusters; c++) kin_free(l.all[c].list);
    kin_free(l.all), kin_free(l.heap);
    return groups;
}
