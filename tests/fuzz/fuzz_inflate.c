#include "data/images/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kin_error err = {0};
    kin_bytes out;
    if (kin_inflate(data, size, 1 << 20, &out, &err)) kin_bytes_free(&out);
    kin_error_clear(&err);
    if (kin_zlib_unpack(data, size, 1 << 20, &out, &err)) kin_bytes_free(&out);
    kin_error_clear(&err);
    if (kin_gunzip(data, size, 1 << 20, &out, &err)) kin_bytes_free(&out);
    return 0;
}
