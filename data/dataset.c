#include "data/dataset.h"

#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

bool kin_dataset_add(kin_dataset *set, const char *id, const char *path, int label, int64_t index, kin_error *err)
{
    char *copy = kin_arena_strdup(&set->arena, id);
    const char *where = set->count && strcmp(set->items[set->count - 1].path, path) == 0 ? set->items[set->count - 1].path : kin_arena_strdup(&set->arena, path);
    if (!copy || !where || !kin_grow((void **)&set->items, (size_t)set->count, &set->capacity, sizeof *set->items)) return kin_fail_memory(err, "a data set's items", set->capacity * sizeof *set->items);
    for (char *c = copy; *c; c++)
        if (*c == ' ' || *c == ',' || *c == '"' || *c == '\t' || *c == '\n' || *c == '\r') *c = '_';
    set->items[set->count++] = (kin_sample){copy, where, label, index};
    return true;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool is_number(const char *text) { return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 18; }

/* Names that are numbers are ordered as numbers. */
static int by_class_name(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    if (!is_number(x) || !is_number(y)) return is_number(x) != is_number(y) ? (is_number(x) ? -1 : 1) : strcmp(x, y);
    long long m = strtoll(x, NULL, 10), n = strtoll(y, NULL, 10);
    return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

bool kin_dataset_name_classes(kin_dataset *set, const char *const *class_of_item, kin_error *err)
{
    const char **names = kin_alloc_array((size_t)set->count + 1, sizeof *names);
    if (!names) return kin_fail_memory(err, "the class names", (size_t)set->count * sizeof *names);
    for (int64_t i = 0; i < set->count; i++) names[i] = class_of_item[i];
    qsort(names, (size_t)set->count, sizeof *names, by_class_name);
    int64_t classes = 0;
    for (int64_t i = 0; i < set->count; i++)
        if (i == 0 || strcmp(names[i], names[classes - 1]) != 0) names[classes++] = names[i];
    set->class_names = kin_arena_alloc(&set->arena, (size_t)(classes + 1) * sizeof *names);
    bool ok = set->class_names != NULL;
    for (int64_t c = 0; ok && c < classes; c++) ok = (set->class_names[c] = kin_arena_strdup(&set->arena, names[c])) != NULL;
    set->classes = (int)classes;
    for (int64_t i = 0; ok && i < set->count; i++) {
        const char **found = bsearch(&class_of_item[i], names, (size_t)classes, sizeof *names, by_class_name);
        set->items[i].label = (int)(found - names);
    }
    kin_free(names);
    return ok || kin_fail_memory(err, "the class names", (size_t)classes * sizeof *names);
}

void kin_dataset_free(kin_dataset *set)
{
    kin_free(set->items);
    kin_free(set->pixels);
    kin_arena_free(&set->arena);
    *set = (kin_dataset){0};
}

/* Ids must differ: rank lists name pictures by them. Replacing blanks may have made two alike. */
static bool ids_differ(const kin_dataset *set, kin_error *err)
{
    const char **ids = kin_alloc_array((size_t)set->count + 1, sizeof *ids);
    if (!ids) return kin_fail_memory(err, "the ids", (size_t)set->count * sizeof *ids);
    for (int64_t i = 0; i < set->count; i++) ids[i] = set->items[i].id;
    qsort(ids, (size_t)set->count, sizeof *ids, by_text);
    bool ok = true;
    for (int64_t i = 1; ok && i < set->count; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0) ok = kin_fail(err, KIN_ERR_DATA, "two pictures have the id \"%s\" (blanks and commas become '_'); rename one, or remove the repetition", ids[i]);
    kin_free(ids);
    return ok;
}

/* ---- choosing classes ---- */

static bool one_range(const char *text, int classes, bool *chosen)
{
    char *end;
    long first = strtol(text, &end, 10), last = first;
    if (end == text || first < 0) return false;
    if (*end == '-') {
        const char *from = end + 1;
        last = *from ? strtol(from, &end, 10) : classes - 1;
        if (!*from) end = (char *)from;
        else if (end == from) return false;
    }
    if (*end || last < first || first >= classes || last >= classes) return false;
    for (long c = first; c <= last; c++) chosen[c] = true;
    return true;
}

static bool parse_classes(const char *spec, int classes, bool *chosen, kin_error *err)
{
    char part[64];
    for (const char *at = spec; ; at++) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof part) return kin_fail(err, KIN_ERR_ARGUMENT, "classes \"%s\" are not understood; write them as 0-699, 700- or 0,2,4-6", spec);
        memcpy(part, at, length);
        part[length] = '\0';
        if (!one_range(part, classes, chosen)) return kin_fail(err, KIN_ERR_ARGUMENT, "classes \"%s\": \"%s\" is not a range inside 0-%d", spec, part, classes - 1);
        at += length;
        if (!*at) return true;
    }
}

static bool choose_classes(kin_dataset *set, const char *spec, kin_error *err)
{
    bool *chosen = kin_alloc_zero((size_t)set->classes, sizeof *chosen);
    int *renumbered = kin_alloc_zero((size_t)set->classes, sizeof *renumbered), next = 0;
    bool ok = (chosen && renumbered) || kin_fail_memory(err, "the choice of classes", (size_t)set->classes);
    ok = ok && parse_classes(spec, set->classes, chosen, err);
    for (int c = 0; ok && c < set->classes; c++) {
        if (!chosen[c]) continue;
        set->class_names[next] = set->class_names[c];
        renumbered[c] = next++;
    }
    int64_t kept = 0;
    for (int64_t i = 0; ok && i < set->count; i++) {
        kin_sample item = set->items[i];
        if (!chosen[item.label]) continue;
        item.label = renumbered[item.label];
        set->items[kept++] = item;
    }
    if (ok) {
        set->count = kept;
        set->classes = next;
    }
    kin_free(chosen);
    kin_free(renumbered);
    return ok;
}

/* ---- finding out what a path is ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

enum { FILES_MAX = 16 };
typedef struct listing { char *paths[FILES_MAX]; int count; } listing;

static void listing_free(listing *l)
{
    for (int i = 0; i < l->count; i++) kin_free(l->paths[i]);
    l->count = 0;
}

/* The files of a folder that begin with one of two prefixes and contain a mark, sorted. */
static bool find_files(const char *folder, const char *prefix, const char *other, const char *mark, listing *out, kin_error *err)
{
    DIR *dir = opendir(folder);
    *out = (listing){0};
    if (!dir) return kin_fail(err, KIN_ERR_IO, "%s: cannot be opened as a folder", folder);
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(dir)) && out->count < FILES_MAX;) {
        const char *name = entry->d_name;
        if ((strncmp(name, prefix, strlen(prefix)) != 0 && strncmp(name, other, strlen(other)) != 0) || !strstr(name, mark)) continue;
        out->paths[out->count] = kin_path_join(folder, name);
        ok = out->paths[out->count] ? (out->count++, true) : kin_fail_memory(err, "a folder's files", strlen(name));
    }
    closedir(dir);
    qsort(out->paths, (size_t)out->count, sizeof *out->paths, by_text);
    return ok;
}

static bool open_folder(const char *path, bool split, bool test, kin_dataset *out, kin_error *err)
{
    listing files;
    bool ok = find_files(path, test ? "t10k" : "train", test ? "test" : "train", "idx3-ubyte", &files, err);
    bool idx = files.count > 0;
    if (ok && idx) ok = kin_idx_open(files.paths[0], out, err);
    listing_free(&files);
    if (!ok || idx) return ok;
    ok = find_files(path, test ? "test" : "data_batch", test ? "test" : "train", ".bin", &files, err);
    bool cifar = files.count > 0;
    if (ok && cifar) ok = kin_cifar_open((const char *const *)files.paths, files.count, out, err);
    listing_free(&files);
    if (!ok || cifar) return ok;
    if (split) return kin_fail(err, KIN_ERR_ARGUMENT, "%s: has no %s half: only folders of IDX and CIFAR files are split that way", path, test ? "test" : "training");
    return kin_folder_open(path, out, err);
}

static bool open_any(const char *path, bool split, bool test, kin_dataset *out, kin_error *err)
{
    if (kin_is_folder(path)) return open_folder(path, split, test, out, err);
    if (strcmp(path, "-") != 0 && !kin_exists(path)) return kin_fail(err, KIN_ERR_IO, "%s: there is no such file or folder", path);
    if (ends_with(path, ".bin")) return kin_cifar_open(&path, 1, out, err);
    if (ends_with(path, ".gz") || strstr(path, "idx3-ubyte")) return kin_idx_open(path, out, err);
    return kin_list_open(path, out, err);
}

bool kin_dataset_open(const char *path, const kin_dataset_opt *opt, kin_dataset *out, kin_error *err)
{
    *out = (kin_dataset){0};
    char *name = kin_strdup(path);
    if (!name) return kin_fail_memory(err, path, strlen(path));
    bool test = ends_with(name, ":test"), split = (test || ends_with(name, ":train")) && !kin_exists(name);
    if (split) *strrchr(name, ':') = '\0';
    bool ok = open_any(name, split, split && test, out, err);
    kin_free(name);
    ok = ok && ids_differ(out, err);
    if (ok && opt && opt->classes) ok = choose_classes(out, opt->classes, err);
    if (ok && out->count == 0) ok = kin_fail(err, KIN_ERR_DATA, "%s: holds no pictures; expected a folder of class folders, a list, IDX or CIFAR files", path);
    if (!ok) kin_dataset_free(out);
    return ok;
}

bool kin_dataset_image(const kin_dataset *set, int64_t i, const kin_image_limits *limits, kin_image *out, kin_error *err)
{
    const kin_sample *item = &set->items[i];
    if (item->index < 0) return kin_image_read(item->path, limits, out, err);
    if (!kin_image_new(out, set->width, set->height, set->channels, err)) return false;
    size_t size = (size_t)set->width * (size_t)set->height * (size_t)set->channels;
    memcpy(out->data, set->pixels + (size_t)item->index * size, size);
    return true;
}

void kin_dataset_histogram(const kin_dataset *set, int64_t *counts)
{
    memset(counts, 0, (size_t)set->classes * sizeof *counts);
    for (int64_t i = 0; i < set->count; i++) counts[set->items[i].label]++;
}
