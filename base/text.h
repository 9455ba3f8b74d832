/* Text that grows, and small parsing helpers that never read past the end. */
#ifndef KIN_BASE_TEXT_H
#define KIN_BASE_TEXT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A string builder. A failed allocation is remembered in `failed`; further calls then do nothing. */
typedef struct kin_text {
    char *data; /* zero-terminated once anything was added; owned, kin_text_free */
    size_t size, capacity;
    bool failed;
} kin_text;
void kin_text_add(kin_text *text, const char *string);
void kin_text_add_bytes(kin_text *text, const void *bytes, size_t size);
void kin_text_format(kin_text *text, const char *format, ...) KIN_PRINTF(2, 3);
/* A string from outside as a terminal may show it: control characters (also those of C1), and bytes that
 * are no UTF-8, as \n, \t, \x1b or \u009b. */
void kin_text_add_visible(kin_text *text, const char *string);
/* The fewest digits that read back as the same number; whole ones below 10⁹ without an exponent. */
void kin_text_add_real(kin_text *text, double number);
void kin_text_free(kin_text *text);

/* Bytes as digits, two each, and a zero: text [2 count + 1]. */
void kin_hex(const void *bytes, size_t count, char *text);

/* Whole-string numbers: false unless all of `string` is a number in range. */
bool kin_parse_int(const char *string, int64_t low, int64_t high, int64_t *out);
bool kin_parse_real(const char *string, double *out); /* finite only */

/* The bytes of the UTF-8 sequence that begins the `size` bytes at `bytes`: 1 to 4, or 0 when it is none
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t kin_utf8_length(const char *bytes, size_t size);

/* Whether `name` as a whole fits the pattern, in which '*' stands for any characters, also none. */
bool kin_glob(const char *pattern, const char *name);
/* The same for a list of patterns, "fc.*,layer4.*": any of them. */
bool kin_glob_any(const char *patterns, const char *name);

/* Levenshtein distance, for "did you mean ...?". Strings longer than 63 count as far apart. */
int kin_edit_distance(const char *a, const char *b);

/* The nearest of two names to what was typed, for "did you mean"; keep calling with each candidate. Names too
 * far from `typed` are never chosen. A zeroed kin_nearest is ready. */
typedef struct kin_nearest {
    const char *name;
    int distance;
} kin_nearest;
void kin_nearest_try(kin_nearest *nearest, const char *typed, const char *candidate);

#ifdef __cplusplus
}
#endif

#endif
