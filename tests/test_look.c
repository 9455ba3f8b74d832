/* Descriptors and hashes without a network, against their plain forms. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/look/hash.h"
#include "data/look/look.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { S = KIN_LOOK_SIDE };
static const double pi = 3.14159265358979323846;

/* A smooth picture with some noise: waves of three colours. */
static kin_image wavy(int width, int height, uint64_t seed)
{
    kin_image image = {0};
    CHECK(kin_image_new(&image, width, height, 3, NULL));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                double u = (double)x / width, v = (double)y / height,
                       a = (double)((seed * 7 + (uint64_t)c * 3) % 11);
                image.data[(y * width + x) * 3 + c] = (uint8_t)(128 + 60 * sin(a + 9 * u + (double)seed * v) +
                                                                50 * cos(a * v * 5 - 4 * u));
            }
    return image;
}

static void test_look_plain(void)
{
    check_begin("handmade: the descriptor is its plain form's");
    kin_image image = wavy(S, S, 3);
    for (int i = 0; i < S * S * 3; i += 5) image.data[i] = (uint8_t)kin_random_bits(1, (uint64_t)i);
    float got[KIN_LOOK_DIM];
    double want[KIN_LOOK_DIM] = {0}, sum[2] = {0};
    kin_look(image.data, got);
    for (int y = 0; y < S; y++)
        for (int x = 0; x < S; x++) {
            const uint8_t *p = image.data + (y * S + x) * 3;
            double dx = x - 31.5, dy = y - 31.5;
            want[p[0] / 32 * 64 + p[1] / 32 * 8 + p[2] / 32] += exp(-(dx * dx + dy * dy) /
                                                                    (2 * .6 * .6 * 32 * 32));
            double g[2] = {0, 0};
            for (int c = 0; c < 3; c++) {
                double w = c == 0 ? .299 : c == 1 ? .587 : .114;
                if (x > 0 && x < S - 1) g[0] += w * (p[c + 3] - p[c - 3]);
                if (y > 0 && y < S - 1) g[1] += w * (p[c + 3 * S] - p[c - 3 * S]);
            }
            /* by how near the angle is to each bin's, around the half circle */
            double length = sqrt(g[0] * g[0] + g[1] * g[1]), angle = atan2(g[1], g[0]);
            if (length < 1e-9) continue;
            for (int a = 0; a < 8; a++) {
                double apart = fabs(remainder(angle - a * pi / 8, pi)) / (pi / 8);
                if (apart < 1) want[512 + (y / 16 * 4 + x / 16) * 8 + a] += length * (1 - apart);
            }
        }
    for (int i = 0; i < KIN_LOOK_DIM; i++) sum[i >= 512] += want[i];
    for (int i = 0; i < KIN_LOOK_DIM; i++)
        CHECK_CLOSE(got[i], sqrt(want[i] / sum[i >= 512]) * (i < 512 ? 1 : .5) / sqrt(1.25), 1e-5);
    kin_image_free(&image);
    check_end();
}

static void test_look_edges(void)
{
    check_begin("handmade: one colour, one pixel, grey and alpha have unit rows");
    for (int channels = 1; channels <= 4; channels++)
        for (int side = 1; side < 200; side += 66) {
            kin_image image;
            float row[KIN_LOOK_DIM];
            double norm = 0;
            CHECK(kin_image_new(&image, side, 2 * side, channels, NULL));
            memset(image.data, 90, (size_t)(2 * side * side * channels));
            CHECK(kin_look_image(&image, row, NULL));
            for (int i = 0; i < KIN_LOOK_DIM; i++) norm += (double)row[i] * (double)row[i];
            CHECK_CLOSE(norm, 1, 1e-6);
            kin_image_free(&image);
        }
    check_end();
}

static void test_grey(void)
{
    check_begin("handmade: a picture without colours is compared by its gradients");
    kin_image a = wavy(S, S, 3), b = wavy(S, S, 5), grey = wavy(S, S, 3);
    CHECK(kin_image_convert(&grey, 1, NULL));
    float row[3][KIN_LOOK_DIM], before[KIN_LOOK_DIM];
    CHECK(kin_look_image(&a, row[0], NULL) && kin_look_image(&b, row[1], NULL) &&
          kin_look_image(&grey, row[2], NULL));
    memcpy(before, row[0], sizeof before);
    CHECK(!kin_look_grey(row[0]) && memcmp(before, row[0], sizeof before) == 0);
    CHECK(kin_look_grey(row[2]));
    double with[2] = {0};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < KIN_LOOK_DIM; i++) with[k] += (double)row[k][i] * (double)row[2][i];
    CHECK_CLOSE(with[0], 1, .01);
    CHECK_MSG(with[1] < .99, "%g", with[1]);
    memset(a.data, 90, S * S * 3); /* no gradients: nothing is left to compare by */
    kin_look(a.data, before);
    CHECK(!kin_look_grey(before));
    kin_image_free(&a), kin_image_free(&b), kin_image_free(&grey);
    check_end();
}

static void test_pictures(void)
{
    check_begin("handmade: a set's rows are its pictures', for any number of threads");
    uint8_t *pixels = kin_alloc(7 * S * S * 3);
    for (int i = 0; i < 7; i++) {
        kin_image image = wavy(S, S, (uint64_t)i);
        memcpy(pixels + i * S * S * 3, image.data, S * S * 3);
        kin_image_free(&image);
    }
    kin_pictures p = {.count = 7, .size = S, .channels = 3, .pixels = pixels};
    float one[KIN_LOOK_DIM];
    for (int threads = 1; threads <= 3; threads += 2) {
        kin_set_threads(threads);
        float *rows = kin_look_pictures(&p, NULL);
        for (int i = 0; rows && i < 7; i++) {
            kin_look(pixels + i * S * S * 3, one);
            CHECK(memcmp(one, rows + i * KIN_LOOK_DIM, sizeof one) == 0);
        }
        CHECK(rows);
        kin_free(rows);
    }
    kin_set_threads(0);
    kin_error err = {0};
    p.channels = 1;
    CHECK(!kin_look_pictures(&p, &err));
    CHECK_TEXT(err.message, "64 x 64 x 3");
    p.channels = 3;
    kin_alloc_fail_at(1);
    CHECK(!kin_look_pictures(&p, NULL));
    kin_alloc_fail_at(0);
    kin_free(pixels);
    check_end();
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t plain_hash(const uint8_t *grey)
{
    double f[64], sorted[63];
    uint64_t hash = 0;
    for (int v = 0; v < 8; v++)
        for (int u = 0; u < 8; u++) {
            f[v * 8 + u] = 0;
            for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++)
                    f[v * 8 + u] += grey[y * 32 + x] * cos(pi * (x + .5) * u / 32) *
                                    cos(pi * (y + .5) * v / 32);
            if (!u) f[v * 8 + u] *= sqrt(.5);
            if (!v) f[v * 8 + u] *= sqrt(.5);
        }
    memcpy(sorted, f + 1, sizeof sorted);
    qsort(sorted, 63, sizeof *sorted, by_size);
    for (int i = 1; i < 64; i++) hash |= (uint64_t)(f[i] > sorted[31]) << i;
    return hash;
}

static void test_hash(void)
{
    check_begin("hash: the sums over all pixels give the same bits");
    uint8_t grey[32 * 32];
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (int i = 0; i < 32 * 32; i++) grey[i] = (uint8_t)(kin_random_bits(seed, (uint64_t)i) & 255);
        CHECK(kin_hash_grey(grey) == plain_hash(grey));
    }
    memset(grey, 77, sizeof grey);
    CHECK(kin_hash_grey(grey) == 0);
    check_end();

    check_begin("hash: bits that differ are counted");
    for (uint64_t i = 0; i < 200; i++) {
        uint64_t a = kin_random_bits(8, i), b = kin_random_bits(9, i);
        int count = 0;
        for (int k = 0; k < 64; k++) count += ((a ^ b) >> k & 1) != 0;
        CHECK(kin_hash_distance(a, b) == count);
    }
    CHECK(kin_hash_distance(0, UINT64_MAX) == 64 && kin_hash_distance(5, 5) == 0);
    check_end();

    check_begin("hash: a picture stays itself when resized and compressed, and strangers are far");
    kin_image a = wavy(300, 200, 5), b = wavy(300, 200, 9), small = {0}, again = {0};
    kin_bytes bytes = {0};
    uint64_t h[4] = {0};
    CHECK(kin_image_resize(&a, 120, 80, KIN_FILTER_LANCZOS, &small, NULL));
    CHECK(kin_jpeg_encode(&a, &(kin_jpeg_opt){.quality = 30}, &bytes, NULL));
    CHECK(kin_image_decode(bytes.data, bytes.size, NULL, &again, NULL));
    CHECK(kin_hash_image(&a, &h[0], NULL) && kin_hash_image(&small, &h[1], NULL) &&
          kin_hash_image(&again, &h[2], NULL) && kin_hash_image(&b, &h[3], NULL));
    CHECK_MSG(kin_hash_distance(h[0], h[1]) <= 4, "%d", kin_hash_distance(h[0], h[1]));
    CHECK_MSG(kin_hash_distance(h[0], h[2]) <= 4, "%d", kin_hash_distance(h[0], h[2]));
    CHECK_MSG(kin_hash_distance(h[0], h[3]) >= 12, "%d", kin_hash_distance(h[0], h[3]));
    kin_image_free(&a), kin_image_free(&b), kin_image_free(&small), kin_image_free(&again);
    kin_bytes_free(&bytes);
    check_end();
}

int main(void)
{
    test_look_plain();
    test_look_edges();
    test_grey();
    test_pictures();
    test_hash();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
