#include "kernels/coarse.h"

#include "kernels/isa.h"

#include <math.h>

static const double norm_most = 46000, number_most = 32767;
static const float to_whole = 12582912; /* 1.5 · 2²³: in its neighbourhood float32 has whole numbers only */

KIN_ISA_DECLARE(kin_coarse, kin_coarse);
extern const kin_coarse kin_coarse_vnni;

const kin_coarse *kin_coarse_get(void)
{
    static const kin_coarse *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_coarse);
#if defined(__x86_64__)
    if (kin_isa() == KIN_ISA_AVX512 && __builtin_cpu_supports("avx512vnni")) return &kin_coarse_vnni;
#endif
    return tables[kin_isa()];
}

float kin_coarse_round(const float *x, int64_t dim, double norm, kin_coarse_pair *to, int64_t stride,
                       float *error)
{
    float most = 0;
    for (int64_t i = 0; i < dim; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    float scale = (float)fmax(norm / norm_most, (double)most / number_most), inverse = 1 / scale;
    if (!isfinite(inverse)) scale = inverse = 0; /* too small a row: all of it is error */
    double off = 0;
    for (int64_t i = 0; i < dim; i++) {
        float n = (x[i] * inverse + to_whole) - to_whole, rest;
        n = n > 32767 ? 32767 : n < -32767 ? -32767 : n;
        rest = x[i] - n * scale;
        to[i / 2 * stride].n[i % 2] = (int16_t)n;
        off += (double)rest * (double)rest;
    }
    if (dim % 2) to[dim / 2 * stride].n[1] = 0;
    *error = norm > 0 ? (float)(sqrt(off) / norm * 1.0001 + 2e-7)
                      : 0; /* n·scale and the difference are rounded */
    return scale;
}
