/* A shape of kernels/conv/ as reference/ has it, whose pixels lie packed. */
#ifndef KIN_TESTS_SUPPORT_PLAIN_CONV_H
#define KIN_TESTS_SUPPORT_PLAIN_CONV_H

#include "kernels/conv/conv.h"
#include "reference/conv.h"

static inline kin_reference_conv plain_conv(const kin_conv_shape *s)
{
    return (kin_reference_conv){.batch = s->batch,
                                .in_h = s->in_h,
                                .in_w = s->in_w,
                                .in_c = s->in_c,
                                .out_h = s->out_h,
                                .out_w = s->out_w,
                                .out_c = s->out_c,
                                .kernel_h = s->kernel_h,
                                .kernel_w = s->kernel_w,
                                .stride_h = s->stride_h,
                                .stride_w = s->stride_w,
                                .pad_top = s->pad_top,
                                .pad_left = s->pad_left,
                                .dilation_h = s->dilation_h,
                                .dilation_w = s->dilation_w,
                                .groups = s->groups};
}

#endif
