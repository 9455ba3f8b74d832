/* The inverted residual block of mobile networks [Sandler et al. 2018] in one pass: a 1×1 convolution
 * widens, a depthwise one works on each channel, a 1×1 convolution narrows. The wide map, six times the
 * block's input, is the block's memory traffic; here it exists a few rows at a time, in a buffer within
 * the second cache. Weights are packed beforehand (kernels/conv/conv.h). The numbers are those of the three
 * convolutions one after the other, bit for bit: what every sum adds, and in which order, is the same.
 * Instead of a 1×1 convolution a network's first one may be ahead, which makes many channels of three:
 * mobile networks begin so, and their largest map is never whole either. */
#ifndef KIN_KERNELS_CONV_INVERTED_H
#define KIN_KERNELS_CONV_INVERTED_H

#include "kernels/conv/shape.h"

typedef struct kin_inverted {
    /* each one's output is the next one's input; depthwise without dilation */
    kin_conv_shape expand, depthwise, project;
    /* expand_packed NULL: the block does not expand, x goes to the depthwise one */
    const kin_real *expand_packed, *depthwise_packed, *project_packed;
    kin_conv_end expand_end, depthwise_end, project_end; /* `add` for project alone */
} kin_inverted;

/* Whether `expand` may be this convolution; sizes do not matter. */
bool kin_inverted_expands(const kin_conv_shape *expand);
/* Bytes of workspace (SIZE_MAX when it overflows), for the number of threads there is. */
size_t kin_inverted_workspace(const kin_inverted *b);
void kin_inverted_forward(const kin_inverted *b, const kin_real *x, kin_real *y, void *workspace);

#endif
