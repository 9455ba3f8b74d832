/* VP8's key frames: what WebP calls lossy. The frame's header, then row by row of macroblocks: modes,
 * coefficients, samples; edges are smoothed a row later, for what is predicted needs its neighbours unsmoothed.
 * Where the bits end early the picture is refused, as libwebp does. */
#include "data/images/vp8.h"

#include "base/memory.h"
#include "data/images/formats.h"

#include <string.h>

enum { TAG = 3, HEADER = 10 };

static int at24(const uint8_t *p) { return p[0] | p[1] << 8 | p[2] << 16; }
static int within(int value, int most) { return value < 0 ? 0 : value > most ? most : value; }
static bool bad(kin_error *err, const char *what)
{
    return kin_fail(err, KIN_ERR_DATA, "damaged WebP: %s", what);
}

/* ---- the frame's header [9, 19.2] ---- */

bool kin_vp8_size(const uint8_t *bytes, size_t size, int *width, int *height, kin_error *err)
{
    if (size < HEADER) return bad(err, "its frame is cut short in its header");
    int tag = at24(bytes);
    if (tag & 1) return bad(err, "its frame is no key frame");
    if ((tag >> 1 & 7) > 3) return bad(err, "its frame is of an unknown version");
    if (!(tag >> 4 & 1)) return bad(err, "its frame is not to be shown");
    if (memcmp(bytes + TAG, "\x9d\x01\x2a", 3) != 0) return bad(err, "its frame lacks the start code");
    *width = (bytes[6] | bytes[7] << 8) & 0x3fff;
    *height = (bytes[8] | bytes[9] << 8) & 0x3fff;
    return (*width && *height) || bad(err, "its frame states no size");
}

typedef struct segments {
    bool absolute;
    int step[KIN_VP8_SEGMENTS], level[KIN_VP8_SEGMENTS];
} segments;

static void read_segments(kin_vp8 *v, segments *s)
{
    kin_vp8_bool *b = &v->header;
    memset(v->segment_odds, 255, sizeof v->segment_odds);
    *s = (segments){.absolute = true};
    v->segmented = kin_vp8_flag(b);
    if (!v->segmented) return;
    v->mapped = kin_vp8_flag(b);
    if (kin_vp8_flag(b)) {
        s->absolute = kin_vp8_flag(b);
        for (int i = 0; i < KIN_VP8_SEGMENTS; i++) s->step[i] = kin_vp8_change(b, 7);
        for (int i = 0; i < KIN_VP8_SEGMENTS; i++) s->level[i] = kin_vp8_change(b, 6);
    }
    for (int i = 0; v->mapped && i < 3; i++)
        if (kin_vp8_flag(b)) v->segment_odds[i] = (uint8_t)kin_vp8_number(b, 8);
}

/* What an edge's level says of differences [15.2 to 15.4]. */
static kin_vp8_edges strength(int level, int sharpness, bool inner)
{
    if (level == 0) return (kin_vp8_edges){.inner = inner};
    int interior = level;
    if (sharpness > 0) {
        interior >>= sharpness > 4 ? 2 : 1;
        if (interior > 9 - sharpness) interior = 9 - sharpness;
    }
    if (interior < 1) interior = 1;
    return (kin_vp8_edges){(uint8_t)(2 * level + interior), (uint8_t)interior,
                           (uint8_t)(level >= 40   ? 2
                                     : level >= 15 ? 1
                                                   : 0),
                           inner};
}

static void read_filter(kin_vp8 *v, const segments *s)
{
    kin_vp8_bool *b = &v->header;
    int intra = 0, fours = 0;
    v->simple = kin_vp8_flag(b);
    int level = kin_vp8_number(b, 6), sharpness = kin_vp8_number(b, 3);
    v->smooth = level > 0;
    bool adjusted = kin_vp8_flag(b);
    if (adjusted &&
        kin_vp8_flag(b)) { /* by reference frame, then by mode: the first of each is a key frame's */
        intra = kin_vp8_change(b, 6);
        for (int i = 1; i < 4; i++) kin_vp8_change(b, 6);
        fours = kin_vp8_change(b, 6);
        for (int i = 1; i < 4; i++) kin_vp8_change(b, 6);
    }
    for (int i = 0; i < KIN_VP8_SEGMENTS; i++) {
        int base = level;
        if (v->segmented) base = s->level[i] + (s->absolute ? 0 : level);
        v->strengths[i][0] = strength(within(base + intra, 63), sharpness, false);
        v->strengths[i][1] = strength(within(base + intra + fours, 63), sharpness, true);
    }
}

static void read_steps(kin_vp8 *v, const segments *s)
{
    enum { LUMA_DC, LUMA2_DC, LUMA2_AC, CHROMA_DC, CHROMA_AC };
    int base = kin_vp8_number(&v->header, 7), change[5];
    for (int i = 0; i < 5; i++) change[i] = kin_vp8_change(&v->header, 4);
    for (int i = 0; i < KIN_VP8_SEGMENTS; i++) {
        int q = v->segmented ? s->step[i] + (s->absolute ? 0 : base) : base;
        int wide = kin_vp8_ac_steps[within(q + change[LUMA2_AC], 127)] * 155 / 100;
        v->steps[i] = (kin_vp8_steps){
            .luma = {kin_vp8_dc_steps[within(q + change[LUMA_DC], 127)], kin_vp8_ac_steps[within(q, 127)]},
            .luma_dc = {kin_vp8_dc_steps[within(q + change[LUMA2_DC], 127)] * 2, wide < 8 ? 8 : wide},
            .chroma = {kin_vp8_dc_steps[within(q + change[CHROMA_DC], 117)],
                       kin_vp8_ac_steps[within(q + change[CHROMA_AC], 127)]}};
    }
}

static void read_odds(kin_vp8 *v)
{
    kin_vp8_bool *b = &v->header;
    uint8_t *odds = &v->odds[0][0][0][0];
    const uint8_t *first = &kin_vp8_default_odds[0][0][0][0], *update = &kin_vp8_update_odds[0][0][0][0];
    for (size_t i = 0; i < sizeof v->odds; i++)
        odds[i] = kin_vp8_bit(b, update[i]) ? (uint8_t)kin_vp8_number(b, 8) : first[i];
    v->may_skip = kin_vp8_flag(b);
    if (v->may_skip) v->skip_odds = (uint8_t)kin_vp8_number(b, 8);
}

/* The partitions of tokens, 1 to 8, behind their lengths; the last takes what is left [9.5]. */
static bool read_partitions(kin_vp8 *v, const uint8_t *at, const uint8_t *end, kin_error *err)
{
    v->partitions = 1 << kin_vp8_number(&v->header, 2);
    size_t lengths = (size_t)(v->partitions - 1) * 3;
    if ((size_t)(end - at) < lengths) return bad(err, "its frame is cut short before its coefficients");
    const uint8_t *data = at + lengths;
    for (int i = 0; i < v->partitions; i++) {
        size_t left = (size_t)(end - data), length = left;
        if (i < v->partitions - 1) length = (size_t)at24(at + 3 * (size_t)i);
        if (length > left) length = left;
        kin_vp8_bool_start(&v->tokens[i], data, length);
        if (i == v->partitions - 1 && length == 0) return bad(err, "its frame ends before its coefficients");
        data += length;
    }
    return true;
}

static bool read_header(kin_vp8 *v, const uint8_t *bytes, size_t size, kin_error *err)
{
    if (!kin_vp8_size(bytes, size, &v->width, &v->height, err)) return false;
    size_t first = (size_t)at24(bytes) >> 5;
    if (first > size - HEADER) return bad(err, "its frame is cut short in its first partition");
    v->blocks_wide = (v->width + 15) / 16;
    v->blocks_high = (v->height + 15) / 16;
    /* Modes take two bits a macroblock at the least. */
    if ((uint64_t)v->blocks_wide * (uint64_t)v->blocks_high > (uint64_t)first * 4)
        return kin_fail(err, KIN_ERR_DATA,
                        "the WebP is cut short: %zu bytes of modes cannot hold %d x %d pixels", first,
                        v->width, v->height);
    kin_vp8_bool_start(&v->header, bytes + HEADER, first);
    kin_vp8_number(&v->header, 2); /* the colour space; whether clamping can be left out: it never is */
    segments s;
    read_segments(v, &s);
    read_filter(v, &s);
    if (!read_partitions(v, bytes + HEADER + first, bytes + size, err)) return false;
    read_steps(v, &s);
    kin_vp8_flag(&v->header); /* whether the odds are kept for the next frame: there is none */
    read_odds(v);
    if (v->header.over) return bad(err, "its frame's header is cut short");
    return true;
}

/* ---- macroblocks ---- */

enum { BEFORE = 16, AFTER = 16 }; /* bytes of room beside a plane's rows */

/* Behind the left and the upper edge stand 129 and 127, which prediction looks at [12.2, 12.3]. */
static bool reserve_plane(kin_vp8_plane *p, int width, int height, kin_error *err)
{
    size_t bytes;
    p->stride = (size_t)width + BEFORE + AFTER;
    if (!kin_mul_size(p->stride, (uint64_t)height + 1, &bytes) || !(p->memory = kin_alloc(bytes)))
        return kin_fail_memory(err, "a WebP's samples", p->stride * ((size_t)height + 1));
    p->data = p->memory + p->stride + BEFORE;
    memset(p->memory, 127, p->stride);
    for (int y = 0; y < height; y++) *(p->data + (size_t)y * p->stride - 1) = 129;
    return true;
}

static bool reserve(kin_vp8 *v, kin_error *err)
{
    size_t wide = (size_t)v->blocks_wide;
    for (int i = 0; i < 3; i++) {
        int side = i ? 8 : 16;
        if (!reserve_plane(&v->plane[i], v->blocks_wide * side, v->blocks_high * side, err)) return false;
    }
    v->above = kin_alloc_zero(wide, sizeof *v->above);
    v->edges = kin_alloc_zero(2 * wide, sizeof *v->edges);
    return (v->above && v->edges) || kin_fail_memory(err, "a row of a WebP", wide * sizeof *v->above);
}

static void release(kin_vp8 *v)
{
    for (int i = 0; i < 3; i++) kin_free(v->plane[i].memory);
    kin_free(v->above);
    kin_free(v->edges);
    kin_free(v);
}

static bool read_row(kin_vp8 *v, int row, kin_error *err)
{
    kin_vp8_bool *tokens = &v->tokens[row & (v->partitions - 1)];
    kin_vp8_edges *edges = v->edges + (size_t)(row & 1) * (size_t)v->blocks_wide;
    v->left = (kin_vp8_context){{0}, {0}, {{0}}, 0};
    for (int x = 0; x < v->blocks_wide; x++) {
        kin_vp8_read_modes(v, x);
        kin_vp8_read_coefficients(v, tokens, x);
        if (v->header.over) return bad(err, "its modes end early");
        if (tokens->over) return bad(err, "its coefficients end early");
        kin_vp8_predict(v, x, row);
        edges[x] = v->strengths[v->block.segment][v->block.fours];
        edges[x].inner |= v->block.filled[0] != 0;
    }
    return true;
}

static bool read_rows(kin_vp8 *v, kin_error *err)
{
    for (int row = 0; row < v->blocks_high; row++) {
        if (!read_row(v, row, err)) return false;
        if (v->smooth && row > 0) kin_vp8_smooth_row(v, row - 1);
    }
    if (v->smooth) kin_vp8_smooth_row(v, v->blocks_high - 1);
    return true;
}

bool kin_vp8_decode(const uint8_t *bytes, size_t size, int channels, kin_image *out, kin_error *err)
{
    *out = (kin_image){0};
    kin_vp8 *v = kin_alloc_zero(1, sizeof *v);
    if (!v) return kin_fail_memory(err, "a WebP's tables", sizeof *v);
    bool ok = read_header(v, bytes, size, err) && reserve(v, err) && read_rows(v, err) &&
              kin_image_new(out, v->width, v->height, channels, err) && kin_vp8_picture(v, out, err);
    if (!ok) kin_image_free(out);
    release(v);
    return ok;
}
