#include "cli/encoder.h"

#include "base/memory.h"
#include "cli/weights.h"
#include "retrieval/expand.h"

#include <string.h>

enum { BATCH = 128 };

kin_tensor *kin_network_forward(kin_scope *s, kin_tensor *x, void *argument)
{
    kin_network *n = argument;
    kin_model_opt model = kin_config_model(&n->config);
    kin_loss_opt loss = kin_config_loss(&n->config);
    kin_tensor *embedding = kin_model_head(n->model, s, kin_model_features(n->model, s, x, &model), &model);
    kin_tensor *behind = kin_model_neck(s, embedding, &model); /* in training too where nothing reads it, for its statistics */
    if (n->loss->head && (kin_training(s) || n->classify)) return n->loss->head(s, behind, &loss);
    return kin_training(s) ? embedding : behind;
}

static kin_shape input_shape(const kin_config *c, int64_t count) { return KIN_SHAPE(count, c->size, c->size, c->channels); }

kin_module *kin_network_module(kin_network *network, kin_ctx *ctx)
{
    return kin_module_new(ctx, kin_network_forward, network, input_shape(&network->config, 2), (uint64_t)network->config.seed);
}

/* Pictures in a batch: as many as keep the cores busy, fewer when they are large, for memory's sake. */
static int64_t batch_of(const kin_config *c)
{
    int64_t fits = (1 << 21) / (c->size * c->size * c->channels);
    return fits < 8 ? 8 : fits > BATCH ? BATCH : fits;
}

typedef struct in_order { int64_t count, batch; } in_order;

static int64_t plan_in_order(void *user, int64_t step, int64_t *index, kin_error *err)
{
    (void)err;
    const in_order *p = user;
    int64_t first = step * p->batch, count = p->count - first < p->batch ? p->count - first : p->batch;
    for (int64_t i = 0; i < count; i++) index[i] = first + i;
    return count > 0 ? count : 0;
}

/* A batch's rows, those of broken pictures left out; `out` is made when the width is known. */
static bool encode_batch(kin_module *module, const kin_network *network, kin_loader *loader, const kin_loaded *batch, int64_t total, kin_encoded *out)
{
    kin_ctx *ctx = kin_module_ctx(module);
    kin_tensor *x = kin_input(ctx, input_shape(&network->config, batch->count), NULL);
    if (x) memcpy((float *)kin_data(x), batch->pixels, (size_t)kin_count(x) * sizeof(float));
    kin_tensor *y = kin_module_forward(module, x, KIN_EVAL);
    if (!y) return false;
    out->dim = kin_channels(y);
    if (!out->rows) out->rows = kin_alloc_array((size_t)total, (size_t)out->dim * sizeof(float));
    if (!out->rows) return kin_fail_memory(kin_ctx_error(ctx), "the descriptors", (size_t)total * (size_t)out->dim * sizeof(float));
    const float *rows = (const float *)kin_data(y);
    for (int64_t i = 0; i < batch->count; i++) {
        if (kin_loader_is_broken(loader, batch->index[i])) continue;
        memcpy(out->rows + out->count * out->dim, rows + i * out->dim, (size_t)out->dim * sizeof(float));
        out->item[out->count++] = batch->index[i];
    }
    return true;
}

static bool encode_all(kin_module *module, const kin_network *network, kin_loader *loader, const kin_encode_opt *opt, int64_t total, kin_encoded *out, kin_error *err)
{
    kin_loaded batch;
    int64_t done = 0;
    while (kin_loader_next(loader, &batch, err)) {
        if (!batch.count) return true;
        bool ok = encode_batch(module, network, loader, &batch, total, out);
        kin_end_step(kin_module_ctx(module));
        if (!ok) return false;
        done += batch.count;
        if (opt->progress && !opt->progress(opt->user, done, total)) return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while computing descriptors; nothing was written");
    }
    return false;
}

bool kin_encode(kin_module *module, const kin_network *network, const kin_dataset *set, const kin_encode_opt *opt, kin_encoded *out, kin_error *err)
{
    static const kin_encode_opt none = {0};
    if (!opt) opt = &none;
    kin_ctx *ctx = kin_module_ctx(module);
    in_order order = {set->count, batch_of(&network->config)};
    kin_loader_opt load = kin_config_loader(&network->config);
    load.batch = order.batch, load.plan = plan_in_order, load.plan_user = &order;
    load.strict = opt->strict, load.limits = opt->limits;
    load.scaling = kin_config_batch(&network->config, 0);
    *out = (kin_encoded){.item = kin_alloc_array((size_t)set->count, sizeof *out->item)};
    if (!out->item) return kin_fail_memory(err, "the descriptors", (size_t)set->count * sizeof *out->item);
    kin_loader *loader = kin_loader_new(set, &load, err);
    kin_module_pictures_apart(module);
    bool recording = kin_record(ctx, false), ok = loader && encode_all(module, network, loader, opt, set->count, out, err);
    kin_record(ctx, recording);
    if (!kin_ok(ctx)) kin_fail(err, kin_ctx_error(ctx)->code, "%s", kin_ctx_error(ctx)->message);
    if (ok) out->broken = kin_loader_broken(loader, &out->first_broken);
    ok = ok && (out->count > 0 || kin_fail(err, KIN_ERR_DATA, "none of the %lld pictures can be read; the first: %s", (long long)out->broken, out->first_broken.message));
    ok = ok && (opt->raw || kin_normalize_rows(out->rows, out->count, out->dim, "the network's output", err));
    kin_loader_free(loader);
    if (!ok) kin_encoded_free(out);
    return ok;
}

void kin_encoded_free(kin_encoded *e)
{
    kin_free(e->rows);
    kin_free(e->item);
    *e = (kin_encoded){0};
}

bool kin_network_open(const char *path, kin_ctx *ctx, kin_network *network, kin_module **module, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    char *file = kin_is_folder(path) ? kin_path_join(path, "model.safetensors") : kin_strdup(path);
    *module = NULL;
    if (!file) return kin_fail_memory(err, path, strlen(path));
    bool ok = kin_checkpoint_open(file, &checkpoint, err) && kin_config_from_checkpoint(&network->config, checkpoint, file, err);
    if (ok) {
        network->model = kin_model_find(network->config.model);
        network->loss = kin_loss_find(network->config.loss);
        network->classify = false;
        *module = kin_module_new_zero(ctx, kin_network_forward, network, input_shape(&network->config, 2));
        if (!*module) ok = kin_fail(err, kin_ctx_error(ctx)->code, "%s: %s", file, kin_ctx_error(ctx)->message);
    }
    kin_error inner = {0};
    if (ok && !kin_checkpoint_load(checkpoint, *module, NULL, &inner)) ok = kin_fail(err, inner.code, "%s: %s", file, inner.message);
    if (!ok) {
        kin_module_free(*module);
        *module = NULL;
    }
    kin_checkpoint_free(checkpoint);
    kin_free(file);
    return ok;
}

bool kin_network_load(const kin_checkpoint *checkpoint, const kin_network *network, kin_module *module, kin_error *err)
{
    char ours[KIN_CONFIG_TEXT + 256];
    const char *classifier = network->model->classifier ? network->model->classifier : "classifier", *more = network->config.allow_missing;
    snprintf(ours, sizeof ours, "%s.*,classifier.*,embedding.*,bnneck.*,pool.p,attention.*,*.attention.*%s%s", classifier, *more ? "," : "", more);
    return kin_checkpoint_load(checkpoint, module, ours, err);
}

bool kin_network_published(const kin_config *config, kin_ctx *ctx, kin_network *network, kin_module **module, kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    kin_error why = {0};
    *network = (kin_network){.config = *config, .model = kin_model_find(config->model), .loss = kin_loss_find(config->loss)};
    *module = NULL;
    bool ok = kin_weights_open(config->weights, NULL, NULL, &checkpoint, NULL, err);
    if (ok && !(*module = kin_network_module(network, ctx))) ok = kin_fail(err, kin_ctx_error(ctx)->code, "%s", kin_ctx_error(ctx)->message);
    if (ok && !kin_network_load(checkpoint, network, *module, &why)) ok = kin_fail(err, why.code, "%s: %s; --allow-missing GLOBS lets some pass", config->weights, why.message);
    if (!ok) {
        kin_module_free(*module);
        *module = NULL;
    }
    kin_checkpoint_free(checkpoint);
    return ok;
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
                out[i * *dim + (p->channels == 3 ? (v[0] >> 5) << 6 | (v[1] >> 5) << 3 | v[2] >> 5 : v[0] >> 5)] += 1.0f / (float)((end - quarter) * (end - quarter));
            }
    return finished(out, p->count, *dim, "the histograms", err);
}
