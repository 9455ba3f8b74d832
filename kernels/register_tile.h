/* A tile of a matrix product in registers, for *.simd.c files: MR rows of NR columns, two vectors each. */
#ifndef KIN_KERNELS_REGISTER_TILE_H
#define KIN_KERNELS_REGISTER_TILE_H

#include "kernels/cut.h"
#include "kernels/vector.h"

/* The accumulators must fit the registers: AVX-512 has 32 (28 used), AVX2 16 (12 used), SSE and NEON at
 * least 16 (12 used). */
#if KIN_SHAPES == 512
enum { MR = 14 };
#else
enum { MR = 6 };
#endif
enum { NR = 2 * LANES };
_Static_assert((int)MR <= (int)KIN_MR_MAX && (int)NR <= (int)KIN_NR_MAX, "buffers are made for such tiles");

/* One k: a row of B, two vectors or one, times NUMBER of each row r. KEEP has a vector live on after its
 * last product, lest that be put in its register and the accumulators wander through moves, which took a
 * tenth of the time; the barrier keeps the compiler from bringing the loads of several k together until
 * the accumulators no longer fit. */
#define ADD_PRODUCTS(acc, b, rows, width, NUMBER) \
    do { \
        vector b0 = load(b), b1 = (width) > 1 ? load((b) + LANES) : b0; \
        UNROLLED for (int r = 0; r < (rows); r++) \
        { \
            vector x = all_lanes(NUMBER); \
            acc[r][0] += b0 * x; \
            if ((width) > 1) acc[r][1] += b1 * x; \
            KEEP(x); \
        } \
        KEEP(b0); \
        KEEP(b1); \
        __asm__ volatile("" ::: "memory"); \
    } while (0)

/* What comes from afar is asked for into the second cache where that is large: asked for into the first one,
 * all that is under way waits in its few buffers (Intel's have 16, of 64 bytes), which is half of what the
 * third cache can give. ResNet-50's last 3×3 with one picture, 38 MB of weights for 4 tiles: 3.4 → 2.9 ms. */
enum { INTO = KIN_SHAPES == 512 ? 2 : 3 };

/* Four k stand in a turn of the loop: two products a cycle leave little room for its bookkeeping beside
 * them, less still where another thread shares the core. `ahead`, a constant: how many numbers further the
 * panel is asked for, 0 for not at all. */
INLINE void run_of_k(vector (*acc)[2], const kin_real *const *a, int64_t stride, int64_t length,
                     const kin_real *panel, const int rows, const int width, const int ahead)
{
    int64_t k = 0;
    for (; k + 4 <= length; k += 4, panel += 4 * NR) {
        if (ahead)
            UNROLLED for (int i = 0; i < 4 * NR; i += LINE) __builtin_prefetch(panel + ahead + i, 0, INTO);
        ADD_PRODUCTS(acc, panel, rows, width, a[r][k * stride]);
        ADD_PRODUCTS(acc, panel + NR, rows, width, a[r][(k + 1) * stride]);
        ADD_PRODUCTS(acc, panel + 2 * NR, rows, width, a[r][(k + 2) * stride]);
        ADD_PRODUCTS(acc, panel + 3 * NR, rows, width, a[r][(k + 3) * stride]);
    }
    for (; k < length; k++, panel += NR) ADD_PRODUCTS(acc, panel, rows, width, a[r][k * stride]);
}

/* sums[r·apart + ·] = Σ over k < length of a[r·row + k·step] · b[k·b_step + ·]; unless it begins, that is
 * added. rows ≤ MR; `rows` and `width`, the vectors of a row, are constants where this is called:
 * registers have no index. What comes after b is asked for from `next` on, `ask` ≤ NR numbers further at
 * each k; NULL: nothing. */
INLINE void product(const int rows, const int width, const kin_real *a, int64_t row, int64_t step,
                    const kin_real *b, int64_t b_step, const kin_real *next, int64_t ask, int64_t length,
                    bool begins, kin_real *sums, int64_t apart)
{
    vector acc[MR][2] = {{{0}}};
    UNROLLED_BY(4) for (int64_t k = 0; k < length; k++, b += b_step)
    {
        if (next)
            for (int line = 0; line < NR; line += LINE) __builtin_prefetch(next + k * ask + line, 0, INTO);
        ADD_PRODUCTS(acc, b, rows, width, a[r * row + k * step]);
    }
    UNROLLED for (int r = 0; r < rows; r++) UNROLLED for (int h = 0; h < width; h++)
    {
        kin_real *to = sums + r * apart + h * LANES;
        if (!begins) acc[r][h] += load(to);
        store(to, acc[r][h]);
    }
}

INLINE void product_of(int64_t rows, const int width, const kin_real *a, int64_t row, int64_t step,
                       const kin_real *b, int64_t b_step, const kin_real *next, int64_t ask, int64_t length,
                       bool begins, kin_real *sums, int64_t apart)
{
#define ROWS(n) \
    case n: \
        if (n <= MR) product(n, width, a, row, step, b, b_step, next, ask, length, begins, sums, apart); \
        break;
    switch (rows) {
        ROWS(1)
        ROWS(2)
        ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14)
    }
#undef ROWS
}

#endif
