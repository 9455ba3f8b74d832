/* Sizes and dates that a picture's file tells. */
#include "data/look/facts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_picture_facts f = kin_facts(data, size);
    if (f.date < 0 || f.date > INT64_C(99991231235960) || f.width < 0 || f.height < 0) abort();
    return 0;
}
