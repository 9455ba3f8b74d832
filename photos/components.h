/* Groups out of pairs: connected components, and a check of the bridges, since a single wrong pair would join
 * two groups that have nothing to do with each other. */
#ifndef KIN_PHOTOS_COMPONENTS_H
#define KIN_PHOTOS_COMPONENTS_H

#include "base/error.h"
#include "retrieval/vectors.h"

typedef struct kin_edge {
    int64_t a, b;
    bool sure; /* is never cut */
} kin_edge;

/* group [rows.count] receives each item's component, numbered from 0 in the order of their first items. An
 * edge whose removal would part a component into sides of two items or more each is cut, unless it is sure or
 * the mean of the inner products between all of one side and all of the other is at least `agree`. The sides
 * are those before any cut. Returns the number of components; -1: no memory. */
int64_t kin_components(kin_vectors rows, const kin_edge *edge, int64_t edges, double agree, int64_t *group,
                       kin_error *err);

#endif
