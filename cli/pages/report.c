#include "cli/pages/report_page.h"

#include "base/file.h"
#include "base/version.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/markup.h"

#include <inttypes.h>
#include <math.h>

static void element(kin_text *html, const char *open, const char *text, const char *close)
{
    kin_text_add(html, open);
    kin_markup_add(html, text);
    kin_text_add(html, close);
}

static bool check_item(const kin_report *r, int64_t item, const char *where, int64_t at, kin_error *err)
{
    if (item >= 0 && item < r->items) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT, "the report's %s %" PRId64 " is item %" PRId64 " of %" PRId64,
                    where, at, item, r->items);
}

static bool check(const kin_report *r, kin_error *err)
{
    bool ok = true;
    if ((r->n_positions > 0 || r->n_queries > 0) && !r->labels)
        return kin_fail(err, KIN_ERR_ARGUMENT, "a report that shows items needs their labels");
    for (int64_t i = 0; i < r->n_positions && ok; i++)
        ok = check_item(r, r->position_items ? r->position_items[i] : i, "position", i, err);
    for (int64_t i = 0; i < r->n_queries && ok; i++) ok = check_item(r, r->queries[i], "query", i, err);
    for (int64_t i = 0; i < r->n_queries * r->top && ok; i++)
        ok = r->ranks[i] == -1 || check_item(r, r->ranks[i], "rank", i, err);
    return ok;
}

/* The policy lets the page load nothing and run nothing: what it shows is inside it, whatever a class is
 * called. */
static void add_head(kin_text *html, const kin_report *r)
{
    kin_text_add(html, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
                       "data:; style-src 'unsafe-inline'\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    element(html, "<title>", r->title, "</title>\n<style>");
    kin_text_add(html, kin_report_style);
    kin_text_add(html, kin_svg_style);
    kin_text_add(html, kin_map_style);
    element(html, "</style></head><body><main>\n<header><h1>", r->title, "</h1>\n");
    if (r->lead) element(html, "<p class=\"lead\">", r->lead, "</p>");
    kin_text_add(html, "</header>\n");
    if (r->n_facts < 1) return;
    kin_text_add(html, "<section><dl class=\"facts\">");
    for (int i = 0; i < r->n_facts; i++) {
        element(html, "<div><dt>", r->facts[i].name, "</dt>");
        element(html, "<dd>", r->facts[i].value, "</dd></div>");
    }
    kin_text_add(html, "</dl></section>\n");
}

/* ---- Figures ---- */

static void add_number(kin_text *html, double value)
{
    if (isfinite(value)) kin_text_format(html, "<td>%.3f</td>", value);
    else kin_text_add(html, "<td>not measured</td>");
}

static void add_figures(kin_text *html, const kin_report *r)
{
    enum { MOST = 32 };
    static const char *const names[2] = {"mAP", "R@1"};
    kin_bar bars[MOST];
    int n = r->n_figures < MOST ? r->n_figures : MOST;
    if (n < 1) return;
    for (int i = 0; i < n; i++)
        bars[i] = (kin_bar){r->figures[i].name, {r->figures[i].map, r->figures[i].r1}};
    kin_text_add(html, "<section><h2>How well it finds</h2>"
                       "<p class=\"soft\">mAP: how early the right pictures come in the whole list. R@1: how "
                       "often the first one is right. ");
    kin_markup_add(html, r->figures_note);
    kin_text_add(html, "</p>");
    kin_svg_bars(html, "Bars of mAP and R@1 for each system; the same numbers stand in the table below",
                 names, bars, n);
    kin_text_add(html, "<details><summary>The same as a table</summary><table>"
                       "<thead><tr><th scope=\"col\">System</th><th scope=\"col\">mAP</th><th "
                       "scope=\"col\">R@1</th></tr></thead><tbody>");
    for (int i = 0; i < n; i++) {
        element(html, "<tr><td>", bars[i].name, "</td>");
        for (int v = 0; v < 2; v++) add_number(html, bars[i].values[v]);
        kin_text_add(html, "</tr>");
    }
    kin_text_add(html, "</tbody></table></details></section>\n");
}

/* ---- Curves ---- */

/* Drawn twice, for a desk and for a phone, since text must not shrink with the drawing; the page shows
 * one. */
static void add_curves(kin_text *html, const kin_report *r)
{
    if (r->n_curves < 1) return;
    kin_text_add(html, "<section><h2>How it learned</h2><div class=\"charts\">");
    for (int i = 0; i < r->n_curves; i++) {
        kin_curves chart = r->curves[i];
        element(html, "<figure><figcaption>", chart.title, "</figcaption><div class=\"wide\">");
        chart.width = r->n_curves > 1 ? 500 : 1020, chart.height = 320;
        kin_svg_curves(html, &chart);
        kin_text_add(html, "</div><div class=\"narrow\">");
        chart.width = 330, chart.height = 260;
        kin_svg_curves(html, &chart);
        kin_text_add(html, "</div></figure>");
    }
    kin_text_add(html, "</div></section>\n");
}

static bool add_map(kin_text *html, const kin_report *r, kin_error *err)
{
    bool marks = r->n_positions > KIN_MAP_PICTURES || !r->image;
    if (r->n_positions < 1) return true;
    kin_text_format(
        html,
        "<section><h2>A map of the embedding</h2>"
        "<p class=\"soft\">%" PRId64
        " pictures where t-SNE puts their descriptors: close here means alike to the network. %s. "
        "Point at one to see its class.</p><div class=\"map\">",
        r->n_positions,
        marks ? "Each class has its colour and shape"
              : "The frame's colour is the class's, as far as colours go");
    kin_embedding_map map = {.count = r->n_positions,
                             .positions = r->positions,
                             .items = r->position_items,
                             .labels = r->labels,
                             .class_names = r->class_names,
                             .image = r->image,
                             .image_arg = r->image_arg};
    if (!kin_map_add(html, &map, err)) return false;
    kin_text_add(html, "</div></section>\n");
    return true;
}

/* ---- The whole ---- */

bool kin_report_add(kin_text *html, const kin_report *r, kin_error *err)
{
    if (!check(r, err)) return false;
    add_head(html, r);
    add_figures(html, r);
    add_curves(html, r);
    if (!add_map(html, r, err) || !kin_report_results(html, r, err)) return false;
    kin_text_add(html, "<footer>Made by kin " KIN_VERSION "</footer>\n</main></body></html>\n");
    return html->failed ? kin_fail_memory(err, "the report", html->capacity) : true;
}

bool kin_report_write(const char *path, const kin_report *report, kin_error *err)
{
    kin_text html = {0};
    bool ok = kin_report_add(&html, report, err) && kin_write_file(path, html.data, html.size, err);
    kin_text_free(&html);
    return ok;
}
