/* A tensor whose numbers are not in memory: for each channel they are act(x·scale + shift) of another
 * tensor's. So a convolution's output is kept once in training, raw; what batch norm and activation make
 * of it is made where it is read, in forward and again in backward. An op that can read it so says so
 * (kin_op.reads_deferred); for any other, and for whoever looks at the numbers, they are put into memory
 * once and stay there. The numbers are the same bits either way. For autograd/ alone. */
#ifndef KIN_AUTOGRAD_DEFERRED_H
#define KIN_AUTOGRAD_DEFERRED_H

#include "autograd/inside.h"
#include "kernels/conv/conv.h"

struct kin_deferred {
    const kin_tensor *of;
    kin_conv_begin by; /* scale and shift live as long as the tape */
};

/* Whether this call's output may be deferred: it takes a gradient, and no block is under way that is
 * recomputed. */
bool kin_may_defer(const kin_call *c);
/* For forward: the call's output is `of` through `by`. */
void kin_defer(kin_call *c, const kin_tensor *of, kin_conv_begin by);
/* Puts a deferred tensor's numbers into memory. False when that is out (recorded). */
bool kin_materialise(kin_tensor *t);

/* Where an op that reads deferred inputs finds the numbers: where they lie and how far apart their rows
 * are, and what they go through (NULL: nothing). */
typedef struct kin_source {
    const kin_real *data;
    int64_t ld;
    const kin_conv_begin *begin;
} kin_source;
kin_source kin_source_of(const kin_tensor *t);

#endif
