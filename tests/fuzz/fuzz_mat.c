/* Any bytes as a MAT-file; what parses is walked over. */
#include "base/memory.h"
#include "data/sets/matfile.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const kin_mat *m)
{
    size_t sum = 0, items = m->kind == KIN_MAT_STRUCT  ? m->count * (size_t)m->fields
                            : m->kind == KIN_MAT_CELLS ? m->count
                                                       : 0;
    for (size_t i = 0; m->kind == KIN_MAT_NUMBERS && i < m->count; i++) sum += m->number[i] > 0;
    if (m->kind == KIN_MAT_TEXT) sum += strlen(m->text);
    for (size_t i = 0; i < items; i++) sum += walk(m->item[i]);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_arena arena = {0};
    kin_error err = {0};
    kin_bytes bytes = kin_lengthened(data, size, 1 << 20);
    const kin_mat *first = kin_mat_parse("fuzz", &bytes, &arena, &err);
    if (!first != kin_failed(&err)) abort();
    for (const kin_mat *m = first; m; m = m->next) {
        if (walk(m) == SIZE_MAX) abort();
    }
    kin_arena_free(&arena);
    kin_bytes_free(&bytes);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
