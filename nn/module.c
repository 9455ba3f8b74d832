#include "nn/module.h"

#include "autograd/ops.h"
#include "autograd/plan.h"
#include "autograd/recompute.h"
#include "autograd/tape.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/folded.h"
#include "nn/init.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Entries start on cache lines of their own in the slabs; the gap between two stays zero. */
enum { ALIGN = 16, PATH_MAX_LENGTH = 200, PLANS = 8 };

/* What a network evaluated a few pictures at a time takes between its layers, at most. Each such slice
 * reads all packed weights again, which for ResNet-50 are several times this: with a quarter of it the
 * benchmarks' networks were up to a third slower. */
static const size_t slice_bytes = (size_t)64 << 20;

typedef struct record {
    kin_entry entry;
    kin_tensor tensor;
    kin_param_opt opt;
    int64_t offset;
    uint64_t seen; /* the forward that asked for it last */
    kin_module *module;
    kin_folded folded; /* of a convolution's weight */
} record;

/* How an evaluation of this input shape uses memory. */
typedef struct shape_plan {
    kin_shape input;
    kin_plan plan;
    bool unfit; /* the network does other things from time to time, or cannot be run dry */
} shape_plan;

struct kin_module {
    kin_ctx *ctx;
    kin_net net;
    void *arg;
    uint64_t seed, forward;
    record **records;
    size_t n_records, cap_records;
    int *table; /* open addressing: index + 1 of the record with this name's hash */
    size_t table_size;
    kin_real *values, *grads, *buffers;
    int64_t slab_count, buffer_count, parameters;
    kin_arena names, packed; /* the latter: folded weights */
    const kin_tapped *taps;
    const char **retained;
    size_t n_retained, cap_retained;
    shape_plan plans[PLANS];
    int n_plans, next_plan; /* the one to be replaced next */
    bool stale;             /* some gradients may count as zeros without being so */
    bool apart, recompute, sealed;
    double norm_momentum;
    bool building;
};

/* Packed weights lie together in large pages, however small each is: of ResNet-50's time for one picture
 * that is a few hundredths. */
static const size_t packed_chunk = (size_t)4 << 20;

struct kin_scope {
    kin_module *module;
    kin_mode mode;
    bool shared;
    char path[PATH_MAX_LENGTH];
};

static kin_error *error_of(kin_module *m) { return kin_ctx_error(m->ctx); }

/* ---- names ---- */

static size_t slot_of(const kin_module *m, const char *name)
{
    size_t slot = (size_t)kin_key_text(0, name) % m->table_size;
    while (m->table[slot] && strcmp(m->records[m->table[slot] - 1]->entry.name, name) != 0)
        slot = (slot + 1) % m->table_size;
    return slot;
}

static record *find(const kin_module *m, const char *name)
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

static record *add_record(kin_module *m, const char *name, const kin_param_opt *opt)
{
    record *r = kin_arena_alloc_zero(&m->names, sizeof *r);
    char *copy = kin_arena_strdup(&m->names, name);
    if (!r || !copy || !grow_table(m) ||
        !kin_grow((void **)&m->records, m->n_records, &m->cap_records, sizeof *m->records)) {
        kin_fail_memory(error_of(m), "a parameter", sizeof *r);
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
    kin_fail(error_of(m), KIN_ERR_ARGUMENT, "a scope's path is longer than %d characters: %.60s...",
             PATH_MAX_LENGTH, s->path);
    return NULL;
}

kin_scope *kin_sub(kin_scope *s, const char *name) { return scope_new(s, false, name); }
kin_scope *kin_sub_shared(kin_scope *s, const char *name) { return scope_new(s, true, name); }

kin_scope *kin_sub_index(kin_scope *s, const char *name, int index)
{
    char full[PATH_MAX_LENGTH];
    snprintf(full, sizeof full, "%s%s%d", name, *name ? "." : "", index);
    return scope_new(s, false, full);
}

bool kin_training(const kin_scope *s) { return s && s->mode == KIN_TRAIN; }
kin_ctx *kin_scope_ctx(kin_scope *s) { return s ? s->module->ctx : NULL; }
const char *kin_scope_path(const kin_scope *s) { return s ? s->path : ""; }

static record *reused(kin_scope *s, record *r)
{
    kin_module *m = s->module;
    if (r->seen == m->forward && !s->shared) {
        kin_fail(error_of(m), KIN_ERR_ARGUMENT,
                 "%s was asked for twice in one forward; open its scope with kin_sub_shared if that is "
                 "meant, or give it another name",
                 r->entry.name);
        return NULL;
    }
    r->seen = m->forward;
    return r;
}

static bool shape_agrees(kin_module *m, const record *r, kin_shape wanted)
{
    char a[64], b[64];
    if (kin_shape_equal(r->tensor.shape, wanted)) return true;
    return kin_fail(error_of(m), KIN_ERR_ARGUMENT,
                    "%s has the shape %s, but %s was asked for: was the module made for another input?",
                    r->entry.name, kin_shape_text(r->tensor.shape, a, sizeof a),
                    kin_shape_text(wanted, b, sizeof b));
}

kin_tensor *kin_param(kin_scope *s, const char *name, const kin_param_opt *opt)
{
    if (!s || !kin_ok(s->module->ctx)) return NULL;
    kin_module *m = s->module;
    char full[PATH_MAX_LENGTH + 64];
    snprintf(full, sizeof full, "%s%s%s", s->path, *s->path ? "." : "", name);
    record *r = find(m, full);
    if (!r && m->building) {
        char text[64];
        if (!kin_shape_count(opt->shape))
            return kin_fail(error_of(m), KIN_ERR_ARGUMENT, "%s cannot have the shape %s", full,
                            kin_shape_text(opt->shape, text, sizeof text)),
                   NULL;
        r = add_record(m, full, opt);
    } else if (!r) {
        kin_fail(error_of(m), KIN_ERR_ARGUMENT,
                 "there is no parameter %s: it was not asked for when the module was made", full);
    }
    if (!r || !reused(s, r) || !shape_agrees(m, r, opt->shape)) return NULL;
    return &r->tensor;
}

bool kin_param_frozen(const kin_scope *s, const char *name)
{
    char full[PATH_MAX_LENGTH + 64];
    if (!s) return false;
    snprintf(full, sizeof full, "%s%s%s", s->path, *s->path ? "." : "", name);
    record *r = find(s->module, full);
    return r && r->entry.frozen;
}

/* ---- taps ---- */

static void forget_plans(kin_module *m)
{
    for (int i = 0; i < m->n_plans; i++) kin_plan_free(&m->plans[i].plan);
    m->n_plans = m->next_plan = 0;
}

kin_tensor *kin_tap(kin_scope *s, kin_tensor *x)
{
    if (!s || !x || !kin_ok(x->ctx)) return NULL;
    kin_module *m = s->module;
    kin_tapped *t = kin_arena_alloc(&m->ctx->arena, sizeof *t);
    if (!t) return kin_fail_memory(error_of(m), "a tap", sizeof *t), NULL;
    *t = (kin_tapped){.path = s->path, .tensor = x, .earlier = m->taps};
    m->taps = t;
    kin_watched_name(x, s->path);
    if (kin_scope_retained(s)) kin_retain(x);
    return x;
}

bool kin_module_retain(kin_module *m, const char *path)
{
    if (m->sealed)
        return kin_fail(error_of(m), KIN_ERR_ARGUMENT,
                        "a sealed network keeps no further taps; ask for '%s' before sealing it", path);
    char *copy = kin_arena_strdup(&m->names, path);
    if (!copy || !kin_grow((void **)&m->retained, m->n_retained, &m->cap_retained, sizeof *m->retained))
        return kin_fail_memory(error_of(m), "a tap's name", strlen(path) + 1);
    m->retained[m->n_retained++] = copy;
    forget_plans(m);
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

static record *record_of(const kin_tensor *parameter)
{
    return (record *)(void *)((char *)(uintptr_t)parameter - offsetof(record, tensor));
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

/* ---- forwards ---- */

static kin_tensor *run(kin_module *m, kin_tensor *x, kin_mode mode)
{
    kin_scope *root = kin_ok(m->ctx) ? kin_arena_alloc_zero(&m->ctx->arena, sizeof *root) : NULL;
    if (!root) return NULL;
    *root = (kin_scope){.module = m, .mode = mode};
    m->forward++;
    m->taps = NULL;
    return m->net(root, x, m->arg);
}

/* ---- evaluation within planned memory ---- */

static void make_plan(kin_module *m, shape_plan *p, kin_shape input)
{
    kin_ctx *ctx = m->ctx;
    *p = (shape_plan){.input = input};
    kin_plan_begin(ctx, &p->plan);
    ctx->dry = true;
    p->unfit = !kin_plan_end(ctx, run(m, kin_dry_input(ctx, input), KIN_EVAL));
    ctx->dry = false;
    /* Whatever else is wrong will be said again, or not be wrong, with numbers. */
    if (!kin_ok(ctx) && kin_ctx_error(ctx)->code != KIN_ERR_MEMORY) kin_error_clear(kin_ctx_error(ctx));
}

/* The plan for this input; NULL when out of memory (recorded). */
static shape_plan *plan_for(kin_module *m, kin_shape input)
{
    for (int i = 0; i < m->n_plans; i++)
        if (kin_shape_equal(m->plans[i].input, input)) return &m->plans[i];
    shape_plan *p = &m->plans[m->next_plan];
    m->next_plan = (m->next_plan + 1) % PLANS;
    if (m->n_plans < PLANS) m->n_plans++;
    kin_plan_free(&p->plan);
    make_plan(m, p, input);
    if (kin_ok(m->ctx)) return p;
    forget_plans(m);
    return NULL;
}

/* False when the forward read what its plan let go, or the plan is unfit: then it must be run without one. */
static bool follow(kin_module *m, shape_plan *p, kin_tensor *x, void *base, kin_tensor **y)
{
    *y = NULL;
    if (p->unfit) return false;
    kin_frame *frame = kin_frame_begin(m->ctx, &p->plan, base);
    if (!frame) return true;
    *y = run(m, x, KIN_EVAL);
    kin_frame_end(m->ctx);
    if (!frame->lost) return true;
    p->unfit = true;
    kin_error_clear(kin_ctx_error(m->ctx));
    return false;
}

static kin_shape with_pictures(kin_shape s, int64_t n)
{
    s.dim[0] = n;
    return s;
}

/* How many pictures are evaluated at a time: all, or as many as fit. 0 on error. */
static int64_t at_a_time(kin_module *m, kin_shape input)
{
    int64_t all = input.dim[0];
    if (!m->apart || m->n_retained || all == 1) return all;
    const shape_plan *one = plan_for(m, with_pictures(input, 1));
    if (!one || one->unfit || !one->plan.bytes) return one ? all : 0;
    int64_t fit = (int64_t)(slice_bytes / one->plan.bytes);
    return fit < 1 ? 1 : fit < all ? fit : all;
}

static kin_tensor *evaluate_whole(kin_module *m, kin_tensor *x)
{
    kin_tensor *y;
    shape_plan *p = plan_for(m, kin_shape_of(x));
    return !p ? NULL : follow(m, p, x, NULL, &y) ? y : run(m, x, KIN_EVAL);
}

/* Pictures `each` at a time, in the same memory; results are copied together. False: it must be done in
 * one. */
static bool evaluate_slices(kin_module *m, kin_tensor *x, int64_t each, kin_tensor **out)
{
    kin_shape input = kin_shape_of(x);
    int64_t all = input.dim[0], numbers = 0;
    size_t room = 0;
    void *base = NULL;
    *out = NULL;
    for (int64_t first = 0, count; first < all; first += count) {
        count = all - first < each ? all - first : each;
        shape_plan *p = plan_for(m, with_pictures(input, count));
        if (p && room < p->plan.bytes) {
            room = p->plan.bytes;
            base = kin_arena_alloc(&m->ctx->arena, room);
            if (!base) return kin_fail_memory(error_of(m), "a network's memory", room), true;
        }
        kin_tensor *part = p ? kin_slice_rows(x, first, count) : NULL, *y = NULL;
        if (part && !follow(m, p, part, base, &y)) return false;
        if (y && kin_dim(y, 0) != count) return false;
        if (y && !*out)
            *out = kin_input(m->ctx, with_pictures(kin_shape_of(y), all), NULL),
            numbers = kin_count(y) / count;
        if (!y || !*out || !kin_read(y, (*out)->data + first * numbers)) return *out = NULL, true;
    }
    m->taps = NULL; /* the last slice's */
    return true;
}

static kin_tensor *evaluate(kin_module *m, kin_tensor *x)
{
    kin_tensor *y;
    int64_t each = kin_ok(m->ctx) ? at_a_time(m, kin_shape_of(x)) : 0;
    if (!each) return NULL;
    return each < kin_dim(x, 0) && evaluate_slices(m, x, each, &y) ? y : evaluate_whole(m, x);
}

void kin_module_pictures_apart(kin_module *m) { m->apart = true; }

size_t kin_module_planned_bytes(kin_module *m, kin_shape input)
{
    int64_t each = kin_ok(m->ctx) && !m->ctx->record && m->values && kin_shape_count(input)
                       ? at_a_time(m, input)
                       : 0;
    const shape_plan *p = each ? plan_for(m, with_pictures(input, each)) : NULL;
    m->taps = NULL; /* a dry run's have no numbers */
    return p && !p->unfit ? p->plan.bytes : 0;
}

/* ---- modules ---- */

static int64_t padded(int64_t count) { return (count + ALIGN - 1) / ALIGN * ALIGN; }

static bool place(kin_module *m)
{
    for (size_t i = 0; i < m->n_records; i++) {
        record *r = m->records[i];
        int64_t *end = r->entry.buffer ? &m->buffer_count : &m->slab_count,
                count = kin_shape_count(r->opt.shape);
        r->offset = *end;
        *end += padded(count);
    }
    m->values = kin_alloc_zero((size_t)m->slab_count, sizeof(kin_real));
    m->buffers = kin_alloc_zero((size_t)m->buffer_count, sizeof(kin_real));
    if (!m->values || !m->buffers)
        return kin_fail_memory(error_of(m), "the network's parameters",
                               (size_t)m->slab_count * sizeof(kin_real));
    for (size_t i = 0; i < m->n_records; i++) {
        record *r = m->records[i];
        kin_real *data = (r->entry.buffer ? m->buffers : m->values) + r->offset;
        kin_leaf_init(&r->tensor, m->ctx, r->opt.shape, data, NULL);
        r->tensor.wants_grad = r->tensor.owned_grad = !r->entry.buffer;
    }
    return true;
}

/* The gradients' slab is made when it is first needed: evaluation does without. */
static bool have_grads(kin_module *m)
{
    if (m->grads || !m->values) return true;
    m->grads = kin_alloc_zero((size_t)m->slab_count, sizeof(kin_real));
    if (!m->grads)
        return kin_fail_memory(error_of(m), "the gradients of a network's parameters",
                               (size_t)m->slab_count * sizeof(kin_real));
    for (size_t i = 0; i < m->n_records; i++)
        if (!m->records[i]->entry.buffer) m->records[i]->tensor.grad = m->grads + m->records[i]->offset;
    return true;
}

static void fill(kin_module *m)
{
    for (size_t i = 0; i < m->n_records; i++)
        kin_init_fill(m->records[i]->tensor.data, &m->records[i]->opt,
                      kin_key_text(m->seed, m->records[i]->entry.name));
}

kin_module *kin_module_outline(kin_ctx *ctx, kin_net net, void *arg, kin_shape input)
{
    if (!kin_ok(ctx)) return NULL;
    kin_module *m = kin_alloc_zero(1, sizeof *m);
    if (!m) return kin_fail_memory(kin_ctx_error(ctx), "a module", sizeof *m), NULL;
    *m = (kin_module){
        .ctx = ctx, .net = net, .arg = arg, .packed = {.chunk = packed_chunk}, .building = true};
    ctx->dry = true;
    run(m, kin_dry_input(ctx, input), KIN_TRAIN);
    ctx->dry = false;
    m->building = false;
    m->taps = NULL;
    kin_end_step(ctx);
    for (size_t i = 0; i < m->n_records; i++)
        m->parameters += m->records[i]->entry.buffer ? 0 : kin_shape_count(m->records[i]->opt.shape);
    if (kin_ok(ctx)) return m;
    kin_module_free(m);
    return NULL;
}

kin_module *kin_module_new_zero(kin_ctx *ctx, kin_net net, void *arg, kin_shape input)
{
    kin_module *m = kin_module_outline(ctx, net, arg, input);
    if (m && place(m)) return m;
    kin_module_free(m);
    return NULL;
}

kin_module *kin_module_new(kin_ctx *ctx, kin_net net, void *arg, kin_shape input, uint64_t seed)
{
    kin_module *m = kin_module_new_zero(ctx, net, arg, input);
    if (!m) return NULL;
    m->seed = seed;
    fill(m);
    return m;
}

void kin_module_free(kin_module *m)
{
    if (!m) return;
    forget_plans(m);
    kin_free(m->retained);
    kin_free(m->values);
    kin_free(m->grads);
    kin_free(m->buffers);
    kin_free(m->records);
    kin_free(m->table);
    kin_arena_free(&m->names);
    kin_arena_free(&m->packed);
    kin_free(m);
}

kin_tensor *kin_module_forward(kin_module *m, kin_tensor *x, kin_mode mode)
{
    if (!m->values && !m->ctx->dry)
        return kin_fail(error_of(m), KIN_ERR_ARGUMENT,
                        "an outline has no numbers: only dry forwards are possible"),
               NULL;
    kin_ctx *ctx = m->ctx;
    if (m->sealed && !ctx->dry && (mode != KIN_EVAL || ctx->record || ctx->observe))
        return kin_fail(error_of(m), KIN_ERR_ARGUMENT,
                        "a sealed network can only be evaluated, without recording"),
               NULL;
    if (!x || (ctx->record && !ctx->dry && !have_grads(m))) return NULL;
    bool plain = mode != KIN_EVAL || ctx->record || ctx->dry || ctx->frame || ctx->observe || x->ctx != ctx;
    return plain ? run(m, x, mode) : evaluate(m, x);
}

kin_ctx *kin_module_ctx(kin_module *m) { return m->ctx; }
void kin_module_zero_grad(kin_module *m)
{
    for (size_t i = 0; m->grads && i < m->n_records; i++)
        m->records[i]->tensor.stale_grad = !m->records[i]->entry.buffer;
    m->stale = m->grads != NULL;
}

int kin_module_entries(const kin_module *m) { return (int)m->n_records; }
kin_entry *kin_module_entry(kin_module *m, int i)
{
    return i >= 0 && i < (int)m->n_records ? &m->records[i]->entry : NULL;
}

kin_entry *kin_module_find(kin_module *m, const char *name)
{
    record *r = find(m, name);
    return r ? &r->entry : NULL;
}

kin_real *kin_entry_data(kin_entry *e)
{
    e->version++;
    return e->tensor->data;
}

int64_t kin_module_parameters(const kin_module *m) { return m->parameters; }
int64_t kin_module_slab_count(const kin_module *m) { return m->slab_count; }
kin_real *kin_module_values(kin_module *m) { return m->values; }

/* Parameters that took no part since kin_module_zero_grad are cleared only now. */
kin_real *kin_module_grads(kin_module *m)
{
    if (!have_grads(m)) return NULL;
    for (size_t i = 0; m->stale && i < m->n_records; i++) kin_grad_settle(&m->records[i]->tensor);
    m->stale = false;
    return m->grads;
}

int64_t kin_entry_offset(const kin_module *m, const kin_entry *e)
{
    return e->tensor->data - (e->buffer ? m->buffers : m->values);
}

void kin_module_touched(kin_module *m)
{
    for (size_t i = 0; i < m->n_records; i++) m->records[i]->entry.version++;
}
