/* A list of pictures, one a line: `path,label`; fields may be quoted as in CSV. A first line that names
 * columns may put them in another order or add others (`id,label,path,camera,role`, as kin data and kin
 * embed write). Paths are relative to the list's folder. A camera is a number or empty; a role is query,
 * gallery or empty, and with that column a label may be empty too: a picture of no class, that is searched
 * and never right. "train-images-idx3-ubyte#7" is the eighth picture of an IDX or CIFAR file; all of a
 * list are then of one size. */
#include "base/memory.h"
#include "base/text.h"
#include "data/sets/dataset.h"

#include <string.h>

enum { FIELD_MAX = 4096, COLUMNS_MAX = 16, CAMERAS_MAX = 1000000 };
enum { PATH, LABEL, ID, CAMERA, ROLE, KNOWN };
static const char *const known[KNOWN] = {"path", "label", "id", "camera", "role"};

/* Reads one field, unquoted, to `field`; moves *at behind the comma. False when it is too long or its
 * quotes do not close. */
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
    int column_of[KNOWN]; /* -1: it is not there */
    kin_error *err;
} list_reader;

static bool is_header(list_reader *r, const char *line, const char *end)
{
    char field[FIELD_MAX];
    int found[KNOWN] = {-1, -1, -1, -1, -1}, column = 0;
    for (const char *at = line; at < end && column < COLUMNS_MAX; column++) {
        if (!take_field(&at, end, field)) return false;
        for (int k = 0; k < KNOWN; k++)
            if (strcmp(field, known[k]) == 0) found[k] = column;
    }
    if (found[PATH] < 0 || found[LABEL] < 0) return false;
    memcpy(r->column_of, found, sizeof found);
    return true;
}

/* Puts the known columns of a line into `fields`; false when it cannot be cut up. */
static bool cut_line(const list_reader *r, const char *line, const char *end, char (*fields)[FIELD_MAX])
{
    char other[FIELD_MAX];
    bool ok = true;
    for (int k = 0; k < KNOWN; k++) fields[k][0] = '\0';
    int column = 0;
    for (const char *at = line; ok && at < end; column++) {
        char *to = other;
        for (int k = 0; k < KNOWN; k++)
            if (r->column_of[k] == column) to = fields[k];
        ok = take_field(&at, end, to);
    }
    return ok;
}

static bool take_extras(list_reader *r, char (*fields)[FIELD_MAX], int64_t number)
{
    kin_sample *item = &r->set->items[r->set->count - 1];
    int64_t camera = -1;
    if (*fields[CAMERA] && !kin_parse_int(fields[CAMERA], 0, CAMERAS_MAX, &camera))
        return kin_fail(r->err, KIN_ERR_DATA,
                        "%s: line %lld: the camera is \"%.60s\"; a number from 0 to %d was expected", r->name,
                        (long long)number, fields[CAMERA], CAMERAS_MAX);
    item->camera = (int)camera;
    item->role = strcmp(fields[ROLE], "query") == 0     ? KIN_ROLE_QUERY
                 : strcmp(fields[ROLE], "gallery") == 0 ? KIN_ROLE_GALLERY
                                                        : KIN_ROLE_NONE;
    return item->role || !*fields[ROLE] ||
           kin_fail(r->err, KIN_ERR_DATA,
                    "%s: line %lld: the role is \"%.60s\"; query, gallery or nothing was expected", r->name,
                    (long long)number, fields[ROLE]);
}

/* The number behind "container#", which is cut off; -1 for other paths. */
static int64_t cut_number(char *path)
{
    char *hash = strrchr(path, '#');
    int64_t number = -1;
    if (!hash || !kin_parse_int(hash + 1, 0, INT32_MAX, &number)) return -1;
    *hash = '\0';
    if (kin_is_container(path)) return number;
    *hash = '#';
    return -1;
}

static bool take_line(list_reader *r, const char *line, const char *end, int64_t number)
{
    char fields[KNOWN][FIELD_MAX];
    if (number == 1 && is_header(r, line, end)) return true;
    bool ok = cut_line(r, line, end, fields), needs_label = r->column_of[ROLE] < 0;
    const char *path = fields[PATH], *label = fields[LABEL];
    if (!ok || !*path || (!*label && needs_label))
        return kin_fail(r->err, KIN_ERR_DATA, "%s: line %lld is not `path,label`", r->name,
                        (long long)number);
    char *full = path[0] == '/' || !*r->folder ? kin_strdup(path) : kin_path_join(r->folder, path);
    const char *class_name = *label ? kin_arena_strdup(&r->set->arena, label) : NULL;
    ok = full && (class_name || !*label) &&
         kin_grow((void **)&r->class_of_item, (size_t)r->set->count, &r->capacity, sizeof *r->class_of_item);
    if (!ok) kin_fail_memory(r->err, r->name, (size_t)r->set->count);
    if (ok) r->class_of_item[r->set->count] = class_name;
    int64_t inside = ok ? cut_number(full) : -1;
    ok = ok && kin_dataset_add(r->set, *fields[ID] ? fields[ID] : path, full, 0, -1, r->err) &&
         take_extras(r, fields, number);
    if (ok) r->set->items[r->set->count - 1].number = inside;
    kin_free(full);
    return ok;
}

bool kin_list_parse(const char *name, const char *text, size_t size, kin_dataset *out, kin_error *err)
{
    list_reader r = {
        .set = out, .name = name, .folder = kin_strdup(name), .column_of = {0, 1, -1, -1, -1}, .err = err};
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
    if (ok && out->count == 0)
        ok = kin_fail(err, KIN_ERR_DATA, "%s: names no pictures; expected lines `path,label`", name);
    ok = ok && kin_dataset_name_classes(out, r.class_of_item, err);
    kin_free(r.class_of_item);
    kin_free(r.folder);
    return ok;
}

/* ---- containers ---- */

/* All pictures of the set have the size of this container's, or get it. */
static bool same_size(const char *list, kin_dataset *set, const kin_dataset *container, const char *path,
                      kin_error *err)
{
    size_t picture = (size_t)container->width * (size_t)container->height * (size_t)container->channels;
    if (!container->pixels) return kin_fail(err, KIN_ERR_DATA, "%s: %s is no IDX or CIFAR file", list, path);
    if (!set->pixels) {
        set->width = container->width, set->height = container->height, set->channels = container->channels;
        set->pixels = kin_alloc_array((size_t)set->count, picture);
        return set->pixels || kin_fail_memory(err, list, (size_t)set->count * picture);
    }
    return (set->width == container->width && set->height == container->height &&
            set->channels == container->channels) ||
           kin_fail(err, KIN_ERR_DATA,
                    "%s: the pictures of %s are %d x %d, others of this list %d x %d; one size was expected",
                    list, path, container->width, container->height, set->width, set->height);
}

/* Takes from the container of item `first` what this and later items name of it. */
static bool take_from_container(const char *list, kin_dataset *set, int64_t first, kin_error *err)
{
    kin_dataset container;
    const char *path = set->items[first].path;
    if (!kin_dataset_open(path, NULL, &container, err)) return false;
    bool ok = same_size(list, set, &container, path, err);
    size_t picture = (size_t)set->width * (size_t)set->height * (size_t)set->channels;
    for (int64_t i = first; ok && i < set->count; i++) {
        kin_sample *item = &set->items[i];
        if (item->number < 0 || item->index >= 0 || strcmp(item->path, path) != 0) continue;
        if (item->number >= container.count)
            ok = kin_fail(err, KIN_ERR_DATA, "%s: names picture %lld of %s, which holds %lld", list,
                          (long long)item->number, path, (long long)container.count);
        if (ok)
            memcpy(set->pixels + (size_t)i * picture,
                   container.pixels + (size_t)container.items[item->number].index * picture, picture);
        item->index = i;
    }
    kin_dataset_free(&container);
    return ok;
}

bool kin_list_open(const char *path, kin_dataset *out, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, err)) return false;
    bool ok = kin_list_parse(path, (const char *)bytes.data, bytes.size, out, err);
    kin_bytes_free(&bytes);
    for (int64_t i = 0; ok && i < out->count; i++)
        if (out->items[i].number >= 0 && out->items[i].index < 0) ok = take_from_container(path, out, i, err);
    return ok;
}
