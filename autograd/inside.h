/* The inside of tensors and contexts, for autograd/ and nn/ alone. */
#ifndef KIN_AUTOGRAD_INSIDE_H
#define KIN_AUTOGRAD_INSIDE_H

#include "autograd/heap.h"
#include "autograd/op.h"
#include "autograd/watch.h"
#include "base/arena.h"

typedef struct kin_plan kin_plan;
typedef struct kin_frame kin_frame;
typedef struct kin_segment kin_segment;
typedef struct kin_moments kin_moments;
typedef struct kin_deferred kin_deferred;

/* Where a tensor's numbers are:
 *
 *   state      how it is known                 how it comes to be            what it becomes
 *   --------------------------------------------------------------------------------------------------------
 *   a shape    no data, nothing below          made in a dry run             -, reading it is an error
 *   stored     data                            an op's forward, a leaf       gone at the step's end
 *   deferred   deferred tells them, no data    kin_defer, in training        stored by kin_materialise, once
 *                                                                            somebody looks who cannot compute them
 *   planned    frame, data in its memory       a forward that is planned     gone after the last call that reads
 *                                                                            it, where kin_retain does not keep it
 *   gone       kin_tensor_gone                 that call is over             -, reading it is an error
 *   dropped    dropped                         its segment is over, and it   stored, while backward runs the
 *                                              is neither the result nor     segment again; dropped thereafter
 *                                              retained (then: copy)
 *
 * kin_data asks in this order: gone, dropped (errors both), deferred (put into memory), a shape (an error). Deferred
 * is none in a segment, a plan or a dry run (kin_may_defer); planned is none where gradients are recorded. */
struct kin_tensor {
    kin_ctx *ctx;
    kin_shape shape;
    int64_t ld;
    kin_real *data;
    /* its numbers are not in memory, and these tell them (autograd/deferred.h); NULL: they are at data */
    const kin_deferred *deferred;
    kin_real *grad; /* from the heap, or the module's slab for a parameter */
    /* numbers from row to row of it; 0: packed. More than the channels only where a view that grew has
     * handed its own on (grow.c) */
    int64_t grad_ld;
    int64_t reserved; /* channels that its rows have room for, while nothing was put there yet; 0: none */
    /* its channels' batch statistics, shared with the other views of its memory; NULL: nobody keeps them */
    kin_moments *moments;
    kin_call *producer; /* NULL for leaves */
    bool wants_grad;    /* some leaf beneath it takes a gradient */
    bool keep_grad;     /* the gradient outlives its producer's backward */
    bool owned_grad;    /* the gradient lives elsewhere and is always added to (parameters) */
    /* and counts as zeros, whatever its numbers are: the first to add writes (kin_grad_materialise clears it) */
    bool stale_grad;
    size_t plan_index; /* 1 + the planned call that made it (autograd/plan.h); 0: none */
    kin_frame *frame;  /* whose memory its numbers lie in; NULL: not planned */
    /* made in a segment that is recomputed (autograd/recompute.h): its numbers outlive the segment; are
     * not there now */
    bool retained, dropped;
    kin_real *copy; /* the numbers that outlive it */
};

struct kin_ctx {
    kin_error error;
    kin_arena arena;
    kin_call **calls;
    size_t n_calls, cap_calls;
    kin_heap gradients;
    kin_tensor **kept; /* tensors whose gradients go back to the heap at the step's end */
    size_t n_kept, cap_kept;
    void *scratch;
    size_t scratch_bytes;
    uint64_t seed, step;
    bool record, dry;
    bool poison;        /* dead buffers of planned forwards are filled with NaNs; on in debug builds */
    kin_plan *planning; /* a dry forward whose calls are noted */
    kin_frame *frame;   /* a forward that follows a plan */
    kin_segment *segments;
    size_t n_segments, cap_segments, segment_first;
    int segment_depth; /* of segments that have begun and not ended */
    bool replaying;
    kin_arena segment_arena; /* what lives as long as a segment */
    void *spare;             /* kin_save's memory for calls without gradients */
    size_t spare_bytes;
    /* called after each applied op, for layer tables and exports; then nothing is folded or planned */
    void (*observe)(void *arg, const kin_call *call);
    void *observe_arg;
    const kin_watch *watch; /* who is told what each op takes; NULL: nobody */
};

/* A leaf whose numbers belong to somebody else. With `grad` it takes a gradient, added to there. */
void kin_leaf_init(kin_tensor *leaf, kin_ctx *ctx, kin_shape shape, kin_real *data, kin_real *grad);

#endif
