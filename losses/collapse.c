#include "losses/collapse.h"

#include <math.h>

kin_collapse kin_collapse_watch(const kin_loss_sum *loss, int64_t classes, int64_t patience)
{
    return (kin_collapse){.stuck_at = kin_loss_collapsed(loss, classes), .patience = patience};
}

bool kin_collapse_seen(kin_collapse *c, double loss)
{
    /* Of embeddings that are nearly one point the hardest triplets still lie a little above the value, hardly
     * below. Single batches scatter around the value; their average does not. */
    c->smooth = c->smooth > 0 ? 0.95 * c->smooth + 0.05 * loss : loss;
    double above = (c->smooth - c->stuck_at) / c->stuck_at;
    if (!(above >= -.02 && above <= .06)) {
        c->stuck = 0;
        return false;
    }
    return ++c->stuck == c->patience;
}

const char *kin_collapse_advice(void)
{
    return "the loss is stuck at the value it has when all embeddings are one point; try a lower --lr, a "
           "softer miner (--loss triplet-semihard), "
           "--warmup, or train with --loss softmax first";
}
