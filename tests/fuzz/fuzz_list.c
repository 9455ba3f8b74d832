#include "data/sets/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_dataset set = {0};
    kin_list_parse("fuzz.csv", (const char *)data, size, NULL, &set, &err);
    kin_dataset_free(&set);
    return 0;
}
