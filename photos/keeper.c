#include "photos/keeper.h"

#include "base/file.h"
#include "base/memory.h"
#include "photos/descent.h"
#include "photos/detail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *path_of(const kin_keeper *k, int64_t item)
{
    return kin_path_join(k->folder, k->photos->item[item].path);
}

bool kin_keeper_palette(const kin_keeper *k, int64_t item, kin_error *err)
{
    uint8_t bytes[32];
    kin_error inner = {0};
    char *path = path_of(k, item);
    FILE *file = path ? kin_open_for_reading(path, &inner) : NULL;
    size_t size = file ? kin_read_on(file, bytes, sizeof bytes) : 0;
    if (!path) kin_fail_memory(&inner, "a path", 4096);
    else if (file && ferror(file)) kin_fail_reading(&inner, path, errno);
    if (file) fclose(file);
    kin_free(path);
    k->worth[item].paletted = kin_detail_paletted(bytes, size);
    return !kin_failed(&inner) || kin_error_is_of_file(&inner) ||
           kin_fail(err, inner.code, "%s", inner.message);
}

/* What cannot be read is left as it is (out->data NULL); another error is one. */
static bool read_grey(const kin_keeper *k, int64_t item, kin_image *out, kin_error *err)
{
    kin_error inner = {0};
    char *path = path_of(k, item);
    bool ok = path ? kin_image_read(path, k->limits, out, &inner) : kin_fail_memory(&inner, "a path", 4096);
    if (ok && !kin_image_convert(out, 1, &inner)) kin_image_free(out), ok = false;
    kin_free(path);
    if (!ok) *out = (kin_image){0};
    return ok || kin_error_is_of_file(&inner) || kin_fail(err, inner.code, "%s", inner.message);
}

/* Whether the larger picture shows more; what cannot be told is believed. */
static bool shows_more(const kin_keeper *k, int64_t larger, int64_t smaller, bool *more, kin_error *err)
{
    kin_image a = {0}, b = {0};
    const kin_photo *x = &k->photos->item[larger], *y = &k->photos->item[smaller];
    *more = true;
    if ((double)(y->width * y->height) > .64 * (double)(x->width * x->height)) return true;
    bool ok = read_grey(k, larger, &a, err) && read_grey(k, smaller, &b, err);
    ok = ok && (!a.data || !b.data || kin_detail_more(&a, &b, more, err));
    kin_image_free(&a), kin_image_free(&b);
    return ok;
}

static bool read_steps(const kin_keeper *k, int64_t item, int steps[64], bool *known, kin_error *err)
{
    kin_bytes bytes;
    kin_error inner = {0};
    char *path = path_of(k, item);
    bool ok = path ? kin_read_file(path, 0, &bytes, &inner) : kin_fail_memory(&inner, "a path", 4096);
    *known = ok && kin_descent_steps(bytes.data, bytes.size, steps);
    if (ok) kin_bytes_free(&bytes);
    kin_free(path);
    return ok || kin_error_is_of_file(&inner) || kin_fail(err, inner.code, "%s", inner.message);
}

/* Which of two of one size was there first, as far as their coefficients tell. */
static bool find_descent(const kin_keeper *k, int64_t a, int64_t b, kin_descent *descent, kin_error *err)
{
    int a_steps[64], b_steps[64];
    bool known[2];
    kin_image x = {0}, y = {0};
    *descent = KIN_DESCENT_UNKNOWN;
    if (!read_steps(k, a, a_steps, &known[0], err) || !read_steps(k, b, b_steps, &known[1], err))
        return false;
    bool differ = known[0] && known[1] && memcmp(a_steps, b_steps, sizeof a_steps) != 0;
    if (!differ) return true; /* nothing would be told, and nothing need be decoded */
    bool ok = read_grey(k, a, &x, err) && read_grey(k, b, &y, err);
    if (ok && x.data && y.data) *descent = kin_descent_of(&x, a_steps, &y, b_steps);
    kin_image_free(&x), kin_image_free(&y);
    return ok;
}

bool kin_keeper_better(const kin_keeper *k, int64_t a, int64_t b, kin_error *err)
{
    const kin_photo *x = &k->photos->item[a], *y = &k->photos->item[b];
    int64_t pixels = x->width * x->height, others = y->width * y->height;
    if (x->link != y->link) return y->link;
    if (memcmp(x->digest, y->digest, sizeof x->digest) == 0) return a < b;
    if (k->worth[a].grey != k->worth[b].grey) return k->worth[b].grey;
    if (k->worth[a].paletted != k->worth[b].paletted && pixels < 4 * others && others < 4 * pixels)
        return k->worth[b].paletted;
    /* A frame adds pixels, and nothing to see; inside of one a tenth of the sides thick .64 of them are the picture. */
    if (k->worth[a].framed != k->worth[b].framed &&
        (double)(k->worth[a].framed ? others : pixels) >= .6 * (double)(k->worth[a].framed ? pixels : others))
        return k->worth[b].framed;
    if (pixels != others) {
        bool larger = pixels > others, more;
        if (!shows_more(k, larger ? a : b, larger ? b : a, &more, err)) return false;
        if (!more && (x->date != 0) != (y->date != 0)) return x->date != 0;
        return larger == more;
    }
    if ((x->date != 0) != (y->date != 0)) return x->date != 0;
    kin_descent descent;
    if (!find_descent(k, a, b, &descent, err)) return false;
    if (descent != KIN_DESCENT_UNKNOWN) return descent == KIN_DESCENT_FIRST;
    return x->bytes != y->bytes ? x->bytes > y->bytes : a < b;
}
