#include "data/sampler.h"

#include "base/memory.h"
#include "base/random.h"

enum { CLASSES_KEY = 1, PICTURES_KEY, PLAIN_KEY, ROUND_KEY, PASS_KEY };

/* The pictures class after class, and the classes that have any. */
static void sort_by_class(const kin_sample *items, kin_sampler *s)
{
    for (int64_t i = 0; i < s->count; i++) s->first[items[i].label + 2]++;
    for (int c = 1; c <= s->classes; c++) s->first[c + 1] += s->first[c];
    for (int64_t i = 0; i < s->count; i++) s->by_class[s->first[items[i].label + 1]++] = i;
    for (int c = 0; c < s->classes; c++)
        if (s->first[c + 1] > s->first[c]) s->filled[s->n_filled++] = c;
}

bool kin_sampler_new(const kin_sample *items, int64_t count, int classes, kin_sampler *out, kin_error *err)
{
    int64_t most = count > classes ? count : classes;
    *out = (kin_sampler){.count = count, .classes = classes};
    for (int64_t i = 0; i < count; i++)
        if (items[i].label < 0)
            return kin_fail(err, KIN_ERR_DATA,
                            "the picture %s belongs to no class; only parts in which every picture has one "
                            "can be trained on",
                            items[i].id);
    out->by_class = kin_alloc_array((size_t)count, sizeof *out->by_class);
    out->first = kin_alloc_zero((size_t)classes + 2, sizeof *out->first);
    out->order = kin_alloc_array((size_t)most, sizeof *out->order);
    out->filled = kin_alloc_array((size_t)classes, sizeof *out->filled);
    out->class_order = kin_alloc_array((size_t)classes, sizeof *out->class_order);
    if (!out->by_class || !out->first || !out->order || !out->filled || !out->class_order) {
        kin_sampler_free(out);
        return kin_fail_memory(err, "the sampler", (size_t)most * sizeof *out->order);
    }
    sort_by_class(items, out);
    return true;
}

void kin_sampler_free(kin_sampler *s)
{
    kin_free(s->by_class);
    kin_free(s->first);
    kin_free(s->order);
    kin_free(s->filled);
    kin_free(s->class_order);
    *s = (kin_sampler){0};
}

/* k of a class's pictures: the head of a shuffle, going round when the class is smaller. */
static void draw(kin_sampler *s, int64_t c, int k, uint64_t key, int64_t *out)
{
    int64_t n = s->first[c + 1] - s->first[c];
    kin_shuffle(s->order, n, key);
    for (int i = 0; i < k; i++) out[i] = s->by_class[s->first[c] + s->order[i % n]];
}

bool kin_sampler_pk(kin_sampler *s, int p, int k, uint64_t seed, int64_t step, int64_t *out, kin_error *err)
{
    if (s->n_filled < p)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "a batch of %d classes cannot be drawn from %lld classes; choose fewer with --batch-classes", p,
            (long long)s->n_filled);
    int64_t batches = s->n_filled / p, pass = step / batches, at = step % batches * p;
    kin_shuffle(s->class_order, s->n_filled, kin_key(seed, CLASSES_KEY, (uint64_t)pass));
    for (int i = 0; i < p; i++) {
        int64_t c = s->filled[s->class_order[at + i]];
        draw(s, c, k, kin_key(kin_key(seed, PICTURES_KEY, (uint64_t)step), (uint64_t)c, 0), out + i * k);
    }
    return true;
}

bool kin_sampler_plain(kin_sampler *s, int n, uint64_t seed, int64_t step, int64_t *out, kin_error *err)
{
    if (n > s->count)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a batch of %d pictures cannot be drawn from %lld; choose a smaller --batch", n,
                        (long long)s->count);
    int64_t batches = s->count / n, pass = step / batches, at = step % batches * n;
    kin_shuffle(s->order, s->count, kin_key(seed, PLAIN_KEY, (uint64_t)pass));
    for (int i = 0; i < n; i++) out[i] = s->order[at + i];
    return true;
}

/* Draw t = step·n + i is the (t mod C)-th class of pass t div C over the C classes; it is that class's (t
 * div C)-th picture drawn, so which of them follows from t alone: nothing is counted along the way. */
void kin_sampler_balanced(kin_sampler *s, int n, uint64_t seed, int64_t step, int64_t *out)
{
    int64_t shuffled = -1;
    for (int i = 0; i < n; i++) {
        int64_t t = step * n + i, pass = t / s->n_filled;
        if (pass != shuffled)
            kin_shuffle(s->class_order, s->n_filled, kin_key(seed, PASS_KEY, (uint64_t)pass));
        shuffled = pass;
        int64_t c = s->filled[s->class_order[t % s->n_filled]], size = s->first[c + 1] - s->first[c];
        kin_shuffle(s->order, size,
                    kin_key(kin_key(seed, ROUND_KEY, (uint64_t)(pass / size)), (uint64_t)c, 0));
        out[i] = s->by_class[s->first[c] + s->order[pass % size]];
    }
}
