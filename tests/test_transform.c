/* Transforms with given parameters against torchvision's; edges, failed allocations. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/inflate.h"
#include "data/transforms/pick.h"
#include "data/transforms/randaugment.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kin_image noise(int width, int height, int channels, int low, int high)
{
    kin_image image;
    kin_error err = {0};
    kin_image_new(&image, width, height, channels, &err);
    for (int i = 0; i < width * height * channels; i++)
        image.data[i] = (uint8_t)(low + (int)kin_random_below(11, (uint64_t)i, (uint64_t)(high - low + 1)));
    return image;
}

static kin_fill level(double v) { return (kin_fill){{(uint8_t)v, (uint8_t)v, (uint8_t)v}}; }

static bool apply(kin_image *p, const char *name, const double *v, kin_error *err)
{
#define IS(text) (strcmp(name, text) == 0)
    if (IS("crop"))
        return kin_image_window(p, (kin_window){(int)v[0], (int)v[1], (int)v[2], (int)v[3]},
                                KIN_EDGE_CONSTANT, level(0), err);
    if (IS("centre"))
        return kin_image_window(p, kin_window_centre(p, (int)v[0], (int)v[1]), KIN_EDGE_CONSTANT, level(0),
                                err);
    if (IS("pad"))
        return kin_image_window(p, kin_window_pad(p, (int)v[0], (int)v[1], (int)v[2], (int)v[3]),
                                (kin_edge)(int)v[4], level(v[5]), err);
    if (IS("rotate")) return kin_image_rotate(p, v[0], (kin_warp_filter)(int)v[1], level(v[2]), err);
    if (IS("affine"))
        return kin_image_affine(p,
                                &(kin_affine_warp){.degrees = v[0],
                                                   .dx = (int)v[1],
                                                   .dy = (int)v[2],
                                                   .scale = v[3],
                                                   .shear_x = v[4],
                                                   .shear_y = v[5]},
                                (kin_warp_filter)(int)v[6], level(v[7]), err);
    if (IS("shearx")) return kin_image_shear(p, v[0], 0, KIN_WARP_NEAREST, level(0), err);
    if (IS("sheary")) return kin_image_shear(p, 0, v[0], KIN_WARP_NEAREST, level(0), err);
    if (IS("perspective"))
        return kin_image_perspective(p, (const double(*)[2])v, (kin_warp_filter)(int)v[8], level(v[9]), err);
    if (IS("saturation")) return kin_image_saturation(p, v[0], err);
    if (IS("sharpness")) return kin_image_sharpness(p, v[0], err);
    if (IS("blur")) return kin_image_blur(p, (int)v[0], v[1], err);
    if (IS("augment")) {
        int op = (int)v[1];
        double strength = kin_randaugment_strength(op, v[0] != 0, (int)v[2], (int)v[3], p->width, p->height);
        return kin_image_randaugment(p, op, v[4] != 0 && kin_randaugment_is_signed(op) ? -strength : strength,
                                     KIN_WARP_NEAREST, level(0), err);
    }
    if (IS("mirror")) kin_image_mirror(p);
    else if (IS("upend")) kin_image_upend(p);
    else if (IS("brightness")) kin_image_brightness(p, v[0]);
    else if (IS("contrast")) kin_image_contrast(p, v[0]);
    else if (IS("hue")) kin_image_hue(p, v[0]);
    else if (IS("grey")) kin_image_grey(p);
    else if (IS("invert")) kin_image_invert(p);
    else if (IS("posterize")) kin_image_posterize(p, (int)v[0]);
    else if (IS("solarize")) kin_image_solarize(p, v[0]);
    else if (IS("autocontrast")) kin_image_autocontrast(p);
    else if (IS("equalize")) kin_image_equalize(p);
    else return kin_fail(err, KIN_ERR_ARGUMENT, "no transform %s", name);
    return true;
#undef IS
}

/* The largest difference to samples in hexadecimal. */
static int farthest(const kin_image *image, const char *hex)
{
    int most = 0;
    for (int i = 0; i < image->width * image->height * image->channels; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i] ? hex[2 * i + 1] : '\0', '\0'};
        int apart = abs((int)strtol(byte, NULL, 16) - image->data[i]);
        if (apart > most) most = apart;
    }
    return most;
}

static void check_line(char *line)
{
    char *at = line, *name = strtok_r(line, " ", &at);
    double head[6], v[16];
    for (int i = 0; i < 6; i++) head[i] = strtod(strtok_r(NULL, " ", &at), NULL);
    for (int i = 0; i < (int)head[5]; i++) v[i] = strtod(strtok_r(NULL, " ", &at), NULL);
    int width = (int)strtol(strtok_r(NULL, " ", &at), NULL, 10),
        height = (int)strtol(strtok_r(NULL, " ", &at), NULL, 10);
    unsigned long sum = strtoul(strtok_r(NULL, " ", &at), NULL, 10);
    const char *hex = strtok_r(NULL, " \n", &at);
    kin_image image = noise((int)head[0], (int)head[1], (int)head[2], (int)head[3], (int)head[4]);
    kin_error err = {0};
    CHECK_MSG(apply(&image, name, v, &err), "%s: %s", name, err.message);
    CHECK_MSG(image.width == width && image.height == height, "%s: %d x %d, not %d x %d", name, image.width,
              image.height, width, height);
    if (*hex != '-')
        CHECK_MSG(farthest(&image, hex) <= 1, "%s(%g, %g) of %g x %g x %g is off by %d", name, v[0], v[1],
                  head[0], head[1], head[2], farthest(&image, hex));
    else
        CHECK_MSG(kin_crc32(0, image.data, (size_t)(image.width * image.height * image.channels)) == sum,
                  "%s(%g, %g, %g, ...) of %g x %g x %g differs", name, v[0], v[1], v[2], head[0], head[1],
                  head[2]);
    kin_image_free(&image);
}

static void golden(void)
{
    static char line[1 << 16];
    char now[32] = "";
    int cases = 0;
    FILE *file = fopen("tests/golden/transforms.txt", "r");
    check_begin("transforms: the golden file");
    CHECK(file);
    while (file && fgets(line, sizeof line, file)) {
        char name[32];
        sscanf(line, "%31s", name);
        if (strcmp(name, now) != 0) {
            check_end();
            check_begin("transforms: %s as torchvision's", name);
            memcpy(now, name, sizeof now);
        }
        check_line(line);
        cases++;
    }
    if (file) fclose(file);
    CHECK(cases > 400);
    check_end();
}

/* ---- drawn parameters ---- */

/* Writes the numbers of one draw; returns how many. */
static int draw(const char *name, kin_stream *s, double *out)
{
    const double scale[2] = {.08, 1}, ratio[2] = {.75, 4 / 3.0}, narrow[2] = {.5, 1}, square[2] = {.9, 1.1},
                 erased[2] = {.02, .33}, tall[2] = {.3, 3.3};
    const kin_affine_range range = {{-30, 40}, .1, .2, {.8, 1.5}, {-5, 15}, {-20, 10}};
    kin_window w = {0};
    if (strcmp(name, "rrc") == 0) w = kin_pick_resized_crop(s, 200, 120, scale, ratio);
    else if (strcmp(name, "rrc-narrow") == 0) w = kin_pick_resized_crop(s, 200, 40, narrow, square);
    else if (strcmp(name, "crop") == 0) w = kin_pick_crop(s, 200, 120, 100, 96);
    else if (strcmp(name, "erase") == 0) {
        while (!kin_pick_erase(s, 200, 120, erased, tall, &w)) continue;
    } else if (strcmp(name, "affine") == 0) {
        kin_affine_warp a = kin_pick_affine(s, 200, 120, &range);
        memcpy(out, (double[]){a.degrees, a.dx, a.dy, a.scale, a.shear_x, a.shear_y}, 6 * sizeof *out);
        return 6;
    } else if (strcmp(name, "perspective") == 0) {
        kin_pick_perspective(s, 200, 121, .5, (double(*)[2])out);
        return 8;
    } else {
        int order[4];
        kin_pick_order(s, order);
        for (int i = 0; i < 4; i++) out[i] = order[i];
        return 4;
    }
    memcpy(out, (double[]){w.left, w.top, w.width, w.height}, 4 * sizeof *out);
    return strcmp(name, "crop") == 0 ? 2 : 4;
}

/* Means and deviations within five standard errors of the difference (of both samples of 100,000),
 * extremes never beyond what the peer's allow by more than a hundredth of the spread. */
static void compare_draws(const char *name, char *at)
{
    enum { DRAWS = 100000, MOST = 8 };
    double sum[MOST] = {0}, square[MOST] = {0}, low[MOST], high[MOST], v[MOST];
    int count = 0;
    for (int i = 0; i < DRAWS; i++) {
        kin_stream s = kin_stream_new(kin_key(5, (uint64_t)i, 0));
        count = draw(name, &s, v);
        for (int k = 0; k < count; k++) {
            sum[k] += v[k], square[k] += v[k] * v[k];
            if (i == 0 || v[k] < low[k]) low[k] = v[k];
            if (i == 0 || v[k] > high[k]) high[k] = v[k];
        }
    }
    for (int k = 0; k < count; k++) {
        double mean = strtod(at, &at), deviation = strtod(at, &at), least = strtod(at, &at),
               most = strtod(at, &at);
        double got = sum[k] / DRAWS, spread = sqrt(fmax(square[k] / DRAWS - got * got, 0)),
               error = deviation * sqrt(2.0 / DRAWS), slack = .01 * (most - least);
        CHECK_MSG(fabs(got - mean) <= 5 * error, "%s: number %d has mean %g, not %g", name, k, got, mean);
        CHECK_MSG(fabs(spread - deviation) <= 5 * error, "%s: number %d has deviation %g, not %g", name, k,
                  spread, deviation);
        CHECK_MSG(fabs(low[k] - least) <= slack + 1 && fabs(high[k] - most) <= slack + 1,
                  "%s: number %d lies in %g .. %g, not in %g .. %g", name, k, low[k], high[k], least, most);
    }
}

static void draws(void)
{
    static char line[1 << 12];
    FILE *file = fopen("tests/golden/picks.txt", "r");
    int cases = 0;
    check_begin("transforms: parameters distributed as torchvision's");
    CHECK(file);
    while (file && fgets(line, sizeof line, file)) {
        char *rest = strchr(line, ' ');
        if (!rest) continue;
        *rest = '\0';
        compare_draws(line, rest + 1);
        cases++;
    }
    if (file) fclose(file);
    CHECK(cases == 7);
    check_end();
}

/* ---- noise, bounds, failures ---- */

static void noise_erased(void)
{
    check_begin("transforms: noise of the wanted mean and deviation, within its window alone");
    kin_image image = noise(200, 180, 3, 7, 7);
    const double mean[3] = {123.7, 100, 128}, deviation[3] = {40, 10, 1e-3};
    double sum[3] = {0}, square[3] = {0};
    kin_image_erase_noise(&image, (kin_window){-5, 20, 155, 300}, mean, deviation, 3);
    for (int y = 0; y < 180; y++)
        for (int x = 0; x < 200; x++)
            for (int c = 0; c < 3; c++) {
                double v = image.data[(y * 200 + x) * 3 + c];
                bool inside = x < 150 && y >= 20;
                if (!inside) CHECK_MSG(v == 7, "(%d, %d) was touched", x, y);
                if (inside) sum[c] += v, square[c] += v * v;
            }
    for (int c = 0; c < 3; c++) {
        double m = sum[c] / (150 * 160), d = sqrt(square[c] / (150 * 160) - m * m);
        CHECK_CLOSE(m, mean[c], .02 * deviation[c] + .01);
        CHECK_CLOSE(d, deviation[c], .03 * deviation[c] + .01);
    }
    kin_image_free(&image);
    check_end();
}

/* With each allocation failing in turn the picture stays as it was. */
static void failures(void)
{
    static const struct {
        const char *name;
        double v[10];
    } all[] = {{"crop", {2, 2, 9, 9}},
               {"rotate", {30, 1, 0}},
               {"rotate", {90, 0, 0}},
               {"affine", {0, 1, 1, 1, 0, 0, 0, 0}},
               {"perspective", {1, 1, 18, 0, 19, 19, 0, 18, 0, 0}},
               {"saturation", {2}},
               {"sharpness", {2}},
               {"blur", {5, 1}}};
    check_begin("transforms: a failed allocation leaves the picture as it was");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (long n = 1;; n++) {
            kin_image image = noise(20, 20, 3, 0, 255), same = noise(20, 20, 3, 0, 255);
            long alive = kin_alloc_live();
            kin_error err = {0};
            kin_alloc_fail_at(n);
            bool ok = apply(&image, all[i].name, all[i].v, &err), reached = kin_alloc_pending() == 0;
            kin_alloc_fail_at(0);
            CHECK_MSG(ok == !reached && kin_alloc_live() == alive, "%s: allocation %ld", all[i].name, n);
            if (!ok) CHECK(err.code == KIN_ERR_MEMORY && memcmp(image.data, same.data, 1200) == 0);
            kin_image_free(&image), kin_image_free(&same);
            if (!reached) break;
        }
    check_end();
}

static void refusals(void)
{
    check_begin("transforms: what cannot be done is refused");
    kin_image image = noise(5, 4, 3, 0, 255);
    kin_error err = {0};
    const double line[4][2] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}};
    CHECK(!kin_image_perspective(&image, line, KIN_WARP_NEAREST, level(0), &err));
    CHECK_TEXT(err.message, "in line");
    kin_error_clear(&err);
    CHECK(!kin_image_window(&image, (kin_window){0, 0, 0, 4}, KIN_EDGE_CONSTANT, level(0), &err));
    kin_error_clear(&err);
    CHECK(!kin_image_window(&image, (kin_window){0, 0, 1 << 30, 4}, KIN_EDGE_CONSTANT, level(0), &err));
    kin_error_clear(&err);
    CHECK(!kin_image_blur(&image, 4, 1, &err));
    CHECK_TEXT(err.message, "odd kernel");
    kin_error_clear(&err);
    CHECK(kin_image_blur(&image, 23, 3, &err) &&
          kin_image_window(&image, (kin_window){-40, -50, 100, 90}, KIN_EDGE_REFLECT, level(0), &err));
    kin_image_free(&image);
    check_end();
}

int main(void)
{
    golden();
    draws();
    noise_erased();
    failures();
    refusals();
    return check_result();
}
