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
#include "kernels/gemm.h"
#include "retrieval/select.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>

enum {
    ROWS = 256,      /* queries a block */
    COLUMNS = 512,   /* gallery items a tile */
    TASKS = 16,      /* with fewer query blocks than this the gallery is split as well */
    FEW = 4,         /* queries for which packing the gallery would cost more than the product */
    FARTHEST = 4,    /* candidates for the farthest item */
};
static const int64_t buffer_bytes = 32 << 20; /* selection buffers of one block at most, where k is large */

typedef struct worker {
    float *tile;       /* [rows, COLUMNS] */
    void *gemm;        /* workspace */
    uint64_t *words;   /* [rows, capacity], then [rows, far_capacity], then the larger of both for sorting */
    kin_select *select; /* [rows, 2] */
    kin_hit *hits;     /* [2, hits_capacity] */
} worker;

typedef struct pass {
    const kin_scan *scan;
    float *base, *scale, *far_base, *far_scale; /* [gallery] */
    double *norm;         /* [gallery] */
    double a_most, b_most; /* the largest a_g and b_g */
    int64_t keep;         /* candidates selected a row: k and a margin */
    int64_t rows, blocks, splits, columns_per_split;
    int64_t capacity, far_capacity, hits_capacity;
    uint64_t *kept;       /* [queries, splits, keep + FARTHEST], when the gallery is split */
    int32_t *kept_count;  /* [queries, splits, 2] */
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
    int64_t n = s->gallery.count, margin = s->float32_order ? 0 : 16 + s->k / 32;
    p->keep = s->k + margin < n ? s->k + margin : n;
    p->capacity = kin_select_capacity(p->keep, n);
    p->far_capacity = s->farthest ? kin_select_capacity(FARTHEST, n) : 0;
    p->hits_capacity = 2 * p->keep + FARTHEST;
    p->rows = buffer_bytes / (8 * p->capacity);
    p->rows = p->rows > ROWS ? ROWS : p->rows < 8 ? 8 : p->rows;
    if (p->rows > s->query.count) p->rows = s->query.count;
    p->blocks = kin_blocks(s->query.count, p->rows);
    int64_t tiles = kin_blocks(n, COLUMNS), splits = p->blocks < TASKS ? kin_blocks(TASKS, p->blocks) : 1;
    if (splits > tiles) splits = tiles;
    p->columns_per_split = kin_blocks(tiles, splits) * COLUMNS;
    p->splits = kin_blocks(n, p->columns_per_split);
}

static kin_gemm_args product_args(const pass *p, int64_t q, int64_t rows, int64_t g, int64_t columns, float *tile)
{
    const kin_scan *s = p->scan;
    int64_t dim = s->query.dim;
    return (kin_gemm_args){.m = rows, .n = columns, .k = dim, .a = {s->query.data + q * dim, dim, 1}, .b = {s->gallery.data + g * dim, 1, dim}, .c = tile,
                           .ldc = COLUMNS};
}

static bool give_room(pass *p, kin_error *err)
{
    const kin_scan *s = p->scan;
    size_t n = (size_t)s->gallery.count, q = (size_t)s->query.count, rows = (size_t)p->rows;
    p->base = kin_alloc_array(n, sizeof(float));
    p->scale = kin_alloc_array(n, sizeof(float));
    p->norm = kin_alloc_array(n, sizeof(double));
    bool ok = p->base && p->scale && p->norm;
    if (s->farthest) {
        p->far_base = kin_alloc_array(n, sizeof(float));
        p->far_scale = kin_alloc_array(n, sizeof(float));
        ok = ok && p->far_base && p->far_scale;
    }
    if (p->splits > 1) {
        p->kept = kin_alloc_array(q * (size_t)p->splits, (size_t)(p->keep + FARTHEST) * sizeof(uint64_t));
        p->kept_count = kin_alloc_array(q * (size_t)p->splits, 2 * sizeof(int32_t));
        ok = ok && p->kept && p->kept_count;
    }
    kin_gemm_args widest = product_args(p, 0, p->rows, 0, s->gallery.count < COLUMNS ? s->gallery.count : COLUMNS, NULL);
    for (int w = 0; ok && w < kin_threads(); w++) {
        worker *me = &p->workers[w];
        me->tile = kin_alloc_array(rows * COLUMNS, sizeof(float));
        me->gemm = kin_alloc(kin_gemm_workspace(&widest));
        me->words = kin_alloc_array(rows + 1, (size_t)(p->capacity + p->far_capacity) * sizeof(uint64_t));
        me->select = kin_alloc_array(rows, 2 * sizeof(kin_select));
        me->hits = kin_alloc_array((size_t)p->hits_capacity, 2 * sizeof(kin_hit));
        ok = me->tile && me->gemm && me->words && me->select && me->hits;
    }
    if (ok) return true;
    return kin_fail(err, KIN_ERR_MEMORY, "out of memory: searching %zu items for the best %lld; fewer threads or a smaller k need less", n, (long long)s->k);
}

static void give_back(pass *p)
{
    for (int w = 0; w < KIN_MAX_THREADS; w++) {
        worker *me = &p->workers[w];
        kin_free(me->tile), kin_free(me->gemm), kin_free(me->words), kin_free(me->select), kin_free(me->hits);
    }
    kin_free(p->base), kin_free(p->scale), kin_free(p->far_base), kin_free(p->far_scale), kin_free(p->norm), kin_free(p->kept), kin_free(p->kept_count);
    kin_free(p);
}

/* --- one row's end --- */

static double exact_distance(const pass *p, const float *query, double query_norm, int64_t item)
{
    const kin_scan *s = p->scan;
    const float *other = kin_row(s->gallery, item);
    if (s->metric == KIN_EUCLID) return kin_exact_euclid(query, other, s->query.dim);
    double inner = kin_exact_inner(query, other, s->query.dim);
    return s->metric == KIN_INNER ? -inner : -inner / (query_norm * p->norm[item]);
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

static void compare_all(const pass *p, int64_t q, const float *query, double query_norm, kin_hit *hits)
{
    const kin_scan *s = p->scan;
    kin_hit *spare = hits + p->hits_capacity;
    int64_t used = 0;
    double limit = INFINITY;
    for (int64_t j = 0; j < s->gallery.count; j++) {
        if (s->leave_one_out && j == q) continue;
        double distance = exact_distance(p, query, query_norm, j);
        if (distance >= limit) continue; /* an equal one came earlier and stays */
        hits[used++] = (kin_hit){distance, j};
        if (used < p->hits_capacity) continue;
        kin_hits_sort(hits, spare, used);
        used = s->k;
        limit = hits[s->k - 1].distance;
    }
    kin_hits_sort(hits, spare, used);
}

static void rescore(const pass *p, int64_t q, const uint64_t *words, int64_t count, kin_hit *hits)
{
    const kin_scan *s = p->scan;
    const float *query = kin_row(s->query, q);
    double norm = sqrt(kin_exact_inner(query, query, s->query.dim));
    for (int64_t i = 0; i < count; i++) {
        int64_t item = kin_select_index(words[i]);
        hits[i] = (kin_hit){s->float32_order ? key_to_distance(p, kin_select_number(words[i]), norm) : exact_distance(p, query, norm, item), item};
    }
    if (s->float32_order) return;
    double largest_kept = (double)kin_select_number(words[count - 1]);
    kin_hits_sort(hits, hits + p->hits_capacity, count);
    bool all = count == s->gallery.count - (s->leave_one_out ? 1 : 0);
    double bound = (p->a_most * norm + p->b_most) * 1.001 + 1e-14 * norm * norm;
    if (!all && !(distance_to_key(p, hits[s->k - 1].distance, norm) < largest_kept - bound)) compare_all(p, q, query, norm, hits);
}

static void finish(const pass *p, worker *me, int64_t q, kin_select *near, kin_select *far)
{
    const kin_scan *s = p->scan;
    kin_select_end(near);
    uint64_t *spare = me->words + p->rows * (p->capacity + p->far_capacity);
    kin_select_sort(near->word, spare, near->used);
    kin_hit farthest = {-INFINITY, 0};
    if (s->farthest) {
        const float *query = kin_row(s->query, q);
        double norm = sqrt(kin_exact_inner(query, query, s->query.dim));
        kin_select_end(far);
        for (int64_t i = 0; i < far->used; i++) {
            int64_t item = kin_select_index(far->word[i]);
            double distance = exact_distance(p, query, norm, item);
            if (distance > farthest.distance || (distance == farthest.distance && item < farthest.index)) farthest = (kin_hit){distance, item};
        }
    }
    rescore(p, q, near->word, near->used, me->hits);
    s->emit(s->arg, q, me->hits, s->farthest ? &farthest : NULL);
}

/* --- one block: rows of queries against a stretch of the gallery --- */

static float dot(const float *a, const float *b, int64_t dim)
{
    enum { LANES = 16 };
    float lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += a[i + l] * b[i + l];
    for (; i < dim; i++) sum += a[i] * b[i];
    for (int l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

static void multiply(const pass *p, worker *me, int64_t q, int64_t rows, int64_t g, int64_t columns)
{
    const kin_scan *s = p->scan;
    if (s->query.count > FEW) {
        kin_gemm_args args = product_args(p, q, rows, g, columns, me->tile);
        kin_gemm(&args, me->gemm);
        return;
    }
    for (int64_t j = 0; j < columns; j++)
        for (int64_t r = 0; r < rows; r++) me->tile[r * COLUMNS + j] = dot(kin_row(s->query, q + r), kin_row(s->gallery, g + j), s->query.dim);
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

static void keep_for_later(const pass *p, int64_t q, int64_t split, kin_select *select)
{
    uint64_t *to = p->kept + (q * p->splits + split) * (p->keep + FARTHEST);
    int32_t *count = p->kept_count + (q * p->splits + split) * 2;
    for (int i = 0; i < (p->scan->farthest ? 2 : 1); i++) {
        kin_select_end(&select[i]);
        memcpy(to + i * p->keep, select[i].word, (size_t)select[i].used * sizeof *to);
        count[i] = (int32_t)select[i].used;
    }
}

static void begin_row(const pass *p, worker *me, int64_t r)
{
    kin_select_begin(&me->select[2 * r], me->words + r * p->capacity, p->keep, p->capacity);
    if (p->scan->farthest) kin_select_begin(&me->select[2 * r + 1], me->words + p->rows * p->capacity + r * p->far_capacity, FARTHEST, p->far_capacity);
}

static void tell(pass *p, int64_t rows, int worker_index)
{
    const kin_scan *s = p->scan;
    int64_t done = atomic_fetch_add(&p->done, rows) + rows;
    if (worker_index != 0 || !s->progress.report) return;
    int64_t total = s->total ? s->total : s->query.count;
    if (!s->progress.report(s->progress.user, s->stage, s->done_before + done / p->splits, total)) atomic_store(&p->stopped, true);
}

static void run_block(void *arg, int64_t block, int worker_index)
{
    pass *p = arg;
    const kin_scan *s = p->scan;
    if (atomic_load(&p->stopped)) return;
    worker *me = &p->workers[worker_index];
    int64_t split = block % p->splits, q = block / p->splits * p->rows, rows = s->query.count - q < p->rows ? s->query.count - q : p->rows;
    int64_t first = split * p->columns_per_split, last = first + p->columns_per_split < s->gallery.count ? first + p->columns_per_split : s->gallery.count;
    for (int64_t r = 0; r < rows; r++) begin_row(p, me, r);
    for (int64_t g = first; g < last; g += COLUMNS) {
        int64_t columns = last - g < COLUMNS ? last - g : COLUMNS;
        multiply(p, me, q, rows, g, columns);
        select_tile(p, me, q, rows, g, columns);
    }
    for (int64_t r = 0; r < rows; r++) {
        if (p->splits > 1) keep_for_later(p, q + r, split, &me->select[2 * r]);
        else finish(p, me, q + r, &me->select[2 * r], &me->select[2 * r + 1]);
    }
    tell(p, rows, worker_index);
}

static void join_splits(void *arg, int64_t q, int worker_index)
{
    pass *p = arg;
    if (atomic_load(&p->stopped)) return;
    worker *me = &p->workers[worker_index];
    begin_row(p, me, 0);
    for (int64_t split = 0; split < p->splits; split++) {
        const uint64_t *from = p->kept + (q * p->splits + split) * (p->keep + FARTHEST);
        const int32_t *count = p->kept_count + (q * p->splits + split) * 2;
        kin_select_offer_words(&me->select[0], from, count[0]);
        if (p->scan->farthest) kin_select_offer_words(&me->select[1], from + p->keep, count[1]);
    }
    finish(p, me, q, &me->select[0], &me->select[1]);
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

static bool measure_queries(const kin_scan *s, kin_error *err)
{
    if (s->query.data == s->gallery.data && s->query.count == s->gallery.count) return true;
    double *norm = kin_alloc_array((size_t)s->query.count, sizeof *norm);
    if (!norm) return kin_fail_memory(err, "the queries' norms", (unsigned long long)s->query.count * sizeof *norm);
    bool ok = measure(s->query, "the queries", s->metric, norm, err);
    kin_free(norm);
    return ok;
}

bool kin_scan_run(const kin_scan *scan, kin_error *err)
{
    if (!check(scan, err)) return false;
    pass *p = kin_alloc_zero(1, sizeof *p);
    if (!p) return kin_fail_memory(err, "a search", sizeof *p);
    p->scan = scan;
    atomic_init(&p->done, 0);
    atomic_init(&p->stopped, false);
    cut(p);
    bool ok = give_room(p, err) && measure_queries(scan, err) && measure(scan->gallery, "the gallery", scan->metric, p->norm, err);
    if (ok) {
        weigh(p);
        kin_parallel_for(p->blocks * p->splits, run_block, p);
        if (p->splits > 1) kin_parallel_for(scan->query.count, join_splits, p);
        if (!atomic_load(&p->stopped) && scan->progress.report) {
            int64_t done = scan->done_before + scan->query.count;
            if (!scan->progress.report(scan->progress.user, scan->stage, done, scan->total ? scan->total : done)) atomic_store(&p->stopped, true);
        }
        if (atomic_load(&p->stopped)) ok = kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while %s", scan->stage);
    }
    give_back(p);
    return ok;
}
