/* What kin find looks for: files, standard input, and pictures as another index knows them. */
#ifndef KIN_CLI_PHOTOS_QUERIES_H
#define KIN_CLI_PHOTOS_QUERIES_H

#include "cli/photos/album.h"

#include <sys/stat.h>

typedef struct kin_find_queries {
    const char **name; /* borrowed; [count] */
    char **path;       /* [count]: the file to look at; NULL: none, as of standard input */
    float *rows;       /* [count, dim] */
    struct stat *file; /* [count]; st_ino 0: none */
    bool *grey;        /* [count]: it has no colours, and is compared without */
    double part[3]; /* how long colours, gradients and the network's part are in a row that has all of them */
    int64_t count;
} kin_find_queries;

/* The command's arguments, described as the album's pictures are. To be freed on error, too. */
bool kin_find_queries_take(const kin_cli *cli, const kin_album *album, kin_find_queries *q, kin_error *err);
void kin_find_queries_free(kin_find_queries *q);

/* The mean of all rows becomes the only one, of unit length; or where one is compared without colours, of such length that
 * what is nearest in all parts has the similarity 1. */
bool kin_find_average(kin_find_queries *q, int64_t dim, kin_error *err);
/* Whether of no query it can be told what a match is: of an average one is enough. */
bool kin_find_all_grey(const kin_find_queries *q, bool each);

#endif
