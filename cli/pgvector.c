#include "cli/pgvector.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { NUMBERS_MOST = 16000, NAME_MOST = 63 };

/* A name that PostgreSQL takes as it is: small letters, digits and '_', no digit first; perhaps "schema.table". */
static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 0 || length > NAME_MOST || isdigit((unsigned char)name[0])) return false;
    return name[length] == 0 ||
           (name[length] == '.' && !strchr(name + length + 1, '.') && is_name(name + length + 1));
}

static bool is_text(const char *text)
{
    const char *end = text + strlen(text);
    for (size_t n; text < end; text += n)
        if (!(n = kin_utf8_length(text, (size_t)(end - text)))) return false;
    return true;
}

/* Each part in quotes: "order" and "user" are words of SQL. */
static void put_name(FILE *to, const char *name)
{
    fputc('"', to);
    for (; *name; name++) fputs(*name == '.' ? "\".\"" : (char[]){*name, 0}, to);
    fputc('"', to);
}

/* As COPY reads text: a backslash before what would end a field, a line, or the data. */
static void put_text(FILE *to, const char *text)
{
    for (; *text; text++) switch (*text) {
        case '\\': fputs("\\\\", to); break;
        case '\t': fputs("\\t", to); break;
        case '\n': fputs("\\n", to); break;
        case '\r': fputs("\\r", to); break;
        default: fputc(*text, to);
        }
}

/* A column's text of an item; an empty one is none. */
static void put_column(FILE *to, char *const *column, int64_t i)
{
    fputc('\t', to);
    if (column && column[i] && column[i][0]) put_text(to, column[i]);
    else fputs("\\N", to);
}

static bool check(const char *table, const kin_embeddings *set, kin_error *err)
{
    const kin_items *items = &set->items;
    if (!is_name(table))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "'%.100s' is no table's name here: small letters, digits and '_' make one, or two with a "
            "'.' between them",
            table);
    if (set->dim > NUMBERS_MOST)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s: pgvector holds %d numbers an item, not %lld: kin reduce makes them fewer",
                        set->name, NUMBERS_MOST, (long long)set->dim);
    for (int64_t i = 0; i < items->count * set->dim; i++)
        if (!isfinite(set->data[i]))
            return kin_fail(err, KIN_ERR_DATA, "%s: the numbers of item '%.200s' are not all finite",
                            set->name, items->id[i / set->dim]);
    for (int64_t i = 0; i < items->count; i++)
        if (!is_text(items->id[i]) || (items->label && !is_text(items->label[i])) ||
            (items->path && !is_text(items->path[i])))
            return kin_fail(err, KIN_ERR_DATA,
                            "%s: the names of item '%.200s' are no UTF-8, which PostgreSQL's text is",
                            set->name, items->id[i]);
    return true;
}

bool kin_pgvector_write(FILE *to, const char *table, const kin_embeddings *set, kin_error *err)
{
    const kin_items *items = &set->items;
    if (!check(table, set, err)) return false;
    fputs("SET client_encoding = 'UTF8';\nBEGIN;\nCREATE EXTENSION IF NOT EXISTS vector;\nCREATE TABLE ", to);
    put_name(to, table);
    fprintf(to, " (id text PRIMARY KEY, label text, path text, embedding vector(%lld) NOT NULL);\nCOPY ",
            (long long)set->dim);
    put_name(to, table);
    fputs(" (id, label, path, embedding) FROM stdin;\n", to);
    for (int64_t i = 0; i < items->count; i++) {
        put_text(to, items->id[i]);
        put_column(to, items->label, i);
        put_column(to, items->path, i);
        for (int64_t k = 0; k < set->dim; k++)
            fprintf(to, "%s%.9g", k ? "," : "\t[", (double)set->data[i * set->dim + k]);
        fputs("]\n", to);
    }
    fputs("\\.\nCOMMIT;\n", to);
    return !ferror(to) || kin_fail(err, KIN_ERR_IO, "the SQL could not be written");
}
