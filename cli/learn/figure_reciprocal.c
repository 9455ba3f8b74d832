/* k-reciprocal neighbours of a few pictures: who is among whose nearest, and who is so mutually. */
#include "base/memory.h"
#include "cli/learn/figure.h"
#include "cli/pages/thumbnail.h"
#include "retrieval/search/search.h"

#include <math.h>

enum { MOST = 16, SIDE = 520, PICTURE = 56 };

typedef struct graph {
    int n, k;
    bool near[MOST][MOST]; /* [i][j]: j is among the k nearest of i */
} graph;

static bool find(kin_vectors v, graph *g, kin_neighbours *found, kin_error *err)
{
    if (g->k >= g->n)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--k %d: fewer than the %d pictures were expected", g->k,
                        g->n);
    kin_search_opt opt = {.k = g->k, .metric = KIN_COSINE, .leave_one_out = true};
    if (!kin_search(v, v, &opt, found, err)) return false;
    for (int i = 0; i < g->n; i++)
        for (int a = 0; a < g->k; a++) g->near[i][found->index[i * g->k + a]] = true;
    return true;
}

/* i: its nearest, in order; those that do not have i among theirs in brackets. */
static void print(const graph *g, const kin_neighbours *found, const int64_t *label)
{
    int right[2] = {0}, all[2] = {0};
    printf("picture  %d nearest, (not mutual)\n", g->k);
    for (int i = 0; i < g->n; i++) {
        printf("%7d ", i);
        for (int a = 0; a < g->k; a++) {
            int j = (int)found->index[i * g->k + a];
            bool mutual = g->near[j][i], same = label[i] >= 0 && label[i] == label[j];
            printf(mutual ? "  %d " : " (%d)", j);
            all[0]++, right[0] += same, all[1] += mutual, right[1] += mutual && same;
        }
        printf("\n");
    }
    printf("of the same thing: %d of %d nearest, %d of %d mutual ones\n", right[0], all[0], right[1], all[1]);
}

static double centre(const graph *g, int i, int axis)
{
    double angle = 6.283185307179586 * i / g->n - 1.5707963267948966;
    return SIDE / 2.0 + (SIDE / 2.0 - PICTURE) * (axis ? sin(angle) : cos(angle));
}

static void join(kin_text *svg, const graph *g, int i, int j, bool mutual)
{
    kin_text_format(
        svg, "<line class=\"%s\" stroke-width=\"%d\"%s x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
        mutual ? "s2" : "axis", mutual ? 4 : 1, mutual ? "" : " stroke-dasharray=\"4 4\"", centre(g, i, 0),
        centre(g, i, 1), centre(g, j, 0), centre(g, j, 1));
}

/* Its frame's colour is the class's. */
static bool picture(kin_text *svg, const kin_embeddings *set, const int64_t *label, const graph *g, int i,
                    kin_error *err)
{
    kin_image image;
    kin_text uri = {0};
    double x = centre(g, i, 0) - PICTURE / 2.0, y = centre(g, i, 1) - PICTURE / 2.0;
    if (!kin_figure_picture(set, i, &image, err)) return false;
    bool ok = kin_thumbnail_add(&uri, &image, PICTURE, err);
    kin_image_free(&image);
    kin_text_format(svg, "<image x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" href=\"", x, y, PICTURE,
                    PICTURE);
    kin_text_add(svg, ok && !uri.failed ? uri.data : "");
    kin_text_format(svg, "\"/><text class=\"strong\" x=\"%.1f\" y=\"%.1f\">%d</text>\n", x + PICTURE + 5,
                    y + 12, i);
    if (label[i] >= 0)
        kin_text_format(
            svg,
            "<rect class=\"s%d\" fill=\"none\" stroke-width=\"4\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" "
            "height=\"%d\" rx=\"3\"/>\n",
            (int)(label[i] % 6), x, y, PICTURE, PICTURE);
    svg->failed |= uri.failed;
    kin_text_free(&uri);
    return ok;
}

static bool draw(const kin_cli *cli, const kin_embeddings *set, const int64_t *label, const graph *g,
                 kin_error *err)
{
    kin_text svg = {0};
    kin_figure_begin(&svg, SIDE, SIDE, "Nearest and mutually nearest pictures");
    for (int i = 0; i < g->n; i++)
        for (int j = 0; j < g->n; j++) {
            bool mutual = g->near[i][j] && g->near[j][i];
            if (g->near[i][j] && (!mutual || i < j)) join(&svg, g, i, j, mutual);
        }
    bool ok = true;
    for (int i = 0; ok && i < g->n; i++) ok = picture(&svg, set, label, g, i, err);
    if (ok) return kin_figure_write(cli, &svg, err);
    kin_text_free(&svg);
    return false;
}

bool kin_figure_reciprocal(const kin_cli *cli, kin_error *err)
{
    kin_embeddings set;
    kin_neighbours found = {0};
    int64_t *label;
    graph g = {.k = (int)kin_option_int(cli, "k")};
    if (!kin_figure_gallery(cli, MOST, &set, &label, err)) return false;
    g.n = (int)set.items.count;
    bool ok = find(kin_embeddings_vectors(&set), &g, &found, err);
    if (ok) print(&g, &found, label);
    ok = ok && draw(cli, &set, label, &g, err);
    kin_neighbours_free(&found);
    kin_free(label);
    kin_embeddings_free(&set);
    return ok;
}
