/* A ring of batches. The consumer plans them and takes them in order; workers take pictures of the
 * earliest batch that has any left. Everything shared is behind one lock: a picture costs a hundred
 * thousand times more than the lock. */
#include "data/loader.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/thread.h"

#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/resource.h>
#endif

enum { AHEAD = 4, CHANGE_KEY = 23, POLITE = 5 };

typedef struct slot {
    int64_t step, count; /* of the batch; count 0: none planned */
    int64_t taken, done; /* pictures given out, and finished */
    int64_t *index;      /* [batch] */
    float *pixels;
} slot;

struct kin_loader {
    const kin_dataset *set;
    kin_loader_opt opt;
    kin_scaling scale;
    size_t floats; /* of a picture */
    slot *slots;   /* a ring: step s lies in slot s mod n */
    int n_slots;
    int64_t next, planned; /* the step to hand out, and to plan, next */
    bool ended;            /* the plan has no more */
    kin_image *cache;      /* [set->count]; data NULL where nothing is kept */
    uint64_t cached;       /* bytes */
    bool *broken;          /* [set->count] */
    bool *hidden;          /* [set->count]: alpha was dropped from pixels that are not opaque */
    kin_error first_broken;
    int64_t first_broken_at;
    kin_error failure; /* ends everything */
    bool stopping;
    double waited;
    pthread_mutex_t lock;
    pthread_cond_t work, ready;
    pthread_t threads[KIN_MAX_THREADS];
    int n_threads;
};

/* ---- one picture ---- */

static uint64_t bytes_of(const kin_image *image)
{
    return (uint64_t)image->width * (uint64_t)image->height * (uint64_t)image->channels;
}

static bool copy_image(const kin_image *from, kin_image *to, kin_error *err)
{
    if (!kin_image_new(to, from->width, from->height, from->channels, err)) return false;
    memcpy(to->data, from->data, (size_t)bytes_of(from));
    return true;
}

static void note_hidden(kin_loader *l, int64_t picture)
{
    pthread_mutex_lock(&l->lock);
    l->hidden[picture] = true;
    pthread_mutex_unlock(&l->lock);
}

/* What is kept in the cache: the picture as the network sees it, or, for a change, decoded and perhaps
 * reduced. */
static bool decode(kin_loader *l, int64_t picture, kin_image *image, kin_error *err)
{
    const kin_loader_opt *o = &l->opt;
    kin_image_limits limits = o->limits;
    if (o->change && o->cache_side) limits.reduce_to = o->cache_side;
    if (!kin_dataset_image(l->set, picture, &limits, image, err)) return false;
    bool ok = o->change
                  ? kin_image_convert(image, o->channels, err)
                  : kin_picture_prepare_to(image, o->resize, o->size, o->across, o->channels, o->filter, err);
    int side = image->width < image->height ? image->width : image->height;
    if (ok && image->hidden) note_hidden(l, picture);
    if (ok && o->change && o->cache_side && side > o->cache_side) {
        kin_image small;
        int width = (int)((int64_t)image->width * o->cache_side / side),
            height = (int)((int64_t)image->height * o->cache_side / side);
        ok = kin_image_resize(image, width, height, o->filter, &small, err);
        kin_image_free(image);
        if (ok) *image = small;
    }
    if (!ok) kin_image_free(image);
    if (!ok && err->code == KIN_ERR_DATA) kin_error_prefix(err, "%s", l->set->items[picture].path);
    return ok;
}

static bool from_cache(kin_loader *l, int64_t picture, kin_image *image, bool *found, kin_error *err)
{
    /* A cached picture is never changed or freed before the end, so it may be copied without the lock. */
    pthread_mutex_lock(&l->lock);
    kin_image kept = l->cache ? l->cache[picture] : (kin_image){0};
    pthread_mutex_unlock(&l->lock);
    *found = kept.data != NULL;
    return !*found || copy_image(&kept, image, err);
}

static void keep(kin_loader *l, int64_t picture, const kin_image *image)
{
    kin_image copy;
    kin_error ignored = {0};
    bool room;
    if (!l->cache) return;
    pthread_mutex_lock(&l->lock);
    room = !l->cache[picture].data && l->cached + bytes_of(image) <= l->opt.cache;
    if (room) l->cached += bytes_of(image);
    pthread_mutex_unlock(&l->lock);
    if (!room) return;
    bool ok = copy_image(image, &copy, &ignored);
    pthread_mutex_lock(&l->lock);
    if (ok && !l->cache[picture].data) l->cache[picture] = copy;
    else { /* another thread was quicker, or there is no memory */ l->cached -= bytes_of(image);
        if (ok) kin_image_free(&copy);
    }
    pthread_mutex_unlock(&l->lock);
}

static bool make(kin_loader *l, int64_t step, int64_t picture, float *out, kin_error *err)
{
    const kin_loader_opt *o = &l->opt;
    kin_image image;
    bool found;
    uint64_t key = kin_key(o->seed, (uint64_t)step, 17) | 1;
    if (!from_cache(l, picture, &image, &found, err)) return false;
    if (!found) {
        if (!decode(l, picture, &image, err)) return false;
        keep(l, picture, &image);
    }
    bool ok = !o->change ||
              o->change(o->change_user, kin_key(key, (uint64_t)picture, CHANGE_KEY), &image, err);
    if (!ok && err->code == KIN_ERR_DATA) kin_error_prefix(err, "%s", l->set->items[picture].path);
    if (ok && (image.width != o->across || image.height != o->size || image.channels != o->channels))
        ok = kin_fail(err, KIN_ERR_ARGUMENT,
                      "the augmentation makes pictures of %d x %d x %d; %d x %d x %d are needed: end it with "
                      "a crop to that size",
                      image.width, image.height, image.channels, o->across, o->size, o->channels);
    if (ok) kin_scaling_picture(&l->scale, &image, picture, o->scaling.key ? key : 0, out);
    kin_image_free(&image);
    return ok;
}

/* ---- broken ones ---- */

/* The next picture of the same class; −1 after the last. */
static int64_t next_of_class(const kin_loader *l, int64_t from, int64_t picture)
{
    const kin_sample *items = l->set->items;
    for (int64_t i = from + 1; i < from + l->set->count; i++)
        if (items[i % l->set->count].label == items[from].label) {
            int64_t found = i % l->set->count;
            return found == picture ? -1 : found;
        }
    return -1;
}

static void note_broken(kin_loader *l, int64_t picture, const kin_error *why)
{
    pthread_mutex_lock(&l->lock);
    l->broken[picture] = true;
    if (l->first_broken_at < 0 || picture < l->first_broken_at) {
        l->first_broken_at = picture;
        l->first_broken = *why;
    }
    pthread_mutex_unlock(&l->lock);
}

static bool may_be_left_out(const kin_loader *l, const kin_error *e)
{
    return !l->opt.strict && kin_error_is_of_file(e);
}

/* Makes a picture; false with an error in `err` that may be left out, or not. What was broken once is not
 * read again. */
static bool try_make(kin_loader *l, int64_t step, int64_t picture, float *out, kin_error *err)
{
    if (kin_loader_is_broken(l, picture)) return kin_fail(err, KIN_ERR_DATA, "broken");
    if (make(l, step, picture, out, err)) return true;
    if (may_be_left_out(l, err)) note_broken(l, picture, err);
    return false;
}

/* Which picture comes out is the same whoever finds it broken: readability is a property of the file. */
static bool make_or_substitute(kin_loader *l, int64_t step, int64_t *picture, float *out, kin_error *err)
{
    int64_t original = *picture;
    for (int64_t at = original; at >= 0; at = next_of_class(l, at, original)) {
        kin_error inner = {0};
        if (try_make(l, step, at, out, &inner)) {
            *picture = at;
            return true;
        }
        if (!may_be_left_out(l, &inner)) return kin_fail(err, inner.code, "%s", inner.message);
        if (!l->opt.substitute) {
            memset(out, 0, l->floats * sizeof *out);
            return true;
        }
    }
    kin_error first;
    kin_loader_broken(l, &first);
    return kin_fail(err, KIN_ERR_DATA, "no picture of the class %s can be read; the first broken one: %s",
                    l->set->class_names && l->set->items[original].label >= 0
                        ? l->set->class_names[l->set->items[original].label]
                        : "?",
                    first.message);
}

/* ---- work ---- */

/* The earliest planned batch with pictures left; NULL: none. With the lock. */
static slot *slot_with_work(kin_loader *l)
{
    for (int64_t step = l->next; step < l->planned; step++) {
        slot *s = &l->slots[step % l->n_slots];
        if (s->taken < s->count) return s;
    }
    return NULL;
}

/* Takes one picture and makes it. Called with the lock, returns with it. */
static void work_on(kin_loader *l, slot *s)
{
    int64_t i = s->taken++, picture = s->index[i], step = s->step;
    kin_error err = {0};
    pthread_mutex_unlock(&l->lock);
    bool ok = make_or_substitute(l, step, &picture, s->pixels + (size_t)i * l->floats, &err);
    pthread_mutex_lock(&l->lock);
    s->index[i] = picture;
    s->done++;
    if (!ok && !kin_failed(&l->failure)) l->failure = err;
    if (s->done == s->count || !ok) pthread_cond_broadcast(&l->ready);
}

static void *worker(void *arg)
{
    kin_loader *l = arg;
    kin_thread_is_serial();
#ifdef __linux__
    /* Threads have priorities of their own here. The network's come first: they wait for one another, and
     * the batches are ahead. */
    (void)!setpriority(PRIO_PROCESS, 0, POLITE);
#endif
    pthread_mutex_lock(&l->lock);
    while (!l->stopping) {
        slot *s = slot_with_work(l);
        if (s) work_on(l, s);
        else pthread_cond_wait(&l->work, &l->lock);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- the consumer's side ---- */

/* Plans batches until the ring is full. */
static bool plan(kin_loader *l, kin_error *err)
{
    while (!l->ended && l->planned < l->next + l->n_slots) {
        slot *s = &l->slots[l->planned % l->n_slots];
        int64_t count = l->opt.plan(l->opt.plan_user, l->planned, s->index, err);
        if (count < 0) return false;
        l->ended = count == 0;
        if (l->ended) break;
        pthread_mutex_lock(&l->lock);
        s->step = l->planned++, s->count = count, s->taken = 0, s->done = 0;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->lock);
    }
    return true;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool kin_loader_next(kin_loader *l, kin_loaded *out, kin_error *err)
{
    *out = (kin_loaded){0};
    pthread_mutex_lock(&l->lock);
    /* the one handed out last is done with */
    if (l->next < l->planned && l->slots[l->next % l->n_slots].count < 0) l->next++;
    pthread_mutex_unlock(&l->lock);
    if (!plan(l, err)) return false;
    if (l->ended && l->next == l->planned) return true;
    slot *s = &l->slots[l->next % l->n_slots];
    double begun = now();
    pthread_mutex_lock(&l->lock);
    while (s->done < s->count && !kin_failed(&l->failure)) {
        if (l->opt.stops && l->opt.stops(l->opt.stops_user))
            kin_fail(&l->failure, KIN_ERR_INTERRUPTED, "interrupted while reading pictures");
        else if (s->taken < s->count) work_on(l, s); /* rather than wait */
        else pthread_cond_wait(&l->ready, &l->lock);
    }
    bool ok = !kin_failed(&l->failure) || kin_fail(err, l->failure.code, "%s", l->failure.message);
    *out = (kin_loaded){s->step, s->count, s->index, s->pixels};
    s->count = -1;
    s->taken = 0;
    pthread_mutex_unlock(&l->lock);
    l->waited += now() - begun;
    return ok;
}

double kin_loader_waited(const kin_loader *l) { return l->waited; }

int64_t kin_loader_broken(kin_loader *l, kin_error *first)
{
    int64_t count = 0;
    pthread_mutex_lock(&l->lock);
    for (int64_t i = 0; i < l->set->count; i++) count += l->broken[i];
    if (first) *first = l->first_broken;
    pthread_mutex_unlock(&l->lock);
    return count;
}

int64_t kin_loader_hidden(kin_loader *l)
{
    int64_t count = 0;
    pthread_mutex_lock(&l->lock);
    for (int64_t i = 0; i < l->set->count; i++) count += l->hidden[i];
    pthread_mutex_unlock(&l->lock);
    return count;
}

bool kin_loader_is_broken(kin_loader *l, int64_t picture)
{
    pthread_mutex_lock(&l->lock);
    bool is = l->broken[picture];
    pthread_mutex_unlock(&l->lock);
    return is;
}

/* ---- all pictures, once ---- */

enum { GROUP = 64 }; /* pictures between two looks at progress */

typedef struct survey {
    kin_loader *l;
    int64_t first;
} survey;

static void survey_one(void *arg, int64_t index, int worker)
{
    (void)worker;
    survey *s = arg;
    kin_loader *l = s->l;
    int64_t picture = s->first + index;
    kin_image image;
    kin_error err = {0};
    if (decode(l, picture, &image, &err)) {
        keep(l, picture, &image);
        kin_image_free(&image);
    } else if (may_be_left_out(l, &err)) {
        note_broken(l, picture, &err);
    } else {
        pthread_mutex_lock(&l->lock);
        if (!kin_failed(&l->failure)) l->failure = err;
        pthread_mutex_unlock(&l->lock);
    }
}

bool kin_loader_survey(kin_loader *l, bool (*progress)(void *user, int64_t done, int64_t total), void *user,
                       kin_error *err)
{
    survey s = {.l = l};
    for (; s.first < l->set->count; s.first += GROUP) {
        int64_t count = l->set->count - s.first < GROUP ? l->set->count - s.first : GROUP;
        kin_parallel_for(count, survey_one, &s);
        if (kin_failed(&l->failure)) return kin_fail(err, l->failure.code, "%s", l->failure.message);
        if (progress && !progress(user, s.first + count, l->set->count))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while reading pictures");
    }
    kin_error first;
    int64_t broken = kin_loader_broken(l, &first);
    return broken < l->set->count ||
           kin_fail(err, KIN_ERR_DATA, "none of the %lld pictures can be read; the first: %s",
                    (long long)broken, first.message);
}

/* ---- life ---- */

static bool reserve(kin_loader *l, kin_error *err)
{
    const kin_loader_opt *o = &l->opt;
    size_t count = (size_t)l->set->count, floats;
    l->floats = (size_t)o->size * (size_t)o->across * (size_t)o->channels;
    l->slots = kin_alloc_zero((size_t)l->n_slots, sizeof *l->slots);
    l->broken = kin_alloc_zero(count, sizeof *l->broken);
    l->hidden = kin_alloc_zero(count, sizeof *l->hidden);
    bool ok = l->slots && l->broken && l->hidden && kin_mul_size(l->floats, (uint64_t)o->batch, &floats);
    if (ok && o->cache) ok = (l->cache = kin_alloc_zero(count, sizeof *l->cache)) != NULL;
    for (int i = 0; ok && i < l->n_slots; i++) {
        l->slots[i].index = kin_alloc_array((size_t)o->batch, sizeof(int64_t));
        l->slots[i].pixels = kin_alloc_array(floats, sizeof(float));
        ok = l->slots[i].index && l->slots[i].pixels;
    }
    return ok || kin_fail_memory(err, "batches made in advance",
                                 (size_t)l->n_slots * (size_t)o->batch * l->floats * sizeof(float));
}

kin_loader *kin_loader_new(const kin_dataset *set, const kin_loader_opt *opt, kin_error *err)
{
    kin_loader *l = kin_alloc_zero(1, sizeof *l);
    if (!l) return kin_fail_memory(err, "a loader", sizeof *l), NULL;
    int workers = opt->workers ? opt->workers : kin_threads() > 1 ? kin_threads() : 0;
    if (workers > KIN_MAX_THREADS) workers = KIN_MAX_THREADS;
    l->set = set;
    l->opt = *opt;
    if (!l->opt.across) l->opt.across = opt->size;
    l->n_slots = (opt->ahead ? opt->ahead : AHEAD) + 1; /* and the one that is being used */
    l->next = l->planned = opt->first_step;
    l->first_broken_at = -1;
    kin_scaling_make(&l->scale, &opt->scaling);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    if (!reserve(l, err)) {
        kin_loader_free(l);
        return NULL;
    }
    /* Fewer threads than wished for, even none, only make it slower. */
    while (l->n_threads < workers && kin_thread_start(&l->threads[l->n_threads], worker, l)) l->n_threads++;
    return l;
}

void kin_loader_free(kin_loader *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->n_threads; i++) pthread_join(l->threads[i], NULL);
    for (int64_t i = 0; l->cache && i < l->set->count; i++) kin_image_free(&l->cache[i]);
    for (int i = 0; l->slots && i < l->n_slots; i++) {
        kin_free(l->slots[i].index);
        kin_free(l->slots[i].pixels);
    }
    kin_free(l->slots);
    kin_free(l->cache);
    kin_free(l->broken);
    kin_free(l->hidden);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->ready);
    kin_free(l);
}
