#include "base/reader.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

static void skip(kin_reader *r)
{
    while (isspace((unsigned char)*r->at)) r->at++;
}

bool kin_read_end(kin_reader *r)
{
    skip(r);
    return !*r->at;
}

bool kin_read_sign(kin_reader *r, char sign)
{
    skip(r);
    if (!sign || *r->at != sign) return false;
    r->at++;
    return true;
}

static bool in_word(char c) { return isalnum((unsigned char)c) || c == '-' || c == '_'; }

bool kin_read_word(kin_reader *r, char word[KIN_WORD])
{
    size_t length = 0;
    skip(r);
    while (in_word(r->at[length])) length++;
    if (!length || length >= KIN_WORD) return false;
    memcpy(word, r->at, length);
    word[length] = '\0';
    r->at += length;
    return true;
}

static size_t digits(const char *text)
{
    size_t i = 0;
    while (isdigit((unsigned char)text[i])) i++;
    return i;
}

bool kin_read_number(kin_reader *r, double *out)
{
    char copy[48];
    skip(r);
    size_t i = *r->at == '-', before = digits(r->at + i), behind = 0;
    i += before;
    if (r->at[i] == '.') {
        behind = digits(r->at + i + 1);
        i += 1 + behind;
    }
    if (before + behind && (r->at[i] == 'e' || r->at[i] == 'E')) {
        size_t sign = r->at[i + 1] == '+' || r->at[i + 1] == '-', power = digits(r->at + i + 1 + sign);
        if (power) i += 1 + sign + power;
    }
    if (!(before + behind) || i >= sizeof copy || in_word(r->at[i])) return false;
    memcpy(copy, r->at, i);
    copy[i] = '\0';
    if (!kin_parse_real(copy, out)) return false;
    r->at += i;
    return true;
}
