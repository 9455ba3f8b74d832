/* A layer of one's own: a function that asks its scope for parameters. Squeeze-and-excitation [Hu et al.
 * 2018] lets a picture's channels scale each other: x · σ(W₂ ReLU(W₁ mean(x))). */
#include <kin/kin.h>

#include <stdio.h>

static kin_tensor *squeeze_excite(kin_scope *s, kin_tensor *x, int64_t reduction)
{
    int64_t channels = kin_channels(x);
    kin_tensor *w = kin_global_avg_pool(x);
    w = kin_relu(kin_linear(kin_sub(s, "fc1"), w, &(kin_linear_opt){.out = channels / reduction}));
    w = kin_sigmoid(kin_linear(kin_sub(s, "fc2"), w, &(kin_linear_opt){.out = channels}));
    return kin_mul(x, kin_reshape(w, KIN_SHAPE(kin_dim(x, 0), 1, 1, channels)));
}

/* A network is a function too. */
static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    x = kin_conv_bn(s, "conv1", "bn1", x,
                    &(kin_conv_bn_opt){.out = 16, .kernel = 3, .pad = 1, .act = KIN_RELU});
    x = squeeze_excite(kin_sub(s, "se"), x, 4);
    return kin_linear(kin_sub(s, "fc"), kin_global_avg_pool(x), &(kin_linear_opt){.out = 8});
}

int main(void)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_module *net = kin_module_new(ctx, network, NULL, KIN_SHAPE(2, 12, 12, 3), 1);
    for (int i = 0; net && i < kin_module_entries(net); i++) {
        const kin_entry *e = kin_module_entry(net, i);
        char shape[64];
        printf("%-22s %s%s\n", e->name, kin_shape_text(kin_shape_of(e->tensor), shape, sizeof shape),
               e->buffer ? " (buffer)" : "");
    }
    kin_tensor *y = net ? kin_module_forward(net, kin_input(ctx, KIN_SHAPE(2, 12, 12, 3), NULL), KIN_TRAIN)
                        : NULL;
    char shape[64];
    if (kin_ok(ctx)) printf("output %s\n", kin_shape_text(kin_shape_of(y), shape, sizeof shape));
    else printf("%s\n", kin_ctx_error(ctx)->message);
    int status = kin_ok(ctx) ? 0 : 1;
    kin_module_free(net);
    kin_ctx_free(ctx);
    return status;
}
