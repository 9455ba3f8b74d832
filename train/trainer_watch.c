/* What a trainer tells, and asks, whoever watches it. */
#include "train/trainer_parts.h"

void kin_trainer_say(const kin_trainer *t, const char *line)
{
    if (t->watch.on_remark) t->watch.on_remark(t->watch.user, line);
}

void kin_trainer_part(const kin_trainer *t, kin_train_part part)
{
    if (t->watch.on_part) t->watch.on_part(t->watch.user, part);
}

bool kin_trainer_stops(kin_trainer *t)
{
    if (!t->stopping && t->watch.should_stop) t->stopping = t->watch.should_stop(t->watch.user);
    return t->stopping;
}
