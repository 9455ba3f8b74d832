/* Matrix products.
 *
 *   C = A·B:   dA = dC·Bᵀ,   dB = Aᵀ·dC
 *
 * A transposed operand is the same memory with its strides exchanged, so no case needs a copy. */
#include "autograd/op_options.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "kernels/gemm.h"

static void run(kin_call *c, kin_gemm_args *args)
{
    void *workspace = kin_scratch(c, kin_gemm_workspace(args));
    if (workspace) kin_gemm(args, workspace);
}

static kin_matrix exchanged(kin_matrix m) { return (kin_matrix){m.data, m.col_stride, m.row_stride}; }

/* ---- affine: y = x·wᵀ + b ---- */

static bool affine_infer(kin_call *c, kin_shape *out)
{
    kin_tensor *x = c->in[0], *w = c->in[1];
    if (kin_ndim(w) != 2 || kin_channels(w) != kin_channels(x))
        return kin_call_fail(c, "expected weights [out, %lld]", (long long)kin_channels(x));
    if (c->n_in == 3 && kin_count(c->in[2]) != kin_dim(w, 0))
        return kin_call_fail(c, "the bias needs one number for each of %lld outputs",
                             (long long)kin_dim(w, 0));
    *out = kin_shape_of(x);
    out->dim[out->ndim - 1] = kin_dim(w, 0);
    return true;
}

static void affine_forward(kin_call *c)
{
    kin_tensor *x = c->in[0], *w = c->in[1];
    run(c, &(kin_gemm_args){.m = kin_rows(x),
                            .n = kin_dim(w, 0),
                            .k = kin_channels(x),
                            .a = {x->data, x->ld, 1},
                            .b = {w->data, 1, w->ld},
                            .c = kin_out(c),
                            .ldc = kin_dim(w, 0),
                            .bias = c->n_in == 3 ? c->in[2]->data : NULL});
}

static void affine_backward(kin_call *c)
{
    kin_tensor *x = c->in[0], *w = c->in[1];
    int64_t rows = kin_rows(x), in = kin_channels(x), out = kin_dim(w, 0);
    kin_matrix g = {kin_grad_out(c), out, 1};
    bool accumulate;
    kin_real *dx = kin_grad_write(c, 0, &accumulate);
    if (dx)
        run(c, &(kin_gemm_args){.m = rows,
                                .n = in,
                                .k = out,
                                .a = g,
                                .b = {w->data, w->ld, 1},
                                .c = dx,
                                .ldc = in,
                                .accumulate = accumulate});
    kin_real *dw = kin_grad_write(c, 1, &accumulate);
    if (dw)
        run(c, &(kin_gemm_args){.m = out,
                                .n = in,
                                .k = rows,
                                .a = exchanged(g),
                                .b = {x->data, x->ld, 1},
                                .c = dw,
                                .ldc = in,
                                .accumulate = accumulate});
    kin_real *db = c->n_in == 3 ? kin_grad_add(c, 2) : NULL;
    for (int64_t o = 0; db && o < out; o++) {
        double sum = 0;
        for (int64_t r = 0; r < rows; r++) sum += (double)g.data[r * out + o];
        db[o] += (kin_real)sum;
    }
}

static double affine_flops(const kin_call *c)
{
    return 2.0 * (double)kin_rows(c->out) * (double)kin_count(c->in[1]);
}

const kin_op kin_op_affine = {"affine",
                              .infer = affine_infer,
                              .forward = affine_forward,
                              .backward = affine_backward,
                              .flops = affine_flops,
                              .saves = KIN_SAVES_INPUTS};

kin_tensor *kin_affine(kin_tensor *x, kin_tensor *w, kin_tensor *b)
{
    return kin_apply_n(&kin_op_affine, NULL, 0, (kin_tensor *[]){x, w, b}, b ? 3 : 2);
}

/* ---- (batched) products ---- */

typedef struct product {
    int64_t batch, m, n, k;
    bool shared_b;
} product;

static product product_of(const kin_call *c)
{
    const kin_matmul_opt *o = c->opt;
    const kin_tensor *a = c->in[0], *b = c->in[1];
    product p = {.m = kin_dim(a, o->transpose_a ? -1 : -2),
                 .k = kin_dim(a, o->transpose_a ? -2 : -1),
                 .n = kin_dim(b, o->transpose_b ? -2 : -1)};
    p.batch = kin_count(a) / (p.m * p.k);
    p.shared_b = kin_ndim(b) == 2;
    return p;
}

static bool matmul_infer(kin_call *c, kin_shape *out)
{
    const kin_matmul_opt *o = c->opt;
    kin_shape a = kin_shape_of(c->in[0]), b = kin_shape_of(c->in[1]);
    if (a.ndim < 2 || b.ndim < 2 || (b.ndim != 2 && b.ndim != a.ndim))
        return kin_call_fail(c, "expected matrices, or stacks of as many axes");
    for (int i = 0; b.ndim > 2 && i < a.ndim - 2; i++)
        if (a.dim[i] != b.dim[i]) return kin_call_fail(c, "the stacks differ on axis %d", i);
    product p = product_of(c);
    if (p.k != kin_dim(c->in[1], o->transpose_b ? -1 : -2)) return kin_call_fail(c, "the inner sizes differ");
    *out = a;
    out->dim[a.ndim - 2] = p.m;
    out->dim[a.ndim - 1] = p.n;
    return true;
}

/* Matrix i of a stack whose rows begin ld apart, transposed or not. */
static kin_matrix matrix(const kin_real *data, int64_t ld, int64_t rows, int64_t i, bool transposed)
{
    kin_matrix m = {data + i * rows * ld, ld, 1};
    return transposed ? exchanged(m) : m;
}

static kin_matrix operand_a(const kin_call *c, int64_t i)
{
    return matrix(c->in[0]->data, c->in[0]->ld, kin_dim(c->in[0], -2), i,
                  ((const kin_matmul_opt *)c->opt)->transpose_a);
}

static kin_matrix operand_b(const kin_call *c, int64_t i)
{
    bool shared = kin_ndim(c->in[1]) == 2;
    return matrix(c->in[1]->data, c->in[1]->ld, kin_dim(c->in[1], -2), shared ? 0 : i,
                  ((const kin_matmul_opt *)c->opt)->transpose_b);
}

static void matmul_forward(kin_call *c)
{
    product p = product_of(c);
    for (int64_t i = 0; i < p.batch; i++)
        run(c, &(kin_gemm_args){.m = p.m,
                                .n = p.n,
                                .k = p.k,
                                .a = operand_a(c, i),
                                .b = operand_b(c, i),
                                .c = kin_out(c) + i * p.m * p.n,
                                .ldc = p.n});
}

static void matmul_backward(kin_call *c)
{
    const kin_matmul_opt *o = c->opt;
    product p = product_of(c);
    bool add_a = false, add_b = false;
    kin_real *da = kin_grad_write(c, 0, &add_a);
    kin_real *db = kin_grad_write(c, 1, &add_b);
    if (da == db) add_b = true; /* the same tensor on both sides: the second product adds to the first */
    for (int64_t i = 0; i < p.batch; i++) {
        kin_matrix g = {kin_grad_out(c) + i * p.m * p.n, p.n, 1}, a = operand_a(c, i), b = operand_b(c, i);
        /* dA = G·Bᵀ, or (dA)ᵀ = B·Gᵀ where A came transposed; likewise for B. */
        kin_gemm_args to_a = {.m = p.m,
                              .n = p.k,
                              .k = p.n,
                              .a = g,
                              .b = exchanged(b),
                              .c = da + i * p.m * p.k,
                              .ldc = p.k,
                              .accumulate = add_a};
        if (o->transpose_a)
            to_a = (kin_gemm_args){.m = p.k,
                                   .n = p.m,
                                   .k = p.n,
                                   .a = b,
                                   .b = exchanged(g),
                                   .c = da + i * p.m * p.k,
                                   .ldc = p.m,
                                   .accumulate = add_a};
        if (da) run(c, &to_a);
        kin_real *at = db + (p.shared_b ? 0 : i * p.k * p.n);
        kin_gemm_args to_b = {.m = p.k,
                              .n = p.n,
                              .k = p.m,
                              .a = exchanged(a),
                              .b = g,
                              .c = at,
                              .ldc = p.n,
                              .accumulate = add_b || (p.shared_b && i)};
        if (o->transpose_b)
            to_b = (kin_gemm_args){.m = p.n,
                                   .n = p.k,
                                   .k = p.m,
                                   .a = exchanged(g),
                                   .b = a,
                                   .c = at,
                                   .ldc = p.k,
                                   .accumulate = to_b.accumulate};
        if (db) run(c, &to_b);
    }
}

static double matmul_flops(const kin_call *c)
{
    product p = product_of(c);
    return 2.0 * (double)p.batch * (double)p.m * (double)p.n * (double)p.k;
}

const kin_op kin_op_matmul = {"matmul",
                              .infer = matmul_infer,
                              .forward = matmul_forward,
                              .backward = matmul_backward,
                              .flops = matmul_flops,
                              .saves = KIN_SAVES_INPUTS};

kin_tensor *kin_matmul(kin_tensor *a, kin_tensor *b, const kin_matmul_opt *opt)
{
    kin_matmul_opt none = {0};
    return kin_apply(&kin_op_matmul, opt ? opt : &none, sizeof none, a, b);
}
