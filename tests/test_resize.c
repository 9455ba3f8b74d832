/* Resizing: the same bits as sums taken one by one, on every instruction set, for any size and channel
 * count. */
#include "base/memory.h"
#include "base/parallel.h"
#include "data/images/image.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
static double support_of(kin_filter filter) { return (double[]){0.5, 1, 2, 3}[filter]; }
static double sinc(double x) { return x == 0 ? 1 : sin(x * pi) / (x * pi); }

static double filter_at(kin_filter filter, double x)
{
    double d = fabs(x);
    if (filter == KIN_FILTER_BOX) return x > -0.5 && x <= 0.5 ? 1 : 0;
    if (filter == KIN_FILTER_BILINEAR) return d < 1 ? 1 - d : 0;
    if (filter == KIN_FILTER_BICUBIC)
        return d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * -0.5 : 0;
    return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

/* One direction: `n` lines of `in` samples `step` apart become `out` samples; a line's first sample is
 * found by start(). */
typedef struct lines {
    const uint8_t *from;
    uint8_t *to;
    int n, in, out;
    size_t step, from_line, to_line, inner;
} lines;

static size_t start(const lines *l, int line, size_t stride)
{
    return (size_t)line / l->inner * stride + (size_t)line % l->inner;
}

static void resize_lines(const lines *l, kin_filter filter)
{
    double scale = (double)l->in / l->out, stretch = scale < 1 ? 1 : scale,
           support = support_of(filter) * stretch, shrink = 1 / stretch;
    for (int x = 0; x < l->out; x++) {
        double centre = (x + 0.5) * scale, whole = 0;
        int first = (int)(centre - support + 0.5), end = (int)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (end > l->in) end = l->in;
        for (int k = first; k < end; k++) whole += filter_at(filter, (k - centre + 0.5) * shrink);
        for (int line = 0; line < l->n; line++) {
            int32_t sum = 1 << 21;
            const uint8_t *from = l->from + start(l, line, l->from_line);
            for (int k = first; k < end; k++) {
                double w = filter_at(filter, (k - centre + 0.5) * shrink);
                w = (whole != 0 ? w / whole : w) * (1 << 22);
                sum += from[(size_t)k * l->step] * (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
            }
            sum >>= 22;
            l->to[start(l, line, l->to_line) + (size_t)x * l->step] = (uint8_t)(sum < 0     ? 0
                                                                                : sum > 255 ? 255
                                                                                            : sum);
        }
    }
}

static void slow_way(const kin_image *in, int size, bool across, kin_filter filter, kin_image *out)
{
    kin_image_new(out, across ? size : in->width, across ? in->height : size, in->channels, NULL);
    size_t c = (size_t)in->channels, row = (size_t)in->width * c, new_row = (size_t)out->width * c;
    lines l = {in->data,
               out->data,
               across ? in->height * in->channels : (int)row,
               across ? in->width : in->height,
               size,
               across ? c : row,
               across ? row : 0,
               across ? new_row : 0,
               across ? c : row};
    resize_lines(&l, filter);
}

static void slow_resize(const kin_image *in, int width, int height, kin_filter filter, kin_image *out)
{
    kin_image between;
    int rows = in->height - height, columns = in->width - width;
    bool down_first = rows > 0 && rows > 2 * columns;
    if (width == in->width || height == in->height) {
        slow_way(in, width == in->width ? height : width, width != in->width, filter, out);
        return;
    }
    slow_way(in, down_first ? height : width, !down_first, filter, &between);
    slow_way(&between, down_first ? width : height, down_first, filter, out);
    kin_image_free(&between);
}

static kin_image random_picture(kin_stream *s, int width, int height, int channels)
{
    kin_image image;
    kin_image_new(&image, width, height, channels, NULL);
    bool stark = kin_stream_below(s, 3) == 0; /* black and white: sums that must be clipped */
    for (int i = 0; i < width * height * channels; i++)
        image.data[i] = (uint8_t)(stark ? 255 * kin_stream_below(s, 2) : kin_stream_below(s, 256));
    return image;
}

static void compare(const kin_image *in, int width, int height, kin_filter filter)
{
    kin_image want, got;
    kin_error err = {0};
    slow_resize(in, width, height, filter, &want);
    CHECK_MSG(kin_image_resize(in, width, height, filter, &got, &err), "%s", err.message);
    CHECK_MSG(got.data &&
                  memcmp(got.data, want.data, (size_t)width * (size_t)height * (size_t)in->channels) == 0,
              "%d x %d x %d to %d x %d with filter %d differs", in->width, in->height, in->channels, width,
              height, (int)filter);
    kin_image_free(&want), kin_image_free(&got);
}

static void any_size(const char *isa)
{
    check_begin("resize: any size, up and down, as one by one, on %s", isa);
    kin_stream s = {.key = 5};
    for (int i = 0; i < 400; i++) {
        int most = i % 8 ? 70 : 200;
        kin_image in = random_picture(&s, (int)numbers_pick(&s, 1, most), (int)numbers_pick(&s, 1, most),
                                      1 + i % 4);
        int width = i % 9 ? (int)numbers_pick(&s, 1, 100) : in.width,
            height = i % 13 ? (int)numbers_pick(&s, 1, 100) : in.height;
        kin_set_threads(1 + i % 3);
        compare(&in, width, height, (kin_filter)(i / 4 % 4));
        kin_image_free(&in);
    }
    /* Rows longer than what is held of them at once, and sums over more than that. */
    for (int i = 0; i < 16; i++) {
        kin_image in = random_picture(&s, 2000 + 37 * i, 1 + i, 1 + i % 4);
        compare(&in, i % 2 ? 3 + i : 1500 + i, 5, (kin_filter)(i / 4));
        kin_image_free(&in);
    }
    kin_set_threads(0);
    check_end();
}

static void no_memory(void)
{
    check_begin("resize: out of memory at any point is an error, and nothing leaks");
    kin_image in, out;
    kin_image_new(&in, 20, 10, 3, NULL);
    memset(in.data, 7, 600);
    long before = kin_alloc_live();
    for (long n = 1; n < 50; n++) {
        kin_error err = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_image_resize(&in, 7, 9, KIN_FILTER_BICUBIC, &out, &err);
        bool happened = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK(ok != happened);
        if (ok) kin_image_free(&out);
        CHECK(kin_alloc_live() == before);
        if (ok) break;
        CHECK(n < 49 && err.code == KIN_ERR_MEMORY);
    }
    kin_image_free(&in);
    check_end();
}

int main(void)
{
    numbers_each_isa("resize", any_size);
    no_memory();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
