#include "models/autoencoder.h"

#include "autograd/ops.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MARGIN 0.3         /* of distances between unit vectors, which are 0 to 2 */
#define STRAIGHT_RATE 0.02 /* Adam moves every number alike, and the components are right already */
enum { STEPS = 2000, BATCH = 256, EVERY = 50, PATIENCE = 12, AT_A_TIME = 512, PICTURES = 4 };

struct kin_autoencoder {
    kin_ctx *ctx;
    kin_module *module;
    int64_t in, dims, hidden;
    bool decodes; /* the forward goes from codes to rows, else from rows to codes ... */
    bool both;    /* ... or, in training, both, and leaves the codes here: */
    kin_tensor *codes;
};

/* ---- the network ---- */

static kin_tensor *two_layers(kin_scope *s, kin_tensor *x, int64_t hidden, int64_t out)
{
    x = kin_relu(kin_linear(kin_sub(s, "0"), x, &(kin_linear_opt){.out = hidden}));
    return kin_linear(kin_sub(s, "2"), x, &(kin_linear_opt){.out = out});
}

static kin_tensor *encode(kin_scope *s, kin_tensor *x, const kin_autoencoder *a)
{
    kin_tensor *straight = kin_linear(kin_sub(s, "project"), x, &(kin_linear_opt){.out = a->dims});
    return kin_add(straight, two_layers(kin_sub(s, "encoder"), x, a->hidden, a->dims));
}

static kin_tensor *decode(kin_scope *s, kin_tensor *code, const kin_autoencoder *a)
{
    kin_tensor *straight = kin_linear(kin_sub(s, "restore"), code, &(kin_linear_opt){.out = a->in});
    return kin_add(straight, two_layers(kin_sub(s, "decoder"), code, a->hidden, a->in));
}

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    kin_autoencoder *a = arg;
    if (a->decodes) return decode(s, x, a);
    a->codes = encode(s, x, a);
    return a->both ? decode(s, a->codes, a) : a->codes;
}

static kin_autoencoder *new_one(int64_t in, int64_t dims, int64_t hidden, uint64_t seed, kin_error *err)
{
    kin_autoencoder *a = kin_alloc_zero(1, sizeof *a);
    if (a)
        *a = (kin_autoencoder){.ctx = kin_ctx_new(), .in = in, .dims = dims, .hidden = hidden, .both = true};
    if (a && a->ctx) a->module = kin_module_new(a->ctx, network, a, KIN_SHAPE(2, in), seed);
    if (a && a->module) return a->both = false, a;
    if (a && a->ctx) kin_take_error(a->ctx, err);
    else kin_fail_memory(err, "an auto-encoder", sizeof *a);
    kin_autoencoder_free(a);
    return NULL;
}

void kin_autoencoder_free(kin_autoencoder *a)
{
    if (!a) return;
    kin_module_free(a->module);
    kin_ctx_free(a->ctx);
    kin_free(a);
}

int64_t kin_autoencoder_in(const kin_autoencoder *a) { return a->in; }
int64_t kin_autoencoder_dims(const kin_autoencoder *a) { return a->dims; }

static kin_real *numbers(kin_autoencoder *a, const char *name)
{
    return kin_entry_data(kin_module_find(a->module, name));
}

static void silence(kin_autoencoder *a, const char *scope)
{
    char name[32];
    for (int bias = 0; bias < 2; bias++) {
        snprintf(name, sizeof name, "%s.2.%s", scope, bias ? "bias" : "weight");
        kin_entry *e = kin_module_find(a->module, name);
        memset(kin_entry_data(e), 0, (size_t)kin_count(e->tensor) * sizeof(kin_real));
    }
}

/* f and g give 0, the rest is PCA. Weights lie as [out, in]. */
static void begin_at_pca(kin_autoencoder *a, const kin_real *mean, const kin_real *components)
{
    kin_real *project = numbers(a, "project.weight"), *bias = numbers(a, "project.bias"),
             *restore = numbers(a, "restore.weight");
    memcpy(numbers(a, "restore.bias"), mean, (size_t)a->in * sizeof *mean);
    for (int64_t c = 0; c < a->dims; c++) {
        double sum = 0;
        for (int64_t i = 0; i < a->in; i++) {
            project[c * a->in + i] = restore[i * a->dims + c] = components[c * a->in + i];
            sum += (double)components[c * a->in + i] * (double)mean[i];
        }
        bias[c] = (kin_real)-sum;
    }
    silence(a, "encoder");
    silence(a, "decoder");
    for (int i = 0; i < kin_module_entries(a->module); i++) {
        kin_entry *e = kin_module_entry(a->module, i);
        if (strncmp(e->name, "project", 7) == 0 || strncmp(e->name, "restore", 7) == 0)
            e->lr_scale = STRAIGHT_RATE;
    }
}

/* ---- the loss ---- */

typedef struct trainer {
    kin_autoencoder *a;
    const kin_real *rows;
    const int *label;
    const kin_autoencoder_opt *opt;
    int64_t count, batch, steps;                  /* rows to train on */
    int64_t held;                                 /* the rows behind them */
    double spread;                                /* mean ‖x − m‖² */
    int64_t *order;                               /* [batch] */
    int *labels;                                  /* [batch] */
    int64_t *by_label, *first, labelled, classes; /* rows sorted by label; where each class begins */
    kin_real *best;
} trainer;

static kin_tensor *take_rows(const trainer *t, const int64_t *which, int64_t count)
{
    kin_tensor *x = kin_input(t->a->ctx, KIN_SHAPE(count, t->a->in), NULL);
    for (int64_t i = 0; x && i < count; i++)
        memcpy((kin_real *)kin_data(x) + i * t->a->in, t->rows + which[i] * t->a->in,
               (size_t)t->a->in * sizeof(kin_real));
    return x;
}

static kin_tensor *cosines(kin_tensor *x)
{
    kin_tensor *unit = kin_l2_normalize(x);
    return kin_matmul(unit, unit, &(kin_matmul_opt){.transpose_b = true});
}

/* Rows and for each the nearest other one of its class and the nearest of another. */
typedef struct triplets {
    int64_t *anchor, *positive, *negative, count;
} triplets;

static bool room_for(triplets *m, int64_t rows)
{
    int64_t *all = kin_alloc_array((size_t)rows, 3 * sizeof *all);
    *m = (triplets){all, all + rows, all + 2 * rows, 0};
    return all != NULL;
}

/* A row that is drawn twice is no positive of itself. */
static void choose_nearest(const kin_tensor *distance, const int64_t *which, const int *labels, triplets *m)
{
    int64_t rows = kin_rows(distance);
    for (int64_t i = 0; i < rows; i++) {
        const kin_real *d = kin_data(distance) + i * kin_ld(distance);
        int64_t same = -1, other = -1;
        for (int64_t j = 0; j < rows; j++) {
            int64_t *nearest = labels[j] == labels[i] ? &same : &other;
            if (labels[i] < 0 || labels[j] < 0 || which[j] == which[i]) continue;
            if (*nearest < 0 || d[j] < d[*nearest]) *nearest = j;
        }
        if (same < 0 || other < 0) continue;
        m->anchor[m->count] = i, m->positive[m->count] = same, m->negative[m->count++] = other;
    }
}

/* mean [d_ap − d_an + m]₊ over unit codes with the easiest positive and the hardest negative [Xuan et al. 2020]. With the
 * hardest positive, as in batch-hard, a class that lies in several places makes the hinge longer than the margin, and all
 * codes at one point, or apart by little from what they share, are then the better solution: the classes fall together,
 * and the rows cannot be given back. The nearest one asks for no more than a search does, and for nothing once it has it.
 * NULL where there is nothing to compare, or with an error. */
static kin_tensor *strangers(const trainer *t, kin_tensor *code, const int64_t *which, const int *labels)
{
    kin_tensor *unit = kin_l2_normalize(code), *d = kin_distance(unit, unit), *loss = NULL;
    triplets m;
    if (!d || kin_rows(d) < 2) return NULL;
    if (!room_for(&m, kin_rows(d)))
        return kin_fail_memory(kin_ctx_error(t->a->ctx), "triplets", (unsigned long long)kin_rows(d) * 24),
               NULL;
    choose_nearest(d, which, labels, &m);
    if (m.count) {
        kin_tensor *gap = kin_sub_tensor(kin_gather(d, m.anchor, m.positive, m.count),
                                         kin_gather(d, m.anchor, m.negative, m.count));
        loss = kin_mean(kin_relu(kin_scale(gap, 1, MARGIN)), 0);
    }
    kin_free(m.anchor);
    return loss;
}

/* The loss of these rows. */
static kin_tensor *loss_of(const trainer *t, const int64_t *which, int64_t count, const int *labels)
{
    t->a->both = true;
    kin_tensor *x = take_rows(t, which, count), *back = kin_module_forward(t->a->module, x, KIN_TRAIN),
               *code = t->a->codes;
    t->a->both = false;
    kin_tensor *loss = kin_scale(kin_mean(kin_square(kin_sub_tensor(back, x)), 0),
                                 (double)t->a->in / t->spread, 0);
    if (t->opt->similarity > 0 && count > 1) {
        kin_tensor *mean = kin_input(t->a->ctx, KIN_SHAPE(1, t->a->in), t->opt->mean);
        kin_tensor *off = kin_sub_tensor(cosines(code), kin_detach(cosines(kin_sub_tensor(x, mean))));
        /* the diagonal is 0 */
        loss = kin_add(loss, kin_scale(kin_mean(kin_square(off), 0),
                                       t->opt->similarity * (double)count / (double)(count - 1), 0));
    }
    kin_tensor *metric = labels ? strangers(t, code, which, labels) : NULL;
    return metric ? kin_add(loss, kin_scale(metric, t->opt->metric, 0)) : loss;
}

/* ---- batches ---- */

static bool group_by_label(trainer *t)
{
    if (!t->label || !(t->opt->metric > 0)) return true;
    int most = -1;
    for (int64_t i = 0; i < t->count; i++) most = t->label[i] > most ? t->label[i] : most;
    t->by_label = kin_alloc_array((size_t)t->count, sizeof *t->by_label);
    t->first = kin_alloc_zero((size_t)most + 3, sizeof *t->first);
    if (!t->by_label || !t->first) return false;
    /* counts, then places: class c goes where fill[c] points, and ends where first[c + 1] does */
    int64_t *fill = t->first + 1;
    for (int64_t i = 0; i < t->count; i++)
        if (t->label[i] >= 0) fill[t->label[i] + 1]++;
    for (int c = 0; c <= most; c++) fill[c + 1] += fill[c];
    for (int64_t i = 0; i < t->count; i++)
        if (t->label[i] >= 0) t->by_label[fill[t->label[i]]++] = i;
    t->classes = most + 1;
    t->labelled = t->first[t->classes];
    return true;
}

/* P classes with four rows each (with repeats where a class is smaller); or any rows. A function of seed
 * and step. */
static void choose_batch(trainer *t, int64_t step)
{
    kin_stream stream = kin_stream_new(kin_key(t->opt->seed, 0xae, (uint64_t)step));
    for (int64_t i = 0; i < t->batch; i++) {
        if (!t->labelled) {
            t->order[i] = (int64_t)kin_stream_below(&stream, (uint64_t)t->count);
        } else if (i % PICTURES == 0) {
            t->order[i] = t->by_label[kin_stream_below(&stream, (uint64_t)t->labelled)];
        } else {
            int64_t c = t->label[t->order[i - 1]], begin = t->first[c], size = t->first[c + 1] - begin;
            t->order[i] = t->by_label[begin + (int64_t)kin_stream_below(&stream, (uint64_t)size)];
        }
        if (t->labelled) t->labels[i] = t->label[t->order[i]];
    }
}

/* ---- training ---- */

/* The mean over the held-out rows, a batch at a time, in their order: where that is by class, a batch has
 * triplets too. */
static double held_out_loss(trainer *t)
{
    double sum = 0;
    bool recording = kin_record(t->a->ctx, false);
    for (int64_t first = t->count; first < t->count + t->held; first += t->batch) {
        int64_t count = t->count + t->held - first < t->batch ? t->count + t->held - first : t->batch;
        for (int64_t i = 0; i < count; i++) {
            t->order[i] = first + i;
            /* none: like no other */
            if (t->labelled) t->labels[i] = t->label[first + i] < 0 ? -1 - (int)i : t->label[first + i];
        }
        sum += (double)count * kin_item(loss_of(t, t->order, count, t->labelled ? t->labels : NULL));
        kin_end_step(t->a->ctx);
    }
    kin_record(t->a->ctx, recording);
    return sum / (double)t->held;
}

static bool train_step(trainer *t, kin_optim *optim, int64_t step)
{
    kin_schedule schedule = {.kind = KIN_SCHEDULE_COSINE,
                             .lr = t->opt->lr > 0 ? t->opt->lr : 1e-4,
                             .steps = t->steps,
                             .warmup = t->steps / 20};
    choose_batch(t, step);
    kin_module_zero_grad(t->a->module);
    bool ok = kin_backward(loss_of(t, t->order, t->batch, t->labelled ? t->labels : NULL)) &&
              kin_optim_step(optim, kin_schedule_lr(&schedule, step));
    kin_end_step(t->a->ctx);
    return ok;
}

static bool train(trainer *t, kin_optim *optim, kin_autoencoder_fit *fit, kin_error *err)
{
    size_t bytes = (size_t)kin_module_slab_count(t->a->module) * sizeof(kin_real);
    double best = t->held ? held_out_loss(t) : NAN, now = best;
    int64_t kept = 0, step = 0;
    fit->before = best;
    memcpy(t->best, kin_module_values(t->a->module), bytes);
    for (; step < t->steps && (!t->held || step - kept < PATIENCE * EVERY || step < t->steps / 2); step++) {
        if (!train_step(t, optim, step)) break;
        if (t->held && (step % EVERY == EVERY - 1 || step == t->steps - 1)) {
            now = held_out_loss(t);
            if (now < best)
                best = now, kept = step + 1, memcpy(t->best, kin_module_values(t->a->module), bytes);
        }
        if (t->opt->progress && !t->opt->progress(t->opt->user, step + 1, t->steps, now))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped while training the auto-encoder");
    }
    if (!kin_ok(t->a->ctx)) return kin_take_error(t->a->ctx, err);
    if (t->held) memcpy(kin_module_values(t->a->module), t->best, bytes);
    kin_module_touched(t->a->module);
    fit->step = t->held ? kept : step;
    fit->after = best;
    return true;
}

static bool check(int64_t count, int64_t in, const kin_autoencoder_opt *o, kin_error *err)
{
    if (o->dims < 1 || o->dims > in)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "codes of %lld numbers for descriptors of %lld; 1 to as many were expected",
                        (long long)o->dims, (long long)in);
    if (!(o->similarity >= 0) || !(o->metric >= 0) || !(o->held_out >= 0 && o->held_out < 1))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "weights of the loss are 0 or more, the held-out share is below 1");
    if (count * (1 - o->held_out) < 2)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%lld rows are too few to train on", (long long)count);
    return true;
}

static double spread_of(const kin_real *rows, int64_t count, int64_t in, const kin_real *mean)
{
    double sum = 0;
    for (int64_t i = 0; i < count * in; i++)
        sum += ((double)rows[i] - (double)mean[i % in]) * ((double)rows[i] - (double)mean[i % in]);
    return sum > 0 ? sum / (double)count : 1;
}

kin_autoencoder *kin_autoencoder_train(const kin_real *rows, int64_t count, int64_t in,
                                       const kin_autoencoder_opt *opt, kin_autoencoder_fit *fit,
                                       kin_error *err)
{
    kin_autoencoder_fit unwanted;
    if (!check(count, in, opt, err)) return NULL;
    int64_t held = (int64_t)(opt->held_out * (double)count), hidden = opt->hidden          ? opt->hidden
                                                                      : 2 * opt->dims < 64 ? 64
                                                                                           : 2 * opt->dims;
    trainer t = {.a = new_one(in, opt->dims, hidden, opt->seed, err),
                 .rows = rows,
                 .label = opt->label,
                 .opt = opt,
                 .count = count - held,
                 .held = held,
                 .batch = opt->batch ? opt->batch : BATCH,
                 .steps = opt->steps ? opt->steps : STEPS};
    if (!t.a) return NULL;
    t.spread = spread_of(rows, t.count, in, opt->mean);
    t.order = kin_alloc_array((size_t)t.batch, sizeof *t.order);
    t.labels = kin_alloc_array((size_t)t.batch, sizeof *t.labels);
    t.best = kin_alloc_array((size_t)kin_module_slab_count(t.a->module), sizeof *t.best);
    kin_optim *optim = kin_optim_new(t.a->module, &(kin_optim_opt){.kind = KIN_ADAM, .clip_norm = 1});
    bool ok = (t.order && t.labels && t.best && optim && group_by_label(&t)) ||
              kin_fail_memory(err, "training an auto-encoder",
                              (unsigned long long)t.count * sizeof *t.by_label);
    if (ok) begin_at_pca(t.a, opt->mean, opt->components);
    ok = ok && train(&t, optim, fit ? fit : &unwanted, err);
    kin_optim_free(optim);
    kin_free(t.order), kin_free(t.labels), kin_free(t.best), kin_free(t.by_label), kin_free(t.first);
    if (ok) return t.a;
    kin_autoencoder_free(t.a);
    return NULL;
}

/* ---- use ---- */

static bool run(kin_autoencoder *a, const kin_real *from, int64_t count, int64_t in, int64_t out,
                kin_real *to, kin_error *err)
{
    bool recording = kin_record(a->ctx, false);
    for (int64_t first = 0; first < count && kin_ok(a->ctx); first += AT_A_TIME) {
        int64_t n = count - first < AT_A_TIME ? count - first : AT_A_TIME;
        kin_tensor *y = kin_module_forward(a->module, kin_input(a->ctx, KIN_SHAPE(n, in), from + first * in),
                                           KIN_EVAL);
        if (y) kin_read(y, to + first * out);
        kin_end_step(a->ctx);
    }
    kin_record(a->ctx, recording);
    return kin_ok(a->ctx) || kin_take_error(a->ctx, err);
}

bool kin_autoencoder_encode(kin_autoencoder *a, const kin_real *rows, int64_t count, kin_real *codes,
                            kin_error *err)
{
    return run(a, rows, count, a->in, a->dims, codes, err);
}

bool kin_autoencoder_decode(kin_autoencoder *a, const kin_real *codes, int64_t count, kin_real *rows,
                            kin_error *err)
{
    a->decodes = true;
    bool ok = run(a, codes, count, a->dims, a->in, rows, err);
    a->decodes = false;
    return ok;
}

bool kin_autoencoder_save(kin_autoencoder *a, const char *path, kin_error *err)
{
    return kin_checkpoint_save(
        path, a->module, NULL,
        (kin_note[]){{"kin", "autoencoder"},
                     {"about", "code = project(x) + encoder(x); x = restore(code) + decoder(code)"}},
        2, err);
}

kin_autoencoder *kin_autoencoder_load(const char *path, kin_error *err)
{
    kin_checkpoint *c = NULL;
    kin_autoencoder *a = NULL;
    if (!kin_checkpoint_open(path, &c, err)) return NULL;
    const kin_array *project = kin_checkpoint_find(c, "project.weight"),
                    *hidden = kin_checkpoint_find(c, "encoder.0.weight");
    if (!project || !hidden || project->ndim != 2 || hidden->ndim != 2)
        kin_fail(
            err, KIN_ERR_DATA,
            "%s: this is no auto-encoder: the matrices project.weight and encoder.0.weight were expected",
            path);
    else a = new_one(project->shape[1], project->shape[0], hidden->shape[0], 0, err);
    kin_error inner = {0};
    if (a && !kin_checkpoint_load(c, a->module, NULL, &inner)) {
        kin_fail(err, inner.code, "%s: %s", path, inner.message);
        kin_autoencoder_free(a);
        a = NULL;
    }
    kin_checkpoint_free(c);
    return a;
}
