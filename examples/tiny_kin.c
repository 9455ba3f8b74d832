/* What tiny.c does, with kin: tiny_kin SHOP RUN learns on three quarters of a folder's products and searches the
 * others. examples/folder.c is the same with more to see. */
#include <kin/kin.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static kin_config config;
    static kin_network network;
    kin_dataset all = {0}, learned = {0}, held = {0};
    kin_encoded e = {0};
    kin_metrics m = {0};
    kin_module *net = NULL;
    kin_error err = {0};
    kin_ctx *ctx = kin_ctx_new();
    const char *data = argc > 1 ? argv[1] : "shop", *run = argc > 2 ? argv[2] : "run";
    kin_config_defaults(&config);
    config.size = 32, config.channels = 3, config.steps = 100, config.batch_classes = 8;
    kin_train_phase phase = {.config = &config};
    kin_train_opt train = {KIN_TRAIN_VERSION, .phases = &phase, .n_phases = 1, .set = &learned, .run = run};
    bool ok = kin_dataset_open(data, NULL, &all, &err) &&
              kin_split_validation(&all, &(kin_split){.share = .25}, &learned, &held, &err) &&
              kin_train(&train, NULL, &err) && kin_network_open(run, 0, ctx, &network, &net, &err) &&
              kin_encode(net, &network, &held, NULL, &e, &err);
    kin_vectors v = {e.rows, e.count, e.dim};
    int64_t *labels = calloc((size_t)e.count + 1, sizeof *labels);
    for (int64_t i = 0; ok && labels && i < e.count; i++) labels[i] = held.items[e.item[i]].label;
    ok = ok && labels &&
         kin_judge_set(v, labels, NULL, &m, NULL, &err); /* each looked for among the others */
    if (ok) printf("mAP of new products: learned %.3f\n", m.mean.ap);
    else fprintf(stderr, "%s\n", err.message);
    kin_encoded_free(&e), kin_module_free(net), kin_ctx_free(ctx), free(labels);
    kin_dataset_free(&held), kin_dataset_free(&learned), kin_dataset_free(&all);
    return ok ? 0 : 1;
}
