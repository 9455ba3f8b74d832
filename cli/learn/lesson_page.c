/* A lesson as a page in its folder, beside the pictures that its commands have drawn. */
#include "cli/learn/lesson.h"
#include "cli/pages/markup.h"

#include <ctype.h>
#include <string.h>

static const char *const style =
    ":root{color-scheme:light "
    "dark;--paper:#f6f7f9;--card:#fff;--ink:#14181f;--soft:#566070;--line:#dde1e8;--accent:#1d4ed8}"
    "@media(prefers-color-scheme:dark){:root{--paper:#0e1116;--card:#161a21;--ink:#eef1f6;--soft:#a3abb8;--"
    "line:#2b313c;--accent:#7aa2ff}}"
    "body{margin:0;background:var(--paper);color:var(--ink);font:1.05rem/1.6 system-ui,-apple-system,'Segoe "
    "UI',Roboto,sans-serif}"
    "main{max-width:48rem;margin:0 auto;padding:2rem 1.1rem "
    "4rem}h1{font-size:clamp(1.5rem,5vw,2.2rem);line-height:1.2}"
    "h2{font-size:1.25rem;margin:2.2rem 0 .4rem}a{color:var(--accent)}"
    "code,pre{font:.86rem/1.45 "
    "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}code{overflow-wrap:anywhere}"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.8rem "
    "1rem;overflow-x:auto}"
    "pre.command{border-left:4px solid var(--accent)}.source{color:var(--soft);font-size:.86rem;margin:1rem "
    "0 -.6rem}"
    "figure{margin:1.4rem 0}figure img{max-width:100%;height:auto;border-radius:8px;background:#fff}"
    "figcaption{color:var(--soft);font-size:.92rem}"
    "details{border:1px solid var(--line);border-radius:8px;padding:.4rem 1rem;margin:.6rem "
    "0}summary{cursor:pointer;color:var(--accent)}"
    "ol,ul{padding-left:1.4rem}";

static void escaped(kin_text *out, const char *at, size_t size)
{
    kin_text copy = {0};
    kin_text_add_bytes(&copy, at, size);
    if (copy.failed) out->failed = true;
    else if (size) kin_markup_add(out, copy.data);
    kin_text_free(&copy);
}

/* From an opening mark the place of the closing one, or NULL. */
static const char *closing(const char *from, const char *end, const char *mark)
{
    size_t length = strlen(mark);
    for (; from + length <= end; from++)
        if (memcmp(from, mark, length) == 0) return from;
    return NULL;
}

/* [text](there): a link where it leads to the web; files of the source are named. */
static const char *link_at(kin_text *out, const char *p, const char *end)
{
    const char *middle = closing(p, end, "]("), *stop = middle ? closing(middle, end, ")") : NULL;
    if (!stop) return NULL;
    bool web = strncmp(middle + 2, "http", 4) == 0;
    if (web) {
        kin_text_add(out, "<a href=\"");
        escaped(out, middle + 2, (size_t)(stop - middle - 2));
        kin_text_add(out, "\">");
    }
    escaped(out, p + 1, (size_t)(middle - p - 1));
    if (web) kin_text_add(out, "</a>");
    return stop + 1;
}

static const char *tag_of(const char *mark) { return *mark == '`' ? "code" : mark[1] ? "strong" : "em"; }

static void inside(kin_text *out, kin_span s)
{
    const char *end = s.at + s.size, *plain = s.at;
    for (const char *p = s.at; p < end;) {
        const char *mark = *p == '`'                                                  ? "`"
                           : end - p > 1 && p[0] == '*' && p[1] == '*'                ? "**"
                           : end - p > 1 && *p == '*' && isalpha((unsigned char)p[1]) ? "*"
                                                                                      : NULL,
                   *stop = NULL;
        if (mark) stop = closing(p + strlen(mark), end, mark);
        if (*p == '[') {
            kin_text link = {0};
            const char *after = link_at(&link, p, end);
            if (after) {
                escaped(out, plain, (size_t)(p - plain));
                kin_text_add(out, link.failed || !link.data ? "" : link.data);
                plain = p = after;
            } else p++;
            kin_text_free(&link);
        } else if (stop) {
            escaped(out, plain, (size_t)(p - plain));
            kin_text_format(out, "<%s>", tag_of(mark));
            escaped(out, p + strlen(mark), (size_t)(stop - p) - strlen(mark));
            kin_text_format(out, "</%s>", tag_of(mark));
            plain = p = stop + strlen(mark);
        } else p++;
    }
    escaped(out, plain, (size_t)(end - plain));
}

static void pre(kin_text *out, const char *class, const char *at, size_t size)
{
    kin_text_format(out, "<pre%s>", class);
    escaped(out, at, size);
    kin_text_add(out, "</pre>\n");
}

static void code(kin_text *out, const kin_block *b)
{
    if (b->word.size > 2 && memcmp(b->word.at, "c ", 2) == 0) {
        kin_text_add(out, "<p class=\"source\">");
        escaped(out, b->word.at + 2, b->word.size - 2);
        kin_text_add(out, "</p>");
    }
    bool command = b->word.size >= 2 && memcmp(b->word.at, "sh", 2) == 0;
    pre(out, command ? " class=\"command\"" : "", b->text.at, b->text.size);
    if (b->ran) pre(out, "", b->output.data ? b->output.data : "", b->output.size);
}

static void heading(kin_text *out, kin_span s)
{
    size_t level = 0;
    while (level < s.size && s.at[level] == '#') level++;
    size_t skip = level + (level < s.size && s.at[level] == ' ');
    kin_text_format(out, "<h%zu>", level);
    inside(out, (kin_span){s.at + skip, s.size - skip});
    kin_text_format(out, "</h%zu>\n", level);
}

static void item(kin_text *out, kin_span s)
{
    const char *blank = memchr(s.at, ' ', s.size);
    size_t skip = blank ? (size_t)(blank - s.at) + 1 : 0;
    bool numbered = s.at[0] != '-';
    /* a list of one: what stands between two items may be anything */
    if (numbered) kin_text_format(out, "<ol start=\"%c\"><li>", s.at[0]);
    else kin_text_add(out, "<ul><li>");
    inside(out, (kin_span){s.at + skip, s.size - skip});
    kin_text_add(out, numbered ? "</li></ol>\n" : "</li></ul>\n");
}

static void block(kin_text *out, const kin_block *b)
{
    switch (b->kind) {
    case KIN_BLOCK_HEADING: heading(out, b->text); break;
    case KIN_BLOCK_PARAGRAPH:
        kin_text_add(out, "<p>"), inside(out, b->text), kin_text_add(out, "</p>\n");
        break;
    case KIN_BLOCK_ITEM: item(out, b->text); break;
    case KIN_BLOCK_CODE: code(out, b); break;
    case KIN_BLOCK_PICTURE:
        kin_text_add(out, "<figure><a href=\"");
        escaped(out, b->word.at, b->word.size);
        kin_text_add(out, "\"><img src=\"");
        escaped(out, b->word.at, b->word.size);
        kin_text_add(out, "\" alt=\"\"></a><figcaption>");
        inside(out, b->text);
        kin_text_add(out, "</figcaption></figure>\n");
        break;
    case KIN_BLOCK_DETAILS:
        kin_text_add(out, "<details><summary>"), inside(out, b->text), kin_text_add(out, "</summary>\n");
        break;
    case KIN_BLOCK_END: kin_text_add(out, "</details>\n"); break;
    }
}

void kin_lesson_page(kin_text *html, const kin_lesson *lesson)
{
    kin_span title = kin_lesson_title(lesson->text);
    kin_text_add(html, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
                       "content=\"width=device-width,initial-scale=1\"><title>");
    escaped(html, title.at, title.size);
    kin_text_format(html, "</title><style>%s</style><main>\n", style);
    for (size_t i = 0; i < lesson->count; i++) {
        /* what the lesson promises is not shown beside what came */
        bool promised = kin_block_is_output(&lesson->blocks[i]) && i > 0 && lesson->blocks[i - 1].ran;
        if (!promised) block(html, &lesson->blocks[i]);
    }
    kin_text_add(html, "</main></html>\n");
}
