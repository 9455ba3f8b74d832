/* Samples from those above and to the left of them [RFC 6386, section 12], and what the coefficients add. */
#include "data/images/vp8.h"

#include <string.h>

static inline uint8_t clip(int value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

/* ---- whole blocks, of 16 or 8 samples a side ---- */

/* The mean of the edges that there are; 128 without any. */
static void predict_dc(uint8_t *to, size_t stride, int side, bool left, bool above)
{
    unsigned sum = 0, count = (unsigned)side * ((unsigned)left + (unsigned)above), mean = 128;
    for (int i = 0; above && i < side; i++) sum += *(to - stride + i);
    for (int i = 0; left && i < side; i++) sum += *(to + (size_t)i * stride - 1);
    if (count) mean = (sum + count / 2) / count;
    for (int y = 0; y < side; y++) memset(to + (size_t)y * stride, (int)mean, (size_t)side);
}

/* "True motion": what is left of a row, changed as the row above changes. */
static inline void predict_tm(uint8_t *to, size_t stride, int side)
{
    const uint8_t *above = to - stride;
    for (int y = 0; y < side; y++, to += stride) {
        int change = to[-1] - above[-1];
        for (int x = 0; x < side; x++) to[x] = clip(above[x] + change);
    }
}

static void predict_whole(int mode, uint8_t *to, size_t stride, int side, bool left, bool above)
{
    switch (mode) {
    case KIN_VP8_DC: predict_dc(to, stride, side, left, above); break;
    case KIN_VP8_TM: side == 16 ? predict_tm(to, stride, 16) : predict_tm(to, stride, 8); break;
    case KIN_VP8_V:
        for (int y = 0; y < side; y++) memcpy(to + (size_t)y * stride, to - stride, (size_t)side);
        break;
    default:
        for (int y = 0; y < side; y++, to += stride) memset(to, to[-1], (size_t)side);
    }
}

/* ---- blocks of 4 x 4 ---- */

/* Thirteen samples along the edge: from the lowest of the left column, e[0], over the corner, e[4], to the last
 * of the row above, e[12]. Most modes draw it, smoothed, along a direction. */
static inline uint8_t two(const uint8_t *e) { return (uint8_t)((e[0] + e[1] + 1) >> 1); }
static inline uint8_t three(const uint8_t *e) { return (uint8_t)((e[-1] + 2 * e[0] + e[1] + 2) >> 2); }

/* Sample (x, y) is the value for x + y · step, so many of which lie before. */
static inline void slant(uint8_t *to, size_t stride, const uint8_t *values, int step)
{
    for (int y = 0; y < 4; y++, values += step) memcpy(to + (size_t)y * stride, values, 4);
}

static void predict_ld(const uint8_t *e, uint8_t *to, size_t stride)
{
    uint8_t values[7];
    for (int i = 0; i < 6; i++) values[i] = three(e + 6 + i);
    values[6] = (uint8_t)((e[11] + 3 * e[12] + 2) >> 2);
    slant(to, stride, values, 1);
}

static void predict_rd(const uint8_t *e, uint8_t *to, size_t stride)
{
    uint8_t values[7];
    for (int i = 0; i < 7; i++) values[i] = three(e + 1 + i);
    slant(to, stride, values + 3, -1);
}

/* Rows in turn of means of two and of three; each pair is shifted by one. */
static void predict_vr(const uint8_t *e, uint8_t *to, size_t stride)
{
    uint8_t even[5], odd[5];
    for (int i = 1; i < 5; i++) even[i] = two(e + 3 + i), odd[i] = three(e + 3 + i);
    even[0] = three(e + 3), odd[0] = three(e + 2);
    for (int y = 0; y < 4; y++) memcpy(to + (size_t)y * stride, (y % 2 ? odd : even) + 1 - y / 2, 4);
}

static void predict_vl(const uint8_t *e, uint8_t *to, size_t stride)
{
    uint8_t even[5], odd[5];
    for (int i = 0; i < 4; i++) even[i] = two(e + 5 + i), odd[i] = three(e + 6 + i);
    even[4] = three(e + 10), odd[4] = three(e + 11);
    /* the last sample of the third row is taken from the fourth's means [as the RFC has it] */
    for (int y = 0; y < 4; y++) memcpy(to + (size_t)y * stride, (y % 2 ? odd : even) + y / 2, 4);
}

static void predict_hd(const uint8_t *e, uint8_t *to, size_t stride)
{
    uint8_t values[10];
    for (int i = 0; i < 4; i++) values[2 * i] = two(e + i), values[2 * i + 1] = three(e + 1 + i);
    values[8] = three(e + 5), values[9] = three(e + 6);
    slant(to, stride, values + 6, -2);
}

static void predict_hu(const uint8_t *e, uint8_t *to, size_t stride)
{
    uint8_t values[10];
    for (int i = 0; i < 3; i++) values[2 * i] = two(e + 2 - i);
    values[1] = three(e + 2), values[3] = three(e + 1);
    values[5] = (uint8_t)((e[1] + 3 * e[0] + 2) >> 2);
    memset(values + 6, e[0], 4);
    slant(to, stride, values, 2);
}

static void predict_small(int mode, const uint8_t *e, uint8_t *to, size_t stride)
{
    unsigned sum = 4;
    switch (mode) {
    case KIN_VP8_DC:
        for (int i = 0; i < 4; i++) sum += e[i] + e[5 + i];
        for (int y = 0; y < 4; y++) memset(to + (size_t)y * stride, (int)(sum >> 3), 4);
        break;
    case KIN_VP8_TM: predict_tm(to, stride, 4); break;
    case KIN_VP8_V:
        for (int x = 0; x < 4; x++) to[x] = three(e + 5 + x);
        for (int y = 1; y < 4; y++) memcpy(to + (size_t)y * stride, to, 4);
        break;
    case KIN_VP8_H:
        for (int y = 0; y < 3; y++) memset(to + (size_t)y * stride, three(e + 3 - y), 4);
        memset(to + 3 * stride, (e[1] + 3 * e[0] + 2) >> 2, 4);
        break;
    case KIN_VP8_LD: predict_ld(e, to, stride); break;
    case KIN_VP8_RD: predict_rd(e, to, stride); break;
    case KIN_VP8_VR: predict_vr(e, to, stride); break;
    case KIN_VP8_VL: predict_vl(e, to, stride); break;
    case KIN_VP8_HD: predict_hd(e, to, stride); break;
    default: predict_hu(e, to, stride);
    }
}

/* ---- a macroblock ---- */

static void add_residue(const kin_vp8_block *m, int i, uint8_t *to, size_t stride)
{
    if (!(m->filled[0] >> i & 1)) return;
    if (m->filled[1] >> i & 1) {
        kin_vp8_kernels()->add_residue(m->coefficients[i], to, stride);
        return;
    }
    int all = (m->coefficients[i][0] + 4) >> 3;
    for (int y = 0; y < 4; y++, to += stride)
        for (int x = 0; x < 4; x++) to[x] = clip(to[x] + all);
}

/* The four samples above and to the right of a macroblock: of the row above; its last sample repeated where that
 * ends. All four rows of its rightmost blocks use them, for what is right of them is not known yet. */
static void right_above(const kin_vp8 *v, int column, int row, const uint8_t *to, uint8_t right[4])
{
    const uint8_t *above = to - v->plane[0].stride;
    if (row > 0 && column == v->blocks_wide - 1) memset(right, above[15], 4);
    else memcpy(right, above + 16, 4);
}

static void predict_fours(const kin_vp8 *v, int column, int row, uint8_t *to)
{
    size_t stride = v->plane[0].stride;
    const kin_vp8_block *m = &v->block;
    uint8_t right[4], edge[13];
    right_above(v, column, row, to, right);
    for (int i = 0; i < 16; i++) {
        uint8_t *at = to + (size_t)(i / 4) * 4 * stride + (size_t)(i % 4) * 4;
        for (int y = 0; y < 4; y++) edge[3 - y] = *(at + (size_t)y * stride - 1);
        memcpy(edge + 4, at - stride - 1, 5);
        memcpy(edge + 9, i % 4 == 3 ? right : at - stride + 4, 4);
        predict_small(m->modes[i], edge, at, stride);
        add_residue(m, i, at, stride);
    }
}

void kin_vp8_predict(kin_vp8 *v, int column, int row)
{
    const kin_vp8_block *m = &v->block;
    size_t stride = v->plane[0].stride;
    uint8_t *to = v->plane[0].data + (size_t)row * 16 * stride + (size_t)column * 16;
    if (m->fours) predict_fours(v, column, row, to);
    else {
        predict_whole(m->mode, to, stride, 16, column > 0, row > 0);
        for (int i = 0; m->filled[0] & 0xffff && i < 16; i++)
            add_residue(m, i, to + (size_t)(i / 4) * 4 * stride + (size_t)(i % 4) * 4, stride);
    }
    for (int c = 0; c < 2; c++) {
        stride = v->plane[1 + c].stride;
        to = v->plane[1 + c].data + (size_t)row * 8 * stride + (size_t)column * 8;
        predict_whole(m->chroma_mode, to, stride, 8, column > 0, row > 0);
        for (int i = 0; i < 4; i++)
            add_residue(m, 16 + 4 * c + i, to + (size_t)(i / 2) * 4 * stride + (size_t)(i % 2) * 4, stride);
    }
}
