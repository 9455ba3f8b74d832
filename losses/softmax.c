/* Softmax cross-entropy over the training classes: the logits are a linear layer on the embedding, and the
 * targets (1 − ε)·onehot + ε/C with label smoothing ε [Szegedy et al. 2016]. */
#include "losses/loss.h"
#include "nn/layers.h"

#include <math.h>

static kin_tensor *logits(const kin_loss_call *c)
{
    return kin_linear(kin_sub(c->scope, "classifier"), c->x, &(kin_linear_opt){.out = c->classes});
}

static kin_tensor *formula(const kin_loss_call *c)
{
    return kin_cross_entropy(logits(c), c->labels, kin_term_value(c->term, "smoothing"));
}

static double uniform_guess(const kin_loss_term *t, int64_t classes)
{
    (void)t;
    return log((double)classes);
}

const kin_loss kin_loss_softmax = {
    .name = "softmax",
    .about = "classify the training classes; the embedding is what the classifier sees",
    .params = {{"smoothing", 0, 0, .9, NULL, false, "share of the target spread over all classes"}},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .behind_neck = true,
    .own_names = true,
    .logits = logits,
    .formula = formula,
    .collapsed = uniform_guess};
