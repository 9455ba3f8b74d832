/* A map of descriptors as a drawing: thumbnails, or marks by class, where t-SNE put them. */
#ifndef KIN_CLI_PAGES_EMBEDDING_MAP_H
#define KIN_CLI_PAGES_EMBEDDING_MAP_H

#include "cli/pages/thumbnail.h"

typedef struct kin_embedding_map {
    int64_t count;
    const float *positions;         /* [count, 2] within -1 .. 1, as kin_tsne leaves them; NaN: not drawn */
    const int64_t *items;           /* [count] which item each is; NULL: 0 .. count-1 */
    const int64_t *labels;          /* by item; -1: none */
    const char *const *class_names; /* by label; NULL: numbers */
    kin_image_source image;         /* by item; NULL: marks */
    void *image_arg;
} kin_embedding_map;

/* with more points than this, marks are drawn even when there are pictures */
enum { KIN_MAP_PICTURES = 600 };

/* Appends an <svg> element and, for marks, a list of what they mean. Pointing at one shows its class's
 * name and fades the others. Colours come from kin_map_style. Fails when a picture fails for want of
 * memory or was interrupted; one that cannot be read becomes a mark. */
bool kin_map_add(kin_text *out, const kin_embedding_map *map, kin_error *err);

/* A label as people read it: its name, "class 7", or "no class". Returns `buffer` or the name. */
const char *kin_class_name(const char *const *names, int64_t label, char buffer[32]);

/* Whether a page can go on without a picture that failed so; clears the error then. */
bool kin_picture_failed_alone(kin_error *err);

extern const char *const kin_map_style;

#endif
