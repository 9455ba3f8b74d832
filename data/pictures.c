#include "data/pictures.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <limits.h>
#include <string.h>

enum { GROUP = 64 }; /* pictures between two looks at progress */

/* Where a cut begins: Python's round(n / 2), half to even; where the picture is too small the padding's
 * floor(−n / 2). */
static int64_t half_of(int64_t n) { return n >= 0 ? n / 2 + (n % 4 == 3) : -(-n / 2); }

/* The middle of a side: how much of it, and where it begins. */
static int middle(int64_t whole, int wanted, int64_t *from)
{
    *from = whole > wanted ? half_of(whole - wanted) : 0;
    return whole > wanted ? wanted : (int)whole;
}

/* The short side to `side`, and of the result the middle of at most width x height. */
static bool resize_middle(kin_image *image, int side, int width, int height, kin_filter filter,
                          kin_error *err)
{
    int w = image->width, h = image->height, short_side = w < h ? w : h;
    kin_image resized;
    if (short_side == side) return true;
    kin_resize_part part = {.whole_width = w <= h ? side : (int64_t)side * w / h,
                            .whole_height = w <= h ? (int64_t)side * h / w : side};
    part.width = middle(part.whole_width, width, &part.left);
    part.height = middle(part.whole_height, height, &part.top);
    if (!kin_image_resize_part(image, &part, filter, &resized, err)) return false;
    resized.remark = image->remark;
    resized.hidden = image->hidden;
    kin_image_free(image);
    *image = resized;
    return true;
}

bool kin_picture_resize_short(kin_image *image, int side, kin_filter filter, kin_error *err)
{
    return resize_middle(image, side, INT_MAX, INT_MAX, filter, err);
}

bool kin_picture_resize_crop(kin_image *image, int side, int width, int height, kin_filter filter,
                             kin_error *err)
{
    return resize_middle(image, side, width, height, filter, err) &&
           kin_picture_crop(image, width, height, err);
}

bool kin_picture_crop(kin_image *image, int width, int height, kin_error *err)
{
    kin_image cut;
    int left = (int)half_of(image->width - width), top = (int)half_of(image->height - height),
        channels = image->channels;
    if (image->width == width && image->height == height) return true;
    if (!kin_image_new(&cut, width, height, channels, err)) return false;
    memset(cut.data, 0, (size_t)width * (size_t)height * (size_t)channels);
    int from = left < 0 ? -left : 0, to = image->width - left < width ? image->width - left : width;
    for (int y = 0; y < height; y++)
        if (y + top >= 0 && y + top < image->height)
            memcpy(cut.data + ((size_t)y * (size_t)width + (size_t)from) * (size_t)channels,
                   image->data +
                       ((size_t)(y + top) * (size_t)image->width + (size_t)(from + left)) * (size_t)channels,
                   (size_t)(to - from) * (size_t)channels);
    cut.remark = image->remark;
    cut.hidden = image->hidden;
    kin_image_free(image);
    *image = cut;
    return true;
}

bool kin_picture_prepare(kin_image *image, int resize, int size, int channels, kin_filter filter,
                         kin_error *err)
{
    return kin_image_convert(image, channels, err) &&
           kin_picture_resize_crop(image, resize ? resize : size, size, size, filter, err);
}

static bool stretch(kin_image *image, int height, int width, kin_filter filter, kin_error *err)
{
    kin_image stretched;
    if (image->width == width && image->height == height) return true;
    if (!kin_image_resize(image, width, height, filter, &stretched, err)) return false;
    stretched.remark = image->remark, stretched.hidden = image->hidden;
    kin_image_free(image);
    *image = stretched;
    return true;
}

bool kin_picture_prepare_to(kin_image *image, int resize, int height, int width, int channels,
                            kin_filter filter, kin_error *err)
{
    if (height == width) return kin_picture_prepare(image, resize, height, channels, filter, err);
    return kin_image_convert(image, channels, err) && stretch(image, height, width, filter, err);
}

kin_dataset kin_pictures_set(const kin_pictures *p)
{
    return (kin_dataset){.count = p->count,
                         .classes = p->classes,
                         .items = p->items,
                         .pixels = p->pixels,
                         .width = p->size,
                         .height = p->size,
                         .channels = p->channels};
}

typedef struct loading {
    const kin_dataset *set;
    const kin_pictures_opt *opt;
    uint8_t *pixels;
    size_t bytes; /* of one picture */
    int64_t first;
    kin_error *errors; /* [GROUP] */
    bool hidden[GROUP];
} loading;

static void load_one(void *arg, int64_t index, int worker)
{
    (void)worker;
    loading *l = arg;
    int64_t i = l->first + index;
    kin_image image;
    kin_error *err = &l->errors[index];
    kin_error_clear(err);
    l->hidden[index] = false;
    if (!kin_dataset_image(l->set, i, &l->opt->limits, &image, err)) return;
    bool ok = kin_picture_prepare(&image, 0, l->opt->size, l->opt->channels, l->opt->filter, err);
    if (ok) memcpy(l->pixels + (size_t)i * l->bytes, image.data, l->bytes);
    else kin_error_prefix(err, "%s", l->set->items[i].path);
    l->hidden[index] = ok && image.hidden;
    kin_image_free(&image);
}

/* Moves the readable pictures of a group together and notes the others. */
static bool keep_group(loading *l, int64_t count, kin_pictures *out, kin_error *err)
{
    for (int64_t k = 0; k < count; k++) {
        kin_error *e = &l->errors[k];
        if (kin_failed(e)) {
            if (l->opt->strict || !kin_error_is_of_file(e)) return kin_fail(err, e->code, "%s", e->message);
            if (out->broken++ == 0) out->first_broken = *e;
            continue;
        }
        out->hidden += l->hidden[k];
        if (out->count != l->first + k)
            memcpy(l->pixels + (size_t)out->count * l->bytes, l->pixels + (size_t)(l->first + k) * l->bytes,
                   l->bytes);
        out->items[out->count++] = l->set->items[l->first + k];
    }
    return true;
}

static bool load_all(loading *l, kin_pictures *out, kin_error *err)
{
    for (l->first = 0; l->first < l->set->count; l->first += GROUP) {
        int64_t count = l->set->count - l->first < GROUP ? l->set->count - l->first : GROUP;
        kin_parallel_for(count, load_one, l);
        if (!keep_group(l, count, out, err)) return false;
        if (l->opt->progress && !l->opt->progress(l->opt->user, l->first + count, l->set->count))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while reading pictures");
    }
    return out->count > 0 ||
           kin_fail(err, KIN_ERR_DATA, "none of the %lld pictures can be read; the first: %s",
                    (long long)out->broken, out->first_broken.message);
}

bool kin_pictures_load(const kin_dataset *set, const kin_pictures_opt *opt, kin_pictures *out, kin_error *err)
{
    uint64_t allowed = opt->memory_max ? opt->memory_max : (uint64_t)4 << 30;
    size_t bytes = (size_t)opt->size * (size_t)opt->size * (size_t)opt->channels, total;
    *out = (kin_pictures){.size = opt->size, .channels = opt->channels, .classes = set->classes};
    if (!kin_mul_size(bytes, (uint64_t)set->count, &total) || total > allowed)
        return kin_fail(err, KIN_ERR_MEMORY,
                        "%lld pictures of %d x %d x %d need more than the %llu MiB allowed; choose a smaller "
                        "--size or fewer classes",
                        (long long)set->count, opt->size, opt->size, opt->channels,
                        (unsigned long long)(allowed >> 20));
    loading l = {.set = set,
                 .opt = opt,
                 .bytes = bytes,
                 .pixels = kin_alloc(total),
                 .errors = kin_alloc_zero(GROUP, sizeof *l.errors)};
    out->pixels = l.pixels;
    out->items = kin_alloc_array((size_t)set->count, sizeof *out->items);
    bool ok = (l.pixels && l.errors && out->items) || kin_fail_memory(err, "the pictures", total);
    ok = ok && load_all(&l, out, err);
    kin_free(l.errors);
    if (!ok) kin_pictures_free(out);
    return ok;
}

void kin_pictures_free(kin_pictures *p)
{
    kin_free(p->pixels);
    kin_free(p->items);
    p->pixels = NULL;
    p->items = NULL;
    p->count = 0;
}
