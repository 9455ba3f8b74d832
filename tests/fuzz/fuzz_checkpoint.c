#include "nn/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_checkpoint *c;
    if (kin_checkpoint_parse(data, size, &c, &err)) kin_checkpoint_free(c);
    return 0;
}
