#include "photos/index.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/files/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 5, ARRAYS = 6, DIGEST = KIN_BLAKE2B_BYTES, NOTES = 7 };
static const char kind[] = "photographs", version[] = "1";

void kin_photos_free(kin_photos *p)
{
    kin_free(p->item), kin_free(p->rows), kin_free(p->nearest);
    kin_arena_free(&p->arena);
    *p = (kin_photos){0};
}

/* ---- writing ---- */

typedef struct packed {
    uint64_t *hashes;
    uint8_t *digests, *paths;
    int64_t *numbers;
    size_t bytes; /* of the paths */
} packed;

static void free_packed(packed *c)
{
    kin_free(c->hashes), kin_free(c->digests), kin_free(c->paths), kin_free(c->numbers);
}

static bool pack(const kin_photos *p, packed *c, kin_error *err)
{
    size_t n = (size_t)(p->count + p->broken);
    for (size_t i = 0; i < n; i++) c->bytes += strlen(p->item[i].path) + 1;
    c->hashes = kin_alloc_array((size_t)p->count, sizeof *c->hashes);
    c->digests = kin_alloc_array(n, DIGEST);
    c->numbers = kin_alloc_array(n, NUMBERS * sizeof *c->numbers);
    c->paths = kin_alloc(c->bytes);
    if (!c->hashes || !c->digests || !c->numbers || !c->paths)
        return kin_fail_memory(err, "the index", c->bytes + n * (DIGEST + NUMBERS * sizeof *c->numbers));
    uint8_t *path = c->paths;
    for (size_t i = 0; i < n; i++) {
        const kin_photo *item = &p->item[i];
        const int64_t number[NUMBERS] = {item->bytes, item->change, item->date, item->width, item->height};
        size_t length = strlen(item->path) + 1;
        if (i < (size_t)p->count) c->hashes[i] = item->hash;
        memcpy(c->digests + i * DIGEST, item->digest, DIGEST);
        memcpy(c->numbers + i * NUMBERS, number, sizeof number);
        memcpy(path, item->path, length);
        path += length;
    }
    return true;
}

bool kin_photos_write(const kin_photos *p, const char *file, kin_error *err)
{
    packed c = {0};
    int64_t n = p->count + p->broken;
    bool ok = pack(p, &c, err);
    if (ok) {
        kin_array arrays[ARRAYS] = {kin_array_of("descriptors", KIN_F32, p->count, p->dim, p->rows),
                                    kin_array_of("hashes", KIN_U64, p->count, 0, c.hashes),
                                    kin_array_of("digests", KIN_U8, n, DIGEST, c.digests),
                                    kin_array_of("numbers", KIN_I64, n, NUMBERS, c.numbers),
                                    kin_array_of("paths", KIN_U8, (int64_t)c.bytes, 0, c.paths),
                                    kin_array_of("nearest", KIN_F32, p->nearests, 0, p->nearest)};
        char since[24];
        snprintf(since, sizeof since, "%lld", (long long)p->since);
        kin_note notes[NOTES] = {{"kin", kind},       {"version", version},    {"folder", p->root},
                                 {"model", p->model}, {"weights", p->weights}, {"options", p->options},
                                 {"since", since}};
        ok = kin_arrays_write(arrays, ARRAYS, file, notes, NOTES, err);
    }
    free_packed(&c);
    return ok;
}

/* ---- reading ---- */

static bool matrix(const kin_array *a, kin_dtype dtype, int64_t rows, int64_t columns)
{
    return a && a->dtype == dtype && a->ndim == (columns ? 2 : 1) && a->shape[0] == rows &&
           (!columns || a->shape[1] == columns);
}

static bool check_notes(const kin_checkpoint *c, kin_error *err)
{
    const char *what = kin_checkpoint_note(c, "kin"), *written = kin_checkpoint_note(c, "version");
    if (!what || strcmp(what, kind) != 0)
        return kin_fail(err, KIN_ERR_DATA, "this is no index of photographs; kin index FOLDER makes one");
    return (written && strcmp(written, version) == 0) ||
           kin_fail(
               err, KIN_ERR_DATA,
               "an index of version '%.20s', and this kin reads version %s; kin index FOLDER --force makes "
               "it anew",
               written ? written : "", version);
}

static bool take_notes(const kin_checkpoint *c, kin_photos *p, kin_error *err)
{
    static const char *const key[] = {"folder", "model", "weights", "options"};
    const char *since = kin_checkpoint_note(c, "since");
    if (since && !kin_parse_int(since, 0, INT32_MAX, &p->since))
        return kin_fail(err, KIN_ERR_DATA,
                        "the index does not tell what changed since distances were measured");
    const char **to[] = {&p->root, &p->model, &p->weights, &p->options};
    for (int i = 0; i < 4; i++) {
        const char *note = kin_checkpoint_note(c, key[i]);
        if (!note) return kin_fail(err, KIN_ERR_DATA, "the index does not tell its %s", key[i]);
        if (!(*to[i] = kin_arena_strdup(&p->arena, note))) return kin_fail_memory(err, key[i], strlen(note));
    }
    return true;
}

/* Shapes that fit together: after this every array has what the counts say. */
static bool check_shapes(const kin_checkpoint *c, kin_photos *p, kin_error *err)
{
    const kin_array *rows = kin_checkpoint_find(c, "descriptors"),
                    *digests = kin_checkpoint_find(c, "digests"), *paths = kin_checkpoint_find(c, "paths"),
                    *nearest = kin_checkpoint_find(c, "nearest");
    bool fits = rows && rows->ndim == 2 && digests && digests->ndim == 2 && paths && nearest;
    if (fits) {
        p->count = rows->shape[0], p->dim = rows->shape[1], p->nearests = nearest->shape[0];
        p->broken = digests->shape[0] - p->count;
        int64_t n = digests->shape[0];
        fits = p->broken >= 0 && p->dim > 0 && n < INT32_MAX && matrix(rows, KIN_F32, p->count, p->dim) &&
               matrix(kin_checkpoint_find(c, "hashes"), KIN_U64, p->count, 0) &&
               matrix(digests, KIN_U8, n, DIGEST) &&
               matrix(kin_checkpoint_find(c, "numbers"), KIN_I64, n, NUMBERS) &&
               matrix(paths, KIN_U8, paths->shape[0], 0) && matrix(nearest, KIN_F32, p->nearests, 0);
    }
    return fits || kin_fail(err, KIN_ERR_DATA, "the index's arrays do not fit together");
}

/* A path below the folder, and no way out of it. */
static bool stays_below(const char *path)
{
    if (!*path || *path == '/') return false;
    for (const char *at = path;; at++) {
        size_t length = strcspn(at, "/");
        if (length == 0 || (length <= 2 && strncmp(at, "..", length) == 0)) return false;
        at += length;
        if (!*at) return true;
    }
}

static bool take_paths(const kin_array *a, kin_photos *p, kin_error *err)
{
    int64_t n = p->count + p->broken;
    char *at = kin_arena_alloc(&p->arena, a->count + 1), *end = at + a->count;
    if (!at) return kin_fail_memory(err, "the paths", a->count);
    if (a->count) memcpy(at, a->data, a->count);
    *end = 0;
    for (int64_t i = 0; i < n; i++) {
        char *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        if (!zero) return kin_fail(err, KIN_ERR_DATA, "there are fewer paths than pictures");
        if (!stays_below(at))
            return kin_fail(err, KIN_ERR_DATA, "picture %lld's path leads out of the folder", (long long)i);
        p->item[i].path = at;
        at = zero + 1;
    }
    return at == end || kin_fail(err, KIN_ERR_DATA, "there are more paths than pictures");
}

static bool take_items(const kin_checkpoint *c, kin_photos *p, kin_error *err)
{
    size_t n = (size_t)(p->count + p->broken);
    const uint8_t *hashes = kin_checkpoint_find(c, "hashes")->data,
                  *digests = kin_checkpoint_find(c, "digests")->data,
                  *numbers = kin_checkpoint_find(c, "numbers")->data;
    if (!(p->item = kin_alloc_zero(n, sizeof *p->item)))
        return kin_fail_memory(err, "the index", n * sizeof *p->item);
    for (size_t i = 0; i < n; i++) {
        kin_photo *item = &p->item[i];
        int64_t number[NUMBERS];
        memcpy(number, numbers + i * sizeof number, sizeof number);
        item->bytes = number[0], item->change = number[1], item->date = number[2];
        item->width = number[3], item->height = number[4];
        if (item->bytes < 0 || item->width < 0 || item->height < 0 || item->width > INT32_MAX ||
            item->height > INT32_MAX || item->date < 0)
            return kin_fail(err, KIN_ERR_DATA, "picture %zu's size or date makes no sense", i);
        memcpy(item->digest, digests + i * DIGEST, DIGEST);
        if (i < (size_t)p->count) memcpy(&item->hash, hashes + i * sizeof item->hash, sizeof item->hash);
    }
    return take_paths(kin_checkpoint_find(c, "paths"), p, err);
}

static bool take_rows(const kin_checkpoint *c, kin_photos *p, kin_error *err)
{
    const kin_array *rows = kin_checkpoint_find(c, "descriptors"),
                    *nearest = kin_checkpoint_find(c, "nearest");
    p->rows = kin_alloc_array(rows->count, sizeof *p->rows);
    p->nearest = kin_alloc_array(nearest->count, sizeof *p->nearest);
    if (!p->rows || !p->nearest)
        return kin_fail_memory(err, "the descriptors", rows->count * sizeof *p->rows);
    if (rows->count) memcpy(p->rows, rows->data, rows->count * sizeof *p->rows);
    if (nearest->count) memcpy(p->nearest, nearest->data, nearest->count * sizeof *p->nearest);
    for (int64_t i = 0; i < p->count; i++) {
        float sum[8] = {0}; /* side by side: one is a chain of additions that costs more than the file */
        const float *row = p->rows + i * p->dim;
        for (int64_t d = 0; d < p->dim; d++) sum[d & 7] += row[d] * row[d];
        for (int k = 1; k < 8; k++) sum[0] += sum[k];
        if (!(fabsf(sum[0] - 1) < 1e-3f))
            return kin_fail(err, KIN_ERR_DATA, "picture %lld's descriptor is not of unit length",
                            (long long)i);
    }
    for (int64_t i = 0; i < p->nearests; i++)
        if (!isfinite(p->nearest[i]) || (i && p->nearest[i] < p->nearest[i - 1]))
            return kin_fail(err, KIN_ERR_DATA, "the distances to the nearest do not rise");
    return true;
}

static bool take(const kin_checkpoint *c, kin_photos *p, kin_error *err)
{
    return check_notes(c, err) && check_shapes(c, p, err) && take_notes(c, p, err) && take_items(c, p, err) &&
           take_rows(c, p, err);
}

bool kin_photos_read(const char *file, kin_photos *out, kin_error *err)
{
    kin_checkpoint *c;
    kin_error inner = {0};
    *out = (kin_photos){0};
    if (!kin_checkpoint_open(file, &c, err)) return false;
    bool ok = take(c, out, &inner);
    kin_checkpoint_free(c);
    if (ok) return true;
    kin_photos_free(out);
    return kin_fail(err, inner.code, "%s: %s", file, inner.message);
}

bool kin_photos_parse(const uint8_t *bytes, size_t size, kin_photos *out, kin_error *err)
{
    kin_checkpoint *c;
    *out = (kin_photos){0};
    if (!kin_checkpoint_parse(bytes, size, &c, err)) return false;
    bool ok = take(c, out, err);
    kin_checkpoint_free(c);
    if (!ok) kin_photos_free(out);
    return ok;
}
