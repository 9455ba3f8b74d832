/* The looks at what is held out. */
#include "train/trainer_parts.h"

#include "base/memory.h"
#include "train/judge.h"

#include <stdio.h>

static bool go_on(void *user, int64_t done, int64_t total)
{
    (void)done, (void)total;
    return !kin_trainer_stops(user);
}

static void tell_of_broken(kin_trainer *t, const kin_encoded *encoded)
{
    char line[sizeof(kin_error) + 160];
    if (encoded->broken == t->held_broken) return;
    t->held_broken = encoded->broken;
    snprintf(line, sizeof line,
             "%lld of %lld held-out pictures could not be read and are left out; the first: %s",
             (long long)encoded->broken, (long long)t->validation->count, encoded->first_broken.message);
    kin_trainer_say(t, line);
}

bool kin_trainer_encode(kin_trainer *t, const kin_dataset *set, kin_encoded *out, kin_error *err)
{
    kin_optim_swap_ema(t->optim);
    kin_trainer_part(t, KIN_PART_PAUSE);
    bool ok = kin_encode(t->module, &t->network, set, &(kin_encode_opt){.progress = go_on, .user = t}, out,
                         err);
    kin_trainer_part(t, KIN_PART_RESUME);
    kin_optim_swap_ema(t->optim);
    return ok;
}

static bool judge(kin_trainer *t, kin_metrics *m, int64_t *zeros, kin_error *err)
{
    kin_encoded encoded;
    if (!kin_trainer_encode(t, t->validation, &encoded, err)) return false;
    *zeros = encoded.zeros;
    tell_of_broken(t, &encoded);
    int64_t count = encoded.count, *labels = kin_alloc_array((size_t)count, 2 * sizeof *labels);
    bool ok = labels || kin_fail_memory(err, "validation", (size_t)count * 2 * sizeof *labels);
    for (int64_t i = 0; ok && i < count; i++) {
        const kin_sample *item = &t->validation->items[encoded.item[i]];
        labels[i] = item->label, labels[count + i] = item->camera;
    }
    ok = ok &&
         kin_judge_set((kin_vectors){encoded.rows, count, encoded.dim}, labels, labels + count, m, NULL, err);
    kin_encoded_free(&encoded);
    kin_free(labels);
    return ok;
}

/* Fine-tuning may cost more than it gives, and a figure that grows again from far below looks like a gain. */
static void tell_of_loss(kin_trainer *t, double map)
{
    char line[240];
    if (t->told_below || map >= t->start) return;
    t->told_below = true;
    snprintf(
        line, sizeof line,
        "step %lld: the network is worse on the held-out classes than it was before training (mAP %.4f); "
        "the one of step %lld is kept, and a lower --lr may help",
        (long long)t->now.step, t->start, (long long)t->now.best_step);
    kin_trainer_say(t, line);
}

bool kin_trainer_validate(kin_trainer *t, kin_error *err)
{
    kin_metrics m;
    int64_t zeros;
    if (!judge(t, &m, &zeros, err)) return false;
    /* Where vectors tie, their order is chance: a network that collapsed is not the best for it. */
    double map = kin_metrics_tied(&m) ? m.pessimistic.ap : m.mean.ap;
    bool better = map > t->now.best;
    if (better) {
        t->now.best = map;
        t->now.best_step = t->now.step;
    }
    if (t->now.step == 0) t->start = map;
    kin_trainer_log_validation(t, &m);
    if (t->watch.on_validation)
        t->watch.on_validation(t->watch.user, &(kin_train_validation){t->now.step, &m, better, zeros});
    tell_of_loss(t, map);
    return true;
}
