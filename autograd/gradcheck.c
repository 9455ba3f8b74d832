#include "autograd/gradcheck.h"

#include "autograd/ops.h"
#include "base/memory.h"
#include "base/random.h"

#include <math.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);

typedef struct checker {
    kin_ctx *ctx;
    kin_gradcheck_fn fn;
    void *arg;
    const kin_shape *shapes;
    int n_in;
    kin_real **values;
    kin_tensor **in;
    uint64_t seed;
} checker;

/* Σ r·f(x) with r random but fixed: one scalar whose gradient sees every output. */
static kin_tensor *projected(checker *k)
{
    for (int i = 0; i < k->n_in; i++) k->in[i] = kin_variable(k->ctx, k->shapes[i], k->values[i]);
    kin_tensor *y = k->fn(k->in, k->arg);
    kin_tensor *r = y ? kin_input(k->ctx, kin_shape_of(y), NULL) : NULL;
    if (!r) return NULL;
    kin_real *numbers = (kin_real *)kin_data(r);
    for (int64_t i = 0; i < kin_count(r); i++)
        numbers[i] = (kin_real)(2 * kin_random_uniform(kin_key(k->seed, 99, 0), (uint64_t)i) - 1);
    return kin_sum(kin_mul(y, r), 0);
}

static double value_at(checker *k, int input, int64_t at, double x)
{
    kin_real old = k->values[input][at];
    k->values[input][at] = (kin_real)x;
    bool recording = kin_record(k->ctx, false);
    double value = kin_item(projected(k));
    kin_record(k->ctx, recording);
    kin_end_step(k->ctx);
    k->values[input][at] = old;
    return value;
}

static bool compare(checker *k, int input, const kin_real *analytic, double step, double tolerance,
                    double *worst)
{
    int64_t count = kin_shape_count(k->shapes[input]), worst_at = 0;
    double off = 0, size_a = 0, size_n = 0, worst_off = -1, worst_numeric = 0;
    for (int64_t i = 0; i < count && kin_ok(k->ctx); i++) {
        double x = (double)k->values[input][i];
        double up = (double)(kin_real)(x + step), down = (double)(kin_real)(x - step);
        double numeric = (value_at(k, input, i, up) - value_at(k, input, i, down)) / (up - down),
               a = (double)analytic[i];
        off += (a - numeric) * (a - numeric);
        size_a += a * a;
        size_n += numeric * numeric;
        if (fabs(a - numeric) > worst_off || isnan(a - numeric))
            worst_off = fabs(a - numeric), worst_at = i, worst_numeric = numeric;
    }
    if (!kin_ok(k->ctx)) return false;
    double size = sqrt(fmax(fmax(size_a, size_n), 1e-6 * (double)count)), ratio = sqrt(off) / size;
    if (worst && !(ratio <= *worst)) *worst = ratio;
    if (ratio <= tolerance) return true;
    return kin_fail(kin_ctx_error(k->ctx), KIN_ERR_NUMERIC,
                    "gradient check: input %d is off by %.3g of its size (%.1g allowed); worst at %lld: "
                    "backward says %.9g, differences say %.9g",
                    input, ratio, tolerance, (long long)worst_at, (double)analytic[worst_at], worst_numeric);
}

static void draw_values(checker *k, int input, const kin_gradcheck_opt *o)
{
    bool fixed = o->low != 0 || o->high != 0;
    double low = fixed ? o->low : -1, high = fixed ? o->high : 1;
    for (int64_t i = 0; i < kin_shape_count(k->shapes[input]); i++) {
        double x = low + (high - low) * kin_random_uniform(kin_key(o->seed, (uint64_t)input, 1), (uint64_t)i);
        if (fabs(x) < o->kink) x = x < 0 ? x - o->kink : x + o->kink;
        k->values[input][i] = (kin_real)x;
    }
}

static bool check_all(checker *k, const kin_gradcheck_opt *o, kin_real **analytic, double *worst)
{
    double step = o->step     ? o->step
                  : is_double ? 1e-5
                              : 1e-2,
           tolerance = o->tolerance ? o->tolerance
                       : is_double  ? 1e-6
                                    : 2e-2;
    for (int i = 0; i < k->n_in; i++) draw_values(k, i, o);
    if (!kin_backward(projected(k))) return false;
    for (int i = 0; i < k->n_in; i++)
        for (int64_t j = 0; j < kin_shape_count(k->shapes[i]); j++)
            analytic[i][j] = kin_grad(k->in[i]) ? kin_grad(k->in[i])[j] : 0;
    kin_end_step(k->ctx);
    bool ok = true;
    for (int i = 0; i < k->n_in && ok; i++) ok = compare(k, i, analytic[i], step, tolerance, worst);
    return ok;
}

bool kin_gradcheck(kin_ctx *ctx, kin_gradcheck_fn fn, void *arg, const kin_shape *shapes, int n_in,
                   const kin_gradcheck_opt *opt, double *worst)
{
    kin_gradcheck_opt none = {0};
    const kin_gradcheck_opt *o = opt ? opt : &none;
    kin_real *values[16] = {0}, *analytic[16] = {0};
    kin_tensor *in[16];
    if (n_in < 1 || n_in > 16)
        return kin_fail(kin_ctx_error(ctx), KIN_ERR_ARGUMENT, "gradient check: 1 to 16 inputs, not %d", n_in);
    if (worst) *worst = 0;
    checker k = {.ctx = ctx,
                 .fn = fn,
                 .arg = arg,
                 .shapes = shapes,
                 .n_in = n_in,
                 .values = values,
                 .in = in,
                 .seed = o->seed};
    bool ok = true;
    for (int i = 0; i < n_in; i++) {
        size_t count = (size_t)kin_shape_count(shapes[i]);
        values[i] = kin_alloc_array(count, sizeof(kin_real));
        analytic[i] = kin_alloc_array(count, sizeof(kin_real));
        if (!values[i] || !analytic[i]) ok = kin_fail_memory(kin_ctx_error(ctx), "the gradient check", count);
    }
    if (ok) ok = check_all(&k, o, analytic, worst);
    kin_end_step(ctx);
    for (int i = 0; i < n_in; i++) kin_free(values[i]), kin_free(analytic[i]);
    return ok;
}
