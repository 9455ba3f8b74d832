/* A module's making, its slabs, and its entries for who reads and writes them. */
#include "autograd/tape.h"
#include "base/memory.h"
#include "base/random.h"
#include "nn/init.h"
#include "nn/module_parts.h"

/* Entries start on cache lines of their own in the slabs; the gap between two stays zero. */
enum { ALIGN = 16 };

/* Packed weights lie together in large pages, however small each is: of ResNet-50's time for one picture
 * that is a few hundredths. */
static const size_t packed_chunk = (size_t)4 << 20;

static int64_t padded(int64_t count) { return (count + ALIGN - 1) / ALIGN * ALIGN; }

static bool place(kin_module *m)
{
    for (size_t i = 0; i < m->n_records; i++) {
        kin_parameter *r = m->records[i];
        int64_t *end = r->entry.buffer ? &m->buffer_count : &m->slab_count,
                count = kin_shape_count(r->opt.shape);
        r->offset = *end;
        *end += padded(count);
    }
    m->values = kin_alloc_zero((size_t)m->slab_count, sizeof(kin_real));
    m->buffers = kin_alloc_zero((size_t)m->buffer_count, sizeof(kin_real));
    if (!m->values || !m->buffers)
        return kin_fail_memory(kin_module_error(m), "the network's parameters",
                               (size_t)m->slab_count * sizeof(kin_real));
    for (size_t i = 0; i < m->n_records; i++) {
        kin_parameter *r = m->records[i];
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
        return kin_fail_memory(kin_module_error(m), "the gradients of a network's parameters",
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
    kin_module_run(m, kin_dry_input(ctx, input), KIN_TRAIN);
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
    kin_module_forget_plans(m);
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
        return kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT,
                        "an outline has no numbers: only dry forwards are possible"),
               NULL;
    kin_ctx *ctx = m->ctx;
    if (m->sealed && !ctx->dry && (mode != KIN_EVAL || ctx->record || ctx->observe))
        return kin_fail(kin_module_error(m), KIN_ERR_ARGUMENT,
                        "a sealed network can only be evaluated, without recording"),
               NULL;
    if (!x || (ctx->record && !ctx->dry && !have_grads(m))) return NULL;
    bool plain = mode != KIN_EVAL || ctx->record || ctx->dry || ctx->frame || ctx->observe || x->ctx != ctx;
    return plain ? kin_module_run(m, x, mode) : kin_module_evaluate(m, x);
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
    kin_parameter *r = kin_module_lookup(m, name);
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
    for (size_t i = 0; m->stale && i < m->n_records; i++) kin_grad_materialise(&m->records[i]->tensor);
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
