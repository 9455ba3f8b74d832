#include "cli/pages/markup.h"

#include <string.h>

void kin_markup_add(kin_text *text, const char *string)
{
    const char *s = string ? string : "", *end = s + strlen(s);
    for (size_t length; s < end; s += length ? length : 1) {
        length = kin_utf8_length(s, (size_t)(end - s));
        if (*s == '<') kin_text_add(text, "&lt;");
        else if (*s == '>') kin_text_add(text, "&gt;");
        else if (*s == '&') kin_text_add(text, "&amp;");
        else if (*s == '"') kin_text_add(text, "&quot;");
        else if (*s == '\'') kin_text_add(text, "&#39;");
        else if (!length || ((unsigned char)*s < 0x20 && !strchr("\t\n\r", *s)) || *s == 0x7f)
            kin_text_add(text, "\xef\xbf\xbd");
        else kin_text_add_bytes(text, s, length);
    }
}
