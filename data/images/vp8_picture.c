/* Planes to the picture: chroma is widened as libwebp does by default ("fancy"), then colours. */
#include "base/memory.h"
#include "data/images/vp8.h"
#include "kernels/isa.h"

KIN_ISA_DECLARE(kin_vp8_samples, kin_vp8_samples);

const kin_vp8_samples *kin_vp8_kernels(void)
{
    static const kin_vp8_samples *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_vp8_samples);
    return tables[kin_isa()];
}

void kin_vp8_smooth_row(const kin_vp8 *v, int row)
{
    const kin_vp8_samples *k = kin_vp8_kernels();
    const kin_vp8_edges *edges = v->edges + (size_t)(row & 1) * (size_t)v->blocks_wide;
    const kin_vp8_plane *p = v->plane;
    for (int x = 0; x < v->blocks_wide; x++) {
        size_t at = (size_t)row * 8 * p[1].stride + (size_t)x * 8;
        if (!edges[x].limit) continue;
        k->smooth_luma(p[0].data + (size_t)row * 16 * p[0].stride + (size_t)x * 16, p[0].stride, edges[x],
                       v->simple, x > 0, row > 0);
        if (!v->simple)
            k->smooth_chroma(p[1].data + at, p[2].data + at, p[1].stride, edges[x], x > 0, row > 0);
    }
}

/* The row of chroma beside the one that row y lies in, on y's side; at the edges itself. */
static int neighbour(int y, int rows)
{
    int other = y / 2 + (y % 2 ? 1 : -1);
    return other < 0 ? 0 : other >= rows ? rows - 1 : other;
}

bool kin_vp8_picture(const kin_vp8 *v, kin_image *out, kin_error *err)
{
    const kin_vp8_samples *k = kin_vp8_kernels();
    size_t width = (size_t)v->width, channels = (size_t)out->channels;
    uint8_t *wide = kin_alloc_array(2, width);
    if (!wide) return kin_fail_memory(err, "a row of a WebP", 2 * width);
    for (int y = 0; y < v->height; y++) {
        for (int c = 0; c < 2; c++) {
            const kin_vp8_plane *p = &v->plane[1 + c];
            k->upsample(p->data + (size_t)(y / 2) * p->stride,
                        p->data + (size_t)neighbour(y, (v->height + 1) / 2) * p->stride, v->width,
                        wide + (size_t)c * width);
        }
        k->to_rgb(v->plane[0].data + (size_t)y * v->plane[0].stride, wide, wide + width, v->width,
                  out->channels, out->data + (size_t)y * width * channels);
    }
    kin_free(wide);
    return true;
}
