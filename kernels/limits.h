/* What this machine can do at best, measured: the two limits that every kernel runs into, of arithmetic
 * and of memory [Williams, Waterman and Patterson 2009, "Roofline"]. A share of the limit says more than a
 * number of operations. */
#ifndef KIN_KERNELS_LIMITS_H
#define KIN_KERNELS_LIMITS_H

#include "base/real.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct kin_limits {
    double flops; /* multiplications and additions a second, of kin_real, of all kin_threads() together */
    /* a second between memory and the cores: x = y + s·z over arrays larger than the caches, 3 numbers
     * each (STREAM's triad, McCalpin 1995) */
    double bytes;
} kin_limits;

enum { KIN_LIMITS_BYTES = 3 * (48 << 20) }; /* of the three arrays together */

/* The best of several short runs on all threads with the chosen instruction set; about half a second.
 * False when out of memory (KIN_LIMITS_BYTES are needed for that time). */
bool kin_limits_measure(kin_limits *limits);

/* ---- compiled for each instruction set ---- */

typedef struct kin_limit_loops {
    int64_t operations; /* of one round of `multiply_add` */
    /* as many independent chains as hide the latency, in registers alone */
    kin_real (*multiply_add)(int64_t rounds, kin_real x, kin_real y);
    void (*triad)(kin_real *x, const kin_real *y, const kin_real *z, kin_real s, int64_t n);
} kin_limit_loops;

#endif
