#include "losses/matrix.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* ---- the op ---- */

typedef struct matrix_opt {
    const signed char *kind;
    kin_matrix_formula formula;
    double option[KIN_MATRIX_OPTIONS];
} matrix_opt;

static bool matrix_infer(kin_call *c, kin_shape *out)
{
    if (kin_ndim(c->in[0]) != 2) return kin_call_fail(c, "expected a matrix");
    *out = KIN_SHAPE(1);
    return true;
}

static void matrix_forward(kin_call *c)
{
    const matrix_opt *o = c->opt;
    kin_tensor *x = c->in[0];
    kin_matrix s = {kin_rows(x), kin_channels(x), kin_ld(x), kin_data(x), o->kind, {0}};
    memcpy(s.option, o->option, sizeof s.option);
    double *grad = kin_save(c, (size_t)(s.n * s.m) * sizeof *grad);
    if (!grad) return;
    memset(grad, 0, (size_t)(s.n * s.m) * sizeof *grad);
    kin_out(c)[0] = (kin_real)o->formula(&s, grad);
}

static void matrix_backward(kin_call *c)
{
    const double *grad = c->saved;
    double upstream = (double)kin_grad_out(c)[0];
    kin_real *dx = kin_grad_add(c, 0);
    for (int64_t i = 0; dx && i < kin_count(c->in[0]); i++) dx[i] += (kin_real)(upstream * grad[i]);
}

static const kin_op matrix_op = {"matrix_loss", .infer = matrix_infer, .forward = matrix_forward,
                                 .backward = matrix_backward, .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_matrix_loss(kin_tensor *matrix, const kin_pairs *pairs, kin_matrix_formula formula,
                            const double *option, int options)
{
    matrix_opt o = {.kind = pairs->kind, .formula = formula};
    if (!matrix || !kin_ok(kin_ctx_of(matrix))) return NULL;
    if (kin_rows(matrix) != pairs->n || kin_channels(matrix) != pairs->m) {
        kin_fail(kin_ctx_error(kin_ctx_of(matrix)), KIN_ERR_ARGUMENT,
                 "a loss on a matrix of %lld x %lld got pairs of %lld x %lld", (long long)kin_rows(matrix),
                 (long long)kin_channels(matrix), (long long)pairs->n, (long long)pairs->m);
        return NULL;
    }
    for (int i = 0; i < options && i < KIN_MATRIX_OPTIONS; i++) o.option[i] = option[i];
    return kin_apply(&matrix_op, &o, sizeof o, matrix);
}

/* ---- for formulas ---- */

int64_t kin_matrix_count(const kin_matrix *s, int64_t i, int kind)
{
    int64_t count = 0;
    for (int64_t j = 0; j < s->m; j++) count += kin_matrix_kind(s, i, j) == kind;
    return count;
}

double kin_matrix_lse(const kin_matrix *s, int64_t i, int kind, double scale, double shift, bool one)
{
    double most = one ? 0 : -INFINITY, sum = 0;
    for (int64_t j = 0; j < s->m; j++)
        if (kin_matrix_kind(s, i, j) == kind) most = fmax(most, scale * kin_matrix_at(s, i, j) + shift);
    if (most == -INFINITY) return most;
    for (int64_t j = 0; j < s->m; j++)
        if (kin_matrix_kind(s, i, j) == kind) sum += exp(scale * kin_matrix_at(s, i, j) + shift - most);
    return most + log(sum + (one ? exp(-most) : 0));
}

void kin_matrix_lse_grad(const kin_matrix *s, int64_t i, int kind, double scale, double shift, double lse,
                         double factor, double *grad)
{
    for (int64_t j = 0; j < s->m; j++)
        if (kin_matrix_kind(s, i, j) == kind)
            grad[i * s->m + j] += factor * scale * exp(scale * kin_matrix_at(s, i, j) + shift - lse);
}

double kin_log1p_exp(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
double kin_logistic(double x) { return x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }

/* ---- what a term's formula begins with ---- */

static kin_tensor *product(kin_tensor *a, kin_tensor *b)
{
    return kin_matmul(a, b, &(kin_matmul_opt){.transpose_b = true});
}

static kin_tensor *unit_others(const kin_loss_call *c, kin_tensor *unit_x)
{
    return c->others == c->x ? unit_x : kin_l2_normalize(c->others);
}

kin_tensor *kin_call_cosines(const kin_loss_call *c)
{
    kin_tensor *u = kin_l2_normalize(c->x);
    return product(u, unit_others(c, u));
}

kin_tensor *kin_call_distances(const kin_loss_call *c, bool unit)
{
    if (!unit) return kin_distance(c->x, c->others);
    kin_tensor *u = kin_l2_normalize(c->x);
    return kin_distance(u, unit_others(c, u));
}

kin_tensor *kin_call_class_cosines(const kin_loss_call *c, kin_tensor *rows)
{
    return product(kin_l2_normalize(c->x), kin_l2_normalize(rows));
}

static kin_error *error_of(const kin_loss_call *c) { return kin_ctx_error(kin_ctx_of(c->x)); }

bool kin_call_pairs(const kin_loss_call *c, kin_pairs *p)
{
    *p = (kin_pairs){0};
    return kin_ctx_of(c->x) && kin_ok(kin_ctx_of(c->x)) &&
           kin_pairs_new(p, c->labels, kin_rows(c->x), c->other_labels, kin_rows(c->others), c->own,
                         error_of(c));
}

bool kin_call_class_pairs(const kin_loss_call *c, kin_pairs *p)
{
    *p = (kin_pairs){0};
    if (!kin_ctx_of(c->x) || !kin_ok(kin_ctx_of(c->x))) return false;
    int *classes = kin_alloc_array((size_t)c->classes, sizeof *classes);
    for (int64_t i = 0; classes && i < c->classes; i++) classes[i] = (int)i;
    for (int64_t i = 0; classes && i < kin_rows(c->x); i++)
        if (c->labels[i] < 0 || c->labels[i] >= c->classes) {
            kin_free(classes);
            return kin_fail(error_of(c), KIN_ERR_ARGUMENT, "the label %d of row %lld is outside 0 .. %lld",
                            c->labels[i], (long long)i, (long long)c->classes - 1);
        }
    bool ok = classes ? kin_pairs_new(p, c->labels, kin_rows(c->x), classes, c->classes, -1, error_of(c))
                      : kin_fail_memory(error_of(c), "the classes", (size_t)c->classes * sizeof *classes);
    kin_free(classes);
    return ok;
}

const char *const kin_pair_miners[] = {"all", "ms", NULL};

/* What one's own miner returned; a failure is told even where the miner says nothing. */
static bool mined(const kin_loss_call *c, bool ok)
{
    if (!ok && kin_ok(kin_ctx_of(c->x)))
        kin_fail(error_of(c), KIN_ERR_ARGUMENT, "the miner %s failed, and did not say why",
                 c->term->miner->name);
    return ok;
}

void kin_call_mine(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p)
{
    const kin_miner *own = c->term->miner;
    if (!p->kind || !kin_data(cosines)) return;
    if (own) mined(c, own->pairs(c, cosines, p));
    else if (kin_term_value(c->term, "miner") == 1)
        kin_mine_multi_similarity(cosines, kin_term_value(c->term, "epsilon"), p);
}

bool kin_call_mine_triplets(const kin_loss_call *c, kin_tensor *d, const kin_pairs *p, kin_triplets *out)
{
    return mined(c, c->term->miner->triplets(c, d, p, out));
}

kin_tensor *kin_call_matrix(const kin_loss_call *c, kin_tensor *matrix, kin_pairs *pairs,
                            kin_matrix_formula formula, const double *option, int options)
{
    kin_tensor *loss = NULL;
    if (pairs->kind && matrix && kin_mined_pairs(c->mined, pairs, error_of(c)))
        loss = kin_matrix_loss(matrix, pairs, formula, option, options);
    kin_pairs_free(pairs);
    return loss;
}

kin_tensor *kin_call_class_rows(const kin_loss_call *c, const char *name, kin_init init, double scale)
{
    return kin_param(
        c->scope, name,
        &(kin_param_opt){.shape = KIN_SHAPE(c->classes, kin_channels(c->x)), .init = init, .scale = scale});
}

kin_tensor *kin_no_loss(kin_tensor *x) { return kin_scale(kin_mean(x, 0), 0, 0); }
