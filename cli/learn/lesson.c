#include "cli/learn/lesson.h"

#include "base/memory.h"

#include <string.h>

static size_t line_length(const char *p) { return strcspn(p, "\n"); }
static const char *next_line(const char *p) { return p + line_length(p) + (p[line_length(p)] == '\n'); }
static bool begins(const char *p, const char *with) { return strncmp(p, with, strlen(with)) == 0; }

static kin_block *add(kin_lesson *l, kin_block_kind kind, kin_error *err)
{
    if (!kin_grow((void **)&l->blocks, l->count, &l->capacity, sizeof *l->blocks)) {
        kin_fail_memory(err, "a lesson", (l->count + 1) * sizeof *l->blocks);
        return NULL;
    }
    kin_block *b = &l->blocks[l->count++];
    *b = (kin_block){.kind = kind};
    return b;
}

/* ```word, lines, ``` */
static const char *code(kin_block *b, const char *p)
{
    b->word = (kin_span){p + 3, line_length(p) - 3};
    b->text.at = p = next_line(p);
    while (*p && !begins(p, "```")) p = next_line(p);
    b->text.size = (size_t)(p - b->text.at);
    return next_line(p);
}

/* ![caption](file) */
static const char *picture(kin_block *b, const char *p)
{
    const char *caption = p + 2, *middle = strstr(caption, "]("), *end = middle ? strchr(middle, ')') : NULL;
    if (end) {
        b->text = (kin_span){caption, (size_t)(middle - caption)};
        b->word = (kin_span){middle + 2, (size_t)(end - middle - 2)};
    }
    return next_line(p);
}

/* <details><summary>text</summary> */
static const char *details(kin_block *b, const char *p)
{
    const char *summary = strstr(p, "<summary>"), *end = summary ? strstr(summary, "</summary>") : NULL;
    if (end) b->text = (kin_span){summary + 9, (size_t)(end - summary - 9)};
    return next_line(p);
}

static bool is_item(const char *p)
{
    size_t digits = strspn(p, "0123456789");
    return begins(p, "- ") || (digits > 0 && begins(p + digits, ". "));
}

static bool starts_block(const char *p)
{
    return *p == '\n' || *p == '#' || is_item(p) || begins(p, "```") || begins(p, "![") ||
           begins(p, "<details>") || begins(p, "</details>");
}

static const char *lines(kin_block *b, const char *p)
{
    b->text.at = p;
    do p = next_line(p);
    while (*p && !starts_block(p));
    b->text.size = (size_t)(p - b->text.at);
    return p;
}

static kin_block_kind kind_of(const char *p)
{
    return *p == '#'                 ? KIN_BLOCK_HEADING
           : begins(p, "```")        ? KIN_BLOCK_CODE
           : begins(p, "![")         ? KIN_BLOCK_PICTURE
           : begins(p, "<details>")  ? KIN_BLOCK_DETAILS
           : begins(p, "</details>") ? KIN_BLOCK_END
           : is_item(p)              ? KIN_BLOCK_ITEM
                                     : KIN_BLOCK_PARAGRAPH;
}

bool kin_lesson_open(const kin_builtin *from, kin_lesson *out, kin_error *err)
{
    *out = (kin_lesson){.name = from->name, .text = from->text};
    for (const char *p = from->text; *p;) {
        if (*p == '\n') {
            p++;
            continue;
        }
        kin_block *b = add(out, kind_of(p), err);
        if (!b) return kin_lesson_free(out), false;
        switch (b->kind) {
        case KIN_BLOCK_CODE: p = code(b, p); break;
        case KIN_BLOCK_PICTURE: p = picture(b, p); break;
        case KIN_BLOCK_DETAILS: p = details(b, p); break;
        case KIN_BLOCK_END: p = next_line(p); break;
        case KIN_BLOCK_HEADING: b->text = (kin_span){p, line_length(p)}, p = next_line(p); break;
        case KIN_BLOCK_ITEM:
        case KIN_BLOCK_PARAGRAPH: p = lines(b, p); break;
        }
    }
    return true;
}

void kin_lesson_free(kin_lesson *lesson)
{
    for (size_t i = 0; i < lesson->count; i++) kin_text_free(&lesson->blocks[i].output);
    kin_free(lesson->blocks);
    *lesson = (kin_lesson){0};
}

kin_span kin_lesson_title(const char *text)
{
    text += strspn(text, "# ");
    return (kin_span){text, line_length(text)};
}

static bool word_is(const kin_block *b, const char *word)
{
    return b->kind == KIN_BLOCK_CODE && b->word.size == strlen(word) &&
           memcmp(b->word.at, word, b->word.size) == 0;
}
bool kin_block_is_command(const kin_block *b) { return word_is(b, "sh"); }
bool kin_block_is_tried(const kin_block *b) { return word_is(b, "sh tried"); }
/* ```text, or ```text and how far its numbers may be off */
bool kin_block_is_output(const kin_block *b)
{
    return b->kind == KIN_BLOCK_CODE && b->word.size >= 4 && begins(b->word.at, "text");
}
