#include "base/memory.h"
#include "retrieval/local/local.h"

#include <math.h>
#include <string.h>

void kin_local_set_free(kin_local_set *s)
{
    kin_free(s->first);
    kin_free(s->descriptor);
    kin_free(s->place);
    *s = (kin_local_set){0};
}

/* A heap of indices by (score, −index), the best on top. */
static int better(const kin_local_place *place, int64_t a, int64_t b)
{
    if (place[a].score != place[b].score) return place[a].score > place[b].score;
    return a < b;
}

static void sink(const kin_local_place *place, int64_t *heap, int64_t count, int64_t at)
{
    for (;;) {
        int64_t child = 2 * at + 1, moved = heap[at];
        if (child >= count) return;
        if (child + 1 < count && better(place, heap[child + 1], heap[child])) child++;
        if (!better(place, heap[child], moved)) return;
        heap[at] = heap[child], heap[child] = moved;
        at = child;
    }
}

static bool near(const kin_local_place *a, const kin_local_place *b, double radius)
{
    double ratio = a->scale > b->scale ? a->scale / b->scale : b->scale / a->scale;
    return ratio <= 1.5 && hypot(a->x - b->x, a->y - b->y) < radius;
}

/* The heap lies at the beginning of `chosen` and shrinks by one for each index that is taken from its top;
 * those that are kept are put down from the end of its memory towards it, and are turned round at last. */
int64_t kin_local_select(const kin_local_place *place, int64_t count, double least, double radius,
                         int64_t most, int64_t *chosen)
{
    int64_t left = 0, taken = 0;
    for (int64_t i = 0; i < count; i++)
        if (place[i].score >= least) chosen[left++] = i;
    for (int64_t i = left / 2 - 1; i >= 0; i--) sink(place, chosen, left, i);
    int64_t end = left;
    while (left > 0 && taken < most) {
        int64_t best = chosen[0];
        chosen[0] = chosen[--left];
        sink(place, chosen, left, 0);
        bool suppressed = false;
        for (int64_t k = end - taken; k < end && !suppressed; k++)
            suppressed = near(&place[best], &place[chosen[k]], radius);
        if (!suppressed) chosen[end - ++taken] = best;
    }
    memmove(chosen, chosen + end - taken, (size_t)taken * sizeof *chosen);
    for (int64_t k = 0; k < taken / 2; k++) {
        int64_t swap = chosen[k];
        chosen[k] = chosen[taken - 1 - k], chosen[taken - 1 - k] = swap;
    }
    return taken;
}
