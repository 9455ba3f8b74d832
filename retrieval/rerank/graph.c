#include "retrieval/rerank/graph.h"

#include "base/memory.h"
#include "base/parallel.h"

#include <math.h>

enum { ROWS = 64 };

typedef struct job {
    const kin_neighbours *near;
    int64_t depth;
    double gamma;
    kin_sparse *out;
    bool fill;
} job;

static bool among_first(const job *j, int64_t row, int64_t item)
{
    const int64_t *list = j->near->index + row * j->near->k;
    for (int64_t a = 0; a < j->depth; a++)
        if (list[a] == item) return true;
    return false;
}

/* Row i's entries, put where they belong by column; returns how many. Counted only, in the first round. */
static int64_t mutual_row(const job *j, int64_t i)
{
    /* The first round writes offsets: those of others must not be read in it. */
    int64_t count = 0, first = j->fill ? j->out->offset[i] : 0;
    for (int64_t a = 0; a < j->depth; a++) {
        int64_t other = j->near->index[i * j->near->k + a];
        double s = (double)j->near->value[i * j->near->k + a];
        if (!(s > 0) || !among_first(j, other, i)) continue;
        if (j->fill) {
            int64_t at = first + count;
            for (; at > first && j->out->column[at - 1] > other; at--) {
                j->out->column[at] = j->out->column[at - 1];
                j->out->value[at] = j->out->value[at - 1];
            }
            j->out->column[at] = (int32_t)other;
            j->out->value[at] = pow(s, j->gamma);
        }
        count++;
    }
    return count;
}

static void mutual_block(void *arg, int64_t block, int worker)
{
    (void)worker;
    job *j = arg;
    int64_t last = (block + 1) * ROWS < j->out->rows ? (block + 1) * ROWS : j->out->rows;
    for (int64_t i = block * ROWS; i < last; i++) {
        int64_t count = mutual_row(j, i);
        if (!j->fill) j->out->offset[i + 1] = count;
    }
}

bool kin_graph_mutual(const kin_neighbours *near, int64_t depth, double gamma, kin_sparse *out,
                      kin_error *err)
{
    if (!kin_sparse_begin(out, near->queries, err)) return false;
    job j = {near, depth, gamma, out, false};
    kin_parallel_for(kin_blocks(out->rows, ROWS), mutual_block, &j);
    if (!kin_sparse_reserve(out, err)) return false;
    j.fill = true;
    kin_parallel_for(kin_blocks(out->rows, ROWS), mutual_block, &j);
    return true;
}

bool kin_graph_normalise(kin_sparse *a, kin_error *err)
{
    double *scale = kin_alloc_array((size_t)a->rows, sizeof *scale);
    if (!scale) return kin_fail_memory(err, "the graph", (unsigned long long)a->rows * sizeof *scale);
    for (int64_t i = 0; i < a->rows; i++) {
        double degree = 0;
        for (int64_t e = a->offset[i]; e < a->offset[i + 1]; e++) degree += a->value[e];
        scale[i] = degree > 0 ? 1 / sqrt(degree) : 0;
    }
    for (int64_t i = 0; i < a->rows; i++)
        for (int64_t e = a->offset[i]; e < a->offset[i + 1]; e++)
            a->value[e] *= scale[i] * scale[a->column[e]];
    kin_free(scale);
    return true;
}
