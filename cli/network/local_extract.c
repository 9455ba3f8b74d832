#include "cli/network/local_extract.h"

#include "base/memory.h"
#include "data/pictures.h"

#include <math.h>
#include <string.h>

enum { MULTIPLE = 32, LEAST_SIDE = 64, FITTED_PICTURES = 64, FITTED_FEATURES = 300 };

/* ---- one picture's features, of all scales ---- */

typedef struct gathering {
    kin_module *module;
    const kin_network *network;
    const kin_extract_opt *opt;
    bool scored; /* the head says how much a feature matters */
    int64_t count, channels;
    size_t capacity;
    float *rows; /* [count, channels], of unit length */
    kin_local_place *place;
    int64_t *chosen; /* [count] */
} gathering;

static void gathering_free(gathering *g)
{
    kin_free(g->rows);
    kin_free(g->place);
    kin_free(g->chosen);
}

/* Memory for `rows` items of `bytes` each instead of `before`; false leaves the old. */
static bool resize(void *array, size_t before, size_t rows, size_t bytes)
{
    void **block = array;
    void *larger = rows <= SIZE_MAX / 2 / bytes ? kin_realloc(*block, before * bytes, rows * bytes) : NULL;
    if (larger) *block = larger;
    return larger != NULL;
}

static bool make_space(gathering *g, int64_t more, kin_error *err)
{
    size_t all = (size_t)(g->count + more), capacity = all + all / 2,
           row = (size_t)g->channels * sizeof(float);
    if (all <= g->capacity) return true;
    if (!resize(&g->rows, g->capacity, capacity, row) ||
        !resize(&g->place, g->capacity, capacity, sizeof *g->place) ||
        !resize(&g->chosen, g->capacity, capacity, sizeof *g->chosen))
        return kin_fail_memory(err, "local features", capacity * row);
    g->capacity = capacity;
    return true;
}

static double length_of(const float *x, int64_t n)
{
    double squares = 0;
    for (int64_t k = 0; k < n; k++) squares += (double)x[k] * (double)x[k];
    return sqrt(squares);
}

/* A pixel of the map is centred on pixel S·j of what the network saw, where padding is the same on both
 * sides, or on S·j + S − 1 (TensorFlow's SAME); and pixels are squares whose centres lie half a pixel from
 * their edges. */
static double centre(int64_t j, int64_t seen, int64_t map, int64_t original, bool same_padding)
{
    double stride = (double)seen / (double)map, at = stride * (double)j + (same_padding ? stride - 1 : 0);
    return (at + .5) * (double)original / (double)seen - .5;
}

static const char *tap_of(const kin_extract_opt *opt) { return opt->tap ? opt->tap : "features"; }

static bool take_map(gathering *g, const kin_image *original, const kin_image *seen, double scale,
                     kin_error *err)
{
    const kin_tensor *map = kin_module_tapped(g->module, tap_of(g->opt)),
                     *score = g->scored ? kin_module_tapped(g->module, "score") : NULL;
    if (!map || kin_ndim(map) != 4 || (g->scored && !score))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "this network has no map '%s' to take local features from; kin show lists the names",
                        tap_of(g->opt));
    int64_t h = kin_dim(map, 1), w = kin_dim(map, 2), channels = kin_channels(map);
    const float *numbers = (const float *)kin_data(map),
                *scores = score ? (const float *)kin_data(score) : NULL;
    bool same = g->network->model->same_padding;
    g->channels = channels;
    if (!make_space(g, h * w, err)) return false;
    for (int64_t i = 0; i < h * w; i++) {
        const float *from = numbers + i * channels;
        float *to = g->rows + g->count * channels;
        double length = length_of(from, channels);
        if (!(length > 0) || !isfinite(length)) continue;
        for (int64_t k = 0; k < channels; k++) to[k] = (float)((double)from[k] / length);
        g->place[g->count++] = (kin_local_place){(float)centre(i % w, seen->width, w, original->width, same),
                                                 (float)centre(i / w, seen->height, h, original->height,
                                                               same),
                                                 (float)scale, scores ? scores[i] : (float)length};
    }
    return true;
}

static int near_multiple(double side)
{
    int rounded = (int)lround(side / MULTIPLE) * MULTIPLE;
    return rounded < LEAST_SIDE ? LEAST_SIDE : rounded;
}

static bool at_scale(gathering *g, const kin_image *picture, double scale, kin_error *err)
{
    const kin_config *c = &g->network->config;
    int longer = picture->width > picture->height ? picture->width : picture->height;
    double factor = (double)g->opt->side / longer * scale;
    kin_image seen;
    kin_ctx *ctx = kin_module_ctx(g->module);
    kin_scaling scaling;
    kin_batch_opt batch = kin_config_batch(c, 0);
    if (!kin_image_resize(picture, near_multiple(picture->width * factor),
                          near_multiple(picture->height * factor), kin_config_filter(c), &seen, err))
        return false;
    kin_scaling_make(&scaling, &batch);
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1, seen.height, seen.width, c->channels), NULL);
    if (x)
        kin_scaling_pixels(&scaling, seen.data, (size_t)seen.width * (size_t)seen.height, (int)c->channels,
                           (float *)kin_data(x));
    bool ok = kin_module_forward(g->module, x, KIN_EVAL) || kin_take_error(ctx, err);
    ok = ok && take_map(g, picture, &seen, scale, err);
    kin_image_free(&seen);
    kin_end_step(ctx);
    return ok;
}

/* Fills rows and places, and chooses. Returns how many are chosen, −1 on error. */
static int64_t gather(gathering *g, const kin_image *picture, int64_t most, kin_error *err)
{
    g->count = 0;
    for (double scale = g->opt->smallest; scale <= g->opt->largest * 1.0001; scale *= sqrt(2))
        if (!at_scale(g, picture, scale, err)) return -1;
    return kin_local_select(g->place, g->count, g->opt->least, g->opt->radius, most, g->chosen);
}

/* ---- all pictures ---- */

typedef struct extraction {
    gathering g;
    const kin_dataset *set;
    const kin_extract_opt *opt;
    kin_extracted *told;
    int64_t done, total;
} extraction;

/* A broken picture has no features, and is told of; *usable false then. */
static bool read_picture(extraction *x, int64_t i, kin_image *out, bool *usable, bool first_look,
                         kin_error *err)
{
    kin_error why = {0};
    bool read = kin_dataset_image(x->set, i, &x->opt->limits, out, &why);
    *usable = read && kin_image_convert(out, (int)x->g.network->config.channels, &why);
    if (*usable) return true;
    if (read) kin_image_free(out);
    if (!kin_error_is_of_file(&why)) return kin_fail(err, why.code, "%s", why.message);
    if (first_look && !x->told->broken++) x->told->first_broken = why;
    return true;
}

static bool step(extraction *x, kin_error *err)
{
    return !x->opt->progress || x->opt->progress(x->opt->user, ++x->done, x->total) ||
           kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; nothing was written");
}

/* The best features of some pictures, evenly over the set, [*n, channels]. */
static float *sample(extraction *x, int64_t pictures, int64_t *n, kin_error *err)
{
    float *rows = NULL;
    *n = 0;
    for (int64_t k = 0; k < pictures; k++) {
        kin_image picture;
        bool usable;
        if (!read_picture(x, k * x->set->count / pictures, &picture, &usable, false, err)) break;
        if (!usable) continue;
        int64_t count = gather(&x->g, &picture, FITTED_FEATURES, err), channels = x->g.channels;
        kin_image_free(&picture);
        if (count < 0 || !step(x, err)) break;
        if (!rows && !(rows = kin_alloc_array((size_t)(pictures * FITTED_FEATURES),
                                              (size_t)channels * sizeof *rows))) {
            kin_fail_memory(err, "the sample of features",
                            (unsigned long long)(pictures * FITTED_FEATURES * channels) * sizeof *rows);
            break;
        }
        for (int64_t i = 0; i < count; i++, ++*n)
            memcpy(rows + *n * channels, x->g.rows + x->g.chosen[i] * channels,
                   (size_t)channels * sizeof *rows);
    }
    if (err->code || !rows) kin_free(rows), rows = NULL;
    return rows;
}

static bool fit(extraction *x, kin_whitening *out, kin_error *err)
{
    int64_t pictures = x->set->count < FITTED_PICTURES ? x->set->count : FITTED_PICTURES, n;
    float *rows = sample(x, pictures, &n, err);
    if (!rows) return err->code ? false : kin_fail(err, KIN_ERR_DATA, "no picture could be read");
    if (n < 2) {
        kin_free(rows);
        return kin_fail(err, KIN_ERR_DATA,
                        "%lld features have a score of %g or more: too few for a projection", (long long)n,
                        x->opt->least);
    }
    int64_t dim = x->opt->dim < x->g.channels ? x->opt->dim : x->g.channels;
    bool ok = kin_pca_fit((kin_vectors){rows, n, x->g.channels}, dim, out, err);
    for (int64_t i = 0; ok && i < out->in; i++) out->mean[i] = (float)out->mean[i]; /* as the file keeps it */
    kin_free(rows);
    return ok;
}

static bool copy_projection(const kin_whitening *from, kin_whitening *to, kin_error *err)
{
    size_t numbers = (size_t)(from->in * from->out);
    *to = (kin_whitening){.in = from->in,
                          .out = from->out,
                          .mean = kin_alloc_array((size_t)from->in, sizeof(double)),
                          .projection = kin_alloc_array(numbers, sizeof(float))};
    if (!to->mean || !to->projection) return kin_fail_memory(err, "a projection", numbers * sizeof(float));
    memcpy(to->mean, from->mean, (size_t)from->in * sizeof(double));
    memcpy(to->projection, from->projection, numbers * sizeof(float));
    return true;
}

/* The chosen features of picture i, projected, behind those of the pictures before it. */
static bool append(extraction *x, int64_t i, int64_t count, kin_local_file *out, size_t *capacity,
                   kin_error *err)
{
    const gathering *g = &x->g;
    kin_local_set *s = &out->set;
    int64_t at = s->first[i], dim = s->dim;
    size_t all = (size_t)(at + count);
    if (g->channels != out->projection.in)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "the projection is for features of %lld numbers, these have %lld",
                        (long long)out->projection.in, (long long)g->channels);
    if (all > *capacity) {
        size_t larger = all + all / 2, row = (size_t)dim * sizeof(float);
        if (!resize(&s->descriptor, *capacity, larger, row) ||
            !resize(&s->place, *capacity, larger, sizeof *s->place))
            return kin_fail_memory(err, "local features", larger * row);
        *capacity = larger;
    }
    float *rows = kin_alloc_array((size_t)count + 1, (size_t)g->channels * sizeof *rows);
    if (!rows) return kin_fail_memory(err, "local features", (size_t)(count * g->channels) * sizeof *rows);
    for (int64_t k = 0; k < count; k++) {
        memcpy(rows + k * g->channels, g->rows + g->chosen[k] * g->channels,
               (size_t)g->channels * sizeof *rows);
        s->place[at + k] = g->place[g->chosen[k]];
    }
    bool ok = !count || kin_whitening_apply(&out->projection, (kin_vectors){rows, count, g->channels},
                                            s->descriptor + at * dim, err);
    kin_free(rows);
    return ok;
}

static bool all_pictures(extraction *x, kin_local_file *out, kin_error *err)
{
    kin_local_set *s = &out->set;
    size_t capacity = 1;
    s->images = x->set->count, s->dim = out->projection.out;
    s->first = kin_alloc_zero((size_t)s->images + 1, sizeof *s->first);
    s->descriptor = kin_alloc((size_t)s->dim * sizeof(float));
    s->place = kin_alloc(sizeof *s->place);
    if (!s->first || !s->descriptor || !s->place) return kin_fail_memory(err, "local features", 1);
    for (int64_t i = 0; i < s->images; i++) {
        kin_image picture;
        bool usable;
        int64_t count = 0;
        if (!read_picture(x, i, &picture, &usable, true, err)) return false;
        if (usable) {
            count = gather(&x->g, &picture, x->opt->most, err);
            kin_image_free(&picture);
        }
        if (count < 0 || (usable && !append(x, i, count, out, &capacity, err))) return false;
        s->first[i + 1] = s->first[i] + count;
        if (!step(x, err)) return false;
    }
    return true;
}

static bool name_items(const kin_dataset *set, kin_items *out, kin_error *err)
{
    const char **id = kin_alloc_array((size_t)set->count, sizeof *id);
    bool ok = id || kin_fail_memory(err, "ids", (size_t)set->count * sizeof *id);
    for (int64_t i = 0; ok && i < set->count; i++) id[i] = set->items[i].id;
    ok = ok && kin_items_make(out, set->count, id, NULL, NULL, err);
    kin_free(id);
    return ok;
}

bool kin_local_extract(kin_module *module, const kin_network *network, const kin_dataset *set,
                       const kin_extract_opt *opt, kin_local_file *out, kin_extracted *told, kin_error *err)
{
    kin_ctx *ctx = kin_module_ctx(module);
    extraction x = {.g = {.module = module,
                          .network = network,
                          .opt = opt,
                          .scored = strcmp(network->head.head->name, "delf") == 0},
                    .set = set,
                    .opt = opt,
                    .told = told};
    *told = (kin_extracted){0};
    x.total = set->count + (opt->like ? 0 : set->count < FITTED_PICTURES ? set->count : FITTED_PICTURES);
    bool before = kin_record(ctx, false);
    bool ok = (kin_module_retain(module, tap_of(opt)) &&
               (!x.g.scored || kin_module_retain(module, "score"))) ||
              kin_take_error(ctx, err);
    ok = ok &&
         (opt->like ? copy_projection(opt->like, &out->projection, err) : fit(&x, &out->projection, err)) &&
         all_pictures(&x, out, err) && name_items(set, &out->items, err);
    kin_record(ctx, before);
    gathering_free(&x.g);
    return ok;
}
