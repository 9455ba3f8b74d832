#include "data/sets/dataset.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- making ---- */

bool kin_dataset_add(kin_dataset *set, const char *id, const char *path, int label, int64_t index,
                     kin_error *err)
{
    char *copy = kin_arena_strdup(&set->arena, id);
    const char *where = set->count && strcmp(set->items[set->count - 1].path, path) == 0
                            ? set->items[set->count - 1].path
                            : kin_arena_strdup(&set->arena, path);
    if (!copy || !where ||
        !kin_grow((void **)&set->items, (size_t)set->count, &set->capacity, sizeof *set->items))
        return kin_fail_memory(err, "a data set's items", set->capacity * sizeof *set->items);
    set->items[set->count++] = (kin_sample){
        .id = copy, .path = where, .label = label, .camera = -1, .index = index, .number = index};
    return true;
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 18;
}

/* Names that are numbers are ordered as numbers. */
static int by_class_name(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    if (!is_number(x) || !is_number(y))
        return is_number(x) != is_number(y) ? (is_number(x) ? -1 : 1) : strcmp(x, y);
    long long m = strtoll(x, NULL, 10), n = strtoll(y, NULL, 10);
    return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

bool kin_dataset_name_classes(kin_dataset *set, const char *const *class_of_item, kin_error *err)
{
    const char **names = kin_alloc_array((size_t)set->count + 1, sizeof *names);
    if (!names) return kin_fail_memory(err, "the class names", (size_t)set->count * sizeof *names);
    int64_t named = 0, classes = 0;
    for (int64_t i = 0; i < set->count; i++)
        if (class_of_item[i]) names[named++] = class_of_item[i];
    qsort(names, (size_t)named, sizeof *names, by_class_name);
    for (int64_t i = 0; i < named; i++)
        if (i == 0 || strcmp(names[i], names[classes - 1]) != 0) names[classes++] = names[i];
    set->class_names = kin_arena_alloc(&set->arena, (size_t)(classes + 1) * sizeof *names);
    bool ok = set->class_names != NULL;
    for (int64_t c = 0; ok && c < classes; c++)
        ok = (set->class_names[c] = kin_arena_strdup(&set->arena, names[c])) != NULL;
    set->classes = (int)classes;
    for (int64_t i = 0; ok && i < set->count; i++) {
        const char **found = class_of_item[i] ? bsearch(&class_of_item[i], names, (size_t)classes,
                                                        sizeof *names, by_class_name)
                                              : NULL;
        set->items[i].label = found ? (int)(found - names) : -1;
    }
    kin_free(names);
    return ok || kin_fail_memory(err, "the class names", (size_t)classes * sizeof *names);
}

bool kin_dataset_number_classes(kin_dataset *set, const char *const *names, int n, kin_error *err)
{
    int *number = kin_alloc_zero((size_t)n + 1, sizeof *number), classes = 0;
    if (!number) return kin_fail_memory(err, "the class names", (size_t)n * sizeof *number);
    for (int64_t i = 0; i < set->count; i++)
        if (set->items[i].label >= 0) number[set->items[i].label] = 1;
    for (int c = 0; c < n; c++) classes += number[c];
    set->class_names = kin_arena_alloc(&set->arena, (size_t)(classes + 1) * sizeof *set->class_names);
    bool ok = set->class_names != NULL;
    set->classes = 0;
    for (int c = 0; ok && c < n; c++) {
        if (!number[c]) continue;
        ok = (set->class_names[set->classes] = kin_arena_strdup(&set->arena, names[c])) != NULL;
        number[c] = set->classes++;
    }
    for (int64_t i = 0; ok && i < set->count; i++)
        if (set->items[i].label >= 0) set->items[i].label = number[set->items[i].label];
    kin_free(number);
    return ok || kin_fail_memory(err, "the class names", (size_t)classes * sizeof *set->class_names);
}

void kin_dataset_free(kin_dataset *set)
{
    kin_free(set->items);
    if (!set->view) kin_free(set->pixels);
    kin_arena_free(&set->arena);
    *set = (kin_dataset){0};
}

bool kin_dataset_remark(kin_dataset *set, kin_error *err, const char *format, ...)
{
    char text[700];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    kin_text all = {0};
    kin_text_format(&all, "%s%s%s", set->remark ? set->remark : "", set->remark ? "; " : "", text);
    set->remark = all.failed ? NULL : kin_arena_strdup(&set->arena, all.data);
    kin_text_free(&all);
    return set->remark || kin_fail_memory(err, "a remark", sizeof text);
}

/* What of the box lies in the picture; boxes drawn by hand may reach over its border. */
static bool cut_box(kin_image *image, const kin_box *box, const char *path, kin_error *err)
{
    if (box->x >= image->width || box->y >= image->height)
        return kin_fail(err, KIN_ERR_DATA, "%s: is %d x %d, and its box begins at (%d, %d)", path,
                        image->width, image->height, box->x, box->y);
    int width = box->width < image->width - box->x ? box->width : image->width - box->x,
        height = box->height < image->height - box->y ? box->height : image->height - box->y;
    kin_image out;
    if (!kin_image_new(&out, width, height, image->channels, err)) return false;
    size_t row = (size_t)width * (size_t)image->channels;
    for (int y = 0; y < height; y++)
        memcpy(out.data + (size_t)y * row,
               image->data +
                   ((size_t)(y + box->y) * (size_t)image->width + (size_t)box->x) * (size_t)image->channels,
               row);
    out.remark = image->remark;
    kin_image_free(image);
    *image = out;
    return true;
}

bool kin_regular_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* What is not there is told by whoever opens it. */
static bool is_regular(const char *path)
{
    struct stat info;
    return strcmp(path, "-") != 0 &&
           (stat(path, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
}

bool kin_dataset_image(const kin_dataset *set, int64_t i, const kin_image_limits *limits, kin_image *out,
                       kin_error *err)
{
    const kin_sample *item = &set->items[i];
    /* A list may name a pipe, which would hang, or "-", which is standard input. */
    if (item->index < 0 && !is_regular(item->path))
        return kin_fail(err, KIN_ERR_DATA, "%s: is no file but a pipe, a socket or a device", item->path);
    if (item->index < 0 && item->box.width) {
        /* Boxes are told in pixels of the whole picture. */
        kin_image_limits whole = limits ? *limits : (kin_image_limits){0};
        whole.reduce_to = 0;
        if (!kin_image_read(item->path, &whole, out, err)) return false;
        if (cut_box(out, &item->box, item->path, err)) return true;
        kin_image_free(out);
        return false;
    }
    if (item->index < 0) return kin_image_read(item->path, limits, out, err);
    if (!kin_image_new(out, set->width, set->height, set->channels, err)) return false;
    size_t size = (size_t)set->width * (size_t)set->height * (size_t)set->channels;
    memcpy(out->data, set->pixels + (size_t)item->index * size, size);
    return true;
}

void kin_dataset_histogram(const kin_dataset *set, int64_t *counts)
{
    memset(counts, 0, (size_t)set->classes * sizeof *counts);
    for (int64_t i = 0; i < set->count; i++)
        if (set->items[i].label >= 0) counts[set->items[i].label]++;
}
