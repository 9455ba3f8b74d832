#include "retrieval/lists/by_label.h"

#include "base/memory.h"

bool kin_lists_by_label(const kin_neighbours *lists, const int64_t *label, int64_t labels, int64_t top,
                        float missing, kin_neighbours *out, int64_t *shortest, kin_error *err)
{
    int64_t *seen = kin_alloc_array((size_t)labels, sizeof *seen); /* by which query last */
    if (!seen) return kin_fail_memory(err, "labels", (size_t)labels * sizeof *seen);
    if (!kin_neighbours_alloc(out, lists->queries, top, err)) return kin_free(seen), false;
    for (int64_t l = 0; l < labels; l++) seen[l] = -1;
    *shortest = top;
    for (int64_t q = 0; q < lists->queries; q++) {
        int64_t n = 0, *index = out->index + q * top;
        float *value = out->value + q * top;
        for (int64_t i = q * lists->k; i < (q + 1) * lists->k && n < top; i++) {
            int64_t item = lists->index[i], l = item < 0 ? -1 : label[item];
            if (item < 0) break;
            if (l >= 0 && seen[l] == q) continue;
            if (l >= 0) seen[l] = q;
            index[n] = item, value[n++] = lists->value[i];
        }
        if (n < *shortest) *shortest = n;
        for (; n < top; n++) index[n] = -1, value[n] = missing;
    }
    kin_free(seen);
    return true;
}
