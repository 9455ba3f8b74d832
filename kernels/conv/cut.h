/* How convolutions are cut into parts (see kernels/cut.h): pure functions of shape, tile and threads. Sizes
 * are in numbers (kin_real) unless they say otherwise. */
#ifndef KIN_KERNELS_CONV_CUT_H
#define KIN_KERNELS_CONV_CUT_H

#include "kernels/conv/shape.h"
#include "kernels/cut.h"

/* What a shape is cut for: the register tile of an instruction set, which is all that a choice takes from it, and
 * so many threads. */
typedef struct kin_conv_machine {
    kin_tile_size tile;
    int64_t threads;
} kin_conv_machine;

/* ---- the implicit product (product.c) ---- */

enum {
    KIN_CONV_ROWS = 96,     /* of a block, rounded up to whole tiles */
    KIN_CONV_SEGMENTS = 32, /* taps of one pass, at most */
    KIN_CONV_APART = 16,    /* between rows that went through `begin` */
};

/* One product of `rows` × `n` numbers, with sums over some channels of some taps. `moves`: rows go through
 * `begin` to a block beside. */
typedef struct kin_conv_cut {
    int64_t rows, row_blocks, columns, column_blocks;
    int64_t taps, channels; /* of one pass */
} kin_conv_cut;

kin_conv_cut kin_conv_cut_of(int64_t rows, int64_t n, int64_t taps, int64_t channels, bool moves,
                             kin_tile_size tile);
/* Channels of one pass of a 1×1 kernel. */
int64_t kin_conv_cut_channels(int64_t channels, int64_t sum);
/* What a worker needs for any such product with at most so many rows and taps. */
typedef struct kin_conv_scratch {
    int64_t pointers; /* of the rows of a pass, in numbers */
    int64_t moved;    /* of rows that went through `begin` */
} kin_conv_scratch;
kin_conv_scratch kin_conv_scratch_of(int64_t rows, int64_t taps, int64_t channels, bool moves,
                                     kin_tile_size tile);

/* ---- the gradient of the weights (product_weight.c), of one group ---- */

enum {
    KIN_CONV_CHUNK = 256, /* pixels packed at a time, at most */
    KIN_CONV_STRIP = 256, /* columns; CHUNK × (STRIP + GROUP) floats stay in the second cache */
    KIN_CONV_GROUP = 96,  /* rows, rounded up to whole tiles */
};

typedef struct kin_conv_weight_cut {
    int64_t depth, n, taps, pixels;
    bool together;                 /* taps are packed together, padding included */
    int64_t taps_each, tap_groups; /* of a task */
    int64_t strips;                /* of columns */
    int64_t part_pixels, parts;    /* of the sum over pixels, with sums of their own */
    int64_t chunk;                 /* pixels packed at a time */
    int64_t rows, row_blocks;      /* of a tap, or of the taps together */
    int64_t group;                 /* rows packed at a time */
    int64_t tasks, workers;
    int64_t sums; /* of all parts; 0 where there is one */
    int64_t outputs, inputs /* packed by a worker */, moved /* through `begin` */;
} kin_conv_weight_cut;

kin_conv_weight_cut kin_conv_weight_cut_of(const kin_conv_shape *s, kin_tile_size tile, int64_t threads);

/* ---- Winograd's method (winograd.c) ---- */

enum {
    KIN_WINOGRAD_PANELS = 2, /* of weights, to a block of columns */
    KIN_WINOGRAD_ROWS = 16,  /* of a panel transformed at a time */
};

typedef struct kin_winograd_cut {
    int64_t n2, across, picture, tiles; /* tiles in a row, in a picture, in all */
    int64_t pitch;                      /* from tile to tile in V */
    int64_t columns, column_blocks;
    /* channels whose values are made at a time; columns of a task's sums */
    int64_t depth, width;
    int64_t block, part; /* tiles of a block whose values are made together, and of a task */
    /* from position to position in V: an odd number of cache lines, lest all fall on the same */
    int64_t position;
    bool shared, steps;
    int64_t apart;        /* from tile to tile in S, likewise */
    int64_t values, sums; /* numbers of V, and of a task's S */
    /* channels whose weights a task transforms at a time, 0 where it does not; from position to position
     * in U; numbers of U */
    int64_t step, u_position, weights;
} kin_winograd_cut;

kin_winograd_cut kin_winograd_cut_of(const kin_conv_shape *s, int m, kin_tile_size tile);
/* The same where each task transforms the weights of its columns, all tiles being made at once; false where
 * that does not pay, or its sums and weights do not fit. */
bool kin_winograd_cut_once(const kin_conv_shape *s, int m, kin_tile_size tile, kin_winograd_cut *c);

/* Of its gradient of the weights (winograd_weight.c). */
enum { KIN_WINOGRAD_SIDE = 64 /* rows and columns of S to a task */ };

typedef struct kin_winograd_weight_cut {
    int64_t n2, across, picture, tiles, block; /* tiles in a row, in a picture, in all, of a block */
    int64_t v_pitch, z_pitch, s_pitch;         /* from tile to tile in V and in Z, from row to row in S */
    int64_t row_blocks, column_blocks;
} kin_winograd_weight_cut;

kin_winograd_weight_cut kin_winograd_weight_cut_of(const kin_conv_shape *s, int m);

/* ---- depthwise (depthwise.c) ---- */

typedef struct kin_depthwise_cut {
    int64_t rows;        /* of output, whose input goes through `begin` together */
    int64_t buffer;      /* of that input */
    int64_t each, parts; /* rows of output for which the weights' gradient has sums of its own */
    int64_t size, sums;  /* of one part's sums, and of all */
} kin_depthwise_cut;

kin_depthwise_cut kin_depthwise_cut_of(const kin_conv_shape *s);

/* ---- inverted residuals (inverted.c) ---- */

typedef struct kin_inverted_cut {
    int64_t bands, band; /* of a picture; output rows of one */
    int64_t rows, slots; /* output rows at a time, rows of the wide map that they read */
    int64_t nr, panels;  /* columns of a panel; panels of the wide map */
    int64_t row;         /* numbers of a panel's row, which has its padding at both sides */
    /* from one panel of the wide map to the next; 0 where nothing of them is kept, and they share their
     * memory */
    int64_t panel;
    int64_t wide, narrow, places, near; /* numbers of the buffers */
    int64_t taps;                       /* numbers of a panel's depthwise weights */
    int64_t shared;                     /* numbers that all workers read */
} kin_inverted_cut;

/* `expand` may be NULL, which does not expand; `out` channels come out. */
kin_inverted_cut kin_inverted_cut_of(const kin_conv_shape *expand, const kin_conv_shape *depthwise,
                                     int64_t out, kin_tile_size tile);

/* ---- the stem in training (stem.c) ---- */

typedef struct kin_stem_cut {
    int64_t each, blocks;   /* pictures of a block, which has sums of its own */
    int64_t panels, packed; /* of weights and shifts */
    int64_t block;          /* doubles of a block's sums */
    int64_t picture;        /* of one with its padding */
    int64_t products;       /* of a panel */
} kin_stem_cut;

kin_stem_cut kin_stem_cut_of(const kin_conv_shape *s, kin_tile_size tile);

#endif
