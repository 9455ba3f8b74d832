/* Smooth-AP [Brown et al. 2020]: average precision counts how many stand before a positive, a step that
 * has no slope; a sigmoid of the difference has one. For anchor i, its class P (i among it) and D_jp =
 * s_ij − s_ip,
 *
 *   AP_i = (1/|P|) Σ_{p∈P} R⁺_p/R_p,   R⁺_p = 1 + Σ_{j∈P, j≠p} σ(D_jp/τ),   R_p = 1 + Σ_{j≠p} σ(D_jp/τ),
 *
 * and L = 1 − mean_i AP_i. Sums run over i itself too, as in the paper's own program. With σ' = σ(1 −
 * σ)/τ, a pair (j, p) moves AP_i by (1/|P|)([j∈P]/R_p − R⁺_p/R_p²)·σ'·(∂s_ij − ∂s_ip). */
#include "losses/matrix.h"

#include <math.h>

/* Whether j is of i's class, or i itself. */
static bool with(const kin_matrix *s, int64_t i, int64_t j)
{
    return j == i || kin_matrix_kind(s, i, j) == KIN_PAIR_POSITIVE;
}

static double before(const kin_matrix *s, int64_t i, int64_t j, int64_t p)
{
    return kin_logistic((kin_matrix_at(s, i, j) - kin_matrix_at(s, i, p)) / s->option[0]);
}

static double precision_at(const kin_matrix *s, int64_t i, int64_t p, double weight, double *grad)
{
    double among = 1, all = 1;
    for (int64_t j = 0; j < s->m; j++) {
        if (j == p) continue;
        double ahead = before(s, i, j, p);
        all += ahead;
        if (with(s, i, j)) among += ahead;
    }
    for (int64_t j = 0; j < s->m; j++) {
        double ahead = before(s, i, j, p), slope = ahead * (1 - ahead) / s->option[0];
        if (j == p) continue;
        double move = weight * slope * ((with(s, i, j) ? 1 / all : 0) - among / (all * all));
        grad[i * s->m + j] -= move;
        grad[i * s->m + p] += move;
    }
    return among / all;
}

static double smooth_ap(const kin_matrix *s, double *grad)
{
    double sum = 0;
    for (int64_t i = 0; i < s->n; i++) {
        double share = 1 / (double)(1 + kin_matrix_count(s, i, KIN_PAIR_POSITIVE));
        for (int64_t p = 0; p < s->m; p++)
            if (with(s, i, p)) sum += share * precision_at(s, i, p, share / (double)s->n, grad);
    }
    return 1 - sum / (double)s->n;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    double temperature = kin_term_value(c->term, "temperature");
    kin_tensor *s = kin_call_cosines(c);
    kin_pairs p;
    return kin_call_pairs(c, &p) ? kin_call_matrix(c, s, &p, smooth_ap, &temperature, 1) : NULL;
}

const kin_loss kin_loss_smooth_ap = {
    .name = "smooth-ap",
    .about = "average precision itself, with sigmoids for the steps of its ranks",
    .paper = "Brown et al. 2020",
    .params = {{"temperature", .01, 1e-6, 1e6, NULL, false, "width of the sigmoids"}},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
