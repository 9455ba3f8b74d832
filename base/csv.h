/* Comma-separated values (RFC 4180), taken apart in place: commas and line ends become zero bytes, quotes
 * disappear. */
#ifndef KIN_BASE_CSV_H
#define KIN_BASE_CSV_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct kin_csv {
    const char *name; /* for messages */
    char *at, *end;   /* the byte at `end` must be writable */
    int64_t line;     /* of the record read last, from 1 */
    int64_t next_line;
    char separator; /* ',' unless it is set to another; ' ': any blanks */
    bool trim;      /* blanks around a field are dropped, unless they stand inside its quotes */
} kin_csv;

/* A UTF-8 byte order mark is skipped. Lines end with LF, CR LF or CR. */
kin_csv kin_csv_open(const char *name, char *text, size_t size);

/* Reads the next record that is not an empty line. Returns the number of its fields, at most `room` of
 * them, 0 at the end, -1 on an error (an open quote, text behind a closing one, a zero byte, too many
 * fields), which names the line. */
int kin_csv_next(kin_csv *csv, char **field, int room, kin_error *err);

/* An error of KIN_ERR_DATA in the record read last: "NAME: line N: " and the text. Returns false. */
bool kin_csv_fail(const kin_csv *csv, kin_error *err, const char *format, ...) KIN_PRINTF(3, 4);

/* Writes one field, quoted where it must be. */
void kin_csv_put(FILE *stream, const char *field);

/* How kin wrote ids until they kept the path: blanks, commas, quotes and line ends as '_'. In place. */
void kin_csv_old_id(char *id);

#endif
