#include "cli/training/forming.h"

#include "base/memory.h"
#include "retrieval/describe/tsne.h"
#include "train/judge.h"

#include <math.h>
#include <string.h>

enum {
    BATCH = 256 /* pictures of a batch that are looked at, the first of it */,
    STEPS = 300 /* of t-SNE */
};

/* ---- the pictures ---- */

/* Which place each class has among those that are shown; -1: not shown. */
static int64_t *choose_classes(const kin_dataset *set, int64_t *shown, kin_error *err)
{
    int64_t classes = set->classes, *place = kin_alloc_array((size_t)classes + 1, sizeof *place);
    if (!place) return kin_fail_memory(err, "a map's classes", (size_t)classes * sizeof *place), NULL;
    *shown = classes < KIN_FORMING_CLASSES ? classes : KIN_FORMING_CLASSES;
    for (int64_t c = 0; c < classes; c++) place[c] = -1;
    for (int64_t k = 0; k < *shown; k++) place[k * classes / *shown] = k;
    return place;
}

static void take(kin_forming *f, const kin_sample *item, int64_t label)
{
    f->labels[f->sample.count] = label;
    f->sample.items[f->sample.count++] = *item;
}

static void take_all(kin_forming *f, const kin_dataset *set, const int64_t *place, int64_t shown)
{
    int64_t taken[KIN_FORMING_CLASSES] = {0}, each = shown ? KIN_FORMING_PICTURES / shown : 0,
            stride = set->count / KIN_FORMING_PICTURES + 1;
    for (int64_t i = 0; i < set->count && f->sample.count < KIN_FORMING_PICTURES; i++) {
        int label = set->items[i].label;
        int64_t k = shown && label >= 0 && label < set->classes ? place[label] : -1;
        if (k >= 0 && taken[k]++ < each) take(f, &set->items[i], k);
        if (!shown && i % stride == 0) take(f, &set->items[i], -1);
    }
}

bool kin_forming_open(kin_forming *f, const kin_dataset *set, int64_t from, kin_error *err)
{
    int64_t shown = 0, *place = choose_classes(set, &shown, err);
    *f = (kin_forming){.sample = *set, .from = from};
    f->sample.view = true, f->sample.count = 0;
    f->sample.items = kin_alloc_array(KIN_FORMING_PICTURES, sizeof *f->sample.items);
    f->labels = kin_alloc_array(KIN_FORMING_PICTURES, sizeof *f->labels);
    bool ok = place && ((f->sample.items && f->labels) ||
                        kin_fail_memory(err, "a map's pictures", KIN_FORMING_PICTURES * sizeof(kin_sample)));
    if (ok) take_all(f, set, place, shown);
    kin_free(place);
    if (!ok) kin_forming_free(f);
    return ok;
}

void kin_forming_free(kin_forming *f)
{
    for (int i = 0; i < f->frames; i++) kin_free(f->frame[i].positions);
    kin_free(f->sample.items);
    kin_free(f->labels);
    *f = (kin_forming){0};
}

/* ---- looks ---- */

/* The k-th of n looks is due at k²/n² of the way. */
bool kin_forming_due(const kin_forming *f, int64_t step, int64_t steps)
{
    double n = KIN_FORMING_LOOKS, way = (double)(steps - f->from);
    if (step <= f->from || way <= 0) return step == f->from;
    double now = sqrt((double)(step - f->from) / way) * n,
           before = sqrt((double)(step - 1 - f->from) / way) * n;
    return floor(now + 1e-9) > floor(before + 1e-9);
}

/* Where the points begin: at their last places, or in the middle where they have none. False: no look yet. */
static bool begin_at(const kin_forming *f, const kin_encoded *e, float *start)
{
    const float *last = f->frames ? f->frame[f->frames - 1].positions : NULL;
    for (int64_t i = 0; last && i < e->count; i++)
        for (int a = 0; a < 2; a++) {
            float place = last[2 * e->item[i] + a];
            start[2 * i + a] = isfinite(place) ? place : 0;
        }
    return last != NULL;
}

static bool map_of(kin_forming *f, const kin_encoded *e, float *positions, kin_error *err)
{
    kin_vectors rows = {e->rows, e->count, e->dim};
    float *work = kin_alloc_array((size_t)e->count, 4 * sizeof *work), *start = work,
          *found = work + 2 * e->count;
    if (!work) return kin_fail_memory(err, "a map", (size_t)e->count * 4 * sizeof *work);
    /* few steps: it only has to move on from where the last map was */
    kin_tsne_opt opt = {.perplexity = 10, .steps = STEPS, .start = begin_at(f, e, start) ? start : NULL};
    bool ok = kin_tsne(rows, &opt, found, NULL, err);
    for (int64_t i = 0; i < 2 * f->sample.count; i++) positions[i] = NAN;
    for (int64_t i = 0; ok && i < e->count; i++)
        memcpy(positions + 2 * e->item[i], found + 2 * i, 2 * sizeof *found);
    kin_free(work);
    return ok;
}

/* mAP among the points themselves; NaN where there is nothing to tell. */
static bool judge(const kin_forming *f, const kin_encoded *e, double *map, kin_error *err)
{
    int64_t *labels = kin_alloc_array((size_t)e->count, sizeof *labels);
    kin_metrics m = {0};
    if (!labels) return kin_fail_memory(err, "a map", (size_t)e->count * sizeof *labels);
    bool known = false;
    for (int64_t i = 0; i < e->count; i++) labels[i] = f->labels[e->item[i]], known |= labels[i] >= 0;
    bool ok = !known || kin_judge_set((kin_vectors){e->rows, e->count, e->dim}, labels, NULL, &m, NULL, err);
    *map = known && ok ? m.mean.ap : NAN;
    kin_free(labels);
    return ok;
}

bool kin_forming_look(kin_forming *f, kin_trainer *t, int64_t step, kin_error *err)
{
    kin_encoded e = {0};
    if (f->frames == KIN_FORMING_LOOKS + 1 || !f->sample.count) return true;
    kin_learning_frame frame = {.step = step, .map = NAN};
    frame.positions = kin_alloc_array((size_t)f->sample.count, 2 * sizeof *frame.positions);
    bool ok = (frame.positions ||
               kin_fail_memory(err, "a map", (size_t)f->sample.count * 2 * sizeof(float))) &&
              kin_trainer_encode(t, &f->sample, &e, err) && map_of(f, &e, frame.positions, err) &&
              judge(f, &e, &frame.map, err);
    if (ok) f->frame[f->frames++] = frame;
    else kin_free(frame.positions);
    kin_encoded_free(&e);
    return ok;
}

kin_learning kin_forming_learning(const kin_forming *f)
{
    return (kin_learning){
        .points = f->sample.count, .labels = f->labels, .frames = f->frame, .n_frames = f->frames};
}

/* ---- the hardest triplet ---- */

static double distance(const kin_encoded *e, int64_t a, int64_t b)
{
    double sum = 0;
    for (int64_t k = 0; k < e->dim; k++) {
        double d = (double)e->rows[a * e->dim + k] - e->rows[b * e->dim + k];
        sum += d * d;
    }
    return sqrt(sum);
}

/* Batch-hard for one anchor; pictures that stand in a batch twice are not each other's positive. */
static kin_hardest of_anchor(const kin_encoded *e, const kin_dataset *batch, const int64_t *picture,
                             int64_t a)
{
    int64_t from = e->item[a];
    kin_hardest h = {.anchor = picture[from], .positive = -1, .negative = -1, .d_ap = -1, .d_an = INFINITY};
    for (int64_t i = 0; i < e->count; i++) {
        int64_t other = e->item[i];
        double d = picture[other] == h.anchor ? -1 : distance(e, a, i);
        bool same = batch->items[other].label == batch->items[from].label;
        if (d < 0 || batch->items[other].label < 0) continue;
        if (same && d > h.d_ap) h.positive = picture[other], h.d_ap = d;
        if (!same && d < h.d_an) h.negative = picture[other], h.d_an = d;
    }
    h.there = h.positive >= 0 && h.negative >= 0;
    return h;
}

bool kin_hardest_find(kin_hardest *h, kin_trainer *t, const kin_dataset *set, const kin_train_step *step,
                      kin_error *err)
{
    kin_encoded e = {0};
    kin_dataset batch = *set;
    *h = (kin_hardest){0};
    if (set->classes < 2) return true;
    batch.view = true, batch.count = step->pictures < BATCH ? step->pictures : BATCH;
    batch.items = kin_alloc_array((size_t)batch.count, sizeof *batch.items);
    bool ok = batch.items || kin_fail_memory(err, "a batch", (size_t)batch.count * sizeof *batch.items);
    for (int64_t i = 0; ok && i < batch.count; i++) batch.items[i] = set->items[step->batch[i]];
    ok = ok && kin_trainer_encode(t, &batch, &e, err);
    for (int64_t a = 0; ok && a < e.count; a++) {
        kin_hardest own = of_anchor(&e, &batch, step->batch, a);
        if (own.there && batch.items[e.item[a]].label >= 0 &&
            (!h->there || own.d_ap - own.d_an > h->d_ap - h->d_an))
            *h = own;
    }
    kin_encoded_free(&e);
    kin_free(batch.items);
    return ok;
}
