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

static bool judge(kin_trainer *t, kin_metrics *m, int64_t *zeros, kin_error *err)
{
    kin_encoded encoded;
    kin_optim_swap_ema(t->optim);
    kin_trainer_part(t, KIN_PART_PAUSE);
    bool ok = kin_encode(t->module, &t->network, t->validation,
                         &(kin_encode_opt){.progress = go_on, .user = t}, &encoded, err);
    kin_trainer_part(t, KIN_PART_RESUME);
    kin_optim_swap_ema(t->optim);
    if (!ok) return false;
    *zeros = encoded.zeros;
    tell_of_broken(t, &encoded);
    int64_t count = encoded.count, *labels = kin_alloc_array((size_t)count, 2 * sizeof *labels);
    ok = labels || kin_fail_memory(err, "validation", (size_t)count * 2 * sizeof *labels);
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

bool kin_trainer_validate(kin_trainer *t, kin_error *err)
{
    kin_metrics m;
    int64_t zeros;
    if (!judge(t, &m, &zeros, err)) return false;
    bool better = m.mean.ap > t->now.best;
    if (better) {
        t->now.best = m.mean.ap;
        t->now.best_step = t->now.step;
    }
    kin_trainer_log_validation(t, &m);
    if (t->watch.on_validation)
        t->watch.on_validation(t->watch.user, &(kin_train_validation){t->now.step, &m, better, zeros});
    return true;
}
