/* Any bytes as a file of PyTorch, zip or legacy. Checksums are not compared, or nothing else would be
 * reached; the numbers found are read. */
#include "base/memory.h"
#include "tests/fuzz/import.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_bytes copy = {kin_alloc(size), size};
    if (size) memcpy(copy.data, data, size);
    import(copy);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
