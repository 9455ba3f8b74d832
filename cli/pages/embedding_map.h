/* A map of descriptors as a drawing: thumbnails, or marks by class, where t-SNE put them. */
#ifndef KIN_CLI_PAGES_EMBEDDING_MAP_H
#define KIN_CLI_PAGES_EMBEDDING_MAP_H

#include "cli/pages/page.h"
#include "cli/pages/thumbnail.h"

typedef struct kin_embedding_map {
    int64_t count;
    const float *positions; /* [count, 2] within -1 .. 1, as kin_tsne leaves them; NaN: not drawn */
    const int64_t *items;   /* [count] which item each is; NULL: 0 .. count-1 */
    const int64_t *labels;  /* [n_labels] by item; -1: none */
    int64_t n_labels;
    const char *const *class_names; /* by label; NULL: numbers */
    kin_image_source image;         /* by item; NULL: marks */
    void *image_arg;
} kin_embedding_map;

/* with more points than this, marks are drawn even when there are pictures */
enum { KIN_MAP_PICTURES = 600 };

/* Adds it to the open section, with what it means. Pictures do not cover each other: each lies in the free
 * place nearest to its own. No two classes look alike: where there are more than colours and shapes, the
 * largest have marks of their own. Pointing at one shows its class's name and fades the others. One picture
 * that cannot be read becomes a mark; the page fails on an index out of range. */
void kin_page_map(kin_page *page, const kin_embedding_map *map);

/* Marks of classes: a path around (0, 0), and the class of its colour, "kin-k3". `mark` counts from 0; from
 * KIN_MAP_MARKS on they repeat. */
enum { KIN_MAP_MARKS = 40 };
const char *kin_map_shape(int64_t mark);
void kin_map_colour(kin_text *out, int64_t mark);

#endif
