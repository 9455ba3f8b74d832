#include "data/look/hash.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = KIN_HASH_SIDE, LOW = KIN_HASH_LOW, BITS = LOW * LOW - 1 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* F(u, v) = c(u) c(v) sum over x, y of g(x, y) cos(pi (2x + 1) u / 64) cos(pi (2y + 1) v / 64), c(0) the root
 * of a half and else 1: an orthonormal transform but for a factor; one axis after the other. */
static void transform(const uint8_t *grey, double *out)
{
    double wave[LOW][SIDE], across[SIDE][LOW];
    for (int u = 0; u < LOW; u++)
        for (int x = 0; x < SIDE; x++)
            wave[u][x] = (u ? 1 : sqrt(.5)) * cos(3.14159265358979323846 * (2 * x + 1) * u / (2. * SIDE));
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < LOW; u++) {
            across[y][u] = 0;
            for (int x = 0; x < SIDE; x++) across[y][u] += grey[y * SIDE + x] * wave[u][x];
        }
    for (int v = 0; v < LOW; v++)
        for (int u = 0; u < LOW; u++) {
            double sum = 0;
            for (int y = 0; y < SIDE; y++) sum += across[y][u] * wave[v][y];
            /* A plain picture's frequencies are zero but for rounding, which is not to decide. */
            out[v * LOW + u] = fabs(sum) < 1e-6 ? 0 : sum;
        }
}

uint64_t kin_hash_grey(const uint8_t *grey)
{
    double frequency[LOW * LOW], sorted[BITS];
    uint64_t hash = 0;
    transform(grey, frequency);
    for (int i = 0; i < BITS; i++) sorted[i] = frequency[i + 1];
    qsort(sorted, BITS, sizeof *sorted, by_size);
    for (int i = 1; i <= BITS; i++)
        if (frequency[i] > sorted[BITS / 2]) hash |= UINT64_C(1) << i;
    return hash;
}

bool kin_hash_image(const kin_image *image, uint64_t *out, kin_error *err)
{
    kin_image small;
    if (!kin_image_resize(image, SIDE, SIDE, KIN_FILTER_BOX, &small, err)) return false;
    bool ok = kin_image_convert(&small, 1, err);
    if (ok) *out = kin_hash_grey(small.data);
    kin_image_free(&small);
    return ok;
}

uint64_t kin_hash_turned(uint64_t hash, int turn)
{
    uint64_t swapped = 0;
    for (int i = 0; turn & 4 && i < 64; i++) swapped |= (hash >> i & 1) << (i % 8 * 8 + i / 8);
    if (turn & 4) hash = swapped;
    if (turn & 1) hash ^= UINT64_C(0xaaaaaaaaaaaaaaaa);
    if (turn & 2) hash ^= UINT64_C(0xff00ff00ff00ff00);
    return hash;
}
