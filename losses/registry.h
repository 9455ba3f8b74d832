/* The built-in losses. */
#ifndef KIN_LOSSES_REGISTRY_H
#define KIN_LOSSES_REGISTRY_H

#include "losses/loss.h"

extern const kin_loss *const kin_losses[]; /* ends with NULL */
const kin_loss *kin_loss_find(const char *name);

#endif
