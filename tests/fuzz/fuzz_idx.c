#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_dataset set = {0};
    size_t half = size ? (size_t)data[0] % size : 0;
    kin_bytes images = {(uint8_t *)data + (size ? 1 : 0), half}, labels = {(uint8_t *)data + half, size - half};
    if (size) kin_idx_parse("fuzz", &images, &labels, &set, &err);
    kin_dataset_free(&set);
    return 0;
}
