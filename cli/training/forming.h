/* What a training makes of some pictures, looked at again and again while it goes on: a map at each look, and the
 * hardest triplet of a batch. Shown by cli/pages/watch_page.h. */
#ifndef KIN_CLI_TRAINING_FORMING_H
#define KIN_CLI_TRAINING_FORMING_H

#include "cli/pages/learning.h"
#include "train/trainer.h"

enum { KIN_FORMING_LOOKS = 40, KIN_FORMING_PICTURES = 120, KIN_FORMING_CLASSES = 12 };

/* Of a batch's pictures, by the network as it is behind the step: the anchor whose farthest picture of its class is the
 * most beyond its nearest one of another. */
typedef struct kin_hardest {
    bool there;                         /* the batch has classes to compare */
    int64_t anchor, positive, negative; /* pictures of the set */
    double d_ap, d_an;                  /* Euclidean distances of unit vectors */
} kin_hardest;

typedef struct kin_forming {
    kin_dataset sample; /* some pictures of some classes; borrows from the set they were chosen from */
    int64_t *labels;    /* [sample.count] from 0, in the order of the classes chosen; -1: none */
    kin_learning_frame frame[KIN_FORMING_LOOKS + 1];
    int frames;
    int64_t from; /* the step that it began with */
} kin_forming;

/* Chooses the pictures: up to twelve classes, spread over all, and of each the first. The set must outlive it. */
bool kin_forming_open(kin_forming *f, const kin_dataset *set, int64_t from, kin_error *err);
void kin_forming_free(kin_forming *f);

/* Whether a step is one to look at: forty of them, closer together at the beginning, where most happens. */
bool kin_forming_due(const kin_forming *f, int64_t step, int64_t steps);
/* Takes a look: descriptors, mAP among them, and a map that begins where the last one ended. */
bool kin_forming_look(kin_forming *f, kin_trainer *t, int64_t step, kin_error *err);
kin_learning kin_forming_learning(const kin_forming *f);

/* `set` is what `step->batch` counts in. */
bool kin_hardest_find(kin_hardest *h, kin_trainer *t, const kin_dataset *set, const kin_train_step *step,
                      kin_error *err);

#endif
