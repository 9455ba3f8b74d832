/* The coefficients of a macroblock [RFC 6386, section 13]: tokens, whose probabilities follow from the kind of
 * block, the coefficient's place, and how large its predecessor was; the first's from the blocks above and to
 * the left. */
#include "data/images/vp8.h"

#include <string.h>

/* Categories of large values: odds of their extra bits, from the top; the first of each is told beside. */
static const uint8_t extra[4][12] = {{173, 148, 140, 0},
                                     {176, 155, 140, 135, 0},
                                     {180, 157, 141, 134, 130, 0},
                                     {254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129, 0}};
static const uint8_t zigzag[16] = {0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15};
static const uint8_t band[17] = {0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0};

/* A value above 1, at the tree's branch that tells it from 1. */
static int large_value(kin_vp8_bool *b, const uint8_t *odds)
{
    if (!kin_vp8_bit(b, odds[3])) {
        if (!kin_vp8_bit(b, odds[4])) return 2;
        return 3 + kin_vp8_bit(b, odds[5]);
    }
    if (!kin_vp8_bit(b, odds[6])) {
        if (!kin_vp8_bit(b, odds[7])) return 5 + kin_vp8_bit(b, 159);
        int high = kin_vp8_bit(b, 165);
        return 7 + 2 * high + kin_vp8_bit(b, 145);
    }
    int high = kin_vp8_bit(b, odds[8]), category = 2 * high + kin_vp8_bit(b, odds[9 + high]), value = 0;
    for (const uint8_t *e = extra[category]; *e; e++) value = 2 * value + kin_vp8_bit(b, *e);
    return value + 3 + (8 << category);
}

/* The block's coefficients from the first-th on, times their steps; returns the place behind the last one that
 * was written. Of damaged files products are cut to 16 bits. */
static int read_block(kin_vp8_bool *b, const uint8_t odds[][KIN_VP8_CONTEXTS][KIN_VP8_BRANCHES], int context,
                      int first, const int steps[2], int16_t *to)
{
    const uint8_t *p = odds[band[first]][context];
    for (int n = first; n < 16; n++) {
        if (!kin_vp8_bit(b, p[0])) return n; /* no more */
        while (!kin_vp8_bit(b, p[1])) {      /* a zero, after which there is more */
            if (++n == 16) return 16;
            p = odds[band[n]][0];
        }
        int value = 1;
        if (kin_vp8_bit(b, p[2])) value = large_value(b, p);
        p = odds[band[n + 1]][value > 1 ? 2 : 1];
        to[zigzag[n]] = (int16_t)(kin_vp8_with_sign(b, value) * steps[n > 0]);
    }
    return 16;
}

/* The inverse Walsh-Hadamard transform: the DCs of the sixteen luma blocks, each the first of its own. */
static void spread(const int16_t in[16], int16_t (*to)[16])
{
    int rows[16];
    for (int i = 0; i < 4; i++) {
        int a0 = in[i] + in[12 + i], a1 = in[4 + i] + in[8 + i], a2 = in[4 + i] - in[8 + i],
            a3 = in[i] - in[12 + i];
        rows[i] = a0 + a1, rows[8 + i] = a0 - a1, rows[4 + i] = a3 + a2, rows[12 + i] = a3 - a2;
    }
    for (int i = 0; i < 4; i++) {
        const int *r = rows + 4 * i;
        int first = r[0] + 3, a0 = first + r[3], a1 = r[1] + r[2], a2 = r[1] - r[2], a3 = first - r[3];
        to[4 * i][0] = (int16_t)((a0 + a1) >> 3);
        to[4 * i + 1][0] = (int16_t)((a3 + a2) >> 3);
        to[4 * i + 2][0] = (int16_t)((a0 - a1) >> 3);
        to[4 * i + 3][0] = (int16_t)((a3 - a2) >> 3);
    }
}

static void note(kin_vp8_block *m, int i, int count)
{
    m->filled[0] |= (uint32_t)(count > 1 || m->coefficients[i][0]) << i;
    m->filled[1] |= (uint32_t)(count > 1) << i;
}

static void no_coefficients(kin_vp8 *v, kin_vp8_context *above)
{
    kin_vp8_context *beside[2] = {above, &v->left};
    for (int i = 0; i < 2; i++) {
        memset(beside[i]->luma, 0, sizeof above->luma);
        memset(beside[i]->chroma, 0, sizeof above->chroma);
        if (!v->block.fours) beside[i]->luma_dc = 0; /* else the next one looks further back */
    }
}

void kin_vp8_read_coefficients(kin_vp8 *v, kin_vp8_bool *b, int column)
{
    kin_vp8_block *m = &v->block;
    kin_vp8_context *above = &v->above[column], *left = &v->left;
    const kin_vp8_steps *steps = &v->steps[m->segment];
    m->filled[0] = m->filled[1] = 0;
    if (m->skipped) {
        no_coefficients(v, above);
        return;
    }
    memset(m->coefficients, 0, sizeof m->coefficients);
    int kind = KIN_VP8_LUMA, first = 0;
    if (!m->fours) {
        int16_t dc[16] = {0};
        int count = read_block(b, (const uint8_t(*)[3][11])v->odds[KIN_VP8_LUMA_DC],
                               above->luma_dc + left->luma_dc, 0, steps->luma_dc, dc);
        above->luma_dc = left->luma_dc = count > 0;
        spread(dc, m->coefficients);
        kind = KIN_VP8_LUMA_AC, first = 1;
    }
    for (int i = 0; i < 16; i++) {
        uint8_t *up = &above->luma[i % 4], *beside = &left->luma[i / 4];
        int count = read_block(b, (const uint8_t(*)[3][11])v->odds[kind], *up + *beside, first, steps->luma,
                               m->coefficients[i]);
        *up = *beside = count > first;
        note(m, i, count);
    }
    for (int i = 0; i < 8; i++) {
        uint8_t *up = &above->chroma[i / 4][i % 2], *beside = &left->chroma[i / 4][i / 2 % 2];
        int count = read_block(b, (const uint8_t(*)[3][11])v->odds[KIN_VP8_CHROMA], *up + *beside, 0,
                               steps->chroma, m->coefficients[16 + i]);
        *up = *beside = count > 0;
        note(m, 16 + i, count);
    }
}
