/* Opening data for a command: the set, its pictures, the remarks about broken ones. */
#ifndef KIN_CLI_OPTIONS_SOURCE_H
#define KIN_CLI_OPTIONS_SOURCE_H

#include "cli/options/command.h"
#include "data/pictures.h"

typedef struct kin_source {
    kin_dataset set;
    kin_pictures pictures;
} kin_source;

/* A row of the commands' option tables. */
#define KIN_LABELS_OPTION \
    { \
        "labels", KIN_OPTION_STRING, "HOW", \
            "where the classes are told: folder (the one a picture lies in), none, a pattern of names with " \
            "{} " \
            "for the class, such as {}_*.jpg, or a list `path,label`", \
            .fallback_shown = "by the data set, or by a folder of class folders" \
    }

/* What --classes and --labels choose. */
kin_dataset_opt kin_source_choice(const kin_cli *cli);

/* Opens the set that `opt` chooses of `path`, and tells what there is to be said about it. */
bool kin_source_open_set(const kin_cli *cli, const char *path, const kin_dataset_opt *opt, kin_dataset *set,
                         kin_error *err);
/* Refuses a set without classes, or with one alone, for `what` ("--judge"), which would say nothing. */
bool kin_source_need_classes(const kin_dataset *set, const char *path, const char *what, kin_error *err);

/* Rows of the option tables of commands that read pictures. */
#define KIN_PICTURE_OPTIONS \
    {"max-pixels", KIN_OPTION_INT, \
     "N",          "refuse larger pictures, and those that cost more work than pictures of this size do", \
     "100000000",  .low = 1, \
     .high = -1}, \
    { \
        "background", KIN_OPTION_STRING, "COLOUR", \
            "lay pictures with alpha over this: white, black, or #rrggbb", \
            .fallback_shown = "alpha is dropped, and colours under it are seen" \
    }

/* What these options say. */
bool kin_picture_limits(const kin_cli *cli, kin_image_limits *out, kin_error *err);

/* Tells of pictures whose alpha was dropped, when there are any. */
void kin_source_hidden(const kin_cli *cli, int64_t hidden, int64_t count);

/* Reads all pictures of s->set, which the caller has opened or chosen, with a progress line; broken ones
 * are left out and told in one remark, or refused when `strict`. On failure both are freed. */
bool kin_source_read(kin_source *s, const kin_cli *cli, int size, int channels, kin_filter filter,
                     bool strict, kin_error *err);
void kin_source_close(kin_source *s);

#endif
