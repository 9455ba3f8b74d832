#include "cli/encoder.h"

#include "base/memory.h"
#include "retrieval/expand.h"

#include <string.h>

enum { BATCH = 128 };

kin_tensor *kin_network_forward(kin_scope *s, kin_tensor *x, void *argument)
{
    kin_network *n = argument;
    kin_model_opt model = kin_config_model(&n->config);
    kin_loss_opt loss = kin_config_loss(&n->config);
    kin_tensor *embedding = kin_model_forward(n->model, s, x, &model);
    return n->loss->head && (kin_training(s) || n->classify) ? n->loss->head(s, embedding, &loss) : embedding;
}

static kin_shape input_shape(const kin_config *c, int64_t count) { return KIN_SHAPE(count, c->size, c->size, c->channels); }

kin_module *kin_network_module(kin_network *network, kin_ctx *ctx)
{
    return kin_module_new(ctx, kin_network_forward, network, input_shape(&network->config, 2), (uint64_t)network->config.seed);
}

/* One batch in evaluation mode; its rows go to `out`, which is made when the width is known. */
static bool encode_batch(kin_module *module, const kin_network *network, const kin_pictures *p, int64_t first, float **out, int64_t *dim)
{
    kin_ctx *ctx = kin_module_ctx(module);
    int64_t index[BATCH], count = p->count - first < BATCH ? p->count - first : BATCH;
    for (int64_t i = 0; i < count; i++) index[i] = first + i;
    kin_batch_opt scaling = kin_config_batch(&network->config, 0);
    kin_tensor *x = kin_input(ctx, input_shape(&network->config, count), NULL);
    if (x) kin_batch_fill(p, index, count, &scaling, (float *)kin_data(x));
    kin_tensor *y = kin_module_forward(module, x, KIN_EVAL);
    if (!y) return false;
    *dim = kin_channels(y);
    if (!*out) *out = kin_alloc_array((size_t)p->count, (size_t)*dim * sizeof(float));
    return *out ? kin_read(y, *out + first * *dim) : kin_fail_memory(kin_ctx_error(ctx), "the descriptors", (size_t)p->count * (size_t)*dim * sizeof(float));
}

float *kin_encode(kin_module *module, const kin_network *network, const kin_pictures *p, bool raw, int64_t *dim, bool (*progress)(void *user, int64_t done, int64_t total), void *user,
                  kin_error *err)
{
    kin_ctx *ctx = kin_module_ctx(module);
    float *out = NULL;
    bool recording = kin_record(ctx, false), ok = true;
    for (int64_t first = 0; ok && first < p->count; first += BATCH) {
        ok = encode_batch(module, network, p, first, &out, dim);
        kin_end_step(ctx);
        int64_t done = first + BATCH < p->count ? first + BATCH : p->count;
        if (ok && progress && !progress(user, done, p->count)) ok = kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while computing descriptors; nothing was written");
    }
    kin_record(ctx, recording);
    if (!kin_ok(ctx)) kin_fail(err, kin_ctx_error(ctx)->code, "%s", kin_ctx_error(ctx)->message);
    if (ok && !raw) ok = kin_normalize_rows(out, p->count, *dim, "the network's output", err);
    if (ok) return out;
    kin_free(out);
    return NULL;
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
        *module = kin_network_module(network, ctx);
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
