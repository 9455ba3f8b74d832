#include "nn/attention.h"

#include "nn/layers.h"
#include "nn/summary.h"

#include <math.h>
#include <string.h>

static const double pytorch_gain = 0.57735026918962576;

static int64_t reduced(int64_t channels, int64_t reduction)
{
    int64_t by = reduction ? reduction : 16;
    return channels > by && by > 0 ? channels / by : 1;
}

/* Under the scope's child `name`, and for the caller who gave a pointer. */
static kin_tensor *tapped(kin_scope *s, const char *name, kin_tensor **tap, kin_tensor *t)
{
    if (tap) *tap = t;
    return kin_tap(kin_sub(s, name), t);
}

/* The map with its gate, under the attention's own scope; what it was before, under "input". */
static kin_tensor *gated(kin_scope *s, kin_tensor *x, kin_tensor *gate)
{
    kin_tap(kin_sub(s, "input"), x);
    return kin_tap(s, kin_gate(x, gate));
}

/* A map that attention cannot be asked for: its error names the scope. */
static bool is_map(kin_scope *s, kin_tensor *x, const char *who)
{
    char text[128];
    if (!s || !x || !kin_ok(kin_scope_ctx(s))) return false;
    if (kin_ndim(x) == 4) return true;
    return kin_fail(kin_ctx_error(kin_scope_ctx(s)), KIN_ERR_ARGUMENT,
                    "%s in '%s' expected a map [n, h, w, c], not %s", who, kin_scope_path(s),
                    kin_shape_text(kin_shape_of(x), text, sizeof text));
}

static bool is_odd(kin_scope *s, int64_t kernel, const char *who)
{
    if (kernel > 0 && kernel % 2) return true;
    return kin_fail(kin_ctx_error(kin_scope_ctx(s)), KIN_ERR_ARGUMENT,
                    "%s in '%s' needs an odd kernel, not %lld", who, kin_scope_path(s), (long long)kernel);
}

/* ---- squeeze and excitation ---- */

kin_tensor *kin_se(kin_scope *s, kin_tensor *x, const kin_se_opt *opt)
{
    kin_se_opt none = {0};
    if (!opt) opt = &none;
    if (!is_map(s, x, "squeeze and excitation")) return NULL;
    int64_t channels = kin_channels(x),
            squeeze = opt->squeeze ? opt->squeeze : reduced(channels, opt->reduction);
    kin_tensor *a = kin_conv(kin_sub(s, "fc1"), kin_mean(x, 6),
                             &(kin_conv_opt){.out = squeeze, .kernel = 1, .bias = true});
    a = kin_conv(kin_sub(s, "fc2"), opt->silu ? kin_silu(a) : kin_relu(a),
                 &(kin_conv_opt){.out = channels, .kernel = 1, .bias = true});
    a = opt->hard ? kin_scale(kin_relu6(kin_scale(a, 1, 3)), 1.0 / 6, 0) : kin_sigmoid(a);
    return gated(s, x, tapped(s, "gate", opt->gate, a));
}

/* ---- efficient channel attention ---- */

int64_t kin_eca_kernel(int64_t channels)
{
    int64_t k = (int64_t)fabs((log2((double)(channels > 0 ? channels : 1)) + 1) / 2);
    return k % 2 ? k : k + 1;
}

kin_tensor *kin_eca(kin_scope *s, kin_tensor *x, const kin_eca_opt *opt)
{
    kin_eca_opt none = {0};
    if (!opt) opt = &none;
    if (!is_map(s, x, "efficient channel attention")) return NULL;
    int64_t n = kin_dim(x, 0), channels = kin_channels(x),
            k = opt->kernel ? opt->kernel : kin_eca_kernel(channels);
    if (!is_odd(s, k, "efficient channel attention")) return NULL;
    kin_tensor *w = kin_param(kin_sub(s, "conv"), "weight",
                              &(kin_param_opt){.shape = KIN_SHAPE(1, 1, k),
                                               .init = KIN_INIT_KAIMING_UNIFORM,
                                               .scale = pytorch_gain,
                                               .fan_in = (double)k});
    /* The channels as the pixels of a picture one pixel high, with one channel. */
    kin_tensor *line = kin_reshape(kin_mean(x, 6), KIN_SHAPE(n, 1, channels, 1));
    line = kin_conv2d(line, kin_reshape(w, KIN_SHAPE(1, k, 1, 1)), NULL,
                      &(kin_conv2d_opt){.pads = {.left = k / 2, .right = k / 2}});
    return gated(s, x, tapped(s, "gate", opt->gate, kin_sigmoid(kin_reshape(line, KIN_SHAPE(n, channels)))));
}

/* ---- convolutional block attention ---- */

static kin_tensor *mlp(kin_scope *s, kin_tensor *x, int64_t between, int64_t out)
{
    x = kin_linear(kin_sub_shared(s, "1"), x, &(kin_linear_opt){.out = between});
    return kin_linear(kin_sub_shared(s, "3"), kin_relu(x), &(kin_linear_opt){.out = out});
}

kin_tensor *kin_cbam(kin_scope *s, kin_tensor *x, const kin_cbam_opt *opt)
{
    kin_cbam_opt none = {0};
    if (!opt) opt = &none;
    if (!is_map(s, x, "convolutional block attention")) return NULL;
    int64_t channels = kin_channels(x), between = reduced(channels, opt->reduction),
            kernel = opt->kernel ? opt->kernel : 7;
    if (!is_odd(s, kernel, "convolutional block attention")) return NULL;
    kin_scope *gate = kin_sub(kin_sub(s, "ChannelGate"), "mlp");
    kin_tensor *average = mlp(gate, kin_global_avg_pool(x), between, channels),
               *most = mlp(gate, kin_global_max_pool(x), between, channels);
    kin_tap(kin_sub(s, "input"), x);
    x = kin_gate(x, tapped(s, "ChannelGate", opt->channel, kin_sigmoid(kin_add(average, most))));
    if (opt->no_spatial) return kin_tap(s, x);
    kin_tensor *a = kin_conv_bn(
        kin_sub(kin_sub(s, "SpatialGate"), "spatial"), "conv", "bn", kin_channel_pool(x),
        &(kin_conv_bn_opt){.out = 1, .kernel = kernel, .pad = kernel / 2, .momentum = 0.01});
    return kin_tap(s, kin_gate(x, tapped(s, "SpatialGate", opt->spatial, kin_sigmoid(a))));
}

/* ---- self channel attention ---- */

enum { ENTROPY_ROWS = 512 }; /* of those that are logged: c logarithms each */

/* Of every `stride`-th row. */
static double mean_entropy(const kin_tensor *a, int64_t stride)
{
    int64_t rows = kin_rows(a), n = kin_channels(a), seen = 0;
    double sum = 0;
    for (int64_t r = 0; r < rows; r += stride, seen++)
        for (int64_t i = 0; i < n; i++) {
            double p = (double)kin_data(a)[r * kin_ld(a) + i];
            if (p > 0) sum -= p * log(p);
        }
    return n > 1 ? sum / ((double)seen * log((double)n)) : 1;
}

/* While A is there: a block that is recomputed drops it, and keeps what no op made. An odd stride meets
 * every channel in turn, over the pictures. */
static void tap_entropy(kin_scope *s, const kin_tensor *a)
{
    if (!kin_ok(kin_scope_ctx(s)) || !kin_training(s) || kin_is_dry(kin_scope_ctx(s))) return;
    kin_real entropy = (kin_real)mean_entropy(a, kin_rows(a) / ENTROPY_ROWS | 1);
    kin_tap(kin_sub(s, "entropy"), kin_input(kin_scope_ctx(s), KIN_SHAPE(1), &entropy));
}

double kin_sca_lowest_entropy(const kin_module *m)
{
    static const char name[] = ".entropy";
    double lowest = -1;
    for (const kin_tapped *t = kin_module_taps(m); t; t = t->earlier) {
        size_t length = strlen(t->path);
        if (length < sizeof name - 1 || strcmp(t->path + length - (sizeof name - 1), name) != 0) continue;
        double entropy = kin_item(t->tensor);
        if (lowest < 0 || entropy < lowest) lowest = entropy;
    }
    return lowest;
}

/* With pixels as rows, X is [h·w, c] here: E = Xᵀ·X, and A·X becomes X·Aᵀ. rowmax(E) is the same for a
 * whole row, and softmax is blind to that: A = softmax(−E). */
static kin_tensor *attend_to_unlike(kin_scope *s, kin_tensor *x, const kin_sca_opt *opt)
{
    kin_shape shape = kin_shape_of(x);
    kin_tensor *flat = kin_reshape(x, KIN_SHAPE(shape.dim[0], shape.dim[1] * shape.dim[2], shape.dim[3]));
    kin_tensor *energy = kin_matmul(flat, flat, &(kin_matmul_opt){.transpose_a = true});
    kin_tensor *a = tapped(s, "weights", opt->weights,
                           kin_softmax_scaled(energy, opt->scale ? -opt->scale : -1));
    if (opt->entropy && a && !kin_is_dry(kin_ctx_of(a))) *opt->entropy = mean_entropy(a, 1);
    if (a) tap_entropy(s, a);
    return kin_reshape(kin_matmul(flat, a, &(kin_matmul_opt){.transpose_b = true}), shape);
}

kin_tensor *kin_sca(kin_scope *s, kin_tensor *x, const kin_sca_opt *opt)
{
    kin_sca_opt none = {0};
    if (!opt) opt = &none;
    if (!is_map(s, x, "self channel attention")) return NULL;
    kin_tap(kin_sub(s, "input"), x);
    kin_tensor *y = opt->reduce
                        ? kin_conv(kin_sub(s, "reduce"), x, &(kin_conv_opt){.out = opt->reduce, .kernel = 1})
                        : x;
    y = y ? attend_to_unlike(s, y, opt) : NULL;
    if (opt->reduce)
        y = kin_conv(kin_sub(s, "expand"), y, &(kin_conv_opt){.out = kin_channels(x), .kernel = 1});
    return kin_tap(s, kin_add_weighted(x, y,
                                       kin_param(s, "gamma",
                                                 &(kin_param_opt){.shape = KIN_SHAPE(1), .no_decay = true})));
}

/* ---- by name ---- */

kin_tensor *kin_attention(kin_scope *s, kin_tensor *x, const char *kind)
{
    if (!s) return NULL;
    if (strcmp(kind, "se") == 0) return kin_se(s, x, NULL);
    if (strcmp(kind, "eca") == 0) return kin_eca(s, x, NULL);
    if (strcmp(kind, "cbam") == 0) return kin_cbam(s, x, NULL);
    if (strcmp(kind, "sca") == 0) return kin_sca(s, x, NULL);
    kin_fail(kin_ctx_error(kin_scope_ctx(s)), KIN_ERR_ARGUMENT,
             "there is no attention '%s'; the kinds are se, eca, cbam and sca", kind);
    return NULL;
}

static kin_tensor *named(kin_scope *s, kin_tensor *x, void *kind) { return kin_attention(s, x, kind); }

bool kin_attention_costs(const char *kind, int64_t h, int64_t w, int64_t c, kin_attention_cost *out,
                         kin_error *err)
{
    kin_summary summary;
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail(err, KIN_ERR_MEMORY, "out of memory for a dry run");
    bool ok = kin_summarize(ctx, named, (void *)kind, KIN_SHAPE(1, h, w, c), &summary);
    if (ok) {
        *out = (kin_attention_cost){summary.parameters, summary.macs};
        kin_summary_free(&summary);
    } else {
        kin_take_error(ctx, err);
    }
    kin_ctx_free(ctx);
    return ok;
}
