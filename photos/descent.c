#include "photos/descent.h"

#include <math.h>
#include <string.h>

enum { SIDE = 8, LOW = 4 /* frequencies looked at, of both directions */, BINS = 64 };

static const uint8_t zigzag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                   12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                   35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                   58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* A segment of tables; that of number 0 is the grey ones'. */
static bool take_tables(const uint8_t *at, const uint8_t *end, int steps[64])
{
    bool found = false;
    while (at < end) {
        int wide = *at >> 4, table = *at & 15, bytes = wide ? 128 : 64;
        at++;
        if (wide > 1 || end - at < bytes) break;
        for (int i = 0; table == 0 && i < 64; i++) {
            int step = wide ? at[2 * i] << 8 | at[2 * i + 1] : at[i];
            steps[zigzag[i]] = step ? step : 1;
        }
        found |= table == 0;
        at += bytes;
    }
    return found;
}

bool kin_descent_steps(const uint8_t *bytes, size_t size, int steps[64])
{
    enum { START = 0xd8, TABLES = 0xdb, SCAN = 0xda };
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0) {
        for (int i = 0; i < 64; i++) steps[i] = 1;
        return true;
    }
    if (size < 4 || bytes[0] != 0xff || bytes[1] != START) return false;
    bool found = false;
    for (size_t at = 2; at + 4 <= size && bytes[at] == 0xff && bytes[at + 1] != SCAN;) {
        size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (length < 2 || length > size - at - 2) return false;
        if (bytes[at + 1] == TABLES) found |= take_tables(bytes + at + 4, bytes + at + 2 + length, steps);
        at += 2 + length;
    }
    return found;
}

static void make_cosines(double cosine[LOW][SIDE])
{
    static const double pi = 3.14159265358979323846;
    for (int u = 0; u < LOW; u++)
        for (int x = 0; x < SIDE; x++)
            cosine[u][x] = cos((2 * x + 1) * u * pi / (2 * SIDE)) * (u ? .5 : sqrt(.125));
}

/* The cosine transform of a block as JPEG has it, of its lowest frequencies: [v * SIDE + u]. */
static void transform(const kin_image *image, int left, int top, double cosine[LOW][SIDE], double out[64])
{
    double rows[SIDE][LOW];
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < LOW; u++) {
            const uint8_t *p = image->data + (size_t)(top + y) * (size_t)image->width + left;
            rows[y][u] = 0;
            for (int x = 0; x < SIDE; x++) rows[y][u] += cosine[u][x] * p[x];
        }
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u++) {
            out[v * SIDE + u] = 0;
            for (int y = 0; y < SIDE; y++) out[v * SIDE + u] += cosine[v][y] * rows[y][u];
        }
}

/* Where the coarser one's steps are a third larger and more, and the coefficient is not rounded to nothing: how far both
 * are apart, in halves of the coarse step, counted in bins of an eighth; *ratio receives the mean of the steps'. */
static int64_t count_apart(const kin_image *coarse, const int *steps, const kin_image *fine,
                           const int *fine_steps, int64_t bin[BINS], double *ratio)
{
    int64_t n = 0;
    double sum = 0;
    double one[64], other[64], cosine[LOW][SIDE];
    make_cosines(cosine);
    for (int top = 0; top + SIDE <= coarse->height; top += SIDE)
        for (int left = 0; left + SIDE <= coarse->width; left += SIDE) {
            transform(coarse, left, top, cosine, one), transform(fine, left, top, cosine, other);
            for (int i = 1; i < LOW * SIDE; i++) {
                if (i % SIDE >= LOW || 3 * steps[i] < 4 * fine_steps[i] || fabs(one[i]) < .75 * steps[i])
                    continue;
                double apart = fabs(one[i] - other[i]) * 2 / steps[i];
                bin[apart * 8 < BINS - 1 ? (int)(apart * 8) : BINS - 1]++, n++;
                sum += (double)fine_steps[i] / steps[i];
            }
        }
    *ratio = n ? sum / (double)n : 1;
    return n;
}

kin_descent kin_descent_of(const kin_image *a, const int a_steps[64], const kin_image *b,
                           const int b_steps[64])
{
    enum { ENOUGH = 200 };
    static const double kept = .3 /* of them: so nothing that is written upon less than half counts */,
                        most = .6;
    double ratio;
    int64_t sum[2] = {0}, bin[BINS] = {0}, below = 0;
    for (int i = 1; i < LOW * SIDE; i++) sum[0] += a_steps[i], sum[1] += b_steps[i];
    bool a_coarse = sum[0] > sum[1];
    if (a->width != b->width || a->height != b->height || a->channels != 1 || b->channels != 1)
        return KIN_DESCENT_UNKNOWN;
    int64_t n = a_coarse ? count_apart(a, a_steps, b, b_steps, bin, &ratio)
                         : count_apart(b, b_steps, a, a_steps, bin, &ratio);
    int at = 0;
    if (n < ENOUGH) return KIN_DESCENT_UNKNOWN;
    while ((double)(below + bin[at]) < kept * (double)n) below += bin[at++];
    double apart = (at + (kept * (double)n - (double)below) / (double)bin[at]) / 8;
    /* Rounded to the coarse steps, three in ten are within .3; to the fine ones, within .3 times their ratio. */
    if (apart < kept * (1 + ratio) / 2) return a_coarse ? KIN_DESCENT_FIRST : KIN_DESCENT_SECOND;
    return apart > most ? KIN_DESCENT_UNKNOWN : a_coarse ? KIN_DESCENT_SECOND : KIN_DESCENT_FIRST;
}
