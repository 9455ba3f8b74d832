/* An anchor a, a positive p of its class and a negative n of another: the positive shall be nearer than
 * the negative, by a margin m,
 *
 *   hinge:        [d_ap − d_an + m]₊
 *   soft margin:  softplus(d_ap − d_an) = log(1 + e^{d_ap − d_an}), which never stops pulling
 *
 * Random triplets are soon all easy, so which ones are taken matters more than the formula: the miners of
 * pairs.h choose. A network that maps all pictures to one point has d_ap = d_an: the hinge is then stuck
 * at m and the soft margin at log 2.
 *
 * The plain form of batch-hard: reference/batch_hard.c. */
#include "losses/triplet.h"

#include "losses/matrix.h"

#include <math.h>

/* d_ap − d_an of each triplet. */
static kin_tensor *gaps(kin_tensor *d, const kin_triplets *t)
{
    return kin_sub_tensor(kin_gather(d, t->anchor, t->positive, t->count),
                          kin_gather(d, t->anchor, t->negative, t->count));
}

kin_tensor *kin_triplet_hinge(kin_tensor *d, const kin_triplets *t, double margin, bool non_zero)
{
    if (t->count == 0) return kin_no_loss(d);
    kin_tensor *terms = kin_relu(kin_scale(gaps(d, t), 1, margin));
    const kin_real *values = kin_data(terms);
    if (!non_zero || !values) return kin_mean(terms, 0);
    int64_t positive = 0;
    for (int64_t i = 0; i < t->count; i++) positive += values[i] > 0;
    return kin_scale(kin_sum(terms, 0), positive ? 1.0 / (double)positive : 0, 0);
}

kin_tensor *kin_triplet_soft_margin(kin_tensor *d, const kin_triplets *t)
{
    return t->count == 0 ? kin_no_loss(d) : kin_mean(kin_softplus(gaps(d, t)), 0);
}

typedef enum { HARD, SEMI_HARD, ALL } miner;

static bool mine(miner how, kin_tensor *d, const kin_pairs *p, double margin, kin_triplets *t)
{
    return how == HARD        ? kin_mine_batch_hard(d, p, t)
           : how == SEMI_HARD ? kin_mine_semi_hard(d, p, margin, t)
                              : kin_mine_batch_all(d, p, t);
}

/* A margin of 0 is the soft one. */
static kin_tensor *on_pairs(miner how, kin_tensor *d, const kin_pairs *p, double margin, kin_mined *mined)
{
    kin_triplets t;
    kin_tensor *loss = NULL;
    if (!d || !mine(how, d, p, margin, &t)) return NULL;
    if (kin_mined_triplets(mined, &t, kin_ctx_error(kin_ctx_of(d))))
        loss = margin > 0 ? kin_triplet_hinge(d, &t, margin, how == ALL) : kin_triplet_soft_margin(d, &t);
    kin_triplets_free(&t);
    return loss;
}

static kin_tensor *within_batch(miner how, kin_tensor *embedding, const int *labels, double margin)
{
    kin_tensor *d = kin_distance(embedding, embedding);
    kin_pairs p;
    int64_t n = kin_rows(d);
    if (!d || !kin_pairs_new(&p, labels, n, labels, n, 0, kin_ctx_error(kin_ctx_of(d)))) return NULL;
    kin_tensor *loss = on_pairs(how, d, &p, margin, NULL);
    kin_pairs_free(&p);
    return loss;
}

kin_tensor *kin_triplet_batch_hard(kin_tensor *embedding, const int *labels, double margin)
{
    return within_batch(HARD, embedding, labels, margin);
}
kin_tensor *kin_triplet_semi_hard(kin_tensor *embedding, const int *labels, double margin)
{
    return within_batch(SEMI_HARD, embedding, labels, margin);
}
kin_tensor *kin_triplet_batch_all(kin_tensor *embedding, const int *labels, double margin)
{
    return within_batch(ALL, embedding, labels, margin);
}

/* ---- as terms ---- */

static kin_tensor *formula(miner how, const kin_loss_call *c)
{
    kin_pairs p;
    kin_tensor *d = kin_call_distances(c, kin_term_value(c->term, "unit") == 1);
    if (!kin_call_pairs(c, &p)) return NULL;
    kin_tensor *loss = on_pairs(how, d, &p, kin_term_value(c->term, "margin"), c->mined);
    kin_pairs_free(&p);
    return loss;
}

static kin_tensor *batch_hard(const kin_loss_call *c) { return formula(HARD, c); }
static kin_tensor *semi_hard(const kin_loss_call *c) { return formula(SEMI_HARD, c); }
static kin_tensor *batch_all(const kin_loss_call *c) { return formula(ALL, c); }

static double at_margin_or_ln2(const kin_loss_term *t, int64_t classes)
{
    (void)classes;
    double margin = kin_term_value(t, "margin");
    return margin > 0 ? margin : 0.69314718055994531;
}

#define UNIT(DEFAULT) \
    { \
        "unit", DEFAULT, 0, 1, NULL, true, "1: on unit vectors, 0: on the embeddings as they are" \
    }

const kin_loss kin_loss_triplet_hard = {
    .name = "triplet-hard",
    .about = "batch-hard triplets: each anchor's farthest positive and nearest negative; soft margin, or the "
             "hinge when a margin is given",
    .paper = "Hermans, Beyer, Leibe 2017",
    .params = {{"margin", 0, 0, 1e6, NULL, false, "of the hinge; 0: the soft margin"},
               UNIT(0),
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = batch_hard,
    .collapsed = at_margin_or_ln2};

const kin_loss kin_loss_triplet_semi_hard = {
    .name = "triplet-semihard",
    .about = "all triplets with 0 < d_an - d_ap <= margin (on unit vectors)",
    .paper = "Schroff, Kalenichenko, Philbin 2015",
    .params = {{"margin", .2, 1e-9, 1e6, NULL, false, "of the hinge and of the miner"},
               UNIT(1),
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = semi_hard};

const kin_loss kin_loss_triplet_all = {
    .name = "triplet-all",
    .about = "all triplets of the batch, averaged over those that are not yet satisfied (on unit vectors)",
    .paper = "Hermans, Beyer, Leibe 2017",
    .params = {{"margin", .2, 0, 1e6, NULL, false, "of the hinge; 0: the soft margin"},
               UNIT(1),
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = batch_all,
    .collapsed = at_margin_or_ln2};
