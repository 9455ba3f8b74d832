#define _POSIX_C_SOURCE 200809L
#include "cli/photos/choice.h"

#include "base/memory.h"
#include "base/text.h"
#include "retrieval/search/search.h"

#include <string.h>

/* ---- what is searched ---- */

static bool is_near(const char *pattern, const char *path)
{
    size_t length = strlen(pattern);
    while (length && pattern[length - 1] == '/') length--;
    return kin_glob(pattern, path) ||
           (strncmp(path, pattern, length) == 0 && (path[length] == '/' || !path[length]));
}

static bool take_gallery(const kin_cli *cli, const kin_album *album, kin_find_gallery *g, kin_error *err)
{
    const char *near = kin_option_string(cli, "near");
    const kin_photos *p = &album->photos;
    g->vectors = kin_photos_vectors(p);
    if (!near) return true;
    int64_t count = 0;
    g->item = kin_alloc_array((size_t)p->count, sizeof *g->item);
    if (!g->item) return kin_fail_memory(err, "the index", (size_t)p->count * sizeof *g->item);
    for (int64_t i = 0; i < p->count; i++)
        if (is_near(near, p->item[i].path)) g->item[count++] = i;
    g->rows = kin_alloc_array((size_t)count, (size_t)p->dim * sizeof *g->rows);
    if (!g->rows) return kin_fail_memory(err, "the index", (size_t)(count * p->dim) * sizeof *g->rows);
    for (int64_t i = 0; i < count; i++)
        memcpy(g->rows + i * p->dim, p->rows + g->item[i] * p->dim, (size_t)p->dim * sizeof *g->rows);
    g->vectors = (kin_vectors){g->rows, count, p->dim};
    return count > 0 || kin_fail(err, KIN_ERR_ARGUMENT, "--near %s: no picture of the index is there", near);
}

static bool take_labels(const kin_cli *cli, const kin_album *album, kin_find_labels *l, kin_error *err)
{
    l->used = kin_option_given(cli, "group-by");
    if (!l->used) return true;
    l->set.kind = "photographs";
    for (int64_t i = 0; i < album->photos.count; i++) {
        /* as lists name them that other commands write */
        char *path = kin_album_path(album, i);
        bool ok = path ? kin_dataset_add(&l->set, path, path, -1, -1, err)
                       : kin_fail_memory(err, "a path", 4096);
        kin_free(path);
        if (!ok) return false;
    }
    if (!kin_labels_apply(&l->set, kin_option_string(cli, "labels"), err)) return false;
    if (l->set.remark) kin_cli_note(cli, "%s", l->set.remark);
    l->place = kin_alloc_array((size_t)l->set.classes, sizeof *l->place);
    return l->place || kin_fail_memory(err, "labels", (size_t)l->set.classes * sizeof *l->place);
}

bool kin_choice_open(const kin_cli *cli, const kin_album *album, kin_choice *out, kin_error *err)
{
    *out = (kin_choice){.album = album, .top = kin_option_int(cli, "top"), .first_stale = -1};
    out->stale = kin_alloc_zero((size_t)album->photos.count, sizeof *out->stale);
    if (!out->stale) return kin_fail_memory(err, "the index", (size_t)album->photos.count);
    return take_gallery(cli, album, &out->gallery, err) && take_labels(cli, album, &out->labels, err);
}

void kin_choice_close(kin_choice *c)
{
    kin_free(c->gallery.item), kin_free(c->gallery.rows);
    if (c->labels.used) kin_dataset_free(&c->labels.set);
    kin_free(c->labels.place), kin_free(c->stale);
    *c = (kin_choice){0};
}

const char *kin_choice_label(const kin_choice *c, int64_t item)
{
    int label = c->labels.used ? c->labels.set.items[item].label : -1;
    return label < 0 ? NULL : c->labels.set.class_names[label];
}

/* ---- what is found ---- */

/* Whether the picture is there as the index says; files are looked at as they are found, not all of the index. */
static bool look_at(kin_choice *c, int64_t item, bool *there, struct stat *info, kin_error *err)
{
    kin_photo_state state;
    *there = false;
    if (c->stale[item]) return true;
    if (!kin_photo_now(&c->album->photos.item[item], c->album->root, &state, info, err)) return false;
    *there = state == KIN_PHOTO_THERE;
    if (*there) return true;
    if (c->first_stale < 0) c->first_stale = item;
    c->stale[item] = true, c->now[state]++;
    return true;
}

/* Whether the file is among these, under whatever name. */
static bool is_among(const struct stat *info, const struct stat *files, int64_t count)
{
    bool same = false;
    for (int64_t i = 0; i < count && !same; i++)
        same = files[i].st_ino && info->st_dev == files[i].st_dev && info->st_ino == files[i].st_ino;
    return same;
}

/* Where the picture's label stands in the results already; -1: nowhere. */
static int64_t place_of(const kin_choice *c, int64_t item)
{
    int label = c->labels.used ? c->labels.set.items[item].label : -1;
    return label < 0 ? -1 : c->labels.place[label];
}

/* Puts a result where its label stands already, or behind the others. */
static void put(kin_choice *c, kin_found *f, int64_t item, double distance)
{
    int label = c->labels.used ? c->labels.set.items[item].label : -1;
    int64_t place = place_of(c, item);
    if (place >= 0) {
        f->more[place]++;
        return;
    }
    if (label >= 0) c->labels.place[label] = f->count;
    f->item[f->count] = item, f->more[f->count] = 0, f->distance[f->count++] = distance;
}

/* The very files that were asked with are no results, nor what is gone or has changed, nor a file's second name. With
 * labels, what is behind the last place is gone through, too, for what belongs to those before it. */
static bool choose(kin_choice *c, const kin_asked *asked, const float *value, const int64_t *index, int64_t k,
                   kin_found *f, kin_error *err)
{
    int64_t seen = 0;
    f->count = 0, f->nearest = 2;
    for (int l = 0; c->labels.used && l < c->labels.set.classes; l++) c->labels.place[l] = -1;
    for (int64_t i = 0; i < k && (f->count < c->top || c->labels.used); i++) {
        struct stat info;
        bool there;
        int64_t which = c->gallery.item ? c->gallery.item[index[i]] : index[i];
        double d = value[i] < 1 ? 1 - (double)value[i] : 0;
        if (f->count >= c->top && place_of(c, which) < 0) continue;
        if (d > asked->within && f->nearest < 2) break;
        if (!look_at(c, which, &there, &info, err)) return false;
        if (!there || is_among(&info, asked->file, asked->files) || is_among(&info, f->info, seen)) continue;
        if (f->nearest > d) f->nearest = d;
        f->info[seen++] = info;
        if (d <= asked->within) put(c, f, which, d);
    }
    return true;
}

static bool make_room(kin_found *f, int64_t k, kin_error *err)
{
    *f = (kin_found){.item = kin_alloc_array((size_t)k, sizeof *f->item),
                     .distance = kin_alloc_array((size_t)k, sizeof *f->distance),
                     .more = kin_alloc_array((size_t)k, sizeof *f->more),
                     .info = kin_alloc_array((size_t)k, sizeof *f->info)};
    return (f->item && f->distance && f->more && f->info) ||
           kin_fail_memory(err, "the results", (size_t)k * (24 + sizeof *f->info));
}

void kin_found_free(kin_found *f)
{
    kin_free(f->item), kin_free(f->distance), kin_free(f->more), kin_free(f->info);
    *f = (kin_found){0};
}

/* Where so many were left out that the list is short, all of the index is looked at. */
static bool choose_of_all(kin_choice *c, const kin_asked *asked, kin_found *f, kin_error *err)
{
    kin_neighbours all;
    const kin_vectors *among = &c->gallery.vectors;
    kin_search_opt opt = {.k = among->count, .metric = KIN_INNER};
    kin_found_free(f);
    if (!make_room(f, opt.k, err) ||
        !kin_search((kin_vectors){asked->row, 1, among->dim}, *among, &opt, &all, err))
        return false;
    bool ok = choose(c, asked, all.value, all.index, opt.k, f, err);
    kin_neighbours_free(&all);
    return ok;
}

bool kin_choice_make(kin_choice *c, const kin_asked *asked, const float *value, const int64_t *index,
                     int64_t k, kin_found *out, kin_error *err)
{
    bool ok = make_room(out, k, err) && choose(c, asked, value, index, k, out, err);
    if (ok && out->count < c->top && k < c->gallery.vectors.count &&
        1 - (double)value[k - 1] <= asked->within)
        ok = choose_of_all(c, asked, out, err);
    return ok;
}
