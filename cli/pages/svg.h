/* Drawings for people: curves and bars as SVG. Text sizes are real pixels at every width; colours are
 * classes, so that they follow the reader's light or dark scheme. */
#ifndef KIN_CLI_PAGES_SVG_H
#define KIN_CLI_PAGES_SVG_H

#include "base/text.h"

typedef struct kin_curve {
    const char *name;    /* in the legend; NULL: not there */
    const double *x, *y; /* [count], borrowed; points that are not finite leave a gap */
    int64_t count;
    bool smooth; /* draw the values faintly, and their moving average over them */
} kin_curve;

typedef struct kin_curves {
    const char *title;             /* what a screen reader says */
    const char *x_label, *y_label; /* of the axes, with their units */
    const kin_curve *curves;
    int n_curves;
    int width, height; /* pixels; 0: 720 × 360 */
} kin_curves;

/* Eighteen curves are told apart by colour and dashes; further ones look like the first again. */
enum { KIN_SVG_CURVES = 18 };

/* Appends an <svg> element. Its colours come from kin_svg_style. */
void kin_svg_curves(kin_text *out, const kin_curves *chart);

/* Writes them one below the other as a file of its own (RUN/curve.svg), style included. */
bool kin_svg_write_curves(const char *path, const kin_curves *charts, int count, kin_error *err);

typedef struct kin_bar {
    const char *name;
    double values[2]; /* 0 .. 1; NaN: "not measured" */
} kin_bar;

/* Appends an <svg> of horizontal bars, two for each name, as wide as what holds it. `value_names` are the
 * two values'. */
void kin_svg_bars(kin_text *out, const char *title, const char *const value_names[2], const kin_bar *bars,
                  int n_bars);

/* The CSS that goes with the elements above, for a page's <style>. */
extern const char *const kin_svg_style;

/* A round step for about `wanted` ticks over `span` > 0: 1, 2 or 5 times a power of ten. */
double kin_tick_step(double span, int wanted);

#endif
