/* Fine-tuning: which parameters a training leaves alone, which move slower or faster, which are not
 * decayed, and which batch norms keep their statistics. All by lists of patterns on names, separated by
 * commas, '*' for anything: "conv1.*,layer1.*". */
#ifndef KIN_NN_TUNING_H
#define KIN_NN_TUNING_H

#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* NULL or "": none. */
typedef struct kin_tuning {
    /* Nothing that matches changes by a bit, running statistics included: a batch norm whose statistics
     * are frozen normalises with them in training too. Where nothing beneath a frozen parameter is
     * trained, backward is not run at all. */
    const char *freeze;
    /* Batch norms, by their own names ("layer1.0.bn1", "*"), whose statistics are frozen while weight and
     * bias train. */
    const char *freeze_bn;
    /* "layer4.*=0.1,fc.*=10": factors of the learning rate; of several patterns that match, the last
     * counts. */
    const char *lr_scale;
    /* "layer1.*=500": over how many steps the rate rises from nothing: what was trained before begins
     * slower than what is new. */
    const char *lr_warmup;
    /* Never decayed, whatever the optimiser's options say. */
    const char *no_decay;
} kin_tuning;

/* Marks the module's entries. Call it before kin_optim_new, which reads the marks. Marks of earlier calls
 * are lifted. A pattern that matches nothing, a factor that is no number from 0 on, and a module left
 * without anything to train are errors. */
bool kin_module_tune(kin_module *m, const kin_tuning *tuning, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
