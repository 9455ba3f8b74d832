/* MATLAB's MAT-files of level 5 ["MAT-File Format", The MathWorks]: variables as a tree of arrays. What
 * annotations need is read: numbers, text, cells and structs, packed or not, of either byte order;
 * objects, sparse arrays and functions are passed over. */
#ifndef KIN_DATA_SETS_MATFILE_H
#define KIN_DATA_SETS_MATFILE_H

#include "base/arena.h"
#include "base/file.h"

typedef enum { KIN_MAT_OTHER, KIN_MAT_NUMBERS, KIN_MAT_TEXT, KIN_MAT_CELLS, KIN_MAT_STRUCT } kin_mat_kind;

typedef struct kin_mat kin_mat;
struct kin_mat {
    kin_mat_kind kind;
    const char *name;     /* of a variable */
    size_t count;         /* of elements: the product of the sizes, in MATLAB's order */
    const double *number; /* [count]; real parts */
    const char *text;     /* UTF-8, zero-terminated */
    kin_mat **item;       /* cells [count]; structs [count · fields], the fields of an element together */
    int fields;
    const char **field; /* [fields] their names */
    kin_mat *next;      /* the next variable */
};

/* The first of the file's variables, in the arena (so is all it points to). `name` is for messages. NULL
 * on a file that is not such a one, is cut off, or unpacks to more than 64 MiB or a million arrays. */
const kin_mat *kin_mat_parse(const char *name, const kin_bytes *bytes, kin_arena *arena, kin_error *err);

/* By name; NULL when there is none. Both take NULL. */
const kin_mat *kin_mat_variable(const kin_mat *first, const char *name);
const kin_mat *kin_mat_field(const kin_mat *structs, size_t i, const char *field);
/* The one number (text) that an array holds; false (NULL) when it is something else. */
bool kin_mat_number(const kin_mat *m, double *out);
const char *kin_mat_text(const kin_mat *m);

#endif
