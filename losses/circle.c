/* Circle loss [Sun et al. 2020]: each similarity is weighed by how far it is from where it shall be, so
 * that the boundary is a circle. Per anchor, with cosines s,
 *
 *   L = log(1 + Σ_n e^{γ a_n (s_n − m)} Σ_p e^{−γ a_p (s_p − (1 − m))}),
 *   a_p = [1 + m − s_p]₊, a_n = [s_n + m]₊,
 *
 * the weights a taken as constants. With x = lse_p + lse_n it is softplus(x), and ∂L/∂s_n = σ(x)·γ
 * a_n·share of n. The mean runs over the anchors whose loss is not zero; an anchor without a positive or a
 * negative has none. */
#include "losses/matrix.h"

#include <math.h>

typedef struct exponent {
    double value, slope;
} exponent;

static exponent of_pair(const kin_matrix *s, int64_t i, int64_t j)
{
    double m = s->option[0], gamma = s->option[1], at = kin_matrix_at(s, i, j);
    if (kin_matrix_kind(s, i, j) == KIN_PAIR_POSITIVE) {
        double slope = -gamma * fmax(1 + m - at, 0);
        return (exponent){slope * (at - (1 - m)), slope};
    }
    double slope = gamma * fmax(at + m, 0);
    return (exponent){slope * (at - m), slope};
}

static double lse(const kin_matrix *s, int64_t i, int kind)
{
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < s->m; j++)
        if (kin_matrix_kind(s, i, j) == kind) most = fmax(most, of_pair(s, i, j).value);
    if (most == -INFINITY) return most;
    for (int64_t j = 0; j < s->m; j++)
        if (kin_matrix_kind(s, i, j) == kind) sum += exp(of_pair(s, i, j).value - most);
    return most + log(sum);
}

static double circle(const kin_matrix *s, double *grad)
{
    double sum = 0, anchors = 0;
    for (int64_t i = 0; i < s->n; i++) {
        double positive = lse(s, i, KIN_PAIR_POSITIVE), negative = lse(s, i, KIN_PAIR_NEGATIVE);
        if (positive == -INFINITY || negative == -INFINITY) continue;
        double loss = kin_log1p_exp(positive + negative), slope = kin_logistic(positive + negative);
        sum += loss, anchors += loss > 0;
        for (int64_t j = 0; j < s->m; j++) {
            int kind = kin_matrix_kind(s, i, j);
            exponent e = of_pair(s, i, j);
            if (kind)
                grad[i * s->m + j] = slope * e.slope *
                                     exp(e.value - (kind == KIN_PAIR_POSITIVE ? positive : negative));
        }
    }
    for (int64_t i = 0; anchors > 0 && i < s->n * s->m; i++) grad[i] /= anchors;
    return anchors > 0 ? sum / anchors : 0;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    double option[] = {kin_term_value(c->term, "margin"), kin_term_value(c->term, "gamma")};
    kin_tensor *s = kin_call_cosines(c);
    kin_pairs p;
    if (!kin_call_pairs(c, &p)) return NULL;
    kin_call_mine(c, s, &p);
    return kin_call_matrix(c, s, &p, circle, option, 2);
}

const kin_loss kin_loss_circle = {
    .name = "circle",
    .about = "each similarity weighed by how far it is from where it shall be",
    .paper = "Sun et al. 2020",
    .params = {{"margin", .4, 0, 1, NULL, false,
                "positives shall be above 1 - margin, negatives below margin"},
               {"gamma", 80, 1e-6, 1e6, NULL, false, "scale of the similarities"},
               KIN_LOSS_MINER,
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
