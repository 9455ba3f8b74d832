/* A lesson in the terminal: plain text, 80 columns, what is code indented. */
#include "cli/learn/lesson.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 80 };

/* A word without the marks of Markdown; a link is its text, with the file behind it where it names one. */
static void add_plain(kin_text *out, kin_span s)
{
    for (size_t i = 0; i < s.size; i++) {
        if (s.at[i] == '*' || s.at[i] == '`') continue;
        if (s.at[i] == '[') {
            const char *middle = memchr(s.at + i, ']', s.size - i);
            if (middle && middle[1] == '(') {
                kin_text_add_bytes(out, s.at + i + 1, (size_t)(middle - s.at) - i - 1);
                const char *end = memchr(middle, ')', s.size - (size_t)(middle - s.at));
                if (end) {
                    i = (size_t)(end - s.at);
                    continue;
                }
            }
        }
        kin_text_add_bytes(out, s.at + i, s.at[i] == '\n' ? 0 : 1);
        if (s.at[i] == '\n') kin_text_add(out, " ");
    }
}

/* Columns, not bytes. */
static int columns(const char *p, int bytes)
{
    int n = 0;
    for (int i = 0; i < bytes; i++) n += ((unsigned char)p[i] & 0xc0) != 0x80;
    return n;
}

static void wrap(const char *p, int indent)
{
    int column = 0;
    while (*(p += strspn(p, " "))) {
        int bytes = (int)strcspn(p, " "), width = columns(p, bytes);
        if (column && column + 1 + width > WIDTH) printf("\n%*s", indent, ""), column = indent;
        else if (column) printf(" "), column++;
        printf("%.*s", bytes, p);
        column += width, p += bytes;
    }
    printf("\n");
}

static void indented(kin_span s)
{
    for (const char *p = s.at, *end = s.at + s.size; p < end;) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        int length = (int)((stop ? stop : end) - p);
        printf("    %.*s\n", length, p);
        p += length + 1;
    }
}

bool kin_lesson_print(const kin_block *b, const char *folder, kin_error *err)
{
    kin_text plain = {0};
    add_plain(&plain, b->text);
    if (plain.failed) return kin_fail_memory(err, "the text", b->text.size);
    const char *text = plain.data ? plain.data : "";
    switch (b->kind) {
    case KIN_BLOCK_HEADING: printf("\n%s\n\n", text + strspn(text, "# ")); break;
    case KIN_BLOCK_PARAGRAPH: wrap(text, 0), printf("\n"); break;
    case KIN_BLOCK_ITEM: wrap(text, 3); break;
    case KIN_BLOCK_CODE:
        if (b->word.size > 2 && memcmp(b->word.at, "c ", 2) == 0)
            printf("%.*s\n", (int)b->word.size - 2, b->word.at + 2);
        indented(b->text), printf("\n");
        break;
    case KIN_BLOCK_PICTURE:
        printf("[picture] %s/%.*s\n   ", folder, (int)b->word.size, b->word.at);
        wrap(text, 3), printf("\n");
        break;
    case KIN_BLOCK_DETAILS: printf("\n   (%s: on the page, and with --answers)\n\n", text); break;
    case KIN_BLOCK_END: break;
    }
    kin_text_free(&plain);
    return true;
}
