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

/* Without a fused multiply-add each product is rounded too, and the error of long float32 sums grows past that of other libraries: shorter
 * partial sums take it back. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
enum { SUM = 512 };
#else
enum { SUM = 128 };
#endif

static inline vector finished(vector v, vector bias, const kin_real *old, const kin_real *add, kin_norm_act act)
{
    v += bias;
    if (old) v += load(old);
    if (add) v += load(add);
    return act == KIN_NORM_LINEAR ? v : activated(v, act);
}

/* The loops over the accumulators must be unrolled: registers have no index. `width` is the number of vectors of a row, a constant
 * where these are called: a tile of few columns does without the second. What is asked once for all of them is not asked for each. */
#define EACH \
    _Pragma("GCC unroll 16") for (int r = 0; r < MR; r++) _Pragma("GCC unroll 2") for (int v = 0; v < width; v++)

static inline __attribute__((always_inline)) void finish_whole(vector acc[MR][2], const int width, const kin_tile_out *out)
{
    if (out->bias) EACH acc[r][v] += load(out->bias + v * LANES);
    if (out->accumulate) EACH acc[r][v] += load(out->c[r] + v * LANES);
    if (out->adds) EACH acc[r][v] += load(out->add[r] + v * LANES);
    if (out->act == KIN_NORM_RELU) EACH acc[r][v] = activated(acc[r][v], KIN_NORM_RELU);
    else if (out->act != KIN_NORM_LINEAR) EACH acc[r][v] = activated(acc[r][v], out->act);
    EACH store(out->c[r] + v * LANES, acc[r][v]);
}

/* A tile at the right or lower edge, row by row from where it was put down: whole vectors on a line beside, of which the valid columns are copied. */
static __attribute__((noinline)) void finish_part(const kin_real *sums, const kin_tile_out *out)
{
    kin_real bias[NR] = {0}, old[NR] = {0}, add[NR] = {0}, line[NR];
    size_t bytes = (size_t)out->columns * sizeof *bias;
    if (out->bias) memcpy(bias, out->bias, bytes);
    for (int r = 0; r < out->rows; r++, sums += NR) {
        if (out->accumulate) memcpy(old, out->c[r], bytes);
        if (out->adds) memcpy(add, out->add[r], bytes);
        for (int h = 0; h < out->columns; h += LANES)
            store(line + h, finished(load(sums + h), load(bias + h), out->accumulate ? old + h : NULL, out->adds ? add + h : NULL, out->act));
        memcpy(out->c[r], line, bytes);
    }
}

static inline __attribute__((always_inline)) void finish(vector acc[MR][2], const int width, const kin_tile_out *out)
{
    if (out->columns == width * LANES && out->rows == MR) {
        finish_whole(acc, width, out);
        return;
    }
    kin_real sums[MR * NR];
    EACH store(sums + r * NR + v * LANES, acc[r][v]);
    finish_part(sums, out);
}

/* One k: a row of the panel times each row's number. Four of these stand in a turn of the loop: two products a cycle leave little room for
 * its bookkeeping beside them, less still where another thread shares the core. The barrier keeps the compiler from bringing the loads of
 * several together until the accumulators no longer fit. */
static inline __attribute__((always_inline)) void step(vector acc[MR][2], const kin_real *const a[MR], int64_t k, const kin_real *panel, const int width)
{
    vector b0 = load(panel), b1 = width > 1 ? load(panel + LANES) : b0;
#pragma GCC unroll 16
    for (int r = 0; r < MR; r++) {
        kin_real x = a[r][k];
        acc[r][0] += b0 * x;
        if (width > 1) acc[r][1] += b1 * x;
    }
    __asm__ volatile("" ::: "memory");
}

static inline __attribute__((always_inline)) void sum_rows(const kin_real *const *row, const int64_t *b_row, int64_t segments, int64_t length,
                                                           const kin_real *b, const int width, const kin_tile_out *out)
{
    vector acc[MR][2] = {{{0}}};
    for (int64_t s = 0; s < segments; s++) {
        const kin_real *a[MR], *panel = b + b_row[s] * NR;
#pragma GCC unroll 16
        for (int r = 0; r < MR; r++) a[r] = row[s * MR + r];
        int64_t k = 0;
        for (; k + 4 <= length; k += 4, panel += 4 * NR) {
            step(acc, a, k, panel, width);
            step(acc, a, k + 1, panel + NR, width);
            step(acc, a, k + 2, panel + 2 * NR, width);
            step(acc, a, k + 3, panel + 3 * NR, width);
        }
        for (; k < length; k++, panel += NR) step(acc, a, k, panel, width);
    }
    finish(acc, width, out);
}

static void tile_rows(const kin_real *const *row, const int64_t *b_row, int64_t segments, int64_t length, const kin_real *b, const kin_tile_out *out)
{
    if (out->columns > LANES)
        sum_rows(row, b_row, segments, length, b, 2, out);
    else
        sum_rows(row, b_row, segments, length, b, 1, out);
}

/* The lines that the tile will be added to or stored in are asked for before the sum, which hides their way from memory. */
static inline void expect(const kin_tile_out *out)
{
    for (int r = 0; r < out->rows; r++) __builtin_prefetch(out->c[r], 1), __builtin_prefetch(out->c[r] + out->columns - 1, 1);
}

static void tile_packed(const kin_real *a, const kin_real *b, int64_t k, const kin_tile_out *out)
{
    vector acc[MR][2] = {{{0}}};
    expect(out);
    for (; k > 0; k--, a += MR, b += NR) {
        vector b0 = load(b), b1 = load(b + LANES);
#pragma GCC unroll 16
        for (int r = 0; r < MR; r++) {
            acc[r][0] += b0 * a[r];
            acc[r][1] += b1 * a[r];
        }
    }
    finish(acc, 2, out);
}

static void pack(const kin_real *const *from, int64_t first, int64_t k, kin_real *to)
{
    for (; k > 0; k--, from++, to += MR) {
        if (*from)
            memcpy(to, *from + first, MR * sizeof *to);
        else
            memset(to, 0, MR * sizeof *to);
    }
}

static void pack_columns(const kin_real *const *from, int64_t first, int64_t columns, int64_t k, kin_real *to)
{
    for (; columns == NR && k > 0; k--, from++, to += NR) memcpy(to, *from + first, NR * sizeof *to);
    for (; k > 0; k--, from++, to += NR) {
        memset(to, 0, NR * sizeof *to);
        for (int64_t j = 0; j < columns; j++) to[j] = (*from)[first + j];
    }
}

extern const kin_tiles KIN_ISA_NAME(kin_tiles);
const kin_tiles KIN_ISA_NAME(kin_tiles) = {MR, NR, SUM, tile_rows, tile_packed, pack, pack_columns};
