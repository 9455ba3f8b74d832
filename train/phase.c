#include "train/phase.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/transforms/recipe.h"
#include "train/encoder.h"
#include "train/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what can be known beforehand ---- */

static bool sizes_agree(const kin_config *c, const kin_recipe *transforms, kin_error *err)
{
    int width = 0, height = 0;
    kin_recipe_output_size(transforms, &width, &height);
    return ((!width || width == kin_config_across(c)) && (!height || height == c->size)) ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "augment makes pictures of %d x %d (width x height) where size is %lld x %lld", width,
                    height, (long long)kin_config_across(c), (long long)c->size);
}

static bool described(kin_network *network, const kin_config *c, kin_error *err)
{
    kin_tuning tuning = kin_config_tuning(c);
    if (!kin_network_describe(network, c, err)) return false;
    network->config.n_classes = 2;
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = ctx ? kin_network_module(network, ctx) : NULL;
    bool ok = module ? kin_module_tune(module, &tuning, err) : kin_take_error(ctx, err);
    kin_module_free(module);
    kin_ctx_free(ctx);
    return ok;
}

bool kin_phase_check(const kin_config *c, kin_error *err)
{
    kin_recipe transforms;
    if (*c->augment &&
        !kin_recipe_parse_own(c->augment, c->own ? c->own->transforms : NULL, &transforms, err))
        return false;
    if (*c->augment && !sizes_agree(c, &transforms, err)) return false;
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    bool ok = network ? described(network, c, err) : kin_fail_memory(err, "a network", sizeof *network);
    kin_free(network);
    return ok;
}

/* ---- from one phase to the next ---- */

/* The tensors of a finished network that the next one has, too: same name, same size. */
static bool hand_over(const kin_checkpoint *from, kin_module *to, const char *path, kin_error *err)
{
    int count = kin_checkpoint_count(from), n = 0;
    kin_array *kept = kin_alloc_array((size_t)count + 1, sizeof *kept);
    if (!kept) return kin_fail_memory(err, path, (size_t)count * sizeof *kept);
    for (int i = 0; i < count; i++) {
        const kin_array *a = kin_checkpoint_array(from, i);
        const kin_entry *e = kin_module_find(to, a->name);
        if (e && a->ndim == kin_ndim(e->tensor) && (int64_t)a->count == kin_count(e->tensor)) kept[n++] = *a;
    }
    bool ok = n > 0 || kin_fail(err, KIN_ERR_DATA, "nothing of the phase before is in this one's network");
    ok = ok && kin_arrays_write(kept, (size_t)n, path, NULL, 0, err);
    kin_free(kept);
    return ok;
}

/* What is too large for a stack. */
typedef struct handing {
    kin_network network;
    kin_config before;
} handing;

static bool write_start(handing *h, const kin_config *next, const char *model, const char *path,
                        kin_error *err)
{
    kin_checkpoint *from = NULL;
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = NULL;
    bool ok = (ctx || kin_fail_memory(err, "a context", 1)) && kin_checkpoint_open(model, &from, err) &&
              kin_config_from_checkpoint(&h->before, from, model, next->own, err) &&
              kin_network_describe(&h->network, next, err);
    if (ok) {
        h->network.config.n_classes = h->before.n_classes;
        module = kin_network_module(&h->network, ctx);
        ok = module || kin_take_error(ctx, err);
    }
    ok = ok && hand_over(from, module, path, err);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_checkpoint_free(from);
    return ok;
}

bool kin_phase_start(kin_config *c, const char *model, const char *start, kin_error *err)
{
    if (strlen(start) >= sizeof c->weights)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%.100s...: the path is too long", start);
    handing *h = kin_alloc_zero(1, sizeof *h);
    bool ok = h ? write_start(h, c, model, start, err) : kin_fail_memory(err, "a network", sizeof *h);
    kin_free(h);
    if (!ok) return false;
    memcpy(c->weights, start, strlen(start) + 1);
    snprintf(c->allow_missing, sizeof c->allow_missing, "*");
    *c->key = *c->prefix = '\0';
    c->untrained = c->sum_stem = 0;
    return true;
}

/* ---- how far ---- */

/* Whether early stopping ended it (trainer.c). */
static bool lost_patience(const kin_checkpoint *state, const kin_config *c, int64_t step)
{
    const char *map = kin_checkpoint_note(state, "best.map"), *at = kin_checkpoint_note(state, "best.step");
    double best;
    int64_t best_step;
    return map && at && kin_parse_real(map, &best) && best >= 0 &&
           kin_parse_int(at, 0, INT64_MAX, &best_step) && kin_config_out_of_patience(c, step, best_step);
}

/* Whether nothing is left to do: a state at the last step, judged, and its network in place. */
static bool finished(const kin_checkpoint *state, const kin_config *c, const char *model, const char *next)
{
    const char *told = kin_checkpoint_note(state, "step");
    int64_t step;
    return told && kin_parse_int(told, 0, INT64_MAX, &step) &&
           (step >= c->steps || lost_patience(state, c, step)) &&
           !kin_checkpoint_note(state, "validation.due") && kin_exists(model) && !kin_exists(next);
}

/* The names of a folder's files. */
typedef struct files {
    char *state, *model, *next, *log;
} files;

static void files_free(files *f)
{
    kin_free(f->state), kin_free(f->model), kin_free(f->next), kin_free(f->log);
}

static bool files_of(files *f, const char *folder, kin_error *err)
{
    *f = (files){kin_path_join(folder, KIN_RUN_STATE), kin_path_join(folder, KIN_RUN_MODEL),
                 kin_path_join(folder, KIN_RUN_NEXT), kin_path_join(folder, KIN_RUN_LOG)};
    return (f->state && f->model && f->next && f->log) ||
           kin_fail_memory(err, "the names of a run's files", strlen(folder));
}

bool kin_phase_look(const char *folder, const kin_catalogue *own, kin_phase_progress *how, kin_config *c,
                    kin_error *err)
{
    kin_checkpoint *checkpoint = NULL;
    files f;
    *how = KIN_PHASE_NOT_BEGUN;
    bool ok = files_of(&f, folder, err);
    if (ok && kin_exists(f.state)) {
        ok = kin_checkpoint_open(f.state, &checkpoint, err) &&
             kin_config_from_checkpoint(c, checkpoint, f.state, own, err);
        if (ok) *how = finished(checkpoint, c, f.model, f.next) ? KIN_PHASE_FINISHED : KIN_PHASE_BEGUN;
    }
    kin_checkpoint_free(checkpoint);
    files_free(&f);
    return ok;
}

static bool forget(const char *path, kin_error *err)
{
    return remove(path) == 0 || errno == ENOENT ||
           kin_fail(err, KIN_ERR_IO, "%s: cannot be removed: %s", path, strerror(errno));
}

bool kin_phase_forget(const char *folder, kin_error *err)
{
    files f;
    bool ok = files_of(&f, folder, err) && forget(f.state, err) && forget(f.next, err) &&
              forget(f.model, err) && forget(f.log, err);
    files_free(&f);
    return ok;
}

bool kin_phase_publish(const char *folder, const char *run, kin_error *err)
{
    files from = {0}, to = {0};
    kin_bytes bytes = {0};
    bool ok = files_of(&from, folder, err) && files_of(&to, run, err) &&
              kin_read_file(from.model, 0, &bytes, err) &&
              kin_write_file(to.model, bytes.data, bytes.size, err);
    kin_bytes_free(&bytes);
    files_free(&from), files_free(&to);
    return ok;
}
