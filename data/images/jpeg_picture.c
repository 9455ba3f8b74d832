/* The components' planes to a picture: every component to full size, row by row, then to RGB, then the
 * right way up. */
#include "base/memory.h"
#include "data/images/formats.h"
#include "data/images/jpeg.h"
#include "kernels/isa.h"

#include <string.h>

KIN_ISA_DECLARE(kin_jpeg_blocks, kin_jpeg_blocks);

const kin_jpeg_blocks *kin_jpeg_kernels(void)
{
    static const kin_jpeg_blocks *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_jpeg_blocks);
    return tables[kin_isa()];
}

static int within(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

/* Row y of the picture in component c, at full width: a row of the plane where that is it, else made in
 * `room`. Components at half the sampling are smoothed, as libjpeg does by default; other ratios repeat
 * samples. */
static const uint8_t *full_row(const kin_jpeg *j, const kin_jpeg_component *c, int y, uint8_t *room)
{
    const kin_jpeg_blocks *k = kin_jpeg_kernels();
    int full = 8 / j->scale, across = j->h_max * full, own_across = c->h * c->size, down = j->v_max * full,
        own_down = c->v * c->size;
    int own_y = within((int)((int64_t)y * own_down / down), c->height);
    const uint8_t *row = c->plane + (size_t)own_y * c->stride;
    bool smooth = full > 1, twice = across == 2 * own_across && c->width > 2;
    if (own_down == down && own_across == across) return row;
    if (smooth && own_down == down && twice) {
        k->wider(row, c->width, room);
        return room;
    }
    if (smooth && 2 * own_down == down && (twice || across == own_across)) {
        const uint8_t *near = c->plane + (size_t)within(y & 1 ? own_y + 1 : own_y - 1, c->height) * c->stride;
        if (twice) k->wider_mixed(row, near, c->width, room);
        else k->mixed(row, near, c->width, y & 1 ? 2 : 1, room);
        return room;
    }
    int width = (j->width + j->scale - 1) / j->scale;
    for (int x = 0; x < width; x++) room[x] = row[within((int)((int64_t)x * own_across / across), c->width)];
    return room;
}

typedef enum { GREY, RGB, YCC, CMYK, YCCK } colours;

/* Which colours the components are, by the marks and, where there are none, the components' names:
 * libjpeg's rules. */
static colours colours_of(const kin_jpeg *j)
{
    if (j->components == 1) return GREY;
    if (j->components == 4) return !j->adobe || j->adobe_transform == 0 ? CMYK : YCCK;
    if (j->jfif) return YCC;
    if (j->adobe) return j->adobe_transform == 0 ? RGB : YCC;
    return j->component[0].id == 'R' && j->component[1].id == 'G' && j->component[2].id == 'B' ? RGB : YCC;
}

/* YCCK's first three are the RGB that the inks leave out of white: 255 − RGB is the (inverted) ink. */
static void invert(uint8_t *bytes, int n)
{
    for (int i = 0; i < n; i++) bytes[i] = (uint8_t)(255 - bytes[i]);
}

static void interleave(const uint8_t *const rows[3], int n, uint8_t *out)
{
    for (int x = 0; x < n; x++)
        for (int c = 0; c < 3; c++) out[3 * x + c] = rows[c][x];
}

static void paint_rows(const kin_jpeg *j, kin_image *out, uint8_t *room, size_t stride)
{
    colours kind = colours_of(j);
    const kin_jpeg_blocks *k = kin_jpeg_kernels();
    for (int y = 0; y < out->height; y++) {
        const uint8_t *rows[KIN_JPEG_COMPONENTS];
        uint8_t *to = out->data + (size_t)y * (size_t)out->width * (size_t)out->channels;
        for (int i = 0; i < j->components; i++)
            rows[i] = full_row(j, &j->component[i], y, room + (size_t)i * stride);
        if (kind == GREY) {
            memcpy(to, rows[0], (size_t)out->width);
            continue;
        }
        if (kind == YCC || kind == YCCK) k->ycc_to_rgb(rows[0], rows[1], rows[2], out->width, to);
        else interleave(rows, out->width, to);
        if (kind == YCCK) invert(to, 3 * out->width);
        if (kind == YCCK || kind == CMYK) kin_inks_to_rgb(rows[3], out->width, to);
    }
}

bool kin_jpeg_picture(const kin_jpeg *j, kin_image *out, kin_error *err)
{
    size_t stride = (size_t)j->mcus_wide * (size_t)j->h_max * 8 + 64;
    uint8_t *room = kin_alloc_array(KIN_JPEG_COMPONENTS, stride);
    if (!room) return kin_fail_memory(err, "rows of a JPEG", KIN_JPEG_COMPONENTS * stride);
    bool ok = kin_image_new(out, (j->width + j->scale - 1) / j->scale, (j->height + j->scale - 1) / j->scale,
                            j->components == 1 ? 1 : 3, err);
    if (ok) paint_rows(j, out, room, stride);
    kin_free(room);
    ok = ok && kin_image_upright(out, j->orientation ? j->orientation : j->xmp_orientation, err);
    if (!ok) kin_image_free(out);
    return ok;
}
