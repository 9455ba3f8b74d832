#include "data/images/jpeg.h"

#include <string.h>

/* The value of `bits` bits read after a code [T.81 F.2.2.1]: the upper half of the range is positive. */
static int extended(int value, int bits) { return value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value; }

/* Enters a code of `length` bits into every place of the look-up that begins with it. */
static void enter(kin_jpeg_code *code, uint32_t bits, int length, uint8_t value)
{
    int free_bits = KIN_JPEG_LOOK - length;
    uint32_t first = bits << free_bits;
    for (uint32_t i = 0; i < 1u << free_bits; i++) code->look[first + i] = (uint16_t)(value | length << 8);
}

static void enter_whole(kin_jpeg_code *code)
{
    for (int i = 0; i < 1 << KIN_JPEG_LOOK; i++) {
        int value = code->look[i] & 255, length = code->look[i] >> 8, bits = value & 15, zeros = value >> 4;
        code->whole[i] = 0;
        if (length == 0 || bits == 0 || length + bits > KIN_JPEG_LOOK) continue;
        int after = i >> (KIN_JPEG_LOOK - length - bits) & ((1 << bits) - 1);
        code->whole[i] = (int32_t)((uint32_t)extended(after, bits) << 16 | (uint32_t)zeros << 8 |
                                   (uint32_t)(length + bits));
    }
}

static bool assign(kin_jpeg_code *code, const uint8_t counts[16], const uint8_t *values, bool dc)
{
    uint32_t next = 0;
    int taken = 0;
    for (int length = 1; length <= 16; length++) {
        int count = counts[length - 1];
        code->offset[length] = taken - (int32_t)next;
        if (taken + count > 256 || next + (uint32_t)count > 1u << length) return false;
        for (int i = 0; i < count; i++) {
            if (dc && values[taken] > 15) return false;
            code->values[taken] = values[taken];
            if (length <= KIN_JPEG_LOOK) enter(code, next, length, values[taken]);
            next++, taken++;
        }
        code->last[length] = count ? (int32_t)next - 1 : -1;
        next <<= 1;
    }
    code->last[17] = INT32_MAX;
    if (!dc) enter_whole(code);
    return true;
}

bool kin_jpeg_code_make(kin_jpeg_code *code, const uint8_t counts[16], const uint8_t *values, bool dc)
{
    memset(code, 0, sizeof *code);
    code->given = true;
    code->broken = !assign(code, counts, values, dc);
    return !code->broken;
}

static const uint8_t dc_counts[2][16] = {{0, 1, 5, 1, 1, 1, 1, 1, 1}, {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
static const uint8_t dc_values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const uint8_t ac_counts[2][16] = {{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
                                         {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119}};
/* The short codes of tables K.5 and K.6; every other value follows in rising order, as runs of zeros by
 * size. */
static const uint8_t ac_values[2][162] = {
    {0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13,
     0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42,
     0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72, 0x82},
    {0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
     0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33,
     0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1},
};

int kin_jpeg_standard_table(int table, bool dc, const uint8_t **counts, uint8_t values[162])
{
    bool used[256] = {false};
    *counts = dc ? dc_counts[table] : ac_counts[table];
    if (dc) {
        memcpy(values, dc_values, sizeof dc_values);
        return (int)sizeof dc_values;
    }
    int given = table == 0 ? 37 : 43, n = 0;
    for (; n < given; n++) used[values[n] = ac_values[table][n]] = true;
    for (int value = 0x01; value <= 0xfa && n < 162; value++)
        if ((value & 15) >= 1 && (value & 15) <= 10 && !used[value]) values[n++] = (uint8_t)value;
    return n;
}

bool kin_jpeg_code_standard(kin_jpeg_code *code, int table, bool dc)
{
    uint8_t values[162];
    const uint8_t *counts;
    kin_jpeg_standard_table(table, dc, &counts, values);
    return kin_jpeg_code_make(code, counts, values, dc);
}
