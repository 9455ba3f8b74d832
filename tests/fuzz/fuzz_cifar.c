#include "data/sets/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_dataset set = {0};
    kin_bytes bytes = {(uint8_t *)data, size};
    kin_cifar_parse("fuzz", &bytes, size & 1, &set, &err);
    kin_dataset_free(&set);
    return 0;
}
