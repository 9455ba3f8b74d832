/* A lesson as a page in its folder, beside the pictures that its commands have drawn. */
#include "cli/learn/lesson.h"
#include "cli/pages/markup.h"
#include "cli/pages/page.h"

#include <ctype.h>
#include <string.h>

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

/* A span as a string of its own, for what takes one; "" where there is no memory, which `page` then tells. */
static const char *copied(kin_page *page, kin_text *to, kin_span s)
{
    kin_text_add_bytes(to, s.at, s.size);
    page->html.failed |= to->failed;
    return to->failed || !s.size ? "" : to->data;
}

static void code(kin_page *page, const kin_block *b)
{
    kin_text source = {0};
    bool of_source = b->word.size > 2 && memcmp(b->word.at, "c ", 2) == 0,
         typed = b->word.size >= 2 && memcmp(b->word.at, "sh", 2) == 0;
    if (of_source) copied(page, &source, (kin_span){b->word.at + 2, b->word.size - 2});
    kin_page_code(page, of_source ? source.data : NULL, typed, b->text.at, b->text.size);
    if (b->ran) kin_page_code(page, NULL, false, b->output.data, b->output.size);
    kin_text_free(&source);
}

/* The lesson's title is the page's already; its parts are sections. */
static void heading(kin_page *page, kin_span s)
{
    kin_text text = {0};
    if (s.size > 3 && memcmp(s.at, "## ", 3) == 0)
        kin_page_section(page, copied(page, &text, (kin_span){s.at + 3, s.size - 3}), NULL);
    kin_text_free(&text);
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

static void picture(kin_page *page, const kin_block *b, const char *folder)
{
    kin_text file = {0}, about = {0}, caption = {0}, name = {0};
    kin_text_format(&file, "%s/%s", folder, copied(page, &name, b->word));
    inside(&caption, b->text);
    copied(page, &about, b->text);
    bool ok = !(file.failed || about.failed || caption.failed);
    if (ok) kin_page_picture(page, file.data, b->text.size ? about.data : "", caption.data);
    page->html.failed |= !ok;
    kin_text_free(&file), kin_text_free(&about), kin_text_free(&caption), kin_text_free(&name);
}

/* What stands before the first section says what the lesson is about. */
static void paragraph(kin_page *page, kin_span s)
{
    kin_text_add(&page->html, page->section ? "<p>" : "<p class=\"lead\">");
    inside(&page->html, s);
    kin_text_add(&page->html, "</p>\n");
}

static void block(kin_page *page, const kin_block *b, const char *folder)
{
    kin_text *out = &page->html;
    switch (b->kind) {
    case KIN_BLOCK_HEADING: heading(page, b->text); break;
    case KIN_BLOCK_PARAGRAPH: paragraph(page, b->text); break;
    case KIN_BLOCK_ITEM: item(out, b->text); break;
    case KIN_BLOCK_CODE: code(page, b); break;
    case KIN_BLOCK_PICTURE: picture(page, b, folder); break;
    case KIN_BLOCK_DETAILS:
        kin_text_add(out, "<details><summary>"), inside(out, b->text), kin_text_add(out, "</summary>\n");
        break;
    case KIN_BLOCK_END: kin_text_add(out, "</details>\n"); break;
    }
}

bool kin_lesson_page(const kin_lesson *lesson, const char *folder, const char *path, kin_error *err)
{
    kin_page page;
    kin_text title = {0};
    kin_span words = kin_lesson_title(lesson->text);
    kin_text_add_bytes(&title, words.at, words.size);
    if (title.failed) return kin_fail_memory(err, path, words.size);
    kin_page_begin_reading(&page, path, title.data);
    for (size_t i = 0; i < lesson->count; i++) {
        /* what the lesson promises is not shown beside what came */
        bool promised = kin_block_is_output(&lesson->blocks[i]) && i > 0 && lesson->blocks[i - 1].ran;
        if (!promised) block(&page, &lesson->blocks[i], folder);
    }
    kin_page_markup(&page, "<p><a href=\"../index.html\">All lessons</a></p>\n");
    bool ok = kin_page_write(&page, err);
    kin_page_free(&page);
    kin_text_free(&title);
    return ok;
}

/* The title's number stands before it already. */
static void lesson_line(kin_page *page, const char *list, const char *lesson, const char *file)
{
    kin_text *out = &page->html;
    kin_span title = kin_lesson_title(lesson);
    kin_text_add(out, "<p>");
    if (file) {
        kin_text_add(out, "<a href=\"");
        kin_page_link(out, list, file);
        kin_text_add(out, "\">");
    }
    inside(out, title);
    kin_text_add(out, file ? "</a></p>\n" : " <span class=\"soft\">(not yet read)</span></p>\n");
}

bool kin_lessons_page(const char *const *pages, const char *path, kin_error *err)
{
    kin_page page;
    kin_page_begin_reading(&page, path, "How retrieval networks work");
    kin_page_markup(&page,
                    "<p class=\"lead\">Ten lessons, each with something to run, to look at and to change. "
                    "<code>kin learn</code> goes on with the first that was not read.</p>\n");
    kin_page_section(&page, "Lessons", NULL);
    for (int i = 0; kin_lessons[i].name; i++) lesson_line(&page, path, kin_lessons[i].text, pages[i]);
    bool ok = kin_page_write(&page, err);
    kin_page_free(&page);
    return ok;
}
