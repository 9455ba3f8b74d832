/* What a JPEG decoder does to every sample, eight or sixteen at a time, in integers: the numbers are the
 * same on every machine, and those of libjpeg's accurate transform.
 *
 * The inverse transform is that of Loeffler, Ligtenberg and Moschytz (1989), "Practical fast 1-D DCT
 * algorithms with 11 multiplications", with constants of 13 fraction bits: first down the columns, keeping
 * 2 more bits, then along the rows. A one-dimensional transform is done on eight columns at once: vector r
 * holds row r. Between the two directions the block is transposed; after the second, vector c holds column
 * c of all rows, and four columns are packed into each 32-bit lane. */
#include "data/images/jpeg.h"
#include "kernels/isa.h"

#include <string.h>

typedef int32_t ints8 __attribute__((vector_size(32)));
typedef uint32_t uints8 __attribute__((vector_size(32)));
typedef int16_t shorts8 __attribute__((vector_size(16)));
typedef int16_t shorts16 __attribute__((vector_size(32)));
typedef uint16_t words8 __attribute__((vector_size(16)));
typedef uint16_t words16 __attribute__((vector_size(32)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

#if defined(__clang__) || __GNUC__ >= 12
#define PICK8(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK8(a, b, ...) __builtin_shuffle(a, b, (ints8){__VA_ARGS__})
#endif

enum { FRACTION = 13, EXTRA = 2 };
/* Cosines and their sums, times 2^13. */
enum {
    F_0_298 = 2446,
    F_0_390 = 3196,
    F_0_541 = 4433,
    F_0_765 = 6270,
    F_0_899 = 7373,
    F_1_175 = 9633,
    F_1_501 = 12299,
    F_1_847 = 15137,
    F_1_961 = 16069,
    F_2_053 = 16819,
    F_2_562 = 20995,
    F_3_072 = 25172,
};

/* x[0..7] → the eight outputs, in place, rounded and shifted down. Damaged files overflow: sums are
 * unsigned, modulo 2^32. */
static inline void transform8(ints8 signed_x[8], int shift)
{
    uints8 x[8];
    memcpy(x, signed_x, sizeof x);
    uints8 both = (x[2] + x[6]) * F_0_541, e3 = both + x[2] * F_0_765, e2 = both - x[6] * F_1_847;
    uints8 half = (uints8){0} + (1u << (shift - 1));
    uints8 e0 = ((x[0] + x[4]) << FRACTION) + half, e1 = ((x[0] - x[4]) << FRACTION) + half;
    uints8 even[4] = {e0 + e3, e1 + e2, e1 - e2, e0 - e3};
    uints8 a = x[7] + x[1], b = x[5] + x[3], c = x[7] + x[3], d = x[5] + x[1];
    uints8 turn = (c + d) * F_1_175;
    a *= F_0_899, b *= F_2_562;
    c = turn - c * F_1_961, d = turn - d * F_0_390;
    uints8 odd[4] = {x[1] * F_1_501 - a + d, x[3] * F_3_072 - b + c, x[5] * F_2_053 - b + d,
                     x[7] * F_0_298 - a + c};
    for (int i = 0; i < 4; i++) {
        signed_x[i] = (ints8)(even[i] + odd[i]) >> shift;
        signed_x[7 - i] = (ints8)(even[i] - odd[i]) >> shift;
    }
}

static inline void transpose8(ints8 x[8])
{
    ints8 y[8];
    for (int i = 0; i < 8; i += 2) {
        y[i] = PICK8(x[i], x[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        y[i + 1] = PICK8(x[i], x[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; k++) {
            x[i + k] = PICK8(y[i + k], y[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            x[i + k + 2] = PICK8(y[i + k], y[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; k++) {
        ints8 low = PICK8(x[k], x[k + 4], 0, 1, 2, 3, 8, 9, 10, 11),
              high = PICK8(x[k], x[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        x[k] = low, x[k + 4] = high;
    }
}

/* To 0..255: where a comparison holds its lane is all ones. */
static inline void sample(ints8 *v)
{
    *v = (ints8)((uints8)*v + 128u);
    *v = ((*v & (*v > 0)) | (*v > 255)) & 255;
}

static inline void load_row(const int16_t *block, const uint16_t *quant, ints8 *out)
{
    shorts8 c;
    words8 q;
    memcpy(&c, block, sizeof c);
    memcpy(&q, quant, sizeof q);
    *out = (ints8)((uints8) __builtin_convertvector(c, ints8) * (uints8) __builtin_convertvector(q, ints8));
}

static inline void idct8_from(int filled, const int16_t *block, const uint16_t *quant, uint8_t *out,
                              size_t stride)
{
    ints8 x[8] = {{0}};
    for (int r = 0; r < filled; r++) load_row(block + 8 * r, quant + 8 * r, &x[r]);
    transform8(x, FRACTION - EXTRA);
    transpose8(x);
    for (int c = filled; c < 8; c++) x[c] = (ints8){0}; /* known, and now known to the compiler */
    transform8(x, FRACTION + EXTRA + 3);
    for (int c = 0; c < 8; c++) sample(&x[c]);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    ints8 left = x[0] | x[1] << 8 | x[2] << 16 | x[3] << 24,
          right = x[4] | x[5] << 8 | x[6] << 16 | x[7] << 24;
#else
    ints8 left = x[3] | x[2] << 8 | x[1] << 16 | x[0] << 24,
          right = x[7] | x[6] << 8 | x[5] << 16 | x[4] << 24;
#endif
    ints8 rows[2] = {PICK8(left, right, 0, 8, 1, 9, 2, 10, 3, 11),
                     PICK8(left, right, 4, 12, 5, 13, 6, 14, 7, 15)};
    uint8_t samples[64];
    memcpy(samples, rows, sizeof samples);
    for (int r = 0; r < 8; r++) memcpy(out + (size_t)r * stride, samples + 8 * r, 8);
}

static void idct8(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride)
{
    idct8_from(8, block, quant, out, stride);
}
static void idct8_corner(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride)
{
    idct8_from(4, block, quant, out, stride);
}

/* ---- smaller pictures: of the 8-point transform's outputs every two or four neighbours are averaged in
 * the cosines, so that the high frequencies fall out; outputs 4 or 2 a side. Column (or row) 4 of the
 * coefficients has no part in them. ---- */

static uint8_t clip(int32_t v)
{
    v += 128;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static int32_t descale(uint32_t v, int shift) { return (int32_t)(v + (1u << (shift - 1))) >> shift; }

/* Arithmetic is modulo 2^32: damaged files overflow. */
static void four(const uint32_t x[8], int shift, int32_t out[4])
{
    uint32_t e = x[0] << (FRACTION + 1), f = x[2] * F_1_847 - x[6] * F_0_765;
    uint32_t inner = x[1] * 8697u - x[3] * 17799u + x[5] * 11893u - x[7] * 1730u;
    uint32_t outer = x[1] * 20995u + x[3] * 7373u - x[5] * 4926u - x[7] * 4176u;
    out[0] = descale(e + f + outer, shift), out[3] = descale(e + f - outer, shift);
    out[1] = descale(e - f + inner, shift), out[2] = descale(e - f - inner, shift);
}

static void two(const uint32_t x[8], int shift, int32_t out[2])
{
    uint32_t e = x[0] << (FRACTION + 2), odd = x[1] * 29692u - x[3] * 10426u + x[5] * 6967u - x[7] * 5906u;
    out[0] = descale(e + odd, shift), out[1] = descale(e - odd, shift);
}

static void gather(const int16_t *block, const uint16_t *quant, int step, uint32_t x[8])
{
    for (int k = 0; k < 8; k++) x[k] = (uint32_t)block[k * step] * quant[k * step];
}

static void idct4(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride)
{
    uint32_t x[8], rows[4][8];
    int32_t y[4];
    for (int c = 0; c < 8; c++) {
        gather(block + c, quant + c, 8, x);
        four(x, FRACTION - EXTRA + 1, y);
        for (int r = 0; r < 4; r++) rows[r][c] = (uint32_t)y[r];
    }
    for (int r = 0; r < 4; r++, out += stride) {
        four(rows[r], FRACTION + EXTRA + 4, y);
        for (int c = 0; c < 4; c++) out[c] = clip(y[c]);
    }
}

static void idct2(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride)
{
    uint32_t x[8], rows[2][8];
    int32_t y[2];
    for (int c = 0; c < 8; c++) {
        gather(block + c, quant + c, 8, x);
        two(x, FRACTION - EXTRA + 2, y);
        for (int r = 0; r < 2; r++) rows[r][c] = (uint32_t)y[r];
    }
    for (int r = 0; r < 2; r++, out += stride) {
        two(rows[r], FRACTION + EXTRA + 5, y);
        for (int c = 0; c < 2; c++) out[c] = clip(y[c]);
    }
}

/* ---- samples to full size: a triangle filter, ¾ of the nearer and ¼ of the farther one. Rounding
 * alternates, so that a flat ramp is not shifted. The edges are repeated. ---- */

static inline void load_words(const uint8_t *p, words16 *out)
{
    bytes16 b;
    memcpy(&b, p, sizeof b);
    *out = __builtin_convertvector(b, words16);
}

static inline void store_pairs(const words16 *even, const words16 *odd, uint8_t *out)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    words16 pairs = *even | *odd << 8;
#else
    words16 pairs = *odd | *even << 8;
#endif
    memcpy(out, &pairs, sizeof pairs);
}

static void wider(const uint8_t *in, int n, uint8_t *out)
{
    for (int i = 0; i < n; i++) {
        for (; i > 0 && i + 17 <= n; i += 16) {
            words16 before, here, behind;
            load_words(in + i - 1, &before), load_words(in + i, &here), load_words(in + i + 1, &behind);
            words16 even = (here * 3 + before + 1) >> 2, odd = (here * 3 + behind + 2) >> 2;
            store_pairs(&even, &odd, out + 2 * i);
        }
        int before = in[i > 0 ? i - 1 : 0], behind = in[i + 1 < n ? i + 1 : i];
        out[2 * i] = (uint8_t)((in[i] * 3 + before + 1) >> 2);
        out[2 * i + 1] = (uint8_t)((in[i] * 3 + behind + 2) >> 2);
    }
}

static inline void column_sums(const uint8_t *in, const uint8_t *near, words16 *out)
{
    words16 a, b;
    load_words(in, &a), load_words(near, &b);
    *out = a * 3 + b;
}

static void wider_mixed(const uint8_t *in, const uint8_t *near, int n, uint8_t *out)
{
    for (int i = 0; i < n; i++) {
        for (; i > 0 && i + 17 <= n; i += 16) {
            words16 before, here, behind;
            column_sums(in + i - 1, near + i - 1, &before), column_sums(in + i, near + i, &here),
                column_sums(in + i + 1, near + i + 1, &behind);
            words16 even = (here * 3 + before + 8) >> 4, odd = (here * 3 + behind + 7) >> 4;
            store_pairs(&even, &odd, out + 2 * i);
        }
        int l = i > 0 ? i - 1 : 0, r = i + 1 < n ? i + 1 : i;
        int here = in[i] * 3 + near[i], before = in[l] * 3 + near[l], behind = in[r] * 3 + near[r];
        out[2 * i] = (uint8_t)((here * 3 + before + 8) >> 4);
        out[2 * i + 1] = (uint8_t)((here * 3 + behind + 7) >> 4);
    }
}

static void mixed(const uint8_t *in, const uint8_t *near, int n, int bias, uint8_t *out)
{
    for (int i = 0; i < n; i++) out[i] = (uint8_t)((in[i] * 3 + near[i] + bias) >> 2);
}

/* ---- colours [JFIF 1.02, from ITU-R BT.601]: R = Y + 1.402 Cr, G = Y − .34414 Cb − .71414 Cr, B = Y +
 * 1.772 Cb ---- */

/* libjpeg rounds the products in 16 fraction bits: (91881 Cr + 2^15) >> 16, and so on. Sixteen-bit lanes
 * do exactly that when a coefficient less its whole part is split as 256·a + b: (256 a x + b x + 2^15) >>
 * 16 = (a x + (b x >> 8) + 128) >> 8, and nothing overflows for |x| ≤ 128.   91881 = 65536 + 256·102 +
 * 233,   116130 = 131072 − (256·58 + 94), −22554 = −(256·88 + 26),   −46802 = −65536 + 256·73 + 46. */
static inline int red_of(int cr) { return cr + ((102 * cr + (233 * cr >> 8) + 128) >> 8); }
static inline int blue_of(int cb) { return 2 * cb + ((-58 * cb + (-94 * cb >> 8) + 128) >> 8); }
static inline int green_of(int cb, int cr)
{
    return ((73 * cr - 88 * cb + ((46 * cr - 26 * cb) >> 8) + 128) >> 8) - cr;
}

static void rgb_of(int y, int cb, int cr, uint8_t *rgb)
{
    int v[3] = {y + red_of(cr - 128), y + green_of(cb - 128, cr - 128), y + blue_of(cb - 128)};
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(v[c] < 0 ? 0 : v[c] > 255 ? 255 : v[c]);
}

static inline void clip_shorts(shorts16 *v) { *v = ((*v & (*v > 0)) | (*v > 255)) & 255; }

/* Eight pixels: lanes R + 256 G beside lanes B become R, G, B, 0, and the zeros are squeezed out. Writes
 * 28 bytes, 24 of them to stay. */
static inline void store_rgb8(const shorts8 *rg, const shorts8 *b, uint8_t *out)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && (defined(__clang__) || __GNUC__ >= 12)
    shorts8 half[2] = {__builtin_shufflevector(*rg, *b, 0, 8, 1, 9, 2, 10, 3, 11),
                       __builtin_shufflevector(*rg, *b, 4, 12, 5, 13, 6, 14, 7, 15)};
    for (int k = 0; k < 2; k++) {
        bytes16 four;
        memcpy(&four, &half[k], sizeof four);
        four = __builtin_shufflevector(four, four, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
        memcpy(out + 12 * k, &four, sizeof four);
    }
#else
    for (int i = 0; i < 8; i++)
        out[3 * i] = (uint8_t)(*rg)[i], out[3 * i + 1] = (uint8_t)((*rg)[i] >> 8),
                out[3 * i + 2] = (uint8_t)(*b)[i];
#endif
}

static inline void load_shorts(const uint8_t *p, shorts16 *out)
{
    words16 words;
    load_words(p, &words);
    memcpy(out, &words, sizeof words);
}

static void ycc_to_rgb(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int n, uint8_t *rgb)
{
    int i = 0;
    for (; i + 18 <= n; i += 16) {
        shorts16 luma, u, v;
        load_shorts(y + i, &luma), load_shorts(cb + i, &u), load_shorts(cr + i, &v);
        u -= 128, v -= 128;
        shorts16 r = luma + v + ((102 * v + (233 * v >> 8) + 128) >> 8),
                 b = luma + 2 * u + ((-58 * u + (-94 * u >> 8) + 128) >> 8);
        shorts16 g = luma - v + ((73 * v - 88 * u + ((46 * v - 26 * u) >> 8) + 128) >> 8);
        clip_shorts(&r), clip_shorts(&g), clip_shorts(&b);
        r |= g << 8;
        shorts8 rg[2], blue[2];
        memcpy(rg, &r, sizeof r), memcpy(blue, &b, sizeof b);
        for (int k = 0; k < 2; k++) store_rgb8(&rg[k], &blue[k], rgb + 3 * i + 24 * k);
    }
    for (; i < n; i++) rgb_of(y[i], cb[i], cr[i], rgb + 3 * i);
}

extern const kin_jpeg_blocks KIN_ISA_NAME(kin_jpeg_blocks);
const kin_jpeg_blocks KIN_ISA_NAME(kin_jpeg_blocks) = {idct8, idct8_corner, idct4, idct2,
                                                       wider, wider_mixed,  mixed, ycc_to_rgb};
