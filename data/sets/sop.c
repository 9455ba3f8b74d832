/* Stanford Online Products [Oh Song, Xiang, Jegelka, Savarese 2016]. Ebay_train.txt and Ebay_test.txt,
 * under a first line that names the columns: `image_id class_id super_class_id path`. Training: 59,551
 * pictures of 11,318 products; test: 60,502 of the other 11,316, each looked for among all others of the
 * test part. */
#include "data/sets/known.h"

#include <string.h>

static bool parse(const char *folder, const char *part, kin_list_file *lists, kin_dataset *out,
                  kin_error *err)
{
    static const char what[] = "image_id class_id super_class_id path";
    kin_fields f = kin_fields_open(&lists[strcmp(part, "test") == 0], ' ');
    kin_set_builder g = {.set = out, .root = folder};
    bool ok = true;
    while (ok && kin_fields_next(&f, 4, what, err)) {
        int64_t id, class_id, super;
        if (f.line == 1 && strcmp(f.field[0], "image_id") == 0) continue;
        ok = kin_fields_int(&f, 0, "image_id", 1, INT32_MAX, &id, err) &&
             kin_fields_int(&f, 1, "class_id", 1, INT32_MAX, &class_id, err) &&
             kin_fields_int(&f, 2, "super_class_id", 1, INT32_MAX, &super, err);
        ok = ok && kin_set_builder_add(&g, &f, f.field[3], f.field[1], &(kin_sample){.camera = -1}, err);
    }
    return kin_set_builder_end(&g, ok && !f.failed, NULL, 0, err);
}

static const char *const parts[] = {"train", "test", NULL};
const kin_known kin_known_sop = {.name = "Stanford Online Products",
                                 .parts = parts,
                                 .lists = {"Ebay_train.txt", "Ebay_test.txt"},
                                 .parse = parse};
