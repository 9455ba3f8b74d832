/* Market-1501 [Zheng, Shen, Tian, Wang, Wang, Tian 2015]. bounding_box_train (12,936 pictures of 751
 * people), query (3,368 of 750 others) and bounding_box_test (19,732). The names tell all:
 * 0002_c1s1_000451_03.jpg is person 2 seen by camera 1. In the test folder person -1 is junk (3,819
 * pictures, left out here) and person 0 a distractor (2,798: searched, never relevant), which leaves
 * 15,913. A gallery picture of the query's person and camera is dropped from its list
 * (retrieval/judge/metrics.h). */
#include "base/memory.h"
#include "data/sets/known.h"

#include <stdlib.h>
#include <string.h>

enum { PEOPLE_MAX = 1000000, CAMERAS_MAX = 10000 };

bool kin_market_name(const char *name, long *person, long *camera);

/* "-1_c3s2_..." or "0002_c1s1_...": false when the name is not such a one. */
bool kin_market_name(const char *name, long *person, long *camera)
{
    char *end;
    if ((*name < '0' || *name > '9') && strncmp(name, "-1_", 3) != 0) return false;
    *person = strtol(name, &end, 10);
    if (end[0] != '_' || end[1] != 'c' || end[2] < '0' || end[2] > '9' || *person > PEOPLE_MAX) return false;
    *camera = strtol(end + 2, &end, 10);
    return (*end == 's' || *end == '_') && *camera <= CAMERAS_MAX;
}

static bool take_picture(kin_set_builder *g, const char *folder, const char *name, kin_role role,
                         kin_error *err)
{
    long person, camera;
    char text[16];
    if (!kin_market_name(name, &person, &camera))
        return kin_fail(err, KIN_ERR_DATA,
                        "%s/%s/%s: its name is not like 0002_c1s1_000451_03.jpg (person and camera)", g->root,
                        folder, name);
    if (person < 0) return true;
    char *path = kin_path_join(folder, name);
    if (!path) return kin_fail_memory(err, name, strlen(name));
    kin_fields f = {.name = folder};
    snprintf(text, sizeof text, "%04ld", person);
    bool ok = kin_set_builder_add(
        g, &f, path, person == 0 ? NULL : text,
        &(kin_sample){.label = person == 0 ? -1 : 0, .camera = (int)camera, .role = role}, err);
    kin_free(path);
    return ok;
}

static bool take_folder(kin_set_builder *g, const char *folder, kin_role role, kin_error *err)
{
    char **names, *path = kin_path_join(g->root, folder);
    size_t count = 0;
    bool ok = path ? kin_folder_names(path, &names, &count, err)
                   : kin_fail_memory(err, folder, strlen(g->root));
    for (size_t i = 0; ok && i < count; i++)
        if (kin_looks_like_picture(names[i])) ok = take_picture(g, folder, names[i], role, err);
    if (path && count) kin_folder_names_free(names, count);
    kin_free(path);
    return ok;
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    (void)lists;
    kin_set_builder g = {.set = out, .root = folder};
    bool test = strcmp(part, "test") == 0, ok = true;
    if (strcmp(part, "train") == 0) ok = take_folder(&g, "bounding_box_train", KIN_ROLE_NONE, err);
    if (ok && (test || strcmp(part, "query") == 0)) ok = take_folder(&g, "query", KIN_ROLE_QUERY, err);
    if (ok && (test || strcmp(part, "gallery") == 0))
        ok = take_folder(&g, "bounding_box_test", KIN_ROLE_GALLERY, err);
    return kin_set_builder_end(&g, ok, NULL, 0, err);
}

static bool here(const char *folder)
{
    return kin_known_has(folder, "bounding_box_train") && kin_known_has(folder, "bounding_box_test") &&
           kin_known_has(folder, "query");
}

static const char *const parts[] = {"train", "test", "query", "gallery", NULL};
const kin_known kin_known_market = {.name = "Market-1501", .parts = parts, .here = here, .parse = parse};
