#include "tests/support/made.h"

#include "base/memory.h"
#include "data/images/inflate.h"
#include "tests/support/check.h"

#include <stdlib.h>
#include <string.h>

const kin_unpacker made_unpacker = {kin_inflate, kin_crc32};

void made_put(made_bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->capacity) b->data = realloc(b->data, b->capacity = (b->size + size) * 2);
    if (size) memcpy(b->data + b->size, data, size);
    b->size += size;
}

void made_number(made_bytes *b, uint64_t number, size_t width)
{
    for (size_t i = 0; i < width; i++) made_put(b, &(uint8_t){i < 8 ? (uint8_t)(number >> (8 * i)) : 0}, 1);
}

void made_text(made_bytes *b, const char *text) { made_put(b, text, strlen(text)); }

void made_refused(const char *what, made_bytes *file, const char *part)
{
    kin_bytes copy = {kin_alloc(file->size), file->size};
    kin_checkpoint *c = NULL;
    kin_error err = {0};
    if (file->size) memcpy(copy.data, file->data, file->size);
    bool ok = kin_import_bytes(&copy, &(kin_import_opt){.unpacker = made_unpacker}, &c, NULL, &err);
    if (part) {
        CHECK_MSG(!ok, "%s was taken", what);
        /* where sizes have 32 bits, what does not fit them is refused before */
        bool narrow = SIZE_MAX <= UINT32_MAX && (strstr(err.message, "larger than any memory") ||
                                                 strstr(err.message, "an impossible size"));
        CHECK_MSG(narrow || strstr(err.message, part), "%s: '%s' lacks '%s'", what, err.message, part);
    } else {
        CHECK_MSG(ok, "%s: %s", what, err.message);
    }
    kin_checkpoint_free(c);
    free(file->data);
    *file = (made_bytes){0};
}
