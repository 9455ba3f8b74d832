/* Margin loss [Wu et al. 2017]: distances on either side of a boundary β, by α,
 *
 *   L = Σ over triplets ([α + d_ap − β]₊ + [α − d_an + β]₊) / number of terms that are not zero.
 *
 * β may be learned, from where it starts. The negatives are drawn by distance (losses/pairs.h), so that all
 * distances are seen, not the usual √2 alone. */
#include "base/memory.h"
#include "losses/matrix.h"

static const char *const miners[] = {"distance", "all", NULL};

static bool learns(const kin_loss_term *t) { return kin_term_value(t, "learn") == 1; }

static kin_tensor *beta(const kin_loss_call *c)
{
    return kin_param(c->scope, "beta",
                     &(kin_param_opt){.shape = KIN_SHAPE(1),
                                      .init = KIN_INIT_CONSTANT,
                                      .scale = kin_term_value(c->term, "beta"),
                                      .no_decay = true});
}
static bool parameters(const kin_loss_call *c) { return !learns(c->term) || beta(c); }

/* [α + sign·(d − β)]₊ for one side of each triplet; adds to how many are not zero. */
static kin_tensor *side(kin_tensor *beyond, const int64_t *rows, const int64_t *columns, int64_t count,
                        double sign, double alpha, int64_t *terms)
{
    kin_tensor *each = kin_relu(kin_scale(kin_gather(beyond, rows, columns, count), sign, alpha));
    const kin_real *values = kin_data(each);
    for (int64_t i = 0; values && i < count; i++) *terms += values[i] > 0;
    return kin_sum(each, 0);
}

static bool mine(const kin_loss_call *c, kin_tensor *d, const kin_pairs *p, kin_triplets *out)
{
    if (c->term->miner) return kin_call_mine_triplets(c, d, p, out);
    if (kin_term_value(c->term, "miner") == 1) return kin_mine_batch_all(d, p, out);
    return kin_mine_distance_weighted(d, p, kin_channels(c->x), kin_term_value(c->term, "cutoff"),
                                      kin_term_value(c->term, "limit"),
                                      c->scope ? kin_scope_key(c->scope, "negatives") : 0, out);
}

static kin_tensor *on_triplets(const kin_loss_call *c, kin_tensor *d, const kin_triplets *t)
{
    double alpha = kin_term_value(c->term, "margin");
    int64_t terms = 0;
    if (!t->count) return kin_no_loss(d);
    kin_tensor *beyond = learns(c->term) ? kin_sub_tensor(d, beta(c))
                                         : kin_scale(d, 1, -kin_term_value(c->term, "beta"));
    kin_tensor *sum = kin_add(side(beyond, t->anchor, t->positive, t->count, 1, alpha, &terms),
                              side(beyond, t->anchor, t->negative, t->count, -1, alpha, &terms));
    return kin_scale(sum, terms ? 1 / (double)terms : 0, 0);
}

static kin_tensor *formula(const kin_loss_call *c)
{
    kin_pairs p;
    kin_triplets t = {0};
    kin_tensor *d = kin_call_distances(c, true), *loss = NULL;
    if (!kin_call_pairs(c, &p)) return NULL;
    if (d && mine(c, d, &p, &t) && kin_mined_triplets(c->mined, &t, kin_ctx_error(kin_ctx_of(d))))
        loss = on_triplets(c, d, &t);
    kin_triplets_free(&t);
    kin_pairs_free(&p);
    return loss;
}

const kin_loss kin_loss_margin = {
    .name = "margin",
    .about = "distances on either side of a boundary, negatives drawn by distance (on unit vectors)",
    .paper = "Wu, Manmatha, Smola, Krähenbühl 2017",
    .params = {{"margin", .2, 0, 2, NULL, false, "how far on either side of the boundary"},
               {"beta", 1.2, 0, 2, NULL, false, "the boundary, or where it starts"},
               {"learn", 0, 0, 1, NULL, true, "1: the boundary is learned"},
               {"miner", 0, 0, 1, miners, false, "negatives drawn by distance, or all triplets",
                KIN_MINES_TRIPLETS},
               {"cutoff", .5, 1e-3, 1.9, NULL, false,
                "shorter distances are drawn as if they were this long"},
               {"limit", 1.4, 1e-3, 2, NULL, false, "negatives farther than this are not drawn"},
               KIN_LOSS_MEMORY,
               KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .parameters = parameters,
    .formula = formula};
