/* Cars-196 [Krause, Stark, Deng, Fei-Fei 2013], 16,185 pictures of 196 models. cars_annos.mat holds the
 * struct array `annotations` (relative_im_path, bbox_x1, bbox_y1, bbox_x2, bbox_y2, class, test) and the
 * cells `class_names`.
 *
 * Retrieval [Oh Song et al. 2016]: classes 1 to 98 train (8,054 pictures), 99 to 196 test (8,131), each
 * among all others. Classification: 8,144 pictures train and 8,041 test, of all classes. The -box parts
 * cut the cars out. */
#include "base/memory.h"
#include "data/sets/known.h"
#include "data/sets/matfile.h"

#include <math.h>
#include <string.h>

enum { TRAINING_CLASSES = 98, SIDE_MAX = 1 << 24 };

/* A whole number in low .. high. */
static bool whole(kin_fields *f, const kin_mat *annotations, size_t i, const char *field, int low, int high,
                  int *out, kin_error *err)
{
    double value;
    if (!kin_mat_number(kin_mat_field(annotations, i, field), &value) || !(value >= low && value <= high) ||
        value != floor(value))
        return kin_fields_fail(f, err, "annotations.%s is no whole number from %d to %d", field, low, high);
    *out = (int)value;
    return true;
}

static bool take_one(kin_set_builder *g, kin_fields *f, const kin_mat *a, size_t i, const char *part,
                     int classes, kin_error *err)
{
    const char *path = kin_mat_text(kin_mat_field(a, i, "relative_im_path"));
    int label = 0, test = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    if (!path) return kin_fields_fail(f, err, "annotations.relative_im_path is no text");
    if (!whole(f, a, i, "class", 1, classes, &label, err)) return false;
    kin_sample like = {.label = label - 1, .camera = -1};
    bool classify = strncmp(part, "classify-", 9) == 0;
    if (classify && !whole(f, a, i, "test", 0, 1, &test, err)) return false;
    if (strstr(part, "-box")) {
        if (!whole(f, a, i, "bbox_x1", 1, SIDE_MAX, &x1, err) ||
            !whole(f, a, i, "bbox_y1", 1, SIDE_MAX, &y1, err) ||
            !whole(f, a, i, "bbox_x2", x1, SIDE_MAX, &x2, err) ||
            !whole(f, a, i, "bbox_y2", y1, SIDE_MAX, &y2, err))
            return false;
        /* MATLAB counts pixels from 1, the last included */
        like.box = (kin_box){x1 - 1, y1 - 1, x2 - x1 + 1, y2 - y1 + 1};
    }
    bool in_train = classify ? !test : label <= TRAINING_CLASSES,
         wanted = in_train == (strncmp(part + (classify ? 9 : 0), "train", 5) == 0);
    return kin_set_builder_add(g, f, path, NULL, wanted ? &like : NULL, err);
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    kin_arena arena = {0};
    kin_set_builder g = {.set = out, .root = folder};
    kin_fields f = {.name = lists[0].path}; /* its line is the annotation, from 1 */
    const kin_mat *first = kin_mat_parse(lists[0].path, &lists[0].bytes, &arena, err);
    const kin_mat *a = kin_mat_variable(first, "annotations"),
                  *names = kin_mat_variable(first, "class_names");
    bool ok = first != NULL;
    if (ok && (!a || a->kind != KIN_MAT_STRUCT || !names || names->kind != KIN_MAT_CELLS ||
               names->count == 0 || names->count > 1000000))
        ok = kin_fail(err, KIN_ERR_DATA,
                      "%s: lacks the struct array `annotations` or the cells `class_names`", lists[0].path);
    const char **name = ok ? kin_alloc_array(names->count, sizeof *name) : NULL;
    if (ok && !name) ok = kin_fail_memory(err, "class names", names->count * sizeof *name);
    for (size_t c = 0; ok && c < names->count; c++) {
        name[c] = kin_mat_text(names->item[c]);
        if (!name[c])
            ok = kin_fail(err, KIN_ERR_DATA, "%s: class_names{%zu} is no text", lists[0].path, c + 1);
    }
    for (size_t i = 0; ok && i < a->count; i++) {
        f.line = (int64_t)i + 1;
        ok = take_one(&g, &f, a, i, part, (int)names->count, err);
    }
    ok = kin_set_builder_end(&g, ok, name, ok ? (int)names->count : 0, err);
    kin_free(name);
    kin_arena_free(&arena);
    return ok;
}

static const char *const parts[] = {"train",
                                    "test",
                                    "train-box",
                                    "test-box",
                                    "classify-train",
                                    "classify-test",
                                    "classify-train-box",
                                    "classify-test-box",
                                    NULL};
const kin_known kin_known_cars = {
    .name = "Cars-196", .parts = parts, .lists = {"cars_annos.mat"}, .parse = parse};
