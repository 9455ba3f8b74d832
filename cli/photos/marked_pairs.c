#include "cli/photos/marked_pairs.h"

#include "base/csv.h"
#include "base/memory.h"
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS = 32 };

typedef struct pair {
    double distance;
    bool same;
} pair;

typedef struct reading {
    const kin_album *album;
    kin_names whole,
        below; /* the album's pictures, by the paths that kin's lists have and by those of the index */
    kin_csv csv;
    int a, b, mark, columns;
    bool by_kind; /* the mark is a kind of kin duplicates */
    pair *pair;
    size_t count, capacity;
} reading;

static int column(char *const *field, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(field[i], name) == 0) return i;
    return -1;
}

static bool take_header(reading *r, char *const *field, int count, kin_error *err)
{
    r->columns = count;
    r->a = column(field, count, "a"), r->b = column(field, count, "b"),
    r->mark = column(field, count, "same");
    r->by_kind = r->mark < 0;
    if (r->by_kind) r->mark = column(field, count, "kind");
    return (r->a >= 0 && r->b >= 0 && r->mark >= 0) ||
           kin_fail(err, KIN_ERR_DATA, "%s: its first line was expected to name the columns a,b,same",
                    r->csv.name);
}

static bool take_mark(const reading *r, const char *text, bool *same, kin_error *err)
{
    static const char *const yes[] = {"1", "yes", "true", NULL}, *const no[] = {"0", "no", "false", NULL};
    static const char *const kinds[] = {"exact", "same", "near", "turned", "mirrored", NULL},
                             *const none[] = {"none", NULL};
    const char *const *const words[2] = {r->by_kind ? none : no, r->by_kind ? kinds : yes};
    for (int is = 0; is < 2; is++)
        for (const char *const *w = words[is]; *w; w++)
            if (strcmp(text, *w) == 0) return *same = is, true;
    return kin_csv_fail(&r->csv, err, "1 or 0 was expected for whether both show one thing, not '%.40s'",
                        text);
}

static bool number_paths(reading *r, kin_error *err)
{
    const kin_photos *p = &r->album->photos;
    bool ok = true;
    for (int64_t i = 0; ok && i < p->count; i++) {
        char *path = kin_album_path(r->album, i);
        ok = path && kin_names_add(&r->whole, path) >= 0 && kin_names_add(&r->below, p->item[i].path) >= 0;
        kin_free(path);
    }
    return ok || kin_fail_memory(err, "the index's paths", (size_t)p->count * 64);
}

/* A list may name every picture a dozen times: all are gone through for other spellings of a path alone. */
static bool take_item(const reading *r, const char *path, int64_t *item, kin_error *err)
{
    *item = kin_names_find(&r->whole, path);
    if (*item < 0) *item = kin_names_find(&r->below, path);
    if (*item < 0) *item = kin_album_item(r->album, path);
    return *item >= 0 || kin_csv_fail(&r->csv, err, "%.400s is no picture of the index", path);
}

static bool take_pair(reading *r, char *const *field, int count, kin_error *err)
{
    const kin_photos *p = &r->album->photos;
    int64_t a, b;
    bool same = false;
    double product = 0;
    if (count != r->columns)
        return kin_csv_fail(&r->csv, err, "has %d fields, the first line %d", count, r->columns);
    if (!take_mark(r, field[r->mark], &same, err) || !take_item(r, field[r->a], &a, err) ||
        !take_item(r, field[r->b], &b, err))
        return false;
    if (!kin_grow((void **)&r->pair, r->count, &r->capacity, sizeof *r->pair))
        return kin_fail_memory(err, "marked pairs", r->count * sizeof *r->pair);
    for (int64_t d = 0; d < p->dim; d++)
        product += (double)p->rows[a * p->dim + d] * (double)p->rows[b * p->dim + d];
    r->pair[r->count++] = (pair){product < 1 ? 1 - product : 0, same};
    return true;
}

static int rising(const void *a, const void *b)
{
    double x = ((const pair *)a)->distance, y = ((const pair *)b)->distance;
    return (x > y) - (x < y);
}

/* Between two neighbouring distances; behind equal ones alone. */
static void part(const reading *r, kin_marked_pairs *out)
{
    int64_t same = 0, different = 0;
    double best = -1;
    for (size_t i = 0; i < r->count; i++) {
        const pair *here = &r->pair[i], *next = i + 1 < r->count ? here + 1 : NULL;
        same += here->same, different += !here->same;
        if (next && next->distance == here->distance) continue;
        double right = (double)same / (double)out->same +
                       (double)(out->different - different) / (double)out->different;
        if (right <= best) continue;
        best = right;
        out->threshold = next ? (here->distance + next->distance) / 2 : here->distance;
        out->far_same = out->same - same, out->near_different = different;
    }
}

bool kin_marked_pairs_read(const char *file, const kin_album *album, kin_marked_pairs *out, kin_error *err)
{
    kin_bytes bytes;
    reading r = {.album = album};
    *out = (kin_marked_pairs){0};
    if (!kin_read_file(file, (size_t)1 << 30, &bytes, err)) return false;
    r.csv = kin_csv_open(file, (char *)bytes.data, bytes.size);
    char *field[FIELDS];
    bool numbered = number_paths(&r, err);
    int count = !numbered ? -1 : kin_csv_next(&r.csv, field, FIELDS, err);
    bool ok = count > 0 ? take_header(&r, field, count, err)
                        : count == 0 && kin_fail(err, KIN_ERR_DATA, "%s: holds no pairs", file);
    while (ok && (count = kin_csv_next(&r.csv, field, FIELDS, err)) != 0)
        ok = count > 0 && take_pair(&r, field, count, err);
    for (size_t i = 0; ok && i < r.count; i++) out->same += r.pair[i].same, out->different += !r.pair[i].same;
    if (ok && (!out->same || !out->different))
        ok = kin_fail(err, KIN_ERR_DATA,
                      "%s: pairs of the same thing and of different ones are needed; it has %lld and %lld",
                      file, (long long)out->same, (long long)out->different);
    if (ok) qsort(r.pair, r.count, sizeof *r.pair, rising), part(&r, out);
    kin_free(r.pair);
    kin_names_free(&r.whole), kin_names_free(&r.below);
    kin_bytes_free(&bytes);
    return ok;
}
