/* Local features: selection and matching against the plain form, RANSAC on maps that are known, verification
 * against one candidate after the other. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/local/local.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { DIM = 40 };

static void unit_rows(float *x, int64_t n, int64_t dim, uint64_t key)
{
    for (int64_t i = 0; i < n; i++) {
        double squares = 0;
        for (int64_t k = 0; k < dim; k++) {
            x[i * dim + k] = (float)kin_random_normal(key, (uint64_t)(i * dim + k));
            squares += (double)x[i * dim + k] * (double)x[i * dim + k];
        }
        for (int64_t k = 0; k < dim; k++) x[i * dim + k] = (float)((double)x[i * dim + k] / sqrt(squares));
    }
}

/* ---- selection ---- */

static void selection(void)
{
    enum { N = 200 };
    kin_local_place place[N];
    int64_t chosen[N], expected[N], taken = 0;
    check_begin("local: the best by score are kept, near ones of a scale suppressed");
    for (int i = 0; i < N; i++)
        place[i] = (kin_local_place){(float)kin_random_below(1, (uint64_t)i, 100),
                                     (float)kin_random_below(2, (uint64_t)i, 100), i % 3 ? 1 : 2,
                                     (float)kin_random_below(3, (uint64_t)i, 40) / 10};
    bool gone[N] = {false};
    for (int round = 0; round < N && taken < 30; round++) { /* the plain form */
        int best = -1;
        for (int i = 0; i < N; i++)
            if (!gone[i] && place[i].score >= .5f && (best < 0 || place[i].score > place[best].score))
                best = i;
        if (best < 0) break;
        gone[best] = true;
        bool far = true;
        for (int64_t k = 0; k < taken; k++) {
            const kin_local_place *c = &place[expected[k]];
            far &= c->scale != place[best].scale || hypot(c->x - place[best].x, c->y - place[best].y) >= 9;
        }
        if (far) expected[taken++] = best;
    }
    int64_t got = kin_local_select(place, N, .5, 9, 30, chosen);
    CHECK_MSG(got == taken, "%lld were chosen, not %lld", (long long)got, (long long)taken);
    for (int64_t k = 0; k < got; k++) CHECK(chosen[k] == expected[k]);
    CHECK(kin_local_select(place, N, 100, 9, 30, chosen) == 0 &&
          kin_local_select(place, N, 0, 0, 0, chosen) == 0);
    CHECK(kin_local_select(place, 0, 0, 0, 5, chosen) == 0);
    CHECK(kin_local_select(place, N, 0, 0, N, chosen) == N);
    check_end();
}

/* ---- matching ---- */

static int64_t nearest(const float *x, const float *to, int64_t n, double *squared)
{
    int64_t best = 0;
    *squared = INFINITY;
    for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int k = 0; k < DIM; k++)
            sum += ((double)x[k] - (double)to[j * DIM + k]) * ((double)x[k] - (double)to[j * DIM + k]);
        if (sum < *squared) *squared = sum, best = j;
    }
    return best;
}

static void matching(int64_t na, int64_t nb)
{
    check_begin("local: %lld and %lld features match as one by one", (long long)na, (long long)nb);
    float *a = kin_alloc_array((size_t)na, DIM * sizeof *a),
          *b = kin_alloc_array((size_t)nb, DIM * sizeof *b);
    kin_local_pair *pairs = kin_alloc_array((size_t)(na < nb ? na : nb), sizeof *pairs);
    void *workspace = kin_alloc(kin_local_match_workspace(na, nb, DIM));
    unit_rows(a, na, DIM, 5), unit_rows(b, nb, DIM, 6);
    for (int64_t i = 0; i < na && i < nb; i += 3) memcpy(b + i * DIM, a + i * DIM, DIM * sizeof *a);
    int64_t count = kin_local_match((kin_vectors){a, na, DIM}, (kin_vectors){b, nb, DIM}, 1.1, pairs,
                                    workspace),
            at = 0;
    for (int64_t i = 0; i < na; i++) {
        double squared, back;
        int64_t j = nearest(a + i * DIM, b, nb, &squared);
        if (nearest(b + j * DIM, a, na, &back) != i || squared > 1.1 * 1.1) continue;
        CHECK(at < count && pairs[at].a == i && pairs[at].b == j);
        at++;
    }
    CHECK_MSG(at == count, "%lld pairs, not %lld", (long long)count, (long long)at);
    kin_free(a), kin_free(b), kin_free(pairs), kin_free(workspace);
    check_end();
}

/* ---- geometry ---- */

enum { POINTS = 60 };
typedef struct scene {
    kin_local_place a[POINTS], b[POINTS];
    kin_local_pair pairs[POINTS];
} scene;

/* The first `true_ones` pairs follow the map, give or take `noise`; the others go anywhere. */
static void make_scene(scene *s, const double m[6], int true_ones, double noise)
{
    for (int i = 0; i < POINTS; i++) {
        uint64_t c = (uint64_t)i * 8;
        double x = 400 * kin_random_uniform(9, c), y = 300 * kin_random_uniform(9, c + 1);
        s->a[i] = (kin_local_place){(float)x, (float)y, 1, 1};
        double u = m[0] * x + m[1] * y + m[2], v = m[3] * x + m[4] * y + m[5];
        if (i >= true_ones) u = 5000 * kin_random_uniform(9, c + 2), v = 5000 * kin_random_uniform(9, c + 3);
        u += noise * (2 * kin_random_uniform(9, c + 4) - 1),
            v += noise * (2 * kin_random_uniform(9, c + 5) - 1);
        s->b[i] = (kin_local_place){(float)u, (float)v, 1, 1};
        s->pairs[i] = (kin_local_pair){i, i};
    }
}

static void geometry(void)
{
    static const double m[6] = {.8, -.5, 120, .6, .7, -40};
    scene s;
    kin_affine_map map;
    uint8_t agrees[POINTS];
    kin_ransac_opt opt = {.tolerance = 3, .key = 4};
    check_begin("local: the affine map that most pairs agree with is found, and fitted to them");
    make_scene(&s, m, 25, 1);
    int64_t n = kin_affine_ransac(s.a, s.b, s.pairs, POINTS, &opt, &map, agrees);
    CHECK_MSG(n == 25, "%lld agree, not 25", (long long)n);
    for (int i = 0; i < POINTS; i++) CHECK(agrees[i] == (i < 25));
    for (int k = 0; k < 6; k++) CHECK_CLOSE(map.m[k], m[k], k % 3 == 2 ? 2 : .01);
    CHECK(kin_affine_ransac(s.a, s.b, s.pairs, 2, &opt, NULL, NULL) == 0);
    CHECK(kin_affine_ransac(s.a, s.b, s.pairs, 0, &opt, NULL, NULL) == 0);
    for (int i = 0; i < POINTS; i++) s.a[i].x = 3, s.a[i].y = 4; /* no triangle at all */
    CHECK(kin_affine_ransac(s.a, s.b, s.pairs, POINTS, &opt, &map, agrees) == 0);
    make_scene(&s, m, POINTS, 0);
    CHECK(kin_affine_ransac(s.a, s.b, s.pairs, POINTS, &opt, &map, NULL) == POINTS);
    for (int k = 0; k < 6; k++) CHECK_CLOSE(map.m[k], m[k], 1e-3);
    check_end();
}

/* ---- verification ---- */

enum { IMAGES = 12, EACH = 30 };

/* Picture i is picture i % 3 seen from elsewhere, with some features of its own. */
static void make_set(kin_local_set *s)
{
    static const double views[4][6] = {
        {1, 0, 0, 0, 1, 0}, {.9, .3, 10, -.3, .9, 60}, {1.2, 0, -30, .1, 1.1, 5}, {.7, -.6, 200, .6, .7, 0}};
    *s = (kin_local_set){.images = IMAGES, .dim = DIM};
    s->first = kin_alloc_array(IMAGES + 1, sizeof *s->first);
    s->descriptor = kin_alloc_array(IMAGES * EACH, DIM * sizeof *s->descriptor);
    s->place = kin_alloc_array(IMAGES * EACH, sizeof *s->place);
    for (int i = 0; i <= IMAGES; i++) s->first[i] = (int64_t)i * EACH;
    for (int i = 0; i < IMAGES; i++) {
        scene seen;
        make_scene(&seen, views[i / 3], POINTS, 0);
        unit_rows(s->descriptor + (int64_t)i * EACH * DIM, EACH, DIM, 100 + (uint64_t)(i % 3));
        for (int k = 0; k < EACH; k++) s->place[i * EACH + k] = seen.b[k];
        for (int k = 20 + i / 3; k < EACH; k++)
            unit_rows(s->descriptor + ((int64_t)i * EACH + k) * DIM, 1, DIM, 1000 + (uint64_t)(i * EACH + k));
    }
}

static void verification(void)
{
    kin_local_set s;
    kin_error err = {0};
    kin_neighbours lists = {0}, again = {0};
    check_begin("local: verified lists begin with the pictures that are the query from elsewhere");
    make_set(&s);
    CHECK(kin_neighbours_alloc(&lists, IMAGES, IMAGES - 1, &err) &&
          kin_neighbours_alloc(&again, IMAGES, IMAGES - 1, &err));
    for (int q = 0; q < IMAGES; q++)
        for (int i = 0, at = 0; i < IMAGES; i++)
            if (i != q) lists.index[q * (IMAGES - 1) + at++] = i;
    memcpy(again.index, lists.index, IMAGES * (IMAGES - 1) * sizeof *lists.index);
    kin_verify_opt opt = {.first = IMAGES, .ransac = {.tolerance = 2, .key = 3}};
    CHECK_MSG(kin_verify(NULL, &s, &opt, &lists, &err), "%s", err.message);
    for (int q = 0; q < IMAGES; q++) {
        const int64_t *list = lists.index + q * (IMAGES - 1);
        const float *value = lists.value + q * (IMAGES - 1);
        for (int k = 0; k < 3; k++) CHECK_MSG(list[k] % 3 == q % 3 && value[k] >= 20, "list %d", q);
        for (int k = 3; k < IMAGES - 1; k++) CHECK(list[k] % 3 != q % 3 && value[k] < 20);
        for (int k = 1; k < IMAGES - 1; k++)
            CHECK(value[k - 1] > value[k] || (value[k - 1] == value[k] && list[k - 1] < list[k]));
    }
    int threads = kin_threads();
    kin_set_threads(threads == 1 ? 3 : 1);
    CHECK(kin_verify(NULL, &s, &opt, &again, &err));
    kin_set_threads(threads);
    CHECK(memcmp(again.index, lists.index, IMAGES * (IMAGES - 1) * sizeof *lists.index) == 0);
    CHECK(memcmp(again.value, lists.value, IMAGES * (IMAGES - 1) * sizeof *lists.value) == 0);
    again.index[5] = IMAGES;
    CHECK(!kin_verify(NULL, &s, &opt, &again, &err) && strstr(err.message, "item 12 of 12"));
    kin_neighbours_free(&lists), kin_neighbours_free(&again);
    kin_local_set_free(&s);
    check_end();
}

/* Feature k of every picture has number k alone, so that its match is known; the places are no line. */
static void make_plain_set(kin_local_set *s, const int *each, int images, int64_t dim)
{
    *s = (kin_local_set){.images = images, .dim = dim};
    s->first = kin_alloc_array((size_t)images + 1, sizeof *s->first);
    s->first[0] = 0;
    for (int i = 0; i < images; i++) s->first[i + 1] = s->first[i] + each[i];
    s->descriptor = kin_alloc_zero((size_t)s->first[images], (size_t)dim * sizeof *s->descriptor);
    s->place = kin_alloc_array((size_t)s->first[images], sizeof *s->place);
    for (int i = 0; i < images; i++)
        for (int64_t k = 0; k < each[i]; k++) {
            s->descriptor[(s->first[i] + k) * dim + k] = 1;
            s->place[s->first[i] + k] = (kin_local_place){(float)(10 * k), (float)(k * k), 1, 1};
        }
}

/* A product of 672 rows has its sum in parts, one of 673 has not: it needs less room. What lies behind the
 * room stays as it was. */
static void few_and_many(void)
{
    enum { WIDE = 1 << 13, LEAST = 672, SHARED = 80 };
    kin_local_set query, gallery;
    kin_error err = {0};
    kin_neighbours lists = {0};
    int threads = kin_threads();
    check_begin("local: pictures of fewer features may need more room, and have it");
    make_plain_set(&query, (int[]){LEAST + 1, LEAST, 0}, 3, WIDE);
    make_plain_set(&gallery, (int[]){SHARED, 0}, 2, WIDE);
    kin_set_threads(1);
    CHECK(kin_local_match_workspace(LEAST, SHARED, WIDE) >
          kin_local_match_workspace(LEAST + 1, SHARED, WIDE));
    CHECK(kin_neighbours_alloc(&lists, 3, 2, &err));
    for (int i = 0; i < 6; i++) lists.index[i] = i % 2;
    CHECK_MSG(kin_verify(&query, &gallery, &(kin_verify_opt){.first = 2}, &lists, &err), "%s", err.message);
    kin_set_threads(threads);
    for (int q = 0; q < 3; q++) CHECK(lists.value[q * 2] == (q < 2 ? SHARED : 0) && lists.index[q * 2] == 0);
    for (int64_t k = 0; k < SHARED; k++) CHECK(gallery.descriptor[k * WIDE + k] == 1);
    kin_neighbours_free(&lists);
    kin_local_set_free(&query), kin_local_set_free(&gallery);
    check_end();
}

int main(void)
{
    few_and_many();
    selection();
    matching(1, 1);
    matching(37, 53);
    matching(300, 211);
    geometry();
    verification();
    check_begin("local: nothing is left allocated");
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
