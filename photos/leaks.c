#include "photos/leaks.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "data/look/hash.h"
#include "data/look/look.h"
#include "photos/update.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP = 64, ENOUGH = 2 * KIN_LOOK_SIDE /* pictures are decoded no smaller */ };

typedef struct work {
    const kin_dataset *set[2]; /* their pictures one after the other */
    const kin_duplicates_opt *opt;
    kin_photos photos; /* of those that could be read */
    int64_t *item;     /* [photos.count]: which of all */
    int64_t across;    /* of these from the first set */
    int64_t begin;     /* of the stretch that is read */
    kin_photo read[GROUP];
    kin_error errors[GROUP];
    float *rows; /* [GROUP, KIN_LOOK_DIM] */
} work;

static const kin_dataset *set_of(const work *w, int64_t *i)
{
    int64_t first = w->set[0]->count;
    if (*i < first) return w->set[0];
    *i -= first;
    return w->set[1];
}

/* What is cut out of a picture, or lies beside others in one file, has no bytes of its own: its pixels stand for them. */
static bool look_at_pixels(const kin_dataset *set, int64_t i, const kin_image_limits *limits,
                           kin_photo *photo, float *row, kin_error *err)
{
    kin_image image;
    kin_blake2b b;
    if (!kin_dataset_image(set, i, limits, &image, err)) return false;
    const int shape[3] = {image.width, image.height, image.channels};
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, shape, sizeof shape);
    kin_blake2b_add(&b, image.data, (size_t)image.width * (size_t)image.height * (size_t)image.channels);
    kin_blake2b_end(&b, photo->digest);
    bool ok = kin_hash_image(&image, &photo->hash, err) && kin_look_image(&image, row, err);
    kin_image_free(&image);
    return ok;
}

static bool look_at_file(const char *path, const kin_image_limits *limits, kin_photo *photo, float *row,
                         kin_error *err)
{
    kin_bytes bytes;
    kin_error inner = {0};
    if (!kin_regular_file(path))
        return kin_fail(err, KIN_ERR_DATA, "%s: is not there, or no file but a pipe or a device", path);
    if (!kin_read_file(path, 0, &bytes, err)) return false;
    bool ok = kin_photo_read(bytes.data, bytes.size, limits, photo, row, &inner);
    kin_bytes_free(&bytes);
    return ok || kin_fail(err, inner.code, "%s: %s", path, inner.message);
}

static void read_one(void *arg, int64_t index, int worker)
{
    (void)worker;
    work *w = arg;
    int64_t i = w->begin + index;
    const kin_dataset *set = set_of(w, &i);
    const kin_sample *item = &set->items[i];
    kin_photo *photo = &w->read[index];
    float *row = w->rows + index * KIN_LOOK_DIM;
    kin_error *err = &w->errors[index];
    kin_image_limits limits = w->opt->limits;
    limits.reduce_to = ENOUGH;
    kin_error_clear(err);
    *photo = (kin_photo){.path = item->path};
    if (item->index < 0 && !item->box.width) look_at_file(item->path, &limits, photo, row, err);
    else look_at_pixels(set, i, &limits, photo, row, err);
}

/* Those of the stretch that could be read. */
static bool take(work *w, int64_t count, kin_leaks *out, kin_error *err)
{
    kin_photos *p = &w->photos;
    for (int64_t k = 0; k < count; k++) {
        const kin_error *e = &w->errors[k];
        if (kin_failed(e)) {
            if (!kin_error_is_of_file(e)) return kin_fail(err, e->code, "%s", e->message);
            if (!out->broken++) out->first_broken = *e;
            continue;
        }
        w->across += w->begin + k < w->set[0]->count;
        w->item[p->count] = w->begin + k;
        p->item[p->count] = w->read[k];
        memcpy(p->rows + p->count * p->dim, w->rows + k * p->dim, (size_t)p->dim * sizeof *p->rows);
        p->count++;
    }
    return true;
}

static bool read_all(work *w, kin_leaks *out, kin_error *err)
{
    const kin_progress *report = &w->opt->progress;
    int64_t n = w->set[0]->count + w->set[1]->count;
    w->photos.dim = KIN_LOOK_DIM;
    w->photos.item = kin_alloc_array((size_t)n, sizeof *w->photos.item);
    w->photos.rows = kin_alloc_array((size_t)n, KIN_LOOK_DIM * sizeof *w->photos.rows);
    w->item = kin_alloc_array((size_t)n, sizeof *w->item);
    w->rows = kin_alloc_array(GROUP, KIN_LOOK_DIM * sizeof *w->rows);
    if (!w->photos.item || !w->photos.rows || !w->item || !w->rows)
        return kin_fail_memory(err, "descriptors", (size_t)n * KIN_LOOK_DIM * sizeof *w->rows);
    for (w->begin = 0; w->begin < n; w->begin += GROUP) {
        int64_t count = n - w->begin < GROUP ? n - w->begin : GROUP;
        kin_parallel_for(count, read_one, w);
        if (!take(w, count, out, err)) return false;
        if (report->report && !report->report(report->user, "reading", w->begin + count, n))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while reading pictures");
    }
    return true;
}

/* kin_duplicates_opt.read */
static bool read_again(void *user, int64_t photo, const kin_image_limits *limits, kin_image *out,
                       kin_error *err)
{
    const work *w = user;
    int64_t i = w->item[photo];
    const kin_dataset *set = set_of(w, &i);
    return kin_dataset_image(set, i, limits, out, err);
}

static bool nearer(const kin_leak *a, const kin_leak *b)
{
    if (a->kind != b->kind) return a->kind < b->kind;
    return a->similarity != b->similarity ? a->similarity > b->similarity : a->first < b->first;
}

/* Of each picture of the second set the nearest pair. */
static bool gather(const work *w, const kin_duplicates *d, kin_duplicate loosest, kin_leaks *out,
                   kin_error *err)
{
    int64_t n = w->photos.count - w->across, first = w->set[0]->count;
    out->leak = kin_alloc_array((size_t)n, sizeof *out->leak);
    if (!out->leak) return kin_fail_memory(err, "what both have", (size_t)n * sizeof *out->leak);
    for (int64_t i = 0; i < n; i++) out->leak[i].kind = KIN_DUPLICATE_NONE;
    for (int64_t i = 0; i < d->pairs; i++) {
        const kin_duplicate_pair *p = &d->pair[i];
        kin_leak *best = &out->leak[p->b - w->across];
        kin_leak leak = {w->item[p->a], w->item[p->b] - first, p->kind, p->similarity};
        if (p->kind <= loosest && nearer(&leak, best)) *best = leak;
    }
    for (int64_t i = 0; i < n; i++)
        if (out->leak[i].kind != KIN_DUPLICATE_NONE) out->leak[out->count++] = out->leak[i];
    out->broken += d->broken, out->crowded = d->crowded;
    for (int64_t i = 0; i < out->count; i++) out->of_kind[out->leak[i].kind]++;
    return true;
}

bool kin_leaks_find(const kin_dataset *first, const kin_dataset *second, const kin_duplicates_opt *opt,
                    kin_leaks *out, kin_error *err)
{
    *out = (kin_leaks){0};
    work *w = kin_alloc_zero(1, sizeof *w);
    if (!w) return kin_fail_memory(err, "two sets", sizeof *w);
    w->set[0] = first, w->set[1] = second, w->opt = opt;
    kin_duplicates d = {0};
    bool ok = read_all(w, out, err);
    kin_duplicates_opt o = *opt;
    o.across = w->across, o.read = read_again, o.read_user = w;
    if (ok && w->across && w->across < w->photos.count)
        ok = kin_photos_duplicates(&w->photos, "", &o, &d, err) && gather(w, &d, o.loosest, out, err);
    else if (ok)
        ok = kin_fail(err, KIN_ERR_DATA, "no picture of the %s set can be read; the first: %s",
                      w->across ? "second" : "first", out->first_broken.message);
    kin_duplicates_free(&d);
    kin_free(w->photos.item), kin_free(w->photos.rows), kin_free(w->item), kin_free(w->rows);
    kin_free(w);
    if (!ok) kin_leaks_free(out);
    return ok;
}

void kin_leaks_free(kin_leaks *leaks)
{
    kin_free(leaks->leak);
    *leaks = (kin_leaks){0};
}
