#include "retrieval/lists/ranks.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/npy.h"

#include <stdarg.h>
#include <string.h>

/* Ids as kin wrote them until they kept the path. */
typedef struct old_ids {
    kin_names names;
    int64_t *row; /* [names.count]; -1: several */
    bool made;
} old_ids;

typedef struct reader {
    const char *name;
    const kin_ranked *of;
    kin_ranks_problems *problems;
    kin_error *err;
    int64_t *line, *first, *length; /* [queries]: where a query's list was found; line 0: not yet */
    int64_t *seen;                  /* [gallery]: line of the list that held it last */
    int32_t *index;
    int64_t count, own;
    size_t capacity;
    old_ids old_query, old_gallery;
    char *plain; /* an id without its escapes */
    size_t plain_capacity;
} reader;

/* Something is wrong: kept and passed over where problems are collected, else the error. Returns whether
 * to go on. */
static bool wrong(reader *r, const char *format, ...) KIN_PRINTF(2, 3);
static bool wrong(reader *r, const char *format, ...)
{
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!r->problems) return kin_fail(r->err, KIN_ERR_DATA, "%s: %s", r->name, text);
    if (r->problems->count++ < r->problems->limit)
        kin_text_format(&r->problems->lines, "%s: %s\n", r->name, text);
    return true;
}

/* Ids in messages are cut where they are absurdly long. */
enum { SHOWN = 200 };

/* ---- ids in lists ---- */

static const struct {
    char letter;
    const char *code;
} escapes[] = {{' ', "20"}, {'\t', "09"}, {'\n', "0A"}, {'\r', "0D"}, {'%', "25"}};
enum { ESCAPES = sizeof escapes / sizeof *escapes };

/* Which escape stands at `at`; -1: none. */
static int escape_at(const char *at)
{
    for (int e = 0; at[0] == '%' && e < ESCAPES; e++)
        if (strncmp(at + 1, escapes[e].code, 2) == 0) return e;
    return -1;
}

/* Without its escapes; '%25' is one only where another code follows, as it is written. */
static size_t unescape(const char *id, size_t length, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        int e = length - i >= 3 ? escape_at(id + i) : -1;
        if (e >= 0 && escapes[e].letter == '%') {
            char next[4] = {'%', i + 3 < length ? id[i + 3] : '\0', i + 4 < length ? id[i + 4] : '\0', '\0'};
            if (escape_at(next) < 0) e = -1;
        }
        out[n++] = e >= 0 ? escapes[e].letter : id[i];
        i += e >= 0 ? 3 : 1;
    }
    return n;
}

static bool make_old(reader *r, old_ids *old, const kin_items *items)
{
    old->made = true;
    old->row = kin_alloc_array((size_t)items->count, sizeof *old->row);
    bool ok = old->row != NULL;
    for (int64_t i = 0; ok && i < items->count; i++) {
        char *id = kin_strdup(items->id[i]);
        if (id) kin_csv_old_id(id);
        int64_t before = old->names.count, number = id ? kin_names_add(&old->names, id) : -1;
        ok = number >= 0;
        if (ok) old->row[number] = number < before ? -1 : i;
        kin_free(id);
    }
    return ok || kin_fail_memory(r->err, r->name, (size_t)items->count * 32);
}

/* Leaves the row in *row, or -1. False when out of memory. */
static bool find(reader *r, const kin_items *items, old_ids *old, const char *id, size_t length, int64_t *row)
{
    bool query = old == &r->old_query; /* a field of its own, which needs no escapes */
    *row = query ? kin_items_find(items, id, length) : -1;
    if (*row < 0 && memchr(id, '%', length)) {
        void *plain = r->plain;
        if (!kin_grow(&plain, length, &r->plain_capacity, 1)) return kin_fail_memory(r->err, r->name, length);
        r->plain = plain;
        *row = kin_items_find(items, r->plain, unescape(id, length, r->plain));
    }
    if (*row < 0) *row = kin_items_find(items, id, length);
    if (*row >= 0 || !memchr(id, '_', length)) return true;
    if (!old->made && !make_old(r, old, items)) return false;
    char *text = kin_alloc(length + 1);
    if (!text) return kin_fail_memory(r->err, r->name, length);
    memcpy(text, id, length);
    text[length] = '\0';
    int64_t number = kin_names_find(&old->names, text);
    kin_free(text);
    if (number >= 0) *row = old->row[number];
    return true;
}

static void free_old(old_ids *old)
{
    kin_names_free(&old->names);
    kin_free(old->row);
}

/* ---- lists ---- */

static bool keep(reader *r, int64_t g)
{
    void *index = r->index;
    if (!kin_grow(&index, (size_t)r->count, &r->capacity, sizeof *r->index))
        return kin_fail_memory(r->err, r->name, r->capacity * 2 * sizeof *r->index);
    r->index = index;
    r->index[r->count++] = (int32_t)g;
    return true;
}

static bool add_item(reader *r, int64_t q, int64_t line, const char *id, size_t length)
{
    int64_t g;
    if (!find(r, r->of->gallery, &r->old_gallery, id, length, &g)) return false;
    int shown = length < SHOWN ? (int)length : SHOWN;
    if (g < 0) return wrong(r, "line %lld: the id '%.*s' is not in the gallery", (long long)line, shown, id);
    if (r->seen[g] == line)
        return wrong(r, "line %lld: the id '%.*s' is listed twice", (long long)line, shown, id);
    if (r->of->leave_one_out && g == q)
        return wrong(r, "line %lld: the query '%.*s' is in its own list", (long long)line, shown, id);
    r->seen[g] = line;
    return keep(r, g);
}

static bool add_list(reader *r, int64_t q, int64_t line, const char *images)
{
    r->line[q] = line;
    r->first[q] = r->count;
    int64_t ids = 0;
    for (;;) {
        images += strspn(images, " \t");
        size_t length = strcspn(images, " \t");
        if (!length) break;
        if (!add_item(r, q, line, images, length)) return false;
        images += length;
        ids++;
    }
    r->length[q] = r->count - r->first[q];
    return ids > 0 ||
           wrong(r, "line %lld: the list of '%.*s' is empty", (long long)line, SHOWN, r->of->query->id[q]);
}

static bool add_record(reader *r, int64_t line, int fields, char *const *field)
{
    if (fields != 2)
        return wrong(r, "line %lld: one field; two were expected: 'query,gallery gallery gallery'",
                     (long long)line);
    int64_t q;
    if (!find(r, r->of->query, &r->old_query, field[0], strlen(field[0]), &q)) return false;
    if (q < 0) return wrong(r, "line %lld: the id '%.*s' is not a query", (long long)line, SHOWN, field[0]);
    if (r->line[q])
        return wrong(r, "line %lld: the query '%.*s' has a list on line %lld already", (long long)line, SHOWN,
                     field[0], (long long)r->line[q]);
    return add_list(r, q, line, field[1]);
}

static bool read_records(reader *r, char *text, size_t size)
{
    kin_csv csv = kin_csv_open(r->name, text, size);
    char *field[2];
    bool first = true;
    for (int fields; (fields = kin_csv_next(&csv, field, 2, r->err)) != 0; first = false) {
        if (fields < 0) return false;
        bool head = first && fields == 2 && strcmp(field[0], "id") == 0 && strcmp(field[1], "images") == 0;
        if (!head && !add_record(r, csv.line, fields, field)) return false;
    }
    for (int64_t q = 0; q < r->of->query->count; q++)
        if (!r->line[q] && !wrong(r, "the query '%.*s' has no list", SHOWN, r->of->query->id[q]))
            return false;
    return true;
}

/* ---- arrays ---- */

static int64_t number_at(const kin_npy_layout *l, const uint8_t *bytes, int64_t row, int64_t column)
{
    int64_t place = l->fortran ? column * l->shape[0] + row : row * l->shape[1] + column;
    const uint8_t *at = bytes + l->offset + (size_t)place * l->item;
    uint64_t value = 0;
    for (size_t b = 0; b < l->item; b++)
        value |= (uint64_t)at[l->big_endian ? l->item - 1 - b : b] << (8 * b);
    unsigned unused = (unsigned)(64 - 8 * l->item);
    return l->kind == 'i'      ? (int64_t)(value << unused) >> unused
           : value > INT64_MAX ? INT64_MAX
                               : (int64_t)value;
}

static bool read_row(reader *r, const kin_npy_layout *l, const uint8_t *bytes, int64_t q)
{
    r->line[q] = q + 1;
    r->first[q] = r->count;
    for (int64_t a = 0; a < l->shape[1]; a++) {
        int64_t g = number_at(l, bytes, q, a);
        if (g == -1) break;
        bool ok = g >= 0 && g < r->of->gallery->count;
        if (!ok) {
            if (!wrong(r, "row %lld: %lld is no row of the gallery, which has %lld", (long long)q,
                       (long long)g, (long long)r->of->gallery->count))
                return false;
        } else if (r->of->leave_one_out && g == q) {
            r->own++;
        } else if (r->seen[g] == q + 1) {
            if (!wrong(r, "row %lld: the gallery's row %lld is listed twice", (long long)q, (long long)g))
                return false;
        } else {
            r->seen[g] = q + 1;
            if (!keep(r, g)) return false;
        }
    }
    r->length[q] = r->count - r->first[q];
    return r->length[q] > 0 || wrong(r, "row %lld: the list is empty", (long long)q);
}

static bool read_array(reader *r, const uint8_t *bytes, size_t size)
{
    kin_npy_layout l;
    size_t numbers, needed;
    if (!kin_npy_describe(bytes, size, r->name, &l, r->err)) return false;
    bool integers = (l.kind == 'i' || l.kind == 'u') && (l.item == 4 || l.item == 8);
    if (!integers || l.dims != 2)
        return kin_fail(
            r->err, KIN_ERR_DATA,
            "%s: is no array of lists; rows of the gallery, int64 or int32 [queries, k], were expected",
            r->name);
    if (l.shape[0] != r->of->query->count)
        return kin_fail(r->err, KIN_ERR_DATA, "%s: holds %lld lists, and there are %lld queries", r->name,
                        (long long)l.shape[0], (long long)r->of->query->count);
    if (!kin_mul_size((uint64_t)l.shape[0], (uint64_t)l.shape[1], &numbers) ||
        !kin_mul_size(numbers, l.item, &needed) || l.offset > size || size - l.offset < needed)
        return kin_fail(r->err, KIN_ERR_DATA, "%s: is cut short", r->name);
    for (int64_t q = 0; q < l.shape[0]; q++)
        if (!read_row(r, &l, bytes, q)) return false;
    return true;
}

/* The lists in the order of the queries. */
static bool put_in_order(const reader *r, kin_ranks *out)
{
    out->queries = r->of->query->count;
    out->own = r->own;
    out->offset = kin_alloc_array((size_t)out->queries + 1, sizeof *out->offset);
    out->index = kin_alloc_array((size_t)r->count, sizeof *out->index);
    if (!out->offset || !out->index)
        return kin_fail_memory(r->err, r->name, (unsigned long long)r->count * sizeof *out->index);
    int64_t used = 0;
    for (int64_t q = 0; q < out->queries; q++) {
        out->offset[q] = used;
        for (int64_t a = 0; a < r->length[q]; a++) out->index[used++] = r->index[r->first[q] + a];
    }
    out->offset[out->queries] = used;
    return true;
}

static bool take_apart(reader *r, char *text, size_t size, kin_ranks *out)
{
    size_t queries = (size_t)r->of->query->count;
    r->line = kin_alloc_zero(queries, sizeof *r->line);
    r->first = kin_alloc_zero(queries, sizeof *r->first);
    r->length = kin_alloc_zero(queries, sizeof *r->length);
    r->seen = kin_alloc_zero((size_t)r->of->gallery->count, sizeof *r->seen);
    bool ok = r->line && r->first && r->length && r->seen ? true
                                                          : kin_fail_memory(r->err, r->name, queries * 32);
    bool array = size >= 6 && memcmp(text, "\x93NUMPY", 6) == 0;
    ok = ok && (array ? read_array(r, (const uint8_t *)text, size) : read_records(r, text, size));
    if (ok && r->problems && r->problems->count) {
        long long count = r->problems->count;
        ok = kin_fail(r->err, KIN_ERR_DATA, "%s: %lld problem%s", r->name, count, count == 1 ? "" : "s");
    }
    ok = ok && put_in_order(r, out);
    kin_free(r->line), kin_free(r->first), kin_free(r->length), kin_free(r->seen), kin_free(r->index);
    kin_free(r->plain), free_old(&r->old_query), free_old(&r->old_gallery);
    if (!ok) kin_ranks_free(out);
    return ok;
}

bool kin_ranks_parse(const char *name, const char *text, size_t size, const kin_ranked *of, kin_ranks *out,
                     kin_ranks_problems *problems, kin_error *err)
{
    *out = (kin_ranks){0};
    char *copy = kin_alloc(size + 1);
    if (!copy) return kin_fail_memory(err, name, size);
    if (size) memcpy(copy, text, size);
    reader r = {.name = name, .of = of, .problems = problems, .err = err};
    bool ok = take_apart(&r, copy, size, out);
    kin_free(copy);
    return ok;
}

bool kin_ranks_read(const char *path, const kin_ranked *of, kin_ranks *out, kin_ranks_problems *problems,
                    kin_error *err)
{
    *out = (kin_ranks){0};
    kin_bytes bytes;
    if (!kin_read_file(path, 0, &bytes, err)) return false;
    reader r = {
        .name = strcmp(path, "-") == 0 ? "standard input" : path, .of = of, .problems = problems, .err = err};
    bool ok = take_apart(&r, (char *)bytes.data, bytes.size, out);
    kin_bytes_free(&bytes);
    return ok;
}

void kin_ranks_free(kin_ranks *ranks)
{
    kin_free(ranks->offset), kin_free(ranks->index);
    *ranks = (kin_ranks){0};
}

void kin_ranks_drop(kin_ranks *ranks, const int64_t *self)
{
    int64_t used = 0, first = 0;
    for (int64_t q = 0; self && q < ranks->queries; q++) {
        int64_t last = ranks->offset[q + 1];
        for (int64_t at = first; at < last; at++)
            if (ranks->index[at] != self[q]) ranks->index[used++] = ranks->index[at];
        ranks->offset[q + 1] = used;
        first = last;
    }
}

void kin_ranks_problems_free(kin_ranks_problems *problems)
{
    kin_text_free(&problems->lines);
    *problems = (kin_ranks_problems){0};
}

/* A gallery's id inside a list, whose field is quoted or not. */
static void put_id(FILE *stream, const char *id, bool quote)
{
    for (; *id; id++) {
        int e = 0;
        while (e < ESCAPES && escapes[e].letter != *id) e++;
        if (e < ESCAPES && (*id != '%' || escape_at(id) >= 0)) {
            fprintf(stream, "%%%s", escapes[e].code);
            continue;
        }
        if (quote && *id == '"') fputc('"', stream);
        fputc(*id, stream);
    }
}

bool kin_ranks_write(const char *path, const kin_neighbours *lists, const kin_items *query,
                     const kin_items *gallery, kin_error *err)
{
    bool quote = false;
    for (int64_t g = 0; g < gallery->count; g++) quote = quote || strpbrk(gallery->id[g], ",\"");
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    fputs("id,images\n", file.stream);
    for (int64_t q = 0; q < lists->queries; q++) {
        kin_csv_put(file.stream, query->id[q]);
        fputs(quote ? ",\"" : ",", file.stream);
        for (int64_t a = 0; a < lists->k && lists->index[q * lists->k + a] >= 0; a++) {
            if (a) fputc(' ', file.stream);
            put_id(file.stream, gallery->id[lists->index[q * lists->k + a]], quote);
        }
        fputs(quote ? "\"\n" : "\n", file.stream);
    }
    return kin_file_commit(&file, err);
}

bool kin_ranks_write_arrays(const char *index_path, const char *value_path, const kin_neighbours *lists,
                            kin_error *err)
{
    return (!index_path || kin_npy_write_int64(index_path, lists->index, lists->queries, lists->k, err)) &&
           (!value_path || kin_npy_write_float32(value_path, lists->value, lists->queries, lists->k, err));
}
