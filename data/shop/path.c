#include "data/shop/path.h"

#include "base/memory.h"

#include <math.h>

enum { CURVE_STEPS = 10, ROUND_STEPS = 48, TURNED_NODES = 30 };

/* Taylor's series on [-1/4, 1/4] of a turn: the last term kept is (π/2)^15/15! < 1e-9. */
double kin_sine_turns(double turns)
{
    double t = turns - floor(turns + 0.5);
    if (t > 0.25) t = 0.5 - t;
    if (t < -0.25) t = -0.5 - t;
    double x = 6.283185307179586 * t, q = x * x;
    double series = 1.0 - q / 210.0;
    series = 1.0 - q / 156.0 * series;
    series = 1.0 - q / 110.0 * series;
    series = 1.0 - q / 72.0 * series;
    series = 1.0 - q / 42.0 * series;
    series = 1.0 - q / 20.0 * series;
    return x * (1.0 - q / 6.0 * series);
}

double kin_cosine_turns(double turns) { return kin_sine_turns(turns + 0.25); }

/* ---- transforms ---- */

kin_transform kin_transform_make(double a, double b, double c, double d, double e, double f)
{
    return (kin_transform){{a, b, c, d, e, f, 0, 0, 1}};
}

kin_transform kin_transform_turn(double turns)
{
    double c = kin_cosine_turns(turns), s = kin_sine_turns(turns);
    return kin_transform_make(c, -s, 0, s, c, 0);
}

kin_transform kin_transform_then(kin_transform first, kin_transform second)
{
    kin_transform out;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            out.m[3 * i + j] = second.m[3 * i] * first.m[j] + second.m[3 * i + 1] * first.m[3 + j] +
                               second.m[3 * i + 2] * first.m[6 + j];
    return out;
}

/* The adjugate over the determinant. */
kin_transform kin_transform_inverse(kin_transform t)
{
    const double *m = t.m;
    kin_transform out = {{
        m[4] * m[8] - m[5] * m[7],
        m[2] * m[7] - m[1] * m[8],
        m[1] * m[5] - m[2] * m[4],
        m[5] * m[6] - m[3] * m[8],
        m[0] * m[8] - m[2] * m[6],
        m[2] * m[3] - m[0] * m[5],
        m[3] * m[7] - m[4] * m[6],
        m[1] * m[6] - m[0] * m[7],
        m[0] * m[4] - m[1] * m[3],
    }};
    double determinant = m[0] * out.m[0] + m[1] * out.m[3] + m[2] * out.m[6];
    for (int i = 0; i < 9; i++) out.m[i] /= determinant;
    return out;
}

kin_point kin_transform_apply(const kin_transform *t, double x, double y)
{
    const double *m = t->m;
    double w = m[6] * x + m[7] * y + m[8];
    return (kin_point){(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w};
}

/* ---- contours ---- */

void kin_path_free(kin_path *path)
{
    kin_free(path->points);
    kin_free(path->ends);
    *path = (kin_path){0};
}

void kin_path_clear(kin_path *path) { path->count = path->contours = 0; }

void kin_path_point(kin_path *path, double x, double y)
{
    if (!path->failed && path->count == path->capacity)
        path->failed = !kin_grow((void **)&path->points, path->count, &path->capacity, sizeof *path->points);
    if (!path->failed) path->points[path->count++] = (kin_point){x, y};
}

/* Twice the signed area by the shoelace formula. */
static double signed_area(const kin_point *p, size_t count)
{
    double area = 0;
    for (size_t i = 0; i < count; i++) {
        kin_point a = p[i], b = p[i + 1 < count ? i + 1 : 0];
        area += a.x * b.y - b.x * a.y;
    }
    return area;
}

void kin_path_close(kin_path *path)
{
    if (!path->failed && path->contours == path->contours_capacity)
        path->failed = !kin_grow((void **)&path->ends, path->contours, &path->contours_capacity,
                                 sizeof *path->ends);
    if (path->failed) return;
    size_t first = path->contours ? path->ends[path->contours - 1] : 0;
    kin_point *p = path->points + first;
    size_t count = path->count - first;
    if (count && signed_area(p, count) < 0) {
        for (size_t i = 0; i < count / 2; i++) {
            kin_point swap = p[i];
            p[i] = p[count - 1 - i];
            p[count - 1 - i] = swap;
        }
    }
    path->ends[path->contours++] = path->count;
}

void kin_path_append(kin_path *path, const kin_path *other)
{
    size_t first = 0;
    path->failed = path->failed || other->failed;
    for (size_t c = 0; c < other->contours && !path->failed; first = other->ends[c++]) {
        for (size_t i = first; i < other->ends[c]; i++)
            kin_path_point(path, other->points[i].x, other->points[i].y);
        kin_path_close(path);
    }
}

/* ---- forms ---- */

/* At a corner a piece leaves along its own chord, so that straight sides between corners stay straight. */
static kin_point tangent(const kin_node *nodes, int count, int at, int toward)
{
    const kin_node *here = &nodes[at], *before = &nodes[(at + count - 1) % count],
                   *after = &nodes[(at + 1) % count];
    if (here->corner) {
        const kin_node *to = toward > 0 ? after : before;
        return (kin_point){(to->x - here->x) * toward, (to->y - here->y) * toward};
    }
    return (kin_point){0.5 * (after->x - before->x), 0.5 * (after->y - before->y)};
}

void kin_path_outline(kin_path *path, const kin_node *nodes, int count)
{
    for (int i = 0; i < count; i++) {
        int next = (i + 1) % count;
        kin_node a = nodes[i], b = nodes[next];
        kin_path_point(path, a.x, a.y);
        if (a.corner && b.corner) continue;
        kin_point s = tangent(nodes, count, i, 1), e = tangent(nodes, count, next, -1);
        for (int step = 1; step < CURVE_STEPS; step++) {
            double t = (double)step / CURVE_STEPS, t2 = t * t, t3 = t2 * t;
            double ha = 2 * t3 - 3 * t2 + 1, hs = t3 - 2 * t2 + t, hb = 3 * t2 - 2 * t3, he = t3 - t2;
            kin_path_point(path, ha * a.x + hs * s.x + hb * b.x + he * e.x,
                           ha * a.y + hs * s.y + hb * b.y + he * e.y);
        }
    }
    kin_path_close(path);
}

void kin_path_turned(kin_path *path, const kin_node *nodes, int count)
{
    kin_node loop[2 * TURNED_NODES];
    int n = 0;
    for (int i = 0; i < count && i < TURNED_NODES; i++) loop[n++] = nodes[i];
    for (int i = n - 1; i >= 0; i--)
        if (nodes[i].x != 0) loop[n++] = (kin_node){-nodes[i].x, nodes[i].y, nodes[i].corner};
    kin_path_outline(path, loop, n);
}

void kin_path_ellipse(kin_path *path, double x, double y, double rx, double ry)
{
    for (int i = 0; i < ROUND_STEPS; i++) {
        double t = (double)i / ROUND_STEPS;
        kin_path_point(path, x + rx * kin_cosine_turns(t), y + ry * kin_sine_turns(t));
    }
    kin_path_close(path);
}

void kin_path_round_rect(kin_path *path, double x0, double y0, double x1, double y1, double radius)
{
    const double most = 0.5 * (x1 - x0 < y1 - y0 ? x1 - x0 : y1 - y0), r = radius < most ? radius : most;
    for (int corner = 0; corner < 4; corner++) {
        double cx = corner == 0 || corner == 3 ? x1 - r : x0 + r, cy = corner < 2 ? y1 - r : y0 + r;
        for (int i = 0; i <= 6; i++) {
            double t = 0.25 * corner + i / 24.0;
            kin_path_point(path, cx + r * kin_cosine_turns(t), cy + r * kin_sine_turns(t));
        }
    }
    kin_path_close(path);
}

void kin_path_star(kin_path *path, double x, double y, double radius, int points, double inner, double turns)
{
    int count = inner > 0 ? 2 * points : points;
    for (int i = 0; i < count; i++) {
        double t = turns - 0.25 + (double)i / count, r = inner > 0 && i % 2 ? radius * inner : radius;
        kin_path_point(path, x + r * kin_cosine_turns(t), y + r * kin_sine_turns(t));
    }
    kin_path_close(path);
}

static void joint(kin_path *path, kin_point at, double radius)
{
    for (int i = 0; i < 12; i++)
        kin_path_point(path, at.x + radius * kin_cosine_turns(i / 12.0),
                       at.y + radius * kin_sine_turns(i / 12.0));
    kin_path_close(path);
}

void kin_path_stroke(kin_path *path, const kin_point *points, int count, double width)
{
    double half = 0.5 * width;
    for (int i = 0; i < count; i++) {
        joint(path, points[i], half);
        if (i + 1 == count) break;
        kin_point a = points[i], b = points[i + 1];
        double dx = b.x - a.x, dy = b.y - a.y, length = sqrt(dx * dx + dy * dy);
        if (length == 0) continue;
        double nx = -dy / length * half, ny = dx / length * half;
        kin_path_point(path, a.x + nx, a.y + ny);
        kin_path_point(path, b.x + nx, b.y + ny);
        kin_path_point(path, b.x - nx, b.y - ny);
        kin_path_point(path, a.x - nx, a.y - ny);
        kin_path_close(path);
    }
}

void kin_path_arc(kin_path *path, double x, double y, double rx, double ry, double a, double b, double width)
{
    kin_point points[17];
    for (int i = 0; i <= 16; i++) {
        double t = a + (b - a) * i / 16.0;
        points[i] = (kin_point){x + rx * kin_cosine_turns(t), y + ry * kin_sine_turns(t)};
    }
    kin_path_stroke(path, points, 17, width);
}
