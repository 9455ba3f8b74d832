/* Center loss [Wen et al. 2016]: each embedding is pulled to its class's centre, mean_i ½|x_i − c_y|². The
 * centres are parameters that follow by the same gradient, with a rate of their own; alone they would all
 * meet at one point with the embeddings, so the loss stands beside one that separates. */
#include "losses/matrix.h"

static kin_tensor *centers(const kin_loss_call *c)
{
    return kin_call_class_rows(c, "centers", KIN_INIT_NORMAL, 1);
}
static bool parameters(const kin_loss_call *c) { return centers(c) != NULL; }

/* Half the squared distances to the own class's row. */
static double to_own(const kin_matrix *d, double *grad)
{
    double sum = 0, share = .5 / (double)d->n;
    for (int64_t i = 0; i < d->n; i++)
        for (int64_t j = 0; j < d->m; j++)
            if (kin_matrix_kind(d, i, j) == KIN_PAIR_POSITIVE) {
                sum += kin_matrix_at(d, i, j);
                grad[i * d->m + j] = share;
            }
    return sum * share;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    kin_tensor *d = kin_distance_squared(c->x, centers(c));
    kin_pairs p;
    kin_loss_call unasked = *c;
    unasked.mined = NULL;
    return kin_call_class_pairs(c, &p) ? kin_call_matrix(&unasked, d, &p, to_own, NULL, 0) : NULL;
}

const kin_loss kin_loss_center = {
    .name = "center",
    .about = "each embedding pulled to its class's centre; stands beside a loss that separates",
    .paper = "Wen et al. 2016",
    .params = {KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .parameters = parameters,
    .formula = formula};
