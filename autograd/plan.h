/* Memory without gradients: where every tensor of a forward goes, known before it runs.
 *
 * A dry run notes the calls in their order; a tensor lives from the call that makes it to the last one
 * that reads it, and tensors that are never alive together share memory. The largest is placed first, each
 * at the lowest offset that is free during its life (greedy by size: Pisarchyk and Lee 2020). A later
 * forward follows the plan call by call; one that departs from it takes the rest from the arena, and one
 * that reads what is gone is found out. For autograd/ and nn/ alone. */
#ifndef KIN_AUTOGRAD_PLAN_H
#define KIN_AUTOGRAD_PLAN_H

#include "autograd/inside.h"

typedef struct kin_planned {
    const kin_op *op;
    kin_shape shape;
    size_t bytes, offset;
    size_t root; /* itself, or the tensor whose memory a view shows */
    /* the last call that reads it; SIZE_MAX: it outlives the forward. Valid for roots */
    size_t last;
} kin_planned;

typedef struct kin_plan {
    kin_planned *calls;
    size_t count, capacity;
    size_t bytes; /* of the whole */
} kin_plan;

/* A forward that follows a plan; it lies on the tape, as the tensors do that point to it. */
struct kin_frame {
    size_t *last;         /* as in the plan, which may go before the tensors do */
    size_t count, at;     /* calls so far */
    const kin_plan *plan; /* NULL once the forward has departed or ended */
    unsigned char *base;
    bool departed;
    bool lost; /* a tensor was read that is gone */
};

void kin_plan_free(kin_plan *plan);

/* Between the two, a dry forward's calls are noted. `result` outlives it. False on error (recorded). */
void kin_plan_begin(kin_ctx *ctx, kin_plan *plan);
bool kin_plan_end(kin_ctx *ctx, kin_tensor *result);

/* Between the two, a forward follows the plan, in plan->bytes of memory at `base` or, when that is NULL,
 * on the tape. NULL when out of memory (recorded). */
kin_frame *kin_frame_begin(kin_ctx *ctx, const kin_plan *plan, void *base);
void kin_frame_end(kin_ctx *ctx);

/* ---- for the tape ---- */

bool kin_plan_note(kin_ctx *ctx, kin_call *c); /* false when out of memory */
/* memory of the output, or NULL: take it from the arena */
kin_real *kin_frame_place(kin_ctx *ctx, kin_call *c);
/* a call is over: dead tensors are poisoned, if that is on */
void kin_frame_done(kin_ctx *ctx);
bool kin_tensor_gone(const kin_tensor *t);

#endif
