/* Points over two axes, each as strong as what it stands for is good. */
#ifndef KIN_CLI_PAGES_SCATTER_H
#define KIN_CLI_PAGES_SCATTER_H

#include "base/text.h"

#include <stdint.h>

typedef struct kin_scatter_tick {
    double at; /* 0 .. 1 along the axis */
    const char *label;
} kin_scatter_tick;

typedef struct kin_scatter_axis {
    const char *name;
    const kin_scatter_tick *ticks;
    int n_ticks;
} kin_scatter_axis;

typedef struct kin_scatter_point {
    double x, y;       /* 0 .. 1 */
    double strength;   /* 0 .. 1: how strong its colour is */
    bool marked;       /* with a ring */
    const char *about; /* under the pointer */
} kin_scatter_point;

typedef struct kin_scatter {
    const char *title, *note; /* above; below, paler: NULL: none */
    kin_scatter_axis x, y;
    const kin_scatter_point *points;
    int64_t count;
} kin_scatter;

/* Appends an <svg>; its colours come from kin_svg_style. */
void kin_svg_scatter(kin_text *out, const kin_scatter *chart);
/* Five swatches from weak to strong between two words. */
void kin_svg_strengths(kin_text *out, const char *weak, const char *strong);

#endif
