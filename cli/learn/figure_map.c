/* Descriptors on a plane: near there is near here, as far as a plane can tell. */
#include "base/memory.h"
#include "cli/learn/figure.h"
#include "cli/pages/embedding_map.h"
#include "cli/pages/markup.h"
#include "cli/pages/thumbnail.h"
#include "retrieval/describe/tsne.h"

enum { SIDE = 560, MARGIN = 24, KEY = 190, PICTURE = 28, SHOWN = 16 };

/* What the marks mean: a line for each label, as long as marks do not repeat. */
typedef struct key {
    int64_t classes;
    int64_t first[KIN_MAP_MARKS]; /* the first item of each label */
} key;

static key find_classes(const int64_t *label, int64_t count)
{
    key k = {0};
    for (int64_t i = 0; i < count; i++) {
        if (label[i] < k.classes) continue;
        if (k.classes < KIN_MAP_MARKS) k.first[k.classes] = i;
        k.classes++;
    }
    return k;
}

static bool has_key(const key *k, const kin_embeddings *set)
{
    return set->items.label && k->classes > 1 && k->classes <= KIN_MAP_MARKS;
}

static double place(float v) { return SIDE / 2.0 + (double)v * (SIDE / 2.0 - MARGIN); }

static void mark(kin_text *svg, int64_t label, double x, double y, const char *about)
{
    kin_text_add(svg, "<path class=\"");
    if (label < 0) kin_text_add(svg, "kin-kn");
    else kin_map_colour(svg, label);
    kin_text_format(svg, "\" transform=\"translate(%.1f %.1f)\" d=\"%s\"", x, y,
                    kin_map_shape(label < 0 ? 0 : label));
    if (about) {
        kin_text_add(svg, "><title>");
        kin_markup_add(svg, about);
        kin_text_add(svg, "</title></path>\n");
    } else kin_text_add(svg, "/>");
}

/* One that cannot be read is left out: the name says what it is. */
static bool picture(kin_text *svg, const kin_embeddings *set, int64_t item, double x, double y,
                    kin_error *err)
{
    kin_image image;
    kin_text uri = {0};
    kin_error why = {0};
    if (!set->items.path) return true;
    if (!kin_figure_picture(set, item, &image, &why))
        return kin_error_is_of_file(&why) || kin_fail(err, why.code, "%s", why.message);
    bool ok = kin_thumbnail_add(&uri, &image, PICTURE, err);
    kin_image_free(&image);
    if (ok && !uri.failed) {
        kin_text_format(svg, "<image x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" href=\"", x,
                        y - PICTURE / 2.0, PICTURE, PICTURE);
        kin_text_add(svg, uri.data);
        kin_text_add(svg, "\"/>");
    }
    svg->failed |= uri.failed;
    kin_text_free(&uri);
    return ok;
}

/* With pictures where there is room for them. */
static bool draw_key(kin_text *svg, const key *k, const kin_embeddings *set, kin_error *err)
{
    bool pictures = set->items.path && k->classes <= SHOWN, ok = true;
    double step = pictures ? PICTURE + 6 : (SIDE - 2.0 * MARGIN) / KIN_MAP_MARKS;
    for (int64_t c = 0; ok && c < k->classes; c++) {
        double y = MARGIN + step * ((double)c + .5);
        mark(svg, c, SIDE + 10, y, NULL);
        if (pictures) ok = picture(svg, set, k->first[c], SIDE + 24, y, err);
        kin_text_format(svg, "<text x=\"%d\" y=\"%.1f\"%s>", SIDE + 24 + (pictures ? PICTURE + 8 : 0), y + 4,
                        pictures ? "" : " font-size=\"11\"");
        kin_markup_add(svg, set->items.label[k->first[c]]);
        kin_text_add(svg, "</text>\n");
    }
    return ok;
}

static bool draw(const kin_cli *cli, const kin_embeddings *set, const int64_t *label, const float *at,
                 kin_error *err)
{
    kin_text svg = {0};
    key k = find_classes(label, set->items.count);
    kin_figure_begin(&svg, has_key(&k, set) ? SIDE + KEY : SIDE, SIDE, "A map of descriptors");
    kin_text_format(&svg, "<style>%s.kin-chart path{fill:currentColor}</style>\n", kin_map_style);
    for (int64_t i = 0; i < set->items.count; i++)
        mark(&svg, label[i], place(at[2 * i]), place(at[2 * i + 1]), set->items.id[i]);
    if (!has_key(&k, set) || draw_key(&svg, &k, set, err)) return kin_figure_write(cli, &svg, err);
    kin_text_free(&svg);
    return false;
}

bool kin_figure_map(const kin_cli *cli, kin_error *err)
{
    kin_embeddings set;
    int64_t *label;
    if (!kin_figure_gallery(cli, 1000, &set, &label, err)) return false;
    int64_t count = set.items.count;
    float *at = kin_alloc_array((size_t)count, 2 * sizeof *at);
    bool ok = (at || kin_fail_memory(err, "a map", (size_t)count * 2 * sizeof *at)) &&
              kin_tsne(kin_embeddings_vectors(&set), &(kin_tsne_opt){.perplexity = 8, .steps = 400}, at, NULL,
                       err) &&
              draw(cli, &set, label, at, err);
    kin_free(at);
    kin_free(label);
    kin_embeddings_free(&set);
    return ok;
}
