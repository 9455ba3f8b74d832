/* Lists of ids, and rank files against them. The first line break but one divides the input: before it a
 * table of items (`id,label,path`), after it a rank file over those items. */
#include "base/memory.h"
#include "retrieval/lists/ranks.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    const char *text = (const char *)b.data;
    size_t split = 0;
    size = b.size;
    while (split + 1 < size && !(text[split] == '\n' && text[split + 1] == '\n')) split++;
    kin_items items;
    kin_error err = {0};
    if (kin_items_parse("items", text, split, &items, &err)) {
        int64_t *code = kin_alloc_array((size_t)items.count, sizeof *code);
        if (code) kin_items_label_codes(&items, code, NULL, NULL, &err);
        kin_free(code);
        kin_ranks ranks;
        kin_ranks_problems problems = {.limit = 5};
        kin_ranks_parse("ranks", text + split, size - split, &(kin_ranked){&items, &items, size % 2}, &ranks,
                        NULL, &err);
        kin_ranks_free(&ranks);
        kin_error_clear(&err);
        bool ok = kin_ranks_parse("ranks", text + split, size - split,
                                  &(kin_ranked){&items, &items, size % 2}, &ranks, &problems, &err);
        if (ok != (problems.count == 0 && err.code == KIN_OK)) abort();
        kin_ranks_free(&ranks);
        kin_ranks_problems_free(&problems);
        kin_items_free(&items);
    }
    kin_bytes_free(&b);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
