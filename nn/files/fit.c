#include "nn/files/fit.h"

#include "base/memory.h"
#include "base/text.h"
#include "nn/files/import_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 16, SHOWN = 3 };

/* ---- the prefix ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The file's names, sorted: a hostile file may have a hundred thousand. */
typedef struct names {
    const char **name;
    size_t count;
} names;

static bool sort_names(const kin_checkpoint *c, names *out, kin_error *err)
{
    *out = (names){kin_alloc_array(c->count, sizeof *out->name), c->count};
    if (!out->name) return kin_fail_memory(err, "the names", c->count * sizeof *out->name);
    for (size_t i = 0; i < c->count; i++) out->name[i] = c->arrays[i].name;
    if (c->count) qsort(out->name, c->count, sizeof *out->name, by_text);
    return true;
}

/* How many of the network's names stand in the file behind these first `length` bytes of `prefix`. */
static int fitting(const names *n, kin_module *m, const char *prefix, size_t length)
{
    int found = 0;
    for (int i = 0; i < kin_module_entries(m); i++) {
        char full[700];
        const char *key = full;
        snprintf(full, sizeof full, "%.*s%s", (int)length, prefix, kin_module_entry(m, i)->name);
        found += bsearch(&key, n->name, n->count, sizeof *n->name, by_text) != NULL;
    }
    return found;
}

/* Prefixes that would do for one of the network's names: what stands before it in the file. */
static int candidates(const names *n, const char *name, const char *at[CANDIDATES], size_t length[CANDIDATES])
{
    size_t tail = strlen(name);
    int count = 0;
    for (size_t i = 0; i < n->count && count < CANDIDATES; i++) {
        size_t whole = strlen(n->name[i]);
        if (whole <= tail + 1 || whole - tail > 120 || n->name[i][whole - tail - 1] != '.' ||
            strcmp(n->name[i] + whole - tail, name) != 0)
            continue;
        at[count] = n->name[i];
        length[count++] = whole - tail;
    }
    return count;
}

static bool choose(const names *n, kin_module *m, char prefix[128], kin_error *err)
{
    const char *at[CANDIDATES];
    size_t length[CANDIDATES];
    int count = 0, best = fitting(n, m, "", 0), second = -1, first = -1;
    *prefix = '\0';
    if (2 * best >= kin_module_entries(m)) return true;
    for (int i = 0; !count && i < kin_module_entries(m); i++)
        count = candidates(n, kin_module_entry(m, i)->name, at, length);
    for (int k = 0; k < count; k++) {
        int fits = fitting(n, m, at[k], length[k]);
        if (fits > best) best = fits, first = k, second = -1;
        else if (fits == best && first >= 0) second = k;
    }
    /* a name or two that are alike by chance are no reason to leave out all others */
    if (first < 0 || 4 * best < kin_module_entries(m)) return true;
    if (second >= 0)
        return kin_fail(
            err, KIN_ERR_DATA,
            "the network's names stand in it more than once, behind '%.*s' and '%.*s'; choose with "
            "--prefix",
            (int)length[first], at[first], (int)length[second], at[second]);
    snprintf(prefix, 128, "%.*s", (int)length[first], at[first]);
    return true;
}

bool kin_import_fit(kin_checkpoint *c, kin_module *m, kin_import_info *info, kin_error *err)
{
    names n;
    char prefix[128];
    if (!sort_names(c, &n, err)) return false;
    bool ok = choose(&n, m, prefix, err);
    kin_free(n.name);
    return ok && (!*prefix || kin_import_select(c, prefix, info, err));
}

/* ---- old names ---- */

/* In "..denselayer12.norm.1.weight" the dot before the digit, by which it differs from the name of today; else NULL. */
static char *old_dot(char *name)
{
    static const char layer[] = "denselayer";
    for (char *at = strstr(name, layer); at; at = strstr(at + 1, layer)) {
        char *p = at + sizeof layer - 1;
        size_t digits = strspn(p, "0123456789");
        p += digits;
        bool part = strncmp(p, ".norm.", 6) == 0 || strncmp(p, ".conv.", 6) == 0;
        if (digits && part && (p[6] == '1' || p[6] == '2') && p[7] == '.') return p + 5;
    }
    return NULL;
}

int kin_import_old_names(kin_checkpoint *c)
{
    int count = 0;
    for (size_t i = 0; i < c->count; i++) {
        char *dot = old_dot((char *)c->arrays[i].name); /* in the checkpoint's own memory */
        if (!dot) continue;
        memmove(dot, dot + 1, strlen(dot));
        count++;
    }
    return count;
}

/* ---- channels ---- */

/* [O, 3, h, w] where the network's own, in memory [h, w, I, O], has one channel. */
static bool is_grey(const kin_array *a, const kin_entry *e)
{
    if (!a || e->layout != KIN_LAYOUT_HWIO || a->ndim != 4 || !kin_dtype_is_real(a->dtype)) return false;
    kin_shape s = kin_shape_of(e->tensor);
    return s.dim[2] == 1 && a->shape[1] == 3 && a->shape[0] == s.dim[3] && a->shape[2] == s.dim[0] &&
           a->shape[3] == s.dim[1];
}

const char *kin_import_grey_stem(const kin_checkpoint *c, kin_module *m)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        if (is_grey(kin_checkpoint_find(c, e->name), e)) return e->name;
    }
    return NULL;
}

static bool sum_one(kin_checkpoint *c, kin_array *a, kin_error *err)
{
    size_t area = (size_t)(a->shape[2] * a->shape[3]), count = a->count / 3;
    uint8_t *room = kin_checkpoint_alloc(c, a->name, count * 4, err);
    if (!room) return false;
    for (size_t i = 0; i < count; i++) {
        size_t at = i / area * 3 * area + i % area;
        float sum = (float)(kin_array_number(a, at) + kin_array_number(a, at + area) +
                            kin_array_number(a, at + 2 * area));
        uint32_t bits;
        memcpy(&bits, &sum, sizeof bits);
        for (int k = 0; k < 4; k++) room[4 * i + (size_t)k] = (uint8_t)(bits >> 8 * k);
    }
    a->data = room, a->dtype = KIN_F32, a->shape[1] = 1, a->count = count;
    return true;
}

bool kin_import_sum_channels(kin_checkpoint *c, kin_module *m, int *summed, kin_error *err)
{
    *summed = 0;
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        const kin_array *a = kin_checkpoint_find(c, e->name);
        if (!is_grey(a, e)) continue;
        if (!sum_one(c, &c->arrays[a - c->arrays], err)) return false;
        ++*summed;
    }
    return true;
}

/* ---- how many ---- */

kin_import_count kin_import_tensors(const kin_checkpoint *c, kin_module *m, const char *but)
{
    kin_import_count n = {0};
    size_t used = 0;
    int lacking = 0;
    for (int i = 0; i < kin_module_entries(m); i++) {
        const char *name = kin_module_entry(m, i)->name;
        if (but && kin_glob_any(but, name)) continue;
        n.of++;
        if (kin_checkpoint_find(c, name)) n.found++;
        else if (lacking++ < SHOWN)
            used += (size_t)snprintf(n.rest + used, sizeof n.rest - used, "%s%.50s", used ? ", " : "", name);
    }
    if (lacking > SHOWN) snprintf(n.rest + used, sizeof n.rest - used, ", ...");
    return n;
}
