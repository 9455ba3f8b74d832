#include "kernels/isa.h"
#include "kernels/tile.h"
#include "kernels/vector.h"

#include <string.h>

/* The accumulators must fit the registers: AVX-512 has 32 (28 used), AVX2 16 (12 used), SSE and NEON at
 * least 16 (12 used). */
#if defined(__AVX512F__)
enum { MR = 14 };
#else
enum { MR = 6 };
#endif
enum { NR = 2 * LANES };

static inline vector finished(vector v, vector bias, const kin_real *old, const kin_real *add, kin_norm_act act)
{
    v += bias;
    if (old) v += load(old);
    if (add) v += load(add);
    return act == KIN_NORM_LINEAR ? v : activated(v, act);
}

static inline void finish_whole(vector acc[MR][2], const kin_tile_out *out)
{
    vector b0 = {0}, b1 = {0};
    if (out->bias) b0 = load(out->bias), b1 = load(out->bias + LANES);
    for (int r = 0; r < MR; r++) {
        if (r >= out->rows) return;
        kin_real *c = out->c[r];
        const kin_real *old = out->accumulate ? c : NULL, *add = out->adds ? out->add[r] : NULL;
        store(c, finished(acc[r][0], b0, old, add, out->act));
        store(c + LANES, finished(acc[r][1], b1, old ? old + LANES : NULL, add ? add + LANES : NULL, out->act));
    }
}

/* A tile at the right edge: whole vectors on a line beside, of which the valid columns are copied. */
static void finish_part(vector acc[MR][2], const kin_tile_out *out)
{
    kin_real bias[NR] = {0}, old[NR] = {0}, add[NR] = {0};
    size_t bytes = (size_t)out->columns * sizeof *bias;
    if (out->bias) memcpy(bias, out->bias, bytes);
    for (int r = 0; r < out->rows; r++) {
        if (out->accumulate) memcpy(old, out->c[r], bytes);
        if (out->adds) memcpy(add, out->add[r], bytes);
        kin_real line[NR];
        for (int h = 0; h < 2; h++)
            store(line + h * LANES, finished(acc[r][h], load(bias + h * LANES), out->accumulate ? old + h * LANES : NULL, out->adds ? add + h * LANES : NULL, out->act));
        memcpy(out->c[r], line, bytes);
    }
}

static inline void finish(vector acc[MR][2], const kin_tile_out *out)
{
    if (out->columns == NR) finish_whole(acc, out);
    else finish_part(acc, out);
}

static void tile_rows(const kin_real *const *row, const int64_t *b_row, int64_t segments, int64_t length, const kin_real *b, const kin_tile_out *out)
{
    vector acc[MR][2] = {{{0}}};
    for (int64_t s = 0; s < segments; s++) {
        const kin_real *const *a = row + s * MR, *panel = b + b_row[s] * NR;
        for (int64_t k = 0; k < length; k++, panel += NR) {
            vector b0 = load(panel), b1 = load(panel + LANES);
#pragma GCC unroll 16
            for (int r = 0; r < MR; r++) {
                kin_real x = a[r][k];
                acc[r][0] += b0 * x;
                acc[r][1] += b1 * x;
            }
        }
    }
    finish(acc, out);
}

static void tile_packed(const kin_real *a, const kin_real *b, int64_t k, const kin_tile_out *out)
{
    vector acc[MR][2] = {{{0}}};
    for (; k > 0; k--, a += MR, b += NR) {
        vector b0 = load(b), b1 = load(b + LANES);
#pragma GCC unroll 16
        for (int r = 0; r < MR; r++) {
            acc[r][0] += b0 * a[r];
            acc[r][1] += b1 * a[r];
        }
    }
    finish(acc, out);
}

static void pack(const kin_real *const *from, int64_t k, kin_real *to)
{
    for (; k > 0; k--, from++, to += MR) {
        if (*from) memcpy(to, *from, MR * sizeof *to);
        else memset(to, 0, MR * sizeof *to);
    }
}

extern const kin_tiles KIN_ISA_NAME(kin_tiles);
const kin_tiles KIN_ISA_NAME(kin_tiles) = {MR, NR, tile_rows, tile_packed, pack};
