/* DenseNet's layers read all maps before them, over chains of concatenations: [[[x, a], b], c]. Drawn as they
 * are computed, each reads but the last of these; what one wants to see is who is read. */
#include "cli/pages/graph.h"

#include <string.h>

static bool is_join(const kin_summary *s, int layer)
{
    return layer >= 0 && !*s->layers[layer].name && strcmp(s->layers[layer].op, "concat") == 0;
}

static int parts(const kin_summary *s, const kin_layer *l)
{
    int n = 0;
    for (int k = 0; k < l->n_in; k++) n += is_join(s, l->in[k]) ? s->layers[l->in[k]].n_in : 1;
    return n;
}

/* What a layer reads comes before it: a concatenation's own parts are seen through by then. */
bool kin_graph_see_through(kin_summary *s, kin_error *err)
{
    for (int i = 0; i < s->count; i++) {
        kin_layer *l = &s->layers[i];
        int n = 0, count = parts(s, l), *in = kin_arena_alloc(&s->memory, ((size_t)count + 1) * sizeof *in);
        if (!in) return kin_fail_memory(err, "the graph", (size_t)count * sizeof *in);
        for (int k = 0; k < l->n_in; k++) {
            const kin_layer *from = is_join(s, l->in[k]) ? &s->layers[l->in[k]] : NULL;
            for (int p = 0; from && p < from->n_in; p++) in[n++] = from->in[p];
            if (!from) in[n++] = l->in[k];
        }
        l->in = in, l->n_in = count;
    }
    return true;
}
