/* The heat map: its ramp, its interpolation, its mixing with the picture. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "cli/pages/heatmap.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

static double linear(uint8_t v)
{
    return v <= 10 ? v / 255.0 / 12.92 : pow((v / 255.0 + 0.055) / 1.055, 2.4);
}

/* CIE L*, another measure of lightness than the one the ramp is made by. */
static double lightness(const uint8_t rgb[3])
{
    double y = 0.2126 * linear(rgb[0]) + 0.7152 * linear(rgb[1]) + 0.0722 * linear(rgb[2]);
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
}

static void ramp(void)
{
    check_begin("heat map: the ramp grows lighter in nearly even steps, from dark to light");
    uint8_t rgb[3];
    double last = -1, first = 0;
    for (int i = 0; i <= 32; i++) {
        kin_heatmap_colour(i / 32.0, rgb);
        double now = lightness(rgb);
        if (i)
            CHECK_MSG(now - last > 0.9 && now - last < 5.5, "step %d: L* rises by %.2f to %.1f (%d %d %d)", i,
                      now - last, now, rgb[0], rgb[1], rgb[2]);
        else first = now;
        last = now;
    }
    CHECK(first < 12 && last > 88);
    uint8_t below[3], lowest[3];
    kin_heatmap_colour(-1, below);
    kin_heatmap_colour(0, lowest);
    CHECK(memcmp(below, lowest, 3) == 0);
    kin_heatmap_colour(NAN, below);
    CHECK(memcmp(below, lowest, 3) == 0);
    check_end();
}

static kin_image picture_of(int width, int height, int channels)
{
    kin_image image;
    CHECK(kin_image_new(&image, width, height, channels, NULL));
    for (int i = 0; i < width * height * channels; i++) image.data[i] = (uint8_t)(i * 37);
    return image;
}

static void mixes(void)
{
    check_begin("heat map: values between the centres, colours mixed with the picture");
    kin_image picture = picture_of(8, 4, 3), out;
    const float map[] = {0, 1, 2, 5};
    uint8_t colour[3];
    CHECK(kin_heatmap_overlay(&picture, map, 2, 2, &(kin_heatmap_opt){.opacity = 0.5}, &out, NULL));
    CHECK(out.width == 8 && out.height == 4 && out.channels == 3);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 8; x++) {
            double down = fmin(fmax((y + 0.5) / 2 - 0.5, 0), 1),
                   right = fmin(fmax((x + 0.5) / 4 - 0.5, 0), 1);
            double value =
                ((1 - down) * ((1 - right) * 0 + right * 1) + down * ((1 - right) * 2 + right * 5)) / 5;
            kin_heatmap_colour(floor(value * 255 + 0.5) / 255, colour);
            for (int c = 0; c < 3; c++)
                CHECK_CLOSE(out.data[(y * 8 + x) * 3 + c],
                            (picture.data[(y * 8 + x) * 3 + c] + colour[c]) / 2.0, 1);
        }
    kin_image_free(&out);
    /* Faded, the lowest value leaves the picture alone; values outside a given range stay at its ends. */
    CHECK(kin_heatmap_overlay(&picture, map, 2, 2,
                              &(kin_heatmap_opt){.opacity = 1, .fade = true, .low = 1.5, .high = 3}, &out,
                              NULL));
    CHECK(memcmp(out.data, picture.data, 3) == 0);
    kin_heatmap_colour(1, colour);
    CHECK(memcmp(out.data + (4 * 8 - 1) * 3, colour, 3) == 0);
    kin_image_free(&out);
    kin_image_free(&picture);
    check_end();
}

static void shapes(void)
{
    check_begin("heat map: pictures of any channels and size, maps of one cell, one row or constant");
    static const int sizes[][2] = {{1, 1}, {1, 9}, {13, 1}, {7, 5}};
    const float flat[] = {3, 3, 3, 3, 3, 3}, rising[] = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < 16; i++) {
        kin_image picture = picture_of(sizes[i % 4][0], sizes[i % 4][1], i / 4 + 1), out;
        for (int h = 1; h <= 6; h++) {
            if (6 % h) continue;
            CHECK(kin_heatmap_overlay(&picture, i % 2 ? flat : rising, h, 6 / h,
                                      &(kin_heatmap_opt){.grey = true}, &out, NULL));
            CHECK(out.channels == 3 && out.width == picture.width && out.height == picture.height);
            kin_image_free(&out);
        }
        kin_image_free(&picture);
    }
    check_end();
}

static void refusals(void)
{
    check_begin("heat map: what cannot be drawn is refused, and failed allocations leak nothing");
    kin_error err = {0};
    kin_image picture = picture_of(3, 3, 3), out;
    CHECK(!kin_heatmap_overlay(&picture, (float[]){1, NAN}, 1, 2, NULL, &out, &err));
    CHECK_TEXT(err.message, "number 1 of the heat map is not finite");
    kin_error_clear(&err);
    CHECK(!kin_heatmap_overlay(&picture, (float[]){1}, 0, 1, NULL, &out, &err));
    CHECK_TEXT(err.message, "a heat map of 1 x 0");
    kin_error_clear(&err);
    CHECK(!kin_heatmap_overlay(&picture, (float[]){1}, 1, 1, &(kin_heatmap_opt){.opacity = 2}, &out, &err));
    CHECK_TEXT(err.message, "0 .. 1, not at 2");
    long alive = kin_alloc_live();
    for (long n = 1; n < 100; n++) {
        kin_error failed = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_heatmap_overlay(&picture, (float[]){1}, 1, 1, &(kin_heatmap_opt){.grey = true}, &out,
                                      &failed),
             reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(ok ? !reached : reached && failed.code == KIN_ERR_MEMORY);
        if (ok) kin_image_free(&out);
        CHECK(kin_alloc_live() == alive);
        if (!reached) break;
    }
    kin_image_free(&picture);
    check_end();
}

static void lengths(void)
{
    check_begin("heat map: lengths over channels, of a map and of what changed");
    kin_ctx *ctx = kin_ctx_new();
    kin_error err = {0};
    kin_real numbers[2 * 2 * 3 * 4];
    for (int i = 0; i < 48; i++) numbers[i] = (kin_real)sin(i);
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(2, 2, 3, 4), numbers), *view = kin_slice(x, 1, 2),
               *y = kin_scale(x, 3, 0);
    float out[6];
    CHECK(kin_heatmap_lengths(view, NULL, 1, out, &err));
    for (int i = 0; i < 6; i++) CHECK_CLOSE(out[i], hypot(sin(24 + i * 4 + 1), sin(24 + i * 4 + 2)), 1e-6);
    CHECK(kin_heatmap_lengths(y, x, 0, out, &err));
    for (int i = 0; i < 6; i++)
        CHECK_CLOSE(out[i],
                    2 * sqrt(pow(sin(i * 4), 2) + pow(sin(i * 4 + 1), 2) + pow(sin(i * 4 + 2), 2) +
                             pow(sin(i * 4 + 3), 2)),
                    1e-5);
    CHECK(!kin_heatmap_lengths(x, NULL, 2, out, &err));
    CHECK_TEXT(err.message, "no sample 2 among the 2");
    kin_error_clear(&err);
    CHECK(!kin_heatmap_lengths(x, view, 0, out, &err));
    CHECK_TEXT(err.message, "[2, 2, 3, 2] before attention does not fit");
    kin_error_clear(&err);
    CHECK(!kin_heatmap_lengths(kin_global_avg_pool(x), NULL, 0, out, &err));
    CHECK_TEXT(err.message, "not [2, 4]");
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    ramp();
    mixes();
    shapes();
    refusals();
    lengths();
    return check_result();
}
