/* How a picture flows: what becomes of one, from its file to a page, with the shape of each thing, where it is kept, and the
 * file of the source that makes it. Of a real picture, a real network and real lists. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/learn/figure.h"
#include "cli/network/explained.h"
#include "cli/pages/heatmap.h"
#include "cli/pages/markup.h"
#include "cli/pages/thumbnail.h"
#include "retrieval/lists/ranks.h"

#include <math.h>

enum {
    WIDTH = 680,
    ROW = 92,
    PICTURE = 72,
    LEFT = 16,
    TEXT = 190,
    SOURCE = 500,
    LINE = 18,
    FOUND = 2,
    STEPS = 8
};

typedef struct flow {
    kin_text svg;
    int step;
} flow;

static int top_of(int step) { return 14 + step * ROW; }

static bool image(flow *f, int x, int y, int side, const kin_image *picture, kin_error *err)
{
    bool tiny = picture->width <= KIN_THUMBNAIL_TINY && picture->height <= KIN_THUMBNAIL_TINY;
    kin_text_format(&f->svg, "<image%s x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" href=\"",
                    tiny ? " style=\"image-rendering:pixelated\"" : "", x, y, side, side);
    bool ok = kin_thumbnail_add(&f->svg, picture, 2 * side, err);
    kin_text_add(&f->svg, "\"/>\n");
    return ok;
}

static void text(flow *f, int x, int y, const char *class, const char *words)
{
    kin_text_format(&f->svg, "<text%s x=\"%d\" y=\"%d\">", class, x, y);
    kin_markup_add(&f->svg, words);
    kin_text_add(&f->svg, "</text>\n");
}

/* A step: its name and what it is, where it is kept, and what of kin makes it; in the terminal, too. */
static void step(flow *f, const char *name, const char *shape, const char *kept, const char *source)
{
    int y = top_of(f->step) + 26;
    text(f, TEXT, y, " class=\"strong\"", name);
    text(f, TEXT, y + LINE, "", shape);
    if (*kept) text(f, TEXT, y + 2 * LINE, "", kept);
    text(f, SOURCE, y, "", *source ? "made by" : "");
    text(f, SOURCE, y + LINE, " class=\"strong\"", source);
    if (f->step)
        kin_text_format(
            &f->svg,
            "<path class=\"axis\" fill=\"none\" stroke-width=\"2\" d=\"M%d %dv14m-5 -5l5 5l5 -5\"/>\n",
            LEFT + PICTURE / 2, top_of(f->step) - 16);
    if (*source) printf("%-11s %-42s %s\n", name, shape, source);
    else printf("%-11s %s\n", name, shape);
    f->step++;
}

/* The numbers as bars, from the middle up and down. */
static void bars(flow *f, const float *row, int64_t dim)
{
    int top = top_of(f->step);
    double most = 1e-9, wide = 2.0 * PICTURE / (double)dim;
    for (int64_t d = 0; d < dim; d++) most = fmax(most, fabs((double)row[d]));
    for (int64_t d = 0; d < dim; d++) {
        double high = (double)row[d] / most * PICTURE / 2;
        kin_text_format(&f->svg, "<rect class=\"b0\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>",
                        LEFT + (double)d * wide, top + PICTURE / 2.0 - (high > 0 ? high : 0), wide * .8,
                        fabs(high));
    }
    kin_text_add(&f->svg, "\n");
}

/* How strongly each place of the map answers. */
static bool map(flow *f, const kin_seen *seen, kin_error *err)
{
    int n = seen->map.h * seen->map.w;
    kin_image shown = {0};
    float *length = kin_alloc_zero((size_t)n, sizeof *length);
    bool ok = length || kin_fail_memory(err, "a map", (size_t)n * sizeof *length);
    for (int i = 0; ok && i < n; i++) {
        double sum = 0;
        for (int64_t c = 0; c < seen->map.c; c++) {
            double v = (double)seen->map.data[i * seen->map.c + c];
            sum += v * v;
        }
        length[i] = (float)sqrt(sum);
    }
    ok = ok &&
         kin_heatmap_overlay(&seen->image, length, seen->map.h, seen->map.w,
                             &(kin_heatmap_opt){.opacity = .8}, &shown, err) &&
         image(f, LEFT, top_of(f->step), PICTURE, &shown, err);
    kin_image_free(&shown);
    kin_free(length);
    return ok;
}

/* The first few, right and wrong. */
static bool found(flow *f, const kin_embeddings *set, const int64_t *label, const kin_ranks *ranks,
                  kin_error *err)
{
    bool ok = true;
    for (int k = 0; ok && k < FOUND && k < ranks->offset[1]; k++) {
        kin_image picture;
        int64_t item = ranks->index[k];
        int x = LEFT + k * (PICTURE + 6);
        if (!kin_figure_picture(set, item, &picture, err)) return false;
        ok = image(f, x, top_of(f->step), PICTURE, &picture, err);
        kin_image_free(&picture);
        if (label[0] >= 0)
            kin_text_format(
                &f->svg,
                "<rect class=\"paper\" x=\"%d\" y=\"%d\" width=\"20\" height=\"20\" rx=\"4\"/><text "
                "class=\"strong\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                x + PICTURE - 20, top_of(f->step), x + PICTURE - 10, top_of(f->step) + 15,
                label[item] == label[0] ? "✓" : "✗");
    }
    return ok;
}

static bool size_of(const char *path, long *size, kin_error *err)
{
    kin_bytes bytes;
    if (!kin_read_file(path, 1 << 26, &bytes, err)) return false;
    *size = (long)bytes.size;
    kin_bytes_free(&bytes);
    return true;
}

static bool draw(const kin_cli *cli, flow *f, const kin_embeddings *set, const int64_t *label,
                 const kin_ranks *ranks, const kin_explained *e, kin_error *err)
{
    const kin_seen *seen = &e->seen[0];
    const kin_config *c = &e->network->config;
    const char *path = set->items.path[0], *gallery = kin_option_string(cli, "gallery");
    kin_image whole;
    char shape[96], kept[256];
    long bytes = 0;
    if (!seen->map.data)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--draw flow: a network with one last map was expected");
    if (!size_of(path, &bytes, err) || !kin_figure_picture(set, 0, &whole, err)) return false;
    kin_figure_begin(&f->svg, WIDTH, top_of(STEPS) + 4, "How a picture flows");
    bool ok = image(f, LEFT, top_of(0), PICTURE, &whole, err);
    snprintf(shape, sizeof shape, "%ld bytes", bytes);
    step(f, "file", shape, path, "");
    ok = ok && image(f, LEFT, top_of(1), PICTURE, &seen->image, err);
    snprintf(shape, sizeof shape, "%d x %d x %d numbers from 0 to 255", seen->image.height, seen->image.width,
             seen->image.channels);
    step(f, "pixels", shape, "as the network sees it: decoded, resized", "data/images/");
    ok = ok && image(f, LEFT, top_of(2), PICTURE, &seen->image, err);
    snprintf(shape, sizeof shape, "[1, %d, %d, %d], scaled", seen->image.height, seen->image.width,
             seen->image.channels);
    step(f, "tensor", shape, "a batch of one, channels last", "data/batch.c");
    ok = ok && map(f, seen, err);
    snprintf(shape, sizeof shape, "[1, %d, %d, %d], a map", seen->map.h, seen->map.w, (int)seen->map.c);
    snprintf(kept, sizeof kept, "%s; kin forward --tap features writes it", c->model);
    step(f, "backbone", shape, kept, "models/backbones/");
    kin_text_format(
        &f->svg, "<text x=\"%d\" y=\"%d\">all places</text><text x=\"%d\" y=\"%d\">become one row</text>\n",
        LEFT, top_of(4) + 30, LEFT, top_of(4) + 48);
    snprintf(shape, sizeof shape, "[1, %d]", (int)e->dim);
    snprintf(kept, sizeof kept, "the head \"%s\"", e->network->head.head->name);
    step(f, "head", shape, kept, "models/heads/");
    bars(f, seen->descriptor, e->dim);
    snprintf(shape, sizeof shape, "%d numbers, of length 1 together", (int)e->dim);
    snprintf(kept, sizeof kept, "a row of %s.npy, its name in %s.csv", gallery, gallery);
    step(f, "descriptor", shape, kept, "train/encoder.c");
    ok = ok && found(f, set, label, ranks, err);
    snprintf(shape, sizeof shape, "%d names, the most alike first", (int)ranks->offset[1]);
    snprintf(kept, sizeof kept, "%s; kin rerank orders it again", kin_option_string(cli, "ranks"));
    step(f, "list", shape, kept, "retrieval/search/");
    kin_text_format(&f->svg, "<rect class=\"track\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>",
                    LEFT, top_of(7), PICTURE, PICTURE);
    ok = ok && image(f, LEFT + 8, top_of(7) + 8, PICTURE / 3, &whole, err);
    for (int k = 0; k < 2; k++)
        kin_text_format(&f->svg, "<rect class=\"b1\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"8\" rx=\"2\"/>",
                        LEFT + 8, top_of(7) + 44 + 12 * k, PICTURE - 16 - 14 * k);
    step(f, "page", "pictures with what was found for them", "kin eval --html page.html", "cli/pages/");
    kin_image_free(&whole);
    return ok;
}

/* The network's own look at the first picture of the gallery. */
static bool look(const kin_cli *cli, flow *f, const kin_embeddings *set, const int64_t *label,
                 const kin_ranks *ranks, kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = NULL;
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_explained e = {0};
    bool ok = ((ctx && network) || kin_fail_memory(err, "a network", sizeof *network)) &&
              kin_network_open(kin_option_string(cli, "model"), NULL, ctx, network, &module, err) &&
              kin_explain(module, network, set->items.path, 1, &(kin_image_limits){0}, &e, err) &&
              draw(cli, f, set, label, ranks, &e, err);
    kin_explained_free(&e);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_free(network);
    return ok;
}

bool kin_figure_flow(const kin_cli *cli, kin_error *err)
{
    kin_embeddings set;
    kin_ranks ranks = {0};
    int64_t *label;
    flow f = {0};
    const char *lists = kin_option_string(cli, "ranks");
    if (!lists || !kin_option_given(cli, "model"))
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "--draw flow needs --model RUN, --gallery E of it, and --ranks, the lists of kin search in E");
    if (!kin_figure_gallery(cli, INT64_C(1) << 40, &set, &label, err)) return false;
    bool ok = set.items.path ||
              kin_fail(err, KIN_ERR_ARGUMENT, "%s.csv tells no paths of pictures; kin embed writes them",
                       set.name);
    ok = ok && kin_ranks_read(lists, &(kin_ranked){&set.items, &set.items, true}, &ranks, NULL, err) &&
         look(cli, &f, &set, label, &ranks, err);
    if (ok) ok = kin_figure_write(cli, &f.svg, err);
    kin_text_free(&f.svg);
    kin_ranks_free(&ranks);
    kin_free(label);
    kin_embeddings_free(&set);
    return ok;
}
