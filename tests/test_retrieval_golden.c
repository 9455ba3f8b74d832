/* Retrieval against what others compute on the same vectors: FAISS, the published k-reciprocal steps in
 * NumPy, pytorch-metric-learning, scikit-learn, the Market-1501 rule. tests/golden/retrieval.py made the
 * files. */
#include "base/memory.h"
#include "base/npy.h"
#include "reference/search.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/lists/items.h"
#include "retrieval/judge/metrics.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/rerank_graph.h"
#include "retrieval/describe/whiten.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { Q = 36, G = 100 };
static kin_embeddings query, gallery;
static int64_t query_label[Q], gallery_label[G];

static kin_npy golden(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/golden/retrieval/%s.npy", name);
    kin_npy array;
    kin_error err = {0};
    CHECK_MSG(kin_npy_read_matrix(path, &array, &err), "%s", err.message);
    return array;
}

static void faiss(void)
{
    check_begin("golden: search agrees with FAISS");
    kin_npy index = golden("faiss_index"), distance = golden("faiss_distance");
    kin_neighbours found;
    kin_error err = {0};
    CHECK_MSG(kin_search(kin_embeddings_vectors(&query), kin_embeddings_vectors(&gallery),
                         &(kin_search_opt){.k = G}, &found, &err),
              "%s", err.message);
    for (int64_t i = 0; found.index && index.data && i < Q * G; i++) {
        /* FAISS orders by float32 products: neighbours closer than their rounding may be exchanged. */
        bool near = (i % G > 0 && distance.data[i] - distance.data[i - 1] < 2e-5f) ||
                    (i % G < G - 1 && distance.data[i + 1] - distance.data[i] < 2e-5f);
        CHECK(near || found.index[i] == (int64_t)index.data[i]);
        CHECK_CLOSE(found.value[i], distance.data[i], 1e-4);
    }
    kin_neighbours_free(&found);
    kin_npy_free(&index), kin_npy_free(&distance);
    check_end();
}

static void published_rerank(void)
{
    static const kin_rerank_opt settings[] = {
        {.k = G, KIN_RERANK_DEFAULTS},
        {.k = G, KIN_RERANK_DEFAULTS, .input = KIN_INPUT_SQUARED},
        {.k = G, .k1 = 7, .k2 = 3, .lambda = 0.85},
        {.k = G, .k1 = 5, .k2 = 1, .lambda = 0},
    };
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        char name[32];
        snprintf(name, sizeof name, "rerank_%zu", s);
        check_begin("golden: re-ranking agrees with the published steps, k1 %lld, k2 %lld, lambda %g%s",
                    (long long)settings[s].k1, (long long)settings[s].k2, settings[s].lambda,
                    settings[s].input ? ", squared input" : "");
        kin_npy want = golden(name);
        kin_neighbours found;
        kin_error err = {0};
        CHECK_MSG(kin_rerank_k_reciprocal(kin_embeddings_vectors(&query), kin_embeddings_vectors(&gallery),
                                          &settings[s], &found, &err),
                  "%s", err.message);
        for (int64_t q = 0; found.index && want.data && q < Q; q++) {
            double row[G];
            int64_t order[G];
            for (int64_t g = 0; g < G; g++) row[g] = (double)want.data[q * G + g];
            kin_reference_order(row, G, -1, order);
            for (int64_t a = 0; a < G; a++) {
                int64_t got = found.index[q * G + a];
                CHECK_MSG(got == order[a] || fabs(row[got] - row[order[a]]) < 1e-7, "query %lld rank %lld",
                          (long long)q, (long long)a);
                CHECK_CLOSE(found.value[q * G + a], row[got], 1e-5);
            }
        }
        kin_neighbours_free(&found);
        kin_npy_free(&want);
        check_end();
    }
}

/* Lists by a published score; equal but for `slack` counts as a tie. Items with a score of 0 may stand
 * anywhere behind the others. */
static void compare_scores(const char *name, const kin_neighbours *found, double slack)
{
    kin_npy want = golden(name);
    for (int64_t q = 0; found->index && want.data && q < Q; q++) {
        double row[G];
        int64_t order[G];
        for (int64_t g = 0; g < G; g++) row[g] = -(double)want.data[q * G + g];
        kin_reference_order(row, G, -1, order);
        for (int64_t a = 0; a < G; a++) {
            int64_t got = found->index[q * G + a];
            CHECK_MSG(got == order[a] || fabs(row[got] - row[order[a]]) < slack, "query %lld rank %lld",
                      (long long)q, (long long)a);
            CHECK_CLOSE(found->value[q * G + a], -row[got], slack);
        }
    }
    kin_npy_free(&want);
}

static void published_diffusion(void)
{
    static const struct {
        int64_t kd, kq, truncation;
    } settings[] = {{50, 10, 0}, {12, 4, 0}, {50, 10, 60}, {12, 4, 40}};
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        char name[32];
        snprintf(name, sizeof name, "diffusion_%zu", s);
        check_begin("golden: diffusion agrees with the published code, kd %lld, kq %lld, truncated to %lld",
                    (long long)settings[s].kd, (long long)settings[s].kq, (long long)settings[s].truncation);
        kin_diffusion_opt opt = {.k = G, KIN_DIFFUSION_DEFAULTS, .truncation = settings[s].truncation};
        opt.kd = settings[s].kd, opt.kq = settings[s].kq;
        kin_neighbours found;
        kin_error err = {0};
        CHECK_MSG(kin_diffuse(kin_embeddings_vectors(&query), kin_embeddings_vectors(&gallery), &opt, &found,
                              &err),
                  "%s", err.message);
        compare_scores(name, &found, 2e-4); /* float32 matrices there; values go up to 10 */
        kin_neighbours_free(&found);
        check_end();
    }
}

static void published_graph(void)
{
    static const kin_rerank_graph_opt settings[] = {{.k = G, KIN_RERANK_GRAPH_DEFAULTS},
                                                    {.k = G, .k1 = 8, .k2 = 3, .layers = 1}};
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        char name[32];
        snprintf(name, sizeof name, "graph_%zu", s);
        check_begin("golden: graph re-ranking agrees with the published steps, k1 %lld, k2 %lld",
                    (long long)settings[s].k1, (long long)settings[s].k2);
        kin_neighbours found;
        kin_error err = {0};
        CHECK_MSG(kin_rerank_graph(kin_embeddings_vectors(&query), kin_embeddings_vectors(&gallery),
                                   &settings[s], &found, &err),
                  "%s", err.message);
        compare_scores(name, &found, 1e-6);
        kin_neighbours_free(&found);
        check_end();
    }
}

/* Cosines do not depend on the directions' signs. */
static void published_whitening(void)
{
    static const struct {
        double shrinkage;
        int64_t dims;
    } settings[] = {{0, 24}, {0.2, 8}};
    for (size_t s = 0; s < 2; s++) {
        char name[32];
        snprintf(name, sizeof name, "learned_%zu", s);
        check_begin(
            "golden: learned whitening agrees with the published steps, shrinkage %g, %lld dimensions",
            settings[s].shrinkage, (long long)settings[s].dims);
        int64_t a[3 * G], b[3 * G], pairs = kin_positive_pairs(gallery_label, G, 3, a, b),
                                    dims = settings[s].dims;
        float x[Q * 24], y[G * 24];
        kin_whitening w;
        kin_error err = {0};
        kin_npy want = golden(name);
        bool ok = kin_whitening_learn(kin_embeddings_vectors(&gallery), &(kin_positives){a, b, pairs}, dims,
                                      settings[s].shrinkage, &w, &err) &&
                  kin_whitening_apply(&w, kin_embeddings_vectors(&query), x, &err) &&
                  kin_whitening_apply(&w, kin_embeddings_vectors(&gallery), y, &err);
        CHECK_MSG(ok, "%s", err.message);
        for (int64_t i = 0; ok && want.data && i < Q * G; i++) {
            double sum = 0;
            for (int64_t d = 0; d < dims; d++)
                sum += (double)x[i / G * dims + d] * (double)y[i % G * dims + d];
            CHECK_CLOSE(sum, want.data[i], 1e-4);
        }
        kin_whitening_free(&w);
        kin_npy_free(&want);
        check_end();
    }
}

static kin_scores evaluate(bool leave_one_out, const kin_metrics_opt *metrics)
{
    kin_neighbours found;
    kin_error err = {0};
    kin_metrics out = {0};
    kin_vectors q = kin_embeddings_vectors(leave_one_out ? &gallery : &query);
    kin_search_opt opt = {.k = leave_one_out ? G - 1 : G, .leave_one_out = leave_one_out};
    int64_t offset[G + 1];
    for (int64_t i = 0; i <= q.count; i++) offset[i] = i * opt.k;
    CHECK_MSG(kin_search(q, kin_embeddings_vectors(&gallery), &opt, &found, &err), "%s", err.message);
    kin_judged in = {.queries = q.count,
                     .gallery = G,
                     .query_label = leave_one_out ? gallery_label : query_label,
                     .gallery_label = gallery_label,
                     .leave_one_out = leave_one_out,
                     .offset = offset,
                     .index = found.index,
                     .value = found.value};
    CHECK_MSG(found.index && kin_evaluate(&in, metrics, &out, NULL, &err), "%s", err.message);
    kin_neighbours_free(&found);
    return out.mean;
}

static void metrics(void)
{
    for (int leave = 0; leave < 2; leave++) {
        check_begin("golden: metrics agree with pytorch-metric-learning%s", leave ? ", leaving one out" : "");
        kin_npy want = golden("pml");
        kin_scores s = evaluate(leave, NULL);
        const float *w = want.data + 5 * leave;
        CHECK_CLOSE(s.recall[0], w[0], 1e-6);
        CHECK_CLOSE(s.r_precision, w[1], 1e-6);
        CHECK_CLOSE(s.ap_at_r, w[2], 1e-6);
        CHECK_CLOSE(s.ap, w[3], 1e-6);
        CHECK_CLOSE(s.reciprocal_rank, w[4], 1e-6);
        kin_npy_free(&want);
        check_end();
    }
    check_begin("golden: metrics agree with scikit-learn and the Market-1501 rule");
    kin_npy want = golden("metrics");
    kin_scores s = evaluate(false, &(kin_metrics_opt){.k = 10});
    const double got[] = {s.ap, s.ndcg, s.ap_trapezoid, s.inp, s.recall[0], s.recall[1], s.recall[2]};
    for (size_t i = 0; i < sizeof got / sizeof *got; i++)
        CHECK_MSG(fabs(got[i] - (double)want.data[i]) < 1e-6, "number %zu: %.9g", i, got[i]);
    kin_npy_free(&want);
    check_end();
}

int main(void)
{
    check_begin("golden: the files are there");
    kin_error err = {0};
    bool ok = kin_embeddings_read("tests/golden/retrieval/query", &query, &err) &&
              kin_embeddings_read("tests/golden/retrieval/gallery.npy", &gallery, &err);
    CHECK_MSG(ok, "%s", err.message);
    ok = ok && query.items.count == Q && gallery.items.count == G &&
         kin_items_label_codes(&query.items, query_label, &gallery.items, gallery_label, &err);
    CHECK(ok);
    check_end();
    if (!ok) return check_result();
    faiss();
    published_rerank();
    published_diffusion();
    published_graph();
    published_whitening();
    metrics();
    kin_embeddings_free(&query), kin_embeddings_free(&gallery);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
