/* NumPy's .npy files, format versions 1 to 3 (NEP 1): a magic number, a Python dictionary that names type,
 * order and shape, then the numbers. Everything is read as float32, whatever the file holds; nothing in
 * the header is believed before it was compared with what the file really contains. */
#ifndef KIN_BASE_NPY_H
#define KIN_BASE_NPY_H

#include "base/error.h"
#include "base/file.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_NPY_MAX_DIMS = 8 };

/* An array in C order. A zero-dimensional array has one number. */
typedef struct kin_npy {
    float *data; /* owned; kin_npy_free */
    int dims;
    int64_t shape[KIN_NPY_MAX_DIMS];
    int64_t count; /* the product of the shape */
    uint64_t mark; /* see kin_npy_write_marked; 0: none */
    uint32_t made;
    void *mapping; /* the file that `data` lies in, where it was mapped into memory; else NULL */
    size_t mapped; /* bytes of it */
    /* [count]: the numbers as doubles, where float32 rounds some of them and kin_npy_read_matrix read
     * them; else NULL */
    double *wide;
} kin_npy;

/* Reads `path` ("-" is standard input). A file of float32 in C order is mapped, not copied: it may be
 * larger than memory, its pages come and go as they are used, and what is written to `data` stays in this
 * process. Such a file may be replaced meanwhile (renamed over, as kin writes), but not shortened in
 * place. Everything else is read: float16, float32, float64, bool and integers of 1 to 8 bytes, either
 * byte order, C or Fortran order; all converted to float32 in C order (float64 and wide integers are
 * rounded). */
bool kin_npy_read(const char *path, kin_npy *out, kin_error *err);
/* The same from an open stream; `name` is for messages. */
bool kin_npy_read_stream(FILE *stream, const char *name, kin_npy *out, kin_error *err);
void kin_npy_free(kin_npy *array);

/* What a header says, for readers that want the numbers as they are. */
typedef struct kin_npy_layout {
    char kind; /* 'f', 'i', 'u', 'b' */
    bool big_endian, fortran;
    size_t item; /* bytes a number */
    int dims;
    int64_t shape[KIN_NPY_MAX_DIMS];
    size_t offset; /* of the numbers, in the file */
    bool foreign;  /* after a failure: it was the type, text or records or dates, that is not read */
    uint64_t mark;
    uint32_t made;
} kin_npy_layout;
/* Reads the header of a file in memory; whether its numbers are all there is for the caller to check. */
bool kin_npy_describe(const uint8_t *bytes, size_t size, const char *name, kin_npy_layout *out,
                      kin_error *err);

/* Reads a matrix: two dimensions, at least one row and one column, every number finite. Float64 and wide
 * integers that float32 would round are kept as doubles, too. */
bool kin_npy_read_matrix(const char *path, kin_npy *out, kin_error *err);

/* Fails with KIN_ERR_NUMERIC, naming `name` and the first row that holds NaN or infinity. */
bool kin_check_finite(const float *data, int64_t rows, int64_t cols, const char *name, kin_error *err);

/* Writes a C-order matrix, aside and renamed ("-" is standard output). */
bool kin_npy_write_float32(const char *path, const float *data, int64_t rows, int64_t cols, kin_error *err);
/* The same into a file that is open, which the caller commits, with a mark of KIN_NPY_MARK_BITS for what
 * belongs to it, and a number of KIN_NPY_MADE_BITS for how it was made (0: nothing is said). The mark is in the header's padding, as blanks and tabs: other readers see neither. */
enum { KIN_NPY_MARK_BITS = 40, KIN_NPY_MADE_BITS = 24 };
bool kin_npy_write_marked(kin_file *file, const float *data, int64_t rows, int64_t cols, uint64_t mark,
                          uint32_t made, kin_error *err);
/* The same with `dims` axes, 1 to KIN_NPY_MAX_DIMS. */
bool kin_npy_write_array(const char *path, const float *data, int dims, const int64_t *shape, kin_error *err);
/* uint8 */
bool kin_npy_write_bytes(const char *path, const uint8_t *data, int dims, const int64_t *shape,
                         kin_error *err);
bool kin_npy_write_int64(const char *path, const int64_t *data, int64_t rows, int64_t cols, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
