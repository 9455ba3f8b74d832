/* The contrastive loss on squared distances, as attention-based ensembles have it [Kim et al. 2018, eq.
 * 4]: the mean over all pairs of
 *
 *   y·d² + (1 − y)·max(0, m − d²)          d² = ‖u_i − u_j‖² = 2 − 2·s_ij on unit vectors
 *
 * Every pair has a slope that does not vanish with its distance's square root, and all pairs count, not
 * only those with a term: so the sum over an ensemble's learners weighs each of them alike. */
#include "losses/matrix.h"

static double squared(const kin_matrix *s, double *grad)
{
    double margin = s->option[0], sum = 0, pairs = 0;
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < s->m; j++) {
            int kind = kin_matrix_kind(s, i, j);
            double d2 = 2 - 2 * kin_matrix_at(s, i, j), open = margin - d2;
            if (!kind) continue;
            pairs++;
            if (kind == KIN_PAIR_POSITIVE) sum += d2, grad[i * s->m + j] = -2;
            else if (open > 0) sum += open, grad[i * s->m + j] = 2;
        }
    for (int64_t i = 0; pairs > 0 && i < s->n * s->m; i++) grad[i] /= pairs;
    return pairs > 0 ? sum / pairs : 0;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    double margin = kin_term_value(c->term, "margin");
    kin_tensor *s = kin_call_cosines(c);
    kin_pairs p;
    if (!kin_call_pairs(c, &p)) return NULL;
    kin_call_mine(c, s, &p);
    return kin_call_matrix(c, s, &p, squared, &margin, 1);
}

const kin_loss kin_loss_contrastive_squared = {
    .name = "contrastive-squared",
    .about = "the same on squared distances, over all pairs: what ABE's learners take",
    .paper = "Kim et al. 2018",
    .params = {{"margin", 1, 0, 4, NULL, false, "negatives beyond this squared distance have no term"},
               KIN_LOSS_MINER,
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
