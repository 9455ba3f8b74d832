/* kin loss: a loss by itself, for anyone to check against another implementation. */
#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "cli/options/command.h"
#include "cli/options/own.h"
#include "losses/registry.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"embeddings", KIN_OPTION_STRING, "E.npy", "the batch's embeddings, one a row"},
    {"labels", KIN_OPTION_STRING, "L.npy", "the class of each, whole numbers"},
    {"teacher", KIN_OPTION_STRING, "T.npy", "for distill: a teacher's descriptors of the same pictures"},
    {"gradient", KIN_OPTION_STRING, "G.npy", "write the gradient by the embeddings",
     .writes = KIN_WRITES_FILE},
    {"mined", KIN_OPTION_STRING, "FILE.csv",
     "write the pairs or triplets that counted, by their rows: anchor,positive,negative or "
     "anchor,other,kind",
     .writes = KIN_WRITES_FILE},
    {"classes", KIN_OPTION_INT, "N", "how many classes there are",
     .fallback_shown = "the largest label and one", .low = 1, .high = 10000000},
    {"weights", KIN_OPTION_STRING, "W.npy",
     "the loss's own parameters, one row a class: proxies, class weights, centres",
     .fallback_shown = "drawn by the seed"},
    {"weights-gradient", KIN_OPTION_STRING, "G.npy", "write the gradient by them", .writes = KIN_WRITES_FILE},
    {"seed", KIN_OPTION_INT, "N", "for parameters and for losses that draw", "1", .low = 0, .high = -1},
    {0},
};

typedef struct trial {
    kin_loss_sum sum;
    kin_npy embeddings, teacher; /* the latter empty where there is none */
    int *labels;
    int64_t n, d, classes;
    kin_ctx *ctx;
    kin_module *module;
    kin_loss_sum now; /* what forward computes */
    kin_mined *mined;
} trial;

static kin_tensor *forward(kin_scope *s, kin_tensor *x, void *arg)
{
    trial *t = arg;
    kin_tensor *teacher = t->teacher.count
                              ? kin_input(t->ctx, KIN_SHAPE(t->n, t->teacher.shape[1]), t->teacher.data)
                              : NULL;
    return kin_loss_value(
        &t->now, s,
        &(kin_loss_input){
            .x = x, .labels = t->labels, .classes = t->classes, .teacher = teacher, .mined = t->mined});
}

/* ---- reading ---- */

static bool read_labels(const char *path, trial *t, kin_error *err)
{
    kin_npy file;
    double most = 0;
    if (!kin_npy_read(path, &file, err)) return false;
    bool ok = file.count == t->n || kin_fail(err, KIN_ERR_DATA, "%s: holds %lld labels for %lld embeddings",
                                             path, (long long)file.count, (long long)t->n);
    t->labels = kin_alloc_array((size_t)t->n, sizeof *t->labels);
    if (ok && !t->labels) ok = kin_fail_memory(err, "the labels", (size_t)t->n * sizeof *t->labels);
    for (int64_t i = 0; ok && i < t->n; i++) {
        double label = (double)file.data[i];
        ok = (label >= 0 && label <= 10000000 && label == floor(label)) ||
             kin_fail(err, KIN_ERR_DATA, "%s: label %lld is %g, not a whole number from 0 to 10000000", path,
                      (long long)i, label);
        if (ok) t->labels[i] = (int)label;
        most = fmax(most, label);
    }
    kin_npy_free(&file);
    if (!t->classes) t->classes = (int64_t)most + 1;
    return ok;
}

static bool read_teacher(const kin_cli *cli, trial *t, kin_error *err)
{
    const char *path = kin_option_string(cli, "teacher");
    if (!path) return true;
    if (!kin_npy_read_matrix(path, &t->teacher, err)) return false;
    return t->teacher.shape[0] == t->n ||
           kin_fail(err, KIN_ERR_DATA, "%s: holds %lld rows for %lld embeddings", path,
                    (long long)t->teacher.shape[0], (long long)t->n);
}

static kin_entry *own_parameter(trial *t)
{
    for (int i = 0; i < kin_module_entries(t->module); i++)
        if (!kin_module_entry(t->module, i)->buffer) return kin_module_entry(t->module, i);
    return NULL;
}

static size_t term_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

/* One array is of one term: of a sum in which two have parameters it would be half of the answer. */
static bool one_has_parameters(const char *option, trial *t, kin_error *err)
{
    const kin_entry *own = own_parameter(t);
    if (!own) return kin_fail(err, KIN_ERR_ARGUMENT, "%s: this loss has no parameters", option);
    for (int i = 0; i < kin_module_entries(t->module); i++) {
        const kin_entry *e = kin_module_entry(t->module, i);
        if (!e->buffer &&
            (term_of(e->name) != term_of(own->name) || memcmp(e->name, own->name, term_of(own->name)) != 0))
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "%s: both %s and %s are parameters of this sum; try its terms one by one", option,
                            own->name, e->name);
    }
    return true;
}

static bool read_weights(const char *path, trial *t, kin_error *err)
{
    kin_npy file;
    char shape[64];
    if (!path) return true;
    if (!one_has_parameters("--weights", t, err)) return false;
    kin_entry *e = own_parameter(t);
    if (!kin_npy_read(path, &file, err)) return false;
    kin_shape wanted = kin_shape_of(e->tensor);
    bool ok = file.count == kin_count(e->tensor) &&
              (file.dims < 2 || file.shape[file.dims - 1] == kin_channels(e->tensor));
    if (ok) memcpy(kin_entry_data(e), file.data, (size_t)file.count * sizeof(float));
    else
        kin_fail(err, KIN_ERR_DATA, "%s: holds %lld numbers where %s is %s", path, (long long)file.count,
                 e->name, kin_shape_text(wanted, shape, sizeof shape));
    ok = ok && kin_check_finite(file.data, 1, file.count, path, err);
    kin_npy_free(&file);
    return ok;
}

static bool take(const trial *t, kin_error *err) { return kin_take_error(t->ctx, err); }

static bool open_trial(const kin_cli *cli, trial *t, kin_error *err)
{
    if (!kin_catalogue_loss(kin_own(), cli->positional[0], &t->sum, err) ||
        !kin_npy_read_matrix(kin_option_string(cli, "embeddings"), &t->embeddings, err))
        return false;
    t->n = t->embeddings.shape[0], t->d = t->embeddings.shape[1], t->classes = kin_option_int(cli, "classes");
    t->now = t->sum;
    if (t->n > 65536)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a batch of %lld embeddings is too large", (long long)t->n);
    if (!read_labels(kin_option_string(cli, "labels"), t, err) || !read_teacher(cli, t, err)) return false;
    if (!(t->ctx = kin_ctx_new())) return kin_fail_memory(err, "the loss", sizeof *t);
    t->module = kin_module_new(t->ctx, forward, t, KIN_SHAPE(t->n, t->d),
                               (uint64_t)kin_option_int(cli, "seed"));
    return t->module ? read_weights(kin_option_string(cli, "weights"), t, err) : take(t, err);
}

static void close_trial(trial *t)
{
    kin_module_free(t->module);
    kin_ctx_free(t->ctx);
    kin_npy_free(&t->embeddings), kin_npy_free(&t->teacher);
    kin_free(t->labels);
}

/* ---- telling ---- */

/* The terms' own values; a memory would take the batch twice, and is left to the sum. */
static bool tell_terms(trial *t, kin_error *err)
{
    for (int i = 0; t->sum.count > 1 && i < t->sum.count; i++) {
        kin_text name = {0};
        t->now = (kin_loss_sum){.count = 1, .term = {t->sum.term[i]}};
        if (kin_term_value_or(&t->sum.term[i], "xbm", 0) > 0) continue;
        kin_loss_print(&t->now, &name);
        kin_tensor *x = kin_input(t->ctx, KIN_SHAPE(t->n, t->d), t->embeddings.data);
        double value = kin_item(kin_module_forward(t->module, x, KIN_TRAIN));
        if (kin_ok(t->ctx) && !name.failed) printf("%.9g\t%s\n", value, name.data);
        kin_text_free(&name);
        kin_end_step(t->ctx);
        if (!kin_ok(t->ctx)) return take(t, err);
    }
    t->now = t->sum;
    return true;
}

static void tell_mined(const kin_mined *m)
{
    if (m->pairs.kind)
        printf("%lld positive and %lld negative pairs\n",
               (long long)kin_pairs_count(&m->pairs, KIN_PAIR_POSITIVE),
               (long long)kin_pairs_count(&m->pairs, KIN_PAIR_NEGATIVE));
    else if (m->triplets.count) printf("%lld triplets\n", (long long)m->triplets.count);
}

static bool write_mined(const char *path, const kin_mined *m, kin_error *err)
{
    kin_text out = {0};
    if (!path) return true;
    kin_text_add(&out, m->pairs.kind ? "anchor,other,kind\n" : "anchor,positive,negative\n");
    for (int64_t i = 0; i < m->pairs.n * m->pairs.m; i++)
        if (m->pairs.kind[i])
            kin_text_format(&out, "%lld,%lld,%s\n", (long long)(i / m->pairs.m), (long long)(i % m->pairs.m),
                            m->pairs.kind[i] == KIN_PAIR_POSITIVE ? "positive" : "negative");
    for (int64_t i = 0; i < m->triplets.count; i++)
        kin_text_format(&out, "%lld,%lld,%lld\n", (long long)m->triplets.anchor[i],
                        (long long)m->triplets.positive[i], (long long)m->triplets.negative[i]);
    bool ok = out.failed ? kin_fail_memory(err, "the list of pairs", out.size)
                         : kin_write_file(path, out.data, out.size, err);
    kin_text_free(&out);
    return ok;
}

static bool write_gradient(const char *path, const kin_real *grad, kin_tensor *of, kin_error *err)
{
    int64_t rows = kin_rows(of), columns = kin_channels(of);
    if (!path) return true;
    float *zeros = grad ? NULL : kin_alloc_zero((size_t)rows, (size_t)columns * sizeof *zeros);
    bool ok = (grad || zeros)
                  ? kin_npy_write_float32(path, grad ? grad : zeros, rows, columns, err)
                  : kin_fail_memory(err, "the gradient", (size_t)(rows * columns) * sizeof *zeros);
    kin_free(zeros);
    return ok;
}

static bool try_it(const kin_cli *cli, trial *t, kin_error *err)
{
    kin_mined mined = {0};
    kin_entry *own = own_parameter(t);
    if (kin_option_given(cli, "weights-gradient") && !one_has_parameters("--weights-gradient", t, err))
        return false;
    if (!tell_terms(t, err)) return false;
    t->mined = &mined;
    kin_tensor *x = kin_variable(t->ctx, KIN_SHAPE(t->n, t->d), t->embeddings.data),
               *value = kin_module_forward(t->module, x, KIN_TRAIN);
    kin_module_zero_grad(t->module);
    bool ok = kin_backward(value) || take(t, err);
    if (ok) printf("%.9g\tvalue\n", kin_item(value));
    if (ok) tell_mined(&mined);
    ok = ok && write_mined(kin_option_string(cli, "mined"), &mined, err) &&
         write_gradient(kin_option_string(cli, "gradient"), kin_grad(x), x, err) &&
         (!own || (kin_module_grads(t->module) && write_gradient(kin_option_string(cli, "weights-gradient"),
                                                                 kin_grad(own->tensor), own->tensor, err)));
    kin_mined_free(&mined);
    kin_end_step(t->ctx);
    return ok;
}

static int list(void)
{
    kin_text text = {0};
    kin_loss_list(kin_own()->losses, kin_own()->miners, &text);
    if (text.data) fputs(text.data, stdout);
    kin_text_free(&text);
    return 0;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    trial t = {0};
    if (!cli->positionals) return list();
    if (!kin_option_given(cli, "embeddings") || !kin_option_given(cli, "labels"))
        return kin_cli_usage(cli, "--embeddings E.npy and --labels L.npy are needed");
    bool ok = open_trial(cli, &t, &err) && try_it(cli, &t, &err);
    close_trial(&t);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_loss = {
    .name = "loss",
    .summary = "list the losses; the value, gradient and pairs of a batch",
    .usage = "kin loss\nkin loss SUM --embeddings E.npy --labels L.npy [--gradient G.npy]",
    .about =
        "Without SUM it lists the losses and their options. A sum is written as for kin train --loss: terms "
        "with "
        "options in brackets, weights on either side, joined by +.\n\n"
        "Prints the value of the batch (and of each term of a sum) and how many pairs or triplets counted; "
        "computes in float32, as training does.",
    .examples = "# the losses, their options, defaults and limits\n"
                "kin loss\n"
                "# against another implementation\n"
                "kin loss \"circle\" --embeddings e.npy --labels l.npy --gradient g.npy\n"
                "kin loss \"arcface(.3)\" --embeddings e.npy --labels l.npy --weights w.npy",
    .arguments = {{"SUM", "a loss, or a sum of some"}},
    .arguments_min = 0,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
