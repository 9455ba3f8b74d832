/* Maps that grow by channels, as DenseNet's do: each layer reads all that was made before it and adds a
 * few channels. Concatenated anew for each layer, a block's maps would be copied as often as it has
 * layers. Here they lie in one memory from the start, whose rows have room for the last channel: what a
 * layer reads is a view of its first channels, and what it adds is written behind them.
 *
 * The gradients lie so too. ∂L/∂(all maps of the block) is handed from each view to the one before it,
 * which owns its first channels' share; what the layer that reads the view sends back is added in place,
 * and the channels that a layer has added are then complete:
 *
 *   ∂L/∂view[i]   = ∂L/∂view[i + 1] of its channels + what layer i + 1 sends back
 *   ∂L/∂added[i]  = ∂L/∂view[i] of the channels behind view[i − 1]
 *
 * The statistics of batch norm are each channel's own, so those of channels that an earlier layer has
 * normalised hold for all later ones (kin_moments); only scale and shift differ. */
#include "autograd/grow.h"

#include "autograd/rows.h"
#include "autograd/tape.h"
#include "kernels/norm.h"

/* ---- the first map, with room behind it ---- */

static int64_t reserve_pitch(const kin_call *c) { return *(const int64_t *)c->opt; }

static bool reserve_infer(kin_call *c, kin_shape *out)
{
    int64_t channels = kin_channels(c->in[0]), reserved = reserve_pitch(c);
    kin_shape whole = *out = kin_shape_of(c->in[0]);
    whole.dim[whole.ndim - 1] = reserved;
    return (reserved >= channels && kin_shape_count(whole)) ||
           kin_call_fail(c, "%lld channels cannot grow to %lld", (long long)channels, (long long)reserved);
}

static void reserve_forward(kin_call *c)
{
    const kin_tensor *x = c->in[0], *y = c->out;
    kin_move_rows(&(kin_rows_move){.from = x->data,
                                   .to = y->data,
                                   .from_ld = x->ld,
                                   .to_ld = y->ld,
                                   .rows = kin_rows(x),
                                   .channels = kin_channels(x)});
}

static void reserve_backward(kin_call *c)
{
    kin_rows_move m = {.rows = kin_rows(c->out), .channels = kin_channels(c->out)};
    m.from = kin_grad_rows(c->out, &m.from_ld);
    m.to = kin_grad_write(c, 0, &m.add), m.to_ld = m.channels;
    if (m.to) kin_move_rows(&m);
}

static const kin_op reserve_op = {"concat_reserve",           .infer = reserve_infer,
                                  .forward = reserve_forward, .backward = reserve_backward,
                                  .pitch = reserve_pitch,     .grad_rows = true,
                                  .saves = KIN_SAVES_NOTHING};

static kin_moments *moments_new(kin_ctx *ctx, int64_t channels)
{
    kin_moments *m = kin_arena_alloc_zero(&ctx->arena, sizeof *m);
    kin_real *lines = kin_arena_alloc(&ctx->arena, (size_t)channels * 2 * sizeof *lines);
    if (!m || !lines)
        return kin_fail_memory(&ctx->error, "batch statistics", (size_t)channels * 2 * sizeof *lines), NULL;
    m->mean = lines, m->var = lines + channels;
    return m;
}

/* Who observes sees the concatenations. */
kin_tensor *kin_concat_reserve(kin_tensor *x, int64_t channels)
{
    if (x && x->ctx->observe) return x;
    kin_tensor *y = kin_apply(&reserve_op, &channels, sizeof channels, x);
    if (!y) return NULL;
    y->reserved = channels;
    if (!x->ctx->record || x->ctx->dry) return y;
    y->moments = moments_new(x->ctx, channels);
    return y->moments ? y : NULL;
}

/* ---- further channels ---- */

static bool grow_infer(kin_call *c, kin_shape *out)
{
    kin_shape added = kin_shape_of(c->in[1]);
    *out = kin_shape_of(c->in[0]);
    out->dim[out->ndim - 1] += kin_channels(c->in[1]);
    added.dim[added.ndim - 1] = out->dim[out->ndim - 1];
    return kin_shape_equal(added, *out) || kin_call_fail(c, "all axes but the channels must be equal");
}

static void grow_alias(kin_call *c) { kin_alias(c, c->in[0]->data, c->in[0]->ld); }

static void grow_forward(kin_call *c)
{
    const kin_tensor *added = c->in[1], *y = c->out;
    kin_move_rows(&(kin_rows_move){.from = added->data,
                                   .to = y->data + kin_channels(c->in[0]),
                                   .from_ld = added->ld,
                                   .to_ld = y->ld,
                                   .rows = kin_rows(y),
                                   .channels = kin_channels(added)});
}

static void grow_backward(kin_call *c)
{
    int64_t first = kin_channels(c->in[0]);
    kin_rows_move m = {.rows = kin_rows(c->out), .channels = kin_channels(c->in[1])};
    m.from = kin_grad_rows(c->out, &m.from_ld);
    if (m.from) m.from += first;
    m.to = kin_grad_write(c, 1, &m.add), m.to_ld = m.channels;
    if (m.to) kin_move_rows(&m);
    m.from -= first, m.channels = first;
    m.to = kin_grad_hand_on(c, 0, &m.add, &m.to_ld);
    if (m.to) kin_move_rows(&m);
}

static const kin_op grow_op = {"grow",
                               .infer = grow_infer,
                               .alias = grow_alias,
                               .forward = grow_forward,
                               .backward = grow_backward,
                               .grad_rows = true,
                               .saves = KIN_SAVES_NOTHING};

kin_tensor *kin_concat_append(kin_tensor *x, kin_tensor *added)
{
    if (!x || !added || x->ctx->observe || kin_channels(x) + kin_channels(added) > x->reserved)
        return kin_concat((kin_tensor *[]){x, added}, 2);
    kin_tensor *y = kin_apply(&grow_op, NULL, 0, x, added);
    return kin_grown(x, y);
}

kin_tensor *kin_grown(kin_tensor *x, kin_tensor *y)
{
    if (!y) return NULL;
    y->reserved = x->reserved, y->moments = x->moments;
    x->reserved = 0;
    return y;
}

/* ---- batch statistics ---- */

const kin_moments *kin_moments_of(const kin_tensor *x, void *workspace)
{
    kin_moments *m = x->moments;
    int64_t channels = kin_channels(x), known = m ? m->known : 0;
    if (known < channels && m) {
        kin_norm_statistics(x->data + known, x->ld, kin_rows(x), channels - known, m->mean + known,
                            m->var + known, workspace);
        m->known = channels;
    }
    return m;
}
