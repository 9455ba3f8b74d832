/* The words for the parts of a data set, in folders and in lists. */
#include "data/sets/known.h"

#include <string.h>
#include <strings.h>

static const char *const words[KIN_PARTS][4] = {
    [KIN_PART_TRAIN] = {"train", "training"}, [KIN_PART_VAL] = {"val", "valid", "validation", "dev"},
    [KIN_PART_TEST] = {"test", "testing"},    [KIN_PART_QUERY] = {"query", "queries"},
    [KIN_PART_GALLERY] = {"gallery"},
};

const char *kin_part_name(int part) { return words[part][0]; }

int kin_part_of(const char *word, size_t length)
{
    for (int p = 0; p < KIN_PARTS; p++)
        for (int a = 0; a < 4 && words[p][a]; a++)
            if (strlen(words[p][a]) == length && strncasecmp(word, words[p][a], length) == 0) return p;
    return -1;
}
