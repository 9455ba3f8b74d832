#include "kernels/conv_stem_lines.h"
#include "kernels/vector.h"

enum { NR = 2 * LANES, PLACES = 4, SOME = 4 };

/* ---- the windows' moments, in double ---- */

enum { WIDE = KIN_VECTOR_BYTES / sizeof(double) };
typedef double wide __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(sizeof(double)), may_alias));

static int64_t spread_window(const kin_stem_windows *w, int64_t at, double *to)
{
    const kin_real *from = w->first + at * w->across;
    int64_t k = 0;
    for (int64_t i = 0; i < w->lines; i++, from += w->line)
        for (int64_t j = 0; j < w->run; j++) to[k++] = (double)from[j];
    to[k] = 1;
    return k + 1;
}

/* Some windows at a time, so that each sum is read and written once for all of them. */
static void moments(const kin_stem_windows *w, int64_t count, double *sums, int64_t pitch)
{
    double p[SOME][KIN_STEM_TAPS + 8] = {{0}};
    for (int64_t at = 0; at < count; at += SOME) {
        int64_t rows = 0;
        for (int i = 0; i < SOME; i++) {
            if (at + i < count) rows = spread_window(w, at + i, p[i]);
            else memset(p[i], 0, sizeof p[i]);
        }
        for (int64_t t = 0; t < rows; t++)
            for (int64_t u = t / WIDE * WIDE; u < rows; u += WIDE) {
                wide sum = *(const wide *)(sums + t * pitch + u);
#pragma GCC unroll 4
                for (int i = 0; i < SOME; i++) sum += p[i][t] * *(const wide *)(p[i] + u);
                *(wide *)(sums + t * pitch + u) = sum;
            }
    }
}

/* ---- maxima of 2×2; the lanes are channels ---- */

typedef signed char bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

INLINE void windows_of(const kin_stem_windows *w, int64_t at, const kin_real *place[PLACES])
{
    place[0] = w->first + 2 * at * w->across, place[1] = place[0] + w->across;
    place[2] = place[0] + w->down, place[3] = place[2] + w->across;
}

INLINE void store_winner(uint8_t *to, vector winner, int64_t lanes)
{
    bytes b = __builtin_convertvector(winner, bytes);
    if (lanes >= LANES) *(bytes *)to = b;
    else memcpy(to, &b, (size_t)lanes);
}

INLINE vector either(vector_mask which, vector a, vector b) { return (vector)(((vector_mask)a & which) | ((vector_mask)b & ~which)); }

/* The largest of the four, through the activation, and its place, a number among numbers. */
INLINE vector largest(const vector sum[PLACES], kin_norm_act act, vector *winner)
{
    vector most = sum[0], zero = {0}, six = zero + 6, place = zero;
#pragma GCC unroll 3
    for (int i = 1; i < PLACES; i++) {
        vector_mask wins = ~(sum[i] <= most) & (most == most); /* NaN over all, the first of equals */
        most = either(wins, sum[i], most);
        place = either(wins, all_lanes((kin_real)i), place);
    }
    *winner = place;
    if (act == KIN_NORM_LINEAR) return most;
    *winner = either(most > zero, place, all_lanes(KIN_STEM_CLOSED));
    if (act == KIN_NORM_RELU6) *winner = either(most < six, *winner, all_lanes(KIN_STEM_CLOSED));
    return activated(most, act);
}

static void forward(const kin_stem_windows *w, int64_t count, const kin_real *panel, const kin_real *shift, kin_norm_act act, int64_t columns, kin_real *y,
                    uint8_t *winner, int64_t ld)
{
    for (int64_t at = 0; at < count; at++, y += ld, winner += ld) {
        const kin_real *place[PLACES], *b = panel;
        vector low[PLACES], high[PLACES];
        windows_of(w, at, place);
#pragma GCC unroll 4
        for (int i = 0; i < PLACES; i++) low[i] = load(shift), high[i] = load(shift + LANES);
        for (int64_t line = 0, k = 0; line < w->lines; line++, k += w->line - w->run)
            for (int64_t j = 0; j < w->run; j++, k++, b += NR) {
                vector b0 = load(b), b1 = load(b + LANES);
#pragma GCC unroll 4
                for (int i = 0; i < PLACES; i++) {
                    vector x = all_lanes(place[i][k]);
                    low[i] += b0 * x;
                    high[i] += b1 * x;
                    KEEP(x);
                }
            }
        vector first, second;
        store_some(y, largest(low, act, &first), columns);
        store_winner(winner, first, columns);
        if (columns <= LANES) continue;
        store_some(y + LANES, largest(high, act, &second), columns - LANES);
        store_winner(winner + LANES, second, columns - LANES);
    }
}

/* g where each of the places has won. */
INLINE void apart(const kin_real *g, const uint8_t *winner, int64_t lanes, vector to[PLACES])
{
    bytes b = {0};
    vector v = lanes > 0 ? load_some(g, lanes) : (vector){0};
    if (lanes >= LANES) b = *(const bytes *)winner;
    else if (lanes > 0) memcpy(&b, winner, (size_t)lanes);
    vector won = __builtin_convertvector(b, vector);
#pragma GCC unroll 4
    for (int i = 0; i < PLACES; i++) to[i] = (vector)((vector_mask)v & (won == all_lanes((kin_real)i)));
}

INLINE void add_to(kin_real *sums, vector v0, vector v1)
{
    store(sums, load(sums) + v0);
    store(sums + LANES, load(sums + LANES) + v1);
}

static void backward(const kin_stem_windows *w, int64_t count, const kin_real *g, const uint8_t *winner, int64_t columns, int64_t ld, kin_real *products)
{
    for (int64_t at = 0; at < count; at++, g += ld, winner += ld) {
        const kin_real *place[PLACES];
        kin_real *to = products;
        vector low[PLACES], high[PLACES];
        windows_of(w, at, place);
        apart(g, winner, columns, low);
        apart(g + LANES, winner + LANES, columns - LANES, high);
        for (int64_t line = 0, k = 0; line < w->lines; line++, k += w->line - w->run)
            for (int64_t j = 0; j < w->run; j++, k++, to += NR) {
                vector sum0 = load(to), sum1 = load(to + LANES);
#pragma GCC unroll 4
                for (int i = 0; i < PLACES; i++) {
                    vector x = all_lanes(place[i][k]);
                    sum0 += low[i] * x;
                    sum1 += high[i] * x;
                    KEEP(x);
                }
                store(to, sum0);
                store(to + LANES, sum1);
            }
        add_to(to, (low[0] + low[1]) + (low[2] + low[3]), (high[0] + high[1]) + (high[2] + high[3]));
    }
}

extern const kin_stem_lines KIN_ISA_NAME(kin_stem_lines);
const kin_stem_lines KIN_ISA_NAME(kin_stem_lines) = {NR, moments, forward, backward};
