/* Multi-similarity [Wang et al. 2019]: per anchor i, with cosines s,
 *
 *   (1/α) log(1 + Σ_p e^{−α(s_ip − λ)}) + (1/β) log(1 + Σ_n e^{β(s_in − λ)}),
 *
 * and the mean over all anchors. A pair's weight is its share in the sum: by how alike it is itself, and
 * beside the others. Its miner drops the pairs that are easy beside the hardest of the other kind
 * (losses/pairs.h). */
#include "losses/matrix.h"

#include <math.h>

static double multi_similarity(const kin_matrix *s, double *grad)
{
    double alpha = s->option[0], beta = s->option[1], base = s->option[2], sum = 0, share = 1 / (double)s->n;
    for (int64_t i = 0; i < s->n; i++) {
        double pull = kin_matrix_lse(s, i, KIN_PAIR_POSITIVE, -alpha, alpha * base, true),
               push = kin_matrix_lse(s, i, KIN_PAIR_NEGATIVE, beta, -beta * base, true);
        sum += pull / alpha + push / beta;
        kin_matrix_lse_grad(s, i, KIN_PAIR_POSITIVE, -alpha, alpha * base, pull, share / alpha, grad);
        kin_matrix_lse_grad(s, i, KIN_PAIR_NEGATIVE, beta, -beta * base, push, share / beta, grad);
    }
    return sum * share;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    const kin_loss_term *t = c->term;
    double option[] = {kin_term_value(t, "alpha"), kin_term_value(t, "beta"), kin_term_value(t, "base")};
    kin_tensor *s = kin_call_cosines(c);
    kin_pairs p;
    if (!kin_call_pairs(c, &p)) return NULL;
    kin_call_mine(c, s, &p);
    return kin_call_matrix(c, s, &p, multi_similarity, option, 3);
}

const kin_loss kin_loss_multi_similarity = {
    .name = "multi-similarity",
    .about = "each pair weighed by its similarity, alone and beside the anchor's others",
    .paper = "Wang et al. 2019",
    .params = {{"alpha", 2, 1e-6, 1e6, NULL, false, "how sharply positives are weighed"},
               {"beta", 50, 1e-6, 1e6, NULL, false, "how sharply negatives are weighed"},
               {"base", .5, -1, 1, NULL, false, "the similarity between both"},
               KIN_LOSS_MINER,
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
