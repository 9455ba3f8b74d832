/* Lists of data sets known by name: the first byte chooses the reader, the second the part and which
 * optional lists there are; a byte 1 divides the lists. What cannot be parsed from lists (Market-1501's
 * names) is parsed as lines. */
#include "base/memory.h"
#include "data/sets/known.h"
#include "tests/fuzz/long.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
bool kin_market_name(const char *name, long *person, long *camera);

static bool fill(kin_list_file *file, const char *name, const uint8_t *data, size_t size)
{
    file->path = kin_strdup(name);
    file->bytes.data = kin_alloc(size + 1);
    if (!file->path || !file->bytes.data) return false;
    if (size) memcpy(file->bytes.data, data, size);
    file->bytes.data[size] = 0;
    file->bytes.size = size;
    return true;
}

static void parse(const kin_known *known, uint8_t choice, const uint8_t *data, size_t size)
{
    kin_list_file lists[KIN_KNOWN_LISTS] = {{0}};
    kin_dataset set = {0};
    kin_error err = {0};
    int parts = 0;
    bool ok = true;
    while (known->parts[parts]) parts++;
    for (int i = 0; ok && i < KIN_KNOWN_LISTS && known->lists[i]; i++) {
        const uint8_t *stop = memchr(data, 1, size);
        /* MAT-files are whole; only text is divided. */
        size_t length = stop && known->lists[1] ? (size_t)(stop - data) : size;
        if (known->lists[i][0] != '?' || !(choice >> 7)) ok = fill(&lists[i], known->lists[i], data, length);
        data += length + (length < size);
        size -= length + (length < size);
    }
    if (ok &&
        known->parse("fuzz", known->parts[(choice & 127) % parts], lists, &set, &err) == kin_failed(&err))
        abort();
    for (int64_t i = 0; !kin_failed(&err) && i < set.count; i++)
        if (set.items[i].label < -1 || set.items[i].label >= set.classes ||
            !kin_path_inside(set.items[i].path))
            abort();
    kin_dataset_free(&set);
    for (int i = 0; i < KIN_KNOWN_LISTS; i++) {
        kin_free(lists[i].path);
        kin_bytes_free(&lists[i].bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    long alive = kin_alloc_live();
    if (size < 2) return 0;
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    int n = 0;
    while (kin_known_sets[n]) n++;
    const kin_known *known = b.data ? kin_known_sets[b.data[0] % n] : NULL;
    if (known && known->lists[0]) {
        parse(known, b.data[1], b.data + 2, b.size - 2);
    } else if (known) {
        long person, camera;
        kin_list_file names = {0};
        if (fill(&names, "names", b.data + 2, b.size - 2))
            kin_market_name((const char *)names.bytes.data, &person, &camera);
        kin_free(names.path);
        kin_bytes_free(&names.bytes);
    }
    kin_bytes_free(&b);
    if (kin_alloc_live() != alive) abort();
    return 0;
}
