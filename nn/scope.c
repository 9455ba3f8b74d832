/* Parameters by name, and the scopes that a network asks for them in: taps, blocks that are recomputed,
 * and what nn/folded.c keeps with a parameter. */
#include "autograd/recompute.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/module_parts.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

static size_t slot_of(const kin_module *m, const char *name)
{
    size_t slot = (size_t)kin_key_text(0, name) % m->table_size;
    while (m->table[slot] && strcmp(m->records[m->table[slot] - 1]->entry.name, name) != 0)
        slot = (slot + 1) % m->table_size;
    return slot;
}

kin_parameter *kin_module_lookup(const kin_module *m, const char *name)
{
    int index = m->table_size ? m->table[slot_of(m, name)] : 0;
    return index ? m->records[index - 1] : NULL;
}

static bool grow_table(kin_module *m)
{
    if (m->n_records * 2 < m->table_size) return true;
    size_t size = m->table_size ? m->table_size * 2 : 64;
    int *table = kin_alloc_zero(size, sizeof *table);
    if (!table) return false;
    kin_free(m->table);
    m->table = table;
    m->table_size = size;
    for (size_t i = 0; i < m->n_records; i++) m->table[slot_of(m, m->records[i]->entry.name)] = (int)i + 1;
    return true;
}

static kin_parameter *add_record(kin_module *m, const char *name, const kin_param_opt *opt)
{
    kin_parameter *r = kin_arena_alloc_zero(&m->names, sizeof *r);
    char *copy = kin_arena_strdup(&m->names, name);
    if (!r || !copy || !grow_table(m) ||
        !kin_grow((void **)&m->records, m->n_records, &m->cap_records, sizeof *m->records)) {
        kin_fail_memory(kin_module_error(m), "a parameter", sizeof *r);
        return NULL;
    }
    r->module = m;
    r->entry = (kin_entry){.name = copy,
                           .tensor = &r->tensor,
                           .layout = opt->layout,
                           .buffer = opt->buffer,
                           .no_decay = opt->no_decay,
                           .lr_scale = 1};
    r->opt = *opt;
    kin_leaf_init(&r->tensor, m->ctx, opt->shape, NULL, NULL);
    m->records[m->n_records++] = r;
    m->table[slot_of(m, copy)] = (int)m->n_records;
    return r;
}

/* ---- scopes ---- */

static kin_scope *scope_new(kin_scope *parent, bool shared, const char *name)
{
    if (!parent) return NULL;
    kin_module *m = parent->module;
    kin_scope *s = kin_ok(m->ctx) ? kin_arena_alloc(&m->ctx->arena, sizeof *s) : NULL;
    if (!s) return NULL;
    *s = (kin_scope){.module = m, .mode = parent->mode, .shared = parent->shared || shared};
    int used = snprintf(s->path, sizeof s->path, "%s%s%s", parent->path, *parent->path && *name ? "." : "",
                        name);
    if (used < (int)sizeof s->path) return s;
    kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT, "a scope's path is longer than %d characters: %.60s...",
             KIN_SCOPE_PATH, s->path);
    return NULL;
}

kin_scope *kin_sub(kin_scope *s, const char *name) { return scope_new(s, false, name); }
kin_scope *kin_sub_shared(kin_scope *s, const char *name) { return scope_new(s, true, name); }

kin_scope *kin_sub_index(kin_scope *s, const char *name, int index)
{
    char full[KIN_SCOPE_PATH];
    snprintf(full, sizeof full, "%s%s%d", name, *name ? "." : "", index);
    return scope_new(s, false, full);
}

bool kin_training(const kin_scope *s) { return s && s->mode == KIN_TRAIN; }
kin_ctx *kin_scope_ctx(kin_scope *s) { return s ? s->module->ctx : NULL; }
const char *kin_scope_path(const kin_scope *s) { return s ? s->path : ""; }

static kin_parameter *reused(kin_scope *s, kin_parameter *r)
{
    kin_module *m = s->module;
    if (r->seen == m->forward && !s->shared) {
        kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT,
                 "%s was asked for twice in one forward; open its scope with kin_sub_shared if that is "
                 "meant, or give it another name",
                 r->entry.name);
        return NULL;
    }
    r->seen = m->forward;
    return r;
}

static bool shape_agrees(kin_module *m, const kin_parameter *r, kin_shape wanted)
{
    char a[64], b[64];
    if (kin_shape_equal(r->tensor.shape, wanted)) return true;
    return kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT,
                    "%s has the shape %s, but %s was asked for: was the module made for another input?",
                    r->entry.name, kin_shape_text(r->tensor.shape, a, sizeof a),
                    kin_shape_text(wanted, b, sizeof b));
}

kin_tensor *kin_param(kin_scope *s, const char *name, const kin_param_opt *opt)
{
    if (!s || !kin_ok(s->module->ctx)) return NULL;
    kin_module *m = s->module;
    char full[KIN_SCOPE_PATH + 64];
    snprintf(full, sizeof full, "%s%s%s", s->path, *s->path ? "." : "", name);
    kin_parameter *r = kin_module_lookup(m, full);
    if (!r && m->building) {
        char text[64];
        if (!kin_shape_count(opt->shape))
            return kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT, "%s cannot have the shape %s", full,
                            kin_shape_text(opt->shape, text, sizeof text)),
                   NULL;
        r = add_record(m, full, opt);
    } else if (!r) {
        kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT,
                 "there is no parameter %s: it was not asked for when the module was made", full);
    }
    if (!r || !reused(s, r) || !shape_agrees(m, r, opt->shape)) return NULL;
    return &r->tensor;
}

bool kin_param_frozen(const kin_scope *s, const char *name)
{
    char full[KIN_SCOPE_PATH + 64];
    if (!s) return false;
    snprintf(full, sizeof full, "%s%s%s", s->path, *s->path ? "." : "", name);
    kin_parameter *r = kin_module_lookup(s->module, full);
    return r && r->entry.frozen;
}

/* ---- taps ---- */

kin_tensor *kin_tap(kin_scope *s, kin_tensor *x)
{
    if (!s || !x || !kin_ok(x->ctx)) return NULL;
    kin_module *m = s->module;
    kin_tapped *t = kin_arena_alloc(&m->ctx->arena, sizeof *t);
    if (!t) return kin_fail_memory(kin_module_error(m), "a tap", sizeof *t), NULL;
    *t = (kin_tapped){.path = s->path, .tensor = x, .earlier = m->taps};
    m->taps = t;
    kin_watched_name(x, s->path);
    if (kin_scope_retained(s)) kin_retain(x);
    return x;
}

bool kin_module_retain(kin_module *m, const char *path)
{
    if (m->sealed)
        return kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT,
                        "a sealed network keeps no further taps; ask for '%s' before sealing it", path);
    char *copy = kin_arena_strdup(&m->names, path);
    if (!copy || !kin_grow((void **)&m->retained, m->n_retained, &m->cap_retained, sizeof *m->retained))
        return kin_fail_memory(kin_module_error(m), "a tap's name", strlen(path) + 1);
    m->retained[m->n_retained++] = copy;
    kin_module_forget_plans(m);
    return true;
}

bool kin_scope_retained(const kin_scope *s)
{
    for (size_t i = 0; s && i < s->module->n_retained; i++)
        if (strcmp(s->module->retained[i], s->path) == 0) return true;
    return false;
}

const kin_tapped *kin_module_taps(const kin_module *m) { return m->taps; }

kin_tensor *kin_module_tapped(const kin_module *m, const char *path)
{
    for (const kin_tapped *t = m->taps; t; t = t->earlier)
        if (strcmp(t->path, path) == 0) return t->tensor;
    return NULL;
}

/* ---- blocks ---- */

static bool recomputes(const kin_scope *s) { return s && s->module->recompute && s->mode == KIN_TRAIN; }

void kin_module_recompute(kin_module *m, bool on) { m->recompute = on; }
void kin_module_norm_momentum(kin_module *m, double momentum) { m->norm_momentum = momentum; }
double kin_scope_norm_momentum(const kin_scope *s) { return s->module->norm_momentum; }

kin_scope *kin_block_begin(kin_scope *s)
{
    if (recomputes(s)) kin_segment_begin(s->module->ctx);
    return s;
}

kin_tensor *kin_block_end(kin_scope *s, kin_tensor *x)
{
    return recomputes(s) ? kin_segment_end(s->module->ctx, x) : x;
}

/* ---- for nn/folded.c ---- */

static kin_parameter *record_of(const kin_tensor *parameter)
{
    return (kin_parameter *)(void *)((char *)(uintptr_t)parameter - offsetof(kin_parameter, tensor));
}

/* Who observes the calls (export, the layer table) wants the parts. */
bool kin_scope_folds(const kin_scope *s)
{
    return s && s->module->values && !s->module->ctx->record && !s->module->ctx->observe;
}
bool kin_scope_observed(const kin_scope *s) { return s && s->module->ctx->observe; }
bool kin_param_sealed(const kin_tensor *weight) { return record_of(weight)->module->sealed; }
kin_arena *kin_param_arena(const kin_tensor *weight) { return &record_of(weight)->module->packed; }
kin_folded *kin_param_folded(const kin_tensor *weight) { return &record_of(weight)->folded; }
uint64_t kin_param_version(const kin_tensor *parameter) { return record_of(parameter)->entry.version; }
void kin_param_touched(kin_tensor *parameter) { record_of(parameter)->entry.version++; }

void kin_module_seal(kin_module *m) { m->sealed = true; }

bool kin_module_is_sealed(const kin_module *m) { return m->sealed; }

size_t kin_module_packed_bytes(const kin_module *m)
{
    size_t bytes = 0;
    for (size_t i = 0; i < m->n_records; i++) bytes += m->records[i]->folded.bytes;
    return bytes;
}

uint64_t kin_scope_key(kin_scope *s, const char *name)
{
    if (!s) return 0;
    uint64_t key = kin_key(s->module->ctx->seed, s->module->ctx->step, 0);
    return kin_key_text(kin_key_text(key, s->path), name);
}
