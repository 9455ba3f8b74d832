#include "cli/judge/backbones.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "base/version.h"
#include "cli/options/model_options.h"
#include "cli/options/own.h"
#include "cli/options/source.h"
#include "cli/terminal/deadline.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "kernels/isa.h"
#include "nn/summary.h"
#include "train/embed_cache.h"
#include "train/judge.h"
#include "train/recognise.h"
#include "train/weights.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- which networks ---- */

void kin_backbones_free(kin_backbones *b)
{
    for (size_t i = 0; i < b->count; i++) kin_free(b->row[i].from), kin_free(b->row[i].ap);
    kin_free(b->row);
    *b = (kin_backbones){0};
}

static kin_backbone *add(kin_backbones *b, const char *from, kin_error *err)
{
    char *copy = kin_strdup(from);
    if (!copy || !kin_grow((void **)&b->row, b->count, &b->room, sizeof *b->row)) {
        kin_free(copy);
        kin_fail_memory(err, from, sizeof *b->row);
        return NULL;
    }
    b->row[b->count] = (kin_backbone){.from = copy};
    return &b->row[b->count++];
}

/* What network it is; *why says why it is none that can be used. */
static bool recognise(const char *path, kin_backbone *out, kin_error *why, kin_error *err)
{
    kin_checkpoint *c = NULL;
    kin_import_info info;
    kin_recognised as;
    if (!kin_weights_open(path, NULL, NULL, &c, &info, why)) return true;
    const char *run = kin_checkpoint_note(c, "kin.model");
    bool ok = kin_numbers_digest(c, out->numbers, err) && kin_recognise(c, kin_own(), &as, err);
    if (ok && run && !info.member[0]) { /* inside an archive it is taken for its weights */
        snprintf(out->model, sizeof out->model, "%.40s", run);
        out->run = true;
    } else if (ok && as.model) {
        snprintf(out->model, sizeof out->model, "%.40s", as.model->name);
        out->channels = as.channels;
    } else if (ok) kin_fail(why, KIN_ERR_DATA, "%s: fits no network of kin models completely", path);
    kin_checkpoint_free(c);
    return ok;
}

/* One network in two forms stands there once. */
static const kin_backbone *same_numbers(const kin_backbones *b, const char *numbers)
{
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->row[i].numbers, numbers) == 0) return &b->row[i];
    return NULL;
}

static bool add_file(const kin_cli *cli, kin_backbones *b, const char *path, kin_error *err)
{
    kin_backbone found = {0};
    kin_error why = {0};
    if (!recognise(path, &found, &why, err)) return false;
    if (kin_failed(&why)) return kin_cli_note(cli, "left out: %s", why.message), true;
    const kin_backbone *same = same_numbers(b, found.numbers);
    if (same) return kin_cli_note(cli, "left out: %s holds the same numbers as %s", path, same->from), true;
    kin_backbone *row = add(b, path, err);
    if (!row) return false;
    found.from = row->from;
    *row = found;
    return kin_weights_digest(path, row->digest, NULL, err);
}

static bool may_be_weights(const char *name)
{
    static const char *const endings[] = {".pth",         ".pt",  ".th",  ".ckpt", ".bin",
                                          ".safetensors", ".npz", ".whl", ".zip"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t tail = strlen(endings[i]);
        if (length > tail && strcmp(name + length - tail, endings[i]) == 0) return true;
    }
    return false;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool list_folder(const char *folder, kin_arena *arena, char ***names, size_t *count, kin_error *err)
{
    size_t room = 0;
    DIR *dir = opendir(folder);
    if (!dir) return kin_fail(err, KIN_ERR_IO, "%s: cannot be opened: %s", folder, strerror(errno));
    bool ok = true;
    for (const char *name; (ok = ok && kin_next_name(dir, folder, &name, err)) && name;) {
        if (!may_be_weights(name)) continue;
        char *copy = kin_arena_strdup(arena, name);
        ok = (copy && kin_grow((void **)names, *count, &room, sizeof **names)) ||
             kin_fail_memory(err, folder, 64);
        if (ok) (*names)[(*count)++] = copy;
    }
    closedir(dir);
    if (ok && *count) qsort(*names, *count, sizeof **names, by_text);
    return ok;
}

static bool add_folder(const kin_cli *cli, kin_backbones *b, const char *folder, kin_error *err)
{
    kin_arena arena = {0};
    char **names = NULL;
    size_t count = 0;
    bool ok = list_folder(folder, &arena, &names, &count, err);
    for (size_t i = 0; ok && i < count; i++) {
        char *path = kin_path_join(folder, names[i]);
        ok = path ? add_file(cli, b, path, err) : kin_fail_memory(err, folder, strlen(folder));
        kin_free(path);
    }
    kin_free(names);
    kin_arena_free(&arena);
    return ok;
}

static bool add_random(kin_backbones *b, const char *name, kin_error *err)
{
    const kin_model *m = kin_model_named(name, err);
    kin_backbone *row = m ? add(b, "random", err) : NULL;
    if (!row) return false;
    snprintf(row->model, sizeof row->model, "%.40s", m->name);
    row->random = true;
    row->channels = m->channels;
    return true;
}

/* Calls for each part of "a,b". */
static bool each_part(const kin_cli *cli, const char *option, bool random, kin_backbones *b, kin_error *err)
{
    const char *given = kin_option_string(cli, option);
    char *copy = given ? kin_strdup(given) : NULL;
    if (given && !copy) return kin_fail_memory(err, option, strlen(given));
    bool ok = true;
    for (char *part = copy, *next; ok && part; part = next) {
        next = strchr(part, ',');
        if (next) *next++ = '\0';
        if (!*part) ok = kin_fail(err, KIN_ERR_ARGUMENT, "--%s %s: a name is empty", option, given);
        else if (random) ok = add_random(b, part, err);
        else ok = kin_is_folder(part) ? add_folder(cli, b, part, err) : add_file(cli, b, part, err);
    }
    kin_free(copy);
    return ok;
}

bool kin_backbones_find(const kin_cli *cli, kin_backbones *out, kin_error *err)
{
    *out = (kin_backbones){0};
    bool ok = each_part(cli, "weights", false, out, err) && each_part(cli, "random", true, out, err);
    return ok && (out->count || kin_fail(err, KIN_ERR_DATA, "%s: no file in it is of a network of kin models",
                                         kin_option_string(cli, "weights")));
}

/* ---- one row in a file ---- */

/* A picture's file is told by its length and time, as in an index of photographs: to read them all would take as long as
 * what is saved. */
static void add_sample(kin_sha256 *sum, const kin_sample *s)
{
    struct stat file;
    bool there = s->path && stat(s->path, &file) == 0;
    const int64_t about[] = {s->label,
                             s->camera,
                             s->box.x,
                             s->box.y,
                             s->box.width,
                             s->box.height,
                             s->number,
                             there ? file.st_size : -1,
                             there ? file.st_mtim.tv_sec : 0,
                             there ? file.st_mtim.tv_nsec : 0};
    kin_sha256_add(sum, about, sizeof about);
    kin_sha256_add(sum, s->id, strlen(s->id) + 1);
}

/* All that decides a row. */
static bool row_name(const kin_cli *cli, const kin_dataset *set, const kin_backbone *b,
                     char text[KIN_SHA256_TEXT])
{
    kin_sha256 sum;
    char about[500];
    int length = snprintf(about, sizeof about, "%s|%s|%d|%d|%s|%s|%s|%lld|%lld|%lld|%s|%lld", KIN_VERSION,
                          kin_isa_name(), kin_threads(), kin_option_flag(cli, "strict"), b->model,
                          b->random ? "random" : b->digest, b->numbers,
                          (long long)(b->random ? kin_option_int(cli, "seed") : 0),
                          (long long)(kin_option_given(cli, "size") ? kin_option_int(cli, "size") : 0),
                          (long long)kin_option_int(cli, "max-pixels"),
                          kin_option_given(cli, "background") ? kin_option_string(cli, "background") : "",
                          (long long)set->count);
    if (length < 0 || (size_t)length >= sizeof about) return false;
    kin_sha256_begin(&sum);
    kin_sha256_add(&sum, about, (size_t)length);
    for (int64_t i = 0; i < set->count; i++) add_sample(&sum, &set->items[i]);
    kin_sha256_end(&sum, text);
    return true;
}

static char *row_path(const kin_cli *cli, const kin_dataset *set, const kin_backbone *b)
{
    char digest[KIN_SHA256_TEXT], name[64];
    if (!row_name(cli, set, b, digest)) return NULL;
    snprintf(name, sizeof name, "backbone-%.32s.json", digest);
    return kin_path_join(kin_option_string(cli, "cache"), name);
}

static bool write_row(const char *path, const kin_dataset *set, const kin_backbone *b, kin_error *err)
{
    kin_text text = {0};
    kin_text_add(&text, "{\"network\": ");
    kin_json_add_string(&text, b->model);
    kin_text_add(&text, ", \"from\": ");
    kin_json_add_string(&text, b->from);
    kin_text_format(&text,
                    ", \"side\": %lld, \"dim\": %lld, \"seconds\": %.9g, \"macs\": %.0f, \"bytes\": %.0f, "
                    "\"recall1\": %.9g, \"ap\": [",
                    (long long)b->side, (long long)b->dim, b->seconds, b->macs, b->bytes, b->recall1);
    for (int64_t i = 0; i < set->count; i++) {
        if (i) kin_text_add(&text, ",");
        kin_json_add_number(&text, b->ap[i]);
    }
    kin_text_add(&text, "]}\n");
    bool ok = text.failed ? kin_fail_memory(err, path, text.size)
                          : kin_write_file(path, text.data, text.size, err);
    kin_text_free(&text);
    return ok;
}

static bool number(const kin_json *top, const char *key, double low, double high, double *out)
{
    const kin_json *v = kin_json_get(top, key);
    *out = v && v->kind == KIN_JSON_NUMBER ? v->number : NAN;
    return *out >= low && *out <= high;
}

static bool take_row(const kin_json *top, const kin_dataset *set, kin_backbone *b)
{
    double side, dim;
    const kin_json *ap = kin_json_get(top, "ap");
    if (!ap || ap->kind != KIN_JSON_ARRAY || ap->count != (size_t)set->count) return false;
    if (!number(top, "side", 1, 65536, &side) || !number(top, "dim", 1, 1e9, &dim) ||
        !number(top, "seconds", 0, 1e9, &b->seconds) || !number(top, "macs", 0, 1e18, &b->macs) ||
        !number(top, "bytes", 0, 1e15, &b->bytes) || !number(top, "recall1", 0, 1, &b->recall1))
        return false;
    b->side = (int64_t)side, b->dim = (int64_t)dim;
    int64_t i = 0;
    for (const kin_json *v = ap->first; v; v = v->next, i++) {
        bool known = v->kind == KIN_JSON_NUMBER && v->number >= 0 && v->number <= 1;
        if (!known && v->kind != KIN_JSON_NULL) return false;
        b->ap[i] = known ? v->number : NAN;
    }
    return true;
}

static bool read_row(const char *path, const kin_dataset *set, kin_backbone *b, bool *known, kin_error *err)
{
    kin_bytes file;
    kin_arena arena = {0};
    *known = false;
    if (!kin_exists(path)) return true;
    if (!kin_read_file(path, (size_t)64 << 20, &file, err)) return false;
    const kin_json *top = kin_json_parse((const char *)file.data, file.size, &arena, NULL);
    *known = top && take_row(top, set, b);
    kin_arena_free(&arena);
    kin_bytes_free(&file);
    return *known || kin_fail(err, KIN_ERR_DATA, "%s: is no row of kin backbones; delete it", path);
}

/* ---- one row computed ---- */

/* Network, module and their surroundings; on the heap, as a config is large. */
typedef struct work {
    kin_ctx *ctx;
    kin_config config;
    kin_network network;
    kin_module *module;
    kin_embed_cache *cache;
    kin_encoded encoded;
} work;

static void close_work(work *w)
{
    if (!w) return;
    kin_encoded_free(&w->encoded);
    kin_embed_cache_free(w->cache);
    kin_module_free(w->module);
    kin_ctx_free(w->ctx);
    kin_free(w);
}

static bool open_network(const kin_cli *cli, const kin_backbone *b, work *w, kin_error *err)
{
    kin_config *c = &w->config;
    int64_t size = kin_option_given(cli, "size") ? kin_option_int(cli, "size") : 0;
    if (b->run)
        return kin_network_open(b->from, &(kin_open_opt){.size = size, .own = kin_own()}, w->ctx, &w->network,
                                &w->module, err);
    const kin_model *model = kin_catalogue_model(kin_own(), b->model);
    c->size = size, c->channels = b->channels, c->own = kin_own(), c->seed = kin_option_int(cli, "seed");
    snprintf(c->model, sizeof c->model, "%s", model->name);
    snprintf(c->loss, sizeof c->loss, "triplet-hard");
    kin_config_complete(c, model, true);
    if (b->random) {
        if (!kin_network_describe(&w->network, c, err)) return false;
        w->module = kin_network_module(&w->network, w->ctx);
        return w->module || kin_take_error(w->ctx, err);
    }
    if (strlen(b->from) >= sizeof c->weights)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: the name is longer than %zu characters", b->from,
                        sizeof c->weights - 1);
    memcpy(c->weights, b->from, strlen(b->from) + 1);
    return kin_network_published(c, w->ctx, &w->network, &w->module, err);
}

static bool show(void *user, int64_t done, int64_t total)
{
    (void)total;
    kin_meter_update(user, done, NULL);
    return !kin_interrupted();
}

/* Multiply-adds of one picture: unlike seconds, the same whatever else the machine does. */
static bool count_work(work *w, kin_backbone *b, kin_error *err)
{
    const kin_config *c = &w->network.config;
    kin_ctx *ctx = kin_ctx_new();
    kin_summary s = {0};
    bool ok = ctx ? kin_summarize(ctx, kin_network_forward, &w->network,
                                  KIN_SHAPE(1, c->size, kin_config_across(c), c->channels), &s) ||
                        kin_take_error(ctx, err)
                  : kin_fail_memory(err, "a context", 1);
    b->macs = s.macs;
    kin_summary_free(&s);
    kin_ctx_free(ctx);
    return ok;
}

/* A few pictures at a time, as a search at hand would; the best of some turns, as others may use the machine. */
static bool time_network(work *w, kin_backbone *b, kin_error *err)
{
    enum { BATCH = 8, LEAST = 4, TURNS = 16 };
    const double enough = 1; /* seconds */
    const kin_config *c = &w->network.config;
    kin_shape input = KIN_SHAPE(BATCH, c->size, kin_config_across(c), c->channels);
    bool recording = kin_record(w->ctx, false);
    double begun = kin_clock();
    b->seconds = INFINITY;
    for (int turn = 0; turn < TURNS && (turn < LEAST || kin_clock() - begun < enough) && kin_ok(w->ctx);
         turn++) {
        double began = kin_clock();
        kin_module_forward(w->module, kin_input(w->ctx, input, NULL), KIN_EVAL);
        double took = (kin_clock() - began) / BATCH;
        if (turn && took < b->seconds) b->seconds = took;
        b->bytes = (double)kin_peak_bytes(w->ctx) + (double)kin_module_packed_bytes(w->module) +
                   (double)kin_module_slab_count(w->module) * sizeof(kin_real);
        kin_end_step(w->ctx);
        if (kin_interrupted())
            return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while timing %s", b->model);
    }
    kin_record(w->ctx, recording);
    return kin_ok(w->ctx) || kin_take_error(w->ctx, err);
}

/* Each picture looked for among the others. One without a direction finds nothing; one that cannot be read is not
 * asked for. */
static bool judge(const kin_dataset *set, const kin_encoded *e, kin_backbone *b, kin_error *err)
{
    int64_t n = e->count, *labels = kin_alloc_array((size_t)n, 2 * sizeof *labels);
    kin_scores *each = kin_alloc_array((size_t)n, sizeof *each);
    kin_metrics m;
    bool ok = (labels && each) || kin_fail_memory(err, "the figures", (size_t)n * sizeof *each);
    for (int64_t i = 0; ok && i < n; i++) {
        labels[i] = set->items[e->item[i]].label;
        labels[n + i] = set->items[e->item[i]].camera;
    }
    ok = ok && kin_judge_set((kin_vectors){e->rows, n, e->dim}, labels, labels + n, &m, each, err);
    for (int64_t i = 0; ok && i < set->count; i++) b->ap[i] = e->zeros && !e->broken ? 0 : NAN;
    bool tied = ok && kin_metrics_tied(&m);
    for (int64_t i = 0; ok && i < n; i++) b->ap[e->item[i]] = tied ? each[i].ap_pessimistic : each[i].ap;
    if (ok) b->recall1 = tied ? m.pessimistic.recall[0] : m.mean.recall[0], b->dim = e->dim;
    if (ok && e->zeros) b->recall1 *= (double)m.evaluated / (double)(m.evaluated + e->zeros);
    kin_free(labels), kin_free(each);
    return ok;
}

static bool compute(const kin_cli *cli, const kin_dataset *set, kin_backbone *b, kin_error *err)
{
    work *w = kin_alloc_zero(1, sizeof *w);
    kin_meter meter;
    char label[64];
    if (!w || !(w->ctx = kin_ctx_new())) {
        close_work(w);
        return kin_fail_memory(err, "a network", sizeof *w);
    }
    bool ok = open_network(cli, b, w, err);
    if (ok && kin_option_given(cli, "cache"))
        ok = (w->cache = kin_embed_cache_open(kin_option_string(cli, "cache"), w->module, &w->network,
                                              err)) != NULL;
    kin_encode_opt opt = {
        .cache = w->cache, .progress = show, .user = &meter, .strict = kin_option_flag(cli, "strict")};
    ok = ok && kin_picture_limits(cli, &opt.limits, err);
    if (ok) {
        kin_module_seal(w->module);
        b->side = w->network.config.size;
        snprintf(label, sizeof label, "%.40s", b->model);
        kin_meter_start(&meter, label, "pictures", 0, set->count, cli->quiet);
        ok = kin_encode(w->module, &w->network, set, &opt, &w->encoded, err);
        if (ok) kin_meter_end(&meter);
    }
    ok = ok && judge(set, &w->encoded, b, err) && count_work(w, b, err) && time_network(w, b, err);
    if (ok && w->encoded.broken)
        kin_cli_note(cli, "%s: %lld pictures could not be read and were left out; the first: %s", b->model,
                     (long long)w->encoded.broken, w->encoded.first_broken.message);
    if (ok && w->encoded.zeros)
        kin_cli_note(cli, "%s, %s: %lld of %lld descriptors are zeros, which find nothing", b->model, b->from,
                     (long long)w->encoded.zeros, (long long)set->count);
    close_work(w);
    return ok;
}

static void average(const kin_dataset *set, kin_backbone *b)
{
    double sum = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < set->count; i++)
        if (!isnan(b->ap[i])) sum += b->ap[i], count++;
    b->map = count ? sum / (double)count : NAN;
}

bool kin_backbone_measure(const kin_cli *cli, const kin_dataset *set, kin_backbone *b, bool *known,
                          kin_error *err)
{
    bool caches = kin_option_given(cli, "cache");
    char *path = NULL;
    *known = false;
    b->ap = kin_alloc_array((size_t)set->count, sizeof *b->ap);
    if (!b->ap) return kin_fail_memory(err, "the figures", (size_t)set->count * sizeof *b->ap);
    if (caches && (!kin_make_folders(kin_option_string(cli, "cache"), err) ||
                   (!(path = row_path(cli, set, b)) && !kin_fail_memory(err, "a row", 1))))
        return false;
    bool ok = (!caches || read_row(path, set, b, known, err)) && (*known || compute(cli, set, b, err));
    ok = ok && (!caches || *known || write_row(path, set, b, err));
    if (ok) average(set, b);
    kin_free(path);
    return ok;
}
