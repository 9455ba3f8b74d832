/* What the tape has for autograd/ and nn/ alone. */
#ifndef KIN_AUTOGRAD_TAPE_H
#define KIN_AUTOGRAD_TAPE_H

#include "autograd/inside.h"

/* Writes the zeros that a stale gradient counts as. */
void kin_grad_materialise(kin_tensor *t);
/* The gradient as it lies, in rows *ld apart, for an op with grad_rows, ahead of which it is not packed;
 * NULL when there is none. */
const kin_real *kin_grad_rows(const kin_tensor *t, int64_t *ld);
/* As kin_grad_take_over, for rows of any distance: what is there is not packed. */
kin_real *kin_grad_take_over_rows(kin_call *c, int i, bool *accumulate, int64_t *ld);
/* Input i, the first channels of the output, takes over the output's gradient whole, rows and all, if it
 * has none yet and nobody wants the output's kept; then NULL. Else the memory, in rows *ld apart, where
 * the gradient of its channels must be written or added. */
kin_real *kin_grad_hand_on(kin_call *c, int i, bool *accumulate, int64_t *ld);
/* Numbers from row to row of a call's result, views apart. */
int64_t kin_pitch_of(const kin_call *c);
/* Where results, and what ops save, are placed now: a segment that is recomputed has an arena of its own. */
kin_arena *kin_value_arena(kin_ctx *ctx);
/* Where a call's result goes, and its forward. False on error (recorded). */
bool kin_call_run(kin_call *c);
/* An input without numbers, for dry runs. */
kin_tensor *kin_dry_input(kin_ctx *ctx, kin_shape shape);

#endif
