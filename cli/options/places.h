/* Where several inputs go in one folder: each keeps its folders below the one that holds them all, so that
 * equal names do not meet. */
#ifndef KIN_CLI_OPTIONS_PLACES_H
#define KIN_CLI_OPTIONS_PLACES_H

#include "base/arena.h"
#include "cli/options/command.h"

typedef struct kin_places {
    const char **to; /* for each positional argument */
    int count;
    kin_arena arena;
} kin_places;

/* `folder`/below/NAME.`kind` for each of the command's arguments. Nothing is written or made yet. Refuses,
 * unless --force: two inputs that would go to one file, a place where an input lies, and beside the inputs
 * any file that is there already. */
bool kin_places_find(const kin_cli *cli, const char *folder, const char *kind, kin_places *out,
                     kin_error *err);
/* Makes the folders of to[i]. */
bool kin_places_make_folder(const kin_places *places, int i, kin_error *err);
void kin_places_free(kin_places *places);

#endif
