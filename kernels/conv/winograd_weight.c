/* The gradient of a 3×3 kernel by Winograd's method. The output is linear in the weights g, y = Aᵀ [ (G g
 * Gᵀ) ⊙ (Bᵀ d B) ] A for each tile and pair of channels (kernels/conv/winograd.h), so its gradient is the
 * transposed map of ∂L/∂y:
 *
 *   ∂L/∂g = Gᵀ [ Σ_tiles (Bᵀ d B) ⊙ (A ∂L/∂y Aᵀ) ] G
 *
 * The sum over tiles, for all pairs of channels, is a matrix product for each of the n² positions, n = m +
 * 2:
 *
 *   values     V[n²][tile][in] = Bᵀ d B, Z[n²][tile][out] = A ∂L/∂y Aᵀ      of a block of tiles
 *   sums       S[n²][in][out] (+)= Vᵀ · Z
 *   weights    dW[9][in][out] = Gᵀ S G                                        once, in the end
 *
 * A block's V and Z lie in the third cache between the first two steps. Every sum runs over the tiles in
 * their order. */
#include "kernels/conv/winograd.h"

#include "base/parallel.h"
#include "kernels/conv/cut.h"
#include "kernels/conv/winograd_inside.h"
#include "kernels/conv/winograd_weight_kernels.h"
#include "kernels/isa.h"
#include "kernels/tile.h"

#include <string.h>

enum {
    TOGETHER = 4, /* tiles whose values one task makes */
    SIDE = KIN_WINOGRAD_SIDE,
    LINE = KIN_CUT_LINE,
};

KIN_ISA_DECLARE(kin_winograd_weight_kernels, kin_winograd_weight_kernels);

static const kin_winograd_weight_kernels *lines_get(void)
{
    static const kin_winograd_weight_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(
        kin_winograd_weight_kernels);
    return tables[kin_isa()];
}

typedef kin_winograd_weight_cut cut;

int64_t kin_winograd_weight_numbers(const kin_conv_shape *s, int m)
{
    cut c = kin_winograd_weight_cut_of(s, m);
    int64_t zeros = kin_round_up(s->in_c > s->out_c ? s->in_c : s->out_c, LINE);
    return zeros + c.n2 * (c.block * (c.v_pitch + c.z_pitch) + s->in_c * c.s_pitch);
}

typedef struct gradient {
    const kin_conv_shape *s;
    const kin_winograd_weight_kernels *lines;
    cut cut;
    int m;
    const kin_real *x, *dy, *zeros;
    kin_real *v, *z, *sums, *dw;
    int64_t first, tiles; /* the block under work */
    bool accumulate;
} gradient;

static void make_values(void *arg, int64_t index, int worker)
{
    (void)worker;
    const gradient *g = arg;
    const cut *c = &g->cut;
    const kin_conv_shape *s = g->s;
    for (int64_t t = index * TOGETHER; t < kin_min(g->tiles, (index + 1) * TOGETHER); t++) {
        const kin_real *in[KIN_WINOGRAD_N2], *out[KIN_WINOGRAD_N2];
        int64_t tile = g->first + t, n = tile / c->picture, y = tile % c->picture / c->across * g->m,
                x = tile % c->across * g->m;
        kin_winograd_pixels(g->x + n * s->in_h * s->in_w * s->in_ld, s->in_h, s->in_w, s->in_ld,
                            y - s->pad_top, x - s->pad_left, g->m + 2, g->zeros, in);
        kin_winograd_pixels(g->dy + n * s->out_h * s->out_w * s->out_ld, s->out_h, s->out_w, s->out_ld, y, x,
                            g->m, g->zeros, out);
        kin_winograd_kernels_get()->input[g->m / 4](in, in, s->in_c, g->v + t * c->v_pitch,
                                                    c->block * c->v_pitch);
        g->lines->gradient[g->m / 4](out, s->out_c, g->z + t * c->z_pitch, c->block * c->z_pitch);
    }
}

static void make_sums(void *arg, int64_t index, int worker)
{
    (void)worker;
    const gradient *g = arg;
    const cut *c = &g->cut;
    int64_t column = index % c->column_blocks * SIDE, row = index / c->column_blocks % c->row_blocks * SIDE,
            i = index / c->column_blocks / c->row_blocks;
    g->lines->multiply(g->v + i * c->block * c->v_pitch + row, c->v_pitch,
                       g->z + i * c->block * c->z_pitch + column, c->z_pitch, g->tiles,
                       kin_min(SIDE, g->s->in_c - row), kin_min(SIDE, g->s->out_c - column), g->first == 0,
                       g->sums + (i * g->s->in_c + row) * c->s_pitch + column, c->s_pitch);
}

static void make_weights(void *arg, int64_t row, int worker)
{
    (void)worker;
    const gradient *g = arg;
    const cut *c = &g->cut;
    int64_t out = g->s->out_c;
    g->lines->weights[g->m / 4](g->sums + row * c->s_pitch, g->s->in_c * c->s_pitch, out, g->accumulate,
                                g->dw + row * out, g->s->in_c * out);
}

void kin_winograd_weight(const kin_conv_shape *s, int m, const kin_real *x, const kin_real *dy, kin_real *dw,
                         bool accumulate, kin_real *workspace)
{
    gradient g = {.s = s,
                  .lines = lines_get(),
                  .cut = kin_winograd_weight_cut_of(s, m),
                  .m = m,
                  .x = x,
                  .dy = dy,
                  .dw = dw,
                  .accumulate = accumulate};
    const cut *c = &g.cut;
    int64_t zeros = kin_round_up(s->in_c > s->out_c ? s->in_c : s->out_c, LINE);
    g.zeros = memset(workspace, 0, (size_t)zeros * sizeof *workspace);
    g.v = workspace + zeros;
    g.z = g.v + c->n2 * c->block * c->v_pitch;
    g.sums = g.z + c->n2 * c->block * c->z_pitch;
    for (g.first = 0; g.first < c->tiles; g.first += c->block) {
        g.tiles = kin_min(c->block, c->tiles - g.first);
        kin_parallel_for(kin_blocks(g.tiles, TOGETHER), make_values, &g);
        kin_parallel_for(c->n2 * c->row_blocks * c->column_blocks, make_sums, &g);
    }
    kin_parallel_for(s->in_c, make_weights, &g);
}
