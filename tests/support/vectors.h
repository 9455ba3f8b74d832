/* Small files with the CRC-32 of what they decode to, one a line: tests/golden/webp.txt, gif.txt. */
#ifndef KIN_TESTS_SUPPORT_VECTORS_H
#define KIN_TESTS_SUPPORT_VECTORS_H

#include <stddef.h>
#include <stdint.h>

typedef struct vector {
    char name[64];
    int width, height, channels;
    unsigned long crc;
    uint8_t bytes[8192];
    size_t size;
} vector;

/* Each of them in turn; returns how many there were. */
int each_vector(const char *path, void (*use)(vector *v));

/* The checks that every format has. */
void vector_decodes(vector *v);     /* to its pixels, without a remark */
void vector_fails_whole(vector *v); /* where an allocation fails, and leaks nothing */
void vector_cut(vector *v);         /* anywhere: refused in one line, or read with a remark */
void vector_changed(vector *v);     /* in any byte: refused or read, and nothing leaks */
/* A refusal that says so, and no large block asked for. */
void refused(const uint8_t *bytes, size_t size, uint64_t max_pixels, const char *says);

#endif
