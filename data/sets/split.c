#include "data/sets/split.h"

#include "base/memory.h"
#include "base/text.h"
#include "data/sets/known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEEP, HOLD, DROP };

static bool renumber(const kin_dataset *set, kin_dataset *out, kin_error *err)
{
    int *number = kin_alloc_zero((size_t)set->classes + 1, sizeof *number);
    out->class_names = kin_arena_alloc(&out->arena, ((size_t)set->classes + 1) * sizeof *out->class_names);
    bool ok = (number && out->class_names) ||
              kin_fail_memory(err, "the classes chosen", (size_t)set->classes * sizeof *number);
    for (int64_t i = 0; ok && i < out->count; i++)
        if (out->items[i].label >= 0) number[out->items[i].label] = 1;
    for (int c = 0; ok && c < set->classes; c++) {
        if (!number[c]) continue;
        number[c] = out->classes;
        out->class_names[out->classes++] = set->class_names[c];
    }
    for (int64_t i = 0; ok && i < out->count; i++)
        if (out->items[i].label >= 0) out->items[i].label = number[out->items[i].label];
    kin_free(number);
    return ok;
}

bool kin_dataset_choose(const kin_dataset *set, const bool *keep, kin_dataset *out, kin_error *err)
{
    int64_t count = 0;
    for (int64_t i = 0; i < set->count; i++) count += keep[i];
    *out = *set;
    out->view = true;
    out->arena = (kin_arena){0};
    out->classes = 0;
    out->capacity = (size_t)count;
    out->count = 0;
    out->items = kin_alloc_array((size_t)count + 1, sizeof *out->items);
    bool ok = out->items || kin_fail_memory(err, "the pictures chosen", (size_t)count * sizeof *out->items);
    for (int64_t i = 0; ok && i < set->count; i++)
        if (keep[i]) out->items[out->count++] = set->items[i];
    ok = ok && renumber(set, out, err);
    if (!ok) kin_dataset_free(out);
    return ok;
}

bool kin_split_parse_fold(const char *text, int *fold, int *folds, kin_error *err)
{
    char first[16];
    int64_t i, k;
    size_t length = strcspn(text, "/");
    snprintf(first, sizeof first, "%.*s", (int)(length < sizeof first ? length : 0), text);
    if (text[length] != '/' || !kin_parse_int(text + length + 1, 2, 10000, &k) ||
        !kin_parse_int(first, 1, k, &i))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "the fold \"%.40s\" is not understood; 2/5 is the second of five", text);
    *fold = (int)i;
    *folds = (int)k;
    return true;
}

/* ---- by list ---- */

typedef struct split_list {
    const kin_dataset *set;
    kin_names ids, classes;
    uint8_t *of_id, *of_class;   /* [set->count], [set->classes]: 1 + what was said of it; 0: nothing */
    bool only_ids, only_classes; /* the first line said so */
} split_list;

static bool index_names(split_list *l, kin_error *err)
{
    bool ok = true;
    for (int64_t i = 0; ok && i < l->set->count; i++) ok = kin_names_add(&l->ids, l->set->items[i].id) >= 0;
    for (int c = 0; ok && c < l->set->classes; c++)
        ok = kin_names_add(&l->classes, l->set->class_names[c]) == c;
    return ok || kin_fail_memory(err, "the names of a list", (size_t)l->set->count * 32);
}

static bool is_head(split_list *l, const kin_fields *f)
{
    l->only_classes = strcmp(f->field[0], "class") == 0 || strcmp(f->field[0], "label") == 0;
    l->only_ids = strcmp(f->field[0], "id") == 0 || strcmp(f->field[0], "path") == 0;
    return (l->only_classes || l->only_ids) && (f->count == 1 || strcmp(f->field[1], "split") == 0);
}

static int part_of(kin_fields *f, kin_error *err)
{
    static const struct {
        const char *name;
        int part;
    } parts[] = {{"train", KEEP}, {"val", HOLD}, {"valid", HOLD}, {"validation", HOLD}, {"test", DROP}};
    if (f->count == 1) return HOLD;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(f->field[1], parts[i].name) == 0) return parts[i].part;
    return kin_fields_fail(f, err, "the split is \"%.60s\"; train, val or test was expected", f->field[1]),
           -1;
}

/* Ids have '_' for blanks. */
static int64_t find_id(const split_list *l, char *name)
{
    int64_t id = kin_names_find(&l->ids, name);
    if (id >= 0) return id;
    for (char *c = name; *c; c++)
        if (*c == ' ' || *c == '"' || *c == '\t') *c = '_';
    return kin_names_find(&l->ids, name);
}

static bool take_line(split_list *l, kin_fields *f, kin_error *err)
{
    int part = part_of(f, err);
    if (part < 0) return false;
    int64_t c = l->only_ids ? -1 : kin_names_find(&l->classes, f->field[0]),
            id = l->only_classes ? -1 : find_id(l, f->field[0]);
    if (c < 0 && id < 0)
        return kin_fields_fail(f, err, "\"%.200s\" is neither a class nor a picture's id of the data set",
                               f->field[0]);
    if (c >= 0 && id >= 0)
        return kin_fields_fail(
            f, err,
            "\"%.200s\" is a class and also a picture's id; begin the list with a line `class` or `id`",
            f->field[0]);
    uint8_t *said = c >= 0 ? &l->of_class[c] : &l->of_id[id];
    if (*said) return kin_fields_fail(f, err, "\"%.200s\" stands on an earlier line already", f->field[0]);
    *said = (uint8_t)(1 + part);
    return true;
}

static bool read_list(split_list *l, kin_list_file *file, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ',');
    bool ok = index_names(l, err);
    while (ok && kin_fields_next(&f, 0, "", err)) {
        if (f.count > 2) ok = kin_fields_fail(&f, err, "is not `class` or `id`, and maybe `,train|val|test`");
        else if (f.line > 1 || !is_head(l, &f)) ok = take_line(l, &f, err);
    }
    return ok && !f.failed;
}

/* What is said of a picture counts before what is said of its class. */
bool kin_split_parse_list(const kin_dataset *set, const char *name, kin_bytes *text, uint8_t *part,
                          kin_error *err)
{
    split_list l = {.set = set,
                    .of_id = kin_alloc_zero((size_t)set->count + 1, 1),
                    .of_class = kin_alloc_zero((size_t)set->classes + 1, 1)};
    kin_list_file file = {.path = (char *)name, .bytes = *text};
    bool ok = (l.of_id && l.of_class) || kin_fail_memory(err, name, (size_t)set->count);
    ok = ok && read_list(&l, &file, err);
    for (int64_t i = 0; ok && i < set->count; i++) {
        int label = set->items[i].label, of_class = label >= 0 ? l.of_class[label] : 0;
        part[i] = l.of_id[i] ? (uint8_t)(l.of_id[i] - 1) : of_class ? (uint8_t)(of_class - 1) : KEEP;
    }
    kin_names_free(&l.ids), kin_names_free(&l.classes);
    kin_free(l.of_id), kin_free(l.of_class);
    return ok;
}

static bool split_by_list(const kin_dataset *set, const char *path, uint8_t *part, kin_error *err)
{
    kin_bytes text;
    if (!kin_read_file(path, 1 << 28, &text, err)) return false;
    bool ok = kin_split_parse_list(set, path, &text, part, err);
    kin_bytes_free(&text);
    return ok;
}

/* ---- the chunk ---- */

static void hold_chunk(const kin_dataset *set, const kin_split *how, uint8_t *part)
{
    int64_t n = set->classes, first = n - (int64_t)((double)n * how->share + 0.5), end = n;
    if (how->folds) {
        first = n * (how->fold - 1) / how->folds;
        end = n * how->fold / how->folds;
    }
    for (int64_t i = 0; i < set->count; i++)
        part[i] = set->items[i].label >= first && set->items[i].label < end ? HOLD : KEEP;
}

static bool choose_part(const kin_dataset *set, const uint8_t *part, int which, bool *keep, kin_dataset *out,
                        kin_error *err)
{
    for (int64_t i = 0; i < set->count; i++) keep[i] = part[i] == which;
    return kin_dataset_choose(set, keep, out, err);
}

/* Whether some class has two pictures. */
static bool has_pair(const kin_dataset *set, bool *found, kin_error *err)
{
    int64_t *counts = kin_alloc_array((size_t)set->classes + 1, sizeof *counts);
    if (!counts) return kin_fail_memory(err, "the held-out classes", (size_t)set->classes * sizeof *counts);
    kin_dataset_histogram(set, counts);
    *found = false;
    for (int c = 0; c < set->classes; c++) *found |= counts[c] > 1;
    kin_free(counts);
    return true;
}

static bool sound(const kin_dataset *kept, const kin_dataset *held, kin_error *err)
{
    bool pair = false;
    if (kept->classes < 2 || held->classes < 2)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "the split leaves %d classes for training and %d for validation; both need two",
                        kept->classes, held->classes);
    if (!has_pair(held, &pair, err)) return false;
    return pair || kin_fail(err, KIN_ERR_ARGUMENT,
                            "no class has two pictures held out for validation; one is to find the other");
}

bool kin_split_validation(const kin_dataset *set, const kin_split *how, kin_dataset *kept, kin_dataset *held,
                          kin_error *err)
{
    *kept = *held = (kin_dataset){0};
    uint8_t *part = kin_alloc_zero((size_t)set->count + 1, 1);
    bool *keep = kin_alloc_zero((size_t)set->count + 1, sizeof *keep),
         ok = (part && keep) || kin_fail_memory(err, "the split", (size_t)set->count);
    if (ok && how->list) ok = split_by_list(set, how->list, part, err);
    else if (ok) hold_chunk(set, how, part);
    ok = ok && choose_part(set, part, KEEP, keep, kept, err) &&
         choose_part(set, part, HOLD, keep, held, err) && sound(kept, held, err);
    kin_free(part);
    kin_free(keep);
    if (!ok) {
        kin_dataset_free(kept);
        kin_dataset_free(held);
    }
    return ok;
}
