/* Positive pairs are pulled until they are nearer than m_pos, negative ones pushed until they are farther
 * than m_neg. Averages run over the pairs that still have a term, so that few hard pairs are not drowned
 * by many easy ones. */
#include "losses/contrastive.h"

#include "base/memory.h"
#include "losses/matrix.h"

/* kin_distance says 1e-6 of equal points: a term no larger than that counts as zero. */
static const kin_real least = (kin_real)1.5e-6;

/* Mean of [sign·(d − margin)]₊ over the chosen pairs' non-zero terms; 0 when there are none. */
static kin_tensor *side(kin_tensor *d, const int64_t *rows, const int64_t *columns, int64_t count,
                        double sign, double margin)
{
    if (count == 0) return kin_no_loss(d);
    kin_tensor *terms = kin_relu(kin_scale(kin_gather(d, rows, columns, count), sign, -sign * margin));
    const kin_real *values = kin_data(terms);
    int64_t positive = 0;
    for (int64_t i = 0; values && i < count; i++) positive += values[i] > least;
    return kin_scale(kin_sum(terms, 0), positive ? 1.0 / (double)positive : 0, 0);
}

static kin_tensor *on_pairs(kin_tensor *d, const kin_pairs *p, double margin_positive, double margin_negative)
{
    int64_t all = p->n * p->m, counts[2] = {0, 0};
    if (!d) return NULL;
    int64_t *rows = kin_alloc_array((size_t)all, 2 * sizeof *rows),
            *columns = kin_alloc_array((size_t)all, 2 * sizeof *columns);
    kin_tensor *loss = NULL;
    if (rows && columns) {
        for (int64_t i = 0; i < all; i++) {
            if (!p->kind[i]) continue;
            int different = p->kind[i] == KIN_PAIR_NEGATIVE;
            int64_t at = different * all + counts[different]++;
            rows[at] = i / p->m;
            columns[at] = i % p->m;
        }
        loss = kin_add(side(d, rows, columns, counts[0], 1, margin_positive),
                       side(d, rows + all, columns + all, counts[1], -1, margin_negative));
    } else {
        kin_fail_memory(kin_ctx_error(kin_ctx_of(d)), "the pairs of a batch", (size_t)all * 4 * sizeof *rows);
    }
    kin_free(rows);
    kin_free(columns);
    return loss;
}

kin_tensor *kin_contrastive(kin_tensor *embedding, const int *labels, double margin_positive,
                            double margin_negative)
{
    kin_tensor *d = kin_distance(embedding, embedding);
    kin_pairs p;
    int64_t n = kin_rows(d);
    if (!d || !kin_pairs_new(&p, labels, n, labels, n, 0, kin_ctx_error(kin_ctx_of(d)))) return NULL;
    kin_tensor *loss = on_pairs(d, &p, margin_positive, margin_negative);
    kin_pairs_free(&p);
    return loss;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    const kin_loss_term *t = c->term;
    kin_pairs p;
    kin_tensor *d = kin_call_distances(c, kin_term_value(t, "unit") == 1), *loss = NULL;
    if (!kin_call_pairs(c, &p)) return NULL;
    if (kin_term_value(t, "miner") != 0) kin_call_mine(c, kin_call_cosines(c), &p);
    if (kin_mined_pairs(c->mined, &p, kin_ctx_error(kin_ctx_of(c->x))))
        loss = on_pairs(d, &p, kin_term_value(t, "positive"), kin_term_value(t, "margin"));
    kin_pairs_free(&p);
    return loss;
}

static double at_margin(const kin_loss_term *t, int64_t classes)
{
    (void)classes;
    return kin_term_value(t, "margin");
}

const kin_loss kin_loss_contrastive = {
    .name = "contrastive",
    .about = "pull pairs of a class together, push others apart up to a margin (on unit vectors)",
    .paper = "Hadsell, Chopra, LeCun 2006",
    .params = {{"margin", 1, 0, 1e6, NULL, false, "negatives beyond this distance have no term"},
               {"positive", 0, 0, 1e6, NULL, false, "positives nearer than this have no term"},
               {"unit", 1, 0, 1, NULL, true, "1: on unit vectors, 0: on the embeddings as they are"},
               KIN_LOSS_MINER,
               KIN_LOSS_MEMORY},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula,
    .collapsed = at_margin};
