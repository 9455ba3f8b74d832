#include "losses/registry.h"

#include "losses/contrastive.h"
#include "losses/triplet.h"
#include "nn/layers.h"

#include <math.h>
#include <string.h>

/* ---- softmax cross-entropy over the training classes ---- */

static kin_tensor *classifier(kin_scope *s, kin_tensor *embedding, const kin_loss_opt *opt)
{
    return kin_linear(kin_sub(s, "classifier"), embedding, &(kin_linear_opt){.out = opt->classes});
}
static kin_tensor *softmax(kin_tensor *logits, const int *labels, const kin_loss_opt *opt)
{
    return kin_cross_entropy(logits, labels, opt->smoothing);
}
static double uniform_guess(const kin_loss_opt *opt) { return log((double)opt->classes); }
static const kin_loss softmax_loss = {
    .name = "softmax",
    .about = "classify the training classes; the embedding is what the classifier sees",
    .head = classifier,
    .formula = softmax,
    .collapsed = uniform_guess};

/* ---- pairs and triplets ---- */

static double margin_of(const kin_loss_opt *opt, const kin_loss *loss)
{
    return opt->margin > 0 ? opt->margin : loss->margin;
}

static const kin_loss contrastive_loss, semi_hard_loss, batch_all_loss;

static kin_tensor *contrastive(kin_tensor *e, const int *labels, const kin_loss_opt *opt)
{
    return kin_contrastive(kin_l2_normalize(e), labels, 0, margin_of(opt, &contrastive_loss));
}
static double at_margin_contrastive(const kin_loss_opt *opt) { return margin_of(opt, &contrastive_loss); }
static const kin_loss contrastive_loss = {
    .name = "contrastive",
    .about = "pull pairs of a class together, push others apart up to a margin (on unit vectors)",
    .margin = 1,
    .pairs = true,
    .formula = contrastive,
    .collapsed = at_margin_contrastive};

static kin_tensor *batch_hard(kin_tensor *e, const int *labels, const kin_loss_opt *opt)
{
    return kin_triplet_batch_hard(e, labels, opt->margin);
}
static double at_margin_or_ln2(const kin_loss_opt *opt)
{
    return opt->margin > 0 ? opt->margin : 0.69314718055994531;
}
static const kin_loss batch_hard_loss = {
    .name = "triplet-hard",
    .about = "batch-hard triplets; soft margin, or the hinge when --margin is given",
    .pairs = true,
    .formula = batch_hard,
    .collapsed = at_margin_or_ln2};

static kin_tensor *semi_hard(kin_tensor *e, const int *labels, const kin_loss_opt *opt)
{
    return kin_triplet_semi_hard(kin_l2_normalize(e), labels, margin_of(opt, &semi_hard_loss));
}
static double unknown(const kin_loss_opt *opt)
{
    (void)opt;
    return NAN;
}
static const kin_loss semi_hard_loss = {
    .name = "triplet-semihard",
    .about = "all triplets with 0 < d_an - d_ap <= margin (on unit vectors)",
    .margin = 0.2,
    .pairs = true,
    .formula = semi_hard,
    .collapsed = unknown};

static kin_tensor *batch_all(kin_tensor *e, const int *labels, const kin_loss_opt *opt)
{
    return kin_triplet_batch_all(kin_l2_normalize(e), labels, margin_of(opt, &batch_all_loss));
}
static double at_margin_all(const kin_loss_opt *opt) { return margin_of(opt, &batch_all_loss); }
static const kin_loss batch_all_loss = {
    .name = "triplet-all",
    .about = "all triplets of the batch, averaged over those that are not yet satisfied (on unit vectors)",
    .margin = 0.2,
    .pairs = true,
    .formula = batch_all,
    .collapsed = at_margin_all};

const kin_loss *const kin_losses[] = {&softmax_loss,   &contrastive_loss, &batch_hard_loss,
                                      &semi_hard_loss, &batch_all_loss,   NULL};

const kin_loss *kin_loss_find(const char *name)
{
    for (int i = 0; kin_losses[i]; i++)
        if (strcmp(kin_losses[i]->name, name) == 0) return kin_losses[i];
    return NULL;
}
