#include "cli/pages/page.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/version.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/markup.h"

#include <math.h>
#include <stdio.h>

static void element(kin_page *page, const char *open, const char *text, const char *close)
{
    kin_text_add(&page->html, open);
    kin_markup_add(&page->html, text);
    kin_text_add(&page->html, close);
}

static void prose(kin_page *page, const char *open, const char *text, const char *close)
{
    kin_text_add(&page->html, open);
    kin_markup_add_prose(&page->html, text);
    kin_text_add(&page->html, close);
}

bool kin_page_ok(const kin_page *page) { return !kin_failed(&page->err) && !page->html.failed; }

void kin_page_fail(kin_page *page, const kin_error *err)
{
    if (kin_failed(err)) kin_fail(&page->err, err->code, "%s", err->message);
}

/* ---- beginning, end ---- */

/* The policy lets the page load nothing and run nothing: what it shows is inside it, whatever a file is
 * called. */
static void begin(kin_page *page, const char *path, const char *title, const char *lead, int seconds,
                  const char *attributes)
{
    *page = (kin_page){.path = path, .limits = {.reduce_to = KIN_PAGE_THUMBNAIL}};
    kin_text_add(&page->html,
                 "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
                 "style-src 'unsafe-inline'\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (seconds) kin_text_format(&page->html, "<meta http-equiv=\"refresh\" content=\"%d\">\n", seconds);
    element(page, "<title>", title, "</title>\n<style>");
    kin_text_add(&page->html, kin_page_style);
    kin_text_add(&page->html, kin_svg_style);
    kin_text_add(&page->html, kin_map_style);
    kin_text_format(&page->html, "</style></head><body><main%s>\n", attributes);
    element(page, "<header><h1>", title, "</h1>\n");
    if (lead) prose(page, "<p class=\"lead\">", lead, "</p>");
    kin_text_add(&page->html, "</header>\n");
}

void kin_page_begin(kin_page *page, const char *path, const char *title, const char *lead)
{
    kin_page_begin_live(page, path, title, lead, 0);
}

void kin_page_begin_live(kin_page *page, const char *path, const char *title, const char *lead, int seconds)
{
    begin(page, path, title, lead, seconds, "");
}

void kin_page_begin_reading(kin_page *page, const char *path, const char *title)
{
    begin(page, path, title, NULL, 0, " class=\"reading\"");
}

void kin_page_row_end(kin_page *page)
{
    if (!page->row) return;
    kin_text_add(&page->html, page->numbered ? "</ol></div>\n" : "</ul></div>\n");
    page->row = false;
}

static void close_section(kin_page *page)
{
    if (page->row) kin_page_row_end(page);
    if (page->section) kin_text_add(&page->html, "</section>\n");
    page->section = false;
}

bool kin_page_end(kin_page *page, kin_error *err)
{
    close_section(page);
    kin_text_add(&page->html, "<footer>Made by kin " KIN_VERSION "</footer>\n</main></body></html>\n");
    if (kin_failed(&page->err)) return kin_fail(err, page->err.code, "%s", page->err.message);
    return !page->html.failed || kin_fail_memory(err, "a page", page->html.capacity);
}

bool kin_page_write(kin_page *page, kin_error *err)
{
    return kin_page_end(page, err) && kin_write_file(page->path, page->html.data, page->html.size, err);
}

void kin_page_free(kin_page *page) { kin_text_free(&page->html); }

/* ---- text ---- */

void kin_page_text(kin_page *page, const char *text) { prose(page, "<p>", text, "</p>\n"); }

void kin_page_note(kin_page *page, const char *text) { prose(page, "<p class=\"soft\">", text, "</p>\n"); }

void kin_page_markup(kin_page *page, const char *markup) { kin_text_add(&page->html, markup); }

void kin_page_section(kin_page *page, const char *title, const char *note)
{
    close_section(page);
    element(page, "<section><h2>", title, "</h2>");
    if (note) kin_page_note(page, note);
    page->section = true;
}

void kin_page_heading(kin_page *page, const char *title, const char *note)
{
    if (page->row) kin_page_row_end(page);
    element(page, "<h3>", title, "</h3>");
    if (note) kin_page_note(page, note);
}

void kin_page_facts(kin_page *page, const kin_page_fact *facts, int count)
{
    int there = 0;
    for (int i = 0; i < count; i++) there += facts[i].value != NULL;
    if (!there) return;
    kin_text_add(&page->html, page->section ? "<dl class=\"facts\">" : "<section><dl class=\"facts\">");
    for (int i = 0; i < count; i++) {
        if (!facts[i].value) continue;
        element(page, "<div><dt>", facts[i].name, "</dt>");
        element(page, "<dd>", facts[i].value, "</dd></div>");
    }
    kin_text_add(&page->html, page->section ? "</dl>" : "</dl></section>\n");
}

/* ---- tables ---- */

/* A column of numbers, also with a sign or a unit of its own behind some, and with gaps. */
static bool column_of_numbers(const kin_page_table *t, int column)
{
    bool some = false;
    for (int r = 0; r < t->n_rows; r++) {
        const char *cell = t->cells[(size_t)r * (size_t)t->n_columns + (size_t)column];
        double number;
        if (!cell || !*cell || (cell[0] == '-' && !cell[1])) continue;
        if (!kin_parse_real(cell, &number)) return false;
        some = true;
    }
    return some;
}

static void add_cells(kin_page *page, const kin_page_table *t, int row)
{
    kin_text_add(&page->html, "<tr>");
    for (int c = 0; c < t->n_columns; c++) {
        const char *class = column_of_numbers(t, c) ? " class=\"figure\"" : "";
        kin_text_format(&page->html,
                        row < 0 ? "<th scope=\"col\"%s>"
                        : c     ? "<td%s>"
                                : "<th scope=\"row\"%s>",
                        class);
        kin_markup_add(&page->html,
                       row < 0 ? t->columns[c] : t->cells[(size_t)row * (size_t)t->n_columns + (size_t)c]);
        kin_text_add(&page->html, row < 0 || !c ? "</th>" : "</td>");
    }
    kin_text_add(&page->html, "</tr>\n");
}

void kin_page_table_add(kin_page *page, const kin_page_table *t)
{
    if (t->summary) element(page, "<details><summary>", t->summary, "</summary>");
    /* one that scrolls can be reached, and scrolled, by keyboard */
    kin_text_add(&page->html, "<div class=\"scroll\" tabindex=\"0\"><table><thead>");
    add_cells(page, t, -1);
    kin_text_add(&page->html, "</thead><tbody>");
    for (int r = 0; r < t->n_rows; r++) add_cells(page, t, r);
    kin_text_add(&page->html, "</tbody></table></div>");
    if (t->summary) kin_text_add(&page->html, "</details>");
}

/* ---- drawings ---- */

/* Drawn twice, for a desk and for a phone, since text must not shrink with the drawing; the page shows
 * one. */
void kin_page_curves(kin_page *page, const kin_curves *charts, int count)
{
    if (count < 1) return;
    kin_text_add(&page->html, "<div class=\"charts\">");
    for (int i = 0; i < count; i++) {
        kin_curves chart = charts[i];
        element(page, "<figure><figcaption>", chart.title, "</figcaption><div class=\"wide\">");
        chart.width = count > 1 ? 520 : 900, chart.height = 320;
        kin_svg_curves(&page->html, &chart);
        kin_text_add(&page->html, "</div><div class=\"narrow\">");
        chart.width = 330, chart.height = 280;
        kin_svg_curves(&page->html, &chart);
        kin_text_add(&page->html, "</div></figure>");
    }
    kin_text_add(&page->html, "</div>");
}

void kin_page_scatters(kin_page *page, const kin_scatter *charts, int count, const char *weak,
                       const char *strong)
{
    if (count < 1) return;
    kin_svg_strengths(&page->html, weak, strong);
    kin_text_add(&page->html, "<div class=\"charts small\">");
    for (int i = 0; i < count; i++) {
        element(page, "<figure><figcaption>", charts[i].title, "</figcaption>");
        kin_svg_scatter(&page->html, &charts[i]);
        if (charts[i].note) element(page, "<p class=\"soft note\">", charts[i].note, "</p>");
        kin_text_add(&page->html, "</figure>");
    }
    kin_text_add(&page->html, "</div>");
}

void kin_page_figure(kin_page *page, const char *markup, const char *caption)
{
    if (page->row) kin_page_row_end(page);
    kin_text_add(&page->html, "<figure class=\"whole\">");
    kin_text_add(&page->html, markup);
    element(page, "<figcaption class=\"note\">", caption, "</figcaption></figure>\n");
}

void kin_page_bars(kin_page *page, const char *first, const char *const value_names[2], const kin_bar *bars,
                   int count)
{
    enum { COLUMNS = 3, NUMBER = 16 };
    if (count < 1) return;
    kin_svg_bars(&page->html, "Bars; the same numbers stand in the table below", value_names, bars, count);
    const char *const columns[COLUMNS] = {first, value_names[0], value_names[1]};
    const char **cells = kin_alloc_array((size_t)count, COLUMNS * sizeof *cells);
    char *numbers = kin_alloc_array((size_t)count, 2 * NUMBER);
    if (!cells || !numbers) kin_fail_memory(&page->err, "a page", (unsigned long long)count * 2 * NUMBER);
    for (int i = 0; cells && numbers && i < count; i++) {
        cells[i * COLUMNS] = bars[i].name;
        for (int v = 0; v < 2; v++) {
            char *to = numbers + (i * 2 + v) * NUMBER;
            snprintf(to, NUMBER, isfinite(bars[i].values[v]) ? "%.4f" : "-", bars[i].values[v]);
            cells[i * COLUMNS + 1 + v] = to;
        }
    }
    if (cells && numbers)
        kin_page_table_add(page, &(kin_page_table){"The same as a table", columns, COLUMNS, count, cells});
    kin_free(cells), kin_free(numbers);
}
