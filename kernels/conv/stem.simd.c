#include "kernels/conv/stem_kernels.h"
#include "kernels/register_tile.h"

enum { PLACES = 4, SOME = 4 };

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
                UNROLLED for (int i = 0; i < SOME; i++) sum += p[i][t] * *(const wide *)(p[i] + u);
                *(wide *)(sums + t * pitch + u) = sum;
            }
    }
}

/* ---- maxima of 2×2; the lanes are channels ---- */

typedef kin_stem_winners places
    __attribute__((vector_size(KIN_VECTOR_BYTES), aligned(sizeof(kin_real)), may_alias));
enum { CLOSED = PLACES, SECOND = 3 /* bits behind which the second vector's places stand */ };

INLINE void windows_of(const kin_stem_windows *w, int64_t at, const kin_real *place[PLACES])
{
    place[0] = w->first + 2 * at * w->across, place[1] = place[0] + w->across;
    place[2] = place[0] + w->down, place[3] = place[2] + w->across;
}

INLINE vector either(vector_mask which, vector a, vector b)
{
    return (vector)(((vector_mask)a & which) | ((vector_mask)b & ~which));
}

/* The largest of the four, through the activation, and its place. */
INLINE vector largest(const vector sum[PLACES], kin_norm_act act, places *winner)
{
    vector most = sum[0], zero = {0}, six = zero + 6;
    places place = {0};
    UNROLLED for (int i = 1; i < PLACES; i++)
    {
        vector_mask wins = ~(sum[i] <= most) & (most == most); /* NaN over all, the first of equals */
        most = either(wins, sum[i], most);
        place = (((places){0} + i) & (places)wins) | (place & ~(places)wins);
    }
    *winner = place;
    if (act == KIN_NORM_LINEAR) return most;
    places open = (places)(most > zero);
    if (act == KIN_NORM_RELU6) open &= (places)(most < six);
    *winner = (place & open) | (((places){0} + CLOSED) & ~open);
    return activated(most, act);
}

static void forward(const kin_stem_windows *w, int64_t count, const kin_real *panel, const kin_real *shift,
                    kin_norm_act act, int64_t columns, kin_real *y, int64_t ld, kin_stem_winners *winners,
                    int64_t apart)
{
    for (int64_t at = 0; at < count; at++, y += ld, winners += apart) {
        const kin_real *place[PLACES], *b = panel;
        vector low[PLACES], high[PLACES];
        windows_of(w, at, place);
        UNROLLED for (int i = 0; i < PLACES; i++) low[i] = load(shift), high[i] = load(shift + LANES);
        for (int64_t line = 0, k = 0; line < w->lines; line++, k += w->line - w->run)
            for (int64_t j = 0; j < w->run; j++, k++, b += NR) {
                vector b0 = load(b), b1 = load(b + LANES);
                UNROLLED for (int i = 0; i < PLACES; i++)
                {
                    vector x = all_lanes(place[i][k]);
                    low[i] += b0 * x;
                    high[i] += b1 * x;
                    KEEP(x);
                }
            }
        places first, second;
        store_some(y, largest(low, act, &first), columns);
        vector other = largest(high, act, &second);
        if (columns > LANES) store_some(y + LANES, other, columns - LANES);
        *(places *)winners = first | second << SECOND;
    }
}

/* g where each of the places has won. */
INLINE void apart_of(const kin_real *g, places winner, int64_t lanes, vector to[PLACES])
{
    vector v = lanes > 0 ? load_some(g, lanes) : (vector){0};
    UNROLLED for (int i = 0; i < PLACES; i++) to[i] = (vector)((vector_mask)v & (vector_mask)(winner == i));
}

INLINE void add_to(kin_real *sums, vector v0, vector v1)
{
    store(sums, load(sums) + v0);
    store(sums + LANES, load(sums + LANES) + v1);
}

static void backward(const kin_stem_windows *w, int64_t count, const kin_real *g, int64_t ld,
                     const kin_stem_winners *winners, int64_t apart, int64_t columns, kin_real *products)
{
    for (int64_t at = 0; at < count; at++, g += ld, winners += apart) {
        const kin_real *place[PLACES];
        kin_real *to = products;
        vector low[PLACES], high[PLACES];
        windows_of(w, at, place);
        places both = *(const places *)winners;
        apart_of(g, both & 7, columns, low);
        apart_of(g + LANES, both >> SECOND, columns - LANES, high);
        for (int64_t line = 0, k = 0; line < w->lines; line++, k += w->line - w->run)
            for (int64_t j = 0; j < w->run; j++, k++, to += NR) {
                vector sum0 = load(to), sum1 = load(to + LANES);
                UNROLLED for (int i = 0; i < PLACES; i++)
                {
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

extern const kin_stem_kernels KIN_ISA_NAME(kin_stem_kernels);
const kin_stem_kernels KIN_ISA_NAME(kin_stem_kernels) = {moments, forward, backward};
