/* Named arrays of numbers as files hold them, whatever the format: what a checkpoint consists of. */
#ifndef KIN_NN_FILES_ARRAYS_H
#define KIN_NN_FILES_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kin_dtype {
    KIN_DTYPE_NONE, /* unknown */
    KIN_F64,
    KIN_F32,
    KIN_F16,
    KIN_BF16,
    KIN_I64,
    KIN_I32,
    KIN_I16,
    KIN_I8,
    KIN_U64,
    KIN_U32,
    KIN_U16,
    KIN_U8,
    KIN_BOOL,
} kin_dtype;

/* By safetensors' names: "F32", "BF16", "I64", ... */
kin_dtype kin_dtype_find(const char *name);
const char *kin_dtype_name(kin_dtype dtype);
size_t kin_dtype_size(kin_dtype dtype); /* bytes a number; 0 for KIN_DTYPE_NONE */
bool kin_dtype_is_real(kin_dtype dtype);

enum { KIN_ARRAY_DIMS = 8 };

typedef struct kin_array {
    const char *name;
    kin_dtype dtype;
    int ndim; /* 0: a single number */
    int64_t shape[KIN_ARRAY_DIMS];
    size_t count;        /* the product of the shape */
    const uint8_t *data; /* count numbers, little-endian, in C order; not aligned */
} kin_array;

/* Rows of so many columns, or without columns a list. `data` is borrowed. */
kin_array kin_array_of(const char *name, kin_dtype dtype, int64_t rows, int64_t columns, const void *data);

/* Number i in C order, 0 <= i < count. */
double kin_array_number(const kin_array *a, size_t i);

/* The product of a shape; false when it or its bytes overflow, or a size is negative. A shape with a zero
 * has none. */
bool kin_array_count(int ndim, const int64_t *shape, size_t item, size_t *count);

/* Where numbers lie that are not in C order, as PyTorch's strides say it: number (i, j, ..) at offset +
 * i·stride[0] + j·stride[1] + .., counted in numbers. False when a stride or the offset is negative or any
 * number lies at or behind `limit`. */
bool kin_strides_fit(int ndim, const int64_t *shape, const int64_t *stride, int64_t offset, uint64_t limit);
/* Whether these strides are those of C order. */
bool kin_strides_plain(int ndim, const int64_t *shape, const int64_t *stride);
/* Copies them in C order; `from` is the first number. With `swap` each number's bytes are turned round. */
void kin_array_gather(uint8_t *to, const uint8_t *from, size_t item, int ndim, const int64_t *shape,
                      const int64_t *stride, bool swap);

#ifdef __cplusplus
}
#endif

#endif
