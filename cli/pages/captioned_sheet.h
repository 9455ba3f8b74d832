/* Pictures in rows and columns with what they are written beside them, as an SVG of its own: a contact sheet
 * (cli/pages/contact_sheet.h) that can be read without the command that made it. */
#ifndef KIN_CLI_PAGES_CAPTIONED_SHEET_H
#define KIN_CLI_PAGES_CAPTIONED_SHEET_H

#include "base/text.h"
#include "data/images/image.h"

typedef struct kin_captioned_sheet {
    kin_text svg;
    int columns, rows, cell;
} kin_captioned_sheet;

/* `heads` [columns] stand above. Fails when there would be more than 200 million pixels, as a contact sheet does. */
bool kin_captioned_sheet_new(kin_captioned_sheet *sheet, const char *title, int columns, int rows, int cell,
                             const char *const *heads, kin_error *err);

/* Puts a picture into a cell, and a line or two under it (NULL: none); the second is for the end of a long name. */
bool kin_captioned_sheet_put(kin_captioned_sheet *sheet, int column, int row, const kin_image *picture,
                             const char *first, const char *second, kin_error *err);

/* Below all: the ramp of cli/pages/heatmap.h between two words; then the file is written. */
bool kin_captioned_sheet_write(kin_captioned_sheet *sheet, const char *low, const char *high,
                               const char *path, kin_error *err);
void kin_captioned_sheet_free(kin_captioned_sheet *sheet);

#endif
