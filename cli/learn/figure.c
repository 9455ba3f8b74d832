#include "cli/learn/figure.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/pages/markup.h"
#include "cli/pages/svg.h"

bool kin_figure_gallery(const kin_cli *cli, int64_t most, kin_embeddings *set, int64_t **label,
                        kin_error *err)
{
    const char *name = kin_option_string(cli, "gallery");
    *label = NULL;
    if (!kin_embeddings_read(name, set, err)) return false;
    int64_t count = set->items.count;
    bool ok = true;
    if (count < 2 || count > most)
        ok = kin_fail(err, KIN_ERR_ARGUMENT,
                      "%s has %lld items; this drawing takes 2 to %lld (kin embed --classes chooses)", name,
                      (long long)count, (long long)most);
    ok = ok && ((*label = kin_alloc_array((size_t)count, sizeof **label)) != NULL ||
                kin_fail_memory(err, "labels", (size_t)count * sizeof **label));
    if (ok && set->items.label) ok = kin_items_label_codes(&set->items, *label, NULL, NULL, err);
    else
        for (int64_t i = 0; ok && i < count; i++) (*label)[i] = -1;
    if (ok) return true;
    kin_free(*label);
    *label = NULL;
    kin_embeddings_free(set);
    return false;
}

bool kin_figure_picture(const kin_embeddings *set, int64_t item, kin_image *out, kin_error *err)
{
    if (!set->items.path)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s.csv tells no paths of pictures; kin embed writes them",
                        set->name);
    if (!kin_image_read(set->items.path[item], NULL, out, err)) return false;
    if (kin_image_convert(out, 3, err)) return true;
    kin_image_free(out);
    return false;
}

void kin_figure_begin(kin_text *svg, int width, int height, const char *title)
{
    kin_text_format(svg,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"kin-chart\" width=\"%d\" "
                    "height=\"%d\" viewBox=\"0 0 %d %d\" "
                    "role=\"img\"><title>",
                    width, height, width, height);
    kin_markup_add(svg, title);
    kin_text_format(svg, "</title><style>%s</style><rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n",
                    kin_svg_style, width, height);
}

bool kin_figure_write(const kin_cli *cli, kin_text *svg, kin_error *err)
{
    kin_text_add(svg, "</svg>\n");
    bool ok = svg->failed ? kin_fail_memory(err, "a drawing", svg->capacity)
                          : kin_write_file(kin_option_string(cli, "out"), svg->data, svg->size, err);
    kin_text_free(svg);
    return ok;
}
