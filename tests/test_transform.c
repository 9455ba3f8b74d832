/* Transforms with given parameters against torchvision's; edges, failed allocations. */
#include "base/memory.h"
#include "base/random.h"
#include "data/inflate.h"
#include "data/transform.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kin_image noise(int width, int height, int channels, int low, int high)
{
    kin_image image;
    kin_error err = {0};
    kin_image_new(&image, width, height, channels, &err);
    for (int i = 0; i < width * height * channels; i++) image.data[i] = (uint8_t)(low + (int)kin_random_below(11, (uint64_t)i, (uint64_t)(high - low + 1)));
    return image;
}

static kin_fill level(double v) { return (kin_fill){{(uint8_t)v, (uint8_t)v, (uint8_t)v}}; }

static bool apply(kin_image *p, const char *name, const double *v, kin_error *err)
{
#define IS(text) (strcmp(name, text) == 0)
    if (IS("crop")) return kin_image_window(p, (kin_window){(int)v[0], (int)v[1], (int)v[2], (int)v[3]}, KIN_EDGE_CONSTANT, level(0), err);
    if (IS("centre")) return kin_image_window(p, kin_window_centre(p, (int)v[0], (int)v[1]), KIN_EDGE_CONSTANT, level(0), err);
    if (IS("pad")) return kin_image_window(p, kin_window_pad(p, (int)v[0], (int)v[1], (int)v[2], (int)v[3]), (kin_edge)(int)v[4], level(v[5]), err);
    if (IS("rotate")) return kin_image_rotate(p, v[0], (kin_warp_filter)(int)v[1], level(v[2]), err);
    if (IS("affine"))
        return kin_image_affine(p, &(kin_affine){.degrees = v[0], .dx = (int)v[1], .dy = (int)v[2], .scale = v[3], .shear_x = v[4], .shear_y = v[5]}, (kin_warp_filter)(int)v[6], level(v[7]), err);
    if (IS("shearx")) return kin_image_shear(p, v[0], 0, KIN_WARP_NEAREST, level(0), err);
    if (IS("sheary")) return kin_image_shear(p, 0, v[0], KIN_WARP_NEAREST, level(0), err);
    if (IS("perspective")) return kin_image_perspective(p, (const double(*)[2])v, (kin_warp_filter)(int)v[8], level(v[9]), err);
    if (IS("saturation")) return kin_image_saturation(p, v[0], err);
    if (IS("sharpness")) return kin_image_sharpness(p, v[0], err);
    if (IS("blur")) return kin_image_blur(p, (int)v[0], v[1], err);
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
    int width = atoi(strtok_r(NULL, " ", &at)), height = atoi(strtok_r(NULL, " ", &at));
    unsigned long sum = strtoul(strtok_r(NULL, " ", &at), NULL, 10);
    const char *hex = strtok_r(NULL, " \n", &at);
    kin_image image = noise((int)head[0], (int)head[1], (int)head[2], (int)head[3], (int)head[4]);
    kin_error err = {0};
    CHECK_MSG(apply(&image, name, v, &err), "%s: %s", name, err.message);
    CHECK_MSG(image.width == width && image.height == height, "%s: %d x %d, not %d x %d", name, image.width, image.height, width, height);
    if (*hex != '-') CHECK_MSG(farthest(&image, hex) <= 1, "%s(%g, %g) of %g x %g x %g is off by %d", name, v[0], v[1], head[0], head[1], head[2], farthest(&image, hex));
    else
        CHECK_MSG(kin_crc32(0, image.data, (size_t)(image.width * image.height * image.channels)) == sum, "%s(%g, %g, %g, ...) of %g x %g x %g differs", name, v[0], v[1], v[2], head[0], head[1],
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

int main(void)
{
    golden();
    return check_result();
}
