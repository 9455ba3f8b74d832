/* Positive pairs are pulled until they are nearer than m_pos, negative ones pushed until they are farther
 * than m_neg. Averages run over the pairs that still have a term, so that few hard pairs are not drowned
 * by many easy ones. */
#include "losses/contrastive.h"

#include "base/memory.h"

/* Mean of [sign·(d − margin)]₊ over the chosen pairs' non-zero terms; 0 when there are none. */
static kin_tensor *side(kin_tensor *d, const int64_t *rows, const int64_t *columns, int64_t count,
                        double sign, double margin)
{
    if (count == 0) return kin_scale(kin_mean(d, 0), 0, 0);
    kin_tensor *terms = kin_relu(kin_scale(kin_gather(d, rows, columns, count), sign, -sign * margin));
    const kin_real *values = kin_data(terms);
    int64_t positive = 0;
    for (int64_t i = 0; values && i < count; i++) positive += values[i] > 0;
    return kin_scale(kin_sum(terms, 0), positive ? 1.0 / (double)positive : 0, 0);
}

kin_tensor *kin_contrastive(kin_tensor *embedding, const int *labels, double margin_positive,
                            double margin_negative)
{
    kin_tensor *d = kin_distance(embedding, embedding);
    int64_t n = kin_rows(d), counts[2] = {0, 0};
    if (!d) return NULL;
    int64_t *rows = kin_alloc_array((size_t)(n * n), 2 * sizeof *rows),
            *columns = kin_alloc_array((size_t)(n * n), 2 * sizeof *columns);
    kin_tensor *loss = NULL;
    if (rows && columns) {
        for (int64_t i = 0; i < n * n; i++) {
            if (i / n == i % n) continue;
            int different = labels[i / n] != labels[i % n];
            int64_t at = different * n * n + counts[different]++;
            rows[at] = i / n;
            columns[at] = i % n;
        }
        loss = kin_add(side(d, rows, columns, counts[0], 1, margin_positive),
                       side(d, rows + n * n, columns + n * n, counts[1], -1, margin_negative));
    } else {
        kin_fail_memory(kin_ctx_error(kin_ctx_of(d)), "the pairs of a batch",
                        (size_t)(n * n) * 4 * sizeof *rows);
    }
    kin_free(rows);
    kin_free(columns);
    return loss;
}
