/* The widest vectors of the instruction set that a *.simd.c file is compiled for, and what kernels do with them. */
#ifndef KIN_KERNELS_VECTOR_H
#define KIN_KERNELS_VECTOR_H

#include "base/real.h"
#include "kernels/isa.h"
#include "kernels/norm.h"

enum { LANES = KIN_VECTOR_BYTES / sizeof(kin_real) };

typedef kin_real vector __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(sizeof(kin_real)), may_alias));
typedef __typeof__((vector){0} < (vector){0}) vector_mask;

static inline vector load(const kin_real *p) { return *(const vector *)p; }
static inline void store(kin_real *p, vector v) { *(vector *)p = v; }

/* ReLU or ReLU6; NaN stays. */
static inline vector activated(vector v, kin_norm_act act)
{
    vector zero = {0}, six = zero + 6;
    v = (vector)((vector_mask)v & ~(v < zero));
    if (act != KIN_NORM_RELU6) return v;
    vector_mask above = v > six;
    return (vector)(((vector_mask)v & ~above) | ((vector_mask)six & above));
}

#endif
