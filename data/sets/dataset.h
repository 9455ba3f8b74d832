/* A set of labelled pictures, wherever they come from: a data set known by name (data/sets/known.h), a folder
 * of class folders, a list, IDX, or CIFAR's binary files. */
#ifndef KIN_DATA_SETS_DATASET_H
#define KIN_DATA_SETS_DATASET_H

#include "base/arena.h"
#include "data/images/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Data sets with a published protocol say which pictures are looked for and which are searched; one's own
 * list may say of a picture that it is both. */
typedef enum { KIN_ROLE_NONE, KIN_ROLE_QUERY, KIN_ROLE_GALLERY, KIN_ROLE_BOTH } kin_role;

/* A rectangle of a picture, in pixels; a width of 0 is the whole picture. */
typedef struct kin_box {
    int x, y, width, height;
} kin_box;

typedef struct kin_sample {
    const char *id;   /* unique: the relative path as it is, or the row's number */
    const char *path; /* of the picture's file; for IDX and CIFAR the container's */
    /* 0 .. classes-1, in the order of sorted class names or of the set's own numbering; -1: none (a
     * distractor) */
    int label;
    int camera; /* that took it; -1: unknown */
    kin_role role;
    kin_box box;    /* what is cut out of it */
    int64_t index;  /* of the picture in the set's pixels; -1 for a file of its own */
    int64_t number; /* of the picture in its container: a list names it "path#number" */
} kin_sample;

typedef struct kin_dataset {
    int64_t count;
    int classes;
    kin_sample *items;
    const char **class_names;
    /* what it was recognised as: "CUB-200-2011", "a folder of class folders"; a constant */
    const char *kind;
    const char *part;         /* which of its parts; NULL: it has none */
    const char *const *parts; /* all of them, the default one first, ended by NULL; or NULL */
    /* IDX and CIFAR: all pictures, interleaved, one after the other; NULL for files. */
    uint8_t *pixels;
    int width, height, channels;
    const char *unlabelled; /* why it has no classes, where its layout tells none; NULL: for no such reason */
    const char *remark;     /* what the user should hear about it, on one line; NULL: nothing */
    bool view;              /* pixels and texts belong to the set it was chosen from (data/sets/split.h) */
    kin_arena arena;        /* names */
    size_t capacity;
} kin_dataset;

typedef struct kin_dataset_opt {
    /* which classes, by their place in sorted order: "0-699", "700-", "0,2,4-6"; NULL: all */
    const char *classes;
    /* where classes are told: "folder" (that a picture lies in), "none", a pattern of names with {} for
     * the label, or a list of names and labels; NULL: as the set tells them */
    const char *labels;
    uint64_t max_pixels; /* passed on to the pictures' readers */
    /* readers of one's own, asked before all others; ends with NULL; NULL: none */
    const struct kin_dataset_reader *const *own;
} kin_dataset_opt;

/* A kind of data set that kin does not know: a row of kin_dataset_opt.own. */
typedef struct kin_dataset_reader {
    const char *name;               /* what kin_dataset.kind says; a constant */
    bool (*here)(const char *path); /* whether `path` is one */
    /* Adds its items (kin_dataset_add) and names their classes (kin_dataset_name_classes). `part` is what stood behind a
     * colon; NULL: nothing. `out` is empty, and freed by the caller, also after an error. */
    bool (*open)(const char *path, const char *part, kin_dataset *out, kin_error *err);
} kin_dataset_reader;

/* Opens `path`, whose kind is found by looking: a data set known by name when its files are there, a
 * folder of folders of pictures (each is a class, named by its relative path, unless pictures also lie
 * beside them; folders train, val and test are parts), an IDX or CIFAR file (IDX also as .gz), or a list
 * with lines `path,label`. "PATH:PART" chooses a part of a data set known by name, of which the first is
 * the default, or the pictures of a list whose role is "query" or "gallery"; without a part a list is all
 * of them. After choosing classes, labels are renumbered from 0. Fails on an empty set, naming what was
 * looked for, and on a part that the set does not have, naming those it has. */
bool kin_dataset_open(const char *path, const kin_dataset_opt *opt, kin_dataset *out, kin_error *err);
void kin_dataset_free(kin_dataset *set);

/* Item i as stored, 1 or 3 (or 2, 4) channels; its box alone where it has one. */
bool kin_dataset_image(const kin_dataset *set, int64_t i, const kin_image_limits *limits, kin_image *out,
                       kin_error *err);

/* How many pictures each class has: counts [classes]. */
void kin_dataset_histogram(const kin_dataset *set, int64_t *counts);

/* ---- for the readers ---- */
bool kin_dataset_add(kin_dataset *set, const char *id, const char *path, int label, int64_t index,
                     kin_error *err);
/* Sorts the class names given (one for each item, in order; NULL: it has no class) and sets labels. */
bool kin_dataset_name_classes(kin_dataset *set, const char *const *class_of_item, kin_error *err);
/* Labels are numbers below `n` (or -1), named by `names`: keeps their order, and renumbers those that
 * occur from 0. */
bool kin_dataset_number_classes(kin_dataset *set, const char *const *names, int n, kin_error *err);
/* `part`: of a folder that is divided into train, val, test (query, gallery); NULL: the first. */
bool kin_folder_open(const char *path, const char *part, bool folders_are_classes, kin_dataset *out,
                     kin_error *err);
/* All pictures below a folder, whatever their layout, without classes or parts; there may be none. What is passed
 * over is remarked. */
bool kin_folder_pictures(const char *path, const char *exclude, kin_dataset *out, kin_error *err);
/* kin_dataset_opt.labels of a set that is open. */
bool kin_labels_apply(kin_dataset *set, const char *how, kin_error *err);
/* `part` is one of its roles or splits; NULL: all. */
bool kin_list_open(const char *path, const char *part, kin_dataset *out, kin_error *err);
/* Pictures in containers ("train-images-idx3-ubyte#7") have a number, and no index yet. */
bool kin_list_parse(const char *name, const char *text, size_t size, const char *part, kin_dataset *out,
                    kin_error *err);
/* The item's path as it stands in `list`, so that the list finds it: counted from the list's folder, or in
 * full where that is another one; NULL when out of memory. Owned by the caller. */
char *kin_list_path(const char *list, const kin_sample *item);
/* Adds to the set's remark. */
bool kin_dataset_remark(kin_dataset *set, kin_error *err, const char *format, ...) KIN_PRINTF(3, 4);
/* Whether there is such a file, and no pipe, which whoever opens it waits for. */
bool kin_regular_file(const char *path);
/* Is it named as IDX and CIFAR files are? */
bool kin_is_container(const char *path);
bool kin_idx_open(const char *path, kin_dataset *out, kin_error *err);
/* `images` and `labels` are the files' bytes, already unpacked; labels may be empty. */
bool kin_idx_parse(const char *name, const kin_bytes *images, const kin_bytes *labels, kin_dataset *out,
                   kin_error *err);
/* With `coarse`, CIFAR-100's labels are its 20 superclasses. Class names are read from the lists beside
 * the files. */
bool kin_cifar_open(const char *const *paths, int n_paths, bool coarse, kin_dataset *out, kin_error *err);
/* Appends the records of one CIFAR-10 file (3,073 bytes each) or CIFAR-100 file (3,074: coarse and fine
 * label). */
bool kin_cifar_parse(const char *name, const kin_bytes *bytes, bool coarse, kin_dataset *out, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
