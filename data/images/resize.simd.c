/* Sums of bytes under integer weights. A vector is loaded as bytes and taken as 32-bit lanes of four, v =
 * b0 + 2^8 b1 + 2^16 b2 + 2^24 b3, and nothing is shuffled or masked: modulo 2^32,
 *   Σ v·w = S0 + 2^8 S1 + 2^16 S2 + 2^24 S3,   Σ (v >> 8)·w = S1 + 2^8 S2 + 2^16 S3,   and so on,
 * so that each wanted sum is one of these less 2^8 times the next. That needs bytes of one weight side by
 * side. Down the columns they are; across the rows as many rows as a vector has bytes are turned first, a
 * vector then being one sample of all these rows, and the results are turned back. */
#include "data/images/resize_kernels.h"
#include "kernels/isa.h"

#include <stdbool.h>
#include <string.h>

/* The turned samples held at a time, and the results, lie in the first-level cache. */
enum { ROWS = KIN_VECTOR_BYTES, BLOCK = 16, HELD = 24576 / ROWS / BLOCK * BLOCK };

typedef int32_t ints __attribute__((vector_size(KIN_VECTOR_BYTES)));
typedef uint32_t words __attribute__((vector_size(KIN_VECTOR_BYTES)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__) || __GNUC__ >= 12
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#if KIN_SHAPES >= 256 && defined(__AVX2__)
#define WIDE
#endif
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (bytes16){__VA_ARGS__})
#endif

static const uint32_t half = 1u << (KIN_RESIZE_PRECISION - 1);

/* Sums of the lanes shifted by 0, 8, 16 and 24 bits. */
typedef struct sums {
    words of[4];
} sums;

/* Adds from[k·stride] · weight[k] over k, for the bytes of one vector. Vectors travel by address: how they
 * are passed depends on the instruction set. */
INLINE void add(const uint8_t *from, size_t stride, const int32_t *weight, int count, sums *s)
{
    words s0 = s->of[0], s1 = s->of[1], s2 = s->of[2], s3 = s->of[3];
    for (int k = 0; k < count; k++, from += stride) {
        words v;
        memcpy(&v, from, sizeof v);
        uint32_t w = (uint32_t)weight[k];
        s0 += v * w;
        s1 += (v >> 8) * w;
        s2 += (v >> 16) * w;
        s3 += (v >> 24) * w;
    }
    s->of[0] = s0, s->of[1] = s1, s->of[2] = s2, s->of[3] = s3;
}

/* Rounds, clips to a byte and puts it at `shift`. */
INLINE void put(const words *sum, int shift, words *out)
{
    ints v = (ints)(*sum + half) >> KIN_RESIZE_PRECISION;
    *out |= (words)((v | (v > 255)) & (v >= 0) & 255) << shift;
}

INLINE void finish(const sums *s, uint8_t *to)
{
    words s0 = s->of[0] - (s->of[1] << 8), s1 = s->of[1] - (s->of[2] << 8), s2 = s->of[2] - (s->of[3] << 8),
          bytes = {0};
    put(&s0, 0, &bytes), put(&s1, 8, &bytes), put(&s2, 16, &bytes), put(&s->of[3], 24, &bytes);
    memcpy(to, &bytes, sizeof bytes);
}

/* One vector of a line of results from `count` vectors `stride` apart. */
INLINE void column(const uint8_t *from, size_t stride, const int32_t *weight, int count, uint8_t *to)
{
    sums s = {{{0}}};
    add(from, stride, weight, count, &s);
    finish(&s, to);
}

/* ---- across ---- */

/* Turns 16 × 16 bytes from rows `from_stride` apart to rows `to_stride` apart. Each of the four steps
 * interleaves the first half of the rows with the second. */
static void turn(const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride)
{
    bytes16 row[16], next[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) memcpy(&row[i], from + (size_t)i * from_stride, 16);
#pragma GCC unroll 4
    for (int step = 0; step < 4; step++) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            next[2 * i] = PICK(row[i], row[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] = PICK(row[i], row[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                   15, 31);
        }
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) row[i] = next[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) memcpy(to + (size_t)i * to_stride, &row[i], 16);
}

#ifdef WIDE
#define LOW32 \
    0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, \
        22, 54, 23, 55
#define HIGH32 \
    8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, \
        29, 61, 30, 62, 31, 63
#define BOTH \
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, \
        28, 29, 30, 31
typedef uint8_t bytes32 __attribute__((vector_size(32)));

/* The same for 32 rows of 16, which become 16 rows of 32. */
static void turn_wide(const uint8_t *from, size_t from_stride, uint8_t *to, size_t to_stride)
{
    bytes32 row[16], next[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        bytes16 upper, lower;
        memcpy(&upper, from + (size_t)i * from_stride, 16);
        memcpy(&lower, from + (size_t)(i + 16) * from_stride, 16);
        row[i] = __builtin_shufflevector(upper, lower, BOTH);
    }
#pragma GCC unroll 4
    for (int step = 0; step < 4; step++) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            next[2 * i] = __builtin_shufflevector(row[i], row[i + 8], LOW32);
            next[2 * i + 1] = __builtin_shufflevector(row[i], row[i + 8], HIGH32);
        }
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) row[i] = next[i];
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) memcpy(to + (size_t)i * to_stride, &row[i], 32);
}
#endif

/* Samples first .. first+count of the rows to held[sample][row], 16 × 16 at a time. */
static void hold(const kin_resize_rows *r, size_t first, size_t count, uint8_t *held)
{
    uint8_t part[16 * 16] = {0};
    int begun = 0;
#ifdef WIDE
    for (; begun + 32 <= r->rows; begun += 32)
        for (size_t done = 0; done + 16 <= count; done += 16)
            turn_wide(r->from + (size_t)begun * r->from_stride + first + done, r->from_stride,
                      held + done * ROWS + begun, ROWS);
#endif
    for (int top = 0; top < r->rows; top += 16)
        for (size_t done = top < begun ? count / 16 * 16 : 0; done < count; done += 16) {
            const uint8_t *from = r->from + (size_t)top * r->from_stride + first + done;
            size_t n = count - done < 16 ? count - done : 16, stride = r->from_stride;
            if (n < 16 || top + 16 > r->rows) {
                for (int y = 0; y < 16 && top + y < r->rows; y++)
                    memcpy(part + 16 * y, from + (size_t)y * stride, n);
                from = part, stride = 16;
            }
            turn(from, stride, held + done * ROWS + top, ROWS);
        }
}

/* The other way, for finished samples. */
static void release(const uint8_t *done, size_t first, size_t count, const kin_resize_rows *r)
{
    uint8_t part[16 * 16];
    for (int top = 0; top < r->rows; top += 16)
        for (size_t at = 0; at < count; at += 16) {
            uint8_t *to = r->to + (size_t)top * r->to_stride + first + at;
            size_t n = count - at < 16 ? count - at : 16;
            bool whole = n == 16 && top + 16 <= r->rows;
            turn(done + at * ROWS + top, ROWS, whole ? to : part, whole ? r->to_stride : 16);
            for (int y = 0; !whole && y < 16 && top + y < r->rows; y++)
                memcpy(to + (size_t)y * r->to_stride, part + 16 * y, n);
        }
}

/* The pixels `from` up to `to` of all rows, turned. */
typedef struct window {
    int from, to;
    uint8_t *held; /* [HELD][ROWS] */
} window;

static void move_to(window *w, int from, const kin_resize_rows *r)
{
    int most = HELD / r->channels;
    w->from = from;
    w->to = r->in - from < most ? r->in : from + most;
    hold(r, (size_t)from * (size_t)r->channels, (size_t)(w->to - from) * (size_t)r->channels, w->held);
}

/* A pixel whose sums go over more than the window holds. */
static void long_pixel(window *w, const kin_resize_rows *r, int at, int count, const int32_t *weight,
                       uint8_t *to)
{
    sums s[KIN_RESIZE_CHANNELS] = {{{{0}}}};
    size_t pixel = (size_t)r->channels * ROWS;
    for (int n; count > 0; at += n, count -= n, weight += n) {
        move_to(w, at, r);
        n = count < w->to - at ? count : w->to - at;
        for (int c = 0; c < r->channels; c++) add(w->held + c * ROWS, pixel, weight, n, &s[c]);
    }
    for (int c = 0; c < r->channels; c++) finish(&s[c], to + c * ROWS);
}

static void across(const kin_resize_rows *r, const kin_resize_weights *weights)
{
    window w;
    uint8_t done[BLOCK * KIN_RESIZE_CHANNELS * ROWS] __attribute__((aligned(64))) = {0};
    size_t channels = (size_t)r->channels, pixel = channels * ROWS;
    w.held = r->held, w.from = w.to = 0;
    if (r->rows < ROWS) memset(w.held, 0, (size_t)HELD * ROWS); /* rows that are not there are weighed, too */
    for (int x = 0; x < r->out; x++) {
        int first = weights->first[x], count = weights->count[x], slot = x % BLOCK;
        const int32_t *weight = weights->weight + (size_t)x * (size_t)weights->width;
        uint8_t *to = done + (size_t)slot * pixel;
        if (first < w.from || first + count > w.to) move_to(&w, first, r);
        const uint8_t *from = w.held + (size_t)(first - w.from) * pixel;
        if (first + count > w.to) long_pixel(&w, r, first, count, weight, to);
        else
            for (size_t c = 0; c < channels; c++)
                column(from + c * ROWS, pixel, weight, count, to + c * ROWS);
        if (slot + 1 == BLOCK || x + 1 == r->out)
            release(done, (size_t)(x - slot) * channels, (size_t)(slot + 1) * channels, r);
    }
}

/* ---- down ---- */

static void down(const uint8_t *from, size_t n, const int32_t *weight, int count, uint8_t *to)
{
    size_t i = 0;
    for (; i + KIN_VECTOR_BYTES <= n; i += KIN_VECTOR_BYTES) column(from + i, n, weight, count, to + i);
    if (i < n && n >= KIN_VECTOR_BYTES) { /* the last vector overlaps the one before */
        column(from + n - KIN_VECTOR_BYTES, n, weight, count, to + n - KIN_VECTOR_BYTES);
        return;
    }
    for (; i < n; i++) {
        int32_t sum = (int32_t)half;
        for (int k = 0; k < count; k++) sum += from[(size_t)k * n + i] * weight[k];
        sum >>= KIN_RESIZE_PRECISION;
        to[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

extern const kin_resize_kernels KIN_ISA_NAME(kin_resize_kernels);
const kin_resize_kernels KIN_ISA_NAME(kin_resize_kernels) = {ROWS, (size_t)HELD *ROWS, across, down};
