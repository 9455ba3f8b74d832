/* The gradient check, for the library's ops and for anyone's: the analytic gradient of Σ r·f(x), r random,
 * against central differences. Meaningful in the double build (-DKIN_DOUBLE, libkin_double.a); with
 * float it finds gross mistakes only. */
#ifndef KIN_AUTOGRAD_GRADCHECK_H
#define KIN_AUTOGRAD_GRADCHECK_H

#include "autograd/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The function to check: inputs in, one output out. */
typedef kin_tensor *(*kin_gradcheck_fn)(kin_tensor **in, void *arg);

typedef struct kin_gradcheck_opt {
    double step;      /* 0: 1e-5 in double, 1e-2 in float */
    double tolerance; /* 0: 1e-6 in double, 2e-2 in float */
    uint64_t seed;
    double low, high; /* inputs are drawn from here; both 0: −1 .. 1 */
    double kink;      /* inputs nearer than this to 0 are moved away (for ReLU and the like) */
} kin_gradcheck_opt;

/* True when for every input ‖analytic − numeric‖ ≤ tolerance · max(‖analytic‖, ‖numeric‖, 1e-3·√count).
 * *worst (may be NULL) receives the largest ratio. On failure the error in ctx names the input and the
 * element that is furthest off. */
bool kin_gradcheck(kin_ctx *ctx, kin_gradcheck_fn fn, void *arg, const kin_shape *shapes, int n_in,
                   const kin_gradcheck_opt *opt, double *worst);

#ifdef __cplusplus
}
#endif

#endif
