/* The transforms of kernels/conv/winograd.h, whose lanes are channels, and the products between them. */
#include "kernels/conv/winograd_kernels.h"
#include "kernels/register_tile.h"

/* As in kernels/tile.simd.c: without a fused multiply-add partial sums are shorter. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
enum { SUM = 256 };
#else
enum { SUM = 128 };
#endif
enum { N_MAX = 6, M_MAX = 4 };

static const kin_real p = KIN_WINOGRAD_P, q = KIN_WINOGRAD_Q;

/* ---- one dimension: rows of Bᵀ, G and Aᵀ. `from` and `to` are columns, their entries `step` apart ---- */

INLINE void input_line(const int m, const vector *from, const int f, vector *to, const int t)
{
    if (m == 2) {
        vector d1 = from[f], d2 = from[2 * f];
        to[0] = from[0] - d2;
        to[t] = d1 + d2;
        to[2 * t] = d2 - d1;
        to[3 * t] = d1 - from[3 * f];
        return;
    }
    vector d1 = from[f], d2 = from[2 * f], d3 = from[3 * f], d4 = from[4 * f];
    vector even_p = d4 - 2 * d2, odd_p = d3 - 2 * d1, even_q = d4 - (kin_real)0.5 * d2,
           odd_q = d3 - (kin_real)0.5 * d1;
    to[0] = (from[0] + d4) - (kin_real)2.5 * d2;
    to[t] = even_p + p * odd_p;
    to[2 * t] = even_p - p * odd_p;
    to[3 * t] = even_q + q * odd_q;
    to[4 * t] = even_q - q * odd_q;
    to[5 * t] = (d1 + from[5 * f]) - (kin_real)2.5 * d3;
}

/* The denominators of interpolation, Π (point − other points), belong to G. */
INLINE void weight_line(const int m, const vector *from, const int f, vector *to, const int t)
{
    vector g0 = from[0], g1 = from[f], g2 = from[2 * f];
    if (m == 2) {
        vector even = (kin_real)0.5 * (g0 + g2), odd = (kin_real)0.5 * g1;
        to[0] = g0;
        to[t] = even + odd;
        to[2 * t] = even - odd;
        to[3 * t] = g2;
        return;
    }
    const kin_real at_p = (kin_real)(-2.0 / 3), at_q = (kin_real)(1.0 / 6);
    vector even_p = at_p * (g0 + (kin_real)0.5 * g2), odd_p = (at_p * p) * g1, even_q = at_q * (g0 + 2 * g2),
           odd_q = (at_q * q) * g1;
    to[0] = g0;
    to[t] = even_p + odd_p;
    to[2 * t] = even_p - odd_p;
    to[3 * t] = even_q + odd_q;
    to[4 * t] = even_q - odd_q;
    to[5 * t] = g2;
}

INLINE void output_line(const int m, const vector *from, const int f, vector *to, const int t)
{
    vector even_p = from[f] + from[2 * f], odd_p = from[f] - from[2 * f];
    if (m == 2) {
        to[0] = from[0] + even_p;
        to[t] = odd_p - from[3 * f];
        return;
    }
    vector even_q = from[3 * f] + from[4 * f], odd_q = from[3 * f] - from[4 * f];
    to[0] = from[0] + (even_p + even_q);
    to[t] = p * odd_p + q * odd_q;
    to[2 * t] = (kin_real)0.5 * even_p + 2 * even_q;
    to[3 * t] = from[5 * f] + ((kin_real)(p / 2) * odd_p + (2 * q) * odd_q);
}

/* ---- two dimensions ---- */

INLINE void weights(const int m, const kin_real *g, int64_t tap, kin_real *u, int64_t position)
{
    const int n = m + 2;
    for (int v = 0; v < NR; v += LANES) {
        vector in[9], half[N_MAX * 3], out[N_MAX * N_MAX];
        UNROLLED for (int i = 0; i < 9; i++) in[i] = load(g + i * tap + v);
        UNROLLED for (int i = 0; i < 3; i++) weight_line(m, in + i, 3, half + i, 3);
        UNROLLED for (int i = 0; i < n; i++) weight_line(m, half + 3 * i, 1, out + n * i, 1);
        UNROLLED for (int i = 0; i < n * n; i++) store(u + i * position + v, out[i]);
    }
}

/* One vector of channels; `whole` is whether all its lanes are in the picture. */
INLINE void input_vector(const int m, const bool whole, const kin_real *const *pixel, int64_t c,
                         int64_t lanes, kin_real *v, int64_t position)
{
    const int n = m + 2;
    vector half[N_MAX * N_MAX];
    UNROLLED for (int j = 0; j < n; j++)
    {
        vector in[N_MAX];
        UNROLLED for (int i = 0; i < n; i++) in[i] = whole ? load(pixel[n * i + j] + c)
                                                           : load_some(pixel[n * i + j] + c, lanes);
        input_line(m, in, 1, half + j, n);
    }
    UNROLLED for (int i = 0; i < n; i++)
    {
        vector out[N_MAX];
        input_line(m, half + n * i, 1, out, 1);
        UNROLLED for (int j = 0; j < n; j++, v += position) store(v, out[j]);
    }
}

/* The next tile shares its first two columns with this one. */
INLINE void expect_pixels(const int m, const kin_real *const *next, int64_t c)
{
    const int n = m + 2;
    UNROLLED for (int i = 0; i < n; i++) UNROLLED for (int j = 2; j < n; j++)
        __builtin_prefetch(next[n * i + j] + c);
}

INLINE void input(const int m, const kin_real *const *pixel, const kin_real *const *next, int64_t channels,
                  kin_real *v, int64_t position)
{
    int64_t c = 0;
    for (; c + LANES <= channels; c += LANES) {
        if (c % LINE == 0) expect_pixels(m, next, c);
        input_vector(m, true, pixel, c, LANES, v + c, position);
    }
    if (c < channels) input_vector(m, false, pixel, c, channels - c, v + c, position);
}

INLINE void expect_output(const int m, const kin_winograd_out *o, int64_t c)
{
    for (int64_t i = 0; i < m; i++) UNROLLED for (int64_t j = 0; j < m; j++)
        {
            __builtin_prefetch(o->next_y + i * o->y_row + j * o->y_ld + c, 1);
            if (o->add) __builtin_prefetch(o->next_add + i * o->add_row + j * o->add_ld + c);
        }
}

/* `whole` as above; rows and across are constants, m, where the tile is inside the picture. */
INLINE void output_vector(const int m, const bool whole, const int64_t rows, const int64_t across,
                          const kin_winograd_out *o, int64_t c)
{
    const int n = m + 2;
    vector half[M_MAX * N_MAX], out[M_MAX * M_MAX], bias = {0};
    int64_t lanes = whole ? LANES : o->columns - c;
    UNROLLED for (int j = 0; j < n; j++)
    {
        vector in[N_MAX];
        UNROLLED for (int i = 0; i < n; i++) in[i] = load(o->sums + (n * i + j) * o->width + c);
        output_line(m, in, 1, half + j, n);
    }
    UNROLLED for (int i = 0; i < m; i++) output_line(m, half + n * i, 1, out + m * i, 1);
    if (o->bias) bias = load_some(o->bias + c, lanes);
    UNROLLED_BY(4) for (int64_t i = 0; i < rows; i++) UNROLLED_BY(4) for (int64_t j = 0; j < across; j++)
    {
        vector v = out[i * m + j] + bias;
        if (o->add) v += load_some(o->add + i * o->add_row + j * o->add_ld + c, lanes);
        store_some(o->y + i * o->y_row + j * o->y_ld + c,
                   o->act == KIN_NORM_LINEAR ? v : activated(v, o->act), lanes);
    }
}

INLINE void output(const int m, const kin_winograd_out *o)
{
    int64_t c = 0;
    for (; c + LANES <= o->columns; c += LANES) {
        if (c % LINE == 0) expect_output(m, o, c);
        if (o->rows == m && o->across == m) output_vector(m, true, m, m, o, c);
        else output_vector(m, true, o->rows, o->across, o, c);
    }
    if (c < o->columns) output_vector(m, false, o->rows, o->across, o, c);
}

static void weights_2(const kin_real *g, int64_t tap, kin_real *u, int64_t position)
{
    weights(2, g, tap, u, position);
}
static void weights_4(const kin_real *g, int64_t tap, kin_real *u, int64_t position)
{
    weights(4, g, tap, u, position);
}
static void input_2(const kin_real *const *pixel, const kin_real *const *next, int64_t channels, kin_real *v,
                    int64_t position)
{
    input(2, pixel, next, channels, v, position);
}
static void input_4(const kin_real *const *pixel, const kin_real *const *next, int64_t channels, kin_real *v,
                    int64_t position)
{
    input(4, pixel, next, channels, v, position);
}
static void output_2(const kin_winograd_out *o) { output(2, o); }
static void output_4(const kin_winograd_out *o) { output(4, o); }

/* ---- products ---- */

/* The tiles are cut into runs of nearly the same length, so that none is too short to hide the latency of
 * a multiplication. Weights pass by once for each task, out of the third cache or from memory: each run
 * asks for its share of those of the next product, a line every few k. Asked for by the first run alone,
 * at each k, they came faster than memory gives them, and the others waited: a tenth to a quarter of the
 * time. */
static void multiply(const kin_real *v, int64_t pitch, int64_t tiles, const kin_real *u, const kin_real *next,
                     int64_t depth, int64_t columns, bool begins, kin_real *sums, int64_t apart)
{
    int64_t runs = (tiles + MR - 1) / MR, share = (NR + runs - 1) / runs;
    for (int64_t k = 0; k < depth; k += SUM) {
        int64_t some = depth - k < SUM ? depth - k : SUM;
        for (int64_t i = 0, first = 0, end; i < runs; i++, first = end) {
            end = tiles * (i + 1) / runs;
            const kin_real *ask = next ? next + k * NR + i * share * some : NULL;
            if (columns > LANES)
                product_of(end - first, 2, v + first * pitch + k, pitch, 1, u + k * NR, NR, ask, share, some,
                           begins && k == 0, sums + first * apart, apart);
            else
                product_of(end - first, 1, v + first * pitch + k, pitch, 1, u + k * NR, NR, ask, share, some,
                           begins && k == 0, sums + first * apart, apart);
        }
    }
}

extern const kin_winograd_kernels KIN_ISA_NAME(kin_winograd_kernels);
const kin_winograd_kernels KIN_ISA_NAME(kin_winograd_kernels) = {
    MR, NR, {weights_2, weights_4}, {input_2, input_4}, multiply, {output_2, output_4}};
