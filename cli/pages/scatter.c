#include "cli/pages/scatter.h"

#include "cli/pages/markup.h"

#include <math.h>

enum { WIDTH = 360, HEIGHT = 290, LEFT = 74, RIGHT = 14, TOP = 10, BOTTOM = 48, SHADES = 5 };

static double at_x(double x) { return LEFT + fmin(fmax(x, 0), 1) * (WIDTH - LEFT - RIGHT); }
static double at_y(double y) { return HEIGHT - BOTTOM - fmin(fmax(y, 0), 1) * (HEIGHT - TOP - BOTTOM); }

static int shade(double strength)
{
    int s = (int)(fmin(fmax(strength, 0), 1) * SHADES);
    return s < SHADES ? s : SHADES - 1;
}

static void label(kin_text *out, double x, double y, const char *anchor, const char *text)
{
    kin_text_format(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    kin_markup_add(out, text);
    kin_text_add(out, "</text>");
}

static void draw_axes(kin_text *out, const kin_scatter *c)
{
    double middle = (TOP + HEIGHT - BOTTOM) / 2.0, bottom = HEIGHT - BOTTOM;
    for (int i = 0; i < c->y.n_ticks; i++) {
        double y = at_y(c->y.ticks[i].at);
        kin_text_format(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
                        WIDTH - RIGHT, y, y);
        label(out, LEFT - 8, y + 4, "end", c->y.ticks[i].label);
    }
    for (int i = 0; i < c->x.n_ticks; i++) {
        double x = at_x(c->x.ticks[i].at);
        kin_text_format(out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" y2=\"%g\"/>", x, x,
                        bottom, bottom + 5);
        label(out, x, bottom + 19, "middle", c->x.ticks[i].label);
    }
    kin_text_format(out, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%g\" y2=\"%g\"/>", LEFT,
                    WIDTH - RIGHT, bottom, bottom);
    kin_text_format(out, "<text class=\"title\" x=\"%g\" y=\"%d\" text-anchor=\"middle\">",
                    (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8);
    kin_markup_add(out, c->x.name);
    kin_text_format(
        out,
        "</text><text class=\"title\" x=\"14\" y=\"%g\" text-anchor=\"middle\" transform=\"rotate(-90 14 "
        "%g)\">",
        middle, middle);
    kin_markup_add(out, c->y.name);
    kin_text_add(out, "</text>");
}

/* The strong ones last, over the others. */
static void draw_points(kin_text *out, const kin_scatter *c)
{
    for (int layer = 0; layer < SHADES; layer++)
        for (int64_t i = 0; i < c->count; i++) {
            const kin_scatter_point *p = &c->points[i];
            if (shade(p->strength) != layer) continue;
            kin_text_format(out, "<circle class=\"p%d%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%g\"><title>", layer,
                            p->marked ? " ring" : "", at_x(p->x), at_y(p->y), 3.5 + 0.6 * layer);
            kin_markup_add(out, p->about);
            kin_text_add(out, "</title></circle>");
        }
}

void kin_svg_scatter(kin_text *out, const kin_scatter *c)
{
    kin_text_format(out,
                    "<svg class=\"kin-chart\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
                    "aria-label=\"",
                    WIDTH, HEIGHT, WIDTH, HEIGHT);
    kin_markup_add(out, c->title);
    kin_text_add(out, "\">");
    draw_axes(out, c);
    draw_points(out, c);
    kin_text_add(out, "</svg>");
}

void kin_svg_strengths(kin_text *out, const char *weak, const char *strong)
{
    kin_text_add(out, "<p class=\"soft strengths\">");
    kin_markup_add(out, weak);
    kin_text_add(out, " <svg class=\"kin-chart\" width=\"96\" height=\"18\" role=\"img\" aria-label=\"from "
                      "weak to strong\">");
    for (int s = 0; s < SHADES; s++)
        kin_text_format(out, "<circle class=\"p%d\" cx=\"%d\" cy=\"9\" r=\"%g\"/>", s, 10 + 19 * s,
                        3.5 + 0.6 * s);
    kin_text_add(out, "</svg> ");
    kin_markup_add(out, strong);
    kin_text_add(out, "</p>");
}
