/* kin find: the pictures of an indexed folder that are most alike to one at hand. */
#define _POSIX_C_SOURCE 200809L
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/half_blocks.h"
#include "cli/marked_pairs.h"
#include "cli/pages/photos_page.h"
#include "cli/photos.h"
#include "data/look/look.h"
#include "data/sets/dataset.h"
#include "photos/present.h"
#include "retrieval/search/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const group_by[] = {"label", NULL};
static const char *const picture_whens[] = {"terminal", "always", NULL};

static const kin_option options[] = {
    KIN_INDEX_OPTION,
    {"top", KIN_OPTION_INT, "K", "how many at most", "10", .low = 1, .high = 100000},
    {"max-distance", KIN_OPTION_REAL, "D",
     "only those as near as this: 1 - cosine, 0 is the same, 1 has nothing in common",
     .fallback_shown = "none", .low = 0, .high = 2},
    {"near", KIN_OPTION_STRING, "PATH",
     "only pictures below this folder of the index, or whose paths fit a pattern with *"},
    {"each", KIN_OPTION_FLAG, NULL, "of several pictures, look for each by itself, not for their average"},
    {"matches", KIN_OPTION_FLAG, NULL, "only those that count as found; exit status 1 where there are none"},
    {"false-accept", KIN_OPTION_REAL, "RATE",
     "what counts as found: so near that of strangers this part would be taken for a match", "0.05",
     .low = .001, .high = .9},
    {"group-by", KIN_OPTION_CHOICE, "WHAT",
     "of several pictures of one thing only the nearest: the label says what one thing is (see --labels)",
     .fallback_shown = "every picture", .choices = group_by},
    {"labels", KIN_OPTION_STRING, "HOW",
     "with --group-by: where labels are told: folder (the one a picture lies in), a pattern of names with {} "
     "for the "
     "label, such as IMG_{}_*.jpg, or a list `path,label`",
     "folder"},
    {"pairs", KIN_OPTION_STRING, "FILE",
     "what counts as found, by pairs of the index that you marked: a list `a,b,same` with 1 or 0, or what "
     "kin duplicates "
     "--pairs writes",
     .fallback_shown = "--false-accept"},
    {"pictures", KIN_OPTION_CHOICE, "WHEN",
     "show small pictures below the lines: terminal, where standard output is one of 24-bit colours "
     "(COLORTERM), or "
     "always",
     .fallback_shown = "none", .choices = picture_whens},
    {"html", KIN_OPTION_STRING, "PAGE", "a page that shows what was found, to be opened in a browser",
     .writes = KIN_WRITES_PAGE},
    {"max-pixels", KIN_OPTION_INT, "N",
     "refuse larger pictures, and those that cost more work than pictures of this size do", "100000000",
     .low = 1, .high = -1},
    {"json", KIN_OPTION_FLAG, NULL, "one JSON object a query, with distances, sizes and dates"},
    {"paths0", KIN_OPTION_FLAG, NULL, "paths alone, each ended by a zero byte, for xargs -0"},
    {0},
};

/* What is looked for. */
typedef struct queries {
    const char **name; /* borrowed; [count] */
    float *rows;       /* [count, dim] */
    struct stat *file; /* [count]; st_ino 0: none */
    bool *grey;        /* [count]: it has no colours, and is compared without */
    int64_t count;
} queries;

static void free_queries(queries *q)
{
    kin_free(q->name), kin_free(q->rows), kin_free(q->file), kin_free(q->grey);
}

/* "INDEX#PATH": a picture as another index knows it. */
static bool take_item(const char *text, const kin_photos *like, float *row, kin_error *err)
{
    const char *mark = strrchr(text, '#');
    kin_album other;
    char *path = kin_strdup(text);
    if (!path) return kin_fail_memory(err, text, strlen(text));
    path[mark - text] = '\0';
    bool ok = kin_album_open(path, &other, err);
    int64_t item = ok ? kin_album_item(&other, mark + 1) : -1;
    if (ok && item < 0) ok = kin_fail(err, KIN_ERR_ARGUMENT, "%s: has no picture %s", path, mark + 1);
    if (ok && (strcmp(other.photos.options, like->options) != 0 ||
               strcmp(other.photos.weights, like->weights) != 0 || other.photos.dim != like->dim))
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "%s: described by %s, and the index searched by %s", path,
                      other.photos.model, like->model);
    if (ok) memcpy(row, other.photos.rows + item * like->dim, (size_t)like->dim * sizeof *row);
    if (other.file) kin_album_close(&other);
    kin_free(path);
    return ok;
}

static bool take_file(const char *name, kin_describer *d, float *row, struct stat *file, kin_error *err)
{
    kin_bytes bytes;
    kin_photo photo = {0};
    kin_error inner = {0};
    if (!kin_read_file(name, 0, &bytes, err)) return false;
    bool ok = kin_describer_bytes(d, &bytes, &photo, row, &inner);
    kin_bytes_free(&bytes);
    if (stat(name, file) != 0) *file = (struct stat){0};
    return ok || kin_fail(err, inner.code, "%s: %s", strcmp(name, "-") == 0 ? "standard input" : name,
                          inner.message);
}

/* The mean of all rows, of unit length, becomes the only one. */
static bool average(queries *q, int64_t dim, kin_error *err)
{
    double sum = 0;
    for (int64_t d = 0; d < dim; d++) {
        double mean = 0;
        for (int64_t i = 0; i < q->count; i++) mean += (double)q->rows[i * dim + d];
        q->rows[d] = (float)(mean / (double)q->count);
        sum += (double)q->rows[d] * (double)q->rows[d];
    }
    if (!(sum > 1e-12))
        return kin_fail(err, KIN_ERR_NUMERIC, "the average of these pictures has no direction");
    for (int64_t d = 0; d < dim; d++) q->rows[d] = (float)((double)q->rows[d] / sqrt(sum));
    return true;
}

static bool is_item(const char *name)
{
    return strcmp(name, "-") != 0 && !kin_exists(name) && strchr(name, '#');
}

static bool take_queries(const kin_cli *cli, const kin_album *album, queries *q, kin_error *err)
{
    const kin_photos *p = &album->photos;
    kin_describer d = {0};
    bool opened = false, ok = true;
    q->count = cli->positionals;
    q->name = kin_alloc_array((size_t)q->count, sizeof *q->name);
    q->rows = kin_alloc_array((size_t)q->count, (size_t)p->dim * sizeof *q->rows);
    q->file = kin_alloc_zero((size_t)q->count, sizeof *q->file);
    q->grey = kin_alloc_zero((size_t)q->count, sizeof *q->grey);
    if (!q->name || !q->rows || !q->file || !q->grey)
        return kin_fail_memory(err, "the pictures", (size_t)q->count * 4096);
    for (int64_t i = 0; ok && i < q->count; i++) {
        q->name[i] = cli->positional[i];
        float *row = q->rows + i * p->dim;
        bool item = is_item(q->name[i]);
        if (!item && !opened) ok = opened = kin_describer_open_like(cli, p, &d, err);
        ok = ok &&
             (item ? take_item(q->name[i], p, row, err) : take_file(q->name[i], &d, row, &q->file[i], err));
        bool handmade = *p->weights == '\0' && p->dim == KIN_LOOK_DIM;
        if (ok && handmade && kin_look_grey(row)) {
            q->grey[i] = true;
            kin_cli_note(cli, "%s: has no colours, and is compared without", q->name[i]);
        }
    }
    kin_describer_close(&d);
    return ok;
}

/* The pictures of the index that --near leaves: their numbers and, unless it is all, their rows. */
typedef struct gallery {
    int64_t *item; /* NULL: all */
    float *rows;
    kin_vectors vectors;
} gallery;

static bool is_near(const char *pattern, const char *path)
{
    size_t length = strlen(pattern);
    while (length && pattern[length - 1] == '/') length--;
    return kin_glob(pattern, path) ||
           (strncmp(path, pattern, length) == 0 && (path[length] == '/' || !path[length]));
}

static bool take_gallery(const kin_cli *cli, const kin_album *album, gallery *g, kin_error *err)
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

/* What --group-by makes one of several: a number for each picture of the index, -1 for one that is by itself. */
typedef struct labels {
    bool used;
    kin_dataset set; /* the index's pictures, labelled */
    int64_t *place;  /* [set.classes]: where in the results the label stands; -1: not yet */
} labels;

static bool take_labels(const kin_cli *cli, const kin_album *album, labels *l, kin_error *err)
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

static void free_labels(labels *l)
{
    if (l->used) kin_dataset_free(&l->set);
    kin_free(l->place);
}

static const char *label_of(const labels *l, int64_t item)
{
    int label = l->used ? l->set.items[item].label : -1;
    return label < 0 ? NULL : l->set.class_names[label];
}

/* Results, of one query after the other. */
typedef struct results {
    const kin_cli *cli;
    const kin_album *album;
    double threshold; /* a distance; 2: it could not be told */
    bool known;       /* whether it could, ... */
    bool pictures;    /* in the terminal */
    char by[80];      /* what the threshold comes from */
    bool titled;      /* several queries, each for itself */
    labels labels;
    int64_t shown;                              /* of all queries */
    kin_page *page;                             /* NULL: none is asked for */
    kin_error *err;                             /* what went wrong while results were put out */
    bool *stale;                                /* [pictures]: known not to be there as the index says */
    int64_t now[KIN_PHOTO_STATES], first_stale; /* of these; -1: none */
} results;

/* Whether the picture is there as the index says; files are looked at as they are found, not all of the index. Where
 * it cannot be told, the error ends the command. */
static bool is_there(results *r, int64_t item, struct stat *info)
{
    kin_photo_state state;
    if (r->stale[item] || !kin_photo_now(&r->album->photos.item[item], r->album->root, &state, info, r->err))
        return false;
    if (state == KIN_PHOTO_THERE) return true;
    if (r->first_stale < 0) r->first_stale = item;
    r->stale[item] = true, r->now[state]++;
    return false;
}

/* What was found of one query, the nearest first. */
typedef struct found {
    int64_t count, *item; /* of the index */
    double *distance;
    int64_t *more; /* how many others of its label are behind it; 0 without --group-by */
    struct stat *info;
} found;

static char *path_of(const results *r, int64_t item)
{
    char *path = kin_album_path(r->album, item);
    if (!path) kin_fail_memory(r->err, "a path", 4096);
    return path;
}

static void put_json(results *r, const char *query, const found *f)
{
    kin_text t = {0};
    kin_text_add(&t, "{\"query\":");
    kin_json_add_string(&t, query);
    kin_text_add(&t, ",\"threshold\":");
    kin_json_add_number(&t, r->known ? r->threshold : NAN);
    kin_text_add(&t, ",\"results\":[");
    for (int64_t i = 0; i < f->count; i++) {
        const kin_photo *p = &r->album->photos.item[f->item[i]];
        char *path = path_of(r, f->item[i]);
        const char *label = label_of(&r->labels, f->item[i]);
        double distance = f->distance[i];
        kin_text_add(&t, i ? ",{\"path\":" : "{\"path\":");
        kin_json_add_string(&t, path ? path : p->path);
        kin_text_format(&t, ",\"similarity\":%.6f,\"distance\":%.6f,\"width\":%lld,\"height\":%lld",
                        1 - distance, distance, (long long)p->width, (long long)p->height);
        if (p->date) kin_text_format(&t, ",\"date\":%lld", (long long)p->date);
        if (label) {
            kin_text_add(&t, ",\"label\":");
            kin_json_add_string(&t, label);
            kin_text_format(&t, ",\"more\":%lld", (long long)f->more[i]);
        }
        kin_text_format(&t, ",\"match\":%s}",
                        !r->known                  ? "null"
                        : distance <= r->threshold ? "true"
                                                   : "false");
        kin_free(path);
    }
    kin_text_add(&t, "]}\n");
    if (t.failed) kin_fail_memory(r->err, "the results", t.size);
    else if (!kin_failed(r->err)) fwrite(t.data, 1, t.size, stdout);
    kin_text_free(&t);
}

static void put_page(const results *r, const char *query, const struct stat *file, const found *f)
{
    char note[80];
    const char *slash = strrchr(query, '/');
    bool shown = file && file->st_ino != 0;
    kin_tile asked = {.kind = KIN_TILE_ASKED,
                      .file = shown ? query : NULL,
                      .name = query,
                      .missing = shown ? NULL : "not a file",
                      .badge = "looked for"};
    snprintf(note, sizeof note,
             r->known && (!f->count || f->distance[0] > r->threshold) ? "no match: the nearest follow"
                                                                      : "the most alike first");
    kin_page_row_begin(r->page, &(kin_page_row){.asked = &asked,
                                                .title = r->titled ? slash ? slash + 1 : query : NULL,
                                                .note = note,
                                                .numbered = true});
    for (int64_t i = 0; i < f->count && kin_page_ok(r->page); i++) {
        bool match = r->known && f->distance[i] <= r->threshold;
        const char *label = label_of(&r->labels, f->item[i]);
        kin_text said = {0};
        kin_text_format(&said, "%s, %.3f", kin_alike(1 - f->distance[i]), 1 - f->distance[i]);
        if (label) kin_text_format(&said, "\n%s", label);
        if (label && f->more[i]) kin_text_format(&said, ", and %lld more", (long long)f->more[i]);
        if (said.failed) kin_fail_memory(r->err, "the page", said.size);
        kin_photos_tile(r->page, r->album, f->item[i], match ? KIN_TILE_PLAIN : KIN_TILE_REST,
                        match ? "match" : NULL, said.data);
        kin_text_free(&said);
    }
    kin_page_row_end(r->page);
}

/* One that is damaged or gone has none to show. */
static void put_picture(const results *r, const char *path)
{
    enum { COLUMNS = 32, ROWS = 12, INDENT = 8 };
    kin_image image;
    kin_text text = {0};
    kin_error why = {0};
    kin_image_limits limits = {.max_pixels = (uint64_t)kin_option_int(r->cli, "max-pixels"),
                               .reduce_to = 4 * ROWS};
    bool read = kin_image_read(path, &limits, &image, &why);
    bool ok = read && kin_image_convert(&image, 3, &why) &&
              kin_half_blocks_add(&text, &image, COLUMNS, ROWS, INDENT, &why);
    if (ok) fwrite(text.data, 1, text.size, stdout);
    else if (!kin_error_is_of_file(&why)) kin_fail(r->err, why.code, "%s", why.message);
    kin_text_free(&text);
    if (read) kin_image_free(&image);
}

static void put_line(const results *r, const found *f, int64_t i, const char *path)
{
    const char *label = label_of(&r->labels, f->item[i]);
    printf("%.4f  ", 1 - f->distance[i]);
    kin_say(stdout, path);
    if (label) {
        fputs("  ", stdout);
        kin_say(stdout, label);
    }
    if (label && f->more[i]) printf(" and %lld more", (long long)f->more[i]);
    putchar('\n');
    if (r->pictures) put_picture(r, path);
}

static void put_lines(const results *r, const found *f)
{
    bool paths = kin_option_flag(r->cli, "paths0");
    for (int64_t i = 0; i < f->count && !kin_failed(r->err); i++) {
        char *path = path_of(r, f->item[i]);
        if (!path) return;
        if (paths) fwrite(path, 1, strlen(path) + 1, stdout);
        else put_line(r, f, i, path);
        kin_free(path);
    }
}

/* Whether the file is among these, under whatever name. */
static bool is_among(const struct stat *info, const struct stat *files, int64_t count)
{
    bool same = false;
    for (int64_t i = 0; i < count && !same; i++)
        same = files[i].st_ino && info->st_dev == files[i].st_dev && info->st_ino == files[i].st_ino;
    return same;
}

/* Puts a result where its label stands already, or behind the others; false once there are enough of them. */
static void put(results *r, found *f, int64_t item, double distance)
{
    int label = r->labels.used ? r->labels.set.items[item].label : -1;
    if (label >= 0 && r->labels.place[label] >= 0) {
        f->more[r->labels.place[label]]++;
        return;
    }
    if (label >= 0) r->labels.place[label] = f->count;
    f->item[f->count] = item, f->more[f->count] = 0, f->distance[f->count++] = distance;
}

/* With --group-by what is behind the last place is gone through, too, for what belongs to those before it. */
static bool counts(const results *r, int64_t item)
{
    int label = r->labels.used ? r->labels.set.items[item].label : -1;
    return label >= 0 && r->labels.place[label] >= 0;
}

/* The distance up to which results are wanted. */
static double widest(const results *r)
{
    bool given = kin_option_given(r->cli, "max-distance"), matches = kin_option_flag(r->cli, "matches");
    double within = given ? kin_option_real(r->cli, "max-distance") : 2;
    if (matches && r->known) return r->threshold < within ? r->threshold : within;
    return matches && !given ? -1 /* nobody can tell */ : within;
}

/* `file` [files]: what was asked with; the very files are no results, nor what is gone or has changed, nor a file's
 * second name. Returns how far the nearest of all is. */
static double choose(results *r, const struct stat *file, int64_t files, const gallery *g, const float *value,
                     const int64_t *index, int64_t k, found *f)
{
    int64_t top = kin_option_int(r->cli, "top");
    double nearest = 2, within = widest(r);
    f->count = 0;
    for (int c = 0; r->labels.used && c < r->labels.set.classes; c++) r->labels.place[c] = -1;
    for (int64_t i = 0; i < k && (f->count < top || r->labels.used) && !kin_failed(r->err); i++) {
        struct stat info;
        int64_t which = g->item ? g->item[index[i]] : index[i];
        double d = value[i] < 1 ? 1 - (double)value[i] : 0;
        if (f->count >= top && !counts(r, which)) continue;
        if (d > within && nearest < 2) break;
        if (!is_there(r, which, &info) || is_among(&info, file, files) || is_among(&info, f->info, f->count))
            continue;
        if (nearest > d) nearest = d;
        f->info[f->count] = info;
        if (d <= within) put(r, f, which, d);
    }
    return nearest;
}

static bool make_room(found *f, int64_t k, kin_error *err)
{
    *f = (found){.item = kin_alloc_array((size_t)k, sizeof *f->item),
                 .distance = kin_alloc_array((size_t)k, sizeof *f->distance),
                 .more = kin_alloc_array((size_t)k, sizeof *f->more),
                 .info = kin_alloc_array((size_t)k + 1, sizeof *f->info)};
    return (f->item && f->distance && f->more && f->info) ||
           kin_fail_memory(err, "the results", (size_t)k * (24 + sizeof *f->info));
}

static void free_room(found *f)
{
    kin_free(f->item), kin_free(f->distance), kin_free(f->more), kin_free(f->info);
}

/* Where so many were left out that the list is short, all of the index is looked at. */
static bool choose_of_all(results *r, const struct stat *file, int64_t files, const gallery *g,
                          const float *row, found *f, double *nearest, kin_error *err)
{
    kin_neighbours all;
    kin_search_opt opt = {.k = g->vectors.count, .metric = KIN_INNER};
    free_room(f);
    if (!make_room(f, opt.k, err)) return false;
    if (!kin_search((kin_vectors){row, 1, g->vectors.dim}, g->vectors, &opt, &all, err)) return false;
    *nearest = choose(r, file, files, g, all.value, all.index, opt.k, f);
    kin_neighbours_free(&all);
    return !kin_failed(r->err);
}

static bool show(results *r, const char *query, const float *row, const struct stat *file, int64_t files,
                 const gallery *g, const float *value, const int64_t *index, int64_t k, kin_error *err)
{
    found f;
    bool ok = make_room(&f, k, err);
    double nearest = ok ? choose(r, file, files, g, value, index, k, &f) : 0;
    ok = ok && !kin_failed(r->err);
    if (ok && f.count < kin_option_int(r->cli, "top") && k < g->vectors.count &&
        1 - (double)value[k - 1] <= widest(r))
        ok = choose_of_all(r, file, files, g, row, &f, &nearest, err);
    if (ok && kin_option_flag(r->cli, "json")) put_json(r, query, &f);
    else if (ok) put_lines(r, &f);
    if (ok && r->page) put_page(r, query, files == 1 ? file : NULL, &f);
    r->shown += f.count;
    if (ok && r->known && nearest > r->threshold)
        kin_cli_note(r->cli,
                     "%s: no match: the nearest is at a distance of %.4f, and what counts as found is within "
                     "%.4f (%s)",
                     query, nearest, r->threshold, r->by);
    free_room(&f);
    return ok && !kin_failed(r->err);
}

static bool find(results *r, const gallery *g, queries *q, kin_error *err)
{
    bool each = kin_option_flag(r->cli, "each") || q->count == 1, told = r->known;
    int64_t top = kin_option_int(r->cli, "top"), n = each ? q->count : 1, files = each ? 1 : q->count,
            most = g->vectors.count, k = top < most - files && !r->labels.used ? top + files : most;
    kin_neighbours nearest;
    kin_search_opt opt = {.k = k, .metric = KIN_INNER};
    r->stale = kin_alloc_zero((size_t)r->album->photos.count, sizeof *r->stale);
    if (!r->stale) return kin_fail_memory(err, "the index", (size_t)r->album->photos.count);
    if (!each && !average(q, g->vectors.dim, err)) return false;
    if (!kin_search((kin_vectors){q->rows, n, g->vectors.dim}, g->vectors, &opt, &nearest, err)) return false;
    bool ok = true;
    for (int64_t i = 0; ok && i < n; i++) {
        if (q->count > 1 && each && !kin_option_flag(r->cli, "json") && !kin_option_flag(r->cli, "paths0")) {
            fputs("# ", stdout);
            kin_say(stdout, q->name[i]);
            putchar('\n');
        }
        /* What a picture without colours is compared by has another scale. */
        bool grey = q->grey[i];
        for (int64_t j = 0; !each && j < q->count; j++) grey |= q->grey[j];
        r->known = told && !grey;
        r->titled = each && q->count > 1;
        ok = show(r, each ? q->name[i] : "the average", q->rows + i * g->vectors.dim,
                  each ? &q->file[i] : q->file, files, g, nearest.value + i * k, nearest.index + i * k, k,
                  err);
    }
    kin_neighbours_free(&nearest);
    if (ok && r->first_stale >= 0)
        kin_album_say_stale(r->cli, r->album, r->now, r->album->photos.item[r->first_stale].path);
    return ok;
}

static bool take_threshold(results *r, kin_error *err)
{
    const char *pairs = kin_option_string(r->cli, "pairs");
    kin_marked_pairs m;
    double rate = kin_option_real(r->cli, "false-accept");
    snprintf(r->by, sizeof r->by, "--false-accept %g", rate);
    if (!pairs) {
        r->known = kin_photos_threshold(&r->album->photos, rate, &r->threshold);
        return true;
    }
    if (!kin_marked_pairs_read(pairs, r->album, &m, err)) return false;
    snprintf(r->by, sizeof r->by, "by %lld marked pairs", (long long)(m.same + m.different));
    r->known = true, r->threshold = m.threshold;
    kin_cli_note(r->cli,
                 "found is what is within %.4f: %lld of %lld pairs of one thing are farther, %lld of %lld "
                 "others nearer",
                 m.threshold, (long long)m.far_same, (long long)m.same, (long long)m.near_different,
                 (long long)m.different);
    return true;
}

static bool take_pictures(results *r, kin_error *err)
{
    const char *when = kin_option_string(r->cli, "pictures");
    bool lines = !kin_option_flag(r->cli, "json") && !kin_option_flag(r->cli, "paths0");
    if (!when) return true;
    r->pictures = strcmp(when, "always") == 0 || (lines && kin_half_blocks_here());
    return lines || !r->pictures ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "--pictures always shows them between lines; leave --json and --paths0 out");
}

/* Whether of no query it can be told what a match is: of an average one is enough. */
static bool all_grey(const queries *q, bool each)
{
    int64_t grey = 0;
    for (int64_t i = 0; i < q->count; i++) grey += q->grey[i];
    return each ? grey == q->count : grey > 0;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_album album = {0};
    queries q = {0};
    gallery g = {0};
    if (kin_option_flag(cli, "json") && kin_option_flag(cli, "paths0"))
        return kin_cli_usage(cli, "--json and --paths0 are two forms of one output");
    if (kin_option_given(cli, "labels") && !kin_option_given(cli, "group-by"))
        return kin_cli_usage(cli, "--labels goes with --group-by");
    if (kin_option_given(cli, "pairs") && kin_option_given(cli, "false-accept"))
        return kin_cli_usage(cli, "--pairs and --false-accept are two ways to tell what counts as found");
    bool ok = kin_album_open(kin_option_string(cli, "index"), &album, &err);
    if (ok && album.photos.count == 0) ok = kin_fail(&err, KIN_ERR_DATA, "%s: holds no pictures", album.file);
    ok = ok && kin_album_apart(cli, &album, kin_option_string(cli, "html"), &err);
    ok = ok && take_gallery(cli, &album, &g, &err) && take_queries(cli, &album, &q, &err);
    results r = {.cli = cli, .album = &album, .threshold = 2, .err = &err, .first_stale = -1};
    ok = ok && take_labels(cli, &album, &r.labels, &err) && take_threshold(&r, &err) &&
         take_pictures(&r, &err);
    bool told = !kin_option_flag(cli, "matches") || kin_option_given(cli, "max-distance");
    if (ok && !told && all_grey(&q, kin_option_flag(cli, "each")))
        ok = kin_fail(&err, KIN_ERR_ARGUMENT,
                      "of a picture without colours it cannot be told what a match is; "
                      "--max-distance can say it");
    if (ok && !told && !r.known)
        ok = kin_fail(
            &err, KIN_ERR_DATA,
            "%s: of fewer than 20 pictures it cannot be told what a match is; --max-distance can say it",
            album.file);
    kin_page page;
    const char *html = kin_option_string(cli, "html");
    if (ok && html) {
        kin_page_begin(r.page = &page, html, "Found",
                       "Pictures of an indexed folder that are like one at hand. A click opens the file.");
        page.limits.max_pixels = (uint64_t)kin_option_int(cli, "max-pixels");
        kin_page_section(&page, "Results", "Pale ones are farther than what counts as found.");
    }
    ok = ok && find(&r, &g, &q, &err);
    if (r.page) {
        ok = ok && kin_page_write(&page, &err);
        kin_page_free(&page);
    }
    bool none = ok && kin_option_flag(cli, "matches") && r.shown == 0;
    free_queries(&q);
    kin_free(g.item), kin_free(g.rows);
    free_labels(&r.labels);
    kin_free(r.stale);
    if (album.file) kin_album_close(&album);
    return ok ? none : kin_cli_fail(cli, &err);
}

const kin_command kin_command_find = {
    .name = "find",
    .summary = "find pictures of an indexed folder that are like one at hand",
    .usage = "kin find PICTURE... [--index PATH] [--top K] [--matches] [--html PAGE]",
    .about = "Prints similarity (cosine) and path of the most alike, the best first. Several pictures are "
             "looked for by "
             "their average, or with --each one after the other. A PICTURE may be \"-\", standard input, or "
             "INDEX#PATH, a "
             "picture as another index knows it. The very file that is asked with is not found.\n\n"
             "Whether the nearest is a match at all is told without labels: a thousand of the index's own "
             "pictures were "
             "taken for strangers, each without those that kin groups takes for the same thing, and a part "
             "--false-accept of them found another picture within the distance that counts as found.",
    .examples = "kin find picture.jpg --index ~/photos\n"
                "# the average of two, and only what counts as found\n"
                "kin find left.jpg right.jpg --matches\n"
                "# to look at\n"
                "kin find picture.jpg --top 5 --paths0 | xargs -0 feh",
    .arguments = {{"PICTURE", "files, - or INDEX#PATH"}},
    .arguments_min = 1,
    .arguments_max = 1000,
    .options = options,
    .run = run,
};
