/* The inner loops of data/images/resize.c, compiled once per instruction set. */
#ifndef KIN_DATA_IMAGES_RESIZE_KERNELS_H
#define KIN_DATA_IMAGES_RESIZE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum {
    /* bits of a weight's fraction: sums of 8-bit samples stay within 32 bits */
    KIN_RESIZE_PRECISION = 32 - 8 - 2,
    KIN_RESIZE_CHANNELS = 4 /* the most */
};

/* For each output position the first input, how many, and their weights. */
typedef struct kin_resize_weights {
    int *first, *count;
    int32_t *weight; /* [out][width] */
    int width;
} kin_resize_weights;

/* Rows of `in` pixels that become rows of `out` pixels; strides in bytes. */
typedef struct kin_resize_rows {
    const uint8_t *from;
    uint8_t *to;
    size_t from_stride, to_stride;
    int rows, in, out, channels; /* 1 ≤ rows ≤ the table's */
    uint8_t *held;               /* as many bytes as the table says, of this thread alone */
} kin_resize_rows;

typedef struct kin_resize_kernels {
    int rows;    /* that `across` takes at once */
    size_t held; /* bytes that it turns them in */
    void (*across)(const kin_resize_rows *rows, const kin_resize_weights *weights);
    /* to[i] = Σ over k < count of from[k·bytes + i] · weight[k], for i < bytes */
    void (*down)(const uint8_t *from, size_t bytes, const int32_t *weight, int count, uint8_t *to);
} kin_resize_kernels;

#endif
