/* Pictures, and what was found for each, on one sheet: green is right, red is not. */
#include "base/memory.h"
#include "cli/learn/figure.h"
#include "cli/pages/contact_sheet.h"
#include "retrieval/lists/ranks.h"

#include <string.h>

enum { FRAME = 5, CELL = 72 };

/* The picture in a frame of its own colour. */
static bool framed(const kin_image *in, const uint8_t colour[3], kin_image *out, kin_error *err)
{
    kin_image small;
    int longer = in->width > in->height ? in->width : in->height, inner = CELL - 2 * FRAME;
    int w = in->width * inner / longer > 0 ? in->width * inner / longer : 1,
        h = in->height * inner / longer > 0 ? in->height * inner / longer : 1;
    if (!kin_image_resize(in, w, h, KIN_FILTER_BICUBIC, &small, err)) return false;
    bool ok = kin_image_new(out, w + 2 * FRAME, h + 2 * FRAME, 3, err);
    for (int i = 0; ok && i < out->width * out->height; i++) memcpy(out->data + (size_t)i * 3, colour, 3);
    for (int y = 0; ok && y < h; y++)
        memcpy(out->data + ((size_t)(y + FRAME) * (size_t)out->width + FRAME) * 3,
               small.data + (size_t)y * (size_t)w * 3, (size_t)w * 3);
    kin_image_free(&small);
    return ok;
}

static bool put(kin_sheet *sheet, const kin_embeddings *set, int64_t item, const uint8_t colour[3],
                int column, int row, kin_error *err)
{
    kin_image picture, frame;
    if (!kin_figure_picture(set, item, &picture, err)) return false;
    bool ok = framed(&picture, colour, &frame, err);
    kin_image_free(&picture);
    if (!ok) return false;
    ok = kin_sheet_put(sheet, column, row, &frame, err);
    kin_image_free(&frame);
    return ok;
}

static bool draw(const kin_cli *cli, const kin_embeddings *set, const int64_t *label, const kin_ranks *ranks,
                 kin_error *err)
{
    static const uint8_t asked[3] = {70, 80, 100}, right[3] = {4, 140, 80}, wrong[3] = {200, 50, 30};
    int rows = (int)kin_option_int(cli, "rows"), top = (int)kin_option_int(cli, "top");
    int64_t hits = 0, shown = 0;
    kin_sheet sheet;
    if (rows > ranks->queries) rows = (int)ranks->queries;
    if (!kin_sheet_new(&sheet, top + 1, rows, CELL, err)) return false;
    bool ok = true;
    for (int row = 0; ok && row < rows; row++) {
        int64_t q = row * ranks->queries / rows, from = ranks->offset[q];
        ok = put(&sheet, set, q, asked, 0, row, err);
        for (int k = 0; ok && k < top && from + k < ranks->offset[q + 1]; k++) {
            int64_t item = ranks->index[from + k];
            bool hit = label[item] >= 0 && label[item] == label[q];
            ok = put(&sheet, set, item, hit ? right : wrong, k + 1, row, err);
            hits += hit, shown++;
        }
    }
    ok = ok && kin_image_write(kin_option_string(cli, "out"), NULL, &sheet.image, NULL, err);
    kin_sheet_free(&sheet);
    if (ok)
        printf("%d pictures, the first %d found for each: %lld of %lld are of the same thing\n", rows, top,
               (long long)hits, (long long)shown);
    return ok;
}

bool kin_figure_lists(const kin_cli *cli, kin_error *err)
{
    kin_embeddings set;
    int64_t *label;
    kin_ranks ranks;
    const char *path = kin_option_string(cli, "ranks");
    if (!path) return kin_fail(err, KIN_ERR_ARGUMENT, "--draw lists draws --ranks, the lists of kin search");
    if (!kin_figure_gallery(cli, INT64_C(1) << 40, &set, &label, err)) return false;
    bool ok = kin_ranks_read(path, &(kin_ranked){&set.items, &set.items, true}, &ranks, NULL, err);
    if (ok) {
        ok = draw(cli, &set, label, &ranks, err);
        kin_ranks_free(&ranks);
    }
    kin_free(label);
    kin_embeddings_free(&set);
    return ok;
}
