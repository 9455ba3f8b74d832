/* A threshold without labels: an index tells from its own pictures how near a stranger comes. */
#include "photos/strangers.h"

#include "base/memory.h"
#include "retrieval/cluster/cluster.h"

#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE = 1000, /* pictures whose nearest is looked for ... */
    LOOKED_AT = 64 /* ... among so many, past those of their own group */
};

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

bool kin_photos_measure(kin_photos *p, kin_progress progress, kin_error *err)
{
    int64_t n = p->count < SAMPLE ? p->count : SAMPLE, self[SAMPLE],
            k = p->count - 1 < LOOKED_AT ? p->count - 1 : LOOKED_AT;
    if (p->count < 2) return true;
    kin_neighbours found = {0};
    int64_t *group = kin_alloc_array((size_t)p->count, sizeof *group);
    float *sample = kin_alloc_array((size_t)n, (size_t)p->dim * sizeof *sample);
    p->nearest = kin_alloc_array((size_t)n, sizeof *p->nearest);
    bool ok = (group && sample && p->nearest) ||
              kin_fail_memory(err, "the index", (size_t)(n * p->dim) * sizeof *sample);
    for (int64_t i = 0; ok && i < n; i++) {
        self[i] = i * p->count / n;
        memcpy(sample + i * p->dim, p->rows + self[i] * p->dim, (size_t)p->dim * sizeof *sample);
    }
    kin_search_opt opt = {.k = k, .metric = KIN_INNER, .self = self, .progress = progress};
    ok = ok &&
         kin_cluster(kin_photos_vectors(p), &(kin_cluster_opt){.progress = progress}, group, err) >= 0 &&
         kin_search((kin_vectors){sample, n, p->dim}, kin_photos_vectors(p), &opt, &found, err);
    for (int64_t i = 0; ok && i < n; i++) {
        int64_t at = 0;
        while (at < k - 1 && group[found.index[i * k + at]] == group[self[i]]) at++;
        float value = found.value[i * k + at];
        p->nearest[i] = value < 1 ? 1 - value : 0;
    }
    if (ok) {
        qsort(p->nearest, (size_t)n, sizeof *p->nearest, rising);
        p->nearests = n;
    }
    kin_neighbours_free(&found);
    kin_free(group), kin_free(sample);
    return ok;
}

bool kin_photos_threshold(const kin_photos *p, double rate, double *distance)
{
    int64_t at = (int64_t)(rate * (double)p->nearests);
    if (p->nearests < 20) return false;
    *distance = (double)p->nearest[at < p->nearests ? at : p->nearests - 1];
    return true;
}
