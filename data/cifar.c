/* CIFAR's binary files [Krizhevsky 2009]: records of a label byte (CIFAR-100: coarse, then fine) and 3,072 bytes of
 * pixels, 32 × 32, first all red ones, then green, then blue. */
#include "base/memory.h"
#include "data/dataset.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 32, AREA = SIDE * SIDE, PIXELS = 3 * AREA, FILE_LIMIT = 1 << 30 };

bool kin_cifar_parse(const char *name, const kin_bytes *bytes, kin_dataset *out, kin_error *err)
{
    size_t labels = bytes->size % (PIXELS + 1) == 0 ? 1 : bytes->size % (PIXELS + 2) == 0 ? 2 : 0;
    if (labels == 0 || bytes->size == 0)
        return kin_fail(err, KIN_ERR_DATA, "%s: not a CIFAR file: %zu bytes are no whole number of records of %d (CIFAR-10) or %d (CIFAR-100) bytes", name, bytes->size, PIXELS + 1, PIXELS + 2);
    size_t record = PIXELS + labels, n = bytes->size / record, old = (size_t)out->count * PIXELS;
    uint8_t *pixels = kin_realloc(out->pixels, old, old + n * PIXELS);
    if (!pixels) return kin_fail_memory(err, name, n * PIXELS);
    out->pixels = pixels;
    out->width = out->height = SIDE;
    out->channels = 3;
    int classes = labels == 1 ? 10 : 100;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from = bytes->data + i * record;
        int label = from[labels - 1];
        char id[24];
        if (label >= classes) return kin_fail(err, KIN_ERR_DATA, "%s: record %zu has the label %d; 0 to %d are possible", name, i, label, classes - 1);
        snprintf(id, sizeof id, "%lld", (long long)out->count);
        uint8_t *to = pixels + (size_t)out->count * PIXELS;
        for (int p = 0; p < AREA; p++)
            for (int c = 0; c < 3; c++) to[p * 3 + c] = from[labels + (size_t)(c * AREA + p)];
        if (!kin_dataset_add(out, id, name, label, out->count, err)) return false;
    }
    return true;
}

static bool name_classes(kin_dataset *out, kin_error *err)
{
    int most = 0;
    for (int64_t i = 0; i < out->count; i++)
        if (out->items[i].label > most) most = out->items[i].label;
    out->classes = most + 1;
    out->class_names = kin_arena_alloc(&out->arena, (size_t)out->classes * sizeof *out->class_names);
    for (int c = 0; out->class_names && c < out->classes; c++) {
        char text[16];
        snprintf(text, sizeof text, "%d", c);
        out->class_names[c] = kin_arena_strdup(&out->arena, text);
        if (!out->class_names[c]) return kin_fail_memory(err, "class names", sizeof text);
    }
    return out->class_names || kin_fail_memory(err, "class names", (size_t)out->classes);
}

bool kin_cifar_open(const char *const *paths, int n_paths, kin_dataset *out, kin_error *err)
{
    for (int i = 0; i < n_paths; i++) {
        kin_bytes bytes;
        if (!kin_read_file(paths[i], FILE_LIMIT, &bytes, err)) return false;
        bool ok = kin_cifar_parse(paths[i], &bytes, out, err);
        kin_bytes_free(&bytes);
        if (!ok) return false;
    }
    return name_classes(out, err);
}
