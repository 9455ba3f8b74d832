#include "data/batch.h"

#include "base/parallel.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

const char *const kin_normalization_names[] = {"none", "half", "imagenet", "lite", NULL};

bool kin_normalization(const char *name, kin_batch_opt *opt)
{
    static const struct {
        double mean[3], deviation[3];
    } known[] = {
        {{0}, {1, 1, 1}},
        {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}},
        {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}},
        {{127 / 255.0, 127 / 255.0, 127 / 255.0}, {128 / 255.0, 128 / 255.0, 128 / 255.0}},
    };
    for (int i = 0; kin_normalization_names[i]; i++)
        if (strcmp(name, kin_normalization_names[i]) == 0) {
            memcpy(opt->mean, known[i].mean, sizeof opt->mean);
            memcpy(opt->deviation, known[i].deviation, sizeof opt->deviation);
            return true;
        }
    return false;
}

/* What happens to one picture. */
typedef struct change {
    bool flip;
    int dx, dy;
    double gain, offset;          /* on 0 .. 255 */
    int left, top, right, bottom; /* erased: empty when right ≤ left */
    uint64_t noise;
} change;

static change draw_change(const kin_batch_opt *o, int height, int width, int64_t picture, uint64_t key)
{
    kin_stream s = kin_stream_new(kin_key(key, (uint64_t)picture, 7));
    change c = {.gain = 1,
                .flip = kin_stream_uniform(&s) < 0.5 && o->flip,
                .noise = kin_key(key, (uint64_t)picture, 8)};
    c.dx = (int)kin_stream_below(&s, 2 * (uint64_t)o->shift + 1) - o->shift;
    c.dy = (int)kin_stream_below(&s, 2 * (uint64_t)o->shift + 1) - o->shift;
    double contrast = 1 + o->light * kin_stream_range(&s, -1, 1),
           brightness = 1 + o->light * kin_stream_range(&s, -1, 1);
    c.gain = contrast * brightness;
    c.offset = brightness * 127.5 * (1 - contrast);
    double happens = kin_stream_uniform(&s), area = kin_stream_range(&s, 0.02, 0.2),
           ratio = exp(kin_stream_range(&s, -1, 1)), x = kin_stream_uniform(&s), y = kin_stream_uniform(&s);
    if (happens < o->erase) {
        int w = (int)(width * sqrt(area * ratio) + 0.5), h = (int)(height * sqrt(area / ratio) + 0.5);
        if (w > width) w = width;
        if (h > height) h = height;
        c.left = (int)(x * (width - w + 1));
        c.top = (int)(y * (height - h + 1));
        c.right = c.left + w;
        c.bottom = c.top + h;
    }
    return c;
}

static int within(int v, int size) { return v < 0 ? 0 : v >= size ? size - 1 : v; }

static float final_value(const kin_batch_opt *o, int channel, double byte)
{
    double deviation = o->deviation[channel];
    if (byte < 0) byte = 0;
    if (byte > 255) byte = 255;
    if (o->invert) byte = 255 - byte;
    return (float)((byte / 255 - o->mean[channel]) / (deviation > 0 ? deviation : 1));
}

static void changed_picture(const kin_batch_opt *o, const kin_image *image, const change *c, float *to)
{
    int height = image->height, width = image->width, channels = image->channels;
    const uint8_t *from = image->data;
    uint64_t at = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int k = 0; k < channels; k++, to++, at++) {
                if (x >= c->left && x < c->right && y >= c->top && y < c->bottom) {
                    *to = final_value(o, k, 255 * kin_random_uniform(c->noise, at));
                    continue;
                }
                int sx = within(x + c->dx, width), sy = within(y + c->dy, height);
                if (c->flip) sx = width - 1 - sx;
                *to = final_value(o, k, from[(sy * width + sx) * channels + k] * c->gain + c->offset);
            }
}

void kin_scaling_make(kin_scaling *scale, const kin_batch_opt *opt)
{
    scale->opt = *opt;
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) scale->level[c][v] = final_value(opt, c, v);
}

void kin_scaling_pixels(const kin_scaling *scale, const uint8_t *from, size_t pixels, int channels,
                        float *out)
{
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++) *out++ = scale->level[c][*from++];
}

void kin_scaling_picture(const kin_scaling *scale, const kin_image *image, int64_t picture, uint64_t key,
                         float *out)
{
    if (!key) {
        size_t pixels = (size_t)image->height * (size_t)image->width;
        kin_scaling_pixels(scale, image->data, pixels, image->channels, out);
        return;
    }
    change c = draw_change(&scale->opt, image->height, image->width, picture, key);
    changed_picture(&scale->opt, image, &c, out);
}

typedef struct filling {
    const kin_pictures *p;
    const int64_t *index;
    kin_scaling scale;
    float *out;
} filling;

static void fill_one(void *arg, int64_t i, int worker)
{
    (void)worker;
    const filling *f = arg;
    const kin_pictures *p = f->p;
    size_t count = (size_t)p->size * (size_t)p->size * (size_t)p->channels;
    kin_image image = {.width = p->size,
                       .height = p->size,
                       .channels = p->channels,
                       .data = p->pixels + (size_t)f->index[i] * count};
    kin_scaling_picture(&f->scale, &image, f->index[i], f->scale.opt.key, f->out + (size_t)i * count);
}

void kin_batch_fill(const kin_pictures *p, const int64_t *index, int64_t n, const kin_batch_opt *opt,
                    float *out)
{
    filling f = {.p = p, .index = index, .out = out};
    kin_scaling_make(&f.scale, opt);
    kin_parallel_for(n, fill_one, &f);
}
