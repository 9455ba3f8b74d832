/* Caltech-UCSD Birds 200-2011 [Wah, Branson, Welinder, Perona, Belongie 2011], 11,788 pictures of 200
 * species. images.txt `image_id path`, image_class_labels.txt `image_id class_id`, classes.txt `class_id
 * name`; train_test_split.txt `image_id is_training` and bounding_boxes.txt `image_id x y width height`
 * are needed for the parts that use them.
 *
 * Retrieval [Oh Song et al. 2016]: classes 1 to 100 train (5,864 pictures), 101 to 200 test (5,924), each
 * among all others. Classification: 5,994 pictures train and 5,794 test, of all classes. The -box parts
 * cut the birds out. */
#include "base/memory.h"
#include "base/text.h"
#include "data/sets/known.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES, LABELS, CLASSES, SPLIT, BOXES, TRAINING_CLASSES = 100, SIDE_MAX = 1 << 24 };

typedef struct reading {
    int64_t images, classes; /* how many there are; ids run from 1 */
    int *label;              /* [images], from 1; 0: not known yet */
    uint8_t *training;       /* [images], 1 + is_training; 0: not known yet */
    kin_box *box;            /* [images] */
    const char **names;      /* [classes] */
    kin_arena *arena;
} reading;

/* Lists that define ids count them from 1, a line each. */
static bool next_id(kin_fields *f, const char *what, int64_t *count, kin_error *err)
{
    int64_t id;
    if (!kin_fields_int(f, 0, what, 1, INT32_MAX, &id, err)) return false;
    if (id != ++*count)
        return kin_fields_fail(f, err, "the %s is %lld; ids count up from 1, and %lld was expected", what,
                               (long long)id, (long long)*count);
    return true;
}

static bool read_classes(reading *r, const kin_list_file *file, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ' ');
    size_t capacity = 0;
    while (kin_fields_next(&f, 2, "class_id name", err)) {
        if (!next_id(&f, "class_id", &r->classes, err)) return false;
        bool ok = kin_grow((void **)&r->names, (size_t)r->classes - 1, &capacity, sizeof *r->names) &&
                  (r->names[r->classes - 1] = kin_arena_strdup(r->arena, f.field[1])) != NULL;
        if (!ok) return kin_fail_memory(err, f.name, (size_t)r->classes * sizeof *r->names);
    }
    return !f.failed;
}

/* Lists about pictures name each at most once. */
static bool image_of(const reading *r, kin_fields *f, int64_t *image, kin_error *err)
{
    if (r->images == 0) return kin_fields_fail(f, err, "tells of a picture, but images.txt names none");
    if (!kin_fields_int(f, 0, "image_id", 1, r->images, image, err)) return false;
    --*image;
    return true;
}

static bool twice(kin_fields *f, kin_error *err)
{
    return kin_fields_fail(f, err, "the image_id %s has been told of already", f->field[0]);
}

static bool read_labels(reading *r, const kin_list_file *file, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ' ');
    while (kin_fields_next(&f, 2, "image_id class_id", err)) {
        int64_t image, label;
        if (!image_of(r, &f, &image, err) || !kin_fields_int(&f, 1, "class_id", 1, r->classes, &label, err))
            return false;
        if (r->label[image]) return twice(&f, err);
        r->label[image] = (int)label;
    }
    return !f.failed;
}

static bool read_split(reading *r, const kin_list_file *file, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ' ');
    while (kin_fields_next(&f, 2, "image_id is_training", err)) {
        int64_t image, training;
        if (!image_of(r, &f, &image, err) || !kin_fields_int(&f, 1, "is_training", 0, 1, &training, err))
            return false;
        if (r->training[image]) return twice(&f, err);
        r->training[image] = (uint8_t)(1 + training);
    }
    return !f.failed;
}

static bool read_boxes(reading *r, const kin_list_file *file, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ' ');
    while (kin_fields_next(&f, 5, "image_id x y width height", err)) {
        int64_t image;
        double v[4];
        if (!image_of(r, &f, &image, err)) return false;
        for (int i = 0; i < 4; i++)
            if (!kin_parse_real(f.field[i + 1], &v[i]) || v[i] < (i < 2 ? 0 : 1) || v[i] > SIDE_MAX)
                return kin_fields_fail(&f, err, "\"%.60s\" is no side of a box", f.field[i + 1]);
        if (r->box[image].width) return twice(&f, err);
        r->box[image] = (kin_box){(int)v[0], (int)v[1], (int)v[2], (int)v[3]};
    }
    return !f.failed;
}

static bool make_room(reading *r, kin_list_file *images, kin_error *err)
{
    /* Every line of images.txt is at most one picture. */
    size_t lines = 1;
    for (size_t i = 0; i < images->bytes.size; i++) lines += images->bytes.data[i] == '\n';
    r->label = kin_alloc_zero(lines, sizeof *r->label);
    r->training = kin_alloc_zero(lines, sizeof *r->training);
    r->box = kin_alloc_zero(lines, sizeof *r->box);
    return (r->label && r->training && r->box) || kin_fail_memory(err, images->path, lines * sizeof *r->box);
}

/* Whether picture `i` is in the part; the caller has seen that what decides it is known. */
static bool in_part(const reading *r, int64_t i, const char *part)
{
    if (strncmp(part, "classify-", 9) == 0)
        return (r->training[i] == 2) == (strncmp(part + 9, "train", 5) == 0);
    return (r->label[i] <= TRAINING_CLASSES) == (strncmp(part, "train", 5) == 0);
}

static bool take_images(reading *r, kin_set_builder *g, kin_fields f, const char *part, kin_error *err)
{
    bool classify = strncmp(part, "classify-", 9) == 0, boxed = strstr(part, "-box") != NULL;
    char path[1024];
    for (int64_t i = 0; kin_fields_next(&f, 0, "", err); i++) {
        const char *missing = !r->label[i]                  ? "image_class_labels.txt"
                              : classify && !r->training[i] ? "train_test_split.txt"
                              : boxed && !r->box[i].width   ? "bounding_boxes.txt"
                                                            : NULL;
        if (missing)
            return kin_fields_fail(&f, err, "%s does not tell of the image_id %lld", missing,
                                   (long long)i + 1);
        if (!kin_path_inside(f.field[1])) return kin_set_builder_add(g, &f, f.field[1], NULL, NULL, err);
        if (snprintf(path, sizeof path, "images/%s", f.field[1]) >= (int)sizeof path)
            return kin_fields_fail(&f, err, "its path is longer than %zu bytes", sizeof path);
        kin_sample like = {.label = r->label[i] - 1, .camera = -1, .box = boxed ? r->box[i] : (kin_box){0}};
        if (!kin_set_builder_add(g, &f, path, NULL, in_part(r, i, part) ? &like : NULL, err)) return false;
    }
    return !f.failed;
}

/* images.txt is read twice, since the lists about its pictures come between; the second time its lines are
 * known to be sound. */
static bool count_images(reading *r, const kin_list_file *file, kin_error *err)
{
    kin_fields f = kin_fields_open(file, ' ');
    while (kin_fields_next(&f, 2, "image_id path", err))
        if (!next_id(&f, "image_id", &r->images, err)) return false;
    return !f.failed;
}

static bool needed(const kin_list_file *file, const char *folder, const char *part, const char *name,
                   kin_error *err)
{
    return file->path ||
           kin_fail(err, KIN_ERR_IO, "%s: has no %s, which the part \"%s\" needs", folder, name, part);
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    reading r = {.arena = &out->arena};
    kin_set_builder g = {.set = out, .root = folder};
    kin_list_file again = {.path = lists[IMAGES].path};
    again.bytes.size = lists[IMAGES].bytes.size;
    again.bytes.data = kin_alloc(again.bytes.size + 1);
    bool ok = again.bytes.data ? true : kin_fail_memory(err, again.path, again.bytes.size);
    if (ok) memcpy(again.bytes.data, lists[IMAGES].bytes.data, again.bytes.size + 1);
    ok = ok && make_room(&r, &again, err) && count_images(&r, &lists[IMAGES], err) &&
         read_classes(&r, &lists[CLASSES], err);
    if (ok && r.classes == 0) ok = kin_fail(err, KIN_ERR_DATA, "%s: names no classes", lists[CLASSES].path);
    ok = ok && read_labels(&r, &lists[LABELS], err);
    if (ok && strncmp(part, "classify-", 9) == 0)
        ok = needed(&lists[SPLIT], folder, part, "train_test_split.txt", err) &&
             read_split(&r, &lists[SPLIT], err);
    if (ok && strstr(part, "-box"))
        ok = needed(&lists[BOXES], folder, part, "bounding_boxes.txt", err) &&
             read_boxes(&r, &lists[BOXES], err);
    ok = ok && take_images(&r, &g, kin_fields_open(&again, ' '), part, err);
    ok = kin_set_builder_end(&g, ok, r.names, (int)r.classes, err);
    kin_free(r.label), kin_free(r.training), kin_free(r.box), kin_free(r.names);
    kin_bytes_free(&again.bytes);
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
const kin_known kin_known_cub = {.name = "CUB-200-2011",
                                 .parts = parts,
                                 .lists = {"images.txt", "image_class_labels.txt", "classes.txt",
                                           "?train_test_split.txt", "?bounding_boxes.txt"},
                                 .parse = parse};
