#include "cli/pages/ladder_page.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/pages/markup.h"
#include "cli/pages/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One competitor's published ladder of 2018, and the winner's figure [DaehunGwak/24h-Naver2018AIHack-Vision]. */
static const struct {
    const char *name;
    double map;
} contest[] = {{"softmax", .28},     {"pairs and triplets", .53}, {"unit length, Euclid", .72},
               {"semi-hard", .823},  {"classified first", .858},  {"DenseNet-169", .869},
               {"cosine", .889},     {"query expansion", .92},    {"ensemble", .938},
               {"the winners", .986}};
enum { CONTEST = sizeof contest / sizeof *contest };

/* Names stand at the right end of their column, bars begin behind it; the contest's ladder has columns of its own at the right. */
enum {
    HEAD = 44,
    EACH = 24,
    NAMES = 430,
    BARS = 250,
    THEIRS = 740,
    THEIR_NAMES = 150,
    THEIR_BARS = 130,
    WIDTH = 1080,
    FOOT = 26
};

static void put_name(kin_text *out, int x, double y, const char *name, const char *class)
{
    kin_text_format(out, "<text%s x=\"%d\" y=\"%g\" text-anchor=\"end\">", class, x, y);
    kin_markup_add(out, name);
    kin_text_add(out, "</text>");
}

static void put_bar(kin_text *out, int x, double y, int full, double value, int which)
{
    kin_text_format(out,
                    "<rect class=\"track\" x=\"%d\" y=\"%g\" width=\"%d\" height=\"14\" rx=\"3\"/><rect "
                    "class=\"b%d\" x=\"%d\" y=\"%g\" "
                    "width=\"%.1f\" height=\"14\" rx=\"3\"/><text x=\"%d\" y=\"%g\">%.3f</text>",
                    x, y, full, which, x, y, full * value, x + full + 8, y + 12, value);
}

static void put_interval(kin_text *out, int x, double y, int full, const kin_rung *r)
{
    double from = x + full * r->low, to = x + full * r->high;
    kin_text_format(
        out,
        "<path class=\"s1\" fill=\"none\" stroke-width=\"1.5\" d=\"M%.1f %gH%.1fM%.1f %gv6M%.1f %gv6\"/>",
        from, y + 7, to, from, y + 4, to, y + 4);
}

static int height_of(const kin_ladder *l)
{
    return HEAD + EACH * (l->count > CONTEST ? l->count : CONTEST) + FOOT;
}

/* As much of a title as its column has room for. */
enum { ROOM = 58, CUT = 4 * ROOM + 8 };
static const char *cut_title(char out[CUT], const char *title)
{
    size_t letters = 0, bytes = 0;
    while (title[bytes] && bytes < 4 * ROOM && letters < ROOM) {
        bytes++;
        while (((unsigned char)title[bytes] & 0xc0) == 0x80) bytes++;
        letters++;
    }
    if (bytes > 4 * ROOM) bytes = 4 * ROOM;
    snprintf(out, CUT, "%.*s%s", (int)bytes, title, title[bytes] ? "…" : "");
    return out;
}

/* A rung's bar at (x, y), or that there is none. */
static void put_rung(kin_text *out, int x, double y, int full, const kin_rung *r)
{
    if (r->reason) {
        kin_text_format(out, "<text x=\"%d\" y=\"%g\" opacity=\".7\">–</text>", x + 2, y + 12);
        return;
    }
    bool gained = !isfinite(r->gain) || r->gain > 0;
    put_bar(out, x, y, full, r->map, gained ? 0 : 1);
    put_interval(out, x, y, full, r);
}

static void draw_ladder(kin_text *out, const kin_ladder *l)
{
    kin_text_format(out, "<text class=\"strong\" x=\"%d\" y=\"24\">", NAMES + 10);
    kin_markup_add(out, l->data);
    kin_text_add(out, ", mAP</text>");
    for (int i = 0; i < l->count; i++) {
        const kin_rung *r = &l->rungs[i];
        double y = HEAD + EACH * i;
        char title[CUT];
        put_name(out, NAMES, y + 12, cut_title(title, r->title), "");
        put_rung(out, NAMES + 10, y, BARS, r);
    }
}

static void draw_contest(kin_text *out)
{
    kin_text_format(out, "<text class=\"strong\" x=\"%d\" y=\"24\">the contest of 2018</text>",
                    THEIRS + THEIR_NAMES + 10);
    for (int i = 0; i < CONTEST; i++) {
        double y = HEAD + EACH * i;
        put_name(out, THEIRS + THEIR_NAMES, y + 12, contest[i].name, "");
        put_bar(out, THEIRS + THEIR_NAMES + 10, y, THEIR_BARS, contest[i].map, 0);
    }
}

static void begin(kin_text *out, const kin_ladder *l, int width, int height)
{
    kin_text_format(out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kin-chart\" width=\"%d\" "
                    "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
                    width, height, width, height);
    kin_markup_add(out, l->data);
    kin_text_add(out, ": what each step gains, beside the contest&#39;s own\">");
}

static void draw(kin_text *out, const kin_ladder *l, bool alone)
{
    int height = height_of(l);
    begin(out, l, WIDTH, height);
    if (alone) {
        kin_text_add(out, "<style>");
        kin_text_add(out, kin_svg_style);
        kin_text_format(out, "</style><rect class=\"paper\" width=\"%d\" height=\"%d\"/>", WIDTH, height);
    }
    draw_ladder(out, l);
    draw_contest(out);
    kin_text_format(out,
                    "<text x=\"%d\" y=\"%d\" opacity=\".7\">lines: 95 %% intervals; the second colour: no "
                    "gain over the row it stands "
                    "on</text></svg>",
                    NAMES + 10, height - 8);
}

/* For a telephone: names above their bars, the contest's ladder under ours. */
static void put_above(kin_text *out, double y, const char *name, const char *how)
{
    kin_text_format(out, "<text%s x=\"2\" y=\"%g\">", how, y);
    kin_markup_add(out, name);
    kin_text_add(out, "</text>");
}

static void draw_narrow(kin_text *out, const kin_ladder *l)
{
    enum { ACROSS = 400, FULL = 340, ROW = 42 };
    double y = HEAD;
    begin(out, l, ACROSS, 2 * HEAD + ROW * (l->count + CONTEST) + FOOT);
    put_above(out, 24, l->data, " class=\"strong\"");
    for (int i = 0; i < l->count; i++, y += ROW) {
        char title[CUT];
        put_above(out, y + 6, cut_title(title, l->rungs[i].title), "");
        put_rung(out, 2, y + 12, FULL, &l->rungs[i]);
    }
    put_above(out, y + 24, "the contest of 2018", " class=\"strong\"");
    y += HEAD;
    for (int i = 0; i < CONTEST; i++, y += ROW) {
        put_above(out, y + 6, contest[i].name, "");
        put_bar(out, 2, y + 12, FULL, contest[i].map, 0);
    }
    put_above(out, y + 8, "lines: 95 % intervals; the second colour: no gain", " opacity=\".7\"");
    kin_text_add(out, "</svg>");
}

bool kin_ladder_svg_write(const char *path, const kin_ladder *l, kin_error *err)
{
    kin_text text = {0};
    draw(&text, l, true);
    kin_text_add(&text, "\n");
    bool ok = text.failed ? kin_fail_memory(err, path, text.capacity)
                          : kin_write_file(path, text.data, text.size, err);
    kin_text_free(&text);
    return ok;
}

/* ---- the page ---- */

enum { COLUMNS = 9, CELL = 48 };
static const char *const columns[COLUMNS] = {"row",           "mAP", "gain",    "",  "95 %",
                                             "seeds' spread", "R@1", "seconds", "MB"};

static void fill_row(const kin_rung *r, const char **cells, char (*texts)[CELL])
{
    const double values[COLUMNS] = {
        NAN,         r->map,     r->gain,        NAN, (r->high - r->low) / 2, r->spread,
        r->recall_1, r->seconds, r->memory / 1e6};
    static const char *const formats[COLUMNS] = {"",     "%.4f", "%+.4f", "",    "±%.3f",
                                                 "%.4f", "%.4f", "%.0f",  "%.0f"};
    for (int c = 0; c < COLUMNS; c++) {
        cells[c] = NULL;
        if (r->reason || !isfinite(values[c])) continue;
        snprintf(texts[c], CELL, formats[c], values[c]);
        cells[c] = texts[c];
    }
    cells[0] = r->title;
    cells[3] = r->reason ? r->reason : kin_rung_remark(r);
}

static void add_figures(kin_page *page, const kin_ladder *l)
{
    size_t n = (size_t)l->count * COLUMNS;
    const char **cells = kin_alloc_array(n, sizeof *cells);
    char(*texts)[CELL] = kin_alloc_array(n, sizeof *texts);
    if (cells && texts) {
        for (int i = 0; i < l->count; i++) fill_row(&l->rungs[i], cells + i * COLUMNS, texts + i * COLUMNS);
        kin_page_table_add(page, &(kin_page_table){NULL, columns, COLUMNS, l->count, cells});
    } else kin_fail_memory(&page->err, "the table", n * (sizeof *cells + sizeof *texts));
    kin_free(cells), kin_free(texts);
}

static void add_commands(kin_page *page, const kin_ladder *l)
{
    const char **cells = kin_alloc_array((size_t)l->count, 2 * sizeof *cells);
    if (!cells) {
        kin_fail_memory(&page->err, "the commands", (size_t)l->count * 2 * sizeof *cells);
        return;
    }
    int n = 0;
    for (int i = 0; i < l->count; i++)
        if (l->rungs[i].command)
            cells[2 * n] = l->rungs[i].title, cells[2 * n + 1] = l->rungs[i].command, n++;
    kin_page_table_add(page, &(kin_page_table){"The commands of each row",
                                               (const char *const[]){"row", "commands"}, 2, n, cells});
    kin_free(cells);
}

bool kin_ladder_page_write(const char *path, const kin_ladder *l, kin_error *err)
{
    kin_page page;
    kin_text drawing = {0};
    kin_page_begin(&page, path, "The ladder, measured",
                   "What each step from raw pixels to an ensemble is worth, beside the ladder of the contest "
                   "that it comes from.");
    kin_text_add(&drawing, "<div class=\"wide\">");
    draw(&drawing, l, false);
    kin_text_add(&drawing, "</div><div class=\"narrow\">");
    draw_narrow(&drawing, l);
    kin_text_add(&drawing, "</div>");
    if (drawing.failed) kin_fail_memory(&page.err, "the drawing", drawing.capacity);
    else
        kin_page_figure(&page, drawing.data,
                        "mAP of classes that nothing was trained or chosen on; each row was looked at once.");
    kin_page_section(&page, "All figures",
                     "Gains are over the row that a row stands on. Within chance: less than half the 95 % "
                     "interval, or than what "
                     "another seed of the training changes.");
    add_figures(&page, l);
    add_commands(&page, l);
    bool ok = kin_page_write(&page, err);
    kin_text_free(&drawing);
    kin_page_free(&page);
    return ok;
}
