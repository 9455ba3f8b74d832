#include "tests/support/brute.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>

double *brute_distances(const float *a, int64_t a_count, const float *b, int64_t b_count, int64_t dim,
                        char metric)
{
    double *out = malloc((size_t)(a_count * b_count) * sizeof *out);
    for (int64_t i = 0; out && i < a_count; i++) {
        for (int64_t j = 0; j < b_count; j++) {
            double square = 0, inner = 0, aa = 0, bb = 0;
            for (int64_t d = 0; d < dim; d++) {
                double x = (double)a[i * dim + d], y = (double)b[j * dim + d];
                square += (x - y) * (x - y);
                inner += x * y;
                aa += x * x;
                bb += y * y;
            }
            out[i * b_count + j] = metric == 'e'   ? square
                                   : metric == 'i' ? -inner
                                                   : -inner / (sqrt(aa) * sqrt(bb));
        }
    }
    return out;
}

typedef struct pair {
    double distance;
    int64_t index;
} pair;

static int by_distance(const void *left, const void *right)
{
    const pair *a = left, *b = right;
    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

int64_t brute_order(const double *row, int64_t count, int64_t skip, int64_t *order)
{
    pair *pairs = malloc((size_t)count * sizeof *pairs);
    int64_t used = 0;
    for (int64_t j = 0; j < count; j++)
        if (j != skip) pairs[used++] = (pair){row[j], j};
    qsort(pairs, (size_t)used, sizeof *pairs, by_distance);
    for (int64_t j = 0; j < used; j++) order[j] = pairs[j].index;
    free(pairs);
    return used;
}

static bool among(const int64_t *list, int64_t count, int64_t item)
{
    for (int64_t i = 0; i < count; i++)
        if (list[i] == item) return true;
    return false;
}

/* R(i, k): those of the first k + 1 of i that have i among their first k + 1. */
static int64_t reciprocal(const int64_t *rank, int64_t n, int64_t i, int64_t k, int64_t *out)
{
    int64_t used = 0;
    for (int64_t a = 0; a <= k; a++) {
        int64_t j = rank[i * n + a];
        if (among(rank + j * n, k + 1, i)) out[used++] = j;
    }
    return used;
}

static void encode(const double *scaled, const int64_t *rank, int64_t n, int64_t i, int k1, double *v)
{
    int half = (int)nearbyint(k1 / 2.0);
    int64_t *mine = malloc((size_t)(k1 + 1) * sizeof *mine),
            *theirs = malloc((size_t)(k1 + 1) * sizeof *theirs);
    bool *in = calloc((size_t)n, sizeof *in);
    int64_t count = reciprocal(rank, n, i, k1, mine);
    for (int64_t a = 0; a < count; a++) in[mine[a]] = true;
    for (int64_t a = 0; a < count; a++) {
        int64_t size = reciprocal(rank, n, mine[a], half, theirs), common = 0;
        for (int64_t b = 0; b < size; b++) common += among(mine, count, theirs[b]);
        if (3 * common > 2 * size)
            for (int64_t b = 0; b < size; b++) in[theirs[b]] = true;
    }
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += in[j] ? exp(-scaled[i * n + j]) : 0;
    for (int64_t j = 0; j < n; j++) v[i * n + j] = in[j] ? exp(-scaled[i * n + j]) / sum : 0;
    free(mine), free(theirs), free(in);
}

double *brute_rerank(const float *all, int64_t n, int64_t queries, int64_t dim, int k1, int k2, double lambda,
                     bool squared_input)
{
    double *d = brute_distances(all, n, all, n, dim, 'e'), *v = calloc((size_t)(n * n), sizeof *v),
           *mean = calloc((size_t)(n * n), sizeof *mean);
    int64_t *rank = malloc((size_t)(n * n) * sizeof *rank), first = queries, rows = queries ? queries : n,
            columns = n - first;
    double *out = malloc((size_t)(rows * columns) * sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        double most = 0;
        for (int64_t j = 0; j < n; j++)
            most = fmax(most, squared_input ? d[i * n + j] * d[i * n + j] : d[i * n + j]);
        for (int64_t j = 0; j < n; j++)
            d[i * n + j] = most > 0 ? (squared_input ? d[i * n + j] * d[i * n + j] : d[i * n + j]) / most : 0;
        rank[i * n] = i; /* self first */
        brute_order(d + i * n, n, i, rank + i * n + 1);
    }
    for (int64_t i = 0; i < n; i++) encode(d, rank, n, i, k1, v);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            for (int a = 0; a < k2; a++) mean[i * n + j] += v[rank[i * n + a] * n + j];
            mean[i * n + j] /= k2;
        }
    for (int64_t q = 0; q < rows; q++)
        for (int64_t g = 0; g < columns; g++) {
            double s = 0;
            for (int64_t j = 0; j < n; j++) s += fmin(mean[q * n + j], mean[(first + g) * n + j]);
            out[q * columns + g] = (1 - lambda) * (1 - s / (2 - s)) + lambda * d[q * n + first + g];
        }
    free(d), free(v), free(mean), free(rank);
    return out;
}

void brute_clusters(float *out, int64_t count, int64_t dim, int64_t classes, double spread, uint64_t seed)
{
    uint64_t centres = kin_key(seed, 1, 0), noise = kin_key(seed, 2, 0);
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < dim; d++) {
            double centre = kin_random_normal(centres, (uint64_t)(i % classes * dim + d));
            out[i * dim + d] = (float)(centre + spread * kin_random_normal(noise, (uint64_t)(i * dim + d)));
        }
}
