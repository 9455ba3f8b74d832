/* A list of what is held out, against a small set whose classes and ids it may name. */
#include "base/memory.h"
#include "data/sets/split.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    static const char pictures[] = "a.png,1\nb.png,1\nc d.png,2\ne.png,2\n";
    kin_error err = {0};
    kin_dataset set = {0};
    uint8_t part[4] = {0};
    kin_bytes text = kin_lengthened(data, size, 1 << 20);
    if (text.data && kin_list_parse("set.csv", pictures, sizeof pictures - 1, NULL, &set, &err)) {
        if (kin_split_parse_list(&set, "fuzz", &text, part, &err) == kin_failed(&err)) abort();
        for (int i = 0; i < 4; i++)
            if (part[i] > 2) abort();
    }
    kin_dataset_free(&set);
    kin_bytes_free(&text);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
