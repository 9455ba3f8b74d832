#include "train/encoder.h"

#include "base/memory.h"
#include "base/npy.h"
#include "base/random.h"
#include "train/embed_cache.h"
#include "train/run_folder.h"
#include "retrieval/describe/expand.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 128, KEEP_EVERY = 2048 /* descriptors that a kill may cost */ };

/* Member by member: a whole one as a value is too large for a stack. */
bool kin_network_describe(kin_network *network, const kin_config *config, kin_error *err)
{
    memset(network, 0, sizeof *network);
    memcpy(&network->config, config, sizeof *config);
    network->model = kin_catalogue_model(config->own, config->model);
    if (!network->model) return kin_fail(err, KIN_ERR_ARGUMENT, "there is no network '%.40s'", config->model);
    return kin_config_network(config, &network->opt, &network->head, err) &&
           kin_config_loss(config, &network->loss, err);
}

static void note_taught(kin_network *n, const kin_loss_input *in, int count)
{
    for (int i = 0; i < n->loss.count; i++)
        for (int k = 0; k < count; k++) {
            int64_t d = kin_channels(in[k].x);
            if (!(n->loss.term[i].loss->needs & KIN_LOSS_NEEDS_TEACHER) ||
                !kin_loss_is_for(&n->loss.term[i], in[k].branch))
                continue;
            if (!n->taught_least || d < n->taught_least) n->taught_least = d;
            if (d > n->taught_most) n->taught_most = d;
        }
}

static kin_tensor *rows_of(kin_ctx *ctx, const float *rows, int64_t count, int64_t dim)
{
    return rows ? kin_input(ctx, KIN_SHAPE(count, dim), rows) : NULL;
}

/* The sum of the losses on all branches and of the head's own term. */
static kin_tensor *loss_of(kin_network *n, kin_scope *s, const kin_branches *b)
{
    kin_loss_input in[KIN_BRANCHES];
    kin_ctx *ctx = kin_scope_ctx(s);
    int64_t count = kin_rows(b->branch[0].metric);
    kin_tensor *teacher = rows_of(ctx, n->teacher, count, n->teacher_dim),
               *pca = rows_of(ctx, n->teacher_pca, count, n->teacher_pca_dim);
    for (int i = 0; i < b->count; i++)
        in[i] = (kin_loss_input){.x = b->branch[i].metric,
                                 .behind = b->branch[i].behind,
                                 .labels = n->labels,
                                 .classes = n->config.n_classes,
                                 .teacher = teacher,
                                 .teacher_pca = pca,
                                 .branch = b->count > 1 ? b->branch[i].name : NULL};
    if (kin_is_dry(ctx)) note_taught(n, in, b->count);
    if (!kin_is_dry(ctx) && !b->term && (kin_loss_needs(&n->loss) & KIN_LOSS_NEEDS_HEAD))
        return kin_fail(
                   kin_ctx_error(ctx), KIN_ERR_ARGUMENT,
                   "the loss none goes with a head that has a loss of its own (--head autoencoder), and %s "
                   "has none here",
                   n->head.head->name),
               NULL;
    kin_tensor *sum = kin_loss_values(&n->loss, s, in, b->count);
    return sum && b->term && !kin_is_dry(kin_ctx_of(sum)) ? kin_add(sum, b->term) : sum;
}

/* What the first branch's classifier says. */
static kin_tensor *logits_of(const kin_network *n, kin_scope *s, const kin_branches *b)
{
    kin_loss_input in = {.x = b->branch[0].metric,
                         .behind = b->branch[0].behind,
                         .classes = n->config.n_classes,
                         .branch = b->count > 1 ? b->branch[0].name : NULL};
    return kin_loss_logits(&n->loss, s, &in);
}

kin_tensor *kin_network_forward(kin_scope *s, kin_tensor *x, void *argument)
{
    kin_network *n = argument;
    kin_branches branches;
    kin_head_call call = {&n->head, n->model, &n->opt, s, x};
    if (!kin_head_run(&call, &branches)) return NULL;
    if (kin_training(s)) return loss_of(n, s, &branches);
    if (n->classify && kin_loss_classifies(&n->loss)) return logits_of(n, s, &branches);
    return kin_head_descriptor(&branches);
}

static kin_shape input_shape(const kin_config *c, int64_t count)
{
    return KIN_SHAPE(count, c->size, kin_config_across(c), c->channels);
}

kin_module *kin_network_module(kin_network *network, kin_ctx *ctx)
{
    return kin_module_new(ctx, kin_network_forward, network, input_shape(&network->config, 2),
                          (uint64_t)network->config.seed);
}

/* Pictures in a batch: as many as keep the cores busy, fewer when they are large, for memory's sake. */
static int64_t batch_of(const kin_config *c)
{
    int64_t fits = (1 << 21) / (c->size * kin_config_across(c) * c->channels);
    return fits < 8 ? 8 : fits > BATCH ? BATCH : fits;
}

typedef struct in_order {
    int64_t count, batch;
} in_order;

static int64_t plan_in_order(void *user, int64_t step, int64_t *index, kin_error *err)
{
    (void)err;
    const in_order *p = user;
    int64_t first = step * p->batch, count = p->count - first < p->batch ? p->count - first : p->batch;
    for (int64_t i = 0; i < count; i++) index[i] = first + i;
    return count > 0 ? count : 0;
}

/* Pictures that wait for the network: one batch of them, without those that the cache knows. */
typedef struct encoder {
    kin_module *module;
    const kin_network *network;
    const kin_encode_opt *opt;
    int64_t total, batch, numbers; /* pictures in all and in a batch; floats a picture */
    float *pixels;                 /* [batch, numbers] */
    float *seen;                   /* the same, of a mirrored batch; NULL: not mirrored */
    int64_t *row;                  /* [batch]: where their descriptors go */
    kin_embed_key *key;            /* [2 batch]: theirs, and the loaded batch's; NULL without a cache */
    int64_t waiting, learnt, done;
    bool mirrored;
    kin_encoded *out;
} encoder;

static bool give_rows(encoder *e, int64_t dim, kin_error *err)
{
    if (!e->out->rows) {
        e->out->dim = dim;
        e->out->rows = kin_alloc_array((size_t)e->total, (size_t)dim * sizeof(float));
    }
    return e->out->rows ||
           kin_fail_memory(err, "the descriptors", (size_t)e->total * (size_t)dim * sizeof(float));
}

static bool learn(encoder *e, const float *rows, kin_error *err)
{
    int64_t dim = e->out->dim;
    for (int64_t i = 0; i < e->waiting; i++)
        if (!kin_embed_cache_add(e->opt->cache, &e->key[i], rows + i * dim, dim, err)) return false;
    e->learnt += e->waiting;
    if (e->learnt < KEEP_EVERY) return true;
    e->learnt = 0;
    return kin_embed_cache_keep(e->opt->cache, err);
}

/* Runs the network on the pictures that wait. */
static bool compute(encoder *e, kin_error *err)
{
    kin_ctx *ctx = kin_module_ctx(e->module);
    if (!e->waiting) return true;
    kin_tensor *y = kin_module_forward(
        e->module, kin_input(ctx, input_shape(&e->network->config, e->waiting), e->pixels), KIN_EVAL);
    bool ok = y ? give_rows(e, kin_channels(y), err) : kin_take_error(ctx, err);
    const float *rows = ok ? (const float *)kin_data(y) : NULL;
    for (int64_t i = 0; ok && i < e->waiting; i++)
        memcpy(e->out->rows + e->row[i] * e->out->dim, rows + i * e->out->dim,
               (size_t)e->out->dim * sizeof(float));
    ok = ok && (!e->opt->cache || learn(e, rows, err));
    kin_end_step(ctx);
    e->waiting = 0;
    return ok;
}

/* A loaded picture's row: from the cache, or later from the network. */
static bool take(encoder *e, const kin_loaded *batch, int64_t i, kin_error *err)
{
    const kin_embed_key *key = e->key ? &e->key[e->batch + i] : NULL;
    const float *known = key ? kin_embed_cache_find(e->opt->cache, key) : NULL;
    int64_t row = e->out->count++;
    e->out->item[row] = batch->index[i];
    if (known) {
        if (!give_rows(e, kin_embed_cache_dim(e->opt->cache), err)) return false;
        memcpy(e->out->rows + row * e->out->dim, known, (size_t)e->out->dim * sizeof *known);
        e->out->known++;
        return true;
    }
    memcpy(e->pixels + e->waiting * e->numbers, batch->pixels + i * e->numbers,
           (size_t)e->numbers * sizeof *e->pixels);
    if (key) e->key[e->waiting] = *key;
    e->row[e->waiting++] = row;
    return e->waiting < e->batch || compute(e, err);
}

static void mirror(float *pixels, int64_t rows, int64_t width, int64_t channels)
{
    for (int64_t y = 0; y < rows; y++, pixels += width * channels)
        for (int64_t left = 0, right = width - 1; left < right; left++, right--)
            for (int64_t c = 0; c < channels; c++) {
                float was = pixels[left * channels + c];
                pixels[left * channels + c] = pixels[right * channels + c];
                pixels[right * channels + c] = was;
            }
}

/* The loader's batch as this view has it, in memory of our own where it differs. */
static const float *view_of(encoder *e, const kin_loaded *batch)
{
    const kin_config *c = &e->network->config;
    if (!e->mirrored) return batch->pixels;
    memcpy(e->seen, batch->pixels, (size_t)(batch->count * e->numbers) * sizeof *e->seen);
    mirror(e->seen, batch->count * c->size, kin_config_across(c), c->channels);
    return e->seen;
}

/* Between two pictures of a batch. What a cache is to keep is finished first. */
static bool stops(void *user)
{
    const encoder *e = user;
    return !e->opt->progress(e->opt->user, e->done, e->total);
}

static bool encode_all(encoder *e, kin_loader *loader, kin_error *err)
{
    const kin_encode_opt *opt = e->opt;
    kin_loaded batch;
    while (kin_loader_next(loader, &batch, err)) {
        if (!batch.count) return compute(e, err);
        batch.pixels = view_of(e, &batch);
        if (e->key) kin_embed_cache_keys(batch.pixels, batch.count, e->numbers, e->key + e->batch);
        for (int64_t i = 0; i < batch.count; i++)
            if (!kin_loader_is_broken(loader, batch.index[i]) && !take(e, &batch, i, err)) return false;
        e->done += batch.count;
        if (opt->progress && !opt->progress(opt->user, e->done, e->total))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while computing descriptors; %s",
                            opt->cache ? "the cache keeps those that are done" : "nothing was written");
    }
    return false;
}

static bool begin(encoder *e, kin_error *err)
{
    e->numbers = e->network->config.size * kin_config_across(&e->network->config) *
                 e->network->config.channels;
    e->pixels = kin_alloc_array((size_t)e->batch, (size_t)e->numbers * sizeof *e->pixels);
    e->seen = e->mirrored ? kin_alloc_array((size_t)e->batch, (size_t)e->numbers * sizeof *e->seen) : NULL;
    e->row = kin_alloc_array((size_t)e->batch, sizeof *e->row);
    e->key = e->opt->cache ? kin_alloc_array((size_t)e->batch, 2 * sizeof *e->key) : NULL;
    e->out->item = kin_alloc_array((size_t)e->total, sizeof *e->out->item);
    return (e->pixels && e->row && e->out->item && (e->seen || !e->mirrored) && (e->key || !e->opt->cache)) ||
           kin_fail_memory(err, "the descriptors", (size_t)e->total * sizeof *e->out->item);
}

static bool all_zero(const float *row, int64_t dim)
{
    for (int64_t d = 0; d < dim; d++)
        if (row[d] != 0) return false;
    return true;
}

/* A network can answer nothing at all to a picture, mostly once it has collapsed. Such a row has no
 * direction and no neighbours; the others have. */
static bool leave_out_zeros(kin_encoded *out, const kin_dataset *set, kin_error *err)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < out->count; i++) {
        const float *row = out->rows + i * out->dim;
        if (all_zero(row, out->dim)) {
            if (!out->zeros++) out->first_zero = out->item[i];
            continue;
        }
        if (kept != i) memmove(out->rows + kept * out->dim, row, (size_t)out->dim * sizeof *row);
        out->item[kept++] = out->item[i];
    }
    out->count = kept;
    return kept || kin_fail(err, KIN_ERR_NUMERIC,
                            "the descriptors of all %lld pictures are zeros (the first: %s): the network has "
                            "collapsed",
                            (long long)out->zeros, set->items[out->first_zero].id);
}

/* What was computed is kept, whatever ended it: an interruption, a broken picture, an error. */
static bool keep(const encoder *e, bool ok, kin_error *err)
{
    kin_error second = {0};
    if (!e->opt->cache || kin_embed_cache_keep(e->opt->cache, &second)) return ok;
    return ok ? (*err = second, false) : false;
}

/* What the network says of each picture in one view, as it is said. */
static bool encode_view(kin_module *module, const kin_network *network, const kin_dataset *set,
                        const kin_encode_opt *opt, bool mirrored, kin_encoded *out, kin_error *err)
{
    kin_ctx *ctx = kin_module_ctx(module);
    in_order order = {set->count, batch_of(&network->config)};
    kin_loader_opt load = kin_config_loader(&network->config);
    load.batch = order.batch, load.plan = plan_in_order, load.plan_user = &order;
    load.strict = opt->strict, load.limits = kin_config_limits(&network->config, opt->limits);
    load.scaling = kin_config_batch(&network->config, 0);
    *out = (kin_encoded){0};
    encoder e = {.module = module,
                 .network = network,
                 .opt = opt,
                 .total = set->count,
                 .batch = order.batch,
                 .mirrored = mirrored,
                 .out = out};
    if (opt->progress && !opt->cache) load.stops = stops, load.stops_user = &e;
    kin_loader *loader = begin(&e, err) ? kin_loader_new(set, &load, err) : NULL;
    kin_module_pictures_apart(module);
    bool recording = kin_record(ctx, false), ok = loader && encode_all(&e, loader, err);
    kin_record(ctx, recording);
    ok = keep(&e, ok, err);
    if (ok)
        out->broken = kin_loader_broken(loader, &out->first_broken), out->hidden = kin_loader_hidden(loader);
    ok = ok && (out->count > 0 ||
                kin_fail(err, KIN_ERR_DATA, "none of the %lld pictures can be read; the first: %s",
                         (long long)out->broken, out->first_broken.message));
    kin_loader_free(loader);
    kin_free(e.pixels), kin_free(e.seen), kin_free(e.row), kin_free(e.key);
    if (!ok) kin_encoded_free(out);
    return ok;
}

/* ---- views ---- */

static void take_size(kin_config *c, int64_t size, int64_t across);

/* Adds a view's rows at unit length; one without a direction adds nothing. */
static void add_view(float *sum, const float *rows, int64_t count, int64_t dim)
{
    for (int64_t i = 0; i < count; i++, sum += dim, rows += dim) {
        double squares = 0;
        for (int64_t d = 0; d < dim; d++) squares += (double)rows[d] * (double)rows[d];
        for (int64_t d = 0; squares > 0 && d < dim; d++) sum[d] += (float)((double)rows[d] / sqrt(squares));
    }
}

/* Views on their way into a sum. */
typedef struct viewing {
    kin_encode_opt opt; /* of one view, whose progress is a part of the whole */
    const kin_encode_opt *whole;
    int64_t done, of;
} viewing;

static bool part_of(void *user, int64_t done, int64_t total)
{
    const viewing *v = user;
    const kin_encode_opt *o = v->whole;
    return !o->progress || o->progress(o->user, v->done * total + done, v->of * total);
}

static bool add_one(viewing *v, kin_module *module, const kin_network *network, const kin_dataset *set,
                    bool mirrored, kin_encoded *sum, kin_error *err)
{
    kin_encoded view;
    if (!encode_view(module, network, set, &v->opt, mirrored, &view, err)) return false;
    if (!v->done++) {
        float *rows = view.rows;
        *sum = view;
        sum->rows = kin_alloc_zero((size_t)view.count, (size_t)view.dim * sizeof *rows);
        if (sum->rows) add_view(sum->rows, rows, sum->count, sum->dim);
        kin_free(rows);
        return sum->rows ||
               kin_fail_memory(err, "the descriptors", (size_t)view.count * (size_t)view.dim * 4);
    }
    bool same = view.count == sum->count && view.dim == sum->dim &&
                memcmp(view.item, sum->item, (size_t)view.count * sizeof *view.item) == 0;
    if (same) add_view(sum->rows, view.rows, view.count, view.dim);
    sum->known += view.known;
    kin_encoded_free(&view);
    return same || kin_fail(err, KIN_ERR_DATA, "pictures that could be read at first no longer can");
}

static bool at_scale(viewing *v, kin_module *module, const kin_network *network, const kin_dataset *set,
                     double scale, kin_encoded *sum, kin_error *err)
{
    kin_network *scaled = kin_alloc(sizeof *scaled);
    kin_error why = {0};
    if (!scaled) return kin_fail_memory(err, "a network", sizeof *scaled);
    memcpy(scaled, network, sizeof *scaled);
    int64_t size = (int64_t)floor((double)network->config.size * scale + .5),
            across = (int64_t)floor((double)network->config.across * scale + .5);
    bool ok = (size >= 1 && size <= 4096 && across <= 4096 && (across || !network->config.across)) ||
              kin_fail(&why, KIN_ERR_ARGUMENT, "pictures have 1 to 4096 pixels a side");
    if (ok) take_size(&scaled->config, size, across);
    for (int mirrored = 0; ok && mirrored <= v->whole->flip; mirrored++)
        ok = add_one(v, module, scaled, set, mirrored, sum, &why);
    kin_free(scaled);
    if (ok || scale == 1 || why.code != KIN_ERR_ARGUMENT)
        return ok || kin_fail(err, why.code, "%s", why.message);
    return kin_fail(
        err, why.code,
        "scale %g: pictures of %lld pixels a side do not fit the network, which takes the size that it was "
        "trained at alone (--pooling gap fits any): %.700s",
        scale, (long long)size, why.message);
}

static bool encode_views(kin_module *module, const kin_network *network, const kin_dataset *set,
                         const kin_encode_opt *opt, kin_encoded *out, kin_error *err)
{
    static const double once = 1;
    const double *scale = opt->n_scales ? opt->scales : &once;
    int scales = opt->n_scales ? opt->n_scales : 1;
    viewing v = {*opt, .whole = opt, .of = (int64_t)scales * (opt->flip ? 2 : 1)};
    v.opt.progress = part_of, v.opt.user = &v;
    if (scales > KIN_SCALES) return kin_fail(err, KIN_ERR_ARGUMENT, "more than %d scales", KIN_SCALES);
    for (int i = 0; i < scales; i++)
        if (!at_scale(&v, module, network, set, scale[i], out, err)) return false;
    return true;
}

uint32_t kin_encode_views(const kin_encode_opt *opt)
{
    enum { MIRRORED = 1 << (KIN_NPY_MADE_BITS - 1) };
    uint64_t hash = 0;
    char text[32];
    for (int i = 0; i < opt->n_scales; i++) {
        snprintf(text, sizeof text, "%.6g", opt->scales[i]);
        hash = kin_key_text(hash, text);
    }
    if (opt->n_scales == 1 && opt->scales[0] == 1) hash = 0;
    return (uint32_t)(hash % (MIRRORED - 1) + (hash != 0)) | (opt->flip ? MIRRORED : 0);
}

bool kin_encode(kin_module *module, const kin_network *network, const kin_dataset *set,
                const kin_encode_opt *opt, kin_encoded *out, kin_error *err)
{
    static const kin_encode_opt none = {0};
    if (!opt) opt = &none;
    *out = (kin_encoded){0};
    bool ok = opt->flip || opt->n_scales ? encode_views(module, network, set, opt, out, err)
                                         : encode_view(module, network, set, opt, false, out, err);
    ok = ok && (opt->raw || leave_out_zeros(out, set, err));
    ok = ok && (opt->raw || kin_normalize_rows(out->rows, out->count, out->dim, "the network's output", err));
    if (!ok) kin_encoded_free(out);
    return ok;
}

void kin_encoded_free(kin_encoded *e)
{
    kin_free(e->rows);
    kin_free(e->item);
    *e = (kin_encoded){0};
}

/* For pictures of another side. */
static void take_size(kin_config *c, int64_t size, int64_t across)
{
    if (c->resize) c->resize = across ? 0 : c->resize * size / c->size;
    c->size = size, c->across = across;
}

static bool describe_checkpoint(kin_network *network, const kin_checkpoint *checkpoint, const char *file,
                                const kin_catalogue *own, kin_error *err)
{
    kin_config *config = kin_alloc(sizeof *config);
    bool ok = config ? kin_config_from_checkpoint(config, checkpoint, file, own, err) &&
                           kin_network_describe(network, config, err)
                     : kin_fail_memory(err, file, sizeof *config);
    kin_free(config);
    return ok;
}

bool kin_network_open(const char *path, const kin_open_opt *opt, kin_ctx *ctx, kin_network *network,
                      kin_module **module, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    int64_t trained = 0, size = opt ? opt->size : 0, across = opt ? opt->across : 0;
    char *file = kin_is_folder(path) ? kin_run_model(path) : kin_strdup(path);
    *module = NULL;
    if (!file) return kin_fail_memory(err, path, strlen(path));
    bool ok = kin_checkpoint_open(file, &checkpoint, err) &&
              describe_checkpoint(network, checkpoint, file, opt ? opt->own : NULL, err);
    if (ok) {
        trained = network->config.size;
        if (size) take_size(&network->config, size, across == size ? 0 : across);
        *module = kin_module_new_zero(ctx, kin_network_forward, network, input_shape(&network->config, 2));
        if (!*module)
            ok = kin_fail(err, kin_ctx_error(ctx)->code, "%s: %s", file, kin_ctx_error(ctx)->message);
    }
    kin_error inner = {0};
    if (ok && !kin_checkpoint_load(checkpoint, *module, NULL, &inner))
        ok = size && (size != trained || across) && inner.code == KIN_ERR_DATA
                 ? kin_fail(err, KIN_ERR_ARGUMENT,
                            "--size %lld: %s was trained at %lld, and its layers fit no other size: %s",
                            (long long)size, file, (long long)trained, inner.message)
                 : kin_fail(err, inner.code, "%s: %s", file, inner.message);
    if (!ok) {
        kin_module_free(*module);
        *module = NULL;
    }
    kin_checkpoint_free(checkpoint);
    kin_free(file);
    return ok;
}

static kin_tensor *whole_model(kin_scope *s, kin_tensor *x, void *network)
{
    const kin_network *n = network;
    return kin_model_features(n->model, s, x, &n->opt);
}

/* A head that takes the map of an earlier stage has no use for the stages behind it, which the weights of the
 * whole network hold all the same: their names. */
static bool add_unused(kin_network *n, kin_module *module, kin_text *globs, kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_module *whole = ctx ? kin_module_outline(ctx, whole_model, n, input_shape(&n->config, 2)) : NULL;
    bool ok = whole || kin_take_error(ctx, err);
    for (int i = 0; ok && i < kin_module_entries(whole); i++) {
        const char *name = kin_module_entry(whole, i)->name;
        if (!kin_module_find(module, name)) kin_text_format(globs, ",%s", name);
    }
    kin_module_free(whole);
    kin_ctx_free(ctx);
    return ok;
}

bool kin_network_load(kin_network *network, kin_module *module, kin_error *err)
{
    const kin_config *c = &network->config;
    const char *classifier = network->model->classifier ? network->model->classifier : "classifier",
               *own = network->head.head->own;
    kin_text heads = {0};
    kin_text_format(&heads, "%s.*,classifier.*,loss.*,embedding.*,bnneck.*,pool.p,attention.*,*.attention.*",
                    classifier);
    if (own) kin_text_format(&heads, ",%s", own);
    bool ok = add_unused(network, module, &heads, err) &&
              (!heads.failed || kin_fail_memory(err, "the names of heads", heads.size));
    ok = ok && kin_weights_load(&(kin_weights){.path = c->weights,
                                               .key = c->key,
                                               .prefix = c->prefix,
                                               .heads = heads.data,
                                               .missing = c->allow_missing,
                                               .untrained = c->untrained,
                                               .sum_channels = c->sum_stem},
                                module, network->told, err);
    kin_text_free(&heads);
    return ok;
}

bool kin_network_published(const kin_config *config, kin_ctx *ctx, kin_network *network, kin_module **module,
                           kin_error *err)
{
    *module = NULL;
    if (!kin_network_describe(network, config, err)) return false;
    if (!(*module = kin_network_module(network, ctx))) return kin_take_error(ctx, err);
    if (kin_network_load(network, *module, err)) return true;
    kin_module_free(*module);
    *module = NULL;
    return false;
}

/* ---- without training ---- */

static float *finished(float *out, int64_t count, int64_t dim, const char *what, kin_error *err)
{
    if (!out) return kin_fail_memory(err, what, (size_t)count * (size_t)dim * sizeof *out), NULL;
    /* A black picture has no direction; a tiny constant gives it one. */
    for (int64_t i = 0; i < count * dim; i++) out[i] += 1e-6f;
    if (kin_normalize_rows(out, count, dim, what, err)) return out;
    kin_free(out);
    return NULL;
}

float *kin_encode_pixels(const kin_pictures *p, int64_t *dim, kin_error *err)
{
    *dim = (int64_t)p->size * p->size * p->channels;
    float *out = kin_alloc_array((size_t)p->count, (size_t)*dim * sizeof *out);
    for (int64_t i = 0; out && i < p->count * *dim; i++) out[i] = (float)p->pixels[i] / 255;
    return finished(out, p->count, *dim, "the pixels", err);
}

float *kin_encode_histogram(const kin_pictures *p, int64_t *dim, kin_error *err)
{
    int quarter = p->size / 4, end = p->size - quarter;
    *dim = p->channels == 3 ? 512 : 8;
    float *out = kin_alloc_zero((size_t)p->count, (size_t)*dim * sizeof *out);
    for (int64_t i = 0; out && i < p->count; i++)
        for (int y = quarter; y < end; y++)
            for (int x = quarter; x < end; x++) {
                const uint8_t *v = p->pixels + ((i * p->size + y) * p->size + x) * p->channels;
                out[i * *dim + (p->channels == 3 ? (v[0] >> 5) << 6 | (v[1] >> 5) << 3 | v[2] >> 5
                                                 : v[0] >> 5)] += 1.0f /
                                                                  (float)((end - quarter) * (end - quarter));
            }
    return finished(out, p->count, *dim, "the histograms", err);
}
