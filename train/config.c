#include "train/config.h"

#include "base/text.h"
#include "train/config_fields.h"
#include "train/model_words.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* In the order of the enumerations. */
const char *const kin_optimizer_names[] = {"sgd", "adam", "adamw", NULL};
const char *const kin_schedule_names[] = {"constant", "cosine", "step", NULL};
const char *const kin_sampling_names[] = {"", "pk", "plain", "balanced", NULL};

#define FIELD(NAME, MEMBER, KIND) \
    { \
        NAME, KIN_FIELD_##KIND, offsetof(kin_config, MEMBER), sizeof((kin_config *)0)->MEMBER, true \
    }
#define LATER(NAME, MEMBER, KIND) \
    { \
        NAME, KIN_FIELD_##KIND, offsetof(kin_config, MEMBER), sizeof((kin_config *)0)->MEMBER, true, true \
    }
#define WORD(NAME, MEMBER, NAMES, IS_LATER) \
    { \
        NAME, KIN_FIELD_WORD, offsetof(kin_config, MEMBER), sizeof((kin_config *)0)->MEMBER, true, IS_LATER, \
            NAMES \
    }
const kin_config_field kin_config_fields[] = {
    FIELD("classes", classes, TEXT),
    LATER("labels", labels, TEXT),
    FIELD("strict", strict, FLAG),
    FIELD("model", model, TEXT),
    {"size", KIN_FIELD_SIZE, offsetof(kin_config, size), sizeof((kin_config *)0)->size, true},
    FIELD("channels", channels, WHOLE),
    FIELD("embedding", embedding, WHOLE),
    FIELD("width", width, WHOLE),
    LATER("last-stride", last_stride, WHOLE),
    LATER("stem", stem, TEXT),
    LATER("pooling", pooling, TEXT),
    LATER("neck", neck, FLAG),
    LATER("attention", attention, TEXT),
    LATER("head", head, TEXT),
    FIELD("filter", filter, TEXT),
    LATER("normalize", normalize, TEXT),
    LATER("resize", resize, WHOLE),
    LATER("weights", weights, TEXT),
    LATER("allow-missing", allow_missing, TEXT),
    LATER("key", key, TEXT),
    LATER("prefix", prefix, TEXT),
    LATER("untrained", untrained, FLAG),
    LATER("sum-stem", sum_stem, FLAG),
    FIELD("invert", invert, FLAG),
    LATER("background", background, TEXT),
    FIELD("loss", loss, TEXT),
    FIELD("margin", margin, REAL),
    FIELD("smoothing", smoothing, REAL),
    LATER("teacher", teacher, TEXT),
    LATER("teacher-model", teacher_model, TEXT),
    FIELD("batch-classes", batch_classes, WHOLE),
    FIELD("batch-pictures", batch_pictures, WHOLE),
    FIELD("batch", batch, WHOLE),
    WORD("optimizer", optimizer, kin_optimizer_names, false),
    WORD("schedule", schedule, kin_schedule_names, false),
    FIELD("steps", steps, WHOLE),
    FIELD("warmup", warmup, WHOLE),
    FIELD("decay-every", decay_every, WHOLE),
    FIELD("decay-gamma", decay_gamma, REAL),
    FIELD("lr", lr, REAL),
    FIELD("final-lr", final_lr, REAL),
    FIELD("momentum", momentum, REAL),
    FIELD("weight-decay", weight_decay, REAL),
    FIELD("clip", clip, REAL),
    FIELD("ema", ema, REAL),
    LATER("freeze", freeze, TEXT),
    LATER("lr-scale", lr_scale, TEXT),
    LATER("lr-warmup", lr_warmup, TEXT),
    LATER("no-decay", no_decay, TEXT),
    LATER("freeze-bn", freeze_bn, FLAG),
    LATER("recompute", recompute, FLAG),
    LATER("decay-norms", decay_norms, FLAG),
    LATER("norm-momentum", norm_momentum, REAL),
    LATER("drop-path", drop_path, REAL),
    LATER("patience", patience, WHOLE),
    LATER("augment", augment, TEXT),
    LATER("cache-side", cache_side, WHOLE),
    FIELD("flip", flip, FLAG),
    FIELD("shift", shift, WHOLE),
    FIELD("light", light, REAL),
    FIELD("erase", erase, REAL),
    FIELD("validate", validate, REAL),
    FIELD("validate-every", validate_every, WHOLE),
    FIELD("save-every", save_every, WHOLE),
    FIELD("seed", seed, WHOLE),
    WORD("sampler", sampler, kin_sampling_names, true),
    LATER("validate-fold", validate_fold, TEXT),
    LATER("validate-list", validate_list, TEXT),
    {"data", KIN_FIELD_TEXT, offsetof(kin_config, data), sizeof((kin_config *)0)->data, false},
    {"n-classes", KIN_FIELD_WHOLE, offsetof(kin_config, n_classes), sizeof((kin_config *)0)->n_classes,
     false},
    {0},
};
_Static_assert(offsetof(kin_config, across) == offsetof(kin_config, size) + sizeof(int64_t),
               "a size is both");
enum { FIELDS = sizeof kin_config_fields / sizeof *kin_config_fields - 1 };
_Static_assert(sizeof kin_config_fields / sizeof *kin_config_fields <= KIN_CONFIG_FIELDS + 1,
               "callers hold KIN_CONFIG_FIELDS notes");

void *kin_config_member(const kin_config *c, const kin_config_field *f) { return (char *)c + f->at; }

bool kin_config_network(const kin_config *c, kin_model_opt *opt, kin_head_choice *head, kin_error *err)
{
    kin_model_words words = {.embedding = c->embedding,
                             .width = c->width,
                             .last_stride = c->last_stride,
                             .neck = c->neck,
                             .drop_path = c->drop_path,
                             .stem = c->stem,
                             .pooling = c->pooling,
                             .attention = c->attention,
                             .head = c->head};
    return kin_model_options(kin_catalogue_model(c->own, c->model), c->own, &words, opt, head, err);
}

static void print_size(const int64_t *side, char *text, size_t size)
{
    if (side[1] && side[1] != side[0])
        snprintf(text, size, "%lldx%lld", (long long)side[0], (long long)side[1]);
    else snprintf(text, size, "%lld", (long long)side[0]);
}

bool kin_size_parse(const char *text, int64_t *height, int64_t *across)
{
    const char *by = strchr(text, 'x');
    char first[24];
    *across = 0;
    if (!by) return kin_parse_int(text, 0, INT64_MAX, height);
    if (by - text >= (ptrdiff_t)sizeof first) return false;
    snprintf(first, sizeof first, "%.*s", (int)(by - text), text);
    if (!kin_parse_int(first, 1, INT64_MAX, height) || !kin_parse_int(by + 1, 1, INT64_MAX, across))
        return false;
    if (*across == *height) *across = 0;
    return true;
}

void kin_config_value(const kin_config *c, const kin_config_field *f, const char *real, char *text,
                      size_t size)
{
    void *at = kin_config_member(c, f);
    switch (f->kind) {
    case KIN_FIELD_TEXT: snprintf(text, size, "%s", (const char *)at); break;
    case KIN_FIELD_WORD: snprintf(text, size, "%s", f->names[*(int *)at]); break;
    case KIN_FIELD_REAL: snprintf(text, size, real, *(double *)at); break;
    case KIN_FIELD_WHOLE:
    case KIN_FIELD_FLAG: snprintf(text, size, "%lld", (long long)*(int64_t *)at); break;
    case KIN_FIELD_SIZE: print_size(at, text, size); break;
    }
}

bool kin_config_take(kin_config *c, const kin_config_field *f, const char *text)
{
    void *at = kin_config_member(c, f);
    switch (f->kind) {
    case KIN_FIELD_TEXT: return strlen(text) < f->size && snprintf(at, f->size, "%s", text) >= 0;
    case KIN_FIELD_REAL: return kin_parse_real(text, at);
    case KIN_FIELD_WHOLE:
    case KIN_FIELD_FLAG: return kin_parse_int(text, 0, INT64_MAX, at);
    case KIN_FIELD_SIZE: return kin_size_parse(text, at, (int64_t *)at + 1);
    case KIN_FIELD_WORD: break;
    }
    for (int i = 0; f->names[i]; i++)
        if (strcmp(f->names[i], text) == 0) return *(int *)at = i, true;
    return false;
}

/* ---- defaults and limits ---- */

/* Notes are of anybody's making; what they say is multiplied, and becomes an int. */
static bool sizes_possible(const kin_config *c)
{
    const struct {
        int64_t value, low, high;
    } rows[] = {{c->size, 1, 4096},       {c->across, 0, 4096},        {c->n_classes, 0, 10000000},
                {c->embedding, 0, 65536}, {c->width, 0, 8192},         {c->resize, 0, 65536},
                {c->shift, 0, 65536},     {c->cache_side, 0, 1000000}, {c->batch_classes, 1, 65536},
                {c->batch, 1, 1 << 24},   {c->batch_pictures, 1, 256}, {c->steps, 0, INT64_MAX / 256}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value < rows[i].low || rows[i].value > rows[i].high) return false;
    return c->channels == 1 || c->channels == 3;
}

void kin_config_defaults(kin_config *c)
{
    *c = (kin_config){.model = "conv4",
                      .loss = "triplet-hard",
                      .filter = "own",
                      .normalize = "own",
                      .stem = "own",
                      .pooling = "own",
                      .batch_classes = 32,
                      .batch_pictures = 4,
                      .batch = 128,
                      .optimizer = KIN_ADAM,
                      .schedule = KIN_SCHEDULE_COSINE,
                      .steps = 2000,
                      .decay_every = 1000,
                      .decay_gamma = 0.1,
                      .lr = 1e-3,
                      .momentum = 0.9,
                      .validate_every = 250,
                      .save_every = 500,
                      .seed = 1,
                      .open_batch_classes = true,
                      .open_batch = true};
}

static bool numbers_possible(const kin_config *c, kin_error *err)
{
    const struct {
        const char *name;
        double value, low, high;
    } rows[] = {{"lr", c->lr, 1e-12, 1e12},
                {"final_lr", c->final_lr, 0, 1e12},
                {"momentum", c->momentum, 0, 0.9999},
                {"weight_decay", c->weight_decay, 0, 1e12},
                {"clip", c->clip, 0, 1e30},
                {"ema", c->ema, 0, 0.99999},
                {"decay_every", (double)c->decay_every, 1, 1e18},
                {"decay_gamma", c->decay_gamma, 1e-6, 1},
                {"warmup", (double)c->warmup, 0, 1e18},
                {"validate_every", (double)c->validate_every, 1, 1e18},
                {"save_every", (double)c->save_every, 1, 1e18},
                {"margin", c->margin, 0, 1e12},
                {"smoothing", c->smoothing, 0, 0.9},
                {"light", c->light, 0, 1},
                {"norm_momentum", c->norm_momentum, 0, 1},
                {"drop_path", c->drop_path, 0, 0.9},
                {"patience", (double)c->patience, 0, 1e9},
                {"erase", c->erase, 0, 1},
                {"optimizer", c->optimizer, KIN_SGD, KIN_ADAMW},
                {"schedule", c->schedule, KIN_SCHEDULE_CONSTANT, KIN_SCHEDULE_STEP},
                {"sampler", c->sampler, KIN_SAMPLING_OWN, KIN_SAMPLING_BALANCED}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!(rows[i].value >= rows[i].low && rows[i].value <= rows[i].high))
            return kin_fail(err, KIN_ERR_ARGUMENT, "%s is %g; it lies in %g .. %g", rows[i].name,
                            rows[i].value, rows[i].low, rows[i].high);
    return true;
}

static bool ends(const char *text, size_t size) { return memchr(text, '\0', size) != NULL; }

bool kin_config_sides(const kin_config *c, kin_error *err)
{
    return !c->across || !c->resize ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "resize is of squares, of which the middle is cut out; pictures of %lldx%lld are whole "
                    "ones, stretched",
                    (long long)c->size, (long long)c->across);
}

bool kin_config_check(kin_config *c, kin_error *err)
{
    uint32_t colour;
    if (!kin_catalogue_check(c->own, err)) return false;
    for (const kin_config_field *f = kin_config_fields; f->name; f++)
        if (f->kind == KIN_FIELD_TEXT && !ends(kin_config_member(c, f), f->size))
            return kin_fail(err, KIN_ERR_ARGUMENT, "%s has no end", f->name);
    const kin_model *model = kin_catalogue_model(c->own, c->model);
    if (!model) return kin_fail(err, KIN_ERR_ARGUMENT, "there is no network '%.40s'", c->model);
    kin_config_complete(c, model, *c->weights);
    if (!sizes_possible(c))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "the settings give impossible sizes: channels are 1 or 3, pictures 1 to 4096 a side, steps "
            "and batches positive");
    return numbers_possible(c, err) && kin_config_sides(c, err) &&
           kin_background_parse(c->background, &colour, err) &&
           kin_config_network(c, &(kin_model_opt){0}, &(kin_head_choice){0}, err) &&
           kin_config_loss(c, &(kin_loss_sum){0}, err) && kin_config_teaches(c, err);
}

/* ---- notes ---- */

int kin_config_to_notes(const kin_config *c, kin_note *notes, kin_arena *storage)
{
    for (int i = 0; i < FIELDS; i++) {
        const kin_config_field *f = &kin_config_fields[i];
        char text[KIN_CONFIG_TEXT + 8], key[64];
        kin_config_value(c, f, "%.17g", text, sizeof text);
        snprintf(key, sizeof key, "kin.%s", f->name);
        notes[i] = (kin_note){kin_arena_strdup(storage, key), kin_arena_strdup(storage, text)};
        if (!notes[i].key || !notes[i].value) return -1;
    }
    return FIELDS;
}

bool kin_config_from_checkpoint(kin_config *c, const kin_checkpoint *from, const char *path,
                                const kin_catalogue *own, kin_error *err)
{
    *c = (kin_config){.own = own};
    for (int i = 0; i < FIELDS; i++) {
        const kin_config_field *f = &kin_config_fields[i];
        char key[64];
        snprintf(key, sizeof key, "kin.%s", f->name);
        const char *text = kin_checkpoint_note(from, key);
        if (!text && f->later) continue;
        if (!text)
            return kin_fail(
                err, KIN_ERR_DATA,
                "%s: does not say how it was trained (%s is missing): it was not written by kin train", path,
                key);
        if (!kin_config_take(c, f, text))
            return kin_fail(err, KIN_ERR_DATA, "%s: its note %s, \"%.60s\", makes no sense", path, key, text);
    }
    if (!kin_catalogue_model(own, c->model))
        return kin_fail(err, KIN_ERR_DATA, "%s: is of the network \"%s\", which this program does not have",
                        path, c->model);
    kin_error reason = {0};
    if (!kin_config_loss(c, &(kin_loss_sum){0}, &reason))
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: was trained with the loss \"%.200s\", which this program does not have: %s",
                        path, c->loss, reason.message);
    if (!sizes_possible(c)) return kin_fail(err, KIN_ERR_DATA, "%s: its notes give impossible sizes", path);
    kin_error why = {0};
    if (!kin_config_network(c, &(kin_model_opt){0}, &(kin_head_choice){0}, &why))
        return kin_fail(err, KIN_ERR_DATA, "%s: its notes are of no network of this program: %s", path,
                        why.message);
    return true;
}

bool kin_background_parse(const char *text, uint32_t *out, kin_error *err)
{
    uint32_t colour = 0;
    *out = 0;
    if (!text || !*text) return true;
    bool white = strcmp(text, "white") == 0, black = strcmp(text, "black") == 0,
         ok = white || black || (text[0] == '#' && strlen(text) == 7);
    for (int i = 1; ok && !white && !black && i < 7; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *at = strchr(digits, text[i]);
        ok = at != NULL;
        if (ok) colour = colour << 4 | (uint32_t)((at - digits) & 15);
    }
    if (!ok)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--background takes white, black or #rrggbb, not '%.40s'",
                        text);
    *out = KIN_BACKGROUND | (white ? 0xffffff : colour);
    return true;
}

kin_image_limits kin_config_limits(const kin_config *c, kin_image_limits limits)
{
    if (!limits.background) kin_background_parse(c->background, &limits.background, NULL);
    return limits;
}

kin_filter kin_config_filter(const kin_config *c)
{
    static const char *const names[] = {"box", "bilinear", "bicubic", "lanczos"};
    for (int i = 0; i < 4; i++)
        if (strcmp(c->filter, names[i]) == 0) return (kin_filter)i;
    return KIN_FILTER_BILINEAR;
}

bool kin_config_loss(const kin_config *c, kin_loss_sum *out, kin_error *err)
{
    int taken;
    return kin_catalogue_loss(c->own, c->loss, out, err) &&
           (!(c->margin > 0) || kin_loss_offer(out, "margin", c->margin, &taken, err)) &&
           (!(c->smoothing > 0) || kin_loss_offer(out, "smoothing", c->smoothing, &taken, err));
}

bool kin_config_teaches(const kin_config *c, kin_error *err)
{
    kin_loss_sum loss;
    if (!kin_config_loss(c, &loss, err)) return false;
    const kin_loss *learns = kin_loss_first(&loss, KIN_LOSS_NEEDS_TEACHER);
    if (learns && !*c->teacher)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "the loss %s learns from a teacher, and there is none; --teacher RUN names one",
                        learns->name);
    if (!learns && *c->teacher)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "--teacher: no term of the loss %.100s learns from a teacher; \"distill + %.100s\" does", c->loss,
            c->loss);
    return *c->teacher || !*c->teacher_model ||
           kin_fail(err, KIN_ERR_ARGUMENT, "--teacher-model goes with --teacher WEIGHTS");
}

bool kin_config_out_of_patience(const kin_config *c, int64_t step, int64_t best_step)
{
    return c->patience > 0 && c->validate_every > 0 && (step - best_step) / c->validate_every >= c->patience;
}

kin_tuning kin_config_tuning(const kin_config *c)
{
    return (kin_tuning){.freeze = c->freeze,
                        .freeze_bn = c->freeze_bn ? "*" : "",
                        .lr_scale = c->lr_scale,
                        .lr_warmup = c->lr_warmup,
                        .no_decay = c->no_decay};
}

kin_batch_opt kin_config_batch(const kin_config *c, uint64_t key)
{
    bool changes = c->flip || c->shift || c->light > 0 || c->erase > 0;
    kin_batch_opt opt = {.invert = c->invert,
                         .key = changes ? key : 0,
                         .flip = c->flip,
                         .shift = (int)c->shift,
                         .light = c->light,
                         .erase = c->erase};
    kin_normalization(*c->normalize ? c->normalize : "none", &opt);
    return opt;
}

static bool open_choice(const char *text) { return !*text || strcmp(text, "own") == 0; }

void kin_config_complete(kin_config *c, const kin_model *model, bool published)
{
    if (!c->size) c->size = model->size, c->across = 0;
    if (c->across == c->size) c->across = 0;
    if (!c->channels) c->channels = model->channels;
    if (open_choice(c->filter))
        snprintf(c->filter, sizeof c->filter, "%s", model->filter ? model->filter : "bilinear");
    if (open_choice(c->normalize))
        snprintf(c->normalize, sizeof c->normalize, "%s", model->normalize ? model->normalize : "none");
    if (published && !c->resize && !c->across && model->resize)
        c->resize = model->resize * c->size / model->size;
}

kin_loader_opt kin_config_loader(const kin_config *c)
{
    return (kin_loader_opt){.size = (int)c->size,
                            .across = (int)kin_config_across(c),
                            .channels = (int)c->channels,
                            .resize = (int)c->resize,
                            .filter = kin_config_filter(c),
                            .seed = (uint64_t)c->seed,
                            .strict = c->strict};
}
