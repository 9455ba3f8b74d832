#include "retrieval/lists/csv.h"

#include <string.h>

kin_csv kin_csv_open(const char *name, char *text, size_t size)
{
    size_t mark = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return (kin_csv){name, text + mark, text + size, 0, 1};
}

static bool zero_byte(const kin_csv *csv, kin_error *err)
{
    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: holds a zero byte; is this a text file?", csv->name,
                    (long long)csv->line);
}

/* Takes the quotes off; the byte after the closing one is left at csv->at. */
static bool quoted(kin_csv *csv, char **field, kin_error *err)
{
    char *to = ++csv->at;
    *field = to;
    for (; csv->at < csv->end && *csv->at; csv->at++) {
        if (*csv->at == '"') {
            csv->at++;
            if (csv->at == csv->end || *csv->at != '"') {
                bool ends = csv->at == csv->end || *csv->at == ',' || *csv->at == '\n' || *csv->at == '\r';
                if (!ends)
                    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: text behind a closing quote",
                                    csv->name, (long long)csv->line);
                if (to < csv->at) *to = '\0';
                return true;
            }
        } else if (*csv->at == '\n') {
            csv->next_line++;
        }
        *to++ = *csv->at;
    }
    if (csv->at < csv->end) return zero_byte(csv, err);
    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: a quote is never closed", csv->name,
                    (long long)csv->line);
}

static bool plain(kin_csv *csv, char **field, kin_error *err)
{
    *field = csv->at;
    while (csv->at < csv->end && *csv->at && *csv->at != ',' && *csv->at != '\n' && *csv->at != '\r')
        csv->at++;
    return csv->at == csv->end || *csv->at ? true : zero_byte(csv, err);
}

static void skip_empty_lines(kin_csv *csv)
{
    for (; csv->at < csv->end && (*csv->at == '\n' || *csv->at == '\r'); csv->at++)
        csv->next_line += *csv->at == '\n';
}

int kin_csv_next(kin_csv *csv, char **field, int room, kin_error *err)
{
    skip_empty_lines(csv);
    csv->line = csv->next_line;
    if (csv->at == csv->end) return 0;
    for (int count = 0; count < room;) {
        bool opened = csv->at < csv->end && *csv->at == '"';
        if (!(opened ? quoted(csv, &field[count], err) : plain(csv, &field[count], err))) return -1;
        count++;
        char end = csv->at < csv->end ? *csv->at : '\n';
        *csv->at = '\0';
        if (csv->at < csv->end) csv->at++;
        if (end == ',') continue;
        if (end == '\r' && csv->at < csv->end && *csv->at == '\n') csv->at++;
        csv->next_line++;
        return count;
    }
    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: more than %d fields", csv->name, (long long)csv->line,
                    room),
           -1;
}

void kin_csv_put(FILE *stream, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        fputs(field, stream);
        return;
    }
    fputc('"', stream);
    for (; *field; field++) {
        if (*field == '"') fputc('"', stream);
        fputc(*field, stream);
    }
    fputc('"', stream);
}
