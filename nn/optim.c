/* One loop over the slab for each optimiser. With g the gradient (clipped, and + λ·w where the decay is
 * L2):
 *
 *   SGD        v ← μ·v + g;  w ← w − η·v           (Nesterov: w ← w − η·(g + μ·v))
 *   Adam       m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η·m̂/(√v̂ + ε),
 *              m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ)
 *              [Kingma and Ba 2015]
 *   AdamW      w ← w − η·λ·w first, and g without λ·w [Loshchilov and Hutter 2019] */
#include "nn/optim.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <tgmath.h>
#include <string.h>

enum { BLOCK = 1 << 14 };

/* What an entry asked for, noted for each 16 of its numbers. */
typedef struct kind_of_sixteen {
    double lr_scale, lr_warmup;
    bool decays, frozen;
} kind_of_sixteen;

struct kin_optim {
    kin_module *module;
    kin_optim_opt opt;
    kin_real *slab[3]; /* momentum, or exp_avg and exp_avg_sq; then the moving average */
    const char *name[3];
    int slabs, ema_slab; /* ema_slab −1: none */
    kind_of_sixteen *sixteens;
    double *block_sums;
    int64_t count, steps;
    double grad_norm;
    /* of the step under way */
    double lr, scale, correction1, correction2;
};

static bool add_slab(kin_optim *o, const char *name)
{
    o->slab[o->slabs] = kin_alloc_zero((size_t)o->count, sizeof(kin_real));
    o->name[o->slabs] = name;
    return o->slab[o->slabs++] != NULL;
}

/* Entries begin at multiples of 16 numbers, and the slab ends at one. */
static void mark_sixteens(kin_optim *o)
{
    for (int i = 0; i < kin_module_entries(o->module); i++) {
        kin_entry *e = kin_module_entry(o->module, i);
        if (e->buffer) continue;
        kind_of_sixteen kind = {.lr_scale = e->lr_scale,
                                .lr_warmup = e->lr_warmup,
                                .decays = !e->never_decay && (!e->no_decay || o->opt.decay_all),
                                .frozen = e->frozen};
        int64_t first = kin_entry_offset(o->module, e) / 16, last = first + (kin_count(e->tensor) + 15) / 16;
        for (int64_t k = first; k < last; k++) o->sixteens[k] = kind;
    }
}

kin_optim *kin_optim_new(kin_module *m, const kin_optim_opt *opt)
{
    if (!m) return NULL; /* the module could not be made; its context says why */
    kin_error *err = kin_ctx_error(kin_module_ctx(m));
    kin_optim *o = kin_alloc_zero(1, sizeof *o);
    if (!o) return kin_fail_memory(err, "the optimiser", sizeof *o), NULL;
    *o = (kin_optim){.module = m, .opt = *opt, .count = kin_module_slab_count(m), .ema_slab = -1};
    if (!o->opt.beta1) o->opt.beta1 = 0.9;
    if (!o->opt.beta2) o->opt.beta2 = 0.999;
    if (!o->opt.epsilon) o->opt.epsilon = 1e-8;
    bool ok = opt->kind == KIN_SGD ? add_slab(o, "momentum")
                                   : add_slab(o, "exp_avg") && add_slab(o, "exp_avg_sq");
    if (ok && opt->ema > 0) {
        o->ema_slab = o->slabs;
        ok = add_slab(o, "ema");
        if (ok) memcpy(o->slab[o->ema_slab], kin_module_values(m), (size_t)o->count * sizeof(kin_real));
    }
    o->sixteens = kin_alloc_zero((size_t)o->count / 16 + 1, sizeof *o->sixteens);
    o->block_sums = kin_alloc_zero((size_t)kin_blocks(o->count, BLOCK) + 1, sizeof *o->block_sums);
    if (!ok || !o->sixteens || !o->block_sums) {
        kin_fail_memory(err, "the optimiser", (size_t)o->count * sizeof(kin_real));
        kin_optim_free(o);
        return NULL;
    }
    mark_sixteens(o);
    return o;
}

void kin_optim_free(kin_optim *o)
{
    if (!o) return;
    for (int i = 0; i < o->slabs; i++) kin_free(o->slab[i]);
    kin_free(o->sixteens);
    kin_free(o->block_sums);
    kin_free(o);
}

static int64_t block_end(const kin_optim *o, int64_t block)
{
    return (block + 1) * BLOCK < o->count ? (block + 1) * BLOCK : o->count;
}

static void square_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    kin_optim *o = arg;
    const kin_real *g = kin_module_grads(o->module);
    /* Eight sums side by side, which need not wait for each other; the slab's length is a multiple of 16. */
    double sums[8] = {0};
    for (int64_t i = block * BLOCK; i < block_end(o, block); i += 8)
        for (int k = 0; k < 8; k++) sums[k] += (double)g[i + k] * (double)g[i + k];
    o->block_sums[block] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
                           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

static double squared_norm(kin_optim *o)
{
    int64_t blocks = kin_blocks(o->count, BLOCK);
    kin_parallel_for(blocks, square_block, o);
    double sum = 0;
    for (int64_t block = 0; block < blocks; block++) sum += o->block_sums[block];
    return sum;
}

static bool not_finite(kin_optim *o)
{
    kin_error *err = kin_ctx_error(kin_module_ctx(o->module));
    for (int i = 0; i < kin_module_entries(o->module); i++) {
        kin_entry *e = kin_module_entry(o->module, i);
        const kin_real *g = e->buffer ? NULL : kin_module_grads(o->module) + kin_entry_offset(o->module, e);
        for (int64_t k = 0; g && k < kin_count(e->tensor); k++)
            if (!isfinite((double)g[k]))
                return kin_fail(err, KIN_ERR_NUMERIC,
                                "the gradient of %s is not finite at step %lld; nothing was changed; try a "
                                "lower learning rate, or clipping",
                                e->name, (long long)o->steps);
    }
    return kin_fail(
        err, KIN_ERR_NUMERIC,
        "the gradients' norm overflows at step %lld; nothing was changed; try a lower learning rate",
        (long long)o->steps);
}

/* What holds for 16 numbers, which belong to one entry. */
typedef struct terms {
    kin_real lr, decay;
    bool frozen;
} terms;

/* The step's rate for these 16: by their factor, and still rising in their warm-up. */
static double rate_of(const kin_optim *o, const kind_of_sixteen *k)
{
    return o->lr * k->lr_scale * ((double)o->steps < k->lr_warmup ? (double)o->steps / k->lr_warmup : 1);
}

static terms terms_at(const kin_optim *o, int64_t i)
{
    const kind_of_sixteen *k = &o->sixteens[i / 16];
    return (terms){.lr = (kin_real)rate_of(o, k),
                   .decay = k->decays ? (kin_real)o->opt.weight_decay : 0,
                   .frozen = k->frozen};
}

static void sgd_sixteen(const kin_optim *o, kin_real *w, const kin_real *grads, int64_t first, const terms *t)
{
    kin_real momentum = (kin_real)o->opt.momentum, scale = (kin_real)o->scale, *v = o->slab[0];
    for (int64_t i = first; i < first + 16; i++) {
        kin_real g = grads[i] * scale + t->decay * w[i];
        /* PyTorch's first step takes the gradient itself as the momentum; from v = 0 that is the same. */
        v[i] = momentum * v[i] + g;
        w[i] -= t->lr * (o->opt.nesterov ? g + momentum * v[i] : v[i]);
    }
}

static void adam_sixteen(const kin_optim *o, kin_real *w, const kin_real *grads, int64_t first,
                         const terms *t)
{
    bool apart = o->opt.kind == KIN_ADAMW;
    kin_real beta1 = (kin_real)o->opt.beta1, beta2 = (kin_real)o->opt.beta2, *m = o->slab[0], *v = o->slab[1],
             scale = (kin_real)o->scale;
    double lr = rate_of(o, &o->sixteens[first / 16]);
    kin_real step = (kin_real)(lr / o->correction1), root = (kin_real)sqrt(o->correction2),
             epsilon = (kin_real)o->opt.epsilon;
    kin_real keep = apart && t->decay != 0 ? (kin_real)(1 - lr * o->opt.weight_decay) : 1,
             decay = apart ? 0 : t->decay;
    for (int64_t i = first; i < first + 16; i++) {
        kin_real g = grads[i] * scale + decay * w[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] = w[i] * keep - step * m[i] / (sqrt(v[i]) / root + epsilon);
    }
}

static void step_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    kin_optim *o = arg;
    kin_real *w = kin_module_values(o->module);
    const kin_real *g = kin_module_grads(o->module);
    int64_t first = block * BLOCK, last = block_end(o, block);
    for (int64_t i = first; i < last; i += 16) {
        terms of = terms_at(o, i);
        if (of.frozen) continue;
        if (o->opt.kind == KIN_SGD) sgd_sixteen(o, w, g, i, &of);
        else adam_sixteen(o, w, g, i, &of);
    }
    kin_real *ema = o->ema_slab >= 0 ? o->slab[o->ema_slab] : NULL;
    for (int64_t i = first; ema && i < last; i++) ema[i] += (kin_real)(1 - o->opt.ema) * (w[i] - ema[i]);
}

bool kin_optim_step(kin_optim *o, double lr)
{
    if (!o || !kin_ok(kin_module_ctx(o->module)) || !kin_module_grads(o->module)) return false;
    double norm = sqrt(squared_norm(o));
    if (!isfinite(norm)) return not_finite(o);
    o->grad_norm = norm;
    o->scale = o->opt.clip_norm > 0 && norm > o->opt.clip_norm ? o->opt.clip_norm / (norm + 1e-6) : 1;
    o->steps++;
    o->lr = lr;
    o->correction1 = 1 - pow(o->opt.beta1, (double)o->steps);
    o->correction2 = 1 - pow(o->opt.beta2, (double)o->steps);
    kin_parallel_for(kin_blocks(o->count, BLOCK), step_block, o);
    kin_module_touched(o->module);
    return true;
}

int64_t kin_optim_steps(const kin_optim *o) { return o->steps; }
double kin_optim_grad_norm(const kin_optim *o) { return o->grad_norm; }
void kin_optim_set_steps(kin_optim *o, int64_t steps) { o->steps = steps; }
int kin_optim_slabs(const kin_optim *o) { return o->slabs; }
const char *kin_optim_slab_name(const kin_optim *o, int i) { return o->name[i]; }
kin_real *kin_optim_slab(kin_optim *o, int i) { return o->slab[i]; }
int64_t kin_optim_slab_count(const kin_optim *o) { return o->count; }

void kin_optim_swap_ema(kin_optim *o)
{
    if (o->ema_slab < 0) return;
    kin_real *ema = o->slab[o->ema_slab], *w = kin_module_values(o->module);
    for (int64_t i = 0; i < o->count; i++) {
        kin_real swap = ema[i];
        ema[i] = w[i];
        w[i] = swap;
    }
    kin_module_touched(o->module);
}
