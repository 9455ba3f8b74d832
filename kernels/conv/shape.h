/* What a convolution is asked for: its shape, and what its numbers go through on the way in and out. */
#ifndef KIN_KERNELS_CONV_SHAPE_H
#define KIN_KERNELS_CONV_SHAPE_H

#include "base/real.h"
#include "kernels/norm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kin_conv_shape {
    int64_t batch;
    int64_t in_h, in_w, in_c, in_ld;     /* in_ld ≥ in_c: distance between pixels of x and dx */
    int64_t out_h, out_w, out_c, out_ld; /* the same for y and dy */
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, groups;
} kin_conv_shape;

/* What each number of x goes through as it is read: act(x·scale + shift), for each channel. */
typedef struct kin_conv_begin {
    const kin_real *scale, *shift;
    kin_norm_act act;
} kin_conv_begin;

/* What the output goes through before it is stored: y = act(conv(x, w) + bias + add). */
typedef struct kin_conv_end {
    const kin_real *bias; /* [out_c] or NULL */
    const kin_real *add;  /* pixels of out_c numbers, add_ld apart, or NULL; must not overlap y */
    int64_t add_ld;
    kin_norm_act act;
} kin_conv_end;

static inline int64_t kin_conv_taps(const kin_conv_shape *s) { return s->kernel_h * s->kernel_w; }

/* No output, or nothing that it is made of. */
static inline bool kin_conv_is_empty(const kin_conv_shape *s)
{
    return s->batch < 1 || s->out_h < 1 || s->out_w < 1 || s->in_c < 1 || s->out_c < 1;
}

/* groups = in_c = out_c: each channel is its own convolution. */
static inline bool kin_is_depthwise(const kin_conv_shape *s)
{
    return s->groups > 1 && s->groups == s->in_c && s->in_c == s->out_c;
}

/* Whether what is made from packed weights can have a `begin`: 1×1 kernels at every pixel, in one group. */
static inline bool kin_conv_can_begin(const kin_conv_shape *s)
{
    return s->kernel_h == 1 && s->kernel_w == 1 && s->stride_h == 1 && s->stride_w == 1 && !s->pad_top &&
           !s->pad_left && s->groups == 1 && s->out_h == s->in_h && s->out_w == s->in_w;
}

/* Whether kin_conv_forward and kin_conv_backward_weight can. */
static inline bool kin_conv_begins(const kin_conv_shape *s)
{
    return kin_conv_can_begin(s) || kin_is_depthwise(s);
}

#endif
