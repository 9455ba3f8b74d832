/* Losses that are a function of one matrix: the similarities or distances of anchors (rows) and what they
 * are compared with (columns), and which of the pairs are positive. A formula is a function that returns
 * the value and writes the derivative by each number, side by side, as on paper; in double, whatever
 * kin_real is.
 *
 *   static double sum_of_positives(const kin_matrix *s, double *grad)
 *   {
 *       double sum = 0;
 *       for (int64_t i = 0; i < s->n; i++)
 *           for (int64_t j = 0; j < s->m; j++)
 *               if (kin_matrix_kind(s, i, j) == KIN_PAIR_POSITIVE)
 *                   sum += kin_matrix_at(s, i, j), grad[i * s->m + j] = 1;
 *       return sum;
 *   }
 *   kin_tensor *loss = kin_matrix_loss(similarities, &pairs, sum_of_positives, NULL, 0);
 */
#ifndef KIN_LOSSES_MATRIX_H
#define KIN_LOSSES_MATRIX_H

#include "losses/loss.h"

enum { KIN_MATRIX_OPTIONS = 4 };

typedef struct kin_matrix {
    int64_t n, m, ld;
    const kin_real *data;
    const signed char *kind;           /* [n, m]: of kin_pairs */
    double option[KIN_MATRIX_OPTIONS]; /* the formula's own */
} kin_matrix;

static inline double kin_matrix_at(const kin_matrix *s, int64_t i, int64_t j)
{
    return (double)s->data[i * s->ld + j];
}
static inline int kin_matrix_kind(const kin_matrix *s, int64_t i, int64_t j) { return s->kind[i * s->m + j]; }

/* grad [n, m] is zero beforehand. */
typedef double (*kin_matrix_formula)(const kin_matrix *s, double *grad);

/* → [1]; `pairs` is of the matrix's shape, and read by forward only. */
kin_tensor *kin_matrix_loss(kin_tensor *matrix, const kin_pairs *pairs, kin_matrix_formula formula,
                            const double *option, int options);

/* ---- for formulas ---- */

int64_t kin_matrix_count(const kin_matrix *s, int64_t i, int kind); /* such pairs in row i */
/* log([one] + Σ e^{scale·s_ij + shift}) over row i's pairs of this kind, none overflowing; −∞ for an empty
 * sum. */
double kin_matrix_lse(const kin_matrix *s, int64_t i, int kind, double scale, double shift, bool one);
/* Adds factor·∂lse/∂s_ij to row i of grad, lse being the value above. */
void kin_matrix_lse_grad(const kin_matrix *s, int64_t i, int kind, double scale, double shift, double lse,
                         double factor, double *grad);
/* log(1 + eˣ) and its slope. */
double kin_log1p_exp(double x);
double kin_logistic(double x);

/* ---- what a term's formula begins with ---- */

/* The rows of c->x against c->others: cosines, or Euclidean distances, of rows as they are or brought to unit
 * length. */
kin_tensor *kin_call_cosines(const kin_loss_call *c);
kin_tensor *kin_call_distances(const kin_loss_call *c, bool unit);
/* The same with rows of parameters, one a class (proxies, class weights): cosines [n, classes]. */
kin_tensor *kin_call_class_cosines(const kin_loss_call *c, kin_tensor *rows);
/* Their pairs; false on error, in the context. */
bool kin_call_pairs(const kin_loss_call *c, kin_pairs *p);
bool kin_call_class_pairs(const kin_loss_call *c, kin_pairs *p);
/* Drops pairs as the term's option `miner` says, by cosines; an error of one's own miner is in the
 * context. */
void kin_call_mine(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p);
/* The triplets of one's own miner, which the term has, by distances of unit vectors; false on error, in
 * the context. */
bool kin_call_mine_triplets(const kin_loss_call *c, kin_tensor *d, const kin_pairs *p, kin_triplets *out);
/* A term's whole way: the formula on the matrix and its pairs, which are freed, and noted for who asks. */
kin_tensor *kin_call_matrix(const kin_loss_call *c, kin_tensor *matrix, kin_pairs *pairs,
                            kin_matrix_formula formula, const double *option, int options);
/* A parameter [classes, d] of the term's own, "proxies" and the like. */
kin_tensor *kin_call_class_rows(const kin_loss_call *c, const char *name, kin_init init, double scale);
/* A zero with a (zero) gradient, for batches in which there is nothing to compare: the step goes on. */
kin_tensor *kin_no_loss(kin_tensor *x);

/* Rows of the descriptors' tables. */
extern const char *const kin_pair_miners[];
#define KIN_LOSS_MINER \
    {"miner", \
     0, \
     0, \
     1, \
     kin_pair_miners, \
     false, \
     "which pairs count: all, or those that multi-similarity's miner keeps", \
     KIN_MINES_PAIRS}, \
    { \
        "epsilon", .1, 0, 2, NULL, false, "how far that miner looks past the hardest pair" \
    }
#define KIN_LOSS_MEMORY \
    { \
        "xbm", 0, 0, 1 << 20, NULL, true, \
            "compare with a memory of so many embeddings of earlier batches; 0: none" \
    }
#define KIN_LOSS_RATE \
    { \
        "rate", 1, 0, 1e6, NULL, false, "factor of the learning rate of its own parameters" \
    }

#endif
