#include "cli/pages/markup.h"

#include <string.h>

static void add_bytes(kin_text *text, const char *s, size_t size)
{
    const char *end = s + size;
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

void kin_markup_add(kin_text *text, const char *string)
{
    if (string) add_bytes(text, string, strlen(string));
}

/* How long the option is that begins here; 0: none, or what would be too long for a line of its own. */
static size_t option_length(const char *s)
{
    enum { LONGEST = 24 };
    size_t length = strncmp(s, "--", 2) == 0 ? 2 + strspn(s + 2, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;
    return length > 2 && length <= LONGEST ? length : 0;
}

void kin_markup_add_prose(kin_text *text, const char *string)
{
    const char *s = string ? string : "", *plain = s;
    for (; *s; s++) {
        bool begins = s == string || strchr(" (\n", s[-1]);
        size_t length = begins ? option_length(s) : 0;
        if (!length) continue;
        add_bytes(text, plain, (size_t)(s - plain));
        kin_text_add(text, "<span class=\"option\">");
        add_bytes(text, s, length);
        kin_text_add(text, "</span>");
        plain = s + length, s += length - 1;
    }
    add_bytes(text, plain, (size_t)(s - plain));
}

void kin_markup_add_path(kin_text *text, const char *string)
{
    for (const char *s = string ? string : "", *end; *s; s = end) {
        end = s + strcspn(s, "/_");
        end += strspn(end, "/_");
        add_bytes(text, s, (size_t)(end - s));
        if (*end) kin_text_add(text, "<wbr>");
    }
}
