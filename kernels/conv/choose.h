/* By which kernel a convolution is computed: decided here, once, and read by all who must agree on it: the
 * workspace, the form that weights are packed in, the forward pass, both gradients (conv.c), and who is told
 * (kernels/trace.h).
 *
 *   forward, weights packed         forward               gradient of the input       of the weights
 *   ------------------------------------------------------------------------------------------------------
 *   Winograd, by the channels       by the batch, m = 2   by the batch                by the batch
 *   depthwise                       depthwise             depthwise                   depthwise
 *   few channels                    few channels          -                           few channels
 *   -                               pixel by pixel        pixel by pixel, stride 1    -
 *   product                         product               product                     product
 *
 * the first of a column that the shape can have, Winograd's where it saves products. A pure function: kind and
 * tile are the shape's and the direction's alone, so that bits are the same for any number of threads, and of an
 * instruction set the workspace takes its register tile. tests/test_conv_choose.c has what the zoo's shapes get. */
#ifndef KIN_KERNELS_CONV_CHOOSE_H
#define KIN_KERNELS_CONV_CHOOSE_H

#include "kernels/conv/cut.h"
#include "kernels/conv/shape.h"

typedef enum kin_conv_direction {
    KIN_CONV_PACKED, /* forward with weights packed once, by kernel, stride, dilation, channels and groups alone:
                       * they serve pictures of any size */
    KIN_CONV_FORWARD, /* forward with weights that change with each batch */
    KIN_CONV_INPUT,   /* the gradient of the input ... */
    KIN_CONV_WEIGHT,  /* ... and of the weights */
    KIN_CONV_DIRECTIONS,
} kin_conv_direction;

typedef enum kin_conv_kind {
    KIN_CONV_PRODUCT,   /* implicit product (product.h) */
    KIN_CONV_PIXELS,    /* the same, each pixel of a tiny map by itself, without the taps that read padding */
    KIN_CONV_FEW,       /* few channels, lines of the kernel at once (few.h) */
    KIN_CONV_DEPTHWISE, /* (depthwise.h) */
    KIN_CONV_WINOGRAD,  /* (winograd.h) */
} kin_conv_kind;

typedef struct kin_conv_choice {
    kin_conv_kind kind;
    int tile;         /* Winograd's m; 0 for the others */
    size_t workspace; /* bytes; SIZE_MAX when they overflow */
} kin_conv_choice;

/* The set in use, and as many threads as are set now. */
kin_conv_machine kin_conv_this_machine(void);

kin_conv_choice kin_conv_choose(const kin_conv_shape *s, kin_conv_direction direction,
                                const kin_conv_machine *machine);

/* Whether the workspace would overflow, in any direction. */
bool kin_conv_is_too_large(const kin_conv_shape *s);

/* "Winograd, tiles of 4x4", for those who are told; borrowed. */
const char *kin_conv_choice_name(const kin_conv_choice *choice);

#endif
