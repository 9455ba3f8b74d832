/* Recomputing activations [Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"]: of a
 * segment of the tape only what it returns is kept; backward runs the segment's forwards a second time,
 * which gives the same bits, since an op's result depends on its inputs and options alone. A network of n
 * equal blocks then holds n results and the inside of one block, at the price of one more forward.
 *
 * Segments replay calls, not the code that made them, so a network needs nothing but the marks. For
 * autograd/ and nn/ alone. */
#ifndef KIN_AUTOGRAD_RECOMPUTE_H
#define KIN_AUTOGRAD_RECOMPUTE_H

#include "autograd/inside.h"

struct kin_segment {
    size_t first, behind; /* of the tape's calls */
};

/* Between the two, tensors are dropped as soon as `result` is there; one that somebody reads afterwards is
 * an error, unless kin_retain asked for it. Segments within a segment belong to it. Nothing happens where
 * no gradients are recorded. end returns `result`, packed. */
void kin_segment_begin(kin_ctx *ctx);
kin_tensor *kin_segment_end(kin_ctx *ctx, kin_tensor *result);

/* ---- for the tape ---- */

/* before the call's backward: recomputes the segment that ends with it. False on error (recorded) */
bool kin_segment_enter(kin_ctx *ctx, size_t call);
void kin_segment_leave(kin_ctx *ctx, size_t call); /* after it: drops the segment that begins with it */
void kin_segments_forget(kin_ctx *ctx);            /* at a step's end */

#endif
