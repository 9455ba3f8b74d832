/* A scan's bits to coefficients: baseline [T.81 annex F.2] and the four kinds of progressive scans [annex
 * G.2]. Damage is dealt with as libjpeg does: a bad code counts as zero, blocks after the end of the data
 * stay empty, and lost restart markers are looked for. */
#include "data/images/jpeg.h"
#include "data/images/jpeg_bits.h"

#include <string.h>

const uint8_t kin_jpeg_natural[80] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33,
    40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
};

/* Up to here the zigzag stays within the first four rows and columns. */
enum { CORNER = 9 };

static const char early[] = "its data end early: what is missing is grey",
                  damaged[] = "its data are damaged: parts may be wrong";

typedef struct scan {
    kin_jpeg *j;
    kin_jpeg_bits bits;
    const kin_jpeg_blocks *kernels;
    int blocks_to_skip; /* EOBRUN: blocks of an AC scan that have nothing more */
    bool bad;
} scan;

/* ---- one block ---- */

static int dc_difference(kin_jpeg_bits *b, const kin_jpeg_code *code, bool *bad)
{
    kin_jpeg_bits_need(b, 32);
    int size = kin_jpeg_bits_code(b, code, bad);
    return size ? kin_jpeg_bits_extended(b, size) : 0;
}

static int next_dc(scan *s, kin_jpeg_component *c)
{
    c->previous = (int)((unsigned)c->previous + (unsigned)dc_difference(&s->bits, &s->j->dc[c->dc], &s->bad));
    return c->previous;
}

/* Fills an empty block. Returns the last place in zigzag order that holds something. */
static int baseline_block(scan *s, kin_jpeg_component *c, int16_t *block)
{
    const kin_jpeg_code *code = &s->j->ac[c->ac];
    int used = 0;
    block[0] = (int16_t)next_dc(s, c);
    kin_jpeg_bits b = s->bits;
    for (int k = 1; k < 64; k++) {
        kin_jpeg_bits_fill(&b);
        /* One filling lasts for five coefficients that one look finds. */
        int32_t whole = code->whole[kin_jpeg_bits_peek(&b, KIN_JPEG_LOOK)];
        for (int n = 0; whole && n < 5 && k < 64; n++, k++) {
            k += whole >> 8 & 15;
            kin_jpeg_bits_drop(&b, whole & 255);
            block[kin_jpeg_natural[k]] = (int16_t)(whole >> 16);
            used = k;
            whole = code->whole[kin_jpeg_bits_peek(&b, KIN_JPEG_LOOK)];
        }
        if (k > 63) break;
        kin_jpeg_bits_fill(&b);
        int value = kin_jpeg_bits_code(&b, code, &s->bad), size = value & 15;
        if (size) {
            k += value >> 4;
            block[kin_jpeg_natural[k]] = (int16_t)kin_jpeg_bits_extended(&b, size);
            used = k;
        } else if (value == 0xf0) {
            k += 15;
        } else {
            break;
        }
    }
    s->bits = b;
    return used;
}

static void dc_first(scan *s, kin_jpeg_component *c, int16_t *block)
{
    block[0] = (int16_t)((unsigned)next_dc(s, c) << s->j->low);
}

static void dc_refine(scan *s, int16_t *block)
{
    kin_jpeg_bits_need(&s->bits, 1);
    if (kin_jpeg_bits_take(&s->bits, 1)) block[0] = (int16_t)(block[0] | 1 << s->j->low);
}

/* A run of 2^n + (n bits) blocks ends here, this one counted. */
static int end_of_blocks(kin_jpeg_bits *b, int n)
{
    kin_jpeg_bits_need(b, 32);
    return (1 << n) + (n ? kin_jpeg_bits_take(b, n) : 0);
}

static void ac_first(scan *s, const kin_jpeg_code *code, int16_t *block)
{
    const kin_jpeg *j = s->j;
    if (s->blocks_to_skip > 0) {
        s->blocks_to_skip--;
        return;
    }
    for (int k = j->first; k <= j->last; k++) {
        kin_jpeg_bits_need(&s->bits, 32);
        int value = kin_jpeg_bits_code(&s->bits, code, &s->bad), zeros = value >> 4, size = value & 15;
        if (size) {
            k += zeros;
            block[kin_jpeg_natural[k]] = (int16_t)((unsigned)kin_jpeg_bits_extended(&s->bits, size)
                                                   << j->low);
        } else if (zeros == 15) {
            k += 15;
        } else {
            s->blocks_to_skip = end_of_blocks(&s->bits, zeros) - 1;
            return;
        }
    }
}

/* A coefficient that is known to differ from zero gets its next bit. */
static void refine(scan *s, int16_t *coefficient)
{
    int bit = 1 << s->j->low;
    kin_jpeg_bits_need(&s->bits, 1);
    if (!kin_jpeg_bits_take(&s->bits, 1) || (*coefficient & bit)) return;
    *coefficient = (int16_t)(*coefficient >= 0 ? *coefficient + bit : *coefficient - bit);
}

/* Refines what is there from place k on, passing `zeros` empty places; returns the empty place after them,
 * or past the end. */
static int refine_past(scan *s, int16_t *block, int k, int zeros)
{
    for (; k <= s->j->last; k++) {
        int16_t *at = &block[kin_jpeg_natural[k]];
        if (*at) refine(s, at);
        else if (zeros-- == 0) break;
    }
    return k;
}

static void ac_refine(scan *s, const kin_jpeg_code *code, int16_t *block)
{
    const kin_jpeg *j = s->j;
    int k = j->first;
    while (s->blocks_to_skip == 0 && k <= j->last) {
        kin_jpeg_bits_need(&s->bits, 32);
        int value = kin_jpeg_bits_code(&s->bits, code, &s->bad), zeros = value >> 4, size = value & 15,
            fresh = 0;
        if (size) {
            if (size != 1) s->bad = true; /* a new coefficient is one bit at first */
            fresh = kin_jpeg_bits_take(&s->bits, 1) ? 1 << j->low : -(1 << j->low);
        } else if (zeros < 15) {
            s->blocks_to_skip = end_of_blocks(&s->bits, zeros);
            break;
        }
        k = refine_past(s, block, k, zeros);
        /* past the end, in a damaged file, as libjpeg has it */
        if (fresh) block[kin_jpeg_natural[k]] = (int16_t)fresh;
        k++;
    }
    if (s->blocks_to_skip > 0) {
        refine_past(s, block, k, 64);
        s->blocks_to_skip--;
    }
}

/* ---- segments: what lies between two markers ---- */

/* Takes the data up to the next marker over into s->bits, without the zeros stuffed behind FF; j->at is
 * left on the marker's FF, or at the end. */
static void next_segment(scan *s)
{
    kin_jpeg *j = s->j;
    uint8_t *to = j->unstuffed;
    for (;;) {
        const uint8_t *ff = memchr(j->at, 0xff, (size_t)(j->end - j->at)), *stop = ff ? ff : j->end,
                      *after = stop;
        memcpy(to, j->at, (size_t)(stop - j->at));
        to += stop - j->at;
        j->at = stop;
        while (after < j->end && *after == 0xff) after++;
        if (after == j->end || *after != 0) break;
        *to++ = 0xff;
        j->at = after + 1;
    }
    memset(to, 0, KIN_JPEG_PAD);
    s->bits = (kin_jpeg_bits){.at = j->unstuffed, .end = to};
}

/* The marker that j->at stands on: the end's where there is none. */
static int marker_here(const kin_jpeg *j)
{
    const uint8_t *at = j->at;
    while (at < j->end && *at == 0xff) at++;
    return at < j->end && at > j->at ? *at : 0xd9;
}

static void skip_marker(kin_jpeg *j)
{
    while (j->at < j->end && *j->at == 0xff) j->at++;
    if (j->at < j->end) j->at++;
}

/* The restart marker of number `wanted` is due. Another number may mean that some were lost (then the data
 * go on as they are: the blocks between stay empty) or repeated (then it is passed over) [libjpeg's rule:
 * up to two ahead or behind]. */
static void restart(scan *s, int wanted)
{
    kin_jpeg *j = s->j;
    bool ours = marker_here(j) == 0xd0 + wanted;
    if (!ours) s->bad = true;
    while (!ours) {
        int marker = marker_here(j), ahead = (marker - 0xd0 - wanted) & 7;
        bool is_restart = marker >= 0xd0 && marker <= 0xd7;
        if (marker < 0xc0 || (is_restart && ahead >= 6)) {
            skip_marker(j);
            next_segment(s);
        } else if (!is_restart || ahead == 1 || ahead == 2) {
            break;
        } else {
            ours = true; /* the one; or so far off that its number is taken to be damaged */
        }
    }
    if (ours) {
        skip_marker(j);
        next_segment(s);
    } else {
        /* short until a later restart */
        s->bits = (kin_jpeg_bits){.at = s->bits.end + 1, .end = s->bits.end};
    }
    s->blocks_to_skip = 0;
    for (int i = 0; i < j->scan_components; i++) j->component[j->scan[i]].previous = 0;
}

/* ---- the walk over the scan's blocks ---- */

static void to_samples(const scan *s, const kin_jpeg_component *c, const int16_t *block, int used,
                       uint8_t *out)
{
    if (used == 0 || c->size == 1) {
        int32_t dc = (int32_t)((uint32_t)block[0] * c->quant[0] + 4u) >> 3;
        dc = dc < -128 ? 0 : dc > 127 ? 255 : dc + 128;
        for (int y = 0; y < c->size; y++) memset(out + (size_t)y * c->stride, dc, (size_t)c->size);
    } else if (c->size == 8) {
        (used <= CORNER ? s->kernels->idct8_corner : s->kernels->idct8)(block, c->quant, out, c->stride);
    } else if (c->size == 4) {
        s->kernels->idct4(block, c->quant, out, c->stride);
    } else {
        s->kernels->idct2(block, c->quant, out, c->stride);
    }
}

static void one_block(scan *s, kin_jpeg_component *c, int row, int column)
{
    const kin_jpeg *j = s->j;
    kin_jpeg_bits_hold(&s->bits);
    if (!j->progressive) {
        int16_t block[64] __attribute__((aligned(64))) = {0};
        int used = baseline_block(s, c, block);
        to_samples(s, c, block, used,
                   c->plane + (size_t)row * (size_t)c->size * c->stride + (size_t)column * (size_t)c->size);
        return;
    }
    int16_t *block = c->coefficients + ((size_t)row * (size_t)c->stride_blocks + (size_t)column) * 64;
    if (j->first == 0 && j->high == 0) dc_first(s, c, block);
    else if (j->first == 0) dc_refine(s, block);
    else if (j->high == 0) ac_first(s, &j->ac[c->ac], block);
    else ac_refine(s, &j->ac[c->ac], block);
}

/* One MCU: of several components all their blocks, of a single one a block. */
static void one_mcu(scan *s, int row, int column)
{
    kin_jpeg *j = s->j;
    if (j->scan_components == 1) {
        one_block(s, &j->component[j->scan[0]], row, column);
        return;
    }
    for (int i = 0; i < j->scan_components; i++) {
        kin_jpeg_component *c = &j->component[j->scan[i]];
        for (int y = 0; y < c->v; y++)
            for (int x = 0; x < c->h; x++) one_block(s, c, row * c->v + y, column * c->h + x);
    }
}

void kin_jpeg_scan(kin_jpeg *j)
{
    scan s = {.j = j, .kernels = kin_jpeg_kernels()};
    const kin_jpeg_component *only = j->scan_components == 1 ? &j->component[j->scan[0]] : NULL;
    int wide = only ? only->blocks_wide : j->mcus_wide, high = only ? only->blocks_high : j->mcus_high;
    int left = j->restart_interval, wanted = 0;
    bool ran_dry = false;
    next_segment(&s);
    for (int i = 0; i < j->scan_components; i++) j->component[j->scan[i]].previous = 0;
    for (int row = 0; row < high && !(ran_dry && !j->restart_interval); row++)
        for (int column = 0; column < wide; column++) {
            if (j->restart_interval && left-- == 0) {
                restart(&s, wanted);
                wanted = (wanted + 1) & 7;
                left = j->restart_interval - 1;
            }
            /* An AC scan may have told long ago that these blocks have nothing more. */
            if (!kin_jpeg_bits_short(&s.bits) || s.blocks_to_skip > 0) one_mcu(&s, row, column);
            ran_dry |= kin_jpeg_bits_short(&s.bits);
        }
    if (ran_dry) j->remark = early;
    else if (s.bad && !j->remark) j->remark = damaged;
}

void kin_jpeg_finish(kin_jpeg *j)
{
    scan s = {.j = j, .kernels = kin_jpeg_kernels()};
    for (int i = 0; i < j->components; i++) {
        kin_jpeg_component *c = &j->component[i];
        for (int row = 0; row < c->blocks_high; row++)
            for (int column = 0; column < c->blocks_wide; column++) {
                const int16_t *block = c->coefficients +
                                       ((size_t)row * (size_t)c->stride_blocks + (size_t)column) * 64;
                to_samples(&s, c, block, 63,
                           c->plane + (size_t)row * (size_t)c->size * c->stride +
                               (size_t)column * (size_t)c->size);
            }
    }
}
