#include "cli/pages/finds.h"

#include "base/memory.h"
#include "base/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *kin_class_name(const char *const *names, int64_t label, char buffer[32])
{
    if (label >= 0 && names && names[label]) return names[label];
    if (label >= 0) snprintf(buffer, 32, "class %" PRId64, label);
    else snprintf(buffer, 32, "no class");
    return buffer;
}

/* ---- what is asked for ---- */

static bool check_item(const kin_finds *f, int64_t item, const char *where, int64_t at, kin_error *err)
{
    if (item >= 0 && item < f->items) return true;
    return kin_fail(err, KIN_ERR_ARGUMENT, "the page's %s %" PRId64 " is item %" PRId64 " of %" PRId64, where,
                    at, item, f->items);
}

static bool check(const kin_finds *f, kin_error *err)
{
    bool ok = true;
    for (int64_t i = 0; i < f->n_queries && ok; i++) ok = check_item(f, f->queries[i], "query", i, err);
    for (int64_t i = 0; i < f->n_queries * f->top && ok; i++)
        ok = f->ranks[i] == -1 || check_item(f, f->ranks[i], "rank", i, err);
    return ok;
}

static int64_t label_of(const kin_finds *f, int64_t item) { return f->labels ? f->labels[item] : -1; }

static bool is_right(const kin_finds *f, int64_t query, int64_t item)
{
    return label_of(f, item) >= 0 && label_of(f, item) == label_of(f, query);
}

/* ---- one picture ---- */

/* The last part of an id that is a path; ids are short elsewhere. */
static const char *short_id(const kin_finds *f, int64_t item)
{
    const char *id = f->ids ? f->ids[item] : NULL, *slash = id ? strrchr(id, '/') : NULL;
    return slash && slash[1] ? slash + 1 : id;
}

typedef struct caption {
    char class[32], note[200];
    kin_text under, about; /* note and id; label and whole id */
} caption;

static void caption_free(caption *c) { kin_text_free(&c->under), kin_text_free(&c->about); }

/* Named by its class, or where it has none by its id, which else stands below. */
static kin_tile describe(const kin_finds *f, int64_t item, caption *c)
{
    const char *id = short_id(f, item);
    bool classed = f->labels && (label_of(f, item) >= 0 || !id);
    const char *name = classed ? kin_class_name(f->class_names, label_of(f, item), c->class) : id;
    kin_text_add(&c->about, name ? name : "");
    if (f->ids && f->ids[item] && f->ids[item] != name) {
        kin_text_add(&c->about, ", ");
        kin_text_add(&c->about, f->ids[item]);
    }
    kin_text_add(&c->under, c->note);
    if (classed && id) {
        kin_text_add(&c->under, *c->note ? "\n" : "");
        kin_text_add(&c->under, id);
    }
    return (kin_tile){.name = name,
                      .note = c->under.data,
                      .about = c->about.data,
                      .file = f->files ? f->files[item] : NULL};
}

/* Gives the tile its picture, and the tile to `put`. */
static void with_picture(kin_page *page, const kin_finds *f, int64_t item, kin_tile *tile,
                         void (*put)(kin_page *page, const kin_tile *tile, const kin_finds *f, int64_t q),
                         int64_t q)
{
    kin_image image = {0};
    kin_error err = {0};
    if (!kin_page_ok(page)) return;
    bool read = f->image && f->image(f->image_arg, item, &image, &err);
    if (read) tile->image = &image;
    else if (f->image) tile->missing = err.message;
    if (f->image && !read && !kin_error_is_of_file(&err)) kin_page_fail(page, &err);
    else put(page, tile, f, q);
    kin_image_free(&image);
}

/* ---- one query ---- */

static void put_asked(kin_page *page, const kin_tile *tile, const kin_finds *f, int64_t q)
{
    int shown = 0, right = 0;
    int64_t relevant = f->relevant ? f->relevant[q] : -1;
    kin_text note = {0};
    for (; shown < f->top && f->ranks[q * f->top + shown] >= 0; shown++)
        right += is_right(f, f->queries[q], f->ranks[q * f->top + shown]);
    if (f->labels && relevant == 0) kin_text_add(&note, "nothing to find");
    else if (f->labels && relevant > 0)
        kin_text_format(&note, "%d of %lld found among the first %d", right, (long long)relevant, shown);
    else if (f->labels) kin_text_format(&note, "%d of the first %d right", right, shown);
    if (!shown) kin_text_add(&note, note.size ? "\nan empty list" : "an empty list");
    if (f->ap && isfinite(f->ap[q])) kin_text_format(&note, "\nAP %.3f", f->ap[q]);
    if (tile->note && *tile->note) kin_text_format(&note, "%s%s", note.size ? "\n" : "", tile->note);
    if (note.failed) kin_fail_memory(&page->err, "a page", note.capacity);
    kin_page_row_begin(
        page, &(kin_page_row){.asked = tile, .title = tile->name, .note = note.data, .numbered = true});
    kin_text_free(&note);
}

static void put_tile(kin_page *page, const kin_tile *tile, const kin_finds *f, int64_t q)
{
    (void)f, (void)q;
    kin_page_tile(page, tile);
}

/* What a place says: once all there is to find was found, nothing further can be right. */
static kin_tile_kind kind_of(const kin_finds *f, int64_t q, bool right, int64_t found_before)
{
    if (!f->labels || label_of(f, f->queries[q]) < 0) return KIN_TILE_PLAIN;
    if (right) return KIN_TILE_RIGHT;
    return f->relevant && found_before >= f->relevant[q] ? KIN_TILE_REST : KIN_TILE_WRONG;
}

static void add_query(kin_page *page, const kin_finds *f, int64_t q)
{
    caption asked = {0};
    kin_tile tile = describe(f, f->queries[q], &asked);
    int64_t found = 0;
    tile.kind = KIN_TILE_ASKED;
    with_picture(page, f, f->queries[q], &tile, put_asked, q);
    caption_free(&asked);
    for (int rank = 0; rank < f->top && f->ranks[q * f->top + rank] >= 0 && kin_page_ok(page); rank++) {
        int64_t item = f->ranks[q * f->top + rank];
        bool right = is_right(f, f->queries[q], item);
        caption c = {0};
        if (f->note) f->note(f->note_arg, q, rank, c.note, sizeof c.note);
        tile = describe(f, item, &c);
        tile.kind = kind_of(f, q, right, found);
        found += right;
        with_picture(page, f, item, &tile, put_tile, q);
        caption_free(&c);
    }
    kin_page_row_end(page);
}

/* ---- which queries ---- */

typedef struct scored {
    int64_t query;
    double ap;
} scored;

static int by_ap(const void *a, const void *b)
{
    const scored *p = a, *q = b;
    if (p->ap != q->ap) return p->ap < q->ap ? -1 : 1;
    return p->query < q->query ? -1 : p->query > q->query;
}

static void add_group(kin_page *page, const kin_finds *f, const char *title, const char *note,
                      const scored *from, int64_t n)
{
    if (n < 1) return;
    kin_page_heading(page, title, note);
    for (int64_t i = 0; i < n && kin_page_ok(page); i++) add_query(page, f, from[i].query);
}

static int64_t at_most(int64_t wanted, int64_t there) { return wanted < there ? wanted : there; }

/* `judged` holds the queries with an AP, the worst first. What the two ends leave is drawn from. */
static void add_groups(kin_page *page, const kin_finds *f, scored *judged, int64_t n)
{
    int64_t worst = at_most(f->worst, n), best = at_most(f->best, n - worst), left = n - worst - best;
    int64_t drawn = at_most(f->random, left), *order = kin_alloc_array((size_t)left, sizeof *order);
    scored *lot = kin_alloc_array((size_t)drawn, sizeof *lot);
    if (order && lot) {
        kin_shuffle(order, left, kin_key_text(0, "report"));
        for (int64_t i = 0; i < drawn; i++) lot[i] = judged[worst + order[i]];
        for (int64_t i = 0; i < best / 2; i++) {
            scored swap = judged[n - best + i];
            judged[n - best + i] = judged[n - 1 - i];
            judged[n - 1 - i] = swap;
        }
        add_group(page, f, "The worst", "Lowest average precision first: where it still goes wrong.", judged,
                  worst);
        add_group(page, f, "The best", "Highest average precision.", judged + n - best, best);
        add_group(page, f, "Drawn at random", "What to expect of any query.", lot, drawn);
    } else kin_fail_memory(&page->err, "a page's queries", (unsigned long long)left * sizeof *order);
    kin_free(order);
    kin_free(lot);
}

static void add_first(kin_page *page, const kin_finds *f)
{
    int64_t wanted = (int64_t)f->worst + f->best + f->random;
    for (int64_t q = 0; q < f->n_queries && q < wanted && kin_page_ok(page); q++) add_query(page, f, q);
}

void kin_page_finds(kin_page *page, const kin_finds *f)
{
    if (f->n_queries < 1 || !kin_page_ok(page) || !check(f, &page->err)) return;
    scored *judged = kin_alloc_array((size_t)f->n_queries, sizeof *judged);
    int64_t n = 0;
    if (!judged) {
        kin_fail_memory(&page->err, "a page's queries", (unsigned long long)f->n_queries * sizeof *judged);
        return;
    }
    for (int64_t q = 0; q < f->n_queries && f->ap; q++)
        if (isfinite(f->ap[q])) judged[n++] = (scored){q, f->ap[q]};
    qsort(judged, (size_t)n, sizeof *judged, by_ap);
    if (n) add_groups(page, f, judged, n);
    else add_first(page, f);
    kin_free(judged);
}
