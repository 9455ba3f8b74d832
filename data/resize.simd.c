/* Sums of bytes under integer weights, 32 bits a lane. Down the columns neighbouring samples lie side by side as the
 * vectors want them. Across the rows they do not: there 16 rows at a time are turned, so that a vector holds the same
 * sample of 16 rows, whatever the channels and the weights, and the results are turned back. */
#include "kernels/isa.h"
#include "data/resize_lines.h"

#include <string.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
enum { ROWS = KIN_RESIZE_ROWS, PARTS = ROWS / LANES, HELD = 1024, MAX_CHANNELS = 4 };

typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))
static const int32_t half = 1 << (KIN_RESIZE_PRECISION - 1);

#if defined(__clang__) || __GNUC__ >= 12
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (bytes16){__VA_ARGS__})
#endif

/* Vectors travel by address: how they are passed depends on the instruction set. */
INLINE void add_weighted(const uint8_t *from, int32_t weight, ints *sum)
{
    bytes b;
    memcpy(&b, from, sizeof b);
    *sum += __builtin_convertvector(b, ints) * weight;
}

INLINE void put_clipped(const ints *sum, uint8_t *to)
{
    ints v = *sum >> KIN_RESIZE_PRECISION;
    v = (v | (v > 255)) & (v >= 0); /* above 255 all bits, of which the lowest eight stay */
    bytes b = __builtin_convertvector(v, bytes);
    memcpy(to, &b, sizeof b);
}

/* Turns 16 × 16 bytes. Each of the four steps interleaves the first half of the rows with the second. */
INLINE void turn(bytes16 row[16])
{
    for (int step = 0; step < 4; step++) {
        bytes16 next[16];
        for (int i = 0; i < 8; i++) {
            next[2 * i] = PICK(row[i], row[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] = PICK(row[i], row[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        memcpy(row, next, sizeof next);
    }
}

/* Samples first .. first+count of every row to held[sample][row]; rows beyond the last repeat it. */
static void hold(const kin_resize_rows *r, size_t first, size_t count, uint8_t *held)
{
    bytes16 row[16];
    for (size_t done = 0; done < count; done += 16) {
        size_t n = count - done < 16 ? count - done : 16;
        for (int y = 0; y < 16; y++) {
            const uint8_t *from = r->from + (size_t)(y < r->rows ? y : r->rows - 1) * r->from_stride + first + done;
            row[y] = (bytes16){0};
            if (n == 16) memcpy(&row[y], from, 16);
            else memcpy(&row[y], from, n);
        }
        turn(row);
        memcpy(held + done * ROWS, row, sizeof row);
    }
}

/* Turns `count` ≤ 16 finished samples back and writes them at sample `first` of each row. */
static void release(const uint8_t *done, size_t first, size_t count, const kin_resize_rows *r)
{
    bytes16 row[16];
    memcpy(row, done, sizeof row);
    turn(row);
    for (int y = 0; y < r->rows; y++) {
        uint8_t *to = r->to + (size_t)y * r->to_stride + first;
        if (count == 16) memcpy(to, &row[y], 16);
        else memcpy(to, &row[y], count);
    }
}

INLINE void add_pixels(const uint8_t *held, const int32_t *weight, int count, int channels, ints (*sum)[PARTS])
{
    for (int k = 0; k < count; k++)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < PARTS; p++) add_weighted(held + (k * channels + c) * ROWS + p * LANES, weight[k], &sum[c][p]);
}

INLINE void across(const kin_resize_rows *r, const kin_resize_weights *w, int channels)
{
    uint8_t held[HELD * ROWS] __attribute__((aligned(64))), done[16 * MAX_CHANNELS * ROWS] __attribute__((aligned(64)));
    int from = -1, to = 0, most = HELD / channels; /* the pixels held */
    memset(done, 0, sizeof done);
    for (int x = 0; x < r->out; x++) {
        ints sum[MAX_CHANNELS][PARTS];
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < PARTS; p++) sum[c][p] = half - (ints){0};
        const int32_t *weight = w->weight + (size_t)x * (size_t)w->width;
        for (int at = w->first[x], end = at + w->count[x]; at < end;) {
            if (at < from || (end > to && at != from)) {
                from = at;
                to = r->in - at < most ? r->in : at + most;
                hold(r, (size_t)from * (size_t)channels, (size_t)(to - from) * (size_t)channels, held);
            }
            int n = (end < to ? end : to) - at;
            add_pixels(held + (size_t)(at - from) * (size_t)channels * ROWS, weight, n, channels, sum);
            weight += n;
            at += n;
        }
        int slot = x % 16;
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < PARTS; p++) put_clipped(&sum[c][p], done + (slot * channels + c) * ROWS + p * LANES);
        if (slot < 15 && x + 1 < r->out) continue;
        size_t first = (size_t)(x - slot) * (size_t)channels, count = (size_t)((slot + 1) * channels);
        for (size_t i = 0; i < count; i += 16) release(done + i * ROWS, first + i, count - i < 16 ? count - i : 16, r);
    }
}

static void rows_across(const kin_resize_rows *r, const kin_resize_weights *w)
{
    switch (r->channels) {
    case 1: across(r, w, 1); break;
    case 2: across(r, w, 2); break;
    case 3: across(r, w, 3); break;
    default: across(r, w, 4); break;
    }
}

/* `parts` vectors side by side, so that one load of a weight serves them all. */
INLINE void column(const uint8_t *from, size_t stride, const int32_t *weight, int count, int parts, uint8_t *to)
{
    ints sum[4];
    for (int p = 0; p < parts; p++) sum[p] = half - (ints){0};
    for (int k = 0; k < count; k++)
        for (int p = 0; p < parts; p++) add_weighted(from + (size_t)k * stride + p * LANES, weight[k], &sum[p]);
    for (int p = 0; p < parts; p++) put_clipped(&sum[p], to + p * LANES);
}

static void rows_down(const uint8_t *from, size_t n, const int32_t *weight, int count, uint8_t *to)
{
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) column(from + i, n, weight, count, 4, to + i);
    for (; i + LANES <= n; i += LANES) column(from + i, n, weight, count, 1, to + i);
    for (; i < n; i++) {
        int32_t sum = half;
        for (int k = 0; k < count; k++) sum += from[(size_t)k * n + i] * weight[k];
        sum >>= KIN_RESIZE_PRECISION;
        to[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

extern const kin_resize_lines KIN_ISA_NAME(kin_resize_lines);
const kin_resize_lines KIN_ISA_NAME(kin_resize_lines) = {rows_across, rows_down};
