#include "base/text.h"

#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(kin_text *text, size_t more)
{
    if (text->failed) return false;
    size_t wanted;
    if (!kin_add_size(text->size, more, &wanted) || !kin_add_size(wanted, 1, &wanted))
        return !(text->failed = true);
    if (wanted <= text->capacity) return true;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity < wanted) capacity *= 2;
    char *moved = kin_realloc(text->data, text->size, capacity);
    if (!moved) return !(text->failed = true);
    text->data = moved;
    text->capacity = capacity;
    return true;
}

void kin_text_add_bytes(kin_text *text, const void *bytes, size_t size)
{
    if (!reserve(text, size)) return;
    if (size) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void kin_text_add(kin_text *text, const char *string) { kin_text_add_bytes(text, string, strlen(string)); }

void kin_text_format(kin_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) text->failed = true;
    else if (reserve(text, (size_t)size)) {
        vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void kin_text_add_visible(kin_text *text, const char *string)
{
    const char *end = string + strlen(string);
    for (size_t n; string < end; string += n ? n : 1) {
        unsigned char c = (unsigned char)*string, next = (unsigned char)string[1];
        n = kin_utf8_length(string, (size_t)(end - string));
        if (c == '\n') kin_text_add(text, "\\n");
        else if (c == '\t') kin_text_add(text, "\\t");
        else if (c < 0x20 || c == 0x7f || !n) kin_text_format(text, "\\x%02x", c);
        else if (c == 0xc2 && next < 0xa0) kin_text_format(text, "\\u%04x", next);
        else kin_text_add_bytes(text, string, n);
    }
}

void kin_text_add_real(kin_text *text, double number)
{
    char digits[40];
    if (number == floor(number) && fabs(number) < 1e9) {
        kin_text_format(text, "%.0f", number);
        return;
    }
    for (int count = 1; count <= 17; count++) {
        snprintf(digits, sizeof digits, "%.*g", count, number);
        if (strtod(digits, NULL) == number) break;
    }
    kin_text_add(text, digits);
}

void kin_text_free(kin_text *text)
{
    kin_free(text->data);
    *text = (kin_text){0};
}

void kin_hex(const void *bytes, size_t count, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *b = bytes;
    for (size_t i = 0; i < count; i++) {
        *text++ = digits[b[i] >> 4];
        *text++ = digits[b[i] & 15];
    }
    *text = '\0';
}

bool kin_parse_int(const char *string, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(string, &end, 10);
    if (errno || end == string || *end || value < low || value > high) return false;
    *out = value;
    return true;
}

bool kin_parse_real(const char *string, double *out)
{
    char *end;
    double value = strtod(string, &end);
    if (end == string || *end || !isfinite(value)) return false;
    *out = value;
    return true;
}

size_t kin_utf8_length(const char *bytes, size_t size)
{
    const unsigned char *s = (const unsigned char *)bytes;
    if (size < 1) return 0;
    if (s[0] < 0x80) return 1;
    size_t length = s[0] >= 0xc2 && s[0] < 0xe0   ? 2
                    : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                    : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                  : 0;
    if (length < 2 || length > size) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

static bool glob(const char *pattern, const char *end, const char *name)
{
    /* Only the last '*' has to be tried again with more characters: whatever an earlier one could take, it
     * could too. */
    const char *star = NULL, *from = NULL;
    while (*name) {
        if (pattern < end && *pattern == '*') star = pattern++, from = name;
        else if (pattern < end && *pattern == *name) pattern++, name++;
        else if (star) pattern = star + 1, name = ++from;
        else return false;
    }
    while (pattern < end && *pattern == '*') pattern++;
    return pattern == end;
}

bool kin_glob(const char *pattern, const char *name)
{
    return glob(pattern, pattern + strlen(pattern), name);
}

bool kin_glob_any(const char *patterns, const char *name)
{
    for (;;) {
        const char *end = patterns + strcspn(patterns, ",");
        if (glob(patterns, end, name)) return true;
        if (!*end) return false;
        patterns = end + 1;
    }
}

int kin_edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST || nb > LONGEST) return 1000;
    int row[LONGEST + 1];
    for (size_t j = 0; j <= nb; j++) row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), best = row[j] + 1;
            diagonal = row[j];
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = change < best ? change : best;
        }
    }
    return row[nb];
}

void kin_nearest_try(kin_nearest *nearest, const char *typed, const char *candidate)
{
    size_t length = strlen(typed);
    int distance = kin_edit_distance(typed, candidate);
    /* a beginning is nearer than any slip */
    if (length >= 2 && strncmp(typed, candidate, length) == 0) distance = 0;
    if (distance > 1 + (int)(length / 4)) return;
    if (!nearest->name || distance < nearest->distance) *nearest = (kin_nearest){candidate, distance};
}
