/* Diffusion and graph re-ranking against the definitions with whole matrices, in double: linear systems by
 * elimination. */
#include "base/memory.h"
#include "base/parallel.h"
#include "reference/search.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/rerank/rerank_graph.h"
#include "tests/support/brute.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 21, G = 110, D = 14 };

typedef struct reference {
    double *s;      /* [n, n]: cosine, rounded to float32 as lists hold it */
    int64_t *order; /* [n, n]: by similarity, the item itself first */
} reference;

static reference similarities(const float *data, int64_t n)
{
    double *d = kin_reference_distances(data, n, data, n, D, 'c');
    int64_t *order = malloc((size_t)(n * n) * sizeof *order);
    for (int64_t i = 0; i < n; i++) {
        order[i * n] = i;
        kin_reference_order(d + i * n, n, i, order + i * n + 1);
    }
    for (int64_t i = 0; i < n * n; i++) d[i] = (double)(float)-d[i];
    return (reference){d, order};
}

static bool among(const int64_t *list, int64_t count, int64_t item)
{
    for (int64_t a = 0; a < count; a++)
        if (list[a] == item) return true;
    return false;
}

/* S = D^−½ A D^−½ of the gallery. */
static double *stochastic(const reference *r, int64_t n, int64_t kd, double gamma)
{
    double *s = calloc((size_t)(n * n), sizeof *s), *degree = calloc((size_t)n, sizeof *degree);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            if (i == j || !among(r->order + i * n, kd, j) || !among(r->order + j * n, kd, i)) continue;
            s[i * n + j] = pow(fmax(0, r->s[i * n + j]), gamma);
            degree[i] += s[i * n + j];
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (s[i * n + j] != 0) s[i * n + j] /= sqrt(degree[i] * degree[j]);
    free(degree);
    return s;
}

/* Solves (I − αS) f = b over the members of `ids`, by elimination with pivots; b becomes f. */
static void eliminate(const double *s, int64_t n, const int64_t *ids, int64_t count, double alpha, double *b)
{
    double *m = malloc((size_t)(count * count) * sizeof *m);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) m[i * count + j] = (i == j) - alpha * s[ids[i] * n + ids[j]];
    for (int64_t c = 0; c < count; c++) {
        int64_t pivot = c;
        for (int64_t i = c + 1; i < count; i++)
            if (fabs(m[i * count + c]) > fabs(m[pivot * count + c])) pivot = i;
        for (int64_t j = 0; j < count; j++) {
            double kept = m[c * count + j];
            m[c * count + j] = m[pivot * count + j];
            m[pivot * count + j] = kept;
        }
        double kept = b[c];
        b[c] = b[pivot];
        b[pivot] = kept;
        for (int64_t i = c + 1; i < count; i++) {
            double factor = m[i * count + c] / m[c * count + c];
            for (int64_t j = c; j < count; j++) m[i * count + j] -= factor * m[c * count + j];
            b[i] -= factor * b[c];
        }
    }
    for (int64_t c = count - 1; c >= 0; c--) {
        for (int64_t j = c + 1; j < count; j++) b[c] -= m[c * count + j] * b[j];
        b[c] /= m[c * count + c];
    }
    free(m);
}

/* f of one query, whose similarities are `s` and whose gallery items in order are `order` (itself first
 * when leaving one out). */
static void diffuse_plainly(const reference *r, const double *graph, int64_t n, const double *s,
                            const int64_t *order, const kin_diffusion_opt *opt, double *f)
{
    int64_t all[G];
    for (int64_t i = 0; i < n; i++) all[i] = i, f[i] = 0;
    if (!opt->truncation) {
        for (int64_t a = 0; a < opt->kq && a < n; a++) f[order[a]] = pow(fmax(0, s[order[a]]), opt->gamma);
        eliminate(graph, n, all, n, opt->alpha, f);
        return;
    }
    int64_t t = opt->truncation < n ? opt->truncation : n;
    for (int64_t a = 0; a < opt->kq && a < n; a++) {
        double part[G] = {1};
        const int64_t *ids = r->order + order[a] * n;
        eliminate(graph, n, ids, t, opt->alpha, part);
        for (int64_t b = 0; b < t; b++) f[ids[b]] += pow(fmax(0, s[order[a]]), opt->gamma) * part[b];
    }
}

/* A list by score, then by similarity where the score is 0. Scores closer than `slack` may change places. */
static void compare(const kin_neighbours *found, int64_t list, const double *score, const double *s,
                    int64_t n, int64_t self, double slack)
{
    double key[G];
    int64_t order[G];
    for (int64_t g = 0; g < n; g++) key[g] = fabs(score[g]) > 1e-12 ? -score[g] : 100 - s[g];
    kin_reference_order(key, n, self, order);
    for (int64_t a = 0; a < found->k; a++) {
        int64_t got = found->index[list * found->k + a];
        CHECK_MSG(got == order[a] || fabs(key[got] - key[order[a]]) < slack,
                  "query %lld rank %lld: item %lld (%.12g), expected %lld (%.12g)", (long long)list,
                  (long long)a, (long long)got, key[got], (long long)order[a], key[order[a]]);
        CHECK_CLOSE(found->value[list * found->k + a], score[got], slack);
    }
}

static void spread(float *data, int kind)
{
    brute_clusters(data, Q + G, D, 9, 0.6, 77);
    /* rows three times */
    for (int64_t i = Q + G - 1; kind == 1 && i > 0; i--)
        memcpy(data + i * D, data + i / 3 * D, D * sizeof *data);
}

static void diffusion(void)
{
    static const kin_diffusion_opt rows[] = {
        {.k = G, .kd = 12, .kq = 4, .gamma = 3, .alpha = 0.99},
        {.k = 30, .kd = 50, .kq = 10, .gamma = 3, .alpha = 0.99},
        {.k = G, .kd = 8, .kq = 3, .gamma = 1, .alpha = 0.8, .truncation = 25},
        {.k = G, .kd = 20, .kq = 5, .gamma = 3, .alpha = 0.99, .truncation = 60},
        {.k = 40, .kd = 500, .kq = 500, .gamma = 2, .alpha = 0.9, .truncation = 500},
        {.k = G, .kd = 1, .kq = 2, .gamma = 3, .alpha = 0.99},
        {.k = G, .kd = 1, .kq = 1, .gamma = 3, .alpha = 0.99, .truncation = 1},
        {.k = G - 1, .kd = 10, .kq = 5, .gamma = 3, .alpha = 0.95, .leave_one_out = true},
        {.k = 20, .kd = 10, .kq = 5, .gamma = 3, .alpha = 0.95, .truncation = 30, .leave_one_out = true},
        {.k = 20, .kd = 10, .kq = 1, .gamma = 3, .alpha = 0, .leave_one_out = true},
    };
    static float data[(Q + G) * D];
    for (size_t r = 0; r < 2 * sizeof rows / sizeof *rows; r++) {
        kin_diffusion_opt opt = rows[r / 2];
        opt.tolerance = 1e-14, opt.iterations = 2000;
        spread(data, (int)(r % 2));
        const float *gallery = data + Q * D;
        check_begin("diffusion: best %lld, kd %lld, kq %lld, gamma %g, alpha %g, %s%s, %s", (long long)opt.k,
                    (long long)opt.kd, (long long)opt.kq, opt.gamma, opt.alpha,
                    opt.truncation ? "off-line" : "on-line", opt.leave_one_out ? ", leaving one out" : "",
                    r % 2 ? "repeated rows" : "clusters");
        kin_neighbours found;
        kin_error err = {0};
        CHECK_MSG(kin_diffuse((kin_vectors){data, Q, D}, (kin_vectors){gallery, G, D}, &opt, &found, &err),
                  "%s", err.message);
        reference ref = similarities(gallery, G);
        double *graph = stochastic(&ref, G, opt.kd, opt.gamma),
               *d = kin_reference_distances(data, Q, gallery, G, D, 'c'), s[G], f[G];
        int64_t order[G];
        for (int64_t list = 0; list < found.queries; list++) {
            for (int64_t g = 0; g < G; g++)
                s[g] = opt.leave_one_out ? g == list ? 1 : ref.s[list * G + g]
                                         : (double)(float)-d[list * G + g];
            if (opt.leave_one_out) memcpy(order, ref.order + list * G, sizeof order);
            else kin_reference_order(d + list * G, G, -1, order);
            diffuse_plainly(&ref, graph, G, s, order, &opt, f);
            compare(&found, list, f, s, G, opt.leave_one_out ? list : -1, 3e-5);
        }
        free(ref.s), free(ref.order), free(graph), free(d);
        kin_neighbours_free(&found);
        check_end();
    }
}

/* The published steps with whole matrices; scores of item i with every item. */
static double *propagate_plainly(const reference *r, int64_t n, const kin_rerank_graph_opt *opt)
{
    size_t bytes = (size_t)(n * n) * sizeof(double);
    double *a = calloc(1, bytes), *b = malloc(bytes);
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < opt->k1; c++) a[i * n + r->order[i * n + c]] = 1;
    for (int layer = 0; opt->k2 > 1 && layer < opt->layers; layer++) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) b[i * n + j] = a[i * n + j] + a[j * n + i];
        memset(a, 0, bytes);
        for (int64_t i = 0; i < n; i++) {
            double squares = 0;
            for (int64_t c = 0; c < opt->k2; c++) {
                int64_t from = r->order[i * n + c];
                double s = c ? r->s[i * n + from] : 1;
                for (int64_t j = 0; j < n; j++) a[i * n + j] += s * s * b[from * n + j];
            }
            for (int64_t j = 0; j < n; j++) squares += a[i * n + j] * a[i * n + j];
            for (int64_t j = 0; j < n; j++) a[i * n + j] /= sqrt(squares);
        }
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t c = 0; c < n; c++) sum += a[i * n + c] * a[j * n + c];
            b[i * n + j] = sum;
        }
    free(a);
    return b;
}

static void graph(void)
{
    static const kin_rerank_graph_opt rows[] = {
        {.k = G, KIN_RERANK_GRAPH_DEFAULTS},
        {.k = 10, .k1 = 5, .k2 = 3, .layers = 1},
        {.k = G, .k1 = 4, .k2 = 2, .layers = 3},
        {.k = G, .k1 = 8, .k2 = 1, .layers = 2},
        {.k = 50, .k1 = 3, .k2 = 9, .layers = 2},
        {.k = 5, .k1 = Q + G, .k2 = 2, .layers = 1},
        {.k = G, .k1 = 1, .k2 = 1, .layers = 1},
        {.k = G - 1, .k1 = 10, .k2 = 4, .layers = 2, .leave_one_out = true},
    };
    static float data[(Q + G) * D];
    for (size_t r = 0; r < 2 * sizeof rows / sizeof *rows; r++) {
        const kin_rerank_graph_opt *opt = &rows[r / 2];
        int64_t first = opt->leave_one_out ? 0 : Q, n = first + G;
        spread(data, (int)(r % 2));
        const float *all = opt->leave_one_out ? data + Q * D : data;
        check_begin("graph re-ranking: best %lld, k1 %lld, k2 %lld, %d layers%s, %s", (long long)opt->k,
                    (long long)opt->k1, (long long)opt->k2, opt->layers,
                    opt->leave_one_out ? ", leaving one out" : "", r % 2 ? "repeated rows" : "clusters");
        kin_neighbours found;
        kin_error err = {0};
        CHECK_MSG(kin_rerank_graph((kin_vectors){data, Q, D}, (kin_vectors){data + Q * D, G, D}, opt, &found,
                                   &err),
                  "%s", err.message);
        reference ref = similarities(all, n);
        double *score = propagate_plainly(&ref, n, opt);
        for (int64_t list = 0; list < found.queries; list++)
            compare(&found, list, score + list * n + first, ref.s + list * n + first, G,
                    opt->leave_one_out ? list : -1, 1e-6);
        free(ref.s), free(ref.order), free(score);
        kin_neighbours_free(&found);
        check_end();
    }
}

typedef bool (*reranker)(kin_vectors query, kin_vectors gallery, bool offline, kin_progress progress,
                         kin_neighbours *out, kin_error *err);

static bool run_diffusion(kin_vectors query, kin_vectors gallery, bool offline, kin_progress progress,
                          kin_neighbours *out, kin_error *err)
{
    return kin_diffuse(query, gallery,
                       &(kin_diffusion_opt){.k = 20,
                                            KIN_DIFFUSION_DEFAULTS,
                                            .truncation = offline ? 60 : 0,
                                            .progress = progress},
                       out, err);
}

static bool run_graph(kin_vectors query, kin_vectors gallery, bool offline, kin_progress progress,
                      kin_neighbours *out, kin_error *err)
{
    (void)offline;
    return kin_rerank_graph(query, gallery,
                            &(kin_rerank_graph_opt){.k = 20, KIN_RERANK_GRAPH_DEFAULTS, .progress = progress},
                            out, err);
}

static bool stop(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)done, (void)total;
    return strcmp(stage, user) != 0;
}

static void manners(const char *name, reranker run, bool offline, const char *const *stages)
{
    enum { N = 500, M = 60 };
    static float data[(N + M) * D];
    brute_clusters(data, N + M, D, 40, 0.7, 5);
    kin_vectors query = {data, M, D}, gallery = {data + M * D, N, D};
    kin_neighbours first = {0}, found;
    check_begin("%s: the same bits for 1, 2 and 3 threads", name);
    for (int t = 1; t <= 3; t++) {
        kin_error err = {0};
        kin_set_threads(t);
        CHECK_MSG(run(query, gallery, offline, (kin_progress){0}, t == 1 ? &first : &found, &err), "%s",
                  err.message);
        if (t == 1) continue;
        CHECK(memcmp(first.index, found.index, M * 20 * sizeof *found.index) == 0 &&
              memcmp(first.value, found.value, M * 20 * sizeof *found.value) == 0);
        kin_neighbours_free(&found);
    }
    kin_neighbours_free(&first);
    kin_set_threads(0);
    check_end();
    check_begin("%s: can be stopped at every stage", name);
    for (; *stages; stages++) {
        kin_error err = {0};
        char stage[16];
        snprintf(stage, sizeof stage, "%s", *stages);
        CHECK(!run(query, gallery, offline, (kin_progress){stop, stage}, &found, &err) &&
              err.code == KIN_ERR_INTERRUPTED && kin_alloc_live() == 0);
    }
    check_end();
    check_begin("%s: every failed allocation is an error and leaks nothing", name);
    query.count = 4, gallery.count = 60;
    long n = 1;
    for (bool ok = false; !ok && n < 1000; n++) {
        kin_error err = {0};
        kin_alloc_fail_at(n);
        ok = run(query, gallery, offline, (kin_progress){0}, &found, &err);
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        kin_neighbours_free(&found);
        CHECK(kin_alloc_live() == 0);
    }
    CHECK(n > 15 && n < 1000);
    check_end();
}

static void refusals(void)
{
    static float data[40 * D];
    brute_clusters(data, 40, D, 5, 1, 9);
    kin_vectors q = {data, 10, D}, g = {data + 10 * D, 30, D};
    static const struct {
        const char *part;
        kin_diffusion_opt opt;
    } rows[] = {
        {"take 1 to 30", {.k = 31, KIN_DIFFUSION_DEFAULTS}},
        {"take 1 to 29", {.k = 30, KIN_DIFFUSION_DEFAULTS, .leave_one_out = true}},
        {"alpha is 1;", {.k = 3, .kd = 5, .kq = 3, .gamma = 3, .alpha = 1, .iterations = 20}},
        {"kd 0", {.k = 3, .kq = 3, .gamma = 3, .alpha = 0.9, .iterations = 20}},
        {"gamma is nan", {.k = 3, .kd = 5, .kq = 3, .gamma = NAN, .alpha = 0.9, .iterations = 20}},
        {"0 iterations", {.k = 3, .kd = 5, .kq = 3, .gamma = 3, .alpha = 0.9}},
    };
    kin_neighbours found;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        check_begin("diffusion: refuses %s", rows[r].part);
        kin_error err = {0};
        CHECK(!kin_diffuse(q, g, &rows[r].opt, &found, &err) && !found.index);
        CHECK_TEXT(err.message, rows[r].part);
        check_end();
    }
    check_begin("graph re-ranking: refuses what does not fit");
    kin_error err = {0};
    CHECK(!kin_rerank_graph(q, g, &(kin_rerank_graph_opt){.k = 3, .k1 = 41, .k2 = 2, .layers = 2}, &found,
                            &err));
    CHECK_TEXT(err.message, "take 1 to 40");
    kin_error_clear(&err);
    CHECK(!kin_rerank_graph(q, g, &(kin_rerank_graph_opt){.k = 3, .k1 = 4, .k2 = 2}, &found, &err));
    CHECK_TEXT(err.message, "0 layers");
    check_end();
}

int main(void)
{
    diffusion();
    graph();
    static const char *const on[] = {"searching", "diffusing", NULL},
                             *const off[] = {"searching", "preparing", "diffusing", NULL},
                             *const plain[] = {"searching", "re-ranking", NULL};
    manners("diffusion, on-line", run_diffusion, false, on);
    manners("diffusion, off-line", run_diffusion, true, off);
    manners("graph re-ranking", run_graph, false, plain);
    refusals();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
