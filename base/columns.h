/* What the columns of a list mean, by the names that its first line gives them: kin's own and those that
 * other programs write, whatever their case, with blanks or '-' for '_'. */
#ifndef KIN_BASE_COLUMNS_H
#define KIN_BASE_COLUMNS_H

#include "base/error.h"

#include <stddef.h>

typedef enum kin_column {
    KIN_COLUMN_ID,
    KIN_COLUMN_PATH,
    KIN_COLUMN_LABEL,
    KIN_COLUMN_CAMERA,
    KIN_COLUMN_ROLE,    /* query, gallery or empty */
    KIN_COLUMN_QUERY,   /* is_query: 1 or 0, true or false, yes or no, or empty for no */
    KIN_COLUMN_GALLERY, /* is_gallery */
    KIN_COLUMN_SPLIT,
    KIN_COLUMN_LEFT, /* of the box, x_1 */
    KIN_COLUMN_TOP,
    KIN_COLUMN_RIGHT, /* the first pixel behind it */
    KIN_COLUMN_BOTTOM,
    KIN_COLUMN_BOX,    /* the four in one field, with blanks between them */
    KIN_COLUMN_VECTOR, /* a descriptor, as [1,2.5,-3] */
    KIN_COLUMNS
} kin_column;

typedef struct kin_columns {
    int place[KIN_COLUMNS]; /* -1: it is not there */
    int count;              /* of all columns */
    int known;
    char others[200]; /* the names that were not understood, with ", " between them */
} kin_columns;

/* Looks at the names [count]. Where several mean the same, the one that is named first in the table counts
 * and the others are not understood. */
kin_columns kin_columns_find(char *const *names, int count);

/* The field of that column, or "" where the list has none. */
static inline const char *kin_columns_field(const kin_columns *c, char *const *field, kin_column column)
{
    return c->place[column] < 0 ? "" : field[c->place[column]];
}

/* Whether a row is looked for, and whether it is searched, by its columns role, is_query and is_gallery.
 * Fails with a message that names the value alone. */
bool kin_columns_role(const kin_columns *c, char *const *field, bool *query, bool *gallery, kin_error *err);

#endif
