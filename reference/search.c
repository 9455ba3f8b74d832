/* Exact nearest neighbours: every query meets every item,
 *
 *   squared Euclid   ‖q − g‖² = Σ (q_d − g_d)²
 *   cosine           q·g / (‖q‖ ‖g‖)
 *   inner product    q·g = Σ q_d g_d
 *
 * and the items are sorted by (distance, index), so that equal distances have one order. A query that is an
 * item of the gallery is left out by its index, not by its distance: another item may be as near. O(Q·G·(D +
 * log G)).
 *
 * Held to this: retrieval/search (search.c, range.c), which forms no distances in double but those that its
 * bounds leave in doubt; and all that is made of neighbours. */
#include "reference/search.h"

#include <math.h>
#include <stdlib.h>

static double distance(const kin_real *a, const kin_real *b, int64_t dim, char metric)
{
    double square = 0, inner = 0, aa = 0, bb = 0;
    for (int64_t d = 0; d < dim; d++) {
        double x = (double)a[d], y = (double)b[d];
        square += (x - y) * (x - y);
        inner += x * y;
        aa += x * x;
        bb += y * y;
    }
    if (metric == 'e') return square;
    return metric == 'i' ? -inner : -inner / (sqrt(aa) * sqrt(bb));
}

double *kin_reference_distances(const kin_real *a, int64_t a_count, const kin_real *b, int64_t b_count,
                                int64_t dim, char metric)
{
    double *out = malloc((size_t)(a_count * b_count) * sizeof *out);
    for (int64_t i = 0; out && i < a_count; i++)
        for (int64_t j = 0; j < b_count; j++)
            out[i * b_count + j] = distance(a + i * dim, b + j * dim, dim, metric);
    return out;
}

typedef struct item {
    double distance;
    int64_t index;
} item;

static int by_distance(const void *left, const void *right)
{
    const item *a = left, *b = right;
    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

int64_t kin_reference_order(const double *row, int64_t count, int64_t skip, int64_t *order)
{
    item *items = malloc((size_t)count * sizeof *items);
    int64_t used = 0;
    for (int64_t j = 0; items && j < count; j++)
        if (j != skip) items[used++] = (item){row[j], j};
    if (used > 0) qsort(items, (size_t)used, sizeof *items, by_distance);
    for (int64_t j = 0; j < used; j++) order[j] = items[j].index;
    free(items);
    return used;
}
