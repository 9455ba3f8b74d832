#include "cli/terminal/say.h"

#include "base/text.h"

void kin_say(FILE *to, const char *string)
{
    kin_text text = {0};
    kin_text_add_visible(&text, string);
    /* without memory for it: what is plain ASCII */
    if (text.failed)
        for (const char *c = string; *c; c++) fputc(*c < 0x20 || *c >= 0x7f ? '?' : *c, to);
    else fputs(text.data ? text.data : "", to);
    kin_text_free(&text);
}
