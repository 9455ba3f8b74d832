/* Warps: each sample of the result is looked up at a place of the picture. */
#include "base/memory.h"
#include "data/transforms/transform_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;

/* From the middle of a pixel of the result to a place in the picture: x' = (m0 x + m1 y + m2)/(m6 x + m7 y
 * + 1), y' = (m3 x + m4 y + m5)/(m6 x + m7 y + 1); affine: m6 = m7 = 0. */
typedef struct warp {
    double m[8];
} warp;

static int whole(double v) { return v < 0 ? -1 : v >= 1e9 ? 1000000000 : (int)v; }

static void copy_pixel(uint8_t *to, const uint8_t *from, int channels)
{
    to[0] = from[0];
    if (channels == 3) to[1] = from[1], to[2] = from[2];
}

/* ---- nearest ---- */

/* Without rotation or shear Pillow adds up places in double; a row has one source row. */
static bool scaled_nearest(const kin_image *in, const double *m, kin_image *out, kin_error *err)
{
    int *column = kin_alloc_array((size_t)out->width, sizeof *column);
    if (!column) return kin_fail_memory(err, "a warp", (size_t)out->width * sizeof *column);
    double at = m[2] + m[0] * 0.5;
    for (int x = 0; x < out->width; x++, at += m[0]) column[x] = whole(at);
    at = m[5] + m[4] * 0.5;
    for (int y = 0; y < out->height; y++, at += m[4]) {
        int from_y = whole(at), channels = in->channels;
        if (from_y < 0 || from_y >= in->height) continue;
        const uint8_t *from = in->data + (size_t)from_y * (size_t)in->width * (size_t)channels;
        uint8_t *to = out->data + (size_t)y * (size_t)out->width * (size_t)channels;
        for (int x = 0; x < out->width; x++)
            if (column[x] >= 0 && column[x] < in->width)
                copy_pixel(to + (size_t)x * (size_t)channels, from + (size_t)column[x] * (size_t)channels,
                           channels);
    }
    kin_free(column);
    return true;
}

static int64_t fixed(double v) { return (int64_t)floor(v * 65536.0 + 0.5); }

/* Otherwise places have 16 bits of fraction. */
static void fixed_nearest(const kin_image *in, const double *m, kin_image *out)
{
    int64_t dx = fixed(m[0]), dy = fixed(m[3]), x_row = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5),
            y_row = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
    size_t channels = (size_t)in->channels;
    int64_t right = (int64_t)in->width << 16, bottom = (int64_t)in->height << 16, x_down = fixed(m[1]),
            y_down = fixed(m[4]);
    for (int y = 0; y < out->height; y++, x_row += x_down, y_row += y_down) {
        int64_t x_at = x_row, y_at = y_row;
        uint8_t *to = out->data + (size_t)y * (size_t)out->width * channels;
        for (int x = 0; x < out->width; x++, to += channels, x_at += dx, y_at += dy) {
            int64_t px = x_at >> 16, py = y_at >> 16;
            if ((uint64_t)x_at < (uint64_t)right && (uint64_t)y_at < (uint64_t)bottom)
                copy_pixel(to, in->data + (size_t)(py * in->width + px) * channels, in->channels);
        }
    }
}

static bool fits_fixed(const double *m, int x, int y)
{
    return fabs(x * m[0] + y * m[1] + m[2]) < 32768.0 && fabs(x * m[3] + y * m[4] + m[5]) < 32768.0;
}

/* Pictures too large for that: added up in double. */
static void wide_nearest(const kin_image *in, const double *m, kin_image *out)
{
    double x_row = m[2] + m[1] * 0.5 + m[0] * 0.5, y_row = m[5] + m[4] * 0.5 + m[3] * 0.5;
    size_t channels = (size_t)in->channels;
    for (int y = 0; y < out->height; y++, x_row += m[1], y_row += m[4]) {
        double x_at = x_row, y_at = y_row;
        uint8_t *to = out->data + (size_t)y * (size_t)out->width * channels;
        for (int x = 0; x < out->width; x++, to += channels, x_at += m[0], y_at += m[3]) {
            int px = whole(x_at), py = whole(y_at);
            if (px >= 0 && px < in->width && py >= 0 && py < in->height)
                copy_pixel(to, in->data + ((size_t)py * (size_t)in->width + (size_t)px) * channels,
                           in->channels);
        }
    }
}

static bool affine_nearest(const kin_image *in, const double *m, kin_image *out, kin_error *err)
{
    int w = out->width, h = out->height;
    if (m[1] == 0 && m[3] == 0) return scaled_nearest(in, m, out, err);
    if (fits_fixed(m, 0, 0) && fits_fixed(m, w, h) && fits_fixed(m, 0, h) && fits_fixed(m, w, 0))
        fixed_nearest(in, m, out);
    else wide_nearest(in, m, out);
    return true;
}

/* ---- bilinear, and every perspective ---- */

/* Samples are points at the pixels' middles; beyond the outermost ones the nearest counts. Cut, not
 * rounded, to bytes. Double precision is Pillow's, and decides where a sum comes close to a whole number. */
static inline void bilinear_pixel(const kin_image *in, size_t channels, double x, double y, uint8_t *to)
{
    x -= 0.5, y -= 0.5;
    int x0 = (int)(x + 1) - 1, y0 = (int)(y + 1) - 1; /* floor: x and y are above -1 */
    double dx = x - x0, dy = y - y0;
    size_t row = (size_t)in->width * channels;
    size_t left = (size_t)(x0 < 0 ? 0 : x0) * channels,
           right = (size_t)(x0 + 1 < in->width ? x0 + 1 : in->width - 1) * channels;
    const uint8_t *above = in->data + (size_t)(y0 < 0 ? 0 : y0) * row,
                  *below = in->data + (size_t)(y0 + 1 < in->height ? y0 + 1 : in->height - 1) * row;
    for (size_t c = 0; c < channels; c++) {
        double a = above[left + c] + (double)(above[right + c] - above[left + c]) * dx,
               b = below[left + c] + (double)(below[right + c] - below[left + c]) * dx;
        to[c] = (uint8_t)(int)(a + (b - a) * dy);
    }
}

/* Is the place within the picture? */
static inline bool inside(const kin_image *in, double x, double y)
{
    return x >= 0 && x < in->width && y >= 0 && y < in->height;
}

static void look_up_row(const kin_image *in, const double *m, int y, bool flat, kin_warp_filter filter,
                        uint8_t *to, int width)
{
    double py = y + 0.5, x_part = m[1] * py, y_part = m[4] * py, depth_part = m[7] * py;
    for (int x = 0; x < width; x++, to += in->channels) {
        double px = x + 0.5, xs = m[0] * px + x_part + m[2], ys = m[3] * px + y_part + m[5];
        if (!flat) {
            double depth = m[6] * px + depth_part + 1;
            xs /= depth, ys /= depth;
        }
        if (!inside(in, xs, ys)) continue;
        if (filter == KIN_WARP_NEAREST)
            copy_pixel(
                to, in->data + ((size_t)(int)ys * (size_t)in->width + (size_t)(int)xs) * (size_t)in->channels,
                in->channels);
        else if (in->channels == 3) bilinear_pixel(in, 3, xs, ys, to);
        else bilinear_pixel(in, 1, xs, ys, to);
    }
}

static void look_up(const kin_image *in, const warp *w, kin_warp_filter filter, kin_image *out)
{
    bool flat = w->m[6] == 0 && w->m[7] == 0;
    for (int y = 0; y < out->height; y++)
        look_up_row(in, w->m, y, flat, filter,
                    out->data + (size_t)y * (size_t)out->width * (size_t)out->channels, out->width);
}

static bool warp_image(kin_image *image, const warp *w, bool perspective, kin_warp_filter filter,
                       kin_fill fill, kin_error *err)
{
    kin_image out;
    if (!kin_image_new(&out, image->width, image->height, image->channels, err)) return false;
    kin_fill_pixels(out.data, (size_t)out.width * (size_t)out.height, out.channels, fill);
    bool ok = true;
    if (filter == KIN_WARP_NEAREST && !perspective) ok = affine_nearest(image, w->m, &out, err);
    else look_up(image, w, filter, &out);
    if (!ok) {
        kin_image_free(&out);
        return false;
    }
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}

/* ---- the matrices ---- */

/* Quarter turns move pixels. */
static bool quarter_turn(kin_image *image, bool clockwise, kin_error *err)
{
    kin_image out;
    if (!kin_image_new(&out, image->width, image->height, image->channels, err)) return false;
    int side = image->width, channels = image->channels;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            int to_x = clockwise ? side - 1 - y : y, to_y = clockwise ? x : side - 1 - x;
            copy_pixel(out.data + ((size_t)to_y * (size_t)side + (size_t)to_x) * (size_t)channels,
                       image->data + ((size_t)y * (size_t)side + (size_t)x) * (size_t)channels, channels);
        }
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}

/* Pillow rounds the matrix to 15 decimals, so that right angles come out exact. (v·1e15 is itself rounded:
 * ties would go wrong.) */
static double fifteen(double v)
{
    char text[32];
    snprintf(text, sizeof text, "%.15f", v);
    return strtod(text, NULL);
}

bool kin_image_rotate(kin_image *image, double degrees, kin_warp_filter filter, kin_fill fill, kin_error *err)
{
    double angle = fmod(degrees, 360);
    if (angle < 0) angle += 360;
    if (angle == 0) return true;
    if (angle == 180) {
        kin_image_mirror(image);
        kin_image_upend(image);
        return true;
    }
    if ((angle == 90 || angle == 270) && image->width == image->height)
        return quarter_turn(image, angle == 270, err);
    angle = -(angle * (pi / 180));
    double c = fifteen(cos(angle)), s = fifteen(sin(angle)), cx = image->width / 2.0,
           cy = image->height / 2.0;
    warp w = {{c, s, 0, -s, c, 0}};
    w.m[2] = c * -cx + s * -cy + 0 + cx;
    w.m[5] = w.m[3] * -cx + c * -cy + 0 + cy;
    return warp_image(image, &w, false, filter, fill, err);
}

/* The inverse of T·C·R·S·Shy·Shx·C⁻¹, with R S Shy Shx = [a b; c d] of determinant scale². */
bool kin_image_affine(kin_image *image, const kin_affine_warp *f, kin_warp_filter filter, kin_fill fill,
                      kin_error *err)
{
    double turn = f->degrees * (pi / 180), sx = f->shear_x * (pi / 180), sy = f->shear_y * (pi / 180);
    double cx = f->about_corner ? 0 : image->width * 0.5, cy = f->about_corner ? 0 : image->height * 0.5;
    double a = cos(turn - sy) / cos(sy), b = -cos(turn - sy) * tan(sx) / cos(sy) - sin(turn);
    double c = sin(turn - sy) / cos(sy), d = -sin(turn - sy) * tan(sx) / cos(sy) + cos(turn);
    warp w = {{d / f->scale, -b / f->scale, 0, -c / f->scale, a / f->scale, 0}};
    w.m[2] = w.m[0] * (-cx - f->dx) + w.m[1] * (-cy - f->dy) + cx;
    w.m[5] = w.m[3] * (-cx - f->dx) + w.m[4] * (-cy - f->dy) + cy;
    return warp_image(image, &w, false, filter, fill, err);
}

bool kin_image_shear(kin_image *image, double x_by, double y_by, kin_warp_filter filter, kin_fill fill,
                     kin_error *err)
{
    kin_affine_warp shear = {.scale = 1,
                             .shear_x = atan(x_by) * (180 / pi),
                             .shear_y = atan(y_by) * (180 / pi),
                             .about_corner = true};
    return kin_image_affine(image, &shear, filter, fill, err);
}

/* Solves a[8][9], the right side in the last column, by elimination with row pivots. */
static bool solve_eight(double a[8][9])
{
    for (int k = 0; k < 8; k++) {
        int pivot = k;
        for (int i = k + 1; i < 8; i++)
            if (fabs(a[i][k]) > fabs(a[pivot][k])) pivot = i;
        if (fabs(a[pivot][k]) < 1e-9) return false;
        for (int j = 0; j < 9; j++) {
            double swap = a[k][j];
            a[k][j] = a[pivot][j], a[pivot][j] = swap;
        }
        for (int i = 0; i < 8; i++) {
            double share = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = k; share != 0 && j < 9; j++) a[i][j] -= share * a[k][j];
        }
    }
    return true;
}

/* Eight equations, two a corner: the warp takes the corner's new place to its old one. torchvision keeps
 * the solution in single precision. */
bool kin_image_perspective(kin_image *image, const double corners[4][2], kin_warp_filter filter,
                           kin_fill fill, kin_error *err)
{
    double right = image->width - 1, bottom = image->height - 1,
           start[4][2] = {{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}, a[8][9] = {{0}};
    for (int i = 0; i < 4; i++) {
        double x = corners[i][0], y = corners[i][1], *row = a[2 * i], *next = a[2 * i + 1];
        row[0] = x, row[1] = y, row[2] = 1, row[6] = -start[i][0] * x, row[7] = -start[i][0] * y,
        row[8] = start[i][0];
        next[3] = x, next[4] = y, next[5] = 1, next[6] = -start[i][1] * x, next[7] = -start[i][1] * y,
        next[8] = start[i][1];
    }
    if (!solve_eight(a))
        return kin_fail(err, KIN_ERR_ARGUMENT, "a perspective's corners must not lie in line");
    warp w;
    for (int k = 0; k < 8; k++) w.m[k] = (float)(a[k][8] / a[k][k]);
    return warp_image(image, &w, true, filter, fill, err);
}
