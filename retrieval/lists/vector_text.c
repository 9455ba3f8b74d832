#include "retrieval/lists/vector_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
    return at;
}

/* The bracket that ends what `open` begins, or 0. */
static char closing(char open) { return open == '[' ? ']' : open == '{' ? '}' : '\0'; }

int64_t kin_vector_text_count(const char *text)
{
    text = skip_blanks(text);
    if (!closing(*text)) return 0;
    int64_t count = 1;
    for (; *text; text++) count += *text == ',';
    return count;
}

/* A decimal number alone: strtof would also take hexadecimal ones, "inf" and "nan". */
static const char *read_number(const char *at, float *out)
{
    size_t length = strspn(at, "+-.0123456789eE");
    char *end;
    *out = strtof(at, &end);
    return length && end == at + length ? end : NULL;
}

const char *kin_vector_text_read(const char *text, int64_t count, float *out)
{
    const char *at = skip_blanks(text);
    char end = closing(*at);
    for (int64_t i = 0; i < count; i++) {
        at = end ? read_number(skip_blanks(at + 1), &out[i]) : NULL;
        if (!at) return "has something that is no number";
        if (!isfinite(out[i])) return "has a number that is not finite as float32";
        at = skip_blanks(at);
        if (*at != (i + 1 < count ? ',' : end)) return "has something that is no number, comma or bracket";
    }
    return *skip_blanks(at + 1) ? "has text behind its bracket" : NULL;
}
