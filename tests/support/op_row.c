#include "tests/support/op_row.h"

#include "autograd/tape.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernels/isa.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IN = 6 };
static const bool is_double = sizeof(kin_real) == sizeof(double);

typedef struct bench {
    const op_row *row;
    int n_in;
    kin_real *values[MAX_IN];
} bench;

/* The library's allocator is under test; the test's own memory comes from elsewhere. */
static void *mine(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p) abort();
    return p;
}

static int inputs_of(const op_row *row)
{
    int n = 0;
    while (n < MAX_IN && row->shapes[n].ndim) n++;
    return n;
}

static void draw(bench *b, uint64_t seed)
{
    const kin_gradcheck_opt *o = &b->row->check;
    bool fixed = o->low != 0 || o->high != 0;
    for (int i = 0; i < b->n_in; i++)
        for (int64_t j = 0; j < kin_shape_count(b->row->shapes[i]); j++) {
            double u = kin_random_uniform(kin_key(seed, (uint64_t)i, 0), (uint64_t)j);
            double x = fixed ? o->low + (o->high - o->low) * u : 2 * u - 1;
            if (fabs(x) < o->kink) x = x < 0 ? x - o->kink : x + o->kink;
            b->values[i][j] = (kin_real)x;
        }
}

/* Inputs on the tape; with `views`, input 0 is a slice of a wider tensor full of NaN. */
static kin_tensor *build(bench *b, kin_ctx *ctx, bool views, kin_tensor **in)
{
    for (int i = 0; i < b->n_in; i++) {
        kin_shape s = b->row->shapes[i];
        if (!(views && i == 0)) {
            in[i] = kin_variable(ctx, s, b->values[i]);
            continue;
        }
        int64_t channels = s.dim[s.ndim - 1], rows = kin_shape_count(s) / channels, wide = channels + 5;
        kin_shape w = s;
        w.dim[s.ndim - 1] = wide;
        kin_tensor *host = kin_variable(ctx, w, NULL);
        for (int64_t r = 0; host && r < rows; r++)
            for (int64_t k = 0; k < wide; k++)
                host->data[r * wide + k] = k >= 3 && k < 3 + channels ? b->values[i][r * channels + k - 3]
                                                                      : (kin_real)NAN;
        in[i] = kin_slice(host, 3, channels);
        kin_keep_grad(in[i]);
    }
    return b->row->build(in, b->row->arg);
}

/* A fixed random weight for each output, so that the loss sees all of them. */
static kin_tensor *loss_of(kin_ctx *ctx, kin_tensor *y)
{
    kin_tensor *r = y ? kin_input(ctx, kin_shape_of(y), NULL) : NULL;
    for (int64_t i = 0; r && i < kin_count(r); i++)
        r->data[i] = (kin_real)(2 * kin_random_uniform(77, (uint64_t)i) - 1);
    return r ? kin_sum(kin_mul(y, r), 0) : NULL;
}

/* Forward and backward: all outputs and gradients in one array, for comparisons bit by bit. */
static kin_real *everything(bench *b, kin_ctx *ctx, bool views, int64_t *count)
{
    kin_tensor *in[MAX_IN];
    kin_tensor *y = build(b, ctx, views, in);
    bool ok = kin_backward(loss_of(ctx, y));
    *count = 0;
    if (!ok) {
        kin_end_step(ctx);
        return NULL;
    }
    int64_t total = kin_count(y), at = kin_count(y);
    for (int i = 0; i < b->n_in; i++) total += kin_count(in[i]);
    kin_real *all = mine((size_t)total, sizeof *all);
    kin_read(y, all);
    for (int i = 0; i < b->n_in; at += kin_count(in[i++]))
        for (int64_t j = 0; j < kin_count(in[i]); j++) all[at + j] = kin_grad(in[i]) ? kin_grad(in[i])[j] : 0;
    *count = total;
    kin_end_step(ctx);
    return all;
}

static double norm_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static void forward_check(bench *b, kin_ctx *ctx)
{
    const op_row *row = b->row;
    kin_tensor *in[MAX_IN];
    kin_tensor *y = build(b, ctx, false, in);
    CHECK_MSG(y, "%s", kin_ctx_error(ctx)->message);
    if (!y) return;
    char got[64], want[64];
    if (row->out_shape.ndim)
        CHECK_MSG(kin_shape_equal(kin_shape_of(y), row->out_shape), "shape %s, expected %s",
                  kin_shape_text(kin_shape_of(y), got, sizeof got),
                  kin_shape_text(row->out_shape, want, sizeof want));
    int64_t n = kin_count(y);
    kin_real *values = mine((size_t)n, sizeof *values);
    double *expected = mine((size_t)n, sizeof *expected), *wide[MAX_IN];
    for (int i = 0; i < b->n_in; i++) {
        wide[i] = mine((size_t)kin_count(in[i]), sizeof *wide[i]);
        for (int64_t j = 0; j < kin_count(in[i]); j++) wide[i][j] = (double)b->values[i][j];
    }
    kin_read(y, values);
    row->reference(wide, row->shapes, expected, kin_shape_of(y), row->arg);
    double scale = norm_of(expected, n) / sqrt((double)n), tolerance = is_double        ? 1e-12
                                                                       : row->tolerance ? row->tolerance
                                                                                        : 2e-6;
    for (int64_t i = 0; i < n; i++)
        CHECK_MSG(fabs((double)values[i] - expected[i]) <= tolerance * (scale + fabs(expected[i])),
                  "output %lld is %.9g, the reference says %.9g", (long long)i, (double)values[i],
                  expected[i]);
    for (int i = 0; i < b->n_in; i++) free(wide[i]);
    free(expected);
    free(values);
    kin_end_step(ctx);
}

static void gradient_check(bench *b, kin_ctx *ctx)
{
    double worst = 0;
    bool ok = kin_gradcheck(ctx, b->row->build, b->row->arg, b->row->shapes, b->n_in, &b->row->check, &worst);
    CHECK_MSG(ok, "%s", kin_ctx_error(ctx)->message);
    kin_error_clear(kin_ctx_error(ctx));
}

/* ⟨A x, r⟩ = ⟨x, Aᵀ r⟩, minus what A gives for x = 0: holds to rounding, where differences are too coarse. */
static void adjoint_check(bench *b, kin_ctx *ctx)
{
    kin_tensor *in[MAX_IN];
    kin_tensor *loss = loss_of(ctx, build(b, ctx, false, in));
    kin_backward(loss);
    double forward = kin_item(loss), backward = 0, size = 0;
    for (int64_t j = 0; kin_grad(in[0]) && j < kin_count(in[0]); j++) {
        double term = (double)b->values[0][j] * (double)kin_grad(in[0])[j];
        backward += term;
        size += fabs(term);
    }
    kin_end_step(ctx);
    int64_t n = kin_shape_count(b->row->shapes[0]);
    kin_real *zero = mine((size_t)n, sizeof *zero), *kept = b->values[0];
    b->values[0] = zero;
    double constant = kin_item(loss_of(ctx, build(b, ctx, false, in)));
    b->values[0] = kept;
    free(zero);
    kin_end_step(ctx);
    CHECK_CLOSE(forward - constant, backward, (is_double ? 1e-12 : 1e-5) * (size + fabs(constant)) + 1e-300);
}

static void compare_bits(bench *b, kin_ctx *ctx, const kin_real *all, int64_t count, const char *what)
{
    int64_t n;
    kin_real *again = everything(b, ctx, false, &n);
    CHECK_MSG(again && n == count && memcmp(again, all, (size_t)n * sizeof *all) == 0, "other bits with %s",
              what);
    free(again);
}

static void thread_check(bench *b, kin_ctx *ctx)
{
    int64_t count;
    kin_set_threads(1);
    kin_real *all = everything(b, ctx, false, &count);
    CHECK_MSG(all, "%s", kin_ctx_error(ctx)->message);
    for (int threads = 2; all && threads <= 7; threads += threads == 3 ? 4 : 1) {
        char what[32];
        snprintf(what, sizeof what, "%d threads", threads);
        kin_set_threads(threads);
        compare_bits(b, ctx, all, count, what);
    }
    kin_set_threads(0);
    free(all);
}

static void near(const kin_real *a, const kin_real *b, int64_t n, const char *what)
{
    double size = 0;
    for (int64_t i = 0; i < n; i++) size += (double)a[i] * (double)a[i];
    size = sqrt(size / (double)n);
    for (int64_t i = 0; i < n; i++)
        CHECK_MSG(fabs((double)a[i] - (double)b[i]) <=
                      (is_double ? 1e-12 : 1e-5) * (size + fabs((double)a[i])),
                  "%s: number %lld is %.9g instead of %.9g", what, (long long)i, (double)b[i], (double)a[i]);
}

static void variant_check(bench *b, kin_ctx *ctx)
{
    int64_t count, n;
    kin_real *all = everything(b, ctx, false, &count), *other;
    if (!all) return;
    char best[32];
    snprintf(best, sizeof best, "%s", kin_isa_name());
    for (int i = 0; kin_isa_list(i); i++) {
        if (!kin_isa_set(kin_isa_list(i))) continue;
        other = everything(b, ctx, false, &n);
        if (other && n == count) near(all, other, n, kin_isa_list(i));
        free(other);
    }
    kin_isa_set(best);
    if (!b->row->no_views) {
        other = everything(b, ctx, true, &n);
        CHECK_MSG(other && n == count, "as a channel view: %s", kin_ctx_error(ctx)->message);
        if (other && n == count) near(all, other, n, "as a channel view");
        free(other);
    }
    free(all);
}

/* What backward does not read, by the op's own word, is overwritten with NaN before it runs. */
static void promise_check(bench *b, kin_ctx *ctx)
{
    kin_real *grads[2][MAX_IN] = {{0}};
    for (int poisoned = 0; poisoned < 2; poisoned++) {
        kin_tensor *in[MAX_IN];
        kin_tensor *y = build(b, ctx, false, in), *loss = loss_of(ctx, y);
        if (!loss) return;
        unsigned saves = y->producer->op->saves;
        bool single = y->producer == ctx->calls[0];
        for (int i = 0; poisoned && single && i < b->n_in && !(saves & KIN_SAVES_INPUTS); i++)
            for (int64_t j = 0; j < kin_count(in[i]); j++) in[i]->data[j] = (kin_real)NAN;
        bool aliased = y->producer->op->alias != NULL;
        for (int64_t j = 0; poisoned && single && !aliased && !(saves & KIN_SAVES_OUTPUT) && j < kin_count(y);
             j++)
            y->data[j] = (kin_real)NAN;
        kin_backward(loss);
        for (int i = 0; i < b->n_in; i++) {
            grads[poisoned][i] = mine((size_t)kin_count(in[i]), sizeof(kin_real));
            if (kin_grad(in[i]))
                memcpy(grads[poisoned][i], kin_grad(in[i]), (size_t)kin_count(in[i]) * sizeof(kin_real));
        }
        kin_end_step(ctx);
    }
    for (int i = 0; i < b->n_in; i++) {
        size_t bytes = (size_t)kin_shape_count(b->row->shapes[i]) * sizeof(kin_real);
        CHECK_MSG(memcmp(grads[0][i], grads[1][i], bytes) == 0,
                  "backward reads more than the op says it saves (input %d's gradient changed)", i);
        free(grads[0][i]), free(grads[1][i]);
    }
}

/* Each allocation in turn fails: either an error is recorded, or the result is right all the same (a
 * gradient that could not be kept for reuse was given back). Nothing leaks. */
static void allocation_check(bench *b, kin_ctx *healthy)
{
    int64_t wanted;
    kin_real *right = everything(b, healthy, false, &wanted);
    long alive = kin_alloc_live();
    for (long n = 1; n < 10000; n++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_alloc_fail_at(n);
        int64_t count;
        kin_real *all = everything(b, ctx, false, &count);
        bool reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        bool survived = all && count == wanted && memcmp(all, right, (size_t)count * sizeof *all) == 0;
        CHECK_MSG(survived || (reached && !all && kin_ctx_error(ctx)->code == KIN_ERR_MEMORY),
                  "allocation %ld failed unnoticed (%s)", n, kin_ctx_error(ctx)->message);
        free(all);
        kin_ctx_free(ctx);
        CHECK_MSG(kin_alloc_live() == alive, "allocation %ld failed and something leaked", n);
        if (!reached) break;
    }
    free(right);
}

static void run_row(const op_row *row)
{
    bench b = {.row = row, .n_in = inputs_of(row)};
    for (int i = 0; i < b.n_in; i++)
        b.values[i] = mine((size_t)kin_shape_count(row->shapes[i]), sizeof(kin_real));
    draw(&b, 5);
    kin_ctx *ctx = kin_ctx_new();
    check_begin("%s: forward (%s)", row->name, KIN_REAL_NAME);
    if (row->reference) forward_check(&b, ctx);
    check_end();
    kin_error_clear(kin_ctx_error(ctx));
    if (is_double) {
        check_begin("%s: gradient check", row->name);
        gradient_check(&b, ctx);
        check_end();
    }
    if (row->linear) {
        check_begin("%s: adjoint (%s)", row->name, KIN_REAL_NAME);
        adjoint_check(&b, ctx);
        check_end();
    }
    check_begin("%s: threads, instruction sets, views (%s)", row->name, KIN_REAL_NAME);
    thread_check(&b, ctx);
    variant_check(&b, ctx);
    check_end();
    check_begin("%s: reads what it saves, survives failed allocations (%s)", row->name, KIN_REAL_NAME);
    promise_check(&b, ctx);
    allocation_check(&b, ctx);
    check_end();
    kin_ctx_free(ctx);
    for (int i = 0; i < b.n_in; i++) free(b.values[i]);
}

void op_rows_run(const op_row *rows, int count)
{
    for (int i = 0; i < count; i++) run_row(&rows[i]);
}
