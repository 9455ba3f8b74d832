/* What the commands on one's own photographs share: where an index is, what makes its descriptors, one writer
 * at a time. */
#ifndef KIN_CLI_PHOTOS_ALBUM_H
#define KIN_CLI_PHOTOS_ALBUM_H

#include "cli/options/named_network.h"
#include "photos/update.h"

/* A row of the option tables of commands that read an index. */
#define KIN_INDEX_OPTION \
    { \
        "index", KIN_OPTION_STRING, "PATH", "an indexed folder, or an index that kin index --out wrote", \
            .fallback_shown = "the folder here, or the nearest above it, that has one" \
    }

/* The name of the index in the folder that it is of. */
extern const char kin_index_name[];

/* The index's file that `path` means, a folder or the file itself; NULL: of the folder here or of one above
 * it. Owned by the caller; NULL on error, which says how to make one. */
char *kin_index_find(const char *path, kin_error *err);

/* An index that is open, and the folder that its paths are below (owned). */
typedef struct kin_album {
    kin_photos photos;
    char *file, *root;
} kin_album;
/* `path` as for kin_index_find. Says which model the index was made by; `cli` NULL: says nothing. */
bool kin_album_open(const kin_cli *cli, const char *path, kin_album *out, kin_error *err);
void kin_album_close(kin_album *album);
/* The picture's whole path, owned by the caller; NULL when out of memory. */
char *kin_album_path(const kin_album *album, int64_t item);
/* The item of this path, given as below the album's folder, or as seen from here; -1: none. */
int64_t kin_album_item(const kin_album *album, const char *path);

/* Leaves in the album what is there now as the index says, each file under one name (photos/present.h), and says what
 * that leaves out. Fails where nothing stays. */
bool kin_album_present(const kin_cli *cli, kin_album *album, kin_error *err);
/* Says how many pictures are gone or another since, or cannot be read, [KIN_PHOTO_STATES]; the first of them by its
 * path; of none nothing. */
void kin_album_say_stale(const kin_cli *cli, const kin_album *album, const int64_t *now, const char *first);

/* Whether its rows are joined ones (cli/network/kin_network.h). */
bool kin_photos_joined(const kin_photos *p);
/* Of an index by kin's own network, leaves in the rows what is counted by hand; true for one by hand alone, too. Of another
 * network's index nothing changes. */
bool kin_album_by_hand(kin_album *album);

/* Nothing is written over a picture of the album, unless --force; `output` may be NULL. */
bool kin_album_apart(const kin_cli *cli, const kin_album *album, const char *output, kin_error *err);

/* The items of each group, in their order: item[first[g]] .. item[first[g + 1] - 1]. Groups below 0 are none. */
typedef struct kin_groups {
    int64_t *first; /* [groups + 1] */
    int64_t *item;
} kin_groups;
bool kin_by_group(const int64_t *group, int64_t count, int64_t groups, kin_groups *out, kin_error *err);
void kin_groups_free(kin_groups *g);

/* What makes descriptors: by hand, or a network. */
typedef struct kin_describer {
    kin_ctx *ctx; /* NULL: by hand */
    kin_module *module;
    kin_network *network; /* owned */
    kin_image_limits limits;
    int64_t dim;
    bool joined;              /* kin's own network, and what is counted by hand (cli/network/kin_network.h) */
    char weights[2 * 32 + 1]; /* their digest; "" by hand */
} kin_describer;
/* As the command line of kin index says. */
bool kin_describer_open(const kin_cli *cli, kin_describer *out, kin_error *err);
/* As the index's options say, which are those of kin index, the command `index`; fails where the weights
 * are not those that it was made with. */
bool kin_describer_open_like(const kin_command *index, const kin_cli *cli, const kin_photos *photos,
                             kin_describer *out, kin_error *err);
void kin_describer_close(kin_describer *d);
/* kin_photos_opt.describe, with the describer as its user; of a joined one each row begins with kin_look's numbers. */
bool kin_describer_files(void *describer, const char *const *path, int64_t count, float *rows, bool *made,
                         kin_error *err);
/* One picture from the bytes of its file: its descriptor [dim]. */
bool kin_describer_bytes(kin_describer *d, const kin_bytes *bytes, float *row, kin_error *err);
/* Whether any option was given that decides a descriptor. */
bool kin_describer_given(const kin_cli *cli);
/* The options that were given, a line "NAME=VALUE" each, owned by the caller; NULL when out of memory. */
char *kin_describer_options(const kin_cli *cli);

/* The lock of an index: one process at a time updates it, others wait, which is said. -1 on error or
 * Ctrl-C. */
int kin_index_lock(const kin_cli *cli, const char *file, kin_error *err);
void kin_index_unlock(int lock);

#endif
