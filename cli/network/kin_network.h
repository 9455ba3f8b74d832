/* kin's own network: models/default/kin.safetensors, which is part of the program, and what is counted by hand, in one
 * descriptor (--model kin). docs/model-card.md tells where it comes from and what it can do.
 *
 *   row = [√(w / (1 + w)) · by hand,  √(1 / (1 + w)) · network],  both of unit length, so that cosines are those of both,
 *
 * weighted w to 1. w was chosen on the classes 45-59 of the grocery photographs. */
#ifndef KIN_CLI_NETWORK_KIN_NETWORK_H
#define KIN_CLI_NETWORK_KIN_NETWORK_H

#include "data/look/look.h"
#include "train/encoder.h"

extern const char kin_network_name[]; /* "kin", as --model has it */

/* The network alone. */
bool kin_network_own(kin_ctx *ctx, kin_network *network, kin_module **module, kin_error *err);
/* The bytes of its file. */
const unsigned char *kin_network_bytes(size_t *size);

/* Numbers of a joined row, whose network's part has `dim`. By hand comes first. */
static inline int64_t kin_network_joined_dim(int64_t dim) { return KIN_LOOK_DIM + dim; }
/* A row whose first KIN_LOOK_DIM numbers are kin_look's; `network` [dim] is brought to unit length. False where it has no
 * direction. */
bool kin_network_joined_row(float *row, const float *network, int64_t dim);
/* What is counted by hand in a joined row, of unit length again. */
void kin_network_by_hand(const float *row, float *out);

/* kin_look_grey of what is counted by hand, and nothing of the network's part: it was trained on colours, and does not know
 * its own picture when they are gone (3 of 24 greyed photographs of groceries were not found first). Its product with
 * a joined row is that of what is counted by hand. */
bool kin_network_joined_grey(float *row);

#endif
