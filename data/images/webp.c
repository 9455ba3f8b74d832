/* WebP [WebP Container Specification]: a RIFF file of one picture, lossy or lossless; in its extended form with
 * alpha beside a lossy one, a canvas, notes about the picture, and an animation, whose first frame is read. */
#include "data/images/webp.h"

#include "base/memory.h"
#include "data/images/formats.h"
#include "data/images/vp8.h"
#include "data/images/vp8l.h"

#include <string.h>

enum { RIFF_HEAD = 12, CHUNK_HEAD = 8, EXTENDED = 10, FRAME_HEAD = 16 };
enum { ANIMATED = 2, HAS_XMP = 4, HAS_EXIF = 8, HAS_ALPHA = 16 }; /* flags of VP8X */

typedef struct chunk {
    const uint8_t *data;
    size_t size;
} chunk;

typedef struct webp {
    bool extended, lossless, alpha;
    unsigned flags;
    uint64_t width, height; /* the canvas */
    uint64_t x, y;          /* where the frame stands on it */
    chunk picture, alpha_chunk;
    int exif, xmp; /* which way up; 0: not told there */
    int frame_width, frame_height;
    const char *remark;
    kin_error *err;
} webp;

static bool bad(webp *w, const char *what)
{
    return kin_fail(w->err, KIN_ERR_DATA, "damaged WebP: %s", what);
}
static uint32_t number(const uint8_t *p, int bytes)
{
    uint32_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | p[i];
    return value;
}
static bool is(const uint8_t *tag, const char *name) { return memcmp(tag, name, 4) == 0; }

/* ---- chunks ---- */

/* The next chunk; false at the end, and with a remark where it is cut short. */
static bool next_chunk(webp *w, const uint8_t **at, const uint8_t *end, const uint8_t **tag, chunk *out)
{
    if (end - *at < CHUNK_HEAD) return false;
    size_t size = number(*at + 4, 4), left = (size_t)(end - *at) - CHUNK_HEAD;
    *tag = *at;
    if (size > left) {
        if (!w->remark) w->remark = "it is cut short behind its picture";
        return false;
    }
    *out = (chunk){*at + CHUNK_HEAD, size};
    *at += CHUNK_HEAD + size;
    if (size % 2 && *at < end) ++*at; /* padded to two */
    return true;
}

static bool take_extended(webp *w, chunk c)
{
    if (c.size < EXTENDED) return bad(w, "its extended header is cut short");
    w->extended = true;
    w->flags = c.data[0];
    w->width = (uint64_t)number(c.data + 4, 3) + 1;
    w->height = (uint64_t)number(c.data + 7, 3) + 1;
    return true;
}

/* A picture, or the alpha before one. */
static bool take_picture(webp *w, const uint8_t *tag, chunk c)
{
    if (w->picture.data) return true; /* of another one */
    if (is(tag, "ALPH")) {
        if (!w->alpha_chunk.data) w->alpha_chunk = c;
        return true;
    }
    w->lossless = is(tag, "VP8L");
    w->picture = c;
    if (w->lossless && w->alpha_chunk.data)
        return bad(w, "alpha beside a lossless picture, which has its own");
    if (w->lossless)
        return kin_vp8l_size(c.data, c.size, &w->frame_width, &w->frame_height, &w->alpha, w->err);
    return kin_vp8_size(c.data, c.size, &w->frame_width, &w->frame_height, w->err);
}

static bool is_picture(const uint8_t *tag) { return is(tag, "VP8 ") || is(tag, "VP8L") || is(tag, "ALPH"); }

/* The first frame of an animation: its place, then chunks of its own. */
static bool take_frame(webp *w, chunk c)
{
    const uint8_t *at = c.data + FRAME_HEAD, *end = c.data + c.size, *tag;
    chunk part;
    if (w->picture.data) return true;
    if (c.size < FRAME_HEAD) return bad(w, "its first frame is cut short in its header");
    w->x = 2 * (uint64_t)number(c.data, 3);
    w->y = 2 * (uint64_t)number(c.data + 3, 3);
    while (!w->picture.data && next_chunk(w, &at, end, &tag, &part))
        if (is_picture(tag) && !take_picture(w, tag, part)) return false;
    return w->picture.data || bad(w, "its first frame holds no picture");
}

static bool take_chunk(webp *w, const uint8_t *tag, chunk c, bool first)
{
    if (is(tag, "VP8X")) return first ? take_extended(w, c) : bad(w, "an extended header out of place");
    if (is(tag, "ANMF") && w->flags & ANIMATED) return take_frame(w, c);
    if (is_picture(tag) && !(w->flags & ANIMATED)) return take_picture(w, tag, c);
    if (is(tag, "EXIF") && w->flags & HAS_EXIF && !w->exif) w->exif = kin_exif_orientation(c.data, c.size);
    if (is(tag, "XMP ") && w->flags & HAS_XMP && !w->xmp) w->xmp = kin_xmp_orientation(c.data, c.size);
    return true;
}

static bool read_chunks(webp *w, const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes + RIFF_HEAD, *end = bytes + size, *tag = NULL;
    chunk c;
    if (size < RIFF_HEAD) return bad(w, "it is cut short in its header");
    size_t stated = number(bytes + 4, 4), held = size - CHUNK_HEAD;
    if (stated < held && stated >= 4) end = bytes + CHUNK_HEAD + stated;
    if (stated > held) w->remark = "it is cut short behind its picture";
    for (bool first = true; next_chunk(w, &at, end, &tag, &c); first = false) {
        if (!take_chunk(w, tag, c, first)) return false;
        if (w->picture.data && !w->extended) break;
    }
    if (w->picture.data) return true;
    return bad(w, tag && is_picture(tag) ? "it is cut short in its picture" : "it holds no picture");
}

/* ---- the picture ---- */

/* Whether the frame lies on its canvas, and the canvas is allowed; asked before anything is allocated. */
static bool check_canvas(webp *w, const kin_image_limits *limits)
{
    uint64_t wide = (uint64_t)w->frame_width, high = (uint64_t)w->frame_height;
    if (!w->extended) w->width = wide, w->height = high;
    if (!kin_image_allowed(w->width, w->height, limits, w->err)) return false;
    if (w->flags & ANIMATED ? w->x + wide <= w->width && w->y + high <= w->height
                            : wide == w->width && high == w->height)
        return true;
    return kin_fail(w->err, KIN_ERR_DATA,
                    "damaged WebP: its %s of %d x %d pixels does not fit its canvas of %llu x %llu",
                    w->flags & ANIMATED ? "first frame" : "picture", w->frame_width, w->frame_height,
                    (unsigned long long)w->width, (unsigned long long)w->height);
}

static bool set_alpha(webp *w, kin_image *out)
{
    size_t pixels = (size_t)out->width * (size_t)out->height;
    chunk a = w->alpha_chunk;
    for (size_t i = 0; !a.data && i < pixels; i++) out->data[4 * i + 3] = 255;
    if (!a.data) return true;
    uint8_t *alpha = kin_alloc(pixels);
    if (!alpha) return kin_fail_memory(w->err, "a WebP's alpha", pixels);
    bool ok = kin_webp_alpha(a.data, a.size, out->width, out->height, alpha, w->err);
    for (size_t i = 0; ok && i < pixels; i++) out->data[4 * i + 3] = alpha[i];
    kin_free(alpha);
    return ok;
}

static bool read_frame(webp *w, int channels, kin_image *out)
{
    if (w->lossless) return kin_vp8l_decode(w->picture.data, w->picture.size, channels, out, w->err);
    return kin_vp8_decode(w->picture.data, w->picture.size, channels, out, w->err) &&
           (channels == 3 || set_alpha(w, out));
}

/* What no frame covers is clear, and black. */
static bool place(const webp *w, kin_image *frame)
{
    kin_image canvas;
    size_t pixel = (size_t)frame->channels, row = (size_t)frame->width * pixel;
    if (w->width == (uint64_t)frame->width && w->height == (uint64_t)frame->height) return true;
    if (!kin_image_new(&canvas, (int)w->width, (int)w->height, frame->channels, w->err)) return false;
    memset(canvas.data, 0, (size_t)w->width * (size_t)w->height * pixel);
    for (size_t y = 0; y < (size_t)frame->height; y++)
        memcpy(canvas.data + (((size_t)w->y + y) * (size_t)w->width + (size_t)w->x) * pixel,
               frame->data + y * row, row);
    kin_image_free(frame);
    *frame = canvas;
    return true;
}

bool kin_webp_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                     kin_error *err)
{
    webp w = {.err = err};
    *out = (kin_image){0};
    if (!read_chunks(&w, bytes, size) || !check_canvas(&w, limits)) return false;
    int channels = (w.extended ? w.flags & HAS_ALPHA : w.alpha) ? 4 : 3;
    bool ok = read_frame(&w, channels, out) && place(&w, out);
    if (ok) out->remark = w.remark;
    ok = ok && kin_image_upright(out, w.exif ? w.exif : w.xmp, err);
    if (!ok) kin_image_free(out);
    return ok;
}
