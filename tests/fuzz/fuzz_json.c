#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_arena arena = {0};
    kin_error err = {0};
    kin_json_parse((const char *)data, size, &arena, &err);
    kin_arena_free(&arena);
    return 0;
}
