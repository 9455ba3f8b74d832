/* kin forward: an array through a network, and any tensor on the way out again. */
#include "base/memory.h"
#include "base/npy.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/network/profile.h"
#include "cli/options/model_options.h"
#include "cli/options/options.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "train/weights.h"

#include <stdio.h>
#include <string.h>

enum {
    BATCH = 4,
    NOISE = 16,
    /* of pictures at most; where only the last axis is so short, channels are taken to be there */
    CHANNELS_SEEN = 4,
};
#define PROFILED_SECONDS 2
static const char *const layouts[] = {"nchw", "nhwc", NULL};

typedef struct job {
    kin_named_model chosen;
    kin_ctx *ctx;
    kin_module *module;
    kin_npy input;
    bool nhwc;
    kin_shape x;     /* of the whole input, [n, h, w, c] */
    const char *tap; /* NULL: the network's output */
    /* to be missing in the weights; NULL: the classifier, where it is not asked for */
    const char *allowed;
    float *out;
    int dims;
    int64_t shape[KIN_MAX_DIMS], each; /* of the output as it is written, and its numbers a picture */
    int64_t batch;                     /* pictures at a time */
    kin_profile *profile;              /* NULL: nobody watches */
} job;

static bool open_input(job *j, const char *path, kin_error *err)
{
    if (!kin_npy_read(path, &j->input, err)) return false;
    const kin_npy *in = &j->input;
    int64_t d[4] = {1};
    if (in->dims != 3 && in->dims != 4)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: has %d dimensions; pictures [n, c, h, w], or one [c, h, w], were expected", path,
                        in->dims);
    for (int i = 0; i < in->dims; i++) d[4 - in->dims + i] = in->shape[i];
    j->x = j->nhwc ? KIN_SHAPE(d[0], d[1], d[2], d[3]) : KIN_SHAPE(d[0], d[2], d[3], d[1]);
    if (!kin_shape_count(j->x)) return kin_fail(err, KIN_ERR_DATA, "%s: is empty", path);
    if (!j->nhwc && d[1] > CHANNELS_SEEN && d[2] > CHANNELS_SEEN && d[3] <= CHANNELS_SEEN)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: would be pictures of %lld channels and %lldx%lld pixels; channels that come "
                        "last need --layout nhwc",
                        path, (long long)d[1], (long long)d[2], (long long)d[3]);
    return kin_check_finite(in->data, d[0], in->count / d[0], path, err);
}

/* For a profile alone: what the pictures show does not matter. */
static bool make_noise(job *j, kin_error *err)
{
    int64_t side = j->chosen.model->size, channels = j->chosen.model->channels;
    j->x = KIN_SHAPE(NOISE, side, side, channels);
    j->input.count = kin_shape_count(j->x);
    j->input.data = kin_alloc_array((size_t)j->input.count, sizeof *j->input.data);
    for (int64_t i = 0; j->input.data && i < j->input.count; i++)
        j->input.data[i] = (float)kin_random_normal(1, (uint64_t)i);
    return j->input.data || kin_fail_memory(err, "pictures of noise", (size_t)j->input.count * sizeof(float));
}

static bool ctx_failed(const job *j, kin_error *err)
{
    return kin_fail(err, kin_ctx_error(j->ctx)->code, "%s: %s", j->chosen.model->name,
                    kin_ctx_error(j->ctx)->message);
}

/* Without the classifier a checkpoint may well hold one. */
static bool load(job *j, const kin_cli *cli, const char *weights, kin_error *err)
{
    char spare[64], told[KIN_WEIGHTS_TOLD];
    snprintf(spare, sizeof spare, "%s.*", j->chosen.model->classifier);
    kin_weights w = {.path = weights,
                     .key = kin_option_string(cli, "key"),
                     .prefix = kin_option_string(cli, "prefix"),
                     .heads = j->allowed || j->chosen.opt.classes ? NULL : spare,
                     .missing = j->allowed,
                     .untrained = kin_option_flag(cli, "untrained"),
                     .sum_channels = kin_option_flag(cli, "sum-stem")};
    if (!kin_weights_load(&w, j->module, told, err)) return false;
    kin_cli_note(cli, "%s", told);
    return true;
}

/* Without weights: first values. */
static bool open_network(job *j, const kin_cli *cli, const char *weights, kin_error *err)
{
    kin_shape one = KIN_SHAPE(1, j->x.dim[1], j->x.dim[2], j->x.dim[3]);
    j->ctx = kin_ctx_new();
    if (!j->ctx) return kin_fail_memory(err, "a context", 1);
    j->module = weights && !j->allowed ? kin_module_new_zero(j->ctx, kin_named_model_forward, &j->chosen, one)
                                       : kin_module_new(j->ctx, kin_named_model_forward, &j->chosen, one, 1);
    if (!j->module) return ctx_failed(j, err);
    kin_record(j->ctx, false);
    kin_module_pictures_apart(j->module);
    return (!weights || load(j, cli, weights, err)) &&
           (!j->tap || kin_module_retain(j->module, j->tap) || ctx_failed(j, err));
}

/* Of the weights only those that are folded and packed stay in memory, unless a profile is to run the
 * network in other ways too. */
static bool seal(job *j, bool profiles)
{
    if (!profiles) kin_module_seal(j->module);
    return true;
}

/* One picture between files' order, [c, h·w] when not `nhwc`, and memory's, rows of c numbers `ld` apart. */
static void to_memory(const float *from, kin_real *to, int64_t pixels, int64_t channels, bool nhwc)
{
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++)
            to[p * channels + c] = from[nhwc ? p * channels + c : c * pixels + p];
}

static void to_file(const kin_real *from, int64_t ld, float *to, int64_t pixels, int64_t channels, bool nhwc)
{
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t c = 0; c < channels; c++)
            to[nhwc ? p * channels + c : c * pixels + p] = (float)from[p * ld + c];
}

static bool no_such_tap(const job *j, kin_error *err)
{
    kin_nearest nearest = {0};
    for (const kin_tapped *t = kin_module_taps(j->module); t; t = t->earlier)
        kin_nearest_try(&nearest, j->tap, t->path);
    return kin_fail(err, KIN_ERR_ARGUMENT, "%s has no tensor '%.80s'%s%s%s; kin show %s lists them",
                    j->chosen.model->name, j->tap, nearest.name ? " (did you mean " : "",
                    nearest.name ? nearest.name : "", nearest.name ? "?)" : "", j->chosen.model->name);
}

static bool make_output(job *j, const kin_tensor *t, kin_error *err)
{
    kin_shape s = kin_shape_of(t);
    size_t count;
    j->dims = s.ndim;
    j->shape[0] = j->x.dim[0];
    for (int i = 1; i < s.ndim; i++) j->shape[i] = s.dim[j->nhwc ? i : i == 1 ? s.ndim - 1 : i - 1];
    j->each = kin_count(t) / s.dim[0];
    if (!kin_mul_size((uint64_t)j->x.dim[0], (uint64_t)j->each, &count))
        return kin_fail_memory(err, "the output", SIZE_MAX);
    j->out = kin_alloc_array(count, sizeof *j->out);
    return j->out || kin_fail_memory(err, "the output", count * sizeof *j->out);
}

static bool one_batch(job *j, int64_t first, int64_t count, kin_error *err)
{
    int64_t pixels = j->x.dim[1] * j->x.dim[2], channels = j->x.dim[3];
    kin_tensor *x = kin_input(j->ctx, KIN_SHAPE(count, j->x.dim[1], j->x.dim[2], channels), NULL);
    kin_real *numbers = (kin_real *)kin_data(x);
    for (int64_t i = 0; numbers && i < count; i++)
        to_memory(j->input.data + (first + i) * pixels * channels, numbers + i * pixels * channels, pixels,
                  channels, j->nhwc);
    kin_profile_begin(j->profile);
    kin_tensor *y = kin_module_forward(j->module, x, KIN_EVAL);
    kin_profile_lap(j->profile, KIN_LAP_NETWORK);
    kin_profile_end(j->profile);
    if (!y) return ctx_failed(j, err);
    if (j->tap && !(y = kin_module_tapped(j->module, j->tap))) return no_such_tap(j, err);
    if (!j->out && !make_output(j, y, err)) return false;
    int64_t rows = kin_rows(y) / count;
    for (int64_t i = 0; i < count; i++)
        to_file(kin_data(y) + i * rows * kin_ld(y), kin_ld(y), j->out + (first + i) * j->each, rows,
                kin_channels(y), j->nhwc);
    kin_end_step(j->ctx);
    return true;
}

static bool forward(job *j, bool quiet, kin_error *err)
{
    int64_t n = j->x.dim[0];
    kin_meter meter;
    kin_meter_start(&meter, "computing", "pictures", 0, n, quiet);
    for (int64_t first = 0; first < n; first += j->batch) {
        if (!one_batch(j, first, n - first < j->batch ? n - first : j->batch, err)) return false;
        if (kin_interrupted()) return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted; nothing was written");
        kin_meter_update(&meter, first + j->batch < n ? first + j->batch : n, NULL);
    }
    kin_meter_end(&meter);
    return true;
}

/* The pictures again and again, for some seconds: in the first pass weights were packed and memory was
 * taken. */
static bool profile(job *j, const char *csv, kin_error *err)
{
    kin_profile p;
    if (!kin_profile_open(&p, j->ctx, err)) return false;
    p.warm = true;
    j->profile = &p;
    double began = kin_clock();
    bool ok = true;
    while (ok && (p.steps < 3 || kin_clock() - began < PROFILED_SECONDS) && !kin_interrupted())
        ok = forward(j, true, err);
    j->profile = NULL;
    ok = ok && kin_profile_report(&p, csv, err);
    kin_profile_free(&p);
    return ok;
}

static void print_memory(const job *j)
{
    int64_t batch = j->x.dim[0] < j->batch ? j->x.dim[0] : j->batch;
    size_t planned = kin_module_planned_bytes(j->module,
                                              KIN_SHAPE(batch, j->x.dim[1], j->x.dim[2], j->x.dim[3]));
    printf("%.1f MB of folded and packed weights, %.1f MB planned for %lld pictures at a time, %.1f MB at "
           "most in use beside the weights\n",
           (double)kin_module_packed_bytes(j->module) / 1e6, (double)planned / 1e6, (long long)batch,
           (double)kin_peak_bytes(j->ctx) / 1e6);
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    const char *weights = kin_option_string(cli, "weights"), *input = kin_option_string(cli, "input"),
               *out = kin_option_string(cli, "out"), *csv = kin_option_string(cli, "profile-csv");
    bool profiles = csv || kin_option_flag(cli, "profile");
    job j = {.nhwc = kin_option_choice(cli, "layout") == 1,
             .tap = kin_option_string(cli, "tap"),
             .allowed = kin_option_string(cli, "allow-missing"),
             .batch = profiles ? NOISE : BATCH};
    if (!profiles && (!weights || !input || !out))
        return kin_cli_usage(cli, "--weights, --input and --out are needed (or --profile)");
    kin_interrupt_catch();
    bool ok = (j.chosen.model = kin_model_named(kin_option_string(cli, "model"), &err)) != NULL &&
              kin_model_options_read(cli, j.chosen.model, &j.chosen.opt, &j.chosen.head, &err);
    j.chosen.opt.classes = kin_option_int(cli, "classes");
    ok = ok && (input ? open_input(&j, input, &err) : make_noise(&j, &err)) &&
         open_network(&j, cli, weights, &err) && seal(&j, profiles) && forward(&j, cli->quiet, &err);
    ok = ok && (!out || kin_npy_write_array(out, j.out, j.dims, j.shape, &err)) &&
         (!profiles || profile(&j, csv, &err));
    if (ok && kin_option_flag(cli, "memory")) print_memory(&j);
    kin_free(j.out);
    kin_npy_free(&j.input);
    kin_module_free(j.module);
    kin_ctx_free(j.ctx);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

static const kin_option options[] = {
    {"model", KIN_OPTION_CHOICE, "NAME", "the network", .choices = kin_model_names, .required = true},
    {"weights", KIN_OPTION_STRING, "FILE",
     "safetensors or anything else that kin import reads, with PyTorch's names",
     .fallback_shown = "with --profile: first values"},
    {"input", KIN_OPTION_STRING, "X",
     "pictures as .npy: [n, c, h, w], or one [c, h, w], scaled as the network wants them",
     .fallback_shown = "with --profile: 16 pictures of noise"},
    {"out", KIN_OPTION_STRING, "Y", "where the result goes, as .npy", .writes = KIN_WRITES_FILE},
    {"tap", KIN_OPTION_STRING, "NAME",
     "the tensor that leaves this part of the network, by the names of kin show (layer4, features.norm5, "
     "pooled)",
     .fallback_shown = "the network's output"},
    {"layout", KIN_OPTION_CHOICE, "NAME", "order of the axes of both files", "nchw", .choices = layouts},
    {"allow-missing", KIN_OPTION_STRING, "GLOBS",
     "parameters that may be missing in the weights or superfluous, such as 'fc.*'; missing ones keep their "
     "first values",
     .fallback_shown = "the network's own classifier, when it is not asked for"},
    KIN_WEIGHTS_OPTIONS,
    {"classes", KIN_OPTION_INT, "N", "with the network's own classifier of N classes",
     .fallback_shown = "none: its weights are passed over", .low = 1, .high = 10000000},
    {"memory", KIN_OPTION_FLAG, NULL, "print how much memory the network took"},
    {"profile", KIN_OPTION_FLAG, NULL,
     "compute for some seconds and print where the time goes, by op and layer, beside this machine's "
     "measured limits"},
    {"profile-csv", KIN_OPTION_STRING, "FILE", "the same, and write all layers to this file",
     .writes = KIN_WRITES_FILE},
    KIN_MODEL_OPTIONS,
    {0},
};

const kin_command kin_command_forward = {
    .name = "forward",
    .summary = "run an array through a network and keep any tensor of it",
    .usage = "kin forward --model NAME --weights FILE --input X.npy --out Y.npy [--tap NAME] [options of the "
             "network]\nkin forward --model NAME --profile [--profile-csv FILE]",
    .about = "For comparing with other programs, and for features from any depth. The network computes as in "
             "evaluation; the numbers are taken as they are. "
             "What kin computes as one has one name: the output of a batch norm with activation is "
             "activated, that of a block's last norm holds the sum.\n\n"
             "A profile counts operations as the definition of a convolution has them, so that ways that "
             "need fewer (Winograd's) may seem to pass the limit; "
             "the limit of a layer is the longer of the times that its arithmetic and its memory would take "
             "at the machine's best.",
    .examples = "kin forward --model resnet50 --weights resnet50.safetensors --input x.npy --out logits.npy "
                "--classes 1000\n"
                "# the last map\n"
                "kin forward --model resnet50 --weights resnet50.safetensors --input x.npy --out map.npy "
                "--tap layer4\n"
                "# where the time goes\n"
                "kin forward --model resnet50 --profile",
    .options = options,
    .run = run,
};
