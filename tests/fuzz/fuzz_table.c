/* Tables with a column of vectors, as databases write them: whatever the bytes are, finite numbers or an error. */
#include "base/memory.h"
#include "retrieval/lists/items.h"
#include "tests/fuzz/long.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    kin_embeddings e;
    kin_error err = {0};
    if (b.data && kin_embeddings_parse("fuzz.csv", (char *)b.data, b.size, &e, &err)) {
        for (int64_t i = 0; i < e.items.count * e.dim; i++)
            if (!isfinite(e.data[i])) abort();
        kin_embeddings_free(&e);
    }
    kin_bytes_free(&b);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
