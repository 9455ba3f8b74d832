/* Inside the scan: one pass over all pairs of rows and items, in five files. scan_norms.c measures rows and items,
 * scan_products.c multiplies a tile of them, scan_sample.c guesses how near the best are, scan_rescore.c proves
 * and measures what was selected, scan.c leads. */
#ifndef KIN_RETRIEVAL_SEARCH_SCAN_PARTS_H
#define KIN_RETRIEVAL_SEARCH_SCAN_PARTS_H

#include "base/parallel.h"
#include "kernels/coarse.h"
#include "kernels/tile.h"
#include "retrieval/search/scan.h"
#include "retrieval/search/scan_cut.h"
#include "retrieval/search/select.h"

#include <pthread.h>
#include <stdatomic.h>

/* What is selected of a kind: the best k, of which `keep` candidates with a margin, in a buffer of
 * `capacity` words. */
typedef struct kin_scan_want {
    int64_t k, keep, capacity;
} kin_scan_want;

/* The largest a_g, b_g and ε_g of scan.c. */
typedef struct kin_scan_most {
    double a, b, error;
} kin_scan_most;

/* Items from all over the gallery, packed as it is; rank 0: none. */
typedef struct kin_scan_sample {
    int64_t rank; /* so many of the sample are within a row's bound */
    kin_coarse_pair *panels;
    float *number; /* base, scale and unit of each */
} kin_scan_sample;

/* A worker's own. */
typedef struct kin_scan_scratch {
    float *tile, *across;          /* [rows, COLUMNS], and its transpose [COLUMNS, ROWS] */
    kin_coarse_pair *pairs;        /* [rows, to whole panels; pairs of a row]: the block's rows in 16 bits */
    float *row_scale;              /* [rows] */
    uint64_t *words;               /* of the selections: [rows, capacity] each */
    kin_select *near, *far, *list; /* [rows] */
    uint64_t *order;               /* [rows + 1, keep]: candidates by item; the last row is for sorting */
    double *distance;              /* [rows, keep]: theirs */
    kin_hit *hits;                 /* [keep]: of one row */
    kin_hit *spare;                /* [4, keep] */
    int64_t *cursor;               /* [rows] */
    double *wide;                  /* [dim]: a row, while its candidates are measured */
    kin_scan_most most;            /* of the items that it weighed itself */
} kin_scan_scratch;

typedef struct kin_scan_pass {
    const kin_scan *scan;
    const kin_tiles *tiles;
    const kin_coarse *coarse; /* NULL: this pass is in float32 */
    int64_t items, dim;
    float *base, *scale, *far_base, *far_scale; /* [items] */
    float *unit, *error;                        /* coarse: s [items, to whole panels] and ε [items] */
    float *row_error;                           /* coarse, ε of rows; `error` where rows are items */
    double *norm, *row_norm;                    /* of items and rows; row_norm may be norm */
    kin_scan_most most;
    /* for few rows: items are measured and weighed as they are met, to come from memory once */
    bool late;
    int32_t *which;    /* [rows]: those of this pass; NULL: all */
    int32_t *again;    /* [all rows]: those that the next one must meet */
    bool *list_failed; /* [queries]: their list could not be proved */
    int64_t rows;      /* of this pass */
    kin_scan_want near, far, list;
    int64_t most_kept; /* of the three */
    kin_scan_sample sample;
    kin_scan_cut cut;
    int64_t first, last; /* the items packed now */
    void *panels;        /* the packed chunk, pairs or float32; NULL for few rows */
    /* [rows, splits, near.keep + far.keep + list.keep]: candidates so far, where the items are cut */
    uint64_t *kept;
    int32_t *kept_count; /* [rows, splits, 3] */
    /* Where rows are items, and selections of all fit: each pair is met once, and offered to both. */
    bool symmetric;
    kin_select *all_near, *all_far; /* [items] */
    uint64_t *all_words;
    pthread_mutex_t *lock; /* [blocks]: of a block's selections */
    kin_scan_scratch scratches[KIN_MAX_THREADS];
    atomic_llong done, tried, failed; /* pairs, and rows of the coarse pass */
    atomic_bool stopped, bad;         /* bad: an item met late has no norm to search by */
} kin_scan_pass;

static inline bool kin_scan_skips_itself(const kin_scan *s) { return s->leave_one_out || s->joined; }

/* The row of the scan that is row r of this pass. */
static inline int64_t kin_scan_row_of(const kin_scan_pass *p, int64_t r)
{
    return p->which ? p->which[r] : r;
}

static inline const float *kin_scan_item(const kin_scan *s, int64_t j)
{
    if (!s->joined) return kin_row(s->gallery, j);
    return j < s->query.count ? kin_row(s->query, j) : kin_row(s->gallery, j - s->query.count);
}

static inline const float *kin_scan_row(const kin_scan *s, int64_t i)
{
    return s->joined ? kin_scan_item(s, i) : kin_row(s->query, i);
}

/* Asks for a row's lines of memory ahead of their use. */
static inline void kin_scan_expect(const float *x, int64_t dim)
{
    for (int64_t d = 0; d < dim; d += 16) __builtin_prefetch(x + d);
}

/* Does row i want a list of the gallery, besides its neighbours? */
static inline bool kin_scan_wants_list(const kin_scan *s, int64_t i)
{
    return s->list > 0 && i < s->query.count;
}

/* Norms of all rows and, unless few rows meet them, items; an error where one cannot be searched by its own. */
bool kin_scan_measure(kin_scan_pass *p, kin_error *err);
bool kin_scan_measure_gallery(kin_scan_pass *p, kin_error *err);
/* Base and scale of items first .. last - 1, and the largest bounds among them. */
void kin_scan_weigh(kin_scan_pass *p, int64_t first, int64_t last, kin_scan_most *most);
/* Where few rows meet them: items g .. are read, measured and weighed while they are at hand. False: `bad`. */
bool kin_scan_weigh_late(kin_scan_pass *p, kin_scan_scratch *me, int64_t g, int64_t columns);
/* Packs items first .. last - 1, and gives them unit and error. */
void kin_scan_pack(kin_scan_pass *p);
int64_t kin_scan_panel_bytes(const kin_scan_pass *p, int64_t items);
/* Before products with rows of a block; `note_errors`: their rounding errors are kept in row_error. */
void kin_scan_round_rows(const kin_scan_pass *p, kin_scan_scratch *me, int64_t first, int64_t rows,
                         bool note_errors);
/* room.tile = products of rows `first` .. with items g .. */
void kin_scan_multiply(const kin_scan_pass *p, kin_scan_scratch *me, int64_t first, int64_t rows, int64_t g,
                       int64_t columns);
/* The same of the rounded rows and items in panels, of the given units. */
void kin_scan_multiply_panels(const kin_scan_pass *p, kin_scan_scratch *me, int64_t rows,
                              const kin_coarse_pair *panels, const float *unit, int64_t columns);

/* Is there a sample, then room for it; false: no memory. */
bool kin_scan_sample_scratch(kin_scan_pass *p);
/* When the items are packed. */
void kin_scan_take_sample(kin_scan_pass *p);
/* Before the rounded rows meet the first item: bounds to begin with, where there is a sample. */
void kin_scan_bound(const kin_scan_pass *p, kin_scan_scratch *me, kin_select *near, int64_t rows);

/* Lists of those rows `first` .. of the pass that want one: emits each, or marks it as not proved. */
void kin_scan_rescore_lists(kin_scan_pass *p, kin_scan_scratch *me, kin_select *list, int64_t first,
                            int64_t rows);
/* Then neighbours and farthest items of rows `first` ..: emits each row, or leaves it, and those with such
 * a mark, for the next pass. */
void kin_scan_rescore(kin_scan_pass *p, kin_scan_scratch *me, kin_select *near, kin_select *far,
                      int64_t first, int64_t rows);
void kin_scan_leave_for_next(kin_scan_pass *p, int64_t i);

#endif
