/* How a macroblock is predicted: as a whole or in 4 x 4 blocks, whose modes are told by those of their
 * neighbours above and to the left [RFC 6386, sections 8, 10, 11]. */
#include "data/images/vp8.h"

#include <string.h>

/* A tree's odd entries follow a 1; entries above 0 are places in it, others a leaf's negative. Branch i / 2 of
 * the odds belongs to the pair at i. */
static int leaf(kin_vp8_bool *b, const int8_t *tree, const uint8_t *odds)
{
    int i = 0;
    do i = tree[i + kin_vp8_bit(b, odds[i >> 1])];
    while (i > 0);
    return -i;
}

static const int8_t small_tree[2 * (KIN_VP8_MODES - 1)] = {
    -KIN_VP8_DC, 2,           -KIN_VP8_TM, 4,  -KIN_VP8_V,  6,  8,           12,         -KIN_VP8_H, 10,
    -KIN_VP8_RD, -KIN_VP8_VR, -KIN_VP8_LD, 14, -KIN_VP8_VL, 16, -KIN_VP8_HD, -KIN_VP8_HU};
static const int8_t chroma_tree[6] = {-KIN_VP8_DC, 2, -KIN_VP8_V, 4, -KIN_VP8_H, -KIN_VP8_TM};
static const uint8_t chroma_odds[3] = {142, 114, 183};
static const int8_t segment_tree[6] = {2, 4, 0, -1, -2, -3};

static void read_whole_mode(kin_vp8 *v, kin_vp8_context *above)
{
    kin_vp8_bool *b = &v->header;
    int mode;
    if (kin_vp8_bit(b, 156)) mode = kin_vp8_bit(b, 128) ? KIN_VP8_TM : KIN_VP8_H;
    else mode = kin_vp8_bit(b, 163) ? KIN_VP8_V : KIN_VP8_DC;
    v->block.mode = (uint8_t)mode;
    memset(above->modes, mode, 4);
    memset(v->left.modes, mode, 4);
}

static void read_small_modes(kin_vp8 *v, kin_vp8_context *above)
{
    for (int i = 0; i < 16; i++) {
        uint8_t *up = &above->modes[i % 4], *left = &v->left.modes[i / 4];
        *up = *left = v->block.modes[i] = (uint8_t)leaf(&v->header, small_tree,
                                                        kin_vp8_mode_odds[*up][*left]);
    }
}

void kin_vp8_read_modes(kin_vp8 *v, int column)
{
    kin_vp8_bool *b = &v->header;
    kin_vp8_block *m = &v->block;
    m->segment = 0;
    if (v->mapped) m->segment = (uint8_t)leaf(b, segment_tree, v->segment_odds);
    m->skipped = v->may_skip && kin_vp8_bit(b, v->skip_odds);
    m->fours = !kin_vp8_bit(b, 145);
    if (m->fours) read_small_modes(v, &v->above[column]);
    else read_whole_mode(v, &v->above[column]);
    m->chroma_mode = (uint8_t)leaf(b, chroma_tree, chroma_odds);
}
