/* CIFAR's binary files [Krizhevsky 2009]: records of a label byte (CIFAR-100: coarse, then fine) and 3,072
 * bytes of pixels, 32 × 32, first all red ones, then green, then blue.
 *
 * CIFAR-10: data_batch_1.bin to _5 (50,000 pictures) and test_batch.bin (10,000) of 10 classes, named by
 * batches.meta.txt. CIFAR-100: train.bin (50,000) and test.bin (10,000) of 100 classes in 20 superclasses,
 * named by fine_label_names.txt and coarse_label_names.txt. */
#include "base/memory.h"
#include "data/sets/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, AREA = SIDE * SIDE, PIXELS = 3 * AREA, FILE_LIMIT = 1 << 30 };

bool kin_cifar_parse(const char *name, const kin_bytes *bytes, bool coarse, kin_dataset *out, kin_error *err)
{
    size_t labels = bytes->size % (PIXELS + 1) == 0 ? 1 : bytes->size % (PIXELS + 2) == 0 ? 2 : 0;
    if (labels == 0 || bytes->size == 0)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: not a CIFAR file: %zu bytes are no whole number of records of %d (CIFAR-10) or "
                        "%d (CIFAR-100) bytes",
                        name, bytes->size, PIXELS + 1, PIXELS + 2);
    size_t record = PIXELS + labels, n = bytes->size / record, old = (size_t)out->count * PIXELS;
    uint8_t *pixels = kin_realloc(out->pixels, old, old + n * PIXELS);
    if (!pixels) return kin_fail_memory(err, name, n * PIXELS);
    out->pixels = pixels;
    out->width = out->height = SIDE;
    out->channels = 3;
    int classes = labels == 1 ? 10 : coarse ? 20 : 100;
    if (labels == 1 && coarse)
        return kin_fail(err, KIN_ERR_DATA, "%s: is a CIFAR-10 file, which has no superclasses", name);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from = bytes->data + i * record;
        int label = from[coarse ? 0 : labels - 1];
        char id[24];
        if (label >= classes)
            return kin_fail(err, KIN_ERR_DATA, "%s: record %zu has the label %d; 0 to %d are possible", name,
                            i, label, classes - 1);
        snprintf(id, sizeof id, "%lld", (long long)out->count);
        uint8_t *to = pixels + (size_t)out->count * PIXELS;
        for (int p = 0; p < AREA; p++)
            for (int c = 0; c < 3; c++) to[p * 3 + c] = from[labels + (size_t)(c * AREA + p)];
        if (!kin_dataset_add(out, id, name, label, out->count, err)) return false;
        out->items[out->count - 1].number = (int64_t)i;
    }
    return true;
}

enum { TEN = 10, HUNDRED = 100, SUPER = 20, FILES_MAX = 16 };

/* Reads up to `wanted` names from the list beside the file, where there is one; returns how many, -1 on an
 * error. */
static int read_names(const char *path, const char *list_name, int wanted, char (*texts)[64], kin_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? kin_strdup(path) : kin_strdup(".");
    if (folder && slash) folder[slash == path ? 1 : slash - path] = '\0';
    kin_list_file list = {.path = folder ? kin_path_join(folder, list_name) : NULL};
    bool ok = list.path ? true : kin_fail_memory(err, path, strlen(path));
    if (ok && kin_regular_file(list.path)) ok = kin_read_file(list.path, 1 << 20, &list.bytes, err);
    kin_fields f = kin_fields_open(&list, ' ');
    int n = 0;
    while (ok && list.bytes.data && n < wanted && kin_fields_next(&f, 1, "CLASS NAME", err))
        snprintf(texts[n++], sizeof *texts, "%.63s", f.field[0]);
    kin_bytes_free(&list.bytes);
    kin_free(list.path);
    kin_free(folder);
    return ok && !f.failed ? n : -1;
}

/* Labels are kept as they are; they are named by the list, or by their numbers when it is not there or too
 * short. */
static bool name_classes(const char *path, bool hundred, bool coarse, kin_dataset *out, kin_error *err)
{
    char texts[HUNDRED][64];
    const char *list = coarse    ? "coarse_label_names.txt"
                       : hundred ? "fine_label_names.txt"
                                 : "batches.meta.txt";
    int wanted = coarse    ? SUPER
                 : hundred ? HUNDRED
                           : TEN,
        n = read_names(path, list, wanted, texts, err), most = 0;
    if (n < 0) return false;
    for (int64_t i = 0; i < out->count; i++)
        if (out->items[i].label > most) most = out->items[i].label;
    out->classes = n == wanted ? n : most + 1;
    out->class_names = kin_arena_alloc(&out->arena, (size_t)out->classes * sizeof *out->class_names);
    for (int c = 0; out->class_names && c < out->classes; c++) {
        if (n != wanted) snprintf(texts[c], sizeof *texts, "%d", c);
        out->class_names[c] = kin_arena_strdup(&out->arena, texts[c]);
        if (!out->class_names[c]) return kin_fail_memory(err, "class names", sizeof *texts);
    }
    return out->class_names || kin_fail_memory(err, "class names", (size_t)out->classes);
}

bool kin_cifar_open(const char *const *paths, int n_paths, bool coarse, kin_dataset *out, kin_error *err)
{
    bool hundred = false;
    for (int i = 0; i < n_paths; i++) {
        kin_bytes bytes;
        if (!kin_read_file(paths[i], FILE_LIMIT, &bytes, err)) return false;
        bool is_hundred = bytes.size % (PIXELS + 1) != 0,
             ok = kin_cifar_parse(paths[i], &bytes, coarse, out, err);
        kin_bytes_free(&bytes);
        if (ok && i > 0 && is_hundred != hundred)
            ok = kin_fail(err, KIN_ERR_DATA, "%s: is of CIFAR-%d, the files before it of CIFAR-%d", paths[i],
                          is_hundred ? HUNDRED : TEN, hundred ? HUNDRED : TEN);
        if (!ok) return false;
        hundred = is_hundred;
    }
    return name_classes(paths[0], hundred, coarse, out, err);
}

/* ---- the folders they are published as ---- */

/* The files of `folder` named prefix....bin, sorted. */
static bool open_files(const char *folder, const char *prefix, const char *part, kin_dataset *out,
                       kin_error *err)
{
    char **names, *paths[FILES_MAX] = {NULL};
    size_t count;
    int n = 0;
    if (!kin_folder_names(folder, &names, &count, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count && n < FILES_MAX; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(names[i], prefix, strlen(prefix)) != 0 || length < 4 ||
            strcmp(names[i] + length - 4, ".bin") != 0)
            continue;
        paths[n] = kin_path_join(folder, names[i]);
        ok = paths[n++] ? true : kin_fail_memory(err, folder, length);
    }
    if (ok && n == 0)
        ok = kin_fail(err, KIN_ERR_IO, "%s: has no %s*.bin, which is the part \"%s\"", folder, prefix, part);
    ok = ok && kin_cifar_open((const char *const *)paths, n, strstr(part, "-coarse") != NULL, out, err);
    for (int i = 0; i < n; i++) kin_free(paths[i]);
    kin_folder_names_free(names, count);
    return ok;
}

static bool here_ten(const char *folder)
{
    static const char *const files[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                        "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (kin_known_has(folder, files[i])) return true;
    return false;
}

static bool parse_ten(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                      kin_error *err)
{
    (void)lists;
    return open_files(folder, strcmp(part, "test") == 0 ? "test_batch" : "data_batch", part, out, err);
}

static bool here_hundred(const char *folder)
{
    return kin_known_has(folder, "train.bin") || kin_known_has(folder, "test.bin");
}

static bool parse_hundred(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                          kin_error *err)
{
    (void)lists;
    return open_files(folder, strncmp(part, "test", 4) == 0 ? "test" : "train", part, out, err);
}

static const char *const halves[] = {"train", "test", NULL}, *const fine_and_coarse[] = {"train", "test",
                                                                                         "train-coarse",
                                                                                         "test-coarse", NULL};
const kin_known kin_known_cifar10 = {
    .name = "CIFAR-10", .parts = halves, .here = here_ten, .parse = parse_ten};
const kin_known kin_known_cifar100 = {
    .name = "CIFAR-100", .parts = fine_and_coarse, .here = here_hundred, .parse = parse_hundred};
