/* Numbers that are a function of a name and an index, which tests/golden/zoo.py computes too: whole
 * networks are compared without files of weights. Indices are PyTorch's. */
#ifndef KIN_TESTS_SUPPORT_HASHED_H
#define KIN_TESTS_SUPPORT_HASHED_H

#include "nn/module.h"

/* All parameters and buffers: matrices and kernels by their fan-in, variances and scales in [.5, 1.5), the
 * rest in ±.2. */
void hashed_fill(kin_module *m);
/* A tensor of [-1, 1); four axes are counted in PyTorch's order, n c h w. */
kin_tensor *hashed_input(kin_ctx *ctx, const char *name, kin_shape nhwc);
/* Where PyTorch has number i of this entry. */
int64_t hashed_index(const kin_entry *e, int64_t i);
/* In [-1, 1), not rounded to float. */
double hashed_number(uint64_t key, int64_t i);

#endif
