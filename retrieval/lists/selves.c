#include "retrieval/lists/selves.h"

#include "base/file.h"
#include "base/memory.h"

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

/* Chains of queries by digest, in their order: gallery rows, which are more, pass by once. */
typedef struct chains {
    int64_t *head, *next; /* [slots], [queries]: 1 + a query, 0: none */
    uint64_t *digest;     /* [queries] */
    uint64_t slots;
} chains;

static void chains_free(chains *c) { kin_free(c->head), kin_free(c->next), kin_free(c->digest); }

static bool chains_make(chains *c, kin_vectors query, kin_error *err)
{
    *c = (chains){.slots = 16};
    while (c->slots < 2 * (uint64_t)query.count) c->slots *= 2;
    c->head = kin_alloc_zero((size_t)c->slots, sizeof *c->head);
    c->next = kin_alloc_array((size_t)query.count, sizeof *c->next);
    c->digest = kin_alloc_array((size_t)query.count, sizeof *c->digest);
    if (!c->head || !c->next || !c->digest) {
        chains_free(c);
        return kin_fail_memory(err, "the queries' digests", (unsigned long long)query.count * 32);
    }
    for (int64_t q = query.count - 1; q >= 0; q--) {
        c->digest[q] = digest(query, q);
        int64_t *head = &c->head[c->digest[q] & (c->slots - 1)];
        c->next[q] = *head;
        *head = q + 1;
    }
    return true;
}

static bool same_name(const kin_items *query, int64_t q, const kin_items *gallery, int64_t g)
{
    if (strcmp(query->id[q], gallery->id[g]) == 0) return true;
    return query->path && gallery->path && *query->path[q] && strcmp(query->path[q], gallery->path[g]) == 0;
}

/* Gallery row g meets the queries that hold its numbers: the one of its name is it; without names, the
 * first that is not matched yet. */
static void meet(const chains *c, const kin_embeddings *query, const kin_embeddings *gallery, int64_t g,
                 bool named, bool *twin, kin_selves *out)
{
    uint64_t h = digest(kin_embeddings_vectors(gallery), g);
    for (int64_t at = c->head[h & (c->slots - 1)]; at; at = c->next[at - 1]) {
        int64_t q = at - 1;
        if (c->digest[q] != h || out->row[q] >= 0 || !same_numbers(query, q, gallery, g, 1)) continue;
        if (named && !same_name(&query->items, q, &gallery->items, g)) {
            twin[q] = true;
            continue;
        }
        out->row[q] = g;
        out->count++;
        return;
    }
}

static bool match_numbers(const kin_embeddings *query, const kin_embeddings *gallery, kin_selves *out,
                          kin_error *err)
{
    kin_vectors a = kin_embeddings_vectors(query), b = kin_embeddings_vectors(gallery);
    bool named = !unnamed(&query->items) && !unnamed(&gallery->items);
    chains c;
    if (a.dim != b.dim) return true; /* refused by who compares them */
    if (a.count == b.count && same_numbers(query, 0, gallery, 0, a.count)) {
        for (int64_t q = 0; q < a.count; q++) out->row[q] = q;
        out->count = a.count;
        return true;
    }
    bool *twin = kin_alloc_zero((size_t)a.count, sizeof *twin);
    if (!twin) return kin_fail_memory(err, "the queries", (unsigned long long)a.count);
    bool ok = chains_make(&c, a, err);
    for (int64_t g = 0; ok && g < b.count; g++) meet(&c, query, gallery, g, named, twin, out);
    for (int64_t q = 0; ok && q < a.count; q++) {
        if (out->row[q] >= 0) continue;
        out->same_numbers += twin[q];
        out->same_id += named && find(&gallery->items, query->items.id[q]) >= 0;
    }
    if (ok) chains_free(&c);
    kin_free(twin);
    return ok;
}

/* --- the whole --- */

static bool begin(kin_selves *out, int64_t queries, kin_error *err)
{
    *out = (kin_selves){.row = kin_alloc_array((size_t)queries, sizeof *out->row)};
    for (int64_t q = 0; out->row && q < queries; q++) out->row[q] = -1;
    return out->row || kin_fail_memory(err, "the queries", (unsigned long long)queries * sizeof *out->row);
}

bool kin_selves_find(const kin_embeddings *query, const kin_embeddings *gallery, kin_selves *out,
                     kin_error *err)
{
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
