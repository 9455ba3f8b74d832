/* A kin with an op, a head, a loss, a miner and a network of one's own:
 *
 *     extend train DATA --model my-net --head my-head --loss "my-loss(t=3)" --out run
 *     extend embed DATA --model run --out embedded
 *
 * and whatever else kin does, with pkg-config --libs kin-cli. The same file with kin-double is a program that checks all
 * of their gradients. Nothing is registered: each is one const descriptor, and main hands tables of them over. */
#include <kin/kin.h>

#include <stdio.h>
#include <stdlib.h>

/* ---- an op: snake [Ziyin et al. 2020], y = x + sin²(x), whose slope is 1 + sin(2x) ---- */

KIN_UNARY_OP(snake, x + sin(x) * sin(x), 1 + sin(2 * x));
static kin_tensor *snake(kin_tensor *x) { return kin_apply(&snake_op, NULL, 0, x); }

/* ---- a loss: alignment and uniformity [Wang, Isola 2020], of rows of unit length ----
 *
 *     mean over pairs of a class of ‖x_i − x_j‖²  +  log mean over all pairs of e^(−t‖x_i − x_j‖²) */

static kin_tensor *my_loss(const kin_loss_call *c)
{
    int64_t n = kin_dim(c->x, 0), count = 0;
    kin_tensor *x = kin_l2_normalize(c->x), *d = kin_distance_squared(x, x);
    int64_t *row = malloc((size_t)(n * n + 1) * sizeof *row),
            *column = malloc((size_t)(n * n + 1) * sizeof *column);
    for (int64_t i = 0; row && column && i < n; i++)
        for (int64_t j = 0; j < n; j++)
            if (i != j && c->labels[i] == c->labels[j]) row[count] = i, column[count++] = j;
    kin_tensor *uniform = kin_log(kin_mean(kin_exp(kin_scale(d, -kin_term_value(c->term, "t"), 0)), 0));
    kin_tensor *loss = count ? kin_add(kin_mean(kin_gather(d, row, column, count), 0), uniform) : uniform;
    free(row), free(column);
    return loss;
}

static const kin_loss loss = {.name = "my-loss",
                              .about = "alignment and uniformity on the sphere",
                              .paper = "Wang, Isola 2020",
                              .params = {{"t", 2, .01, 100, .help = "how near a pair counts as near"}},
                              .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS,
                              .formula = my_loss};

/* ---- a miner: easy positives [Xuan et al. 2020], of an anchor's positives the most alike alone ---- */

static bool my_miner(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p)
{
    const kin_real *at = kin_data(cosines);
    (void)c;
    for (int64_t i = 0; i < p->n; i++, at += kin_ld(cosines)) {
        signed char *kind = p->kind + i * p->m;
        int64_t nearest = -1;
        for (int64_t j = 0; j < p->m; j++) {
            if (kind[j] != KIN_PAIR_POSITIVE) continue;
            int64_t dropped = nearest < 0 || at[j] > at[nearest] ? nearest : j;
            if (dropped != j) nearest = j;
            if (dropped >= 0) kind[dropped] = KIN_PAIR_NONE;
        }
    }
    return true;
}

static const kin_miner miner = {.name = "my-miner",
                                .about = "of an anchor's positives the most alike alone",
                                .paper = "Xuan, Stylianou, Pless 2020",
                                .pairs = my_miner};

/* ---- a head: the mean and the maximum of the map, each with an embedding of its own ---- */

static bool branch(const kin_head_call *c, kin_branches *out, const char *name, kin_tensor *pooled)
{
    kin_linear_opt opt = {.out = (int64_t)kin_head_value(c->choice, "dims")};
    kin_named_branch *b = &out->branch[out->count++];
    snprintf(b->name, sizeof b->name, "%s", name);
    b->metric = b->behind = kin_linear(kin_sub(c->scope, name), pooled, &opt);
    return b->metric != NULL;
}

static bool my_head(const kin_head_call *c, kin_branches *out)
{
    kin_tensor *map = kin_model_features(c->model, c->scope, c->x, c->opt);
    return branch(c, out, "mean", kin_global_avg_pool(map)) &&
           branch(c, out, "max", kin_global_max_pool(map));
}

static const kin_head head = {.name = "my-head",
                              .about = "mean and maximum, an embedding each",
                              .own = "mean.*,max.*",
                              .params = {{"dims", 16, 1, 4096, .whole = true, .help = "numbers of each"}},
                              .run = my_head};

/* ---- a network: two stages of a convolution, a norm and the op above ---- */

static kin_tensor *my_stage(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt)
{
    int64_t width = (opt->width ? opt->width : 16) << stage;
    kin_scope *in = kin_sub_index(s, "stage", stage);
    x = kin_conv(kin_sub(in, "conv"), x, &(kin_conv_opt){.out = width, .kernel = 3, .stride = 2, .pad = 1});
    return snake(kin_batch_norm(kin_sub(in, "bn"), x, NULL));
}

static const kin_model net = {.name = "my-net",
                              .about = "two convolutions with snakes",
                              .size = 32,
                              .channels = 3,
                              .stages = "one two",
                              .stage = my_stage};

static const kin_catalogue own = {.models = (const kin_model *const[]){&net, NULL},
                                  .heads = (const kin_head *const[]){&head, NULL},
                                  .losses = (const kin_loss *const[]){&loss, NULL},
                                  .miners = (const kin_miner *const[]){&miner, NULL}};

#ifndef KIN_DOUBLE

#include <kin/cli/main.h>

int main(int argc, char **argv) { return kin_main(argc, argv, &own); }

#else

/* The network, the head and the loss in one, as a function of pictures. */
static kin_tensor *all(kin_scope *s, kin_tensor *x, void *arg)
{
    static const int labels[] = {0, 0, 1, 1};
    kin_head_choice choice;
    kin_loss_sum sum;
    kin_branches out;
    kin_error *err = kin_ctx_error(kin_scope_ctx(s));
    (void)arg;
    if (!kin_head_parse("my-head(dims=5)", own.heads, &net, &choice, err) ||
        !kin_loss_parse("my-loss(t=1.5) + supcon(miner=my-miner)", own.losses, own.miners, &sum, err) ||
        !kin_head_run(&(kin_head_call){&choice, &net, &(kin_model_opt){.width = 3}, s, x}, &out))
        return NULL;
    kin_loss_input in[2] = {{.x = out.branch[0].metric, .labels = labels, .branch = out.branch[0].name},
                            {.x = out.branch[1].metric, .labels = labels, .branch = out.branch[1].name}};
    return kin_loss_values(&sum, s, in, 2);
}

static kin_tensor *of_pictures(kin_tensor **in, void *module)
{
    return kin_module_forward(module, in[0], KIN_TRAIN);
}
static kin_tensor *of_numbers(kin_tensor **in, void *arg) { return (void)arg, snake(in[0]); }

static double value_of(kin_module *m, const kin_real *pictures, kin_shape shape)
{
    kin_ctx *ctx = kin_module_ctx(m);
    double value = kin_item(kin_module_forward(m, kin_input(ctx, shape, pictures), KIN_TRAIN));
    kin_end_step(ctx);
    return value;
}

/* The gradient by every parameter, against differences: the largest error, by the largest gradient. */
static double of_parameters(kin_module *m, kin_shape shape)
{
    static kin_real pictures[4 * 8 * 8 * 3];
    for (int i = 0; i < 4 * 8 * 8 * 3; i++) pictures[i] = sin(i * i * .37);
    kin_ctx *ctx = kin_module_ctx(m);
    double worst = 0, largest = 1e-30, step = 1e-5;
    kin_module_zero_grad(m);
    kin_backward(kin_module_forward(m, kin_input(ctx, shape, pictures), KIN_TRAIN));
    kin_end_step(ctx);
    kin_real *value = kin_module_values(m), *slope = kin_module_grads(m);
    for (int64_t i = 0; i < kin_module_slab_count(m); i++) {
        kin_real was = value[i];
        value[i] = was + step, kin_module_touched(m);
        double up = value_of(m, pictures, shape);
        value[i] = was - step, kin_module_touched(m);
        double error = fabs((up - value_of(m, pictures, shape)) / (2 * step) - slope[i]);
        value[i] = was;
        if (error > worst) worst = error;
        if (fabs(slope[i]) > largest) largest = fabs(slope[i]);
    }
    return worst / largest;
}

int main(void)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_shape shape = KIN_SHAPE(4, 8, 8, 3);
    kin_module *m = kin_module_new(ctx, all, NULL, shape, 1);
    double op = 1, pictures = 1, parameters = 1;
    bool ok = m && kin_gradcheck(ctx, of_numbers, NULL, &KIN_SHAPE(4, 3), 1, NULL, &op) &&
              kin_gradcheck(ctx, of_pictures, m, &shape, 1, NULL, &pictures);
    if (ok) parameters = of_parameters(m, shape);
    ok = ok && kin_ok(ctx) && parameters < 1e-6;
    printf("gradient checks: %s; off by %.1e for the op, %.1e by the pictures, %.1e by the parameters\n",
           ok            ? "passed"
           : kin_ok(ctx) ? "failed"
                         : kin_ctx_error(ctx)->message,
           op, pictures, parameters);
    kin_module_free(m);
    kin_ctx_free(ctx);
    return ok ? 0 : 1;
}

#endif
