#include "base/csv.h"

#include <stdarg.h>
#include <string.h>

kin_csv kin_csv_open(const char *name, char *text, size_t size)
{
    size_t mark = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return (kin_csv){.name = name, .at = text + mark, .end = text + size, .next_line = 1, .separator = ','};
}

bool kin_csv_fail(const kin_csv *csv, kin_error *err, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: %s", csv->name, (long long)csv->line, text);
}

static bool zero_byte(const kin_csv *csv, kin_error *err)
{
    return kin_csv_fail(csv, err, "holds a zero byte; is this a text file?");
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static void skip_blanks(kin_csv *csv)
{
    while (csv->trim && csv->at < csv->end && is_blank(*csv->at) && *csv->at != csv->separator) csv->at++;
}

static bool at_end_of_field(const kin_csv *csv)
{
    return csv->at == csv->end || *csv->at == csv->separator || *csv->at == '\n' || *csv->at == '\r';
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
                char *stop = csv->at;
                skip_blanks(csv);
                if (!at_end_of_field(csv)) return kin_csv_fail(csv, err, "text behind a closing quote");
                if (to < stop) *to = '\0';
                return true;
            }
        } else if (*csv->at == '\n') {
            csv->next_line++;
        }
        *to++ = *csv->at;
    }
    if (csv->at < csv->end) return zero_byte(csv, err);
    return kin_csv_fail(csv, err, "a quote is never closed");
}

static bool plain(kin_csv *csv, char **field, kin_error *err)
{
    *field = csv->at;
    while (!at_end_of_field(csv) && *csv->at) csv->at++;
    if (csv->at < csv->end && !*csv->at) return zero_byte(csv, err);
    char *stop = csv->at;
    while (csv->trim && stop > *field && is_blank(stop[-1])) stop--;
    if (stop < csv->at) *stop = '\0';
    return true;
}

static void skip_empty_lines(kin_csv *csv)
{
    for (; csv->at < csv->end && (*csv->at == '\n' || *csv->at == '\r'); csv->at++)
        csv->next_line += *csv->at == '\n' || csv->at + 1 == csv->end || csv->at[1] != '\n';
}

/* Blanks between two fields are one separator, and behind the last they are none. Returns what ended the
 * field. */
static char skip_run(kin_csv *csv)
{
    while (csv->at < csv->end && *csv->at == ' ') csv->at++;
    if (csv->at < csv->end && *csv->at != '\n' && *csv->at != '\r') return ' ';
    char end = csv->at < csv->end ? *csv->at : '\n';
    if (csv->at < csv->end) csv->at++;
    return end;
}

int kin_csv_next(kin_csv *csv, char **field, int room, kin_error *err)
{
    skip_empty_lines(csv);
    csv->line = csv->next_line;
    if (csv->at == csv->end) return 0;
    for (int count = 0; count < room;) {
        skip_blanks(csv);
        bool opened = csv->at < csv->end && *csv->at == '"';
        if (!(opened ? quoted(csv, &field[count], err) : plain(csv, &field[count], err))) return -1;
        count++;
        char end = csv->at < csv->end ? *csv->at : '\n';
        *csv->at = '\0';
        if (csv->at < csv->end) csv->at++;
        if (end == ' ' && csv->separator == ' ') end = skip_run(csv);
        if (end == csv->separator) continue;
        if (end == '\r' && csv->at < csv->end && *csv->at == '\n') csv->at++;
        csv->next_line++;
        return count;
    }
    return kin_csv_fail(csv, err, "more than %d fields", room), -1;
}

static bool plain_enough(const char *field)
{
    size_t length = strlen(field);
    return !strpbrk(field, ",\"\r\n") && !(length && (is_blank(field[0]) || is_blank(field[length - 1])));
}

void kin_csv_put(FILE *stream, const char *field)
{
    if (plain_enough(field)) {
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

void kin_csv_old_id(char *id)
{
    for (; *id; id++)
        if (strchr(" ,\"\t\n\r", *id)) *id = '_';
}
