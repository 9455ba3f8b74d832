/* Optimisers, as PyTorch defines them: one loop over the module's slab. */
#ifndef KIN_NN_OPTIM_H
#define KIN_NN_OPTIM_H

#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { KIN_SGD, KIN_ADAM, KIN_ADAMW } kin_optim_kind;

typedef struct kin_optim_opt {
    kin_optim_kind kind;
    double lr;
    double momentum; /* SGD */
    bool nesterov;
    double beta1, beta2, epsilon; /* Adam; 0: .9, .999, 1e-8 */
    /* L2 in the gradient (SGD, Adam) or decoupled (AdamW); norm and bias are left alone ... */
    double weight_decay;
    bool decay_all; /* ... unless this is set, which is PyTorch's own default */
    /* 0: no clipping; else gradients are scaled so that their global norm is at most this */
    double clip_norm;
    double ema; /* 0: none; else decay of an exponential moving average of the values */
} kin_optim_opt;

typedef struct kin_optim kin_optim;
/* NULL on error (in the module's context), and for a NULL module */
kin_optim *kin_optim_new(kin_module *m, const kin_optim_opt *opt);
void kin_optim_free(kin_optim *o);

/* One step with this learning rate. Does nothing while an error stands. A gradient that is not finite is
 * an error (KIN_ERR_NUMERIC) naming the parameter, and changes nothing. Returns false on error, and for a
 * NULL optimiser. */
bool kin_optim_step(kin_optim *o, double lr);
int64_t kin_optim_steps(const kin_optim *o);    /* steps taken */
double kin_optim_grad_norm(const kin_optim *o); /* global norm at the last step, before clipping */

/* Exchanges the module's values with their moving average (for evaluation); call again to go back. */
void kin_optim_swap_ema(kin_optim *o);

/* The state as named arrays, for checkpoints: count of slabs, each with a name ("momentum", "exp_avg",
 * "exp_avg_sq", "ema") and kin_module_slab_count() numbers; and the step count, to be restored together. */
int kin_optim_slabs(const kin_optim *o);
const char *kin_optim_slab_name(const kin_optim *o, int i);
kin_real *kin_optim_slab(kin_optim *o, int i);
int64_t kin_optim_slab_count(const kin_optim *o);
void kin_optim_set_steps(kin_optim *o, int64_t steps);

/* ---- schedules: the learning rate of a step, a pure function ---- */

typedef enum { KIN_SCHEDULE_CONSTANT, KIN_SCHEDULE_COSINE, KIN_SCHEDULE_STEP } kin_schedule_kind;
typedef struct kin_schedule {
    kin_schedule_kind kind;
    double lr, final_lr; /* cosine falls from lr to final_lr */
    int64_t steps;       /* the whole training's */
    int64_t warmup;      /* the first steps rise linearly to lr */
    int64_t every;
    double gamma; /* step: lr·gamma^⌊step/every⌋ */
} kin_schedule;
double kin_schedule_lr(const kin_schedule *s, int64_t step); /* step from 0 */

#ifdef __cplusplus
}
#endif

#endif
