/* An affine map by RANSAC [Fischler and Bolles 1981]. Three pairs determine it: with the corners a₀ a₁ a₂
 * of a triangle and their images b₀ b₁ b₂,
 *
 *   M [a₁ − a₀ | a₂ − a₀] = [b₁ − b₀ | b₂ − b₀],      t = b₀ − M a₀.
 *
 * Over all that agree with the best, M and t are the least squares of Σ ‖M a + t − b‖², whose normal
 * equations are two systems of the same 3 × 3 matrix. */
#include "base/random.h"
#include "retrieval/local/local.h"

#include <math.h>
#include <string.h>

enum { TRIALS = 1000, CORNERS = 3 };
static const double default_tolerance = 20, least_area = 1; /* of twice a triangle, in square pixels */

typedef struct problem {
    const kin_local_place *a, *b;
    const kin_local_pair *pairs;
    int64_t count;
    double tolerance;
} problem;

static bool through(const problem *p, const int64_t corner[CORNERS], kin_affine_map *out)
{
    double ax[CORNERS], ay[CORNERS], bx[CORNERS], by[CORNERS];
    for (int k = 0; k < CORNERS; k++) {
        const kin_local_pair *pair = &p->pairs[corner[k]];
        ax[k] = p->a[pair->a].x, ay[k] = p->a[pair->a].y;
        bx[k] = p->b[pair->b].x, by[k] = p->b[pair->b].y;
    }
    double u1 = ax[1] - ax[0], v1 = ay[1] - ay[0], u2 = ax[2] - ax[0], v2 = ay[2] - ay[0];
    double p1 = bx[1] - bx[0], q1 = by[1] - by[0], p2 = bx[2] - bx[0], q2 = by[2] - by[0];
    double area = u1 * v2 - u2 * v1, image = p1 * q2 - p2 * q1;
    if (!(fabs(area) >= least_area) || !(fabs(image) >= least_area)) return false;
    double *m = out->m;
    m[0] = (p1 * v2 - p2 * v1) / area, m[1] = (p2 * u1 - p1 * u2) / area;
    m[3] = (q1 * v2 - q2 * v1) / area, m[4] = (q2 * u1 - q1 * u2) / area;
    m[2] = bx[0] - m[0] * ax[0] - m[1] * ay[0];
    m[5] = by[0] - m[3] * ax[0] - m[4] * ay[0];
    return true;
}

static bool agrees_with(const problem *p, int64_t i, const double *m)
{
    const kin_local_place *a = &p->a[p->pairs[i].a], *b = &p->b[p->pairs[i].b];
    double x = m[0] * a->x + m[1] * a->y + m[2] - b->x, y = m[3] * a->x + m[4] * a->y + m[5] - b->y;
    return x * x + y * y <= p->tolerance * p->tolerance;
}

static int64_t agreeing(const problem *p, const kin_affine_map *map)
{
    int64_t count = 0;
    for (int64_t i = 0; i < p->count; i++) count += agrees_with(p, i, map->m);
    return count;
}

static double determinant(const double m[3][3])
{
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

/* Cramer's rule for s·x = r. */
static void solve(const double s[3][3], const double r[3], double x[3])
{
    double whole = determinant(s);
    for (int k = 0; k < 3; k++) {
        double replaced[3][3];
        memcpy(replaced, s, sizeof replaced);
        for (int i = 0; i < 3; i++) replaced[i][k] = r[i];
        x[k] = determinant((const double(*)[3])replaced) / whole;
    }
}

/* Coordinates are taken from the first agreeing place, so that the sums lose no digits. */
static bool refit(const problem *p, const kin_affine_map *best, kin_affine_map *out)
{
    double s[3][3] = {{0}}, rx[3] = {0}, ry[3] = {0}, cx = 0, cy = 0;
    int64_t used = 0;
    for (int64_t i = 0; i < p->count; i++) {
        if (!agrees_with(p, i, best->m)) continue;
        const kin_local_place *a = &p->a[p->pairs[i].a], *b = &p->b[p->pairs[i].b];
        if (!used++) cx = a->x, cy = a->y;
        double v[3] = {a->x - cx, a->y - cy, 1};
        for (int j = 0; j < 3; j++) {
            for (int k = 0; k < 3; k++) s[j][k] += v[j] * v[k];
            rx[j] += v[j] * b->x, ry[j] += v[j] * b->y;
        }
    }
    if (!(fabs(determinant((const double(*)[3])s)) >= least_area)) return false;
    solve((const double(*)[3])s, rx, out->m);
    solve((const double(*)[3])s, ry, out->m + 3);
    for (int row = 0; row < 6; row += 3) out->m[row + 2] -= out->m[row] * cx + out->m[row + 1] * cy;
    return true;
}

/* Three different pairs; their order does not matter. */
static void draw(uint64_t key, int64_t trial, int64_t count, int64_t corner[CORNERS])
{
    uint64_t counter = (uint64_t)trial * CORNERS;
    corner[0] = (int64_t)kin_random_below(key, counter, (uint64_t)count);
    corner[1] = (int64_t)kin_random_below(key, counter + 1, (uint64_t)count - 1);
    corner[2] = (int64_t)kin_random_below(key, counter + 2, (uint64_t)count - 2);
    if (corner[1] >= corner[0]) corner[1]++;
    int64_t low = corner[0] < corner[1] ? corner[0] : corner[1], high = corner[0] + corner[1] - low;
    if (corner[2] >= low) corner[2]++;
    if (corner[2] >= high) corner[2]++;
}

int64_t kin_affine_ransac(const kin_local_place *a, const kin_local_place *b, const kin_local_pair *pairs,
                          int64_t count, const kin_ransac_opt *opt, kin_affine_map *out, uint8_t *agrees)
{
    problem p = {a, b, pairs, count, opt->tolerance > 0 ? opt->tolerance : default_tolerance};
    int64_t trials = opt->trials > 0 ? opt->trials : TRIALS, most = 0;
    kin_affine_map best = {{0}}, map;
    if (agrees) memset(agrees, 0, (size_t)count);
    for (int64_t t = 0; count >= CORNERS && t < trials && most < count; t++) {
        int64_t corner[CORNERS];
        draw(opt->key, t, count, corner);
        if (!through(&p, corner, &map)) continue;
        int64_t n = agreeing(&p, &map);
        if (n > most) most = n, best = map;
    }
    if (most && refit(&p, &best, &map)) {
        int64_t n = agreeing(&p, &map);
        if (n >= most) most = n, best = map;
    }
    for (int64_t i = 0; agrees && most && i < count; i++) agrees[i] = agrees_with(&p, i, best.m);
    if (out) *out = best;
    return most;
}
