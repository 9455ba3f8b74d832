/* Supervised contrastive loss [Khosla et al. 2020]: per anchor i, over its positives P,
 *
 *   L_i = −(1/|P|) Σ_{p∈P} log( e^{s_ip/τ} / Σ_{a≠i} e^{s_ia/τ} ) = lse_i − (1/|P|) Σ_p s_ip/τ,
 *
 * and ∂L_i/∂s_ij = (softmax_j − [j∈P]/|P|)/τ. The mean runs over the anchors whose loss is not zero; an
 * anchor without a positive has none, and neither has a batch without positives or without negatives. */
#include "losses/matrix.h"

#include <math.h>

static double row_lse(const kin_matrix *s, int64_t i, double scale)
{
    double p = kin_matrix_lse(s, i, KIN_PAIR_POSITIVE, scale, 0, false),
           n = kin_matrix_lse(s, i, KIN_PAIR_NEGATIVE, scale, 0, false), most = fmax(p, n);
    return most == -INFINITY ? most : most + log1p(exp(fmin(p, n) - most));
}

static double sup_con(const kin_matrix *s, double *grad)
{
    double scale = 1 / s->option[0], sum = 0, anchors = 0;
    for (int64_t i = 0; i < s->n; i++) {
        double positives = (double)kin_matrix_count(s, i, KIN_PAIR_POSITIVE), lse = row_lse(s, i, scale),
               loss = lse;
        if (positives == 0) continue;
        for (int64_t j = 0; j < s->m; j++) {
            int kind = kin_matrix_kind(s, i, j);
            double at = scale * kin_matrix_at(s, i, j),
                   target = kind == KIN_PAIR_POSITIVE ? 1 / positives : 0;
            if (!kind) continue;
            loss -= target * at;
            grad[i * s->m + j] = scale * (exp(at - lse) - target);
        }
        sum += loss, anchors += loss > 0;
    }
    for (int64_t i = 0; anchors > 0 && i < s->n * s->m; i++) grad[i] /= anchors;
    return anchors > 0 ? sum / anchors : 0;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    double temperature = kin_term_value(c->term, "temperature");
    kin_tensor *s = kin_call_cosines(c);
    kin_pairs p;
    if (!kin_call_pairs(c, &p)) return NULL;
    kin_call_mine(c, s, &p);
    if (kin_pairs_count(&p, KIN_PAIR_POSITIVE) && kin_pairs_count(&p, KIN_PAIR_NEGATIVE))
        return kin_call_matrix(c, s, &p, sup_con, &temperature, 1);
    kin_pairs_free(&p);
    return kin_no_loss(s);
}

const kin_loss kin_loss_sup_con = {
    .name = "supcon",
    .about = "each positive among all others, as a softmax over cosines",
    .paper = "Khosla et al. 2020",
    .params = {{"temperature", .1, 1e-6, 1e6, NULL, false, "what cosines are divided by"},
               KIN_LOSS_MINER,
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
