/* An example for each group of functions of the public headers, which docs/api.md shows above the group; run in a folder that
 * may be written to. The tests hold each to what its comment says that it prints. */
#include <kin/kin.h>

#include <stdio.h>

/* base: errors as values, arrays in files, and numbers that depend on nothing but their key.
 * Prints "base: 2 x 3 numbers came back from a file, the last of them -0.48". */
static bool base_group(kin_error *err)
{
    float rows[6];
    kin_npy back = {0};
    for (uint64_t i = 0; i < 6; i++) rows[i] = (float)kin_random_normal(kin_key(1, 0, 0), i);
    bool ok = kin_npy_write_float32("rows.npy", rows, 2, 3, err) &&
              kin_npy_read_matrix("rows.npy", &back, err);
    if (ok)
        printf("base: %d x %d numbers came back from a file, the last of them %.2f\n", (int)back.shape[0],
               (int)back.shape[1], (double)back.data[5]);
    kin_npy_free(&back);
    return ok;
}

/* autograd: e = (w x - t)² on the tape, and its gradient by w.
 * Prints "autograd: e = 25, de/dw = 20". */
static bool autograd_group(kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_input(ctx, KIN_SHAPE(1), (kin_real[]){2}),
               *t = kin_input(ctx, KIN_SHAPE(1), (kin_real[]){1});
    kin_tensor *w = kin_variable(ctx, KIN_SHAPE(1), (kin_real[]){3});
    kin_tensor *e = kin_square(kin_sub_tensor(kin_mul(w, x), t));
    bool ok = kin_backward(e);
    if (ok) printf("autograd: e = %g, de/dw = %g\n", kin_item(e), (double)kin_grad(w)[0]);
    else kin_take_error(ctx, err);
    kin_ctx_free(ctx);
    return ok;
}

/* data: a shop that is drawn, opened as a data set, and one of its pictures.
 * Prints "data: 24 pictures of 6 classes, the first is product-0001/view-01.png, 32 x 32". */
static bool data_group(kin_error *err)
{
    kin_dataset set = {0};
    kin_image picture = {0};
    bool ok = kin_synth_write("shop", &(kin_synth_opt){.products = 6, .views = 4, .size = 32}, err) &&
              kin_dataset_open("shop", NULL, &set, err) && kin_dataset_image(&set, 0, NULL, &picture, err);
    if (ok)
        printf("data: %d pictures of %d classes, the first is %s, %d x %d\n", (int)set.count, set.classes,
               set.items[0].id, picture.width, picture.height);
    kin_image_free(&picture);
    kin_dataset_free(&set);
    return ok;
}

/* nn: a network is a function; its scope makes and names the parameters, and a checkpoint keeps them.
 * Prints "nn: 0.weight and 3 others, 178 numbers, kept and read again". */
static kin_tensor *two_layers(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    x = kin_relu(kin_linear(kin_sub(s, "0"), x, &(kin_linear_opt){.out = 16}));
    return kin_linear(kin_sub(s, "2"), x, &(kin_linear_opt){.out = 2});
}

static bool nn_group(kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_checkpoint *kept = NULL;
    kin_module *net = kin_module_new(ctx, two_layers, NULL, KIN_SHAPE(1, 8), 1);
    bool ok = (net || kin_take_error(ctx, err)) &&
              kin_checkpoint_save("two.safetensors", net, NULL, NULL, 0, err) &&
              kin_checkpoint_open("two.safetensors", &kept, err) && kin_checkpoint_load(kept, net, NULL, err);
    if (ok)
        printf("nn: %s and %d others, %d numbers, kept and read again\n", kin_module_entry(net, 0)->name,
               kin_module_entries(net) - 1, (int)kin_module_parameters(net));
    kin_checkpoint_free(kept);
    kin_module_free(net);
    kin_ctx_free(ctx);
    return ok;
}

/* models: a backbone by its name, with an embedding of 32 numbers, and what it costs.
 * Prints "models: resnet8 has 76720 parameters, and gives [1, 32] for 32 x 32 in colour". */
static bool models_group(kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_summary cost = {0};
    char shape[64];
    kin_model_choice choice = {kin_model_find("resnet8"), {.embedding = 32}};
    bool ok = kin_summarize(ctx, kin_model_net, &choice, KIN_SHAPE(1, 32, 32, 3), &cost) ||
              kin_take_error(ctx, err);
    if (ok)
        printf("models: %s has %d parameters, and gives %s for 32 x 32 in colour\n", choice.model->name,
               (int)cost.parameters, kin_shape_text(cost.output, shape, sizeof shape));
    kin_summary_free(&cost);
    kin_ctx_free(ctx);
    return ok;
}

/* losses: a sum as it is written, on four embeddings of two classes whose wrong ones are near each other; and its gradient.
 * Prints "losses: 1.61; against the gradient the first row goes by (0.03, 0.01)". */
static bool losses_group(kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_loss_sum sum;
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(4, 2), (kin_real[]){1, 0, .2f, 1, .9f, .1f, 0, 1});
    kin_loss_input in = {.x = x, .labels = (int[]){0, 0, 1, 1}, .classes = 2};
    bool ok = kin_loss_parse("triplet-hard + contrastive * .1", NULL, NULL, &sum, err);
    kin_tensor *loss = ok ? kin_loss_value(&sum, NULL, &in) : NULL;
    ok = ok && (kin_backward(loss) || kin_take_error(ctx, err));
    if (ok)
        printf("losses: %.2f; against the gradient the first row goes by (%.2f, %.2f)\n", kin_item(loss),
               -(double)kin_grad(x)[0], -(double)kin_grad(x)[1]);
    kin_ctx_free(ctx);
    return ok;
}

/* retrieval: any program's rows: each looks for the others, the lists are re-ranked, and judged by labels.
 * Prints "retrieval: 0 finds 1 first; mAP 0.91, re-ranked 0.96". */
static bool retrieval_group(kin_error *err)
{
    float rows[6 * 2] = {1, 0, .94f, .34f, .79f, .62f, .62f, .79f, .53f, .85f, .44f, .90f};
    int64_t labels[6] = {0, 0, 0, 1, 1, 1};
    kin_vectors all = {rows, 6, 2};
    kin_neighbours found = {0}, better = {0};
    kin_metrics plain, again;
    kin_rerank_opt opt = {KIN_RERANK_DEFAULTS, .k = 5, .leave_one_out = true};
    opt.k1 = 2, opt.k2 = 1;
    kin_judged about = {.gallery = 6, .query_label = labels, .gallery_label = labels, .leave_one_out = true};
    bool ok = kin_search(all, all, &(kin_search_opt){.k = 5, .metric = KIN_COSINE, .leave_one_out = true},
                         &found, err) &&
              kin_rerank_k_reciprocal(all, all, &opt, &better, err) &&
              kin_judge_lists(&found, &about, &plain, NULL, NULL, err) &&
              kin_judge_lists(&better, &about, &again, NULL, NULL, err);
    if (ok)
        printf("retrieval: 0 finds %d first; mAP %.2f, re-ranked %.2f\n", (int)found.index[0], plain.mean.ap,
               again.mean.ap);
    kin_neighbours_free(&found);
    kin_neighbours_free(&better);
    return ok;
}

/* train: what kin train does, by a call: the shop of above, three steps, and descriptors from the run.
 * Prints "train: 24 descriptors of 128 numbers". */
static bool embed(const char *run, const kin_dataset *set, kin_encoded *out, kin_error *err)
{
    static kin_network network; /* it holds all settings: too large for small stacks */
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = NULL;
    bool ok = kin_network_open(run, NULL, ctx, &network, &module, err) &&
              kin_encode(module, &network, set, NULL, out, err);
    kin_module_free(module);
    kin_ctx_free(ctx);
    return ok;
}

static bool train_group(kin_error *err)
{
    static kin_config config;
    kin_dataset set = {0};
    kin_encoded rows = {0};
    kin_config_defaults(&config);
    config.size = 32, config.channels = 3, config.steps = 3, config.batch_classes = 4,
    config.batch_pictures = 2;
    kin_train_opt opt = {.version = KIN_TRAIN_VERSION,
                         .phases = &(kin_train_phase){.config = &config},
                         .n_phases = 1,
                         .set = &set,
                         .run = "run"};
    bool ok = kin_dataset_open("shop", NULL, &set, err) && kin_train(&opt, NULL, err) &&
              embed("run", &set, &rows, err);
    if (ok) printf("train: %d descriptors of %d numbers\n", (int)rows.count, (int)rows.dim);
    kin_encoded_free(&rows);
    kin_dataset_free(&set);
    return ok;
}

int main(void)
{
    kin_error err = {0};
    bool ok = base_group(&err) && autograd_group(&err) && data_group(&err) && nn_group(&err) &&
              models_group(&err) && losses_group(&err) && retrieval_group(&err) && train_group(&err);
    if (!ok) fprintf(stderr, "%s\n", err.message);
    return ok ? 0 : 1;
}
