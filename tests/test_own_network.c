/* kin's own network as the program holds it: its bytes, what it says for any number of threads, and joined rows. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/sha256.h"
#include "cli/network/kin_network.h"
#include "models/published.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { DIM = 256, PICTURES = 3 };

static void test_bytes(void)
{
    check_begin("own network: the program holds the file that kin weights tells");
    size_t size;
    const unsigned char *bytes = kin_network_bytes(&size);
    const kin_published *p = kin_published_named("kin.safetensors");
    char digest[KIN_SHA256_TEXT];
    kin_sha256 sum;
    kin_sha256_begin(&sum), kin_sha256_add(&sum, bytes, size), kin_sha256_end(&sum, digest);
    CHECK(p != NULL);
    CHECK_MSG(p && size == p->bytes, "%zu bytes", size);
    CHECK_MSG(p && strcmp(p->sha256, digest) == 0, "%s", digest);
    CHECK(size <= 2000000);
    check_end();
}

/* Rows [PICTURES, DIM] of noise. */
static void say(float *out, int threads)
{
    kin_ctx *ctx = kin_ctx_new();
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_module *module = NULL;
    kin_error err = {0};
    int before = kin_threads();
    kin_set_threads(threads);
    CHECK_MSG(kin_network_own(ctx, network, &module, &err), "%s", err.message);
    if (module) {
        int64_t side = network->config.size;
        kin_record(ctx, false);
        kin_tensor *x = kin_input(ctx, KIN_SHAPE(PICTURES, side, side, 3), NULL);
        float *number = (float *)kin_data(x);
        for (int64_t i = 0; i < kin_count(x); i++)
            number[i] = (float)(kin_random_bits(3, (uint64_t)i) & 255) / 128 - 1;
        kin_module_seal(module);
        kin_tensor *y = kin_module_forward(module, x, KIN_EVAL);
        CHECK(y && kin_rows(y) == PICTURES && kin_channels(y) == DIM);
        for (int i = 0; y && i < PICTURES; i++)
            memcpy(out + i * DIM, (const float *)kin_data(y) + i * kin_ld(y), DIM * sizeof *out);
    }
    kin_set_threads(before);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_free(network);
}

static void test_threads(void)
{
    check_begin("own network: the same bits for any number of threads");
    static float one[PICTURES * DIM], two[PICTURES * DIM];
    say(one, 1), say(two, 2);
    CHECK(memcmp(one, two, sizeof one) == 0);
    bool finite = true;
    for (int i = 0; i < PICTURES * DIM; i++) finite = finite && isfinite(one[i]);
    CHECK(finite);
    check_end();
}

static double product(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* A descriptor by hand of a picture of noise, grey or not, and the joined row. */
static void make(uint64_t seed, bool grey, float *look, float *network, float *row)
{
    static uint8_t rgb[KIN_LOOK_SIDE * KIN_LOOK_SIDE * 3];
    for (int i = 0; i < KIN_LOOK_SIDE * KIN_LOOK_SIDE * 3; i++)
        rgb[i] = (uint8_t)kin_random_bits(seed, (uint64_t)(grey ? i / 3 : i));
    for (int i = 0; i < DIM; i++) network[i] = (float)sin((double)seed + i) * 7;
    kin_look(rgb, look);
    memcpy(row, look, KIN_LOOK_DIM * sizeof *row);
    CHECK(kin_network_joined_row(row, network, DIM));
}

static void test_rows(void)
{
    check_begin("own network: a joined row's cosine is that of both, four to one");
    enum { ALL = KIN_LOOK_DIM + DIM };
    static float look[2][KIN_LOOK_DIM], network[2][DIM], row[2][ALL], back[KIN_LOOK_DIM];
    make(1, false, look[0], network[0], row[0]), make(2, true, look[1], network[1], row[1]);
    CHECK(kin_network_joined_dim(DIM) == ALL);
    CHECK_CLOSE(product(row[0], row[0], ALL), 1, 1e-5);
    double cosine = product(network[0], network[1], DIM) /
                    sqrt(product(network[0], network[0], DIM) * product(network[1], network[1], DIM));
    CHECK_CLOSE(product(row[0], row[1], ALL), (4 * product(look[0], look[1], KIN_LOOK_DIM) + cosine) / 5,
                1e-5);
    kin_network_by_hand(row[0], back);
    for (int i = 0; i < KIN_LOOK_DIM; i++) CHECK_CLOSE(back[i], look[0][i], 1e-6);
    CHECK(!kin_network_joined_grey(row[0]));
    CHECK(kin_network_joined_grey(row[1]) && kin_look_grey(look[1]));
    CHECK_CLOSE(product(row[0], row[1], ALL), product(look[0], look[1], KIN_LOOK_DIM), 1e-5);
    float nothing[DIM] = {0};
    CHECK(!kin_network_joined_row(row[0], nothing, DIM));
    check_end();
}

int main(void)
{
    test_bytes();
    test_threads();
    test_rows();
    return check_result();
}
