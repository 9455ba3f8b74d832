#include "base/columns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ALIASES = 16 };

static const char *const aliases[KIN_COLUMNS][ALIASES] = {
    [KIN_COLUMN_ID] = {"id", "image_id", "item_id"},
    [KIN_COLUMN_PATH] = {"path", "image_path", "img_path", "filepath", "file_path", "filename", "file_name",
                         "image_name", "image_file", "file", "image", "img", "picture"},
    [KIN_COLUMN_LABEL] = {"label", "class", "class_name", "label_name", "pid", "person_id", "identity",
                          "product_id", "landmark_id", "class_id", "label_id", "target", "category"},
    [KIN_COLUMN_CAMERA] = {"camera", "camid", "cam_id", "camera_id", "cam"},
    [KIN_COLUMN_ROLE] = {"role"},
    [KIN_COLUMN_QUERY] = {"is_query"},
    [KIN_COLUMN_GALLERY] = {"is_gallery"},
    [KIN_COLUMN_SPLIT] = {"split", "subset", "partition"},
    [KIN_COLUMN_LEFT] = {"x_1", "x1", "xmin", "x_min"},
    [KIN_COLUMN_TOP] = {"y_1", "y1", "ymin", "y_min"},
    [KIN_COLUMN_RIGHT] = {"x_2", "x2", "xmax", "x_max"},
    [KIN_COLUMN_BOTTOM] = {"y_2", "y2", "ymax", "y_max"},
    [KIN_COLUMN_BOX] = {"box"},
    [KIN_COLUMN_VECTOR] = {"embedding", "vector", "descriptor"},
};

static bool means(const char *name, const char *alias)
{
    for (; *name && *alias; name++, alias++) {
        char c = (char)tolower((unsigned char)*name);
        if (c == ' ' || c == '-') c = '_';
        if (c != *alias) return false;
    }
    return *name == *alias;
}

static int find(char *const *names, int count, const char *const *of_column)
{
    for (int a = 0; a < ALIASES && of_column[a]; a++)
        for (int i = 0; i < count; i++)
            if (means(names[i], of_column[a])) return i;
    return -1;
}

kin_columns kin_columns_find(char *const *names, int count)
{
    kin_columns c = {.count = count};
    for (int k = 0; k < KIN_COLUMNS; k++) {
        c.place[k] = find(names, count, aliases[k]);
        c.known += c.place[k] >= 0;
    }
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        bool taken = false;
        for (int k = 0; k < KIN_COLUMNS; k++) taken |= c.place[k] == i;
        if (taken || used + 1 >= sizeof c.others) continue;
        int length = snprintf(c.others + used, sizeof c.others - used, "%s'%.40s'", used ? ", " : "",
                              names[i]);
        used += length > 0 ? (size_t)length : 0;
    }
    return c;
}

static bool truth(const char *text, const char *what, bool *out, kin_error *err)
{
    static const char *const yes[] = {"1", "true", "yes", "1.0"}, *const no[] = {"0", "false", "no", "0.0",
                                                                                 ""};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (means(text, yes[i])) return *out = true;
    *out = false;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (means(text, no[i])) return true;
    return kin_fail(err, KIN_ERR_DATA, "%s is '%.60s'; 1 or 0, or true or false, was expected", what, text);
}

bool kin_columns_role(const kin_columns *c, char *const *field, bool *query, bool *gallery, kin_error *err)
{
    const char *role = kin_columns_field(c, field, KIN_COLUMN_ROLE);
    if (!truth(kin_columns_field(c, field, KIN_COLUMN_QUERY), "is_query", query, err) ||
        !truth(kin_columns_field(c, field, KIN_COLUMN_GALLERY), "is_gallery", gallery, err))
        return false;
    if (!*role) return true;
    bool both = means(role, "both"), asked = both || means(role, "query"),
         searched = both || means(role, "gallery");
    if (!asked && !searched)
        return kin_fail(err, KIN_ERR_DATA,
                        "the role is '%.60s'; query, gallery, both or nothing was expected", role);
    *query |= asked;
    *gallery |= searched;
    return true;
}
