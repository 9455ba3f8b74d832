/* Euclidean distances of all pairs of rows.
 *
 *   D_ij = Σ_k (a_ik − b_jk)²,     ∂D_ij/∂a_i = 2 (a_i − b_j) = −∂D_ij/∂b_j
 *   d_ij = √max(D_ij, 1e-12),      ∂d_ij/∂a_i = (a_i − b_j) / d_ij, and 0 where the maximum cuts
 *
 * A batch has few rows, so the differences are formed as they are written. The usual ‖a‖² + ‖b‖² − 2a·b
 * is a matrix product, but it cancels just where it matters most: between near neighbours. */
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "base/parallel.h"

#include <math.h>

static const double smallest = 1e-12;

static bool distance_infer(kin_call *c, kin_shape *out)
{
    if (kin_ndim(c->in[0]) != 2 || kin_ndim(c->in[1]) != 2 ||
        kin_channels(c->in[0]) != kin_channels(c->in[1]))
        return kin_call_fail(c, "expected matrices with rows of equal length");
    *out = KIN_SHAPE(kin_rows(c->in[0]), kin_rows(c->in[1]));
    return true;
}

static bool rooted(const kin_call *c) { return c->opt != NULL; }

/* Eight partial sums in a fixed order: the compiler may keep them in a vector register. */
static kin_real squared(const kin_real *a, const kin_real *b, int64_t n)
{
    kin_real part[8] = {0}, rest = 0;
    int64_t k = 0;
    for (; k + 8 <= n; k += 8)
        for (int j = 0; j < 8; j++) {
            kin_real d = a[k + j] - b[k + j];
            part[j] += d * d;
        }
    for (; k < n; k++) rest += (a[k] - b[k]) * (a[k] - b[k]);
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7])) + rest;
}

static void forward_row(void *arg, int64_t i, int worker)
{
    (void)worker;
    kin_call *c = arg;
    const kin_tensor *a = c->in[0], *b = c->in[1];
    int64_t m = kin_rows(b), n = kin_channels(a);
    kin_real *to = c->out->data + i * m;
    for (int64_t j = 0; j < m; j++) {
        kin_real d = squared(a->data + i * a->ld, b->data + j * b->ld, n);
        to[j] = !rooted(c)                         ? d
                : (double)d > smallest || isnan(d) ? (kin_real)sqrt((double)d)
                                                   : (kin_real)1e-6;
    }
}

static void distance_forward(kin_call *c) { kin_parallel_for(kin_rows(c->in[0]), forward_row, c); }

/* ∂L/∂(difference) of a pair is weight·(a_i − b_j). */
static kin_real pair_weight(const kin_call *c, int64_t i, int64_t j)
{
    int64_t at = i * kin_rows(c->in[1]) + j;
    kin_real g = c->out->grad[at], d = c->out->data[at];
    if (!rooted(c)) return 2 * g;
    return (double)d * (double)d > smallest * (1 + 1e-6) ? g / d : 0;
}

typedef struct distance_loop {
    kin_call *call;
    kin_real *grad;
    int side;
} distance_loop;

static void backward_row(void *arg, int64_t i, int worker)
{
    (void)worker;
    const distance_loop *l = arg;
    const kin_tensor *mine = l->call->in[l->side], *other = l->call->in[1 - l->side];
    int64_t rows = kin_rows(other), n = kin_channels(mine);
    const kin_real *a = mine->data + i * mine->ld;
    for (int64_t j = 0; j < rows; j++) {
        kin_real weight = l->side ? pair_weight(l->call, j, i) : pair_weight(l->call, i, j);
        if (weight == 0) continue;
        const kin_real *b = other->data + j * other->ld;
        for (int64_t k = 0; k < n; k++) l->grad[i * n + k] += weight * (a[k] - b[k]);
    }
}

static void distance_backward(kin_call *c)
{
    for (int side = 0; side < 2; side++) {
        distance_loop loop = {c, kin_grad_add(c, side), side};
        if (loop.grad) kin_parallel_for(kin_rows(c->in[side]), backward_row, &loop);
    }
}

static const kin_op distance_op = {"distance", .infer = distance_infer, .forward = distance_forward,
                                   .backward = distance_backward,
                                   .saves = KIN_SAVES_INPUTS | KIN_SAVES_OUTPUT};

kin_tensor *kin_distance(kin_tensor *a, kin_tensor *b)
{
    return kin_apply(&distance_op, &smallest, sizeof smallest, a, b);
}
kin_tensor *kin_distance_squared(kin_tensor *a, kin_tensor *b)
{
    return kin_apply(&distance_op, NULL, 0, a, b);
}
