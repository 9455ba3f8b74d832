#include "data/images/kind.h"

#include <ctype.h>
#include <string.h>

/* "BM", four bytes of length, four of zeros, the pixels' offset, and a header of a size that there is. */
static bool is_bmp(const uint8_t *b, size_t size)
{
    static const uint8_t headers[] = {12, 16, 40, 52, 56, 64, 108, 124};
    if (!kin_bytes_at(b, size, 0, "BM", 2) || size < 18 || b[15] || b[16] || b[17]) return false;
    return memchr(headers, b[14], sizeof headers) != NULL;
}

/* "P6", a blank, and a number or a comment; "P7" is followed by the lines of its header. */
static bool is_pnm(const uint8_t *b, size_t size)
{
    if (size < 4 || b[0] != 'P' || b[1] < '1' || b[1] > '7' || !isspace(b[2])) return false;
    if (b[1] == '7') return b[2] == '\n' && (isupper(b[3]) || b[3] == '#');
    size_t at = 2;
    while (at < size && isspace(b[at])) at++;
    if (at < size && b[at] == '#') return b[2] == '\n' || b[2] == '\r';
    while (at < size && isdigit(b[at])) at++;
    return isdigit(b[at - 1]) && (at == size || isspace(b[at]));
}

bool kin_kind_is_read(const uint8_t *b, size_t size)
{
    return kin_bytes_at(b, size, 0, "\x89PNG\r\n\x1a\n", 8) || kin_bytes_at(b, size, 0, "\xff\xd8\xff", 3) ||
           kin_bytes_at(b, size, 0, "GIF87a", 6) || kin_bytes_at(b, size, 0, "GIF89a", 6) ||
           kin_kind_is_webp(b, size) || is_bmp(b, size) || is_pnm(b, size);
}

const kin_other_kind *kin_kind_of_others(const uint8_t *b, size_t size)
{
    static const kin_other_kind avif = {"AVIF", "avifdec IN OUT.png"},
                                heic = {"HEIC", "heif-convert IN OUT.png"},
                                tiff = {"TIFF", "tifftopnm IN >OUT.pnm"},
                                jpeg_xl = {"JPEG XL", "djxl IN OUT.png"},
                                jpeg_2000 = {"JPEG 2000", "opj_decompress -i IN -o OUT.png"},
                                photoshop = {"Photoshop", "ImageMagick's convert IN[0] OUT.png"};
    static const struct {
        size_t at;
        const char *bytes;
        size_t length;
        const kin_other_kind *kind;
    } kinds[] = {{4, "ftypavi", 7, &avif},
                 {4, "ftyphei", 7, &heic},
                 {4, "ftypmif1", 8, &heic},
                 {4, "ftyphev", 7, &heic},
                 {0, "II*\0", 4, &tiff},
                 {0, "MM\0*", 4, &tiff},
                 {0, "\xff\x0a", 2, &jpeg_xl},
                 {0, "\0\0\0\x0cJXL ", 8, &jpeg_xl},
                 {0, "\0\0\0\x0cjP  ", 8, &jpeg_2000},
                 {0, "\xff\x4f\xff\x51", 4, &jpeg_2000},
                 {0, "8BPS", 4, &photoshop}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (kin_bytes_at(b, size, kinds[k].at, kinds[k].bytes, kinds[k].length)) return kinds[k].kind;
    return NULL;
}
