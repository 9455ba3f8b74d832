/* Average precision of one query, whose list holds the items i = 1, 2, … with rel_i = 1 where the label is
 * the query's:
 *
 *   P(i) = (1/i) Σ_{j ≤ i} rel_j      AP = (1/R) Σ_i P(i) rel_i
 *
 * R counts all relevant items of the gallery, found or not. Before anything is counted the query itself is
 * removed, and so is junk, the pictures of its label that its own camera took: the places behind close up.
 * AP at K looks at the first K places and divides by min(R, K), the most that they can hold; mAP@R is AP at
 * K = R [Musgrave et al. 2020]. mAP is the mean over the queries that have R > 0.
 *
 * Held to this: retrieval/judge/metrics.c. */
#include "reference/mean_average_precision.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static bool relevant(const kin_reference_lists *l, int64_t q, int64_t g)
{
    return l->query_label[q] >= 0 && l->query_label[q] == l->gallery_label[g];
}

static bool removed(const kin_reference_lists *l, int64_t q, int64_t g)
{
    if (l->self && l->self[q] == g) return true;
    return l->query_camera && l->query_camera[q] >= 0 && l->query_camera[q] == l->gallery_camera[g] &&
           relevant(l, q, g);
}

double kin_reference_average_precision(const kin_reference_lists *l, int64_t q, int64_t cut)
{
    int64_t r = 0, i = 0, hits = 0;
    for (int64_t g = 0; g < l->gallery; g++) r += relevant(l, q, g) && !removed(l, q, g);
    if (r == 0) return NAN;
    if (cut == KIN_REFERENCE_AT_R) cut = r;
    double sum = 0;
    for (int64_t place = 0; place < l->length; place++) {
        int64_t g = l->items[q * l->length + place];
        if (removed(l, q, g)) continue;
        i++;
        if (cut > 0 && i > cut) break;
        if (!relevant(l, q, g)) continue;
        hits++;
        sum += (double)hits / (double)i;
    }
    return sum / (double)(cut > 0 && cut < r ? cut : r);
}

double kin_reference_mean_average_precision(const kin_reference_lists *l, int64_t cut)
{
    double sum = 0;
    int64_t judged = 0;
    for (int64_t q = 0; q < l->queries; q++) {
        double ap = kin_reference_average_precision(l, q, cut);
        if (!isnan(ap)) sum += ap, judged++;
    }
    return judged ? sum / (double)judged : NAN;
}
