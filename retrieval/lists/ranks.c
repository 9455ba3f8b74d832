#include "retrieval/lists/ranks.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "retrieval/lists/csv.h"

#include <stdarg.h>
#include <string.h>

typedef struct reader {
    const char *name;
    const kin_items *query, *gallery;
    bool leave_one_out;
    kin_ranks_problems *problems;
    kin_error *err;
    int64_t *line, *first, *length; /* [queries]: where a query's list was found; line 0: not yet */
    int64_t *seen;                  /* [gallery]: line of the list that held it last */
    int32_t *index;
    int64_t count;
    size_t capacity;
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

static bool add_item(reader *r, int64_t q, int64_t line, const char *id, size_t length)
{
    int64_t g = kin_items_find(r->gallery, id, length);
    int shown = length < SHOWN ? (int)length : SHOWN;
    if (g < 0) return wrong(r, "line %lld: the id '%.*s' is not in the gallery", (long long)line, shown, id);
    if (r->seen[g] == line)
        return wrong(r, "line %lld: the id '%.*s' is listed twice", (long long)line, shown, id);
    if (r->leave_one_out && g == q)
        return wrong(r, "line %lld: the query '%.*s' is in its own list", (long long)line, shown, id);
    r->seen[g] = line;
    void *index = r->index;
    if (!kin_grow(&index, (size_t)r->count, &r->capacity, sizeof *r->index))
        return kin_fail_memory(r->err, r->name, r->capacity * 2 * sizeof *r->index);
    r->index = index;
    r->index[r->count++] = (int32_t)g;
    return true;
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
           wrong(r, "line %lld: the list of '%.*s' is empty", (long long)line, SHOWN, r->query->id[q]);
}

static bool add_record(reader *r, int64_t line, int fields, char *const *field)
{
    if (fields != 2)
        return wrong(r, "line %lld: one field; two were expected: 'query,gallery gallery gallery'",
                     (long long)line);
    int64_t q = kin_items_find(r->query, field[0], strlen(field[0]));
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
    for (int64_t q = 0; q < r->query->count; q++)
        if (!r->line[q] && !wrong(r, "the query '%.*s' has no list", SHOWN, r->query->id[q])) return false;
    return true;
}

/* The lists in the order of the queries. */
static bool put_in_order(const reader *r, kin_ranks *out)
{
    out->queries = r->query->count;
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
    size_t queries = (size_t)r->query->count;
    r->line = kin_alloc_zero(queries, sizeof *r->line);
    r->first = kin_alloc_zero(queries, sizeof *r->first);
    r->length = kin_alloc_zero(queries, sizeof *r->length);
    r->seen = kin_alloc_zero((size_t)r->gallery->count, sizeof *r->seen);
    bool ok = r->line && r->first && r->length && r->seen ? true
                                                          : kin_fail_memory(r->err, r->name, queries * 32);
    ok = ok && read_records(r, text, size);
    if (ok && r->problems && r->problems->count) {
        long long count = r->problems->count;
        ok = kin_fail(r->err, KIN_ERR_DATA, "%s: %lld problem%s", r->name, count, count == 1 ? "" : "s");
    }
    ok = ok && put_in_order(r, out);
    kin_free(r->line), kin_free(r->first), kin_free(r->length), kin_free(r->seen), kin_free(r->index);
    if (!ok) kin_ranks_free(out);
    return ok;
}

bool kin_ranks_parse(const char *name, const char *text, size_t size, const kin_items *query,
                     const kin_items *gallery, bool leave_one_out, kin_ranks *out,
                     kin_ranks_problems *problems, kin_error *err)
{
    *out = (kin_ranks){0};
    char *copy = kin_alloc(size + 1);
    if (!copy) return kin_fail_memory(err, name, size);
    if (size) memcpy(copy, text, size);
    reader r = {.name = name,
                .query = query,
                .gallery = gallery,
                .leave_one_out = leave_one_out,
                .problems = problems,
                .err = err};
    bool ok = take_apart(&r, copy, size, out);
    kin_free(copy);
    return ok;
}

bool kin_ranks_read(const char *path, const kin_items *query, const kin_items *gallery, bool leave_one_out,
                    kin_ranks *out, kin_ranks_problems *problems, kin_error *err)
{
    *out = (kin_ranks){0};
    kin_bytes bytes;
    if (!kin_read_file(path, 0, &bytes, err)) return false;
    reader r = {.name = strcmp(path, "-") == 0 ? "standard input" : path,
                .query = query,
                .gallery = gallery,
                .leave_one_out = leave_one_out,
                .problems = problems,
                .err = err};
    bool ok = take_apart(&r, (char *)bytes.data, bytes.size, out);
    kin_bytes_free(&bytes);
    return ok;
}

void kin_ranks_free(kin_ranks *ranks)
{
    kin_free(ranks->offset), kin_free(ranks->index);
    *ranks = (kin_ranks){0};
}

void kin_ranks_problems_free(kin_ranks_problems *problems)
{
    kin_text_free(&problems->lines);
    *problems = (kin_ranks_problems){0};
}

bool kin_ranks_writable(const kin_items *gallery, kin_error *err)
{
    for (int64_t g = 0; g < gallery->count; g++)
        if (strpbrk(gallery->id[g], " \t\r\n"))
            return kin_fail(err, KIN_ERR_DATA,
                            "the gallery id '%.*s' holds a blank, which separates ids in lists; rename it, "
                            "or write --indices instead",
                            SHOWN, gallery->id[g]);
    return true;
}

/* An id as part of a quoted field. */
static void put_doubled(FILE *stream, const char *id)
{
    for (; *id; id++) {
        if (*id == '"') fputc('"', stream);
        fputc(*id, stream);
    }
}

bool kin_ranks_write(const char *path, const kin_neighbours *lists, const kin_items *query,
                     const kin_items *gallery, kin_error *err)
{
    if (!kin_ranks_writable(gallery, err)) return false;
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
            const char *id = gallery->id[lists->index[q * lists->k + a]];
            if (quote) put_doubled(file.stream, id);
            else fputs(id, file.stream);
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
