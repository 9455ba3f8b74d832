/* Convolution without patches: the register tile reads its rows of A through pointers, one for each output
 * pixel and kernel position ("tap"), straight from the NHWC picture; padding is a pointer to zeros. The same loop
 * gives the output (rows are output pixels, taps point into x) and the gradient of the input (rows are
 * input pixels, taps point into dy). With stride s > 1 an input pixel is touched only by the taps with
 * (ih + pad − kh·dilation) divisible by s, which depends on its phase (ih mod s, iw mod s): the rows are taken phase by
 * phase, each with its own list of taps, and no product with zero is formed. */
#include "kernels/conv.h"

#include "base/parallel.h"
#include "kernels/conv_inside.h"

#include <string.h>

enum {
    ROWS = 96,        /* rows of a block: a multiple of the tiles' 6 and 12 */
    SEGMENTS = 32,    /* taps of one pass, at most */
    K_STEP = 384,     /* channels × taps of one pass, about */
    CHANNELS = 256,   /* channels of one pass, at most */
};

/* One product: C[row, ·] = Σ over taps t of a[row moved by tap t, ·] · B[t]. */
typedef struct product {
    const kin_conv_shape *shape;
    const kin_tiles *tiles;
    const kin_real *a, *zeros, *bias;
    kin_real *c;
    const kin_real *panels; /* [⌈n/nr⌉][taps · depth][nr] */
    int64_t depth, n;       /* channels of a row of A; columns of C */
    int64_t a_h, a_w, a_ld, c_h, c_w, c_ld;
    int64_t taps;
    bool backward, accumulate;
    /* The phase under work: rows (n, y, x) with y = phase_y + stride_y·i, and the taps that reach them. */
    int64_t phase_y, phase_x, step_y, step_x, rows_y, rows_x, rows;
    int64_t n_valid;
    int64_t *valid;
} product;

/* The pixel of A that tap (kh, kw) reads for pixel (y, x) of C, or the zeros. */
static const kin_real *source(const product *p, int64_t n, int64_t y, int64_t x, int64_t tap)
{
    const kin_conv_shape *s = p->shape;
    int64_t kh = tap / s->kernel_w * s->dilation_h, kw = tap % s->kernel_w * s->dilation_w;
    if (p->backward) {
        y = (y + s->pad_top - kh) / s->stride_h;
        x = (x + s->pad_left - kw) / s->stride_w;
        /* C rounds towards zero, but a valid tap divides exactly, so only the sign of the whole matters. */
    } else {
        y = y * s->stride_h - s->pad_top + kh;
        x = x * s->stride_w - s->pad_left + kw;
    }
    if (y < 0 || x < 0 || y >= p->a_h || x >= p->a_w) return p->zeros;
    return p->a + ((n * p->a_h + y) * p->a_w + x) * p->a_ld;
}

typedef struct place { int64_t n, y, x; } place;

static place place_of(const product *p, int64_t row)
{
    int64_t x = row % p->rows_x, rest = row / p->rows_x;
    return (place){rest / p->rows_y, p->phase_y + rest % p->rows_y * p->step_y, p->phase_x + x * p->step_x};
}

static kin_real *target(const product *p, place at) { return p->c + ((at.n * p->c_h + at.y) * p->c_w + at.x) * p->c_ld; }

/* Channels k0 .. k0+k of taps t0 .. t0+count of the phase's list, for a block of rows. */
typedef struct pass { int64_t t0, count, k0, k; bool begins; } pass;

static void one_pass(const product *p, const place *at, int64_t rows, const pass *w)
{
    const kin_tiles *t = p->tiles;
    const kin_real *table[ROWS / 6 + 1][SEGMENTS * KIN_MR_MAX];
    int64_t b_row[SEGMENTS], panel_k = p->taps * p->depth;
    for (int64_t s = 0; s < w->count; s++) b_row[s] = p->valid[w->t0 + s] * p->depth + w->k0;
    for (int64_t r = 0; r < rows; r += t->mr)
        for (int64_t s = 0; s < w->count; s++)
            for (int64_t i = 0; i < t->mr; i++) {
                const place *q = &at[kin_min(r + i, rows - 1)];
                const kin_real *from = source(p, q->n, q->y, q->x, p->valid[w->t0 + s]);
                table[r / t->mr][s * t->mr + i] = from == p->zeros ? from : from + w->k0;
            }
    for (int64_t j = 0; j < p->n; j += t->nr) {
        const kin_real *panel = p->panels + j / t->nr * panel_k * t->nr;
        kin_tile_out out = {.columns = kin_min(t->nr, p->n - j), .accumulate = p->accumulate || !w->begins, .bias = w->begins && p->bias ? p->bias + j : NULL};
        for (int64_t r = 0; r < rows; r += t->mr) {
            out.rows = kin_min(t->mr, rows - r);
            for (int64_t i = 0; i < out.rows; i++) out.c[i] = target(p, at[r + i]) + j;
            t->rows(table[r / t->mr], b_row, w->count, w->k, panel, &out);
        }
    }
}

/* Rows that no tap reaches (a stride beyond the kernel) are zero, or the bias. */
static void untouched(const product *p, const place *at, int64_t rows)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < p->n; j++) {
            kin_real *c = target(p, at[r]) + j;
            *c = (p->accumulate ? *c : 0) + (p->bias ? p->bias[j] : 0);
        }
}

static void row_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    const product *p = arg;
    int64_t first = block * ROWS, rows = kin_min(ROWS, p->rows - first);
    place at[ROWS];
    for (int64_t r = 0; r < rows; r++) at[r] = place_of(p, first + r);
    if (p->n_valid == 0) untouched(p, at, rows);
    int64_t taps = p->depth >= K_STEP ? 1 : kin_min(SEGMENTS, K_STEP / (p->depth > 0 ? p->depth : 1));
    bool begins = true;
    for (int64_t t0 = 0; t0 < p->n_valid; t0 += taps)
        for (int64_t k0 = 0, k; k0 < p->depth; k0 += k, begins = false) {
            k = taps > 1 || p->depth <= K_STEP ? p->depth : kin_min(CHANNELS, p->depth - k0);
            one_pass(p, at, rows, &(pass){t0, kin_min(taps, p->n_valid - t0), k0, k, begins});
        }
}

static void run_phase(product *p)
{
    const kin_conv_shape *s = p->shape;
    p->n_valid = 0;
    for (int64_t tap = 0; tap < p->taps; tap++) {
        int64_t y = p->phase_y + s->pad_top - tap / s->kernel_w * s->dilation_h, x = p->phase_x + s->pad_left - tap % s->kernel_w * s->dilation_w;
        if (!p->backward || (y % s->stride_h == 0 && x % s->stride_w == 0)) p->valid[p->n_valid++] = tap;
    }
    p->rows_y = kin_blocks(p->c_h - p->phase_y, p->step_y);
    p->rows_x = kin_blocks(p->c_w - p->phase_x, p->step_x);
    p->rows = s->batch * p->rows_y * p->rows_x;
    kin_parallel_for(kin_blocks(p->rows, ROWS), row_block, p);
}

/* ---- workspace: zeros, the list of taps, packed weights ---- */

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t forward_numbers(const kin_conv_shape *s)
{
    int64_t taps = s->kernel_h * s->kernel_w, in = s->in_c / s->groups, out = s->out_c / s->groups;
    int64_t panels = most(kin_round_up(out, KIN_NR_MAX) * in, kin_round_up(in, KIN_NR_MAX) * out) * taps;
    return panels + kin_round_up(most(in, out), 16) + kin_round_up(taps, 16) * (int64_t)(sizeof(int64_t) / sizeof(float)) + 64;
}

size_t kin_conv_workspace(const kin_conv_shape *s)
{
    double numbers = (double)s->kernel_h * (double)s->kernel_w * ((double)s->in_c + KIN_NR_MAX) * ((double)s->out_c + KIN_NR_MAX);
    if (numbers > 1e15) return SIZE_MAX;
    return (size_t)most(forward_numbers(s), kin_conv_weight_numbers(s)) * sizeof(kin_real);
}

static product prepare(const kin_conv_shape *s, void *workspace, int64_t depth)
{
    product p = {.shape = s, .tiles = kin_tiles_get(), .taps = s->kernel_h * s->kernel_w, .step_y = 1, .step_x = 1, .depth = depth};
    kin_real *zeros = workspace;
    memset(zeros, 0, (size_t)depth * sizeof *zeros);
    p.zeros = zeros;
    p.valid = (int64_t *)(void *)(zeros + kin_round_up(depth, 16));
    p.panels = (kin_real *)(void *)(p.valid + kin_round_up(p.taps, 16));
    return p;
}

static bool depthwise(const kin_conv_shape *s) { return s->groups > 1 && s->groups == s->in_c && s->in_c == s->out_c; }

void kin_conv_forward(const kin_conv_shape *s, const kin_real *x, const kin_real *w, const kin_real *bias, kin_real *y, void *workspace)
{
    if (depthwise(s)) {
        kin_depthwise_forward(s, x, w, bias, y);
        return;
    }
    int64_t in = s->in_c / s->groups, out = s->out_c / s->groups;
    for (int64_t g = 0; g < s->groups && out > 0; g++) {
        product p = prepare(s, workspace, in);
        p.n = out;
        p.a = x + g * in, p.a_h = s->in_h, p.a_w = s->in_w, p.a_ld = s->in_ld;
        p.c = y + g * out, p.c_h = s->out_h, p.c_w = s->out_w, p.c_ld = s->out_ld;
        p.bias = bias ? bias + g * out : NULL;
        kin_pack_b(p.tiles, w + g * out, s->out_c, 1, p.taps * in, out, p.taps * in, 0, (kin_real *)p.panels);
        run_phase(&p);
    }
}

void kin_conv_backward_input(const kin_conv_shape *s, const kin_real *dy, const kin_real *w, kin_real *dx, bool accumulate, void *workspace)
{
    if (depthwise(s)) {
        kin_depthwise_backward_input(s, dy, w, dx, accumulate);
        return;
    }
    int64_t in = s->in_c / s->groups, out = s->out_c / s->groups;
    if (out < 1 || s->out_h < 1 || s->out_w < 1) { /* nothing flows back */
        for (int64_t i = 0; !accumulate && i < s->batch * s->in_h * s->in_w; i++) memset(dx + i * s->in_ld, 0, (size_t)s->in_c * sizeof *dx);
        return;
    }
    for (int64_t g = 0; g < s->groups; g++) {
        product p = prepare(s, workspace, out);
        p.n = in;
        p.a = dy + g * out, p.a_h = s->out_h, p.a_w = s->out_w, p.a_ld = s->out_ld;
        p.c = dx + g * in, p.c_h = s->in_h, p.c_w = s->in_w, p.c_ld = s->in_ld;
        p.backward = true, p.accumulate = accumulate, p.step_y = s->stride_h, p.step_x = s->stride_w;
        /* B of a tap is its weights transposed: [out][in]. */
        for (int64_t tap = 0; tap < p.taps; tap++)
            kin_pack_b(p.tiles, w + tap * in * s->out_c + g * out, 1, s->out_c, out, in, p.taps * out, tap * out, (kin_real *)p.panels);
        for (p.phase_y = 0; p.phase_y < kin_min(s->stride_h, s->in_h); p.phase_y++)
            for (p.phase_x = 0; p.phase_x < kin_min(s->stride_w, s->in_w); p.phase_x++) run_phase(&p);
    }
}
