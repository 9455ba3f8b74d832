#include "data/shop/draw.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

bool kin_canvas_new(kin_canvas *canvas, int width, int height, kin_error *err)
{
    *canvas = (kin_canvas){.width = width, .height = height};
    size_t pixels, padded;
    if (width < 1 || height < 1 || width > 1 << 16 || height > 1 << 16)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a canvas of %d x %d cannot be made", width, height);
    if (!kin_mul_size((size_t)width * 3, (size_t)height, &pixels) ||
        !kin_mul_size((size_t)width + 2, (size_t)height, &padded))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a canvas of %d x %d cannot be made", width, height);
    canvas->rgb = kin_alloc_zero(pixels, sizeof(float));
    canvas->mask = kin_alloc_zero(padded, sizeof(float));
    canvas->spare = kin_alloc_array(pixels + padded, sizeof(float));
    if (canvas->rgb && canvas->mask && canvas->spare) return true;
    kin_canvas_free(canvas);
    return kin_fail_memory(err, "a canvas", pixels * sizeof(float) * 3);
}

void kin_canvas_free(kin_canvas *canvas)
{
    kin_free(canvas->rgb);
    kin_free(canvas->mask);
    kin_free(canvas->spare);
    *canvas = (kin_canvas){0};
}

/* ---- coverage ---- */

static int clamp_int(double v, int low, int high) { return v <= low ? low : v >= high ? high : (int)v; }

/* Coverage by differences along a row: an edge that drops by dy through pixel i, at a mean distance m from
 * the pixel's left side, adds dy·(1 − m) to the area of pixel i and dy to every pixel right of it. Storing
 * the differences, dy·(1 − m) at i and dy·m at i + 1, a running sum along the row gives the areas. */
static void edge_in_row(float *row, int width, double xa, double xb, double dy)
{
    double left = xa < xb ? xa : xb, right = xa < xb ? xb : xa;
    if (left < 0) left = 0;
    if (right > width) right = width;
    if (left >= width || right <= 0) {
        row[left >= width ? width : 0] += (float)dy;
        return;
    }
    int first = (int)left, last = (int)right;
    if (first >= last) {
        double m = 0.5 * (left + right) - first;
        row[first] += (float)(dy * (1 - m)), row[first + 1] += (float)(dy * m);
        return;
    }
    double slope = dy / (right - left);
    for (int i = first; i <= last; i++) {
        double a = left > i ? left : i, b = right < i + 1 ? right : i + 1;
        double part = (b - a) * slope, m = 0.5 * (a + b) - i;
        row[i] += (float)(part * (1 - m)), row[i + 1] += (float)(part * m);
    }
}

static void edge(kin_canvas *canvas, kin_point a, kin_point b)
{
    if (a.y == b.y) return;
    double sign = a.y < b.y ? -1 : 1; /* contours turn clockwise as seen: their left sides rise */
    kin_point top = a.y < b.y ? a : b, bottom = a.y < b.y ? b : a;
    double slope = (bottom.x - top.x) / (bottom.y - top.y);
    int y0 = clamp_int(floor(top.y), 0, canvas->height), y1 = clamp_int(ceil(bottom.y), 0, canvas->height);
    for (int y = y0; y < y1; y++) {
        double from = top.y > y ? top.y : y, to = bottom.y < y + 1 ? bottom.y : y + 1;
        edge_in_row(canvas->mask + (size_t)y * (size_t)(canvas->width + 2), canvas->width,
                    top.x + (from - top.y) * slope, top.x + (to - top.y) * slope, sign * (to - from));
    }
}

static void clear_mask(kin_canvas *canvas)
{
    size_t stride = (size_t)canvas->width + 2;
    for (int y = canvas->box.y0; y < canvas->box.y1; y++)
        memset(canvas->mask + (size_t)y * stride, 0, stride * sizeof(float));
    canvas->box = (kin_canvas_box){0};
}

static kin_canvas_box bounds(const kin_canvas *canvas, double x0, double y0, double x1, double y1)
{
    return (kin_canvas_box){clamp_int(floor(x0), 0, canvas->width), clamp_int(floor(y0), 0, canvas->height),
                            clamp_int(ceil(x1), 0, canvas->width), clamp_int(ceil(y1), 0, canvas->height)};
}

/* Differences to areas. Rounding leaves about 1e-7 where the windings cancel: cut to nothing. */
static void integrate(kin_canvas *canvas)
{
    for (int y = canvas->box.y0; y < canvas->box.y1; y++) {
        float *row = canvas->mask + (size_t)y * (size_t)(canvas->width + 2), sum = 0;
        for (int x = 0; x < canvas->width + 2; x++) {
            sum += row[x];
            row[x] = sum < 1e-5f ? 0 : sum > 1 ? 1 : sum;
        }
        row[canvas->width] = row[canvas->width + 1] = 0;
    }
}

void kin_draw_mask(kin_canvas *canvas, const kin_path *path, const kin_transform *t)
{
    clear_mask(canvas);
    double x0 = 1e9, y0 = 1e9, x1 = -1e9, y1 = -1e9;
    size_t first = 0;
    for (size_t c = 0; c < path->contours && !path->failed; first = path->ends[c++]) {
        size_t end = path->ends[c];
        if (end == first) continue;
        kin_point before = kin_transform_apply(t, path->points[end - 1].x, path->points[end - 1].y);
        for (size_t i = first; i < end; i++) {
            kin_point p = kin_transform_apply(t, path->points[i].x, path->points[i].y);
            edge(canvas, before, p);
            before = p;
            x0 = p.x < x0 ? p.x : x0, x1 = p.x > x1 ? p.x : x1;
            y0 = p.y < y0 ? p.y : y0, y1 = p.y > y1 ? p.y : y1;
        }
    }
    canvas->box = bounds(canvas, x0, y0, x1, y1);
    integrate(canvas);
}

/* ---- blurs ---- */

/* One box filter of half width `radius` along a line of `count` values `step` apart: the fractional ends of
 * the window count in part. Outside the line stands `edges` ? the nearest value : 0. */
static void box_line(const float *in, float *out, int count, size_t step, double radius, bool edges)
{
    int whole = (int)radius;
    double part = radius - whole, scale = 1 / (2 * radius + 1), sum = 0;
#define AT(i) \
    ((i) < 0        ? (edges ? in[0] : 0) \
     : (i) >= count ? (edges ? in[(size_t)(count - 1) * step] : 0) \
                    : in[(size_t)(i)*step])
    for (int i = -whole; i <= whole; i++) sum += AT(i);
    for (int i = 0; i < count; i++) {
        out[(size_t)i * step] = (float)((sum + part * (AT(i - whole - 1) + AT(i + whole + 1))) * scale);
        sum += AT(i + whole + 1) - AT(i - whole);
    }
#undef AT
}

static void box_blur(float *data, float *spare, int width, int height, size_t stride, int channels,
                     double radius, bool edges)
{
    for (int y = 0; y < height; y++)
        for (int c = 0; c < channels; c++)
            box_line(data + (size_t)y * stride + c, spare + (size_t)y * stride + c, width, (size_t)channels,
                     radius, edges);
    for (int x = 0; x < width * channels; x++) box_line(spare + x, data + x, height, stride, radius, edges);
}

void kin_draw_soften(kin_canvas *canvas, double radius)
{
    if (radius <= 0) return;
    for (int pass = 0; pass < 3; pass++)
        box_blur(canvas->mask, canvas->spare, canvas->width, canvas->height, (size_t)canvas->width + 2, 1,
                 radius, false);
    canvas->box = (kin_canvas_box){0, 0, canvas->width, canvas->height};
}

void kin_canvas_blur(kin_canvas *canvas, double radius)
{
    if (radius <= 0) return;
    for (int pass = 0; pass < 2; pass++)
        box_blur(canvas->rgb, canvas->spare, canvas->width, canvas->height, (size_t)canvas->width * 3, 3,
                 radius, true);
}

/* ---- paint ---- */

void kin_draw_paint(kin_canvas *canvas, const kin_transform *t, kin_paint paint, const void *arg)
{
    kin_transform back = kin_transform_inverse(*t);
    kin_canvas_box box = canvas->box;
    kin_point a = kin_transform_apply(&back, 0.5 * (box.x0 + box.x1), 0.5 * (box.y0 + box.y1)),
              b = kin_transform_apply(&back, 0.5 * (box.x0 + box.x1) + 1, 0.5 * (box.y0 + box.y1));
    double pixel = sqrt((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y));
    for (int y = box.y0; y < box.y1; y++) {
        const float *mask = canvas->mask + (size_t)y * (size_t)(canvas->width + 2);
        float *rgb = canvas->rgb + (size_t)y * (size_t)canvas->width * 3;
        for (int x = box.x0; x < box.x1; x++) {
            if (mask[x] <= 0) continue;
            kin_point p = kin_transform_apply(&back, x + 0.5, y + 0.5);
            float colour[4];
            paint(arg, (kin_place){p.x, p.y, pixel}, colour);
            float alpha = colour[3] * mask[x];
            for (int c = 0; c < 3; c++) rgb[3 * x + c] += alpha * (colour[c] - rgb[3 * x + c]);
        }
    }
}
