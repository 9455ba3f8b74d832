#include "train/teacher.h"

#include "base/blake2b.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/npy.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/describe/expand.h"
#include "retrieval/describe/whiten.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE = 4096 /* pictures that the components are fitted on */, BATCH = 64 };

struct kin_teacher {
    kin_config student;
    kin_network network;
    kin_ctx *ctx;
    kin_module *module;
    kin_scaling scaling; /* its own */
    kin_whitening pca;   /* out 0: none */
    int64_t dim, count;  /* numbers of a descriptor; rows that are there */
    int64_t room;        /* rows that there is memory for */
    float *pixels, *rows, *projected;
    char digest[33]; /* of all that decides what it says */
};

int64_t kin_teacher_dim(const kin_teacher *t) { return t->dim; }
int64_t kin_teacher_pca_dim(const kin_teacher *t) { return t->pca.out; }

/* ---- opening ---- */

/* Published weights, with pictures as they want them. */
static bool open_published(kin_teacher *t, kin_error *err)
{
    kin_config *c = kin_alloc_zero(1, sizeof *c);
    const kin_model *model = kin_catalogue_model(t->student.own, t->student.teacher_model);
    if (!c) return kin_fail_memory(err, "the teacher", sizeof *c);
    bool ok = model || kin_fail(err, KIN_ERR_ARGUMENT,
                                "--teacher-model: there is no network '%.40s'; kin models lists them",
                                t->student.teacher_model);
    if (ok) {
        c->own = t->student.own;
        snprintf(c->model, sizeof c->model, "%s", t->student.teacher_model);
        snprintf(c->loss, sizeof c->loss, "triplet-hard"); /* has no parameters */
        snprintf(c->weights, sizeof c->weights, "%s", t->student.teacher);
        kin_config_complete(c, model, true);
        ok = kin_network_published(c, t->ctx, &t->network, &t->module, err);
    }
    kin_free(c);
    return ok;
}

static bool open_run(kin_teacher *t, kin_error *err)
{
    kin_error why = {0};
    if (kin_network_open(t->student.teacher, &(kin_open_opt){.own = t->student.own}, t->ctx, &t->network,
                         &t->module, &why))
        return true;
    return kin_fail(
        err, why.code,
        "%.700s (--teacher; published weights need --teacher-model, which says of which network they are)",
        why.message);
}

/* Anything that changes what it says of a picture: values, architecture, and how pictures come in. */
static void take_digest(kin_teacher *t)
{
    const kin_config *c = &t->network.config;
    kin_blake2b b;
    uint8_t hash[KIN_BLAKE2B_BYTES];
    char how[200];
    int length = snprintf(how, sizeof how, "%s %lldx%lld %lld %s %d", c->model, (long long)c->size,
                          (long long)kin_config_across(c), (long long)c->channels, c->normalize,
                          (int)c->invert);
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, how, (size_t)length);
    for (int i = 0; i < kin_module_entries(t->module); i++) {
        const kin_entry *e = kin_module_entry(t->module, i);
        kin_blake2b_add(&b, e->name, strlen(e->name) + 1);
        kin_blake2b_add(&b, kin_data(e->tensor), (size_t)kin_count(e->tensor) * sizeof(kin_real));
    }
    kin_blake2b_end(&b, hash);
    kin_hex(hash, sizeof t->digest / 2, t->digest);
}

/* Asks it about one grey picture. */
static bool find_dim(kin_teacher *t, kin_error *err)
{
    const kin_config *c = &t->network.config;
    bool recording = kin_record(t->ctx, false);
    kin_tensor *x = kin_input(t->ctx, KIN_SHAPE(1, c->size, kin_config_across(c), c->channels), NULL);
    for (int64_t i = 0; x && i < kin_count(x); i++) ((kin_real *)kin_data(x))[i] = 0;
    kin_tensor *y = kin_module_forward(t->module, x, KIN_EVAL);
    t->dim = y ? kin_channels(y) : 0;
    kin_record(t->ctx, recording);
    kin_end_step(t->ctx);
    return y || kin_take_error(t->ctx, err);
}

kin_teacher *kin_teacher_open(const kin_config *student, kin_error *err)
{
    kin_teacher *t = kin_alloc_zero(1, sizeof *t);
    if (!t) return kin_fail_memory(err, "the teacher", sizeof *t), NULL;
    memcpy(&t->student, student, sizeof *student);
    t->ctx = kin_ctx_new();
    bool ok = t->ctx || kin_fail_memory(err, "the teacher", 1);
    ok = ok && (*student->teacher_model ? open_published(t, err) : open_run(t, err));
    if (ok) {
        kin_batch_opt batch = kin_config_batch(&t->network.config, 0);
        kin_scaling_make(&t->scaling, &batch);
        take_digest(t);
        kin_module_pictures_apart(t->module);
        kin_module_seal(t->module);
        ok = find_dim(t, err);
    }
    if (ok) return t;
    kin_teacher_free(t);
    return NULL;
}

void kin_teacher_free(kin_teacher *t)
{
    if (!t) return;
    kin_module_free(t->module);
    kin_ctx_free(t->ctx);
    kin_whitening_free(&t->pca);
    kin_free(t->pixels), kin_free(t->rows), kin_free(t->projected);
    kin_free(t);
}

/* ---- pictures ---- */

/* Pictures on their way from the student to the teacher. */
typedef struct passing {
    kin_teacher *t;
    const float *from;
    kin_error err[KIN_MAX_THREADS];
} passing;

/* The bytes that the student's numbers were made of; what augmentation left outside of them is cut off. */
static void to_bytes(const kin_config *student, const float *from, kin_image *image)
{
    kin_batch_opt opt = kin_config_batch(student, 0);
    int channels = image->channels;
    for (int64_t i = 0; i < (int64_t)image->width * image->height * channels; i++) {
        int c = (int)(i % channels);
        double x = 255 * ((double)from[i] * (opt.deviation[c] != 0 ? opt.deviation[c] : 1) + opt.mean[c]);
        long byte = lround(x < 0 ? 0 : x > 255 ? 255 : x);
        image->data[i] = (uint8_t)(opt.invert ? 255 - byte : byte);
    }
}

static bool pass_picture(kin_teacher *t, const float *from, float *to, kin_error *err)
{
    const kin_config *s = &t->student, *c = &t->network.config;
    int height = (int)c->size, width = (int)kin_config_across(c);
    kin_image image = {0}, resized = {0};
    if (!kin_image_new(&image, (int)kin_config_across(s), (int)s->size, (int)s->channels, err)) return false;
    to_bytes(s, from, &image);
    bool ok = kin_image_convert(&image, (int)c->channels, err) &&
              kin_image_resize(&image, width, height, kin_config_filter(c), &resized, err);
    if (ok)
        kin_scaling_pixels(&t->scaling, resized.data, (size_t)height * (size_t)width, (int)c->channels, to);
    kin_image_free(&image), kin_image_free(&resized);
    return ok;
}

static int64_t numbers_of(const kin_config *c) { return c->size * kin_config_across(c) * c->channels; }

static void pass_one(void *arg, int64_t i, int worker)
{
    passing *p = arg;
    if (kin_failed(&p->err[worker])) return;
    pass_picture(p->t, p->from + i * numbers_of(&p->t->student),
                 p->t->pixels + i * numbers_of(&p->t->network.config), &p->err[worker]);
}

static bool make_room(kin_teacher *t, int64_t count, kin_error *err)
{
    if (count <= t->room) return true;
    kin_free(t->pixels), kin_free(t->rows), kin_free(t->projected);
    t->room = 0;
    t->pixels = kin_alloc_array((size_t)count, (size_t)numbers_of(&t->network.config) * sizeof *t->pixels);
    t->rows = kin_alloc_array((size_t)count, (size_t)t->dim * sizeof *t->rows);
    t->projected = kin_alloc_array((size_t)count, (size_t)t->dim * sizeof *t->projected);
    if (!t->pixels || !t->rows || !t->projected)
        return kin_fail_memory(err, "the teacher's batch",
                               (size_t)count * (size_t)numbers_of(&t->network.config));
    t->room = count;
    return true;
}

static bool pass_all(kin_teacher *t, const float *pixels, int64_t count, kin_error *err)
{
    passing *p = kin_alloc_zero(1, sizeof *p);
    if (!p) return kin_fail_memory(err, "the teacher's batch", sizeof *p);
    p->t = t, p->from = pixels;
    kin_parallel_for(count, pass_one, p);
    bool ok = true;
    for (int i = 0; ok && i < KIN_MAX_THREADS; i++)
        if (kin_failed(&p->err[i])) ok = (*err = p->err[i], false);
    kin_free(p);
    return ok;
}

static bool compute(kin_teacher *t, int64_t count, kin_error *err)
{
    const kin_config *c = &t->network.config;
    bool recording = kin_record(t->ctx, false);
    kin_tensor *y = kin_module_forward(
        t->module, kin_input(t->ctx, KIN_SHAPE(count, c->size, kin_config_across(c), c->channels), t->pixels),
        KIN_EVAL);
    for (int64_t i = 0; y && i < count; i++)
        memcpy(t->rows + i * t->dim, (const float *)kin_data(y) + i * kin_ld(y),
               (size_t)t->dim * sizeof *t->rows);
    bool ok = y || kin_take_error(t->ctx, err);
    kin_record(t->ctx, recording);
    kin_end_step(t->ctx);
    return ok && kin_normalize_rows(t->rows, count, t->dim, "the teacher's output", err);
}

const float *kin_teacher_rows(kin_teacher *t, const float *pixels, int64_t count, kin_error *err)
{
    t->count = 0;
    if (!make_room(t, count, err) || !pass_all(t, pixels, count, err) || !compute(t, count, err)) return NULL;
    t->count = count;
    return t->rows;
}

const float *kin_teacher_pca(kin_teacher *t, kin_error *err)
{
    if (!t->pca.out) return NULL;
    return kin_whitening_apply(&t->pca, (kin_vectors){t->rows, t->count, t->dim}, t->projected, err)
               ? t->projected
               : NULL;
}

/* ---- principal components ---- */

typedef struct sample {
    const int64_t *picture;
    int64_t count;
} sample;

static int64_t plan(void *user, int64_t step, int64_t *index, kin_error *err)
{
    const sample *s = user;
    int64_t left = s->count - step * BATCH, count = left < BATCH ? left : BATCH;
    (void)err;
    for (int64_t i = 0; i < count; i++) index[i] = s->picture[step * BATCH + i];
    return count > 0 ? count : 0;
}

/* The pictures as the student sees them, not augmented. */
static bool say_all(kin_teacher *t, const kin_dataset *set, sample *s, kin_image_limits limits, float *rows,
                    kin_error *err)
{
    kin_loader_opt load = kin_config_loader(&t->student);
    kin_loaded batch;
    load.batch = BATCH, load.plan = plan, load.plan_user = s, load.substitute = true;
    load.limits = kin_config_limits(&t->student, limits), load.scaling = kin_config_batch(&t->student, 0);
    kin_loader *loader = kin_loader_new(set, &load, err);
    bool ok = loader != NULL;
    for (int64_t done = 0; ok && done < s->count; done += batch.count) {
        const float *said = NULL;
        ok = kin_loader_next(loader, &batch, err) &&
             (said = kin_teacher_rows(t, batch.pixels, batch.count, err));
        if (ok) memcpy(rows + done * t->dim, said, (size_t)(batch.count * t->dim) * sizeof *rows);
    }
    kin_loader_free(loader);
    return ok;
}

/* As the file holds it, so that the bits are those of a run that was resumed. */
static void round_mean(kin_whitening *w)
{
    for (int64_t i = 0; i < w->in; i++) w->mean[i] = (double)(float)w->mean[i];
}

bool kin_teacher_fit(kin_teacher *t, const kin_dataset *set, const int64_t *sound, int64_t count,
                     int64_t dims, kin_image_limits limits, kin_error *err)
{
    int64_t most = count < SAMPLE ? count : SAMPLE, *order = kin_alloc_array((size_t)count, sizeof *order);
    float *rows = kin_alloc_array((size_t)most, (size_t)t->dim * sizeof *rows);
    bool ok = (order && rows) ||
              kin_fail_memory(err, "the teacher's components", (size_t)count * sizeof *order);
    if (ok) {
        memcpy(order, sound, (size_t)count * sizeof *order);
        if (most < count) kin_shuffle(order, count, kin_key_text((uint64_t)t->student.seed, "teacher"));
        sample s = {order, most};
        ok = say_all(t, set, &s, limits, rows, err) &&
             kin_pca_fit((kin_vectors){rows, most, t->dim}, dims, &t->pca, err);
        if (ok) round_mean(&t->pca);
    }
    kin_free(order), kin_free(rows);
    return ok;
}

/* ---- in the run ---- */

bool kin_teacher_save(const kin_teacher *t, const char *path, kin_error *err)
{
    const kin_whitening *w = &t->pca;
    float dim = (float)t->dim, *mean = kin_alloc_array((size_t)w->in + 1, sizeof *mean);
    kin_note notes[] = {{"kin", "teacher"}, {"teacher", t->student.teacher}, {"digest", t->digest}};
    if (!mean) return kin_fail_memory(err, path, (size_t)w->in * sizeof *mean);
    for (int64_t i = 0; i < w->in; i++) mean[i] = (float)w->mean[i];
    kin_array arrays[] = {kin_array_of("dim", KIN_F32, 1, 0, &dim),
                          kin_array_of("mean", KIN_F32, w->in, 0, mean),
                          kin_array_of("projection", KIN_F32, w->out, w->in, w->projection)};
    bool ok = kin_arrays_write(arrays, w->out ? 3 : 1, path, notes, 3, err);
    kin_free(mean);
    return ok;
}

static bool take_components(kin_teacher *t, const kin_checkpoint *c, kin_error *err)
{
    const kin_array *mean = kin_checkpoint_find(c, "mean"), *p = kin_checkpoint_find(c, "projection");
    if (!mean && !p) return true;
    if (!mean || !p || mean->ndim != 1 || p->ndim != 2 || mean->shape[0] != t->dim || p->shape[1] != t->dim ||
        p->shape[0] < 1 || p->shape[0] > t->dim)
        return kin_fail(err, KIN_ERR_DATA, "mean [%lld] and projection [n, %lld] were expected",
                        (long long)t->dim, (long long)t->dim);
    t->pca = (kin_whitening){.in = t->dim,
                             .out = p->shape[0],
                             .mean = kin_alloc_array(mean->count, sizeof(double)),
                             .projection = kin_alloc_array(p->count, sizeof(float)),
                             .variance = kin_alloc_zero((size_t)p->shape[0], sizeof(float))};
    if (!t->pca.mean || !t->pca.projection || !t->pca.variance)
        return kin_fail_memory(err, "the teacher's components", p->count * sizeof(float));
    for (size_t i = 0; i < mean->count; i++) t->pca.mean[i] = kin_array_number(mean, i);
    for (size_t i = 0; i < p->count; i++) t->pca.projection[i] = (float)kin_array_number(p, i);
    for (size_t i = 0; i < mean->count; i++)
        if (!isfinite(t->pca.mean[i]))
            return kin_fail(err, KIN_ERR_NUMERIC, "the mean holds NaN or infinity");
    return kin_check_finite(t->pca.projection, t->pca.out, t->pca.in, "the projection", err);
}

bool kin_teacher_restore(kin_teacher *t, const char *path, kin_error *err)
{
    kin_checkpoint *c = NULL;
    if (!kin_checkpoint_open(path, &c, err)) return false;
    const char *digest = kin_checkpoint_note(c, "digest");
    bool ok = (digest && strcmp(digest, t->digest) == 0) ||
              kin_fail(err, KIN_ERR_DATA,
                       "is of another teacher than %.300s, which may have been trained on or replaced",
                       t->student.teacher);
    ok = ok && take_components(t, c, err);
    kin_checkpoint_free(c);
    if (!ok) kin_error_prefix(err, "%s", path);
    return ok;
}
