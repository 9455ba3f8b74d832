/* Pictures and their captions, in rows. */
#include "cli/pages/page.h"

#include "cli/pages/markup.h"
#include "cli/pages/thumbnail.h"

#include <string.h>

static const char *const kinds[] = {[KIN_TILE_PLAIN] = "plain",
                                    [KIN_TILE_ASKED] = "query",
                                    [KIN_TILE_RIGHT] = "right",
                                    [KIN_TILE_WRONG] = "wrong",
                                    [KIN_TILE_REST] = "rest"};
static const char *const words[] = {[KIN_TILE_ASKED] = "query: ",
                                    [KIN_TILE_RIGHT] = "right: ",
                                    [KIN_TILE_WRONG] = "wrong: ",
                                    [KIN_TILE_REST] = ""};

/* Lines, divided by "\n". */
static void add_lines(kin_text *html, const char *text, void add(kin_text *, const char *))
{
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        kin_text line = {0};
        kin_text_add_bytes(&line, text, (size_t)(end - text));
        add(html, line.data);
        kin_text_add(html, "<br>");
        html->failed |= line.failed;
        kin_text_free(&line);
    }
    add(html, text);
}

static void add_element(kin_text *html, const char *tag, const char *text)
{
    if (!text || !*text) return;
    kin_text_format(html, "<span class=\"%s\">", tag);
    add_lines(html, text, kin_markup_add_path);
    kin_text_add(html, "</span>");
}

static void add_about(kin_text *html, const kin_tile *tile)
{
    kin_markup_add(html, tile->about ? tile->about : tile->name ? tile->name : tile->file);
}

static void add_image(kin_page *page, const kin_tile *tile, const kin_image *image)
{
    kin_text *html = &page->html;
    bool tiny = image->width <= KIN_THUMBNAIL_TINY && image->height <= KIN_THUMBNAIL_TINY;
    kin_text_format(html, "<img%s alt=\"%s", tiny ? " class=\"tiny\"" : "",
                    words[tile->kind] ? words[tile->kind] : "");
    add_about(html, tile);
    kin_text_add(html, "\" title=\"");
    add_about(html, tile);
    kin_text_add(html, "\" src=\"");
    kin_thumbnail_add(html, image, KIN_PAGE_THUMBNAIL, &page->err);
    kin_text_add(html, "\">");
    page->pictures++;
}

static void add_missing(kin_page *page, const char *what, const char *why)
{
    kin_text_format(&page->html, "<span class=\"none\">%s</span><span class=\"aside\">", what);
    kin_markup_add(&page->html, why);
    kin_text_add(&page->html, "</span>");
}

/* What cannot be read is told in its place; what the machine lacks ends the page. */
static void add_file(kin_page *page, const kin_tile *tile)
{
    kin_image image = {0};
    kin_error err = {0};
    if (kin_image_read(tile->file, &page->limits, &image, &err)) {
        add_image(page, tile, &image);
        kin_image_free(&image);
    } else if (kin_error_is_of_file(&err)) {
        add_missing(page, "cannot be read", err.message);
        page->unreadable++;
    } else kin_page_fail(page, &err);
}

/* A caption alone. */
static bool is_bare(const kin_tile *tile) { return !tile->image && !tile->missing && !tile->file; }

static const char *const marks[] = {[KIN_TILE_RIGHT] = "✓", [KIN_TILE_WRONG] = "✗", [KIN_TILE_REST] = NULL};

static void add_shot(kin_page *page, const kin_tile *tile)
{
    kin_text *html = &page->html;
    if (tile->file) {
        kin_text_add(html, "<a class=\"shot\" href=\"");
        kin_page_link(html, page->path, tile->file);
        kin_text_add(html, "\">");
    } else kin_text_add(html, "<span class=\"shot\">");
    if (tile->image) add_image(page, tile, tile->image);
    else if (tile->missing) add_missing(page, "no picture", tile->missing);
    else add_file(page, tile);
    if (marks[tile->kind])
        kin_text_format(html, "<span class=\"mark\" aria-hidden=\"true\">%s</span>", marks[tile->kind]);
    add_element(html, "badge", tile->badge);
    kin_text_add(html, tile->file ? "</a>" : "</span>");
}

void kin_page_row_begin(kin_page *page, const kin_page_row *row)
{
    kin_text *html = &page->html;
    bool headed = row->asked || row->title || row->note, shot = row->asked && !is_bare(row->asked);
    if (page->row) kin_page_row_end(page);
    page->row = true, page->numbered = row->numbered, page->place = 0;
    if (!kin_page_ok(page)) return;
    kin_text_format(html, "<div class=\"row%s%s%s\">", headed ? " headed" : "",
                    headed && !shot ? " titled" : "", row->large ? " large" : "");
    if (headed) kin_text_add(html, "<div class=\"asked\">");
    if (shot) add_shot(page, row->asked);
    if (headed) {
        kin_text_add(html, "<p>");
        if (row->title) {
            kin_text_add(html, "<b>");
            add_lines(html, row->title, kin_markup_add);
            kin_text_add(html, "</b>");
        }
        if (row->note) add_lines(html, row->note, kin_markup_add_prose);
        kin_text_add(html, "</p></div>");
    }
    kin_text_add(html, row->numbered ? "<ol class=\"tiles\">" : "<ul class=\"tiles\">");
}

void kin_page_tile(kin_page *page, const kin_tile *tile)
{
    kin_text *html = &page->html;
    bool bare = is_bare(tile);
    if (!kin_page_ok(page)) return;
    kin_text_format(html, "<li class=\"%s\">", kinds[tile->kind]);
    if (!bare) add_shot(page, tile);
    page->place++;
    if (page->numbered || tile->name) {
        kin_text_add(html, "<span class=\"name\">");
        if (page->numbered) kin_text_format(html, "<i>%d</i>&nbsp;", page->place);
        if (bare && marks[tile->kind]) kin_text_format(html, "<b>%s</b> ", marks[tile->kind]);
        add_lines(html, tile->name ? tile->name : "", kin_markup_add_path);
        kin_text_add(html, "</span>");
    }
    add_element(html, "note", tile->note);
    kin_text_add(html, "</li>\n");
}
