#include "retrieval/lists/items.h"

#include "base/columns.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/npy.h"
#include "retrieval/lists/vector_text.h"

#include <string.h>

enum { COLUMNS = 64 };

/* --- a hash table of strings: open addressing, slots hold 1 + the string's number, 0 is free --- */

static int64_t slots_for(int64_t count)
{
    int64_t slots = 16;
    while (slots < 2 * count) slots *= 2;
    return slots;
}

/* The slot of `text`, or the free slot where it belongs. */
static int64_t *find_slot(int64_t *slot, int64_t slots, char *const *strings, const char *text, size_t length)
{
    for (uint64_t at = kin_hash(text, length);; at++) {
        int64_t *s = &slot[at & (uint64_t)(slots - 1)];
        if (*s == 0) return s;
        const char *other = strings[*s - 1];
        if (strncmp(other, text, length) == 0 && other[length] == '\0') return s;
    }
}

int64_t kin_items_find(const kin_items *items, const char *id, size_t length)
{
    if (!items->slots || memchr(id, '\0', length)) return -1;
    return *find_slot(items->slot, items->slots, items->id, id, length) - 1;
}

/* --- items --- */

void kin_items_free(kin_items *items)
{
    kin_free(items->id), kin_free(items->label), kin_free(items->path), kin_free(items->camera),
        kin_free(items->role), kin_free(items->box);
    kin_free(items->storage), kin_free(items->slot);
    *items = (kin_items){0};
}

/* Copies `count` strings behind each other into storage from *used on, and points `out` at them. */
static char **keep(kin_items *items, const char *const *strings, size_t *used)
{
    char **out = kin_alloc_array((size_t)items->count, sizeof *out);
    for (int64_t i = 0; out && i < items->count; i++) {
        size_t size = strlen(strings[i]) + 1;
        out[i] = memcpy(items->storage + *used, strings[i], size);
        *used += size;
    }
    return out;
}

static size_t size_of(const char *const *strings, int64_t count)
{
    size_t size = 0;
    for (int64_t i = 0; strings && i < count; i++) size += strlen(strings[i]) + 1;
    return size;
}

/* Fills the table of ids. False where one is empty or repeats an earlier one: *bad is its row, *first the
 * earlier one's or -1. */
static bool index_ids(kin_items *items, int64_t *bad, int64_t *first)
{
    for (int64_t i = 0; i < items->count; i++) {
        size_t length = strlen(items->id[i]);
        int64_t *slot = find_slot(items->slot, items->slots, items->id, items->id[i], length);
        *bad = i;
        *first = *slot - 1;
        if (length == 0 || *slot) return false;
        *slot = i + 1;
    }
    return true;
}

static bool make(kin_items *out, int64_t count, const kin_item_texts *t, int64_t *bad, int64_t *first,
                 kin_error *err)
{
    *out = (kin_items){.count = count, .slots = slots_for(count)};
    size_t size = size_of(t->id, count) + size_of(t->label, count) + size_of(t->path, count) +
                  size_of(t->camera, count) + size_of(t->role, count) + size_of(t->box, count),
           used = 0;
    *bad = -1;
    out->storage = kin_alloc(size);
    out->slot = kin_alloc_zero((size_t)out->slots, sizeof *out->slot);
    bool ok = out->storage && out->slot && (out->id = keep(out, t->id, &used)) &&
              (!t->label || (out->label = keep(out, t->label, &used))) &&
              (!t->path || (out->path = keep(out, t->path, &used))) &&
              (!t->camera || (out->camera = keep(out, t->camera, &used))) &&
              (!t->role || (out->role = keep(out, t->role, &used))) &&
              (!t->box || (out->box = keep(out, t->box, &used)));
    if (!ok) kin_fail_memory(err, "the ids", size);
    return ok && index_ids(out, bad, first);
}

bool kin_items_make_texts(kin_items *out, int64_t count, const kin_item_texts *texts, kin_error *err)
{
    int64_t bad, first;
    if (make(out, count, texts, &bad, &first, err)) return true;
    if (bad >= 0 && first >= 0)
        kin_fail(err, KIN_ERR_DATA, "item %lld has the id '%s' of item %lld; ids must differ", (long long)bad,
                 texts->id[bad], (long long)first);
    else if (bad >= 0) kin_fail(err, KIN_ERR_DATA, "item %lld has an empty id", (long long)bad);
    kin_items_free(out);
    return false;
}

bool kin_items_make(kin_items *out, int64_t count, const char *const *id, const char *const *label,
                    const char *const *path, kin_error *err)
{
    return kin_items_make_texts(out, count, &(kin_item_texts){.id = id, .label = label, .path = path}, err);
}

bool kin_items_numbered(kin_items *out, int64_t count, kin_error *err)
{
    enum { DIGITS = 21 };
    char *text = kin_alloc_array((size_t)count, DIGITS);
    const char **id = kin_alloc_array((size_t)count, sizeof *id);
    bool ok = text && id ? true : kin_fail_memory(err, "the ids", (unsigned long long)count * DIGITS);
    for (int64_t i = 0; ok && i < count; i++) {
        snprintf(text + i * DIGITS, DIGITS, "%lld", (long long)i);
        id[i] = text + i * DIGITS;
    }
    *out = (kin_items){0};
    ok = ok && kin_items_make(out, count, id, NULL, NULL, err);
    kin_free(text), kin_free(id);
    return ok;
}

/* --- the file: a header that names the columns, then a line an item --- */

enum { ID, LABEL, PATH, CAMERA, ROLE, BOX, TEXTS, VECTOR = TEXTS, KNOWN };
static const kin_column known[KNOWN] = {KIN_COLUMN_ID,     KIN_COLUMN_LABEL, KIN_COLUMN_PATH,
                                        KIN_COLUMN_CAMERA, KIN_COLUMN_ROLE,  KIN_COLUMN_BOX,
                                        KIN_COLUMN_VECTOR};

typedef struct table {
    kin_csv csv;
    kin_columns columns;
    int place[KNOWN];         /* where a known column stands; -1: it is not there */
    const char **cell[KNOWN]; /* [capacity] */
    int64_t *line;
    int64_t count;
    size_t capacity;
} table;

/* A list of pictures whose paths name them will do. */
static bool read_head(table *t, kin_error *err)
{
    char *field[COLUMNS];
    int count = kin_csv_next(&t->csv, field, COLUMNS, err);
    if (count < 0) return false;
    t->columns = kin_columns_find(field, count);
    const int *place = t->columns.place;
    for (int k = 0; k < KNOWN; k++) t->place[k] = place[known[k]];
    if (t->place[ROLE] < 0) t->place[ROLE] = place[KIN_COLUMN_QUERY];
    if (t->place[ROLE] < 0) t->place[ROLE] = place[KIN_COLUMN_GALLERY];
    if (t->place[ID] < 0) t->place[ID] = t->place[PATH];
    if (t->place[ID] >= 0) return true;
    return kin_fail(err, KIN_ERR_DATA,
                    "%s: its first line names no column 'id' ('id,label,path' was expected); rename it if it "
                    "belongs to something else",
                    t->csv.name);
}

static bool grow(table *t, kin_error *err)
{
    size_t capacity[KNOWN + 1], count = (size_t)t->count;
    bool ok = true;
    for (int c = 0; c <= KNOWN; c++) capacity[c] = t->capacity;
    for (int c = 0; ok && c < KNOWN; c++) {
        void *cell = t->cell[c];
        ok = kin_grow(&cell, count, &capacity[c], sizeof *t->cell[c]);
        t->cell[c] = cell;
    }
    void *line = t->line;
    ok = ok && kin_grow(&line, count, &capacity[KNOWN], sizeof *t->line);
    t->line = line;
    if (!ok) return kin_fail_memory(err, t->csv.name, count * 64);
    t->capacity = capacity[KNOWN];
    return true;
}

/* "query", "gallery", "both", or empty for what is neither. */
static bool take_role(table *t, char *const *field, kin_error *err)
{
    bool query, gallery;
    kin_error inner = {0};
    if (!kin_columns_role(&t->columns, field, &query, &gallery, &inner))
        return kin_csv_fail(&t->csv, err, "%s", inner.message);
    t->cell[ROLE][t->count] = query && gallery ? "both" : query ? "query" : gallery ? "gallery" : "";
    return true;
}

static bool read_rows(table *t, kin_error *err)
{
    char *field[COLUMNS];
    for (int columns; (columns = kin_csv_next(&t->csv, field, COLUMNS, err)) != 0;) {
        if (columns < 0) return false;
        if (columns != t->columns.count)
            return kin_csv_fail(&t->csv, err, "has %d fields, the first line has %d", columns,
                                t->columns.count);
        if (!grow(t, err)) return false;
        for (int k = 0; k < KNOWN; k++) t->cell[k][t->count] = t->place[k] < 0 ? "" : field[t->place[k]];
        if (!take_role(t, field, err)) return false;
        t->line[t->count++] = t->csv.line;
    }
    return t->count > 0 ? true : kin_fail(err, KIN_ERR_DATA, "%s: holds no items", t->csv.name);
}

static kin_item_texts texts_of(const table *t)
{
    const char *const *column[TEXTS];
    for (int k = 0; k < TEXTS; k++) column[k] = t->place[k] < 0 ? NULL : t->cell[k];
    return (kin_item_texts){column[ID],     column[LABEL], column[PATH],
                            column[CAMERA], column[ROLE],  column[BOX]};
}

static bool bad_vector(const table *t, int64_t i, const char *why, kin_error *err)
{
    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: the vector %s: '%.40s'", t->csv.name,
                    (long long)t->line[i], why, t->cell[VECTOR][i]);
}

/* How many numbers each row has; memory is asked for when all of them are known to be there. */
static bool count_vectors(const table *t, int64_t *dim, kin_error *err)
{
    if (t->place[VECTOR] < 0)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: its first line names no column 'embedding', where vectors such as [1,2.5,-3] "
                        "would be (the list beside an array E.npy is read with it: E)",
                        t->csv.name);
    for (int64_t i = 0; i < t->count; i++) {
        int64_t count = kin_vector_text_count(t->cell[VECTOR][i]);
        if (i == 0) *dim = count;
        if (count == 0) return bad_vector(t, i, "is none such as [1,2.5,-3]", err);
        if (count != *dim)
            return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: a vector of %lld numbers; the first has %lld",
                            t->csv.name, (long long)t->line[i], (long long)count, (long long)*dim);
    }
    return true;
}

/* The numbers of the column of vectors, [count, *dim]. */
static bool take_vectors(const table *t, float **out, int64_t *dim, kin_error *err)
{
    size_t numbers = 0;
    if (!count_vectors(t, dim, err)) return false;
    bool fits = kin_mul_size((uint64_t)t->count, (uint64_t)*dim, &numbers);
    *out = fits ? kin_alloc_array(numbers, sizeof **out) : NULL;
    if (!*out) return kin_fail_memory(err, t->csv.name, (unsigned long long)t->count * (uint64_t)*dim * 4);
    for (int64_t i = 0; i < t->count; i++) {
        const char *why = kin_vector_text_read(t->cell[VECTOR][i], *dim, *out + i * *dim);
        if (why) return bad_vector(t, i, why, err);
    }
    return true;
}

/* With `data`, the vectors too. */
static bool take_apart(const char *name, char *text, size_t size, kin_items *out, float **data, int64_t *dim,
                       kin_error *err)
{
    table t = {.csv = kin_csv_open(name, text, size)};
    t.csv.trim = true;
    int64_t bad = -1, first = -1;
    bool ok = read_head(&t, err) && read_rows(&t, err);
    if (ok) {
        kin_item_texts texts = texts_of(&t);
        ok = (!data || take_vectors(&t, data, dim, err)) && make(out, t.count, &texts, &bad, &first, err);
    }
    if (!ok && bad >= 0 && first >= 0)
        kin_fail(err, KIN_ERR_DATA,
                 "%s: line %lld: the id '%.200s' stands on line %lld already; ids must differ", name,
                 (long long)t.line[bad], t.cell[ID][bad], (long long)t.line[first]);
    else if (!ok && bad >= 0)
        kin_fail(err, KIN_ERR_DATA, "%s: line %lld: the id is empty", name, (long long)t.line[bad]);
    for (int k = 0; k < KNOWN; k++) kin_free(t.cell[k]);
    kin_free(t.line);
    if (!ok) kin_items_free(out);
    return ok;
}

bool kin_items_parse(const char *name, const char *text, size_t size, kin_items *out, kin_error *err)
{
    *out = (kin_items){0};
    char *copy = kin_alloc(size + 1);
    if (!copy) return kin_fail_memory(err, name, size);
    if (size) memcpy(copy, text, size);
    bool ok = take_apart(name, copy, size, out, NULL, NULL, err);
    kin_free(copy);
    return ok;
}

bool kin_items_read(const char *path, kin_items *out, kin_error *err)
{
    *out = (kin_items){0};
    kin_bytes bytes;
    if (!kin_read_file(path, 0, &bytes, err)) return false;
    bool ok = take_apart(path, (char *)bytes.data, bytes.size, out, NULL, NULL, err);
    kin_bytes_free(&bytes);
    return ok;
}

/* --- the rows of one role --- */

/* "E:query" is cut to "E" and the role returned; NULL: there is none. */
static const char *split_role(char *name)
{
    static const char *const roles[] = {"query", "gallery"};
    char *colon = strrchr(name, ':');
    for (int r = 0; colon && r < 2; r++)
        if (strcmp(colon + 1, roles[r]) == 0) return *colon = '\0', roles[r];
    return NULL;
}

/* Drops the items that do not have the role, and their rows of data [items.count, dim] (NULL: there are
 * none). */
static bool keep_role(const char *name, kin_items *items, const char *role, float *data, double *wide,
                      int64_t dim, kin_error *err)
{
    if (!items->role)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: has no column `role`, which tells the queries from the gallery; kin embed "
                        "writes it for parts that have both",
                        name);
    char **const columns[] = {items->id, items->label, items->path, items->camera, items->role, items->box};
    int64_t count = 0;
    for (int64_t i = 0; i < items->count; i++) {
        if (strcmp(items->role[i], role) != 0 && strcmp(items->role[i], "both") != 0) continue;
        for (int k = 0; k < TEXTS; k++)
            if (columns[k]) columns[k][count] = columns[k][i];
        if (data && count != i) memcpy(data + count * dim, data + i * dim, (size_t)dim * sizeof *data);
        if (wide && count != i) memcpy(wide + count * dim, wide + i * dim, (size_t)dim * sizeof *wide);
        count++;
    }
    if (count == 0)
        return kin_fail(err, KIN_ERR_DATA, "%s: none of its %lld items has the role '%s'", name,
                        (long long)items->count, role);
    int64_t bad, first;
    items->count = count;
    memset(items->slot, 0, (size_t)items->slots * sizeof *items->slot);
    return index_ids(items, &bad, &first); /* they differed before */
}

/* --- embeddings --- */

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a > b && strcmp(text + a - b, end) == 0;
}

/* "E" or "E.npy", with the ending asked for. */
static char *with_ending(const char *name, const char *ending)
{
    size_t stem = strlen(name) - (ends_in(name, ".npy") ? 4 : 0), size = stem + strlen(ending) + 1;
    char *path = kin_alloc(size);
    if (path) snprintf(path, size, "%.*s%s", (int)stem, name, ending);
    return path;
}

void kin_embeddings_take(kin_embeddings *e, float *data, int64_t dim)
{
    if (e->data != e->file.data) kin_free(e->data);
    kin_npy_free(&e->file);
    e->data = data;
    e->dim = dim;
}

void kin_embeddings_free(kin_embeddings *e)
{
    kin_embeddings_take(e, NULL, 0);
    kin_free(e->name);
    kin_items_free(&e->items);
    *e = (kin_embeddings){0};
}

/* What E.npy says of E.csv: a number of the ids in their order, blanks apart; never 0. */
static uint64_t mark_of(const kin_items *items)
{
    uint64_t h = (uint64_t)items->count;
    for (int64_t i = 0; i < items->count; i++, h = (h ^ 10) * UINT64_C(1099511628211))
        for (const unsigned char *c = (const unsigned char *)items->id[i]; *c; c++)
            if (*c > ' ') h = (h ^ *c) * UINT64_C(1099511628211);
    h = (h ^ h >> 29) * UINT64_C(0x9e3779b97f4a7c15);
    h >>= 64 - KIN_NPY_MARK_BITS;
    return h ? h : 1;
}

static bool read_items(kin_embeddings *out, const char *csv, const char *npy, int64_t rows, kin_error *err)
{
    bool there;
    if (!kin_look_for(csv, &there, err)) return false;
    out->names_missing = !there && out->file.mark;
    if (!there) return kin_items_numbered(&out->items, rows, err);
    if (!kin_items_read(csv, &out->items, err)) return false;
    if (out->items.count == rows && out->file.mark && out->file.mark != mark_of(&out->items))
        return kin_fail(err, KIN_ERR_DATA,
                        "%s and %s are not of one run: the ids are not those that the rows were written for; "
                        "write both again (or save the array with NumPy, if the ids were changed on purpose)",
                        npy, csv);
    if (out->items.count == rows) return true;
    return kin_fail(err, KIN_ERR_DATA,
                    "%s names %lld items, %s holds %lld rows; both must come from one run of 'kin embed'",
                    csv, (long long)out->items.count, npy, (long long)rows);
}

bool kin_embeddings_parse(const char *name, char *text, size_t size, kin_embeddings *out, kin_error *err)
{
    *out = (kin_embeddings){.name = kin_strdup(name)};
    bool ok = (out->name || kin_fail_memory(err, name, strlen(name))) &&
              take_apart(name, text, size, &out->items, &out->data, &out->dim, err);
    if (!ok) kin_embeddings_free(out);
    return ok;
}

/* A table that came out of a database. */
static bool read_table(const char *name, kin_embeddings *out, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_read_file(name, 0, &bytes, err)) return false;
    bool ok = take_apart(name, (char *)bytes.data, bytes.size, &out->items, &out->data, &out->dim, err);
    kin_bytes_free(&bytes);
    return ok;
}

static bool read_files(const char *name, kin_embeddings *out, kin_error *err)
{
    if (ends_in(name, ".csv")) return read_table(name, out, err);
    char *npy = with_ending(name, ".npy"), *csv = with_ending(name, ".csv");
    kin_npy *array = &out->file;
    bool ok = npy && csv ? true : kin_fail_memory(err, name, strlen(name));
    ok = ok && kin_npy_read_matrix(npy, array, err);
    if (ok) {
        out->data = array->data;
        out->dim = array->shape[1];
        ok = read_items(out, csv, npy, array->shape[0], err);
    }
    kin_free(npy), kin_free(csv);
    return ok;
}

bool kin_embeddings_read(const char *name, kin_embeddings *out, kin_error *err)
{
    *out = (kin_embeddings){.name = kin_strdup(name)};
    char *files = kin_strdup(name);
    bool ok = files && out->name ? true : kin_fail_memory(err, name, strlen(name));
    const char *role = ok ? split_role(files) : NULL;
    ok = ok && read_files(files, out, err) &&
         (!role || keep_role(files, &out->items, role, out->data, out->file.wide, out->dim, err));
    kin_free(files);
    if (!ok) kin_embeddings_free(out);
    return ok;
}

static bool open_items(const char *name, kin_items *out, kin_error *err)
{
    if (ends_in(name, ".csv")) return kin_items_read(name, out, err);
    char *csv = with_ending(name, ".csv");
    bool named = false, ok = csv ? kin_look_for(csv, &named, err) : kin_fail_memory(err, name, strlen(name));
    if (ok && named) ok = kin_items_read(csv, out, err);
    kin_free(csv);
    if (!ok || named) return ok;
    kin_embeddings whole;
    if (!kin_embeddings_read(name, &whole, err)) return false;
    *out = whole.items;
    whole.items = (kin_items){0};
    kin_embeddings_free(&whole);
    return true;
}

bool kin_items_open(const char *name, kin_items *out, kin_error *err)
{
    *out = (kin_items){0};
    char *file = kin_strdup(name);
    if (!file) return kin_fail_memory(err, name, strlen(name));
    const char *role = split_role(file);
    bool ok = open_items(file, out, err) && (!role || keep_role(file, out, role, NULL, NULL, 0, err));
    kin_free(file);
    if (!ok) kin_items_free(out);
    return ok;
}

static void write_cell(FILE *stream, char **column, int64_t i)
{
    fputc(',', stream);
    kin_csv_put(stream, column ? column[i] : "");
}

static void put_items(const kin_items *items, FILE *stream)
{
    bool more = items->camera || items->role || items->box;
    fprintf(stream, "id,label,path%s%s\n", more ? ",camera,role" : "", items->box ? ",box" : "");
    for (int64_t i = 0; i < items->count; i++) {
        kin_csv_put(stream, items->id[i]);
        write_cell(stream, items->label, i);
        write_cell(stream, items->path, i);
        if (more) write_cell(stream, items->camera, i), write_cell(stream, items->role, i);
        if (items->box) write_cell(stream, items->box, i);
        fputc('\n', stream);
    }
}

/* Both are whole before the first is in place, and the array's mark says for which ids it was written. */
static bool write_pair(const char *npy, const char *csv, kin_vectors vectors, const kin_items *items,
                       uint32_t made, kin_error *err)
{
    kin_file numbers, names = {0};
    if (!kin_file_create(&numbers, npy, err)) return false;
    bool ok = kin_file_create(&names, csv, err) &&
              kin_npy_write_marked(&numbers, vectors.data, vectors.count, vectors.dim, mark_of(items), made,
                                   err);
    if (ok) put_items(items, names.stream);
    ok = ok && kin_file_complete(&numbers, err) && kin_file_complete(&names, err) &&
         kin_file_commit(&numbers, err) && kin_file_commit(&names, err);
    kin_file_abandon(&numbers);
    kin_file_abandon(&names);
    return ok;
}

bool kin_embeddings_write_texts(const char *name, kin_vectors vectors, const kin_item_texts *texts,
                                kin_error *err)
{
    kin_items items;
    if (!kin_items_make_texts(&items, vectors.count, texts, err)) return false;
    char *npy = with_ending(name, ".npy"), *csv = with_ending(name, ".csv");
    bool ok = npy && csv ? true : kin_fail_memory(err, name, strlen(name));
    ok = ok && write_pair(npy, csv, vectors, &items, texts->made, err);
    kin_free(npy), kin_free(csv);
    kin_items_free(&items);
    return ok;
}

bool kin_embeddings_write_items(const char *name, kin_vectors vectors, const kin_items *items, kin_error *err)
{
    const kin_item_texts texts = {(const char *const *)items->id,   (const char *const *)items->label,
                                  (const char *const *)items->path, (const char *const *)items->camera,
                                  (const char *const *)items->role, (const char *const *)items->box};
    return kin_embeddings_write_texts(name, vectors, &texts, err);
}

bool kin_embeddings_write(const char *name, kin_vectors vectors, const char *const *id,
                          const char *const *label, const char *const *path, kin_error *err)
{
    return kin_embeddings_write_texts(name, vectors,
                                      &(kin_item_texts){.id = id, .label = label, .path = path}, err);
}

/* --- labels --- */

static void number_texts(char **text, int64_t count, int64_t *code, int64_t *slot, int64_t slots, char **seen,
                         int64_t *used)
{
    for (int64_t i = 0; i < count; i++) {
        code[i] = -1;
        if (!text || !*text[i]) continue;
        int64_t *s = find_slot(slot, slots, seen, text[i], strlen(text[i]));
        if (*s == 0) {
            seen[(*used)++] = text[i];
            *s = *used;
        }
        code[i] = *s - 1;
    }
}

/* Numbers the texts of two sets alike. */
static bool codes(char **a, int64_t a_count, int64_t *a_code, char **b, int64_t b_count, int64_t *b_code,
                  kin_error *err)
{
    int64_t count = a_count + b_count, slots = slots_for(count), used = 0;
    int64_t *slot = kin_alloc_zero((size_t)slots, sizeof *slot);
    char **seen = kin_alloc_array((size_t)count, sizeof *seen);
    bool ok = slot && seen ? true : kin_fail_memory(err, "the labels", (unsigned long long)count * 32);
    if (ok) number_texts(a, a_count, a_code, slot, slots, seen, &used);
    if (ok) number_texts(b, b_count, b_code, slot, slots, seen, &used);
    kin_free(slot), kin_free(seen);
    return ok;
}

bool kin_items_label_codes(const kin_items *a, int64_t *a_code, const kin_items *b, int64_t *b_code,
                           kin_error *err)
{
    return codes(a->label, a->count, a_code, b ? b->label : NULL, b ? b->count : 0, b_code, err);
}

bool kin_items_camera_codes(const kin_items *a, int64_t *a_code, const kin_items *b, int64_t *b_code,
                            kin_error *err)
{
    return codes(a->camera, a->count, a_code, b ? b->camera : NULL, b ? b->count : 0, b_code, err);
}

bool kin_items_judgeable(const kin_items *gallery, const kin_items *query, kin_error *err)
{
    const kin_items *asked = query ? query : gallery;
    const char *one = NULL;
    for (int64_t q = 0; asked->label && q < asked->count && !one; q++)
        if (*asked->label[q]) one = asked->label[q];
    if (!one || !gallery->label)
        return kin_fail(
            err, KIN_ERR_DATA,
            "the items have no labels, so that nothing can be judged; they stand in the column `label` of "
            "the .csv beside the .npy (kin embed --labels)");
    for (int64_t q = 0; q < asked->count; q++)
        if (strcmp(asked->label[q], one) != 0) return true;
    for (int64_t g = 0; g < gallery->count; g++)
        if (strcmp(gallery->label[g], one) != 0) return true;
    return kin_fail(
        err, KIN_ERR_DATA,
        "all items have one label, '%.60s', so that any order would be right and nothing can be judged "
        "(kin embed --labels tells them apart)",
        one);
}
