#include "cli/markup.h"

#include <string.h>

/* The length of the UTF-8 sequence at `s`; 0 when it is not one (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF). The terminating zero is no continuation byte, so nothing behind it is read. */
static size_t sequence(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    size_t length = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool outside = (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf4 && s[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

void kin_markup_add(kin_text *text, const char *string)
{
    const unsigned char *s = (const unsigned char *)(string ? string : "");
    for (size_t length; *s; s += length ? length : 1) {
        length = sequence(s);
        if (*s == '<') kin_text_add(text, "&lt;");
        else if (*s == '>') kin_text_add(text, "&gt;");
        else if (*s == '&') kin_text_add(text, "&amp;");
        else if (*s == '"') kin_text_add(text, "&quot;");
        else if (*s == '\'') kin_text_add(text, "&#39;");
        else if (!length || (*s < 0x20 && !strchr("\t\n\r", *s)) || *s == 0x7f) kin_text_add(text, "\xef\xbf\xbd");
        else kin_text_add_bytes(text, s, length);
    }
}
