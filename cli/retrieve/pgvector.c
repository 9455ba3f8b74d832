#include "cli/retrieve/pgvector.h"

#include "cli/retrieve/rows.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { NUMBERS_MOST = 16000, INDEXED_MOST = 2000, NAME_MOST = 63 };

/* A name that PostgreSQL takes as it is: small letters, digits and '_', no digit first; perhaps "schema.table". */
static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 0 || length > NAME_MOST || isdigit((unsigned char)name[0])) return false;
    return name[length] == 0 ||
           (name[length] == '.' && !strchr(name + length + 1, '.') && is_name(name + length + 1));
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

/* pgvector leaves rows of zeros out of an index of cosines. */
static bool check_lengths(const kin_embeddings *set, kin_error *err)
{
    for (int64_t i = 0; i < set->items.count; i++) {
        bool zero = true;
        for (int64_t k = 0; zero && k < set->dim; k++) zero = set->data[i * set->dim + k] == 0;
        if (zero)
            return kin_fail(err, KIN_ERR_DATA,
                            "%s: item '%.200s' is all zeros: it has no cosine, and would be missing from the "
                            "index",
                            set->name, set->items.id[i]);
    }
    return true;
}

static bool check(const kin_pgvector_opt *opt, const kin_embeddings *set, kin_error *err)
{
    if (!is_name(opt->table))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "'%.100s' is no table's name here: small letters, digits and '_' make one, or two with a "
            "'.' between them",
            opt->table);
    if (set->dim > NUMBERS_MOST)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s: pgvector holds %d numbers an item, not %lld: kin reduce makes them fewer",
                        set->name, NUMBERS_MOST, (long long)set->dim);
    if (opt->index != KIN_PGVECTOR_EXACT && set->dim > INDEXED_MOST)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s: pgvector's indexes take %d numbers an item, not %lld: kin reduce makes them "
                        "fewer, and without --index every search is exact",
                        set->name, INDEXED_MOST, (long long)set->dim);
    return kin_rows_check(set, err) &&
           (opt->index == KIN_PGVECTOR_EXACT || opt->metric != KIN_COSINE || check_lengths(set, err));
}

/* How many lists IVFFlat is to have: as pgvector's own documentation advises, a thousandth of the rows, and the
 * square root of them where there are more than a million. */
static long long lists_for(int64_t rows)
{
    if (rows > 1000000) return (long long)sqrt((double)rows);
    return rows < 1000 ? 1 : (long long)(rows / 1000);
}

static void put_index(FILE *to, const kin_pgvector_opt *opt, int64_t rows)
{
    static const char *const metrics[] = {[KIN_COSINE] = "cosine", [KIN_EUCLID] = "l2", [KIN_INNER] = "ip"};
    if (opt->index == KIN_PGVECTOR_EXACT) return;
    fputs("CREATE INDEX ON ", to);
    put_name(to, opt->table);
    fprintf(to, " USING %s (embedding vector_%s_ops)", opt->index == KIN_PGVECTOR_HNSW ? "hnsw" : "ivfflat",
            metrics[opt->metric]);
    if (opt->index == KIN_PGVECTOR_IVFFLAT) fprintf(to, " WITH (lists = %lld)", lists_for(rows));
    fputs(";\n", to);
}

/* ON_ERROR_STOP is no comfort: without it psql reads the rows behind a COPY that failed as commands, and an id is
 * what somebody called a file. */
bool kin_pgvector_write(FILE *to, const kin_pgvector_opt *opt, const kin_embeddings *set, kin_error *err)
{
    const kin_items *items = &set->items;
    if (!check(opt, set, err)) return false;
    fputs("\\set ON_ERROR_STOP on\nSET client_encoding = 'UTF8';\nBEGIN;\n"
          "CREATE EXTENSION IF NOT EXISTS vector;\nCREATE TABLE ",
          to);
    put_name(to, opt->table);
    fprintf(to, " (id text PRIMARY KEY, label text, path text, embedding vector(%lld) NOT NULL);\nCOPY ",
            (long long)set->dim);
    put_name(to, opt->table);
    fputs(" (id, label, path, embedding) FROM stdin;\n", to);
    for (int64_t i = 0; i < items->count; i++) {
        put_text(to, items->id[i]);
        put_column(to, items->label, i);
        put_column(to, items->path, i);
        for (int64_t k = 0; k < set->dim; k++)
            fprintf(to, "%s%.9g", k ? "," : "\t[", (double)set->data[i * set->dim + k]);
        fputs("]\n", to);
    }
    fputs("\\.\n", to);
    put_index(to, opt, items->count);
    fputs("COMMIT;\n", to);
    return !ferror(to) || kin_fail(err, KIN_ERR_IO, "the SQL could not be written");
}
