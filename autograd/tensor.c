/* What can be told of a tensor and its context without its numbers. */
#include "autograd/inside.h"

#include <stdio.h>

bool kin_shape_equal(kin_shape a, kin_shape b)
{
    if (a.ndim != b.ndim) return false;
    for (int i = 0; i < a.ndim; i++)
        if (a.dim[i] != b.dim[i]) return false;
    return true;
}

/* So many numbers that sizes in bytes, of a few times as many, fit into a size_t: half a gigabyte of them
 * where that has 32 bits. */
static const int64_t count_max = PTRDIFF_MAX / (sizeof(size_t) > 4 ? 64 : 16);

int64_t kin_shape_count(kin_shape s)
{
    if (s.ndim < 1 || s.ndim > KIN_MAX_DIMS) return 0;
    int64_t count = 1;
    for (int i = 0; i < s.ndim; i++) {
        if (s.dim[i] < 1 || s.dim[i] > count_max / count) return 0;
        count *= s.dim[i];
    }
    return count;
}

const char *kin_shape_text(kin_shape s, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (int i = 0; i < s.ndim && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%lld", i ? ", " : "", (long long)s.dim[i]);
    if (used < size) snprintf(buffer + used, size - used, "]");
    return buffer;
}

kin_ctx *kin_ctx_of(const kin_tensor *t) { return t ? t->ctx : NULL; }
kin_shape kin_shape_of(const kin_tensor *t) { return t ? t->shape : (kin_shape){0}; }
int kin_ndim(const kin_tensor *t) { return t ? t->shape.ndim : 0; }

int64_t kin_dim(const kin_tensor *t, int axis)
{
    if (!t) return 0;
    if (axis < 0) axis += t->shape.ndim;
    return axis >= 0 && axis < t->shape.ndim ? t->shape.dim[axis] : 0;
}

int64_t kin_count(const kin_tensor *t) { return t ? kin_shape_count(t->shape) : 0; }
int64_t kin_channels(const kin_tensor *t) { return kin_dim(t, -1); }
int64_t kin_rows(const kin_tensor *t) { return t ? kin_count(t) / kin_channels(t) : 0; }
int64_t kin_ld(const kin_tensor *t) { return t ? t->ld : 0; }

void kin_leaf_init(kin_tensor *leaf, kin_ctx *ctx, kin_shape shape, kin_real *data, kin_real *grad)
{
    *leaf = (kin_tensor){.ctx = ctx,
                         .shape = shape,
                         .ld = shape.dim[shape.ndim - 1],
                         .data = data,
                         .grad = grad,
                         .wants_grad = grad != NULL,
                         .owned_grad = grad != NULL};
}

bool kin_ok(const kin_ctx *ctx) { return ctx && ctx->error.code == KIN_OK; }
kin_error *kin_ctx_error(kin_ctx *ctx) { return &ctx->error; }
