/* The transforms of kernels/conv/winograd_weight.c, whose lanes are channels: those of
 * kernels/conv/winograd.simd.c transposed. And the products between them, whose operands both lie tile by
 * tile. */
#include "kernels/conv/winograd_kernels.h"
#include "kernels/conv/winograd_weight_kernels.h"
#include "kernels/register_tile.h"

enum { SUM = 128, N_MAX = 6, M_MAX = 4 };

static const kin_real p = KIN_WINOGRAD_P, q = KIN_WINOGRAD_Q;

/* ---- one dimension: columns of Aᵀ and of G. `from` and `to` are columns, their entries f and t apart
 * ---- */

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
    vector even_p = g0 + (kin_real)0.5 * g2, odd_p = p * (g1 + (kin_real)0.5 * g3), even_q = g0 + 2 * g2,
           odd_q = q * (g1 + 2 * g3);
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

INLINE void gradient_vector(const int m, const bool whole, const kin_real *const *pixel, int64_t c,
                            int64_t lanes, kin_real *z, int64_t position)
{
    const int n = m + 2;
    vector half[M_MAX * N_MAX]; /* [n][m] */
    UNROLLED for (int j = 0; j < m; j++)
    {
        vector in[M_MAX];
        UNROLLED for (int i = 0; i < m; i++) in[i] = whole ? load(pixel[m * i + j] + c)
                                                           : load_some(pixel[m * i + j] + c, lanes);
        gradient_line(m, in, 1, half + j, m);
    }
    UNROLLED for (int i = 0; i < n; i++)
    {
        vector out[N_MAX];
        gradient_line(m, half + m * i, 1, out, 1);
        UNROLLED for (int j = 0; j < n; j++, z += position) store(z, out[j]);
    }
}

INLINE void gradient(const int m, const kin_real *const *pixel, int64_t channels, kin_real *z,
                     int64_t position)
{
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES) gradient_vector(m, true, pixel, c, LANES, z + c, position);
    if (c < channels) gradient_vector(m, false, pixel, c, channels - c, z + c, position);
}

INLINE void weights(const int m, const kin_real *sums, int64_t position, int64_t columns, bool accumulate,
                    kin_real *dw, int64_t tap)
{
    const int n = m + 2;
    for (int64_t c = 0; c < columns; c += LANES) {
        vector half[3 * N_MAX], out[9]; /* [3][n] */
        UNROLLED for (int j = 0; j < n; j++)
        {
            vector in[N_MAX];
            UNROLLED for (int i = 0; i < n; i++) in[i] = load(sums + (n * i + j) * position + c);
            weight_line(m, in, 1, half + j, n);
        }
        UNROLLED for (int i = 0; i < 3; i++) weight_line(m, half + n * i, 1, out + 3 * i, 1);
        UNROLLED for (int i = 0; i < 9; i++)
        {
            kin_real *to = dw + i * tap + c;
            if (accumulate) out[i] += load_some(to, columns - c);
            store_some(to, out[i], columns - c);
        }
    }
}

static void gradient_2(const kin_real *const *pixel, int64_t channels, kin_real *z, int64_t position)
{
    gradient(2, pixel, channels, z, position);
}
static void gradient_4(const kin_real *const *pixel, int64_t channels, kin_real *z, int64_t position)
{
    gradient(4, pixel, channels, z, position);
}
static void weights_2(const kin_real *s, int64_t position, int64_t columns, bool accumulate, kin_real *dw,
                      int64_t tap)
{
    weights(2, s, position, columns, accumulate, dw, tap);
}
static void weights_4(const kin_real *s, int64_t position, int64_t columns, bool accumulate, kin_real *dw,
                      int64_t tap)
{
    weights(4, s, position, columns, accumulate, dw, tap);
}

/* ---- products ---- */

/* So few tiles at a time that a strip of z stays in the first cache beside the rows of v. */
static void multiply(const kin_real *v, int64_t v_pitch, const kin_real *z, int64_t z_pitch, int64_t tiles,
                     int64_t rows, int64_t columns, bool begins, kin_real *sums, int64_t apart)
{
    int64_t runs = (rows + MR - 1) / MR;
    for (int64_t t = 0; t < tiles; t += SUM) {
        int64_t some = tiles - t < SUM ? tiles - t : SUM;
        for (int64_t j = 0; j < columns; j += NR)
            for (int64_t i = 0, first = 0, end; i < runs; i++, first = end) {
                end = rows * (i + 1) / runs;
                const kin_real *from = v + t * v_pitch + first, *by = z + t * z_pitch + j;
                if (columns - j > LANES)
                    product_of(end - first, 2, from, 1, v_pitch, by, z_pitch, NULL, 0, some, begins && t == 0,
                               sums + first * apart + j, apart);
                else
                    product_of(end - first, 1, from, 1, v_pitch, by, z_pitch, NULL, 0, some, begins && t == 0,
                               sums + first * apart + j, apart);
            }
    }
}

extern const kin_winograd_weight_kernels KIN_ISA_NAME(kin_winograd_weight_kernels);
const kin_winograd_weight_kernels KIN_ISA_NAME(kin_winograd_weight_kernels) = {
    {gradient_2, gradient_4}, multiply, {weights_2, weights_4}};
