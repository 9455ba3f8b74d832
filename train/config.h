/* Everything that decides a training run. It travels in the checkpoint's metadata and comes back from there: a
 * checkpoint says by itself how to use it. */
#ifndef KIN_TRAIN_CONFIG_H
#define KIN_TRAIN_CONFIG_H

#include "data/loader.h"
#include "train/catalogue.h"
#include "nn/files/checkpoint.h"
#include "nn/optim.h"
#include "nn/tuning.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_CONFIG_TEXT = 1024, KIN_CONFIG_FIELDS = 80 };

/* How batches are drawn: P classes with K pictures each, shuffled passes, every class equally often. The loss's own is
 * PK where it compares pictures, else plain. */
typedef enum {
    KIN_SAMPLING_OWN = 0,
    KIN_SAMPLING_PK,
    KIN_SAMPLING_PLAIN,
    KIN_SAMPLING_BALANCED
} kin_sampling;
/* The enumerations as words, in their order, as checkpoints have them; end with NULL. */
extern const char *const kin_optimizer_names[], *const kin_schedule_names[], *const kin_sampling_names[];

typedef struct kin_config {
    /* data */
    char data[KIN_CONFIG_TEXT], classes[KIN_CONFIG_TEXT], labels[KIN_CONFIG_TEXT];
    int64_t n_classes; /* of the training set, found out */
    int64_t strict;
    /* network */
    char model[32];
    int64_t size, across; /* height and width of pictures in pixels; across 0: as high, a square */
    int64_t channels, embedding, width, last_stride;
    int64_t neck;
    char stem[16], pooling[16], attention[40], head[KIN_HEAD_TEXT];
    char filter[16], normalize[16], weights[KIN_CONFIG_TEXT], allow_missing[KIN_CONFIG_TEXT];
    char key[128], prefix[128]; /* of the weights: as in kin import */
    int64_t untrained, sum_stem;
    int64_t resize; /* of a square: the short side before the middle is cut out; 0: size */
    int64_t invert;
    char background[16]; /* under pictures with alpha; empty: alpha is dropped */
    /* loss */
    char loss[512]; /* a sum, as losses/loss.h reads it */
    double margin, smoothing;
    /* whose descriptors the loss distill teaches: a run or a checkpoint of kin's, or weights of teacher_model */
    char teacher[KIN_CONFIG_TEXT], teacher_model[32];
    /* batches */
    kin_sampling sampler;
    int64_t batch_classes, batch_pictures, batch;
    /* optimiser */
    kin_optim_kind optimizer;
    kin_schedule_kind schedule;
    int64_t steps, warmup, decay_every;
    double lr, final_lr, momentum, weight_decay, clip, ema, decay_gamma;
    int64_t decay_norms;  /* norms and biases are pulled towards 0, too (PyTorch's default) */
    double norm_momentum; /* of the batch norms' statistics; 0: the network's own */
    double drop_path;     /* stochastic depth: probability of the deepest block; 0: the network's own */
    int64_t patience; /* looks at the validation set without a better one that end the training; 0: none do */
    /* fine-tuning: lists of patterns, as in nn/tuning.h */
    char freeze[KIN_CONFIG_TEXT], lr_scale[KIN_CONFIG_TEXT], lr_warmup[KIN_CONFIG_TEXT],
        no_decay[KIN_CONFIG_TEXT];
    int64_t freeze_bn; /* all batch norms keep their statistics */
    int64_t recompute; /* of the network's blocks only the results are kept for backward */
    /* augmentation */
    char augment[KIN_CONFIG_TEXT]; /* a recipe (data/transforms/recipe.h); what follows comes after it */
    int64_t cache_side;            /* pictures for the recipe are reduced to this short side first; 0: not */
    int64_t flip, shift;
    double light, erase;
    /* running */
    /* share of the training classes held out as one contiguous chunk, the last ones */
    double validate;
    char validate_fold[24];              /* "2/5", or empty */
    char validate_list[KIN_CONFIG_TEXT]; /* a file, or empty */
    int64_t validate_every, save_every, seed;
    /* not in checkpoints: nobody asked for these sizes of batches, so that small sets may have smaller
     * ones */
    bool open_batch_classes, open_batch;
    /* not in checkpoints: what this program has beyond kin; borrowed; NULL: nothing */
    const kin_catalogue *own;
} kin_config;

/* What kin train has without options: conv4, triplet-hard, 2,000 steps of 32 classes with 4 pictures each, Adam at .001
 * along a cosine. */
void kin_config_defaults(kin_config *c);

/* For settings of a program's own: fills in what is left open (kin_config_complete), and refuses with
 * KIN_ERR_ARGUMENT what makes no sense: an unknown network, numbers out of their limits, a loss or a head that cannot be
 * read. */
bool kin_config_check(kin_config *c, kin_error *err);

/* Notes for a checkpoint; texts live in `storage`. Returns the count. */
int kin_config_to_notes(const kin_config *c, kin_note *notes, kin_arena *storage);
/* Fails when the file was not written by kin train, and where it names a network, a head or a loss that are neither
 * kin's nor among `own` (which may be NULL). */
bool kin_config_from_checkpoint(kin_config *c, const kin_checkpoint *from, const char *path,
                                const kin_catalogue *own, kin_error *err);

/* What is left open (0, "" or "own") is set to the model's own: size, channels, filter, normalisation.
 * `published` is for weights from elsewhere, which want the margin around the middle that they were tested
 * with. */
void kin_config_complete(kin_config *c, const kin_model *model, bool published);

/* "white", "black", "#rrggbb"; NULL or "": none. */
bool kin_background_parse(const char *text, uint32_t *out, kin_error *err);

/* A size as it is written, "224" or "256x128" (height x width); false where it is none. */
bool kin_size_parse(const char *text, int64_t *height, int64_t *across);
/* Refuses `resize` beside a rectangle. */
bool kin_config_sides(const kin_config *c, kin_error *err);
/* How wide pictures are. */
static inline int64_t kin_config_across(const kin_config *c) { return c->across ? c->across : c->size; }

/* The loader's side of it: how pictures become what the network reads. */
kin_loader_opt kin_config_loader(const kin_config *c);

/* The picture readers' limits with the background added, unless they have one. */
kin_image_limits kin_config_limits(const kin_config *c, kin_image_limits limits);

kin_filter kin_config_filter(const kin_config *c);
/* What stands for the model and its head; fails only for a config that was not checked. */
bool kin_config_network(const kin_config *c, kin_model_opt *opt, kin_head_choice *head, kin_error *err);
/* The sum that `loss`, `margin` and `smoothing` stand for. */
bool kin_config_loss(const kin_config *c, kin_loss_sum *out, kin_error *err);
/* A teacher and a loss that learns from it come together. */
bool kin_config_teaches(const kin_config *c, kin_error *err);
/* Early stopping: whether, at `step`, `patience` looks in a row were no better than that of `best_step`. */
bool kin_config_out_of_patience(const kin_config *c, int64_t step, int64_t best_step);
kin_tuning kin_config_tuning(const kin_config *c); /* points into c */
/* Scaling as in training; augmentation when `key` is not 0. */
kin_batch_opt kin_config_batch(const kin_config *c, uint64_t key);

#ifdef __cplusplus
}
#endif

#endif
