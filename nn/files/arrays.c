#include "nn/files/arrays.h"

#include "base/memory.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
    bool real;
} dtypes[] = {
    [KIN_DTYPE_NONE] = {"", 0, false}, [KIN_F64] = {"F64", 8, true},    [KIN_F32] = {"F32", 4, true},
    [KIN_F16] = {"F16", 2, true},      [KIN_BF16] = {"BF16", 2, true},  [KIN_I64] = {"I64", 8, false},
    [KIN_I32] = {"I32", 4, false},     [KIN_I16] = {"I16", 2, false},   [KIN_I8] = {"I8", 1, false},
    [KIN_U64] = {"U64", 8, false},     [KIN_U32] = {"U32", 4, false},   [KIN_U16] = {"U16", 2, false},
    [KIN_U8] = {"U8", 1, false},       [KIN_BOOL] = {"BOOL", 1, false},
};

kin_dtype kin_dtype_find(const char *name)
{
    for (size_t i = 1; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0) return (kin_dtype)i;
    return KIN_DTYPE_NONE;
}

const char *kin_dtype_name(kin_dtype dtype) { return dtypes[dtype].name; }
size_t kin_dtype_size(kin_dtype dtype) { return dtypes[dtype].size; }
bool kin_dtype_is_real(kin_dtype dtype) { return dtypes[dtype].real; }

static double half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, fraction = h & 1023, bits;
    if (exponent == 31) bits = sign | 0x7f800000u | fraction << 13;
    else if (exponent) bits = sign | (exponent + 112) << 23 | fraction << 13;
    else {
        double tiny = (double)fraction * 0x1p-24;
        return sign ? -tiny : tiny;
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static double whole(kin_dtype dtype, uint64_t bits)
{
    switch (dtype) {
    case KIN_I64: return (double)(int64_t)bits;
    case KIN_I32: return (double)(int32_t)(uint32_t)bits;
    case KIN_I16: return (double)(int16_t)(uint16_t)bits;
    case KIN_I8: return (double)(int8_t)(uint8_t)bits;
    case KIN_BOOL: return bits ? 1 : 0;
    default: return (double)bits;
    }
}

kin_array kin_array_of(const char *name, kin_dtype dtype, int64_t rows, int64_t columns, const void *data)
{
    return (kin_array){.name = name,
                       .dtype = dtype,
                       .ndim = columns ? 2 : 1,
                       .shape = {rows, columns},
                       .count = (size_t)(rows * (columns ? columns : 1)),
                       .data = data};
}

double kin_array_number(const kin_array *a, size_t i)
{
    size_t size = kin_dtype_size(a->dtype);
    const uint8_t *at = a->data + i * size;
    uint64_t bits = 0;
    for (size_t k = size; k-- > 0;) bits = bits << 8 | at[k];
    if (a->dtype == KIN_F64) {
        double d;
        memcpy(&d, &bits, sizeof d);
        return d;
    }
    if (a->dtype == KIN_F16) return half((uint16_t)bits);
    if (!kin_dtype_is_real(a->dtype)) return whole(a->dtype, bits);
    uint32_t word = a->dtype == KIN_BF16 ? (uint32_t)bits << 16 : (uint32_t)bits;
    float f;
    memcpy(&f, &word, sizeof f);
    return (double)f;
}

bool kin_array_count(int ndim, const int64_t *shape, size_t item, size_t *count)
{
    size_t product = 1, bytes;
    bool empty = false;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0 || !kin_mul_size(product, shape[i] ? (uint64_t)shape[i] : 1, &product)) return false;
        empty = empty || shape[i] == 0;
    }
    if (!kin_mul_size(product, item ? item : 1, &bytes) || bytes > PTRDIFF_MAX) return false;
    *count = empty ? 0 : product;
    return true;
}

bool kin_strides_fit(int ndim, const int64_t *shape, const int64_t *stride, int64_t offset, uint64_t limit)
{
    size_t last, reach;
    if (offset < 0 || !kin_add_size((uint64_t)offset, 0, &last)) return false;
    for (int i = 0; i < ndim; i++)
        if (shape[i] == 0) return (uint64_t)offset <= limit;
    for (int i = 0; i < ndim; i++)
        if (stride[i] < 0 || !kin_mul_size((uint64_t)shape[i] - 1, (uint64_t)stride[i], &reach) ||
            !kin_add_size(last, reach, &last))
            return false;
    return (uint64_t)last < limit;
}

bool kin_strides_plain(int ndim, const int64_t *shape, const int64_t *stride)
{
    int64_t expected = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        if (shape[i] == 0) return true;
        if (shape[i] != 1 && stride[i] != expected) return false;
        expected *= shape[i];
    }
    return true;
}

static void copy_number(uint8_t *to, const uint8_t *from, size_t item, bool swap)
{
    for (size_t i = 0; i < item; i++) to[i] = from[swap ? item - 1 - i : i];
}

void kin_array_gather(uint8_t *to, const uint8_t *from, size_t item, int ndim, const int64_t *shape,
                      const int64_t *stride, bool swap)
{
    int64_t at[KIN_ARRAY_DIMS] = {0};
    size_t offset = 0; /* wraps where an axis of one number has an absurd stride, and back */
    for (int i = 0; i < ndim; i++)
        if (shape[i] == 0) return;
    for (int d = 0; d >= 0; to += item) {
        copy_number(to, from + offset * item, item, swap);
        for (d = ndim - 1; d >= 0; d--) {
            offset += (size_t)stride[d];
            if (++at[d] < shape[d]) break;
            offset -= (size_t)stride[d] * (size_t)shape[d];
            at[d] = 0;
        }
    }
}
