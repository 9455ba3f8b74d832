/* Products in float32, selection, then distances in double.
 *
 * For query q and item g the selected number is key = base_g + scale_g·(q·g), which orders as the wanted distance does:
 *     squared Euclid   ‖g‖² − 2 q·g        (= distance − ‖q‖²)
 *     inner product    −q·g
 *     cosine           −(q·g)/‖g‖          (= −cosine·‖q‖)
 * In float32, summed in any order, |fl(q·g) − q·g| ≤ γ Σ|q_i g_i| ≤ γ ‖q‖‖g‖ with γ = dim·u/(1 − dim·u), u = 2⁻²⁴ (Higham 2002,
 * section 3.1); base, scale and the last operation round too. Together |fl(key) − key| ≤ a_g ‖q‖ + b_g, with a and b in
 * `weigh` below. So if the k-th best exact key among the candidates is smaller than (the largest float32 key kept) −
 * (the largest bound), no item that was left out can belong to the list. Where that cannot be shown, all
 * items are compared in double. */
#include "retrieval/scan.h"

#include "base/memory.h"
#include "base/npy.h"
#include "base/parallel.h"
#include "kernels/tile.h"
#include "retrieval/lines.h"
#include "retrieval/select.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>

enum {
    ROWS = 192,      /* queries a block: a multiple of 6 and 12 */
    COLUMNS = 256,   /* gallery items a tile: a multiple of the panels' widths */
    K_STEP = 256,    /* dimensions of one pass */
    TASKS = 16,      /* with fewer query blocks than this the gallery is split as well */
    FEW = 4,         /* queries for which packing the gallery would cost more than the product */
    FARTHEST = 4,    /* candidates for the farthest item */
};
static const int64_t buffer_bytes = 64 << 20; /* buffers of one block at most, where k is large */
static const int64_t chunk_bytes = 512 << 20; /* the part of the gallery that is packed at a time */

typedef struct worker {
    float *tile;        /* [rows, COLUMNS] */
    uint64_t *words;    /* [rows, capacity], then [rows, far_capacity] */
    uint64_t *order;    /* [rows + 1, keep]: candidates by item; the last row is for sorting */
    kin_select *select; /* [rows, 2] */
    kin_hit *hits;      /* [rows, keep] */
    kin_hit *spare;     /* [4, keep] */
    int64_t *cursor;    /* [rows] */
} worker;

typedef struct pass {
    const kin_scan *scan;
    const kin_tiles *tiles;
    float *base, *scale, *far_base, *far_scale; /* [gallery] */
    double *norm, *query_norm; /* [gallery], [queries]; query_norm may be norm */
    double a_most, b_most; /* the largest a_g and b_g */
    int64_t keep;          /* candidates selected a row: k and a margin */
    int64_t rows, blocks, splits, columns_per_split, capacity, far_capacity;
    int64_t chunk, first, last; /* items packed at a time; those packed now */
    float *panels;         /* the packed chunk; NULL for few queries */
    uint64_t *kept;        /* [queries, splits, keep + FARTHEST]: candidates so far, where the gallery is cut */
    int32_t *kept_count;   /* [queries, splits, 2] */
    worker workers[KIN_MAX_THREADS];
    atomic_llong done;
    atomic_bool stopped;
} pass;

/* --- preparation --- */

static bool measure(kin_vectors v, const char *what, kin_metric metric, double *norm, kin_error *err)
{
    for (int64_t i = 0; i < v.count; i++) {
        norm[i] = sqrt(kin_exact_inner(kin_row(v, i), kin_row(v, i), v.dim));
        if (!isfinite(norm[i])) return kin_check_finite(v.data, v.count, v.dim, what, err);
        if (norm[i] > 1e18) return kin_fail(err, KIN_ERR_NUMERIC, "%s: row %lld has the norm %g; at most 1e18 can be searched", what, (long long)i, norm[i]);
        if (metric == KIN_COSINE && norm[i] < FLT_MIN)
            return kin_fail(err, KIN_ERR_NUMERIC, "%s: row %lld is zero, and has no cosine; drop it, or search by Euclidean distance", what, (long long)i);
    }
    return true;
}

static void weigh(pass *p)
{
    const kin_scan *s = p->scan;
    double u = ldexp(1, -24), dot = 1.01 * ((double)s->gallery.dim + 2) * u;
    for (int64_t j = 0; j < s->gallery.count; j++) {
        double norm = p->norm[j], a = 0, b = FLT_MIN * (double)s->gallery.dim;
        if (s->metric == KIN_EUCLID) {
            p->base[j] = (float)(norm * norm);
            p->scale[j] = -2;
            a = 2 * dot * norm;
            b += 2.02 * u * norm * norm;
        } else if (s->metric == KIN_INNER) {
            p->base[j] = 0;
            p->scale[j] = -1;
            a = dot * norm;
        } else {
            p->base[j] = 0;
            p->scale[j] = (float)(-1 / norm);
            a = dot + 1.01 * u;
            b += b / norm;
        }
        p->a_most = fmax(p->a_most, a);
        p->b_most = fmax(p->b_most, b);
    }
    for (int64_t j = 0; s->farthest && j < s->gallery.count; j++) {
        p->far_base[j] = -p->base[j];
        p->far_scale[j] = -p->scale[j];
    }
}

static void cut(pass *p)
{
    const kin_scan *s = p->scan;
    int64_t n = s->gallery.count, margin = s->float32_order ? 0 : 8 + s->k / 32;
    p->keep = kin_min(s->k + margin, n);
    p->capacity = kin_select_capacity(p->keep, n);
    p->far_capacity = s->farthest ? kin_select_capacity(FARTHEST, n) : 0;
    p->rows = buffer_bytes / (8 * p->capacity + (int64_t)(sizeof(uint64_t) + sizeof(kin_hit)) * p->keep);
    int64_t even = kin_round_up(kin_blocks(s->query.count, TASKS), 12), most = even < 2 * 12 ? 2 * 12 : kin_min(even, ROWS);
    p->rows = kin_min(p->rows > most ? most : p->rows < 8 ? 8 : p->rows, s->query.count);
    p->blocks = kin_blocks(s->query.count, p->rows);
    int64_t tiles = kin_blocks(n, COLUMNS);
    p->chunk = kin_min(tiles, kin_blocks(chunk_bytes, s->gallery.dim * COLUMNS * (int64_t)sizeof(float))) * COLUMNS;
    tiles = p->chunk / COLUMNS;
    int64_t splits = kin_min(p->blocks < TASKS ? kin_blocks(TASKS, p->blocks) : 1, tiles);
    p->columns_per_split = kin_blocks(tiles, splits) * COLUMNS;
    p->splits = kin_blocks(p->chunk, p->columns_per_split);
}

static bool give_workers_room(pass *p)
{
    size_t rows = (size_t)p->rows, keep = (size_t)p->keep;
    bool ok = true;
    for (int w = 0; ok && w < kin_threads(); w++) {
        worker *me = &p->workers[w];
        me->tile = kin_alloc_array(rows * COLUMNS, sizeof(float));
        me->words = kin_alloc_array(rows, (size_t)(p->capacity + p->far_capacity) * sizeof(uint64_t));
        me->order = kin_alloc_array(rows + 1, keep * sizeof(uint64_t));
        me->select = kin_alloc_array(rows, 2 * sizeof(kin_select));
        me->hits = kin_alloc_array(rows, keep * sizeof(kin_hit));
        me->spare = kin_alloc_array(keep, 4 * sizeof(kin_hit));
        me->cursor = kin_alloc_array(rows, sizeof(int64_t));
        ok = me->tile && me->words && me->order && me->select && me->hits && me->spare && me->cursor;
    }
    return ok;
}

static bool give_room(pass *p, kin_error *err)
{
    const kin_scan *s = p->scan;
    size_t n = (size_t)s->gallery.count, q = (size_t)s->query.count;
    bool same = s->query.data == s->gallery.data && s->query.count == s->gallery.count;
    p->base = kin_alloc_array(n, sizeof(float));
    p->scale = kin_alloc_array(n, sizeof(float));
    p->norm = kin_alloc_array(n, sizeof(double));
    p->query_norm = same ? p->norm : kin_alloc_array(q, sizeof(double));
    bool ok = p->base && p->scale && p->norm && p->query_norm;
    if (s->farthest) {
        p->far_base = kin_alloc_array(n, sizeof(float));
        p->far_scale = kin_alloc_array(n, sizeof(float));
        ok = ok && p->far_base && p->far_scale;
    }
    if (p->splits > 1 || p->chunk < s->gallery.count) {
        p->kept = kin_alloc_array(q * (size_t)p->splits, (size_t)(p->keep + FARTHEST) * sizeof(uint64_t));
        p->kept_count = kin_alloc_zero(q * (size_t)p->splits, 2 * sizeof(int32_t));
        ok = ok && p->kept && p->kept_count;
    }
    if (s->query.count > FEW) {
        p->panels = kin_alloc_array((size_t)kin_round_up(kin_min(p->chunk, s->gallery.count), p->tiles->nr), (size_t)s->gallery.dim * sizeof(float));
        ok = ok && p->panels;
    }
    if (ok && give_workers_room(p)) return true;
    return kin_fail(err, KIN_ERR_MEMORY, "out of memory: searching %zu items for the best %lld; fewer threads or a smaller k need less", n, (long long)s->k);
}

static void give_back(pass *p)
{
    for (int w = 0; w < KIN_MAX_THREADS; w++) {
        worker *me = &p->workers[w];
        kin_free(me->tile), kin_free(me->words), kin_free(me->order), kin_free(me->select), kin_free(me->hits), kin_free(me->spare), kin_free(me->cursor);
    }
    if (p->query_norm != p->norm) kin_free(p->query_norm);
    kin_free(p->base), kin_free(p->scale), kin_free(p->far_base), kin_free(p->far_scale), kin_free(p->norm);
    kin_free(p->panels), kin_free(p->kept), kin_free(p->kept_count);
    kin_free(p);
}

/* --- the end of a block of rows --- */

static double exact_distance(const pass *p, int64_t q, int64_t item)
{
    const kin_scan *s = p->scan;
    const float *query = kin_row(s->query, q), *other = kin_row(s->gallery, item);
    if (s->metric == KIN_EUCLID) return kin_exact_euclid(query, other, s->query.dim);
    double inner = kin_exact_inner(query, other, s->query.dim);
    return s->metric == KIN_INNER ? -inner : -inner / (p->query_norm[q] * p->norm[item]);
}

static double key_to_distance(const pass *p, float key, double query_norm)
{
    if (p->scan->metric == KIN_EUCLID) return fmax(0, (double)key + query_norm * query_norm);
    return p->scan->metric == KIN_INNER ? (double)key : (double)key / query_norm;
}

static double distance_to_key(const pass *p, double distance, double query_norm)
{
    if (p->scan->metric == KIN_EUCLID) return distance - query_norm * query_norm;
    return p->scan->metric == KIN_INNER ? distance : distance * query_norm;
}

/* Row q against all items; the best k end in `hits`, which has room for `keep`. */
static void compare_all(const pass *p, int64_t q, kin_hit *hits, kin_hit *spare)
{
    const kin_scan *s = p->scan;
    kin_hit *pool = spare + 2 * p->keep; /* [2 keep] */
    int64_t used = 0;
    double limit = INFINITY;
    for (int64_t j = 0; j < s->gallery.count; j++) {
        if (s->leave_one_out && j == q) continue;
        double distance = exact_distance(p, q, j);
        if (distance >= limit) continue; /* an equal one came earlier and stays */
        pool[used++] = (kin_hit){distance, j};
        if (used < 2 * p->keep) continue;
        kin_hits_sort(pool, spare, used);
        used = s->k;
        limit = pool[s->k - 1].distance;
    }
    kin_hits_sort(pool, spare, used);
    memcpy(hits, pool, (size_t)s->k * sizeof *hits);
}

/* Distances of all candidates of all rows, tile after tile of the gallery, so that its rows come from memory once. They go
 * where the candidate stands in the float32 order, which is nearly the right one. */
static void measure_candidates(const pass *p, worker *me, int64_t q, int64_t rows)
{
    for (int64_t r = 0; r < rows; r++) {
        const kin_select *near = &me->select[2 * r];
        uint64_t *order = me->order + r * p->keep;
        for (int64_t i = 0; i < near->used; i++) order[i] = (uint64_t)kin_select_index(near->word[i]) << 32 | (uint64_t)i;
        kin_select_sort(order, me->order + p->rows * p->keep, near->used, 32);
        me->cursor[r] = 0;
    }
    for (int64_t end = COLUMNS; end < p->scan->gallery.count + COLUMNS; end += COLUMNS) {
        for (int64_t r = 0; r < rows; r++) {
            const uint64_t *order = me->order + r * p->keep;
            int64_t at = me->cursor[r], count = me->select[2 * r].used;
            for (; at < count && (int64_t)(order[at] >> 32) < end; at++) {
                int64_t item = (int64_t)(order[at] >> 32);
                me->hits[r * p->keep + (int64_t)(order[at] & UINT32_MAX)] = (kin_hit){exact_distance(p, q + r, item), item};
            }
            me->cursor[r] = at;
        }
    }
}

/* Sorts row q's candidates by distance, and compares all where these might not be the best. */
static void settle(const pass *p, worker *me, int64_t q, const kin_select *near, kin_hit *hits)
{
    const kin_scan *s = p->scan;
    double norm = p->query_norm[q], largest_kept = (double)kin_select_number(near->word[near->used - 1]);
    kin_hits_sort(hits, me->spare, near->used);
    bool all = near->used == s->gallery.count - (s->leave_one_out ? 1 : 0);
    double bound = (p->a_most * norm + p->b_most) * 1.001 + 1e-14 * norm * norm;
    if (!all && !(distance_to_key(p, hits[s->k - 1].distance, norm) < largest_kept - bound)) compare_all(p, q, hits, me->spare);
}

static kin_hit find_farthest(const pass *p, int64_t q, kin_select *far)
{
    kin_hit farthest = {-INFINITY, 0};
    kin_select_end(far);
    for (int64_t i = 0; i < far->used; i++) {
        kin_hit hit = {exact_distance(p, q, kin_select_index(far->word[i])), kin_select_index(far->word[i])};
        if (hit.distance > farthest.distance || (hit.distance == farthest.distance && hit.index < farthest.index)) farthest = hit;
    }
    return farthest;
}

static void finish(const pass *p, worker *me, int64_t q, int64_t rows)
{
    const kin_scan *s = p->scan;
    for (int64_t r = 0; r < rows; r++) {
        kin_select *near = &me->select[2 * r];
        kin_select_end(near);
        kin_select_sort(near->word, me->order + p->rows * p->keep, near->used, 0);
    }
    if (!s->float32_order) measure_candidates(p, me, q, rows);
    for (int64_t r = 0; r < rows; r++) {
        kin_hit *hits = me->hits + r * p->keep, farthest = {0};
        const kin_select *near = &me->select[2 * r];
        if (!s->float32_order) settle(p, me, q + r, near, hits);
        for (int64_t i = 0; s->float32_order && i < near->used; i++)
            hits[i] = (kin_hit){key_to_distance(p, kin_select_number(near->word[i]), p->query_norm[q + r]), kin_select_index(near->word[i])};
        if (s->farthest) farthest = find_farthest(p, q + r, &me->select[2 * r + 1]);
        s->emit(s->arg, q + r, hits, s->farthest ? &farthest : NULL);
    }
}

/* --- one block: rows of queries against a stretch of the gallery --- */

static void multiply(const pass *p, worker *me, int64_t q, int64_t rows, int64_t g, int64_t columns)
{
    const kin_scan *s = p->scan;
    const kin_tiles *t = p->tiles;
    int64_t dim = s->query.dim;
    for (int64_t j = 0; !p->panels && j < columns; j++)
        for (int64_t r = 0; r < rows; r++) me->tile[r * COLUMNS + j] = kin_lines_get()->dot(kin_row(s->query, q + r), kin_row(s->gallery, g + j), dim);
    for (int64_t k = 0; p->panels && k < dim; k += K_STEP) {
        for (int64_t j = 0; j < columns; j += t->nr) {
            const float *panel = p->panels + (g - p->first + j) * dim + k * t->nr;
            kin_tile_out out = {.columns = kin_min(t->nr, columns - j), .accumulate = k > 0};
            for (int64_t r = 0; r < rows; r += t->mr) {
                const float *row[KIN_MR_MAX];
                out.rows = kin_min(t->mr, rows - r);
                for (int64_t i = 0; i < t->mr; i++) {
                    row[i] = kin_row(s->query, q + kin_min(r + i, rows - 1)) + k;
                    out.c[i] = me->tile + (r + i) * COLUMNS + j;
                }
                t->rows(row, (int64_t[]){0}, 1, kin_min(K_STEP, dim - k), panel, &out);
            }
        }
    }
}

static void select_tile(const pass *p, worker *me, int64_t q, int64_t rows, int64_t g, int64_t columns)
{
    const kin_scan *s = p->scan;
    for (int64_t r = 0; r < rows; r++) {
        const float *product = me->tile + r * COLUMNS;
        int64_t skip = s->leave_one_out ? q + r : -1;
        kin_select_offer(&me->select[2 * r], product, p->base + g, p->scale + g, columns, g, skip);
        if (s->farthest) kin_select_offer(&me->select[2 * r + 1], product, p->far_base + g, p->far_scale + g, columns, g, skip);
    }
}

static void begin_row(const pass *p, worker *me, int64_t r)
{
    kin_select_begin(&me->select[2 * r], me->words + r * p->capacity, p->keep, p->capacity);
    if (p->scan->farthest) kin_select_begin(&me->select[2 * r + 1], me->words + p->rows * p->capacity + r * p->far_capacity, FARTHEST, p->far_capacity);
}

/* Candidates of row q put aside until the next chunk, or until the splits are joined, and taken up again. */
static void put_aside(const pass *p, int64_t q, int64_t split, kin_select *select)
{
    uint64_t *to = p->kept + (q * p->splits + split) * (p->keep + FARTHEST);
    int32_t *count = p->kept_count + (q * p->splits + split) * 2;
    for (int i = 0; i < (p->scan->farthest ? 2 : 1); i++) {
        kin_select_end(&select[i]);
        memcpy(to + i * p->keep, select[i].word, (size_t)select[i].used * sizeof *to);
        count[i] = (int32_t)select[i].used;
    }
}

static void take_up(const pass *p, int64_t q, int64_t split, kin_select *select)
{
    const uint64_t *from = p->kept + (q * p->splits + split) * (p->keep + FARTHEST);
    const int32_t *count = p->kept_count + (q * p->splits + split) * 2;
    kin_select_offer_words(&select[0], from, count[0]);
    if (p->scan->farthest) kin_select_offer_words(&select[1], from + p->keep, count[1]);
}

static void tell(pass *p, int64_t items, int worker_index)
{
    const kin_scan *s = p->scan;
    int64_t done = atomic_fetch_add(&p->done, items) + items;
    if (worker_index != 0 || !s->progress.report) return;
    int64_t rows = (int64_t)((double)done / (double)s->gallery.count);
    if (!s->progress.report(s->progress.user, s->stage, rows, s->query.count)) atomic_store(&p->stopped, true);
}

static void run_block(void *arg, int64_t block, int worker_index)
{
    pass *p = arg;
    if (atomic_load(&p->stopped)) return;
    worker *me = &p->workers[worker_index];
    int64_t split = block % p->splits, q = block / p->splits * p->rows, rows = kin_min(p->scan->query.count - q, p->rows);
    int64_t first = p->first + split * p->columns_per_split, last = kin_min(first + p->columns_per_split, p->last);
    for (int64_t r = 0; r < rows; r++) {
        begin_row(p, me, r);
        if (p->first > 0) take_up(p, q + r, split, &me->select[2 * r]);
    }
    for (int64_t g = first; g < last; g += COLUMNS) {
        int64_t columns = kin_min(last - g, COLUMNS);
        multiply(p, me, q, rows, g, columns);
        select_tile(p, me, q, rows, g, columns);
    }
    if (p->splits == 1 && p->last == p->scan->gallery.count) finish(p, me, q, rows);
    else
        for (int64_t r = 0; r < rows; r++) put_aside(p, q + r, split, &me->select[2 * r]);
    if (last > first) tell(p, rows * (last - first), worker_index);
}

static void join_splits(void *arg, int64_t q, int worker_index)
{
    pass *p = arg;
    if (atomic_load(&p->stopped)) return;
    worker *me = &p->workers[worker_index];
    begin_row(p, me, 0);
    for (int64_t split = 0; split < p->splits; split++) take_up(p, q, split, &me->select[0]);
    finish(p, me, q, 1);
}

/* Chunk after chunk of the gallery is packed once and met by all queries. */
static void run(pass *p)
{
    const kin_scan *s = p->scan;
    for (p->first = 0; p->first < s->gallery.count && !atomic_load(&p->stopped); p->first += p->chunk) {
        p->last = kin_min(p->first + p->chunk, s->gallery.count);
        if (p->panels) kin_pack_b(p->tiles, kin_row(s->gallery, p->first), 1, s->gallery.dim, s->gallery.dim, p->last - p->first, s->gallery.dim, 0, p->panels);
        kin_parallel_for(p->blocks * p->splits, run_block, p);
    }
    if (p->splits > 1) kin_parallel_for(s->query.count, join_splits, p);
}

static bool check(const kin_scan *s, kin_error *err)
{
    int64_t most = s->gallery.count - (s->leave_one_out ? 1 : 0);
    if (s->query.dim != s->gallery.dim)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the queries have %lld dimensions and the gallery %lld; both must come from one model",
                        (long long)s->query.dim, (long long)s->gallery.dim);
    if (s->query.count < 1 || s->gallery.count < 1 || s->query.dim < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT, "nothing to search: %lld queries, %lld gallery items, %lld dimensions", (long long)s->query.count,
                        (long long)s->gallery.count, (long long)s->query.dim);
    if (s->gallery.count > INT32_MAX || s->query.count > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "at most %d vectors can be searched at once", INT32_MAX);
    if (s->leave_one_out && s->query.count != s->gallery.count)
        return kin_fail(err, KIN_ERR_ARGUMENT, "leaving one out needs the gallery itself as queries: %lld and %lld rows", (long long)s->query.count,
                        (long long)s->gallery.count);
    if (s->k < 1 || s->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for; take 1 to %lld", (long long)s->k, (long long)most, (long long)most);
    return true;
}

bool kin_scan_run(const kin_scan *scan, kin_error *err)
{
    if (!check(scan, err)) return false;
    pass *p = kin_alloc_zero(1, sizeof *p);
    if (!p) return kin_fail_memory(err, "a search", sizeof *p);
    p->scan = scan;
    p->tiles = kin_tiles_get();
    atomic_init(&p->done, 0);
    atomic_init(&p->stopped, false);
    cut(p);
    bool ok = give_room(p, err) && (p->query_norm == p->norm || measure(scan->query, "the queries", scan->metric, p->query_norm, err)) &&
              measure(scan->gallery, "the gallery", scan->metric, p->norm, err);
    if (ok) {
        weigh(p);
        run(p);
        const kin_progress *progress = &scan->progress;
        int64_t done = scan->query.count;
        if (!atomic_load(&p->stopped) && progress->report && !progress->report(progress->user, scan->stage, done, done))
            atomic_store(&p->stopped, true);
        if (atomic_load(&p->stopped)) ok = kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while %s", scan->stage);
    }
    give_back(p);
    return ok;
}
