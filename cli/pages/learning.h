/* An embedding as it forms: one map after the other, as a drawing that moves. */
#ifndef KIN_CLI_PAGES_LEARNING_H
#define KIN_CLI_PAGES_LEARNING_H

#include "base/text.h"

typedef struct kin_learning_frame {
    int64_t step;     /* of the training */
    double map;       /* mAP among the points; NaN: there are no classes */
    float *positions; /* [points, 2] within -1 .. 1; NaN: not drawn there */
} kin_learning_frame;

typedef struct kin_learning {
    int64_t points;
    const int64_t *labels; /* [points]; -1: none */
    const kin_learning_frame *frames;
    int n_frames;
} kin_learning;

/* Appends an <svg> whose points wander from frame to frame, each class with a mark of its own, and begin anew; a
 * program that draws no movement shows the last frame. Nothing runs in it (SMIL). The style is cli/pages/embedding_map.h's. */
void kin_learning_svg(kin_text *out, const kin_learning *l);
/* The same as a file of its own, style included. */
bool kin_learning_write(const char *path, const kin_learning *l, kin_error *err);

#endif
