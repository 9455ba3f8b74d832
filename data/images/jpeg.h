/* The parts of the JPEG decoder [ITU-T T.81], for one another:
 *   jpeg.c           the markers: what a file says of itself, and the order of things
 *   jpeg_huffman.c   code tables
 *   jpeg_bits.h      bits of a segment
 *   jpeg_scan.c      bits to coefficients, baseline and progressive; restarts
 *   jpeg_blocks.simd.c  coefficients to samples, samples to full size, colours
 *   jpeg_picture.c   planes to the picture
 *   exif.c           which way up it was taken (data/images/formats.h) */
#ifndef KIN_DATA_IMAGES_JPEG_H
#define KIN_DATA_IMAGES_JPEG_H

#include "data/images/image.h"

#include <stddef.h>
#include <stdint.h>

enum {
    KIN_JPEG_COMPONENTS = 4,
    KIN_JPEG_TABLES = 4,
    KIN_JPEG_LOOK = 10,   /* codes up to this long are found by one look */
    KIN_JPEG_PAD = 640,   /* zeros behind a segment: more than a block can take */
    KIN_JPEG_SCANS = 1000 /* more are an attack: each progressive scan walks the whole picture */
};

/* A Huffman code [T.81 annex C], and what decodes it quickly. */
typedef struct kin_jpeg_code {
    bool given, broken; /* a broken one is refused when a scan uses it */
    uint8_t values[256];
    /* largest code of each length, left-aligned comparisons need none; -1 where no code is so long */
    int32_t last[18];
    int32_t offset[17];                /* values[code + offset[length]] */
    uint16_t look[1 << KIN_JPEG_LOOK]; /* value | length << 8; 0: longer or no code */
    /* AC codes whose bits and the coefficient's own fit one look: coefficient << 16 | zeros before it << 8
     * | bits; 0: not so. */
    int32_t whole[1 << KIN_JPEG_LOOK];
} kin_jpeg_code;

/* counts [16] codes of each length, values in order of length. False, and broken, when they are no code. */
bool kin_jpeg_code_make(kin_jpeg_code *code, const uint8_t counts[16], const uint8_t *values, bool dc);
/* The tables of annex K, which motion JPEG leaves out. */
bool kin_jpeg_code_standard(kin_jpeg_code *code, int table, bool dc);
/* The same as a file holds them; returns how many values there are. */
int kin_jpeg_standard_table(int table, bool dc, const uint8_t **counts, uint8_t values[162]);

typedef struct kin_jpeg_component {
    int id, h, v, table; /* sampling factors; which quantisation table */
    int dc, ac;          /* the current scan's codes */
    /* samples that count: of the picture, at this component's sampling and the chosen scale */
    int width, height;
    int blocks_wide, blocks_high;   /* blocks that count in a scan of its own */
    int stride_blocks, rows_blocks; /* blocks there is room for: whole MCUs */
    int size;                       /* samples a side that a block becomes: 8, 4, 2 or 1 */
    uint16_t quant[64];             /* natural order; taken over at the component's first scan */
    bool has_quant;
    int16_t *coefficients; /* progressive: [rows_blocks][stride_blocks][64], natural order */
    /* progressive: bits still missing of each coefficient (Al of its last scan); -1: never sent */
    int8_t known[64];
    uint8_t *plane; /* [rows_blocks·size][stride_blocks·size] */
    size_t stride;  /* of the plane, in bytes */
    int previous;   /* DC prediction */
} kin_jpeg_component;

typedef struct kin_jpeg {
    const uint8_t *bytes, *at, *end;
    int width, height; /* as declared */
    int components, h_max, v_max;
    bool progressive;
    kin_jpeg_component component[KIN_JPEG_COMPONENTS];
    int mcus_wide, mcus_high;
    uint16_t quant[KIN_JPEG_TABLES][64]; /* natural order */
    bool has_quant[KIN_JPEG_TABLES];
    kin_jpeg_code dc[KIN_JPEG_TABLES], ac[KIN_JPEG_TABLES];
    int restart_interval;
    bool jfif, adobe;
    int adobe_transform;
    int orientation, xmp_orientation; /* 1..8 as in EXIF; 0: not told there */
    int scans;
    uint64_t work, work_most; /* blocks gone through, and how many may be */
    int scale;                /* the picture is decoded at 1/scale: 1, 2, 4, 8 */
    const char *remark;
    uint8_t *unstuffed; /* room for a segment's data, and for KIN_JPEG_PAD bytes more */
    /* The scan at hand. */
    int scan_components, scan[KIN_JPEG_COMPONENTS];
    int first, last, high, low; /* Ss, Se, Ah, Al */
} kin_jpeg;

/* zigzag place → row·8 + column; 16 more entries for runs past the end */
extern const uint8_t kin_jpeg_natural[80];

/* Decodes the scan that starts at j->at into planes (sequential) or coefficients (progressive); j->at is
 * left before the next marker or at the end. Damage never fails: it is remarked on. */
void kin_jpeg_scan(kin_jpeg *j);

/* Progressive: coefficients to planes. */
void kin_jpeg_finish(kin_jpeg *j);

/* Planes to a picture of 1 or 3 channels, the right way up. */
bool kin_jpeg_picture(const kin_jpeg *j, kin_image *out, kin_error *err);

/* ---- jpeg_blocks.simd.c, once per instruction set ---- */
typedef struct kin_jpeg_blocks {
    /* A block of coefficients (natural order) times quant becomes 8×8, 4×4, 2×2 samples. */
    void (*idct8)(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride);
    /* The same where only the first four rows and columns hold anything. */
    void (*idct8_corner)(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride);
    void (*idct4)(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride);
    void (*idct2)(const int16_t *block, const uint16_t *quant, uint8_t *out, size_t stride);
    /* Twice as wide, libjpeg's triangle filter: in [n] → out [2n]. */
    void (*wider)(const uint8_t *in, int n, uint8_t *out);
    /* The same from a row and the nearer one of its neighbours, for twice as high as well. */
    void (*wider_mixed)(const uint8_t *in, const uint8_t *near, int n, uint8_t *out);
    /* (3·in + near + bias) / 4 of n samples: twice as high only. */
    void (*mixed)(const uint8_t *in, const uint8_t *near, int n, int bias, uint8_t *out);
    void (*ycc_to_rgb)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int n, uint8_t *rgb);
} kin_jpeg_blocks;
const kin_jpeg_blocks *kin_jpeg_kernels(void);

#endif
