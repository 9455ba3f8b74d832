#include "cli/pages/captioned_sheet.h"

#include "base/file.h"
#include "cli/pages/heatmap.h"
#include "cli/pages/markup.h"
#include "cli/pages/svg.h"
#include "cli/pages/thumbnail.h"

#include <string.h>

enum {
    GAP = 10,
    HEAD = 44,
    CAPTION = 38,
    LINE = 15,
    RAMP = 40,
    LETTER = 8,
    STEPS = 32,
    RAMP_WIDTH = 160,
    LEAST_WIDTH = 470
};

static int left_of(const kin_captioned_sheet *s, int column) { return GAP + column * (s->cell + GAP); }
static int top_of(const kin_captioned_sheet *s, int row) { return HEAD + row * (s->cell + CAPTION); }

/* Cut at the column's right; the whole of it is told under the pointer. */
static void line(kin_captioned_sheet *s, int x, int y, const char *class, const char *text)
{
    kin_text_format(&s->svg, "<svg x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>", x, y - LINE + 3,
                    s->cell + GAP - 2, LINE + 2);
    kin_markup_add(&s->svg, text);
    kin_text_format(&s->svg, "</title><text%s x=\"0\" y=\"%d\" font-size=\"12\">", class, LINE - 3);
    kin_markup_add(&s->svg, text);
    kin_text_add(&s->svg, "</text></svg>\n");
}

/* A long name of a map goes on in a second line, behind its last dot. */
static void head(kin_captioned_sheet *s, int column, const char *text)
{
    int x = left_of(s, column);
    const char *dot = strrchr(text, '.');
    bool whole = !dot || (int)strlen(text) * LETTER <= s->cell;
    kin_text first = {0};
    kin_text_add_bytes(&first, text, whole ? strlen(text) : (size_t)(dot - text));
    s->svg.failed |= first.failed;
    if (first.size && !first.failed) line(s, x, HEAD - (whole ? 10 : 25), " class=\"strong\"", first.data);
    if (!whole) line(s, x, HEAD - 10, " class=\"strong\"", dot);
    kin_text_free(&first);
}

bool kin_captioned_sheet_new(kin_captioned_sheet *s, const char *title, int columns, int rows, int cell,
                             const char *const *heads, kin_error *err)
{
    *s = (kin_captioned_sheet){.columns = columns, .rows = rows, .cell = cell};
    int64_t width = (int64_t)columns * (cell + GAP) + GAP,
            height = HEAD + (int64_t)rows * (cell + CAPTION) + RAMP;
    if (width < LEAST_WIDTH) width = LEAST_WIDTH;
    if (width > 1000000 || height > 1000000 || width * height > 200000000)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "a sheet of %d x %d pictures of %d pixels is too large; take fewer pictures, or a smaller "
            "--cell",
            columns, rows, cell);
    kin_text_format(
        &s->svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kin-chart\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\" role=\"img\"><title>",
        (int)width, (int)height, (int)width, (int)height);
    kin_markup_add(&s->svg, title);
    kin_text_format(&s->svg,
                    "</title><style>%s.tiny{image-rendering:pixelated}</style><rect class=\"paper\" "
                    "width=\"%d\" height=\"%d\"/>\n",
                    kin_svg_style, (int)width, (int)height);
    for (int c = 0; c < columns; c++) head(s, c, heads[c]);
    return true;
}

bool kin_captioned_sheet_put(kin_captioned_sheet *s, int column, int row, const kin_image *picture,
                             const char *first, const char *second, kin_error *err)
{
    int x = left_of(s, column), y = top_of(s, row);
    bool tiny = picture->width <= KIN_THUMBNAIL_TINY && picture->height <= KIN_THUMBNAIL_TINY;
    kin_text_format(&s->svg, "<image%s x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" href=\"",
                    tiny ? " class=\"tiny\"" : "", x, y, s->cell, s->cell);
    bool ok = kin_thumbnail_add(&s->svg, picture, s->cell, err);
    kin_text_add(&s->svg, "\"/>\n");
    if (first) line(s, x, y + s->cell + LINE, "", first);
    if (second) line(s, x, y + s->cell + 2 * LINE, "", second);
    return ok;
}

static void ramp(kin_captioned_sheet *s, const char *low, const char *high)
{
    int y = top_of(s, s->rows) + 6;
    kin_text_add(&s->svg, "<g class=\"ramp\">");
    for (int i = 0; i < STEPS; i++) {
        uint8_t rgb[3];
        kin_heatmap_colour((double)i / (STEPS - 1), rgb);
        kin_text_format(&s->svg,
                        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\" fill=\"#%02x%02x%02x\"/>",
                        left_of(s, 0) + 50 + i * RAMP_WIDTH / STEPS, y, RAMP_WIDTH / STEPS, rgb[0], rgb[1],
                        rgb[2]);
    }
    kin_text_format(&s->svg, "</g>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-size=\"12\">",
                    left_of(s, 0) + 44, y + 11);
    kin_markup_add(&s->svg, low);
    kin_text_format(&s->svg, "</text><text x=\"%d\" y=\"%d\" font-size=\"12\">",
                    left_of(s, 0) + 56 + RAMP_WIDTH, y + 11);
    kin_markup_add(&s->svg, high);
    kin_text_add(&s->svg, "</text>\n");
}

bool kin_captioned_sheet_write(kin_captioned_sheet *s, const char *low, const char *high, const char *path,
                               kin_error *err)
{
    ramp(s, low, high);
    kin_text_add(&s->svg, "</svg>\n");
    return s->svg.failed ? kin_fail_memory(err, path, s->svg.capacity)
                         : kin_write_file(path, s->svg.data, s->svg.size, err);
}

void kin_captioned_sheet_free(kin_captioned_sheet *s) { kin_text_free(&s->svg); }
