#include "data/sampler.h"

#include "base/memory.h"
#include "base/random.h"

enum { CLASSES_KEY = 1, PICTURES_KEY, PLAIN_KEY };

bool kin_sampler_new(const kin_sample *items, int64_t count, int classes, kin_sampler *out, kin_error *err)
{
    int64_t most = count > classes ? count : classes;
    *out = (kin_sampler){.count = count, .classes = classes};
    out->by_class = kin_alloc_array((size_t)count, sizeof *out->by_class);
    out->first = kin_alloc_zero((size_t)classes + 2, sizeof *out->first);
    out->order = kin_alloc_array((size_t)most, sizeof *out->order);
    if (!out->by_class || !out->first || !out->order) {
        kin_sampler_free(out);
        return kin_fail_memory(err, "the sampler", (size_t)most * sizeof *out->order);
    }
    for (int64_t i = 0; i < count; i++) out->first[items[i].label + 2]++;
    for (int c = 1; c <= classes; c++) out->first[c + 1] += out->first[c];
    for (int64_t i = 0; i < count; i++) out->by_class[out->first[items[i].label + 1]++] = i;
    return true;
}

void kin_sampler_free(kin_sampler *s)
{
    kin_free(s->by_class);
    kin_free(s->first);
    kin_free(s->order);
    *s = (kin_sampler){0};
}

/* k of a class's pictures: the head of a shuffle, going round when the class is smaller. */
static void draw(kin_sampler *s, int c, int k, uint64_t key, int64_t *out)
{
    int64_t n = s->first[c + 1] - s->first[c];
    kin_shuffle(s->order, n, key);
    for (int i = 0; i < k; i++) out[i] = s->by_class[s->first[c] + s->order[i % n]];
}

bool kin_sampler_pk(kin_sampler *s, int p, int k, uint64_t seed, int64_t step, int64_t *out, kin_error *err)
{
    /* Classes may have lost all their pictures. */
    int64_t filled = 0, *classes = kin_alloc_array((size_t)s->classes, 2 * sizeof *classes), *order = classes ? classes + s->classes : NULL;
    if (!classes) return kin_fail_memory(err, "the sampler", (size_t)s->classes * sizeof *classes);
    for (int c = 0; c < s->classes; c++)
        if (s->first[c + 1] > s->first[c]) classes[filled++] = c;
    bool ok = filled >= p || kin_fail(err, KIN_ERR_ARGUMENT, "a batch of %d classes cannot be drawn from %lld classes; choose fewer with --batch-classes", p, (long long)filled);
    if (ok) {
        int64_t batches = filled / p, pass = step / batches, at = step % batches * p;
        kin_shuffle(order, filled, kin_key(seed, CLASSES_KEY, (uint64_t)pass));
        for (int i = 0; i < p; i++) {
            int c = (int)classes[order[at + i]];
            draw(s, c, k, kin_key(kin_key(seed, PICTURES_KEY, (uint64_t)step), (uint64_t)c, 0), out + i * k);
        }
    }
    kin_free(classes);
    return ok;
}

bool kin_sampler_plain(kin_sampler *s, int n, uint64_t seed, int64_t step, int64_t *out, kin_error *err)
{
    if (n > s->count) return kin_fail(err, KIN_ERR_ARGUMENT, "a batch of %d pictures cannot be drawn from %lld; choose a smaller --batch", n, (long long)s->count);
    int64_t batches = s->count / n, pass = step / batches, at = step % batches * n;
    kin_shuffle(s->order, s->count, kin_key(seed, PLAIN_KEY, (uint64_t)pass));
    for (int i = 0; i < n; i++) out[i] = s->order[at + i];
    return true;
}
