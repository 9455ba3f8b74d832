/* Resizing with antialiasing, as Pillow does it on 8-bit pictures: each output sample is a weighted sum of the inputs
 * under a filter that is stretched when the picture shrinks. One direction first, then the other, with 8-bit samples
 * between; weights are integers with 22 bits of fraction. */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/image.h"

#include <math.h>

enum { PRECISION = 32 - 8 - 2 };
static const double pi = 3.14159265358979323846;

static double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }
static double bilinear(double x) { return fabs(x) < 1 ? 1 - fabs(x) : 0; }

static double bicubic(double x) /* Keys' kernel with a = −1/2 */
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static double sinc(double x) { return x == 0 ? 1 : sin(x * pi) / (x * pi); }
static double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

static const struct { double (*value)(double x); double support; } filters[] = {{box, 0.5}, {bilinear, 1}, {bicubic, 2}, {lanczos, 3}};

/* For each output position the first input, how many, and their weights. */
typedef struct weights {
    int *first, *count;
    int32_t *weight; /* [out][width] */
    int width;
} weights;

static void weights_free(weights *w)
{
    kin_free(w->first);
    kin_free(w->count);
    kin_free(w->weight);
}

static bool weights_new(weights *w, int in, int out, kin_filter filter, kin_error *err)
{
    double scale = (double)in / out, stretch = scale < 1 ? 1 : scale, support = filters[filter].support * stretch;
    w->width = (int)ceil(support) * 2 + 1;
    w->first = kin_alloc_array((size_t)out, sizeof *w->first);
    w->count = kin_alloc_array((size_t)out, sizeof *w->count);
    w->weight = kin_alloc_zero((size_t)out, (size_t)w->width * sizeof *w->weight);
    double *exact = kin_alloc_array((size_t)w->width, sizeof *exact);
    bool ok = w->first && w->count && w->weight && exact;
    for (int i = 0; ok && i < out; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (last > in) last = in;
        for (int k = 0; k < last - first; k++) sum += exact[k] = filters[filter].value((k + first - centre + 0.5) / stretch);
        for (int k = 0; k < last - first; k++) {
            double v = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << PRECISION);
            w->weight[i * w->width + k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
        }
        w->first[i] = first;
        w->count[i] = last - first;
    }
    kin_free(exact);
    if (!ok) weights_free(w);
    return ok || kin_fail_memory(err, "a resize", (size_t)out * (size_t)w->width * sizeof *w->weight);
}

static uint8_t clip(int32_t v)
{
    v >>= PRECISION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

typedef struct resize { const kin_image *in; kin_image *out; const weights *w; } resize;

static void row_across(void *arg, int64_t y, int worker)
{
    (void)worker;
    const resize *r = arg;
    int channels = r->in->channels;
    const uint8_t *from = r->in->data + (size_t)y * (size_t)r->in->width * (size_t)channels;
    uint8_t *to = r->out->data + (size_t)y * (size_t)r->out->width * (size_t)channels;
    for (int x = 0; x < r->out->width; x++) {
        const int32_t *weight = r->w->weight + x * r->w->width;
        for (int c = 0; c < channels; c++) {
            int32_t sum = 1 << (PRECISION - 1);
            for (int k = 0; k < r->w->count[x]; k++) sum += from[(r->w->first[x] + k) * channels + c] * weight[k];
            *to++ = clip(sum);
        }
    }
}

static void row_down(void *arg, int64_t y, int worker)
{
    (void)worker;
    const resize *r = arg;
    size_t bytes = (size_t)r->out->width * (size_t)r->out->channels;
    const int32_t *weight = r->w->weight + y * r->w->width;
    const uint8_t *from = r->in->data + (size_t)r->w->first[y] * bytes;
    uint8_t *to = r->out->data + (size_t)y * bytes;
    for (size_t i = 0; i < bytes; i++) {
        int32_t sum = 1 << (PRECISION - 1);
        for (int k = 0; k < r->w->count[y]; k++) sum += from[(size_t)k * bytes + i] * weight[k];
        to[i] = clip(sum);
    }
}

/* One direction: `across` along rows, else along columns. */
static bool one_way(const kin_image *in, int width, int height, bool across, kin_filter filter, kin_image *out, kin_error *err)
{
    weights w;
    if (!kin_image_new(out, width, height, in->channels, err)) return false;
    if (!weights_new(&w, across ? in->width : in->height, across ? width : height, filter, err)) {
        kin_image_free(out);
        return false;
    }
    resize r = {in, out, &w};
    kin_parallel_for(height, across ? row_across : row_down, &r);
    weights_free(&w);
    return true;
}

/* Which direction goes first decides how the samples between are rounded. Pillow 13 takes the columns first where that
 * drops many rows at once. */
static bool columns_first(const kin_image *in, int width, int height)
{
    int64_t rows = (int64_t)in->height - height, columns = (int64_t)in->width - width;
    return rows > 0 && rows > 2 * columns;
}

bool kin_image_resize(const kin_image *image, int width, int height, kin_filter filter, kin_image *out, kin_error *err)
{
    kin_image between;
    *out = (kin_image){0};
    if (width < 1 || height < 1 || width > 1000000 || height > 1000000) return kin_fail(err, KIN_ERR_ARGUMENT, "a picture cannot be resized to %d x %d", width, height);
    if (width == image->width) return one_way(image, width, height, false, filter, out, err);
    if (height == image->height) return one_way(image, width, height, true, filter, out, err);
    bool down = columns_first(image, width, height);
    if (!one_way(image, down ? image->width : width, down ? height : image->height, !down, filter, &between, err)) return false;
    bool ok = one_way(&between, width, height, down, filter, out, err);
    kin_image_free(&between);
    return ok;
}
