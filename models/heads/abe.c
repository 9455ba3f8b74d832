/* Attention-based ensemble, ABE-M [Kim, Goyal, Chawla, Lee, Kwon, "Attention-based ensemble for deep
 * metric learning", ECCV 2018]: M learners that share all of the backbone but look at different things.
 *
 *   B_m(x) = G(A_m(S(x)) ∘ S(x))          m = 1 .. M
 *
 * S is the backbone up to the stage `split`, G the rest of it, and A_m a mask for every channel and pixel:
 * a small stack of convolutions that all learners share, then a 1×1 convolution of each learner's own,
 * then a sigmoid. G is run M times with the same parameters, each time on its own batch statistics; its
 * running ones move M times, in the order of m. Behind it: the mean over all pixels, a linear layer shared
 * by all, unit length. The descriptor is the M vectors of D/M numbers side by side.
 *
 * Left alone the learners would agree. The divergence pushes them apart, image by image:
 *
 *   λ · mean over images and pairs p < q of  max(0, 1 − ‖B_p(x) − B_q(x)‖²)
 *
 * The cost is that of S once and of G M times: split late. */
#include "models/heads/head.h"
#include "nn/layers.h"

#include <stdio.h>

enum { MOST = KIN_BRANCHES };

static int learners(const kin_head_choice *choice) { return (int)kin_head_value(choice, "learners"); }

static int64_t dim_of(const kin_head_choice *choice, const kin_model_opt *opt)
{
    return opt->embedding ? opt->embedding : (int64_t)kin_head_value(choice, "dim");
}

/* The first stage of G: two thirds of the way, unless one is named. */
static int split_of(const kin_head_choice *choice, const kin_model *m)
{
    int named = (int)kin_head_value(choice, "split"), stages = kin_model_stages(m);
    return named >= 0 ? named + 1 : stages - (stages + 2) / 3;
}

static bool check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt, kin_error *err)
{
    int64_t dim = dim_of(choice, opt);
    int count = learners(choice);
    if (opt->neck || opt->classes)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the head abe has no neck and no classifier of %s", m->name);
    if (dim % count)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "abe: %d learners do not divide %lld numbers evenly; take a multiple of %d", count,
                        (long long)dim, count);
    if (split_of(choice, m) >= kin_model_stages(m))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "abe: behind the stage it is split at, %s has no other for the learners to share; its "
            "stages are: %s",
            m->name, m->stages);
    return true;
}

/* What all masks share: 1×1 C → C/2, 3×3 C/2 → C/2. */
static kin_tensor *shared_stack(kin_scope *s, kin_tensor *x)
{
    int64_t inner = kin_channels(x) / 2 > 0 ? kin_channels(x) / 2 : 1;
    kin_conv_bn_opt narrow = {.out = inner, .kernel = 1, .act = KIN_RELU, .kaiming_fan_out = true},
                    local = {.out = inner, .kernel = 3, .pad = 1, .act = KIN_RELU, .kaiming_fan_out = true};
    x = kin_conv_bn(s, "conv1", "bn1", x, &narrow);
    return kin_conv_bn(s, "conv2", "bn2", x, &local);
}

static kin_tensor *mask_of(kin_scope *s, kin_tensor *stack, int64_t channels, int m)
{
    kin_scope *own = kin_sub_index(s, "mask", m);
    kin_conv_opt opt = {.out = channels, .kernel = 1, .bias = true};
    return kin_tap(own, kin_sigmoid(kin_conv(kin_sub(own, "conv"), stack, &opt)));
}

/* mean over images and pairs of max(0, 1 − d²) */
static kin_tensor *divergence(kin_tensor *const *b, int count)
{
    kin_tensor *sum = NULL;
    for (int p = 0; p < count; p++)
        for (int q = p + 1; q < count; q++) {
            kin_tensor *d2 = kin_sum(kin_square(kin_sub_tensor(b[p], b[q])), 1u << 1);
            kin_tensor *close = kin_mean(kin_relu(kin_scale(d2, -1, 1)), 0);
            sum = sum ? kin_add(sum, close) : close;
        }
    return kin_scale(sum, 2.0 / (count * (count - 1)), 0);
}

static bool run(const kin_head_call *c, kin_branches *out)
{
    int count = learners(c->choice), split = split_of(c->choice, c->model),
        stages = kin_model_stages(c->model);
    kin_linear_opt embedding = {.out = dim_of(c->choice, c->opt) / count};
    kin_tensor *vectors[MOST];
    kin_tensor *map = kin_model_run(c->model, c->scope, c->x, 0, split, c->opt);
    kin_scope *s = kin_sub(c->scope, "attention"), *shared = kin_sub_shared(c->scope, "");
    kin_tensor *stack = shared_stack(s, map);
    for (int m = 0; m < count; m++) {
        kin_tensor *masked = kin_mul(map, mask_of(s, stack, kin_channels(map), m));
        kin_tensor *x = kin_model_run(c->model, shared, masked, split, stages, c->opt);
        x = kin_attend(shared, &c->opt->attention, "end", x);
        x = kin_linear(kin_sub(shared, "embedding"), kin_global_avg_pool(x), &embedding);
        vectors[m] = kin_l2_normalize(x);
        kin_named_branch *b = &out->branch[out->count++];
        *b = (kin_named_branch){.metric = vectors[m], .behind = vectors[m]};
        snprintf(b->name, sizeof b->name, "learner%d", m + 1);
    }
    double lambda = kin_head_value(c->choice, "lambda");
    if (count > 1 && lambda > 0 && kin_training(c->scope))
        out->term = kin_scale(divergence(vectors, count), lambda, 0);
    return vectors[count - 1] != NULL;
}

const kin_head kin_head_abe = {
    .name = "abe",
    .about = "M learners that share a backbone and look at different things",
    .paper = "Kim et al. 2018",
    .params = {{"learners", 4, 1, MOST, .whole = true, .help = "M"},
               {"dim", 512, 1, 65536, .whole = true, .help = "numbers of all learners together"},
               {"split", .stage = true, .help = "the last stage that all learners share"},
               {"lambda", 1, 0, 1e6, .help = "weight of the divergence"}},
    .check = check,
    .run = run};
