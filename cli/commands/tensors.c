/* kin tensors: what is in a file of weights. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/options/command.h"
#include "train/run_folder.h"
#include "train/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"json", KIN_OPTION_FLAG, NULL, "as a JSON array of objects"},
    {"key", KIN_OPTION_STRING, "NAME", "the dictionary to look into, in a PyTorch file",
     .fallback_shown = "the state dict"},
    {"prefix", KIN_OPTION_STRING, "TEXT", "only names that begin with this"},
    {0},
};

/* Of the finite numbers; `odd` counts the others. */
typedef struct summary {
    double min, max, mean, deviation;
    size_t finite, odd;
} summary;

/* Welford's recurrence: one pass, and no cancellation. */
static summary summarize(const kin_array *a)
{
    summary s = {0};
    double squares = 0;
    for (size_t i = 0; i < a->count; i++) {
        double x = kin_array_number(a, i);
        if (!isfinite(x)) {
            s.odd++;
            continue;
        }
        double before = x - s.mean;
        s.min = s.finite == 0 || x < s.min ? x : s.min;
        s.max = s.finite == 0 || x > s.max ? x : s.max;
        s.mean += before / (double)++s.finite;
        squares += before * (x - s.mean);
    }
    s.deviation = s.finite ? sqrt(squares / (double)s.finite) : 0;
    return s;
}

static void add_shape(kin_text *text, const kin_array *a, const char *between)
{
    kin_text_add(text, "[");
    for (int i = 0; i < a->ndim; i++)
        kin_text_format(text, "%s%lld", i ? between : "", (long long)a->shape[i]);
    kin_text_add(text, "]");
}

static void add_line(kin_text *text, const kin_array *a, int width)
{
    summary s = summarize(a);
    kin_text shape = {0};
    add_shape(&shape, a, ",");
    size_t begin = text->size;
    kin_text_add_visible(text, a->name);
    for (size_t shown = text->size - begin; shown < (size_t)width && !text->failed; shown++)
        kin_text_add(text, " ");
    kin_text_format(text, " %-4s %-18s", kin_dtype_name(a->dtype), shape.data ? shape.data : "");
    text->failed |= shape.failed;
    if (s.finite) kin_text_format(text, " %11.4g %11.4g %11.4g %11.4g", s.min, s.max, s.mean, s.deviation);
    else kin_text_format(text, " %11s %11s %11s %11s", "-", "-", "-", "-");
    if (s.odd) kin_text_format(text, "  %zu NaN or infinite", s.odd);
    kin_text_add(text, "\n");
    kin_text_free(&shape);
}

static void add_member(kin_text *text, const char *name, double value, bool any)
{
    kin_text_format(text, ", \"%s\": ", name);
    if (any) kin_json_add_number(text, value);
    else kin_text_add(text, "null");
}

static void add_object(kin_text *text, const kin_array *a)
{
    summary s = summarize(a);
    kin_text_add(text, "  {\"name\": ");
    kin_json_add_string(text, a->name);
    kin_text_format(text, ", \"dtype\": \"%s\", \"shape\": ", kin_dtype_name(a->dtype));
    add_shape(text, a, ", ");
    add_member(text, "min", s.min, s.finite > 0);
    add_member(text, "max", s.max, s.finite > 0);
    add_member(text, "mean", s.mean, s.finite > 0);
    add_member(text, "std", s.deviation, s.finite > 0);
    kin_text_format(text, ", \"not_finite\": %zu}", s.odd);
}

static void list(const kin_checkpoint *c, kin_text *text)
{
    int width = 4;
    size_t numbers = 0;
    for (int i = 0; i < kin_checkpoint_count(c); i++) {
        int length = (int)strlen(kin_checkpoint_name(c, i));
        width = length > width ? length : width;
        numbers += kin_checkpoint_array(c, i)->count;
    }
    kin_text_format(text, "%-*s %-4s %-18s %11s %11s %11s %11s\n", width, "name", "type", "shape", "min",
                    "max", "mean", "std");
    for (int i = 0; i < kin_checkpoint_count(c); i++) add_line(text, kin_checkpoint_array(c, i), width);
    kin_text_format(text, "%d arrays, %zu numbers\n", kin_checkpoint_count(c), numbers);
}

static void list_json(const kin_checkpoint *c, kin_text *text)
{
    kin_text_add(text, "[");
    for (int i = 0; i < kin_checkpoint_count(c); i++) {
        kin_text_add(text, i ? ",\n" : "\n");
        add_object(text, kin_checkpoint_array(c, i));
    }
    kin_text_add(text, "\n]\n");
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_checkpoint *c = NULL;
    kin_import_info info;
    kin_text text = {0};
    char *run = kin_is_folder(cli->positional[0]) ? kin_run_model(cli->positional[0]) : NULL;
    bool ok = kin_weights_open(run && kin_exists(run) ? run : cli->positional[0],
                               kin_option_string(cli, "key"), kin_option_string(cli, "prefix"), &c, &info,
                               &err);
    kin_free(run);
    if (ok) {
        if (kin_option_flag(cli, "json")) list_json(c, &text);
        else list(c, &text);
        ok = !text.failed || kin_fail_memory(&err, "the list", text.size);
    }
    if (ok) fwrite(text.data, 1, text.size, stdout);
    kin_text_free(&text);
    kin_checkpoint_free(c);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_tensors = {
    .name = "tensors",
    .summary = "list what is in a file of weights",
    .usage = "kin tensors FILE [--json] [--key NAME] [--prefix TEXT]",
    .about = "Prints each array's name, type and shape, with the least, the greatest and the mean of its "
             "finite numbers and their standard deviation. "
             "FILE is anything that kin import reads.",
    .examples = "kin tensors runs/omniglot/model.safetensors\n"
                "kin tensors resnet50.pth --json",
    .arguments = {{"FILE", "safetensors, .pth, .pt, .npz, .npy, or a folder of .npy files"}},
    .arguments_min = 1,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
