/* How far pictures of one thing lie apart, and pictures of different things: two heaps that a good embedding
 * keeps apart. */
#include "base/memory.h"
#include "cli/learn/figure.h"

#include <math.h>

enum { BINS = 40, MOST = 3000, WIDTH = 640, LEFT = 30, BOTTOM = 230, HIGH = 180 };

typedef struct heap {
    double bin[BINS], sum, count, beyond; /* beyond: what the last bin holds of farther ones */
} heap;

static double cosine_distance(kin_vectors v, int64_t i, int64_t j)
{
    return 1 - kin_cosine(kin_row(v, i), kin_row(v, j), v.dim);
}

static void add(heap *h, double d, double widest)
{
    int bin = (int)(d / widest * BINS);
    h->bin[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
    h->sum += d, h->count++, h->beyond += bin >= BINS;
}

static void gather(kin_vectors v, const int64_t *label, double widest, heap heaps[2])
{
    for (int64_t i = 0; i < v.count; i++)
        for (int64_t j = i + 1; j < v.count; j++) {
            if (label[i] < 0 || label[j] < 0) continue;
            add(&heaps[label[i] != label[j]], cosine_distance(v, i, j), widest);
        }
}

/* Of each picture the nearest of its label and the nearest of another: what a threshold is about. */
static void gather_nearest(kin_vectors v, const int64_t *label, double widest, heap heaps[2])
{
    for (int64_t i = 0; i < v.count; i++) {
        double nearest[2] = {INFINITY, INFINITY};
        for (int64_t j = 0; j < v.count; j++) {
            if (j == i || label[i] < 0 || label[j] < 0) continue;
            double *least = &nearest[label[i] != label[j]];
            *least = fmin(*least, cosine_distance(v, i, j));
        }
        for (int which = 0; which < 2; which++)
            if (isfinite(nearest[which])) add(&heaps[which], nearest[which], widest);
    }
}

/* The share of both heaps that lies on the other's side of one best cut: 0 when they are apart, a half when
 * they are one. */
static double overlap(const heap heaps[2])
{
    double same = 0, others = 0, least = 1;
    for (int b = 0; b < BINS; b++) {
        same += heaps[0].bin[b] / heaps[0].count, others += heaps[1].bin[b] / heaps[1].count;
        least = fmin(least, (1 - same + others) / 2);
    }
    return fmin(least, .5);
}

static void draw_heap(kin_text *svg, const heap *h, double tallest, int which)
{
    double width = (double)(WIDTH - 2 * LEFT) / BINS;
    for (int b = 0; b < BINS; b++) {
        double height = h->bin[b] / h->count / tallest * HIGH;
        if (height <= 0) continue;
        kin_text_format(
            svg,
            "<rect class=\"b%d\" fill-opacity=\".75\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
            which, LEFT + b * width + which * width / 2, BOTTOM - height, width / 2, height);
    }
    kin_text_add(svg, "\n");
}

static double place(double distance, double widest)
{
    return LEFT + fmin(distance / widest, 1) * (WIDTH - 2 * LEFT);
}

/* `mark`: where a line stands; NaN: none. */
static void draw(kin_text *svg, const heap heaps[2], double widest, double mark)
{
    double tallest = 1e-9;
    for (int b = 0; b < 2 * BINS; b++)
        tallest = fmax(tallest, heaps[b / BINS].bin[b % BINS] / heaps[b / BINS].count);
    kin_figure_begin(svg, WIDTH, 270, "Distances within classes and between them");
    kin_text_format(svg,
                    "<rect class=\"b0\" x=\"%d\" y=\"10\" width=\"14\" height=\"14\"/><text x=\"%d\" "
                    "y=\"22\">of one thing</text>"
                    "<rect class=\"b1\" x=\"%d\" y=\"10\" width=\"14\" height=\"14\"/><text x=\"%d\" "
                    "y=\"22\">of different things</text>",
                    LEFT, LEFT + 20, LEFT + 150, LEFT + 170);
    for (int which = 1; which >= 0; which--) draw_heap(svg, &heaps[which], tallest, which);
    kin_text_format(svg, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>", LEFT, WIDTH - LEFT,
                    BOTTOM, BOTTOM);
    bool more = heaps[0].beyond + heaps[1].beyond > 0;
    for (int i = 0; i <= 4; i++)
        kin_text_format(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%.3g%s</text>",
                        LEFT + i * (WIDTH - 2 * LEFT) / 4, BOTTOM + 16, i == 4 ? "end" : "middle",
                        widest * i / 4, i == 4 && more ? " and more" : "");
    if (!isnan(mark))
        kin_text_format(svg,
                        "<line class=\"axis\" stroke-dasharray=\"5 4\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" "
                        "y2=\"%d\"/><text x=\"%.1f\" y=\"%d\">%.3g</text>",
                        place(mark, widest), place(mark, widest), BOTTOM - HIGH - 14, BOTTOM,
                        place(mark, widest) + 5, BOTTOM - HIGH - 4, mark);
    kin_text_format(svg,
                    "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">cosine distance</text><text x=\"%d\" "
                    "y=\"%d\">height: the share of its kind</text>\n",
                    WIDTH - LEFT, BOTTOM + 34, LEFT, BOTTOM + 34);
}

bool kin_figure_distances(const kin_cli *cli, kin_error *err)
{
    kin_embeddings set;
    int64_t *label;
    heap heaps[2] = {0};
    kin_text svg = {0};
    double widest = kin_option_real(cli, "widest");
    if (!kin_figure_gallery(cli, MOST, &set, &label, err)) return false;
    bool nearest = kin_option_flag(cli, "nearest");
    double mark = kin_option_given(cli, "mark") ? kin_option_real(cli, "mark") : NAN;
    (nearest ? gather_nearest : gather)(kin_embeddings_vectors(&set), label, widest, heaps);
    kin_free(label);
    kin_embeddings_free(&set);
    if (heaps[0].count == 0 || heaps[1].count == 0)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: pairs of one label and of different labels were expected",
                        kin_option_string(cli, "gallery"));
    static const char *const names[2][3] = {
        {"mean distance of pictures of one thing", "mean distance of pictures of different things",
         "pairs on the wrong side of the best cut"},
        {"mean distance of the nearest of one thing", "mean distance of the nearest of another",
         "of these on the wrong side of the best cut"}};
    for (int which = 0; which < 2; which++)
        printf("%-45s %.3f\n", names[nearest][which], heaps[which].sum / heaps[which].count);
    printf("%-45s %.1f %%\n", names[nearest][2], 100 * overlap(heaps));
    draw(&svg, heaps, widest, mark);
    return kin_figure_write(cli, &svg, err);
}
