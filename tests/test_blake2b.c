/* BLAKE2b against Python's hashlib (digest_size=32), for lengths around its blocks and in pieces of any
 * size. */
#include "base/blake2b.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

static const struct {
    size_t length;
    const char *hash;
} rows[] = {
    {0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"},
    {1, "e88bd757ad5b9bedf372d8d3f0cf6c962a469db61a265f6418e1ffed86da29ec"},
    {3, "d61f07d3e58c9d9690512d59063663d5462541c2bcd60d66575529e50f98e494"},
    {63, "5e2cb4c8b9a862835478b28d1ec7abb4f0a14bd761547b45cf2c933cd52ff804"},
    {64, "f0d4f6720533a2d4e9f18c6a33c086ae61817feb0412cee8a8f6188aca93d660"},
    {127, "f95a9d36441d63fb7dbb5f59e9a707c109346336c3ed63665867346cf38e5e0c"},
    {128, "fecc3b1378b158c1aee536b5145b776a1486d0647bdd4533f1987ea7d06e79e5"},
    {129, "9fcbf32502e355cff0f3206652f174e95e0ef878b6417ca0e4e8aed5d4dbc348"},
    {255, "724f490bae36878f4f95bb2af87eafffe7c81c1a9aaf462b2ee3746bef4e24a7"},
    {256, "3066eba39e6478c19a8c69fd9ad20a9cc32740987d53c8e644997437730a8005"},
    {257, "6195e09eb8fa56739f42de3d2e149419cc9a4d83c843c3e7552599d39936da15"},
    {1000, "3535a92a2197014d7a2d88608406798baf053076ca8f117b61a01695b7c72444"},
    {4096, "6dcbdac64f7f090bfd53dacf1a798dc85a0ff7a061d2d5ff10f497d96377078a"},
};

int main(void)
{
    static uint8_t data[4096];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)((i * i + 7 * i + 3) % 251);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        static const size_t pieces[] = {4096, 1, 7, 128, 129, 300};
        check_begin("blake2b: %zu bytes", rows[r].length);
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
            kin_blake2b b;
            uint8_t hash[KIN_BLAKE2B_BYTES];
            char text[2 * KIN_BLAKE2B_BYTES + 1];
            kin_blake2b_begin(&b);
            for (size_t at = 0; at < rows[r].length; at += pieces[p])
                kin_blake2b_add(&b, data + at,
                                at + pieces[p] < rows[r].length ? pieces[p] : rows[r].length - at);
            kin_blake2b_end(&b, hash);
            for (int i = 0; i < KIN_BLAKE2B_BYTES; i++) snprintf(text + 2 * i, 3, "%02x", hash[i]);
            CHECK_MSG(strcmp(text, rows[r].hash) == 0, "in pieces of %zu: %s, expected %s", pieces[p], text,
                      rows[r].hash);
        }
        check_end();
    }
    return check_result();
}
