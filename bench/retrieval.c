/* Times search and re-ranking on unit vectors around class centres; the rivals are in bench/retrieval.py.
 *   retrieval WORK-QUERIESxGALLERYxDIMxK THREADS      s of each turn, MB at the end (bench/turns.h)
 * WORK: search; plain, a search in the order of float32 products; rerank, k-reciprocal; jaccard, the same
 * among the gallery's items alone; graph, propagation over the graph; diffusion, solved for each query;
 * offline, solved on the 1000 nearest of each item; chain, means over the gallery and of what the queries
 * find, then k-reciprocal re-ranking with these. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "bench/turns.h"
#include "retrieval/rerank/diffusion.h"
#include "retrieval/describe/expand.h"
#include "retrieval/rerank/rerank.h"
#include "retrieval/rerank/rerank_graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* About 27 items a class, as in the contest. */
static float *make_vectors(int64_t count, int64_t dim, uint64_t seed)
{
    float *data = kin_alloc_array((size_t)count * (size_t)dim, sizeof *data);
    if (!data) return NULL;
    for (int64_t i = 0; i < count; i++) {
        uint64_t centre = kin_key(9, kin_random_below(kin_key(seed, 1, 0), (uint64_t)i, 1383), 0),
                 noise = kin_key(seed, 2, (uint64_t)i);
        for (int64_t d = 0; d < dim; d++) { /* uniform noise: cheap to draw */
            double x = kin_random_uniform(centre, (uint64_t)d) + 1.3 * kin_random_uniform(noise, (uint64_t)d);
            data[i * dim + d] = (float)(x - 1.15);
        }
    }
    kin_error err = {0};
    kin_normalize_rows(data, count, dim, "bench", &err);
    return data;
}

static bool rank(const char *work, kin_vectors q, kin_vectors g, int64_t k, kin_neighbours *found,
                 kin_error *err)
{
    if (strcmp(work, "search") == 0 || strcmp(work, "plain") == 0)
        return kin_search(q, g, &(kin_search_opt){.k = k, .float32_order = *work == 'p'}, found, err);
    if (strcmp(work, "rerank") == 0)
        return kin_rerank_k_reciprocal(q, g, &(kin_rerank_opt){.k = k, KIN_RERANK_DEFAULTS}, found, err);
    if (strcmp(work, "jaccard") == 0)
        return kin_rerank_k_reciprocal(
            q, g, &(kin_rerank_opt){.k = k, .k1 = 20, .k2 = 6, .leave_one_out = true}, found, err);
    if (strcmp(work, "graph") == 0)
        return kin_rerank_graph(q, g, &(kin_rerank_graph_opt){.k = k, KIN_RERANK_GRAPH_DEFAULTS}, found, err);
    if (strcmp(work, "diffusion") == 0)
        return kin_diffuse(q, g, &(kin_diffusion_opt){.k = k, KIN_DIFFUSION_DEFAULTS}, found, err);
    if (strcmp(work, "offline") == 0)
        return kin_diffuse(q, g, &(kin_diffusion_opt){.k = k, KIN_DIFFUSION_DEFAULTS, .truncation = 1000},
                           found, err);
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "'%s' is not among search, plain, rerank, jaccard, graph, diffusion, offline, chain",
                    work);
}

/* Means over the ten nearest, weighted by their cosines' third power, of the gallery and then of the
 * queries; re-ranking with these. */
static bool chain(kin_vectors q, kin_vectors g, int64_t k, kin_neighbours *found, kin_error *err)
{
    kin_expand_opt ten = {.n = 10, .alpha = 3};
    float *queries = kin_alloc_array((size_t)(q.count * q.dim), sizeof(float)),
          *gallery = kin_alloc_array((size_t)(g.count * g.dim), sizeof(float));
    bool ok = (queries && gallery) ||
              kin_fail_memory(err, "the means", (size_t)(g.count * g.dim) * sizeof(float));
    kin_vectors means_q = {queries, q.count, q.dim}, means_g = {gallery, g.count, g.dim};
    ok = ok && kin_expand_database(g, &ten, gallery, err) &&
         kin_expand_queries(q, means_g, &ten, queries, err) &&
         rank("rerank", means_q, means_g, k, found, err);
    kin_free(queries), kin_free(gallery);
    return ok;
}

int main(int argc, char **argv)
{
    char work[16];
    long long queries, gallery, dim, k;
    if (argc < 2 ||
        sscanf(argv[1], "%15[a-z]-%lldx%lldx%lldx%lld", work, &queries, &gallery, &dim, &k) != 5 ||
        queries < 1 || gallery < 1 || dim < 1 || k < 1)
        return fprintf(stderr, "retrieval: %s is not WORK-QUERIESxGALLERYxDIMxK\n",
                       argc > 1 ? argv[1] : "nothing"),
               2;
    int threads = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    bool one = strcmp(work, "search") == 0 && queries < 10; /* a moment's work */
    kin_set_threads(threads);
    kin_error err = {0};
    float *q = make_vectors(queries, dim, 1), *g = make_vectors(gallery, dim, 2);
    kin_vectors query = {q, queries, dim}, items = {g, gallery, dim};
    bool ok = q && g;
    while (ok && bench_turn()) {
        kin_neighbours found = {0};
        double began = bench_now();
        ok = strcmp(work, "chain") == 0 ? chain(query, items, k, &found, &err)
                                        : rank(work, query, items, k, &found, &err);
        if (ok)
            bench_row(argv[1], threads, one ? "ms" : "s", "kin", (bench_now() - began) * (one ? 1000 : 1));
        kin_neighbours_free(&found);
    }
    if (ok) bench_memory(argv[1], threads, "kin");
    else fprintf(stderr, "retrieval: %s\n", err.message);
    kin_free(q), kin_free(g);
    return ok ? 0 : 1;
}
