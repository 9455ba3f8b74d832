/* Reading and writing .npy files, and refusing bad ones. */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"
#include "base/memory.h"
#include "base/npy.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

/* A file of the given version with this dictionary and these bytes behind it. */
static size_t build(unsigned char *out, int version, const char *dictionary, const void *data, size_t bytes)
{
    size_t length = strlen(dictionary), field = version == 1 ? 2 : 4;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (unsigned char)version;
    out[7] = 0;
    for (size_t i = 0; i < field; i++) out[8 + i] = (unsigned char)(length >> (8 * i));
    memcpy(out + 8 + field, dictionary, length);
    if (bytes) memcpy(out + 8 + field + length, data, bytes);
    return 8 + field + length + bytes;
}

static bool read_bytes(const unsigned char *bytes, size_t size, kin_npy *out, kin_error *err)
{
    FILE *stream = fmemopen((void *)(uintptr_t)bytes, size, "rb");
    kin_error_clear(err);
    bool ok = kin_npy_read_stream(stream, "x.npy", out, err);
    fclose(stream);
    return ok;
}

static void types(void)
{
    static const struct {
        const char *descr;
        unsigned char bytes[16];
        size_t size;
        float want[2];
    } rows[] = {
        {"<f4", {0, 0, 128, 63, 0, 0, 32, 192}, 8, {1.0f, -2.5f}},
        {">f4", {63, 128, 0, 0, 192, 32, 0, 0}, 8, {1.0f, -2.5f}},
        {"<f8", {0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0x04, 0xc0}, 16, {1.0f, -2.5f}},
        {"<f2", {0, 0x3c, 1, 0}, 4, {1.0f, 5.9604645e-8f}},
        {">f2", {0xc0, 0, 0x7b, 0xff}, 4, {-2.0f, 65504.0f}},
        {"|i1", {128, 127}, 2, {-128.0f, 127.0f}},
        {"|u1", {128, 255}, 2, {128.0f, 255.0f}},
        {"|b1", {1, 0}, 2, {1.0f, 0.0f}},
        {"<i2", {0xfe, 0xff, 0, 1}, 4, {-2.0f, 256.0f}},
        {">i4", {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9}, 8, {-1.0f, 9.0f}},
        {"<i8", {0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 5, 0}, 16, {-3.0f, 5.0f}},
        {"<u4", {0, 0, 0, 128, 1, 0, 0, 0}, 8, {2147483648.0f, 1.0f}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int version = 1; version <= 3; version++) {
            check_begin("npy: version %d reads %s", version, rows[i].descr);
            char dictionary[128];
            unsigned char bytes[256];
            snprintf(dictionary, sizeof dictionary,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }    \n", rows[i].descr);
            size_t size = build(bytes, version, dictionary, rows[i].bytes, rows[i].size);
            kin_npy a;
            kin_error err = {0};
            CHECK_MSG(read_bytes(bytes, size, &a, &err), "%s", err.message);
            CHECK(a.dims == 1 && a.count == 2 && a.data && a.data[0] == rows[i].want[0] &&
                  a.data[1] == rows[i].want[1]);
            kin_npy_free(&a);
            CHECK(!read_bytes(bytes, size - 1, &a, &err));
            CHECK_TEXT(err.message, "cut off");
            check_end();
        }
    }
}

static void orders(void)
{
    check_begin("npy: Fortran order comes out in C order");
    unsigned char bytes[512];
    const unsigned char numbers[24] = {0, 12, 4, 16, 8,  20, 1, 13, 5, 17, 9,  21,
                                       2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23};
    size_t size = build(bytes, 1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}", numbers,
                        sizeof numbers);
    kin_npy a;
    kin_error err = {0};
    CHECK_MSG(read_bytes(bytes, size, &a, &err), "%s", err.message);
    CHECK(a.dims == 3 && a.shape[0] == 2 && a.shape[1] == 3 && a.shape[2] == 4);
    for (int i = 0; i < 24 && a.data; i++)
        CHECK_MSG(a.data[i] == (float)i, "number %d is %g", i, (double)a.data[i]);
    kin_npy_free(&a);
    size = build(bytes, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}", numbers + 1, 1);
    CHECK(read_bytes(bytes, size, &a, &err) && a.dims == 0 && a.count == 1 && a.data[0] == 12);
    kin_npy_free(&a);
    size = build(bytes, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (0L, 7L)}", numbers, 0);
    CHECK(read_bytes(bytes, size, &a, &err) && a.count == 0);
    kin_npy_free(&a);
    check_end();
}

static void refusals(void)
{
    /* 2^32 + 1 numbers are not one, where sizes have 32 bits */
    const char *too_many = sizeof(size_t) > 4 ? "cut off" : "larger than any memory";
    const struct {
        const char *dictionary, *why;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 1)}", too_many},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967297,)}", too_many},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 1152921504606846976, 0)}",
         "larger than any memory"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}", too_many},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", "malformed"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "another type"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "another type"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "another type"},
        {"{'descr': '<f4', 'shape': (1,)}", "malformed"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}", "malformed"},
        {"{'descr': '<f4", "another type"},
        {"", "malformed"},
    };
    unsigned char bytes[512];
    kin_npy a;
    kin_error err = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_begin("npy: refuses %s", rows[i].dictionary);
        size_t size = build(bytes, 1 + (int)(i % 3), rows[i].dictionary, "\0\0\0\0", 4);
        CHECK(!read_bytes(bytes, size, &a, &err) && a.data == NULL);
        CHECK_TEXT(err.message, rows[i].why);
        CHECK_TEXT(err.message, "x.npy");
        check_end();
    }
    check_begin("npy: refuses other files, versions and header sizes");
    size_t size = build(bytes, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", "\1", 1);
    bytes[6] = 4;
    CHECK(!read_bytes(bytes, size, &a, &err));
    CHECK_TEXT(err.message, "version 4");
    bytes[6] = 2;
    memset(bytes + 8, 255, 4);
    CHECK(!read_bytes(bytes, size, &a, &err));
    CHECK_TEXT(err.message, "header of 4294967295 bytes");
    bytes[0] = 'x';
    CHECK(!read_bytes(bytes, size, &a, &err));
    CHECK_TEXT(err.message, "not a .npy file");
    CHECK(!kin_npy_read(check_path("absent.npy"), &a, &(kin_error){0}));
    CHECK(!kin_npy_read(check_folder(), &a, &(kin_error){0}));
    check_end();
}

static void matrices(void)
{
    check_begin("npy: what is written is read back, NaN is named by row");
    float data[3 * 5];
    for (int i = 0; i < 15; i++) data[i] = (float)i / 7 - 1;
    kin_error err = {0};
    const char *path = check_path("m.npy");
    CHECK(kin_npy_write_float32(path, data, 3, 5, &err));
    kin_npy a;
    CHECK_MSG(kin_npy_read_matrix(path, &a, &err), "%s", err.message);
    CHECK(a.dims == 2 && a.shape[0] == 3 && a.shape[1] == 5 && memcmp(a.data, data, sizeof data) == 0);
    kin_npy_free(&a);
    int64_t whole[4] = {-1, 2, 3, 1 << 20};
    CHECK(kin_npy_write_int64(path, whole, 2, 2, &err) && kin_npy_read_matrix(path, &a, &err));
    for (int i = 0; i < 4 && a.data; i++) CHECK(a.data[i] == (float)whole[i]);
    kin_npy_free(&a);
    kin_bytes bytes;
    CHECK(kin_read_file(path, 0, &bytes, &err) && bytes.size == 128 + 32 && bytes.data[127] == '\n');
    kin_bytes_free(&bytes);
    data[11] = NAN;
    CHECK(kin_npy_write_float32(path, data, 3, 5, &err) && !kin_npy_read_matrix(path, &a, &err) && !a.data);
    CHECK(err.code == KIN_ERR_NUMERIC);
    CHECK_TEXT(err.message, "row 2 (counted from 0) holds NaN in column 1");
    kin_error_clear(&err);
    CHECK(kin_npy_write_float32(path, data, 0, 5, &err) && !kin_npy_read_matrix(path, &a, &err));
    CHECK_TEXT(err.message, "is empty");
    check_end();
}

static void allocations(void)
{
    check_begin("npy: every failed allocation is an error and leaks nothing");
    unsigned char bytes[256];
    const unsigned char half[4] = {0, 0x3c, 1, 0};
    size_t size = build(bytes, 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 1)}", half, 4);
    for (long n = 1; n <= 3; n++) {
        kin_npy a;
        kin_error err = {0};
        kin_alloc_fail_at(n);
        CHECK(!read_bytes(bytes, size, &a, &err) && err.code == KIN_ERR_MEMORY);
        kin_alloc_fail_at(0);
        CHECK(kin_alloc_live() == 0);
    }
    check_end();
}

static void mapping(void)
{
    static float rows[70 * 33];
    const char *path = check_path("mapped.npy"), *other = check_path("other.npy");
    kin_error err = {0};
    kin_npy a, b;
    check_begin(
        "npy: float32 in C order is mapped; what is written to it stays here, and the file may be replaced");
    for (int i = 0; i < 70 * 33; i++) rows[i] = (float)i;
    CHECK(kin_npy_write_float32(path, rows, 70, 33, &err));
    CHECK_MSG(kin_npy_read_matrix(path, &a, &err), "%s", err.message);
    CHECK(a.mapping && memcmp(a.data, rows, sizeof rows) == 0);
    a.data[5] = -1;
    CHECK(kin_npy_read_matrix(path, &b, &err) && b.data[5] == 5);
    kin_npy_free(&b);
    rows[7] = 1e6f;
    CHECK(kin_npy_write_float32(other, rows, 70, 33, &err) && rename(other, path) == 0);
    CHECK(a.data[7] == 7 && a.data[70 * 33 - 1] == 70 * 33 - 1);
    kin_npy_free(&a);
    CHECK(kin_npy_read_matrix(path, &a, &err) && a.data[7] == 1e6f);
    kin_npy_free(&a);
    check_end();
}

int main(void)
{
    types();
    mapping();
    orders();
    refusals();
    matrices();
    allocations();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
