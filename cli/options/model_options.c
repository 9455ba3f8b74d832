#include "cli/options/model_options.h"

#include "base/text.h"
#include "cli/options/options.h"
#include "cli/options/own.h"
#include "train/model_words.h"

#include <stdio.h>
#include <string.h>

bool kin_model_options_read(const kin_cli *cli, const kin_model *m, kin_model_opt *out, kin_head_choice *head,
                            kin_error *err)
{
    const char *attention = kin_option_string(cli, "attention"), *text = kin_option_string(cli, "head");
    kin_model_words words = {.embedding = kin_option_int(cli, "embedding"),
                             .width = kin_option_int(cli, "width"),
                             .last_stride = kin_option_int(cli, "last-stride"),
                             .neck = kin_option_flag(cli, "neck"),
                             .stem = kin_option_string(cli, "stem"),
                             .pooling = kin_option_string(cli, "pooling"),
                             .attention = attention ? attention : "",
                             .head = text ? text : ""};
    return kin_model_options(m, kin_own(), &words, out, head, err);
}

bool kin_input_read(const char *text, const kin_model *m, kin_shape *out, kin_error *err)
{
    long long c = m->channels, h, w;
    char behind;
    if (sscanf(text, "%5lldx%5lldx%5lld%c", &c, &h, &w, &behind) != 3) {
        c = m->channels;
        if (sscanf(text, "%5lldx%5lld%c", &h, &w, &behind) != 2) {
            if (sscanf(text, "%5lld%c", &h, &behind) != 1)
                return kin_fail(
                    err, KIN_ERR_ARGUMENT,
                    "the input is CHANNELSxHEIGHTxWIDTH as in 3x224x224, or the side alone, not '%.40s'",
                    text);
            w = h;
        }
    }
    if (c < 1 || h < 1 || w < 1 || c > 4096 || h > 8192 || w > 8192)
        return kin_fail(err, KIN_ERR_ARGUMENT, "an input of %.40s is not possible; sides are 1 to 8192",
                        text);
    *out = KIN_SHAPE(1, h, w, c);
    return true;
}

kin_tensor *kin_named_model_forward(kin_scope *s, kin_tensor *x, void *chosen)
{
    const kin_named_model *c = chosen;
    kin_branches branches;
    if (!c->head.head || c->head.head == kin_heads[0]) return kin_model_forward(c->model, s, x, &c->opt);
    kin_head_call call = {&c->head, c->model, &c->opt, s, x};
    return kin_head_run(&call, &branches) ? kin_head_descriptor(&branches) : NULL;
}

const kin_model *kin_model_named(const char *name, kin_error *err)
{
    kin_nearest nearest = {0};
    const kin_model *m = kin_catalogue_model(kin_own(), name), *each;
    for (int i = 0; !m && (each = kin_catalogue_each_model(kin_own(), i)); i++)
        kin_nearest_try(&nearest, name, each->name);
    if (!m && nearest.name)
        kin_fail(err, KIN_ERR_ARGUMENT, "there is no network '%.40s' (did you mean %s?)", name, nearest.name);
    else if (!m) kin_fail(err, KIN_ERR_ARGUMENT, "there is no network '%.40s'; kin models lists them", name);
    return m;
}
