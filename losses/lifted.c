/* Lifted structure [Song et al. 2016]: each positive pair (i, j) against all negatives of both its ends,
 *
 *   L = mean over positive pairs of ½ [log(Σ_{k∈neg(i)} e^{m−d_ik} + Σ_{k∈neg(j)} e^{m−d_jk})
 *                                       + d_ij − m_pos]₊²,
 *
 * in both orders of a pair. With J = d_ij − m_pos + lse, where it is positive:
 *
 *   ∂/∂d_ij = J,   ∂/∂d_ik = −J·e^{m−d_ik−lse},   each over the number of pairs.
 *
 * A pair without negatives has ½ [d_ij − m_pos]₊². */
#include "losses/matrix.h"

#include <math.h>

/* log(eᵃ + eᵇ) */
static double add_logs(double a, double b)
{
    double most = fmax(a, b), least = fmin(a, b);
    return most == -INFINITY ? most : most + log1p(exp(least - most));
}

/* With a memory the other end is no row of the batch, and has no negatives of its own here. */
static double lifted(const kin_matrix *s, double *grad)
{
    double margin = s->option[0], m_pos = s->option[1], sum = 0, pairs = 0, share;
    bool both = s->option[2] == 1;
    for (int64_t i = 0; i < s->n; i++) pairs += (double)kin_matrix_count(s, i, KIN_PAIR_POSITIVE);
    share = pairs > 0 ? 1 / pairs : 0;
    for (int64_t i = 0; i < s->n; i++) {
        double mine = kin_matrix_lse(s, i, KIN_PAIR_NEGATIVE, -1, margin, false);
        for (int64_t j = 0; j < s->m; j++) {
            if (kin_matrix_kind(s, i, j) != KIN_PAIR_POSITIVE) continue;
            double theirs = both ? kin_matrix_lse(s, j, KIN_PAIR_NEGATIVE, -1, margin, false) : -INFINITY;
            double lse = add_logs(mine, theirs);
            double pull = (lse == -INFINITY ? 0 : lse) + kin_matrix_at(s, i, j) - m_pos;
            if (!(pull > 0)) continue;
            sum += pull * pull / 2;
            grad[i * s->m + j] += share * pull;
            if (lse == -INFINITY) continue;
            kin_matrix_lse_grad(s, i, KIN_PAIR_NEGATIVE, -1, margin, lse, share * pull, grad);
            if (both) kin_matrix_lse_grad(s, j, KIN_PAIR_NEGATIVE, -1, margin, lse, share * pull, grad);
        }
    }
    return sum * share;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    const kin_loss_term *t = c->term;
    kin_pairs p;
    kin_tensor *d = kin_call_distances(c, kin_term_value(t, "unit") == 1);
    if (!kin_call_pairs(c, &p)) return NULL;
    if (!kin_pairs_count(&p, KIN_PAIR_POSITIVE) || !kin_pairs_count(&p, KIN_PAIR_NEGATIVE)) {
        kin_pairs_free(&p);
        return kin_no_loss(d);
    }
    double option[] = {kin_term_value(t, "margin"), kin_term_value(t, "positive"), c->others == c->x};
    return kin_call_matrix(c, d, &p, lifted, option, 3);
}

const kin_loss kin_loss_lifted = {
    .name = "lifted",
    .about = "each positive pair against all negatives of both its ends (on unit vectors)",
    .paper = "Song et al. 2016",
    .params = {{"margin", 1, 0, 1e6, NULL, false, "how far negatives are pushed"},
               {"positive", 0, 0, 1e6, NULL, false, "how near positives are let be"},
               {"unit", 1, 0, 1, NULL, true, "1: on unit vectors, 0: on the embeddings as they are"},
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
