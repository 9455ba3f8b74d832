#include "kernels/isa.h"
#include "kernels/pool_lines.h"

static void maximum(const kin_real *restrict pixel, int64_t channels, bool begins, int32_t here, kin_real *restrict best, int32_t *restrict winner)
{
    if (begins)
        for (int64_t c = 0; c < channels; c++) {
            best[c] = pixel[c];
            winner[c] = here;
        }
    else
        for (int64_t c = 0; c < channels; c++) {
            kin_real v = pixel[c], b = best[c];
            winner[c] = v <= b || b != b ? winner[c] : here;
            best[c] = v <= b || b != b ? b : v;
        }
}

extern const kin_pool_lines KIN_ISA_NAME(kin_pool_lines);
const kin_pool_lines KIN_ISA_NAME(kin_pool_lines) = {maximum};
