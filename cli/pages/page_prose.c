/* What stands between paragraphs of a page that is read: code, and whole pictures. */
#include "cli/pages/page.h"

#include "base/base64.h"
#include "base/file.h"
#include "cli/pages/markup.h"

#include <string.h>

enum { LARGEST = 16 << 20 }; /* a picture that a page is to hold */

/* It scrolls by keyboard, too. */
void kin_page_code(kin_page *page, const char *source, bool typed, const char *text, size_t size)
{
    kin_text *html = &page->html, copy = {0};
    kin_text_add_bytes(&copy, text, size);
    html->failed |= copy.failed;
    if (source) {
        kin_text_add(html, "<p class=\"soft source\">");
        kin_markup_add(html, source);
        kin_text_add(html, "</p>");
    }
    kin_text_add(html, typed ? "<pre class=\"typed\" tabindex=\"0\">" : "<pre tabindex=\"0\">");
    if (size && !copy.failed) kin_markup_add(html, copy.data);
    kin_text_add(html, "</pre>\n");
    kin_text_free(&copy);
}

static bool ends(const char *file, const char *ending)
{
    size_t length = strlen(file), size = strlen(ending);
    return length >= size && strcmp(file + length - size, ending) == 0;
}

static void add_data(kin_page *page, const char *file, const char *about)
{
    kin_text *html = &page->html;
    kin_bytes bytes;
    kin_error err = {0};
    if (!kin_read_file(file, LARGEST, &bytes, &err)) {
        if (!kin_error_is_of_file(&err)) kin_page_fail(page, &err);
        kin_text_add(html, "<span class=\"soft\">");
        kin_markup_add(html, err.message);
        kin_text_add(html, "</span>");
        return;
    }
    bool drawing = ends(file, ".svg");
    kin_text_format(html, "<img%s src=\"data:image/%s;base64,", drawing ? " class=\"drawing\"" : "",
                    drawing              ? "svg+xml"
                    : ends(file, ".png") ? "png"
                                         : "jpeg");
    kin_base64_add(html, bytes.data, bytes.size);
    kin_text_add(html, "\" alt=\"");
    kin_markup_add(html, about);
    kin_text_add(html, "\">");
    kin_bytes_free(&bytes);
}

void kin_page_picture(kin_page *page, const char *file, const char *about, const char *caption)
{
    kin_text *html = &page->html;
    kin_text_add(html, "<figure class=\"picture\"><div class=\"scroll\" tabindex=\"0\"><a href=\"");
    kin_page_link(html, page->path, file);
    kin_text_add(html, "\">");
    add_data(page, file, about);
    kin_text_add(html, "</a></div>");
    if (caption) {
        kin_text_add(html, "<figcaption class=\"note\">");
        kin_text_add(html, caption);
        kin_text_add(html, "</figcaption>");
    }
    kin_text_add(html, "</figure>\n");
}
