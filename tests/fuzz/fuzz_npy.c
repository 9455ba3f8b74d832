/* .npy headers and numbers, read from memory: whatever the bytes are, an array or an error. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/npy.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    if (!size) return 0;
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    FILE *stream = b.data ? fmemopen(b.data, b.size, "rb") : NULL;
    if (!stream) return kin_bytes_free(&b), 0;
    kin_npy array;
    kin_error err = {0};
    if (kin_npy_read_stream(stream, "fuzz", &array, &err)) {
        int64_t rows = array.dims ? array.shape[0] : 1;
        if (array.count && rows) kin_check_finite(array.data, rows, array.count / rows, "fuzz", NULL);
        kin_npy_free(&array);
    }
    fclose(stream);
    kin_bytes_free(&b);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
