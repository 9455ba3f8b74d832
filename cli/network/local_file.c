#include "cli/network/local_file.h"

#include "base/memory.h"
#include "nn/files/checkpoint.h"
#include "retrieval/search/search.h"

#include <math.h>
#include <string.h>

enum { PLACE = 4, ARRAYS = 6 };

void kin_local_file_free(kin_local_file *f)
{
    kin_local_set_free(&f->set);
    kin_items_free(&f->items);
    kin_whitening_free(&f->projection);
    *f = (kin_local_file){0};
}

/* ---- writing ---- */

static uint8_t *join_ids(const kin_items *items, size_t *bytes)
{
    *bytes = 0;
    for (int64_t i = 0; i < items->count; i++) *bytes += strlen(items->id[i]) + 1;
    uint8_t *ids = kin_alloc(*bytes), *at = ids;
    for (int64_t i = 0; ids && i < items->count; i++) {
        size_t length = strlen(items->id[i]) + 1;
        memcpy(at, items->id[i], length);
        at += length;
    }
    return ids;
}

bool kin_local_file_save(const kin_local_file *f, const char *path, kin_error *err)
{
    const kin_local_set *s = &f->set;
    const kin_whitening *w = &f->projection;
    int64_t n = s->first[s->images];
    size_t bytes;
    uint8_t *ids = join_ids(&f->items, &bytes);
    if (!ids) return kin_fail_memory(err, path, bytes);
    kin_array arrays[ARRAYS] = {kin_array_of("descriptors", KIN_F32, n, s->dim, s->descriptor),
                                kin_array_of("places", KIN_F32, n, PLACE, s->place),
                                kin_array_of("first", KIN_I64, s->images + 1, 0, s->first),
                                kin_array_of("ids", KIN_U8, (int64_t)bytes, 0, ids),
                                kin_array_of("mean", KIN_F64, w->in, 0, w->mean),
                                kin_array_of("projection", KIN_F32, w->out, w->in, w->projection)};
    kin_note notes[] = {{"kin", "local features"}, {"model", f->model}};
    bool ok = kin_arrays_write(arrays, ARRAYS, path, notes, 2, err);
    kin_free(ids);
    return ok;
}

/* ---- reading ---- */

static bool matrix(const kin_array *a, int64_t rows, int64_t columns)
{
    return a && a->ndim == 2 && a->shape[0] == rows && a->shape[1] == columns;
}

static bool check_shapes(const kin_checkpoint *c, kin_local_file *f, kin_error *err)
{
    const kin_array *d = kin_checkpoint_find(c, "descriptors"), *places = kin_checkpoint_find(c, "places"),
                    *first = kin_checkpoint_find(c, "first"), *ids = kin_checkpoint_find(c, "ids"),
                    *mean = kin_checkpoint_find(c, "mean"), *p = kin_checkpoint_find(c, "projection");
    if (!d || !places || !first || !ids || !mean || !p)
        return kin_fail(err, KIN_ERR_DATA, "this is no file of local features: kin local makes them");
    bool fits = d->ndim == 2 && d->shape[1] > 0 && matrix(places, d->shape[0], PLACE) && first->ndim == 1 &&
                first->count > 1 && ids->ndim == 1 && ids->dtype == KIN_U8 && mean->ndim == 1 &&
                mean->count > 0 && matrix(p, d->shape[1], mean->shape[0]);
    if (!fits) return kin_fail(err, KIN_ERR_DATA, "the arrays of the local features do not fit together");
    f->set.images = first->shape[0] - 1;
    f->set.dim = d->shape[1];
    f->projection.in = mean->shape[0], f->projection.out = d->shape[1];
    return true;
}

static float *read_floats(const kin_checkpoint *c, const char *name, kin_error *err)
{
    const kin_array *a = kin_checkpoint_find(c, name);
    float *out = kin_alloc_array(a->count + 1, sizeof *out);
    for (size_t i = 0; out && i < a->count; i++) {
        out[i] = (float)kin_array_number(a, i);
        if (isfinite(out[i])) continue;
        kin_fail(err, KIN_ERR_NUMERIC, "%s holds NaN or infinity", name);
        kin_free(out);
        return NULL;
    }
    if (!out) kin_fail_memory(err, name, a->count * sizeof *out);
    return out;
}

static bool read_first(const kin_checkpoint *c, kin_local_set *s, int64_t n, kin_error *err)
{
    const kin_array *a = kin_checkpoint_find(c, "first");
    if (!(s->first = kin_alloc_array(a->count, sizeof *s->first)))
        return kin_fail_memory(err, "first", a->count * sizeof *s->first);
    for (size_t i = 0; i < a->count; i++) {
        double number = kin_array_number(a, i);
        bool sound = number >= (i ? (double)s->first[i - 1] : 0) && number <= (double)n;
        if (!sound)
            return kin_fail(err, KIN_ERR_DATA, "where picture %zu's features begin makes no sense", i);
        s->first[i] = (int64_t)number;
    }
    return (s->first[0] == 0 && s->first[s->images] == n) ||
           kin_fail(err, KIN_ERR_DATA, "%lld features were announced, and %lld are there",
                    (long long)s->first[s->images], (long long)n);
}

static bool read_ids(const kin_checkpoint *c, int64_t images, kin_items *out, kin_error *err)
{
    const kin_array *a = kin_checkpoint_find(c, "ids");
    const char **id = kin_alloc_array((size_t)images, sizeof *id), *at = (const char *)a->data;
    const char *end = at + a->count;
    bool ok = id || kin_fail_memory(err, "ids", (size_t)images * sizeof *id);
    for (int64_t i = 0; ok && i < images; i++) {
        const char *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        ok = zero || kin_fail(err, KIN_ERR_DATA, "there are fewer ids than pictures");
        id[i] = at, at = zero ? zero + 1 : at;
    }
    ok = ok && (at == end || kin_fail(err, KIN_ERR_DATA, "there are more ids than pictures")) &&
         kin_items_make(out, images, id, NULL, NULL, err);
    kin_free(id);
    return ok;
}

static bool take(const kin_checkpoint *c, kin_local_file *f, kin_error *err)
{
    if (!check_shapes(c, f, err)) return false;
    int64_t n = kin_checkpoint_find(c, "descriptors")->shape[0];
    const kin_array *mean = kin_checkpoint_find(c, "mean");
    const char *model = kin_checkpoint_note(c, "model");
    snprintf(f->model, sizeof f->model, "%s", model ? model : "");
    f->set.descriptor = read_floats(c, "descriptors", err);
    f->set.place = (kin_local_place *)(void *)(f->set.descriptor ? read_floats(c, "places", err) : NULL);
    f->projection.projection = f->set.place ? read_floats(c, "projection", err) : NULL;
    f->projection.mean = kin_alloc_array(mean->count, sizeof(double));
    if (!f->projection.projection) return false;
    if (!f->projection.mean) return kin_fail_memory(err, "mean", mean->count * sizeof(double));
    for (size_t i = 0; i < mean->count; i++) {
        f->projection.mean[i] = kin_array_number(mean, i);
        if (!isfinite(f->projection.mean[i]))
            return kin_fail(err, KIN_ERR_NUMERIC, "mean holds NaN or infinity");
    }
    return read_first(c, &f->set, n, err) && read_ids(c, f->set.images, &f->items, err);
}

bool kin_local_file_load(const char *path, kin_local_file *out, kin_error *err)
{
    kin_checkpoint *c;
    *out = (kin_local_file){0};
    if (!kin_checkpoint_open(path, &c, err)) return false;
    bool ok = take(c, out, err);
    kin_checkpoint_free(c);
    if (ok) return true;
    kin_error_prefix(err, "%s", path);
    kin_local_file_free(out);
    return false;
}
