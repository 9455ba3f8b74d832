#include "photos/components.h"

#include "base/memory.h"

#include <string.h>

/* Items as nodes; each edge is in the lists of both. */
typedef struct graph {
    kin_vectors rows;
    const kin_edge *edge;
    int64_t edges, *first /* [nodes + 1] */, *incident /* [2 edges] */;
    int64_t *order, *low, *parent_edge, *size, *next, *visited; /* [nodes] */
    double *sum;                                                /* [dim], twice */
    bool *cut;                                                  /* [edges] */
} graph;

static bool make_lists(graph *g, kin_error *err)
{
    size_t n = (size_t)g->rows.count;
    g->first = kin_alloc_zero(n + 2, sizeof *g->first);
    g->incident = kin_alloc_array((size_t)g->edges, 2 * sizeof *g->incident);
    g->order = kin_alloc_array(n, 6 * sizeof *g->order);
    g->sum = kin_alloc_array((size_t)g->rows.dim, 2 * sizeof *g->sum);
    g->cut = kin_alloc_zero((size_t)g->edges, sizeof *g->cut);
    if (!g->first || !g->incident || !g->order || !g->sum || !g->cut)
        return kin_fail_memory(err, "groups", n * 7 * sizeof *g->order);
    g->low = g->order + n, g->parent_edge = g->low + n, g->size = g->parent_edge + n, g->next = g->size + n;
    g->visited = g->next + n;
    for (int64_t e = 0; e < g->edges; e++) g->first[g->edge[e].a + 2]++, g->first[g->edge[e].b + 2]++;
    for (size_t i = 2; i < n + 2; i++) g->first[i] += g->first[i - 1];
    for (int64_t e = 0; e < g->edges; e++) {
        g->incident[g->first[g->edge[e].a + 1]++] = e;
        g->incident[g->first[g->edge[e].b + 1]++] = e;
    }
    return true;
}

/* Whether the means of both sides agree: one is the subtree, visited[from ..], the other all else of the
 * component. */
static bool sides_agree(const graph *g, int64_t begin, int64_t from, int64_t end, int64_t component_end,
                        double agree)
{
    int64_t dim = g->rows.dim;
    double product = 0, *inside = g->sum, *outside = g->sum + dim;
    memset(g->sum, 0, (size_t)dim * 2 * sizeof *g->sum);
    for (int64_t i = begin; i < component_end; i++) {
        const float *row = kin_row(g->rows, g->visited[i]);
        double *to = i >= from && i < end ? inside : outside;
        for (int64_t d = 0; d < dim; d++) to[d] += (double)row[d];
    }
    for (int64_t d = 0; d < dim; d++) product += inside[d] * outside[d];
    return product >= agree * (double)(end - from) * (double)(component_end - begin - (end - from));
}

/* Bridges by depth-first search without recursion [Tarjan 1974]: low is the first item that a subtree reaches
 * by an edge of its own. In the order of visiting a subtree is one stretch. */
static int64_t visit(graph *g, int64_t root, int64_t counter)
{
    int64_t at = root;
    g->parent_edge[root] = -1, g->order[root] = g->low[root] = counter, g->size[root] = 1,
    g->next[root] = g->first[root];
    g->visited[counter++] = root;
    while (at >= 0) {
        if (g->next[at] < g->first[at + 1]) {
            int64_t e = g->incident[g->next[at]++], to = g->edge[e].a == at ? g->edge[e].b : g->edge[e].a;
            if (e == g->parent_edge[at] || to == at) continue;
            if (g->order[to] >= 0) {
                if (g->order[to] < g->low[at]) g->low[at] = g->order[to];
                continue;
            }
            g->parent_edge[to] = e, g->order[to] = g->low[to] = counter, g->size[to] = 1,
            g->next[to] = g->first[to];
            g->visited[counter++] = to;
            at = to;
            continue;
        }
        int64_t e = g->parent_edge[at];
        if (e < 0) break;
        int64_t up = g->edge[e].a == at ? g->edge[e].b : g->edge[e].a;
        if (g->low[at] < g->low[up]) g->low[up] = g->low[at];
        g->size[up] += g->size[at];
        at = up;
    }
    return counter;
}

static void check_bridges(graph *g, int64_t begin, int64_t end, double agree)
{
    for (int64_t i = begin + 1; i < end; i++) {
        int64_t item = g->visited[i], e = g->parent_edge[item], size = g->size[item];
        bool bridge = g->low[item] == g->order[item]; /* nothing of its subtree reaches above it otherwise */
        if (!bridge || g->edge[e].sure || size < 2 || end - begin - size < 2) continue;
        g->cut[e] = !sides_agree(g, begin, i, i + size, end, agree);
    }
}

/* In the order of visiting an item comes behind the one that it was reached from. */
static int64_t number(graph *g, int64_t *group)
{
    int64_t n = g->rows.count, groups = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t item = g->visited[i], e = g->parent_edge[item];
        int64_t up = e < 0 || g->cut[e] ? -1 : g->edge[e].a == item ? g->edge[e].b : g->edge[e].a;
        g->low[item] = up < 0 ? item : g->low[up]; /* the group's representative */
    }
    for (int64_t i = 0; i < n; i++) g->next[i] = -1;
    for (int64_t i = 0; i < n; i++) {
        int64_t of = g->low[i];
        if (g->next[of] < 0) g->next[of] = groups++;
        group[i] = g->next[of];
    }
    return groups;
}

int64_t kin_components(kin_vectors rows, const kin_edge *edge, int64_t edges, double agree, int64_t *group,
                       kin_error *err)
{
    graph g = {.rows = rows, .edge = edge, .edges = edges};
    int64_t groups = -1;
    if (make_lists(&g, err)) {
        int64_t counter = 0;
        for (int64_t i = 0; i < rows.count; i++) g.order[i] = -1;
        for (int64_t i = 0; i < rows.count; i++) {
            if (g.order[i] >= 0) continue;
            int64_t begin = counter;
            counter = visit(&g, i, counter);
            check_bridges(&g, begin, counter, agree);
        }
        groups = number(&g, group);
    }
    kin_free(g.first), kin_free(g.incident), kin_free(g.order), kin_free(g.sum), kin_free(g.cut);
    return groups;
}
