/* DeepFashion's In-Shop Clothes Retrieval [Liu, Luo, Qiu, Wang, Tang 2016]. list_eval_partition.txt: the
 * number of pictures, a line that names the columns, then `image_name item_id evaluation_status`.
 * Training: 25,882 pictures of 3,997 items; test: 14,218 queries against a gallery of 12,612 pictures, of
 * the other 3,985 items. */
#include "base/memory.h"
#include "data/sets/known.h"

#include <string.h>

static const char *const statuses[] = {"train", "query", "gallery"};
enum { TRAIN, QUERY, GALLERY, STATUSES };

/* The list's paths begin with "img/", which lies in the set's folder, or in Img/, or has become Img/
 * itself. */
static char *pictures_root(const char *folder, bool *renamed)
{
    *renamed = false;
    if (!kin_known_has(folder, "img") && kin_known_has(folder, "Img")) {
        *renamed = !kin_known_has(folder, "Img/img");
        return kin_path_join(folder, "Img");
    }
    return kin_strdup(folder);
}

static bool take_line(kin_set_builder *g, kin_fields *f, const char *part, bool renamed, kin_error *err)
{
    int status = 0;
    while (status < STATUSES && strcmp(f->field[2], statuses[status]) != 0) status++;
    if (status == STATUSES)
        return kin_fields_fail(
            f, err, "the evaluation_status is \"%.60s\"; train, query or gallery was expected", f->field[2]);
    bool wanted = strcmp(part, "test") == 0 ? status != TRAIN : strcmp(part, statuses[status]) == 0;
    kin_sample like = {.camera = -1,
                       .role = status == QUERY     ? KIN_ROLE_QUERY
                               : status == GALLERY ? KIN_ROLE_GALLERY
                                                   : KIN_ROLE_NONE};
    const char *path = f->field[0] + (renamed && strncmp(f->field[0], "img/", 4) == 0 ? 4 : 0);
    return kin_set_builder_add(g, f, path, f->field[1], wanted ? &like : NULL, err);
}

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    static const char what[] = "image_name item_id evaluation_status";
    kin_fields f = kin_fields_open(&lists[0], ' ');
    int64_t promised = 0;
    bool renamed, ok = kin_fields_next(&f, 1, "NUMBER OF PICTURES", err) &&
                       kin_fields_int(&f, 0, "number of pictures", 1, INT32_MAX, &promised, err);
    char *root = pictures_root(folder, &renamed);
    kin_set_builder g = {.set = out, .root = root};
    if (!root) ok = kin_fail_memory(err, folder, strlen(folder));
    while (ok && kin_fields_next(&f, 3, what, err))
        if (f.line != 2 || strcmp(f.field[0], "image_name") != 0) ok = take_line(&g, &f, part, renamed, err);
    ok = ok && !f.failed;
    if (ok && g.paths.count != promised)
        ok = kin_fail(
            err, KIN_ERR_DATA,
            "%s: its first line promises %lld pictures, but %lld follow: the list is cut off or damaged",
            f.name, (long long)promised, (long long)g.paths.count);
    if (!ok && !kin_failed(err))
        kin_fail(err, KIN_ERR_DATA, "%s: is empty; a list of pictures was expected", f.name);
    ok = kin_set_builder_end(&g, ok, NULL, 0, err);
    kin_free(root);
    return ok;
}

static const char *const parts[] = {"train", "test", "query", "gallery", NULL};
const kin_known kin_known_inshop = {
    .name = "In-Shop Clothes Retrieval",
    .parts = parts,
    .lists = {"list_eval_partition.txt|Eval/list_eval_partition.txt|Anno/list_eval_partition.txt"},
    .parse = parse};
