/* A first tensor and its gradient: f(x) = Σ x², so ∂f/∂x = 2x. */
#include <kin/kin.h>

#include <stdio.h>

int main(void)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(3), (kin_real[]){1, -2, 3});
    kin_tensor *f = kin_sum(kin_square(x), 0);
    kin_backward(f);

    printf("f = %g\n", kin_item(f));
    for (int i = 0; kin_ok(ctx) && i < 3; i++) printf("df/dx[%d] = %g\n", i, (double)kin_grad(x)[i]);

    /* Every op checks its shapes. The first error stays in the context; look once, at the end of a step. */
    kin_matmul(x, x, NULL);
    if (!kin_ok(ctx)) printf("an error, as it should be: %s\n", kin_ctx_error(ctx)->message);
    kin_ctx_free(ctx);
    return 0;
}
