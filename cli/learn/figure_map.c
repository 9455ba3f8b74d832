/* Descriptors on a plane: near there is near here, as far as a plane can tell. */
#include "base/memory.h"
#include "cli/learn/figure.h"
#include "cli/pages/markup.h"
#include "retrieval/describe/tsne.h"

enum { SIDE = 560, MARGIN = 24 };

static const char *const colours[] = {"#1d4ed8", "#c2410c", "#047857", "#a21caf", "#854d0e", "#0e7490",
                                      "#be123c", "#4d7c0f", "#6d28d9", "#475569", "#b45309", "#15803d"};

static double place(float v) { return SIDE / 2.0 + (double)v * (SIDE / 2.0 - MARGIN); }

static void mark(kin_text *svg, const kin_embeddings *set, const int64_t *label, int64_t i, const float at[2])
{
    const char *colour = label[i] < 0 ? "#888"
                                      : colours[label[i] % (int64_t)(sizeof colours / sizeof *colours)];
    double x = place(at[0]), y = place(at[1]);
    /* colours come again after twelve classes, the form does not */
    if (label[i] / 12 % 2)
        kin_text_format(
            svg,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"%s\" fill-opacity=\".8\"><title>",
            x - 5, y - 5, colour);
    else
        kin_text_format(svg,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" fill=\"%s\" fill-opacity=\".8\"><title>", x,
                        y, colour);
    kin_markup_add(svg, set->items.id[i]);
    kin_text_add(svg, label[i] / 12 % 2 ? "</title></rect>\n" : "</title></circle>\n");
}

bool kin_figure_map(const kin_cli *cli, kin_error *err)
{
    kin_embeddings set;
    int64_t *label;
    kin_text svg = {0};
    if (!kin_figure_gallery(cli, 1000, &set, &label, err)) return false;
    int64_t count = set.items.count;
    float *at = kin_alloc_array((size_t)count, 2 * sizeof *at);
    bool ok = (at || kin_fail_memory(err, "a map", (size_t)count * 2 * sizeof *at)) &&
              kin_tsne(kin_embeddings_vectors(&set), &(kin_tsne_opt){.perplexity = 8, .steps = 400}, at, NULL,
                       err);
    if (ok) {
        kin_figure_begin(&svg, SIDE, SIDE, "A map of descriptors");
        for (int64_t i = 0; i < count; i++) mark(&svg, &set, label, i, at + 2 * i);
        ok = kin_figure_write(cli, &svg, err);
    }
    kin_free(at);
    kin_free(label);
    kin_embeddings_free(&set);
    return ok;
}
