#include "cli/pages/ranks_page.h"

#include "base/memory.h"
#include "cli/pages/finds.h"
#include "data/sets/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One of the two sets: its items, and where their pictures are. */
typedef struct side {
    const kin_items *items;
    kin_dataset set;
    bool open;
    int64_t *sample; /* [items.count] which of the set's pictures each is; -1: none */
} side;

typedef struct book {
    const kin_ranks_page *p;
    side side[2]; /* gallery, queries; the latter has no items where the gallery's are looked for */
    int64_t queries, items;
    int64_t *code;                     /* [items] labels; queries first */
    const char **name, **id, **file;   /* by code; by item; by item */
    int64_t *asked, *found, *relevant; /* as kin_finds has them */
} book;

static void close_all(book *b)
{
    for (int s = 0; s < 2; s++) {
        if (b->side[s].open) kin_dataset_free(&b->side[s].set);
        kin_free(b->side[s].sample);
    }
    kin_free(b->code), kin_free(b->name), kin_free(b->id), kin_free(b->file);
    kin_free(b->asked), kin_free(b->found), kin_free(b->relevant);
}

/* ---- pictures ---- */

/* The list beside descriptors: "E.npy:query" has E.csv, of which all are taken, since items are found by
 * their ids. */
static bool list_of(const char *name, kin_text *out)
{
    static const char *const roles[] = {":query", ":gallery"};
    size_t length = strlen(name);
    for (int r = 0; r < 2; r++) {
        size_t n = strlen(roles[r]);
        if (length > n && strcmp(name + length - n, roles[r]) == 0) {
            length -= n;
            break;
        }
    }
    bool list = length > 4 && strncmp(name + length - 4, ".csv", 4) == 0;
    if (length > 4 && strncmp(name + length - 4, ".npy", 4) == 0) length -= 4;
    kin_text_add_bytes(out, name, length);
    kin_text_add(out, list ? "" : ".csv");
    return !out->failed;
}

static bool has_paths(const kin_items *items)
{
    for (int64_t i = 0; items->path && i < items->count; i++)
        if (*items->path[i]) return true;
    return false;
}

/* What makes a page without pictures is told; what ends the command is an error. */
static bool open_side(side *s, const char *name, bool of_pictures, kin_error *why_none, kin_error *err)
{
    kin_text list = {0};
    kin_error failed = {0};
    s->sample = kin_alloc_array((size_t)s->items->count, sizeof *s->sample);
    bool ok = s->sample && list_of(name, &list);
    if (!ok) {
        kin_text_free(&list);
        return kin_fail_memory(err, name, (unsigned long long)s->items->count * sizeof *s->sample);
    }
    for (int64_t i = 0; i < s->items->count; i++) s->sample[i] = -1;
    if (!of_pictures && !has_paths(s->items))
        kin_fail(&failed, KIN_ERR_DATA, "%s names no pictures (a column `path`, as kin embed writes it)",
                 list.data);
    else s->open = kin_dataset_open(of_pictures ? name : list.data, NULL, &s->set, &failed);
    kin_text_free(&list);
    if (!s->open && (failed.code == KIN_ERR_MEMORY || failed.code == KIN_ERR_INTERRUPTED))
        return kin_fail(err, failed.code, "%s", failed.message);
    if (!s->open) kin_fail(why_none, failed.code, "%s", failed.message);
    for (int64_t i = 0; s->open && i < s->set.count; i++) {
        int64_t row = kin_items_find(s->items, s->set.items[i].id, strlen(s->set.items[i].id));
        if (row >= 0) s->sample[row] = i;
    }
    return true;
}

static const side *side_of(const book *b, int64_t item, int64_t *row)
{
    *row = item < b->queries ? item : item - b->queries;
    return &b->side[item < b->queries];
}

static const kin_sample *sample_of(const book *b, int64_t item)
{
    int64_t row;
    const side *s = side_of(b, item, &row);
    return s->sample[row] < 0 ? NULL : &s->set.items[s->sample[row]];
}

/* A kin_image_source. */
static bool read_picture(void *arg, int64_t item, kin_image *out, kin_error *err)
{
    const book *b = arg;
    const kin_image_limits limits = {.reduce_to = KIN_PAGE_THUMBNAIL};
    int64_t row;
    const side *s = side_of(b, item, &row);
    if (s->sample[row] < 0) return kin_fail(err, KIN_ERR_ABSENT, "%s", s->items->id[row]);
    return kin_dataset_image(&s->set, s->sample[row], &limits, out, err);
}

/* ---- items ---- */

static bool number_labels(book *b, kin_error *err)
{
    const kin_items *g = b->side[0].items, *q = b->side[1].items;
    int64_t *gallery = b->code + b->queries;
    if (!g->label || (q && !q->label)) return true;
    if (!(q ? kin_items_label_codes(q, b->code, g, gallery, err)
            : kin_items_label_codes(g, gallery, NULL, NULL, err)))
        return false;
    for (int64_t i = 0; i < b->items; i++) {
        int64_t row;
        const side *s = side_of(b, i, &row);
        if (b->code[i] >= 0) b->name[b->code[i]] = s->items->label[row];
    }
    return true;
}

static bool has_labels(const book *b)
{
    return b->side[0].items->label && (!b->side[1].items || b->side[1].items->label);
}

/* Whether gallery row g counts for query q. */
static bool counts(const book *b, int64_t q, int64_t g)
{
    const kin_ranks_page *p = b->p;
    if (!b->side[1].items ? g == q : p->self && p->self[q] == g) return false;
    int64_t label = b->code[b->side[1].items ? q : b->queries + q];
    return !p->query_camera || p->query_camera[q] < 0 || label < 0 || b->code[b->queries + g] != label ||
           p->query_camera[q] != p->gallery_camera[g];
}

static void count_relevant(book *b)
{
    for (int64_t a = 0; a < b->p->n; a++) {
        int64_t q = b->p->asked[a], label = b->code[b->asked[a]];
        b->relevant[a] = 0;
        for (int64_t g = 0; g < b->side[0].items->count; g++)
            b->relevant[a] += label >= 0 && b->code[b->queries + g] == label && counts(b, q, g);
    }
}

static bool fill(book *b, kin_error *err)
{
    size_t items = (size_t)b->items, places = (size_t)b->p->n * KIN_RANKS_PAGE_TOP;
    b->code = kin_alloc_array(items, sizeof *b->code);
    b->name = kin_alloc_zero(items, sizeof *b->name);
    b->id = kin_alloc_array(items, sizeof *b->id);
    b->file = kin_alloc_zero(items, sizeof *b->file);
    b->asked = kin_alloc_array((size_t)b->p->n, sizeof *b->asked);
    b->relevant = kin_alloc_array((size_t)b->p->n, sizeof *b->relevant);
    b->found = kin_alloc_array(places, sizeof *b->found);
    if (!b->code || !b->name || !b->id || !b->file || !b->asked || !b->relevant || !b->found)
        return kin_fail_memory(err, b->p->path, (unsigned long long)items * 4 * sizeof *b->code);
    for (int64_t i = 0; i < b->items; i++) {
        int64_t row;
        b->id[i] = side_of(b, i, &row)->items->id[row];
        const kin_sample *sample = sample_of(b, i);
        if (sample && sample->index < 0) b->file[i] = sample->path;
    }
    for (int64_t a = 0; a < b->p->n; a++) b->asked[a] = b->p->asked[a];
    for (size_t i = 0; i < places; i++) b->found[i] = b->p->found[i] < 0 ? -1 : b->queries + b->p->found[i];
    if (!number_labels(b, err)) return false;
    if (has_labels(b)) count_relevant(b);
    return true;
}

/* ---- the page ---- */

static void note_value(void *arg, int64_t query, int rank, char *text, size_t size)
{
    const kin_ranks_page *p = ((const book *)arg)->p;
    float value = p->values ? p->values[query * KIN_RANKS_PAGE_TOP + rank] : NAN;
    if (isfinite(value))
        snprintf(text, size, fabsf(value) < 10 ? "%s\u00a0%.4f" : "%s\u00a0%.5g", p->value_name,
                 (double)value);
}

static void add_lists(kin_page *page, book *b)
{
    bool labels = has_labels(b), pictures = b->side[0].open || b->side[1].open;
    kin_text note = {0};
    kin_text_add(&note, b->p->note);
    kin_text_add(&note,
                 labels ? " ✓ and a full border: the query's label; ✗ and a dashed one: another; pale: all "
                          "there is was found before."
                        : " The items have no labels, so that nothing is called right or wrong.");
    if (pictures) kin_text_add(&note, " A click opens the file.");
    if (note.failed) kin_fail_memory(&page->err, b->p->path, note.capacity);
    kin_page_section(page, "What was found", note.data);
    kin_page_finds(page, &(kin_finds){.items = b->items,
                                      .labels = labels ? b->code : NULL,
                                      .class_names = b->name,
                                      .ids = b->id,
                                      .files = b->file,
                                      .image = pictures ? read_picture : NULL,
                                      .image_arg = b,
                                      .n_queries = b->p->n,
                                      .queries = b->asked,
                                      .ranks = b->found,
                                      .top = KIN_RANKS_PAGE_TOP,
                                      .relevant = labels ? b->relevant : NULL,
                                      .ap = b->p->ap,
                                      .note = note_value,
                                      .note_arg = b,
                                      .worst = (int)b->p->n});
    kin_text_free(&note);
}

static void remark(const kin_cli *cli, const kin_page *page, const kin_error *why_none)
{
    if (!page->pictures && kin_failed(why_none))
        kin_cli_note(cli, "%s shows names alone: %s", page->path, why_none->message);
    else kin_cli_note(cli, "%s shows %lld pictures", page->path, (long long)page->pictures);
}

bool kin_ranks_page_write(const kin_ranks_page *p, const kin_cli *cli, kin_error *err)
{
    kin_error why_none = {0};
    book b = {.p = p, .side = {{.items = p->gallery}, {.items = p->query}}};
    b.queries = p->query ? p->query->count : 0, b.items = b.queries + p->gallery->count;
    bool ok = open_side(&b.side[0], p->gallery_name, p->of_pictures, &why_none, err) &&
              (!p->query || open_side(&b.side[1], p->query_name, p->of_pictures, &why_none, err)) &&
              fill(&b, err);
    if (ok) {
        kin_page page;
        kin_page_begin(&page, p->path, p->title, p->lead);
        kin_page_facts(&page, p->facts, p->n_facts);
        add_lists(&page, &b);
        ok = kin_page_write(&page, err);
        if (ok) remark(cli, &page, &why_none);
        kin_page_free(&page);
    }
    close_all(&b);
    return ok;
}
