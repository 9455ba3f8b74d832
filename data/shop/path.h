/* Outlines: closed contours of points, built from lines, curves and a few ready forms, moved by projective
 * transforms. Nothing here calls libm but sqrt and floor, which are exact: the same numbers on every
 * machine. */
#ifndef KIN_DATA_SHOP_PATH_H
#define KIN_DATA_SHOP_PATH_H

#include <stdbool.h>
#include <stddef.h>

typedef struct kin_point {
    double x, y;
} kin_point;

/* Points of all contours one after the other; contour c ends before point ends[c]. x to the right, y down.
 * A failed allocation is remembered in `failed`; further calls then do nothing. Zeroed is empty and ready. */
typedef struct kin_path {
    kin_point *points;
    size_t count, capacity;
    size_t *ends;
    size_t contours, contours_capacity;
    bool failed;
} kin_path;

void kin_path_free(kin_path *path);
void kin_path_clear(kin_path *path); /* forgets the contours, keeps the memory */

/* Adds a point to the contour being built, and ends it. All contours are made to turn the same way, so
 * that the path is their union however they overlap; an opening is drawn as a stroke around it. */
void kin_path_point(kin_path *path, double x, double y);
void kin_path_close(kin_path *path);
void kin_path_append(kin_path *path, const kin_path *other);

/* A node of a smooth closed outline; at a corner the curve does not bend through the point. */
typedef struct kin_node {
    double x, y;
    bool corner;
} kin_node;

/* A closed contour through the nodes: cubic Hermite pieces with Catmull-Rom tangents [Catmull, Rom 1974]. */
void kin_path_outline(kin_path *path, const kin_node *nodes, int count);

/* The same for a form symmetrical about x = 0, given its right side from top to bottom (at most 30 nodes). */
void kin_path_turned(kin_path *path, const kin_node *nodes, int count);

void kin_path_ellipse(kin_path *path, double x, double y, double rx, double ry);
void kin_path_round_rect(kin_path *path, double x0, double y0, double x1, double y1, double radius);
/* `points` corners at distance 1 with the first one up; when inner > 0, as many at distance `inner`
 * between them. */
void kin_path_star(kin_path *path, double x, double y, double radius, int points, double inner, double turns);
/* A line of the given width through the points, with round ends and joints. */
void kin_path_stroke(kin_path *path, const kin_point *points, int count, double width);
/* An arc from angle a to b (in turns, clockwise from the right) drawn as a stroke. */
void kin_path_arc(kin_path *path, double x, double y, double rx, double ry, double a, double b, double width);

/* A projective map: (x, y, 1) times the matrix m, rows of three. */
typedef struct kin_transform {
    double m[9];
} kin_transform;
/* x' = ax+by+c, y' = dx+ey+f */
kin_transform kin_transform_make(double a, double b, double c, double d, double e, double f);
kin_transform kin_transform_then(kin_transform first, kin_transform second);
kin_transform kin_transform_turn(double turns);       /* clockwise as seen */
kin_transform kin_transform_inverse(kin_transform t); /* of a regular matrix */
kin_point kin_transform_apply(const kin_transform *t, double x, double y);

/* sin(2πt), cos(2πt) by polynomials: libm's last bit differs between versions. */
double kin_sine_turns(double turns);
double kin_cosine_turns(double turns);

#endif
