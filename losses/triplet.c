/* An anchor a, a positive p of its class and a negative n of another: the positive shall be nearer than
 * the negative, by a margin m,
 *
 *   hinge:        [d_ap − d_an + m]₊
 *   soft margin:  softplus(d_ap − d_an) = log(1 + e^{d_ap − d_an}), which never stops pulling
 *
 * Random triplets are soon all easy, so which ones are taken matters more than the formula: the miners of
 * pairs.h choose. A network that maps all pictures to one point has d_ap = d_an: the hinge is then stuck
 * at m and the soft margin at log 2. */
#include "losses/triplet.h"

/* d_ap − d_an of each triplet. */
static kin_tensor *gaps(kin_tensor *d, const kin_triplets *t)
{
    return kin_sub_tensor(kin_gather(d, t->anchor, t->positive, t->count),
                          kin_gather(d, t->anchor, t->negative, t->count));
}

/* No triplet, no loss: a zero that still has a (zero) gradient, so that the step goes on. */
static kin_tensor *nothing(kin_tensor *d) { return kin_scale(kin_mean(d, 0), 0, 0); }

kin_tensor *kin_triplet_hinge(kin_tensor *d, const kin_triplets *t, double margin, bool non_zero)
{
    if (t->count == 0) return nothing(d);
    kin_tensor *terms = kin_relu(kin_scale(gaps(d, t), 1, margin));
    const kin_real *values = kin_data(terms);
    if (!non_zero || !values) return kin_mean(terms, 0);
    int64_t positive = 0;
    for (int64_t i = 0; i < t->count; i++) positive += values[i] > 0;
    return kin_scale(kin_sum(terms, 0), positive ? 1.0 / (double)positive : 0, 0);
}

kin_tensor *kin_triplet_soft_margin(kin_tensor *d, const kin_triplets *t)
{
    return t->count == 0 ? nothing(d) : kin_mean(kin_softplus(gaps(d, t)), 0);
}

kin_tensor *kin_triplet_batch_hard(kin_tensor *embedding, const int *labels, double margin)
{
    kin_triplets t;
    kin_tensor *d = kin_distance(embedding, embedding);
    if (!kin_mine_batch_hard(d, labels, &t)) return NULL;
    kin_tensor *loss = margin > 0 ? kin_triplet_hinge(d, &t, margin, false) : kin_triplet_soft_margin(d, &t);
    kin_triplets_free(&t);
    return loss;
}

kin_tensor *kin_triplet_semi_hard(kin_tensor *embedding, const int *labels, double margin)
{
    kin_triplets t;
    kin_tensor *d = kin_distance(embedding, embedding);
    if (!kin_mine_semi_hard(d, labels, margin, &t)) return NULL;
    kin_tensor *loss = kin_triplet_hinge(d, &t, margin, false);
    kin_triplets_free(&t);
    return loss;
}

kin_tensor *kin_triplet_batch_all(kin_tensor *embedding, const int *labels, double margin)
{
    kin_triplets t;
    kin_tensor *d = kin_distance(embedding, embedding);
    if (!kin_mine_batch_all(d, labels, &t)) return NULL;
    kin_tensor *loss = kin_triplet_hinge(d, &t, margin, true);
    kin_triplets_free(&t);
    return loss;
}
