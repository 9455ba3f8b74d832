#include "cli/config.h"

#include "base/text.h"
#include "cli/source.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef enum { TEXT, WHOLE, REAL, FLAG, CHOICE } field_kind;
/* later: older checkpoints do not have it, and mean its zero */
typedef struct field {
    const char *name;
    field_kind kind;
    size_t at, size;
    bool option, later;
} field;

#define FIELD(NAME, MEMBER, KIND) \
    { \
        NAME, KIND, offsetof(kin_config, MEMBER), sizeof((kin_config *)0)->MEMBER, true \
    }
#define LATER(NAME, MEMBER, KIND) \
    { \
        NAME, KIND, offsetof(kin_config, MEMBER), sizeof((kin_config *)0)->MEMBER, true, true \
    }
static const field fields[] = {
    FIELD("classes", classes, TEXT),
    LATER("labels", labels, TEXT),
    FIELD("strict", strict, FLAG),
    FIELD("model", model, CHOICE),
    FIELD("size", size, WHOLE),
    FIELD("channels", channels, WHOLE),
    FIELD("embedding", embedding, WHOLE),
    FIELD("width", width, WHOLE),
    LATER("last-stride", last_stride, WHOLE),
    LATER("stem", stem, CHOICE),
    LATER("pooling", pooling, CHOICE),
    LATER("neck", neck, FLAG),
    LATER("attention", attention, TEXT),
    LATER("head", head, TEXT),
    FIELD("filter", filter, CHOICE),
    LATER("normalize", normalize, CHOICE),
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
    FIELD("batch-classes", batch_classes, WHOLE),
    FIELD("batch-pictures", batch_pictures, WHOLE),
    FIELD("batch", batch, WHOLE),
    FIELD("optimizer", optimizer, CHOICE),
    FIELD("schedule", schedule, CHOICE),
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
    LATER("sampler", sampler, CHOICE),
    LATER("validate-fold", validate_fold, TEXT),
    LATER("validate-list", validate_list, TEXT),
    {"data", TEXT, offsetof(kin_config, data), sizeof((kin_config *)0)->data, false},
    {"n-classes", WHOLE, offsetof(kin_config, n_classes), sizeof((kin_config *)0)->n_classes, false},
};
enum { FIELDS = sizeof fields / sizeof *fields };
_Static_assert(sizeof fields / sizeof *fields <= KIN_CONFIG_FIELDS, "callers hold KIN_CONFIG_FIELDS notes");

static void *member(const kin_config *c, const field *f) { return (char *)c + f->at; }

bool kin_config_network(const kin_config *c, kin_model_opt *opt, kin_head_choice *head, kin_error *err)
{
    kin_model_words words = {.embedding = c->embedding,
                             .width = c->width,
                             .last_stride = c->last_stride,
                             .neck = c->neck,
                             .stem = c->stem,
                             .pooling = c->pooling,
                             .attention = c->attention,
                             .head = c->head};
    return kin_model_options(kin_model_find(c->model), &words, opt, head, err);
}

/* An option for the loss that no term of it has would do nothing. */
static bool loss_takes(const kin_config *c, const kin_cli *cli, const char *option, kin_error *err)
{
    kin_loss_sum sum;
    int taken = 0;
    double value = kin_option_real(cli, option);
    if (!kin_option_given(cli, option) || value == 0) return true;
    if (!kin_loss_parse(c->loss, NULL, &sum, err) || !kin_loss_offer(&sum, option, value, &taken, err))
        return false;
    return taken || kin_fail(err, KIN_ERR_ARGUMENT, "--%s: the loss %.100s has no option of this name",
                             option, c->loss);
}

static bool read_options(kin_config *c, const kin_cli *cli, kin_error *err)
{
    *c = (kin_config){0};
    for (int i = 0; i < FIELDS; i++) {
        const field *f = &fields[i];
        if (!f->option) continue;
        if (f->kind == TEXT || f->kind == CHOICE) {
            const char *text = kin_option_string(cli, f->name);
            if (text && strlen(text) >= f->size)
                return kin_fail(err, KIN_ERR_ARGUMENT, "--%s is longer than %zu characters", f->name,
                                f->size - 1);
            snprintf(member(c, f), f->size, "%s", text ? text : "");
        } else if (f->kind == REAL) {
            *(double *)member(c, f) = kin_option_real(cli, f->name);
        } else {
            *(int64_t *)member(c, f) = f->kind == FLAG ? kin_option_flag(cli, f->name)
                                                       : kin_option_int(cli, f->name);
        }
    }
    return true;
}

bool kin_config_from_options(kin_config *c, const kin_cli *cli, kin_error *err)
{
    if (!read_options(c, cli, err)) return false;
    const kin_model *model = kin_model_find(c->model);
    c->open_batch_classes = !kin_option_given(cli, "batch-classes");
    c->open_batch = !kin_option_given(cli, "batch");
    kin_config_complete(c, model, *c->weights);
    uint32_t checked;
    return kin_background_parse(c->background, &checked, err) &&
           kin_config_network(c, &(kin_model_opt){0}, &(kin_head_choice){0}, err) &&
           loss_takes(c, cli, "margin", err) && loss_takes(c, cli, "smoothing", err) &&
           kin_config_loss(c, &(kin_loss_sum){0}, err);
}

static void value_text(const kin_config *c, const field *f, char *text, size_t size)
{
    if (f->kind == TEXT || f->kind == CHOICE) snprintf(text, size, "%s", (const char *)member(c, f));
    else if (f->kind == REAL) snprintf(text, size, "%.10g", *(double *)member(c, f));
    else snprintf(text, size, "%lld", (long long)*(int64_t *)member(c, f));
}

bool kin_config_contradictions(const kin_config *run, const kin_cli *cli, kin_text *out, kin_error *err)
{
    kin_config said;
    if (!read_options(&said, cli, err)) return false;
    for (int i = 0; i < FIELDS; i++) {
        const field *f = &fields[i];
        char a[KIN_CONFIG_TEXT], b[KIN_CONFIG_TEXT];
        if (!f->option || strcmp(f->name, "steps") == 0 || !kin_option_given(cli, f->name)) continue;
        value_text(run, f, a, sizeof a), value_text(&said, f, b, sizeof b);
        if (strcmp(a, b) == 0) continue;
        kin_text_format(out, "%s--%s", out->size ? ", " : "", f->name);
        if (f->kind != FLAG) kin_text_format(out, " %.60s (the run has %.60s)", b, *a ? a : "none");
    }
    return !out->failed || kin_fail_memory(err, "the options", out->size);
}

int kin_config_to_notes(const kin_config *c, kin_note *notes, kin_arena *storage)
{
    for (int i = 0; i < FIELDS; i++) {
        const field *f = &fields[i];
        char text[KIN_CONFIG_TEXT + 8], key[64];
        if (f->kind == TEXT || f->kind == CHOICE)
            snprintf(text, sizeof text, "%s", (const char *)member(c, f));
        else if (f->kind == REAL) snprintf(text, sizeof text, "%.17g", *(double *)member(c, f));
        else snprintf(text, sizeof text, "%lld", (long long)*(int64_t *)member(c, f));
        snprintf(key, sizeof key, "kin.%s", f->name);
        notes[i] = (kin_note){kin_arena_strdup(storage, key), kin_arena_strdup(storage, text)};
        if (!notes[i].key || !notes[i].value) return -1;
    }
    return FIELDS;
}

/* Notes are of anybody's making; what they say is multiplied, and becomes an int. */
static bool sizes_possible(const kin_config *c)
{
    const struct {
        int64_t value, low, high;
    } rows[] = {{c->size, 1, 4096},          {c->n_classes, 0, 10000000},   {c->embedding, 0, 65536},
                {c->width, 0, 8192},         {c->resize, 0, 65536},         {c->shift, 0, 65536},
                {c->cache_side, 0, 1000000}, {c->batch_classes, 1, 65536},  {c->batch, 1, 1 << 24},
                {c->batch_pictures, 1, 256}, {c->steps, 0, INT64_MAX / 256}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].value < rows[i].low || rows[i].value > rows[i].high) return false;
    return c->channels == 1 || c->channels == 3;
}

bool kin_config_from_checkpoint(kin_config *c, const kin_checkpoint *from, const char *path, kin_error *err)
{
    *c = (kin_config){0};
    for (int i = 0; i < FIELDS; i++) {
        const field *f = &fields[i];
        char key[64];
        int64_t whole;
        double real;
        snprintf(key, sizeof key, "kin.%s", f->name);
        const char *text = kin_checkpoint_note(from, key);
        if (!text && f->later) continue;
        bool ok = text != NULL;
        if (!ok)
            return kin_fail(
                err, KIN_ERR_DATA,
                "%s: does not say how it was trained (%s is missing): it was not written by kin train", path,
                key);
        if (f->kind == TEXT || f->kind == CHOICE)
            ok = strlen(text) < f->size && snprintf(member(c, f), f->size, "%s", text) >= 0;
        else if (f->kind == REAL) ok = kin_parse_real(text, &real) && (*(double *)member(c, f) = real, true);
        else ok = kin_parse_int(text, 0, INT64_MAX, &whole) && (*(int64_t *)member(c, f) = whole, true);
        if (!ok)
            return kin_fail(err, KIN_ERR_DATA, "%s: its note %s, \"%.60s\", makes no sense", path, key, text);
    }
    if (!kin_model_find(c->model))
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
    return kin_loss_parse(c->loss, NULL, out, err) &&
           (!(c->margin > 0) || kin_loss_offer(out, "margin", c->margin, &taken, err)) &&
           (!(c->smoothing > 0) || kin_loss_offer(out, "smoothing", c->smoothing, &taken, err));
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
    if (!c->size) c->size = model->size;
    if (!c->channels) c->channels = model->channels;
    if (open_choice(c->filter))
        snprintf(c->filter, sizeof c->filter, "%s", model->filter ? model->filter : "bilinear");
    if (open_choice(c->normalize))
        snprintf(c->normalize, sizeof c->normalize, "%s", model->normalize ? model->normalize : "none");
    if (published && !c->resize && model->resize) c->resize = model->resize * c->size / model->size;
}

kin_loader_opt kin_config_loader(const kin_config *c)
{
    return (kin_loader_opt){.size = (int)c->size,
                            .channels = (int)c->channels,
                            .resize = (int)c->resize,
                            .filter = kin_config_filter(c),
                            .seed = (uint64_t)c->seed,
                            .strict = c->strict};
}
