/* Any bytes as an .npz, also with its checksums put right; and as the .npy inside one, which is put
 * together here so that the archive is always sound. */
#include "base/memory.h"
#include "tests/fuzz/import.h"
#include "tests/fuzz/mend.h"

#include <stdlib.h>
#include <string.h>

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
    mend_zip(copy.data, size);
    import(copy, true);
    import(wrap(data, size), false);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
