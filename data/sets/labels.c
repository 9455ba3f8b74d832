/* Classes as the user says, where a set's layout does not tell them, or tells others: the folder a picture
 * lies in, a part of its name, or a list. */
#include "base/columns.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "data/sets/dataset.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS_MAX = 64, NAME_BYTES = 4096 };

typedef struct labels {
    kin_dataset *set;
    const char **class_of_item; /* [set->count]; NULL: none */
    kin_error *err;
} labels;

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool by_folder(labels *l)
{
    if (l->set->pixels)
        return kin_fail(l->err, KIN_ERR_ARGUMENT,
                        "--labels folder: its pictures lie in one file, not in folders");
    for (int64_t i = 0; i < l->set->count; i++) {
        char folder[NAME_BYTES];
        const char *id = l->set->items[i].id, *name = last_name(id);
        size_t length = name > id ? (size_t)(name - id) - 1 : 0;
        if (length >= sizeof folder) length = sizeof folder - 1;
        memcpy(folder, id, length);
        folder[length] = '\0';
        if (!(l->class_of_item[i] = kin_arena_strdup(&l->set->arena, length ? folder : ".")))
            return kin_fail_memory(l->err, "the labels", NAME_BYTES);
    }
    return true;
}

/* ---- a part of the name ---- */

/* Whether name[from .. to] stands where {} does: what is before fits `before`, what is behind fits
 * `behind`. */
static bool fits(const char *before, const char *behind, const char *name, size_t from, size_t to)
{
    char front[NAME_BYTES];
    if (from >= sizeof front || !kin_glob(behind, name + to)) return false;
    memcpy(front, name, from);
    front[from] = '\0';
    return kin_glob(before, front);
}

/* The first and then the shortest piece of the name that {} can be, not empty. */
static bool find_piece(const char *before, const char *behind, const char *name, size_t *from, size_t *to)
{
    size_t length = strlen(name);
    for (*from = 0; *from < length; ++*from)
        for (*to = *from + 1; *to <= length; ++*to)
            if (fits(before, behind, name, *from, *to)) return true;
    return false;
}

static bool by_pattern(labels *l, const char *pattern)
{
    const char *mark = strstr(pattern, "{}"), *behind = mark + 2;
    char before[NAME_BYTES], piece[NAME_BYTES];
    size_t front = (size_t)(mark - pattern);
    int64_t fitting = 0;
    if (strlen(pattern) >= sizeof before || strstr(behind, "{}"))
        return kin_fail(l->err, KIN_ERR_ARGUMENT,
                        "--labels %.60s: one {} was expected, where the label stands", pattern);
    memcpy(before, pattern, front);
    before[front] = '\0';
    for (int64_t i = 0; i < l->set->count; i++) {
        const char *id = l->set->items[i].id, *name = strchr(pattern, '/') ? id : last_name(id);
        size_t from, to;
        l->class_of_item[i] = NULL;
        if (strlen(name) >= sizeof piece || !find_piece(before, behind, name, &from, &to)) continue;
        memcpy(piece, name + from, to - from);
        piece[to - from] = '\0';
        if (!(l->class_of_item[i] = kin_arena_strdup(&l->set->arena, piece)))
            return kin_fail_memory(l->err, "the labels", NAME_BYTES);
        fitting++;
    }
    if (!fitting)
        return kin_fail(l->err, KIN_ERR_ARGUMENT,
                        "--labels %.60s: no picture's name is like this; the first is %s", pattern,
                        l->set->count ? l->set->items[0].id : "none");
    return fitting == l->set->count ||
           kin_dataset_remark(l->set, l->err,
                              "the names of %lld of %lld pictures are not like %.60s: they have no class",
                              (long long)(l->set->count - fitting), (long long)l->set->count, pattern);
}

/* ---- a list ---- */

typedef struct index {
    kin_names ids, names; /* of the pictures, and without their folders */
    int64_t *of_name;     /* [names.count] the picture; -1: several */
} index_of_names;

static bool fill_index(labels *l, index_of_names *x)
{
    bool ok = (x->of_name = kin_alloc_array((size_t)l->set->count + 1, sizeof *x->of_name)) != NULL;
    for (int64_t i = 0; ok && i < l->set->count; i++) {
        const char *id = l->set->items[i].id;
        int64_t before = x->names.count, number = kin_names_add(&x->names, last_name(id));
        ok = number >= 0 && kin_names_add(&x->ids, id) == i;
        if (ok) x->of_name[number] = number < before ? -1 : i;
        l->class_of_item[i] = NULL;
    }
    return ok || kin_fail_memory(l->err, "the pictures' names", (size_t)l->set->count * 32);
}

static int64_t find_picture(const index_of_names *x, const char *name)
{
    int64_t id = kin_names_find(&x->ids, name), number = id < 0 ? kin_names_find(&x->names, name) : -1;
    return number >= 0 ? x->of_name[number] : id;
}

static bool take_label(labels *l, const index_of_names *x, const kin_csv *csv, const char *name,
                       const char *label, int64_t *known)
{
    int64_t i = find_picture(x, name);
    if (i < 0 || !*label) return true;
    if (l->class_of_item[i] && strcmp(l->class_of_item[i], label) != 0)
        return kin_csv_fail(csv, l->err, "%.200s has the label \"%.60s\" on an earlier line",
                            l->set->items[i].id, l->class_of_item[i]);
    *known += !l->class_of_item[i];
    l->class_of_item[i] = kin_arena_strdup(&l->set->arena, label);
    return l->class_of_item[i] || kin_fail_memory(l->err, csv->name, strlen(label));
}

static bool read_labels(labels *l, const index_of_names *x, kin_csv *csv)
{
    char *field[COLUMNS_MAX];
    int name = 0, label = 1, columns = 0;
    int64_t known = 0;
    bool ok = true, first = true;
    for (int count; ok && (count = kin_csv_next(csv, field, COLUMNS_MAX, l->err)) != 0; first = false) {
        if (count < 0) return false;
        kin_columns found = kin_columns_find(field, first ? count : 0);
        if (first) columns = count;
        if (first && found.known && find_picture(x, field[0]) < 0) {
            name = found.place[KIN_COLUMN_PATH] >= 0 ? found.place[KIN_COLUMN_PATH]
                                                     : found.place[KIN_COLUMN_ID];
            label = found.place[KIN_COLUMN_LABEL];
            ok = (name >= 0 && label >= 0) ||
                 kin_fail(l->err, KIN_ERR_DATA, "%s: its first line names no columns `path` and `label`",
                          csv->name);
        } else if (count != columns || label >= count) {
            ok = kin_csv_fail(csv, l->err, "is not `path,label`");
        } else {
            ok = take_label(l, x, csv, field[name], field[label], &known);
        }
    }
    if (ok && !known)
        return kin_fail(l->err, KIN_ERR_DATA, "%s: names none of the pictures; the first is %s", csv->name,
                        l->set->count ? l->set->items[0].id : "none");
    return ok &&
           (known == l->set->count ||
            kin_dataset_remark(l->set, l->err,
                               "%s gives no label to %lld of %lld pictures: they have no class", csv->name,
                               (long long)(l->set->count - known), (long long)l->set->count));
}

static bool by_list(labels *l, const char *path)
{
    kin_bytes bytes;
    index_of_names x = {0};
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, l->err)) return false;
    kin_csv csv = kin_csv_open(path, (char *)bytes.data, bytes.size);
    csv.trim = true;
    bool ok = fill_index(l, &x) && read_labels(l, &x, &csv);
    kin_names_free(&x.ids), kin_names_free(&x.names);
    kin_free(x.of_name);
    kin_bytes_free(&bytes);
    return ok;
}

bool kin_labels_apply(kin_dataset *set, const char *how, kin_error *err)
{
    labels l = {set, kin_alloc_zero((size_t)set->count + 1, sizeof *l.class_of_item), err};
    bool ok = l.class_of_item ||
              kin_fail_memory(err, "the labels", (size_t)set->count * sizeof *l.class_of_item);
    if (ok && strcmp(how, "folder") == 0) ok = by_folder(&l);
    else if (ok && strstr(how, "{}")) ok = by_pattern(&l, how);
    else if (ok && strcmp(how, "none") != 0 && kin_exists(how)) ok = by_list(&l, how);
    else if (ok && strcmp(how, "none") != 0)
        ok = kin_fail(err, KIN_ERR_ARGUMENT,
                      "--labels %.100s: folder, none, a pattern with {} where the label stands ('{}_*'), or "
                      "a list that "
                      "is there was expected",
                      how);
    ok = ok && kin_dataset_name_classes(set, l.class_of_item, err);
    if (ok) set->unlabelled = strcmp(how, "none") == 0 ? "--labels none was given" : NULL;
    kin_free(l.class_of_item);
    return ok;
}
