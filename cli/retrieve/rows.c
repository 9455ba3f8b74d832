#include "cli/retrieve/rows.h"

#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

static bool is_text(const char *text)
{
    const char *end = text + strlen(text);
    for (size_t n; text < end; text += n)
        if (!(n = kin_utf8_length(text, (size_t)(end - text)))) return false;
    return true;
}

bool kin_rows_check(const kin_embeddings *set, kin_error *err)
{
    const kin_items *items = &set->items;
    for (int64_t i = 0; i < items->count * set->dim; i++)
        if (!isfinite(set->data[i]))
            return kin_fail(err, KIN_ERR_DATA, "%s: the numbers of item '%.200s' are not all finite",
                            set->name, items->id[i / set->dim]);
    for (int64_t i = 0; i < items->count; i++)
        if (!is_text(items->id[i]) || (items->label && !is_text(items->label[i])) ||
            (items->path && !is_text(items->path[i])))
            return kin_fail(err, KIN_ERR_DATA,
                            "%s: the names of item '%.200s' are no UTF-8, which text in databases is",
                            set->name, items->id[i]);
    return true;
}

static void add_column(kin_text *line, const char *name, char *const *column, int64_t i)
{
    kin_text_format(line, ", \"%s\": ", name);
    if (column && column[i] && column[i][0]) kin_json_add_string(line, column[i]);
    else kin_text_add(line, "null");
}

static void add_row(kin_text *line, const kin_embeddings *set, int64_t i)
{
    kin_text_add(line, "{\"id\": ");
    kin_json_add_string(line, set->items.id[i]);
    add_column(line, "label", set->items.label, i);
    add_column(line, "path", set->items.path, i);
    kin_text_add(line, ", \"embedding\": [");
    for (int64_t k = 0; k < set->dim; k++)
        kin_text_format(line, "%s%.9g", k ? "," : "", (double)set->data[i * set->dim + k]);
    kin_text_add(line, "]}\n");
}

bool kin_rows_write_json(FILE *to, const kin_embeddings *set, kin_error *err)
{
    kin_text line = {0};
    bool ok = kin_rows_check(set, err);
    for (int64_t i = 0; ok && i < set->items.count; i++) {
        line.size = 0;
        add_row(&line, set, i);
        if (line.failed) ok = kin_fail_memory(err, set->name, (unsigned long long)set->dim * 16);
        else fwrite(line.data, 1, line.size, to);
    }
    kin_text_free(&line);
    return ok && (!ferror(to) || kin_fail(err, KIN_ERR_IO, "the lines could not be written"));
}
