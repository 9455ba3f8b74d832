#include "nn/optim.h"

#include <math.h>

double kin_schedule_lr(const kin_schedule *s, int64_t step)
{
    if (s->warmup > 0 && step < s->warmup) return s->lr * (double)(step + 1) / (double)(s->warmup + 1);
    if (s->kind == KIN_SCHEDULE_STEP)
        return s->every > 0 ? s->lr * pow(s->gamma, (double)(step / s->every)) : s->lr;
    if (s->kind != KIN_SCHEDULE_COSINE) return s->lr;
    double length = (double)(s->steps - s->warmup),
           done = length > 0 ? (double)(step - s->warmup) / length : 1;
    if (done > 1) done = 1;
    return s->final_lr + (s->lr - s->final_lr) * 0.5 * (1 + cos(3.14159265358979323846 * done));
}
