#include "cli/terminal/half_blocks.h"

static void add_colour(kin_text *text, int layer, const kin_image *image, int x, int y)
{
    const uint8_t *p = image->data + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
    bool grey = image->channels < 3;
    kin_text_format(text, "\x1b[%d;2;%d;%d;%dm", layer, p[0], p[grey ? 0 : 1], p[grey ? 0 : 2]);
}

/* Two lines of pixels a line of text; the last may have no lower one. */
static void add_lines(kin_text *text, const kin_image *image, int indent)
{
    enum { CHARACTER = 38, BACKGROUND = 48 };
    for (int y = 0; y < image->height; y += 2) {
        kin_text_format(text, "%*s", indent, "");
        for (int x = 0; x < image->width; x++) {
            add_colour(text, CHARACTER, image, x, y);
            if (y + 1 < image->height) add_colour(text, BACKGROUND, image, x, y + 1);
            kin_text_add(text, "\xe2\x96\x80");
        }
        kin_text_add(text, "\x1b[0m\n");
    }
}

bool kin_half_blocks_add(kin_text *text, const kin_image *image, int columns, int rows, int indent,
                         kin_error *err)
{
    kin_image small;
    double wide = (double)columns / image->width, high = 2.0 * rows / image->height,
           scale = wide < high ? wide : high;
    int width = (int)(image->width * scale + .5), height = (int)(image->height * scale + .5);
    if (!kin_image_resize(image, width < 1 ? 1 : width, height < 1 ? 1 : height, KIN_FILTER_BILINEAR, &small,
                          err))
        return false;
    add_lines(text, &small, indent);
    kin_image_free(&small);
    return !text->failed || kin_fail_memory(err, "a picture of characters", text->size);
}
