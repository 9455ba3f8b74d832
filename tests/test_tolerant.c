/* Pictures that are not quite as their formats want them: read with a remark where other readers do,
 * turned the right way up wherever a camera or an editor noted it, and bounded in work and memory by what
 * they promise. The values are Pillow's. */
#include "base/memory.h"
#include "base/random.h"
#include "data/images/image.h"
#include "data/images/inflate.h"
#include "data/pictures.h"
#include "data/sets/known.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

/* ---- a PNG, chunk by chunk ---- */

typedef struct bytes {
    uint8_t data[4096];
    size_t size;
} bytes;

static void add(bytes *b, const void *data, size_t size)
{
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void add_word(bytes *b, uint32_t value)
{
    for (int i = 3; i >= 0; i--) b->data[b->size++] = (uint8_t)(value >> 8 * i);
}

static void chunk(bytes *b, const char *type, const void *data, size_t size)
{
    add_word(b, (uint32_t)size);
    size_t from = b->size;
    add(b, type, 4);
    if (size) add(b, data, size);
    add_word(b, kin_crc32(0, b->data + from, size + 4));
}

/* 3 x 2 with one sample of 8 bits a pixel. */
static bytes png_head(int colour)
{
    bytes b = {.size = 0};
    uint8_t header[13] = {0, 0, 0, 3, 0, 0, 0, 2, 8, (uint8_t)colour};
    add(&b, "\x89PNG\r\n\x1a\n", 8);
    chunk(&b, "IHDR", header, 13);
    return b;
}

static void pack(const void *data, size_t size, bytes *out)
{
    kin_bytes packed;
    kin_error err = {0};
    CHECK(kin_zlib_pack(data, size, &packed, &err));
    add(out, packed.data, packed.size);
    kin_bytes_free(&packed);
}

static const uint8_t grey[] = {0, 10, 20, 30, 0, 40, 50, 60}, indices[] = {0, 0, 1, 2, 0, 1, 1, 0};

static void add_idat(bytes *b, const uint8_t rows[8])
{
    bytes packed = {.size = 0};
    pack(rows, 8, &packed);
    chunk(b, "IDAT", packed.data, packed.size);
}

/* Decodes and compares; a remark of "" must not be there, NULL: whatever. */
static void reads(const char *name, const bytes *b, int width, int channels, const uint8_t *expected,
                  const char *remark)
{
    kin_image image;
    kin_error err = {0};
    CHECK_MSG(kin_image_decode(b->data, b->size, NULL, &image, &err), "%s: %s", name, err.message);
    if (!image.data) return;
    CHECK_MSG(image.width == width && image.height == 6 / width && image.channels == channels &&
                  memcmp(image.data, expected, (size_t)(6 * channels)) == 0,
              "%s: %d x %d x %d begins with %d %d", name, image.width, image.height, image.channels,
              image.data[0], image.data[1]);
    if (remark && !*remark) CHECK_MSG(!image.remark, "%s: %s", name, image.remark);
    else if (remark) CHECK_TEXT(image.remark ? image.remark : "no remark", remark);
    kin_image_free(&image);
}

/* ---- which way up ---- */

/* A TIFF directory of one entry. */
static bytes tiff(int orientation, int type, bool little)
{
    bytes b = {.size = 0};
    uint8_t le[26] =
        {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, (uint8_t)type, 0, 1, 0, 0, 0, (uint8_t)orientation},
            be[26] = {'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1, 0x12, 0, (uint8_t)type, 0, 0, 0, 1};
    be[type == 4 ? 21 : 19] = (uint8_t)orientation;
    add(&b, little ? le : be, 26);
    return b;
}

static const char head_of_xmp[] = "XML:com.adobe.xmp";
static const char attribute[] = "<rdf:Description tiff:Orientation=\"6\"/>",
                  element[] = "<rdf:Description><tiff:Orientation>6</tiff:Orientation>";

static bytes xmp(const char *text, bool packed)
{
    bytes b = {.size = 0};
    add(&b, head_of_xmp, sizeof head_of_xmp);
    add(&b, packed ? "\1\0" : "\0\0", 2);
    add(&b, "en\0", 4);
    if (packed) pack(text, strlen(text), &b);
    else add(&b, text, strlen(text));
    return b;
}

static bytes profile(int orientation, bool packed)
{
    bytes b = {.size = 0}, inside = tiff(orientation, 3, true);
    char text[128];
    int n = snprintf(text, sizeof text, "\nexif\n      26\n");
    for (size_t i = 0; i < inside.size; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%02x%s", inside.data[i], i % 16 == 15 ? "\n" : "");
    add(&b, "Raw profile type exif", 22);
    if (packed) add(&b, "\0", 1), pack(text, (size_t)n, &b);
    else add(&b, text, (size_t)n);
    return b;
}

static void oriented_png(void)
{
    static const uint8_t turned[8][6] = {{10, 20, 30, 40, 50, 60}, {30, 20, 10, 60, 50, 40},
                                         {60, 50, 40, 30, 20, 10}, {40, 50, 60, 10, 20, 30},
                                         {10, 40, 20, 50, 30, 60}, {40, 10, 50, 20, 60, 30},
                                         {60, 30, 50, 20, 40, 10}, {30, 60, 20, 50, 10, 40}};
    check_begin("png: the orientation in eXIf of either byte order and type, XMP and raw profiles");
    for (int o = 1; o <= 8; o++)
        for (int way = 0; way < 4; way++) {
            bytes b = png_head(0), t = tiff(o, way & 1 ? 4 : 3, way & 2);
            chunk(&b, "eXIf", t.data, t.size);
            add_idat(&b, grey);
            chunk(&b, "IEND", NULL, 0);
            reads("eXIf", &b, o > 4 ? 2 : 3, 1, turned[o - 1], "");
        }
    struct {
        const char *name, *type;
        bytes data;
        bool before, after;
        int orientation;
    } cases[] = {
        {"behind the picture", "eXIf", tiff(6, 3, true), false, true, 6},
        {"out of range", "eXIf", tiff(9, 3, true), true, false, 1},
        {"bytes, which Pillow does not take", "eXIf", tiff(6, 1, true), true, false, 1},
        {"XMP's attribute", "iTXt", xmp(attribute, false), true, false, 6},
        {"XMP's element, packed", "iTXt", xmp(element, true), true, false, 6},
        {"XMP of nothing", "iTXt", xmp("<tiff:Orientation", false), true, false, 1},
        {"ImageMagick's text", "tEXt", profile(6, false), true, false, 6},
        {"ImageMagick's packed text", "zTXt", profile(6, true), true, false, 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes b = png_head(0);
        if (cases[i].before) chunk(&b, cases[i].type, cases[i].data.data, cases[i].data.size);
        add_idat(&b, grey);
        if (cases[i].after) chunk(&b, cases[i].type, cases[i].data.data, cases[i].data.size);
        chunk(&b, "IEND", NULL, 0);
        reads(cases[i].name, &b, cases[i].orientation > 4 ? 2 : 3, 1, turned[cases[i].orientation - 1], "");
    }
    bytes b = png_head(0), upright = tiff(1, 3, true), other = xmp(attribute, false);
    chunk(&b, "eXIf", upright.data, upright.size);
    chunk(&b, "iTXt", other.data, other.size);
    add_idat(&b, grey);
    chunk(&b, "IEND", NULL, 0);
    reads("EXIF counts before XMP", &b, 3, 1, turned[0], "");
    check_end();
}

/* A grey JPEG of 16 x 8 with a segment APP1 behind its beginning. */
static bool jpeg_with(const void *segment, size_t size, kin_image *out)
{
    kin_image image;
    kin_bytes plain;
    kin_error err = {0};
    bytes b = {.size = 0};
    kin_image_new(&image, 16, 8, 1, &err);
    for (int i = 0; i < 128; i++) image.data[i] = (uint8_t)(i * 2);
    CHECK(kin_jpeg_encode(&image, NULL, &plain, &err));
    add(&b, plain.data, 2);
    add(&b, "\xff\xe1", 2);
    b.data[b.size++] = (uint8_t)((size + 2) >> 8), b.data[b.size++] = (uint8_t)(size + 2);
    add(&b, segment, size);
    add(&b, plain.data + 2, plain.size - 2);
    kin_bytes_free(&plain);
    kin_image_free(&image);
    CHECK_MSG(kin_image_decode(b.data, b.size, NULL, out, &err), "%s", err.message);
    return out->data != NULL;
}

static void oriented_jpeg(void)
{
    check_begin("jpeg: EXIF of type LONG, and XMP where EXIF says nothing");
    static const char mark[] = "http://ns.adobe.com/xap/1.0/";
    bytes exif = {.size = 0}, inside = tiff(6, 4, false), packet = {.size = 0}, empty = {.size = 0};
    add(&exif, "Exif\0", 6), add(&exif, inside.data, inside.size);
    add(&packet, mark, sizeof mark), add(&packet, element, strlen(element));
    add(&empty, mark, sizeof mark);
    kin_image image;
    if (jpeg_with(exif.data, exif.size, &image)) CHECK(image.width == 8 && image.height == 16);
    kin_image_free(&image);
    if (jpeg_with(packet.data, packet.size, &image)) CHECK(image.width == 8 && image.height == 16);
    kin_image_free(&image);
    if (jpeg_with(empty.data, empty.size, &image)) CHECK(image.width == 16 && image.height == 8);
    kin_image_free(&image);
    check_end();
}

/* ---- PNGs that other readers read ---- */

static void tolerant_png(void)
{
    check_begin(
        "png: no end, surplus data, no checksum, odd transparency, colours outside the palette: remarks");
    static const uint8_t plain[] = {10, 20, 30, 40, 50, 60}, palette[] = {1, 2, 3, 4, 5, 6},
                         painted[] = {1, 2, 3, 4, 5, 6, 0, 0, 0, 4, 5, 6, 4, 5, 6, 1, 2, 3},
                         clear[] = {1, 2, 3, 7, 4, 5, 6, 8, 0, 0, 0, 255, 4, 5, 6, 8, 4, 5, 6, 8, 1, 2, 3, 7};
    bytes b = png_head(0), packed = {.size = 0};
    add_idat(&b, grey);
    reads("no IEND", &b, 3, 1, plain, "it has no end mark");
    add(&b, "\0\0\0\0IE", 6);
    reads("half an IEND", &b, 3, 1, plain, "it has no end mark");

    b = png_head(0);
    uint8_t more[40] = {0};
    memcpy(more, grey, 8);
    pack(more, sizeof more, &packed);
    chunk(&b, "IDAT", packed.data, packed.size);
    chunk(&b, "IEND", NULL, 0);
    reads("surplus data", &b, 3, 1, plain, "more picture data than");

    b = png_head(0), packed.size = 0;
    pack(grey, 8, &packed);
    chunk(&b, "IDAT", packed.data, packed.size - 4);
    chunk(&b, "IEND", NULL, 0);
    reads("no checksum", &b, 3, 1, plain, "end before their checksum");

    b = png_head(3);
    chunk(&b, "PLTE", palette, 6);
    add_idat(&b, indices);
    chunk(&b, "IEND", NULL, 0);
    reads("a colour that is not there", &b, 3, 3, painted, "outside its palette");

    b = png_head(3);
    chunk(&b, "PLTE", palette, 6);
    chunk(&b, "tRNS", "\7\10\11", 3);
    add_idat(&b, indices);
    chunk(&b, "IEND", NULL, 0);
    reads("too long a table of alphas", &b, 3, 4, clear, "tRNS) is longer");

    static const uint8_t keyed[] = {10, 255, 20, 0, 30, 255, 40, 255, 50, 255, 60, 255};
    b = png_head(0);
    chunk(&b, "tRNS", "\0\24\0\0", 4);
    add_idat(&b, grey);
    chunk(&b, "IEND", NULL, 0);
    reads("too long a key", &b, 3, 2, keyed, "tRNS) is longer");
    b = png_head(0);
    chunk(&b, "tRNS", "\1", 1);
    add_idat(&b, grey);
    chunk(&b, "IEND", NULL, 0);
    reads("half a key", &b, 3, 1, plain, "left out");

    b = png_head(0);
    chunk(&b, "gAMA", "\0\1\2\3", 4);
    b.data[b.size - 1] ^= 1;
    add_idat(&b, grey);
    chunk(&b, "IEND", NULL, 0);
    reads("a checksum of what does not count", &b, 3, 1, plain, "beside its picture data");
    check_end();
}

static void refused_png(void)
{
    check_begin("png: what lacks picture data is refused all the same");
    kin_image image;
    kin_error err = {0};
    bytes b = png_head(0), packed = {.size = 0};
    pack(grey, 7, &packed);
    chunk(&b, "IDAT", packed.data, packed.size);
    chunk(&b, "IEND", NULL, 0);
    CHECK(!kin_image_decode(b.data, b.size, NULL, &image, &err));
    CHECK_TEXT(err.message, "too little picture data");
    kin_error_clear(&err);
    b = png_head(0), packed.size = 0;
    pack(grey, 8, &packed);
    packed.data[packed.size - 1] ^= 1;
    chunk(&b, "IDAT", packed.data, packed.size);
    CHECK(!kin_image_decode(b.data, b.size, NULL, &image, &err));
    CHECK_TEXT(err.message, "checksum differs");
    check_end();
}

/* ---- JPEG ---- */

static uint8_t *marker_in(const kin_bytes *b, int marker)
{
    for (size_t i = 0; i + 1 < b->size; i++)
        if (b->data[i] == 0xff && b->data[i + 1] == marker) return b->data + i + 4;
    return NULL;
}

static void equal_names(void)
{
    check_begin("jpeg: components of one name are told apart by their order");
    kin_image image, plain, renamed;
    kin_bytes b;
    kin_error err = {0};
    kin_image_new(&image, 16, 16, 3, &err);
    for (int i = 0; i < 768; i++) image.data[i] = (uint8_t)kin_random_below(5, (uint64_t)i / 24, 256);
    CHECK(kin_jpeg_encode(&image, NULL, &b, &err) && kin_image_decode(b.data, b.size, NULL, &plain, &err));
    uint8_t *frame = marker_in(&b, 0xc0), *scan = marker_in(&b, 0xda);
    for (int i = 0; i < 3; i++) frame[6 + 3 * i] = 1, scan[1 + 2 * i] = 1;
    CHECK_MSG(kin_image_decode(b.data, b.size, NULL, &renamed, &err), "%s", err.message);
    CHECK(renamed.data && memcmp(renamed.data, plain.data, 768) == 0);
    CHECK_TEXT(renamed.remark ? renamed.remark : "", "one name");
    kin_image_free(&image), kin_image_free(&plain), kin_image_free(&renamed), kin_bytes_free(&b);
    check_end();
}

/* A grey JPEG with a frame of this kind and size, and `scans` scans that say nothing. */
static kin_bytes empty_jpeg(int sof, int width, int height, int scans)
{
    static const uint8_t code[] = {0xff, 0xc4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                         ac[] = {0xff, 0xc4, 0, 20, 16, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    size_t room = 256 + (size_t)scans * 16, n = 0;
    uint8_t *b = kin_alloc_zero(1, room);
#define PUT(...) \
    do { \
        const uint8_t put[] = {__VA_ARGS__}; \
        memcpy(b + n, put, sizeof put); \
        n += sizeof put; \
    } while (0)
    PUT(0xff, 0xd8, 0xff, 0xdb, 0, 67, 0);
    memset(b + n, 1, 64), n += 64;
    PUT(0xff, (uint8_t)sof, 0, 11, 8, (uint8_t)(height >> 8), (uint8_t)height, (uint8_t)(width >> 8),
        (uint8_t)width, 1, 1, 0x11, 0);
    memcpy(b + n, code, sizeof code), n += sizeof code;
    memcpy(b + n, ac, sizeof ac), n += sizeof ac;
    for (int i = 0; i < scans; i++) PUT(0xff, 0xda, 0, 8, 1, 1, 0, 0, sof == 0xc0 ? 63 : 0, 0, 0);
    PUT(0xff, 0xd9);
#undef PUT
    return (kin_bytes){.data = b, .size = n};
}

static void budgets(void)
{
    static const struct {
        int sof, width, height, scans;
        uint64_t max_pixels;
        const char *says; /* NULL: it is read */
    } cases[] = {
        {0xc2, 2048, 2048, 16, 2048 * 2048, NULL}, /* more than libjpeg's own script takes */
        {0xc2, 2048, 2048, 17, 2048 * 2048, "more work than is allowed; raise --max-pixels"},
        {0xc2, 2048, 2048, 40, 0, NULL},
        {0xc2, 2048, 2048, 999, 0, "more work than is allowed"},
        {0xc0, 2048, 2048, 5, 2048 * 2048, NULL},
        {0xc0, 2048, 2048, 6, 2048 * 2048, "more work than is allowed"},
        {0xc0, 2048, 2048, 999, 0, "more work than is allowed"},
        {0xc0, 16, 16, 999, 0, NULL}, /* a small one may have as many as it likes */
        {0xc2, 10000, 10000, 1, 0, "bytes cannot hold 10000 x 10000 pixels"},
        {0xc0, 10000, 10000, 1, 0, "bytes cannot hold 10000 x 10000 pixels"},
    };
    check_begin("jpeg: scans and memory are bounded by what the header promises");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kin_bytes b = empty_jpeg(cases[i].sof, cases[i].width, cases[i].height, cases[i].scans);
        kin_image image;
        kin_error err = {0};
        bool ok = kin_image_decode(b.data, b.size, &(kin_image_limits){.max_pixels = cases[i].max_pixels},
                                   &image, &err);
        CHECK_MSG(ok == !cases[i].says, "case %d: %s", (int)i, err.message);
        if (cases[i].says) CHECK_TEXT(err.message, cases[i].says);
        kin_image_free(&image);
        kin_bytes_free(&b);
    }
    check_end();
}

/* ---- BMP and PAM ---- */

typedef struct bmp_case {
    const char *name;
    int bits, compression, colours, offset; /* offset: from the end of the headers and masks */
    uint32_t masks[3];
    const char *behind; /* the headers: palette and pixels of 2 x 1 */
    size_t size;
    uint8_t expected[6];
    const char *remark;
} bmp_case;

static void odd_bmp(void)
{
    static const bmp_case cases[] = {
        {"a mask of nothing gives 0",
         32,
         3,
         0,
         0,
         {0xff0000, 0, 0xff},
         "\1\2\3\4\5\6\7\10",
         8,
         {3, 0, 1, 7, 0, 5},
         ""},
        {"masks of nothing at all",
         32,
         3,
         0,
         0,
         {0, 0, 0},
         "\1\2\3\4\5\6\7\10",
         8,
         {3, 2, 1, 7, 6, 5},
         "masks"},
        {"pixels inside the palette",
         8,
         0,
         2,
         4,
         {0},
         "\1\1\1\0\0\1\2\0",
         8,
         {1, 1, 1, 2, 1, 0},
         "inside its palette"},
        {"colours left open", 8, 0, 0, 4, {0}, "\1\1\1\0\0\0\0\0", 8, {1, 1, 1, 1, 1, 1}, ""},
        {"pixels at 0: behind the palette", 8, 0, 1, -54, {0}, "\1\1\1\0\0\0\0\0", 8, {1, 1, 1, 1, 1, 1}, ""},
        {"a colour outside the palette",
         8,
         0,
         1,
         4,
         {0},
         "\1\1\1\0\0\5\0\0",
         8,
         {1, 1, 1, 0, 0, 0},
         "outside its palette"},
        {"runs that end", 8, 1, 2, 8, {0}, "\1\1\1\0\2\2\2\0\2\1\0\1", 12, {2, 2, 2, 2, 2, 2}, ""},
        {"runs that end early",
         8,
         1,
         2,
         8,
         {0},
         "\1\1\1\0\2\2\2\0\1\1",
         10,
         {2, 2, 2, 1, 1, 1},
         "runs end early"},
        {"runs beyond the row",
         8,
         1,
         2,
         8,
         {0},
         "\1\1\1\0\2\2\2\0\5\1\0\1",
         12,
         {2, 2, 2, 2, 2, 2},
         "beyond its rows"},
    };
    check_begin("bmp: empty masks, pixels inside the palette, broken runs");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bmp_case *c = &cases[i];
        uint8_t b[128] = {'B', 'M'};
        size_t n = 54 + (c->compression == 3 ? 12 : 0);
        b[10] = (uint8_t)((int)n + c->offset), b[14] = 40, b[18] = 2, b[22] = 1, b[26] = 1;
        b[28] = (uint8_t)c->bits, b[30] = (uint8_t)c->compression, b[46] = (uint8_t)c->colours;
        for (int k = 0; c->compression == 3 && k < 12; k++)
            b[54 + k] = (uint8_t)(c->masks[k / 4] >> 8 * (k % 4));
        memcpy(b + n, c->behind, c->size);
        kin_image image;
        kin_error err = {0};
        CHECK_MSG(kin_image_decode(b, n + c->size, NULL, &image, &err), "%s: %s", c->name, err.message);
        CHECK_MSG(image.data && memcmp(image.data, c->expected, 6) == 0, "%s: it begins with %d %d %d, %d",
                  c->name, image.data ? image.data[0] : -1, image.data ? image.data[1] : -1,
                  image.data ? image.data[2] : -1, image.data ? image.data[3] : -1);
        if (*c->remark) CHECK_TEXT(image.remark ? image.remark : "no remark", c->remark);
        else CHECK_MSG(!image.remark, "%s: %s", c->name, image.remark);
        kin_image_free(&image);
    }
    uint8_t b[60] = {'B', 'M'};
    kin_image image;
    kin_error err = {0};
    b[14] = 40, b[18] = 0x51, b[19] = b[20] = b[21] = 255, b[22] = 1, b[28] = 24;
    CHECK(!kin_image_decode(b, sizeof b, NULL, &image, &err));
    CHECK_TEXT(err.message, "a width of -175");
    kin_error_clear(&err);
    b[18] = b[22] = 0x10, b[19] = b[23] = 0x27, b[20] = b[21] = b[24] = 0, b[28] = 8, b[30] = 1, b[46] = 1;
    CHECK(!kin_image_decode(b, sizeof b, NULL, &image, &err));
    CHECK_TEXT(err.message, "bytes of runs cannot hold 10000 x 10000 pixels");
    check_end();
}

static void inks(void)
{
    check_begin("pam: inks become colours, and kinds that are not known are refused");
    static const char head[] = "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\nENDHDR\n";
    static const uint8_t pixels[24] = {0,   0, 0, 0, 255, 0,  0,  0,  0,   255, 0,   0,
                                       100, 0, 0, 0, 100, 50, 25, 80, 255, 255, 255, 255},
                         expected[18] = {255, 255, 255, 0,   255, 255, 255, 0, 255,
                                         155, 255, 255, 106, 141, 158, 0,   0, 0};
    bytes b = {.size = 0};
    add(&b, head, sizeof head - 1);
    add(&b, pixels, sizeof pixels);
    reads("CMYK", &b, 3, 3, expected, "");
    memcpy(strstr((char *)b.data, "CMYK"), "YCCK", 4);
    kin_image image;
    kin_error err = {0};
    CHECK(!kin_image_decode(b.data, b.size, NULL, &image, &err));
    CHECK_TEXT(err.message, "a TUPLTYPE other than");
    check_end();
}

/* ---- alpha ---- */

static void alpha(void)
{
    check_begin("alpha: pictures whose hidden colours count are known, and a background is laid under them");
    static const uint8_t rows[] = {0, 200, 255, 200, 128, 9, 0, 0, 1, 255, 2, 255, 3, 255};
    bytes b = png_head(4), packed = {.size = 0};
    pack(rows, sizeof rows, &packed);
    chunk(&b, "IDAT", packed.data, packed.size);
    chunk(&b, "IEND", NULL, 0);
    kin_image image;
    kin_error err = {0};
    CHECK(kin_image_decode(b.data, b.size, NULL, &image, &err) && kin_image_convert(&image, 1, &err));
    CHECK(image.hidden && image.data[0] == 200 && image.data[1] == 200 && image.data[2] == 9);
    kin_image_free(&image);
    CHECK(kin_image_decode(b.data, b.size, &(kin_image_limits){.background = KIN_BACKGROUND | 0xffffff},
                           &image, &err));
    CHECK(image.channels == 1 && !image.hidden && image.data[0] == 200 && image.data[1] == 227 &&
          image.data[2] == 255 && image.data[5] == 3);
    kin_image_free(&image);
    CHECK(kin_image_decode(b.data, b.size, &(kin_image_limits){.background = KIN_BACKGROUND | 0xff0000},
                           &image, &err));
    CHECK(image.channels == 3 && image.data[3] == 227 && image.data[4] == 100 && image.data[6] == 255 &&
          image.data[7] == 0);
    kin_image_free(&image);
    CHECK(kin_image_new(&image, 2, 1, 4, &err));
    memset(image.data, 255, 8);
    CHECK(kin_image_convert(&image, 3, &err) && !image.hidden);
    kin_image_free(&image);
    check_end();
}

/* ---- elongated pictures ---- */

static void same_middle(int width, int height, int side, int crop, kin_filter filter)
{
    kin_image whole, part;
    kin_error err = {0};
    CHECK(kin_image_new(&whole, width, height, 3, &err) && kin_image_new(&part, width, height, 3, &err));
    for (int i = 0; i < width * height * 3; i++)
        whole.data[i] = part.data[i] = (uint8_t)kin_random_below(7, (uint64_t)i, 256);
    CHECK(kin_picture_resize_short(&whole, side, filter, &err) &&
          kin_picture_crop(&whole, crop, crop, &err) &&
          kin_picture_resize_crop(&part, side, crop, crop, filter, &err));
    CHECK_MSG(part.width == crop && part.height == crop &&
                  memcmp(part.data, whole.data, (size_t)(crop * crop * 3)) == 0,
              "%d x %d to %d, of which %d", width, height, side, crop);
    kin_image_free(&whole), kin_image_free(&part);
}

static void elongated(void)
{
    check_begin("resize: the middle alone has the bits of the whole, and elongated pictures cost nothing");
    static const int sizes[][2] = {{40, 31}, {31, 40},  {7, 300},  {300, 7},
                                   {64, 64}, {13, 200}, {500, 90}, {90, 1000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int filter = 0; filter < 4; filter++) {
            same_middle(sizes[i][0], sizes[i][1], 32, 28, (kin_filter)filter);
            same_middle(sizes[i][0], sizes[i][1], 20, 28, (kin_filter)filter);
            same_middle(sizes[i][0], sizes[i][1], sizes[i][0], 24, (kin_filter)filter);
        }
    static const int odd[][2] = {{1, 5000}, {5000, 1}, {1, 1000000}, {1000000, 1}, {2, 999999}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        kin_image image;
        kin_error err = {0};
        CHECK(kin_image_new(&image, odd[i][0], odd[i][1], 1, &err));
        memset(image.data, 77, (size_t)odd[i][0] * (size_t)odd[i][1]);
        CHECK_MSG(kin_picture_prepare(&image, 256, 224, 3, KIN_FILTER_BICUBIC, &err) && image.width == 224 &&
                      image.height == 224 && image.data[0] == 77 && image.data[224 * 224 * 3 - 1] == 77,
                  "%d x %d: %s", odd[i][0], odd[i][1], err.message);
        kin_image_free(&image);
    }
    kin_image image;
    kin_error err = {0};
    CHECK(kin_image_new(&image, 1, 5000, 1, &err) &&
          !kin_picture_resize_short(&image, 224, KIN_FILTER_BOX, &err));
    CHECK_MSG(err.code == KIN_ERR_DATA, "the picture's fault is told as %d", err.code);
    kin_image_free(&image);
    check_end();
}

/* ---- IDX ---- */

static void idx_bomb(void)
{
    check_begin("idx: no more is unpacked than the header promises");
    static uint8_t zeros[1 << 20];
    uint8_t start[16] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, file[8192] = {0x1f, 0x8b, 8};
    kin_bytes packed;
    kin_error err = {0};
    char path[300];
    memcpy(zeros, start, 16);
    CHECK(kin_zlib_pack(zeros, sizeof zeros, &packed, &err) && packed.size < 8000);
    size_t n = 10 + packed.size - 6;
    memcpy(file + 10, packed.data + 2, packed.size - 6);
    uint32_t crc = kin_crc32(0, zeros, sizeof zeros), size = sizeof zeros;
    for (int i = 0; i < 4; i++)
        file[n + (size_t)i] = (uint8_t)(crc >> 8 * i), file[n + 4 + (size_t)i] = (uint8_t)(size >> 8 * i);
    kin_bytes_free(&packed);
    snprintf(path, sizeof path, "%s", check_path("some-images.gz"));
    CHECK(kin_write_file(path, file, n + 8, &err));
    kin_dataset set = {0};
    CHECK(!kin_idx_open(path, &set, &err));
    CHECK_TEXT(err.message, "more than the 17 bytes allowed");
    kin_dataset_free(&set);
    kin_error_clear(&err);
    kin_bytes first;
    CHECK(kin_gunzip_first(file, n + 8, 16, &first, &err) && first.size == 16 &&
          memcmp(first.data, start, 16) == 0);
    kin_bytes_free(&first);
    check_end();
}

int main(void)
{
    oriented_png();
    oriented_jpeg();
    tolerant_png();
    refused_png();
    equal_names();
    budgets();
    odd_bmp();
    inks();
    alpha();
    elongated();
    idx_bomb();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
