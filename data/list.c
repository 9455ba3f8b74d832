/* A list of pictures, one a line: `path,label`; fields may be quoted as in CSV. A first line that names columns may put them
 * in another order or add others (`id,label,path`, as kin embed writes). Paths are relative to the list's folder. */
#include "base/memory.h"
#include "data/dataset.h"

#include <string.h>

enum { FIELD_MAX = 4096, COLUMNS_MAX = 16 };

/* Reads one field, unquoted, to `field`; moves *at behind the comma. False when it is too long or its quotes do not close. */
static bool take_field(const char **at, const char *end, char *field)
{
    size_t length = 0;
    bool quoted = *at < end && **at == '"', closed = !quoted;
    if (quoted) (*at)++;
    while (*at < end) {
        char c = *(*at)++;
        if (quoted && c == '"') {
            if (*at < end && **at == '"') (*at)++;
            else {
                quoted = false;
                closed = true;
                continue;
            }
        } else if (!quoted && c == ',') {
            field[length] = '\0';
            return closed;
        }
        if (length + 1 >= FIELD_MAX || c == '\0') return false;
        field[length++] = c;
    }
    field[length] = '\0';
    return closed;
}

typedef struct list_reader {
    kin_dataset *set;
    char *folder;
    const char *name;
    const char **class_of_item;
    size_t capacity;
    int path_column, label_column;
    kin_error *err;
} list_reader;

static bool is_header(list_reader *r, const char *line, const char *end)
{
    char field[FIELD_MAX];
    int path = -1, label = -1, column = 0;
    for (const char *at = line; at < end && column < COLUMNS_MAX; column++) {
        if (!take_field(&at, end, field)) return false;
        if (strcmp(field, "path") == 0) path = column;
        if (strcmp(field, "label") == 0) label = column;
    }
    if (path < 0 || label < 0) return false;
    r->path_column = path;
    r->label_column = label;
    return true;
}

static bool take_line(list_reader *r, const char *line, const char *end, int64_t number)
{
    char path[FIELD_MAX] = "", label[FIELD_MAX] = "", other[FIELD_MAX];
    if (number == 1 && is_header(r, line, end)) return true;
    int column = 0;
    bool ok = true;
    for (const char *at = line; ok && at < end; column++) ok = take_field(&at, end, column == r->path_column ? path : column == r->label_column ? label : other);
    if (!ok || !*path || !*label) return kin_fail(r->err, KIN_ERR_DATA, "%s: line %lld is not `path,label`", r->name, (long long)number);
    char *full = path[0] == '/' || !*r->folder ? kin_strdup(path) : kin_path_join(r->folder, path);
    const char *class_name = kin_arena_strdup(&r->set->arena, label);
    ok = full && class_name && kin_grow((void **)&r->class_of_item, (size_t)r->set->count, &r->capacity, sizeof *r->class_of_item);
    if (!ok) kin_fail_memory(r->err, r->name, (size_t)r->set->count);
    if (ok) r->class_of_item[r->set->count] = class_name;
    ok = ok && kin_dataset_add(r->set, path, full, 0, -1, r->err);
    kin_free(full);
    return ok;
}

bool kin_list_parse(const char *name, const char *text, size_t size, kin_dataset *out, kin_error *err)
{
    list_reader r = {.set = out, .name = name, .folder = kin_strdup(name), .label_column = 1, .err = err};
    if (!r.folder) return kin_fail_memory(err, name, strlen(name));
    char *slash = strrchr(r.folder, '/');
    if (slash) slash[slash == r.folder] = '\0';
    else r.folder[0] = '\0';
    const char *end = text + size;
    int64_t number = 0;
    bool ok = true;
    for (const char *line = text, *next; ok && line < end; line = next) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        next = stop ? stop + 1 : end;
        if (!stop) stop = end;
        if (stop > line && stop[-1] == '\r') stop--;
        number++;
        if (stop > line) ok = take_line(&r, line, stop, number);
    }
    if (ok && out->count == 0) ok = kin_fail(err, KIN_ERR_DATA, "%s: names no pictures; expected lines `path,label`", name);
    ok = ok && kin_dataset_name_classes(out, r.class_of_item, err);
    kin_free(r.class_of_item);
    kin_free(r.folder);
    return ok;
}

bool kin_list_open(const char *path, kin_dataset *out, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, err)) return false;
    bool ok = kin_list_parse(path, (const char *)bytes.data, bytes.size, out, err);
    kin_bytes_free(&bytes);
    return ok;
}
