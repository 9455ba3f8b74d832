#include "retrieval/exact.h"

#include <string.h>

enum { LANES = 8, RUN = 16 };

static double add_lanes(const double *lane) { return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7])); }

double kin_exact_euclid(const float *a, const float *b, int64_t dim)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            double difference = (double)a[i + l] - (double)b[i + l];
            lane[l] += difference * difference;
        }
    }
    for (int l = 0; i < dim; i++, l++) {
        double difference = (double)a[i] - (double)b[i];
        lane[l] += difference * difference;
    }
    return add_lanes(lane);
}

double kin_exact_inner(const float *a, const float *b, int64_t dim)
{
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += (double)a[i + l] * (double)b[i + l];
    for (int l = 0; i < dim; i++, l++) lane[l] += (double)a[i] * (double)b[i];
    return add_lanes(lane);
}

static void sort_run(kin_hit *hits, int64_t count)
{
    for (int64_t i = 1; i < count; i++) {
        kin_hit hit = hits[i];
        int64_t j = i;
        for (; j > 0 && kin_hit_before(hit, hits[j - 1]); j--) hits[j] = hits[j - 1];
        hits[j] = hit;
    }
}

static void merge(kin_hit *hits, kin_hit *spare, int64_t left, int64_t count)
{
    if (!kin_hit_before(hits[left], hits[left - 1])) return;
    memcpy(spare, hits, (size_t)left * sizeof *hits);
    int64_t i = 0, j = left, out = 0;
    while (i < left && j < count) hits[out++] = kin_hit_before(hits[j], spare[i]) ? hits[j++] : spare[i++];
    memcpy(hits + out, spare + i, (size_t)(left - i) * sizeof *hits);
}

void kin_hits_sort(kin_hit *hits, kin_hit *spare, int64_t count)
{
    for (int64_t i = 0; i < count; i += RUN) sort_run(hits + i, count - i < RUN ? count - i : RUN);
    for (int64_t width = RUN; width < count; width *= 2)
        for (int64_t i = 0; i + width < count; i += 2 * width) merge(hits + i, spare, width, count - i < 2 * width ? count - i : 2 * width);
}
