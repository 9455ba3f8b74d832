/* Any bytes as a file of PyTorch, zip or legacy, first without a look at the checksums, then with them put
 * right; the numbers found are read. */
#include "base/memory.h"
#include "tests/fuzz/import.h"
#include "tests/fuzz/long.h"
#include "tests/fuzz/mend.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    import(kin_lengthened(data, size, 1 << 20), false);
    kin_bytes mended = {kin_alloc(size + 1), size};
    if (size) memcpy(mended.data, data, size);
    mend_zip(mended.data, size);
    import(mended, true);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
