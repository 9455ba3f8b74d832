/* A network as a table for the terminal, as Graphviz text, and as a drawing. */
#ifndef KIN_CLI_PAGES_GRAPH_H
#define KIN_CLI_PAGES_GRAPH_H

#include "base/text.h"
#include "nn/summary.h"

/* "11,689,512" and "118.0 M": in one of eight rotating buffers. */
const char *kin_grouped(int64_t n);
const char *kin_scaled(double n);
/* "64x112x112": channels first, without the batch, as people write shapes. */
const char *kin_shape_shown(kin_shape s);

void kin_graph_table(kin_text *out, const kin_summary *s);
void kin_graph_dot(kin_text *out, const kin_summary *s, const char *title);
/* A list from top to bottom; what is read later than by the next row is an arc at the right. A file of its
 * own. */
void kin_graph_svg(kin_text *out, const kin_summary *s, const char *title);

/* Lets every layer read the parts of a concatenation without a name instead of the concatenation itself, to be
 * drawn: of a summary that is not folded yet. */
bool kin_graph_see_through(kin_summary *s, kin_error *err);

#endif
