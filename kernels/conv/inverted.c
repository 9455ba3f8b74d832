/* A task is a band of output rows of one picture, done some rows at a time (whole where the map is small),
 * and these panel by panel: the rows of the wide map's panel that the depthwise kernel will read are
 * computed, those that the rows before have left are kept, and what it makes of them is the panel's share
 * of the narrowing product's rows. Panels of the wide map are rings of rows: row y lies in slot y mod
 * slots. A pixel of a panel is a line of the first cache, and the kernel finds all that it reads close
 * together, whatever the map's width in channels. Bands at whose border the kernel overlaps compute the
 * rows between them twice: pictures are cut into bands only where there are few of them. */
#include "kernels/conv/inverted.h"

#include "base/parallel.h"
#include "kernels/conv/choose.h"
#include "kernels/conv/cut.h"
#include "kernels/conv/few.h"
#include "kernels/conv/inverted_kernels.h"
#include "kernels/conv/strided_kernels.h"
#include "kernels/isa.h"
#include "kernels/tile.h"
#include "kernels/trace.h"

#include <string.h>

KIN_ISA_DECLARE(kin_inverted_kernels, kin_inverted_kernels);

static const kin_inverted_kernels *lines(void)
{
    static const kin_inverted_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_inverted_kernels);
    return tables[kin_isa()];
}

typedef kin_inverted_cut cut;

static int64_t slots_of(const kin_conv_shape *d, int64_t rows)
{
    return (rows - 1) * d->stride_h + d->kernel_h;
}

static int64_t kept_panels(const cut *c) { return c->panel ? c->panels : 1; }

/* Whether the wide map is a network's first convolution instead of a 1×1 one. */
static bool from_few(const kin_inverted *b) { return b->expand_packed && kin_conv_has_few(&b->expand); }

static cut cut_of(const kin_inverted *b)
{
    return kin_inverted_cut_of(b->expand_packed ? &b->expand : NULL, &b->depthwise, b->project.out_c,
                               kin_tile_size_of(kin_tiles_get()));
}

static int64_t numbers_each(const cut *c) { return c->wide + c->narrow + c->places + c->near; }

bool kin_inverted_expands(const kin_conv_shape *s)
{
    kin_conv_machine machine = kin_conv_this_machine();
    return kin_conv_can_begin(s) || kin_conv_choose(s, KIN_CONV_PACKED, &machine).kind == KIN_CONV_FEW;
}

size_t kin_inverted_workspace(const kin_inverted *b)
{
    const kin_conv_shape *d = &b->depthwise;
    double channels = (double)d->in_c + KIN_NR_MAX, row = (double)d->in_w +
                                                          (double)d->out_w * (double)(d->stride_w + 1) +
                                                          (double)(d->kernel_w + d->pad_left);
    double rows = (double)d->kernel_h * (double)(d->kernel_w + 1) +
                  (double)d->out_h * (double)(d->stride_h + 1);
    if (row * channels * rows > 1e15 || b->project.out_c > 1 << 30 ||
        (from_few(b) && kin_conv_is_too_large(&b->expand)))
        return SIZE_MAX;
    cut c = cut_of(b);
    return (size_t)(c.shared + numbers_each(&c) * kin_threads()) * sizeof(kin_real);
}

typedef struct run {
    const kin_inverted *b;
    const kin_inverted_kernels *lines;
    cut cut;
    const kin_real *x, *taps, *expand_bias, *depthwise_bias, *project_bias; /* in whole panels */
    kin_real *y, *buffers;
} run;

typedef struct buffers {
    kin_real *wide, *narrow;
    int64_t *place;
    kin_real *near; /* a network's picture, with its padding */
    int64_t end;    /* of the rows of the wide map that the buffer holds */
} buffers;

/* ---- weights in whole panels ---- */

/* `rows` rows of n numbers in panels. Returns what is behind them. */
static kin_real *in_panels(const kin_real *from, int64_t rows, int64_t n, int64_t nr, kin_real *to)
{
    kin_pack_b(kin_tiles_get(), from, n, 1, rows, n, rows, 0, to);
    return to + kin_round_up(n, nr) * rows;
}

static void share(run *r, kin_real *shared)
{
    const kin_inverted *b = r->b;
    const kin_conv_shape *d = &b->depthwise;
    int64_t nr = r->cut.nr;
    const kin_real **bias[3] = {&r->expand_bias, &r->depthwise_bias, &r->project_bias};
    const kin_real *from[3] = {b->expand_packed ? b->expand_end.bias : NULL, b->depthwise_end.bias,
                               b->project_end.bias};
    r->taps = shared;
    shared = in_panels(b->depthwise_packed, d->kernel_h * d->kernel_w, d->in_c, nr, shared);
    for (int i = 0; i < 3; i++) {
        *bias[i] = from[i] ? shared : NULL;
        if (from[i]) shared = in_panels(from[i], 1, i < 2 ? d->in_c : b->project.out_c, nr, shared);
    }
}

/* ---- the wide map ---- */

/* Where row y of the wide map begins in a panel. */
static int64_t place_of(const run *r, int64_t y)
{
    return y % r->cut.slots * r->cut.row + r->b->depthwise.pad_left * r->cut.nr;
}

/* The same for the pixels of rows first .. end. */
static void find_places(const run *r, int64_t first, int64_t end, int64_t *place)
{
    int64_t width = r->b->depthwise.in_w, nr = r->cut.nr;
    for (int64_t y = first; y < end; y++, place += width)
        for (int64_t x = 0, row = place_of(r, y); x < width; x++) place[x] = row + x * nr;
}

/* Rows first .. end of picture n's panel: computed, or x itself where the block does not expand. */
static void expand_rows(const run *r, int64_t n, int64_t panel, int64_t first, int64_t end, buffers *w)
{
    const kin_inverted *b = r->b;
    const kin_conv_shape *d = &b->depthwise;
    const cut *c = &r->cut;
    kin_real *to = w->wide + panel * c->panel;
    int64_t pixels = (end - first) * d->in_w, pixel = (n * d->in_h + first) * d->in_w, column = panel * c->nr,
            step = 0;
    if (!b->expand_packed) {
        for (int64_t y = first; y < end; y++, pixel += d->in_w)
            r->lines->take(r->x + pixel * d->in_ld + column, d->in_ld, kin_min(c->nr, d->in_c - column),
                           d->in_w, to + place_of(r, y));
        return;
    }
    const kin_conv_shape *e = &b->expand;
    kin_strided_product p = {.rows = pixels,
                             .segments = 1,
                             .k = e->in_c,
                             .a = r->x + pixel * e->in_ld,
                             .a_ld = e->in_ld,
                             .panel_k = e->in_c};
    if (from_few(b)) p = kin_conv_few_product(e, w->near, &step);
    p.columns = c->nr, p.panels = b->expand_packed + column * p.panel_k, p.c = to, p.place = w->place;
    p.bias = r->expand_bias ? r->expand_bias + column : NULL, p.act = b->expand_end.act;
    for (; pixels > 0; pixels -= p.rows, p.a += step, p.place += p.rows)
        kin_strided_kernels_get()->product(&p);
}

/* ---- some rows of the output ---- */

static void filter(const run *r, int64_t panel, int64_t row, int64_t rows, buffers *w)
{
    const kin_conv_shape *d = &r->b->depthwise;
    const cut *c = &r->cut;
    int64_t ld = c->panels * c->nr;
    kin_inverted_filter f = {.panel = w->wide + panel * c->panel,
                             .slots = c->slots,
                             .row = c->row,
                             .kernel_w = d->kernel_w,
                             .stride = d->stride_w,
                             .bias = r->depthwise_bias ? r->depthwise_bias + panel * c->nr : NULL,
                             .act = r->b->depthwise_end.act,
                             .pixels = d->out_w,
                             .to_ld = ld};
    for (int64_t i = 0; i < rows; i++) {
        int64_t top = (row + i) * d->stride_h - d->pad_top, first = top < 0 ? 0 : top,
                end = kin_min(d->in_h, top + d->kernel_h);
        f.rows = kin_most(end - first, 0);
        f.slot = first % c->slots;
        f.w = r->taps + panel * c->taps + (first - top) * d->kernel_w * c->nr;
        f.to = w->narrow + i * d->out_w * ld + panel * c->nr;
        r->lines->filter(&f);
    }
}

/* In passes over the channels as long as the convolution's own. */
static void narrow(const run *r, int64_t n, int64_t row, int64_t rows, buffers *w)
{
    const kin_conv_shape *p = &r->b->project;
    const kin_conv_end *e = &r->b->project_end;
    int64_t pixels = rows * p->out_w, pixel = (n * p->out_h + row) * p->out_w,
            pass = kin_conv_cut_channels(p->in_c, kin_tiles_get()->sum);
    kin_strided_product q = {.rows = pixels,
                             .columns = p->out_c,
                             .segments = 1,
                             .a_ld = r->cut.panels * r->cut.nr,
                             .panel_k = p->in_c,
                             .c = r->y + pixel * p->out_ld,
                             .place = w->place,
                             .add_ld = e->add_ld};
    for (int64_t i = 0; i < pixels; i++) w->place[i] = i * p->out_ld;
    for (int64_t k = 0; k < p->in_c; k += pass) {
        bool ends = k + pass >= p->in_c;
        q.k = kin_min(pass, p->in_c - k);
        q.a = w->narrow + k, q.panels = r->b->project_packed + k * r->cut.nr;
        q.bias = k ? NULL : r->project_bias, q.accumulate = k > 0;
        q.add = ends && e->add ? e->add + pixel * e->add_ld : NULL, q.act = ends ? e->act : KIN_NORM_LINEAR;
        kin_strided_kernels_get()->product(&q);
    }
}

static void some_rows(const run *r, int64_t n, int64_t row, int64_t rows, buffers *w)
{
    const kin_conv_shape *d = &r->b->depthwise;
    int64_t top = row * d->stride_h - d->pad_top, first = kin_most(kin_most(top, 0), w->end),
            end = kin_most(kin_min(d->in_h, top + slots_of(d, rows)), first);
    find_places(r, first, end, w->place);
    if (from_few(r->b)) kin_conv_few_bring(&r->b->expand, r->x, n, first, end - first, w->near);
    for (int64_t panel = 0; panel < r->cut.panels; panel++) {
        expand_rows(r, n, panel, first, end, w);
        filter(r, panel, row, rows, w);
    }
    w->end = end;
    narrow(r, n, row, rows, w);
}

/* The padding at both sides of each row, and the columns of the last panel that no channel of x fills. */
static void clear_padding(const run *r, kin_real *wide)
{
    const kin_conv_shape *d = &r->b->depthwise;
    const cut *c = &r->cut;
    int64_t left = d->pad_left * c->nr, right = left + d->in_w * c->nr;
    if (!r->b->expand_packed) left = right = c->row;
    for (int64_t i = 0; i < kept_panels(c) * c->slots; i++, wide += c->row) {
        memset(wide, 0, (size_t)left * sizeof *wide);
        memset(wide + right, 0, (size_t)(c->row - right) * sizeof *wide);
    }
}

static void band(void *arg, int64_t index, int worker)
{
    const run *r = arg;
    const cut *c = &r->cut;
    kin_real *mine = r->buffers + worker * numbers_each(c);
    buffers w = {mine, mine + c->wide, (int64_t *)(void *)(mine + c->wide + c->narrow),
                 mine + c->wide + c->narrow + c->places, 0};
    int64_t n = index / c->bands, row = index % c->bands * c->band,
            end = kin_min(r->b->depthwise.out_h, row + c->band);
    clear_padding(r, w.wide);
    for (int64_t rows; row < end; row += rows) {
        rows = kin_min(c->rows, end - row);
        some_rows(r, n, row, rows, &w);
    }
}

void kin_inverted_forward(const kin_inverted *b, const kin_real *x, kin_real *y, void *workspace)
{
    kin_trace_conv("convolution", &b->depthwise,
                   from_few(b)        ? "stem, depthwise and narrowing in one"
                   : b->expand_packed ? "widening, depthwise and narrowing in one"
                                      : "depthwise and narrowing in one");
    run r = {.b = b, .lines = lines(), .cut = cut_of(b), .x = x, .y = y};
    share(&r, workspace);
    r.buffers = (kin_real *)workspace + r.cut.shared;
    kin_parallel_for(b->depthwise.batch * r.cut.bands, band, &r);
}
