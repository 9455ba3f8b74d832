#include "retrieval/lists/selves.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void kin_selves_free(kin_selves *s)
{
    kin_free(s->row);
    *s = (kin_selves){0};
}

/* --- rows of one file --- */

static bool ends_in(const char *text, size_t size, const char *end)
{
    size_t length = strlen(end);
    return size > length && memcmp(text + size - length, end, length) == 0;
}

/* The name without a role, and without .npy or .csv. */
static size_t stem_of(const char *name)
{
    size_t size = strlen(name);
    if (ends_in(name, size, ":query")) size -= strlen(":query");
    else if (ends_in(name, size, ":gallery")) size -= strlen(":gallery");
    return ends_in(name, size, ".npy") || ends_in(name, size, ".csv") ? size - 4 : size;
}

static bool look(const char *name, const char *ending, struct stat *info)
{
    size_t stem = stem_of(name), size = stem + strlen(ending) + 1;
    char *path = kin_alloc(size);
    if (path) snprintf(path, size, "%.*s%s", (int)stem, name, ending);
    bool there = path && stat(path, info) == 0 && S_ISREG(info->st_mode);
    kin_free(path);
    return there;
}

/* By the file itself, however it is called. */
static bool one_file(const char *a, const char *b)
{
    static const char *const endings[] = {".csv", ".npy"};
    struct stat x, y;
    for (int e = 0; e < 2; e++)
        if (look(a, endings[e], &x) && look(b, endings[e], &y) && x.st_dev == y.st_dev &&
            x.st_ino == y.st_ino)
            return true;
    return false;
}

static int64_t find(const kin_items *items, const char *id) { return kin_items_find(items, id, strlen(id)); }

static void match_ids(const kin_items *query, const kin_items *gallery, kin_selves *out)
{
    for (int64_t q = 0; q < query->count; q++) {
        out->row[q] = find(gallery, query->id[q]);
        out->count += out->row[q] >= 0;
    }
}

/* Ids 0, 1, 2 .. are rows of a matrix without names. */
static bool unnamed(const kin_items *items)
{
    char number[24];
    for (int64_t i = 0; i < items->count; i++) {
        snprintf(number, sizeof number, "%lld", (long long)i);
        if (strcmp(items->id[i], number) != 0) return false;
    }
    return true;
}

/* --- rows of the same numbers --- */

/* Rows i and j, and `count` behind each; of equal dimensions. */
static bool same_numbers(const kin_embeddings *a, int64_t i, const kin_embeddings *b, int64_t j,
                         int64_t count)
{
    const double *x = a->file.wide, *y = b->file.wide;
    size_t numbers = (size_t)count * (size_t)a->dim;
    if (memcmp(a->data + i * a->dim, b->data + j * a->dim, numbers * sizeof *a->data) != 0) return false;
    for (size_t n = 0; (x || y) && n < numbers; n++) {
        size_t p = (size_t)(i * a->dim) + n, q = (size_t)(j * a->dim) + n;
        double mine = x ? x[p] : (double)a->data[p], theirs = y ? y[q] : (double)b->data[q];
        if (mine != theirs) return false;
    }
    return true;
}

static uint64_t digest(kin_vectors v, int64_t i)
{
    const float *row = kin_row(v, i);
    uint64_t h = UINT64_C(14695981039346656037);
    for (int64_t d = 0; d < v.dim; d++) {
        uint32_t bits;
        memcpy(&bits, &row[d], sizeof bits);
        h = (h ^ bits) * UINT64_C(1099511628211);
    }
    return h ^ h >> 32;
}

/* Queries by their numbers. Those that hold the same ones are a group, named by one of them: a network that
 * collapsed makes one group of all, and a gallery row meets a group once. */
typedef struct groups {
    int64_t *head,
        *below;    /* [slots], [queries]: 1 + the first of a group, and the next group of the slot; 0: none */
    int64_t *of;   /* [queries]: the group */
    int64_t *next; /* [queries]: 1 + the next query of the group; 0: none */
    int64_t *open; /* [queries]: of a group, 1 + the first that may not be matched yet; 0: none */
    bool *met;     /* [queries]: of a group: a gallery row holds its numbers */
    uint64_t *digest; /* [queries] */
    uint64_t slots;
} groups;

static void groups_free(groups *g)
{
    kin_free(g->head), kin_free(g->below), kin_free(g->of), kin_free(g->next), kin_free(g->open);
    kin_free(g->met), kin_free(g->digest);
}

/* The group whose numbers are those of the row, -1: none. */
static int64_t group_of(const groups *g, const kin_embeddings *query, const kin_embeddings *set, int64_t row,
                        uint64_t digest)
{
    for (int64_t at = g->head[digest & (g->slots - 1)]; at; at = g->below[at - 1])
        if (g->digest[at - 1] == digest && same_numbers(query, at - 1, set, row, 1)) return at - 1;
    return -1;
}

static bool groups_make(groups *g, const kin_embeddings *query, kin_error *err)
{
    int64_t count = query->items.count;
    size_t n = (size_t)count;
    *g = (groups){.slots = 16};
    while (g->slots < 2 * (uint64_t)count) g->slots *= 2;
    g->head = kin_alloc_zero((size_t)g->slots, sizeof *g->head);
    g->below = kin_alloc_zero(n, sizeof *g->below), g->of = kin_alloc_zero(n, sizeof *g->of);
    g->next = kin_alloc_zero(n, sizeof *g->next), g->open = kin_alloc_zero(n, sizeof *g->open);
    g->met = kin_alloc_zero(n, sizeof *g->met), g->digest = kin_alloc_zero(n, sizeof *g->digest);
    if (!g->head || !g->below || !g->of || !g->next || !g->open || !g->met || !g->digest)
        return kin_fail_memory(err, "the queries' digests", (unsigned long long)count * 64);
    for (int64_t q = count - 1; q >= 0; q--) {
        g->digest[q] = digest(kin_embeddings_vectors(query), q);
        int64_t same = group_of(g, query, query, q, g->digest[q]);
        int64_t *head = &g->head[g->digest[q] & (g->slots - 1)];
        g->of[q] = same >= 0 ? same : q;
        if (same < 0) g->below[q] = *head, *head = q + 1;
        g->next[q] = g->open[g->of[q]];
        g->open[g->of[q]] = q + 1;
    }
    return true;
}

/* Queries by their paths, of which several may have one. */
typedef struct paths {
    kin_names names;
    int64_t *first, *next; /* [queries]: of a path, and after a query: 1 + a query; 0: none */
} paths;

static void paths_free(paths *p) { kin_names_free(&p->names), kin_free(p->first), kin_free(p->next); }

static bool paths_make(paths *p, const kin_items *query, kin_error *err)
{
    size_t n = (size_t)query->count;
    *p = (paths){.first = kin_alloc_zero(n, sizeof *p->first), .next = kin_alloc_zero(n, sizeof *p->next)};
    bool ok = p->first && p->next;
    for (int64_t q = query->count - 1; ok && query->path && q >= 0; q--) {
        if (!*query->path[q]) continue;
        int64_t path = kin_names_add(&p->names, query->path[q]);
        ok = path >= 0;
        if (ok) p->next[q] = p->first[path], p->first[path] = q + 1;
    }
    return ok || kin_fail_memory(err, "the queries' paths", (unsigned long long)n * 32);
}

static bool is_open(const groups *g, const kin_selves *out, int64_t q, int64_t group)
{
    return q >= 0 && g->of[q] == group && out->row[q] < 0;
}

/* The query of the group that has the gallery row's id, else its path; -1: none. */
static int64_t of_name(const groups *g, const paths *p, const kin_items *query, const kin_items *gallery,
                       int64_t row, int64_t group, const kin_selves *out)
{
    int64_t q = find(query, gallery->id[row]);
    if (is_open(g, out, q, group)) return q;
    if (!gallery->path || !*gallery->path[row]) return -1;
    int64_t path = kin_names_find(&p->names, gallery->path[row]);
    for (int64_t at = path >= 0 ? p->first[path] : 0; at; at = p->next[at - 1])
        if (is_open(g, out, at - 1, group)) return at - 1;
    return -1;
}

/* Without names: the group's first query that is not matched yet. */
static int64_t of_numbers(groups *g, int64_t group)
{
    int64_t q = g->open[group] - 1;
    if (q >= 0) g->open[group] = g->next[q];
    return q;
}

static bool match_numbers(const kin_embeddings *query, const kin_embeddings *gallery, kin_selves *out,
                          kin_error *err)
{
    kin_vectors a = kin_embeddings_vectors(query), b = kin_embeddings_vectors(gallery);
    bool named = !unnamed(&query->items) && !unnamed(&gallery->items);
    groups g;
    paths p = {0};
    if (a.dim != b.dim) return true; /* refused by who compares them */
    if (a.count == b.count && same_numbers(query, 0, gallery, 0, a.count)) {
        for (int64_t q = 0; q < a.count; q++) out->row[q] = q;
        out->count = a.count;
        return true;
    }
    bool ok = groups_make(&g, query, err) && (!named || paths_make(&p, &query->items, err));
    for (int64_t row = 0; ok && row < b.count; row++) {
        int64_t group = group_of(&g, query, gallery, row, digest(b, row));
        if (group < 0) continue;
        int64_t q = named ? of_name(&g, &p, &query->items, &gallery->items, row, group, out)
                          : of_numbers(&g, group);
        g.met[group] = true;
        if (q >= 0) out->row[q] = row, out->count++;
    }
    for (int64_t q = 0; ok && q < a.count; q++) {
        if (out->row[q] >= 0) continue;
        out->same_numbers += named && g.met[g.of[q]];
        out->same_id += named && find(&gallery->items, query->items.id[q]) >= 0;
    }
    groups_free(&g), paths_free(&p);
    return ok;
}

/* --- the whole --- */

static bool begin(kin_selves *out, int64_t queries, kin_error *err)
{
    *out = (kin_selves){.row = kin_alloc_array((size_t)queries, sizeof *out->row)};
    for (int64_t q = 0; out->row && q < queries; q++) out->row[q] = -1;
    return out->row || kin_fail_memory(err, "the queries", (unsigned long long)queries * sizeof *out->row);
}

/* What kin wrote says how; of arrays of others nothing is known. */
static bool made_alike(const kin_embeddings *query, const kin_embeddings *gallery, kin_error *err)
{
    return !query->file.mark || !gallery->file.mark || query->file.made == gallery->file.made ||
           kin_fail(err, KIN_ERR_DATA,
                    "%s and %s are of other views of their pictures (kin embed --flip, --scales), which lie "
                    "elsewhere; "
                    "make both alike",
                    query->name, gallery->name);
}

bool kin_selves_find(const kin_embeddings *query, const kin_embeddings *gallery, kin_selves *out,
                     kin_error *err)
{
    *out = (kin_selves){0};
    if (!made_alike(query, gallery, err)) return false;
    if (!begin(out, query->items.count, err)) return false;
    if (query->name && gallery->name && one_file(query->name, gallery->name)) {
        match_ids(&query->items, &gallery->items, out);
        return true;
    }
    if (match_numbers(query, gallery, out, err)) return true;
    kin_selves_free(out);
    return false;
}

static bool has_numbers(const char *name)
{
    struct stat info;
    return !ends_in(name, strlen(name), ".csv") && look(name, ".npy", &info);
}

bool kin_selves_find_items(const char *query, const kin_items *query_items, const char *gallery,
                           const kin_items *gallery_items, kin_selves *out, kin_error *err)
{
    if (one_file(query, gallery) || !has_numbers(query) || !has_numbers(gallery)) {
        if (!begin(out, query_items->count, err)) return false;
        bool same = one_file(query, gallery), named = !unnamed(query_items) && !unnamed(gallery_items);
        if (same) match_ids(query_items, gallery_items, out);
        for (int64_t q = 0; !same && named && q < query_items->count; q++)
            out->same_id += find(gallery_items, query_items->id[q]) >= 0;
        return true;
    }
    kin_embeddings a, b = {0};
    if (!kin_embeddings_read(query, &a, err)) return false;
    bool ok = kin_embeddings_read(gallery, &b, err) && kin_selves_find(&a, &b, out, err);
    kin_embeddings_free(&a), kin_embeddings_free(&b);
    return ok;
}
