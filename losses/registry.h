/* The built-in losses. */
#ifndef KIN_LOSSES_REGISTRY_H
#define KIN_LOSSES_REGISTRY_H

#include "losses/loss.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const kin_loss *const kin_losses[]; /* ends with NULL */
/* NULL where there is none of this name. */
const kin_loss *kin_loss_find(const char *name);

#ifdef __cplusplus
}
#endif

#endif
