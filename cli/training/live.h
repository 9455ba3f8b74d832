/* A training that can be watched: RUN/watch.html, written again and again while it goes on, and RUN/learning.svg at its
 * end. It is beside the training: where it fails, that is told once, and the training goes on. */
#ifndef KIN_CLI_TRAINING_LIVE_H
#define KIN_CLI_TRAINING_LIVE_H

#include "cli/terminal/progress.h"
#include "cli/training/forming.h"

enum {
    KIN_LIVE_SECONDS = 5, /* between two pages at least, and until the browser loads the next one */
    KIN_LIVE_SHARE = 10   /* beside its forty looks, a page takes no more than this part of the time */
};

typedef struct kin_live {
    kin_meter *meter; /* for what there is to tell; borrowed */
    kin_trainer *trainer;
    const kin_dataset *set; /* it is trained on; borrowed */
    kin_forming forming;
    kin_hardest hardest;
    kin_train_step last;               /* step; its batch is gone */
    double *steps, *at, *map, *recall; /* [n_steps]; [validations] of room for each */
    int64_t validations, room;
    char *page, *drawing; /* paths */
    double written;       /* when; 0: not yet */
    double took;          /* seconds that the last look at a step took, page included */
    bool failed;          /* and told */
} kin_live;

/* `held`: what is held out, whose pictures are then on the map; NULL: pictures that it trains on are. */
bool kin_live_open(kin_live *l, kin_meter *meter, const char *run, const kin_dataset *set,
                   const kin_dataset *held, kin_error *err);
void kin_live_close(kin_live *l);
/* A run begins whose page is not there, or not in this folder: page and drawing of an earlier one are none of it. */
bool kin_live_forget(const char *run, kin_error *err);

void kin_live_begin(kin_live *l, kin_trainer *t);
void kin_live_step(kin_live *l, const kin_train_step *step);
void kin_live_validation(kin_live *l, const kin_train_validation *v);
/* The training is over, or stopped: the page stays as it is. */
void kin_live_end(kin_live *l);

#endif
