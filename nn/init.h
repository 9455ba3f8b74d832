/* First values of parameters, as PyTorch defines them. */
#ifndef KIN_NN_INIT_H
#define KIN_NN_INIT_H

#include "nn/module.h"

/* Fills `data` (the count of opt->shape) by opt->init. The value of an element depends on the key and its
 * index alone. */
void kin_init_fill(kin_real *data, const kin_param_opt *opt, uint64_t key);

#endif
