/* Data sets known by name. A reader is one file with one row, `const kin_known kin_known_NAME`, listed in
 * data/sets/known.c: how the set is recognised, its parts, and how its lists are read. */
#ifndef KIN_DATA_SETS_KNOWN_H
#define KIN_DATA_SETS_KNOWN_H

#include "data/sets/lines.h"

enum { KIN_KNOWN_LISTS = 5 };

typedef struct kin_known {
    const char *name;
    const char *const *parts; /* the default first; ended by NULL */
    /* Files that hold the lists, relative to the set's folder; "a|b" is the first of several that is
     * there, a '?' in front says that it may be missing. */
    const char *lists[KIN_KNOWN_LISTS];
    /* Whether `folder` holds the set; NULL: when all lists that may not be missing are there. */
    bool (*here)(const char *folder);
    /* Reads the part out of the lists; pictures lie under `folder`. */
    bool (*parse)(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err);
} kin_known;

/* All of them, ended by NULL. */
extern const kin_known *const kin_known_sets[];
/* The one that lies in `folder`, or NULL. */
const kin_known *kin_known_find(const char *folder);
/* Reads the lists and then `part` (NULL: the default). Fails on a part that there is not, naming the
 * others. */
bool kin_known_open(const kin_known *known, const char *folder, const char *part, kin_dataset *out,
                    kin_error *err);

#endif
