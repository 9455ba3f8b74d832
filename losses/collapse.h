/* Notices a training that has collapsed: all embeddings at one point, the loss stuck where that puts it. */
#ifndef KIN_LOSSES_COLLAPSE_H
#define KIN_LOSSES_COLLAPSE_H

#include "losses/loss.h"

typedef struct kin_collapse {
    double stuck_at;  /* the loss's value for a collapsed network; NaN: the test is off */
    int64_t patience; /* steps in a row in which the smoothed loss is between 2 % below and 6 % above it */
    int64_t stuck;    /* such steps so far */
    double smooth;    /* moving average of the loss; 0: none yet */
} kin_collapse;

kin_collapse kin_collapse_watch(const kin_loss_sum *loss, int64_t classes, int64_t patience);
/* True once, when the loss has been stuck for `patience` steps. */
bool kin_collapse_seen(kin_collapse *c, double loss);
/* What it means and what to try, one line. */
const char *kin_collapse_advice(void);

#endif
