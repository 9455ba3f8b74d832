#include "cli/pages/graph.h"

#include "base/memory.h"
#include "cli/pages/markup.h"
#include "cli/pages/svg.h"

#include <stdio.h>
#include <string.h>

enum { TEXTS = 8, TEXT_SIZE = 48 };

static char *next_text(void)
{
    static char texts[TEXTS][TEXT_SIZE];
    static int at;
    return texts[at++ % TEXTS];
}

const char *kin_grouped(int64_t n)
{
    char digits[32], *out = next_text();
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), used = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-') out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
    return out;
}

const char *kin_scaled(double n)
{
    char *out = next_text();
    const char *unit = n >= 1e9 ? " G" : n >= 1e6 ? " M" : n >= 1e3 ? " k" : "";
    double by = n >= 1e9 ? 1e9 : n >= 1e6 ? 1e6 : n >= 1e3 ? 1e3 : 1;
    snprintf(out, TEXT_SIZE, by > 1 ? "%.2f%s" : "%.0f%s", n / by, unit);
    return out;
}

const char *kin_shape_shown(kin_shape s)
{
    char *out = next_text();
    int used = snprintf(out, TEXT_SIZE, "%lld", (long long)s.dim[s.ndim - 1]);
    for (int i = 1; i < s.ndim - 1; i++)
        used += snprintf(out + used, (size_t)(TEXT_SIZE - used), "x%lld", (long long)s.dim[i]);
    return out;
}

static const char *called(const kin_layer *l) { return *l->name ? l->name : l->op; }
static const char *what(const kin_layer *l) { return *l->name ? l->op : ""; }

/* ---- table ---- */

static int widest(const kin_summary *s)
{
    size_t most = strlen("layer");
    for (int i = 0; i < s->count; i++)
        most = strlen(called(&s->layers[i])) > most ? strlen(called(&s->layers[i])) : most;
    return (int)most;
}

void kin_graph_table(kin_text *out, const kin_summary *s)
{
    int w = widest(s);
    kin_text_format(out, "%-*s  %-16s %14s %12s %11s %11s\n", w, "layer", "op", "output", "parameters",
                    "MACs", "bytes");
    kin_text_format(out, "%-*s  %-16s %14s\n", w, "input", "", kin_shape_shown(s->input));
    for (int i = 0; i < s->count; i++) {
        const kin_layer *l = &s->layers[i];
        kin_text_format(out, "%-*s  %-16s %14s %12s %11s %11s\n", w, called(l), what(l),
                        kin_shape_shown(l->shape), l->parameters ? kin_grouped(l->parameters) : "",
                        l->macs > 0 ? kin_scaled(l->macs) : "", l->bytes ? kin_scaled((double)l->bytes) : "");
    }
    kin_text_format(out, "%-*s  %-16s %14s %12s %11s %11s\n", w, "together", "", kin_shape_shown(s->output),
                    kin_grouped(s->parameters), kin_scaled(s->macs), kin_scaled((double)s->bytes));
}

/* ---- Graphviz ---- */

static void quoted(kin_text *out, const char *text)
{
    kin_text_add(out, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') kin_text_add(out, "\\");
        kin_text_add_bytes(out, text, 1);
    }
    kin_text_add(out, "\"");
}

void kin_graph_dot(kin_text *out, const kin_summary *s, const char *title)
{
    kin_text_add(out, "digraph ");
    quoted(out, title);
    /* A DenseNet's layers read all before them; unbounded, dot places 900 such edges for a quarter of an
     * hour. */
    kin_text_format(out,
                    " {\n  graph [nslimit=1, nslimit1=1, mclimit=0.1];\n  node [shape=box, "
                    "fontname=\"sans-serif\"];\n  input [label=\"input\\n%s\"];\n",
                    kin_shape_shown(s->input));
    for (int i = 0; i < s->count; i++) {
        const kin_layer *l = &s->layers[i];
        kin_text_format(out, "  l%d [label=\"%s\\n%s%s%s\"];\n", i, called(l), what(l), *what(l) ? "  " : "",
                        kin_shape_shown(l->shape));
        for (int k = 0; k < l->n_in; k++) {
            if (l->in[k] < 0) kin_text_format(out, "  input -> l%d;\n", i);
            else kin_text_format(out, "  l%d -> l%d;\n", l->in[k], i);
        }
    }
    kin_text_add(out, "}\n");
}

/* ---- drawing ---- */

enum {
    ROW = 26,
    BOX = 20,
    BOX_LEFT = 12,
    LETTER = 8,
    OP_WIDTH = 110,
    SHAPE_WIDTH = 110,
    TOP = 40,
    LANE = 11,
    LANES = 64
};

/* Where the columns stand: names take what they need. */
typedef struct columns {
    int op, right;
} columns;

static int y_of(int row) { return TOP + (row + 1) * ROW; } /* row −1 is the input */

static void box(kin_text *out, columns at, int row, const char *name, const char *op, const kin_layer *l,
                kin_shape shape)
{
    int y = y_of(row), text = y + 14;
    kin_text_add(out, "<g>");
    if (l && l->parameters)
        kin_text_format(out, "<title>%s parameters, %s MACs</title>", kin_grouped(l->parameters),
                        kin_scaled(l->macs));
    kin_text_format(out,
                    "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/><text "
                    "class=\"strong\" x=\"%d\" y=\"%d\">",
                    l && l->parameters ? "b1" : "track", BOX_LEFT, y, at.right - BOX_LEFT, BOX, BOX_LEFT + 8,
                    text);
    kin_markup_add(out, name);
    kin_text_format(out, "</text><text x=\"%d\" y=\"%d\">", at.op, text);
    kin_markup_add(out, op);
    kin_text_format(out, "</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text></g>\n", at.right - 8,
                    text, kin_shape_shown(shape));
}

/* From a row to the next: a short arrow. */
static void down(kin_text *out, int from)
{
    kin_text_format(out, "<path class=\"axis\" d=\"M40 %dv%d\" fill=\"none\"/>\n", y_of(from) + BOX,
                    ROW - BOX);
}

/* From a row to those below that read it, over others: one line beside the boxes, with an arrow to each. So a
 * skip is an arc, and a dense block a comb for each of its layers. */
static void comb(kin_text *out, int x, int lane, int from, const int *to, int count)
{
    int reach = x + LANE * (lane + 1), y0 = y_of(from) + BOX - 5, y1 = y_of(to[count - 1]) + 5;
    kin_text_format(out, "<path class=\"s%d\" d=\"M%d %dH%dq6 0 6 6V%d", lane % 6, x, y0, reach, y1 - 6);
    for (int k = 0; k < count; k++) {
        int y = y_of(to[k]) + 5;
        kin_text_format(out, "M%d %dq0 6 -6 6H%dm5 -3.5l-5 3.5l5 3.5", reach + 6, y - 6, x);
    }
    kin_text_add(out, "\" fill=\"none\"/>\n");
}

static bool reads(const kin_layer *l, int from)
{
    for (int k = 0; k < l->n_in; k++)
        if (l->in[k] == from) return true;
    return false;
}

/* In the order of their beginnings, each in the first lane that is free by then, so that a lane that is free
 * stays free. */
static int arcs(kin_text *out, int x, const kin_summary *s)
{
    int busy_until[LANES], lanes = 0, *to = kin_alloc_array((size_t)s->count + 1, sizeof *to);
    if (!to) return out->failed = true, 0;
    for (int i = 0; i < LANES; i++) busy_until[i] = -2;
    for (int from = -1; from < s->count; from++) {
        int count = 0, lane = 0;
        if (from + 1 < s->count && reads(&s->layers[from + 1], from)) down(out, from);
        for (int i = from + 2; i < s->count; i++)
            if (reads(&s->layers[i], from)) to[count++] = i;
        if (!count) continue;
        while (lane < LANES - 1 && busy_until[lane] > from) lane++;
        busy_until[lane] = to[count - 1];
        comb(out, x, lane, from, to, count);
        lanes = lane + 1 > lanes ? lane + 1 : lanes;
    }
    kin_free(to);
    return lanes;
}

/* What reads two of its own shape adds them; a concatenation is as wide as its parts together. */
static bool adds(const kin_summary *s, const kin_layer *l)
{
    for (int k = 0; k < l->n_in; k++)
        if (!kin_shape_equal(l->in[k] < 0 ? s->input : s->layers[l->in[k]].shape, l->shape)) return false;
    return l->n_in > 1 && *l->op;
}

/* As papers draw it, where the skip comes in. */
static void plus(kin_text *out, int x, int row)
{
    int y = y_of(row) + BOX / 2;
    kin_text_format(out,
                    "<g class=\"plus\"><title>what comes from both is added here</title>"
                    "<circle class=\"track\" cx=\"%d\" cy=\"%d\" r=\"7\" stroke=\"currentColor\"/>"
                    "<path class=\"axis\" d=\"M%d %dh8m-4 -4v8\" stroke-width=\"2\"/></g>\n",
                    x, y, x - 4, y);
}

void kin_graph_svg(kin_text *out, const kin_summary *s, const char *title)
{
    kin_text body = {0};
    int op = BOX_LEFT + 16 + LETTER * widest(s);
    columns at = {op, op + OP_WIDTH + SHAPE_WIDTH};
    int lanes = arcs(&body, at.right, s), height = y_of(s->count) + 10, width = at.right + LANE * (lanes + 2);
    box(&body, at, -1, "input", "", NULL, s->input);
    for (int i = 0; i < s->count; i++)
        box(&body, at, i, called(&s->layers[i]), what(&s->layers[i]), &s->layers[i], s->layers[i].shape);
    for (int i = 0; i < s->count; i++)
        if (adds(s, &s->layers[i])) plus(&body, at.right + 8, i);
    kin_text_format(out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kin-chart\" width=\"%d\" "
                    "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\"><title>",
                    width, height, width, height);
    kin_markup_add(out, title);
    kin_text_format(out,
                    "</title><style>%s</style><rect class=\"paper\" width=\"%d\" height=\"%d\"/><text "
                    "class=\"strong\" x=\"%d\" y=\"26\">",
                    kin_svg_style, width, height, BOX_LEFT);
    kin_markup_add(out, title);
    kin_text_format(out, ": %s parameters, %sMACs</text>%s</svg>\n", kin_grouped(s->parameters),
                    kin_scaled(s->macs), body.data && !body.failed ? body.data : "");
    out->failed = out->failed || body.failed;
    kin_text_free(&body);
}
