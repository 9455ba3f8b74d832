/* No loss: what a head adds of its own is all that teaches (the auto-encoder's reconstruction). */
#include "losses/loss.h"

static kin_tensor *formula(const kin_loss_call *c) { return kin_scale(kin_sum(c->x, 0), 0, 0); }

const kin_loss kin_loss_none = {
    .name = "none",
    .about = "nothing: a head with a loss of its own, such as autoencoder, teaches alone",
    .needs = KIN_LOSS_NEEDS_HEAD,
    .formula = formula};
