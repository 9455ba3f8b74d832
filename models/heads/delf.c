/* DELF's attention on local features [Noh, Araujo, Sim, Weyand, Han, "Large-scale image retrieval with
 * attentive deep local features", ICCV 2017].
 *
 * Every pixel of a map F is a local feature, and a score says how much it matters:
 *
 *   s = softplus(conv1×1(ReLU(conv1×1(F, 512)), 1))        on F as it is
 *   pooled = mean over pixels of s · F / ‖F‖₂               [n, C]
 *
 * The scores are learned by classification of the pooled vector, with the backbone frozen, after the
 * backbone itself has been fine-tuned by classification (two stages). The local features and their scores
 * are the taps "features" and "score"; retrieval/local takes them from there. */
#include "models/heads/head.h"
#include "nn/layers.h"

/* The stage before the last: ResNet's layer3, which the paper calls conv4. */
static int end_of(const kin_head_choice *choice, const kin_model *m)
{
    int tap = (int)kin_head_value(choice, "tap"), stages = kin_model_stages(m);
    return tap >= 0 ? tap + 1 : stages > 1 ? stages - 1 : 1;
}

static bool check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt, kin_error *err)
{
    (void)choice;
    if (!opt->neck && !opt->embedding && !opt->classes) return true;
    return kin_fail(
        err, KIN_ERR_ARGUMENT,
        "the head delf pools local features as they are: --embedding and --neck are for the plain "
        "head of %s",
        m->name);
}

static bool run(const kin_head_call *c, kin_branches *out)
{
    kin_conv_opt hidden = {.out = (int64_t)kin_head_value(c->choice, "hidden"), .kernel = 1, .bias = true},
                 single = {.out = 1, .kernel = 1, .bias = true};
    kin_tensor *map = kin_model_run(c->model, c->scope, c->x, 0, end_of(c->choice, c->model), c->opt);
    map = kin_tap(kin_sub(c->scope, "features"), kin_attend(c->scope, &c->opt->attention, "end", map));
    kin_scope *s = kin_sub(c->scope, "attention");
    kin_tensor *score = kin_conv(kin_sub(s, "conv2"), kin_relu(kin_conv(kin_sub(s, "conv1"), map, &hidden)),
                                 &single);
    score = kin_tap(kin_sub(c->scope, "score"), kin_softplus(score));
    kin_tensor *pooled = kin_global_avg_pool(kin_gate(kin_l2_normalize(map), score));
    out->branch[out->count++] = (kin_named_branch){"pooled", .metric = pooled, .behind = pooled};
    return pooled != NULL;
}

const kin_head kin_head_delf = {
    .name = "delf",
    .about = "attentive local features: a score for every pixel of a map",
    .paper = "Noh et al. 2017",
    .params = {{"hidden", 512, 1, 8192, .whole = true, .help = "channels between the two 1x1 convolutions"},
               {"tap", .stage = true,
                .help = "the stage whose map is taken; the one before the last where none is named"}},
    .check = check,
    .run = run};
