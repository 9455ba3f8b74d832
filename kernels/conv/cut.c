#include "kernels/conv/cut.h"

#include "kernels/conv/few.h"

/* ---- the implicit product ---- */

enum { CONV_TASKS = 16 /* columns are cut too where the rows give fewer tasks */ };

/* Where columns are cut, rows that move are copied for each part: better smaller blocks, if these are enough.
 */
static int64_t conv_most_rows(int64_t rows, bool moves, int64_t mr)
{
    int64_t most = kin_round_up(KIN_CONV_ROWS, mr);
    bool few = kin_blocks(rows, most) < CONV_TASKS,
         halves_do = kin_blocks(rows, KIN_CONV_ROWS / 2) >= CONV_TASKS;
    return moves && few && halves_do ? kin_round_up(KIN_CONV_ROWS / 2, mr) : most;
}

int64_t kin_conv_cut_channels(int64_t channels, int64_t sum)
{
    return kin_round_up(kin_even_part(channels, sum), KIN_CUT_LINE);
}

static int64_t conv_taps(int64_t taps, int64_t channels, int64_t sum)
{
    int64_t fit = kin_most(sum / kin_most(channels, 1), 1);
    return kin_even_part(taps, kin_min(fit, KIN_CONV_SEGMENTS));
}

kin_conv_cut kin_conv_cut_of(int64_t rows, int64_t n, int64_t taps, int64_t channels, bool moves,
                             kin_tile_size tile)
{
    kin_conv_cut c = {.taps = conv_taps(taps, channels, tile.sum),
                      .channels = kin_conv_cut_channels(channels, tile.sum)};
    c.rows = kin_round_up(kin_even_part(rows, conv_most_rows(rows, moves, tile.mr)), tile.mr);
    c.row_blocks = kin_blocks(rows, c.rows);
    int64_t cuts = kin_blocks(CONV_TASKS, kin_most(kin_min(c.row_blocks, CONV_TASKS), 1));
    c.columns = kin_round_up(kin_blocks(kin_most(n, 1), cuts), tile.nr);
    c.column_blocks = kin_blocks(n, c.columns);
    return c;
}

kin_conv_scratch kin_conv_scratch_of(int64_t rows, int64_t taps, int64_t channels, bool moves,
                                     kin_tile_size tile)
{
    int64_t most = kin_round_up(kin_min(kin_most(rows, 1), kin_round_up(KIN_CONV_ROWS, tile.mr)), tile.mr);
    int64_t pointers = most * kin_min(kin_most(taps, 1), KIN_CONV_SEGMENTS);
    int64_t each = (int64_t)(sizeof(void *) / sizeof(float));
    kin_conv_scratch r = {.pointers = kin_round_up(pointers * each, KIN_CUT_LINE)};
    if (moves) r.moved = most * (kin_conv_cut_channels(channels, tile.sum) + KIN_CONV_APART);
    return r;
}

/* ---- the gradient of the weights ---- */

enum {
    SOME = 8,           /* pixels whose numbers are packed together */
    PART_PIXELS = 1024, /* pixels of one part, at least */
    TASKS = 16,         /* enough tasks for many threads */
    SUMS = 1 << 16,     /* numbers of a task's sums, at most, where that leaves a whole tap */
    TOGETHER = 32,      /* taps with fewer channels are packed together, padding included */
    BLOCK_ROWS = 96,    /* of a task, at least: dY is packed once for them */
};

static int64_t weight_parts(const kin_conv_weight_cut *c)
{
    int64_t wanted = kin_blocks(TASKS, kin_most(c->tap_groups * c->strips, 1)),
            long_enough = c->pixels / PART_PIXELS;
    return kin_most(kin_min(wanted, long_enough), 1);
}

/* Few pixels, as behind a network's last halvings: the rows of a tap are cut instead. */
static int64_t weight_row_blocks(const kin_conv_weight_cut *c, int64_t rows)
{
    int64_t tasks = kin_most(c->tap_groups * c->strips, 1) * kin_most(c->parts, 1);
    int64_t wanted = kin_blocks(TASKS, tasks), high_enough = rows / BLOCK_ROWS;
    return c->taps_each > 1 ? 1 : kin_most(kin_min(wanted, high_enough), 1);
}

/* What a worker packs. */
static void weight_room(kin_conv_weight_cut *c, const kin_conv_shape *s, kin_tile_size tile)
{
    int64_t columns = kin_round_up(kin_min(c->n, KIN_CONV_STRIP), tile.nr);
    int64_t panel = kin_odd_lines(c->chunk * tile.mr),
            panels = kin_blocks(kin_min(c->group, c->rows), tile.mr);
    c->outputs = kin_round_up(c->chunk * columns, KIN_CUT_LINE);
    c->inputs = panel * panels;
    c->moved = kin_conv_can_begin(s) ? kin_round_up(c->chunk * c->rows, KIN_CUT_LINE) : 0;
}

kin_conv_weight_cut kin_conv_weight_cut_of(const kin_conv_shape *s, kin_tile_size tile, int64_t threads)
{
    kin_conv_weight_cut c = {.depth = s->in_c / s->groups,
                             .n = s->out_c / s->groups,
                             .taps = kin_conv_taps(s),
                             .pixels = s->batch * s->out_h * s->out_w};
    c.strips = kin_blocks(c.n, KIN_CONV_STRIP);
    c.taps_each = kin_even_part(c.taps, SUMS / kin_most(c.depth * kin_min(c.n, KIN_CONV_STRIP), 1));
    c.tap_groups = kin_blocks(c.taps, c.taps_each);
    c.together = c.depth < TOGETHER && c.taps > 1;
    c.part_pixels = kin_blocks(kin_most(c.pixels, 1), weight_parts(&c));
    c.parts = kin_blocks(c.pixels, c.part_pixels);
    c.chunk = kin_round_up(kin_even_part(c.part_pixels, KIN_CONV_CHUNK), SOME);
    int64_t rows = c.together ? c.taps_each * c.depth : c.depth;
    c.rows = kin_round_up(kin_blocks(kin_most(rows, 1), weight_row_blocks(&c, rows)), tile.mr);
    c.row_blocks = kin_blocks(rows, c.rows);
    c.group = kin_round_up(KIN_CONV_GROUP, tile.mr);
    c.tasks = c.parts * c.tap_groups * c.row_blocks * c.strips;
    c.workers = kin_workers(c.tasks, threads);
    c.sums = c.parts > 1 ? kin_round_up(c.parts * c.taps * c.depth * c.n, KIN_CUT_LINE) : 0;
    weight_room(&c, s, tile);
    return c;
}

/* ---- Winograd's method ---- */

enum {
    /* values and sums of a task with values of its own: half of a second cache, through which the weights
     * flow too */
    OWN_BYTES = 280 << 10,
    SHARED_BYTES = 8 << 20, /* values of a block for many tasks: in the third cache */
    STEP = 96,              /* channels at a time, at most */
    NARROW = 64,            /* columns at most where channels are taken some at a time ... */
    STEP_BYTES = 400 << 10, /* ... and so much for values and sums of a task */
    TILES = 48,             /* of a task at most */
    FEW_TILES = 12,         /* fewer would read the weights too often */
    /* smaller tasks where there are few of them, so that many threads have work ... */
    WINOGRAD_TASKS = 16,
    /* ... but fewer of a shared block, each of which reads all weights of its columns */
    SHARED_TASKS = 8,
    ONCE_BYTES = 448 << 10, /* sums and transformed weights of a task that transforms them */
    ONCE_PARTS = 2,         /* of the tiles at most, for each of which the weights are transformed anew */
    ONCE_STEP = 48,         /* channels at least whose weights are transformed together */
};

/* Parts of one size. */
static int64_t shared_part(const kin_winograd_cut *c, int64_t mr)
{
    int64_t share = kin_blocks(c->tiles, kin_blocks(SHARED_TASKS, c->column_blocks));
    int64_t most = kin_min(kin_most(share, FEW_TILES), TILES);
    return kin_round_up(kin_even_part(c->tiles, most), mr);
}

/* Tiles of a task with values of its own, of which at most `own` fit into the cache. A register tile may have
 * more rows than FEW_TILES: then one of them, never none. */
static int64_t own_part(const kin_winograd_cut *c, int64_t own, int64_t mr)
{
    int64_t share = kin_min(TILES, kin_blocks(c->tiles, WINOGRAD_TASKS));
    int64_t most = kin_most(kin_min(own, share), FEW_TILES);
    return kin_whole_tiles(most, mr);
}

/* Tiles of a block whose values lie in the third cache: whole parts. */
static int64_t shared_block(const kin_winograd_cut *c, int64_t bytes)
{
    int64_t fit = kin_round_up(kin_most(SHARED_BYTES / (bytes * c->pitch), 1), c->part);
    return kin_min(fit, kin_round_up(kin_most(c->tiles, 1), c->part));
}

/* Where values and sums lie, once it is known of how many tiles, channels and columns. */
static void lay_out(kin_winograd_cut *c)
{
    c->position = kin_odd_lines(c->block * c->pitch);
    c->values = c->n2 * c->position;
    c->apart = kin_odd_lines(c->n2 * c->width);
    c->sums = c->part * c->apart;
}

static kin_winograd_cut winograd_tiles(const kin_conv_shape *s, int m, int64_t nr)
{
    kin_winograd_cut c = {.n2 = (m + 2) * (m + 2), .across = kin_blocks(s->out_w, m)};
    c.picture = c.across * kin_blocks(s->out_h, m);
    c.tiles = s->batch * c.picture;
    c.columns = KIN_WINOGRAD_PANELS * nr;
    c.column_blocks = kin_blocks(s->out_c, c.columns);
    return c;
}

kin_winograd_cut kin_winograd_cut_of(const kin_conv_shape *s, int m, kin_tile_size tile)
{
    kin_winograd_cut c = winograd_tiles(s, m, tile.nr);
    int64_t bytes = c.n2 * (int64_t)sizeof(kin_real); /* of a number at all positions */
    int64_t whole = kin_round_up(s->in_c, KIN_CUT_LINE), own = OWN_BYTES / (bytes * (whole + c.columns));
    bool few = c.tiles <= 4 * FEW_TILES, fits = own >= FEW_TILES;
    c.steps = !fits && !few && s->out_c <= NARROW;
    c.shared = !c.steps && (!fits || few);
    c.depth = c.steps ? kin_round_up(kin_even_part(s->in_c, STEP), KIN_CUT_LINE) : s->in_c;
    c.width = c.steps ? kin_round_up(s->out_c, tile.nr) : c.columns;
    if (c.steps) own = STEP_BYTES / (bytes * (c.depth + c.width));
    c.pitch = kin_round_up(c.depth, KIN_CUT_LINE);
    c.part = c.shared ? shared_part(&c, tile.mr) : own_part(&c, own, tile.mr);
    c.block = c.shared ? shared_block(&c, bytes) : c.part;
    lay_out(&c);
    return c;
}

/* Channels whose weights a task can transform together beside the sums of its tiles; 0: too few. */
static int64_t once_step(const kin_winograd_cut *c, int64_t channels, int64_t part)
{
    int64_t each = c->n2 * c->columns * (int64_t)sizeof(kin_real), fit = ONCE_BYTES / each - part;
    return fit >= kin_min(ONCE_STEP, channels) ? kin_min(fit, channels) : 0;
}

bool kin_winograd_cut_once(const kin_conv_shape *s, int m, kin_tile_size tile, kin_winograd_cut *to)
{
    kin_winograd_cut c = winograd_tiles(s, m, tile.nr);
    int64_t values = c.n2 * c.tiles * kin_round_up(s->in_c, KIN_CUT_LINE) * (int64_t)sizeof(kin_real);
    if (c.tiles < 1 || values > SHARED_BYTES) return false;
    for (int64_t parts = 1; parts <= ONCE_PARTS; parts++) {
        int64_t part = kin_blocks(c.tiles, parts), step = once_step(&c, s->in_c, part);
        if (step < 1 || parts * c.column_blocks < SHARED_TASKS) continue;
        c.step = kin_round_up(kin_even_part(s->in_c, step), KIN_WINOGRAD_ROWS);
        c.u_position = kin_odd_lines(c.columns * c.step);
        c.weights = c.n2 * c.u_position;
        c.part = part, c.block = c.tiles, c.shared = true;
        c.depth = s->in_c, c.width = c.columns, c.pitch = kin_odd_lines(s->in_c);
        lay_out(&c);
        *to = c;
        return true;
    }
    return false;
}

/* ---- its gradient of the weights ---- */

enum {
    WEIGHT_BYTES = 8 << 20, /* V and Z of a block */
    WEIGHT_TILES = 64,      /* of a block, at least: S is read and written for each */
};

kin_winograd_weight_cut kin_winograd_weight_cut_of(const kin_conv_shape *s, int m)
{
    kin_winograd_weight_cut c = {.n2 = (m + 2) * (m + 2),
                                 .across = kin_blocks(s->out_w, m),
                                 .v_pitch = kin_odd_lines(s->in_c),
                                 .z_pitch = kin_odd_lines(s->out_c),
                                 .s_pitch = kin_round_up(s->out_c, KIN_CUT_LINE)};
    c.picture = c.across * kin_blocks(s->out_h, m);
    c.tiles = s->batch * c.picture;
    int64_t fit = WEIGHT_BYTES / (int64_t)sizeof(kin_real) / (c.n2 * (c.v_pitch + c.z_pitch));
    c.block = kin_min(kin_most(fit, WEIGHT_TILES), kin_most(c.tiles, 1));
    c.row_blocks = kin_blocks(s->in_c, KIN_WINOGRAD_SIDE),
    c.column_blocks = kin_blocks(s->out_c, KIN_WINOGRAD_SIDE);
    return c;
}

/* ---- depthwise ---- */

enum {
    DEPTHWISE_PARTS = 16,
    DEPTHWISE_ROWS = 8, /* of a task */
    THROUGH = 1 << 16,  /* numbers that go through `begin` for one task: they stay in the second cache */
};

kin_depthwise_cut kin_depthwise_cut_of(const kin_conv_shape *s)
{
    kin_depthwise_cut c = {0};
    int64_t reach = s->dilation_h * (s->kernel_h - 1) + 1, row = s->in_w * s->in_c,
            rows = s->batch * s->out_h;
    int64_t spare = THROUGH / kin_most(row, 1) - reach;
    c.rows = spare < 0 ? 1 : kin_min(spare / s->stride_h + 1, DEPTHWISE_ROWS);
    int64_t read = kin_min((c.rows - 1) * s->stride_h + reach, s->in_h);
    c.buffer = kin_round_up(read * row, KIN_CUT_LINE);
    c.each = kin_blocks(kin_most(rows, 1), DEPTHWISE_PARTS);
    c.parts = kin_blocks(rows, c.each);
    c.size = kin_conv_taps(s) * s->in_c;
    c.sums = kin_round_up(c.parts * c.size, KIN_CUT_LINE);
    return c;
}

/* ---- inverted residuals ---- */

enum {
    NEAR = 80 << 10, /* numbers of both buffers, if they may be chosen: they stay in the second cache */
    /* of a band's filtered rows, if it is then done at once and nothing of the wide map need be kept */
    WHOLE = 136 << 10,
    PIXELS = 84,    /* that the narrowing product should have at once, at least: fourteen tiles of six */
    BAND_TASKS = 8, /* at least, where pictures are large enough */
};

static int64_t slots_of(const kin_conv_shape *d, int64_t rows)
{
    return (rows - 1) * d->stride_h + d->kernel_h;
}

/* Output rows that are done at a time, `least` at least: as many as leave both buffers near, of one size. */
static int64_t inverted_rows(const kin_inverted_cut *c, const kin_conv_shape *d, int64_t least)
{
    int64_t in_row = c->panels * c->row, out_row = d->out_w * c->panels * c->nr,
            rows = kin_min(least, c->band);
    if (c->band * out_row <= WHOLE) return c->band;
    while (rows < c->band && slots_of(d, rows + 1) * in_row + (rows + 1) * out_row <= NEAR) rows++;
    return kin_even_part(c->band, rows);
}

static void inverted_buffers(kin_inverted_cut *c, const kin_conv_shape *e, const kin_conv_shape *d,
                             int64_t out)
{
    bool keeps = c->rows < c->band || !e, from_few = e && kin_conv_has_few(e);
    int64_t pixels = kin_most(c->slots * d->in_w, c->rows * d->out_w);
    c->panel = keeps ? c->slots * c->row : 0;
    c->wide = kin_round_up((keeps ? c->panels : 1) * c->slots * c->row, 16);
    c->near = from_few ? kin_conv_few_near(e, c->slots) : 0;
    c->narrow = kin_round_up(c->rows * d->out_w * c->panels * c->nr, 16);
    c->places = kin_round_up(pixels * (int64_t)(sizeof(int64_t) / sizeof(float)), 16);
    c->taps = kin_conv_taps(d) * c->nr;
    c->shared = kin_round_up(c->panels * (c->taps + 2 * c->nr) + kin_round_up(out, c->nr), 16);
}

kin_inverted_cut kin_inverted_cut_of(const kin_conv_shape *expand, const kin_conv_shape *d, int64_t out,
                                     kin_tile_size tile)
{
    kin_inverted_cut c = {.nr = tile.nr, .panels = kin_blocks(d->in_c, tile.nr)};
    int64_t least = kin_most(kin_min(d->out_h, kin_blocks(PIXELS, kin_most(d->out_w, 1))), 1);
    int64_t wanted = kin_blocks(BAND_TASKS, kin_most(d->batch, 1)), possible = kin_most(d->out_h / least, 1);
    c.band = kin_blocks(kin_most(d->out_h, 1), kin_min(wanted, possible));
    c.bands = kin_blocks(d->out_h, c.band);
    c.row = kin_most((d->out_w - 1) * d->stride_w + d->kernel_w, d->pad_left + d->in_w) * c.nr;
    c.rows = inverted_rows(&c, d, least);
    c.slots = slots_of(d, c.rows);
    inverted_buffers(&c, expand, d, out);
    return c;
}

/* ---- the stem in training ---- */

enum { STEM_BLOCKS = 32 /* of pictures, at most: sums are kept for each */ };

kin_stem_cut kin_stem_cut_of(const kin_conv_shape *s, kin_tile_size tile)
{
    kin_conv_shape one = *s;
    int64_t rows = kin_conv_taps(s) * s->in_c + 1;
    one.batch = 1;
    kin_stem_cut c = {.each = kin_blocks(kin_most(s->batch, 1), STEM_BLOCKS),
                      .panels = kin_blocks(s->out_c, tile.nr)};
    c.blocks = kin_blocks(s->batch, c.each);
    c.packed = kin_round_up(rows * c.panels * tile.nr, KIN_CUT_LINE);
    c.block = rows * kin_most(kin_round_up(rows, 8), s->out_c);
    c.picture = kin_round_up(kin_conv_few_numbers(&one), KIN_CUT_LINE);
    c.products = kin_round_up(rows * tile.nr, KIN_CUT_LINE);
    return c;
}
