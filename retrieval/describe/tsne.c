/* Neighbourhoods as probabilities, in the descriptors' space and on the map, made alike.
 *
 * In space, p(j|i) = exp(−β_i d_ij²) / Σ_k exp(−β_i d_ik²) with β_i such that the row's entropy is
 * log(perplexity), and p_ij = (p(j|i) + p(i|j)) / 2n. On the map, w_ij = 1/(1 + |y_i − y_j|²) and q_ij =
 * w_ij / Z, Z = Σ w over all pairs. Minimised is KL(P‖Q) = Σ p_ij log(p_ij / q_ij), whose gradient is
 *     ∂/∂y_i = 4 Σ_j (p_ij − q_ij) w_ij (y_i − y_j)
 *             = 4 [ Σ_j p_ij w_ij (y_i − y_j) − (1/Z) Σ_j w_ij² (y_i − y_j) ].
 * The two sums and the row's share of Z come out of one pass over the row, so a step needs no n × n matrix
 * but P. Step size n/48 (at least 50), exaggeration and first positions as in Belkina et al., Nature
 * Communications 10, 2019, and Kobak, Berens, the same volume. */
#include "retrieval/describe/tsne.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LANES = 8, ROWS = 16, POWER_STEPS = 100, SEARCH_STEPS = 100 };

/* Where padding sits on the map: so far away that its weight in any sum is nothing. */
static const float far_away = 1e15f;

typedef struct map {
    int64_t n, padded, dim; /* padded: n rounded up to whole vectors */
    double perplexity;
    float *x;               /* [n, dim] centred descriptors, the largest entry 1 */
    float *p;               /* [n, padded] squared distances, then probabilities; padding 0 */
    float *y;               /* [2, padded] positions */
    float *velocity, *gain; /* [2, padded] */
    float *pull, *push;     /* [2, padded] the two sums of the gradient */
    double *weight;         /* [n] the row's share of Z */
} map;

/* ---- Descriptors ---- */

static bool centre(map *m, kin_vectors in, kin_error *err)
{
    double *mean = kin_alloc_zero((size_t)m->dim, sizeof *mean), largest = 0;
    if (!mean) return kin_fail_memory(err, "the map's mean", (unsigned long long)m->dim * sizeof *mean);
    bool finite = true;
    for (int64_t i = 0; i < m->n && finite; i++) {
        for (int64_t k = 0; k < m->dim; k++) {
            finite &= isfinite(kin_row(in, i)[k]) != 0;
            mean[k] += kin_row(in, i)[k] / (double)m->n;
        }
        if (!finite)
            kin_fail(err, KIN_ERR_NUMERIC, "row %lld of the descriptors holds NaN or infinity", (long long)i);
    }
    for (int64_t i = 0; i < m->n * m->dim && finite; i++)
        largest = fmax(largest, fabs(in.data[i] - mean[i % m->dim]));
    for (int64_t i = 0; i < m->n * m->dim && finite; i++)
        m->x[i] = largest > 0 ? (float)((in.data[i] - mean[i % m->dim]) / largest) : 0;
    kin_free(mean);
    return finite;
}

static double distance2(const float *a, const float *b, int64_t dim)
{
    double sum = 0;
    for (int64_t k = 0; k < dim; k++) {
        double d = (double)a[k] - b[k];
        sum += d * d;
    }
    return sum;
}

/* The entropy of a row under β; with `write`, the row becomes its probabilities. Distances are taken from
 * the nearest one's, which changes no probability and keeps exp from vanishing everywhere. */
static double row_entropy(float *row, int64_t n, int64_t self, double nearest, double beta, bool write)
{
    double sum = 0, mean = 0;
    for (int64_t j = 0; j < n; j++) {
        if (j == self) continue;
        double d = row[j] - nearest, e = exp(-beta * d);
        sum += e;
        mean += e * d;
    }
    for (int64_t j = 0; j < n && write; j++)
        row[j] = j == self ? 0 : (float)(exp(-beta * (row[j] - nearest)) / sum);
    return log(sum) + beta * mean / sum;
}

static void row_probabilities(const map *m, int64_t i)
{
    float *row = m->p + i * m->padded;
    double nearest = DBL_MAX, mean = 0;
    for (int64_t j = 0; j < m->n; j++) {
        row[j] = (float)distance2(m->x + i * m->dim, m->x + j * m->dim, m->dim);
        if (j != i) nearest = fmin(nearest, row[j]), mean += row[j] / (double)(m->n - 1);
    }
    double beta = 1 / fmax(mean - nearest, 1e-30), low = 0, high = INFINITY, wanted = log(m->perplexity);
    for (int step = 0; step < SEARCH_STEPS; step++) {
        double excess = row_entropy(row, m->n, i, nearest, beta, false) - wanted;
        if (fabs(excess) < 1e-6) break;
        if (excess > 0) low = beta;
        else high = beta;
        beta = isinf(high) ? fmin(beta * 2, 1e30) : (low + high) / 2;
    }
    row_entropy(row, m->n, i, nearest, beta, true);
}

static void probabilities_task(void *arg, int64_t block, int worker)
{
    const map *m = arg;
    (void)worker;
    for (int64_t i = block * ROWS; i < m->n && i < (block + 1) * ROWS; i++) row_probabilities(m, i);
}

static void symmetrise(const map *m)
{
    for (int64_t i = 0; i < m->n; i++) {
        for (int64_t j = 0; j < i; j++) {
            float *a = &m->p[i * m->padded + j], *b = &m->p[j * m->padded + i];
            *a = *b = (float)(((double)*a + *b) / (2.0 * (double)m->n));
        }
    }
}

/* ---- First positions: principal components, by power iteration ---- */

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

static double project(const map *m, int64_t i, const double *axis)
{
    double sum = 0;
    for (int64_t k = 0; k < m->dim; k++) sum += m->x[i * m->dim + k] * axis[k];
    return sum;
}

/* Makes `axis` orthogonal to `other` (NULL: to nothing) and of unit length; false when nothing is left of
 * it. */
static bool orthonormal(double *axis, const double *other, int64_t n)
{
    double along = other ? dot(axis, other, n) : 0;
    for (int64_t k = 0; k < n && other; k++) axis[k] -= along * other[k];
    double length = sqrt(dot(axis, axis, n));
    for (int64_t k = 0; k < n && length > 0; k++) axis[k] /= length;
    return length > 0;
}

/* One axis after the other: a ← XᵀX a. `next` is room for one more. */
static void power_iteration(const map *m, double *axis, const double *other, double *next, int which)
{
    uint64_t key = kin_key_text((uint64_t)which, "t-SNE axis");
    for (int64_t k = 0; k < m->dim; k++) axis[k] = kin_random_normal(key, (uint64_t)k);
    orthonormal(axis, other, m->dim);
    for (int step = 0; step < POWER_STEPS; step++) {
        memset(next, 0, (size_t)m->dim * sizeof *next);
        for (int64_t i = 0; i < m->n; i++) {
            double along = project(m, i, axis);
            for (int64_t k = 0; k < m->dim; k++) next[k] += along * m->x[i * m->dim + k];
        }
        if (!orthonormal(next, other, m->dim)) return;
        memcpy(axis, next, (size_t)m->dim * sizeof *next);
    }
}

/* Positions, of any scale, brought to a deviation of 1e-4 along the first axis, where the gradient is all
 * attraction. A hundredth of that as jitter lets equal descriptors, and descriptors on a line, move apart. */
static void place_all(const map *m, const double *positions)
{
    double squares = 0;
    for (int64_t i = 0; i < m->n; i++) squares += positions[2 * i] * positions[2 * i];
    double scale = squares > 0 ? 1e-4 / sqrt(squares / (double)m->n) : 0;
    uint64_t key = kin_key_text(0, "t-SNE jitter");
    for (int64_t i = 0; i < m->padded; i++) {
        for (int a = 0; a < 2; a++) {
            double jitter = 1e-6 * kin_random_normal(key, (uint64_t)(2 * i + a));
            m->y[a * m->padded + i] = i < m->n ? (float)(scale * positions[2 * i + a] + jitter) : far_away;
        }
    }
}

/* The two principal components. */
static bool find_components(const map *m, double *positions, kin_error *err)
{
    double *axes = kin_alloc_array((size_t)m->dim, 3 * sizeof *axes);
    if (!axes) return kin_fail_memory(err, "the map's axes", (unsigned long long)m->dim * 3 * sizeof *axes);
    double *first = axes, *second = axes + m->dim, *next = second + m->dim;
    power_iteration(m, first, NULL, next, 0);
    power_iteration(m, second, first, next, 1);
    for (int64_t i = 0; i < m->n; i++)
        positions[2 * i] = project(m, i, first), positions[2 * i + 1] = project(m, i, second);
    kin_free(axes);
    return true;
}

static bool take_start(const map *m, const float *start, double *positions, kin_error *err)
{
    for (int64_t k = 0; k < 2 * m->n; k++) {
        if (!isfinite(start[k]))
            return kin_fail(err, KIN_ERR_NUMERIC, "the place where point %lld begins is not a number",
                            (long long)k / 2);
        positions[k] = start[k];
    }
    return true;
}

static bool first_positions(const map *m, const float *start, kin_error *err)
{
    double *positions = kin_alloc_array((size_t)m->n, 2 * sizeof *positions);
    bool ok = positions ? (start ? take_start(m, start, positions, err) : find_components(m, positions, err))
                        : kin_fail_memory(err, "the map", (size_t)m->n * 2 * sizeof *positions);
    if (ok) place_all(m, positions);
    kin_free(positions);
    return ok;
}

/* ---- Descent ---- */

static float sum_lanes(const float *lanes)
{
    float sum = 0;
    for (int l = 0; l < LANES; l++) sum += lanes[l];
    return sum;
}

static void row_forces(const map *m, int64_t i)
{
    const float *restrict p = m->p + i * m->padded, *restrict xs = m->y, *restrict ys = m->y + m->padded;
    const float x = xs[i], y = ys[i];
    float z[LANES] = {0}, ax[LANES] = {0}, ay[LANES] = {0}, rx[LANES] = {0}, ry[LANES] = {0};
    for (int64_t j = 0; j < m->padded; j += LANES) {
        for (int l = 0; l < LANES; l++) {
            float dx = x - xs[j + l], dy = y - ys[j + l];
            float w = 1 / (1 + dx * dx + dy * dy);
            float pull = p[j + l] * w, push = w * w;
            z[l] += w;
            ax[l] += pull * dx, ay[l] += pull * dy;
            rx[l] += push * dx, ry[l] += push * dy;
        }
    }
    m->weight[i] = (double)sum_lanes(z) - 1; /* without the pair (i, i) */
    m->pull[i] = sum_lanes(ax), m->pull[m->padded + i] = sum_lanes(ay);
    m->push[i] = sum_lanes(rx), m->push[m->padded + i] = sum_lanes(ry);
}

static void forces_task(void *arg, int64_t block, int worker)
{
    const map *m = arg;
    (void)worker;
    for (int64_t i = block * ROWS; i < m->n && i < (block + 1) * ROWS; i++) row_forces(m, i);
}

/* The forces everywhere; returns Z. */
static double forces(map *m)
{
    double z = 0;
    kin_parallel_for(kin_blocks(m->n, ROWS), forces_task, m);
    for (int64_t i = 0; i < m->n; i++) z += m->weight[i];
    return fmax(z, DBL_MIN);
}

/* Momentum with a gain for each coordinate: grown while the gradient keeps pointing against the last move
 * (Jacobs 1988). */
static void step(map *m, double exaggeration, float momentum)
{
    float rate = (float)fmax((double)m->n / 48, 50), inverse_z = (float)(1 / forces(m)),
          pull = (float)exaggeration;
    for (int64_t k = 0; k < 2 * m->padded; k++) {
        if (k % m->padded >= m->n) continue;
        float gradient = 4 * (pull * m->pull[k] - inverse_z * m->push[k]);
        m->gain[k] = gradient * m->velocity[k] < 0 ? m->gain[k] + 0.2f : fmaxf(m->gain[k] * 0.8f, 0.01f);
        m->velocity[k] = momentum * m->velocity[k] - rate * m->gain[k] * gradient;
        m->y[k] += m->velocity[k];
    }
}

static void descend(map *m, int steps)
{
    int early = steps / 3;
    for (int64_t k = 0; k < 2 * m->padded; k++) m->gain[k] = 1;
    for (int s = 0; s < steps; s++) step(m, s < early ? 12 : 1, s < early ? 0.5f : 0.8f);
}

static double divergence_now(map *m)
{
    double z = forces(m), sum = 0;
    for (int64_t i = 0; i < m->n; i++) {
        for (int64_t j = 0; j < m->n; j++) {
            double p = m->p[i * m->padded + j], dx = (double)m->y[i] - m->y[j],
                   dy = (double)m->y[m->padded + i] - m->y[m->padded + j];
            if (j != i && p > 0) sum += p * log(p * z * (1 + dx * dx + dy * dy));
        }
    }
    return sum;
}

static void normalise(const map *m, float *positions)
{
    double mean[2] = {0, 0}, largest = 0;
    for (int a = 0; a < 2; a++) {
        for (int64_t i = 0; i < m->n; i++) mean[a] += m->y[a * m->padded + i] / (double)m->n;
        for (int64_t i = 0; i < m->n; i++) largest = fmax(largest, fabs(m->y[a * m->padded + i] - mean[a]));
    }
    for (int64_t i = 0; i < 2 * m->n; i++) {
        positions[i] = largest > 0 ? (float)((m->y[i % 2 * m->padded + i / 2] - mean[i % 2]) / largest) : 0;
    }
}

/* ---- The whole ---- */

static void map_free(map *m)
{
    float *blocks[] = {m->x, m->p, m->y, m->velocity, m->gain, m->pull, m->push};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) kin_free(blocks[b]);
    kin_free(m->weight);
}

static bool map_alloc(map *m, kin_error *err)
{
    size_t n = (size_t)m->n, padded = (size_t)m->padded, entries;
    if (kin_mul_size(n, (uint64_t)m->dim, &entries)) m->x = kin_alloc_array(entries, sizeof *m->x);
    if (kin_mul_size(n, padded, &entries)) m->p = kin_alloc_zero(entries, sizeof *m->p);
    float **pairs[] = {&m->y, &m->velocity, &m->gain, &m->pull, &m->push};
    bool ok = m->x && m->p;
    for (size_t b = 0; b < sizeof pairs / sizeof *pairs; b++)
        ok &= (*pairs[b] = kin_alloc_zero(2 * padded, sizeof(float))) != NULL;
    m->weight = kin_alloc_zero(n, sizeof *m->weight);
    return ok && m->weight ? true
                           : kin_fail_memory(err, "the map of the descriptors",
                                             (unsigned long long)(n * padded * sizeof(float)));
}

bool kin_tsne(kin_vectors in, const kin_tsne_opt *opt, float *positions, double *divergence, kin_error *err)
{
    static const kin_tsne_opt defaults;
    if (!opt) opt = &defaults;
    if (in.count < 1 || in.dim < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a map needs at least one descriptor");
    if (in.count > KIN_TSNE_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a map of %lld descriptors is too large, pass a sample of at most %d",
                        (long long)in.count, KIN_TSNE_MAX);
    map m = {.n = in.count, .padded = kin_blocks(in.count, LANES) * LANES, .dim = in.dim};
    m.perplexity = fmax(fmin(opt->perplexity > 0 ? opt->perplexity : 30, (double)(in.count - 1) / 3), 1);
    bool ok = map_alloc(&m, err) && centre(&m, in, err) && first_positions(&m, opt->start, err);
    if (ok) {
        kin_parallel_for(kin_blocks(m.n, ROWS), probabilities_task, &m);
        symmetrise(&m);
        descend(&m, opt->steps > 0 ? opt->steps : 750);
        if (divergence) *divergence = divergence_now(&m);
        normalise(&m, positions);
    }
    map_free(&m);
    return ok;
}
