#include "losses/collapse.h"

#include <math.h>

kin_collapse kin_collapse_watch(const kin_loss *loss, const kin_loss_opt *opt, int64_t patience)
{
    return (kin_collapse){.stuck_at = loss->collapsed(opt), .patience = patience};
}

bool kin_collapse_seen(kin_collapse *c, double loss)
{
    if (isnan(c->stuck_at) || !(fabs(loss - c->stuck_at) <= 0.01 * c->stuck_at)) {
        c->stuck = 0;
        return false;
    }
    return ++c->stuck == c->patience;
}

const char *kin_collapse_advice(void)
{
    return "the loss is stuck at the value it has when all embeddings are one point; try a lower --lr, a softer miner (--loss triplet-semihard), "
           "--warmup, or train with --loss softmax first";
}
