/* Training in forty lines: an embedding of products that kin draws, by batch-hard triplets. */
#include <kin/kin.h>

#include <stdio.h>
#include <string.h>

enum { PRODUCTS = 8, VIEWS = 4, SIZE = 32, BATCH = PRODUCTS * VIEWS, STEPS = 60 };

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        x = kin_conv_bn(kin_sub_index(s, "features", i), "conv", "bn", x,
                        &(kin_conv_bn_opt){.out = 32, .kernel = 3, .pad = 1, .act = KIN_RELU});
        x = kin_max_pool2d(x, &(kin_pool2d_opt){.kernel = 2});
    }
    return kin_linear(kin_sub(s, "embedding"), kin_flatten(x), &(kin_linear_opt){.out = 32});
}

int main(void)
{
    static kin_real pictures[BATCH * SIZE * SIZE * 3];
    int labels[BATCH];
    kin_error err = {0};
    for (int i = 0; i < BATCH; i++) {
        kin_image image;
        labels[i] = i / VIEWS;
        if (!kin_synth_image(&(kin_synth_opt){.seed = 1, .size = SIZE}, i / VIEWS, i % VIEWS, &image, &err))
            return 1;
        for (int k = 0; k < SIZE * SIZE * 3; k++)
            pictures[i * SIZE * SIZE * 3 + k] = (kin_real)image.data[k] / 255;
        kin_image_free(&image);
    }

    kin_ctx *ctx = kin_ctx_new();
    kin_module *net = kin_module_new(ctx, network, NULL, KIN_SHAPE(BATCH, SIZE, SIZE, 3), 1);
    kin_optim *optim = kin_optim_new(net, &(kin_optim_opt){.kind = KIN_ADAM});
    kin_schedule schedule = {KIN_SCHEDULE_COSINE, .lr = 1e-3, .steps = STEPS};
    for (int step = 0; kin_ok(ctx) && step < STEPS; step++) { /* one look at the error a step */
        kin_tensor *x = kin_input(ctx, KIN_SHAPE(BATCH, SIZE, SIZE, 3), pictures);
        kin_tensor *loss = kin_triplet_batch_hard(kin_module_forward(net, x, KIN_TRAIN), labels, 0);
        if (step % 10 == 0 || step == STEPS - 1) printf("step %2d  loss %.4f\n", step, kin_item(loss));
        kin_module_zero_grad(net);
        kin_backward(loss);
        kin_optim_step(optim, kin_schedule_lr(&schedule, step));
        kin_end_step(ctx);
    }
    if (!kin_ok(ctx)) printf("%s\n", kin_ctx_error(ctx)->message);
    int status = kin_ok(ctx) ? 0 : 1;
    kin_optim_free(optim);
    kin_module_free(net);
    kin_ctx_free(ctx);
    return status;
}
