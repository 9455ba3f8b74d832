#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/local/local.h"

#include <math.h>
#include <string.h>

enum { FIRST = 100 };
static const double default_distance = 0.8;

typedef struct verification {
    const kin_local_set *query, *gallery;
    const kin_verify_opt *opt;
    kin_neighbours *lists;
    int64_t first;       /* looked at, of each list */
    size_t match, pairs; /* bytes of a worker */
    char *workspace;     /* [workers, match + pairs] */
    int32_t *agreeing;   /* [first]: of the query in turn */
    int64_t q;
} verification;

static int64_t features(const kin_local_set *s, int64_t image)
{
    return s->first[image + 1] - s->first[image];
}

static int64_t most_features(const kin_local_set *s)
{
    int64_t most = 0;
    for (int64_t i = 0; i < s->images; i++) most = features(s, i) > most ? features(s, i) : most;
    return most;
}

/* One candidate of the query in turn. */
static void verify_one(void *arg, int64_t index, int worker)
{
    verification *v = arg;
    int64_t g = v->lists->index[v->q * v->lists->k + index], qf = v->query->first[v->q];
    char *own = v->workspace + (size_t)worker * (v->match + v->pairs);
    kin_local_pair *pairs = (kin_local_pair *)(void *)(own + v->match);
    if (g < 0) return;
    int64_t gf = v->gallery->first[g], dim = v->gallery->dim;
    int64_t count = kin_local_match(
        (kin_vectors){v->query->descriptor + qf * dim, features(v->query, v->q), dim},
        (kin_vectors){v->gallery->descriptor + gf * dim, features(v->gallery, g), dim},
        v->opt->distance > 0 ? v->opt->distance : default_distance, pairs, own);
    kin_ransac_opt ransac = v->opt->ransac;
    ransac.key = kin_key(ransac.key, (uint64_t)v->q, (uint64_t)g);
    int64_t agree = kin_affine_ransac(v->query->place + qf, v->gallery->place + gf, pairs, count, &ransac,
                                      NULL, NULL);
    v->agreeing[index] = agree < v->opt->least ? 0 : (int32_t)agree;
}

/* A stable order by how many agree: insertion, for a list of a hundred. */
static void reorder(verification *v)
{
    int64_t k = v->lists->k, *index = v->lists->index + v->q * k;
    float *value = v->lists->value + v->q * k;
    for (int64_t i = 0; i < k; i++) value[i] = 0;
    for (int64_t i = 0; i < v->first && index[i] >= 0; i++) {
        int64_t item = index[i], at = i;
        float agreeing = (float)v->agreeing[i];
        for (; at > 0 && value[at - 1] < agreeing; at--) value[at] = value[at - 1], index[at] = index[at - 1];
        value[at] = agreeing, index[at] = item;
    }
}

static bool check(const verification *v, kin_error *err)
{
    const kin_neighbours *l = v->lists;
    if (v->query->dim != v->gallery->dim)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "local features of %lld and of %lld numbers cannot be compared",
                        (long long)v->query->dim, (long long)v->gallery->dim);
    if (l->queries != v->query->images)
        return kin_fail(err, KIN_ERR_ARGUMENT, "there are %lld lists, and local features of %lld queries",
                        (long long)l->queries, (long long)v->query->images);
    for (int64_t i = 0; i < l->queries * l->k; i++)
        if (l->index[i] < -1 || l->index[i] >= v->gallery->images)
            return kin_fail(err, KIN_ERR_ARGUMENT, "a list names item %lld of %lld", (long long)l->index[i],
                            (long long)v->gallery->images);
    return true;
}

/* Of every pair that is looked at: a product of fewer rows is cut otherwise, and may need more room than one
 * of more. */
static size_t match_room(const verification *v)
{
    const kin_neighbours *l = v->lists;
    size_t most = 0;
    for (int64_t q = 0; q < l->queries; q++)
        for (int64_t i = 0; i < v->first; i++) {
            int64_t g = l->index[q * l->k + i];
            if (g < 0) continue;
            size_t room = kin_local_match_workspace(features(v->query, q), features(v->gallery, g),
                                                    v->gallery->dim);
            if (room > most) most = room;
        }
    return most;
}

static bool prepare(verification *v, kin_error *err)
{
    int64_t mq = most_features(v->query), mg = most_features(v->gallery);
    size_t pairs = (size_t)(mq < mg ? mq : mg) * sizeof(kin_local_pair);
    v->match = match_room(v);
    if (v->match > SIZE_MAX / 4096)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%lld local features a picture are too many",
                        (long long)(mq + mg));
    v->match = (v->match + 63) / 64 * 64;
    v->pairs = (pairs + 63) / 64 * 64;
    v->workspace = kin_alloc_array((size_t)kin_threads(), v->match + v->pairs + 64);
    v->agreeing = kin_alloc_zero((size_t)v->first + 1, sizeof *v->agreeing);
    return (v->workspace && v->agreeing) ||
           kin_fail_memory(err, "matching local features", (size_t)kin_threads() * (v->match + v->pairs));
}

bool kin_verify(const kin_local_set *query, const kin_local_set *gallery, const kin_verify_opt *opt,
                kin_neighbours *lists, kin_error *err)
{
    int64_t wanted = opt->first > 0 ? opt->first : FIRST;
    verification v = {.query = query ? query : gallery,
                      .gallery = gallery,
                      .opt = opt,
                      .lists = lists,
                      .first = wanted < lists->k ? wanted : lists->k};
    bool ok = check(&v, err) && prepare(&v, err);
    for (v.q = 0; ok && v.q < lists->queries; v.q++) {
        memset(v.agreeing, 0, (size_t)v.first * sizeof *v.agreeing);
        kin_parallel_for(v.first, verify_one, &v);
        reorder(&v);
        ok = !opt->progress.report ||
             opt->progress.report(opt->progress.user, "verifying", v.q + 1, lists->queries) ||
             kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted");
    }
    kin_free(v.workspace);
    kin_free(v.agreeing);
    return ok;
}
