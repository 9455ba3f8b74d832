/* SHA-256 against Python's hashlib, for lengths around its blocks and in pieces of any
 * size. */
#include "base/sha256.h"
#include "tests/support/check.h"

#include <string.h>

static const struct {
    size_t length;
    const char *hash;
} rows[] = {
    {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {1, "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5"},
    {3, "bdbf27d3c0c2a7f9ff28282f690efcc5a62ce2939955e5e35406a5e9f683d83b"},
    {55, "011611fea7df65f592aeefd3baab0fa563d88e59a8060ebae09e3e99d5d8c66f"},
    {56, "a304b0e297bfd34b304721335d3791f95c8b9fe8ced4571a25d45bba65109684"},
    {57, "f8246078703494e845635fb99543a547106b3418b95607ee05231a076d4b175f"},
    {63, "72c766363446e4eb04cef3d4a668a2b400aaa179d08a3a90140de6e796f74b11"},
    {64, "90d53c9cb55875e278567a0361c176cdc253208cfef8926ccc0b325a2c2c57f3"},
    {65, "bce037b715d9f575ff39cfce1152f4057aa0f270a5e28d643dde5654c7f70102"},
    {119, "e5db6305cfff2aa7880f630180517f5cca6c4e18f7c69c6e0870d541b047484d"},
    {120, "f85bad1f780f0eafaf48c9635a45787c0e24dab854e732b19311ce45c031773f"},
    {127, "4e20bb5d18cb8288a4a673beac1ab480fab0c39cb9606a14f2a61c8131cccabf"},
    {128, "7006ec908c0eb55ae888deab02ded176092f01a5fb4e87a5e8ae4e59f9c2ab86"},
    {1000, "26a8f52760347165abfd01cecfe5b3e501b4875dd43db2dcac7b52810e80b760"},
    {4096, "840bc868b8cb55c1d634e3eaa87ae2e1e22258fe5ebaee44e662bdeff05b667c"},
};

int main(void)
{
    static uint8_t data[4096];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)((i * i + 7 * i + 3) % 251);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        static const size_t pieces[] = {4096, 1, 7, 128, 129, 300};
        check_begin("sha256: %zu bytes", rows[r].length);
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
            kin_sha256 b;
            char text[KIN_SHA256_TEXT];
            kin_sha256_begin(&b);
            for (size_t at = 0; at < rows[r].length; at += pieces[p])
                kin_sha256_add(&b, data + at,
                               at + pieces[p] < rows[r].length ? pieces[p] : rows[r].length - at);
            kin_sha256_end(&b, text);
            CHECK_MSG(strcmp(text, rows[r].hash) == 0, "in pieces of %zu: %s, expected %s", pieces[p], text,
                      rows[r].hash);
        }
        check_end();
    }
    return check_result();
}
