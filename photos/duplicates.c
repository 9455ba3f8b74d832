#include "photos/duplicates.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/look/hash.h"
#include "photos/candidates.h"
#include "photos/components.h"
#include "photos/keeper.h"
#include "photos/overlay.h"
#include "photos/present.h"
#include "retrieval/search/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_AGREE = 8, COLOURS_SAME = 8, BLANKS_SAME = 3, GROUP = 64, WORK = 256, TURNS = 8 };
static const double covered_least = .85, bridge_agrees = .6;

const char *const kin_duplicate_names[] = {"exact", "same", "near", "none", NULL};

const char *kin_duplicate_name(kin_duplicate kind, int turn)
{
    bool turned = turn == 3 || turn == 5 || turn == 6;
    return kind != KIN_DUPLICATE_NEAR || !turn ? kin_duplicate_names[kind] : turned ? "turned" : "mirrored";
}

typedef struct state {
    const kin_photos *photos;
    const char *folder;
    kin_duplicates_opt opt;
    kin_duplicates *out;
    int64_t *single; /* [singles]: the first of each content */
    int64_t singles,
        second;      /* how many; from where on they are the second set's; singles: there is one set */
    size_t capacity; /* of out->pair */
    kin_candidates candidates;
    int64_t *last;   /* [count]: the last pair that it is compared in; -1: none */
    int64_t begin;   /* of the stretch that is worked on */
    char *workspace; /* a worker's, each */
    size_t bytes;
} state;

static bool add_pair(state *s, int64_t a, int64_t b, kin_duplicate kind, kin_error *err)
{
    kin_duplicates *d = s->out;
    if (!kin_grow((void **)&d->pair, (size_t)d->pairs, &s->capacity, sizeof *d->pair))
        return kin_fail_memory(err, "candidates", (size_t)d->pairs * sizeof *d->pair);
    const kin_photo *x = &s->photos->item[a], *y = &s->photos->item[b];
    d->pair[d->pairs++] = (kin_duplicate_pair){.a = a < b ? a : b,
                                               .b = a < b ? b : a,
                                               .kind = kind,
                                               .bits = kin_hash_distance(x->hash, y->hash),
                                               .correlation = kind == KIN_DUPLICATE_EXACT ? 1 : -2};
    return true;
}

/* ---- the same bytes ---- */

/* A picture's digest and number, to be sorted. */
typedef struct content {
    uint8_t digest[KIN_BLAKE2B_BYTES];
    int64_t item;
} content;

static int by_content(const void *a, const void *b)
{
    const content *x = a, *y = b;
    int order = memcmp(x->digest, y->digest, sizeof x->digest);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

static bool find_exact(state *s, kin_error *err)
{
    int64_t n = s->photos->count;
    content *c = kin_alloc_array((size_t)n, sizeof *c);
    s->single = kin_alloc_array((size_t)n, sizeof *s->single);
    bool *again = kin_alloc_zero((size_t)n, sizeof *again), ok = c && s->single && again;
    if (!ok) kin_fail_memory(err, "digests", (size_t)n * sizeof *c);
    for (int64_t i = 0; ok && i < n; i++) {
        memcpy(c[i].digest, s->photos->item[i].digest, sizeof c[i].digest);
        c[i].item = i;
    }
    if (ok && n) qsort(c, (size_t)n, sizeof *c, by_content);
    for (int64_t i = 1, first = 0; ok && i < n; i++) {
        if (memcmp(c[i].digest, c[first].digest, sizeof c[i].digest) != 0) {
            first = i;
            continue;
        }
        bool within = (c[first].item < s->opt.across) == (c[i].item < s->opt.across), two = s->opt.across > 0;
        if (two && within && c[i].item >= s->opt.across) continue; /* each of the second set is compared */
        again[c[i].item] = true;
        if (!two || !within) ok = add_pair(s, c[first].item, c[i].item, KIN_DUPLICATE_EXACT, err);
    }
    for (int64_t i = 0; ok && i < n; i++)
        if (!again[i]) s->second += i < s->opt.across, s->single[s->singles++] = i;
    if (!s->opt.across) s->second = s->singles;
    kin_free(c), kin_free(again);
    return ok;
}

/* ---- candidates ---- */

/* Hashes of all against all: rows in parallel, a stretch of them at a time, then taken in order. */
typedef struct near_hashes {
    const state *s;
    int64_t begin;
    int64_t *count, *found; /* [WORK], [WORK, HASHES]: the first so many of each row */
    bool *crowded;          /* [WORK]: there are more */
} near_hashes;
enum { HASHES = 64 };

/* The least distance that a hash has to another, as it is or turned. */
static int turned_distance(const uint64_t turned[TURNS], uint64_t hash)
{
    int least = 64;
    for (int t = 0; t < TURNS; t++) {
        int d = kin_hash_distance(turned[t], hash);
        if (d < least) least = d;
    }
    return least;
}

static void near_one(void *arg, int64_t index, int worker)
{
    (void)worker;
    near_hashes *h = arg;
    const state *s = h->s;
    int64_t i = h->begin + index;
    uint64_t hash[TURNS];
    for (int t = 0; t < TURNS; t++) hash[t] = kin_hash_turned(s->photos->item[s->single[i]].hash, t);
    h->count[index] = 0, h->crowded[index] = false;
    int64_t first = !s->opt.across ? i + 1 : i < s->second ? s->second : s->singles;
    for (int64_t k = first; k < s->singles && !h->crowded[index]; k++) {
        if (turned_distance(hash, s->photos->item[s->single[k]].hash) > s->opt.bits) continue;
        if (h->count[index] < HASHES) h->found[index * HASHES + h->count[index]++] = k;
        else h->crowded[index] = true;
    }
}

static bool by_hash(state *s, kin_error *err)
{
    near_hashes h = {.s = s};
    h.count = kin_alloc_array(WORK, sizeof *h.count);
    h.found = kin_alloc_array(WORK * HASHES, sizeof *h.found);
    h.crowded = kin_alloc_array(WORK, sizeof *h.crowded);
    bool ok = (h.count && h.found && h.crowded) ||
              kin_fail_memory(err, "candidates", WORK * HASHES * sizeof *h.found);
    for (h.begin = 0; ok && h.begin < s->singles; h.begin += WORK) {
        int64_t rows = s->singles - h.begin < WORK ? s->singles - h.begin : WORK;
        kin_parallel_for(rows, near_one, &h);
        for (int64_t i = 0; i < rows; i++) s->out->crowded += h.crowded[i];
        for (int64_t i = 0; ok && i < rows; i++)
            for (int64_t k = 0; ok && k < h.count[i]; k++)
                ok = add_pair(s, s->single[h.begin + i], s->single[h.found[i * HASHES + k]],
                              KIN_DUPLICATE_NONE, err);
    }
    kin_free(h.count), kin_free(h.found), kin_free(h.crowded);
    return ok;
}

static bool by_descriptor(state *s, kin_error *err)
{
    int64_t n = s->singles, dim = s->photos->dim, begin = s->opt.across ? s->second : 0,
            others = s->opt.across ? s->second : n - 1, k = s->opt.nearest < others ? s->opt.nearest : others;
    if (n < 2 || k < 1 || begin == n) return true;
    float *rows = kin_alloc_array((size_t)n, (size_t)dim * sizeof *rows);
    if (!rows) return kin_fail_memory(err, "descriptors", (size_t)(n * dim) * sizeof *rows);
    for (int64_t i = 0; i < n; i++)
        memcpy(rows + i * dim, s->photos->rows + s->single[i] * dim, (size_t)dim * sizeof *rows);
    kin_neighbours found;
    kin_search_opt opt = {
        .k = k, .metric = KIN_INNER, .leave_one_out = !s->opt.across, .progress = s->opt.progress};
    /* of two sets the second one is looked for in the first */
    kin_vectors asked = {rows + begin * dim, n - begin, dim}, among = {rows, s->opt.across ? begin : n, dim};
    bool ok = kin_search(asked, among, &opt, &found, err);
    kin_free(rows);
    if (!ok) return false;
    for (int64_t i = 0; ok && i < asked.count * k; i++)
        if ((double)found.value[i] >= s->opt.similarity)
            ok = add_pair(s, s->single[begin + i / k], s->single[found.index[i]], KIN_DUPLICATE_NONE, err);
    kin_neighbours_free(&found);
    return ok;
}

static int by_items(const void *a, const void *b)
{
    const kin_duplicate_pair *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

static float similarity(const kin_photos *p, int64_t a, int64_t b)
{
    double sum = 0;
    for (int64_t d = 0; d < p->dim; d++)
        sum += (double)p->rows[a * p->dim + d] * (double)p->rows[b * p->dim + d];
    return (float)sum;
}

/* Each pair once. */
static void sort_pairs(state *s)
{
    kin_duplicates *d = s->out;
    int64_t kept = 0;
    if (d->pairs) qsort(d->pair, (size_t)d->pairs, sizeof *d->pair, by_items);
    for (int64_t i = 0; i < d->pairs; i++)
        if (!kept || by_items(&d->pair[kept - 1], &d->pair[i]) != 0) d->pair[kept++] = d->pair[i];
    d->pairs = kept;
    for (int64_t i = 0; i < kept; i++)
        d->pair[i].similarity = similarity(s->photos, d->pair[i].a, d->pair[i].b);
}

/* ---- verification ---- */

static bool report(const state *s, const char *stage, int64_t done, int64_t total, kin_error *err)
{
    const kin_progress *p = &s->opt.progress;
    return !p->report || p->report(p->user, stage, done, total) ||
           kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while comparing pictures; nothing was written");
}

/* kin_candidate_reader */
static bool read_item(void *user, int64_t item, kin_image *out, kin_error *err)
{
    const state *s = user;
    kin_image_limits limits = s->opt.limits;
    limits.reduce_to = KIN_CORNER_SIDE;
    if (s->opt.read) return s->opt.read(s->opt.read_user, item, &limits, out, err);
    char *path = kin_path_join(s->folder, s->photos->item[item].path);
    bool ok = path ? kin_image_read(path, &limits, out, err) : kin_fail_memory(err, "a path", 4096);
    kin_free(path);
    return ok;
}

/* Whether colours and, before a plain background, what stands before it are one picture's. Copies, whatever was
 * written upon them, stay below .34 (colour), .07 (strange) and 4 (grey) and above .97 (shape); one product's shape in
 * other colours or with another label begins at .7 and .6 and ends at .9. */
static bool agrees(const kin_overlay *a, const kin_overlay *b, const kin_overlay_agreement *g)
{
    bool both = a->coloured && b->coloured, plain = a->plain && b->plain && g->foreground < .7;
    if (both && (g->colour > .5 || g->strange > .2)) return false;
    if (a->coloured != b->coloured && g->grey > 10) return false;
    return !plain || (g->grey <= 24 && g->shape >= .95);
}

/* As wholes; false where they do not fit. */
static bool verify_whole(const state *s, kin_duplicate_pair *p, const kin_overlay *a, const kin_overlay *b,
                         int turn)
{
    double colours, whole = kin_overlay_whole(a, b, &colours);
    double shape = (double)a->width * b->height / ((double)a->height * b->width);
    if (!turn && kin_overlay_blank(a) && kin_overlay_blank(b)) { /* one colour: the same, or another */
        p->kind = colours < BLANKS_SAME && fabs(log(shape)) < .06 ? KIN_DUPLICATE_SAME : KIN_DUPLICATE_NONE;
        return true;
    }
    if (!turn) p->correlation = (float)whole;
    if (whole < s->opt.whole || fabs(log(shape)) >= .06) return false;
    kin_overlay_agreement g = kin_overlay_agree(a, b);
    bool fits = agrees(a, b, &g),
         same = !turn && colours < COLOURS_SAME && whole >= .99 && a->coloured == b->coloured;
    p->recoloured = !fits && !turn, p->grey = (float)g.grey;
    if (!fits) return !turn; /* corners would find the same map */
    p->kind = same ? KIN_DUPLICATE_SAME : KIN_DUPLICATE_NEAR;
    p->correlation = (float)whole, p->turn = (int8_t)turn, p->agree = 0;
    return true;
}

/* Turned or mirrored, as far as the hashes say that it may be. */
static void verify_turned(const state *s, kin_duplicate_pair *p, const kin_overlay *a, const kin_overlay *b,
                          kin_overlay *room)
{
    uint64_t one = s->photos->item[p->a].hash, other = s->photos->item[p->b].hash;
    for (int t = 1; t < TURNS; t++) {
        if (kin_hash_distance(kin_hash_turned(one, t), other) > s->opt.bits) continue;
        kin_overlay_turn(a, t, room);
        if (verify_whole(s, p, room, b, t)) return;
    }
}

static void verify_part(const state *s, kin_duplicate_pair *p, const kin_overlay *a, const kin_overlay *b,
                        void *room)
{
    kin_affine_map map;
    kin_overlay_agreement g;
    double covered;
    uint64_t key = kin_key(11, (uint64_t)p->a, (uint64_t)p->b);
    int64_t agree = kin_corners_match(&a->corners, &b->corners, key, &map, room);
    if (agree < LEAST_AGREE) return;
    double part = kin_overlay_part(a, b, &map, &covered, &g);
    p->agree = (int32_t)agree;
    if (part > -1) p->correlation = (float)part;
    if (part < s->opt.part || covered < covered_least) return;
    bool fits = agrees(a, b, &g);
    p->recoloured = !fits, p->grey = (float)g.grey;
    if (fits) p->kind = KIN_DUPLICATE_NEAR;
}

static void verify_one(void *arg, int64_t index, int worker)
{
    state *s = arg;
    kin_duplicate_pair *p = &s->out->pair[s->begin + index];
    const kin_overlay *a = kin_candidates_overlay(&s->candidates, p->a),
                      *b = kin_candidates_overlay(&s->candidates, p->b);
    if (p->kind == KIN_DUPLICATE_EXACT || !a || !b) return;
    char *room = s->workspace + (size_t)worker * s->bytes;
    if (verify_whole(s, p, a, b, 0)) return;
    verify_part(s, p, a, b, room);
    if (p->kind == KIN_DUPLICATE_NONE) verify_turned(s, p, a, b, (kin_overlay *)(void *)room);
}

static const kin_duplicate_pair *pair_of(const kin_duplicates *d, int64_t a, int64_t b)
{
    kin_duplicate_pair key = {.a = a < b ? a : b, .b = a < b ? b : a};
    return bsearch(&key, d->pair, (size_t)d->pairs, sizeof *d->pair, by_items);
}

/* Of a pair that fits the grey picture, where the other one is coloured; -1: it is no such pair. */
static int64_t grey_of(const state *s, const kin_duplicate_pair *p, int64_t *coloured)
{
    if (p->kind == KIN_DUPLICATE_EXACT || p->kind == KIN_DUPLICATE_NONE) return -1;
    bool a = s->candidates.of[p->a].coloured, b = s->candidates.of[p->b].coloured;
    *coloured = a ? p->a : p->b;
    return a == b ? -1 : a ? p->b : p->a;
}

/* A grey picture may fit two that differ in nothing but colours: it is of the one whose greys are nearer. */
static bool part_greys(state *s, kin_error *err)
{
    kin_duplicates *d = s->out;
    int64_t n = s->photos->count, coloured, grey;
    const kin_duplicate_pair **best = kin_alloc_zero((size_t)n, sizeof *best);
    if (!best) return kin_fail_memory(err, "candidates", (size_t)n * sizeof *best);
    for (int64_t i = 0; i < d->pairs; i++)
        if ((grey = grey_of(s, &d->pair[i], &coloured)) >= 0 &&
            (!best[grey] || d->pair[i].grey < best[grey]->grey))
            best[grey] = &d->pair[i];
    for (int64_t i = 0; i < d->pairs; i++) {
        kin_duplicate_pair *p = &d->pair[i];
        int64_t first = -1;
        if ((grey = grey_of(s, p, &coloured)) < 0 || best[grey] == p) continue;
        grey_of(s, best[grey], &first);
        const kin_duplicate_pair *both = pair_of(d, first, coloured);
        if (both && both->recoloured) p->kind = KIN_DUPLICATE_NONE, p->recoloured = true;
    }
    kin_free(best);
    return true;
}

/* When the overlay of each is needed for the last time. */
static bool find_last(state *s, kin_error *err)
{
    const kin_duplicates *d = s->out;
    size_t n = (size_t)s->photos->count;
    s->last = kin_alloc_array(n, sizeof *s->last);
    if (!s->last) return kin_fail_memory(err, "candidates", n * sizeof *s->last);
    for (size_t i = 0; i < n; i++) s->last[i] = -1;
    for (int64_t i = 0; i < d->pairs; i++)
        if (d->pair[i].kind != KIN_DUPLICATE_EXACT) s->last[d->pair[i].a] = s->last[d->pair[i].b] = i;
    return true;
}

/* The pairs of one stretch, both of each in memory. */
static bool verify_stretch(state *s, int64_t count, kin_error *err)
{
    const kin_duplicate_pair *pair = s->out->pair + s->begin;
    int64_t item[2 * GROUP], n = 0;
    for (int64_t i = 0; i < count; i++)
        if (pair[i].kind != KIN_DUPLICATE_EXACT) item[n++] = pair[i].a, item[n++] = pair[i].b;
    if (!kin_candidates_want(&s->candidates, item, n, err)) return false;
    kin_parallel_for(count, verify_one, s);
    for (int64_t i = 0; i < n; i++)
        if (s->last[item[i]] < s->begin + count) kin_candidates_drop(&s->candidates, item[i]);
    return true;
}

static bool verify(state *s, kin_error *err)
{
    kin_duplicates *d = s->out;
    int64_t kept = s->opt.kept < 2 ? 2 : s->opt.kept, stretch = kept < 2 * GROUP ? kept / 2 : GROUP;
    s->bytes = kin_corners_workspace();
    if (s->bytes < sizeof(kin_overlay)) s->bytes = (sizeof(kin_overlay) + 63) / 64 * 64;
    s->workspace = kin_alloc_array((size_t)kin_threads(), s->bytes);
    if (!s->workspace) return kin_fail_memory(err, "candidates", (size_t)kin_threads() * s->bytes);
    if (!find_last(s, err) ||
        !kin_candidates_begin(&s->candidates, s->photos->count, kept, s->opt.scratch, read_item, s, err))
        return false;
    for (s->begin = 0; s->begin < d->pairs; s->begin += stretch) {
        int64_t count = d->pairs - s->begin < stretch ? d->pairs - s->begin : stretch;
        if (!verify_stretch(s, count, err) || !report(s, "comparing", s->begin + count, d->pairs, err))
            return false;
    }
    d->broken = s->candidates.unread;
    return part_greys(s, err);
}

/* ---- groups ---- */

/* Of what was decoded, and of the copies of those. */
static bool find_worths(const state *s, const kin_keeper *keeper, kin_error *err)
{
    const kin_duplicates *d = s->out;
    for (int64_t i = 0; s->candidates.of && i < s->photos->count; i++) {
        const kin_candidate *of = &s->candidates.of[i];
        if (!of->looked || of->unread) continue;
        keeper->worth[i] = (kin_worth){.grey = !of->coloured, .framed = of->framed};
        if (!kin_keeper_palette(keeper, i, err)) return false;
    }
    for (int64_t k = 0; k < d->pairs; k++)
        if (d->pair[k].kind == KIN_DUPLICATE_EXACT) keeper->worth[d->pair[k].b] = keeper->worth[d->pair[k].a];
    return true;
}

/* Which of two pairs says that a picture is nearer: by kind, then one that is not turned, then by what fits best. */
static bool says_nearer(const kin_duplicate_pair *p, const kin_duplicate_pair *than)
{
    if (!than || p->kind != than->kind) return !than || p->kind < than->kind;
    if (!p->turn != !than->turn) return !p->turn;
    return p->correlation > than->correlation;
}

/* How near each is: to its keeper where they were compared, else to whatever is nearest in its group. */
static bool tell_kinds(const state *s, kin_error *err)
{
    kin_duplicates *d = s->out;
    size_t n = (size_t)s->photos->count;
    const kin_duplicate_pair **nearest = kin_alloc_zero(n, 2 * sizeof *nearest),
                             **keepers = nearest ? nearest + n : NULL;
    if (!nearest) return kin_fail_memory(err, "groups", n * 2 * sizeof *nearest);
    for (int64_t i = 0; i < d->pairs; i++) {
        const kin_duplicate_pair *p = &d->pair[i];
        int64_t g = d->group[p->a];
        if (p->kind > s->opt.loosest || g < 0 || g != d->group[p->b]) continue;
        if (says_nearer(p, nearest[p->a])) nearest[p->a] = p;
        if (says_nearer(p, nearest[p->b])) nearest[p->b] = p;
        if (p->a == d->keeper[g]) keepers[p->b] = p;
        if (p->b == d->keeper[g]) keepers[p->a] = p;
    }
    for (size_t i = 0; i < n; i++) {
        const kin_duplicate_pair *p = keepers[i] ? keepers[i] : nearest[i];
        d->kind[i] = p ? p->kind : KIN_DUPLICATE_NONE;
        if (p) d->turn[i] = p->turn;
    }
    kin_free(nearest);
    return true;
}

static bool group(state *s, kin_error *err)
{
    kin_duplicates *d = s->out;
    int64_t n = s->photos->count, edges = 0, *of = kin_alloc_array((size_t)n, sizeof *of);
    int64_t *size = kin_alloc_zero((size_t)n, sizeof *size);
    kin_edge *edge = kin_alloc_array((size_t)d->pairs, sizeof *edge);
    kin_worth *worth = kin_alloc_zero((size_t)n, sizeof *worth);
    kin_keeper keeper = {s->photos, s->folder, &s->opt.limits, worth};
    kin_error inner = {0};
    d->group = kin_alloc_array((size_t)n, sizeof *d->group);
    d->keeper = kin_alloc_array((size_t)n, sizeof *d->keeper);
    d->kind = kin_alloc_array((size_t)n, sizeof *d->kind);
    d->turn = kin_alloc_zero((size_t)n, sizeof *d->turn);
    bool ok = (of && size && edge && d->group && d->keeper && d->kind && d->turn && worth) ||
              kin_fail_memory(err, "groups", (size_t)n * 5 * sizeof *of);
    for (int64_t i = 0; ok && i < d->pairs; i++) {
        const kin_duplicate_pair *p = &d->pair[i];
        if (p->kind <= s->opt.loosest) edge[edges++] = (kin_edge){p->a, p->b, p->kind <= KIN_DUPLICATE_SAME};
    }
    ok = ok && kin_components(kin_photos_vectors(s->photos), edge, edges, bridge_agrees, of, err) >= 0;
    for (int64_t i = 0; ok && i < n; i++) size[of[i]]++;
    ok = ok && find_worths(s, &keeper, err);
    for (int64_t i = 0; ok && i < n; i++) {
        int64_t c = of[i];
        if (s->candidates.looked && i % GROUP == 0 && !(ok = report(s, "choosing", i, n, err))) break;
        if (size[c] == 1) size[c] = -1; /* alone */
        else if (size[c] > 1) d->keeper[d->groups] = i, size[c] = -2 - d->groups++;
        d->group[i] = size[c] == -1 ? -1 : -2 - size[c];
        if (d->group[i] >= 0 && kin_keeper_better(&keeper, i, d->keeper[d->group[i]], &inner))
            d->keeper[d->group[i]] = i;
        ok = !kin_failed(&inner) || kin_fail(err, inner.code, "%s", inner.message);
    }
    ok = ok && tell_kinds(s, err);
    kin_free(of), kin_free(size), kin_free(edge), kin_free(worth);
    return ok;
}

bool kin_photos_duplicates(const kin_photos *photos, const char *folder, const kin_duplicates_opt *opt,
                           kin_duplicates *out, kin_error *err)
{
    *out = (kin_duplicates){0};
    state s = {.photos = photos, .folder = folder, .opt = *opt, .out = out, .candidates = {.file = -1}};
    if (!s.opt.nearest) s.opt.nearest = 12;
    if (!s.opt.bits) s.opt.bits = 10;
    if (s.opt.similarity == 0) s.opt.similarity = .6;
    if (s.opt.whole == 0) s.opt.whole = .985;
    if (s.opt.part == 0) s.opt.part = .97;
    if (!s.opt.kept) s.opt.kept = 2048;
    bool ok = find_exact(&s, err), looks = s.opt.loosest > KIN_DUPLICATE_EXACT;
    ok = ok && (!looks || (by_hash(&s, err) && by_descriptor(&s, err)));
    if (ok) sort_pairs(&s);
    ok = ok && (!looks || verify(&s, err));
    ok = ok && (s.opt.across || group(&s, err));
    kin_free(s.single), kin_free(s.last), kin_free(s.workspace);
    kin_candidates_end(&s.candidates);
    if (!ok) kin_duplicates_free(out);
    return ok;
}

/* ---- what went meanwhile ---- */

/* Which groups stay, by their new numbers; -1: one of its pictures is not as the index says. The first of those. */
static bool look_at_groups(const kin_duplicates *d, const kin_photos *photos, const char *folder,
                           int64_t *number, int64_t *first, kin_error *err)
{
    for (int64_t g = 0; g < d->groups; g++) number[g] = 0;
    for (int64_t i = 0; i < photos->count; i++) {
        kin_photo_state now;
        struct stat info;
        if (d->group[i] < 0 || number[d->group[i]] < 0) continue;
        if (!kin_photo_now(&photos->item[i], folder, &now, &info, err)) return false;
        if (now == KIN_PHOTO_THERE) continue;
        number[d->group[i]] = -1;
        if (*first < 0) *first = i;
    }
    for (int64_t g = 0, stay = 0; g < d->groups; g++)
        if (number[g] == 0) number[g] = stay++;
    return true;
}

int64_t kin_duplicates_recheck(kin_duplicates *d, const kin_photos *photos, const char *folder,
                               int64_t *first, kin_error *err)
{
    int64_t *number = kin_alloc_array((size_t)d->groups, sizeof *number), stay = 0, groups = d->groups;
    *first = -1;
    bool ok = number || kin_fail_memory(err, "groups", (size_t)groups * sizeof *number);
    ok = ok && look_at_groups(d, photos, folder, number, first, err);
    for (int64_t i = 0; ok && i < photos->count; i++)
        if (d->group[i] >= 0) d->group[i] = number[d->group[i]];
    for (int64_t g = 0; ok && g < groups; g++)
        if (number[g] >= 0) d->keeper[stay++] = d->keeper[g];
    if (ok) d->groups = stay;
    kin_free(number);
    return ok ? groups - stay : -1;
}

void kin_duplicates_free(kin_duplicates *d)
{
    kin_free(d->pair), kin_free(d->group), kin_free(d->keeper), kin_free(d->kind), kin_free(d->turn);
    *d = (kin_duplicates){0};
}
