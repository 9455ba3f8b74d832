/* The transforms of kernels/winograd_weight.c, whose lanes are channels: those of kernels/winograd.simd.c transposed. And the register tile of
 * the products between them, for two operands that both lie tile by tile. */
#include "kernels/vector.h"
#include "kernels/winograd_lines.h"
#include "kernels/winograd_weight_lines.h"

#define INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
enum { MR = 14 };
#else
enum { MR = 6 };
#endif
enum { NR = 2 * LANES, SUM = 128, N_MAX = 6, M_MAX = 4 };

static const kin_real p = KIN_WINOGRAD_P, q = KIN_WINOGRAD_Q;

/* ---- one dimension: columns of Aᵀ and of G. `from` and `to` are columns, their entries f and t apart ---- */

INLINE void gradient_line(const int m, const vector *from, const int f, vector *to, const int t)
{
    vector g0 = from[0], g1 = from[f];
    to[0] = g0;
    if (m == 2) {
        to[t] = g0 + g1;
        to[2 * t] = g0 - g1;
        to[3 * t] = -g1;
        return;
    }
    vector g2 = from[2 * f], g3 = from[3 * f];
    vector even_p = g0 + (kin_real)0.5 * g2, odd_p = p * (g1 + (kin_real)0.5 * g3), even_q = g0 + 2 * g2, odd_q = q * (g1 + 2 * g3);
    to[t] = even_p + odd_p;
    to[2 * t] = even_p - odd_p;
    to[3 * t] = even_q + odd_q;
    to[4 * t] = even_q - odd_q;
    to[5 * t] = g3;
}

INLINE void weight_line(const int m, const vector *from, const int f, vector *to, const int t)
{
    if (m == 2) {
        vector even = (kin_real)0.5 * (from[f] + from[2 * f]);
        to[0] = from[0] + even;
        to[t] = (kin_real)0.5 * (from[f] - from[2 * f]);
        to[2 * t] = even + from[3 * f];
        return;
    }
    const kin_real at_p = (kin_real)(-2.0 / 3), at_q = (kin_real)(1.0 / 6);
    vector even_p = at_p * (from[f] + from[2 * f]), odd_p = (at_p * p) * (from[f] - from[2 * f]);
    vector even_q = at_q * (from[3 * f] + from[4 * f]), odd_q = (at_q * q) * (from[3 * f] - from[4 * f]);
    to[0] = from[0] + (even_p + even_q);
    to[t] = odd_p + odd_q;
    to[2 * t] = from[5 * f] + ((kin_real)0.5 * even_p + 2 * even_q);
}

/* ---- two dimensions ---- */

INLINE void gradient_vector(const int m, const bool whole, const kin_real *const *pixel, int64_t c, int64_t lanes, kin_real *z, int64_t position)
{
    const int n = m + 2;
    vector half[M_MAX * N_MAX]; /* [n][m] */
#pragma GCC unroll 4
    for (int j = 0; j < m; j++) {
        vector in[M_MAX];
#pragma GCC unroll 4
        for (int i = 0; i < m; i++) in[i] = whole ? load(pixel[m * i + j] + c) : load_some(pixel[m * i + j] + c, lanes);
        gradient_line(m, in, 1, half + j, m);
    }
#pragma GCC unroll 6
    for (int i = 0; i < n; i++) {
        vector out[N_MAX];
        gradient_line(m, half + m * i, 1, out, 1);
#pragma GCC unroll 6
        for (int j = 0; j < n; j++, z += position) store(z, out[j]);
    }
}

INLINE void gradient(const int m, const kin_real *const *pixel, int64_t channels, kin_real *z, int64_t position)
{
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES) gradient_vector(m, true, pixel, c, LANES, z + c, position);
    if (c < channels) gradient_vector(m, false, pixel, c, channels - c, z + c, position);
}

INLINE void weights(const int m, const kin_real *sums, int64_t position, int64_t columns, bool accumulate, kin_real *dw, int64_t tap)
{
    const int n = m + 2;
    for (int64_t c = 0; c < columns; c += LANES) {
        vector half[3 * N_MAX], out[9]; /* [3][n] */
#pragma GCC unroll 6
        for (int j = 0; j < n; j++) {
            vector in[N_MAX];
#pragma GCC unroll 6
            for (int i = 0; i < n; i++) in[i] = load(sums + (n * i + j) * position + c);
            weight_line(m, in, 1, half + j, n);
        }
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++) weight_line(m, half + n * i, 1, out + 3 * i, 1);
#pragma GCC unroll 9
        for (int i = 0; i < 9; i++) {
            kin_real *to = dw + i * tap + c;
            if (accumulate) out[i] += load_some(to, columns - c);
            store_some(to, out[i], columns - c);
        }
    }
}

static void gradient_2(const kin_real *const *pixel, int64_t channels, kin_real *z, int64_t position) { gradient(2, pixel, channels, z, position); }
static void gradient_4(const kin_real *const *pixel, int64_t channels, kin_real *z, int64_t position) { gradient(4, pixel, channels, z, position); }
static void weights_2(const kin_real *s, int64_t position, int64_t columns, bool accumulate, kin_real *dw, int64_t tap) { weights(2, s, position, columns, accumulate, dw, tap); }
static void weights_4(const kin_real *s, int64_t position, int64_t columns, bool accumulate, kin_real *dw, int64_t tap) { weights(4, s, position, columns, accumulate, dw, tap); }

/* ---- products ---- */

/* `rows` and `width`, the vectors of a row, are constants where this is called. */
INLINE void product(const int rows, const int width, const kin_real *v, int64_t v_pitch, const kin_real *z, int64_t z_pitch, int64_t tiles, bool begins, kin_real *sums, int64_t apart)
{
    vector acc[MR][2] = {{{0}}};
#pragma GCC unroll 4
    for (int64_t t = 0; t < tiles; t++, v += v_pitch, z += z_pitch) {
        vector z0 = load(z), z1 = width > 1 ? load(z + LANES) : z0;
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
            vector x = all_lanes(v[r]);
            acc[r][0] += z0 * x;
            if (width > 1) acc[r][1] += z1 * x;
            KEEP(x);
        }
        KEEP(z0);
        KEEP(z1);
        __asm__ volatile("" ::: "memory"); /* as in kernels/tile.simd.c */
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int h = 0; h < width; h++) {
            kin_real *to = sums + r * apart + h * LANES;
            if (!begins) acc[r][h] += load(to);
            store(to, acc[r][h]);
        }
}

INLINE void product_of(int64_t rows, const int width, const kin_real *v, int64_t v_pitch, const kin_real *z, int64_t z_pitch, int64_t tiles, bool begins, kin_real *sums, int64_t apart)
{
#define ROWS(n) \
    case n: \
        if (n <= MR) product(n, width, v, v_pitch, z, z_pitch, tiles, begins, sums, apart); \
        break;
    switch (rows) {
        ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14)
    }
#undef ROWS
}

/* So few tiles at a time that a strip of z stays in the first cache beside the rows of v. */
static void multiply(const kin_real *v, int64_t v_pitch, const kin_real *z, int64_t z_pitch, int64_t tiles, int64_t rows, int64_t columns, bool begins, kin_real *sums, int64_t apart)
{
    int64_t runs = (rows + MR - 1) / MR;
    for (int64_t t = 0; t < tiles; t += SUM) {
        int64_t some = tiles - t < SUM ? tiles - t : SUM;
        for (int64_t j = 0; j < columns; j += NR)
            for (int64_t i = 0, first = 0, end; i < runs; i++, first = end) {
                end = rows * (i + 1) / runs;
                const kin_real *from = v + t * v_pitch + first, *by = z + t * z_pitch + j;
                if (columns - j > LANES) product_of(end - first, 2, from, v_pitch, by, z_pitch, some, begins && t == 0, sums + first * apart + j, apart);
                else product_of(end - first, 1, from, v_pitch, by, z_pitch, some, begins && t == 0, sums + first * apart + j, apart);
            }
    }
}

extern const kin_winograd_weight_lines KIN_ISA_NAME(kin_winograd_weight_lines);
const kin_winograd_weight_lines KIN_ISA_NAME(kin_winograd_weight_lines) = {{gradient_2, gradient_4}, multiply, {weights_2, weights_4}};
