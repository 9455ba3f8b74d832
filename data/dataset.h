/* A set of labelled pictures, wherever they come from: a folder of class folders, a list, IDX, or CIFAR's binary files. */
#ifndef KIN_DATA_DATASET_H
#define KIN_DATA_DATASET_H

#include "base/arena.h"
#include "data/image.h"

typedef struct kin_sample {
    const char *id;    /* unique, without blanks and commas: the relative path, or the row's number */
    const char *path;  /* of the picture's file; for IDX and CIFAR the container's */
    int label;         /* 0 .. classes-1, in the order of sorted class names */
    int64_t index;     /* of the picture inside a container; -1 for a file of its own */
} kin_sample;

typedef struct kin_dataset {
    int64_t count;
    int classes;
    kin_sample *items;
    const char **class_names;
    /* IDX and CIFAR: all pictures, interleaved, one after the other; NULL for files. */
    uint8_t *pixels;
    int width, height, channels;
    kin_arena arena;   /* names and items */
    size_t capacity;
} kin_dataset;

typedef struct kin_dataset_opt {
    const char *classes; /* which classes, by their place in sorted order: "0-699", "700-", "0,2,4-6"; NULL: all */
    uint64_t max_pixels; /* passed on to the pictures' readers */
} kin_dataset_opt;

/* Opens `path`, whose kind is found by looking: a folder of folders of pictures (any folder that holds pictures is a
 * class, named by its relative path), a folder with IDX or CIFAR files, one such file (IDX also as .gz), or a list with
 * lines `path,label`. "PATH:test" and "PATH:train" choose a half of IDX and CIFAR folders; train is the default.
 * After choosing classes, labels are renumbered from 0. Fails on an empty set, naming what was looked for. */
bool kin_dataset_open(const char *path, const kin_dataset_opt *opt, kin_dataset *out, kin_error *err);
void kin_dataset_free(kin_dataset *set);

/* Item i as stored, 1 or 3 (or 2, 4) channels. */
bool kin_dataset_image(const kin_dataset *set, int64_t i, const kin_image_limits *limits, kin_image *out, kin_error *err);

/* How many pictures each class has: counts [classes]. */
void kin_dataset_histogram(const kin_dataset *set, int64_t *counts);

/* ---- for the readers ---- */
bool kin_dataset_add(kin_dataset *set, const char *id, const char *path, int label, int64_t index, kin_error *err);
/* Sorts the class names given (one for each item, in order) and sets labels. */
bool kin_dataset_name_classes(kin_dataset *set, const char *const *class_of_item, kin_error *err);
bool kin_folder_open(const char *path, kin_dataset *out, kin_error *err);
bool kin_list_open(const char *path, kin_dataset *out, kin_error *err);
bool kin_list_parse(const char *name, const char *text, size_t size, kin_dataset *out, kin_error *err);
bool kin_idx_open(const char *path, kin_dataset *out, kin_error *err);
bool kin_cifar_open(const char *const *paths, int n_paths, kin_dataset *out, kin_error *err);
/* `images` and `labels` are the files' bytes, already unpacked; labels may be empty. */
bool kin_idx_parse(const char *name, const kin_bytes *images, const kin_bytes *labels, kin_dataset *out, kin_error *err);
/* Appends the records of one CIFAR-10 file (3,073 bytes each) or CIFAR-100 file (3,074: coarse and fine label). */
bool kin_cifar_parse(const char *name, const kin_bytes *bytes, kin_dataset *out, kin_error *err);

#endif
