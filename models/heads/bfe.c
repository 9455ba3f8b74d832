/* Batch feature erasing, BFE, also called batch drop block, BDB [Dai, Chen, Gu, Zhu, Tan, "Batch DropBlock
 * network for person re-identification and beyond", ICCV 2019].
 *
 * The global branch sees all of the map; the part branch sees it with a rectangle of zeros, the same one
 * for the whole batch, so that what it learns cannot lean on one conspicuous place: with every picture of
 * the batch blind at that place, positives and negatives must be told apart by what is left.
 *
 *   global   mean over all pixels → linear → norm → ReLU                                      [n, global]
 *   part     bottleneck C → C/4 → C → rectangle of zeros → maximum over all pixels → linear → norm → ReLU
 *                                                                                             [n, part]
 *
 * Both branches take both kinds of losses on the same vector, behind ReLU and not of unit length. The
 * rectangle is round(h·H) × round(w·W) pixels, half to even, at any place within the map, all equally
 * likely; nothing is scaled. In evaluation nothing is erased, and the descriptor is both vectors side by
 * side.
 *
 * Names as in the authors' code: global_reduction.0, .1; res_part.conv1 …; reduction.0, .1. */
#include "base/random.h"
#include "models/heads/head.h"
#include "nn/layers.h"

#include <math.h>

enum { LEAST = 4 /* a smaller map leaves a part branch nothing to choose from */ };

/* linear → batch norm → ReLU on [n, c] */
static kin_tensor *reduce(kin_scope *s, kin_tensor *x, int64_t out)
{
    x = kin_linear(kin_sub(s, "0"), x, &(kin_linear_opt){.out = out});
    return kin_tap(s, kin_batch_norm(kin_sub(s, "1"), x, &(kin_norm_opt){.act = KIN_RELU}));
}

static kin_tensor *bottleneck(kin_scope *s, kin_tensor *x)
{
    int64_t out = kin_channels(x), inner = out / 4 > 0 ? out / 4 : 1;
    kin_conv_bn_opt narrow = {.out = inner, .kernel = 1, .act = KIN_RELU, .kaiming_fan_out = true},
                    middle = {.out = inner, .kernel = 3, .pad = 1, .act = KIN_RELU, .kaiming_fan_out = true},
                    wide = {.out = out, .kernel = 1, .add = x, .act = KIN_RELU, .kaiming_fan_out = true};
    kin_block_begin(s);
    kin_tensor *y = kin_conv_bn(s, "conv1", "bn1", x, &narrow);
    y = kin_conv_bn(s, "conv2", "bn2", y, &middle);
    return kin_block_end(s, kin_tap(s, kin_conv_bn(s, "conv3", "bn3", y, &wide)));
}

/* The step's rectangle. */
static kin_rectangle rectangle(kin_scope *s, const kin_tensor *map, double h_ratio, double w_ratio)
{
    uint64_t key = kin_scope_key(s, "erase");
    int64_t h = kin_dim(map, 1), w = kin_dim(map, 2);
    kin_rectangle r = {.height = (int64_t)nearbyint(h_ratio * (double)h),
                       .width = (int64_t)nearbyint(w_ratio * (double)w)};
    r.top = (int64_t)kin_random_below(key, 0, (uint64_t)(h - r.height + 1));
    r.left = (int64_t)kin_random_below(key, 1, (uint64_t)(w - r.width + 1));
    return r;
}

static bool large_enough(const kin_head_call *c, const kin_tensor *map)
{
    kin_ctx *ctx = kin_scope_ctx(c->scope);
    if (!map || !kin_ok(ctx)) return false;
    if (kin_dim(map, 1) >= LEAST && kin_dim(map, 2) >= LEAST) return true;
    return kin_fail(
        kin_ctx_error(ctx), KIN_ERR_ARGUMENT,
        "the head bfe erases a part of a map of at least %d x %d; %s gives %lld x %lld here: larger "
        "pictures (--size), --last-stride 1, or an earlier stage (bfe(tap=STAGE)) make it larger",
        LEAST, LEAST, c->model->name, (long long)kin_dim(map, 1), (long long)kin_dim(map, 2));
}

static bool run(const kin_head_call *c, kin_branches *out)
{
    const kin_head_choice *o = c->choice;
    int tap = (int)kin_head_value(o, "tap"), end = tap < 0 ? kin_model_stages(c->model) : tap + 1;
    kin_tensor *map = kin_model_run(c->model, c->scope, c->x, 0, end, c->opt);
    map = kin_tap(kin_sub(c->scope, "features"), kin_attend(c->scope, &c->opt->attention, "end", map));
    if (!large_enough(c, map)) return false;
    kin_tensor *g = reduce(kin_sub(c->scope, "global_reduction"), kin_global_avg_pool(map),
                           (int64_t)kin_head_value(o, "global"));
    kin_tensor *part = bottleneck(kin_sub(c->scope, "res_part"), map);
    if (part && kin_training(c->scope)) {
        kin_rectangle r = rectangle(c->scope, part, kin_head_value(o, "h"), kin_head_value(o, "w"));
        part = kin_tap(kin_sub(c->scope, "erased"), kin_erase(part, &r));
    }
    kin_tensor *p = reduce(kin_sub(c->scope, "reduction"), kin_global_max_pool(part),
                           (int64_t)kin_head_value(o, "part"));
    out->branch[out->count++] = (kin_named_branch){"global", .metric = g, .behind = g};
    out->branch[out->count++] = (kin_named_branch){"part", .metric = p, .behind = p};
    return p != NULL;
}

static bool check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt, kin_error *err)
{
    (void)choice;
    if (!opt->neck && !opt->embedding && !opt->classes) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "the head bfe has vectors of its own (global=N, part=N): --embedding and --neck are for "
                    "the plain head of %s",
                    m->name);
}

const kin_head kin_head_bfe = {
    .name = "bfe",
    .about = "two branches, one of which sees the map with a part erased",
    .paper = "Dai et al. 2019",
    .own = "global_reduction.*,res_part.*,reduction.*",
    .params = {{"global", 512, 1, 8192, .whole = true, .help = "numbers of the global branch"},
               {"part", 1024, 1, 8192, .whole = true, .help = "numbers of the part branch"},
               {"h", 0.5, 0, 1, .help = "height of what is erased, as a share of the map's (persons: .33)"},
               {"w", 0.5, 0, 1, .help = "width of what is erased (persons: 1)"},
               {"tap", .stage = true,
                .help = "the stage whose map is taken; the last one where none is named"}},
    .check = check,
    .run = run};
