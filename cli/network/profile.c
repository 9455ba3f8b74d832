#include "cli/network/profile.h"

#include "base/memory.h"

#include <string.h>
#include <time.h>

/* A call of the step that runs; its row is known when the step ends, as tensors are named after they are
 * made. */
typedef struct kin_profile_call {
    const kin_call *call;
    const kin_tensor *out;
    const char *layer;
    kin_profile_row work; /* without the layer */
} noted;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- a step ---- */

/* Numbers that have to be read or written: what the op reads and makes, and backward also the gradients of
 * both. Folded convolutions have their weights among their options: of the two operations for each weight
 * and row of the output their number is known. */
static double bytes_of(const kin_call *c, bool backward)
{
    double numbers = (double)kin_count(c->out);
    if (!c->op->backward && c->op->flops) numbers += c->op->flops(c) / 2 / (double)kin_rows(c->out);
    for (int i = 0; i < c->n_in; i++) {
        if (!backward || c->op->saves & KIN_SAVES_INPUTS) numbers += (double)kin_count(c->in[i]);
        if (backward && kin_wants_grad(c, i)) numbers += (double)kin_count(c->in[i]);
    }
    if (backward && c->op->saves & KIN_SAVES_OUTPUT) numbers += (double)kin_count(c->out);
    return numbers * (double)sizeof(kin_real);
}

/* Products: each of two factors' gradients costs as much as the forward. */
static double flops_of(const kin_call *c, bool backward)
{
    double flops = c->op->flops ? c->op->flops(c) : 0;
    int gradients = 0;
    for (int i = 0; i < c->n_in && i < 2; i++) gradients += kin_wants_grad(c, i);
    return backward ? flops * gradients : flops;
}

/* Backward comes in the opposite order; a recomputed block's forwards come again. */
static noted *find_noted(kin_profile *p, const kin_call *c)
{
    for (size_t i = p->n_calls; i-- > 0;)
        if (p->calls[i].call == c) return &p->calls[i];
    return NULL;
}

static void take_call(void *arg, const kin_call *c, bool backward, double seconds)
{
    kin_profile *p = arg;
    noted *n = backward || p->backward ? find_noted(p, c) : NULL;
    p->backward |= backward;
    if (!n) {
        if (!kin_grow((void **)&p->calls, p->n_calls, &p->cap_calls, sizeof *p->calls)) {
            p->failed = true;
            return;
        }
        n = &p->calls[p->n_calls++];
        *n = (noted){.call = c,
                     .out = c->out,
                     .layer = "",
                     .work = {.op = c->op->name, .shape = kin_shape_of(c->out), .calls = 1}};
    }
    double flops = flops_of(c, backward), bytes = bytes_of(c, backward), arithmetic = flops / p->limits.flops,
           memory = bytes / p->limits.bytes;
    n->work.seconds[backward] += seconds;
    n->work.flops[backward] += flops;
    n->work.bytes[backward] += bytes;
    n->work.least += arithmetic > memory ? arithmetic : memory;
}

/* The innermost scope names a tensor first. */
static void take_name(void *arg, const kin_tensor *t, const char *path)
{
    kin_profile *p = arg;
    for (size_t i = p->n_calls; i-- > 0;) {
        if (p->calls[i].out != t) continue;
        if (!*p->calls[i].layer) p->calls[i].layer = path;
        return;
    }
}

static kin_profile_row *row_of(kin_profile *p, const noted *n)
{
    for (size_t k = 0; k < p->n_rows; k++) {
        size_t i = (p->next_row + k) % p->n_rows;
        kin_profile_row *r = &p->rows[i];
        if (strcmp(r->layer, n->layer) != 0 || strcmp(r->op, n->work.op) != 0 ||
            !kin_shape_equal(r->shape, n->work.shape))
            continue;
        p->next_row = i + 1;
        return r;
    }
    char *layer = kin_arena_strdup(&p->names, n->layer);
    if (!layer || !kin_grow((void **)&p->rows, p->n_rows, &p->cap_rows, sizeof *p->rows)) return NULL;
    kin_profile_row *r = &p->rows[p->n_rows++];
    *r = (kin_profile_row){.layer = layer, .op = n->work.op, .shape = n->work.shape};
    return r;
}

static void add(kin_profile_row *to, const kin_profile_row *r)
{
    to->calls += r->calls;
    to->least += r->least;
    for (int w = 0; w < KIN_PROFILE_WAYS; w++)
        to->seconds[w] += r->seconds[w], to->flops[w] += r->flops[w], to->bytes[w] += r->bytes[w];
}

/* ---- the outside ---- */

bool kin_profile_open(kin_profile *p, kin_ctx *ctx, kin_error *err)
{
    *p = (kin_profile){.ctx = ctx};
    if (!kin_limits_measure(&p->limits))
        return kin_fail_memory(err, "measuring the machine's limits", (size_t)150 << 20);
    p->watch = (kin_watch){take_call, take_name, p};
    kin_ctx_watch(ctx, &p->watch);
    return true;
}

void kin_profile_free(kin_profile *p)
{
    if (p->ctx) kin_ctx_watch(p->ctx, NULL);
    kin_free(p->rows), kin_free(p->calls);
    kin_arena_free(&p->names);
    *p = (kin_profile){0};
}

static void forget(kin_profile *p)
{
    p->n_rows = p->n_calls = p->next_row = 0;
    p->steps = 0;
    kin_arena_reset(&p->names);
    for (int i = 0; i < KIN_LAPS; i++) p->laps[i] = 0;
}

void kin_profile_begin(kin_profile *p)
{
    if (!p) return;
    if (p->steps == 1 && !p->warm) forget(p), p->warm = true;
    p->lap_began = now();
}

void kin_profile_lap(kin_profile *p, kin_lap lap)
{
    if (!p) return;
    double t = now();
    p->laps[lap] += t - p->lap_began;
    p->lap_began = t;
}

void kin_profile_end(kin_profile *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->n_calls; i++) {
        kin_profile_row *r = row_of(p, &p->calls[i]);
        if (r) add(r, &p->calls[i].work);
        else p->failed = true;
    }
    p->n_calls = 0;
    p->backward = false;
    p->steps++;
}

void kin_profile_pause(kin_profile *p)
{
    if (p) kin_ctx_watch(p->ctx, NULL);
}

void kin_profile_resume(kin_profile *p)
{
    if (p) kin_ctx_watch(p->ctx, &p->watch);
}
