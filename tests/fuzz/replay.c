/* Gives each file named on the command line to a fuzzer's entry, for compilers without libFuzzer and
 * for replaying a corpus in the tests. */
#include "base/file.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        kin_bytes bytes;
        kin_error err = {0};
        if (!kin_read_file(argv[i], 0, &bytes, &err)) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        LLVMFuzzerTestOneInput(bytes.data, bytes.size);
        kin_bytes_free(&bytes);
    }
    return 0;
}
