/* kin data A B --leaks: pictures that a training and a test set share, told in lines, as JSON or as a page. */
#ifndef KIN_CLI_PHOTOS_LEAKS_H
#define KIN_CLI_PHOTOS_LEAKS_H

#include "cli/options/command.h"
#include "data/sets/dataset.h"

/* Rows of the command's option table. */
#define KIN_LEAKS_OPTIONS \
    {"leaks", KIN_OPTION_FLAG, \
     .help = "compare the pictures of two sets, such as those for training and for testing: exact ones " \
             "(the same bytes), same " \
             "ones (written again in another size, format or quality) and near ones (cropped, framed, " \
             "greyed, slightly turned, " \
             "written upon), as kin duplicates tells them; the exit status is 1 when there are any"}, \
        {"kind", KIN_OPTION_CHOICE,         "KIND", "with --leaks: the loosest that counts", \
         "near", .choices = kin_leaks_kinds}, \
        {"html", KIN_OPTION_STRING, "PAGE", "with --leaks: a page that shows them beside each other", \
         .writes = KIN_WRITES_PAGE}, \
    { \
        "json", KIN_OPTION_FLAG, .help = "with --leaks: one JSON object" \
    }

extern const char *const kin_leaks_kinds[]; /* of kin duplicates --kind, too */

/* Of so many pictures the hash was like more than 64 others': that not all of those were compared. 0: nothing. */
void kin_leaks_say_crowded(const kin_cli *cli, int64_t pictures);

/* Leaves in *found how many pictures of the second set are in the first one, too. */
bool kin_leaks_tell(const kin_cli *cli, const kin_dataset *first, const kin_dataset *second, int64_t *found,
                    kin_error *err);

#endif
