/* What VP8 does to every sample, sixteen at a time, in integers: the numbers are the same on every machine, and
 * libwebp's. Residues, edges [RFC 6386, sections 14.3 and 15], chroma to full size, colours. */
#include "data/images/vp8.h"
#include "kernels/isa.h"

#include <string.h>

typedef int32_t ints4 __attribute__((vector_size(16)));
typedef uint32_t uints4 __attribute__((vector_size(16)));
typedef uint64_t longs2 __attribute__((vector_size(16)));
typedef uint16_t words8 __attribute__((vector_size(16)));
typedef int16_t shorts4 __attribute__((vector_size(8)));
typedef int16_t shorts16 __attribute__((vector_size(32)));
typedef uint16_t words16 __attribute__((vector_size(32)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

#if defined(__clang__) || __GNUC__ >= 12
#define PICK4(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK4(a, b, ...) __builtin_shuffle(a, b, (ints4){__VA_ARGS__})
#endif

/* ---- the inverse transform: two turns by pi/8, of columns, then of rows ---- */

/* Times sqrt(2) cos(pi/8), and times sqrt(2) sin(pi/8), in 16 fraction bits. Damaged files overflow: products are
 * modulo 2^32. */
static inline void by_cos(const ints4 *x, ints4 *out) { *out = *x + ((ints4)((uints4)*x * 20091u) >> 16); }
static inline void by_sin(const ints4 *x, ints4 *out) { *out = (ints4)((uints4)*x * 35468u) >> 16; }

static inline void transform4(ints4 x[4])
{
    ints4 sin1, cos1, sin3, cos3, a = x[0] + x[2], b = x[0] - x[2];
    by_sin(&x[1], &sin1), by_cos(&x[1], &cos1), by_sin(&x[3], &sin3), by_cos(&x[3], &cos3);
    ints4 c = sin1 - cos3, d = cos1 + sin3;
    x[0] = a + d, x[1] = b + c, x[2] = b - c, x[3] = a - d;
}

static inline void transpose4(ints4 x[4])
{
    ints4 a = PICK4(x[0], x[1], 0, 4, 1, 5), b = PICK4(x[0], x[1], 2, 6, 3, 7),
          c = PICK4(x[2], x[3], 0, 4, 1, 5), d = PICK4(x[2], x[3], 2, 6, 3, 7);
    x[0] = PICK4(a, c, 0, 1, 4, 5), x[1] = PICK4(a, c, 2, 3, 6, 7), x[2] = PICK4(b, d, 0, 1, 4, 5);
    x[3] = PICK4(b, d, 2, 3, 6, 7);
}

static void add_residue(const int16_t *coefficients, uint8_t *to, size_t stride)
{
    ints4 x[4];
    for (int r = 0; r < 4; r++) {
        shorts4 row;
        memcpy(&row, coefficients + 4 * r, sizeof row);
        x[r] = __builtin_convertvector(row, ints4);
    }
    transform4(x);
    transpose4(x);
    x[0] += 4;
    transform4(x);
    transpose4(x);
    for (int r = 0; r < 4; r++, to += stride) {
        bytes4 samples;
        memcpy(&samples, to, sizeof samples);
        ints4 sum = __builtin_convertvector(samples, ints4) + (x[r] >> 3);
        sum = ((sum & (sum > 0)) | (sum > 255)) & 255;
        samples = __builtin_convertvector(sum, bytes4);
        memcpy(to, &samples, sizeof samples);
    }
}

/* ---- edges: sixteen places at once, of luma, or eight of either chroma. Samples are p3 to p0 before the edge
 * and q0 to q3 behind it ---- */

typedef struct places {
    uint8_t *half[2]; /* q0 of the first and the ninth place */
    size_t across, along;
} places;

/* Eight rows of bytes become eight columns, in both halves of each vector; done twice nothing has changed. */
static inline void transpose_bytes(bytes16 x[8])
{
    for (int i = 0; i < 8; i += 2) {
        words8 a = (words8)x[i], b = (words8)x[i + 1];
        x[i] = (bytes16)((a & 0xff) | b << 8), x[i + 1] = (bytes16)(a >> 8 | (b & 0xff00));
    }
    for (int i = 0; i < 8; i += i % 2 ? 3 : 1) {
        uints4 a = (uints4)x[i], b = (uints4)x[i + 2];
        x[i] = (bytes16)((a & 0xffff) | b << 16), x[i + 2] = (bytes16)(a >> 16 | (b & 0xffff0000));
    }
    for (int i = 0; i < 4; i++) {
        longs2 a = (longs2)x[i], b = (longs2)x[i + 4];
        x[i] = (bytes16)((a & 0xffffffff) | b << 32), x[i + 4] = (bytes16)(a >> 32 | b >> 32 << 32);
    }
}

static inline void load_sides(const places *at, shorts16 s[8])
{
    bytes16 x[8];
    for (int i = 0; i < 8; i++) {
        size_t from = (size_t)i * (at->across == 1 ? at->along : at->across);
        memcpy(&x[i], at->half[0] - 4 * at->across + from, 8);
        memcpy((uint8_t *)&x[i] + 8, at->half[1] - 4 * at->across + from, 8);
    }
    if (at->across == 1) transpose_bytes(x);
    for (int i = 0; i < 8; i++) s[i] = __builtin_convertvector(x[i], shorts16);
}

/* Those from first to last of the eight have changed. */
static inline void store_sides(const places *at, const shorts16 s[8], int first, int last)
{
    bytes16 x[8];
    for (int i = 0; i < 8; i++) x[i] = __builtin_convertvector(s[i], bytes16);
    if (at->across == 1) transpose_bytes(x), first = 0, last = 7;
    for (int i = first; i <= last; i++) {
        size_t to = (size_t)i * (at->across == 1 ? at->along : at->across);
        memcpy(at->half[0] - 4 * at->across + to, &x[i], 8);
        memcpy(at->half[1] - 4 * at->across + to, (uint8_t *)&x[i] + 8, 8);
    }
}

static inline void clamp(shorts16 *v, int least, int most)
{
    shorts16 low = *v<(short)least, high = *v>(short) most;
    *v = (*v & ~(low | high)) | (low & (short)least) | (high & (short)most);
}

static inline void distance(const shorts16 *a, const shorts16 *b, shorts16 *out)
{
    shorts16 d = *a - *b, sign = d >> 15;
    *out = (d ^ sign) - sign;
}

static inline void across_edge(const shorts16 s[8], int limit, shorts16 *small)
{
    shorts16 near, far;
    distance(&s[3], &s[4], &near), distance(&s[2], &s[5], &far);
    *small = 4 * near + far <= (short)(2 * limit + 1);
}

/* Which places are to be smoothed, and which of these are edges of the picture itself. */
static inline bool choose(const shorts16 s[8], const kin_vp8_edges *e, shorts16 *chosen, shorts16 *steep)
{
    shorts16 d[6];
    static const int pairs[6] = {0, 1, 2, 4, 5, 6};
    uint64_t any[4];
    for (int i = 0; i < 6; i++) distance(&s[pairs[i]], &s[pairs[i] + 1], &d[i]);
    across_edge(s, e->limit, chosen);
    for (int i = 0; i < 6; i++) *chosen &= d[i] <= e->interior;
    *steep = (d[2] > e->variance) | (d[3] > e->variance);
    memcpy(any, chosen, sizeof any);
    return any[0] | any[1] | any[2] | any[3];
}

/* q0 and p0 nearer to one another by about `by` / 8 each; *half receives half of it. */
static inline void nearer(shorts16 s[8], const shorts16 *by, shorts16 *half)
{
    shorts16 q = (*by + 4) >> 3, p = (*by + 3) >> 3;
    clamp(&q, -16, 15), clamp(&p, -16, 15);
    s[3] += p, s[4] -= q;
    *half = (q + 1) >> 1;
}

static inline void outer_edge(const places *at, kin_vp8_edges e)
{
    shorts16 s[8], chosen, steep, unused;
    load_sides(at, s);
    if (!choose(s, &e, &chosen, &steep)) return;
    shorts16 w = s[2] - s[5];
    clamp(&w, -128, 127);
    w += 3 * (s[4] - s[3]);
    clamp(&w, -128, 127);
    w &= chosen;
    shorts16 sharp = w & steep, flat = w & ~steep;
    nearer(s, &sharp, &unused);
    for (int i = 0; i < 3; i++) {
        shorts16 part = (flat * (short)(27 - 9 * i) + 63) >> 7;
        s[3 - i] += part, s[4 + i] -= part;
    }
    for (int i = 1; i < 7; i++) clamp(&s[i], 0, 255);
    store_sides(at, s, 1, 6);
}

static inline void inner_edge(const places *at, kin_vp8_edges e)
{
    shorts16 s[8], chosen, steep, half;
    load_sides(at, s);
    if (!choose(s, &e, &chosen, &steep)) return;
    shorts16 w = s[2] - s[5];
    clamp(&w, -128, 127);
    w = (3 * (s[4] - s[3]) + (w & steep)) & chosen;
    nearer(s, &w, &half);
    half &= chosen & ~steep;
    s[2] += half, s[5] -= half;
    for (int i = 2; i < 6; i++) clamp(&s[i], 0, 255);
    store_sides(at, s, 2, 5);
}

static inline void simple_edge(const places *at, int limit)
{
    shorts16 s[8], chosen, unused;
    load_sides(at, s);
    across_edge(s, limit, &chosen);
    shorts16 w = s[2] - s[5];
    clamp(&w, -128, 127);
    w = (w + 3 * (s[4] - s[3])) & chosen;
    nearer(s, &w, &unused);
    for (int i = 3; i < 5; i++) clamp(&s[i], 0, 255);
    store_sides(at, s, 3, 4);
}

/* Edges are one step outside of a macroblock's limit, and smoothed in this order: left, within from left to right,
 * upper, within from above. */
static void smooth_luma(uint8_t *y, size_t stride, kin_vp8_edges e, bool simple, bool left, bool above)
{
    kin_vp8_edges outer = e;
    outer.limit = (uint8_t)(e.limit + 4);
    for (int turn = 0; turn < 2; turn++) {
        size_t across = turn ? stride : 1, along = turn ? 1 : stride;
        for (int i = 0; i < 16; i += 4) {
            places at = {{y + (size_t)i * across, y + (size_t)i * across + 8 * along}, across, along};
            if (i == 0 ? !(turn ? above : left) : !e.inner) continue;
            if (simple) simple_edge(&at, i == 0 ? outer.limit : e.limit);
            else if (i == 0) outer_edge(&at, outer);
            else inner_edge(&at, e);
        }
    }
}

static void smooth_chroma(uint8_t *u, uint8_t *v, size_t stride, kin_vp8_edges e, bool left, bool above)
{
    kin_vp8_edges outer = e;
    outer.limit = (uint8_t)(e.limit + 4);
    for (int turn = 0; turn < 2; turn++) {
        size_t across = turn ? stride : 1, along = turn ? 1 : stride;
        places at = {{u, v}, across, along}, middle = {{u + 4 * across, v + 4 * across}, across, along};
        if (turn ? above : left) outer_edge(&at, outer);
        if (e.inner) inner_edge(&middle, e);
    }
}

/* ---- chroma to full size: of the four samples around, the nearest counts nine times, its neighbours three times,
 * the farthest once; in two steps, each rounded ---- */

static inline void load_words(const uint8_t *p, words16 *out)
{
    bytes16 b;
    memcpy(&b, p, sizeof b);
    *out = __builtin_convertvector(b, words16);
}

static void upsample(const uint8_t *near, const uint8_t *far, int n, uint8_t *out)
{
    int last = (n - 1) / 2, x = 1;
    out[0] = (uint8_t)((3 * near[0] + far[0] + 2) >> 2);
    for (; x + 16 <= last + 1; x += 16) {
        words16 a, b, c, d;
        load_words(near + x - 1, &a), load_words(near + x, &b), load_words(far + x - 1, &c),
            load_words(far + x, &d);
        words16 all = a + b + c + d + 8, left = (((all + 2 * (b + c)) >> 3) + a) >> 1,
                right = (((all + 2 * (a + d)) >> 3) + b) >> 1, pairs = left | right << 8;
        memcpy(out + 2 * x - 1, &pairs, sizeof pairs);
    }
    for (; x <= last; x++) {
        int a = near[x - 1], b = near[x], c = far[x - 1], d = far[x], all = a + b + c + d + 8;
        out[2 * x - 1] = (uint8_t)((((all + 2 * (b + c)) >> 3) + a) >> 1);
        out[2 * x] = (uint8_t)((((all + 2 * (a + d)) >> 3) + b) >> 1);
    }
    if (n % 2 == 0) out[n - 1] = (uint8_t)((3 * near[last] + far[last] + 2) >> 2);
}

/* ---- colours: ITU-R BT.601 of the narrow range, 16 to 235, in 14 fraction bits, of which products keep 6 ----
 * 19077 y >> 8 is 74 y + (133 y >> 8), and so on: sixteen bits without a sign hold every step, and a difference
 * below 0 is kept at it. */

static inline void less(words16 *from, const words16 *what)
{
    words16 enough = (words16)(*from > *what);
    *from = (*from - *what) & enough;
}

static inline void to_byte(words16 *v)
{
    *v >>= 6;
    *v = (*v | (words16)(*v > 255)) & 255;
}

static inline uint8_t clip(int v) { return (uint8_t)(v < 0 ? 0 : v >> 6 > 255 ? 255 : v >> 6); }

static inline void pixel(int y, int u, int v, uint8_t *to)
{
    int luma = 19077 * y >> 8;
    to[0] = clip(luma + (26149 * v >> 8) - 14234);
    to[1] = clip(luma - (6419 * u >> 8) - (13320 * v >> 8) + 8708);
    to[2] = clip(luma + (33050 * u >> 8) - 17685);
}

/* Sixteen pixels. */
static inline void pixels(const uint8_t *y, const uint8_t *u, const uint8_t *v, int channels, uint8_t *to)
{
    words16 luma, cb, cr, offset[3] = {(words16){0} + 14234, (words16){0}, (words16){0} + 17685};
    load_words(y, &luma), load_words(u, &cb), load_words(v, &cr);
    luma = luma * 74 + (luma * 133 >> 8);
    words16 red = luma + cr * 102 + (cr * 37 >> 8), green = luma + 8708,
            blue = luma + cb * 129 + (cb * 26 >> 8);
    offset[1] = cb * 25 + (cb * 19 >> 8) + cr * 52 + (cr * 8 >> 8);
    less(&red, &offset[0]), less(&green, &offset[1]), less(&blue, &offset[2]);
    to_byte(&red), to_byte(&green), to_byte(&blue);
    uint8_t r[16], g[16], b[16];
    bytes16 bytes[3] = {__builtin_convertvector(red, bytes16), __builtin_convertvector(green, bytes16),
                        __builtin_convertvector(blue, bytes16)};
    memcpy(r, &bytes[0], 16), memcpy(g, &bytes[1], 16), memcpy(b, &bytes[2], 16);
    for (int i = 0; i < 16; i++, to += channels) to[0] = r[i], to[1] = g[i], to[2] = b[i];
}

static void to_rgb(const uint8_t *y, const uint8_t *u, const uint8_t *v, int n, int channels, uint8_t *out)
{
    int i = 0;
    for (; i + 16 <= n; i += 16)
        if (channels == 3) pixels(y + i, u + i, v + i, 3, out + 3 * i);
        else pixels(y + i, u + i, v + i, 4, out + 4 * i);
    for (; i < n; i++) pixel(y[i], u[i], v[i], out + channels * i);
}

extern const kin_vp8_samples KIN_ISA_NAME(kin_vp8_samples);
const kin_vp8_samples KIN_ISA_NAME(kin_vp8_samples) = {add_residue, smooth_luma, smooth_chroma, upsample,
                                                       to_rgb};
