#include "cli/network/explained.h"

#include "base/memory.h"
#include "cli/pages/heatmap.h"
#include "cli/terminal/interrupt.h"
#include "retrieval/vectors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked of the network ---- */

static bool attends_at_end(const kin_network *n)
{
    return n->opt.attention.kind != KIN_ATTEND_NONE && strcmp(n->opt.attention.place, "end") == 0;
}

static bool is_head(const kin_network *n, const char *name) { return strcmp(n->head.head->name, name) == 0; }

static int learners(const kin_network *n)
{
    return is_head(n, "abe") ? (int)kin_head_value(&n->head, "learners") : 0;
}

static const char *weights_tap(const kin_network *n)
{
    if (!attends_at_end(n) || learners(n)) return NULL;
    switch (n->opt.attention.kind) {
    case KIN_ATTEND_SE:
    case KIN_ATTEND_ECA: return "attention.gate";
    case KIN_ATTEND_CBAM: return "attention.ChannelGate";
    case KIN_ATTEND_SCA: return "attention.weights";
    default: return NULL;
    }
}

static void mask_tap(char name[32], int m) { snprintf(name, 32, "attention.mask.%d", m); }

static bool retain(kin_module *m, const kin_network *n, kin_error *err)
{
    char mask[32];
    bool ok = learners(n) || kin_module_retain(m, "features");
    if (ok && attends_at_end(n) && !learners(n))
        ok = kin_module_retain(m, "attention") && kin_module_retain(m, "attention.input");
    if (ok && weights_tap(n)) ok = kin_module_retain(m, weights_tap(n));
    for (int i = 0; ok && i < learners(n); i++) {
        mask_tap(mask, i);
        ok = kin_module_retain(m, mask);
    }
    if (ok && is_head(n, "autoencoder")) ok = kin_module_retain(m, "decoder");
    return ok || kin_fail_memory(err, "the names of taps", sizeof mask);
}

/* ---- one picture ---- */

static bool take_map(kin_seen_map *to, const kin_tensor *t, bool averaged, kin_error *err)
{
    if (!t || kin_ndim(t) != 4 || !kin_data(t)) return true;
    *to = (kin_seen_map){(int)kin_dim(t, 1), (int)kin_dim(t, 2), averaged ? 1 : kin_channels(t), NULL};
    int64_t pixels = (int64_t)to->h * to->w, channels = kin_channels(t), ld = kin_ld(t);
    to->data = kin_alloc_array((size_t)pixels, (size_t)to->c * sizeof *to->data);
    if (!to->data)
        return kin_fail_memory(err, "a map", (unsigned long long)(pixels * to->c) * sizeof *to->data);
    for (int64_t p = 0; p < pixels; p++) {
        double sum = 0;
        for (int64_t k = 0; k < channels; k++) {
            if (averaged) sum += (double)kin_data(t)[p * ld + k];
            else to->data[p * channels + k] = (float)kin_data(t)[p * ld + k];
        }
        if (averaged) to->data[p] = (float)(sum / (double)channels);
    }
    return true;
}

static bool take_change(kin_seen *s, const kin_module *m, kin_error *err)
{
    const kin_tensor *after = kin_module_tapped(m, "attention"),
                     *before = kin_module_tapped(m, "attention.input");
    if (!after || !before || !s->map.data || kin_ndim(after) != 4) return true;
    s->changed = kin_alloc_array((size_t)s->map.h, (size_t)s->map.w * sizeof *s->changed);
    if (!s->changed)
        return kin_fail_memory(err, "a map", (size_t)s->map.h * (size_t)s->map.w * sizeof(float));
    return kin_heatmap_lengths(after, before, 0, s->changed, err);
}

static uint8_t byte_of(const kin_batch_opt *o, int channel, double value)
{
    double deviation = o->deviation[channel] > 0 ? o->deviation[channel] : 1,
           byte = nearbyint(255 * (value * deviation + o->mean[channel]));
    if (!(byte > 0)) byte = 0;
    if (byte > 255) byte = 255;
    return (uint8_t)(o->invert ? 255 - byte : byte);
}

/* The decoder's numbers as a picture: the scaling undone. */
static bool take_remade(kin_seen *s, const kin_tensor *t, const kin_batch_opt *scaling, kin_error *err)
{
    if (!t || kin_ndim(t) != 4 || !kin_data(t)) return true;
    int height = (int)kin_dim(t, 1), width = (int)kin_dim(t, 2), channels = (int)kin_channels(t);
    if (!kin_image_new(&s->remade, width, height, channels, err)) return false;
    for (int64_t p = 0; p < (int64_t)height * width; p++)
        for (int k = 0; k < channels; k++)
            s->remade.data[p * channels + k] = byte_of(scaling, k, (double)kin_data(t)[p * kin_ld(t) + k]);
    return true;
}

typedef struct weighed {
    float weight;
    int64_t channel;
} weighed;

static int larger_first(const void *a, const void *b)
{
    const weighed *p = a, *q = b;
    if (p->weight != q->weight) return p->weight > q->weight ? -1 : 1;
    return p->channel < q->channel ? -1 : p->channel > q->channel;
}

/* A gate's number for each channel; of self channel attention A [c, c], whose rows sum to 1, how much each
 * channel is looked at by all others, 1 where all are alike. */
static bool take_weights(kin_seen *s, const kin_tensor *t, bool matrix, double *entropy, kin_error *err)
{
    if (!t || !kin_data(t)) return true;
    int64_t c = kin_dim(t, kin_ndim(t) - 1), ld = kin_ld(t);
    weighed *all = kin_alloc_array((size_t)c, sizeof *all);
    s->weight = kin_alloc_array((size_t)c, sizeof *s->weight),
    s->channel = kin_alloc_array((size_t)c, sizeof *s->channel);
    if (!all || !s->weight || !s->channel) {
        kin_free(all);
        return kin_fail_memory(err, "weights of channels", (size_t)c * sizeof *all);
    }
    for (int64_t k = 0; k < c; k++) {
        double sum = 0;
        for (int64_t row = 0; row < (matrix ? c : 1); row++) {
            double a = (double)kin_data(t)[row * ld + k];
            sum += a;
            if (matrix && a > 0) *entropy -= a * log(a) / ((double)c * log((double)(c > 1 ? c : 2)));
        }
        all[k] = (weighed){(float)sum, k};
    }
    qsort(all, (size_t)c, sizeof *all, larger_first);
    for (int64_t k = 0; k < c; k++) s->weight[k] = all[k].weight, s->channel[k] = all[k].channel;
    s->weights = c;
    kin_free(all);
    return true;
}

static bool take_descriptor(kin_explained *e, kin_seen *s, const kin_tensor *y, kin_error *err)
{
    int64_t n = kin_count(y);
    if (!e->dim) e->dim = n;
    s->descriptor = kin_alloc_array((size_t)n, sizeof *s->descriptor);
    if (!s->descriptor) return kin_fail_memory(err, "a descriptor", (size_t)n * sizeof *s->descriptor);
    for (int64_t i = 0; i < n; i++) {
        s->descriptor[i] = (float)kin_data(y)[i];
        if (!isfinite(s->descriptor[i]))
            return kin_fail(err, KIN_ERR_NUMERIC, "%s: the network's descriptor is not finite", s->path);
    }
    return n == e->dim || kin_fail(err, KIN_ERR_ARGUMENT, "%s: another size of descriptor", s->path);
}

static bool look_at(kin_explained *e, kin_seen *s, kin_module *m, kin_error *err)
{
    const kin_config *c = &e->network->config;
    kin_ctx *ctx = kin_module_ctx(m);
    kin_scaling scaling;
    kin_batch_opt batch = kin_config_batch(c, 0);
    char name[32];
    kin_scaling_make(&scaling, &batch);
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1, c->size, kin_config_across(c), c->channels), NULL);
    if (x) kin_scaling_picture(&scaling, &s->image, 0, 0, (float *)kin_data(x));
    const kin_tensor *y = kin_module_forward(m, x, KIN_EVAL);
    if (!y) return kin_take_error(ctx, err);
    const char *weights = weights_tap(e->network);
    bool ok = take_descriptor(e, s, y, err) &&
              take_map(&s->map, kin_module_tapped(m, "features"), false, err) && take_change(s, m, err) &&
              take_remade(s, kin_module_tapped(m, "decoder"), &batch, err);
    if (ok && weights)
        ok = take_weights(s, kin_module_tapped(m, weights), e->network->opt.attention.kind == KIN_ATTEND_SCA,
                          &e->entropy, err);
    for (int i = 0; ok && i < learners(e->network); i++) {
        mask_tap(name, i);
        ok = take_map(&s->mask[i], kin_module_tapped(m, name), true, err);
    }
    return ok;
}

/* ---- all of them ---- */

bool kin_explain(kin_module *module, const kin_network *network, char *const *paths, int count,
                 const kin_image_limits *limits, kin_explained *out, kin_error *err)
{
    const kin_config *c = &network->config;
    *out = (kin_explained){
        .network = network, .count = count, .seen = kin_alloc_zero((size_t)count, sizeof *out->seen)};
    if (!out->seen) return kin_fail_memory(err, "the pictures", (size_t)count * sizeof *out->seen);
    kin_image_limits own = kin_config_limits(c, *limits);
    kin_record(kin_module_ctx(module), false);
    bool ok = retain(module, network, err);
    for (int i = 0; ok && i < count; i++) {
        kin_seen *s = &out->seen[i];
        s->path = paths[i];
        ok = kin_image_read(paths[i], &own, &s->image, err) &&
             kin_picture_prepare_to(&s->image, (int)c->resize, (int)c->size, (int)kin_config_across(c),
                                    (int)c->channels, kin_config_filter(c), err) &&
             look_at(out, s, module, err);
        kin_end_step(kin_module_ctx(module));
        if (ok && kin_interrupted())
            ok = kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; nothing was written");
    }
    bool matrix = weights_tap(network) && network->opt.attention.kind == KIN_ATTEND_SCA;
    out->entropy = matrix ? out->entropy / count : NAN;
    if (!ok) kin_explained_free(out);
    return ok;
}

void kin_explained_free(kin_explained *e)
{
    for (int i = 0; e->seen && i < e->count; i++) {
        kin_seen *s = &e->seen[i];
        kin_image_free(&s->image), kin_image_free(&s->remade);
        kin_free(s->descriptor), kin_free(s->map.data), kin_free(s->changed);
        kin_free(s->weight), kin_free(s->channel);
        for (int m = 0; m < KIN_BRANCHES; m++) kin_free(s->mask[m].data);
    }
    kin_free(e->seen);
    *e = (kin_explained){0};
}

double kin_explained_alike(const kin_explained *e, int a, int b, int64_t from, int64_t to)
{
    return kin_cosine(e->seen[a].descriptor + from, e->seen[b].descriptor + from, to - from);
}

void kin_explained_order(const kin_explained *e, int a, int64_t from, int64_t to, int *order)
{
    int n = 0;
    for (int b = 0; b < e->count; b++) {
        if (b == a) continue;
        int at = n++;
        double alike = kin_explained_alike(e, a, b, from, to);
        for (; at > 0 && kin_explained_alike(e, a, order[at - 1], from, to) < alike; at--)
            order[at] = order[at - 1];
        order[at] = b;
    }
}

bool kin_explained_told(const kin_explained *e, int a, int *order)
{
    int back[KIN_EXPLAINED_PICTURES];
    kin_explained_order(e, a, 0, e->dim, order);
    if (order[0] > a) return false;
    kin_explained_order(e, order[0], 0, e->dim, back);
    return back[0] == a;
}

const char *kin_explain_name(const char *path)
{
    const char *name = path;
    int slashes = 0;
    for (const char *c = path + strlen(path); c > path && slashes < 2; c--)
        if (c[-1] == '/' && *c) name = c, slashes++;
    return slashes < 2 ? path : name;
}
