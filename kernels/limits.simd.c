#include "kernels/limits.h"
#include "kernels/vector.h"

/* A fused multiply-add takes about 4 cycles and two can begin in each: 8 chains or more, and no more than
 * there are registers for. */
#if KIN_SHAPES == 512
enum { CHAINS = 24 };
#else
enum { CHAINS = 12 };
#endif

static kin_real multiply_add(int64_t rounds, kin_real x, kin_real y)
{
    vector chain[CHAINS], a = (vector){0} + x, b = (vector){0} + y;
    UNROLLED for (int i = 0; i < CHAINS; i++) chain[i] = b * (kin_real)i;
    for (; rounds > 0; rounds--) {
        UNROLLED for (int i = 0; i < CHAINS; i++) chain[i] = chain[i] * a + b;
    }
    vector sum = {0};
    UNROLLED for (int i = 0; i < CHAINS; i++) sum += chain[i];
    kin_real total = 0;
    for (int i = 0; i < (int)LANES; i++) total += sum[i];
    return total;
}

static void triad(kin_real *x, const kin_real *y, const kin_real *z, kin_real s, int64_t n)
{
    for (int64_t i = 0; i + LANES <= n; i += LANES) store(x + i, load(y + i) + load(z + i) * s);
}

extern const kin_limit_loops KIN_ISA_NAME(kin_limit_loops);
const kin_limit_loops KIN_ISA_NAME(kin_limit_loops) = {2 * CHAINS * LANES, multiply_add, triad};
