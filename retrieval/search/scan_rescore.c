/* The end of a block of rows: candidates are measured in double, and the list is proved complete (the
 * bound is derived in scan.c). */
#include "retrieval/search/scan_parts.h"

#include "retrieval/search/exact.h"
#include "retrieval/search/kernels.h"

#include <math.h>
#include <string.h>

/* of items at a time, while candidates are measured: they stay in the last cache, and a row is widened for
 * a dozen of them or more */
static const int64_t measure_bytes = 4 << 20;

static double distance_of(const kin_scan_pass *p, int64_t i, int64_t item, double inner)
{
    return p->scan->metric == KIN_INNER ? -inner : -inner / (p->row_norm[i] * p->norm[item]);
}

static double exact_distance(const kin_scan_pass *p, int64_t i, int64_t item)
{
    const kin_scan *s = p->scan;
    const float *row = kin_scan_row(s, i), *other = kin_scan_item(s, item);
    if (s->metric == KIN_EUCLID) return kin_exact_euclid(row, other, p->dim);
    return distance_of(p, i, item, kin_exact_inner(row, other, p->dim));
}

/* The same, of row i as `wide`; `next` is the row that is read next. */
static double wide_distance(const kin_scan_pass *p, int64_t i, const double *wide, int64_t item,
                            const float *next)
{
    const float *other = kin_scan_item(p->scan, item);
    if (p->scan->metric == KIN_EUCLID)
        return kin_search_kernels_get()->euclid_wide(wide, other, p->dim, next);
    return distance_of(p, i, item, kin_search_kernels_get()->inner_wide(wide, other, p->dim, next));
}

static double key_to_distance(const kin_scan_pass *p, float key, double norm)
{
    if (p->scan->metric == KIN_EUCLID) return fmax(0, (double)key + norm * norm);
    return p->scan->metric == KIN_INNER ? (double)key : (double)key / norm;
}

static double distance_to_key(const kin_scan_pass *p, double distance, double norm)
{
    if (p->scan->metric == KIN_EUCLID) return distance - norm * norm;
    return p->scan->metric == KIN_INNER ? distance : distance * norm;
}

/* What the key of row i and any item may be off by. */
static double bound_of(const kin_scan_pass *p, int64_t i)
{
    double u = ldexp(1, -24), norm = p->row_norm[i], off = p->coarse ? (double)p->row_error[i] : 0,
           parts = (double)kin_blocks(p->dim, 2 * KIN_SCAN_STEP);
    double gamma = p->coarse ? off + p->most.error + off * p->most.error + (8 + parts) * u
                             : 1.01 * ((double)p->dim + 3) * u;
    return (p->most.a * gamma * norm + p->most.b) * 1.001 + 1e-14 * norm * norm;
}

static void keep_farther(kin_hit *farthest, kin_hit hit)
{
    if (hit.distance > farthest->distance ||
        (hit.distance == farthest->distance && hit.index < farthest->index))
        *farthest = hit;
}

/* Row i against items from `first` on; the best k end in `hits`, which has room for what is kept. */
static void compare_all(const kin_scan_pass *p, int64_t i, int64_t first, const kin_scan_want *want,
                        kin_hit *hits, kin_hit *farthest, kin_hit *spare)
{
    const kin_scan *s = p->scan;
    kin_hit *pool = spare + 2 * p->most_kept; /* [2 most_kept] */
    int64_t used = 0;
    double limit = INFINITY;
    *farthest = (kin_hit){-INFINITY, 0};
    for (int64_t j = first; j < p->items; j++) {
        if (kin_scan_skips_itself(s) && j == i) continue;
        double distance = exact_distance(p, i, j);
        keep_farther(farthest, (kin_hit){distance, j});
        if (distance >= limit) continue; /* an equal one came earlier and stays */
        pool[used++] = (kin_hit){distance, j};
        if (used < 2 * want->keep) continue;
        kin_hits_sort(pool, spare, used);
        used = want->k;
        limit = pool[want->k - 1].distance;
    }
    kin_hits_sort(pool, spare, used);
    memcpy(hits, pool, (size_t)want->k * sizeof *hits);
}

/* Of row i's candidates in order, those behind the k-th by more than both can be off need not be measured.
 * The first of them stays: rescore_near proves with it. */
static void drop_distant(const kin_scan_pass *p, int64_t i, kin_select *select, int64_t k)
{
    if (select->used < k) return;
    /* 24 bits are in order */
    double limit = (double)kin_select_number(select->word[k - 1] | UINT64_C(0xff) << 32) +
                   2.01 * bound_of(p, i);
    while (select->used > k + 1 &&
           (double)kin_select_number(select->word[select->used - 2] & ~(UINT64_C(0xff) << 32)) > limit)
        select->used--;
}

/* Candidates of row r, which is row i of the scan, in the coarse order, and `order` of them by item. */
static void order_candidates(const kin_scan_pass *p, kin_scan_scratch *me, kin_select *select, int64_t r,
                             int64_t i, int64_t k)
{
    uint64_t *order = me->order + r * p->most_kept, *sorting = me->order + p->cut.block_rows * p->most_kept;
    kin_select_end(select);
    /* 24 bits of the number say enough where it will be measured */
    kin_select_sort(select->word, sorting, select->used, p->scan->float32_order ? 0 : 40);
    if (!p->scan->float32_order) drop_distant(p, i, select, k);
    for (int64_t a = 0; a < select->used; a++)
        order[a] = (uint64_t)kin_select_index(select->word[a]) << 32 | (uint64_t)a;
    kin_select_sort(order, sorting, select->used, 32);
}

/* Those of row r's candidates that come before item `end`; `after` is the row that comes after. */
static void measure_row(const kin_scan_pass *p, kin_scan_scratch *me, int64_t i, int64_t r, int64_t count,
                        int64_t end, const float *after)
{
    const uint64_t *order = me->order + r * p->most_kept;
    double *distance = me->distance + r * p->most_kept;
    int64_t at = me->cursor[r];
    bool more = at < count && (int64_t)(order[at] >> 32) < end;
    if (more)
        kin_search_kernels_get()->widen(kin_scan_row(p->scan, i), me->wide, p->dim,
                                        kin_scan_item(p->scan, (int64_t)(order[at] >> 32)));
    for (; more; at++) {
        more = at + 1 < count && (int64_t)(order[at + 1] >> 32) < end;
        distance[at] = wide_distance(p, i, me->wide, (int64_t)(order[at] >> 32),
                                     more ? kin_scan_item(p->scan, (int64_t)(order[at + 1] >> 32)) : after);
    }
    me->cursor[r] = at;
}

/* Distances of all candidates of all rows, tile after tile of the items, so that these come from memory
 * once. */
static void measure(const kin_scan_pass *p, kin_scan_scratch *me, kin_select *select, int64_t k,
                    int64_t first, int64_t rows)
{
    int64_t tile = 1 + measure_bytes / (p->dim * (int64_t)sizeof(float));
    for (int64_t r = 0; r < rows; r++) {
        order_candidates(p, me, &select[r], r, kin_scan_row_of(p, first + r), k);
        me->cursor[r] = 0;
    }
    for (int64_t end = tile; !p->scan->float32_order && end < p->items + tile; end += tile)
        for (int64_t r = 0; r < rows; r++)
            measure_row(p, me, kin_scan_row_of(p, first + r), r, select[r].used, end,
                        kin_scan_row(p->scan, kin_scan_row_of(p, first + (r + 1) % rows)));
}

/* The candidates of row r, where they stand in the coarse order, which is nearly the right one. */
static kin_hit *collect(const kin_scan_pass *p, kin_scan_scratch *me, int64_t r, int64_t count)
{
    const uint64_t *order = me->order + r * p->most_kept;
    const double *distance = me->distance + r * p->most_kept;
    for (int64_t a = 0; !p->scan->float32_order && a < count; a++)
        me->hits[order[a] & UINT32_MAX] = (kin_hit){distance[a], (int64_t)(order[a] >> 32)};
    return me->hits;
}

/* Sorts row i's candidates by distance. Whether none of the other items, of `all`, can belong to the list. */
static bool rescore_near(const kin_scan_pass *p, int64_t i, const kin_select *near, const kin_scan_want *want,
                         int64_t all, kin_hit *hits, kin_hit *spare)
{
    if (near->used < want->k) return false; /* the bound that selection began with was too narrow */
    double norm = p->row_norm[i], largest_kept = (double)kin_select_number(near->word[near->used - 1]);
    kin_hits_sort(hits, spare, near->used);
    return near->used == all ||
           distance_to_key(p, hits[want->k - 1].distance, norm) < largest_kept - bound_of(p, i);
}

/* The farthest of the candidates. Whether no other item can be farther. */
static bool rescore_far(const kin_scan_pass *p, int64_t i, kin_select *far, int64_t all, kin_hit *farthest)
{
    double least_kept = INFINITY;
    *farthest = (kin_hit){-INFINITY, 0};
    kin_select_end(far);
    for (int64_t a = 0; a < far->used; a++) {
        int64_t item = kin_select_index(far->word[a]);
        least_kept = fmin(least_kept, -(double)kin_select_number(far->word[a]));
        keep_farther(farthest, (kin_hit){exact_distance(p, i, item), item});
    }
    return far->used == all ||
           distance_to_key(p, farthest->distance, p->row_norm[i]) > least_kept + bound_of(p, i);
}

/* What float32 says, unproved. */
static void take_as_is(const kin_scan_pass *p, int64_t i, const kin_select *near, kin_hit *hits)
{
    for (int64_t a = 0; a < near->used; a++)
        hits[a] = (kin_hit){key_to_distance(p, kin_select_number(near->word[a]), p->row_norm[i]),
                            kin_select_index(near->word[a])};
}

void kin_scan_leave_for_next(kin_scan_pass *p, int64_t i)
{
    p->again[atomic_fetch_add(&p->failed, 1)] = (int32_t)i;
}

static void emit_list(const kin_scan *s, int64_t q, kin_hit *hits)
{
    for (int64_t a = 0; a < s->list; a++) hits[a].index -= s->query.count;
    s->emit_list(s->arg, q, hits);
}

/* Row i's neighbours and farthest item; false where the next pass must find them. */
static bool settle_row(kin_scan_pass *p, kin_scan_scratch *me, int64_t i, kin_select *near, kin_select *far,
                       kin_hit *hits)
{
    const kin_scan *s = p->scan;
    int64_t all = p->items - kin_scan_skips_itself(s);
    kin_hit farthest = {0};
    if (s->float32_order) {
        take_as_is(p, i, near, hits);
        if (s->farthest) rescore_far(p, i, far, all, &farthest);
    } else {
        bool settled = rescore_near(p, i, near, &p->near, all, hits, me->spare) &&
                       (!s->farthest || rescore_far(p, i, far, all, &farthest));
        if (!settled && p->coarse) return false;
        if (!settled) compare_all(p, i, 0, &p->near, hits, &farthest, me->spare);
    }
    s->emit(s->arg, i, hits, s->farthest ? &farthest : NULL);
    return true;
}

/* Query i's list; false where the next pass must find it. */
static bool settle_list(kin_scan_pass *p, kin_scan_scratch *me, int64_t i, kin_select *list, kin_hit *hits)
{
    kin_hit farthest;
    bool settled = rescore_near(p, i, list, &p->list, p->scan->gallery.count, hits, me->spare);
    if (!settled && p->coarse) return false;
    if (!settled) compare_all(p, i, p->scan->query.count, &p->list, hits, &farthest, me->spare);
    emit_list(p->scan, i, hits);
    return true;
}

void kin_scan_rescore_lists(kin_scan_pass *p, kin_scan_scratch *me, kin_select *list, int64_t first,
                            int64_t rows)
{
    /* Queries come first: those that want a list are the first rows of any block. */
    int64_t wanting = 0;
    while (wanting < rows && kin_scan_wants_list(p->scan, kin_scan_row_of(p, first + wanting))) wanting++;
    measure(p, me, list, p->list.k, first, wanting);
    for (int64_t r = 0; r < wanting; r++) {
        int64_t i = kin_scan_row_of(p, first + r);
        p->list_failed[i] = !settle_list(p, me, i, &list[r], collect(p, me, r, list[r].used));
    }
}

void kin_scan_rescore(kin_scan_pass *p, kin_scan_scratch *me, kin_select *near, kin_select *far,
                      int64_t first, int64_t rows)
{
    measure(p, me, near, p->near.k, first, rows);
    for (int64_t r = 0; r < rows; r++) {
        int64_t i = kin_scan_row_of(p, first + r);
        bool settled = settle_row(p, me, i, &near[r], p->scan->farthest ? &far[r] : NULL,
                                  collect(p, me, r, near[r].used));
        atomic_fetch_add(&p->tried, 1);
        if (!settled || (p->coarse && kin_scan_wants_list(p->scan, i) && p->list_failed[i]))
            kin_scan_leave_for_next(p, i);
    }
}
