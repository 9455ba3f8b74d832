#include "photos/overlay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BACK_GREY = 12, BACK_CHROMA = 12, SLIGHT = 8 /* of a colour */ };

static void fit(int width, int height, int side, int *w, int *h)
{
    int longer = width > height ? width : height;
    if (longer < side) side = longer;
    *w = (int)((int64_t)width * side / longer), *h = (int)((int64_t)height * side / longer);
    if (*w < 1) *w = 1;
    if (*h < 1) *h = 1;
}

static bool shrink(const kin_image *image, int width, int height, int channels, kin_image *out,
                   kin_error *err)
{
    if (!kin_image_resize(image, width, height, KIN_FILTER_BILINEAR, out, err)) return false;
    if (kin_image_convert(out, channels, err)) return true;
    kin_image_free(out);
    return false;
}

/* Rounded up: a pixel for each two of the grey. */
static int half(int n) { return (n + 1) / 2; }

/* Chroma of RGB as JPEG has it, around 128. */
static void chroma(const uint8_t *p, uint8_t *blue, uint8_t *red)
{
    *blue = (uint8_t)(128.5 - .168736 * p[0] - .331264 * p[1] + .5 * p[2] - .001);
    *red = (uint8_t)(128.5 + .5 * p[0] - .418688 * p[1] - .081312 * p[2] - .001);
}

static double length_of(int blue, int red) { return hypot(blue - 128, red - 128); }

/* Whether more than a pixel here and there has a colour. */
static bool has_colours(const kin_overlay *o)
{
    int n = half(o->width) * half(o->height), coloured = 0;
    for (int i = 0; i < n; i++) coloured += length_of(o->blue[i], o->red[i]) > SLIGHT;
    return coloured * 200 > n;
}

static int middle_of(const int count[256], int n)
{
    int at = 0, sum = count[0];
    while (sum * 2 < n) sum += count[++at];
    return at;
}

static bool is_back(const kin_overlay *o, int x, int y)
{
    int at = y / 2 * half(o->width) + x / 2;
    return abs(o->grey[y * o->width + x] - o->back[0]) <= BACK_GREY &&
           hypot(o->blue[at] - o->back[1], o->red[at] - o->back[2]) <= BACK_CHROMA;
}

/* The middle of the border's colours, where nearly all of it is of that colour. */
static void find_back(kin_overlay *o)
{
    int count[3][256] = {{0}}, n = 0, like = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < o->height; y++)
            for (int x = 0; x < o->width; x++) {
                if (x && y && x < o->width - 1 && y < o->height - 1) continue;
                int at = y / 2 * half(o->width) + x / 2;
                if (pass) like += is_back(o, x, y);
                else
                    n++, count[0][o->grey[y * o->width + x]]++, count[1][o->blue[at]]++,
                        count[2][o->red[at]]++;
            }
        for (int c = 0; c < 3; c++) o->back[c] = (uint8_t)middle_of(count[c], n);
    }
    o->plain = like * 10 >= n * 9;
}

/* The pixel so far along a side, the sides one after the other around the picture. */
static int along(const kin_image *grey, int side, double part)
{
    int w = grey->width - 1, h = grey->height - 1, x = (int)(w * part + .5), y = (int)(h * part + .5);
    const int at[4][2] = {{x, 0}, {w, y}, {w - x, h}, {0, h - y}};
    return grey->data[at[side][1] * grey->width + at[side][0]];
}

/* What turning a picture by a few degrees leaves: along each side a wedge of black or of white, from the same end, which
 * has not reached the other one. */
static bool filled_corners(const kin_image *grey)
{
    enum { DARK = 12, LIGHT = 255 - DARK, APART = 8, LEAST = 12 };
    if (grey->width < LEAST || grey->height < LEAST) return false;
    for (int way = 0; way < 4; way++) {
        bool dark = way & 1;
        int filled = 0, others = 0;
        for (int side = 0; side < 4; side++)
            for (int k = 0; k < 2; k++) {
                double part = k ? .125 : .02;
                int near = along(grey, side, way & 2 ? 1 - part : part),
                    far = along(grey, side, way & 2 ? part : 1 - part);
                filled += dark ? near <= DARK : near >= LIGHT;
                if (k) others += dark ? far > DARK + APART : far < LIGHT - APART;
            }
        if (filled == 8 && others >= 3) return true;
    }
    return false;
}

bool kin_overlay_make(const kin_image *image, kin_overlay *out, kin_error *err)
{
    kin_image small;
    fit(image->width, image->height, KIN_CORNER_SIDE, &out->corner_width, &out->corner_height);
    fit(image->width, image->height, KIN_OVERLAY_SIDE, &out->width, &out->height);
    if (!shrink(image, out->corner_width, out->corner_height, 1, &small, err)) return false;
    bool ok = kin_corners_find(&small, &out->corners, err);
    out->filled = filled_corners(&small);
    kin_image_free(&small);
    if (!ok || !shrink(image, out->width, out->height, 1, &small, err)) return false;
    memcpy(out->grey, small.data, (size_t)out->width * (size_t)out->height);
    kin_image_free(&small);
    if (!shrink(image, half(out->width), half(out->height), 3, &small, err)) return false;
    for (int i = 0; i < small.width * small.height; i++)
        chroma(small.data + 3 * i, &out->blue[i], &out->red[i]);
    kin_image_free(&small);
    out->coloured = has_colours(out);
    find_back(out);
    if (!shrink(image, KIN_OVERLAY_WHOLE, KIN_OVERLAY_WHOLE, 3, &small, err)) return false;
    memcpy(out->whole, small.data, sizeof out->whole);
    kin_image_free(&small);
    return true;
}

/* The part of the ring so many pixels inside that is of the background's colour. */
static double ring(const kin_overlay *o, int inset)
{
    int n = 0, back = 0, right = o->width - 1 - inset, low = o->height - 1 - inset;
    for (int y = inset; y <= low; y++)
        for (int x = inset; x <= right; x++) {
            if (x != inset && y != inset && x != right && y != low) continue;
            n++, back += is_back(o, x, y);
        }
    return n ? (double)back / n : 0;
}

bool kin_overlay_framed(const kin_overlay *o)
{
    enum { THICKEST = 6 /* a part of the side */, EDGE = 2 /* pixels that are of both */ };
    int shorter = o->width < o->height ? o->width : o->height, inset = 0;
    while (inset < shorter / THICKEST && ring(o, inset) >= .97) inset++;
    return (inset > 0 && inset < shorter / THICKEST && ring(o, inset + EDGE) < .3) || o->filled;
}

static void turn_plane(const uint8_t *from, int width, int height, int bytes, int turn, uint8_t *out)
{
    int w = turn & 4 ? height : width, h = turn & 4 ? width : height;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int u = turn & 1 ? w - 1 - x : x, v = turn & 2 ? h - 1 - y : y,
                at = turn & 4 ? u * width + v : v * width + u;
            memcpy(out + (y * w + x) * bytes, from + at * bytes, (size_t)bytes);
        }
}

void kin_overlay_turn(const kin_overlay *from, int turn, kin_overlay *out)
{
    bool swap = turn & 4;
    int w = from->width, h = from->height;
    out->width = swap ? h : w, out->height = swap ? w : h;
    out->corner_width = swap ? from->corner_height : from->corner_width;
    out->corner_height = swap ? from->corner_width : from->corner_height;
    out->coloured = from->coloured, out->plain = from->plain;
    memcpy(out->back, from->back, sizeof out->back);
    turn_plane(from->grey, w, h, 1, turn, out->grey);
    turn_plane(from->blue, half(w), half(h), 1, turn, out->blue);
    turn_plane(from->red, half(w), half(h), 1, turn, out->red);
    turn_plane(from->whole, KIN_OVERLAY_WHOLE, KIN_OVERLAY_WHOLE, 3, turn, out->whole);
    out->corners.count = 0;
}

static bool within(const uint8_t *plane, int n, int most)
{
    int low = 255, high = 0;
    for (int i = 0; i < n; i++)
        low = plane[i] < low ? plane[i] : low, high = plane[i] > high ? plane[i] : high;
    return high - low <= most;
}

bool kin_overlay_blank(const kin_overlay *o)
{
    int chroma = half(o->width) * half(o->height);
    return within(o->grey, o->width * o->height, 3) && within(o->blue, chroma, 3) &&
           within(o->red, chroma, 3);
}

/* Sums of pairs of numbers, for their correlation. */
typedef struct sums {
    double n, a, b, aa, bb, ab;
} sums;

static void add(sums *s, double a, double b)
{
    s->n += 1, s->a += a, s->b += b, s->aa += a * a, s->bb += b * b, s->ab += a * b;
}

/* Of a plain picture nothing can be told: 0. */
static double correlation(const sums *s)
{
    double aa = s->aa - s->a * s->a / s->n, bb = s->bb - s->b * s->b / s->n, ab = s->ab - s->a * s->b / s->n;
    double least = 4 * s->n; /* a deviation of two grey levels */
    return s->n > 0 && aa > least && bb > least ? ab / sqrt(aa * bb) : 0;
}

double kin_overlay_whole(const kin_overlay *a, const kin_overlay *b, double *colours)
{
    enum { N = KIN_OVERLAY_WHOLE * KIN_OVERLAY_WHOLE };
    sums s = {0};
    double apart = 0;
    for (int i = 0; i < N; i++) {
        const uint8_t *p = a->whole + 3 * i, *q = b->whole + 3 * i;
        add(&s, .299 * p[0] + .587 * p[1] + .114 * p[2], .299 * q[0] + .587 * q[1] + .114 * q[2]);
        for (int c = 0; c < 3; c++) apart += fabs((double)p[c] - (double)q[c]);
    }
    *colours = apart / (3. * N);
    return correlation(&s);
}

static bool is_copys(const double m[6])
{
    double across = hypot(m[0], m[3]), down = hypot(m[1], m[4]), det = m[0] * m[4] - m[1] * m[3];
    double turn = atan2(m[3], m[0]), turn_down = atan2(-m[1], m[4]),
           limit = 20 * 3.14159265358979323846 / 180;
    return det > 0 && across > .25 && across < 4 && down > .25 && down < 4 && across / down < 1.2 &&
           down / across < 1.2 && fabs(turn) < limit && fabs(turn_down) < limit &&
           fabs(turn - turn_down) < .1;
}

static double sample(const kin_overlay *o, double x, double y)
{
    if (x < 0) x = 0;
    if (y < 0) y = 0;
    if (x > o->width - 1) x = o->width - 1;
    if (y > o->height - 1) y = o->height - 1;
    int left = (int)x, top = (int)y, right = left + 1 < o->width ? left + 1 : left,
        below = top + 1 < o->height ? top + 1 : top;
    double px = x - left, py = y - top;
    const uint8_t *upper = o->grey + top * o->width, *lower = o->grey + below * o->width;
    return (1 - py) * ((1 - px) * upper[left] + px * upper[right]) +
           py * ((1 - px) * lower[left] + px * lower[right]);
}

/* A map between the greys: where pixel (x, y) of the one lies in the other; its centre is (x, y). */
typedef struct laid {
    const kin_overlay *a, *b;
    double m[6];
} laid;

/* b where a's pixel lies: the mean of four points, as a's pixels are the larger ones. False outside. */
static bool under(const laid *l, int x, int y, double *value)
{
    double to_x = l->m[0] * x + l->m[1] * y + l->m[2], to_y = l->m[3] * x + l->m[4] * y + l->m[5];
    if (to_x < 0 || to_y < 0 || to_x > l->b->width - 1 || to_y > l->b->height - 1) return false;
    double ux = (l->m[0] + l->m[1]) / 4, uy = (l->m[3] + l->m[4]) / 4, vx = (l->m[0] - l->m[1]) / 4,
           vy = (l->m[3] - l->m[4]) / 4;
    *value = (sample(l->b, to_x + ux, to_y + uy) + sample(l->b, to_x - ux, to_y - uy) +
              sample(l->b, to_x + vx, to_y + vy) + sample(l->b, to_x - vx, to_y - vy)) /
             4;
    return true;
}

static sums whole_of(const laid *l)
{
    sums s = {0};
    double other;
    for (int y = 0; y < l->a->height; y++)
        for (int x = 0; x < l->a->width; x++)
            if (under(l, x, y, &other)) add(&s, l->a->grey[y * l->a->width + x], other);
    return s;
}

/* Solves the symmetric system of 6; false where it is singular. */
static bool solve(double m[6][7])
{
    for (int c = 0; c < 6; c++) {
        if (!(m[c][c] > 1e-9)) return false;
        for (int r = 0; r < 6; r++) {
            double factor = r == c ? 0 : m[r][c] / m[c][c];
            for (int k = c; factor != 0 && k < 7; k++) m[r][k] -= factor * m[c][k];
        }
    }
    return true;
}

/* One step of Gauss and Newton on the squared differences of both greys, each with mean 0 and deviation 1
 * [Lucas, Kanade 1981]: d b / d m is b's slope times (x, y, 1). */
static bool step(laid *l, const sums *s)
{
    double mean_a = s->a / s->n, mean_b = s->b / s->n, dev_a = sqrt(s->aa / s->n - mean_a * mean_a),
           dev_b = sqrt(s->bb / s->n - mean_b * mean_b), normal[6][7] = {{0}}, value;
    if (!(dev_a > 1 && dev_b > 1)) return false;
    for (int y = 0; y < l->a->height; y++)
        for (int x = 0; x < l->a->width; x++) {
            if (!under(l, x, y, &value)) continue;
            double to_x = l->m[0] * x + l->m[1] * y + l->m[2], to_y = l->m[3] * x + l->m[4] * y + l->m[5];
            double dx = (sample(l->b, to_x + 1, to_y) - sample(l->b, to_x - 1, to_y)) / (2 * dev_b),
                   dy = (sample(l->b, to_x, to_y + 1) - sample(l->b, to_x, to_y - 1)) / (2 * dev_b);
            double slope[6] = {dx * x, dx * y, dx, dy * x, dy * y, dy},
                   off = (l->a->grey[y * l->a->width + x] - mean_a) / dev_a - (value - mean_b) / dev_b;
            for (int r = 0; r < 6; r++) {
                for (int c = 0; c < 6; c++) normal[r][c] += slope[r] * slope[c];
                normal[r][6] += slope[r] * off;
            }
        }
    if (!solve(normal)) return false;
    for (int i = 0; i < 6; i++) l->m[i] += normal[i][6] / normal[i][i];
    return true;
}

/* Corners say where to within a pixel or two; copies fit better than that. Steps are taken while they
 * help. */
static void refine(laid *l)
{
    enum { STEPS = 8 };
    sums s = whole_of(l);
    for (int i = 0; i < STEPS && s.n >= 64; i++) {
        laid next = *l;
        if (!step(&next, &s)) return;
        sums after = whole_of(&next);
        double gain = after.n >= 64 ? correlation(&after) - correlation(&s) : -1;
        if (gain <= 0) return;
        *l = next, s = after;
        if (gain < 1e-4) return;
    }
}

/* Blocks that the overlap is cut into: what moved between two photographs of one thing does not fit
 * somewhere, while writing upon a copy, or the corners of a turned one, spoil a few blocks. */
enum { BLOCKS = 6 };
static const double whole_least = .88, worth_refining = .5;

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle_block(const sums *block, double most)
{
    double found[BLOCKS * BLOCKS];
    int count = 0;
    for (int i = 0; i < BLOCKS * BLOCKS; i++) {
        double r = block[i].n > most / 2 ? correlation(&block[i]) : 0;
        if (r != 0) found[count++] = r;
    }
    if (count < 4) return -1;
    qsort(found, (size_t)count, sizeof *found, rising);
    return found[count * 3 / 10];
}

/* The map of corners' places between the greys, from the one with the larger pixels to the other. */
static void lay(const kin_overlay *a, const kin_overlay *b, const double m[6], laid *out)
{
    double ax = (double)a->corner_width / a->width, ay = (double)a->corner_height / a->height,
           bx = (double)b->width / b->corner_width, by = (double)b->height / b->corner_height;
    double n[6] = {m[0] * ax * bx, m[1] * ay * bx, m[2] * bx, m[3] * ax * by, m[4] * ay * by, m[5] * by};
    double det = n[0] * n[4] - n[1] * n[3];
    *out = (laid){.a = a, .b = b};
    if (det < 1) {
        double inverse[6] = {n[4] / det, -n[1] / det, 0, -n[3] / det, n[0] / det, 0};
        inverse[2] = -(inverse[0] * n[2] + inverse[1] * n[5]),
        inverse[5] = -(inverse[3] * n[2] + inverse[4] * n[5]);
        memcpy(n, inverse, sizeof n);
        out->a = b, out->b = a;
    }
    /* from edges of pixels to their centres */
    n[2] += (n[0] + n[1] - 1) / 2, n[5] += (n[3] + n[4] - 1) / 2;
    memcpy(out->m, n, sizeof n);
}

/* Whether the pixel and what lies under it are both of their backgrounds. */
static bool both_back(const laid *l, int x, int y, int bx, int by)
{
    return l->a->plain && l->b->plain && is_back(l->a, x, y) && is_back(l->b, bx, by);
}

static int nearest(double at, int size)
{
    int whole = (int)(at + .5);
    return whole < 0 ? 0 : whole >= size ? size - 1 : whole;
}

static double worse_block(const sums *block, double least)
{
    double found[BLOCKS * BLOCKS];
    int count = 0;
    for (int i = 0; i < BLOCKS * BLOCKS; i++) {
        double r = block[i].n > least ? correlation(&block[i]) : 0;
        if (r != 0) found[count++] = r;
    }
    if (!count) return 2;
    qsort(found, (size_t)count, sizeof *found, rising);
    return found[count / 5];
}

static kin_overlay_agreement agreement_of(const laid *l)
{
    enum { STRANGE = 30 };
    sums block[BLOCKS * BLOCKS] = {{0}};
    double all = 0, n = 0, grey = 0, apart = 0, length = 0, strange = 0, other;
    for (int y = 0; y < l->a->height; y++)
        for (int x = 0; x < l->a->width; x++) {
            if (!under(l, x, y, &other)) continue;
            int bx = nearest(l->m[0] * x + l->m[1] * y + l->m[2], l->b->width),
                by = nearest(l->m[3] * x + l->m[4] * y + l->m[5], l->b->height);
            all++;
            if (both_back(l, x, y, bx, by)) continue;
            int i = y / 2 * half(l->a->width) + x / 2, k = by / 2 * half(l->b->width) + bx / 2,
                one = l->a->grey[y * l->a->width + x];
            double d = hypot(l->a->blue[i] - l->b->blue[k], l->a->red[i] - l->b->red[k]);
            n++, apart += d, strange += d > STRANGE;
            length += (length_of(l->a->blue[i], l->a->red[i]) + length_of(l->b->blue[k], l->b->red[k])) / 2;
            add(&block[y * BLOCKS / l->a->height * BLOCKS + x * BLOCKS / l->a->width], one, other);
        }
    double pixels = (double)l->a->width * l->a->height / (BLOCKS * BLOCKS);
    if (n == 0) return (kin_overlay_agreement){.shape = 2};
    for (int i = 0; i < BLOCKS * BLOCKS; i++) grey += fabs(block[i].a - block[i].b);
    return (kin_overlay_agreement){n / all, worse_block(block, pixels / 4), grey / n,
                                   apart / (length > n ? length : n), strange / n};
}

kin_overlay_agreement kin_overlay_agree(const kin_overlay *a, const kin_overlay *b)
{
    laid l;
    lay(a, b,
        (double[6]){(double)b->corner_width / a->corner_width, 0, 0, 0,
                    (double)b->corner_height / a->corner_height, 0},
        &l);
    return agreement_of(&l);
}

double kin_overlay_part(const kin_overlay *a, const kin_overlay *b, const kin_affine_map *map,
                        double *covered, kin_overlay_agreement *agreement)
{
    sums s = {0}, block[BLOCKS * BLOCKS] = {{0}};
    laid l;
    *covered = 0;
    if (!is_copys(map->m)) return -1;
    lay(a, b, map->m, &l);
    s = whole_of(&l);
    if (s.n < 64 || correlation(&s) < worth_refining) return -1;
    s = (sums){0};
    refine(&l);
    if (!is_copys(l.m)) return -1;
    a = l.a, b = l.b;
    double other;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++) {
            if (!under(&l, x, y, &other)) continue;
            double one = a->grey[y * a->width + x];
            add(&s, one, other);
            add(&block[y * BLOCKS / a->height * BLOCKS + x * BLOCKS / a->width], one, other);
        }
    if (s.n < 64) return -1;
    /* both areas in pixels of a's grey */
    double area = (double)a->width * a->height,
           others = (double)(b->width - 1) * (b->height - 1) / (l.m[0] * l.m[4] - l.m[1] * l.m[3]);
    *covered = s.n / (area < others ? area : others);
    *agreement = agreement_of(&l);
    double whole = correlation(&s), some = middle_block(block, area / (BLOCKS * BLOCKS));
    return whole < whole_least && whole < some ? whole : some;
}
