#include "nn/summary.h"

#include "autograd/tape.h"
#include "base/memory.h"

#include <string.h>

/* ---- the dry run ---- */

typedef struct trace {
    const kin_tensor *input;
    const kin_call **calls;
    size_t count, capacity;
    bool failed;
} trace;

static void note(void *arg, const kin_call *call)
{
    trace *t = arg;
    if (kin_grow((void **)&t->calls, t->count, &t->capacity, sizeof *t->calls)) t->calls[t->count++] = call;
    else t->failed = true;
}

static int row_of(const trace *t, const kin_tensor *x)
{
    for (size_t i = t->count; i-- > 0;)
        if (t->calls[i]->out == x) return (int)i;
    return -1;
}

static int entry_of(kin_module *m, const kin_tensor *x)
{
    for (int i = 0; i < kin_module_entries(m); i++)
        if (kin_module_entry(m, i)->tensor == x) return i;
    return -1;
}

static bool fill_layer(kin_layer *l, const trace *t, const kin_call *c, kin_module *m, bool *counted,
                       kin_arena *memory)
{
    int *in = kin_arena_alloc(memory, (size_t)c->n_in * sizeof *in);
    if (!in) return false;
    *l = (kin_layer){.name = "",
                     .op = c->op->name,
                     .shape = c->out->shape,
                     .macs = c->op->flops ? c->op->flops(c) / 2 : 0,
                     .in = in};
    if (!c->op->alias) l->bytes = (size_t)kin_count(c->out) * sizeof(kin_real);
    for (int i = 0; i < c->n_in; i++) {
        int entry = entry_of(m, c->in[i]);
        int row = entry < 0 ? row_of(t, c->in[i]) : -1;
        if (entry < 0) {
            /* tensors of zeros and the like are left out */
            if (row >= 0 || c->in[i] == t->input) in[l->n_in++] = row;
        } else if (!counted[entry]) {
            counted[entry] = true;
            if (!kin_module_entry(m, entry)->buffer) l->parameters += kin_count(c->in[i]);
        }
    }
    return true;
}

/* A tensor that leaves several scopes has the innermost one's name, which was given first. */
static bool name_layers(kin_summary *s, const trace *t, const kin_module *m)
{
    for (const kin_tapped *tap = kin_module_taps(m); tap; tap = tap->earlier) {
        int row = row_of(t, tap->tensor);
        if (row >= 0 && !(s->layers[row].name = kin_arena_strdup(&s->memory, tap->path))) return false;
    }
    return true;
}

static bool fill(kin_summary *s, const trace *t, kin_module *m)
{
    bool *counted = kin_arena_alloc_zero(&s->memory, (size_t)kin_module_entries(m) * sizeof *counted + 1);
    s->layers = kin_arena_alloc(&s->memory, (t->count + 1) * sizeof *s->layers);
    bool ok = counted && s->layers && !t->failed;
    for (size_t i = 0; ok && i < t->count; i++) {
        kin_layer *l = &s->layers[i];
        ok = fill_layer(l, t, t->calls[i], m, counted, &s->memory);
        if (!ok) break;
        s->parameters += l->parameters;
        s->macs += l->macs;
        s->bytes += l->bytes;
    }
    s->count = (int)t->count;
    return ok && name_layers(s, t, m);
}

bool kin_summarize(kin_ctx *ctx, kin_net net, void *arg, kin_shape input, kin_summary *out)
{
    *out = (kin_summary){.input = input};
    trace t = {0};
    kin_module *m = kin_module_outline(ctx, net, arg, input);
    if (!m) return false;
    bool recording = kin_record(ctx, false);
    ctx->dry = true;
    ctx->observe = note;
    ctx->observe_arg = &t;
    kin_tensor *x = kin_dry_input(ctx, input), *y = NULL;
    t.input = x;
    y = kin_module_forward(m, x, KIN_EVAL);
    ctx->observe = NULL;
    ctx->dry = false;
    bool ok = y && fill(out, &t, m);
    if (y && !ok) kin_fail_memory(kin_ctx_error(ctx), "the layer table", t.count * sizeof *out->layers);
    out->output = kin_shape_of(y);
    kin_record(ctx, recording);
    kin_end_step(ctx);
    kin_free(t.calls);
    kin_module_free(m);
    if (!ok) kin_summary_free(out);
    return ok;
}

void kin_summary_free(kin_summary *s)
{
    kin_arena_free(&s->memory);
    *s = (kin_summary){0};
}

/* ---- folding ---- */

static size_t prefix(const char *name, int depth)
{
    size_t length = 0;
    for (int parts = 0; name[length]; length++)
        if (name[length] == '.' && ++parts == depth) break;
    return length;
}

static bool together(const kin_layer *group, const char *name, int depth)
{
    size_t length = prefix(name, depth);
    return strlen(group->name) == length && memcmp(group->name, name, length) == 0;
}

static const char *belongs_to(const kin_summary *s, int row)
{
    int at = row;
    while (at < s->count && !*s->layers[at].name) at++;
    for (; at == s->count && row > 0; row--)
        if (*s->layers[row - 1].name) return s->layers[row - 1].name;
    return at < s->count ? s->layers[at].name : "";
}

static bool add_reader(kin_summary *s, kin_layer *group, int at, int from, int *room)
{
    if (from == at) return true;
    for (int i = 0; i < group->n_in; i++)
        if (group->in[i] == from) return true;
    if (group->n_in == *room) {
        int *wider = kin_arena_alloc(&s->memory, (size_t)(*room * 2 + 4) * sizeof *wider);
        if (!wider) return false;
        if (group->n_in) memcpy(wider, group->in, (size_t)group->n_in * sizeof *wider);
        group->in = wider;
        *room = *room * 2 + 4;
    }
    ((int *)group->in)[group->n_in++] = from;
    return true;
}

static bool fold(const kin_summary *s, int depth, kin_summary *out, int *group_of)
{
    int room = 0;
    for (int i = 0; i < s->count; i++) {
        const kin_layer *l = &s->layers[i];
        kin_layer *group = out->count ? &out->layers[out->count - 1] : NULL;
        const char *whole = belongs_to(s, i);
        if (!group || !together(group, whole, depth)) {
            size_t length = prefix(whole, depth);
            char *name = kin_arena_alloc_zero(&out->memory, length + 1);
            if (!name) return false;
            memcpy(name, whole, length);
            group = &out->layers[out->count++];
            *group = (kin_layer){.name = name, .op = l->op};
            room = 0;
        }
        group_of[i] = out->count - 1;
        if (strcmp(group->op, l->op) != 0) group->op = "";
        group->shape = l->shape;
        group->parameters += l->parameters;
        group->macs += l->macs;
        group->bytes += l->bytes;
        for (int k = 0; k < l->n_in; k++)
            if (!add_reader(out, group, out->count - 1, l->in[k] < 0 ? -1 : group_of[l->in[k]], &room))
                return false;
    }
    return true;
}

bool kin_summary_fold(const kin_summary *s, int depth, kin_summary *out, kin_error *err)
{
    *out = (kin_summary){.parameters = s->parameters,
                         .macs = s->macs,
                         .bytes = s->bytes,
                         .input = s->input,
                         .output = s->output};
    out->layers = kin_arena_alloc(&out->memory, ((size_t)s->count + 1) * sizeof *out->layers);
    int *group_of = kin_arena_alloc(&out->memory, ((size_t)s->count + 1) * sizeof *group_of);
    if (out->layers && group_of && fold(s, depth, out, group_of)) return true;
    kin_summary_free(out);
    return kin_fail_memory(err, "the layer table", (size_t)s->count * sizeof *out->layers);
}
