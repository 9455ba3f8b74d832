#include "cli/pages/contact_sheet.h"

#include <string.h>

enum { GAP = 4, APART = 12, BACKGROUND = 0xd8 };

bool kin_sheet_new(kin_sheet *sheet, int columns, int rows, int cell, kin_error *err)
{
    *sheet = (kin_sheet){.columns = columns, .rows = rows, .cell = cell};
    int64_t width = (int64_t)columns * (cell + GAP) + GAP + (columns > 1 ? APART - GAP : 0),
            height = (int64_t)rows * (cell + GAP) + GAP;
    if (width > 1000000 || height > 1000000 || width * height > 200000000)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a sheet of %d x %d pictures of %d pixels is too large; take fewer pictures, or a "
                        "smaller --count or --size",
                        columns, rows, cell);
    if (!kin_image_new(&sheet->image, (int)width, (int)height, 3, err)) return false;
    memset(sheet->image.data, BACKGROUND, (size_t)width * (size_t)height * 3);
    return true;
}

void kin_sheet_free(kin_sheet *sheet) { kin_image_free(&sheet->image); }

static int fitted(int side, int longer, int cell)
{
    int64_t v = ((int64_t)side * cell + longer / 2) / longer;
    return v > 0 ? (int)v : 1;
}

static void lay(kin_sheet *sheet, int left, int top, const kin_image *picture)
{
    left += (sheet->cell - picture->width) / 2, top += (sheet->cell - picture->height) / 2;
    for (int y = 0; y < picture->height; y++) {
        const uint8_t *from = picture->data + (size_t)y * (size_t)picture->width * (size_t)picture->channels;
        uint8_t *to = sheet->image.data + ((size_t)(top + y) * (size_t)sheet->image.width + (size_t)left) * 3;
        for (int x = 0; x < picture->width; x++, from += picture->channels, to += 3)
            for (int c = 0; c < 3; c++) to[c] = from[picture->channels >= 3 ? c : 0];
    }
}

/* Small pictures are shown by their pixels, not blurred. */
bool kin_sheet_put(kin_sheet *sheet, int column, int row, const kin_image *picture, kin_error *err)
{
    kin_image scaled = {0};
    int longer = picture->width > picture->height ? picture->width : picture->height;
    int left = GAP + column * (sheet->cell + GAP) + (column > 0 ? APART - GAP : 0),
        top = GAP + row * (sheet->cell + GAP);
    if (longer == sheet->cell) {
        lay(sheet, left, top, picture);
        return true;
    }
    kin_filter filter = longer * 2 <= sheet->cell ? KIN_FILTER_BOX
                        : longer < sheet->cell    ? KIN_FILTER_BICUBIC
                                                  : KIN_FILTER_LANCZOS;
    if (!kin_image_resize(picture, fitted(picture->width, longer, sheet->cell),
                          fitted(picture->height, longer, sheet->cell), filter, &scaled, err))
        return false;
    lay(sheet, left, top, &scaled);
    kin_image_free(&scaled);
    return true;
}
