/* Any bytes as a file of PyTorch, zip or legacy. Checksums are not compared, or nothing else would be reached; the numbers found are read. */
#include "base/memory.h"
#include "data/inflate.h"
#include "nn/import.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_bytes copy = {kin_alloc(size), size};
    kin_checkpoint *c;
    kin_error err = {0};
    if (size) memcpy(copy.data, data, size);
    if (kin_import_bytes(&copy, &(kin_import_opt){.unpacker = {kin_inflate, NULL}}, &c, NULL, &err)) {
        volatile double sum = 0;
        for (int i = 0; i < kin_checkpoint_count(c); i++) {
            const kin_array *a = kin_checkpoint_array(c, i);
            for (size_t k = 0; k < a->count && k < 4096; k++) sum += kin_array_number(a, k) + kin_array_number(a, a->count - 1 - k);
        }
        (void)sum;
        kin_checkpoint_free(c);
    }
    if (kin_alloc_live() != alive) abort();
    return 0;
}
