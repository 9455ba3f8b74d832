#include "kernels/conv/stem.h"

#include "base/parallel.h"
#include "kernels/conv/cut.h"
#include "kernels/conv/few.h"
#include "kernels/conv/stem_kernels.h"
#include "kernels/isa.h"
#include "kernels/tile.h"
#include "kernels/trace.h"

#include <string.h>

enum {
    SOME = 128, /* maxima whose products are added up in float before they go to the sums in double */
    LINE = KIN_CUT_LINE,
    DOUBLES = sizeof(double) / sizeof(kin_real),
};

KIN_ISA_DECLARE(kin_stem_kernels, kin_stem_kernels);

static const kin_stem_kernels *lines_get(void)
{
    static const kin_stem_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_stem_kernels);
    return tables[kin_isa()];
}

static int64_t taps_of(const kin_conv_shape *s) { return s->kernel_h * s->kernel_w * s->in_c; }
static int64_t pitch_of(const kin_conv_shape *s) { return kin_round_up(taps_of(s) + 1, 8); }

bool kin_stem_possible(const kin_conv_shape *s)
{
    return kin_conv_has_few(s) && taps_of(s) <= KIN_STEM_TAPS && s->out_h > 1 && s->out_w > 1;
}

/* A task is a block of pictures, each with its padding around it in the worker's buffer. */
typedef struct stem {
    kin_conv_shape s, one; /* of the batch, of a picture */
    const kin_stem_kernels *lines;
    int64_t nr, each, blocks, panels, h, w, picture,
        buffer;   /* nr: channels of a panel; h, w: of the maxima */
    int64_t line; /* numbers of a padded row */
    const kin_real *x, *shift, *g;
    kin_real *packed, *buffers, *y; /* of each worker: a picture, and a panel's products */
    kin_stem_winners *won;
    const kin_stem_winners *winners;
    int64_t apart; /* from a maximum's winners to the next */
    kin_norm_act act;
    double *sums; /* of each block, `block` of them */
    int64_t block;
} stem;

/* Where things lie in the workspace: panels of weights and shifts, sums, buffers. */
static stem stem_of(const kin_conv_shape *s, void *workspace)
{
    stem t = {.s = *s,
              .one = *s,
              .lines = lines_get(),
              .nr = kin_tiles_get()->nr,
              .h = s->out_h / 2,
              .w = s->out_w / 2,
              .line = kin_conv_few(s).in_w * s->in_c};
    kin_stem_cut c = kin_stem_cut_of(s, kin_tile_size_of(kin_tiles_get()));
    t.one.batch = 1;
    t.each = c.each, t.blocks = c.blocks, t.panels = c.panels, t.block = c.block;
    t.apart = c.panels * t.nr / 2;
    t.picture = c.picture, t.buffer = c.picture + c.products;
    t.packed = workspace;
    t.sums = (double *)(void *)(t.packed + c.packed);
    t.buffers = (kin_real *)(void *)t.sums + kin_round_up(c.blocks * c.block * DOUBLES, LINE);
    return t;
}

int64_t kin_stem_winner_count(const kin_conv_shape *s)
{
    int64_t nr = kin_tiles_get()->nr;
    return s->batch * (s->out_h / 2) * (s->out_w / 2) * kin_blocks(s->out_c, nr) * nr / 2;
}

size_t kin_stem_workspace(const kin_conv_shape *s)
{
    kin_real none;
    stem t = stem_of(s, &none);
    return (size_t)((t.buffers - &none) + kin_threads() * t.buffer) * sizeof(kin_real);
}

static kin_real *padded_picture(const stem *t, int64_t n, int worker)
{
    kin_real *to = t->buffers + worker * t->buffer;
    kin_conv_few_copy(&t->one, t->x + n * t->s.in_h * t->s.in_w * t->s.in_ld, to);
    return to;
}

/* The windows of a row of output pixels. */
static kin_stem_windows windows_at(const stem *t, const kin_real *picture, int64_t row)
{
    const kin_conv_shape *s = &t->s;
    return (kin_stem_windows){.first = picture + row * s->stride_h * t->line,
                              .lines = s->kernel_h,
                              .run = s->kernel_w * s->in_c,
                              .line = s->dilation_h * t->line,
                              .across = s->stride_w * s->in_c,
                              .down = s->stride_h * t->line};
}

/* The blocks' sums, added in order into the first. */
static double *add_blocks(stem *t)
{
    for (int64_t block = 1; block < t->blocks; block++)
        for (int64_t i = 0; i < t->block; i++) t->sums[i] += t->sums[block * t->block + i];
    return t->sums;
}

static void moments_block(void *arg, int64_t block, int worker)
{
    const stem *t = arg;
    double *sums = memset(t->sums + block * t->block, 0, (size_t)t->block * sizeof *sums);
    for (int64_t n = block * t->each; n < kin_min(t->s.batch, (block + 1) * t->each); n++) {
        const kin_real *picture = padded_picture(t, n, worker);
        for (int64_t row = 0; row < t->s.out_h; row++) {
            kin_stem_windows w = windows_at(t, picture, row);
            t->lines->moments(&w, t->s.out_w, sums, pitch_of(&t->s));
        }
    }
}

void kin_stem_moments(const kin_conv_shape *s, const kin_real *x, double *mean, double *covariance,
                      void *workspace)
{
    stem t = stem_of(s, workspace);
    t.x = x;
    kin_parallel_for(t.blocks, moments_block, &t);
    const double *sums = add_blocks(&t);
    int64_t taps = taps_of(s), pitch = pitch_of(s);
    double pixels = (double)(s->batch * s->out_h * s->out_w);
    for (int64_t i = 0; i < taps; i++) mean[i] = sums[i * pitch + taps] / pixels;
    for (int64_t i = 0; i < taps; i++)
        for (int64_t j = i; j < taps; j++)
            covariance[i * taps + j] = covariance[j * taps + i] = sums[i * pitch + j] / pixels -
                                                                  mean[i] * mean[j];
}

/* Panels [K][nr], and the shifts behind all of them. */
static void pack(stem *t, const kin_real *w, const kin_real *shift)
{
    int64_t taps = taps_of(&t->s), out = t->s.out_c;
    kin_real *behind = t->packed + t->panels * t->nr * taps;
    kin_pack_b(kin_tiles_get(), w, out, 1, taps, out, taps, 0, t->packed);
    kin_pack_b(kin_tiles_get(), shift, out, 1, 1, out, 1, 0, behind);
    t->shift = behind;
}

static void forward_row(const stem *t, const kin_real *picture, int64_t n, int64_t row)
{
    int64_t nr = t->nr, out = t->s.out_c, at = (n * t->h + row) * t->w;
    kin_stem_windows w = windows_at(t, picture, 2 * row);
    for (int64_t j = 0; j < out; j += nr)
        t->lines->forward(&w, t->w, t->packed + j * taps_of(&t->s), t->shift + j, t->act,
                          kin_min(nr, out - j), t->y + at * out + j, out, t->won + at * t->apart + j / 2,
                          t->apart);
}

static void forward_block(void *arg, int64_t block, int worker)
{
    const stem *t = arg;
    for (int64_t n = block * t->each; n < kin_min(t->s.batch, (block + 1) * t->each); n++) {
        const kin_real *picture = padded_picture(t, n, worker);
        for (int64_t row = 0; row < t->h; row++) forward_row(t, picture, n, row);
    }
}

void kin_stem_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w, const kin_real *shift,
                      kin_norm_act act, kin_real *y, kin_stem_winners *winners, void *workspace)
{
    stem t = stem_of(s, workspace);
    t.x = x, t.act = act, t.y = y, t.won = winners;
    kin_trace_conv("convolution", s, "stem, maxima of 2x2 at once");
    pack(&t, w, shift);
    kin_parallel_for(t.blocks, forward_block, &t);
}

/* Some rows of maxima, for the columns of a panel: in float, then to the sums. */
static void backward_rows(const stem *t, const kin_real *picture, int64_t n, int64_t row, int64_t rows,
                          kin_real *products, double *sums)
{
    int64_t nr = t->nr, out = t->s.out_c, taps = taps_of(&t->s);
    for (int64_t j = 0; j < out; j += nr) {
        int64_t columns = kin_min(nr, out - j);
        memset(products, 0, (size_t)((taps + 1) * nr) * sizeof *products);
        for (int64_t r = row; r < row + rows; r++) {
            kin_stem_windows w = windows_at(t, picture, 2 * r);
            int64_t at = (n * t->h + r) * t->w;
            t->lines->backward(&w, t->w, t->g + at * out + j, out, t->winners + at * t->apart + j / 2,
                               t->apart, columns, products);
        }
        for (int64_t k = 0; k <= taps; k++)
            for (int64_t c = 0; c < columns; c++) sums[k * out + j + c] += (double)products[k * nr + c];
    }
}

static void backward_block(void *arg, int64_t block, int worker)
{
    const stem *t = arg;
    double *sums = memset(t->sums + block * t->block, 0, (size_t)t->block * sizeof *sums);
    kin_real *products = t->buffers + worker * t->buffer + t->picture;
    int64_t some = kin_blocks(SOME, t->w);
    for (int64_t n = block * t->each; n < kin_min(t->s.batch, (block + 1) * t->each); n++) {
        const kin_real *picture = padded_picture(t, n, worker);
        for (int64_t row = 0; row < t->h; row += some)
            backward_rows(t, picture, n, row, kin_min(some, t->h - row), products, sums);
    }
}

void kin_stem_backward(const kin_conv_shape *s, const kin_real *x, const kin_real *g,
                       const kin_stem_winners *winners, double *products, void *workspace)
{
    stem t = stem_of(s, workspace);
    t.x = x, t.g = g, t.winners = winners;
    kin_trace_conv("gradient of its weights", s, "stem, maxima of 2x2 at once");
    kin_parallel_for(t.blocks, backward_block, &t);
    memcpy(products, add_blocks(&t), (size_t)((taps_of(s) + 1) * s->out_c) * sizeof *products);
}
