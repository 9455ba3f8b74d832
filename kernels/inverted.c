/* A task is a band of output rows of one picture, done some rows at a time: the rows of the wide map that the depthwise kernel will read are
 * computed, those that the rows before have left are kept. Bands at whose border the kernel overlaps compute the rows between them
 * twice: pictures are cut into bands only where there are few of them. */
#include "kernels/inverted.h"

#include "base/parallel.h"
#include "kernels/chosen.h"
#include "kernels/conv_inside.h"

#include <string.h>

enum {
    NEAR = 80 << 10, /* numbers of both buffers, if they may be chosen: they stay in the second cache */
    PIXELS = 42,     /* that the narrowing product should have at once, at least: seven tiles of six */
    TASKS = 8,       /* at least, where pictures are large enough */
};

/* How a picture is cut: all of it follows from the shape. */
typedef struct cut {
    int64_t bands, band;  /* of a picture; output rows of one */
    int64_t rows, wide_rows; /* output rows at a time, rows of the wide map that they read */
    int64_t wide, narrow; /* numbers of the buffers */
    int64_t workspace;    /* numbers of one of the convolutions' */
} cut;

static int64_t wide_rows_of(const kin_conv_shape *d, int64_t rows) { return (rows - 1) * d->stride_h + d->kernel_h; }

static cut cut_of(const kin_inverted *b)
{
    const kin_conv_shape *d = &b->depthwise;
    int64_t least = kin_min(d->out_h, kin_blocks(PIXELS, d->out_w)), pictures = d->batch > 1 ? d->batch : 1, bands = kin_blocks(TASKS, pictures);
    cut c = {.bands = kin_min(bands, d->out_h / least)};
    c.band = kin_blocks(d->out_h, c.bands);
    c.bands = kin_blocks(d->out_h, c.band);
    int64_t in_row = b->expand_packed ? d->in_w * d->in_c : 0, out_row = d->out_w * d->out_c;
    c.rows = kin_min(least, c.band);
    while (c.rows < c.band && wide_rows_of(d, c.rows + 1) * in_row + (c.rows + 1) * out_row <= NEAR) c.rows++;
    c.rows = kin_blocks(c.band, kin_blocks(c.band, c.rows));
    c.wide_rows = wide_rows_of(d, c.rows);
    c.wide = kin_round_up(c.wide_rows * in_row, 16);
    c.narrow = kin_round_up(c.rows * out_row, 16);
    return c;
}

/* ---- the three shapes for some rows of a picture ---- */

static kin_conv_shape of_rows(kin_conv_shape s, int64_t rows)
{
    s.batch = 1, s.in_h = s.out_h = rows;
    return s;
}

static size_t most(size_t a, size_t b) { return a > b ? a : b; }

static size_t convolution_bytes(const kin_inverted *b)
{
    size_t expand = b->expand_packed ? kin_conv_packed_workspace(&b->expand) : 0, project = kin_conv_packed_workspace(&b->project);
    return expand == SIZE_MAX || project == SIZE_MAX ? SIZE_MAX : most(expand, project);
}

static int64_t numbers_each(const kin_inverted *b, const cut *c)
{
    return c->wide + c->narrow + kin_round_up((int64_t)(convolution_bytes(b) / sizeof(kin_real)) + 1, 16);
}

size_t kin_inverted_workspace(const kin_inverted *b)
{
    const kin_conv_shape *d = &b->depthwise;
    double largest = (double)(d->in_w + d->out_w) * (double)d->in_c * ((double)d->kernel_h + (double)(d->out_h * (d->stride_h + 1)));
    if (convolution_bytes(b) == SIZE_MAX || largest > 1e15) return SIZE_MAX;
    cut c = cut_of(b);
    return (size_t)(numbers_each(b, &c) * kin_threads()) * sizeof(kin_real);
}

typedef struct run {
    const kin_inverted *b;
    cut cut;
    const kin_real *x;
    kin_real *y, *workspace;
    int64_t each;
} run;

typedef struct buffers {
    kin_real *wide, *narrow, *workspace;
    int64_t first, end; /* rows of the wide map that the buffer holds */
} buffers;

/* Has rows first .. end of the wide map of picture n in the buffer; those that are there already move up. */
static const kin_real *widened(const run *r, int64_t n, int64_t first, int64_t end, buffers *w)
{
    const kin_inverted *b = r->b;
    const kin_conv_shape *e = &b->expand, *d = &b->depthwise;
    if (!b->expand_packed) return r->x + (n * d->in_h + first) * d->in_w * d->in_ld;
    int64_t row = d->in_w * d->in_c, from = first;
    if (w->end > first) {
        memmove(w->wide, w->wide + (first - w->first) * row, (size_t)((w->end - first) * row) * sizeof *w->wide);
        from = w->end;
    }
    kin_conv_shape s = of_rows(*e, end - from);
    if (end > from)
        kin_conv_product(&s, r->x + (n * e->in_h + from) * e->in_w * e->in_ld, b->expand_packed, NULL, &b->expand_end, w->wide + (from - first) * row, w->workspace);
    w->first = first, w->end = end;
    return w->wide;
}

static void some_rows(const run *r, int64_t n, int64_t row, int64_t rows, buffers *w)
{
    const kin_inverted *b = r->b;
    const kin_conv_shape *p = &b->project;
    kin_conv_shape d = b->depthwise;
    int64_t top = row * d.stride_h - d.pad_top, first = top < 0 ? 0 : kin_min(top, d.in_h), end = kin_min(d.in_h, top + wide_rows_of(&d, rows));
    if (end < first) end = first;
    const kin_real *wide = widened(r, n, first, end, w);
    d.batch = 1, d.in_h = end - first, d.out_h = rows, d.pad_top = first - top;
    if (b->expand_packed) d.in_ld = d.in_c;
    d.out_ld = d.out_c;
    kin_depthwise_forward(&d, wide, b->depthwise_packed, NULL, &b->depthwise_end, w->narrow, NULL);
    kin_conv_shape s = of_rows(*p, rows);
    kin_conv_end end_here = b->project_end;
    int64_t pixel = (n * p->out_h + row) * p->out_w;
    s.in_ld = s.in_c;
    if (end_here.add) end_here.add += pixel * end_here.add_ld;
    kin_conv_product(&s, w->narrow, b->project_packed, NULL, &end_here, r->y + pixel * p->out_ld, w->workspace);
}

static void band(void *arg, int64_t index, int worker)
{
    const run *r = arg;
    const cut *c = &r->cut;
    kin_real *mine = r->workspace + worker * r->each;
    buffers w = {mine, mine + c->wide, mine + c->wide + c->narrow, 0, 0};
    int64_t n = index / c->bands, row = index % c->bands * c->band, end = kin_min(r->b->depthwise.out_h, row + c->band);
    for (int64_t rows; row < end; row += rows) {
        rows = kin_min(c->rows, end - row);
        some_rows(r, n, row, rows, &w);
    }
}

void kin_inverted_forward(const kin_inverted *b, const kin_real *x, kin_real *y, void *workspace)
{
    kin_chose_conv("convolution", &b->depthwise, b->expand_packed ? "widening, depthwise and narrowing in one" : "depthwise and narrowing in one");
    run r = {.b = b, .cut = cut_of(b), .x = x, .y = y, .workspace = workspace};
    r.each = numbers_each(b, &r.cut);
    kin_parallel_for(b->depthwise.batch * r.cut.bands, band, &r);
}
