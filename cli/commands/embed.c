/* kin embed: pictures to descriptors. */
#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/network/kin_network.h"
#include "cli/network/predicted.h"
#include "cli/options/config_options.h"
#include "cli/options/named_network.h"
#include "cli/options/source.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "data/look/look.h"
#include "retrieval/lists/items.h"
#include "train/embed_cache.h"
#include "train/judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"embedding", "raw", "probabilities", "prediction", NULL};
enum { EMBEDDING, RAW, PROBABILITIES, PREDICTION };

static const kin_option options[] = {
    {"model", KIN_OPTION_STRING, "RUN",
     "a run's folder or a checkpoint; a network of kin models, with --weights; \"kin\", its own small "
     "network "
     "and what is counted by hand together (with --output raw the network alone); or \"pixels\", "
     "\"histogram\" "
     "or \"handmade\" (colours and gradients), which need no training",
     "kin"},
    KIN_CHOSEN_OPTIONS,
    {"out", KIN_OPTION_STRING, "E", "writes E.npy and E.csv", .required = true, .writes = KIN_WRITES_SET},
    KIN_LABELS_OPTION,
    {"classes", KIN_OPTION_STRING, "LIST",
     "classes to take, by their place in sorted order: 0-699, 700- or 0,2,4-6", .fallback_shown = "all"},
    {"output", KIN_OPTION_CHOICE, "KIND",
     "what a row holds: the embedding of unit length, or raw as the network gives it, the classifier's "
     "probabilities, or its prediction alone",
     "embedding", .choices = kinds},
    {"names", KIN_OPTION_STRING, "FILE",
     "with probabilities or prediction: also write what the network calls each picture, by the names of the "
     "classes "
     "that it was trained on (id,predicted,probability,label); - prints it",
     .writes = KIN_WRITES_FILE},
    {"flip", KIN_OPTION_FLAG, NULL, "also see each picture mirrored, and average the descriptors"},
    {"scales", KIN_OPTION_STRING, "LIST",
     "see each picture at these factors of the network's size, such as 1,.7,1.4, and average the descriptors",
     .fallback_shown = "1"},
    {"channels", KIN_OPTION_INT, "N", "for pixels and histogram: 1 or 3", "3", .low = 1, .high = 3},
    KIN_PICTURE_OPTIONS,
    {"cache", KIN_OPTION_STRING, "FOLDER",
     "keep descriptors there by the pictures' content, and compute none twice; also where an interrupted run "
     "goes on",
     .fallback_shown = "none"},
    {"judge", KIN_OPTION_FLAG, NULL,
     "also print how well each picture finds the others of its class among all of them: R@1 and mAP, as kin "
     "eval --gallery E does"},
    {"strict", KIN_OPTION_FLAG, NULL, "refuse broken pictures instead of leaving them out"},
    {0},
};

static bool show(void *user, int64_t done, int64_t total)
{
    (void)total;
    kin_meter_update(user, done, NULL);
    return !kin_interrupted();
}

/* Logits to probabilities; or to the prediction, a row that is 0 but for the likeliest class, which holds its
 * probability: inner products of such rows rank the items predicted as the same class by confidence. */
static void to_probabilities(float *rows, int64_t count, int64_t dim, bool prediction)
{
    for (int64_t i = 0; i < count; i++, rows += dim) {
        int64_t best = 0;
        double sum = 0;
        for (int64_t c = 1; c < dim; c++)
            if (rows[c] > rows[best]) best = c;
        float most = rows[best];
        for (int64_t c = 0; c < dim; c++) sum += exp((double)(rows[c] - most));
        for (int64_t c = 0; c < dim; c++)
            rows[c] = prediction && c != best ? 0 : (float)(exp((double)(rows[c] - most)) / sum);
    }
}

static const char *role_name(kin_role role)
{
    static const char *const names[] = {"", "query", "gallery", "both"};
    return names[role];
}

/* Columns of ids, labels, paths, cameras, roles and boxes; the last three only where the set knows any.
 * Row i is of items[which[i]]. Paths are written as the list E.csv finds them, so that it is a data set
 * again. */
static bool fill_columns(const kin_dataset *set, const kin_sample *items, const int64_t *which, int64_t n,
                         const char *list, kin_item_texts *texts, const char **cell[6], kin_arena *arena)
{
    bool camera = false, role = false, box = false;
    char text[64];
    for (int64_t i = 0; i < n; i++) {
        const kin_sample *item = &items[which ? which[i] : i];
        char *path = kin_list_path(list, item);
        cell[0][i] = item->id;
        cell[1][i] = item->label < 0 ? "" : set->class_names[item->label];
        cell[2][i] = path ? kin_arena_strdup(arena, path) : NULL;
        kin_free(path);
        snprintf(text, sizeof text, "%d", item->camera);
        cell[3][i] = item->camera < 0 ? "" : kin_arena_strdup(arena, text);
        cell[4][i] = role_name(item->role);
        const kin_box *b = &item->box;
        snprintf(text, sizeof text, "%d %d %d %d", b->x, b->y, b->x + b->width, b->y + b->height);
        cell[5][i] = b->width ? kin_arena_strdup(arena, text) : "";
        if (!cell[2][i] || !cell[3][i] || !cell[5][i]) return false;
        camera |= item->camera >= 0, role |= item->role != KIN_ROLE_NONE, box |= b->width > 0;
    }
    *texts = (kin_item_texts){.id = cell[0],
                              .label = cell[1],
                              .path = cell[2],
                              .camera = camera ? cell[3] : NULL,
                              .role = role ? cell[4] : NULL,
                              .box = box ? cell[5] : NULL};
    return true;
}

/* The descriptors' views. */
static bool read_views(const kin_cli *cli, kin_encode_opt *opt, kin_error *err)
{
    const char *text = kin_option_string(cli, "scales");
    opt->flip = kin_option_flag(cli, "flip");
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char word[24];
        double scale;
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), at);
        if (length >= sizeof word || !kin_parse_real(word, &scale) || !(scale >= .05 && scale <= 16))
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "--scales %.60s: factors of .05 to 16 were expected, as in 1,.7,1.4", text);
        for (int i = 0; i < opt->n_scales; i++)
            if (opt->scales[i] == scale)
                return kin_fail(err, KIN_ERR_ARGUMENT, "--scales: %g stands there twice", scale);
        if (opt->n_scales == KIN_SCALES)
            return kin_fail(err, KIN_ERR_ARGUMENT, "--scales takes %d factors at most", KIN_SCALES);
        opt->scales[opt->n_scales++] = scale;
    }
    return true;
}

static bool write_rows(const kin_cli *cli, const kin_dataset *set, const kin_sample *items,
                       const int64_t *which, kin_vectors rows, kin_error *err)
{
    enum { COLUMNS = 6 };
    const char *out = kin_option_string(cli, "out"), **names, **cell[COLUMNS];
    kin_arena arena = {0};
    kin_item_texts texts;
    names = kin_alloc_array((size_t)rows.count, COLUMNS * sizeof *names);
    for (int c = 0; names && c < COLUMNS; c++) cell[c] = names + c * rows.count;
    bool ok = (names && fill_columns(set, items, which, rows.count, out, &texts, cell, &arena)) ||
              kin_fail_memory(err, "the names", (size_t)rows.count * COLUMNS * sizeof *names);
    kin_encode_opt views = {0};
    ok = ok && read_views(cli, &views, err);
    texts.made = kin_encode_views(&views);
    ok = ok && kin_embeddings_write_texts(out, rows, &texts, err);
    kin_arena_free(&arena);
    kin_free(names);
    return ok;
}

/* Each picture among all others; row i is of items[which[i]]. */
static bool judge(const kin_cli *cli, const kin_sample *items, const int64_t *which, kin_vectors rows,
                  kin_error *err)
{
    kin_metrics m;
    int64_t n = rows.count,
            *labels = kin_option_flag(cli, "judge") ? kin_alloc_array((size_t)n, 2 * sizeof *labels) : NULL;
    if (!kin_option_flag(cli, "judge")) return true;
    bool ok = labels || kin_fail_memory(err, "the labels", (size_t)n * 2 * sizeof *labels);
    for (int64_t i = 0; ok && i < n; i++) {
        const kin_sample *item = &items[which ? which[i] : i];
        labels[i] = item->label, labels[n + i] = item->camera;
    }
    ok = ok && kin_judge_set(rows, labels, labels + n, &m, NULL, err);
    char ties[KIN_TIES_TEXT];
    if (ok)
        printf("%lld pictures, each looked for among the others: R@1 %.4f, mAP %.4f%s\n",
               (long long)m.evaluated, m.mean.recall[0], m.mean.ap, kin_judge_ties(&m, ties));
    if (ok && m.skipped)
        kin_cli_note(cli, "%lld pictures are the only ones of their class and are left out of the figures",
                     (long long)m.skipped);
    kin_free(labels);
    return ok;
}

static bool finish(const kin_cli *cli, const kin_dataset *set, const kin_sample *items, const int64_t *which,
                   kin_vectors rows, kin_error *err)
{
    return write_rows(cli, set, items, which, rows, err) && judge(cli, items, which, rows, err);
}

static bool encode(const kin_cli *cli, kin_module *module, kin_network *network, const kin_dataset *set,
                   kin_encoded *out, kin_error *err)
{
    int kind = kin_option_choice(cli, "output");
    kin_meter meter;
    network->classify = kind == PROBABILITIES || kind == PREDICTION;
    if (network->classify && !kin_loss_classifies(&network->loss))
        return kin_fail(err, KIN_ERR_ARGUMENT, "--output %s needs a network trained with --loss softmax",
                        kinds[kind]);
    kin_embed_cache *cache = NULL;
    if (kin_option_given(cli, "cache") &&
        !(cache = kin_embed_cache_open(kin_option_string(cli, "cache"), module, network, err)))
        return false;
    kin_module_seal(module);
    if (cache)
        kin_interrupt_lasts("\nkin: stops after this batch, which the cache keeps; once more ends at once\n");
    kin_encode_opt opt = {.raw = kind != EMBEDDING,
                          .strict = kin_option_flag(cli, "strict"),
                          .cache = cache,
                          .progress = show,
                          .user = &meter};
    bool ok = read_views(cli, &opt, err) && kin_picture_limits(cli, &opt.limits, err);
    int64_t views = (opt.n_scales ? opt.n_scales : 1) * (1 + opt.flip);
    kin_meter_start(&meter, "embedding", views > 1 ? "views" : "pictures", 0, set->count * views, cli->quiet);
    ok = ok && kin_encode(module, network, set, &opt, out, err);
    kin_embed_cache_free(cache);
    if (!ok) return false;
    kin_meter_end(&meter);
    if (kin_option_given(cli, "cache"))
        kin_cli_note(cli, "%lld of %lld descriptors were in the cache", (long long)out->known,
                     (long long)((out->count + out->zeros) * views));
    if (out->broken)
        kin_cli_note(cli,
                     "%lld of %lld pictures could not be read and were left out (--strict refuses them); the "
                     "first: %s",
                     (long long)out->broken, (long long)set->count, out->first_broken.message);
    if (out->zeros)
        kin_cli_note(cli,
                     "%lld of %lld pictures have a descriptor of zeros, which has no direction, and were "
                     "left out; the "
                     "first: %s",
                     (long long)out->zeros, (long long)set->count, set->items[out->first_zero].id);
    kin_source_hidden(cli, out->hidden, out->count);
    if (network->classify) to_probabilities(out->rows, out->count, out->dim, kind == PREDICTION);
    return true;
}

/* Before the work. */
static bool can_judge(const kin_cli *cli, const kin_dataset *set, kin_error *err)
{
    return !kin_option_flag(cli, "judge") || kin_source_need_classes(set, cli->positional[0], "--judge", err);
}

/* Whether a name is one of the lines of `names`. */
static bool is_line(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *p = names; *p; p += strcspn(p, "\n"), p += *p == '\n')
        if (strcspn(p, "\n") == length && memcmp(p, name, length) == 0) return true;
    return false;
}

/* A figure on classes that a network was trained on only shows that it can learn by heart. */
static void tell_seen(const kin_cli *cli, const char *model, const kin_dataset *set)
{
    char *names = kin_option_flag(cli, "judge") ? kin_trained_names(model) : NULL;
    int seen = 0;
    for (int c = 0; names && set->class_names && c < set->classes; c++)
        seen += is_line(names, set->class_names[c]);
    if (seen)
        kin_cli_note(
            cli,
            "%d of these %d classes have names that the network was trained on; on what it never saw it is "
            "worth less",
            seen, set->classes);
    kin_free(names);
}

/* Before the work: whether pictures can be called by names; then `names` is those. */
static bool can_name(const kin_cli *cli, const char *model, char **names, kin_error *err)
{
    int kind = kin_option_choice(cli, "output");
    if (!kin_option_given(cli, "names")) return true;
    if (kind != PROBABILITIES && kind != PREDICTION)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--names goes with --output prediction or probabilities: an embedding has no name");
    return (*names = kin_trained_names(model)) ||
           kin_fail(err, KIN_ERR_ARGUMENT, "--names: %s does not tell what its classes are called", model);
}

/* Of kin's own network: what is counted by hand and the network's rows, side by side. */
static bool join(const kin_cli *cli, kin_dataset *set, kin_encoded *e, kin_error *err)
{
    kin_cli quiet = *cli;
    kin_source source = {.set = *set};
    quiet.quiet = true; /* what there is to say of the pictures was said */
    if (!kin_source_read(&source, &quiet, KIN_LOOK_SIDE, 3, KIN_FILTER_BILINEAR, false, err)) {
        *set = (kin_dataset){0}; /* it closed the set */
        return false;
    }
    const kin_pictures *p = &source.pictures;
    int64_t dim = kin_network_joined_dim(e->dim), n = 0;
    float *look = kin_look_pictures(p, err),
          *rows = kin_alloc_array((size_t)e->count, (size_t)dim * sizeof *rows);
    bool ok = look && (rows || kin_fail_memory(err, "descriptors", (size_t)(e->count * dim) * sizeof *rows));
    for (int64_t i = 0, at = 0; ok && i < e->count; i++) {
        while (at < p->count && p->items[at].id != set->items[e->item[i]].id) at++;
        if (at == p->count) break; /* readable a moment ago */
        memcpy(rows + n * dim, look + at * KIN_LOOK_DIM, KIN_LOOK_DIM * sizeof *rows);
        e->item[n] = e->item[i];
        n += kin_network_joined_row(rows + n * dim, e->rows + i * e->dim, e->dim);
    }
    if (ok && n < e->count)
        ok = kin_fail(err, KIN_ERR_IO, "pictures changed while they were read; say it again");
    kin_free(look);
    if (ok) {
        kin_free(e->rows);
        e->rows = rows, e->dim = dim;
    } else kin_free(rows);
    kin_pictures_free(&source.pictures);
    return ok;
}

static bool with_network(kin_cli *cli, const char *model, kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = NULL;
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_dataset set = {0};
    kin_encoded encoded = {0};
    char *names = NULL;
    bool own = strcmp(model, kin_network_name) == 0;
    bool ok = ((ctx && network) || kin_fail_memory(err, "a network", sizeof *network)) &&
              (own ? kin_network_own(ctx, network, &module, err)
                   : kin_named_network(cli, model, ctx, network, &module, err));
    kin_dataset_opt choice = kin_source_choice(cli);
    ok = ok && can_name(cli, model, &names, err) &&
         kin_source_open_set(cli, cli->positional[0], &choice, &set, err) && can_judge(cli, &set, err);
    ok = ok && encode(cli, module, network, &set, &encoded, err);
    ok = ok && (!own || kin_option_choice(cli, "output") != EMBEDDING || join(cli, &set, &encoded, err));
    kin_vectors rows = {encoded.rows, encoded.count, encoded.dim};
    ok = ok && finish(cli, &set, set.items, encoded.item, rows, err);
    if (ok && names)
        ok = kin_predicted_write(cli, kin_option_string(cli, "names"), names, &set, encoded.item, rows, err);
    if (ok && !own) tell_seen(cli, model, &set);
    kin_free(names);
    kin_encoded_free(&encoded);
    kin_dataset_free(&set);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_free(network);
    return ok;
}

/* The values of --model that are no networks. */
static const char *const plain_models[] = {"pixels", "histogram", "handmade", NULL};
enum { PIXELS, HISTOGRAM, HANDMADE };

static int plain_model(const char *name)
{
    for (int i = 0; plain_models[i]; i++)
        if (strcmp(name, plain_models[i]) == 0) return i;
    return -1;
}

static float *plain_rows(int model, const kin_pictures *p, int64_t *dim, kin_error *err)
{
    if (model == HISTOGRAM) return kin_encode_histogram(p, dim, err);
    if (model == PIXELS) return kin_encode_pixels(p, dim, err);
    *dim = KIN_LOOK_DIM;
    return kin_look_pictures(p, err);
}

static bool without_network(kin_cli *cli, int model, kin_error *err)
{
    kin_source source = {0};
    float *rows = NULL;
    int64_t dim;
    int64_t side = 0, across = 0;
    if (!kin_size_read(cli, 1, 4096, &side, &across, err)) return false;
    if (across)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--model %s takes squares: --size %lld", plain_models[model],
                        (long long)side);
    int channels = (int)kin_option_int(cli, "channels") == 1 ? 1 : 3, size = model == HANDMADE ? KIN_LOOK_SIDE
                                                                             : side            ? (int)side
                                                                                               : 32;
    kin_dataset_opt choice = kin_source_choice(cli);
    bool ok = kin_source_open_set(cli, cli->positional[0], &choice, &source.set, err) &&
              can_judge(cli, &source.set, err) &&
              kin_source_read(&source, cli, size, channels, KIN_FILTER_BILINEAR,
                              kin_option_flag(cli, "strict"), err);
    ok = ok && (rows = plain_rows(model, &source.pictures, &dim, err)) != NULL;
    ok = ok && finish(cli, &source.set, source.pictures.items, NULL,
                      (kin_vectors){rows, source.pictures.count, dim}, err);
    kin_free(rows);
    kin_source_close(&source);
    return ok;
}

/* An option given that this kind of --model does not read, or NULL. */
static const char *does_nothing(const kin_cli *cli, int model)
{
    static const char *const
        for_networks[] = {"weights", "allow-missing", "resize", "filter", "normalize", "output",   "flip",
                          "scales",  "names",         "key",    "prefix", "untrained", "sum-stem", NULL},
        *const for_plain[] = {"channels", NULL}, *const fixed[] = {"size", "channels", NULL},
        *const for_others[] = {"weights", "allow-missing", "resize", "filter",    "normalize", "size", "flip",
                               "scales",  "key",           "prefix", "untrained", "sum-stem",  NULL};
    bool own = strcmp(kin_option_string(cli, "model"), kin_network_name) == 0;
    for (const char *const *name = for_others; own && *name; name++)
        if (kin_option_given(cli, *name)) return *name;
    for (const char *const *name = model < 0 ? for_plain : for_networks; *name; name++)
        if (kin_option_given(cli, *name)) return *name;
    for (const char *const *name = fixed; model == HANDMADE && *name; name++)
        if (kin_option_given(cli, *name)) return *name;
    return NULL;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    const char *name = kin_option_string(cli, "model");
    int model = plain_model(name);
    if (kin_option_given(cli, "cache") && model >= 0)
        return kin_cli_usage(cli,
                             "--cache is for networks; pixels and histograms are faster made than found");
    const char *idle = does_nothing(cli, model);
    if (idle) return kin_cli_usage(cli, "--%s does nothing with --model %s", idle, name);
    if (kin_option_choice(cli, "output") != EMBEDDING &&
        (kin_option_flag(cli, "flip") || kin_option_given(cli, "scales")))
        return kin_cli_usage(cli, "--flip and --scales average descriptors; leave --output out");
    kin_interrupt_catch();
    bool ok = model >= 0 ? without_network(cli, model, &err) : with_network(cli, name, &err);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_embed = {
    .name = "embed",
    .summary = "turn pictures into descriptors",
    .usage = "kin embed DATA [--model RUN] --out E [--classes LIST] [--judge]",
    .about = "Writes E.npy (float32, one row a picture) and E.csv (id,label,path). Pictures are prepared as "
             "in training. DATA is anything that kin train takes.\n\n"
             "Where the data set tells them (Market-1501, In-Shop), E.csv also has the columns camera and "
             "role; E:query and E:gallery then name the queries "
             "and the gallery for kin search, rerank, eval and check.",
    .examples = "# the classes that training never saw\n"
                "kin embed omniglot --classes 700- --model runs/omniglot --out held-out\n"
                "# photographs through a network that others trained\n"
                "kin embed photos --model efficientnet_lite0 --weights efficientnet_lite0.safetensors --out "
                "photos --judge\n"
                "# the same again, with some pictures added: only these are computed\n"
                "kin embed photos --model efficientnet_lite0 --weights efficientnet_lite0.safetensors "
                "--cache cache --out photos\n"
                "# a first baseline: the pixels themselves\n"
                "kin embed shop --model pixels --out raw",
    .arguments = {{"DATA", "pictures, with or without classes"}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
