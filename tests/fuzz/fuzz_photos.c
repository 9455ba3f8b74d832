/* Indexes of photographs: whatever the bytes are, an index that is whole or an error. */
#include "base/memory.h"
#include "photos/strangers.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    kin_photos p;
    kin_error err = {0};
    double threshold;
    if (kin_photos_parse(data, size, &p, &err)) {
        for (int64_t i = 0; i < p.count + p.broken; i++)
            if (strlen(p.item[i].path) == 0) abort();
        kin_photos_threshold(&p, .5, &threshold);
        kin_photos_free(&p);
    }
    if (kin_alloc_live() != alive) abort();
    return 0;
}
