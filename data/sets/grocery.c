/* GroceryStoreDataset [Klasson, Zhang, Kjellström 2019]. train.txt (2,640 pictures), val.txt (296) and
 * test.txt (2,485) list `path, fine class, coarse class`; classes.csv names the 81 fine classes and 43
 * coarse ones. */
#include "base/memory.h"
#include "data/sets/known.h"

#include <stdio.h>
#include <string.h>

enum { TRAIN, VAL, TEST, CLASSES, CLASSES_MAX = 100000 };
static const char *const list_names[] = {"train", "val", "test"};

/* Other sets have lists of these names too: the first line must be such a one. */
static bool first_line_fits(const char *folder, const char *name)
{
    char line[512] = "", path[400];
    int fine, coarse, read = 0;
    char *full = kin_path_join(folder, name);
    FILE *file = full && kin_regular_file(full) ? fopen(full, "rb") : NULL;
    bool fits = file && fgets(line, sizeof line, file) &&
                sscanf(line, "%399[^,], %d, %d %n", path, &fine, &coarse, &read) == 3 && !line[read];
    if (file) fclose(file);
    kin_free(full);
    return fits;
}

static bool here(const char *folder)
{
    return first_line_fits(folder, "train.txt") &&
           (first_line_fits(folder, "val.txt") || first_line_fits(folder, "test.txt"));
}

/* Names of classes by their numbers, or the numbers themselves. */
static bool read_classes(const kin_list_file *file, bool coarse, kin_dataset *out, const char **names,
                         kin_error *err)
{
    if (!file->path) return true;
    kin_fields f = kin_fields_open(file, ',');
    int name = coarse ? 2 : 0;
    while (kin_fields_next(&f, 0, "", err)) {
        int64_t number;
        if (f.count < 4)
            return kin_fields_fail(&f, err,
                                   "is not `class name, class id, coarse class name, coarse class id, ...`");
        if (f.line == 1 && strstr(f.field[1], "ID")) continue;
        if (!kin_fields_int(&f, name + 1, "class id", 0, CLASSES_MAX - 1, &number, err)) return false;
        names[number] = kin_arena_strdup(&out->arena, f.field[name]);
        if (!names[number]) return kin_fail_memory(err, f.name, strlen(f.field[name]));
    }
    return !f.failed;
}

static bool name_by_number(kin_dataset *out, const char **names, kin_error *err)
{
    for (int64_t i = 0; i < out->count; i++) {
        char text[16];
        int label = out->items[i].label;
        if (names[label]) continue;
        snprintf(text, sizeof text, "%d", label);
        names[label] = kin_arena_strdup(&out->arena, text);
        if (!names[label]) return kin_fail_memory(err, "class names", sizeof text);
    }
    return true;
}

static bool take_list(kin_set_builder *g, const kin_list_file *file, bool coarse, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ',');
    while (kin_fields_next(&f, 3, "path, fine class, coarse class", err)) {
        int64_t label[2];
        for (int i = 0; i < 2; i++)
            if (!kin_fields_int(&f, i + 1, i ? "coarse class" : "fine class", 0, CLASSES_MAX - 1, &label[i],
                                err))
                return false;
        if (!kin_set_builder_add(g, &f, f.field[0], NULL,
                                 &(kin_sample){.label = (int)label[coarse], .camera = -1}, err))
            return false;
    }
    return !f.failed;
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    bool coarse = strstr(part, "-coarse") != NULL, both = strncmp(part, "train+val", 9) == 0;
    kin_set_builder g = {.set = out, .root = folder};
    const char **names = kin_alloc_zero(CLASSES_MAX, sizeof *names);
    bool ok = (names || kin_fail_memory(err, "class names", CLASSES_MAX * sizeof *names)) &&
              read_classes(&lists[CLASSES], coarse, out, names, err);
    for (int i = 0; ok && i < CLASSES; i++) {
        bool wanted = both ? i != TEST : strncmp(part, list_names[i], strlen(list_names[i])) == 0;
        if (wanted && !lists[i].path)
            ok = kin_fail(err, KIN_ERR_IO, "%s: has no %s.txt, which lists the part \"%s\"", folder,
                          list_names[i], part);
        else if (wanted) ok = take_list(&g, &lists[i], coarse, err);
    }
    ok = ok && name_by_number(out, names, err);
    ok = kin_set_builder_end(&g, ok, names, CLASSES_MAX, err);
    kin_free(names);
    return ok;
}

static const char *const parts[] = {
    "train", "val", "test", "train+val", "train-coarse", "val-coarse", "test-coarse", "train+val-coarse",
    NULL};
const kin_known kin_known_grocery = {.name = "GroceryStoreDataset",
                                     .parts = parts,
                                     .lists = {"?train.txt", "?val.txt", "?test.txt", "?classes.csv"},
                                     .here = here,
                                     .parse = parse};
