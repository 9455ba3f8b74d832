/* The inside of maps that grow by channels (grow.c), for autograd/ alone. */
#ifndef KIN_AUTOGRAD_GROW_H
#define KIN_AUTOGRAD_GROW_H

#include "autograd/ops.h"

/* Each channel's mean and biased variance over the rows, of the first `known` channels of all views of one
 * memory. */
typedef struct kin_moments {
    kin_real *mean, *var;
    int64_t known;
} kin_moments;

/* Those of x's channels, computed where they are not known; NULL when x is no such view. The workspace is
 * kin_norm_workspace's for x. */
const kin_moments *kin_moments_of(const kin_tensor *x, void *workspace);

/* y, which op has made of x by writing further channels behind it, may now grow in x's stead. */
kin_tensor *kin_grown(kin_tensor *x, kin_tensor *y);

#endif
