/* A folder of pictures, one folder a class: train on some of the classes, then find pictures of the others.
 *
 *     folder DATA RUN [STEPS]          without arguments, a shop is drawn and used */
#include <kin/kin.h>

#include <stdio.h>
#include <stdlib.h>

static void show(void *user, const kin_train_step *s)
{
    (void)user;
    if (s->step % 20 == 0) printf("step %lld  loss %.4f\n", (long long)s->step, s->smooth);
}

/* Descriptors of a set's pictures by the network in the run's folder, brought to unit length. */
static bool embed(const char *run, const kin_dataset *set, kin_encoded *out, kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_network *network = malloc(sizeof *network); /* it holds all settings: too large for small stacks */
    kin_module *module = NULL;
    bool ok = network && kin_network_open(run, NULL, ctx, network, &module, err) &&
              kin_encode(module, network, set, NULL, out, err);
    kin_module_free(module);
    kin_ctx_free(ctx);
    free(network);
    return ok;
}

/* mAP and R@1 of lists in which every picture looks for the others of its class. */
static bool judge(const char *what, const kin_neighbours *lists, const int64_t *labels, kin_error *err)
{
    kin_metrics m;
    kin_judged about = {
        .gallery = lists->queries, .query_label = labels, .gallery_label = labels, .leave_one_out = true};
    if (!kin_judge_lists(lists, &about, &m, NULL, NULL, err)) return false;
    printf("%-10s mAP %.4f, R@1 %.4f\n", what, m.mean.ap, m.mean.recall[0]);
    return true;
}

static bool find(const kin_dataset *set, const kin_encoded *e, kin_error *err)
{
    kin_vectors rows = {e->rows, e->count, e->dim};
    kin_neighbours found = {0}, better = {0};
    kin_rerank_opt rerank = {KIN_RERANK_DEFAULTS, .k = e->count - 1, .leave_one_out = true};
    int64_t *labels = malloc((size_t)e->count * sizeof *labels);
    for (int64_t i = 0; labels && i < e->count; i++) labels[i] = set->items[e->item[i]].label;
    rerank.k1 = 7, rerank.k2 = 3;
    bool ok = labels &&
              kin_search(rows, rows,
                         &(kin_search_opt){.k = e->count - 1, .metric = KIN_COSINE, .leave_one_out = true},
                         &found, err) &&
              judge("search", &found, labels, err) &&
              kin_rerank_k_reciprocal(rows, rows, &rerank, &better, err) &&
              judge("re-ranked", &better, labels, err);
    if (ok)
        printf("%s is nearest to %s\n", set->items[e->item[0]].id, set->items[e->item[better.index[0]]].id);
    kin_neighbours_free(&found);
    kin_neighbours_free(&better);
    free(labels);
    return ok;
}

static bool train_and_find(const char *data, const char *run, int64_t steps, kin_error *err)
{
    kin_dataset all = {0}, kept = {0}, held = {0};
    kin_encoded e = {0};
    static kin_config config;
    kin_config_defaults(&config);
    config.size = 32, config.channels = 3, config.steps = steps, config.batch_classes = 8;
    kin_train_opt opt = {.version = KIN_TRAIN_VERSION,
                         .phases = &(kin_train_phase){.config = &config},
                         .n_phases = 1,
                         .set = &kept,
                         .run = run,
                         .watch = {.on_step = show}};
    bool ok = kin_dataset_open(data, NULL, &all, err) &&
              kin_split_validation(&all, &(kin_split){.share = .25}, &kept, &held, err) &&
              kin_train(&opt, NULL, err) && embed(run, &held, &e, err) && find(&held, &e, err);
    kin_encoded_free(&e);
    kin_dataset_free(&held);
    kin_dataset_free(&kept);
    kin_dataset_free(&all);
    return ok;
}

int main(int argc, char **argv)
{
    kin_error err = {0};
    const char *data = argc > 1 ? argv[1] : "shop", *run = argc > 2 ? argv[2] : "run";
    bool ok = (argc > 1 ||
               kin_synth_write(data, &(kin_synth_opt){.products = 16, .views = 6, .size = 32}, &err)) &&
              train_and_find(data, run, argc > 3 ? strtol(argv[3], NULL, 10) : 60, &err);
    if (!ok) fprintf(stderr, "%s\n", err.message);
    return ok ? 0 : 1;
}
