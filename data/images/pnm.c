/* The portable maps P1 to P6 and PAM (P7). Samples with a maximum other than 255 are scaled to it,
 * rounded. */
#include "data/images/formats.h"

#include <stdio.h>
#include <string.h>

typedef struct pnm {
    const uint8_t *at, *end;
    unsigned width, height, depth, most;
    bool inks; /* cyan, magenta, yellow, black */
    kin_error *err;
} pnm;

static bool bad(pnm *p, const char *what) { return kin_fail(p->err, KIN_ERR_DATA, "damaged PNM: %s", what); }
static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/* Blanks, and comments from '#' to the line's end. */
static void skip(pnm *p)
{
    while (p->at < p->end && (blank(*p->at) || *p->at == '#')) {
        if (*p->at == '#')
            while (p->at < p->end && *p->at != '\n') p->at++;
        else p->at++;
    }
}

static bool number(pnm *p, unsigned limit, unsigned *out)
{
    unsigned value = 0;
    skip(p);
    if (p->at >= p->end || *p->at < '0' || *p->at > '9') return bad(p, "a number was expected");
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
        value = value * 10 + (unsigned)(*p->at - '0');
        if (value > limit) return bad(p, "a number is too large");
    }
    *out = value;
    return true;
}

static bool read_header(pnm *p, int kind)
{
    p->most = 1;
    p->depth = kind == 3 || kind == 6 ? 3 : 1;
    if (!number(p, 1000000, &p->width) || !number(p, 1000000, &p->height)) return false;
    if (kind != 1 && kind != 4 && !number(p, 65535, &p->most)) return false;
    if (p->most == 0) return bad(p, "its maximum is 0");
    if (kind <= 3) return true;
    if (p->at >= p->end || !blank(*p->at)) return bad(p, "its header does not end");
    p->at++;
    return true;
}

static bool word_is(pnm *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->at) <= n || memcmp(p->at, word, n) != 0 || !blank(p->at[n])) return false;
    p->at += n;
    return true;
}

/* What the samples of a pixel mean. A kind that is not known is refused: read as colours it would be
 * wrong. */
static bool read_tuple(pnm *p)
{
    static const char *const kinds[] = {"BLACKANDWHITE",   "GRAYSCALE", "RGB", "BLACKANDWHITE_ALPHA",
                                        "GRAYSCALE_ALPHA", "RGB_ALPHA", "CMYK"};
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t')) p->at++;
    const uint8_t *word = p->at, *line = memchr(word, '\n', (size_t)(p->end - word));
    p->at = line ? line : p->end;
    size_t length = (size_t)(p->at - word);
    while (length && blank(word[length - 1])) length--;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == length && memcmp(kinds[i], word, length) == 0) {
            p->inks = i == 6;
            return true;
        }
    return !length || bad(p, "a TUPLTYPE other than GRAYSCALE, RGB, CMYK and those with _ALPHA");
}

/* Netpbm's inks: the maximum is all of it. */
static bool inks_to_colours(pnm *p, kin_image *out)
{
    kin_image rgb;
    if (!kin_image_new(&rgb, out->width, out->height, 3, p->err)) return false;
    for (size_t i = 0; i < (size_t)out->width * (size_t)out->height; i++) {
        const uint8_t *from = out->data + 4 * i;
        uint8_t *to = rgb.data + 3 * i, black = (uint8_t)(255 - from[3]);
        for (int c = 0; c < 3; c++) to[c] = (uint8_t)(255 - from[c]);
        kin_inks_to_rgb(&black, 1, to);
    }
    kin_image_free(out);
    *out = rgb;
    return true;
}

static bool read_pam_header(pnm *p)
{
    for (;;) {
        skip(p);
        if (word_is(p, "WIDTH")) {
            if (!number(p, 1000000, &p->width)) return false;
        } else if (word_is(p, "HEIGHT")) {
            if (!number(p, 1000000, &p->height)) return false;
        } else if (word_is(p, "DEPTH")) {
            if (!number(p, 4, &p->depth)) return false;
        } else if (word_is(p, "MAXVAL")) {
            if (!number(p, 65535, &p->most)) return false;
        } else if (word_is(p, "TUPLTYPE")) {
            if (!read_tuple(p)) return false;
        } else if ((size_t)(p->end - p->at) >= 7 && memcmp(p->at, "ENDHDR\n", 7) == 0) {
            p->at += 7;
            if (p->inks && p->depth != 4) return bad(p, "inks (CMYK) of another depth than 4");
            return p->width && p->height && p->depth && p->most ? true : bad(p, "its header lacks a size");
        } else {
            return bad(p, "an unknown word in its header");
        }
    }
}

static uint8_t scaled(unsigned value, unsigned most)
{
    return (uint8_t)(most == 255 ? value : (value * 255 + most / 2) / most);
}

static bool read_text(pnm *p, int kind, uint8_t *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned value;
        if (kind == 1) { /* bits may stand without blanks between them; 1 is black */
            skip(p);
            if (p->at >= p->end || (*p->at != '0' && *p->at != '1')) return bad(p, "a bit was expected");
            to[i] = *p->at++ == '1' ? 0 : 255;
            continue;
        }
        if (!number(p, 65535, &value)) return false;
        if (value > p->most) return bad(p, "a sample is larger than its maximum");
        to[i] = scaled(value, p->most);
    }
    return true;
}

static bool read_bits(pnm *p, uint8_t *to)
{
    size_t bytes = (p->width + 7) / 8;
    if ((size_t)(p->end - p->at) / bytes < p->height) return bad(p, "it ends too early");
    for (unsigned y = 0; y < p->height; y++, p->at += bytes)
        for (unsigned x = 0; x < p->width; x++) *to++ = p->at[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
    return true;
}

static bool read_raw(pnm *p, uint8_t *to, size_t count)
{
    size_t each = p->most > 255 ? 2 : 1;
    if ((size_t)(p->end - p->at) / each < count) return bad(p, "it ends too early");
    for (size_t i = 0; i < count; i++, p->at += each) {
        unsigned value = each == 2 ? (unsigned)p->at[0] << 8 | p->at[1] : p->at[0];
        if (value > p->most) return bad(p, "a sample is larger than its maximum");
        to[i] = scaled(value, p->most);
    }
    return true;
}

/* A picture cannot have more samples than its file has bits (or characters): asked before memory is taken. */
static bool plausible(pnm *p, int kind)
{
    uint64_t samples = (uint64_t)p->width * p->height * p->depth, left = (uint64_t)(p->end - p->at);
    return (kind == 4 ? samples / 8 <= left : samples <= left) || bad(p, "it ends too early");
}

bool kin_pnm_decode(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_image *out,
                    kin_error *err)
{
    pnm p = {.at = bytes + 2, .end = bytes + size, .err = err};
    int kind = bytes[1] - '0';
    *out = (kin_image){0};
    if (!(kind == 7 ? read_pam_header(&p) : read_header(&p, kind)) ||
        !kin_image_allowed(p.width, p.height, limits, err) || !plausible(&p, kind))
        return false;
    if (!kin_image_new(out, (int)p.width, (int)p.height, (int)p.depth, err)) return false;
    size_t count = (size_t)p.width * p.height * p.depth;
    bool ok = kind <= 3   ? read_text(&p, kind, out->data, count)
              : kind == 4 ? read_bits(&p, out->data)
                          : read_raw(&p, out->data, count);
    ok = ok && (!p.inks || inks_to_colours(&p, out));
    if (!ok) kin_image_free(out);
    return ok;
}
