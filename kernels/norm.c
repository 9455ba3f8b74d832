#include "kernels/norm.h"

#include "base/parallel.h"
#include "kernels/cut.h"
#include "kernels/isa.h"
#include "kernels/norm_kernels.h"

#include <math.h>
#include <string.h>

KIN_ISA_DECLARE(kin_norm_kernels, kin_norm_kernels);

const kin_norm_kernels *kin_norm_kernels_get(void)
{
    static const kin_norm_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_norm_kernels);
    return tables[kin_isa()];
}

size_t kin_norm_workspace(int64_t rows, int64_t channels)
{
    return (size_t)(kin_blocks(rows, kin_norm_cut(rows, channels, true)) * channels * 2) * sizeof(double) +
           64;
}

typedef struct norm_loop {
    const kin_real *x, *scale, *shift, *add, *mean, *inv;
    kin_real *out;
    const kin_norm_flow *flow;
    const kin_norm_line *line;
    const kin_norm_to *to;
    double *sums; /* 2 × channels for each block */
    int64_t ld, rows, channels, add_ld, each;
    kin_norm_act act;
} norm_loop;

static int64_t first_row(const norm_loop *l, int64_t block) { return block * l->each; }
static int64_t rows_in(const norm_loop *l, int64_t block)
{
    return l->rows - first_row(l, block) < l->each ? l->rows - first_row(l, block) : l->each;
}

static double *sums_of(const norm_loop *l, int64_t block) { return l->sums + block * l->channels * 2; }

/* Adds the blocks' sums and products to those of the first, block after block, as they lie in memory. */
static const double *add_blocks(const norm_loop *l, int64_t blocks)
{
    double *restrict to = l->sums;
    for (int64_t block = 1; block < blocks; block++) {
        const double *restrict from = sums_of(l, block);
        for (int64_t i = 0; i < 2 * l->channels; i++) to[i] += from[i];
    }
    return to;
}

/* The pivot is the first row: sums of (x − pivot) lose nothing where the mean is far from 0. */
static void statistics_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const norm_loop *l = arg;
    kin_norm_kernels_get()->moments(l->x + first_row(l, block) * l->ld, l->ld, rows_in(l, block), l->channels,
                                    l->x, sums_of(l, block));
}

void kin_norm_statistics(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, kin_real *mean,
                         kin_real *var, void *workspace)
{
    norm_loop l = {.x = x,
                   .ld = ld,
                   .rows = rows,
                   .channels = channels,
                   .each = kin_norm_cut(rows, channels, true),
                   .sums = workspace};
    int64_t blocks = kin_blocks(rows, l.each);
    kin_parallel_for(blocks, statistics_block, &l);
    const double *sum = add_blocks(&l, blocks), *squares = sum + channels;
    for (int64_t c = 0; c < channels; c++) {
        double off = sum[c] / (double)rows, variance = squares[c] / (double)rows - off * off;
        mean[c] = (kin_real)((double)x[c] + off);
        var[c] = (kin_real)(variance > 0 || variance != variance ? variance : 0);
    }
}

static void apply_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const norm_loop *l = arg;
    int64_t r = first_row(l, block);
    kin_norm_kernels_get()->apply(l->x + r * l->ld, l->ld, rows_in(l, block), l->channels, l->scale, l->shift,
                                  l->add ? l->add + r * l->add_ld : NULL, l->add_ld, l->act,
                                  l->out + r * l->channels, l->channels);
}

void kin_norm_affine(const kin_real *gamma, const kin_real *beta, const kin_real *mean, const kin_real *var,
                     double epsilon, int64_t channels, kin_real *scale, kin_real *shift)
{
    for (int64_t i = 0; i < channels; i++) {
        double by = (double)gamma[i] / sqrt((double)var[i] + epsilon);
        scale[i] = (kin_real)by;
        shift[i] = (kin_real)((double)beta[i] - (double)mean[i] * by);
    }
}

void kin_norm_apply(const kin_real *x, int64_t ld, int64_t rows, int64_t channels, const kin_real *scale,
                    const kin_real *shift, const kin_real *add, int64_t add_ld, kin_norm_act act, kin_real *y)
{
    norm_loop l = {.x = x,
                   .ld = ld,
                   .rows = rows,
                   .channels = channels,
                   .scale = scale,
                   .shift = shift,
                   .add = add,
                   .add_ld = add_ld,
                   .act = act,
                   .out = y,
                   .each = kin_norm_cut(rows, channels, false)};
    kin_parallel_for(kin_blocks(rows, l.each), apply_block, &l);
}

/* The flow from a row on. */
static kin_norm_flow flow_at(const norm_loop *l, int64_t r)
{
    kin_norm_flow f = *l->flow;
    f.g += r * l->channels;
    if (f.y) f.y += r * l->channels;
    f.x += r * f.ld;
    return f;
}

static void sums_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const norm_loop *l = arg;
    kin_norm_flow f = flow_at(l, first_row(l, block));
    kin_norm_kernels_get()->backward_sums(&f, rows_in(l, block), l->channels, l->mean, l->inv,
                                          sums_of(l, block));
}

void kin_norm_backward_sums(const kin_norm_flow *f, int64_t rows, int64_t channels, const kin_real *mean,
                            const kin_real *inv, double *sum_g, double *sum_gx, void *workspace)
{
    norm_loop l = {.flow = f,
                   .rows = rows,
                   .channels = channels,
                   .mean = mean,
                   .inv = inv,
                   .each = kin_norm_cut(rows, channels, true),
                   .sums = workspace};
    int64_t blocks = kin_blocks(rows, l.each);
    kin_parallel_for(blocks, sums_block, &l);
    const double *sums = add_blocks(&l, blocks);
    memcpy(sum_g, sums, (size_t)channels * sizeof *sums);
    memcpy(sum_gx, sums + channels, (size_t)channels * sizeof *sums);
}

static void backward_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const norm_loop *l = arg;
    int64_t r = first_row(l, block);
    kin_norm_flow f = flow_at(l, r);
    kin_norm_to to = *l->to;
    if (to.dx) to.dx += r * to.dx_ld;
    if (to.dadd) to.dadd += r * l->channels;
    kin_norm_kernels_get()->backward_apply(&f, rows_in(l, block), l->channels, l->line, &to);
}

void kin_norm_backward_apply(const kin_norm_flow *f, int64_t rows, int64_t channels,
                             const kin_norm_line *line, const kin_norm_to *to)
{
    norm_loop l = {.flow = f,
                   .rows = rows,
                   .channels = channels,
                   .line = line,
                   .to = to,
                   .each = kin_norm_cut(rows, channels, false)};
    kin_parallel_for(kin_blocks(rows, l.each), backward_block, &l);
}
