/* Any bytes as an .npz; and as the .npy inside one, which is put together here so that the archive is always sound. */
#include "base/memory.h"
#include "data/inflate.h"
#include "nn/import.h"

#include <stdlib.h>
#include <string.h>

static void import(kin_bytes copy)
{
    kin_checkpoint *c;
    kin_error err = {0};
    if (kin_import_bytes(&copy, &(kin_import_opt){.unpacker = {kin_inflate, NULL}}, &c, NULL, &err)) {
        volatile double sum = 0;
        for (int i = 0; i < kin_checkpoint_count(c); i++) {
            const kin_array *a = kin_checkpoint_array(c, i);
            for (size_t k = 0; k < a->count && k < 4096; k++) sum += kin_array_number(a, k) + kin_array_number(a, a->count - 1 - k);
        }
        (void)sum;
        kin_checkpoint_free(c);
    }
}

static void put_u32(uint8_t *at, size_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* One stored entry, a.npy. */
static kin_bytes wrap(const uint8_t *data, size_t size)
{
    enum { LOCAL = 30 + 5, RECORD = 46 + 5, END = 22 };
    kin_bytes b = {kin_alloc_zero(1, LOCAL + size + RECORD + END), LOCAL + size + RECORD + END};
    uint8_t *record = b.data + LOCAL + size, *end = record + RECORD;
    memcpy(b.data, "PK\3\4", 4);
    b.data[26] = 5;
    memcpy(b.data + 30, "a.npy", 5);
    if (size) memcpy(b.data + LOCAL, data, size);
    memcpy(record, "PK\1\2", 4);
    put_u32(record + 20, size), put_u32(record + 24, size);
    record[28] = 5;
    memcpy(record + 46, "a.npy", 5);
    memcpy(end, "PK\5\6", 4);
    end[8] = end[10] = 1;
    put_u32(end + 12, RECORD), put_u32(end + 16, LOCAL + size);
    return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_bytes copy = {kin_alloc(size), size};
    if (size) memcpy(copy.data, data, size);
    import(copy);
    import(wrap(data, size));
    if (kin_alloc_live() != alive) abort();
    return 0;
}
