/* Batch-hard triplet mining [Hermans, Beyer, Leibe 2017]. With d the Euclidean distance, each anchor a of
 * the batch meets its hardest positive and its hardest negative,
 *
 *   p(a) = argmax_{j ≠ a, label_j = label_a} d(a, j)      n(a) = argmin_{label_j ≠ label_a} d(a, j)
 *
 * and the loss is the mean over the anchors that have both,
 *
 *   hinge:        [d(a, p) − d(a, n) + m]₊
 *   soft margin:  log(1 + e^{d(a, p) − d(a, n)})
 *
 * Held to this: losses/pairs.c (kin_mine_batch_hard), losses/triplet.c. */
#include "reference/batch_hard.h"

#include <math.h>

static double distance(const kin_real *embedding, int64_t dim, int64_t i, int64_t j)
{
    double square = 0;
    for (int64_t d = 0; d < dim; d++)
        square += pow((double)embedding[i * dim + d] - (double)embedding[j * dim + d], 2);
    return sqrt(square);
}

void kin_reference_batch_hard(const kin_real *embedding, const int *labels, int64_t n, int64_t dim,
                              int64_t *positive, int64_t *negative)
{
    for (int64_t a = 0; a < n; a++) {
        double farthest = -INFINITY, nearest = INFINITY;
        positive[a] = negative[a] = -1;
        for (int64_t j = 0; j < n; j++) {
            double d = distance(embedding, dim, a, j);
            if (labels[j] == labels[a] && j != a && d > farthest) farthest = d, positive[a] = j;
            if (labels[j] != labels[a] && d < nearest) nearest = d, negative[a] = j;
        }
        if (positive[a] < 0 || negative[a] < 0) positive[a] = negative[a] = -1;
    }
}

double kin_reference_batch_hard_loss(const kin_real *embedding, const int64_t *positive,
                                     const int64_t *negative, int64_t n, int64_t dim, double margin)
{
    double sum = 0;
    int64_t anchors = 0;
    for (int64_t a = 0; a < n; a++) {
        if (positive[a] < 0) continue;
        double gap = distance(embedding, dim, a, positive[a]) - distance(embedding, dim, a, negative[a]);
        sum += margin > 0 ? fmax(gap + margin, 0) : log1p(exp(gap));
        anchors++;
    }
    return anchors ? sum / (double)anchors : 0;
}
