/* Many small pictures on one large one. */
#ifndef KIN_CLI_PAGES_CONTACT_SHEET_H
#define KIN_CLI_PAGES_CONTACT_SHEET_H

#include "data/images/image.h"

typedef struct kin_sheet {
    kin_image image; /* RGB, neutral grey where nothing was put */
    int columns, rows, cell;
} kin_sheet;

/* Square cells of `cell` pixels with thin gaps; the first column stands a little apart. Fails when the
 * sheet would be larger than 200 million pixels. */
bool kin_sheet_new(kin_sheet *sheet, int columns, int rows, int cell, kin_error *err);
void kin_sheet_free(kin_sheet *sheet);

/* Puts a picture, fitted, into the middle of a cell. */
bool kin_sheet_put(kin_sheet *sheet, int column, int row, const kin_image *picture, kin_error *err);

#endif
