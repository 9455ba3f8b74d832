#include "cli/pages/svg.h"

#include "base/file.h"
#include "cli/pages/markup.h"

#include <math.h>
#include <string.h>

enum {
    LEFT = 58,
    TITLE = 20, /* further, for the title of the y axis, which stands upright */
    RIGHT = 16,
    TOP = 14,
    BOTTOM = 46,
    LEGEND = 20, /* a line of it */
    COLOURS = 6,
    DASHES = 3,
    SPARSE = 60, /* up to so many points are marked, for the line between them is made up */
};

/* Plain colours rather than variables: not every viewer of SVG files knows those. Curve colours differ in
 * lightness too. */
const char *const kin_svg_style =
    ".kin-chart{font:13px system-ui,-apple-system,'Segoe "
    "UI',Roboto,sans-serif;fill:#3f4654;display:block;max-width:100%}"
    ".kin-chart .paper{fill:#fff}.kin-chart .grid{stroke:#e3e6ec}.kin-chart .axis{stroke:#9aa1ae}.kin-chart "
    ".strong,.kin-chart .title{fill:#14181f;font-weight:600}"
    ".kin-chart .s0{stroke:#1d4ed8}.kin-chart .s1{stroke:#c2410c}.kin-chart .s2{stroke:#047857}.kin-chart "
    ".s3{stroke:#a21caf}"
    ".kin-chart .s4{stroke:#854d0e}.kin-chart .s5{stroke:#475569}"
    ".kin-chart .b0{fill:#1d4ed8}.kin-chart .b1{fill:#93b4f5}.kin-chart .track{fill:#eef0f4}"
    ".kin-chart .p0{fill:#cdd8ee}.kin-chart .p1{fill:#9db6e8}.kin-chart .p2{fill:#5f86d8}.kin-chart "
    ".p3{fill:#2c56bd}.kin-chart .p4{fill:#122f7a}.kin-chart .ring{stroke:#c2410c;stroke-width:3}"
    "@media(prefers-color-scheme:dark){.kin-chart{fill:#b4bbc8}.kin-chart .paper{fill:#161a21}.kin-chart "
    ".grid{stroke:#2b313c}.kin-chart .axis{stroke:#6b7382}"
    ".kin-chart .strong,.kin-chart .title{fill:#eef1f6}.kin-chart .s0{stroke:#7aa2ff}.kin-chart "
    ".s1{stroke:#fb923c}.kin-chart "
    ".s2{stroke:#34d399}.kin-chart .s3{stroke:#e879f9}"
    ".kin-chart .s4{stroke:#facc15}.kin-chart .s5{stroke:#94a3b8}.kin-chart .b0{fill:#7aa2ff}.kin-chart "
    ".b1{fill:#3d5591}.kin-chart .track{fill:#222833}"
    ".kin-chart .p0{fill:#2c3a5e}.kin-chart .p1{fill:#3f599b}.kin-chart .p2{fill:#5f86d8}.kin-chart "
    ".p3{fill:#9dbcff}.kin-chart .p4{fill:#e3ecff}.kin-chart .ring{stroke:#fb923c}}";

double kin_tick_step(double span, int wanted)
{
    double rough = span / wanted, power = pow(10, floor(log10(rough))), lead = rough / power;
    return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

/* ---- Scales ---- */

typedef struct range {
    double low, high;
} range;

static const range nothing = {INFINITY, -INFINITY};

static void include(range *r, double value)
{
    if (value < r->low) r->low = value;
    if (value > r->high) r->high = value;
}

static bool drawable(const kin_curve *c, int64_t i) { return isfinite(c->x[i]) && isfinite(c->y[i]); }

/* The mean of about a hundredth of the points, exponentially weighted; the weights so far sum to `weight`,
 * by which the first values are freed of their bias towards 0. */
typedef struct average {
    double keep, sum, weight;
} average;

static average average_new(const kin_curve *c)
{
    return (average){.keep = c->smooth ? 1 - 1 / fmax((double)c->count / 100, 1) : 0};
}

static double average_add(average *a, double value)
{
    a->sum = a->keep * a->sum + (1 - a->keep) * value;
    a->weight = a->keep * a->weight + (1 - a->keep);
    return a->sum / a->weight;
}

/* A curve that never changes (to what can be told apart), and numbers too large to subtract, get an axis
 * around them. */
static void make_usable(range *r)
{
    double span = r->high - r->low, largest = fmax(fabs(r->low), fabs(r->high));
    if (span > 1e-9 * largest && isfinite(span)) return;
    double middle = isfinite(largest) ? fmin(fmax(r->low / 2 + r->high / 2, -1e300), 1e300) : 0.5,
           half = fmax(fabs(middle) / 2, 0.5);
    *r = (range){middle - half, middle + half};
}

/* What the axes must show: all of x; of y all, or for smoothed curves the average and half its height
 * around it, so that one wild value does not flatten the rest. Ends are rounded outwards to ticks in y. */
static void find_ranges(const kin_curves *chart, range *x, range *y)
{
    range all = nothing, kept = nothing;
    *x = nothing;
    for (int k = 0; k < chart->n_curves; k++) {
        const kin_curve *c = &chart->curves[k];
        average a = average_new(c);
        for (int64_t i = 0; i < c->count; i++) {
            if (!drawable(c, i)) continue;
            include(x, c->x[i]);
            include(&all, c->y[i]);
            include(&kept, average_add(&a, c->y[i]));
        }
    }
    double room = (kept.high - kept.low) / 2;
    *y = (range){fmax(all.low, kept.low - room), fmin(all.high, kept.high + room)};
    make_usable(x);
    make_usable(y);
    double step = kin_tick_step(y->high - y->low, 5);
    *y = (range){floor(y->low / step) * step, ceil(y->high / step) * step};
}

/* ---- Curves ---- */

typedef struct plot {
    kin_text *out;
    int width, height;
    double left, top, right, bottom; /* of the area inside the axes */
    range x, y;
} plot;

static double at_x(const plot *p, double x)
{
    return p->left + (x - p->x.low) / (p->x.high - p->x.low) * (p->right - p->left);
}

static double at_y(const plot *p, double y)
{
    double inside = fmin(fmax((y - p->y.low) / (p->y.high - p->y.low), 0), 1);
    return p->bottom - inside * (p->bottom - p->top);
}

/* Under the middle of the one axis, and upright beside the middle of the other. */
static void draw_titles(const plot *p, const kin_curves *chart)
{
    double x = (p->left + p->right) / 2, y = (p->top + p->bottom) / 2;
    kin_text_format(p->out, "<text class=\"title\" x=\"%g\" y=\"%d\" text-anchor=\"middle\">", x,
                    p->height - 8);
    kin_markup_add(p->out, chart->x_label);
    kin_text_add(p->out, "</text>");
    if (!chart->y_label) return;
    kin_text_format(p->out,
                    "<text class=\"title\" x=\"14\" y=\"%g\" text-anchor=\"middle\" "
                    "transform=\"rotate(-90 14 %g)\">",
                    y, y);
    kin_markup_add(p->out, chart->y_label);
    kin_text_add(p->out, "</text>");
}

static void draw_axes(const plot *p, const kin_curves *chart)
{
    double step = kin_tick_step(p->y.high - p->y.low, 5);
    for (double n = ceil(p->y.low / step - 1e-6); n * step <= p->y.high + step * 1e-6; n++) {
        double value = n * step, y = at_y(p, value);
        kin_text_format(p->out, "<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" y2=\"%.1f\"/>", p->left,
                        p->right, y, y);
        kin_text_format(p->out, "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%g</text>", p->left - 8, y + 4,
                        fabs(value) < step / 2 ? 0 : value);
    }
    step = kin_tick_step(p->x.high - p->x.low, (int)fmax((p->right - p->left) / 80, 2));
    for (double n = ceil(p->x.low / step - 1e-6); n * step <= p->x.high + step * 1e-6; n++) {
        double value = n * step, x = at_x(p, value);
        kin_text_format(p->out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" y2=\"%g\"/>", x, x,
                        p->bottom, p->bottom + 5);
        kin_text_format(p->out, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%g</text>", x,
                        p->bottom + 19, fabs(value) < step / 2 ? 0 : value);
    }
    kin_text_format(p->out, "<line class=\"axis\" x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\"/>", p->left,
                    p->right, p->bottom, p->bottom);
    draw_titles(p, chart);
}

/* Six colours, then the same ones dashed, then dotted. */
static void add_look(kin_text *out, int which)
{
    static const char *const dashes[DASHES] = {"", " stroke-dasharray=\"8 5\"", " stroke-dasharray=\"2 5\""};
    kin_text_format(out, "class=\"s%d\"%s", which % COLOURS, dashes[which / COLOURS % DASHES]);
}

/* Characters, for a rough width. */
static int length_of(const char *text)
{
    int n = 0;
    for (; text && *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The first `most` characters, and an ellipsis for the others. */
static void add_shortened(kin_text *out, const char *text, int most)
{
    const char *end = text;
    if (length_of(text) <= most) {
        kin_markup_add(out, text);
        return;
    }
    for (int n = 0; *end; end++)
        if (((unsigned char)*end & 0xc0) != 0x80 && ++n > most - 1) break;
    kin_text part = {0};
    kin_text_add_bytes(&part, text, (size_t)(end - text));
    kin_markup_add(out, part.data);
    kin_text_add(out, "…");
    out->failed |= part.failed;
    kin_text_free(&part);
}

/* A mark and a name for each curve that has one, in lines above the plot; returns the number of lines. The
 * first pass only counts them. */
static int lay_legend(const plot *p, const kin_curves *chart, bool draw)
{
    const double mark = 24, letter = 7.2, gap = 22;
    double x = 0, width = p->right - p->left;
    int lines = 0;
    for (int k = 0; k < chart->n_curves; k++) {
        const char *name = chart->curves[k].name;
        int most = (int)((width - mark) / letter);
        double wide = mark + letter * fmin(length_of(name), most);
        if (!name) continue;
        if (!lines || x + wide > width) x = 0, lines++;
        if (draw) {
            double y = TOP + LEGEND * (lines - 1) + 6, from = p->left + x;
            kin_text_add(p->out, "<line ");
            add_look(p->out, k);
            kin_text_format(p->out, " stroke-width=\"3\" x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\"/>", from,
                            from + 18, y - 4, y - 4);
            kin_text_format(p->out, "<text x=\"%g\" y=\"%g\">", from + mark, y);
            add_shortened(p->out, name, most);
            kin_text_add(p->out, "</text>");
        }
        x += wide + gap;
    }
    return lines;
}

/* A path that is never finer than the screen: within one column of pixels only the least and the greatest
 * value are drawn. */
typedef struct pen {
    const plot *plot;
    bool down;     /* a line has begun */
    double column; /* the column being gathered; NaN: none */
    double x, low, high, last;
} pen;

/* The h0 makes a dot of a point that stays alone. */
static void pen_point(pen *n, double x, double y)
{
    kin_text_format(n->plot->out, n->down ? "L%.1f %.1f" : "M%.1f %.1fh0", x, y);
    n->down = true;
}

static void pen_flush(pen *n)
{
    if (isnan(n->column)) return;
    double y[3] = {at_y(n->plot, n->low), at_y(n->plot, n->high), at_y(n->plot, n->last)};
    if (n->low < n->high) {
        pen_point(n, n->x, y[0]);
        pen_point(n, n->x, y[1]);
    }
    if (n->last != n->high || n->low == n->high) pen_point(n, n->x, y[2]);
    n->column = NAN;
}

static void pen_to(pen *n, double x, double y)
{
    double column = floor(x);
    if (column != n->column) {
        pen_flush(n);
        *n = (pen){.plot = n->plot, .down = n->down, .column = column, .x = x, .low = y, .high = y};
    }
    n->low = fmin(n->low, y), n->high = fmax(n->high, y), n->last = y;
}

/* Round ends make dots of points that are drawn without a line. */
static void draw_points(const plot *p, const kin_curve *c, int which)
{
    kin_text_format(p->out,
                    "<path class=\"s%d\" fill=\"none\" stroke-linecap=\"round\" stroke-width=\"6\" d=\"",
                    which % COLOURS);
    for (int64_t i = 0; i < c->count; i++)
        if (drawable(c, i)) kin_text_format(p->out, "M%.1f %.1fh0", at_x(p, c->x[i]), at_y(p, c->y[i]));
    kin_text_add(p->out, "\"/>");
}

static void draw_path(const plot *p, const kin_curve *c, int which, bool averaged)
{
    average a = average_new(c);
    pen n = {.plot = p, .column = NAN};
    kin_text_add(p->out, "<path ");
    add_look(p->out, which);
    kin_text_format(
        p->out,
        " fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" stroke-width=\"%s\"%s d=\"",
        averaged || !c->smooth ? "2" : "1", averaged || !c->smooth ? "" : " stroke-opacity=\".35\"");
    for (int64_t i = 0; i < c->count; i++) {
        if (drawable(c, i)) {
            pen_to(&n, at_x(p, c->x[i]), averaged ? average_add(&a, c->y[i]) : c->y[i]);
        } else {
            pen_flush(&n);
            n.down = false;
        }
    }
    pen_flush(&n);
    kin_text_add(p->out, "\"/>");
    if (!c->smooth && c->count <= SPARSE) draw_points(p, c, which);
}

static bool empty(const kin_curves *chart)
{
    for (int k = 0; k < chart->n_curves; k++) {
        for (int64_t i = 0; i < chart->curves[k].count; i++) {
            if (drawable(&chart->curves[k], i)) return false;
        }
    }
    return true;
}

static void draw_curves(const plot *p, const kin_curves *chart)
{
    enum { FEW = 3 }; /* with more curves, single values hide the averages of the others */
    for (int k = 0; k < chart->n_curves && chart->n_curves <= FEW; k++)
        if (chart->curves[k].smooth) draw_path(p, &chart->curves[k], k, false);
    for (int k = 0; k < chart->n_curves; k++) draw_path(p, &chart->curves[k], k, chart->curves[k].smooth);
}

/* The plot keeps its height however many lines the legend has. */
static plot make_plot(kin_text *out, const kin_curves *chart)
{
    plot p = {.out = out,
              .width = chart->width > 0 ? chart->width : 720,
              .height = chart->height > 0 ? chart->height : 360};
    p.left = LEFT + (chart->y_label ? TITLE : 0), p.right = p.width - RIGHT;
    int lines = lay_legend(&p, chart, false);
    p.height += LEGEND * (lines > 1 ? lines - 1 : 0);
    p.top = TOP + LEGEND * lines, p.bottom = p.height - BOTTOM;
    return p;
}

/* `top`: of a chart below others in one drawing. */
static void draw_chart(kin_text *out, const kin_curves *chart, int top)
{
    plot p = make_plot(out, chart);
    find_ranges(chart, &p.x, &p.y);
    kin_text_format(out,
                    "<svg class=\"kin-chart\" y=\"%d\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                    "role=\"img\" aria-label=\"",
                    top, p.width, p.height, p.width, p.height);
    kin_markup_add(out, chart->title);
    kin_text_add(out, "\">");
    lay_legend(&p, chart, true);
    if (empty(chart)) {
        kin_text_format(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">no values yet</text></svg>",
                        p.width / 2, p.height / 2);
        return;
    }
    draw_axes(&p, chart);
    draw_curves(&p, chart);
    kin_text_add(out, "</svg>");
}

void kin_svg_curves(kin_text *out, const kin_curves *chart) { draw_chart(out, chart, 0); }

bool kin_svg_write_curves(const char *path, const kin_curves *charts, int count, kin_error *err)
{
    kin_text text = {0};
    int width = 0, height = 0;
    for (int i = 0; i < count; i++) {
        plot p = make_plot(&text, &charts[i]);
        width = p.width > width ? p.width : width, height += p.height;
    }
    kin_text_format(
        &text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kin-chart\" width=\"%d\" height=\"%d\" "
        "viewBox=\"0 0 %d %d\"><style>",
        width, height, width, height);
    kin_text_add(&text, kin_svg_style);
    kin_text_format(&text, "</style><rect class=\"paper\" width=\"%d\" height=\"%d\"/>", width, height);
    for (int i = 0, top = 0; i < count; i++) {
        draw_chart(&text, &charts[i], top);
        top += make_plot(&text, &charts[i]).height;
    }
    kin_text_add(&text, "</svg>\n");
    bool ok = text.failed ? kin_fail_memory(err, path, text.capacity)
                          : kin_write_file(path, text.data, text.size, err);
    kin_text_free(&text);
    return ok;
}

/* ---- Bars ---- */

/* Lengths are percentages of an inner drawing that leaves room for the number behind the longest bar. */
static void draw_bar(kin_text *out, double value, int which, double y, double height)
{
    kin_text_format(out, "<rect class=\"track\" y=\"%g\" width=\"100%%\" height=\"%g\" rx=\"3\"/>", y,
                    height);
    double length = isfinite(value) ? 100 * fmin(fmax(value, 0), 1) : 0;
    if (length > 0)
        kin_text_format(out, "<rect class=\"b%d\" y=\"%g\" width=\"%.2f%%\" height=\"%g\" rx=\"3\"/>", which,
                        y, length, height);
    kin_text_format(out, "<text%s x=\"100%%\" dx=\"8\" y=\"%g\">", which ? "" : " class=\"strong\"",
                    y + height / 2 + 4.5);
    if (isfinite(value)) kin_text_format(out, "%.3f</text>", value);
    else kin_text_add(out, "–</text>");
}

void kin_svg_bars(kin_text *out, const char *title, const char *const value_names[2], const kin_bar *bars,
                  int n_bars)
{
    enum { HEAD = 30, EACH = 62 };
    kin_text_format(out, "<svg class=\"kin-chart\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"",
                    HEAD + EACH * n_bars);
    kin_markup_add(out, title);
    kin_text_add(out, "\">");
    for (int v = 0; v < 2; v++) {
        int x = v ? 26 + 9 * (int)strlen(value_names[0]) + 20 : 0;
        kin_text_format(out,
                        "<rect class=\"b%d\" x=\"%d\" y=\"4\" width=\"14\" height=\"14\" rx=\"3\"/><text "
                        "x=\"%d\" y=\"16\">",
                        v, x, x + 20);
        kin_markup_add(out, value_names[v]);
        kin_text_add(out, "</text>");
    }
    kin_text_add(out, "<svg width=\"82%\" height=\"100%\" overflow=\"visible\">");
    for (int i = 0; i < n_bars; i++) {
        double y = HEAD + EACH * i;
        kin_text_format(out, "<text class=\"strong\" y=\"%g\">", y + 14);
        kin_markup_add(out, bars[i].name);
        kin_text_add(out, "</text>");
        draw_bar(out, bars[i].values[0], 0, y + 21, 14);
        draw_bar(out, bars[i].values[1], 1, y + 38, 10);
    }
    kin_text_add(out, "</svg></svg>");
}
