#include "data/sets/split.h"

#include "base/columns.h"
#include "base/csv.h"
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

enum { COLUMNS_MAX = 16 };

typedef struct split_list {
    const kin_dataset *set;
    kin_csv csv;
    kin_names ids, old_ids, classes;
    int64_t *of_old_id;          /* [old_ids.count] the picture that kin once named so; -1: several */
    uint8_t *of_id, *of_class;   /* [set->count], [set->classes]: 1 + what was said of it; 0: nothing */
    int name, split;             /* their columns; -1: there is none */
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

/* Ids as kin wrote them before they kept the path. */
static bool index_old_names(split_list *l, kin_error *err)
{
    bool ok = (l->of_old_id = kin_alloc_array((size_t)l->set->count + 1, sizeof *l->of_old_id)) != NULL;
    for (int64_t i = 0; ok && i < l->set->count; i++) {
        char *old = kin_strdup(l->set->items[i].id);
        if (old) kin_csv_old_id(old);
        int64_t before = l->old_ids.count, number = old ? kin_names_add(&l->old_ids, old) : -1;
        ok = number >= 0;
        if (ok) l->of_old_id[number] = number < before ? -1 : i;
        kin_free(old);
    }
    return ok || kin_fail_memory(err, "the names of a list", (size_t)l->set->count * 32);
}

/* `class` or `id`, and maybe `split`, in any order and among others. */
static bool is_head(split_list *l, char *const *field, int count)
{
    kin_columns c = kin_columns_find(field, count);
    int id = c.place[KIN_COLUMN_ID] >= 0 ? c.place[KIN_COLUMN_ID] : c.place[KIN_COLUMN_PATH];
    if (id < 0 && c.place[KIN_COLUMN_LABEL] < 0) return false;
    if (kin_names_find(&l->classes, field[0]) >= 0 || kin_names_find(&l->ids, field[0]) >= 0) return false;
    l->split = c.place[KIN_COLUMN_SPLIT];
    if (l->split < 0 && count > 1) return false;
    l->name = id >= 0 ? id : c.place[KIN_COLUMN_LABEL];
    l->only_ids = id >= 0;
    l->only_classes = id < 0;
    return true;
}

static int part_of(const split_list *l, char *const *field, kin_error *err)
{
    static const struct {
        const char *name;
        int part;
    } parts[] = {{"train", KEEP}, {"val", HOLD}, {"valid", HOLD}, {"validation", HOLD}, {"test", DROP}};
    if (l->split < 0) return HOLD;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(field[l->split], parts[i].name) == 0) return parts[i].part;
    return kin_csv_fail(&l->csv, err, "the split is \"%.60s\"; train, val or test was expected",
                        field[l->split]),
           -1;
}

static bool find_id(split_list *l, const char *name, int64_t *id, kin_error *err)
{
    *id = kin_names_find(&l->ids, name);
    if (*id >= 0 || l->only_classes) return true;
    if (!l->of_old_id && !index_old_names(l, err)) return false;
    int64_t old = kin_names_find(&l->old_ids, name);
    if (old >= 0) *id = l->of_old_id[old];
    return old < 0 || *id >= 0 ||
           kin_csv_fail(&l->csv, err,
                        "\"%.200s\" may be several pictures, whose ids differ in blanks and commas", name);
}

static bool take_line(split_list *l, char *const *field, kin_error *err)
{
    const char *name = field[l->name];
    int part = part_of(l, field, err);
    int64_t c = l->only_ids ? -1 : kin_names_find(&l->classes, name), id = -1;
    if (part < 0 || (!l->only_classes && !find_id(l, name, &id, err))) return false;
    if (c < 0 && id < 0)
        return kin_csv_fail(&l->csv, err, "\"%.200s\" is neither a class nor a picture's id of the data set",
                            name);
    if (c >= 0 && id >= 0)
        return kin_csv_fail(
            &l->csv, err,
            "\"%.200s\" is a class and also a picture's id; begin the list with a line `class` or `id`",
            name);
    uint8_t *said = c >= 0 ? &l->of_class[c] : &l->of_id[id];
    if (*said) return kin_csv_fail(&l->csv, err, "\"%.200s\" stands on an earlier line already", name);
    *said = (uint8_t)(1 + part);
    return true;
}

static bool read_list(split_list *l, kin_error *err)
{
    char *field[COLUMNS_MAX];
    bool ok = index_names(l, err), first = true;
    int columns = 0;
    for (int count; ok && (count = kin_csv_next(&l->csv, field, COLUMNS_MAX, err)) != 0; first = false) {
        if (count < 0) return false;
        if (count == 1 && !*field[0]) continue; /* blanks alone */
        if (first) columns = count;
        if (first && is_head(l, field, count)) continue;
        if (first) l->split = count > 1 ? 1 : -1;
        if (count != columns || (l->split < 0 && count > 1) ||
            (!l->only_ids && !l->only_classes && count > 2))
            ok = kin_csv_fail(&l->csv, err, "is not `class` or `id`, and maybe `,train|val|test`");
        else ok = take_line(l, field, err);
    }
    return ok;
}

/* What is said of a picture counts before what is said of its class. */
bool kin_split_parse_list(const kin_dataset *set, const char *name, kin_bytes *text, uint8_t *part,
                          kin_error *err)
{
    split_list l = {.set = set,
                    .csv = kin_csv_open(name, (char *)text->data, text->size),
                    .of_id = kin_alloc_zero((size_t)set->count + 1, 1),
                    .of_class = kin_alloc_zero((size_t)set->classes + 1, 1)};
    l.csv.trim = true;
    bool ok = (l.of_id && l.of_class) || kin_fail_memory(err, name, (size_t)set->count);
    ok = ok && read_list(&l, err);
    for (int64_t i = 0; ok && i < set->count; i++) {
        int label = set->items[i].label, of_class = label >= 0 ? l.of_class[label] : 0;
        part[i] = l.of_id[i] ? (uint8_t)(l.of_id[i] - 1) : of_class ? (uint8_t)(of_class - 1) : KEEP;
    }
    kin_names_free(&l.ids), kin_names_free(&l.old_ids), kin_names_free(&l.classes);
    kin_free(l.of_old_id);
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
