/* The loader: the same bits for any number of threads, with and without its cache, from any step; broken
 * pictures. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/loader.h"
#include "data/sampler.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

enum {
    CLASSES = 5,
    EACH = 6,
    COUNT = CLASSES * EACH,
    BATCH = 8,
    SIZE = 12,
    FLOATS = SIZE * SIZE * 3,
    STEPS = 9
};

/* A folder of little PNGs of odd sizes; every picture of `broken` classes' first places is cut short. */
static const char *make_folder(const char *name, int broken_every)
{
    static char root[1024];
    snprintf(root, sizeof root, "%s", check_path(name));
    for (int i = 0; i < COUNT; i++) {
        char path[1200];
        kin_image image;
        kin_error err = {0};
        snprintf(path, sizeof path, "%s/class%d", root, i / EACH);
        CHECK(kin_make_folders(path, &err));
        CHECK(kin_image_new(&image, 15 + i % 7, 14 + i % 5, 3, &err));
        for (int k = 0; k < image.width * image.height * 3; k++)
            image.data[k] = (uint8_t)(kin_random_bits(99, (uint64_t)(i * 1000 + k)) & 255);
        snprintf(path, sizeof path, "%s/class%d/%02d.png", root, i / EACH, i % EACH);
        kin_bytes bytes;
        CHECK(kin_png_encode(&image, &bytes, &err));
        bool broken = broken_every && i % broken_every == 0;
        CHECK(kin_write_file(path, bytes.data, broken ? bytes.size / 2 : bytes.size, &err));
        kin_bytes_free(&bytes);
        kin_image_free(&image);
    }
    return root;
}

typedef struct plan_of {
    kin_sampler sampler;
    int64_t steps;
} plan_of;

static int64_t plan(void *user, int64_t step, int64_t *index, kin_error *err)
{
    plan_of *p = user;
    if (step >= p->steps) return 0;
    return kin_sampler_pk(&p->sampler, 4, 2, 7, step, index, err) ? BATCH : -1;
}

/* Turns the picture upside down, by the key or not, and brings it to size. */
static bool change(const void *user, uint64_t key, kin_image *image, kin_error *err)
{
    int size = *(const int *)user;
    size_t bytes = (size_t)image->width * (size_t)image->height * (size_t)image->channels;
    if (key & 1)
        for (size_t i = 0; i < bytes / 2; i++) {
            uint8_t v = image->data[i];
            image->data[i] = image->data[bytes - 1 - i];
            image->data[bytes - 1 - i] = v;
        }
    return kin_picture_prepare(image, 0, size, 3, KIN_FILTER_BILINEAR, err);
}

static const int right_size = SIZE, wrong_size = SIZE + 1;

/* All batches from `first` on, one after the other: pixels [steps][BATCH·FLOATS], index [steps][BATCH]. */
static bool run(const kin_dataset *set, kin_loader_opt opt, float *pixels, int64_t *index, kin_error *err)
{
    plan_of p = {.steps = STEPS};
    kin_loaded batch;
    int64_t expected = opt.first_step;
    if (!kin_sampler_new(set->items, set->count, set->classes, &p.sampler, err)) return false;
    opt.batch = BATCH, opt.size = SIZE, opt.channels = 3, opt.filter = KIN_FILTER_BILINEAR, opt.seed = 3,
    opt.plan = plan, opt.plan_user = &p;
    kin_loader *l = kin_loader_new(set, &opt, err);
    bool ok = l != NULL;
    while (ok && (ok = kin_loader_next(l, &batch, err)) && batch.count) {
        CHECK(batch.step == expected++ && batch.count == BATCH);
        memcpy(pixels + batch.step * BATCH * FLOATS, batch.pixels, BATCH * FLOATS * sizeof *pixels);
        memcpy(index + batch.step * BATCH, batch.index, BATCH * sizeof *index);
    }
    if (ok) CHECK(expected == STEPS && kin_loader_next(l, &batch, err) && batch.count == 0);
    kin_loader_free(l);
    kin_sampler_free(&p.sampler);
    return ok;
}

static float one[STEPS * BATCH * FLOATS], other[STEPS * BATCH * FLOATS];
static int64_t index_one[STEPS * BATCH], index_other[STEPS * BATCH];

static void same(const kin_dataset *set, const char *what, kin_loader_opt a, kin_loader_opt b)
{
    kin_error err = {0};
    memset(one, 0, sizeof one), memset(other, 0, sizeof other);
    CHECK_MSG(run(set, a, one, index_one, &err) && run(set, b, other, index_other, &err), "%s: %s", what,
              err.message);
    int64_t from = b.first_step * BATCH;
    CHECK_MSG(memcmp(one + from * FLOATS, other + from * FLOATS,
                     sizeof one - (size_t)(from * FLOATS) * sizeof *one) == 0,
              "%s: other pixels", what);
    CHECK_MSG(memcmp(index_one + from, index_other + from,
                     sizeof index_one - (size_t)from * sizeof *index_one) == 0,
              "%s: other pictures", what);
}

static void determinism(void)
{
    check_begin("loader: the same bits for any number of threads, cached or not, and from any step");
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open(make_folder("sound", 0), NULL, &set, &err), "%s", err.message);
    kin_set_threads(1);
    kin_loader_opt plain = {.scaling = {.key = 1, .flip = true, .shift = 2, .light = 0.3, .erase = 0.3}},
                   changed = {.change = change, .change_user = &right_size};
    for (int workers = 0; workers <= 5; workers += workers ? 2 : 1) {
        kin_loader_opt a = plain, b = changed;
        a.workers = b.workers = workers;
        same(&set, "threads", plain, a);
        same(&set, "threads with a change", changed, b);
        a.cache = b.cache = 1 << 20;
        same(&set, "all cached", plain, a);
        same(&set, "all cached with a change", changed, b);
        a.cache = b.cache = 4000;
        a.ahead = b.ahead = 1;
        same(&set, "some cached", plain, a);
        same(&set, "some cached with a change", changed, b);
        a.first_step = 4;
        same(&set, "resumed", plain, a);
    }
    kin_set_threads(0);
    kin_dataset_free(&set);
    check_end();
}

static void broken(void)
{
    check_begin("loader: broken pictures are replaced by others of their class, counted, named; or refused");
    kin_dataset set;
    kin_error err = {0}, first = {0};
    CHECK_MSG(kin_dataset_open(make_folder("damaged", 4), NULL, &set, &err), "%s", err.message);
    same(&set, "substitutes", (kin_loader_opt){.substitute = true, .workers = 1},
         (kin_loader_opt){.substitute = true, .workers = 4, .cache = 1 << 20});
    for (int i = 0; i < STEPS * BATCH; i++) CHECK(index_one[i] % 4 != 0);
    CHECK(!run(&set, (kin_loader_opt){.strict = true}, one, index_one, &err));
    CHECK_TEXT(err.message, ".png");
    kin_error_clear(&err);
    same(&set, "blanks", (kin_loader_opt){.workers = 1}, (kin_loader_opt){.workers = 3});
    plan_of p = {.steps = 60}; /* enough to meet every picture */
    CHECK(kin_sampler_new(set.items, set.count, set.classes, &p.sampler, &err));
    kin_loader *l = kin_loader_new(
        &set,
        &(kin_loader_opt){
            .batch = BATCH, .size = SIZE, .channels = 3, .plan = plan, .plan_user = &p, .substitute = true},
        &err);
    kin_loaded batch;
    while (kin_loader_next(l, &batch, &err) && batch.count) {}
    CHECK(kin_loader_broken(l, &first) == 8 && kin_loader_is_broken(l, 0) && !kin_loader_is_broken(l, 1));
    CHECK_TEXT(first.message, "class0/00.png");
    CHECK(kin_loader_waited(l) >= 0);
    kin_loader_free(l);
    kin_sampler_free(&p.sampler);
    kin_dataset_free(&set);
    CHECK(kin_dataset_open(make_folder("hopeless", 1), NULL, &set, &err));
    CHECK(!run(&set, (kin_loader_opt){.substitute = true}, one, index_one, &err));
    CHECK_TEXT(err.message, "no picture of the class class");
    kin_dataset_free(&set);
    check_end();
}

static void failures(void)
{
    check_begin("loader: a change of the wrong size and failed allocations are errors");
    kin_dataset set;
    kin_error err = {0};
    CHECK(kin_dataset_open(check_path("sound"), NULL, &set, &err));
    CHECK(!run(&set, (kin_loader_opt){.change = change, .change_user = &wrong_size}, one, index_one, &err));
    CHECK_TEXT(err.message, "13 x 13 x 3");
    kin_set_threads(1); /* no threads of its own: the points of failure come in order */
    for (int n = 1; n < 400; n++) {
        kin_error inner = {0};
        long live = kin_alloc_live();
        kin_alloc_fail_at(n);
        bool ok = run(&set, (kin_loader_opt){.cache = 1 << 20, .change = change, .change_user = &right_size},
                      one, index_one, &inner);
        bool reached = !kin_alloc_pending();
        kin_alloc_fail_at(0);
        CHECK_MSG(ok || inner.code == KIN_ERR_MEMORY, "allocation %d: %s", n, inner.message);
        CHECK_MSG(kin_alloc_live() == live, "allocation %d: something was lost", n);
        if (!reached) break;
    }
    kin_set_threads(0);
    kin_dataset_free(&set);
    check_end();
}

int main(void)
{
    determinism();
    broken();
    failures();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
