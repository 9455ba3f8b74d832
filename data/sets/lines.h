/* What the readers of data sets known by name share: lists cut into lines and fields, pictures gathered
 * from them. */
#ifndef KIN_DATA_SETS_LINES_H
#define KIN_DATA_SETS_LINES_H

#include "base/names.h"
#include "data/sets/dataset.h"

enum { KIN_FIELDS_MAX = 16 };

typedef struct kin_list_file {
    char *path;      /* as it was found; NULL: it is not there */
    kin_bytes bytes; /* readers cut them up in place */
} kin_list_file;

/* ---- files of lines ---- */

/* A text file line by line, each line cut into fields in place. */
typedef struct kin_fields {
    const char *name; /* for messages */
    char *at, *end;
    char separator; /* ' ': any blanks; else that character, and blanks around a field are dropped */
    int64_t line;   /* of the fields, from 1 */
    int count;
    char *field[KIN_FIELDS_MAX];
    bool failed;
} kin_fields;
kin_fields kin_fields_open(const kin_list_file *file, char separator);
/* The next line that is not empty, which must have `count` fields (0: any number); `what` names them for
 * the message. False at the end, and, with `failed`, on a line that is not so. */
bool kin_fields_next(kin_fields *f, int count, const char *what, kin_error *err);
/* Field i as a number in low .. high. */
bool kin_fields_int(kin_fields *f, int i, const char *what, int64_t low, int64_t high, int64_t *out,
                    kin_error *err);
/* Fails, naming file and line. */
bool kin_fields_fail(kin_fields *f, kin_error *err, const char *format, ...) KIN_PRINTF(3, 4);

/* ---- gathering pictures ---- */

typedef struct kin_set_builder {
    kin_dataset *set;
    const char *root;           /* paths are relative to it */
    kin_names paths;            /* of all lines, those of other parts too */
    int64_t *line;              /* [paths.count] where each stood */
    const char **class_of_item; /* [set->count] */
    size_t lines_capacity, classes_capacity;
} kin_set_builder;

/* Notes the picture `path` of the present line: refuses paths that are absolute, lead out of the set or
 * stand on an earlier line. With `like` not NULL it becomes an item with that label, camera, role and box,
 * of class `class_name` (NULL: none). */
bool kin_set_builder_add(kin_set_builder *g, kin_fields *f, const char *path, const char *class_name,
                         const kin_sample *like, kin_error *err);
/* Names the classes: by the names given to kin_set_builder_add, or by `names` [n] for the labels given.
 * Frees; call it always, with what has happened so far in `ok`. */
bool kin_set_builder_end(kin_set_builder *g, bool ok, const char *const *names, int n, kin_error *err);

/* What sets are divided into, by whatever words. */
enum { KIN_PART_TRAIN, KIN_PART_VAL, KIN_PART_TEST, KIN_PART_QUERY, KIN_PART_GALLERY, KIN_PARTS };
/* The part that a word means ("Training", "valid"); -1: none. */
int kin_part_of(const char *word, size_t length);
/* What it is called here: "train". */
const char *kin_part_name(int part);

/* Whether a relative path stays inside its folder. */
bool kin_path_inside(const char *path);
/* Whether a file's name ends as those of pictures do; what it is, is found in its contents. */
bool kin_looks_like_picture(const char *name);
/* folder/name exists. */
bool kin_known_has(const char *folder, const char *name);
/* The sorted names in a folder, without those that begin with a dot. Owned: kin_free each and the array. */
bool kin_folder_names(const char *folder, char ***names, size_t *count, kin_error *err);
void kin_folder_names_free(char **names, size_t count);

#endif
