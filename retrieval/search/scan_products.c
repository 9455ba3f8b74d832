#include "retrieval/search/scan_parts.h"

#include "retrieval/search/kernels.h"

#include <string.h>

enum { LINE = 64 / (int)sizeof(kin_coarse_pair) /* pairs in a line of the cache */ };

/* --- packing --- */

int64_t kin_scan_panel_bytes(const kin_scan_pass *p, int64_t items)
{
    int64_t width = p->coarse ? p->coarse->nr : p->tiles->nr,
            row = p->coarse ? kin_coarse_pairs(p->dim) * (int64_t)sizeof(kin_coarse_pair)
                            : p->dim * (int64_t)sizeof(float);
    return kin_round_up(items, width) * row;
}

static void pack_coarse_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    kin_scan_pass *p = arg;
    int64_t nr = p->coarse->nr, pairs = kin_coarse_pairs(p->dim), at = p->first + panel * nr;
    kin_coarse_pair *to = (kin_coarse_pair *)p->panels + panel * nr * pairs;
    for (int64_t j = 0; j < nr; j++) {
        p->unit[at + j] = 0;
        if (at + j < p->last)
            p->unit[at + j] = kin_coarse_round(kin_scan_item(p->scan, at + j), p->dim, p->norm[at + j],
                                               to + j, nr, &p->error[at + j]);
        else
            for (int64_t k = 0; k < pairs; k++) to[k * nr + j] = (kin_coarse_pair){{0, 0}};
    }
}

static void pack_panel(void *arg, int64_t panel, int worker)
{
    (void)worker;
    kin_scan_pass *p = arg;
    int64_t nr = p->tiles->nr, at = p->first + panel * nr;
    float *to = (float *)p->panels + panel * nr * p->dim;
    for (int64_t j = 0; j < nr; j++) {
        const float *item = at + j < p->last ? kin_scan_item(p->scan, at + j) : NULL;
        for (int64_t k = 0; k < p->dim; k++) to[k * nr + j] = item ? item[k] : 0;
    }
}

void kin_scan_pack(kin_scan_pass *p)
{
    int64_t count = p->last - p->first;
    if (p->coarse) kin_parallel_for(kin_blocks(count, p->coarse->nr), pack_coarse_panel, p);
    else kin_parallel_for(kin_blocks(count, p->tiles->nr), pack_panel, p);
}

/* --- products --- */

void kin_scan_round_rows(const kin_scan_pass *p, kin_scan_scratch *me, int64_t first, int64_t rows,
                         bool note_errors)
{
    if (!p->coarse) return;
    int64_t mr = p->coarse->mr, pairs = kin_coarse_pairs(p->dim);
    for (int64_t r = 0; r < kin_round_up(rows, mr); r++) {
        /* the last panel is filled up with its last row */
        int64_t i = kin_scan_row_of(p, first + kin_min(r, rows - 1));
        float error;
        me->row_scale[r] = kin_coarse_round(kin_scan_row(p->scan, i), p->dim, p->row_norm[i],
                                            me->pairs + r / mr * mr * pairs + r % mr, mr, &error);
        if (note_errors) p->row_error[i] = error;
    }
}

/* Asks for the next panel, a few lines with each of the row's tiles, while this one is used: `done` rows
 * of `rows` are. */
static inline void expect(const kin_coarse_pair *panel, int64_t pairs, int64_t done, int64_t step,
                          int64_t rows)
{
    for (int64_t at = pairs * done / rows / LINE * LINE; at < pairs * (done + step) / rows / LINE * LINE;
         at += LINE)
        __builtin_prefetch(panel + at);
}

void kin_scan_multiply_panels(const kin_scan_pass *p, kin_scan_scratch *me, int64_t rows,
                              const kin_coarse_pair *panels, const float *unit, int64_t columns)
{
    const kin_coarse *t = p->coarse;
    int64_t pairs = kin_coarse_pairs(p->dim);
    for (int64_t k = 0; k < pairs; k += KIN_SCAN_STEP) {
        int64_t length = kin_min(KIN_SCAN_STEP, pairs - k);
        for (int64_t j = 0; j < columns; j += t->nr) {
            const kin_coarse_pair *panel = panels + j * pairs + k * t->nr;
            for (int64_t r = 0; r < rows; r += t->mr) {
                const kin_coarse_pair *row = me->pairs + r * pairs + k * t->mr;
                expect(panel + t->nr * pairs, length * t->nr, r, t->mr, rows);
                t->rows(row, panel, length, me->row_scale + r, unit + j, me->tile + r * KIN_SCAN_COLUMNS + j,
                        KIN_SCAN_COLUMNS, kin_min(t->mr, rows - r), k > 0);
            }
        }
    }
}

static void multiply_floats(const kin_scan_pass *p, kin_scan_scratch *me, int64_t first, int64_t rows,
                            int64_t g, int64_t columns)
{
    const kin_tiles *t = p->tiles;
    for (int64_t k = 0; k < p->dim; k += KIN_SCAN_STEP) {
        for (int64_t j = 0; j < columns; j += t->nr) {
            const float *panel = (const float *)p->panels + (g - p->first + j) * p->dim + k * t->nr;
            kin_tile_out out = {.columns = kin_min(t->nr, columns - j), .accumulate = k > 0};
            for (int64_t r = 0; r < rows; r += t->mr) {
                const float *row[KIN_MR_MAX];
                out.rows = kin_min(t->mr, rows - r);
                for (int64_t i = 0; i < t->mr; i++) {
                    row[i] = kin_scan_row(p->scan, kin_scan_row_of(p, first + kin_min(r + i, rows - 1))) + k;
                    out.c[i] = me->tile + (r + i) * KIN_SCAN_COLUMNS + j;
                }
                t->rows(row, (int64_t[]){0}, 1, kin_min(KIN_SCAN_STEP, p->dim - k), panel, &out);
            }
        }
    }
}

static void multiply_unpacked(const kin_scan_pass *p, kin_scan_scratch *me, int64_t first, int64_t rows,
                              int64_t g, int64_t columns)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t r = 0; r < rows; r++)
            me->tile[r * KIN_SCAN_COLUMNS + j] = kin_search_kernels_get()->dot(
                kin_scan_row(p->scan, kin_scan_row_of(p, first + r)), kin_scan_item(p->scan, g + j), p->dim);
}

void kin_scan_multiply(const kin_scan_pass *p, kin_scan_scratch *me, int64_t first, int64_t rows, int64_t g,
                       int64_t columns)
{
    if (!p->panels) multiply_unpacked(p, me, first, rows, g, columns);
    else if (p->coarse)
        kin_scan_multiply_panels(p, me, rows,
                                 (kin_coarse_pair *)p->panels + (g - p->first) * kin_coarse_pairs(p->dim),
                                 p->unit + g, columns);
    else multiply_floats(p, me, first, rows, g, columns);
}
