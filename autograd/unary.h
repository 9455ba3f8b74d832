/* Element-wise functions of one tensor from two expressions: the value, and the slope.
 *
 *   KIN_UNARY_OP(my_square, x * x, 2 * x)
 *   kin_tensor *my_square(kin_tensor *x) { return kin_apply(&my_square_op, NULL, 0, x); }
 *
 * In both, x is the input; in the slope, y is the value; p is the op's option, a number (0 when there is
 * none). <tgmath.h>'s functions fit both float and double. */
#ifndef KIN_AUTOGRAD_UNARY_H
#define KIN_AUTOGRAD_UNARY_H

#include "autograd/op.h"

#include <tgmath.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*kin_unary_value)(const kin_real *in, kin_real *out, int64_t n, kin_real p);
typedef void (*kin_unary_slope)(const kin_real *in, const kin_real *value, const kin_real *grad_out,
                                kin_real *grad_in, int64_t n, bool accumulate, kin_real p);

/* Run the loops over all cores. */
void kin_unary_forward(kin_call *c, kin_unary_value value);
void kin_unary_backward(kin_call *c, kin_unary_slope slope);

#define KIN_UNARY_LOOPS(NAME, VALUE, SLOPE) \
    static void NAME##_value(const kin_real *in, kin_real *out, int64_t n, kin_real p) \
    { \
        (void)p; \
        for (int64_t i = 0; i < n; i++) { \
            kin_real x = in[i]; \
            out[i] = (VALUE); \
        } \
    } \
    static void NAME##_slope(const kin_real *in, const kin_real *value, const kin_real *grad_out, \
                             kin_real *grad_in, int64_t n, bool accumulate, kin_real p) \
    { \
        (void)p; \
        for (int64_t i = 0; i < n; i++) { \
            kin_real x = in[i], y = value[i], g = grad_out[i] * (SLOPE); \
            (void)x, (void)y; \
            grad_in[i] = accumulate ? grad_in[i] + g : g; \
        } \
    } \
    static void NAME##_forward(kin_call *c) { kin_unary_forward(c, NAME##_value); } \
    static void NAME##_backward(kin_call *c) { kin_unary_backward(c, NAME##_slope); }
#define KIN_UNARY_DESCRIPTOR(NAME) \
    { \
        .name = #NAME, .infer = kin_same_shape, .forward = NAME##_forward, .backward = NAME##_backward, \
        .saves = KIN_SAVES_INPUTS | KIN_SAVES_OUTPUT \
    }
#define KIN_UNARY_OP(NAME, VALUE, SLOPE) \
    KIN_UNARY_LOOPS(NAME, VALUE, SLOPE) static const kin_op NAME##_op = KIN_UNARY_DESCRIPTOR(NAME)

#ifdef __cplusplus
}
#endif

#endif
