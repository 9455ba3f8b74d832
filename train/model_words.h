/* The options of any network as words. */
#ifndef KIN_TRAIN_MODEL_WORDS_H
#define KIN_TRAIN_MODEL_WORDS_H

#include "train/catalogue.h"

/* A network's options as text and numbers, as they travel in checkpoints; 0 and "" are the defaults. */
typedef struct kin_model_words {
    int64_t embedding, width, last_stride, neck;
    const char *stem, *pooling, *attention, *head;
    double drop_path;
} kin_model_words;
bool kin_model_options(const kin_model *m, const kin_catalogue *own, const kin_model_words *words,
                       kin_model_opt *out, kin_head_choice *head, kin_error *err);

#endif
