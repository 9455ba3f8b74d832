#include "data/sets/dataset.h"
#include "tests/fuzz/long.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_dataset set = {0};
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    kin_list_parse("fuzz.csv", (const char *)b.data, b.size, NULL, &set, &err);
    kin_dataset_free(&set);
    kin_bytes_free(&b);
    return 0;
}
