/* NMI [Strehl, Ghosh 2002, with the arithmetic mean], the adjusted Rand index [Hubert, Arabie 1985] and
 * pairwise F, from the table of how many items are in group g and of label l. */
#include "base/memory.h"
#include "retrieval/cluster/cluster.h"

#include <math.h>
#include <stdlib.h>

typedef struct item {
    int64_t group, label;
} item;

static int by_group(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

static int by_label(const void *a, const void *b)
{
    const item *x = a, *y = b;
    return (x->label > y->label) - (x->label < y->label);
}

static double pairs_of(double n) { return n * (n - 1) / 2; }

/* Of stretches of equal items: their number, sum n ln n, and pairs. */
typedef struct stretches {
    int64_t count;
    double n_log_n, pairs;
} stretches;

static stretches of(const item *items, int64_t n, bool same(const item *, const item *))
{
    stretches s = {0};
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same(&items[i], &items[end]);) end++;
        double size = (double)(end - i);
        s.count++, s.n_log_n += size * log(size), s.pairs += pairs_of(size);
    }
    return s;
}

static bool same_group(const item *a, const item *b) { return a->group == b->group; }
static bool same_label(const item *a, const item *b) { return a->label == b->label; }
static bool same_cell(const item *a, const item *b) { return same_group(a, b) && same_label(a, b); }

bool kin_cluster_agreement(const int64_t *group, const int64_t *label, int64_t n, kin_agreement *out,
                           kin_error *err)
{
    item *items = kin_alloc_array((size_t)n, sizeof *items);
    int64_t m = 0;
    if (!items) return kin_fail_memory(err, "groups", (size_t)n * sizeof *items);
    for (int64_t i = 0; i < n; i++)
        if (label[i] >= 0) items[m++] = (item){group[i] < 0 ? -1 - i : group[i], label[i]};
    if (m) qsort(items, (size_t)m, sizeof *items, by_group);
    stretches g = of(items, m, same_group), cell = of(items, m, same_cell);
    if (m) qsort(items, (size_t)m, sizeof *items, by_label);
    stretches l = of(items, m, same_label);
    kin_free(items);
    double count = (double)m, whole = m ? log(count) : 0;
    double h_group = m ? whole - g.n_log_n / count : 0, h_label = m ? whole - l.n_log_n / count : 0;
    double mutual = m ? whole + (cell.n_log_n - g.n_log_n - l.n_log_n) / count : 0;
    double all = pairs_of(count), chance = all > 0 ? g.pairs * l.pairs / all : 0,
           most = (g.pairs + l.pairs) / 2;
    *out = (kin_agreement){.counted = m, .groups = g.count, .labels = l.count};
    out->nmi = h_group + h_label > 0 ? 2 * mutual / (h_group + h_label) : 1;
    out->ari = most != chance ? (cell.pairs - chance) / (most - chance) : 1;
    out->precision = g.pairs > 0 ? cell.pairs / g.pairs : 1;
    out->recall = l.pairs > 0 ? cell.pairs / l.pairs : 1;
    out->f = g.pairs + l.pairs > 0 ? 2 * cell.pairs / (g.pairs + l.pairs) : 1;
    return true;
}
