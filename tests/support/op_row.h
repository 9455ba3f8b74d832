/* One table row per op. The row alone gives: forward against a naive reference in double; the gradient
 * check (double build); the adjoint identity for linear ops; the promise of what backward reads; channel
 * views as inputs; bit-identity over threads; agreement of instruction sets; and a failed allocation at
 * each point. */
#ifndef KIN_TESTS_SUPPORT_OP_ROW_H
#define KIN_TESTS_SUPPORT_OP_ROW_H

#include "autograd/gradcheck.h"
#include "autograd/ops.h"

typedef struct op_row {
    const char *name;
    kin_tensor *(*build)(kin_tensor **in, void *arg);
    /* Writes the output, packed, from packed inputs. The output's shape is the op's own inference, checked
     * against `out_shape` when that is given. */
    void (*reference)(double *const *in, const kin_shape *shapes, double *out, kin_shape out_shape,
                      void *arg);
    void *arg;
    kin_shape shapes[6];
    kin_shape out_shape; /* expected; ndim 0: not checked */
    kin_gradcheck_opt check;
    double tolerance; /* forward, float build, relative to the output's size; 0: 2e-6 */
    bool linear;      /* in input 0, the others held */
    bool no_views;    /* channel slices as inputs make no sense here */
} op_row;

void op_rows_run(const op_row *rows, int count);

/* ---- for the files of rows ---- */

#define N(s) kin_shape_count(s)
#define REFERENCE(NAME) \
    static void NAME(double *const *in, const kin_shape *s, double *out, kin_shape o, void *arg)
#define UNUSED (void)in, (void)s, (void)out, (void)o, (void)arg
#define ROWS(s) (N(s) / (s).dim[(s).ndim - 1])
#define COLUMNS(s) ((s).dim[(s).ndim - 1])

#define S(...) \
    { \
        (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), { __VA_ARGS__ } \
    }
#define ELEMENT(NAME, ...) \
    { \
        .name = #NAME, .build = build_##NAME, .reference = ref_##NAME, .shapes = {S(3, 5, 2, 7)}, \
        __VA_ARGS__ \
    }
#define PAIR(NAME, TITLE, A, B, ...) \
    { \
        .name = TITLE, .build = build_##NAME, .reference = ref_##NAME, .shapes = {A, B}, __VA_ARGS__ \
    }

#endif
