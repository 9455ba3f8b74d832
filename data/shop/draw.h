/* A small rasteriser: paths are turned into exact area coverage, and painted by a function of the place.
 * The canvas is float RGB in light, not in stored values: stored = sqrt(light), a gamma of 2, whose root is
 * exact on every machine where sRGB's curve is not. */
#ifndef KIN_DATA_SHOP_DRAW_H
#define KIN_DATA_SHOP_DRAW_H

#include "base/error.h"
#include "data/shop/path.h"

/* A rectangle of pixels, x1 and y1 excluded. */
typedef struct kin_canvas_box {
    int x0, y0, x1, y1;
} kin_canvas_box;

typedef struct kin_canvas {
    int width, height;
    float *rgb;         /* [height][width][3], owned */
    float *mask;        /* [height][width + 2], coverage of the last path in 0..1 within `box` */
    float *spare;       /* as large as rgb: scratch of the blurs */
    kin_canvas_box box; /* where the mask is not zero; outside it holds zeros */
} kin_canvas;

bool kin_canvas_new(kin_canvas *canvas, int width, int height, kin_error *err);
void kin_canvas_free(kin_canvas *canvas);

/* The mask becomes the coverage of the path moved by `t` (path units to pixels): exact areas, windings
 * above one cut to one. */
void kin_draw_mask(kin_canvas *canvas, const kin_path *path, const kin_transform *t);

/* Blurs the mask (three box filters: nearly a Gaussian) with a radius in pixels. */
void kin_draw_soften(kin_canvas *canvas, double radius);

/* What a paint is told: the place in the path's units, and how wide a pixel is there. */
typedef struct kin_place {
    double x, y, pixel;
} kin_place;
/* Writes light and opacity, 0..1 each. */
typedef void (*kin_paint)(const void *arg, kin_place at, float rgba[4]);

/* Lays the paint over the canvas through the mask; `t` is the transform the paint's places are in. */
void kin_draw_paint(kin_canvas *canvas, const kin_transform *t, kin_paint paint, const void *arg);

/* Blurs the picture: two box filters of a fractional radius in pixels; the edges are repeated. */
void kin_canvas_blur(kin_canvas *canvas, double radius);

#endif
