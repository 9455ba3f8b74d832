#define _POSIX_C_SOURCE 200809L
#include "photos/update.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/names.h"
#include "base/parallel.h"
#include "data/look/facts.h"
#include "data/look/hash.h"
#include "data/look/look.h"
#include "data/sets/dataset.h"
#include "photos/present.h"
#include "photos/strangers.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    GROUP = 64,                 /* pictures between two looks at progress */
    ENOUGH = 2 * KIN_LOOK_SIDE, /* JPEGs are decoded no smaller: descriptor and hash take less */
    KEEP_SECONDS = 30           /* of work that a kill may cost */
};

/* ---- one picture ---- */

static void take_digest(const uint8_t *bytes, size_t size, kin_photo *photo)
{
    kin_blake2b b;
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, bytes, size);
    kin_blake2b_end(&b, photo->digest);
    photo->bytes = (int64_t)size;
}

static bool look_at(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_photo *photo,
                    float *row, kin_error *err)
{
    kin_image_limits reduced = *limits;
    kin_image decoded;
    reduced.reduce_to = ENOUGH;
    if (!kin_image_decode(bytes, size, &reduced, &decoded, err)) return false;
    kin_picture_facts facts = kin_facts(bytes, size);
    bool turned = (facts.width < facts.height) != (decoded.width < decoded.height);
    photo->date = facts.date;
    photo->width = !facts.width ? decoded.width : turned ? facts.height : facts.width;
    photo->height = !facts.width ? decoded.height : turned ? facts.width : facts.height;
    bool ok = kin_hash_image(&decoded, &photo->hash, err);
    ok = ok && (!row || kin_look_image(&decoded, row, err));
    kin_image_free(&decoded);
    return ok;
}

bool kin_photo_read(const uint8_t *bytes, size_t size, const kin_image_limits *limits, kin_photo *photo,
                    float *row, kin_error *err)
{
    take_digest(bytes, size, photo);
    return look_at(bytes, size, limits, photo, row, err);
}

/* ---- the work ---- */

typedef enum {
    WAITING,
    SAME,
    READY,
    UNREADABLE,
    CLOSED, /* it may not be opened, and nothing is known of it */
    WENT    /* it was there when the folder was listed, and went or changed before it was read */
} state;

typedef struct job {
    kin_photo photo;
    int64_t old;            /* of the known index: the same path; -1: none */
    int64_t from;           /* of the known index: where its descriptor is taken from; -1: made now */
    const struct job *twin; /* one before it with the same content, whose descriptor it shares; NULL: none */
    state state;
    bool decoded;
    bool kept; /* SAME for it may not be opened now, and the index knows it */
} job;

typedef struct update {
    const kin_photos *known;
    const kin_photos_opt *opt;
    kin_photos_told *told;
    kin_dataset found;
    kin_names paths, contents; /* of the known index; contents as digits */
    int64_t *of_content;       /* [contents.count]: the first with that content */
    kin_names read;            /* contents that this update has decoded, or could not */
    const job **of_read;       /* [read.count]: the first with that content */
    size_t of_read_capacity;
    bool *there; /* [known]: its path is in the folder, or in one that is closed */
    job *behind; /* [n_behind]: the known ones of closed folders */
    int64_t n_behind;
    job *job;                    /* [found.count] */
    float *rows;                 /* [found.count, dim] */
    int64_t first;               /* of the group at hand */
    int64_t *waiting, n_waiting; /* jobs that wait, in order */
    kin_error *errors;           /* [GROUP]: of the group at hand */
} update;

static int64_t known_content(const update *u, const uint8_t *digest)
{
    char text[2 * KIN_BLAKE2B_BYTES + 1];
    kin_hex(digest, KIN_BLAKE2B_BYTES, text);
    int64_t number = kin_names_find(&u->contents, text);
    return number < 0 ? -1 : u->of_content[number];
}

static bool index_known(update *u, kin_error *err)
{
    const kin_photos *k = u->known;
    int64_t n = k->count + k->broken;
    char text[2 * KIN_BLAKE2B_BYTES + 1];
    u->of_content = kin_alloc_array((size_t)n, sizeof *u->of_content);
    u->there = kin_alloc_zero((size_t)n, sizeof *u->there);
    bool ok = u->of_content && u->there;
    for (int64_t i = 0; ok && i < n; i++) {
        kin_hex(k->item[i].digest, KIN_BLAKE2B_BYTES, text);
        int64_t before = u->contents.count, number = kin_names_add(&u->contents, text);
        /* Two of one path come from no index of kin's, and are refused. */
        ok = number >= 0 && kin_names_add(&u->paths, k->item[i].path) >= 0;
        if (ok && number == before) u->of_content[number] = i;
        ok = ok && (u->paths.count == i + 1 ||
                    kin_fail(err, KIN_ERR_DATA, "the index names %s twice", k->item[i].path));
    }
    return ok || kin_fail_memory(err, "the index", (size_t)n * 128);
}

/* ---- what may not be opened, or is there no more ---- */

/* What is known of a picture that cannot be looked at stays: it may be there again. */
static void keep_known(const update *u, job *j)
{
    const char *path = j->photo.path;
    j->photo = u->known->item[j->old], j->photo.path = path;
    j->from = j->old, j->state = SAME, j->kept = true;
}

/* Nothing is known of it but its name: it is tried again each time. */
static void close_job(job *j)
{
    j->photo = (kin_photo){.path = j->photo.path};
    j->state = CLOSED;
}

/* The first of a kind is told. */
KIN_PRINTF(3, 4) static void say_first(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!*text) vsnprintf(text, size, format, args);
    va_end(args);
}

/* What is known of a picture that the index has a descriptor of; else NULL. */
static const kin_photo *known_of(const update *u, const job *j)
{
    return j->old >= 0 && j->old < u->known->count ? &u->known->item[j->old] : NULL;
}

static void go(update *u, job *j, bool gone)
{
    j->state = WENT;
    if (gone && j->old >= 0) u->there[j->old] = false;
}

/* Of a file that stat does not find. */
static bool take_missing(update *u, job *j, const char *path, int why, kin_error *err)
{
    kin_code code = kin_code_of_errno(why);
    kin_photos_told *t = u->told;
    if (code != KIN_ERR_ABSENT) return kin_fail(err, code, "%s: cannot be read: %s", path, strerror(why));
    if (!kin_photo_closed(why)) go(u, j, true);
    else if (known_of(u, j)) keep_known(u, j);
    else {
        close_job(j);
        say_first(t->first_broken, sizeof t->first_broken, "%s: cannot be opened: %s", path, strerror(why));
    }
    return true;
}

/* Of a file that was there, and then could not be opened; `err` is what was said. Only what may not be opened has an
 * error. */
static void take_unopened(update *u, job *j, const char *path, kin_error *err)
{
    struct stat info;
    if (!kin_error_is_of_file(err)) return;
    const kin_photo *old = known_of(u, j);
    if (stat(path, &info) != 0 && !kin_photo_closed(errno)) {
        go(u, j, true);
        kin_error_clear(err);
    } else if (old && old->bytes == j->photo.bytes && old->change == j->photo.change) {
        keep_known(u, j);
        kin_error_clear(err);
    } else close_job(j);
}

/* The known pictures of folders that may not be opened now: they were not listed. */
static bool look_behind(update *u, const char *folder, kin_error *err)
{
    const kin_photos *k = u->known;
    u->behind = kin_alloc_array((size_t)k->count, sizeof *u->behind);
    if (!u->behind) return kin_fail_memory(err, "the index", (size_t)k->count * sizeof *u->behind);
    for (int64_t i = 0; i < k->count; i++) {
        struct stat info;
        char *path = u->there[i] ? NULL : kin_path_join(folder, k->item[i].path);
        if (!u->there[i] && !path) return kin_fail_memory(err, "a path", 4096);
        if (path && stat(path, &info) != 0 && kin_photo_closed(errno)) {
            job *j = &u->behind[u->n_behind++];
            *j = (job){.photo = k->item[i], .old = i};
            keep_known(u, j);
            u->there[i] = true;
        }
        kin_free(path);
    }
    return true;
}

/* Whether it is the file still that its digest was made of. */
static bool as_it_was(const job *j, const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && (int64_t)info.st_size == j->photo.bytes &&
           kin_photo_change(&info) == j->photo.change;
}

/* Sizes and times of all files, and what they tell. */
static bool look_at_files(update *u, kin_error *err)
{
    int64_t n = u->found.count, dim = u->opt->dim;
    u->job = kin_alloc_zero((size_t)n, sizeof *u->job);
    u->rows = kin_alloc_array((size_t)n, (size_t)dim * sizeof *u->rows);
    u->waiting = kin_alloc_array((size_t)n, sizeof *u->waiting);
    u->errors = kin_alloc_zero(GROUP, sizeof *u->errors);
    if (!u->job || !u->rows || !u->waiting || !u->errors)
        return kin_fail_memory(err, "the index",
                               (size_t)n * ((size_t)dim * sizeof *u->rows + sizeof *u->job));
    for (int64_t i = 0; i < n; i++) {
        struct stat info;
        job *j = &u->job[i];
        j->photo.path = u->found.items[i].id;
        j->old = kin_names_find(&u->paths, j->photo.path), j->from = -1;
        if (j->old >= 0) u->there[j->old] = true;
        if (stat(u->found.items[i].path, &info) != 0) {
            if (!take_missing(u, j, u->found.items[i].path, errno, err)) return false;
            continue;
        }
        j->photo.bytes = (int64_t)info.st_size;
        j->photo.change = kin_photo_change(&info);
        const kin_photo *old = j->old >= 0 ? &u->known->item[j->old] : NULL;
        bool again = u->opt->retry && j->old >= u->known->count;
        if (old && !u->opt->verify && !again && old->bytes == j->photo.bytes &&
            old->change == j->photo.change)
            j->photo = *old, j->from = j->old, j->state = SAME;
        else u->waiting[u->n_waiting++] = i;
    }
    return true;
}

/* The content is known: nothing is decoded. */
static bool take_known(const update *u, job *j)
{
    int64_t same = known_content(u, j->photo.digest);
    if (same < 0 || (u->opt->retry && same >= u->known->count)) return false;
    const char *path = j->photo.path;
    int64_t change = j->photo.change;
    j->photo = u->known->item[same];
    j->photo.path = path, j->photo.change = change;
    j->from = same;
    j->state = same < u->known->count ? READY : UNREADABLE;
    return true;
}

/* So is that of a picture of an earlier group. */
static bool take_twin(const update *u, job *j)
{
    char text[2 * KIN_BLAKE2B_BYTES + 1];
    kin_hex(j->photo.digest, KIN_BLAKE2B_BYTES, text);
    int64_t number = kin_names_find(&u->read, text), change = j->photo.change;
    const char *path = j->photo.path;
    if (number < 0) return false;
    j->twin = u->of_read[number];
    j->photo = j->twin->photo;
    j->photo.path = path, j->photo.change = change;
    j->state = j->twin->state;
    return true;
}

static bool stopped(const update *u) { return u->opt->stops && u->opt->stops(u->opt->user); }

static void read_one(void *arg, int64_t index, int worker)
{
    (void)worker;
    update *u = arg;
    int64_t i = u->waiting[u->first + index];
    job *j = &u->job[i];
    kin_error *err = &u->errors[index];
    kin_bytes bytes;
    kin_error_clear(err);
    if (stopped(u)) return; /* it waits for the next time */
    if (!kin_read_file(u->found.items[i].path, 0, &bytes, err)) {
        take_unopened(u, j, u->found.items[i].path, err);
        return;
    }
    take_digest(bytes.data, bytes.size, &j->photo);
    if (!take_known(u, j) && !take_twin(u, j)) {
        float *row = u->opt->describe && !u->opt->by_hand ? NULL : u->rows + i * u->opt->dim;
        j->decoded = look_at(bytes.data, bytes.size, &u->opt->limits, &j->photo, row, err);
        j->state = j->decoded ? READY : UNREADABLE;
        if (!j->decoded) kin_error_prefix(err, "%s", u->found.items[i].path);
    }
    kin_bytes_free(&bytes);
}

/* Errors that are no picture's own end the work. */
static bool check_group(update *u, int64_t count, kin_error *err)
{
    for (int64_t k = 0; k < count; k++) {
        const kin_error *e = &u->errors[k];
        if (!kin_failed(e)) continue;
        if (!kin_error_is_of_file(e)) return kin_fail(err, e->code, "%s", e->message);
        say_first(u->told->first_broken, sizeof u->told->first_broken, "%s", e->message);
    }
    return true;
}

/* Pictures that were decoded, and will have no descriptor. */
static void put_back(update *u, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        job *j = &u->job[u->waiting[u->first + k]];
        if (j->decoded && u->opt->describe) j->decoded = false, j->state = WAITING;
    }
}

/* The network takes no descriptor of it: for what it shows, unless it may not be opened any more. */
static void take_undescribed(update *u, job *j, const char *path)
{
    kin_error err = {0};
    FILE *file = kin_open_for_reading(path, &err);
    if (file) {
        fclose(file);
        j->state = UNREADABLE;
        return;
    }
    close_job(j);
    say_first(u->told->first_broken, sizeof u->told->first_broken, "%s", err.message);
}

/* Descriptors by the caller's network, of those of the group that were decoded. */
static bool describe_group(update *u, int64_t count, kin_error *err)
{
    const char *path[GROUP];
    int64_t which[GROUP], n = 0, dim = u->opt->dim;
    bool made[GROUP];
    if (!u->opt->describe) return true;
    for (int64_t k = 0; k < count; k++) {
        int64_t i = u->waiting[u->first + k];
        if (u->job[i].decoded) which[n] = i, path[n++] = u->found.items[i].path;
    }
    float *rows = n ? kin_alloc_array((size_t)n, (size_t)dim * sizeof *rows) : NULL;
    if (!n) return true;
    bool ok = rows || kin_fail_memory(err, "the descriptors", (size_t)(n * dim) * sizeof *rows);
    for (int64_t k = 0; ok && u->opt->by_hand && k < n; k++)
        memcpy(rows + k * dim, u->rows + which[k] * dim, KIN_LOOK_DIM * sizeof *rows);
    ok = ok && u->opt->describe(u->opt->user, path, n, rows, made, err);
    for (int64_t k = 0; ok && k < n; k++) {
        job *j = &u->job[which[k]];
        if (!as_it_was(j, path[k]))
            go(u, j, !kin_exists(path[k])); /* its descriptor may be of something else */
        else if (made[k]) memcpy(u->rows + which[k] * dim, rows + k * dim, (size_t)dim * sizeof *rows);
        else take_undescribed(u, j, path[k]);
    }
    kin_free(rows);
    return ok;
}

/* A folder of photographs holds many of them twice: what a group has read is decoded for no later one. Within a
 * group it is, for its pictures are read at the same time. */
static bool remember_group(update *u, int64_t count, kin_error *err)
{
    char text[2 * KIN_BLAKE2B_BYTES + 1];
    bool ok = true;
    for (int64_t k = 0; ok && k < count; k++) {
        const job *j = &u->job[u->waiting[u->first + k]];
        if (j->from >= 0 || j->twin || (j->state != READY && j->state != UNREADABLE)) continue;
        int64_t before = u->read.count;
        kin_hex(j->photo.digest, KIN_BLAKE2B_BYTES, text);
        ok = kin_grow((void **)&u->of_read, (size_t)before, &u->of_read_capacity, sizeof *u->of_read) &&
             kin_names_add(&u->read, text) >= 0;
        if (ok && u->read.count > before) u->of_read[before] = j;
    }
    return ok || kin_fail_memory(err, "the contents that were read", (size_t)u->read.count * 128);
}

/* ---- the result ---- */

static int by_path(const void *a, const void *b)
{
    const job *const *x = a, *const *y = b;
    return strcmp((*x)->photo.path, (*y)->photo.path);
}

static bool take_texts(const update *u, kin_photos *out, kin_error *err)
{
    const kin_photos_opt *o = u->opt;
    out->root = kin_arena_strdup(&out->arena, o->root);
    out->model = kin_arena_strdup(&out->arena, o->model);
    out->weights = kin_arena_strdup(&out->arena, o->weights);
    out->options = kin_arena_strdup(&out->arena, o->options);
    return (out->root && out->model && out->weights && out->options) || kin_fail_memory(err, "the index", 64);
}

static bool put(const update *u, const job *j, kin_photos *out, int64_t at)
{
    int64_t dim = u->opt->dim;
    out->item[at] = j->photo;
    if (!(out->item[at].path = kin_arena_strdup(&out->arena, j->photo.path))) return false;
    if (j->state == UNREADABLE) return true;
    int64_t own = (j->twin ? j->twin : j) - u->job;
    const float *row = j->from >= 0 ? u->known->rows + j->from * dim : u->rows + own * dim;
    memcpy(out->rows + at * dim, row, (size_t)dim * sizeof *row);
    return true;
}

/* Row k of the known index, as it was. */
static job as_known(const update *u, int64_t k)
{
    state s = k < u->known->count ? SAME : UNREADABLE;
    return (job){.photo = u->known->item[k], .old = k, .from = k, .state = s};
}

/* What is known of files that are not reached yet, and of names that are gone: their pictures may be waiting under
 * another. An interruption loses none of it. */
static int64_t not_reached(const update *u, job *rest)
{
    int64_t n = 0;
    for (int64_t i = 0; i < u->found.count; i++)
        if (u->job[i].state == WAITING && u->job[i].old >= 0) rest[n++] = as_known(u, u->job[i].old);
    for (int64_t k = 0; k < u->known->count + u->known->broken; k++)
        if (!u->there[k]) rest[n++] = as_known(u, k);
    return n;
}

/* What is done, by path; what could not be read behind it. With `rest` [known], what is not reached as well. */
static bool gather(const update *u, job *rest, kin_photos *out, kin_error *err)
{
    int64_t n = u->found.count, all = 0, more = rest ? not_reached(u, rest) : 0;
    const job **order = kin_alloc_array((size_t)(n + more + u->n_behind), sizeof *order);
    *out = (kin_photos){.dim = u->opt->dim};
    bool ok = order != NULL;
    for (int64_t i = 0; ok && i < n; i++) {
        job *j = &u->job[i];
        if (j->state == CLOSED || (j->state == SAME && j->from >= u->known->count)) j->state = UNREADABLE;
        if (j->state == SAME || j->state == READY || j->state == UNREADABLE) order[all++] = j;
    }
    for (int64_t i = 0; ok && i < more; i++) order[all++] = &rest[i];
    for (int64_t i = 0; ok && i < u->n_behind; i++) order[all++] = &u->behind[i];
    for (int64_t k = 0; k < all; k++) out->broken += order[k]->state == UNREADABLE;
    out->count = all - out->broken;
    if (ok && all) qsort(order, (size_t)all, sizeof *order, by_path);
    out->item = kin_alloc_array((size_t)all, sizeof *out->item);
    out->rows = kin_alloc_array((size_t)out->count, (size_t)out->dim * sizeof *out->rows);
    ok = ok && out->item && out->rows;
    int64_t good = 0, bad = out->count;
    for (int64_t k = 0; ok && k < all; k++)
        ok = put(u, order[k], out, order[k]->state == UNREADABLE ? bad++ : good++);
    kin_free(order);
    ok = ok ? take_texts(u, out, err) : kin_fail_memory(err, "the index", (size_t)all * sizeof *out->item);
    if (!ok) kin_photos_free(out);
    return ok;
}

static bool copy_nearest(const kin_photos *known, kin_photos *out, kin_error *err)
{
    size_t n = (size_t)known->nearests;
    if (n == 0) return true;
    out->nearest = kin_alloc_array(n, sizeof *out->nearest);
    if (!out->nearest) return kin_fail_memory(err, "the index", n * sizeof *out->nearest);
    memcpy(out->nearest, known->nearest, n * sizeof *out->nearest);
    out->nearests = known->nearests;
    return true;
}

static bool goes_on(void *user, const char *stage, int64_t done, int64_t total)
{
    const kin_photos_opt *o = user;
    (void)stage, (void)done, (void)total;
    return !o->stops || !o->stops(o->user);
}

/* Of a large index measuring takes longer than a few new pictures, and changes little by them; but many times a few are many. */
static bool take_nearest(const update *u, kin_photos *out, kin_error *err)
{
    enum { LARGE = 5000, FEW = 50 /* one in so many */ };
    const kin_photos_told *t = u->told;
    int64_t since = u->known->since + t->added + t->changed + t->moved + t->removed, n = u->known->nearests;
    bool stays = n > 0 && (since == 0 || (out->count >= LARGE && since * FEW < out->count));
    if (!stays) return kin_photos_measure(out, (kin_progress){goes_on, (void *)u->opt}, err);
    out->since = since;
    return copy_nearest(u->known, out, err);
}

/* Pictures that this update has read and the known index does not have so: what an interrupted one has changed. */
static int64_t read_so_far(const update *u)
{
    int64_t n = 0;
    for (int64_t i = 0; i < u->found.count; i++) n += u->job[i].state == READY;
    return n;
}

static void tell(const update *u, const kin_photos *out)
{
    kin_photos_told *t = u->told;
    int64_t known = u->known->count + u->known->broken;
    for (int64_t i = 0; i < known; i++) t->removed += !u->there[i];
    t->same = t->kept = u->n_behind;
    if (u->n_behind) say_first(t->first_kept, sizeof t->first_kept, "%s", u->behind->photo.path);
    for (int64_t i = 0; i < u->found.count; i++) {
        const job *j = &u->job[i];
        t->decoded += j->decoded, t->kept += j->kept, t->went += j->state == WENT;
        if (j->kept) say_first(t->first_kept, sizeof t->first_kept, "%s", j->photo.path);
        if (j->state == WENT) say_first(t->first_went, sizeof t->first_went, "%s", j->photo.path);
        if (j->state == WENT || j->state == WAITING || j->state == UNREADABLE) continue;
        if (j->old >= 0 && (j->from == j->old ||
                            memcmp(u->known->item[j->old].digest, j->photo.digest, KIN_BLAKE2B_BYTES) == 0))
            t->same++;
        else if (j->old >= 0) t->changed++;
        else if (j->from >= 0 && !u->there[j->from]) t->moved++;
        else t->added++, t->copied += j->from >= 0;
    }
    t->broken = out->broken;
    t->removed = t->removed > t->moved ? t->removed - t->moved : 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool keep(const update *u, kin_error *err)
{
    kin_photos part = {0};
    size_t known = (size_t)(u->known->count + u->known->broken);
    if (!u->opt->keep) return true;
    job *rest = kin_alloc_array(known, sizeof *rest);
    bool ok = (rest || kin_fail_memory(err, "the index", known * sizeof *rest)) &&
              gather(u, rest, &part, err);
    part.since = u->known->since + read_so_far(u);
    ok = ok && copy_nearest(u->known, &part, err) && u->opt->keep(u->opt->user, &part, err);
    kin_photos_free(&part);
    kin_free(rest);
    return ok;
}

static bool work(update *u, kin_error *err)
{
    const kin_photos_opt *o = u->opt;
    double kept = seconds();
    for (u->first = 0; u->first < u->n_waiting; u->first += GROUP) {
        int64_t count = u->n_waiting - u->first < GROUP ? u->n_waiting - u->first : GROUP;
        kin_parallel_for(count, read_one, u);
        bool stops = stopped(u);
        if (!check_group(u, count, err)) return false;
        if (!stops && !describe_group(u, count, err)) {
            if (err->code != KIN_ERR_INTERRUPTED) return false;
            kin_error_clear(err);
            stops = true;
        }
        if (stops) put_back(u, count);
        if (!stops && !remember_group(u, count, err)) return false;
        if (stops || (o->progress && !o->progress(o->user, u->first + count, u->n_waiting)))
            return keep(u, err) &&
                   kin_fail(err, KIN_ERR_INTERRUPTED,
                            "interrupted while reading pictures; what was read is kept, and the "
                            "same command goes on");
        if (seconds() - kept < KEEP_SECONDS) continue;
        if (!keep(u, err)) return false;
        kept = seconds();
    }
    return true;
}

bool kin_photos_update(const kin_photos *known, const char *folder, const kin_photos_opt *opt,
                       kin_photos *out, kin_photos_told *told, kin_error *err)
{
    update u = {.known = known, .opt = opt, .told = told};
    *out = (kin_photos){0};
    *told = (kin_photos_told){0};
    bool ok = kin_folder_pictures(folder, opt->exclude, &u.found, err) && index_known(&u, err) &&
              look_at_files(&u, err) && look_behind(&u, folder, err);
    ok = ok && (!opt->begins || opt->begins(opt->user, u.found.count, err));
    if (ok && u.found.remark) snprintf(told->remark, sizeof told->remark, "%s", u.found.remark);
    ok = ok && work(&u, err) && gather(&u, NULL, out, err);
    if (ok) tell(&u, out);
    if (ok && !take_nearest(&u, out, err)) {
        kin_error ignored = {0}; /* the first error counts */
        ok = false;
        if (err->code == KIN_ERR_INTERRUPTED && keep(&u, &ignored))
            kin_error_prefix(err, "what was read is kept, and the same command goes on");
    }
    if (!ok) kin_photos_free(out);
    kin_names_free(&u.paths), kin_names_free(&u.contents), kin_names_free(&u.read);
    kin_free(u.of_content), kin_free(u.of_read), kin_free(u.there), kin_free(u.job), kin_free(u.rows),
        kin_free(u.waiting);
    kin_free(u.errors), kin_free(u.behind);
    kin_dataset_free(&u.found);
    return ok;
}
