#include "photos/corners.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
    CELLS = 4,
    CELL = 4,
    ANGLES = 8,
    HALF = CELLS * CELL / 2,
    EDGE = HALF + 2, /* pixels at the border without a corner */
    LEVELS = 5,
    LEVEL_MOST = 60,
    CANDIDATES = 4096
};
static const double pi = 3.14159265358979323846, apart = .75 /* of a match, at most */, radius = 4,
                    tolerance = 2;

/* One scale: gradients, then how much of a corner each pixel is. */
typedef struct level {
    int width, height;
    double scale; /* of its pixels to those of the picture */
    float *dx, *dy, *corner;
} level;

static void free_level(level *l) { kin_free(l->dx), kin_free(l->dy), kin_free(l->corner); }

static bool gradients(const kin_image *grey, level *l, kin_error *err)
{
    size_t n = (size_t)grey->width * (size_t)grey->height;
    l->width = grey->width, l->height = grey->height;
    l->dx = kin_alloc_zero(n, sizeof *l->dx), l->dy = kin_alloc_zero(n, sizeof *l->dy);
    l->corner = kin_alloc_zero(n, sizeof *l->corner);
    if (!l->dx || !l->dy || !l->corner) return kin_fail_memory(err, "corners", 3 * n * sizeof *l->dx);
    for (int y = 1; y < l->height - 1; y++)
        for (int x = 1; x < l->width - 1; x++) {
            const uint8_t *p = grey->data + (size_t)y * (size_t)l->width + x;
            size_t at = (size_t)y * (size_t)l->width + (size_t)x;
            l->dx[at] = (float)(p[1] - p[-1]), l->dy[at] = (float)(p[l->width] - p[-l->width]);
        }
    return true;
}

/* det - .04 trace^2 of the gradients' products over 5 x 5 pixels, weighted 1 4 6 4 1 along each axis. */
static void corners(level *l)
{
    static const float tap[5] = {1, 4, 6, 4, 1};
    for (int y = EDGE; y < l->height - EDGE; y++)
        for (int x = EDGE; x < l->width - EDGE; x++) {
            float xx = 0, xy = 0, yy = 0;
            for (int v = -2; v <= 2; v++)
                for (int u = -2; u <= 2; u++) {
                    size_t at = (size_t)(y + v) * (size_t)l->width + (size_t)(x + u);
                    float w = tap[v + 2] * tap[u + 2], a = l->dx[at], b = l->dy[at];
                    xx += w * a * a, xy += w * a * b, yy += w * b * b;
                }
            l->corner[(size_t)y * (size_t)l->width + (size_t)x] = xx * yy - xy * xy -
                                                                  .04f * (xx + yy) * (xx + yy);
        }
}

/* Pixels that no neighbour surpasses; of equal neighbours the first. */
static int64_t peaks(const level *l, kin_local_place *out)
{
    int64_t count = 0;
    for (int y = EDGE; y < l->height - EDGE; y++)
        for (int x = EDGE; x < l->width - EDGE && count < CANDIDATES; x++) {
            const float *c = l->corner + (size_t)y * (size_t)l->width + x;
            bool peak = *c > 1e4f;
            for (int v = -1; peak && v <= 1; v++)
                for (int u = -1; peak && u <= 1; u++) {
                    float other = c[v * l->width + u];
                    if (u || v) peak = v < 0 || (v == 0 && u < 0) ? *c > other : *c >= other;
                }
            if (peak) out[count++] = (kin_local_place){(float)x, (float)y, 1, *c};
        }
    return count;
}

static void add_gradient(float bin[CELLS + 2][CELLS + 2][ANGLES], double u, double v, float dx, float dy)
{
    double length = hypot((double)dx, (double)dy) * exp(-(u * u + v * v) / (2. * HALF * HALF));
    if (length == 0) return;
    double turn = atan2((double)dy, (double)dx) / (2 * pi), angle = (turn - floor(turn)) * ANGLES;
    /* cells, one more around them for what falls outside */
    double cx = (u + HALF) / CELL + .5, cy = (v + HALF) / CELL + .5;
    int x = (int)cx, y = (int)cy, a = (int)angle;
    double px = cx - x, py = cy - y, pa = angle - a;
    for (int i = 0; i < 8; i++) {
        int right = i & 1, down = i >> 1 & 1, on = i >> 2;
        double part = (right ? px : 1 - px) * (down ? py : 1 - py) * (on ? pa : 1 - pa);
        bin[y + down][x + right][(a + on) % ANGLES] += (float)(length * part);
    }
}

static double unit(float *row)
{
    double sum = 0;
    for (int i = 0; i < KIN_CORNER_DIM; i++) sum += (double)row[i] * (double)row[i];
    for (int i = 0; sum > 0 && i < KIN_CORNER_DIM; i++) row[i] = (float)((double)row[i] / sqrt(sum));
    return sum;
}

static void describe(const level *l, int x, int y, uint8_t *out)
{
    float bin[CELLS + 2][CELLS + 2][ANGLES] = {0}, row[KIN_CORNER_DIM];
    for (int v = -HALF; v < HALF; v++)
        for (int u = -HALF; u < HALF; u++) {
            size_t at = (size_t)(y + v) * (size_t)l->width + (size_t)(x + u);
            add_gradient(bin, u + .5, v + .5, l->dx[at], l->dy[at]);
        }
    for (int i = 0; i < KIN_CORNER_DIM; i++)
        row[i] = bin[1 + i / (CELLS * ANGLES)][1 + i / ANGLES % CELLS][i % ANGLES];
    unit(row);
    for (int i = 0; i < KIN_CORNER_DIM; i++) row[i] = row[i] < .2f ? row[i] : .2f;
    unit(row);
    for (int i = 0; i < KIN_CORNER_DIM; i++) {
        float byte = row[i] * 510 + .5f;
        out[i] = byte < 255 ? (uint8_t)byte : 255;
    }
}

static void take_level(const level *l, kin_local_place *peak, int64_t *chosen, kin_corners *out)
{
    int64_t count = peaks(l, peak), room = KIN_CORNERS - out->count,
            most = room < LEVEL_MOST ? room : LEVEL_MOST;
    int64_t n = most > 0 && count > 0 ? kin_local_select(peak, count, 0, radius, most, chosen) : 0;
    for (int64_t i = 0; i < n; i++) {
        const kin_local_place *p = &peak[chosen[i]];
        describe(l, (int)p->x, (int)p->y, out->descriptor[out->count]);
        out->place[out->count++] = (kin_local_place){(float)((p->x + .5) / l->scale),
                                                     (float)((p->y + .5) / l->scale), (float)(1 / l->scale),
                                                     p->score};
    }
}

static bool one_level(const kin_image *grey, int index, kin_local_place *peak, int64_t *chosen,
                      kin_corners *out, kin_error *err)
{
    level l = {.scale = pow(.5, index / 2.)};
    kin_image small = {0};
    const kin_image *image = grey;
    int width = (int)(grey->width * l.scale + .5), height = (int)(grey->height * l.scale + .5);
    if (width <= 2 * EDGE || height <= 2 * EDGE) return true;
    if (index && !kin_image_resize(grey, width, height, KIN_FILTER_BILINEAR, &small, err)) return false;
    if (index) image = &small;
    bool ok = gradients(image, &l, err);
    if (ok) {
        corners(&l);
        take_level(&l, peak, chosen, out);
    }
    free_level(&l);
    kin_image_free(&small);
    return ok;
}

bool kin_corners_find(const kin_image *grey, kin_corners *out, kin_error *err)
{
    kin_local_place *peak = kin_alloc_array(CANDIDATES, sizeof *peak);
    int64_t *chosen = kin_alloc_array(CANDIDATES, sizeof *chosen);
    bool ok = (peak && chosen) || kin_fail_memory(err, "corners", CANDIDATES * sizeof *peak);
    out->count = 0;
    if (ok && (grey->channels != 1 || grey->width > KIN_CORNER_SIDE || grey->height > KIN_CORNER_SIDE))
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "corners are looked for in grey pictures of %d x %d at most",
                      KIN_CORNER_SIDE, KIN_CORNER_SIDE);
    /* Coarse ones first: there are few, and a crop has them, too. */
    for (int i = LEVELS - 1; ok && i >= 0; i--) ok = one_level(grey, i, peak, chosen, out, err);
    kin_free(peak), kin_free(chosen);
    return ok;
}

/* ---- matching ---- */

typedef struct scratch {
    float a[KIN_CORNERS][KIN_CORNER_DIM], b[KIN_CORNERS][KIN_CORNER_DIM];
    kin_local_pair pair[KIN_CORNERS];
} scratch;

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Fewer rows may need more: the most of all. */
size_t kin_corners_workspace(void)
{
    size_t most = 0;
    for (int64_t a = 1; a <= KIN_CORNERS; a++)
        for (int64_t b = 1; b <= KIN_CORNERS; b++) {
            size_t bytes = kin_local_match_workspace(a, b, KIN_CORNER_DIM);
            if (bytes > most) most = bytes;
        }
    return rounded(sizeof(scratch)) + rounded(most);
}

static void to_floats(const kin_corners *c, float (*out)[KIN_CORNER_DIM])
{
    for (int i = 0; i < c->count; i++) {
        for (int d = 0; d < KIN_CORNER_DIM; d++) out[i][d] = (float)c->descriptor[i][d];
        unit(out[i]);
    }
}

int64_t kin_corners_match(const kin_corners *a, const kin_corners *b, uint64_t key, kin_affine_map *map,
                          void *workspace)
{
    scratch *r = workspace;
    if (a->count < 3 || b->count < 3) return 0;
    to_floats(a, r->a), to_floats(b, r->b);
    int64_t count = kin_local_match((kin_vectors){r->a[0], a->count, KIN_CORNER_DIM},
                                    (kin_vectors){r->b[0], b->count, KIN_CORNER_DIM}, apart, r->pair,
                                    (char *)workspace + rounded(sizeof *r));
    kin_ransac_opt opt = {.trials = 400, .tolerance = tolerance, .key = key};
    return kin_affine_ransac(a->place, b->place, r->pair, count, &opt, map, NULL);
}
