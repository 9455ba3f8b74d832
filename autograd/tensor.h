/* Tensors and the context that owns them.
 *
 * A tensor is dense, channels last: [n, h, w, c] for pictures, [n, c] for vectors, [1] for a scalar. Only
 * the channel axis may be a view, so every tensor is a matrix of kin_rows() rows and kin_channels()
 * columns whose rows begin kin_ld() ≥ kin_channels() numbers apart.
 *
 * A context holds the tape: every tensor that an op makes belongs to it and lives until kin_end_step().
 * Whatever must outlive the step is copied out. A context is used by one thread at a time; ops run on all
 * cores inside.
 *
 * Errors are sticky: the first failure in a context is recorded, later ops return NULL and do nothing,
 * and NULL may be passed everywhere. Look once a step, with kin_ok(). */
#ifndef KIN_AUTOGRAD_TENSOR_H
#define KIN_AUTOGRAD_TENSOR_H

#include "base/error.h"
#include "base/real.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_MAX_DIMS = 4 };

typedef struct kin_ctx kin_ctx;
typedef struct kin_tensor kin_tensor;

typedef struct kin_shape {
    int ndim;
    int64_t dim[KIN_MAX_DIMS];
} kin_shape;

/* KIN_SHAPE(8, 28, 28, 1): 1 to 4 dimensions. */
#ifdef __cplusplus
#define KIN_SHAPE_COUNT(a, b, c, d, count, ...) count
#define KIN_SHAPE(...) (kin_shape{KIN_SHAPE_COUNT(__VA_ARGS__, 4, 3, 2, 1, 0), {__VA_ARGS__}})
#else
#define KIN_SHAPE(...) ((kin_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#endif
bool kin_shape_equal(kin_shape a, kin_shape b);
/* numbers in it; 0 when invalid or overflowing */
int64_t kin_shape_count(kin_shape s);
const char *kin_shape_text(kin_shape s, char *buffer, size_t size); /* "[8, 28, 28, 1]" */

/* ---- context ---- */

/* NULL when out of memory. */
kin_ctx *kin_ctx_new(void);
void kin_ctx_free(kin_ctx *ctx);

/* Whether no error stands. */
bool kin_ok(const kin_ctx *ctx);
/* Ops and modules report here, and all else in the kin_error that it is given. */
kin_error *kin_ctx_error(kin_ctx *ctx); /* the standing error; kin_error_clear() lifts it */
/* Hands the standing error on, for functions that report in `err`; that there is no context is an error of memory. Always
 * false, as kin_fail. */
bool kin_take_error(kin_ctx *ctx, kin_error *err);

/* Ends a step: every tensor of the tape is gone, its memory is kept for the next step. */
void kin_end_step(kin_ctx *ctx);

/* Without recording no gradients can be had (inference). On by default. Returns the old setting. */
bool kin_record(kin_ctx *ctx, bool on);

/* Without recording, a module's forward in evaluation uses memory again after a tensor's last use. This
 * keeps a tensor's numbers until kin_end_step; called inside the network, in every forward.
 * (kin_module_retain does it by name.) */
void kin_retain(kin_tensor *t);

/* What random ops (dropout) are keyed by, together with their path. */
void kin_set_random(kin_ctx *ctx, uint64_t seed, uint64_t step);

/* Bytes of the tape and of the gradients' pool at their largest. */
size_t kin_peak_bytes(const kin_ctx *ctx);

/* ---- making tensors ---- */

/* A tensor on the tape, a copy of `data` (zeros when NULL). Takes no gradient. */
kin_tensor *kin_input(kin_ctx *ctx, kin_shape shape, const kin_real *data);
/* The same, but kin_grad() of it can be read after kin_backward(). */
kin_tensor *kin_variable(kin_ctx *ctx, kin_shape shape, const kin_real *data);
/* The same value, cut off from what made it: no gradient flows through. */
kin_tensor *kin_detach(kin_tensor *x);

/* ---- looking at tensors; all allow NULL ---- */

/* The shape, its parts, and the numbers of it all. Rows are all axes but the last, channels the last; rows begin
 * kin_ld numbers apart, which is more than kin_channels where the tensor is a part of a wider one. */
kin_shape kin_shape_of(const kin_tensor *t);
int64_t kin_dim(const kin_tensor *t, int axis); /* 0 outside the shape; negative axes count from the end */
int kin_ndim(const kin_tensor *t);
int64_t kin_rows(const kin_tensor *t);
int64_t kin_channels(const kin_tensor *t);
int64_t kin_ld(const kin_tensor *t);
int64_t kin_count(const kin_tensor *t);
/* The numbers; row r, channel c at [r * kin_ld(t) + c]. NULL in a dry run, where reading is an error. */
const kin_real *kin_data(const kin_tensor *t);
/* The first number, for losses; NaN when there is none. */
double kin_item(const kin_tensor *t);
/* Copies all numbers, packed, to `out` [kin_count(t)]. */
bool kin_read(const kin_tensor *t, kin_real *out);
kin_ctx *kin_ctx_of(const kin_tensor *t);

/* ---- gradients ---- */

/* Back-propagates from a scalar. Gradients of parameters are added to, as in PyTorch. False on error. */
bool kin_backward(kin_tensor *loss);
/* d(loss)/d(t), packed [rows, channels]; NULL when t took no part. Intermediate tensors keep theirs only
 * after kin_keep_grad(). */
const kin_real *kin_grad(const kin_tensor *t);
void kin_keep_grad(kin_tensor *t);

#ifdef __cplusplus
}
#endif

#endif
