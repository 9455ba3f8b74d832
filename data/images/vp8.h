/* The parts of the VP8 decoder [RFC 6386] for one another. A WebP picture is one key frame, predicted from
 * nothing but itself; sections are the RFC's.
 *   vp8.c          what a frame says of itself [9, 19.2], and the order of things
 *   vp8_bool.h     bits of given probabilities [7]
 *   vp8_modes.c    how a macroblock is predicted [8, 11]
 *   vp8_tokens.c   its coefficients [13]
 *   vp8_predict.c  samples from their neighbours [12]
 *   vp8_samples.simd.c  coefficients to residues [14], edges smoothed [15], planes to colours
 *   vp8_picture.c  planes to the picture
 *   vp8_tables.c   the RFC's numbers */
#ifndef KIN_DATA_IMAGES_VP8_H
#define KIN_DATA_IMAGES_VP8_H

#include "data/images/image.h"
#include "data/images/vp8_bool.h"

#include <stddef.h>
#include <stdint.h>

/* Modes of a 4 x 4 block in the RFC's order; the first four are those of 16 x 16 and of chroma too. */
enum {
    KIN_VP8_DC,
    KIN_VP8_TM,
    KIN_VP8_V,
    KIN_VP8_H,
    KIN_VP8_LD,
    KIN_VP8_RD,
    KIN_VP8_VR,
    KIN_VP8_VL,
    KIN_VP8_HD,
    KIN_VP8_HU,
    KIN_VP8_MODES
};

enum {
    KIN_VP8_SEGMENTS = 4,
    KIN_VP8_PARTITIONS = 8,
    /* kinds of blocks as coefficients tell them apart: luma without its DC, the DCs of a macroblock, chroma,
     * luma */
    KIN_VP8_LUMA_AC = 0,
    KIN_VP8_LUMA_DC,
    KIN_VP8_CHROMA,
    KIN_VP8_LUMA,
    KIN_VP8_KINDS,
    KIN_VP8_BANDS = 8,
    KIN_VP8_CONTEXTS = 3,
    KIN_VP8_BRANCHES = 11
};

typedef uint8_t kin_vp8_odds[KIN_VP8_KINDS][KIN_VP8_BANDS][KIN_VP8_CONTEXTS][KIN_VP8_BRANCHES];

/* Steps of quantisation, DC and AC. */
typedef struct kin_vp8_steps {
    int luma[2], luma_dc[2], chroma[2];
} kin_vp8_steps;

/* How a macroblock's edges are smoothed. */
typedef struct kin_vp8_edges {
    uint8_t limit;    /* of the difference across an inner edge; 0: not at all */
    uint8_t interior; /* of the differences beside it */
    uint8_t variance; /* from which on an edge counts as one of the picture */
    bool inner;       /* the edges of its blocks too */
} kin_vp8_edges;

/* A macroblock: 16 x 16 luma samples, 8 x 8 of each chroma. */
typedef struct kin_vp8_block {
    uint8_t segment;
    bool skipped; /* it has no coefficients, its bits say */
    bool fours;   /* each 4 x 4 of luma has a mode of its own */
    uint8_t mode, chroma_mode, modes[16];
    uint32_t filled[2]; /* a bit for each of the 16 + 8 blocks: has coefficients; has others than DC */
    int16_t coefficients[24][16]; /* luma, then both chromas, in rows; times their steps */
} kin_vp8_block;

/* What lies above a macroblock, or to its left. */
typedef struct kin_vp8_context {
    uint8_t modes[4];
    /* whether the blocks beside had coefficients: luma, both chromas, the DCs */
    uint8_t luma[4], chroma[2][2], luma_dc;
} kin_vp8_context;

typedef struct kin_vp8_plane {
    uint8_t *memory, *data; /* what is allocated; the first sample, with a row above and 16 bytes before it */
    size_t stride;
} kin_vp8_plane;

typedef struct kin_vp8 {
    int width, height, blocks_wide, blocks_high;
    kin_vp8_bool header; /* the first partition: the frame's header, then the modes */
    kin_vp8_bool tokens[KIN_VP8_PARTITIONS];
    int partitions;
    bool segmented, mapped; /* there are segments; each macroblock says which is its own */
    uint8_t segment_odds[3];
    kin_vp8_steps steps[KIN_VP8_SEGMENTS];
    bool simple, smooth;                          /* which filter; whether there is one */
    kin_vp8_edges strengths[KIN_VP8_SEGMENTS][2]; /* [segment][fours] */
    bool may_skip;
    uint8_t skip_odds;
    kin_vp8_odds odds;
    kin_vp8_context left, *above; /* [blocks_wide] */
    kin_vp8_edges *edges;         /* [blocks_wide], of two rows in turn */
    kin_vp8_plane plane[3];
    kin_vp8_block block; /* the one at hand */
} kin_vp8;

extern const uint8_t kin_vp8_mode_odds[KIN_VP8_MODES][KIN_VP8_MODES][KIN_VP8_MODES - 1];
extern const kin_vp8_odds kin_vp8_default_odds, kin_vp8_update_odds;
extern const uint8_t kin_vp8_dc_steps[128];
extern const uint16_t kin_vp8_ac_steps[128];

/* The size that a frame states, after what can be said of its first ten bytes. */
bool kin_vp8_size(const uint8_t *bytes, size_t size, int *width, int *height, kin_error *err);
/* The picture, of 3 channels, or of 4 of which the last is left to the caller. */
bool kin_vp8_decode(const uint8_t *bytes, size_t size, int channels, kin_image *out, kin_error *err);

/* Reads the modes of v->block at this column. */
void kin_vp8_read_modes(kin_vp8 *v, int column);
/* Reads its coefficients. */
void kin_vp8_read_coefficients(kin_vp8 *v, kin_vp8_bool *bits, int column);
/* Predicts it and adds what its coefficients say. */
void kin_vp8_predict(kin_vp8 *v, int column, int row);
/* Smooths the edges of a row of macroblocks, whose lower neighbours have been predicted. */
void kin_vp8_smooth_row(const kin_vp8 *v, int row);
/* Planes to pixels. */
bool kin_vp8_picture(const kin_vp8 *v, kin_image *out, kin_error *err);

/* ---- vp8_samples.simd.c, once per instruction set ---- */
typedef struct kin_vp8_samples {
    /* Adds the inverse transform of 4 x 4 coefficients to samples. */
    void (*add_residue)(const int16_t *coefficients, uint8_t *to, size_t stride);
    /* Smooth the edges of a macroblock: the left one and the upper one where they are asked for. */
    void (*smooth_luma)(uint8_t *y, size_t stride, kin_vp8_edges edges, bool simple, bool left, bool above);
    void (*smooth_chroma)(uint8_t *u, uint8_t *v, size_t stride, kin_vp8_edges edges, bool left, bool above);
    /* A row of chroma to twice its width: `near` counts three times as much as `far`; out [n]. */
    void (*upsample)(const uint8_t *near, const uint8_t *far, int n, uint8_t *out);
    void (*to_rgb)(const uint8_t *y, const uint8_t *u, const uint8_t *v, int n, int channels, uint8_t *out);
} kin_vp8_samples;
const kin_vp8_samples *kin_vp8_kernels(void);

#endif
