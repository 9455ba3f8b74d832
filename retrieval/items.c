#include "retrieval/items.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "retrieval/csv.h"

#include <string.h>

enum { COLUMNS = 64 };

/* --- a hash table of strings: open addressing, slots hold 1 + the string's number, 0 is free --- */

static uint64_t hash(const char *text, size_t length)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

static int64_t slots_for(int64_t count)
{
    int64_t slots = 16;
    while (slots < 2 * count) slots *= 2;
    return slots;
}

/* The slot of `text`, or the free slot where it belongs. */
static int64_t *find_slot(int64_t *slot, int64_t slots, char *const *strings, const char *text, size_t length)
{
    for (uint64_t at = hash(text, length);; at++) {
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
    kin_free(items->id), kin_free(items->label), kin_free(items->path), kin_free(items->storage), kin_free(items->slot);
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

/* Fills the table of ids. False where one is empty or repeats an earlier one: *bad is its row, *first the earlier one's or -1. */
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

static bool make(kin_items *out, int64_t count, const char *const *id, const char *const *label, const char *const *path, int64_t *bad, int64_t *first,
                 kin_error *err)
{
    *out = (kin_items){.count = count, .slots = slots_for(count)};
    size_t size = size_of(id, count) + size_of(label, count) + size_of(path, count), used = 0;
    *bad = -1;
    out->storage = kin_alloc(size);
    out->slot = kin_alloc_zero((size_t)out->slots, sizeof *out->slot);
    bool ok = out->storage && out->slot && (out->id = keep(out, id, &used)) && (!label || (out->label = keep(out, label, &used))) &&
              (!path || (out->path = keep(out, path, &used)));
    if (!ok) kin_fail_memory(err, "the ids", size);
    return ok && index_ids(out, bad, first);
}

bool kin_items_make(kin_items *out, int64_t count, const char *const *id, const char *const *label, const char *const *path, kin_error *err)
{
    int64_t bad, first;
    if (make(out, count, id, label, path, &bad, &first, err)) return true;
    if (bad >= 0 && first >= 0)
        kin_fail(err, KIN_ERR_DATA, "item %lld has the id '%s' of item %lld; ids must differ", (long long)bad, id[bad], (long long)first);
    else if (bad >= 0)
        kin_fail(err, KIN_ERR_DATA, "item %lld has an empty id", (long long)bad);
    kin_items_free(out);
    return false;
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

typedef struct table {
    kin_csv csv;
    int columns, id, label, path; /* -1: not there */
    const char **cell[3];         /* id, label, path: [capacity] */
    int64_t *line;
    int64_t count;
    size_t capacity;
} table;

static bool read_head(table *t, kin_error *err)
{
    char *field[COLUMNS];
    t->id = t->label = t->path = -1;
    t->columns = kin_csv_next(&t->csv, field, COLUMNS, err);
    if (t->columns < 0) return false;
    for (int c = 0; c < t->columns; c++) {
        if (t->id < 0 && strcmp(field[c], "id") == 0) t->id = c;
        if (t->label < 0 && strcmp(field[c], "label") == 0) t->label = c;
        if (t->path < 0 && strcmp(field[c], "path") == 0) t->path = c;
    }
    if (t->id >= 0) return true;
    return kin_fail(err, KIN_ERR_DATA, "%s: its first line names no column 'id' ('id,label,path' was expected); rename it if it belongs to something else",
                    t->csv.name);
}

static bool grow(table *t, kin_error *err)
{
    size_t capacity[4] = {t->capacity, t->capacity, t->capacity, t->capacity}, count = (size_t)t->count;
    bool ok = true;
    for (int c = 0; ok && c < 3; c++) {
        void *cell = t->cell[c];
        ok = kin_grow(&cell, count, &capacity[c], sizeof *t->cell[c]);
        t->cell[c] = cell;
    }
    void *line = t->line;
    ok = ok && kin_grow(&line, count, &capacity[3], sizeof *t->line);
    t->line = line;
    if (!ok) return kin_fail_memory(err, t->csv.name, count * 64);
    t->capacity = capacity[3];
    return true;
}

static bool read_rows(table *t, kin_error *err)
{
    char *field[COLUMNS];
    for (int columns; (columns = kin_csv_next(&t->csv, field, COLUMNS, err)) != 0;) {
        if (columns < 0) return false;
        if (columns != t->columns)
            return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: has %d fields, the first line has %d", t->csv.name, (long long)t->csv.line, columns, t->columns);
        if (!grow(t, err)) return false;
        t->cell[0][t->count] = field[t->id];
        t->cell[1][t->count] = t->label < 0 ? "" : field[t->label];
        t->cell[2][t->count] = t->path < 0 ? "" : field[t->path];
        t->line[t->count++] = t->csv.line;
    }
    return t->count > 0 ? true : kin_fail(err, KIN_ERR_DATA, "%s: holds no items", t->csv.name);
}

static bool take_apart(const char *name, char *text, size_t size, kin_items *out, kin_error *err)
{
    table t = {.csv = kin_csv_open(name, text, size)};
    int64_t bad = -1, first = -1;
    bool ok = read_head(&t, err) && read_rows(&t, err) &&
              make(out, t.count, t.cell[0], t.label < 0 ? NULL : t.cell[1], t.path < 0 ? NULL : t.cell[2], &bad, &first, err);
    if (!ok && bad >= 0 && first >= 0)
        kin_fail(err, KIN_ERR_DATA, "%s: line %lld: the id '%s' stands on line %lld already; ids must differ", name, (long long)t.line[bad], t.cell[0][bad],
                 (long long)t.line[first]);
    else if (!ok && bad >= 0)
        kin_fail(err, KIN_ERR_DATA, "%s: line %lld: the id is empty", name, (long long)t.line[bad]);
    kin_free(t.cell[0]), kin_free(t.cell[1]), kin_free(t.cell[2]), kin_free(t.line);
    if (!ok) kin_items_free(out);
    return ok;
}

bool kin_items_parse(const char *name, const char *text, size_t size, kin_items *out, kin_error *err)
{
    *out = (kin_items){0};
    char *copy = kin_alloc(size + 1);
    if (!copy) return kin_fail_memory(err, name, size);
    if (size) memcpy(copy, text, size);
    bool ok = take_apart(name, copy, size, out, err);
    kin_free(copy);
    return ok;
}

bool kin_items_read(const char *path, kin_items *out, kin_error *err)
{
    *out = (kin_items){0};
    kin_bytes bytes;
    if (!kin_read_file(path, 0, &bytes, err)) return false;
    bool ok = take_apart(path, (char *)bytes.data, bytes.size, out, err);
    kin_bytes_free(&bytes);
    return ok;
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

void kin_embeddings_free(kin_embeddings *e)
{
    kin_free(e->data), kin_free(e->name);
    kin_items_free(&e->items);
    *e = (kin_embeddings){0};
}

static bool read_items(kin_embeddings *out, const char *csv, const char *npy, int64_t rows, kin_error *err)
{
    if (!kin_exists(csv)) return kin_items_numbered(&out->items, rows, err);
    if (!kin_items_read(csv, &out->items, err)) return false;
    if (out->items.count == rows) return true;
    return kin_fail(err, KIN_ERR_DATA, "%s names %lld items, %s holds %lld rows; both must come from one run of 'kin embed'", csv,
                    (long long)out->items.count, npy, (long long)rows);
}

bool kin_embeddings_read(const char *name, kin_embeddings *out, kin_error *err)
{
    *out = (kin_embeddings){0};
    char *npy = with_ending(name, ".npy"), *csv = with_ending(name, ".csv");
    kin_npy array = {0};
    out->name = kin_strdup(name);
    bool ok = npy && csv && out->name ? true : kin_fail_memory(err, name, strlen(name));
    ok = ok && kin_npy_read_matrix(npy, &array, err);
    if (ok) {
        out->data = array.data;
        out->dim = array.shape[1];
        ok = read_items(out, csv, npy, array.shape[0], err);
    }
    kin_free(npy), kin_free(csv);
    if (!ok) kin_embeddings_free(out);
    return ok;
}

bool kin_items_open(const char *name, kin_items *out, kin_error *err)
{
    *out = (kin_items){0};
    if (ends_in(name, ".csv")) return kin_items_read(name, out, err);
    char *csv = with_ending(name, ".csv");
    bool ok = csv ? true : kin_fail_memory(err, name, strlen(name)), named = ok && kin_exists(csv);
    if (named) ok = kin_items_read(csv, out, err);
    kin_free(csv);
    if (!ok || named) return ok;
    kin_embeddings whole;
    if (!kin_embeddings_read(name, &whole, err)) return false;
    *out = whole.items;
    whole.items = (kin_items){0};
    kin_embeddings_free(&whole);
    return true;
}

static bool write_items(const char *path, const kin_items *items, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    fputs("id,label,path\n", file.stream);
    for (int64_t i = 0; i < items->count; i++) {
        kin_csv_put(file.stream, items->id[i]);
        fputc(',', file.stream);
        kin_csv_put(file.stream, items->label ? items->label[i] : "");
        fputc(',', file.stream);
        kin_csv_put(file.stream, items->path ? items->path[i] : "");
        fputc('\n', file.stream);
    }
    return kin_file_commit(&file, err);
}

bool kin_embeddings_write(const char *name, kin_vectors vectors, const char *const *id, const char *const *label, const char *const *path, kin_error *err)
{
    kin_items items;
    if (!kin_items_make(&items, vectors.count, id, label, path, err)) return false;
    char *npy = with_ending(name, ".npy"), *csv = with_ending(name, ".csv");
    bool ok = npy && csv ? true : kin_fail_memory(err, name, strlen(name));
    ok = ok && kin_npy_write_float32(npy, vectors.data, vectors.count, vectors.dim, err) && write_items(csv, &items, err);
    kin_free(npy), kin_free(csv);
    kin_items_free(&items);
    return ok;
}

/* --- labels --- */

static void number_labels(const kin_items *items, int64_t *code, int64_t *slot, int64_t slots, char **known, int64_t *used)
{
    for (int64_t i = 0; i < items->count; i++) {
        code[i] = -1;
        if (!items->label || !*items->label[i]) continue;
        int64_t *s = find_slot(slot, slots, known, items->label[i], strlen(items->label[i]));
        if (*s == 0) {
            known[(*used)++] = items->label[i];
            *s = *used;
        }
        code[i] = *s - 1;
    }
}

bool kin_items_label_codes(const kin_items *a, int64_t *a_code, const kin_items *b, int64_t *b_code, kin_error *err)
{
    int64_t count = a->count + (b ? b->count : 0), slots = slots_for(count), used = 0;
    int64_t *slot = kin_alloc_zero((size_t)slots, sizeof *slot);
    char **known = kin_alloc_array((size_t)count, sizeof *known);
    bool ok = slot && known ? true : kin_fail_memory(err, "the labels", (unsigned long long)count * 32);
    if (ok) number_labels(a, a_code, slot, slots, known, &used);
    if (ok && b) number_labels(b, b_code, slot, slots, known, &used);
    kin_free(slot), kin_free(known);
    return ok;
}
