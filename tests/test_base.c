/* Errors, memory, arenas, files, text, randomness, parallel loops. */
#define _POSIX_C_SOURCE 200809L
#include "autograd/tensor.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/text.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static void errors(void)
{
    check_begin("base: the first error stands, later ones are ignored");
    kin_error err = {0};
    CHECK(!kin_fail(&err, KIN_ERR_DATA, "row %d is broken", 7));
    kin_fail(&err, KIN_ERR_IO, "a later one");
    CHECK(err.code == KIN_ERR_DATA && strcmp(err.message, "row 7 is broken") == 0);
    kin_error_prefix(&err, "%s", "a.npy");
    CHECK(strcmp(err.message, "a.npy: row 7 is broken") == 0);
    for (int i = 0; i < 200; i++) kin_error_prefix(&err, "a long prefix %d", i);
    CHECK(strlen(err.message) < sizeof err.message);
    kin_error_clear(&err);
    CHECK(!kin_failed(&err));
    check_end();
}

static void sizes(void)
{
    check_begin("base: sizes that overflow are refused, not wrapped");
    size_t out = 5;
    CHECK(!kin_mul_size(SIZE_MAX / 2, 3, &out) && out == 5);
    CHECK(!kin_add_size(SIZE_MAX, 1, &out) && out == 5);
    bool narrow = sizeof(size_t) == 4; /* 2^32 + 1 from a file is not 1 there */
    CHECK(kin_mul_size(UINT64_C(0x100000001), 1, &out) != narrow);
    CHECK(kin_mul_size(1, UINT64_C(0x100000001), &out) != narrow);
    CHECK(kin_add_size(UINT64_C(0x100000001), 0, &out) != narrow);
    CHECK(kin_add_size(0, UINT64_C(0x100000001), &out) != narrow);
    CHECK((kin_shape_count(KIN_SHAPE(65537, 65537)) == 0) == narrow);
    CHECK(kin_alloc_array(SIZE_MAX / 2, 4) == NULL && kin_alloc(SIZE_MAX) == NULL);
    kin_alloc_fail_at(2);
    void *a = kin_alloc(8), *b = kin_alloc(8), *c = kin_alloc(8);
    CHECK(a && !b && c);
    kin_alloc_fail_at(0);
    kin_free(a), kin_free(c);
    check_end();
}

static void arenas(void)
{
    check_begin("base: a reset arena allocates nothing new");
    kin_arena arena = {0};
    long before = 0;
    for (int round = 0; round < 4; round++) {
        for (int i = 1; i < 200; i++) {
            unsigned char *p = kin_arena_alloc(&arena, (size_t)i * 997);
            CHECK(p && (uintptr_t)p % 64 == 0);
            memset(p, i, (size_t)i * 997);
        }
        if (round == 1) before = kin_alloc_count();
        kin_arena_reset(&arena);
    }
    CHECK(kin_alloc_count() == before);
    kin_arena_free(&arena);
    check_end();
}

static void files(void)
{
    check_begin("base: a file appears whole or not at all");
    kin_error err = {0};
    const char *path = check_path("a/b/c.txt");
    CHECK(kin_make_folders(check_path("a/b"), &err));
    CHECK(kin_write_file(path, "hello", 5, &err));
    kin_file file;
    CHECK(kin_file_create(&file, path, &err));
    fputs("half", file.stream);
    kin_file_abandon(&file);
    kin_bytes bytes;
    CHECK(kin_read_file(path, 0, &bytes, &err) && bytes.size == 5 && memcmp(bytes.data, "hello", 6) == 0);
    kin_bytes_free(&bytes);
    CHECK(!kin_read_file(path, 4, &bytes, &err));
    CHECK_TEXT(err.message, "larger than the limit");
    kin_error_clear(&err);
    CHECK(!kin_read_file(check_folder(), 0, &bytes, &err));
    CHECK_TEXT(err.message, "is a folder");
    check_end();

    check_begin("base: a temporary that another process of this number writes is left to it");
    char beside[600];
    snprintf(beside, sizeof beside, "%s.tmp-kin-%ld", path, (long)getpid());
    kin_error_clear(&err);
    int others = open(beside, O_WRONLY | O_CREAT, 0666);
    CHECK(others >= 0 && flock(others, LOCK_EX) == 0);
    CHECK(!kin_file_create(&file, path, &err) && kin_exists(beside));
    CHECK_TEXT(err.message, "c.txt: cannot be created");
    close(others);
    kin_error_clear(&err);
    CHECK_MSG(kin_file_create(&file, path, &err), "%s", err.message);
    kin_file_abandon(&file);
    CHECK(!kin_exists(beside));
    check_end();

    check_begin("base: a full disk is an error and keeps the old file");
    if (!kin_exists("/dev/full")) {
        check_skip("no /dev/full here");
        return;
    }
    kin_error_clear(&err);
    CHECK(kin_file_create(&file, path, &err));
    FILE *full = fopen("/dev/full", "wb");
    fclose(file.stream);
    file.stream = full;
    for (int i = 0; i < 100000; i++) fputs("more than a buffer holds ", file.stream);
    CHECK(!kin_file_commit(&file, &err));
    CHECK_TEXT(err.message, "cannot be written");
    kin_error_clear(&err);
    CHECK(kin_read_file(path, 0, &bytes, &err) && bytes.size == 5);
    kin_bytes_free(&bytes);
    check_end();
}

static void texts(void)
{
    check_begin("base: text grows, numbers are parsed whole");
    kin_text text = {0};
    for (int i = 0; i < 1000; i++) kin_text_format(&text, "%d,", i);
    CHECK(!text.failed && text.size == 3890);
    kin_text_free(&text);
    int64_t n = 0;
    double r = 0;
    CHECK(kin_parse_int("-12", -100, 100, &n) && n == -12);
    CHECK(!kin_parse_int("12x", 0, 100, &n) && !kin_parse_int("", 0, 1, &n) &&
          !kin_parse_int("101", 0, 100, &n));
    CHECK(kin_parse_real("2.5e-1", &r) && r == 0.25 && !kin_parse_real("nan", &r) &&
          !kin_parse_real("1.0.0", &r));
    CHECK(kin_edit_distance("gallery", "galery") == 1 && kin_edit_distance("kitten", "sitting") == 3);
    check_end();
}

static void randoms(void)
{
    check_begin("base: random streams are uniform, normal, and repeat");
    double sum = 0, squares = 0, uniform = 0;
    enum { COUNT = 100000 };
    uint64_t key = kin_key_text(7, "layer1.0.conv1.weight");
    for (uint64_t i = 0; i < COUNT; i++) {
        double z = kin_random_normal(key, i);
        sum += z;
        squares += z * z;
        uniform += kin_random_uniform(key, i);
    }
    CHECK_CLOSE(sum / COUNT, 0, 0.02);
    CHECK_CLOSE(squares / COUNT, 1, 0.02);
    CHECK_CLOSE(uniform / COUNT, 0.5, 0.01);
    CHECK(kin_random_bits(key, 5) == kin_random_bits(kin_key_text(7, "layer1.0.conv1.weight"), 5));
    CHECK(kin_random_bits(key, 5) != kin_random_bits(kin_key_text(8, "layer1.0.conv1.weight"), 5));
    int64_t order[100];
    kin_shuffle(order, 100, key);
    bool seen[100] = {false};
    for (int i = 0; i < 100; i++) seen[order[i]] = true;
    for (int i = 0; i < 100; i++) CHECK(seen[i]);
    check_end();
}

static void square(void *arg, int64_t block, int worker)
{
    (void)worker;
    ((int64_t *)arg)[block] = block * block;
}

static void nested(void *arg, int64_t block, int worker)
{
    (void)worker;
    kin_parallel_for(10, square, (int64_t *)arg + block * 10);
}

static void parallel(void)
{
    check_begin("base: every block runs once, for any number of threads (%s)", kin_parallel_backend());
    for (int threads = 1; threads <= 7; threads += 2) {
        kin_set_threads(threads);
        for (int round = 0; round < 50; round++) {
            int64_t out[1000] = {0};
            kin_parallel_for(1000, square, out);
            for (int64_t i = 0; i < 1000; i++) CHECK(out[i] == i * i);
            kin_parallel_for(100, nested, out);
            for (int64_t i = 0; i < 1000; i++) CHECK(out[i] == (i % 10) * (i % 10));
        }
    }
    kin_set_threads(0);
    check_end();
}

/* The vectors of the paper's appendix: bytes 0, 1, 2 .. under the key of bytes 0 .. 15. */
static void hashes(void)
{
    check_begin("base: SipHash-2-4's published values, and a key of the process's own");
    unsigned char bytes[15];
    for (int i = 0; i < 15; i++) bytes[i] = (unsigned char)i;
    const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    CHECK(kin_hash_keyed(key, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
    CHECK(kin_hash_keyed(key, bytes, 0) == UINT64_C(0x726fdb47dd0e0e31));
    CHECK(kin_hash_keyed(key, bytes, 8) == UINT64_C(0x93f5f5799a932462));
    CHECK(kin_hash(bytes, 15) == kin_hash(bytes, 15));
    CHECK(kin_hash(bytes, 15) != kin_hash_keyed(key, bytes, 15));
    check_end();
}

int main(void)
{
    errors();
    sizes();
    arenas();
    hashes();
    files();
    texts();
    randoms();
    parallel();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
