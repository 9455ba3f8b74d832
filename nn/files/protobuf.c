#include "nn/files/protobuf.h"

#include <string.h>

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static void put_varint(kin_text *to, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; value > 127; value >>= 7) bytes[n++] = (uint8_t)(value | 128);
    bytes[n++] = (uint8_t)value;
    kin_text_add_bytes(to, bytes, n);
}

static void put_tag(kin_text *to, int field, int kind)
{
    put_varint(to, (uint64_t)field << 3 | (uint64_t)kind);
}

void kin_pb_int(kin_text *to, int field, int64_t value)
{
    put_tag(to, field, VARINT);
    put_varint(to, (uint64_t)value);
}

void kin_pb_float(kin_text *to, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    put_tag(to, field, FIXED32);
    kin_text_add_bytes(to, bytes, sizeof bytes);
}

void kin_pb_bytes(kin_text *to, int field, const void *bytes, size_t size)
{
    put_tag(to, field, BYTES);
    put_varint(to, size);
    if (size) kin_text_add_bytes(to, bytes, size);
}

void kin_pb_text(kin_text *to, int field, const char *text) { kin_pb_bytes(to, field, text, strlen(text)); }

void kin_pb_message(kin_text *to, int field, kin_text *message)
{
    if (message->failed) to->failed = true;
    kin_pb_bytes(to, field, message->data, message->size);
    kin_text_free(message);
}
