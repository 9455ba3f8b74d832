/* The page of `kin explain`: what a network looks at, for a newcomer. */
#ifndef KIN_CLI_PAGES_EXPLAIN_PAGE_H
#define KIN_CLI_PAGES_EXPLAIN_PAGE_H

#include "cli/network/explained.h"
#include "cli/network/local_file.h"
#include "cli/pages/page.h"
#include "models/autoencoder.h"

typedef struct kin_explain_page {
    const char *path, *model; /* where it goes; the network as it was named */
    const kin_explained *explained;
    const kin_local_file *points; /* local features of the same pictures, in their order; NULL: none */
    kin_autoencoder *reduced;     /* NULL: none */
    const char *reduced_name;
    kin_image_limits limits; /* of pictures that are read again */
} kin_explain_page;

bool kin_explain_page_write(const kin_explain_page *p, kin_error *err);

/* ---- its parts ---- */

/* Key points of each picture, and the lines between each and the one most like it. */
void kin_explain_points(kin_page *page, const kin_explain_page *p);

#endif
