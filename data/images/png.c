/* PNG (ISO/IEC 15948): every colour type, bit depth and interlacing; tRNS becomes alpha; gamma and colour
 * profiles are ignored, as other readers do; 16-bit samples keep their high byte. */
#include "base/memory.h"
#include "data/images/formats.h"
#include "data/images/inflate.h"

#include <string.h>

typedef struct png {
    uint32_t width, height;
    unsigned depth, colour, interlace, samples; /* samples a pixel in the file */
    uint8_t palette[256][4];
    unsigned palette_size;
    bool has_palette, has_key, has_alpha_table, ended;
    uint16_t key[3];
    kin_bytes packed; /* all IDAT together */
    size_t packed_capacity;
    bool in_idat, idat_over;
    int exif, xmp; /* which way up, 1..8; 0: not told there */
    int unpacked;  /* texts so far: each may be a thousand times its size */
    const char *remark;
    kin_error *err;
} png;

/* The first is told. */
static void remark(png *p, const char *text)
{
    if (!p->remark) p->remark = text;
}

static bool bad(png *p, const char *what) { return kin_fail(p->err, KIN_ERR_DATA, "damaged PNG: %s", what); }
static uint32_t word(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* ---- chunks ---- */

static bool read_header(png *p, const uint8_t *b, uint32_t size, const kin_image_limits *limits)
{
    static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4};
    /* Bit d of an entry: depth d is allowed for that colour type. */
    static const uint32_t depths[7] = {1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 16,
                                       0,
                                       1 << 8 | 1 << 16,
                                       1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
                                       1 << 8 | 1 << 16,
                                       0,
                                       1 << 8 | 1 << 16};
    if (size != 13) return bad(p, "its header has another length");
    p->width = word(b);
    p->height = word(b + 4);
    p->depth = b[8];
    p->colour = b[9];
    p->interlace = b[12];
    if (p->colour > 6 || p->depth > 16 || !(depths[p->colour] >> p->depth & 1))
        return bad(p, "an unknown colour type or bit depth");
    if (b[10] != 0 || b[11] != 0 || p->interlace > 1)
        return bad(p, "an unknown compression, filter or interlacing");
    p->samples = samples[p->colour];
    return kin_image_allowed(p->width, p->height, limits, p->err);
}

static bool read_palette(png *p, const uint8_t *b, uint32_t size)
{
    if (p->has_palette || p->in_idat || p->idat_over) return bad(p, "a palette out of place");
    if (p->colour == 0 || p->colour == 4) return bad(p, "a palette in a grey picture");
    if (size == 0 || size % 3 || size > 768 || (p->colour == 3 && size / 3 > 1u << p->depth))
        return bad(p, "its palette's size");
    p->has_palette = true;
    p->palette_size = size / 3;
    for (uint32_t i = 0; i < p->palette_size; i++) {
        memcpy(p->palette[i], b + 3 * i, 3);
        p->palette[i][3] = 255;
    }
    return true;
}

/* What is wrong with it is remarked on, as libpng does: the colours are there all the same. */
static void read_transparency(png *p, const uint8_t *b, uint32_t size)
{
    static const char left_out[] = "its transparency (tRNS) is out of place or damaged, and left out",
                      surplus[] = "its transparency (tRNS) is longer than it may be";
    bool keyed = p->colour == 0 || p->colour == 2;
    uint32_t most = keyed ? 2 * p->samples : p->palette_size;
    if (p->in_idat || p->idat_over || (!keyed && !p->has_palette) || p->colour > 3 ||
        (keyed && size < most)) {
        remark(p, left_out);
        return;
    }
    if (size > most) remark(p, surplus);
    if (size > most) size = most;
    p->has_alpha_table = !keyed;
    p->has_key = keyed;
    for (uint32_t i = 0; !keyed && i < size; i++) p->palette[i][3] = b[i];
    for (unsigned i = 0; keyed && i < p->samples; i++) p->key[i] = (uint16_t)(b[2 * i] << 8 | b[2 * i + 1]);
}

/* ---- which way up ---- */

/* A text chunk's text behind its keyword and the zero; NULL: another keyword. */
static const uint8_t *text_of(const uint8_t *b, uint32_t size, const char *keyword, size_t *left)
{
    size_t length = strlen(keyword) + 1;
    if (size < length || memcmp(b, keyword, length) != 0) return NULL;
    *left = size - length;
    return b + length;
}

enum { TEXT_MAX = 1 << 20, TEXTS_MAX = 4 }; /* unpacked: more was never written about a picture's position */

static void read_xmp(png *p, const uint8_t *b, uint32_t size)
{
    size_t left;
    const uint8_t *at = text_of(b, size, "XML:com.adobe.xmp", &left);
    if (!at || left < 2) return;
    bool packed = at[0] == 1;
    at += 2, left -= 2;
    for (int skip = 0; skip < 2; skip++) { /* language, and the keyword in it */
        const uint8_t *zero = memchr(at, 0, left);
        if (!zero) return;
        left -= (size_t)(zero + 1 - at);
        at = zero + 1;
    }
    kin_bytes text = {0};
    bool surplus, unsure;
    if (!packed) p->xmp = kin_xmp_orientation(at, left);
    else if (p->unpacked++ < TEXTS_MAX &&
             kin_zlib_unpack_first(at, left, TEXT_MAX, &text, &surplus, &unsure, NULL))
        p->xmp = kin_xmp_orientation(text.data, text.size);
    kin_bytes_free(&text);
}

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* As ImageMagick wrote EXIF before PNG had a chunk for it: a line break, "exif", its length, then the bytes
 * as hexadecimal digits in lines. */
static int raw_profile(const uint8_t *text, size_t size)
{
    uint8_t tiff[4096]; /* the first directory lies at the beginning */
    size_t n = 0;
    int lines = 0, high = -1;
    for (size_t i = 0; i < size && n < sizeof tiff; i++) {
        if (lines < 3) {
            lines += text[i] == '\n';
            continue;
        }
        int digit = hex(text[i]);
        if (digit < 0) continue;
        if (high < 0) high = digit;
        else tiff[n++] = (uint8_t)(high << 4 | digit), high = -1;
    }
    return kin_exif_orientation(tiff, n);
}

static void read_profile(png *p, const uint8_t *b, uint32_t size, bool packed)
{
    size_t left;
    const uint8_t *at = text_of(b, size, "Raw profile type exif", &left);
    kin_bytes text = {0};
    bool surplus, unsure;
    if (!at || p->exif) return;
    if (!packed) p->exif = raw_profile(at, left);
    else if (left > 1 && p->unpacked++ < TEXTS_MAX &&
             kin_zlib_unpack_first(at + 1, left - 1, TEXT_MAX, &text, &surplus, &unsure, NULL))
        p->exif = raw_profile(text.data, text.size);
    kin_bytes_free(&text);
}

static void read_position(png *p, const uint8_t *type, const uint8_t *b, uint32_t size)
{
    if (memcmp(type, "eXIf", 4) == 0 && size) {
        int told = kin_exif_orientation(b, size);
        if (told) p->exif = told;
    }
    if (memcmp(type, "iTXt", 4) == 0 && !p->xmp) read_xmp(p, b, size);
    if (memcmp(type, "tEXt", 4) == 0) read_profile(p, b, size, false);
    if (memcmp(type, "zTXt", 4) == 0) read_profile(p, b, size, true);
}

/* ---- chunks, continued ---- */

static bool append_idat(png *p, const uint8_t *b, uint32_t size)
{
    if (p->idat_over) return bad(p, "its data is in two places");
    if (p->colour == 3 && !p->has_palette) return bad(p, "no palette");
    p->in_idat = true;
    if (size > p->packed_capacity - p->packed.size) {
        size_t wanted = (p->packed.size + size) * 2;
        uint8_t *moved = kin_realloc(p->packed.data, p->packed.size, wanted);
        if (!moved) return kin_fail_memory(p->err, "a PNG's data", wanted);
        p->packed.data = moved;
        p->packed_capacity = wanted;
    }
    if (size) memcpy(p->packed.data + p->packed.size, b, size);
    p->packed.size += size;
    return true;
}

static bool read_chunk(png *p, const uint8_t *type, const uint8_t *b, uint32_t size, bool first,
                       const kin_image_limits *limits)
{
    bool idat = memcmp(type, "IDAT", 4) == 0;
    if (p->in_idat && !idat) p->idat_over = true, p->in_idat = false;
    if (first != (memcmp(type, "IHDR", 4) == 0))
        return bad(p, "its header is not the first chunk, or stands twice");
    if (first) return read_header(p, b, size, limits);
    if (idat) return append_idat(p, b, size);
    if (memcmp(type, "PLTE", 4) == 0) return read_palette(p, b, size);
    if (memcmp(type, "tRNS", 4) == 0) return read_transparency(p, b, size), true;
    if (memcmp(type, "IEND", 4) == 0) return p->ended = true;
    if (!(type[0] & 32)) return bad(p, "an unknown critical chunk");
    read_position(p, type, b, size);
    return true;
}

/* Behind the picture's data nothing is worth a refusal: when they are not whole, that is found out later. */
static bool cut_short(png *p, bool data)
{
    if (!p->packed.size || data) return bad(p, "it ends too early");
    remark(p, "it has no end mark: it may be cut short");
    return p->ended = true;
}

static bool wrong_checksum(png *p, const uint8_t *type)
{
    bool data = memcmp(type, "IDAT", 4) == 0;
    if (data || (!p->packed.size && !(type[0] & 32))) return bad(p, "a checksum differs");
    remark(p, "a checksum beside its picture data differs");
    return true;
}

static bool read_chunks(png *p, const uint8_t *b, size_t size, const kin_image_limits *limits)
{
    bool first = true;
    for (size_t at = 8; !p->ended; first = false) {
        if (size < at || size - at < 12) return cut_short(p, false);
        uint32_t length = word(b + at);
        const uint8_t *type = b + at + 4;
        if (length > size - at - 12) return cut_short(p, memcmp(type, "IDAT", 4) == 0);
        bool sound = kin_crc32(0, type, (size_t)length + 4) == word(b + at + 8 + length);
        if (sound ? !read_chunk(p, type, b + at + 8, length, first, limits) : !wrong_checksum(p, type))
            return false;
        at += (size_t)length + 12;
    }
    return p->packed.size > 0 || bad(p, "it holds no picture data");
}

/* ---- filters ---- */

/* The neighbour nearest to a + b − c; a before b before c where they tie. */
static inline int paeth(int a, int b, int c)
{
    int pa = b - c, pb = a - c, pc = pa + pb;
    pa = pa < 0 ? -pa : pa, pb = pb < 0 ? -pb : pb, pc = pc < 0 ? -pc : pc;
    a = pb < pa ? b : a;
    pa = pb < pa ? pb : pa;
    return pc < pa ? c : a;
}

#define INLINE static inline __attribute__((always_inline))

INLINE void undo_sub(const uint8_t *from, uint8_t *row, size_t bytes, size_t step)
{
    memmove(row, from, step);
    for (size_t i = step; i < bytes; i++) row[i] = (uint8_t)(from[i] + row[i - step]);
}

INLINE void undo_average(const uint8_t *from, uint8_t *row, const uint8_t *up, size_t bytes, size_t step)
{
    for (size_t i = 0; i < step; i++) row[i] = (uint8_t)(from[i] + up[i] / 2);
    for (size_t i = step; i < bytes; i++) row[i] = (uint8_t)(from[i] + (row[i - step] + up[i]) / 2);
}

INLINE void undo_paeth(const uint8_t *from, uint8_t *row, const uint8_t *up, size_t bytes, size_t step)
{
    int left[8], corner[8]; /* of the pixel before; step ≤ 8 */
    for (size_t c = 0; c < step; c++)
        row[c] = (uint8_t)(from[c] + up[c]), left[c] = row[c], corner[c] = up[c];
    for (size_t i = step; i < bytes; i += step)
        for (size_t c = 0; c < step; c++) {
            int above = up[i + c];
            left[c] = (from[i + c] + paeth(left[c], above, corner[c])) & 255;
            corner[c] = above;
            row[i + c] = (uint8_t)left[c];
        }
}

INLINE bool undo(uint8_t filter, const uint8_t *from, uint8_t *row, const uint8_t *up, size_t bytes,
                 size_t step)
{
    switch (filter) {
    case 0: memmove(row, from, bytes); return true;
    case 1: undo_sub(from, row, bytes, step); return true;
    case 2:
        for (size_t i = 0; i < bytes; i++) row[i] = (uint8_t)(from[i] + up[i]);
        return true;
    case 3: undo_average(from, row, up, bytes, step); return true;
    case 4: undo_paeth(from, row, up, bytes, step); return true;
    default: return false;
    }
}

/* Undoes a row's filter: `from` to `row`, which may be the same; `up` is the row above, zeros at first.
 * `step` is the bytes of a pixel, at least 1; the common ones have loops of their own. */
static bool unfilter(uint8_t filter, const uint8_t *from, uint8_t *row, const uint8_t *up, size_t bytes,
                     size_t step)
{
    switch (step) {
    case 1: return undo(filter, from, row, up, bytes, 1);
    case 3: return undo(filter, from, row, up, bytes, 3);
    case 4: return undo(filter, from, row, up, bytes, 4);
    default: return undo(filter, from, row, up, bytes, step);
    }
}

/* ---- samples to pixels ---- */

static unsigned sample(const uint8_t *row, size_t index, unsigned depth)
{
    if (depth == 8) return row[index];
    if (depth == 16) return (unsigned)row[2 * index] << 8 | row[2 * index + 1];
    size_t bit = index * depth;
    return row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

static uint8_t to_eight(unsigned value, unsigned depth)
{
    return (uint8_t)(depth == 16 ? value >> 8 : depth == 8 ? value : value * 255 / ((1u << depth) - 1));
}

static int out_channels(const png *p)
{
    if (p->colour == 3) return p->has_alpha_table ? 4 : 3;
    return (int)p->samples + (p->has_key ? 1 : 0);
}

static void put_pixel(png *p, const uint8_t *row, size_t x, uint8_t *to)
{
    if (p->colour == 3) {
        unsigned index = sample(row, x, p->depth);
        if (index >= p->palette_size) remark(p, "colours outside its palette are black");
        memcpy(to, p->palette[index], (size_t)out_channels(p));
        return;
    }
    bool clear = p->has_key;
    for (unsigned s = 0; s < p->samples; s++) {
        unsigned value = sample(row, x * p->samples + s, p->depth);
        clear = clear && value == p->key[s];
        to[s] = to_eight(value, p->depth);
    }
    if (p->has_key) to[p->samples] = clear ? 0 : 255;
}

/* ---- passes: one, or Adam7's seven ---- */

typedef struct pass {
    uint32_t x0, y0, dx, dy;
} pass;

static uint32_t steps(uint32_t size, uint32_t first, uint32_t step)
{
    return size > first ? (size - first + step - 1) / step : 0;
}

static size_t row_bytes(const png *p, uint32_t width)
{
    return ((size_t)width * p->samples * p->depth + 7) / 8;
}

static const pass whole[1] = {{0, 0, 1, 1}};
static const pass adam7[7] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                              {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

static uint64_t raw_size(const png *p, const pass *passes, int n)
{
    uint64_t total = 0;
    for (int i = 0; i < n; i++) {
        uint32_t w = steps(p->width, passes[i].x0, passes[i].dx),
                 h = steps(p->height, passes[i].y0, passes[i].dy);
        if (w && h) total += (uint64_t)h * (row_bytes(p, w) + 1);
    }
    return total;
}

/* `above` receives zeros for the first row of a pass. */
static bool read_pass(png *p, const pass *s, uint8_t **at, uint8_t *above, kin_image *out)
{
    uint32_t w = steps(p->width, s->x0, s->dx), h = steps(p->height, s->y0, s->dy);
    size_t bytes = row_bytes(p, w), step = ((size_t)p->samples * p->depth + 7) / 8,
           channels = (size_t)out->channels;
    /* straight into the picture */
    bool as_stored = !p->interlace && p->depth == 8 && p->colour != 3 && !p->has_key;
    const uint8_t *up = memset(above, 0, bytes);
    for (uint32_t y = 0; w && y < h; y++) {
        const uint8_t *from = *at + 1;
        uint8_t *row = as_stored ? out->data + (size_t)y * bytes : *at + 1;
        if (!unfilter(**at, from, row, up, bytes, step)) return bad(p, "an unknown filter");
        for (uint32_t x = 0; !as_stored && x < w; x++)
            put_pixel(p, row, x,
                      out->data + ((size_t)(s->y0 + y * s->dy) * p->width + s->x0 + x * s->dx) * channels);
        up = row;
        *at += bytes + 1;
    }
    return true;
}

static bool read_pixels(png *p, kin_image *out)
{
    const pass *passes = p->interlace ? adam7 : whole;
    int n = p->interlace ? 7 : 1;
    uint64_t wanted = raw_size(p, passes, n);
    kin_bytes raw;
    bool surplus, unsure;
    if (wanted > SIZE_MAX / 4) return kin_fail_memory(p->err, "a PNG", wanted);
    if (!kin_zlib_unpack_first(p->packed.data, p->packed.size, (size_t)wanted, &raw, &surplus, &unsure,
                               p->err))
        return false;
    if (surplus) remark(p, "more picture data than its size has room for");
    else if (unsure && raw.size == wanted) remark(p, "its picture data end before their checksum");
    uint8_t *at = raw.data, *above = kin_alloc(row_bytes(p, p->width));
    bool ok = above || kin_fail_memory(p->err, "a PNG's row", row_bytes(p, p->width));
    ok = ok && (raw.size == wanted || bad(p, "too little picture data"));
    ok = ok && kin_image_new(out, (int)p->width, (int)p->height, out_channels(p), p->err);
    for (int i = 0; ok && i < n; i++) ok = read_pass(p, &passes[i], &at, above, out);
    kin_bytes_free(&raw);
    kin_free(above);
    if (!ok) kin_image_free(out);
    return ok;
}

bool kin_png_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err)
{
    png p = {.err = err};
    *out = (kin_image){0};
    for (int i = 0; i < 256; i++) p.palette[i][3] = 255;
    bool ok = read_chunks(&p, bytes, size, limits) && read_pixels(&p, out);
    kin_bytes_free(&p.packed);
    if (!ok) return false;
    out->remark = p.remark;
    if (kin_image_upright(out, p.exif ? p.exif : p.xmp, err)) return true;
    kin_image_free(out);
    return false;
}

/* ---- writing ---- */

typedef struct png_out {
    uint8_t *data;
    size_t used;
} png_out;

static void put_word(uint8_t *b, uint32_t value)
{
    for (int i = 0; i < 4; i++) b[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_chunk(png_out *o, const char *type, const uint8_t *data, size_t size)
{
    uint8_t *b = o->data + o->used;
    put_word(b, (uint32_t)size);
    memcpy(b + 4, type, 4);
    if (size) memcpy(b + 8, data, size);
    put_word(b + 8 + size, kin_crc32(0, b + 4, size + 4));
    o->used += size + 12;
}

/* Filters each row by Paeth where that gives the smaller sum of absolute differences, else not at all. */
static void filter_rows(const kin_image *image, uint8_t *to)
{
    size_t step = (size_t)image->channels, bytes = (size_t)image->width * step;
    for (int y = 0; y < image->height; y++, to += bytes + 1) {
        const uint8_t *row = image->data + (size_t)y * bytes, *up = y ? row - bytes : NULL;
        uint64_t plain = 0, filtered = 0;
        to[0] = 4;
        for (size_t i = 0; i < bytes; i++) {
            to[1 + i] = (uint8_t)(row[i] - paeth(i >= step ? row[i - step] : 0, up ? up[i] : 0,
                                                 up && i >= step ? up[i - step] : 0));
            filtered += to[1 + i] < 128 ? to[1 + i] : 256u - to[1 + i];
            plain += row[i] < 128 ? row[i] : 256u - row[i];
        }
        if (filtered < plain) continue;
        to[0] = 0;
        memcpy(to + 1, row, bytes);
    }
}

bool kin_png_encode(const kin_image *image, kin_bytes *out, kin_error *err)
{
    static const uint8_t colours[5] = {0, 0, 4, 2, 6};
    size_t raw_bytes = (size_t)image->height * ((size_t)image->width * (size_t)image->channels + 1);
    uint8_t *raw = kin_alloc(raw_bytes);
    kin_bytes packed = {0};
    *out = (kin_bytes){0};
    if (!raw) return kin_fail_memory(err, "a PNG", raw_bytes);
    filter_rows(image, raw);
    bool ok = kin_zlib_pack(raw, raw_bytes, &packed, err);
    kin_free(raw);
    if (!ok) return false;
    png_out o = {.data = kin_alloc(packed.size + 64)};
    if (o.data) {
        uint8_t header[13] = {0};
        put_word(header, (uint32_t)image->width);
        put_word(header + 4, (uint32_t)image->height);
        header[8] = 8;
        header[9] = colours[image->channels];
        memcpy(o.data, "\x89PNG\r\n\x1a\n", 8);
        o.used = 8;
        put_chunk(&o, "IHDR", header, sizeof header);
        put_chunk(&o, "IDAT", packed.data, packed.size);
        put_chunk(&o, "IEND", NULL, 0);
        *out = (kin_bytes){o.data, o.used};
    } else {
        kin_fail_memory(err, "a PNG", packed.size);
    }
    kin_bytes_free(&packed);
    return o.data != NULL;
}

bool kin_png_write(const char *path, const kin_image *image, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_png_encode(image, &bytes, err)) return false;
    bool ok = kin_write_file(path, bytes.data, bytes.size, err);
    kin_bytes_free(&bytes);
    return ok;
}
