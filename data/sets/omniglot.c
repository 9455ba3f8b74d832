/* Omniglot [Lake, Salakhutdinov, Tenenbaum 2015]: alphabets of characters, 20 drawings of each.
 * images_background holds 964 characters of 30 alphabets, images_evaluation 659 of 20 others; either
 * folder may also be given alone. Classes are alphabet/character. */
#include "base/memory.h"
#include "data/sets/known.h"

#include <stdio.h>
#include <string.h>

static const char *const sides[] = {"images_background", "images_evaluation"};

/* Whether an alphabet lies in `folder`: one that has a character01. */
static bool has_alphabet(const char *folder)
{
    char **names;
    size_t count = 0;
    bool found = false;
    if (!kin_is_folder(folder) || !kin_folder_names(folder, &names, &count, NULL)) return false;
    for (size_t i = 0; !found && i < count && i < 8; i++) {
        char *alphabet = kin_path_join(folder, names[i]);
        found = alphabet && kin_known_has(alphabet, "character01");
        kin_free(alphabet);
    }
    if (count) kin_folder_names_free(names, count);
    return found;
}

static bool here(const char *folder)
{
    return kin_known_has(folder, sides[0]) || kin_known_has(folder, sides[1]) || has_alphabet(folder);
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    (void)lists;
    if (!kin_known_has(folder, sides[0]) && !kin_known_has(folder, sides[1])) {
        if (strcmp(part, "evaluation") != 0) return kin_folder_open(folder, NULL, true, out, err);
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "%s: is one folder of Omniglot's alphabets, without %s beside them; leave \":evaluation\" out",
            folder, sides[1]);
    }
    const char *side = sides[strcmp(part, "evaluation") == 0];
    if (!kin_known_has(folder, side))
        return kin_fail(err, KIN_ERR_IO, "%s: has no folder %s, which is the part \"%s\"", folder, side,
                        part);
    char *path = kin_path_join(folder, side);
    bool ok = path ? kin_folder_open(path, NULL, true, out, err) : kin_fail_memory(err, side, strlen(folder));
    kin_free(path);
    return ok;
}

static const char *const parts[] = {"background", "evaluation", NULL};
const kin_known kin_known_omniglot = {.name = "Omniglot", .parts = parts, .here = here, .parse = parse};
