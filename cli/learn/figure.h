/* The drawings of the lessons, kin learn --draw NAME: small enough to be checked by hand, and computed by the
 * library's own functions. Each prints the numbers that it draws. */
#ifndef KIN_CLI_LEARN_FIGURE_H
#define KIN_CLI_LEARN_FIGURE_H

#include "base/text.h"
#include "cli/options/command.h"
#include "data/images/image.h"
#include "retrieval/lists/items.h"

typedef struct kin_figure {
    const char *name, *shows;
    bool gallery; /* needs --gallery */
    bool (*draw)(const kin_cli *cli, kin_error *err);
} kin_figure;

/* ends with {0} */
extern const kin_figure kin_figures[];

bool kin_figure_tape(const kin_cli *cli, kin_error *err);
bool kin_figure_conv(const kin_cli *cli, kin_error *err);
bool kin_figure_norm(const kin_cli *cli, kin_error *err);
bool kin_figure_lists(const kin_cli *cli, kin_error *err);
bool kin_figure_distances(const kin_cli *cli, kin_error *err);
bool kin_figure_map(const kin_cli *cli, kin_error *err);
bool kin_figure_flow(const kin_cli *cli, kin_error *err);
bool kin_figure_reciprocal(const kin_cli *cli, kin_error *err);

/* ---- what they share ---- */

/* Reads --gallery and numbers its labels (-1: none), from kin_alloc. Refuses fewer than two items, and more
 * than `most`. */
bool kin_figure_gallery(const kin_cli *cli, int64_t most, kin_embeddings *set, int64_t **label,
                        kin_error *err);

/* The picture of an item, in RGB: the set must tell its paths. */
bool kin_figure_picture(const kin_embeddings *set, int64_t item, kin_image *out, kin_error *err);

/* An <svg> of its own with the style of charts, to be ended with kin_figure_write, which adds its end. */
void kin_figure_begin(kin_text *svg, int width, int height, const char *title);
bool kin_figure_write(const kin_cli *cli, kin_text *svg, kin_error *err);

#endif
