#include "nn/folded.h"

#include "autograd/conv_folded.h"
#include "autograd/tape.h"
#include "base/pages.h"
#include "kernels/isa.h"

#include <string.h>

static kin_folded key_of(const kin_fold *f)
{
    kin_conv_shape s = kin_conv2d_weights(f->weight->shape, &f->conv);
    kin_folded key = {.from = {f->weight, f->bias, f->norm.gamma, f->norm.beta, f->norm.mean, f->norm.var,
                               f->before.gamma, f->before.beta, f->before.mean, f->before.var},
                      .epsilon = {f->norm.epsilon, f->before.epsilon},
                      .isa = (int)kin_isa(),
                      .form = kin_conv_form(&s)};
    for (int i = 0; i < KIN_FOLD_TENSORS; i++)
        key.version[i] = key.from[i] ? kin_param_version(key.from[i]) : 0;
    return key;
}

static bool same_key(const kin_folded *a, const kin_folded *b)
{
    return memcmp(a->from, b->from, sizeof a->from) == 0 &&
           memcmp(a->version, b->version, sizeof a->version) == 0 && a->epsilon[0] == b->epsilon[0] &&
           a->epsilon[1] == b->epsilon[1] && a->isa == b->isa && a->form == b->form;
}

static void norm_lines(const kin_norm_params *n, int64_t channels, kin_real *scale, kin_real *shift)
{
    kin_norm_affine(n->gamma->data, n->beta->data, n->mean->data, n->var->data, n->epsilon, channels, scale,
                    shift);
}

static size_t line_bytes(int64_t numbers) { return (size_t)(numbers + 15) / 16 * 16 * sizeof(kin_real); }

/* Fills `to`, whose key is set, with new numbers, in the memory of the old ones where that fits: only
 * another instruction set packs otherwise. */
static bool fold(kin_folded *to, const kin_folded *old, const kin_fold *f)
{
    kin_conv_shape s = kin_conv2d_weights(f->weight->shape, &f->conv);
    size_t packed = line_bytes(kin_conv_packed_count(&s)), out = line_bytes(s.out_c), in = line_bytes(s.in_c);
    to->bytes = packed + 2 * out + 2 * in;
    unsigned char *block = old->packed && old->bytes == to->bytes
                               ? (void *)old->packed
                               : kin_arena_alloc(kin_param_arena(f->weight), to->bytes);
    if (!block) return false;
    kin_real *scale = (kin_real *)(void *)(block + packed + out);
    to->packed = (kin_real *)(void *)block;
    to->bias = f->norm.gamma || f->bias ? (kin_real *)(void *)(block + packed) : NULL;
    if (f->norm.gamma) norm_lines(&f->norm, s.out_c, scale, to->bias);
    for (int64_t i = 0; f->bias && i < s.out_c; i++)
        to->bias[i] = f->norm.gamma ? to->bias[i] + f->bias->data[i] * scale[i] : f->bias->data[i];
    kin_conv_pack(&s, f->weight->data, f->norm.gamma ? scale : NULL, to->packed);
    if (!f->before.gamma) return true;
    to->before_scale = (kin_real *)(void *)(block + packed + 2 * out);
    to->before_shift = (kin_real *)(void *)(block + packed + 2 * out + in);
    norm_lines(&f->before, s.in_c, to->before_scale, to->before_shift);
    return true;
}

/* In a sealed network the packed copy is all that is needed of a weight. */
static const kin_folded *without_original(kin_folded *kept, const kin_tensor *weight)
{
    if (kept->alone || !kin_param_sealed(weight)) return kept;
    kin_discard(weight->data, (size_t)kin_count(weight) * sizeof *weight->data);
    kept->alone = true;
    return kept;
}

/* The folded weights, made anew when what they came from has changed; NULL when out of memory (recorded). */
static const kin_folded *current(const kin_fold *f)
{
    kin_folded *kept = kin_param_folded(f->weight), key = key_of(f);
    if (kept->packed && same_key(kept, &key)) return without_original(kept, f->weight);
    kin_error *err = kin_ctx_error(f->weight->ctx);
    if (kept->alone)
        return kin_fail(
                   err, KIN_ERR_ARGUMENT,
                   "a sealed network's parameters were written, or one of its weights is used in two ways"),
               NULL;
    if (!fold(&key, kept, f)) return kin_fail_memory(err, "folded weights", key.bytes), NULL;
    *kept = key;
    return without_original(kept, f->weight);
}

/* What the op is told; false on error. */
static bool options(const kin_fold *f, kin_conv2d_folded_opt *o)
{
    if (!f->weight) return false;
    *o = (kin_conv2d_folded_opt){
        .conv = f->conv, .weight = f->weight->shape, .act = f->act, .before_act = f->before_act};
    if (kin_is_dry(f->weight->ctx)) return true;
    const kin_folded *folded = current(f);
    if (!folded) return false;
    o->packed = folded->packed, o->bias = folded->bias, o->before_scale = folded->before_scale,
    o->before_shift = folded->before_shift;
    return true;
}

kin_tensor *kin_fold_apply(kin_tensor *x, const kin_fold *f)
{
    if (!x || !f->weight) return NULL;
    kin_fold now = *f;
    if (f->before.gamma && !kin_conv2d_can_begin(f->weight->shape, &f->conv)) {
        const kin_norm_params *b = &f->before;
        x = kin_batch_norm_eval(x, b->gamma, b->beta, b->mean, b->var,
                                &(kin_batch_norm_opt){b->epsilon, f->before_act});
        now.before = (kin_norm_params){0};
    }
    kin_conv2d_folded_opt o;
    return options(&now, &o) ? kin_conv2d_folded(x, f->add, &o) : NULL;
}

kin_tensor *kin_fold_inverted(kin_tensor *x, const kin_fold *expand, const kin_fold *depthwise,
                              const kin_fold *project)
{
    kin_inverted_folded_opt o = {.expands = expand != NULL};
    if (!x || (expand && !options(expand, &o.expand)) || !options(depthwise, &o.depthwise) ||
        !options(project, &o.project))
        return NULL;
    return kin_inverted_folded(x, project->add, &o);
}
