#include "data/batch.h"

#include "base/parallel.h"
#include "base/random.h"

#include <math.h>

typedef struct filling {
    const kin_pictures *p;
    const int64_t *index;
    const kin_batch_opt *opt;
    float *out;
    float level[256]; /* what a byte becomes */
} filling;

/* What happens to one picture. */
typedef struct change {
    bool flip;
    int dx, dy;
    double gain, offset;            /* on 0 .. 255 */
    int left, top, right, bottom;   /* erased: empty when right ≤ left */
    uint64_t noise;
} change;

static change draw_change(const kin_batch_opt *o, int size, int64_t picture)
{
    kin_stream s = kin_stream_new(kin_key(o->key, (uint64_t)picture, 7));
    change c = {.gain = 1, .flip = kin_stream_uniform(&s) < 0.5 && o->flip, .noise = kin_key(o->key, (uint64_t)picture, 8)};
    c.dx = (int)kin_stream_below(&s, 2 * (uint64_t)o->shift + 1) - o->shift;
    c.dy = (int)kin_stream_below(&s, 2 * (uint64_t)o->shift + 1) - o->shift;
    double contrast = 1 + o->light * kin_stream_range(&s, -1, 1), brightness = 1 + o->light * kin_stream_range(&s, -1, 1);
    c.gain = contrast * brightness;
    c.offset = brightness * 127.5 * (1 - contrast);
    double happens = kin_stream_uniform(&s), area = kin_stream_range(&s, 0.02, 0.2), ratio = exp(kin_stream_range(&s, -1, 1)), x = kin_stream_uniform(&s), y = kin_stream_uniform(&s);
    if (happens < o->erase) {
        int w = (int)(size * sqrt(area * ratio) + 0.5), h = (int)(size * sqrt(area / ratio) + 0.5);
        if (w > size) w = size;
        if (h > size) h = size;
        c.left = (int)(x * (size - w + 1));
        c.top = (int)(y * (size - h + 1));
        c.right = c.left + w;
        c.bottom = c.top + h;
    }
    return c;
}

static int within(int v, int size) { return v < 0 ? 0 : v >= size ? size - 1 : v; }

static float final_value(const kin_batch_opt *o, double byte)
{
    if (byte < 0) byte = 0;
    if (byte > 255) byte = 255;
    if (o->invert) byte = 255 - byte;
    return (float)((byte / 255 - o->mean) / (o->deviation > 0 ? o->deviation : 1));
}

static void changed_picture(const filling *f, const uint8_t *from, const change *c, float *to)
{
    int size = f->p->size, channels = f->p->channels;
    uint64_t at = 0;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++)
            for (int k = 0; k < channels; k++, to++, at++) {
                if (x >= c->left && x < c->right && y >= c->top && y < c->bottom) {
                    *to = final_value(f->opt, 255 * kin_random_uniform(c->noise, at));
                    continue;
                }
                int sx = within(x + c->dx, size), sy = within(y + c->dy, size);
                if (c->flip) sx = size - 1 - sx;
                *to = final_value(f->opt, from[(sy * size + sx) * channels + k] * c->gain + c->offset);
            }
}

static void fill_one(void *arg, int64_t i, int worker)
{
    (void)worker;
    const filling *f = arg;
    size_t count = (size_t)f->p->size * (size_t)f->p->size * (size_t)f->p->channels;
    const uint8_t *from = f->p->pixels + (size_t)f->index[i] * count;
    float *to = f->out + (size_t)i * count;
    if (f->opt->key) {
        change c = draw_change(f->opt, f->p->size, f->index[i]);
        changed_picture(f, from, &c, to);
        return;
    }
    for (size_t k = 0; k < count; k++) to[k] = f->level[from[k]];
}

void kin_batch_fill(const kin_pictures *p, const int64_t *index, int64_t n, const kin_batch_opt *opt, float *out)
{
    filling f = {.p = p, .index = index, .opt = opt, .out = out};
    for (int v = 0; v < 256; v++) f.level[v] = final_value(opt, v);
    kin_parallel_for(n, fill_one, &f);
}
