/* Files put together byte by byte, to be read or refused by kin_import. */
#ifndef TESTS_SUPPORT_MADE_H
#define TESTS_SUPPORT_MADE_H

#include "nn/files/import.h"

extern const kin_unpacker made_unpacker;

typedef struct made_bytes {
    uint8_t *data; /* free() */
    size_t size, capacity;
} made_bytes;

void made_put(made_bytes *b, const void *data, size_t size);
void made_number(made_bytes *b, uint64_t number, size_t width); /* little-endian */
void made_text(made_bytes *b, const char *text);

/* Takes the file; `part` must be in the message, or NULL: the file is good. */
void made_refused(const char *what, made_bytes *file, const char *part);

#endif
