#include "losses/memory.h"

#include "base/memory.h"
#include "nn/folded.h"

#include <limits.h>
#include <string.h>

typedef struct memory {
    int64_t size;
    kin_tensor *rows, *labels; /* [size, d], [size]: a ring */
    kin_tensor *state;         /* [2]: the place of the next row, and how many there are */
} memory;

static kin_tensor *buffer(const kin_loss_call *c, const char *name, kin_shape shape)
{
    return kin_param(c->scope, name, &(kin_param_opt){.shape = shape, .buffer = true});
}

static bool memory_of(const kin_loss_call *c, memory *m)
{
    m->rows = buffer(c, "memory", KIN_SHAPE(m->size, kin_channels(c->x)));
    m->labels = buffer(c, "memory_labels", KIN_SHAPE(m->size));
    m->state = buffer(c, "memory_state", KIN_SHAPE(2));
    return m->rows && m->labels && m->state;
}

static int64_t size_of(const kin_loss_call *c) { return (int64_t)kin_term_value_or(c->term, "xbm", 0); }

bool kin_loss_memory_declare(const kin_loss_call *c)
{
    memory m = {.size = size_of(c)};
    if (!m.size) return true;
    return memory_of(c, &m);
}

static bool refuse(const kin_loss_call *c, const char *why)
{
    return kin_fail(kin_ctx_error(kin_ctx_of(c->x)), KIN_ERR_ARGUMENT, "the loss %s(xbm=%lld): %s",
                    c->term->loss->name, (long long)size_of(c), why);
}

/* What a checkpoint brought may be anything. */
static bool sound(const memory *m)
{
    const kin_real *state = kin_data(m->state), *labels = kin_data(m->labels);
    double size = (double)m->size, there = (double)state[1];
    if (!((double)state[0] >= 0 && (double)state[0] < size && there >= 0 && there <= size)) return false;
    if (there < size && (double)state[0] != there) return false;
    for (int64_t i = 0; i < (int64_t)there; i++)
        if (!((double)labels[i] >= 0 && (double)labels[i] < INT_MAX)) return false;
    return true;
}

/* Row i of the batch goes to place (at + i) modulo size. */
static void enqueue(const kin_loss_call *c, const memory *m, int64_t at)
{
    int64_t n = kin_rows(c->x), d = kin_channels(c->x);
    kin_real *rows = (kin_real *)kin_data(m->rows), *labels = (kin_real *)kin_data(m->labels),
             *state = (kin_real *)kin_data(m->state);
    const kin_real *x = kin_data(c->x);
    for (int64_t i = 0; i < n; i++) {
        int64_t place = (at + i) % m->size;
        memcpy(rows + place * d, x + i * kin_ld(c->x), (size_t)d * sizeof *rows);
        labels[place] = (kin_real)c->labels[i];
    }
    int64_t there = (int64_t)state[1] + n;
    state[0] = (kin_real)((at + n) % m->size);
    state[1] = (kin_real)(there < m->size ? there : m->size);
    kin_param_touched(m->rows), kin_param_touched(m->labels), kin_param_touched(m->state);
}

bool kin_loss_memory_compare(kin_loss_call *c, int **labels)
{
    memory m = {.size = size_of(c)};
    if (!m.size) return true;
    if (!c->scope) return refuse(c, "a memory needs a module to live in");
    if (kin_rows(c->x) > m.size) return refuse(c, "the memory is smaller than a batch");
    if (!memory_of(c, &m)) return false;
    if (!sound(&m)) return refuse(c, "the memory that was read is damaged");
    int64_t at = (int64_t)kin_data(m.state)[0];
    enqueue(c, &m, at);
    int64_t there = (int64_t)kin_data(m.state)[1];
    *labels = kin_alloc_array((size_t)there, sizeof **labels);
    if (!*labels)
        return kin_fail_memory(kin_ctx_error(kin_ctx_of(c->x)), "the memory's labels", (size_t)there);
    for (int64_t i = 0; i < there; i++) (*labels)[i] = (int)kin_data(m.labels)[i];
    c->others = kin_input(kin_ctx_of(c->x), KIN_SHAPE(there, kin_channels(c->x)), kin_data(m.rows));
    c->other_labels = *labels;
    c->own = at;
    return c->others != NULL;
}
