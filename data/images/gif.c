/* GIF ["Graphics Interchange Format, Version 89a"]: the first picture of a file, on the screen that the file states;
 * palettes, transparency, interlacing. How pictures follow one another does not matter to the first. */
#include "data/images/formats.h"

#include "base/memory.h"

#include <string.h>

enum { HEAD = 13, FRAME_HEAD = 9, CODES = 4096, LONGEST = 12 };

typedef struct gif {
    const uint8_t *at, *end;
    uint8_t palette[256][3];
    int colours;
    int clear; /* the colour that is none; -1: there is none */
    int screen_width, screen_height;
    int x, y, width, height; /* of the first picture */
    bool interlaced;
    const char *remark;
    kin_error *err;
} gif;

/* The first is told. */
static void remark(gif *g, const char *text)
{
    if (!g->remark) g->remark = text;
}

static bool bad(gif *g, const char *what) { return kin_fail(g->err, KIN_ERR_DATA, "damaged GIF: %s", what); }
static int at16(const uint8_t *p) { return p[0] | p[1] << 8; }
static size_t left(const gif *g) { return (size_t)(g->end - g->at); }

/* ---- blocks ---- */

/* 2 to 256 colours, as the flags before them say. */
static bool read_palette(gif *g, int flags)
{
    if (!(flags & 0x80)) return true;
    g->colours = 2 << (flags & 7);
    if (left(g) < (size_t)g->colours * 3) return bad(g, "it is cut short in its palette");
    memset(g->palette, 0, sizeof g->palette);
    memcpy(g->palette, g->at, (size_t)g->colours * 3);
    g->at += (size_t)g->colours * 3;
    return true;
}

static bool read_screen(gif *g)
{
    if (left(g) < HEAD) return bad(g, "it is cut short in its header");
    int flags = g->at[10];
    g->screen_width = at16(g->at + 6), g->screen_height = at16(g->at + 8);
    g->at += HEAD;
    return read_palette(g, flags);
}

/* An extension: a label, then blocks of up to 255 bytes behind their lengths, until one is empty. The one that
 * belongs to the next picture may name a colour that is none. */
static bool read_extension(gif *g)
{
    enum { GRAPHIC_CONTROL = 0xf9 };
    bool first = left(g) > 0 && *g->at == GRAPHIC_CONTROL;
    if (left(g)) g->at++;
    for (size_t size; left(g); first = false) {
        size = *g->at++;
        if (size == 0) return true;
        if (size > left(g)) break;
        if (first && size >= 4 && g->at[0] & 1) g->clear = g->at[3];
        g->at += size;
    }
    return bad(g, "it ends before its picture");
}

/* Up to the data of the first picture. */
static bool find_picture(gif *g)
{
    enum { EXTENSION = '!', PICTURE = ',', END = ';' };
    while (left(g)) {
        int kind = *g->at++;
        if (kind == EXTENSION) {
            if (!read_extension(g)) return false;
        } else if (kind == PICTURE) {
            if (left(g) < FRAME_HEAD) return bad(g, "it is cut short in its picture's header");
            int flags = g->at[8];
            g->x = at16(g->at), g->y = at16(g->at + 2), g->width = at16(g->at + 4),
            g->height = at16(g->at + 6);
            g->interlaced = flags & 0x40;
            g->at += FRAME_HEAD;
            return read_palette(g, flags);
        } else if (kind == END) {
            return bad(g, "it holds no picture");
        } else if (kind) {
            remark(g, "there is something between its blocks");
        }
    }
    return bad(g, "it ends before its picture");
}

/* ---- the picture's data: LZW [appendix F] ---- */

typedef struct codes {
    gif *g;
    uint32_t buffer;
    int count;  /* bits in it */
    int inside; /* bytes left of the block at hand */
    bool over;
} codes;

/* The next code of so many bits; -1 at the end of the data. */
static int next_code(codes *c, int bits)
{
    gif *g = c->g;
    for (; c->count < bits; c->count += 8) {
        if (!c->inside) c->inside = left(g) && !c->over ? *g->at++ : 0;
        c->over = c->over || !c->inside || !left(g);
        if (c->over) return -1;
        c->buffer |= (uint32_t)*g->at++ << c->count;
        c->inside--;
    }
    int code = (int)(c->buffer & ((1u << bits) - 1));
    c->buffer >>= bits;
    c->count -= bits;
    return code;
}

/* What a code stands for has been written before: the string of the code before the one that made it, and the
 * sample behind that. So the table holds nothing but places in what has been written. */
typedef struct table {
    uint32_t place[CODES];
    uint16_t length[CODES];
} table;

/* Strings until `wanted` samples are written; returns how many are. */
static size_t unpack(gif *g, table *t, int least, uint8_t *out, size_t wanted)
{
    codes c = {.g = g};
    int restart = 1 << least, end = restart + 1, next = end + 1, bits = least + 1, previous = -1;
    size_t written = 0;
    while (written < wanted) {
        int code = next_code(&c, bits);
        if (code < 0 || code == end) break;
        if (code == restart) {
            next = end + 1, bits = least + 1, previous = -1;
            continue;
        }
        /* A code may be the one that its own string completes. */
        if (code >= next + (previous >= 0 && next < CODES)) {
            remark(g, "its picture's data are damaged: what follows has the colour of its ground");
            break;
        }
        if (previous >= 0 && next < CODES) {
            size_t length = previous < restart ? 1 : t->length[previous];
            t->place[next] = (uint32_t)(written - length);
            t->length[next] = (uint16_t)(length + 1);
            next++;
            if (next == 1 << bits && bits < LONGEST) bits++;
        }
        size_t length = 1;
        if (code < restart) out[written] = (uint8_t)code;
        else {
            const uint8_t *from = out + t->place[code];
            length = t->length[code];
            if (length > wanted - written) length = wanted - written;
            for (size_t i = 0; i < length; i++) out[written + i] = from[i];
        }
        written += length;
        previous = code;
    }
    return written;
}

/* A string is of CODES samples at the most, and its code of a byte at the least where it is so long. Small pictures
 * are shown as far as their data go. */
static bool plausible(gif *g)
{
    enum { SHOWN_ANYWAY = 1 << 22 };
    uint64_t pixels = (uint64_t)g->width * (uint64_t)g->height;
    if (pixels <= SHOWN_ANYWAY || pixels / CODES <= left(g)) return true;
    return kin_fail(g->err, KIN_ERR_DATA, "the GIF is cut short: %zu bytes cannot hold %d x %d pixels",
                    left(g), g->width, g->height);
}

/* The picture's samples, row by row as they come; those that are missing are of the ground. */
static uint8_t *read_samples(gif *g, uint8_t ground)
{
    size_t pixels = (size_t)g->width * (size_t)g->height;
    if (!left(g)) {
        bad(g, "it ends before its picture's data");
        return NULL;
    }
    int least = *g->at++;
    if (least >= LONGEST) {
        bad(g, "its codes are longer than twelve bits");
        return NULL;
    }
    if (least < 1 || least > 8) remark(g, "its codes are of an unusual length");
    if (!plausible(g)) return NULL;
    uint8_t *samples = kin_alloc(pixels);
    table *t = kin_alloc(sizeof *t);
    size_t count = 0;
    if (!samples || !t) kin_fail_memory(g->err, "a GIF's samples", pixels + sizeof *t);
    else if (!(count = unpack(g, t, least, samples, pixels))) bad(g, "its picture has no data");
    kin_free(t);
    if (!count) {
        kin_free(samples);
        return NULL;
    }
    if (count < pixels)
        remark(g, "its picture's data end early: what is missing has the colour of its ground");
    memset(samples + count, ground, pixels - count);
    return samples;
}

/* ---- samples to pixels ---- */

static void paint_row(gif *g, const uint8_t *samples, int row, kin_image *out)
{
    size_t channels = (size_t)out->channels;
    uint8_t *to = out->data + ((size_t)(g->y + row) * (size_t)out->width + (size_t)g->x) * channels;
    for (int x = 0; x < g->width; x++, to += channels) {
        if (samples[x] >= g->colours && samples[x] != g->clear)
            remark(g, "colours outside its palette are black");
        memcpy(to, g->palette[samples[x]], 3);
        if (channels == 4) to[3] = samples[x] == g->clear ? 0 : 255;
    }
}

/* Every 8th row, those between them, and so on [appendix E]; or one after the other. */
static void paint(gif *g, const uint8_t *samples, kin_image *out)
{
    static const int first[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
    for (int pass = 0; pass < (g->interlaced ? 4 : 1); pass++)
        for (int y = first[pass]; y < g->height; y += g->interlaced ? step[pass] : 1, samples += g->width)
            paint_row(g, samples, y, out);
}

/* What the picture leaves free: the clear colour, or the palette's first [as Pillow has it]. */
static void paint_ground(const gif *g, uint8_t ground, kin_image *out)
{
    if (g->width == out->width && g->height == out->height) return;
    size_t channels = (size_t)out->channels;
    uint8_t pixel[4] = {g->palette[ground][0], g->palette[ground][1], g->palette[ground][2], 0};
    for (size_t i = 0; i < (size_t)out->width * (size_t)out->height; i++)
        memcpy(out->data + i * channels, pixel, channels);
}

/* The screen, larger where the picture reaches beyond it. */
static bool read_picture(gif *g, const kin_image_limits *limits, kin_image *out)
{
    int wide = g->x + g->width, high = g->y + g->height;
    uint8_t ground = (uint8_t)(g->clear < 0 ? 0 : g->clear);
    if (wide < g->screen_width) wide = g->screen_width;
    if (high < g->screen_height) high = g->screen_height;
    if (!kin_image_allowed((uint64_t)g->width, (uint64_t)g->height, limits, g->err) ||
        !kin_image_allowed((uint64_t)wide, (uint64_t)high, limits, g->err))
        return false;
    uint8_t *samples = read_samples(g, ground);
    bool ok = samples && kin_image_new(out, wide, high, g->clear < 0 ? 3 : 4, g->err);
    if (ok) {
        paint_ground(g, ground, out);
        paint(g, samples, out);
        out->remark = g->remark;
    }
    kin_free(samples);
    return ok;
}

bool kin_gif_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err)
{
    gif g = {.at = bytes, .end = bytes + size, .clear = -1, .err = err};
    *out = (kin_image){0};
    if (!read_screen(&g) || !find_picture(&g)) return false;
    if (!g.colours) { /* without a palette they are greys */
        remark(&g, "it has no palette: its colours are greys");
        for (int i = 0; i < 256; i++) memset(g.palette[i], i, 3);
        g.colours = 256;
    }
    return read_picture(&g, limits, out);
}
