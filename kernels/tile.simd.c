#include "kernels/isa.h"
#include "kernels/tile.h"

#include <string.h>

/* The accumulators must fit the registers: AVX-512 has 32 (24 used), AVX2 16 (12 used), SSE and NEON at
 * least 16 (12 used). */
#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, MR = 12 };
#elif defined(__AVX2__)
enum { VECTOR_BYTES = 32, MR = 6 };
#else
enum { VECTOR_BYTES = 16, MR = 6 };
#endif
enum { LANES = VECTOR_BYTES / sizeof(kin_real), NR = 2 * LANES };

typedef kin_real vector __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(kin_real)), may_alias));

static inline vector load(const kin_real *p) { return *(const vector *)p; }
static inline void store(kin_real *p, vector v) { *(vector *)p = v; }

static inline void finish_whole(vector acc[MR][2], const kin_tile_out *out)
{
    vector b0 = {0}, b1 = {0};
    if (out->bias) b0 = load(out->bias), b1 = load(out->bias + LANES);
    for (int r = 0; r < MR; r++) {
        if (r >= out->rows) return;
        kin_real *c = out->c[r];
        vector v0 = acc[r][0] + b0, v1 = acc[r][1] + b1;
        if (out->accumulate) v0 += load(c), v1 += load(c + LANES);
        store(c, v0);
        store(c + LANES, v1);
    }
}

static void finish_part(vector acc[MR][2], const kin_tile_out *out)
{
    for (int r = 0; r < out->rows; r++) {
        kin_real line[NR];
        store(line, acc[r][0]);
        store(line + LANES, acc[r][1]);
        for (int64_t j = 0; j < out->columns; j++) {
            kin_real v = line[j] + (out->bias ? out->bias[j] : 0);
            out->c[r][j] = out->accumulate ? out->c[r][j] + v : v;
        }
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
