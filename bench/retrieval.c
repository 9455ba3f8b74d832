/* Times search and re-ranking on unit vectors around class centres.
 *   retrieval search QUERIES GALLERY DIM K [float32]     seconds of one search, after one on a tenth of the queries
 *   retrieval rerank|graph|diffusion|offline QUERIES GALLERY DIM K   seconds, and the peak of memory: k-reciprocal, propagation over
 *                                                        the graph, diffusion solved for each query, or on the 1000 nearest of each item
 *   retrieval vectors QUERIES GALLERY DIM PREFIX         writes the same vectors to PREFIX-q.npy and PREFIX-g.npy, for others to search
 * bench/retrieval_peers.py times FAISS and the published NumPy code on those files. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/npy.h"
#include "base/random.h"
#include "base/text.h"
#include "retrieval/diffusion.h"
#include "retrieval/expand.h"
#include "retrieval/rerank.h"
#include "retrieval/rerank_graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* About 27 items a class, as in the contest. */
static float *make_vectors(int64_t count, int64_t dim, uint64_t seed)
{
    float *data = kin_alloc_array((size_t)count * (size_t)dim, sizeof *data);
    if (!data) return NULL;
    for (int64_t i = 0; i < count; i++) {
        uint64_t centre = kin_key(9, kin_random_below(kin_key(seed, 1, 0), (uint64_t)i, 1383), 0), noise = kin_key(seed, 2, (uint64_t)i);
        for (int64_t d = 0; d < dim; d++) { /* uniform noise: cheap to draw */
            double x = kin_random_uniform(centre, (uint64_t)d) + 1.3 * kin_random_uniform(noise, (uint64_t)d);
            data[i * dim + d] = (float)(x - 1.15);
        }
    }
    kin_error err = {0};
    kin_normalize_rows(data, count, dim, "bench", &err);
    return data;
}

static long peak_kib(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) break;
    if (status) fclose(status);
    return kib;
}

static bool write_vectors(kin_vectors q, kin_vectors g, const char *prefix, kin_error *err)
{
    kin_text path = {0};
    kin_text_format(&path, "%s-q.npy", prefix);
    bool ok = !path.failed && kin_npy_write_float32(path.data, q.data, q.count, q.dim, err);
    kin_text_free(&path);
    kin_text_format(&path, "%s-g.npy", prefix);
    ok = ok && !path.failed && kin_npy_write_float32(path.data, g.data, g.count, g.dim, err);
    kin_text_free(&path);
    return ok;
}

static bool rank(const char *work, kin_vectors q, kin_vectors g, const kin_search_opt *search, kin_neighbours *found, kin_error *err)
{
    int64_t k = search->k;
    if (strcmp(work, "search") == 0) return kin_search(q, g, search, found, err);
    if (strcmp(work, "rerank") == 0) return kin_rerank_k_reciprocal(q, g, &(kin_rerank_opt){.k = k, KIN_RERANK_DEFAULTS}, found, err);
    if (strcmp(work, "graph") == 0) return kin_rerank_graph(q, g, &(kin_rerank_graph_opt){.k = k, KIN_RERANK_GRAPH_DEFAULTS}, found, err);
    if (strcmp(work, "diffusion") == 0) return kin_diffuse(q, g, &(kin_diffusion_opt){.k = k, KIN_DIFFUSION_DEFAULTS}, found, err);
    if (strcmp(work, "offline") == 0) return kin_diffuse(q, g, &(kin_diffusion_opt){.k = k, KIN_DIFFUSION_DEFAULTS, .truncation = 1000}, found, err);
    return kin_fail(err, KIN_ERR_ARGUMENT, "'%s' is not among search, rerank, graph, diffusion, offline", work);
}

static bool run(const char *work, kin_vectors q, kin_vectors g, int64_t k, bool float32, kin_error *err)
{
    kin_neighbours found = {0};
    kin_search_opt search = {.k = k, .float32_order = float32};
    if (strcmp(work, "search") == 0) {
        if (!kin_search((kin_vectors){q.data, (q.count + 9) / 10, q.dim}, g, &search, &found, err)) return false;
        kin_neighbours_free(&found);
    }
    double began = now();
    bool ok = rank(work, q, g, &search, &found, err);
    if (ok) printf("%s%s %lld x %lld x %lld, best %lld: %.3f s, peak %.0f MiB\n", work, float32 ? " in float32 order" : "", (long long)q.count,
                   (long long)g.count, (long long)g.dim, (long long)k, now() - began, (double)peak_kib() / 1024);
    kin_neighbours_free(&found);
    return ok;
}

int main(int argc, char **argv)
{
    int64_t queries, gallery, dim, k = 0;
    bool writes = argc > 1 && strcmp(argv[1], "vectors") == 0;
    if (argc < 6 || !kin_parse_int(argv[2], 1, 1 << 24, &queries) || !kin_parse_int(argv[3], 1, 1 << 24, &gallery) || !kin_parse_int(argv[4], 1, 1 << 16, &dim) ||
        (!writes && !kin_parse_int(argv[5], 1, gallery, &k))) {
        fprintf(stderr, "usage: retrieval search|rerank|graph|diffusion|offline QUERIES GALLERY DIM K [float32], or vectors QUERIES GALLERY DIM PREFIX\n");
        return 2;
    }
    float *q = make_vectors(queries, dim, 1), *g = make_vectors(gallery, dim, 2);
    kin_error err = {0};
    bool ok = q && g;
    if (ok && writes) ok = write_vectors((kin_vectors){q, queries, dim}, (kin_vectors){g, gallery, dim}, argv[5], &err);
    else if (ok) ok = run(argv[1], (kin_vectors){q, queries, dim}, (kin_vectors){g, gallery, dim}, k, argc > 6, &err);
    if (!ok) fprintf(stderr, "%s\n", err.message);
    kin_free(q), kin_free(g);
    return ok ? 0 : 1;
}
