/* A data set from a path: what it is, by looking; which part, which labels, which classes of it. */
#include "data/sets/dataset.h"

#include "base/memory.h"
#include "data/images/kind.h"
#include "data/sets/container.h"
#include "data/sets/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Ids must differ: rank lists name pictures by them. */
static bool ids_differ(const kin_dataset *set, kin_error *err)
{
    const char **ids = kin_alloc_array((size_t)set->count + 1, sizeof *ids);
    if (!ids) return kin_fail_memory(err, "the ids", (size_t)set->count * sizeof *ids);
    for (int64_t i = 0; i < set->count; i++) ids[i] = set->items[i].id;
    qsort(ids, (size_t)set->count, sizeof *ids, by_text);
    bool ok = true;
    for (int64_t i = 1; ok && i < set->count; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0)
            ok = kin_fail(
                err, KIN_ERR_DATA,
                "two pictures have the id \"%s\"; give them a column `id`, or remove the repetition", ids[i]);
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
    for (const char *at = spec;; at++) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= sizeof part)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "classes \"%s\" are not understood; write them as 0-699, 700- or 0,2,4-6", spec);
        memcpy(part, at, length);
        part[length] = '\0';
        if (!one_range(part, classes, chosen))
            return kin_fail(err, KIN_ERR_ARGUMENT, "classes \"%s\": \"%s\" is not a range inside 0-%d", spec,
                            part, classes - 1);
        at += length;
        if (!*at) return true;
    }
}

static bool choose_classes(kin_dataset *set, const char *spec, kin_error *err)
{
    if (set->classes == 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "classes %s: there are none to choose from%s%s", spec,
                        set->unlabelled ? ": " : "", set->unlabelled ? set->unlabelled : "");
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
        if (item.label >= 0 && !chosen[item.label]) continue; /* distractors stay */
        if (item.label >= 0) item.label = renumbered[item.label];
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

static bool open_folder(const char *path, const char *part, const char *labels, kin_dataset *out,
                        kin_error *err)
{
    const kin_known *known = kin_known_find(path);
    bool by_folder = labels && strcmp(labels, "folder") == 0;
    if (!known) return kin_folder_open(path, part, by_folder, out, err);
    return kin_known_open(known, path, part, out, err) && (!by_folder || kin_labels_apply(out, labels, err));
}

/* One picture is a set of one: what somebody looks for. */
static bool is_picture(const char *path)
{
    uint8_t bytes[KIN_KIND_BYTES];
    FILE *file = kin_regular_file(path) ? fopen(path, "rb") : NULL;
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) fclose(file);
    return kin_kind_is_read(bytes, size);
}

static bool open_picture(const char *path, kin_dataset *out, kin_error *err)
{
    out->kind = "a picture";
    out->unlabelled = "it is one picture";
    return kin_dataset_add(out, path, path, -1, -1, err) &&
           kin_dataset_name_classes(out, &(const char *){NULL}, err);
}

/* With classes as `labels` has it. */
static bool open_any(const char *path, const char *part, const char *labels, kin_dataset *out, kin_error *err)
{
    bool folder = kin_is_folder(path);
    if (!folder && strcmp(path, "-") != 0 && !kin_exists(path))
        return kin_fail(err, KIN_ERR_IO, "%s: there is no such file or folder", path);
    bool container = !folder && kin_is_container(path), ok;
    if (!folder) out->kind = container ? kin_container_kind(path) : "a list";
    if (container && part)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: is %s, which has no part \"%s\"", path, out->kind, part);
    if (folder) ok = open_folder(path, part, labels, out, err);
    else if (container) ok = kin_container_open(path, out, err);
    else ok = !part && is_picture(path) ? open_picture(path, out, err) : kin_list_open(path, part, out, err);
    bool done = !labels || (folder && strcmp(labels, "folder") == 0);
    return ok && ids_differ(out, err) && (done || kin_labels_apply(out, labels, err));
}

static const kin_dataset_reader *own_reader(const kin_dataset_reader *const *own, const char *path)
{
    for (int i = 0; own && own[i]; i++)
        if (own[i]->here(path)) return own[i];
    return NULL;
}

static bool open_own(const kin_dataset_reader *own, const char *path, const char *part, const char *labels,
                     kin_dataset *out, kin_error *err)
{
    out->kind = own->name;
    return own->open(path, part, out, err) && ids_differ(out, err) &&
           (!labels || kin_labels_apply(out, labels, err));
}

bool kin_dataset_open(const char *path, const kin_dataset_opt *opt, kin_dataset *out, kin_error *err)
{
    *out = (kin_dataset){0};
    char *name = kin_strdup(path), *part = NULL;
    if (!name) return kin_fail_memory(err, path, strlen(path));
    /* The colon of PATH:PART, unless the whole is there under this name. */
    char *colon = strrchr(name, ':');
    if (colon && colon > name && !strchr(colon, '/') && !kin_exists(name)) {
        *colon = '\0';
        part = colon + 1;
    }
    const kin_dataset_reader *own = opt ? own_reader(opt->own, name) : NULL;
    bool ok = own ? open_own(own, name, part, opt->labels, out, err)
                  : open_any(name, part, opt ? opt->labels : NULL, out, err);
    kin_free(name);
    if (ok && opt && opt->classes) ok = choose_classes(out, opt->classes, err);
    if (ok && out->count == 0)
        ok = kin_fail(err, KIN_ERR_DATA,
                      "%s: holds no pictures; expected a folder of class folders, a list, IDX or CIFAR files",
                      path);
    if (!ok) kin_dataset_free(out);
    return ok;
}
