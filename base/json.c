#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

typedef struct parser {
    const char *start, *at, *end;
    kin_arena *arena;
    kin_error *err;
} parser;

static bool fail(parser *p, const char *what)
{
    return kin_fail(p->err, KIN_ERR_DATA, "not valid JSON at byte %zu: %s", (size_t)(p->at - p->start), what);
}

static void skip_blanks(parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')) p->at++;
}

static bool take(parser *p, char c)
{
    if (p->at >= p->end || *p->at != c) return false;
    p->at++;
    return true;
}

static bool word(parser *p, const char *text)
{
    size_t length = strlen(text);
    if ((size_t)(p->end - p->at) < length || memcmp(p->at, text, length) != 0)
        return fail(p, "an unknown word");
    p->at += length;
    return true;
}

static bool hex4(parser *p, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = p->at < p->end ? *p->at++ : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return fail(p, "four hexadecimal digits were expected");
        *out = *out * 16 + (unsigned)digit;
    }
    return true;
}

static char *utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 63));
        *to++ = (char)(0x80 | (code & 63));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 63));
        *to++ = (char)(0x80 | (code >> 6 & 63));
        *to++ = (char)(0x80 | (code & 63));
    }
    return to;
}

static bool escape(parser *p, char **to)
{
    static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char c = p->at < p->end ? *p->at++ : 0;
    const char *found = c ? strchr(from, c) : NULL;
    if (found) {
        *(*to)++ = means[found - from];
        return true;
    }
    unsigned high, low;
    if (c != 'u') return fail(p, "an unknown escape");
    if (!hex4(p, &high)) return false;
    if (high >= 0xdc00 && high < 0xe000) return fail(p, "half of a surrogate pair");
    if (high >= 0xd800 && high < 0xdc00) {
        if (!take(p, '\\') || !take(p, 'u')) return fail(p, "half of a surrogate pair");
        if (!hex4(p, &low)) return false;
        if (low < 0xdc00 || low >= 0xe000) return fail(p, "half of a surrogate pair");
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    if (high == 0) return fail(p, "a zero inside a string");
    *to = utf8(*to, high);
    return true;
}

/* The opening quote is taken. What is unescaped is never longer than what stands in the file. */
static bool string(parser *p, const char **text, size_t *length)
{
    const char *close = p->at;
    while (close < p->end && *close != '"') close += *close == '\\' && close + 1 < p->end ? 2 : 1;
    char *out = kin_arena_alloc(p->arena, (size_t)(close - p->at) + 1), *to = out;
    if (!out) return kin_fail_memory(p->err, "a string", (size_t)(close - p->at));
    while (!take(p, '"')) {
        if (p->at >= p->end) return fail(p, "a string without an end");
        if ((unsigned char)*p->at < 0x20) return fail(p, "a control character inside a string");
        if (take(p, '\\')) {
            if (!escape(p, &to)) return false;
        } else {
            size_t n = kin_utf8_length(p->at, (size_t)(p->end - p->at));
            if (n == 0) return fail(p, "bytes that are not UTF-8");
            memcpy(to, p->at, n);
            to += n;
            p->at += n;
        }
    }
    *to = '\0';
    *text = out;
    *length = (size_t)(to - out);
    return true;
}

static bool digits(parser *p)
{
    const char *first = p->at;
    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
    return p->at > first;
}

static bool number(parser *p, kin_json *out)
{
    char copy[64];
    const char *first = p->at;
    bool negative = take(p, '-');
    out->whole = true;
    if (!take(p, '0') && !digits(p)) return fail(p, "an unexpected character");
    if (take(p, '.')) {
        out->whole = false;
        if (!digits(p)) return fail(p, "digits were expected");
    }
    if (take(p, 'e') || take(p, 'E')) {
        out->whole = false;
        if (!take(p, '+')) take(p, '-');
        if (!digits(p)) return fail(p, "digits were expected");
    }
    size_t length = (size_t)(p->at - first);
    if (length >= sizeof copy) return fail(p, "a number of more than 63 characters");
    memcpy(copy, first, length);
    copy[length] = '\0';
    out->number = strtod(copy, NULL);
    if (negative && out->number == 0) out->whole = false; /* -0 is a real number */
    return isfinite(out->number) ? true : fail(p, "a number that is too large");
}

static kin_json *value(parser *p, int depth);

static bool append(parser *p, kin_json *parent, kin_json **last, kin_json *child)
{
    if (!child) return false;
    if (*last) (*last)->next = child;
    else parent->first = child;
    *last = child;
    parent->count++;
    (void)p;
    return true;
}

static bool array(parser *p, kin_json *out, int depth)
{
    kin_json *last = NULL;
    skip_blanks(p);
    if (take(p, ']')) return true;
    do {
        if (!append(p, out, &last, value(p, depth))) return false;
        skip_blanks(p);
    } while (take(p, ','));
    return take(p, ']') ? true : fail(p, "',' or ']' was expected");
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorting finds duplicates in n log n: a hostile header may have many keys. */
static bool keys_differ(parser *p, const kin_json *object)
{
    const char **keys = kin_arena_alloc(p->arena, (object->count + 1) * sizeof *keys);
    if (!keys) return kin_fail_memory(p->err, "an object's keys", object->count * sizeof *keys);
    size_t n = 0;
    for (const kin_json *child = object->first; child; child = child->next) keys[n++] = child->key;
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 1; i < n; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return kin_fail(p->err, KIN_ERR_DATA,
                            "not valid JSON: the key \"%.100s\" stands twice in one object", keys[i]);
    return true;
}

static bool object(parser *p, kin_json *out, int depth)
{
    kin_json *last = NULL;
    skip_blanks(p);
    if (take(p, '}')) return true;
    do {
        const char *key;
        size_t length;
        skip_blanks(p);
        if (!take(p, '"')) return fail(p, "a key was expected");
        if (!string(p, &key, &length)) return false;
        skip_blanks(p);
        if (!take(p, ':')) return fail(p, "':' was expected");
        if (!append(p, out, &last, value(p, depth))) return false;
        last->key = key;
        skip_blanks(p);
    } while (take(p, ','));
    if (!take(p, '}')) return fail(p, "',' or '}' was expected");
    return keys_differ(p, out);
}

static kin_json *value(parser *p, int depth)
{
    skip_blanks(p);
    if (p->at >= p->end) return fail(p, "the text ends too early"), NULL;
    if (depth >= DEPTH_MAX && (*p->at == '{' || *p->at == '[')) return fail(p, "more than 64 levels"), NULL;
    kin_json *v = kin_arena_alloc_zero(p->arena, sizeof *v);
    if (!v) return kin_fail_memory(p->err, "a JSON value", sizeof *v), NULL;
    bool ok;
    if (take(p, '{')) v->kind = KIN_JSON_OBJECT, ok = object(p, v, depth + 1);
    else if (take(p, '[')) v->kind = KIN_JSON_ARRAY, ok = array(p, v, depth + 1);
    else if (take(p, '"')) v->kind = KIN_JSON_STRING, ok = string(p, &v->text, &v->length);
    else if (*p->at == 't') v->kind = KIN_JSON_BOOL, v->boolean = true, ok = word(p, "true");
    else if (*p->at == 'f') v->kind = KIN_JSON_BOOL, ok = word(p, "false");
    else if (*p->at == 'n') ok = word(p, "null");
    else v->kind = KIN_JSON_NUMBER, ok = number(p, v);
    return ok ? v : NULL;
}

const kin_json *kin_json_parse(const char *bytes, size_t size, kin_arena *arena, kin_error *err)
{
    parser p = {bytes, bytes, bytes + size, arena, err};
    kin_json *v = value(&p, 0);
    if (!v) return NULL;
    skip_blanks(&p);
    return p.at == p.end ? v : (fail(&p, "something follows the value"), NULL);
}

const kin_json *kin_json_get(const kin_json *object, const char *key)
{
    if (!object || object->kind != KIN_JSON_OBJECT) return NULL;
    for (const kin_json *child = object->first; child; child = child->next)
        if (strcmp(child->key, key) == 0) return child;
    return NULL;
}

bool kin_json_integer(const kin_json *v, double low, double high, int64_t *out)
{
    if (!v || v->kind != KIN_JSON_NUMBER || !(v->number >= low && v->number <= high) ||
        v->number != floor(v->number))
        return false;
    *out = (int64_t)v->number;
    return true;
}

void kin_json_add_string(kin_text *text, const char *string)
{
    const char *end = string + strlen(string);
    kin_text_add(text, "\"");
    for (size_t n; string < end; string += n ? n : 1) {
        unsigned char c = (unsigned char)*string;
        n = kin_utf8_length(string, (size_t)(end - string));
        if (c == '"' || c == '\\') kin_text_format(text, "\\%c", c);
        else if (c == '\n') kin_text_add(text, "\\n");
        else if (c < 0x20 || c == 0x7f) kin_text_format(text, "\\u%04x", c);
        else if (c == 0xc2 && (unsigned char)string[1] < 0xa0)
            kin_text_format(text, "\\u%04x", (unsigned char)string[1]);
        else kin_text_add_bytes(text, n ? string : "\xef\xbf\xbd", n ? n : 3);
    }
    kin_text_add(text, "\"");
}

/* The shortest of three precisions that reads back the same. */
void kin_json_add_number(kin_text *text, double number)
{
    char buffer[40];
    if (!isfinite(number)) {
        kin_text_add(text, "null");
        return;
    }
    for (int precision = 9; precision <= 17; precision += 4) {
        snprintf(buffer, sizeof buffer, "%.*g", precision, number);
        if (strtod(buffer, NULL) == number) break;
    }
    kin_text_add(text, buffer);
}
