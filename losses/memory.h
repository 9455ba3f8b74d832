/* Cross-batch memory [Wang et al. 2020, XBM]: a loss on pairs or triplets compares the batch not with
 * itself but with the embeddings of the last so many pictures, the batch's own among them. They are the
 * embeddings of networks of some steps ago, which differ little when the rate is small; no gradient flows
 * into them. So a batch of 64 finds its hard negatives among thousands. The option `xbm` of a term asks
 * for it. */
#ifndef KIN_LOSSES_MEMORY_H
#define KIN_LOSSES_MEMORY_H

#include "losses/loss.h"

/* The memory is part of the module, as buffers of the term (memory, memory_labels, memory_state), so that a
 * resumed run has it. Asks for them in the dry run, where the term has a memory. */
bool kin_loss_memory_declare(const kin_loss_call *c);
/* Puts the batch into the term's memory, if it has one, and makes it what the call compares with. *labels
 * receives the labels, to be freed after the formula. False on error, in the context. */
bool kin_loss_memory_compare(kin_loss_call *c, int **labels);

#endif
