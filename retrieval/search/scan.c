/* Coarse products, selection, then distances in double; rows for which that proves too coarse meet the
 * gallery again in float32.
 *
 * For query q and item g the selected number is key = base_g + scale_g·(q·g), which orders as the wanted
 * distance does:
 *     squared Euclid   ‖g‖² − 2 q·g        (= distance − ‖q‖²)
 *     inner product    −q·g
 *     cosine           −(q·g)/‖g‖          (= −cosine·‖q‖)
 * In float32, summed in any order, |fl(q·g) − q·g| ≤ γ Σ|q_i g_i| ≤ γ ‖q‖‖g‖ with γ = dim·u/(1 − dim·u), u
 * = 2⁻²⁴ (Higham 2002, section 3.1); for coarse products (kernels/coarse.h) γ is ε_q + ε_g + ε_q ε_g, and
 * u for each part that a sum is made of. Base, scale and the last operations round too. Together |fl(key)
 * − key| ≤ a_g γ ‖q‖ + b_g, with a and b in kin_scan_weigh. So if the k-th best exact key among the
 * candidates is smaller than (the largest key kept) − (the largest bound), no item that was left out can
 * belong to the list; for the farthest item alike. Rows for which that cannot be shown are met in float32,
 * and where even that cannot show it, all items are compared in double: what leaves here does not depend
 * on which way it was found. */
#include "retrieval/search/scan_parts.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEW = KIN_SCAN_FEW,
    LATE = 16,     /* tiles from which on items are measured as those few rows meet them */
    FARTHEST = 12, /* candidates for the farthest item */
    TRIED = 1024,  /* rows after which the coarse pass may be given up, */
    HOPELESS = 4,  /* if it was too coarse for one in so many */
};
static const int64_t chunk_bytes = KIN_SCAN_CHUNK_BYTES;
static const int64_t states_bytes = 512 << 20; /* all rows' selections, where each pair is met once */

typedef kin_scan_pass pass;
typedef kin_scan_scratch scratch;

/* --- preparation --- */

static kin_scan_want want(const pass *p, int64_t k, int64_t all)
{
    int64_t margin = p->scan->float32_order ? 0
                     : p->coarse            ? 16 + k / 12
                                            : 8 + k / 32,
            keep = kin_min(k + margin, all);
    return (kin_scan_want){k, keep, kin_select_capacity(keep, all)};
}

static bool rows_are_items(const kin_scan *s)
{
    return s->joined || (s->leave_one_out && s->query.data == s->gallery.data);
}

/* Whether each pair shall be met once: half of the products, for memory of all rows' selections at a time. */
static bool is_symmetric(const pass *p)
{
    int64_t states = p->items * (p->near.capacity + p->far.capacity) * (int64_t)sizeof(uint64_t);
    return rows_are_items(p->scan) && !p->which && !p->scan->float32_order && p->items >= 2 * KIN_SCAN_ROWS &&
           states <= states_bytes && kin_scan_panel_bytes(p, p->items) <= chunk_bytes;
}

static void cut(pass *p)
{
    const kin_scan *s = p->scan;
    p->near = want(p, s->k, p->items);
    p->list = s->list ? want(p, s->list, s->gallery.count) : (kin_scan_want){0};
    p->far = s->farthest
                 ? (kin_scan_want){1, kin_min(FARTHEST, p->items), kin_select_capacity(FARTHEST, p->items)}
                 : (kin_scan_want){0};
    p->most_kept = p->near.keep > p->list.keep ? p->near.keep : p->list.keep;
    p->symmetric = is_symmetric(p);
    p->cut = kin_scan_cut_of(&(kin_scan_size){.rows = p->rows,
                                              .items = p->items,
                                              .words = p->near.capacity + p->list.capacity,
                                              .kept = p->most_kept,
                                              .symmetric = p->symmetric,
                                              .panel_bytes = kin_scan_panel_bytes(p, KIN_SCAN_COLUMNS),
                                              .mr = p->coarse ? p->coarse->mr : p->tiles->mr});
}

/* --- scratch --- */

/* What both passes need. */
static bool give_room(pass *p, kin_error *err)
{
    const kin_scan *s = p->scan;
    size_t n = (size_t)p->items, rows = (size_t)p->rows;
    p->base = kin_alloc_array(n, sizeof(float));
    p->scale = kin_alloc_array(n, sizeof(float));
    p->norm = kin_alloc_array(n, sizeof(double));
    p->row_norm = rows_are_items(s) ? p->norm : kin_alloc_array(rows, sizeof(double));
    bool ok = p->base && p->scale && p->norm && p->row_norm;
    if (s->farthest) {
        p->far_base = kin_alloc_array(n, sizeof(float));
        p->far_scale = kin_alloc_array(n, sizeof(float));
        ok = ok && p->far_base && p->far_scale;
    }
    if (s->list) ok = (p->list_failed = kin_alloc_zero((size_t)s->query.count, sizeof(bool))) && ok;
    if (p->coarse) {
        p->unit = kin_alloc_array(n + KIN_SCAN_COLUMNS, sizeof(float));
        p->error = kin_alloc_array(n, sizeof(float));
        p->row_error = rows_are_items(s) ? p->error : kin_alloc_array(rows, sizeof(float));
        p->again = kin_alloc_array(rows, sizeof(int32_t));
        ok = ok && p->unit && p->error && p->row_error && p->again;
    }
    return ok || kin_fail_memory(err, "a search's norms", (unsigned long long)(n + rows) * sizeof(double));
}

static bool give_worker_scratch(const pass *p, scratch *me)
{
    size_t rows = (size_t)p->cut.block_rows, high = (size_t)kin_min(p->cut.block_rows, KIN_SCAN_ROWS),
           keep = (size_t)p->most_kept, near = p->symmetric ? 0 : (size_t)p->near.capacity,
           far = p->symmetric ? 0 : (size_t)p->far.capacity;
    me->tile = kin_alloc_array(high * KIN_SCAN_COLUMNS, sizeof(float));
    me->words = kin_alloc_array(rows, (near + far + (size_t)p->list.capacity + 1) * sizeof(uint64_t));
    me->order = kin_alloc_array(rows + 1, keep * sizeof(uint64_t));
    me->near = kin_alloc_array(rows, 3 * sizeof(kin_select));
    me->distance = kin_alloc_array(rows, keep * sizeof(double));
    me->hits = kin_alloc_array(keep, sizeof(kin_hit));
    me->spare = kin_alloc_array(keep, 4 * sizeof(kin_hit));
    me->cursor = kin_alloc_array(rows, sizeof(int64_t));
    me->wide = kin_alloc_array((size_t)p->dim, sizeof(double));
    bool ok = me->tile && me->words && me->order && me->near && me->distance && me->hits && me->spare &&
              me->cursor && me->wide;
    if (ok) me->far = me->near + rows, me->list = me->far + rows;
    if (p->symmetric)
        ok = (me->across = kin_alloc_array(KIN_SCAN_COLUMNS * KIN_SCAN_ROWS, sizeof(float))) && ok;
    if (!p->coarse) return ok;
    size_t panels = (size_t)kin_round_up((int64_t)high, p->coarse->mr);
    me->pairs = kin_alloc_array(panels, (size_t)kin_coarse_pairs(p->dim) * sizeof *me->pairs);
    me->row_scale = kin_alloc_array(panels, sizeof(float));
    return ok && me->pairs && me->row_scale;
}

static int64_t kept_words(const pass *p) { return p->near.keep + p->far.keep + p->list.keep; }

static bool give_states(pass *p)
{
    size_t n = (size_t)p->items;
    p->all_near = kin_alloc_array(n, sizeof *p->all_near);
    p->all_far = kin_alloc_array(n, sizeof *p->all_far);
    p->all_words = kin_alloc_array(n, (size_t)(p->near.capacity + p->far.capacity) * sizeof(uint64_t));
    p->lock = kin_alloc_array((size_t)p->cut.blocks, sizeof *p->lock);
    for (int64_t b = 0; p->lock && b < p->cut.blocks; b++) pthread_mutex_init(&p->lock[b], NULL);
    return p->all_near && p->all_far && p->all_words && p->lock;
}

static bool give_pass_room(pass *p, kin_error *err)
{
    size_t rows = (size_t)p->rows;
    bool ok = !p->symmetric || give_states(p);
    if (p->cut.splits > 1 || p->cut.chunk < p->items) {
        p->kept = kin_alloc_array(rows * (size_t)p->cut.splits, (size_t)kept_words(p) * sizeof(uint64_t));
        p->kept_count = kin_alloc_zero(rows * (size_t)p->cut.splits, 3 * sizeof(int32_t));
        ok = ok && p->kept && p->kept_count;
    }
    ok = kin_scan_sample_scratch(p) && ok;
    if (p->rows > FEW)
        ok = (p->panels = kin_alloc((size_t)kin_scan_panel_bytes(p, kin_min(p->cut.chunk, p->items)))) && ok;
    for (int w = 0; ok && w < kin_threads(); w++) ok = give_worker_scratch(p, &p->scratches[w]);
    return ok || kin_fail(err, KIN_ERR_MEMORY,
                          "out of memory: searching %lld items for the best %lld; fewer threads or a smaller "
                          "k need less",
                          (long long)p->items, (long long)p->scan->k);
}

static void give_pass_back(pass *p)
{
    for (int w = 0; w < KIN_MAX_THREADS; w++) {
        scratch *me = &p->scratches[w];
        kin_free(me->tile), kin_free(me->across), kin_free(me->words), kin_free(me->order),
            kin_free(me->near), kin_free(me->distance), kin_free(me->hits), kin_free(me->spare),
            kin_free(me->cursor), kin_free(me->wide);
        kin_free(me->pairs), kin_free(me->row_scale);
        *me = (scratch){0};
    }
    for (int64_t b = 0; p->lock && b < p->cut.blocks; b++) pthread_mutex_destroy(&p->lock[b]);
    kin_free(p->all_near), kin_free(p->all_far), kin_free(p->all_words), kin_free(p->lock);
    kin_free(p->panels), kin_free(p->kept), kin_free(p->kept_count), kin_free(p->which);
    kin_free(p->sample.panels), kin_free(p->sample.number);
    p->sample = (kin_scan_sample){0};
    p->panels = NULL, p->lock = NULL, p->all_near = p->all_far = NULL;
    p->kept = p->all_words = NULL;
    p->kept_count = p->which = NULL;
}

static void give_back(pass *p)
{
    give_pass_back(p);
    if (p->row_norm != p->norm) kin_free(p->row_norm);
    if (p->row_error != p->error) kin_free(p->row_error);
    kin_free(p->base), kin_free(p->scale), kin_free(p->far_base), kin_free(p->far_scale), kin_free(p->norm);
    kin_free(p->unit), kin_free(p->error), kin_free(p->again), kin_free(p->list_failed);
    kin_free(p);
}

/* --- selection --- */

static void begin_row(const pass *p, scratch *me, int64_t r)
{
    uint64_t *words = me->words + r * (p->near.capacity + p->far.capacity + p->list.capacity);
    kin_select_begin(&me->near[r], words, p->near.keep, p->near.capacity);
    if (p->far.k) kin_select_begin(&me->far[r], words + p->near.capacity, p->far.keep, p->far.capacity);
    if (p->list.k)
        kin_select_begin(&me->list[r], words + p->near.capacity + p->far.capacity, p->list.keep,
                         p->list.capacity);
}

/* Products of row i with items g ..: to its neighbours, the farthest, ... */
static void offer(const pass *p, kin_select *near, kin_select *far, const float *product, int64_t g,
                  int64_t columns, int64_t i)
{
    int64_t skip = kin_scan_skips_itself(p->scan) ? i : -1;
    kin_select_offer(near, product, p->base + g, p->scale + g, columns, g, skip);
    if (p->far.k) kin_select_offer(far, product, p->far_base + g, p->far_scale + g, columns, g, skip);
}

/* ... and its list, as far as they are of the gallery. */
static void offer_to_list(const pass *p, kin_select *list, const float *product, int64_t g, int64_t columns,
                          int64_t i)
{
    /* queries among them */
    int64_t other = kin_scan_wants_list(p->scan, i) ? p->scan->query.count - g : columns;
    if (other < 0) other = 0;
    if (other < columns)
        kin_select_offer(list, product + other, p->base + g + other, p->scale + g + other, columns - other,
                         g + other, -1);
}

/* Candidates of row r put aside until the next chunk, or until the splits are joined, and taken up again. */
static void put_aside(const pass *p, int64_t r, int64_t split, kin_select *const *select)
{
    uint64_t *to = p->kept + (r * p->cut.splits + split) * kept_words(p);
    int32_t *count = p->kept_count + (r * p->cut.splits + split) * 3;
    for (int i = 0; i < 3; i++) {
        if (!select[i]) continue;
        kin_select_end(select[i]);
        memcpy(to, select[i]->word, (size_t)select[i]->used * sizeof *to);
        count[i] = (int32_t)select[i]->used;
        to += select[i]->k;
    }
}

static void take_up(const pass *p, int64_t r, int64_t split, kin_select *const *select)
{
    const uint64_t *from = p->kept + (r * p->cut.splits + split) * kept_words(p);
    const int32_t *count = p->kept_count + (r * p->cut.splits + split) * 3;
    for (int i = 0; i < 3; i++) {
        if (!select[i]) continue;
        kin_select_offer_words(select[i], from, count[i]);
        from += select[i]->k;
    }
}

/* The selections of row r of a block. */
#define SELECTIONS(p, me, r) \
    ((kin_select *[3]){&(me)->near[r], (p)->far.k ? &(me)->far[r] : NULL, \
                       (p)->list.k ? &(me)->list[r] : NULL})

static void tell(pass *p, int64_t pairs, int worker_index)
{
    const kin_scan *s = p->scan;
    int64_t done = atomic_fetch_add(&p->done, pairs) + pairs, all = s->joined ? p->items : s->query.count;
    if (worker_index != 0 || !s->progress.report) return;
    int64_t rows = kin_min((int64_t)((double)done / (double)p->items), all);
    if (!s->progress.report(s->progress.user, s->stage, rows, all)) atomic_store(&p->stopped, true);
}

/* --- every row meets every item --- */

/* Too coarse for too many: the rows left need not be tried. */
static bool hopeless(const pass *p)
{
    int64_t tried = atomic_load(&p->tried);
    return p->coarse && tried >= TRIED && atomic_load(&p->failed) * HOPELESS > tried;
}

static void rescore(pass *p, scratch *me, int64_t first, int64_t rows)
{
    if (p->list.k) kin_scan_rescore_lists(p, me, me->list, first, rows);
    kin_scan_rescore(p, me, me->near, me->far, first, rows);
}

/* Rows at .. of the pass, whose selections begin at `from` in the worker's scratch. */
static void meet_tile_rows(pass *p, scratch *me, int64_t at, int64_t from, int64_t rows, int64_t first,
                           int64_t last)
{
    /* Where the items are split, several workers meet the same rows at once: the one that begins them
     * notes. */
    kin_scan_round_rows(p, me, at, rows, p->row_error != p->error && first == p->first);
    kin_scan_bound(p, me, me->near + from, rows);
    for (int64_t g = first; g < last; g += KIN_SCAN_COLUMNS) {
        int64_t columns = kin_min(last - g, KIN_SCAN_COLUMNS);
        if (p->late && !kin_scan_weigh_late(p, me, g, columns)) return;
        kin_scan_multiply(p, me, at, rows, g, columns);
        for (int64_t r = 0; r < rows; r++) {
            const float *product = me->tile + r * KIN_SCAN_COLUMNS;
            offer(p, &me->near[from + r], &me->far[from + r], product, g, columns,
                  kin_scan_row_of(p, at + r));
            offer_to_list(p, &me->list[from + r], product, g, columns, kin_scan_row_of(p, at + r));
        }
    }
}

static void meet(pass *p, scratch *me, int64_t at, int64_t rows, int64_t first, int64_t last)
{
    for (int64_t r = 0; r < rows; r += KIN_SCAN_ROWS)
        meet_tile_rows(p, me, at + r, r, kin_min(rows - r, KIN_SCAN_ROWS), first, last);
}

static void run_block(void *arg, int64_t block, int worker_index)
{
    pass *p = arg;
    if (atomic_load(&p->stopped)) return;
    scratch *me = &p->scratches[worker_index];
    int64_t split = block % p->cut.splits, at = block / p->cut.splits * p->cut.block_rows,
            rows = kin_min(p->rows - at, p->cut.block_rows);
    int64_t first = p->first + split * p->cut.columns_per_split,
            last = kin_min(first + p->cut.columns_per_split, p->last);
    bool ends = p->cut.splits == 1 && p->last == p->items;
    if (ends && hopeless(p)) {
        for (int64_t r = 0; r < rows; r++) kin_scan_leave_for_next(p, kin_scan_row_of(p, at + r));
        return;
    }
    for (int64_t r = 0; r < rows; r++) {
        begin_row(p, me, r);
        if (p->first > 0) take_up(p, at + r, split, SELECTIONS(p, me, r));
    }
    meet(p, me, at, rows, first, last);
    if (ends) rescore(p, me, at, rows);
    else
        for (int64_t r = 0; r < rows; r++) put_aside(p, at + r, split, SELECTIONS(p, me, r));
    if (last > first) tell(p, rows * (last - first), worker_index);
}

static void join_splits(void *arg, int64_t r, int worker_index)
{
    pass *p = arg;
    if (atomic_load(&p->stopped)) return;
    scratch *me = &p->scratches[worker_index];
    begin_row(p, me, 0);
    for (int64_t split = 0; split < p->cut.splits; split++) take_up(p, r, split, SELECTIONS(p, me, 0));
    rescore(p, me, r, 1);
}

/* --- every pair once: a strip is a block of rows against the items from its own first row on --- */

static void begin_states(pass *p)
{
    for (int64_t i = 0; i < p->items; i++) {
        uint64_t *words = p->all_words + i * (p->near.capacity + p->far.capacity);
        kin_select_begin(&p->all_near[i], words, p->near.keep, p->near.capacity);
        if (p->far.k)
            kin_select_begin(&p->all_far[i], words + p->near.capacity, p->far.keep, p->far.capacity);
    }
}

/* Offers product[r][·], `columns` of them from item g on, to rows at .. of block `block`. */
static void offer_locked(pass *p, int64_t block, int64_t at, int64_t rows, const float *product,
                         int64_t stride, int64_t g, int64_t columns)
{
    pthread_mutex_lock(&p->lock[block]);
    for (int64_t r = 0; r < rows; r++)
        offer(p, &p->all_near[at + r], &p->all_far[at + r], product + r * stride, g, columns, at + r);
    pthread_mutex_unlock(&p->lock[block]);
}

static void transpose(const float *from, int64_t rows, int64_t columns, float *to)
{
    enum { B = 16 };
    for (int64_t r = 0; r < rows; r += B)
        for (int64_t c = 0; c < columns; c += B)
            for (int64_t j = c; j < kin_min(c + B, columns); j++)
                for (int64_t i = r; i < kin_min(r + B, rows); i++)
                    to[j * KIN_SCAN_ROWS + i] = from[i * KIN_SCAN_COLUMNS + j];
}

static void run_strip(void *arg, int64_t strip, int worker_index)
{
    pass *p = arg;
    scratch *me = &p->scratches[worker_index];
    int64_t at = strip * p->cut.block_rows, rows = kin_min(p->rows - at, p->cut.block_rows);
    kin_scan_round_rows(p, me, at, rows, false);
    for (int64_t r = 0; p->list.k && r < rows; r++)
        kin_select_begin(&me->list[r], me->words + r * p->list.capacity, p->list.keep, p->list.capacity);
    for (int64_t g = at; g < p->items && !atomic_load(&p->stopped); g += KIN_SCAN_COLUMNS) {
        int64_t columns = kin_min(p->items - g, KIN_SCAN_COLUMNS);
        kin_scan_multiply(p, me, at, rows, g, columns);
        for (int64_t r = 0; p->list.k && r < rows; r++)
            offer_to_list(p, &me->list[r], me->tile + r * KIN_SCAN_COLUMNS, g, columns, at + r);
        offer_locked(p, strip, at, rows, me->tile, KIN_SCAN_COLUMNS, g, columns);
        if (g == at) continue;
        transpose(me->tile, rows, columns, me->across);
        offer_locked(p, g / KIN_SCAN_COLUMNS, g, columns, me->across, KIN_SCAN_ROWS, at, rows);
    }
    if (p->list.k && !atomic_load(&p->stopped)) kin_scan_rescore_lists(p, me, me->list, at, rows);
    tell(p, rows * (2 * (p->items - at) - rows), worker_index);
}

static void rescore_block(void *arg, int64_t block, int worker_index)
{
    pass *p = arg;
    if (atomic_load(&p->stopped)) return;
    int64_t at = block * p->cut.block_rows;
    kin_scan_rescore(p, &p->scratches[worker_index], p->all_near + at, p->all_far + at, at,
                     kin_min(p->rows - at, p->cut.block_rows));
}

_Static_assert((int)KIN_SCAN_ROWS == (int)KIN_SCAN_COLUMNS, "a strip's columns are another strip's rows");

/* --- passes --- */

/* Chunk after chunk of the items is packed once and met by all rows of the pass. */
static void run_chunks(pass *p)
{
    for (p->first = 0; p->first < p->items && !atomic_load(&p->stopped); p->first += p->cut.chunk) {
        p->last = kin_min(p->first + p->cut.chunk, p->items);
        if (p->panels) kin_scan_pack(p);
        if (!p->late) kin_scan_weigh(p, p->first, p->last, &p->most);
        kin_scan_take_sample(p);
        if (p->symmetric) begin_states(p);
        kin_parallel_for(p->cut.blocks * p->cut.splits, p->symmetric ? run_strip : run_block, p);
    }
    for (int w = 0; p->late && w < KIN_MAX_THREADS; w++)
        p->most.a = fmax(p->most.a, p->scratches[w].most.a),
        p->most.b = fmax(p->most.b, p->scratches[w].most.b);
    if (p->cut.splits > 1) kin_parallel_for(p->rows, join_splits, p);
    if (p->symmetric) kin_parallel_for(p->cut.blocks, rescore_block, p);
}

static bool run_pass(pass *p, kin_error *err)
{
    cut(p);
    bool ok = give_pass_room(p, err);
    p->most = (kin_scan_most){0};
    if (ok) run_chunks(p);
    give_pass_back(p);
    return ok;
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The rows that the coarse pass left meet the items in float32, queries first. */
static bool run_again(pass *p, kin_error *err)
{
    int64_t all = p->rows;
    p->rows = atomic_load(&p->failed);
    p->coarse = NULL;
    p->which = p->again;
    p->again = NULL;
    qsort(p->which, (size_t)p->rows, sizeof *p->which, by_number);
    atomic_store(&p->done, (all - p->rows) * p->items);
    return run_pass(p, err);
}

static bool run(pass *p, kin_error *err)
{
    if (!run_pass(p, err)) return false;
    if (atomic_load(&p->bad)) return kin_scan_measure_gallery(p, err);
    p->late = false;
    return atomic_load(&p->failed) == 0 || atomic_load(&p->stopped) || run_again(p, err);
}

static bool check(const kin_scan *s, kin_error *err)
{
    const kin_vectors row = s->query.count ? s->query : s->gallery;
    int64_t items = s->gallery.count + (s->joined ? s->query.count : 0),
            most = items - kin_scan_skips_itself(s);
    if (row.dim != s->gallery.dim)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the queries have %lld dimensions and the gallery %lld; both must come from one model",
            (long long)s->query.dim, (long long)s->gallery.dim);
    if ((s->query.count < 1 && !s->joined) || s->gallery.count < 1 || s->gallery.dim < 1)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "nothing to search: %lld queries, %lld gallery items, %lld dimensions",
                        (long long)s->query.count, (long long)s->gallery.count, (long long)s->gallery.dim);
    if (items > INT32_MAX || s->query.count > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "at most %d vectors can be searched at once", INT32_MAX);
    if (s->leave_one_out && s->query.count != s->gallery.count)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "leaving one out needs the gallery itself as queries: %lld and %lld rows",
                        (long long)s->query.count, (long long)s->gallery.count);
    if (s->k < 1 || s->k > most)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for; take 1 to %lld",
                        (long long)s->k, (long long)most, (long long)most);
    if (s->list > s->gallery.count)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the best %lld of %lld items were asked for",
                        (long long)s->list, (long long)s->gallery.count);
    return true;
}

static const kin_coarse *coarse_for(const pass *p)
{
    const kin_coarse *coarse = kin_coarse_get();
    return coarse->fast && !p->scan->float32_order && p->rows > FEW && p->dim <= KIN_COARSE_DIM ? coarse
                                                                                                : NULL;
}

static void begin(pass *p, const kin_scan *scan)
{
    p->scan = scan;
    p->tiles = kin_tiles_get();
    p->dim = scan->gallery.dim;
    p->items = scan->gallery.count + (scan->joined ? scan->query.count : 0);
    p->rows = scan->joined ? p->items : scan->query.count;
    p->coarse = coarse_for(p);
    p->late = p->rows <= FEW && p->items >= LATE * KIN_SCAN_COLUMNS && !rows_are_items(scan);
    atomic_init(&p->done, 0);
    atomic_init(&p->tried, 0);
    atomic_init(&p->failed, 0);
    atomic_init(&p->stopped, false);
    atomic_init(&p->bad, false);
}

bool kin_scan_run(const kin_scan *scan, kin_error *err)
{
    if (!check(scan, err)) return false;
    pass *p = kin_alloc_zero(1, sizeof *p);
    if (!p) return kin_fail_memory(err, "a search", sizeof *p);
    begin(p, scan);
    int64_t rows = p->rows;
    bool ok = give_room(p, err) && kin_scan_measure(p, err) && run(p, err);
    if (ok) {
        const kin_progress *progress = &scan->progress;
        if (!atomic_load(&p->stopped) && progress->report &&
            !progress->report(progress->user, scan->stage, rows, rows))
            atomic_store(&p->stopped, true);
        if (atomic_load(&p->stopped))
            ok = kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while %s", scan->stage);
    }
    give_back(p);
    return ok;
}
