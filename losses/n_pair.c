/* N-pair loss [Sohn 2016]: of each class one anchor a and one positive p; an anchor shall find its own
 * positive among the positives of all classes,
 *
 *   L = mean_i −log( e^{a_i·p_i} / Σ_j e^{a_i·p_j} ),
 *
 * a cross-entropy over the rows of A·Pᵀ with the diagonal as target. Products of vectors that are not of
 * unit length grow without end, so that their squared length is held small: (l2/4)·mean_i(|a_i|² +
 * |p_i|²). */
#include "base/memory.h"
#include "losses/matrix.h"

#include <math.h>

static double rows_find_their_own(const kin_matrix *s, double *grad)
{
    double sum = 0, share = 1 / (double)s->n;
    for (int64_t i = 0; i < s->n; i++) {
        double most = kin_matrix_at(s, i, i), all = 0;
        for (int64_t j = 0; j < s->m; j++) most = fmax(most, kin_matrix_at(s, i, j));
        for (int64_t j = 0; j < s->m; j++) all += exp(kin_matrix_at(s, i, j) - most);
        double lse = most + log(all);
        sum += lse - kin_matrix_at(s, i, i);
        for (int64_t j = 0; j < s->m; j++)
            grad[i * s->m + j] = share * (exp(kin_matrix_at(s, i, j) - lse) - (i == j));
    }
    return sum * share;
}

/* The first two rows of each class that has two, by the classes' first places. */
static int64_t choose(const kin_loss_call *c, int64_t *anchor, int64_t *positive)
{
    int64_t count = 0, n = kin_rows(c->x);
    for (int64_t i = 0; i < n; i++) {
        int64_t j = 0;
        while (c->labels[j] != c->labels[i]) j++;
        if (j < i) continue;
        for (j = i + 1; j < n && c->labels[j] != c->labels[i];) j++;
        if (j == n) continue;
        anchor[count] = i, positive[count++] = j;
    }
    return count;
}

/* Rows by their places: a product with a matrix of 0 and 1. */
static kin_tensor *rows_at(kin_tensor *x, const int64_t *at, int64_t count)
{
    kin_tensor *pick = kin_input(kin_ctx_of(x), KIN_SHAPE(count, kin_rows(x)), NULL);
    for (int64_t i = 0; pick && i < count; i++) ((kin_real *)kin_data(pick))[i * kin_rows(x) + at[i]] = 1;
    return kin_matmul(pick, x, NULL);
}

static kin_tensor *on_rows(const kin_loss_call *c, kin_tensor *x, const int64_t *anchor,
                           const int64_t *positive, int64_t count)
{
    kin_tensor *a = rows_at(x, anchor, count), *p = rows_at(x, positive, count);
    kin_tensor *s = kin_matmul(a, p, &(kin_matmul_opt){.transpose_b = true});
    kin_pairs pairs = {count, count, kin_alloc_zero((size_t)count, (size_t)count)};
    double l2 = kin_term_value(c->term, "l2");
    kin_tensor *loss = NULL;
    if (pairs.kind) loss = kin_matrix_loss(s, &pairs, rows_find_their_own, NULL, 0);
    else kin_fail_memory(kin_ctx_error(kin_ctx_of(x)), "the pairs of a batch", (size_t)(count * count));
    kin_pairs_free(&pairs);
    if (l2 == 0) return loss;
    kin_tensor *squares = kin_add(kin_sum(kin_square(a), 0), kin_sum(kin_square(p), 0));
    return kin_add(loss, kin_scale(squares, l2 / 4 / (double)count, 0));
}

/* For who asks: the pairs that were chosen, as triplets with the next pair's positive. */
static bool note(const kin_loss_call *c, const int64_t *anchor, const int64_t *positive, int64_t count)
{
    int64_t n = kin_rows(c->x);
    kin_pairs p = {n, n, c->mined ? kin_alloc_zero((size_t)n, (size_t)n) : NULL};
    if (!c->mined) return true;
    for (int64_t i = 0; p.kind && i < count; i++)
        for (int64_t j = 0; j < count; j++)
            p.kind[anchor[i] * n + positive[j]] = i == j ? KIN_PAIR_POSITIVE : KIN_PAIR_NEGATIVE;
    bool ok = p.kind && kin_mined_pairs(c->mined, &p, kin_ctx_error(kin_ctx_of(c->x)));
    kin_pairs_free(&p);
    return ok;
}

static kin_tensor *formula(const kin_loss_call *c)
{
    int64_t n = kin_rows(c->x), count;
    int64_t *anchor = kin_alloc_array((size_t)n, 2 * sizeof *anchor);
    kin_tensor *loss = NULL;
    if (!c->x) return kin_free(anchor), NULL;
    kin_tensor *x = kin_term_value(c->term, "unit") == 1 ? kin_l2_normalize(c->x) : c->x;
    if (!anchor)
        kin_fail_memory(kin_ctx_error(kin_ctx_of(x)), "the pairs of a batch", (size_t)n * sizeof *anchor);
    else if (!(count = choose(c, anchor, anchor + n))) loss = kin_no_loss(x);
    else if (note(c, anchor, anchor + n, count)) loss = on_rows(c, x, anchor, anchor + n, count);
    kin_free(anchor);
    return loss;
}

const kin_loss kin_loss_n_pair = {
    .name = "n-pair",
    .about = "one pair a class: an anchor's own positive among the positives of all classes",
    .paper = "Sohn 2016",
    .params = {{"l2", .002, 0, 1e6, NULL, false, "how strongly long embeddings are pulled in"},
               {"unit", 0, 0, 1, NULL, true, "1: on unit vectors, 0: on the embeddings as they are"}},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
    .formula = formula};
