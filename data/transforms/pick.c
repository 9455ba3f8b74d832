#include "data/transforms/pick.h"

#include <math.h>

/* In low .. high, both included. */
static int whole_between(kin_stream *s, int low, int high)
{
    return low + (int)kin_stream_below(s, (uint64_t)(high - low) + 1);
}

static double log_between(kin_stream *s, const double range[2])
{
    return exp(kin_stream_range(s, log(range[0]), log(range[1])));
}

kin_window kin_pick_crop(kin_stream *s, int width, int height, int crop_width, int crop_height)
{
    int top = whole_between(s, 0, height - crop_height), left = whole_between(s, 0, width - crop_width);
    return (kin_window){left, top, crop_width, crop_height};
}

kin_window kin_pick_resized_crop(kin_stream *s, int width, int height, const double scale[2],
                                 const double ratio[2])
{
    for (int attempt = 0; attempt < 10; attempt++) {
        double area = (double)width * height * kin_stream_range(s, scale[0], scale[1]),
               aspect = log_between(s, ratio);
        double w = rint(sqrt(area * aspect)), h = rint(sqrt(area / aspect));
        if (w > 0 && w <= width && h > 0 && h <= height)
            return kin_pick_crop(s, width, height, (int)w, (int)h);
    }
    double aspect = (double)width / height;
    kin_window all = {0, 0, width, height};
    if (aspect < ratio[0]) all.height = (int)rint(width / ratio[0]);
    else if (aspect > ratio[1]) all.width = (int)rint(height * ratio[1]);
    if (all.width < 1) all.width = 1;
    if (all.height < 1) all.height = 1;
    all.left = (width - all.width) / 2, all.top = (height - all.height) / 2;
    return all;
}

bool kin_pick_erase(kin_stream *s, int width, int height, const double scale[2], const double ratio[2],
                    kin_window *out)
{
    for (int attempt = 0; attempt < 10; attempt++) {
        double area = (double)width * height * kin_stream_range(s, scale[0], scale[1]),
               aspect = log_between(s, ratio);
        double w = rint(sqrt(area / aspect)), h = rint(sqrt(area * aspect));
        if (!(w < width && h < height)) continue;
        *out = kin_pick_crop(s, width, height, (int)w, (int)h);
        return true;
    }
    return false;
}

kin_affine_warp kin_pick_affine(kin_stream *s, int width, int height, const kin_affine_range *r)
{
    kin_affine_warp a = {.degrees = kin_stream_range(s, r->degrees[0], r->degrees[1])};
    a.dx = (int)rint(kin_stream_range(s, -r->move_x * width, r->move_x * width));
    a.dy = (int)rint(kin_stream_range(s, -r->move_y * height, r->move_y * height));
    a.scale = kin_stream_range(s, r->scale[0], r->scale[1]);
    a.shear_x = kin_stream_range(s, r->shear_x[0], r->shear_x[1]);
    a.shear_y = kin_stream_range(s, r->shear_y[0], r->shear_y[1]);
    return a;
}

void kin_pick_perspective(kin_stream *s, int width, int height, double distortion, double corners[4][2])
{
    int across = (int)(distortion * (width / 2)), down = (int)(distortion * (height / 2));
    for (int i = 0; i < 4; i++) {
        bool right = i == 1 || i == 2, bottom = i >= 2;
        corners[i][0] = right ? whole_between(s, width - across - 1, width - 1) : whole_between(s, 0, across);
        corners[i][1] = bottom ? whole_between(s, height - down - 1, height - 1) : whole_between(s, 0, down);
    }
}

void kin_pick_order(kin_stream *s, int order[4])
{
    for (int i = 0; i < 4; i++) order[i] = i;
    for (int i = 3; i > 0; i--) {
        int j = whole_between(s, 0, i), swap = order[i];
        order[i] = order[j], order[j] = swap;
    }
}
