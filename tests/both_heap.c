/* The heap of gradients: blocks do not overlap, and all memory comes back, wherever the system puts it. */
#include "autograd/heap.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/support/check.h"
#include "base/real.h"

#include <string.h>

enum { BLOCKS = 24, TURNS = 200, HEAPS = 1000 };

typedef struct taken {
    unsigned char *data;
    size_t bytes;
    unsigned char mark;
} taken;

static bool whole(const taken *t)
{
    for (size_t i = 0; i < t->bytes; i++)
        if (t->data[i] != t->mark) return false;
    return true;
}

static void give(kin_heap *h, taken *t)
{
    CHECK(whole(t));
    kin_heap_give(h, t->data);
    t->data = NULL;
}

/* Steps as training has them: blocks are taken and given in any order, all of them by the end, where the heap becomes one
 * slab as large as the step needed. Blocks beyond it lie apart. */
static void one_heap(uint64_t seed)
{
    kin_heap h = {0};
    taken t[BLOCKS] = {{0}};
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        taken *one = &t[kin_random_below(kin_key(seed, turn, 1), 0, BLOCKS)];
        if (one->data) give(&h, one);
        one->bytes = 64 * (1 + kin_random_below(kin_key(seed, turn, 2), 0, 1 + seed % 12));
        one->mark = (unsigned char)turn;
        one->data = kin_heap_take(&h, one->bytes);
        CHECK(one->data != NULL);
        if (one->data) memset(one->data, one->mark, one->bytes);
        if (turn % 20 < 19 || turn > 20 * (seed % 9)) continue;
        for (int i = 0; i < BLOCKS; i++)
            if (t[i].data) give(&h, &t[i]);
        kin_heap_enlarge(&h);
    }
    for (int i = 0; i < BLOCKS && seed % 3; i++)
        if (t[i].data) give(&h, &t[i]);
    kin_heap_free(&h);
}

int main(void)
{
    check_begin("heap: blocks keep their numbers, and all memory comes back (%s)", KIN_REAL_NAME);
    for (uint64_t seed = 0; seed < HEAPS; seed++) {
        one_heap(seed);
        CHECK_MSG(kin_alloc_live() == 0, "heap %d leaves %ld blocks", (int)seed, kin_alloc_live());
        if (kin_alloc_live()) break;
    }
    check_end();
    return check_result();
}
