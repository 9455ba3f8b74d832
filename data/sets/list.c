/* A list of pictures, one a line: a path alone, or `path,label`; fields may be quoted as in CSV. A first
 * line that names no file names the columns (base/columns.h), in any order: `id,label,path,camera,role` as
 * kin data and kin embed write, or other programs' names for the same. Paths are relative to the list's
 * folder; one that is not there is looked for from the working directory, from which older lists of kin's
 * counted. A camera is a number or empty; a role is query, gallery, both or empty. With roles, or where no
 * picture has one, a label may be empty: a picture of no class, that is searched and never right. Boxes,
 * `x_1,y_1,x_2,y_2` or all four in `box`, are what is cut out. "train-images-idx3-ubyte#7" is the eighth
 * picture of an IDX or CIFAR file; all of a list are then of one size. */
#include "base/columns.h"
#include "base/csv.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "data/sets/container.h"
#include "data/sets/known.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { COLUMNS_MAX = 64, CAMERAS_MAX = 1000000, SIDE_MAX = 1000000, PATH_BYTES = 4096 };

typedef struct list_reader {
    kin_dataset *set;
    kin_csv csv;
    char *folder;
    const char *part; /* that is asked for; NULL: all */
    kin_columns columns;
    bool bare;                                       /* every line as it is, is a path */
    int64_t rows, elsewhere, unlabelled, without_at; /* the first line without a label, 0: none */
    int64_t both, one_of_them; /* rows taken that are query and gallery, and rows that are one */
    char camera_prefix[32];
    bool any_camera;
    kin_names splits, paths;
    const char **class_of_item;
    size_t capacity;
    kin_error *err;
} list_reader;

/* ---- files ---- */

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

/* Where a path may lead: 4096 bytes are what systems open. */
typedef struct place {
    char path[2 * PATH_BYTES]; /* of the file, without its number in a container */
    int64_t number;            /* that number, or -1 */
    bool there, elsewhere; /* whether there is such a file, and that it counts from the working directory */
} place;

static bool is_file(const char *path) { return kin_exists(path) && !kin_is_folder(path); }

/* False where the path is too long. */
static bool locate(const list_reader *r, const char *path, place *p)
{
    bool whole = path[0] == '/' || !*r->folder;
    if (strlen(path) >= PATH_BYTES || strlen(r->folder) + 2 > PATH_BYTES) return false;
    p->elsewhere = false;
    snprintf(p->path, sizeof p->path, "%s%s%s", whole ? "" : r->folder,
             whole || r->folder[strlen(r->folder) - 1] == '/' ? "" : "/", path);
    p->number = cut_number(p->path);
    p->there = is_file(p->path);
    if (p->there || whole) return true;
    place near = {.there = true, .elsewhere = true};
    snprintf(near.path, sizeof near.path, "%s", path);
    near.number = cut_number(near.path);
    if (is_file(near.path)) *p = near;
    return true;
}

static bool names_file(const list_reader *r, const char *text)
{
    place p;
    return *text && locate(r, text, &p) && p.there;
}

/* ---- the first line ---- */

/* The first line that holds something, as it stands. */
static size_t first_line(const kin_csv *csv, char *line, size_t size)
{
    const char *at = csv->at;
    while (at < csv->end && (*at == '\n' || *at == '\r')) at++;
    size_t length = 0;
    for (; at < csv->end && *at != '\n' && *at != '\r' && length + 1 < size; at++) line[length++] = *at;
    line[length] = '\0';
    return length;
}

/* Whether blanks divide the line: its first word is a file, or its words name columns. */
static bool divided_by_blanks(const list_reader *r, char *line)
{
    char *word[COLUMNS_MAX];
    int count = 0;
    for (char *at = strtok(line, " "); at && count < COLUMNS_MAX; at = strtok(NULL, " ")) word[count++] = at;
    if (count < 2) return false;
    kin_columns found = kin_columns_find(word, count);
    return names_file(r, word[0]) || (found.known > 1 && found.place[KIN_COLUMN_PATH] >= 0);
}

/* Lists come with commas, tabs, semicolons or blanks; a line that is a file as it stands is a path and
 * nothing else, whatever it holds. */
static void find_form(list_reader *r)
{
    char line[PATH_BYTES];
    first_line(&r->csv, line, sizeof line);
    r->bare = names_file(r, line);
    if (r->bare || strchr(line, ',') || line[0] == '"') return;
    r->csv.separator = strchr(line, '\t') ? '\t' : strchr(line, ';') ? ';' : ',';
    if (r->csv.separator == ',' && divided_by_blanks(r, line)) r->csv.separator = ' ';
}

static bool is_picture(const char *path)
{
    const char *hash = strrchr(path, '#');
    return kin_looks_like_picture(path) || (hash && hash > path);
}

static bool boxes_complete(list_reader *r)
{
    int sides = 0;
    for (int k = KIN_COLUMN_LEFT; k <= KIN_COLUMN_BOTTOM; k++) sides += r->columns.place[k] >= 0;
    return sides == 0 || sides == 4 ||
           kin_csv_fail(
               &r->csv, r->err,
               "names only %d of a box's columns x_1, y_1, x_2, y_2; rename them if no boxes are meant",
               sides);
}

/* Whether the first line names the columns; *ok is false where it is neither that nor a picture. */
static bool is_header(list_reader *r, char *const *field, int count, bool *ok)
{
    bool file = false, picture = is_picture(field[0]);
    for (int i = 0; i < count; i++) file = file || names_file(r, field[i]);
    kin_columns found = kin_columns_find(field, count);
    bool sure = found.known > 1 && found.place[KIN_COLUMN_PATH] >= 0;
    if (found.known && (sure || !file)) {
        r->columns = found;
        if (r->columns.place[KIN_COLUMN_PATH] < 0)
            r->columns.place[KIN_COLUMN_PATH] = found.place[KIN_COLUMN_ID];
        *ok = r->columns.place[KIN_COLUMN_PATH] >= 0
                  ? boxes_complete(r)
                  : kin_csv_fail(&r->csv, r->err,
                                 "names its columns, and none of them is `path`, where the pictures are; "
                                 "not understood: %s",
                                 *found.others ? found.others : "none");
        return true;
    }
    if (!file && !picture)
        *ok = kin_csv_fail(&r->csv, r->err,
                           "names no file that is there, and no column that is known: '%.100s'; `path`, or "
                           "`path,label`, was expected",
                           field[0]);
    else if (count > 2)
        *ok = kin_csv_fail(
            &r->csv, r->err,
            "is not `path,label`: it has %d fields, and what the others mean is not told; begin "
            "the list with a line that names them",
            count);
    return false;
}

/* ---- a line ---- */

static bool take_camera(list_reader *r, kin_sample *item, const char *text)
{
    int64_t camera;
    if (!*text) return true;
    size_t prefix = strcspn(text, "0123456789");
    if (prefix >= sizeof r->camera_prefix || !kin_parse_int(text + prefix, 0, CAMERAS_MAX, &camera))
        return kin_csv_fail(
            &r->csv, r->err,
            "the camera is \"%.60s\"; a number from 0 to %d was expected, also behind letters", text,
            CAMERAS_MAX);
    if (!r->any_camera) snprintf(r->camera_prefix, sizeof r->camera_prefix, "%.*s", (int)prefix, text);
    if (strlen(r->camera_prefix) != prefix || strncmp(r->camera_prefix, text, prefix) != 0)
        return kin_csv_fail(&r->csv, r->err,
                            "the camera is \"%.60s\", and that of an earlier line begins with \"%s\"; their "
                            "numbers alone would mix them up",
                            text, r->camera_prefix);
    r->any_camera = true;
    item->camera = (int)camera;
    return true;
}

/* Cuts the next word off. */
static const char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " "), *end = word + strcspn(word, " ");
    *rest = end;
    if (*end) *(*rest)++ = '\0';
    return word;
}

/* The sides of a box as they are written: of its four columns, or of the one. */
typedef struct sides {
    char room[128];
    const char *text[4];
} sides;

static bool find_sides(list_reader *r, char *const *field, sides *s)
{
    const char *one = kin_columns_field(&r->columns, field, KIN_COLUMN_BOX);
    char *rest = s->room;
    for (int k = 0; k < 4; k++)
        s->text[k] = kin_columns_field(&r->columns, field, (kin_column)(KIN_COLUMN_LEFT + k));
    if (!*one) return true;
    size_t length = strlen(one);
    bool fits = length < sizeof s->room;
    if (fits) memcpy(s->room, one, length + 1);
    for (int k = 0; fits && k < 4; k++) s->text[k] = next_word(&rest);
    return (fits && !*next_word(&rest)) ||
           kin_csv_fail(&r->csv, r->err,
                        "\"%.60s\" is no box: the four numbers x_1 y_1 x_2 y_2 were expected", one);
}

static bool take_box(list_reader *r, kin_sample *item, const sides *s)
{
    double side[4];
    int given = 0;
    for (int k = 0; k < 4; k++) {
        if (!*s->text[k]) continue;
        given++;
        if (!kin_parse_real(s->text[k], &side[k]) || side[k] < 0 || side[k] > SIDE_MAX)
            return kin_csv_fail(&r->csv, r->err, "\"%.60s\" is no side of a box", s->text[k]);
    }
    if (!given) return true;
    if (given < 4 || !(side[2] > side[0] && side[3] > side[1]))
        return kin_csv_fail(&r->csv, r->err, "is no box: x_1 < x_2 and y_1 < y_2 were expected");
    if (item->number >= 0)
        return kin_csv_fail(&r->csv, r->err, "cuts a box out of an IDX or CIFAR file, which cannot be done");
    int x = (int)floor(side[0]), y = (int)floor(side[1]);
    item->box = (kin_box){x, y, (int)ceil(side[2]) - x, (int)ceil(side[3]) - y};
    return true;
}

/* Whether two names of parts mean the same: "valid" and "validation" are "val". */
static bool same_part(const char *a, const char *b)
{
    int part = kin_part_of(a, strlen(a));
    return part >= 0 ? part == kin_part_of(b, strlen(b)) : strcasecmp(a, b) == 0;
}

/* Whether the row belongs to the part asked for. */
static bool take_part(list_reader *r, char *const *field, kin_role *role, bool *wanted)
{
    bool query = false, gallery = false;
    kin_error inner = {0};
    if (!kin_columns_role(&r->columns, field, &query, &gallery, &inner))
        return kin_csv_fail(&r->csv, r->err, "%s", inner.message);
    const char *split = kin_columns_field(&r->columns, field, KIN_COLUMN_SPLIT);
    if (*split && kin_names_add(&r->splits, split) < 0)
        return kin_fail_memory(r->err, r->csv.name, (size_t)r->rows);
    *role = query && gallery ? KIN_ROLE_BOTH
            : query          ? KIN_ROLE_QUERY
            : gallery        ? KIN_ROLE_GALLERY
                             : KIN_ROLE_NONE;
    *wanted = true;
    if (!r->part) {
        r->both += query && gallery;
        r->one_of_them += query != gallery;
        return true;
    }
    bool asked = strcmp(r->part, "query") == 0, searched = strcmp(r->part, "gallery") == 0;
    *wanted = (asked && query) || (searched && gallery) || (*split && same_part(split, r->part));
    if (query && gallery && (asked || searched)) *role = asked ? KIN_ROLE_QUERY : KIN_ROLE_GALLERY;
    return true;
}

/* The id given, else the path; with the box behind it where one picture gives several. */
static bool add_item(list_reader *r, const char *id, const char *path, const char *full, const sides *box)
{
    char name[4096];
    const char *x = box->text[0];
    bool own = *id && r->columns.place[KIN_COLUMN_ID] != r->columns.place[KIN_COLUMN_PATH];
    int64_t before = r->paths.count, number = *x && !own ? kin_names_add(&r->paths, path) : before;
    if (number < 0) return kin_fail_memory(r->err, r->csv.name, (size_t)r->rows);
    if (*x && !own && number < before) {
        snprintf(name, sizeof name, "%s@%s,%s,%s,%s", path, x, box->text[1], box->text[2], box->text[3]);
        path = name;
    }
    return kin_dataset_add(r->set, own ? id : path, full, 0, -1, r->err);
}

static bool take_row(list_reader *r, char *const *field)
{
    const char *path = kin_columns_field(&r->columns, field, KIN_COLUMN_PATH),
               *label = kin_columns_field(&r->columns, field, KIN_COLUMN_LABEL),
               *id = kin_columns_field(&r->columns, field, KIN_COLUMN_ID);
    bool wanted = false;
    kin_role role = KIN_ROLE_NONE;
    place at;
    sides box;
    if (!*path) return kin_csv_fail(&r->csv, r->err, "names no picture");
    if (!take_part(r, field, &role, &wanted)) return false;
    r->rows++;
    if (!wanted) return true;
    if (!locate(r, path, &at))
        return kin_csv_fail(&r->csv, r->err, "the path is longer than %d bytes", PATH_BYTES - 1);
    const char *class_name = *label ? kin_arena_strdup(&r->set->arena, label) : NULL;
    bool ok = (class_name || !*label) && kin_grow((void **)&r->class_of_item, (size_t)r->set->count,
                                                  &r->capacity, sizeof *r->class_of_item);
    if (!ok) kin_fail_memory(r->err, r->csv.name, (size_t)r->set->count);
    if (ok) r->class_of_item[r->set->count] = class_name;
    r->elsewhere += at.elsewhere;
    r->unlabelled += !class_name;
    if (!class_name && !r->without_at) r->without_at = r->csv.line;
    if (!ok || !find_sides(r, field, &box) || !add_item(r, id, path, at.path, &box)) return false;
    kin_sample *item = &r->set->items[r->set->count - 1];
    item->number = at.number;
    item->role = role;
    return take_camera(r, item, kin_columns_field(&r->columns, field, KIN_COLUMN_CAMERA)) &&
           take_box(r, item, &box);
}

static bool take_record(list_reader *r, char *const *field, int count)
{
    if (count == r->columns.count) return take_row(r, field);
    return r->columns.known
               ? kin_csv_fail(&r->csv, r->err, "has %d fields, and the first line names %d columns", count,
                              r->columns.count)
           : r->columns.count == 1
               ? kin_csv_fail(&r->csv, r->err,
                              "has %d fields, and the first line is a path alone; quote paths with commas",
                              count)
               : kin_csv_fail(&r->csv, r->err, "is not `path,label`");
}

/* ---- the whole ---- */

static bool read_records(list_reader *r)
{
    char *field[COLUMNS_MAX];
    bool ok = true, first = true;
    for (int count; ok && (count = kin_csv_next(&r->csv, field, COLUMNS_MAX, r->err)) != 0;) {
        if (count < 0) return false;
        if (count == 1 && !*field[0]) continue; /* blanks alone */
        if (first && is_header(r, field, count, &ok)) {
            first = false;
            continue;
        }
        if (first) {
            r->columns.count = count;
            if (count > 1) r->columns.place[KIN_COLUMN_LABEL] = 1;
        }
        first = false;
        ok = ok && take_record(r, field, count);
    }
    return ok;
}

/* One path a line, whatever it holds. */
static bool read_bare(list_reader *r)
{
    char line[4096], *field[1] = {line};
    r->columns.count = 1;
    for (bool ok = true; ok;) {
        while (r->csv.at < r->csv.end && (*r->csv.at == '\n' || *r->csv.at == '\r')) {
            bool pair = *r->csv.at == '\r' && r->csv.at + 1 < r->csv.end && r->csv.at[1] == '\n';
            r->csv.next_line += !pair;
            r->csv.at++;
        }
        if (r->csv.at == r->csv.end) return true;
        r->csv.line = r->csv.next_line;
        size_t length = first_line(&r->csv, line, sizeof line);
        r->csv.at += length;
        if (length + 1 == sizeof line || strlen(line) != length)
            return kin_csv_fail(&r->csv, r->err, "is no path: too long, or with a zero byte in it");
        if (strchr(line, ',') && !names_file(r, line))
            return kin_csv_fail(&r->csv, r->err, "'%.100s' names no file, and the first line is a path alone",
                                line);
        ok = take_row(r, field);
        if (!ok) return false;
    }
    return true;
}

static const char *names_of(const kin_names *names, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < names->count && used + 1 < size; i++) {
        int length = snprintf(text + used, size - used, "%s%.40s", i ? ", " : "", names->text[i]);
        used += length > 0 ? (size_t)length : 0;
    }
    return text;
}

static bool nothing_taken(list_reader *r)
{
    char parts[300];
    const char *name = r->csv.name;
    if (!r->rows)
        return kin_fail(r->err, KIN_ERR_DATA, "%s: names no pictures; expected lines `path,label`", name);
    if (r->columns.place[KIN_COLUMN_SPLIT] >= 0)
        return kin_fail(r->err, KIN_ERR_ARGUMENT, "%s: has no part \"%s\"; its column split says %s", name,
                        r->part, names_of(&r->splits, parts, sizeof parts));
    if (strcmp(r->part, "query") != 0 && strcmp(r->part, "gallery") != 0)
        return kin_fail(
            r->err, KIN_ERR_ARGUMENT,
            "%s: is a list, which has no part \"%s\"; with a column `role` its parts are query and "
            "gallery, with a column `split` what that says",
            name, r->part);
    return kin_fail(r->err, KIN_ERR_DATA, "%s: none of its %lld pictures has \"%s\" in a column `role`", name,
                    (long long)r->rows, r->part);
}

/* What is worth a word to whoever typed the list's name. */
static bool tell(list_reader *r)
{
    char parts[300];
    bool ok = true;
    if (r->columns.known && *r->columns.others)
        ok = kin_dataset_remark(r->set, r->err, "columns that are not understood were passed over: %s",
                                r->columns.others);
    if (ok && !r->part && r->splits.count > 1)
        ok = kin_dataset_remark(r->set, r->err,
                                "its column split tells %s, and all were taken; %s:%s is one of them",
                                names_of(&r->splits, parts, sizeof parts), r->csv.name, r->splits.text[0]);
    if (ok && r->elsewhere)
        ok = kin_dataset_remark(
            r->set, r->err,
            "%lld of its %lld paths count from the working directory, not from the list's "
            "folder",
            (long long)r->elsewhere, (long long)r->set->count);
    return ok;
}

static bool finish(list_reader *r)
{
    bool roles = r->columns.place[KIN_COLUMN_ROLE] >= 0 || r->columns.place[KIN_COLUMN_GALLERY] >= 0;
    if (r->set->count == 0) return nothing_taken(r);
    if (!roles && r->unlabelled && r->unlabelled < r->set->count)
        return kin_fail(r->err, KIN_ERR_DATA,
                        "%s: line %lld is not `path,label`: it has no label, and others have; with a column "
                        "`role`, it would be a picture of no class",
                        r->csv.name, (long long)r->without_at);
    /* Where all are both, the list divides nothing. */
    for (int64_t i = 0; r->both == r->set->count && i < r->set->count; i++)
        r->set->items[i].role = KIN_ROLE_NONE;
    return tell(r) && kin_dataset_name_classes(r->set, r->class_of_item, r->err);
}

bool kin_list_parse(const char *name, const char *text, size_t size, const char *part, kin_dataset *out,
                    kin_error *err)
{
    char *copy = kin_alloc(size + 1);
    list_reader r = {.set = out, .folder = kin_strdup(name), .part = part, .err = err};
    if (!copy || !r.folder) {
        kin_free(copy), kin_free(r.folder);
        return kin_fail_memory(err, name, size);
    }
    if (size) memcpy(copy, text, size);
    r.csv = kin_csv_open(name, copy, size);
    r.csv.trim = true;
    for (int k = 0; k < KIN_COLUMNS; k++) r.columns.place[k] = k == KIN_COLUMN_PATH ? 0 : -1;
    char *slash = strrchr(r.folder, '/');
    if (slash) slash[slash == r.folder] = '\0';
    else r.folder[0] = '\0';
    find_form(&r);
    bool ok = (r.bare ? read_bare(&r) : read_records(&r)) && finish(&r);
    kin_names_free(&r.splits), kin_names_free(&r.paths);
    kin_free(r.class_of_item);
    kin_free(r.folder);
    kin_free(copy);
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
    kin_dataset container = {0};
    const char *path = set->items[first].path;
    bool ok = kin_container_open(path, &container, err) && same_size(list, set, &container, path, err);
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

bool kin_list_open(const char *path, const char *part, kin_dataset *out, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_read_file(path, (size_t)1 << 30, &bytes, err)) return false;
    bool ok = kin_list_parse(path, (const char *)bytes.data, bytes.size, part, out, err);
    kin_bytes_free(&bytes);
    for (int64_t i = 0; ok && i < out->count; i++)
        if (out->items[i].number >= 0 && out->items[i].index < 0) ok = take_from_container(path, out, i, err);
    return ok;
}

/* ---- writing ---- */

char *kin_list_path(const char *list, const kin_sample *item)
{
    char here[4096] = "", *text;
    bool elsewhere = strchr(list, '/') && item->path[0] != '/' && getcwd(here, sizeof here);
    size_t size = strlen(here) + strlen(item->path) + 32;
    if (!(text = kin_alloc(size))) return NULL;
    int used = snprintf(text, size, "%s%s%s", elsewhere ? here : "", elsewhere ? "/" : "", item->path);
    if (item->number >= 0) snprintf(text + used, size - (size_t)used, "#%lld", (long long)item->number);
    return text;
}
