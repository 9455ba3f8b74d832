/* Opening data for a command: the set, its pictures, the remarks about broken ones. */
#ifndef KIN_CLI_SOURCE_H
#define KIN_CLI_SOURCE_H

#include "cli/command.h"
#include "data/pictures.h"

typedef struct kin_source {
    kin_dataset set;
    kin_pictures pictures;
} kin_source;

/* Reads all pictures of `path` with a progress line; broken ones are left out and told in one remark, or
 * refused when `strict`. */
bool kin_source_open(kin_source *s, const kin_cli *cli, const char *path, const char *classes, int size,
                     int channels, kin_filter filter, bool strict, kin_error *err);
/* The same for s->set, which the caller has opened or chosen already. On failure both are freed. */
bool kin_source_read(kin_source *s, const kin_cli *cli, int size, int channels, kin_filter filter,
                     bool strict, kin_error *err);
/* What is to be said about a set that was opened: its remark. Every command that opens one calls it. */
void kin_source_remark(const kin_cli *cli, const char *path, const kin_dataset *set);
void kin_source_close(kin_source *s);

#endif
