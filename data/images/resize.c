/* Resizing with antialiasing, as Pillow does it on 8-bit pictures: each output sample is a weighted sum of
 * the inputs under a filter that is stretched when the picture shrinks. One direction first, then the
 * other, with 8-bit samples between; weights are integers with 22 bits of fraction, so that every
 * instruction set gives the same bits. */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/images/image.h"
#include "data/images/resize_kernels.h"
#include "kernels/cut.h"
#include "kernels/isa.h"

#include <math.h>
#include <string.h>

KIN_ISA_DECLARE(kin_resize_kernels, kin_resize_kernels);

static const kin_resize_kernels *lines(void)
{
    static const kin_resize_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_resize_kernels);
    return tables[kin_isa()];
}

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

static const struct {
    double (*value)(double x);
    double support;
} filters[] = {{box, 0.5}, {bilinear, 1}, {bicubic, 2}, {lanczos, 3}};

static void weights_free(kin_resize_weights *w)
{
    kin_free(w->first);
    kin_free(w->count);
    kin_free(w->weight);
    *w = (kin_resize_weights){0};
}

/* A stretch of the output's positions along one side. */
typedef struct window {
    int64_t whole, from; /* positions in all, and the first of those that are computed */
    int count;
} window;

static bool weights_new(kin_resize_weights *w, int in, window side, kin_filter filter, kin_error *err)
{
    int out = side.count;
    double scale = (double)in / (double)side.whole, stretch = scale < 1 ? 1 : scale,
           support = filters[filter].support * stretch, shrink = 1 / stretch;
    w->width = (int)ceil(support) * 2 + 1;
    w->first = kin_alloc_array((size_t)out, sizeof *w->first);
    w->count = kin_alloc_array((size_t)out, sizeof *w->count);
    w->weight = kin_alloc_zero((size_t)out, (size_t)w->width * sizeof *w->weight);
    double *exact = kin_alloc_array((size_t)w->width, sizeof *exact);
    bool ok = w->first && w->count && w->weight && exact;
    for (int i = 0; ok && i < out; i++) {
        double centre = ((double)(side.from + i) + 0.5) * scale, sum = 0;
        int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (last > in) last = in;
        for (int k = 0; k < last - first; k++)
            sum += exact[k] = filters[filter].value((k + first - centre + 0.5) * shrink);
        for (int k = 0; k < last - first; k++) {
            double v = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << KIN_RESIZE_PRECISION);
            w->weight[(size_t)i * (size_t)w->width + (size_t)k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
        }
        w->first[i] = first;
        w->count[i] = last - first;
    }
    kin_free(exact);
    if (!ok) weights_free(w);
    return ok || kin_fail_memory(err, "a resize", (size_t)out * (size_t)w->width * sizeof *w->weight);
}

typedef struct resize {
    const kin_image *in;
    kin_image *out;
    const kin_resize_weights *w;
    const kin_resize_kernels *lines;
    uint8_t *held; /* of each worker */
} resize;

static size_t stride_of(const kin_image *image) { return (size_t)image->width * (size_t)image->channels; }

/* A block is as many rows of the output as the table takes at once. */
static int rows_in(const resize *r, int64_t block)
{
    int left = r->out->height - (int)block * r->lines->rows;
    return left < r->lines->rows ? left : r->lines->rows;
}

static void rows_across(void *arg, int64_t block, int worker)
{
    const resize *r = arg;
    size_t from = stride_of(r->in), to = stride_of(r->out), first = (size_t)block * (size_t)r->lines->rows;
    kin_resize_rows rows = {.from = r->in->data + first * from,
                            .to = r->out->data + first * to,
                            .from_stride = from,
                            .to_stride = to,
                            .rows = rows_in(r, block),
                            .in = r->in->width,
                            .out = r->out->width,
                            .channels = r->in->channels,
                            .held = r->held + (size_t)worker * r->lines->held};
    r->lines->across(&rows, r->w);
}

static void rows_down(void *arg, int64_t block, int worker)
{
    (void)worker;
    const resize *r = arg;
    size_t bytes = stride_of(r->out), first = (size_t)block * (size_t)r->lines->rows,
           end = first + (size_t)rows_in(r, block);
    for (size_t y = first; y < end; y++)
        r->lines->down(r->in->data + (size_t)r->w->first[y] * bytes, bytes,
                       r->w->weight + y * (size_t)r->w->width, r->w->count[y], r->out->data + y * bytes);
}

/* One direction: `across` along rows, else along columns. */
static bool one_way(const kin_image *in, int size, bool across, const kin_resize_weights *w, kin_image *out,
                    kin_error *err)
{
    if (!kin_image_new(out, across ? size : in->width, across ? in->height : size, in->channels, err))
        return false;
    resize r = {.in = in, .out = out, .w = w, .lines = lines()};
    int64_t blocks = kin_blocks(out->height, r.lines->rows);
    size_t held = across ? (size_t)kin_workers(blocks, kin_threads()) * r.lines->held : 0;
    if (held && !(r.held = kin_alloc(held))) {
        kin_image_free(out);
        return kin_fail_memory(err, "a resize", held);
    }
    kin_parallel_for(blocks, across ? rows_across : rows_down, &r);
    kin_free(r.held);
    return true;
}

/* Which direction goes first decides how the samples between are rounded. Pillow 13 takes the columns
 * first where that drops many rows at once. */
static bool columns_first(const kin_image *in, int64_t width, int64_t height)
{
    int64_t rows = in->height - height, columns = in->width - width;
    return rows > 0 && rows > 2 * columns;
}

/* Only the rows that the second direction will read go through the first. */
static bool rows_first(const kin_image *image, const kin_resize_weights *along, kin_resize_weights *down,
                       int width, int height, kin_image *out, kin_error *err)
{
    int first = down->first[0], end = first;
    kin_image between, part = *image;
    for (int i = 0; i < height; i++) {
        if (down->first[i] < first) first = down->first[i];
        if (down->first[i] + down->count[i] > end) end = down->first[i] + down->count[i];
    }
    part.data += (size_t)first * stride_of(image);
    part.height = end - first;
    for (int i = 0; i < height; i++) down->first[i] -= first;
    if (!one_way(&part, width, true, along, &between, err)) return false;
    bool ok = one_way(&between, height, false, down, out, err);
    kin_image_free(&between);
    return ok;
}

static bool both_ways(const kin_image *image, const kin_resize_weights *along, kin_resize_weights *down,
                      const kin_resize_part *p, kin_image *out, kin_error *err)
{
    kin_image between;
    if (!columns_first(image, p->whole_width, p->whole_height))
        return rows_first(image, along, down, p->width, p->height, out, err);
    if (!one_way(image, p->height, false, down, &between, err)) return false;
    bool ok = one_way(&between, p->width, true, along, out, err);
    kin_image_free(&between);
    return ok;
}

static bool sound(const kin_image *image, const kin_resize_part *p, kin_error *err)
{
    const int64_t longest = INT64_C(1) << 40;
    if (p->whole_width < 1 || p->whole_height < 1 || p->whole_width > longest || p->whole_height > longest ||
        p->width < 1 || p->height < 1 || p->width > 1000000 || p->height > 1000000 || p->left < 0 ||
        p->top < 0 || p->left > p->whole_width - p->width || p->top > p->whole_height - p->height)
        return kin_fail(err, KIN_ERR_DATA, "a picture of %d x %d cannot be resized to %lld x %lld",
                        image->width, image->height, (long long)p->whole_width, (long long)p->whole_height);
    if ((uint64_t)p->width * (uint64_t)p->height > KIN_IMAGE_PIXELS)
        return kin_fail(err, KIN_ERR_DATA,
                        "a picture of %d x %d would be resized to %d x %d, more than %llu pixels",
                        image->width, image->height, p->width, p->height,
                        (unsigned long long)KIN_IMAGE_PIXELS);
    return true;
}

/* Columns or rows that are not resized are cut out. */
static bool cut(kin_image *image, int left, int top, int width, int height, kin_error *err)
{
    kin_image out;
    if (image->width == width && image->height == height) return true;
    if (!kin_image_new(&out, width, height, image->channels, err)) return false;
    for (int y = 0; y < height; y++)
        memcpy(out.data + (size_t)y * stride_of(&out),
               image->data + (size_t)(top + y) * stride_of(image) + (size_t)left * (size_t)image->channels,
               stride_of(&out));
    kin_image_free(image);
    *image = out;
    return true;
}

bool kin_image_resize_part(const kin_image *image, const kin_resize_part *p, kin_filter filter,
                           kin_image *out, kin_error *err)
{
    kin_resize_weights along = {0}, down = {0};
    bool across = p->whole_width != image->width, downwards = p->whole_height != image->height, ok = true;
    *out = (kin_image){0};
    if (!sound(image, p, err)) return false;
    if (across)
        ok = weights_new(&along, image->width, (window){p->whole_width, p->left, p->width}, filter, err);
    if (ok && (downwards || !across))
        ok = weights_new(&down, image->height, (window){p->whole_height, p->top, p->height}, filter, err);
    if (ok && !across)
        ok = one_way(image, p->height, false, &down, out, err) &&
             cut(out, (int)p->left, 0, p->width, p->height, err);
    else if (ok && !downwards)
        ok = one_way(image, p->width, true, &along, out, err) &&
             cut(out, 0, (int)p->top, p->width, p->height, err);
    else if (ok) ok = both_ways(image, &along, &down, p, out, err);
    weights_free(&along), weights_free(&down);
    if (!ok) kin_image_free(out);
    return ok;
}

bool kin_image_resize(const kin_image *image, int width, int height, kin_filter filter, kin_image *out,
                      kin_error *err)
{
    return kin_image_resize_part(image, &(kin_resize_part){width, height, 0, 0, width, height}, filter, out,
                                 err);
}
