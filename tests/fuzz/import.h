/* What the fuzzers of other programs' weights do with bytes: import them, and read numbers of every array
 * that was found. */
#ifndef KIN_TESTS_FUZZ_IMPORT_H
#define KIN_TESTS_FUZZ_IMPORT_H

#include "data/images/inflate.h"
#include "nn/files/import.h"

/* `copy` belongs to the import afterwards. Checksums are compared only where they were mended. */
static inline void import(kin_bytes copy, bool checked)
{
    kin_checkpoint *c;
    kin_error err = {0};
    if (kin_import_bytes(&copy, &(kin_import_opt){.unpacker = {kin_inflate, checked ? kin_crc32 : NULL}}, &c,
                         NULL, &err)) {
        volatile double sum = 0;
        for (int i = 0; i < kin_checkpoint_count(c); i++) {
            const kin_array *a = kin_checkpoint_array(c, i);
            for (size_t k = 0; k < a->count && k < 4096; k++)
                sum += kin_array_number(a, k) + kin_array_number(a, a->count - 1 - k);
        }
        (void)sum;
        kin_checkpoint_free(c);
    }
}

#endif
