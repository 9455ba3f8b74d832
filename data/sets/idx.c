/* IDX, the format of MNIST [LeCun]: two zero bytes, the type (8: unsigned byte), the number of axes, then
 * their sizes as big-endian 32-bit words, then the numbers. Pictures are [n, rows, columns], labels [n]. */
#include "base/memory.h"
#include "data/images/inflate.h"
#include "data/sets/known.h"

#include <stdio.h>
#include <string.h>

enum { TYPE_BYTE = 8, SIZE_LIMIT = 1 << 30 };

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Checks the header of `axes` axes and that the numbers are all there. */
static bool check(const char *name, const kin_bytes *b, int axes, uint32_t *dims, kin_error *err)
{
    size_t header = 4 + 4 * (size_t)axes, count = 1;
    if (b->size < header || b->data[0] || b->data[1] || b->data[2] != TYPE_BYTE || b->data[3] != axes)
        return kin_fail(err, KIN_ERR_DATA, "%s: not an IDX file of %s: it does not begin with 00 00 08 %02x",
                        name, axes == 3 ? "pictures" : "labels", axes);
    for (int i = 0; i < axes; i++) {
        dims[i] = big_endian(b->data + 4 + 4 * i);
        if (!kin_mul_size(count, dims[i], &count))
            return kin_fail(err, KIN_ERR_DATA, "%s: impossible sizes", name);
    }
    if (count != b->size - header)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: its header promises %zu bytes, but %zu follow: the file is truncated or damaged",
                        name, count, b->size - header);
    return true;
}

static bool add_items(const char *name, uint32_t n, const uint8_t *labels, kin_dataset *out, kin_error *err)
{
    char id[16];
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    int most = 0;
    for (uint32_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "%u", i);
        int label = labels ? labels[i] : 0;
        if (label > most) most = label;
        if (!kin_dataset_add(out, id, name, label, i, err)) return false;
    }
    out->classes = most + 1;
    out->class_names = kin_arena_alloc(&out->arena, (size_t)out->classes * sizeof *out->class_names);
    for (int c = 0; out->class_names && c < out->classes; c++) {
        snprintf(id, sizeof id, "%d", c);
        out->class_names[c] = c < 10 ? digits[c] : kin_arena_strdup(&out->arena, id);
        if (!out->class_names[c]) return kin_fail_memory(err, "class names", sizeof id);
    }
    return out->class_names || kin_fail_memory(err, "class names", (size_t)out->classes);
}

bool kin_idx_parse(const char *name, const kin_bytes *images, const kin_bytes *labels, kin_dataset *out,
                   kin_error *err)
{
    uint32_t dims[3], n_labels = 0;
    if (!check(name, images, 3, dims, err)) return false;
    if (labels->size && !check(name, labels, 1, &n_labels, err)) return false;
    if (labels->size && n_labels != dims[0])
        return kin_fail(err, KIN_ERR_DATA, "%s: %u pictures, but %u labels beside them", name, dims[0],
                        n_labels);
    if (dims[0] == 0 || dims[1] == 0 || dims[2] == 0 || dims[1] > 65535 || dims[2] > 65535)
        return kin_fail(err, KIN_ERR_DATA, "%s: holds no pictures", name);
    size_t size = images->size - 16;
    out->pixels = kin_alloc(size);
    if (!out->pixels) return kin_fail_memory(err, name, size);
    memcpy(out->pixels, images->data + 16, size);
    out->height = (int)dims[1];
    out->width = (int)dims[2];
    out->channels = 1;
    return add_items(name, dims[0], labels->size ? labels->data + 8 : NULL, out, err);
}

/* How many bytes the header promises, which are unpacked first: no more than these can be right. */
static bool promises(const kin_bytes *packed, size_t *size, kin_error *err)
{
    enum { AXES_MAX = 3, HEADER = 4 + 4 * AXES_MAX };
    kin_bytes start;
    if (!kin_gunzip_first(packed->data, packed->size, HEADER, &start, err)) return false;
    size_t axes = start.size >= 4 ? start.data[3] : 0, count = 1;
    bool ok = axes >= 1 && axes <= AXES_MAX && start.size >= 4 + 4 * axes;
    for (size_t i = 0; ok && i < axes; i++)
        ok = kin_mul_size(count, big_endian(start.data + 4 + 4 * i), &count);
    kin_bytes_free(&start);
    if (!ok) return kin_fail(err, KIN_ERR_DATA, "not an IDX file: it does not begin as one");
    *size = 4 + 4 * axes + count;
    return count < SIZE_LIMIT ||
           kin_fail(err, KIN_ERR_DATA, "its header promises %zu bytes; at most %d are read", count,
                    SIZE_LIMIT);
}

static bool read_packed(const char *path, kin_bytes *out, kin_error *err)
{
    kin_bytes raw;
    if (!kin_read_file(path, SIZE_LIMIT, &raw, err)) return false;
    if (raw.size < 2 || raw.data[0] != 0x1f || raw.data[1] != 0x8b) {
        *out = raw;
        return true;
    }
    kin_error inner = {0};
    size_t promised = 0;
    bool ok = promises(&raw, &promised, &inner) && kin_gunzip(raw.data, raw.size, promised, out, &inner);
    kin_bytes_free(&raw);
    kin_error_prefix(&inner, "%s", path);
    return ok || kin_fail(err, inner.code, "%s", inner.message);
}

/* train-images-idx3-ubyte.gz has its labels in train-labels-idx1-ubyte.gz. */
static char *labels_path(const char *path)
{
    /* folders may be called anything */
    char *copy = kin_strdup(path), *slash = copy ? strrchr(copy, '/') : NULL,
         *name = slash ? slash + 1 : copy;
    char *images = name ? strstr(name, "images") : NULL, *idx3 = name ? strstr(name, "idx3") : NULL;
    if (!images || !idx3) {
        kin_free(copy);
        return NULL;
    }
    memcpy(images, "labels", 6);
    idx3[3] = '1';
    return copy;
}

bool kin_idx_open(const char *path, kin_dataset *out, kin_error *err)
{
    kin_bytes images, labels = {0};
    if (!read_packed(path, &images, err)) return false;
    char *beside = labels_path(path);
    bool ok = !beside || !kin_regular_file(beside) || read_packed(beside, &labels, err);
    kin_free(beside);
    ok = ok && kin_idx_parse(path, &images, &labels, out, err);
    kin_bytes_free(&images);
    kin_bytes_free(&labels);
    return ok;
}

/* ---- the folders of MNIST and those laid out like it: train-images-idx3-ubyte and
 * t10k-images-idx3-ubyte, also as .gz: 60,000 and 10,000 pictures ---- */

static bool is_images(const char *name, bool test)
{
    bool half = test ? strncmp(name, "t10k", 4) == 0 || strncmp(name, "test", 4) == 0
                     : strncmp(name, "train", 5) == 0;
    return half && strstr(name, "idx3-ubyte");
}

/* The first such file of a folder, by name; NULL when there is none. */
static char *find_images(const char *folder, bool test, kin_error *err)
{
    char **names, *path = NULL;
    size_t count, i = 0;
    if (!kin_folder_names(folder, &names, &count, err)) return NULL;
    while (i < count && !is_images(names[i], test)) i++;
    if (i < count && !(path = kin_path_join(folder, names[i])))
        kin_fail_memory(err, folder, strlen(names[i]));
    kin_folder_names_free(names, count);
    return path;
}

static bool here(const char *folder)
{
    char *train = find_images(folder, false, NULL), *test = find_images(folder, true, NULL);
    bool found = train || test;
    kin_free(train);
    kin_free(test);
    return found;
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    (void)lists;
    bool test = strcmp(part, "test") == 0;
    char *path = find_images(folder, test, err);
    if (!path)
        return kin_fail(err, KIN_ERR_IO, "%s: has no %s...idx3-ubyte, which is the part \"%s\"", folder,
                        test ? "t10k" : "train", part);
    bool ok = kin_idx_open(path, out, err);
    kin_free(path);
    return ok;
}

static const char *const parts[] = {"train", "test", NULL};
const kin_known kin_known_mnist = {
    .name = "MNIST or one like it (IDX)", .parts = parts, .here = here, .parse = parse};
