#include "cli/retrieve/retrieve_labels.h"

#include "base/memory.h"
#include "base/names.h"
#include "retrieval/lists/by_label.h"

#include <math.h>
#include <stdlib.h>

/* An item without a label is by itself. */
static bool number_labels(kin_retrieve *r, kin_error *err)
{
    const kin_items *items = &r->gallery.items;
    kin_names names = {0};
    size_t bytes = (size_t)items->count * sizeof *r->label;
    r->label = kin_alloc_array((size_t)items->count, sizeof *r->label);
    bool ok = r->label || kin_fail_memory(err, "labels", bytes);
    for (int64_t i = 0; ok && i < items->count; i++) {
        const char *text = items->label ? items->label[i] : "";
        r->label[i] = *text ? kin_names_add(&names, text) : -1;
        ok = !*text || r->label[i] >= 0 || kin_fail_memory(err, "labels", bytes);
    }
    r->labels = names.count;
    kin_names_free(&names);
    return ok &&
           (r->labels || kin_fail(err, KIN_ERR_DATA,
                                  "%s has no labels (a column `label`), and --group-by label needs them",
                                  r->gallery.name));
}

static int falling(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static bool find_depth(kin_retrieve *r, int64_t most, kin_error *err)
{
    int64_t *size = kin_alloc_zero((size_t)r->labels, sizeof *size), depth = 1;
    if (!size) return kin_fail_memory(err, "labels", (size_t)r->labels * sizeof *size);
    for (int64_t i = 0; i < r->gallery.items.count; i++)
        if (r->label[i] >= 0) size[r->label[i]]++;
    qsort(size, (size_t)r->labels, sizeof *size, falling);
    for (int64_t l = 0; l < r->top - 1 && depth < most; l++) depth += l < r->labels ? size[l] : 1;
    kin_free(size);
    r->depth = depth < most ? depth : most;
    return true;
}

bool kin_retrieve_take_labels(kin_retrieve *r, int64_t most, kin_error *err)
{
    return number_labels(r, err) && find_depth(r, most, err);
}

bool kin_retrieve_by_label(const kin_retrieve *r, const kin_neighbours *lists, kin_neighbours *out,
                           int64_t *shortest, kin_error *err)
{
    float missing = r->value == KIN_VALUE_DISTANCE ? INFINITY : -INFINITY;
    return kin_lists_by_label(lists, r->label, r->labels, r->top, missing, out, shortest, err);
}
