/* What a row's best k must reach, guessed before it meets the first item. Selection that begins without a
 * bound takes nearly all items at first, and four fifths of what it takes go again; products with a few
 * hundred items from all over the gallery, one or two hundredths of the work, tell how near the k-th is.
 * The guess has a margin of four deviations. One that was too narrow all the same leaves fewer than k, or
 * a list that is not proved complete: such a row goes to the pass in float32, as others do. */
#include "retrieval/search/scan_parts.h"

#include "base/memory.h"

#include <math.h>

enum { SAMPLE = 3 * KIN_SCAN_COLUMNS, WORTH = 16 /* samples' worth of items, for fewer it does not pay */ };

/* The golden ratio steps through the gallery without falling in with any order that it may have. */
static int64_t sampled(const kin_scan_pass *p, int64_t i)
{
    return (int64_t)((uint64_t)((uint32_t)i * UINT32_C(2654435769)) * (uint64_t)p->items >> 32);
}

/* How many of the sample shall be within the bound. */
static int64_t rank_of(const kin_scan_pass *p)
{
    double expected = (double)p->near.keep * SAMPLE / (double)p->items;
    return (int64_t)ceil(expected + 4 * sqrt(expected) + 2);
}

bool kin_scan_sample_scratch(kin_scan_pass *p)
{
    bool whole = p->coarse && !p->symmetric && p->cut.splits == 1 && p->cut.chunk >= p->items &&
                 p->items >= WORTH * SAMPLE;
    int64_t rank = rank_of(p);
    p->sample = (kin_scan_sample){0};
    /* of so few, more are within than there is room for */
    if (!whole || rank * p->items > (p->near.capacity - KIN_SELECT_STEP) * SAMPLE) return true;
    p->sample.rank = rank;
    p->sample.panels = kin_alloc((size_t)kin_scan_panel_bytes(p, SAMPLE));
    p->sample.number = kin_alloc_array(SAMPLE, 3 * sizeof(float));
    return p->sample.panels && p->sample.number;
}

/* Copies of the packed items' columns. */
void kin_scan_take_sample(kin_scan_pass *p)
{
    if (!p->sample.rank) return;
    int64_t nr = p->coarse->nr, pairs = kin_coarse_pairs(p->dim);
    float *base = p->sample.number, *scale = base + SAMPLE, *unit = scale + SAMPLE;
    for (int64_t i = 0; i < SAMPLE; i++) {
        int64_t item = sampled(p, i);
        const kin_coarse_pair *from = (const kin_coarse_pair *)p->panels + item / nr * nr * pairs + item % nr;
        kin_coarse_pair *to = p->sample.panels + i / nr * nr * pairs + i % nr;
        for (int64_t k = 0; k < pairs; k++) to[k * nr] = from[k * nr];
        base[i] = p->base[item], scale[i] = p->scale[item], unit[i] = p->unit[item];
    }
}

void kin_scan_bound(const kin_scan_pass *p, kin_scan_scratch *me, kin_select *near, int64_t rows)
{
    if (!p->sample.rank) return;
    const float *base = p->sample.number, *scale = base + SAMPLE, *unit = scale + SAMPLE;
    for (int64_t r = 0; r < rows; r++)
        kin_select_begin(&near[r], near[r].word, p->sample.rank, p->near.capacity);
    for (int64_t at = 0; at < SAMPLE; at += KIN_SCAN_COLUMNS) {
        kin_scan_multiply_panels(p, me, rows, p->sample.panels + at * kin_coarse_pairs(p->dim), unit + at,
                                 KIN_SCAN_COLUMNS);
        for (int64_t r = 0; r < rows; r++)
            kin_select_offer(&near[r], me->tile + r * KIN_SCAN_COLUMNS, base + at, scale + at,
                             KIN_SCAN_COLUMNS, at, -1);
    }
    for (int64_t r = 0; r < rows; r++) {
        kin_select_end(&near[r]);
        float bound = near[r].bound;
        kin_select_begin(&near[r], near[r].word, p->near.keep, p->near.capacity);
        kin_select_limit(&near[r], bound);
    }
}
