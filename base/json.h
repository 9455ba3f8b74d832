/* JSON (RFC 8259), strict and bounded: nesting to 64 levels, no duplicate keys, valid numbers and UTF-8
 * only. */
#ifndef KIN_BASE_JSON_H
#define KIN_BASE_JSON_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#include <stddef.h>

typedef enum {
    KIN_JSON_NULL,
    KIN_JSON_BOOL,
    KIN_JSON_NUMBER,
    KIN_JSON_STRING,
    KIN_JSON_ARRAY,
    KIN_JSON_OBJECT
} kin_json_kind;

typedef struct kin_json {
    kin_json_kind kind;
    bool boolean;
    double number;
    bool whole;                    /* a number that is written as a whole one: not 4.0, 4e0 or -0 */
    const char *text;              /* a string's bytes (UTF-8, escapes resolved, zero-terminated) */
    size_t length;                 /* of the string, without the zero */
    const char *key;               /* inside an object */
    struct kin_json *first, *next; /* children of arrays and objects; the next sibling */
    size_t count;
} kin_json;

/* Parses all of `size` bytes. The tree lives in `arena`. NULL on error, which names the byte. */
const kin_json *kin_json_parse(const char *bytes, size_t size, kin_arena *arena, kin_error *err);
/* The member of an object; NULL when absent or not an object. */
const kin_json *kin_json_get(const kin_json *object, const char *key);
/* A number that is a whole one in low .. high, however it is written. */
bool kin_json_integer(const kin_json *value, double low, double high, int64_t *out);

/* Appends a quoted, escaped string (bytes that are not UTF-8 become U+FFFD); a number that reads back the
 * same (null when it is not finite). */
void kin_json_add_string(kin_text *text, const char *string);
void kin_json_add_number(kin_text *text, double number);

#endif
