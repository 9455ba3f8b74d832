/* Outlines, coverage, and the shop that draws itself. */
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/shop/draw.h"
#include "data/shop/synth.h"
#include "data/shop/synth_parts.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const kin_transform same = {{1, 0, 0, 0, 1, 0, 0, 0, 1}};

static double total(const kin_canvas *canvas)
{
    double sum = 0;
    for (int y = 0; y < canvas->height; y++)
        for (int x = 0; x < canvas->width; x++)
            sum += canvas->mask[(size_t)y * (size_t)(canvas->width + 2) + (size_t)x];
    return sum;
}

static double at(const kin_canvas *canvas, int x, int y)
{
    return canvas->mask[(size_t)y * (size_t)(canvas->width + 2) + (size_t)x];
}

static void coverage(void)
{
    check_begin("draw: coverage is the exact area");
    kin_canvas canvas;
    kin_path path = {0};
    CHECK(kin_canvas_new(&canvas, 40, 30, NULL));
    kin_path_round_rect(&path, 3.25, 4.5, 10.75, 8.75, 0);
    kin_draw_mask(&canvas, &path, &same);
    CHECK_CLOSE(total(&canvas), 7.5 * 4.25, 1e-4);
    CHECK_CLOSE(at(&canvas, 3, 4), 0.75 * 0.5, 1e-5);
    CHECK_CLOSE(at(&canvas, 10, 8), 0.75 * 0.75, 1e-5);
    CHECK(at(&canvas, 5, 6) == 1 && at(&canvas, 2, 6) == 0 && at(&canvas, 11, 6) == 0);

    kin_path_clear(&path);
    kin_path_point(&path, 2, 3), kin_path_point(&path, 31.5, 7.25), kin_path_point(&path, 12, 26.5);
    kin_path_close(&path);
    kin_draw_mask(&canvas, &path, &same);
    CHECK_CLOSE(total(&canvas), 0.5 * fabs((31.5 - 2) * (26.5 - 3) - (12 - 2) * (7.25 - 3)), 1e-3);
    check_end();

    check_begin("draw: overlapping contours are a union, whatever way they turn");
    kin_path_clear(&path);
    kin_path_round_rect(&path, 5, 5, 15, 15, 0);
    kin_path_point(&path, 10, 10), kin_path_point(&path, 10, 20), kin_path_point(&path, 20, 20),
        kin_path_point(&path, 20, 10);
    kin_path_close(&path);
    kin_draw_mask(&canvas, &path, &same);
    CHECK_CLOSE(total(&canvas), 175, 1e-3);
    check_end();

    check_begin("draw: what hangs over the canvas is cut, and a shape far off it leaves nothing");
    kin_path_clear(&path);
    kin_path_round_rect(&path, -1000, -5, 7.5, 100, 0);
    kin_draw_mask(&canvas, &path, &same);
    CHECK_CLOSE(total(&canvas), 7.5 * 30, 1e-3);
    kin_path_clear(&path);
    kin_path_ellipse(&path, 500, 12, 30, 30);
    kin_draw_mask(&canvas, &path, &same);
    CHECK(total(&canvas) == 0);
    kin_path_clear(&path);
    kin_path_ellipse(&path, 20, 15, 300, 300);
    kin_draw_mask(&canvas, &path, &same);
    CHECK_CLOSE(total(&canvas), 40 * 30, 1e-3);
    check_end();

    check_begin("draw: a softened mask keeps its sum");
    kin_path_clear(&path);
    kin_path_ellipse(&path, 20, 15, 4, 4);
    kin_draw_mask(&canvas, &path, &same);
    double before = total(&canvas);
    kin_draw_soften(&canvas, 1.3);
    CHECK_CLOSE(total(&canvas), before, 1e-3);
    CHECK(at(&canvas, 20, 15) > at(&canvas, 25, 15) && at(&canvas, 25, 15) > 0);
    check_end();
    kin_path_free(&path);
    kin_canvas_free(&canvas);
}

static void numbers(void)
{
    check_begin("draw: sine and cosine without libm");
    for (int i = -4000; i <= 4000; i++) {
        double t = i / 997.0;
        CHECK_CLOSE(kin_sine_turns(t), sin(6.283185307179586 * t), 1e-9);
        CHECK_CLOSE(kin_cosine_turns(t), cos(6.283185307179586 * t), 1e-9);
    }
    check_end();

    check_begin("draw: a transform and its inverse");
    kin_transform t = kin_transform_then(
        kin_transform_then(kin_transform_turn(0.1),
                           (kin_transform){{1, 0.2, 3, 0.1, 1.5, -2, 0.05, -0.1, 1}}),
        kin_transform_make(20, 0, 5, 0, 20, 7));
    kin_transform back = kin_transform_inverse(t);
    kin_point p = kin_transform_apply(&t, 0.3, -0.7), q = kin_transform_apply(&back, p.x, p.y);
    CHECK_CLOSE(q.x, 0.3, 1e-12);
    CHECK_CLOSE(q.y, -0.7, 1e-12);
    check_end();
}

static void silhouettes(void)
{
    check_begin("synth: every silhouette fits its square and holds its print, for all proportions");
    for (int kind = 0; kind < kin_silhouette_kinds(); kind++)
        for (int corner = 0; corner < 16; corner++) {
            double p[KIN_SYNTH_PROPORTIONS];
            for (int i = 0; i < KIN_SYNTH_PROPORTIONS; i++) p[i] = corner >> i & 1;
            kin_silhouette shape;
            kin_silhouette_make(&shape, kind, p);
            CHECK(!shape.failed && shape.count > 0 && shape.print_r > 0.2 && shape.round >= 0);
            int bodies = 0;
            for (int i = 0; i < shape.count; i++) {
                bodies += shape.parts[i].role == KIN_PART_BODY;
                for (size_t k = 0; k < shape.parts[i].path.count; k++) {
                    kin_point at_point = shape.parts[i].path.points[k];
                    CHECK_MSG(fabs(at_point.x) < 1.12 && fabs(at_point.y) < 1.12, "%s reaches (%g, %g)",
                              kin_silhouette_name(kind), at_point.x, at_point.y);
                }
            }
            CHECK(bodies > 0);
            kin_silhouette_free(&shape);
        }
    check_end();
}

/* FNV-1a over the stored values. */
static uint64_t fingerprint(const kin_image *image)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < image->width * image->height * image->channels; i++)
        hash = (hash ^ image->data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t shop_fingerprint(const kin_synth_opt *opt, int products)
{
    uint64_t sum = 0;
    for (int product = 0; product < products; product++) {
        kin_image image;
        CHECK(kin_synth_image(opt, product, product % 5, &image, NULL));
        sum = sum * 31 + fingerprint(&image);
        kin_image_free(&image);
    }
    return sum;
}

static double distance(const kin_image *a, const kin_image *b)
{
    double sum = 0;
    for (int i = 0; i < a->width * a->height * 3; i++) sum += abs(a->data[i] - b->data[i]);
    return sum / (a->width * a->height * 3);
}

static void pictures(void)
{
    check_begin("synth: a picture is a function of seed, product, view and size");
    kin_synth_opt opt = {.seed = 5, .size = 32};
    kin_image a, b, other;
    CHECK(kin_synth_image(&opt, 3, 2, &a, NULL) && kin_synth_image(&opt, 3, 2, &b, NULL));
    CHECK(a.width == 32 && a.height == 32 && a.channels == 3 && fingerprint(&a) == fingerprint(&b));
    kin_image_free(&b);
    CHECK(kin_synth_image(&opt, 3, 1, &b, NULL) && kin_synth_image(&opt, 7, 2, &other, NULL));
    CHECK(distance(&a, &b) > 4 && distance(&a, &other) > 4);
    kin_image_free(&b), kin_image_free(&other);
    opt.seed = 6;
    CHECK(kin_synth_image(&opt, 3, 2, &other, NULL) && distance(&a, &other) > 4);
    kin_image_free(&other), kin_image_free(&a);
    check_end();

    check_begin("synth: the same bytes from every compiler");
    opt = (kin_synth_opt){.seed = 1, .size = 40};
    uint64_t print = shop_fingerprint(&opt, 64);
    CHECK_MSG(print == UINT64_C(0x5810c673b412f4f7), "the fingerprint is %llx", (unsigned long long)print);
    check_end();

    check_begin("synth: the size changes the grain, not the picture");
    kin_image large, reduced;
    opt = (kin_synth_opt){.seed = 2, .size = 32};
    CHECK(kin_synth_image(&opt, 9, 0, &a, NULL));
    opt.size = 128;
    CHECK(kin_synth_image(&opt, 9, 0, &large, NULL) &&
          kin_image_resize(&large, 32, 32, KIN_FILTER_BOX, &reduced, NULL));
    CHECK_MSG(distance(&a, &reduced) < 6, "mean difference %g", distance(&a, &reduced));
    kin_image_free(&a), kin_image_free(&large), kin_image_free(&reduced);
    check_end();

    check_begin("synth: sizes and numbers that make no sense are refused");
    kin_error err = {0};
    CHECK(!kin_synth_image(&(kin_synth_opt){.size = 4}, 0, 0, &a, &err) && a.data == NULL);
    CHECK_TEXT(err.message, "size 4");
    kin_error_clear(&err);
    CHECK(!kin_synth_image(&(kin_synth_opt){.size = 32}, -1, 0, &a, &err));
    CHECK_TEXT(err.message, "product -1");
    check_end();
}

static void lines(void)
{
    check_begin("synth: products share silhouettes, palettes and lines");
    kin_synth_opt opt = {.seed = 1};
    int used[64] = {0};
    for (int product = 0; product < 200; product += 4) {
        const char *kind = kin_synth_kind(&opt, product);
        for (int i = 0; i < 4; i++) CHECK(strcmp(kin_synth_kind(&opt, product + i), kind) == 0);
        for (int i = 0; i < kin_silhouette_kinds(); i++) used[i] += strcmp(kind, kin_silhouette_name(i)) == 0;
    }
    int kinds = 0;
    for (int i = 0; i < kin_silhouette_kinds(); i++) kinds += used[i] > 0;
    CHECK(kinds >= 12);
    check_end();
}

static void memory(void)
{
    check_begin("synth: a failed allocation is an error and leaks nothing");
    kin_synth_opt opt = {.seed = 1, .size = 16};
    long live = kin_alloc_live();
    int failures = 0;
    for (long n = 1; n < 400; n++) {
        kin_image image;
        kin_error err = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_synth_image(&opt, 1, 0, &image, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        if (ok) kin_image_free(&image);
        CHECK(kin_alloc_live() == live);
        if (ok) break;
        failures++;
    }
    CHECK(failures > 10 && failures < 399);
    check_end();
}

/* ---- the folder tree ---- */

static bool same_file(const char *a, const char *b)
{
    kin_bytes x, y;
    if (!kin_read_file(a, 0, &x, NULL)) return false;
    bool ok = kin_read_file(b, 0, &y, NULL) && x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    kin_bytes_free(&x);
    kin_bytes_free(&y);
    return ok;
}

typedef struct count {
    int64_t done, total, stop_at;
} count;

static bool progress(void *arg, int64_t done, int64_t all)
{
    count *c = arg;
    CHECK(done > c->done && done <= all);
    *c = (count){done, all, c->stop_at};
    return !c->stop_at || done < c->stop_at;
}

static void folders(void)
{
    check_begin("synth: the same tree with any number of threads, in place only when whole");
    count c = {0};
    kin_error err = {0};
    kin_synth_opt opt = {
        .seed = 9, .products = 12, .views = 11, .size = 16, .progress = progress, .progress_arg = &c};
    char one[1000], two[1000];
    snprintf(one, sizeof one, "%s/one", check_folder());
    snprintf(two, sizeof two, "%s/two/", check_folder());
    kin_set_threads(1);
    CHECK(kin_synth_write(one, &opt, &err) && c.done == 132 && c.total == 132);
    kin_set_threads(3);
    c.done = 0;
    CHECK(kin_synth_write(two, &opt, &err));
    kin_set_threads(0);
    for (int product = 1; product <= 12; product++)
        for (int view = 1; view <= 11; view++) {
            char a[1100], b[1100];
            snprintf(a, sizeof a, "%s/product-%04d/view-%02d.png", one, product, view);
            snprintf(b, sizeof b, "%s/product-%04d/view-%02d.png", two, product, view);
            CHECK_MSG(same_file(a, b), "%s and %s differ", a, b);
        }
    check_end();

    check_begin("synth: a written picture is the one drawn in memory");
    kin_image drawn, read;
    char path[1100];
    snprintf(path, sizeof path, "%s/product-0004/view-03.png", one);
    CHECK(kin_synth_image(&opt, 3, 2, &drawn, &err) && kin_image_read(path, NULL, &read, &err));
    CHECK(read.width == 16 && read.channels == 3 && fingerprint(&drawn) == fingerprint(&read));
    kin_image_free(&drawn), kin_image_free(&read);
    check_end();

    check_begin("synth: a folder in use is refused, an interrupted run leaves nothing");
    CHECK(!kin_synth_write(one, &opt, &err));
    CHECK_TEXT(err.message, "holds files already");
    kin_error_clear(&err);
    CHECK(!kin_synth_write(path, &opt, &err));
    CHECK_TEXT(err.message, "cannot be used as a folder");
    kin_error_clear(&err);
    c = (count){.stop_at = 64};
    snprintf(two, sizeof two, "%s/three", check_folder());
    CHECK(!kin_synth_write(two, &opt, &err) && err.code == KIN_ERR_INTERRUPTED && !kin_exists(two));
    kin_error_clear(&err);
    opt.views = -1;
    CHECK(!kin_synth_write(two, &opt, &err) && err.code == KIN_ERR_ARGUMENT);
    check_end();
}

/* More clutter changes what is behind, and nothing else: the product's middle is where it was. */
static void more_disorder(void)
{
    check_begin("disorder: more things behind and in front, the rest as it was; refused beyond the limits");
    kin_image plain, behind, before, again;
    kin_error err = {0};
    kin_synth_opt opt = {.seed = 4, .size = 48}, more = opt, front = opt;
    more.clutter = 8, front.occluders = 3;
    CHECK(kin_synth_image(&opt, 1, 2, &plain, &err) && kin_synth_image(&more, 1, 2, &behind, &err) &&
          kin_synth_image(&front, 1, 2, &before, &err) && kin_synth_image(&more, 1, 2, &again, &err));
    int bytes = 48 * 48 * 3, changed[2] = {0, 0}, middle = 0;
    for (int i = 0; i < bytes; i++) {
        int x = i / 3 % 48, y = i / 3 / 48, off = abs((int)behind.data[i] - (int)plain.data[i]) > 3;
        changed[0] += off, changed[1] += before.data[i] != plain.data[i];
        if (abs(x - 24) < 3 && abs(y - 24) < 3) middle += off;
    }
    CHECK_MSG(changed[0] > bytes / 20 && changed[1] > bytes / 20, "%d and %d bytes differ", changed[0],
              changed[1]);
    CHECK_MSG(middle == 0, "%d bytes of the product's middle differ", middle);
    CHECK(memcmp(behind.data, again.data, (size_t)bytes) == 0);
    kin_image_free(&plain), kin_image_free(&behind), kin_image_free(&before), kin_image_free(&again);
    more.clutter = 21;
    CHECK(!kin_synth_image(&more, 1, 2, &plain, &err));
    CHECK_TEXT(err.message, "each 0 to 20");
    check_end();
}

int main(void)
{
    coverage();
    more_disorder();
    numbers();
    silhouettes();
    pictures();
    lines();
    memory();
    folders();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
