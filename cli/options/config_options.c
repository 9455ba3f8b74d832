#include "cli/options/config_options.h"

#include "base/memory.h"
#include "cli/options/own.h"
#include "train/config_fields.h"

#include <stdio.h>
#include <string.h>

/* An option for the loss that no term of it has would do nothing. */
static bool loss_takes(const kin_config *c, const kin_cli *cli, const char *option, kin_error *err)
{
    kin_loss_sum sum;
    int taken = 0;
    double value = kin_option_real(cli, option);
    if (!kin_option_given(cli, option) || value == 0) return true;
    if (!kin_catalogue_loss(kin_own(), c->loss, &sum, err) ||
        !kin_loss_offer(&sum, option, value, &taken, err))
        return false;
    return taken || kin_fail(err, KIN_ERR_ARGUMENT, "--%s: the loss %.100s has no option of this name",
                             option, c->loss);
}

bool kin_size_read(const kin_cli *cli, int64_t low, int64_t high, int64_t *height, int64_t *across,
                   kin_error *err)
{
    const char *text = kin_option_string(cli, "size");
    int64_t h, w;
    if (!text || !*text) return true;
    if (!kin_size_parse(text, &h, &w) || h < low || h > high || (w && (w < low || w > high)))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--size %.40s: %lld to %lld pixels a side were expected, as in 224, or 256x128 for a "
                        "height and a "
                        "width",
                        text, (long long)low, (long long)high);
    *height = h, *across = w;
    return true;
}

static bool read_option(kin_config *c, const kin_config_field *f, const kin_cli *cli, kin_error *err)
{
    void *at = kin_config_member(c, f);
    const char *text;
    switch (f->kind) {
    case KIN_FIELD_REAL: *(double *)at = kin_option_real(cli, f->name); return true;
    case KIN_FIELD_WHOLE: *(int64_t *)at = kin_option_int(cli, f->name); return true;
    case KIN_FIELD_FLAG: *(int64_t *)at = kin_option_flag(cli, f->name); return true;
    case KIN_FIELD_SIZE: return kin_size_read(cli, 8, 1024, &c->size, &c->across, err);
    case KIN_FIELD_TEXT:
    case KIN_FIELD_WORD: break;
    }
    text = kin_option_string(cli, f->name);
    if (kin_config_take(c, f, text ? text : "")) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT, "--%s is longer than %zu characters", f->name, f->size - 1);
}

static bool read_options(kin_config *c, const kin_cli *cli, kin_error *err)
{
    *c = (kin_config){.own = kin_own()};
    for (const kin_config_field *f = kin_config_fields; f->name; f++) {
        if (!f->option) continue;
        if (!read_option(c, f, cli, err)) return false;
    }
    return true;
}

/* Which defaults of these options are the gentle ones. */
typedef struct gentle {
    bool loss, lr, warmup, freeze_bn;
} gentle;

static gentle gentle_of(const kin_config *c, const kin_cli *cli)
{
    bool may = *c->weights && !kin_option_given(cli, "recipe") && !kin_option_given(cli, "resume");
    return (gentle){may && !kin_option_given(cli, "loss") && !*c->teacher,
                    may && !kin_option_given(cli, "lr"), may && !kin_option_given(cli, "warmup"),
                    may && !kin_option_given(cli, "freeze-bn") && !kin_option_flag(cli, "train-bn")};
}

static void be_gentle(kin_config *c, const kin_cli *cli)
{
    enum { WARMUP_MOST = 100 };
    gentle g = gentle_of(c, cli);
    if (*c->teacher && !kin_option_given(cli, "loss")) snprintf(c->loss, sizeof c->loss, "distill");
    int64_t tenth = c->steps / 10;
    if (g.loss) snprintf(c->loss, sizeof c->loss, "%s", KIN_GENTLE_LOSS);
    if (g.lr) (void)kin_parse_real(KIN_GENTLE_LR_TEXT, &c->lr);
    if (g.warmup) c->warmup = tenth < WARMUP_MOST ? tenth : WARMUP_MOST;
    if (g.freeze_bn) c->freeze_bn = 1;
}

void kin_config_tell_gentle(const kin_config *c, const kin_cli *cli, kin_text *out)
{
    gentle g = gentle_of(c, cli);
    if (g.loss) kin_text_format(out, ", --loss %s", c->loss);
    if (g.lr) kin_text_format(out, ", --lr %s", KIN_GENTLE_LR_TEXT);
    if (g.warmup) kin_text_format(out, ", --warmup %lld", (long long)c->warmup);
    if (g.freeze_bn) kin_text_add(out, ", --freeze-bn");
}

bool kin_config_from_options(kin_config *c, const kin_cli *cli, kin_error *err)
{
    if (!read_options(c, cli, err)) return false;
    be_gentle(c, cli);
    const kin_model *model = kin_catalogue_model(c->own, c->model);
    c->open_batch_classes = !kin_option_given(cli, "batch-classes");
    c->open_batch = !kin_option_given(cli, "batch");
    kin_config_complete(c, model, *c->weights);
    uint32_t checked;
    return kin_background_parse(c->background, &checked, err) && kin_config_sides(c, err) &&
           kin_config_network(c, &(kin_model_opt){0}, &(kin_head_choice){0}, err) &&
           loss_takes(c, cli, "margin", err) && loss_takes(c, cli, "smoothing", err) &&
           kin_config_loss(c, &(kin_loss_sum){0}, err) && kin_config_teaches(c, err);
}

static void add_contradictions(const kin_config *run, const kin_config *said, const kin_cli *cli,
                               kin_text *out)
{
    for (const kin_config_field *f = kin_config_fields; f->name; f++) {
        char a[KIN_CONFIG_TEXT], b[KIN_CONFIG_TEXT];
        bool free = strcmp(f->name, "steps") == 0 || strcmp(f->name, "teacher") == 0;
        if (!f->option || free || !kin_option_given(cli, f->name)) continue;
        kin_config_value(run, f, "%.10g", a, sizeof a), kin_config_value(said, f, "%.10g", b, sizeof b);
        if (strcmp(a, b) == 0) continue;
        kin_text_format(out, "%s--%s", out->size ? ", " : "", f->name);
        if (f->kind != KIN_FIELD_FLAG) kin_text_format(out, " %.60s (the run has %.60s)", b, *a ? a : "none");
    }
    if (kin_option_flag(cli, "train-bn") && run->freeze_bn)
        kin_text_format(out, "%s--train-bn", out->size ? ", " : "");
}

bool kin_config_contradictions(const kin_config *run, const kin_cli *cli, kin_text *out, kin_error *err)
{
    kin_config *said = kin_alloc(sizeof *said);
    if (!said) return kin_fail_memory(err, "the settings of a run", sizeof *said);
    bool read = read_options(said, cli, err);
    if (read) add_contradictions(run, said, cli, out);
    kin_free(said);
    if (!read) return false;
    return !out->failed || kin_fail_memory(err, "the options", out->size);
}
