/* Transforms on one thread: microseconds of the processor a picture, 500 × 375 RGB as ImageNet's often
 * are, copied first.
 *     build/cc/bench/transforms */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/transforms/recipe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { ROUNDS = 5, WIDTH = 500, HEIGHT = 375, SMALL = 224 };
static int ascending(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : 1;
}

/* Smooth colours with some noise: no two neighbours quite alike, as in photographs. */
static kin_image photo(int width, int height)
{
    kin_image image;
    kin_error err = {0};
    if (!kin_image_new(&image, width, height, 3, &err)) exit(1);
    for (int i = 0; i < width * height * 3; i++)
        image.data[i] = (uint8_t)(120 +
                                  90 * sin((i / 3 % width) * 0.013 * (1 + i % 3) + (i / 3 / width) * 0.021) +
                                  (double)kin_random_below(1, (uint64_t)i, 24));
    return image;
}

static void bench(const char *text, const kin_image *from)
{
    kin_recipe recipe;
    kin_error err = {0};
    double seconds[ROUNDS];
    uint64_t picture = 0;
    if (!kin_recipe_parse(text, &recipe, &err)) exit(1);
    int count = 1;
    for (int round = -1; round < ROUNDS; round++) {
        double start = now();
        for (int i = 0; i < count; i++) {
            kin_image image;
            if (!kin_image_new(&image, from->width, from->height, 3, &err)) exit(1);
            memcpy(image.data, from->data, (size_t)from->width * (size_t)from->height * 3);
            if (!kin_recipe_apply(&recipe, kin_recipe_key(1, 0, picture++), &image, &err)) exit(1);
            kin_image_free(&image);
        }
        double taken = now() - start;
        if (round >= 0) seconds[round] = taken / count;
        else count = 1 + (int)(0.05 / (taken + 1e-6)); /* about 50 ms a round */
    }
    qsort(seconds, ROUNDS, sizeof *seconds, ascending);
    printf("kin          %-44s %9.1f us\n", text, seconds[ROUNDS / 2] * 1e6);
}

int main(void)
{
    static const char *const whole[] = {"imagenet-train", "imagenet-train-2", "imagenet-eval", "simclr"},
                             *const small[] = {"flip(1)",           "crop(224,28)",
                                               "rotate(30)",        "rotate(30,bilinear)",
                                               "perspective(.5,1)", "jitter(.4)",
                                               "jitter(0,.4)",      "jitter(0,0,.4)",
                                               "jitter(hue=.1)",    "jitter(.4,.4,.4,.1)",
                                               "grey(1)",           "blur(23,.1-2)",
                                               "blur(23,2)",        "erase(1)",
                                               "sharpness(2,1)",    "equalize(1)",
                                               "autocontrast(1)",   "solarize(128,1)",
                                               "posterize(4,1)",    "invert(1)",
                                               "randaugment",       "trivial"};
    kin_set_threads(1);
    kin_image large = photo(WIDTH, HEIGHT), image = photo(SMALL, SMALL);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) bench(whole[i], &large);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) bench(small[i], &image);
    kin_image_free(&large), kin_image_free(&image);
    return 0;
}
