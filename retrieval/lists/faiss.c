/* An IndexFlat in FAISS's file format, little-endian: four letters ("IxF2" or "IxFI"), the dimension
 * (int32), the number of rows (int64), two unused int64 of 2^20, "is trained" (one byte), the metric
 * (int32: 0 inner product, 1 Euclid), then the number of floats (uint64) and the floats. */
#include "retrieval/lists/faiss.h"

#include "base/file.h"
#include "base/npy.h"
#include "retrieval/search/exact.h"

#include <math.h>
#include <string.h>

enum { BUFFER = 4096 };

static void put_word(FILE *stream, uint64_t word, int bytes)
{
    for (int i = 0; i < bytes; i++) putc((int)(word >> (8 * i) & 255), stream);
}

static void put_header(FILE *stream, kin_vectors set, kin_metric metric)
{
    fputs(metric == KIN_EUCLID ? "IxF2" : "IxFI", stream);
    put_word(stream, (uint64_t)set.dim, 4);
    put_word(stream, (uint64_t)set.count, 8);
    put_word(stream, UINT64_C(1) << 20, 8);
    put_word(stream, UINT64_C(1) << 20, 8);
    put_word(stream, 1, 1);
    put_word(stream, metric == KIN_EUCLID, 4);
    put_word(stream, (uint64_t)set.count * (uint64_t)set.dim, 8);
}

static void put_row(FILE *stream, const float *row, int64_t dim, double scale)
{
    uint8_t bytes[BUFFER];
    for (int64_t first = 0; first < dim; first += BUFFER / 4) {
        int64_t n = dim - first < BUFFER / 4 ? dim - first : BUFFER / 4;
        for (int64_t d = 0; d < n; d++) {
            float x = scale > 0 ? (float)((double)row[first + d] / scale) : row[first + d];
            uint32_t bits;
            memcpy(&bits, &x, sizeof bits);
            for (int b = 0; b < 4; b++) bytes[4 * d + b] = (uint8_t)(bits >> (8 * b));
        }
        fwrite(bytes, 4, (size_t)n, stream);
    }
}

bool kin_faiss_write_flat(const char *path, kin_vectors set, kin_metric metric, kin_error *err)
{
    kin_file file;
    if (set.count < 1 || set.dim < 1 || set.dim > INT32_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: %lld rows of %lld numbers cannot be an index", path,
                        (long long)set.count, (long long)set.dim);
    if (!kin_check_finite(set.data, set.count, set.dim, path, err) || !kin_file_create(&file, path, err))
        return false;
    put_header(file.stream, set, metric);
    for (int64_t i = 0; i < set.count; i++) {
        double norm = metric == KIN_COSINE ? sqrt(kin_exact_inner(kin_row(set, i), kin_row(set, i), set.dim))
                                           : 0;
        if (metric == KIN_COSINE && !(norm > 0)) {
            kin_file_abandon(&file);
            return kin_fail(err, KIN_ERR_NUMERIC, "%s: row %lld (counted from 0) is zero and has no cosine",
                            path, (long long)i);
        }
        put_row(file.stream, kin_row(set, i), set.dim, norm);
    }
    return kin_file_commit(&file, err);
}
