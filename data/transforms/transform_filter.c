/* Neighbourhoods: sharpness and blur. Rows are flat runs of samples; a neighbour is `channels` samples
 * away. */
#include "base/memory.h"
#include "data/transforms/transform.h"
#include "data/transforms/transform_parts.h"

#include <math.h>
#include <string.h>

/* ---- sharpness ---- */

/* Pillow's SMOOTH: the 3×3 mean with the middle counted five times. Thirteenths never lie half-way between
 * two bytes, so whole numbers give what its floats do. The outermost samples stay. */
static void smooth_row(const uint8_t *restrict above, const uint8_t *restrict row,
                       const uint8_t *restrict below, uint8_t *restrict out, size_t count, size_t step)
{
    memcpy(out, row, step);
    for (size_t i = step; i < count - step; i++) {
        unsigned sum = above[i - step] + above[i] + above[i + step] + row[i - step] + 5u * row[i] +
                       row[i + step] + below[i - step] + below[i] + below[i + step];
        out[i] = (uint8_t)((2 * sum + 13) * 40330u >> 20); /* (2 sum + 13)/26 for all sums to 13·255 */
    }
    memcpy(out + count - step, row + count - step, step);
}

bool kin_image_sharpness(kin_image *image, double factor, kin_error *err)
{
    if (image->width < 3 || image->height < 3 || (float)factor == 1) return true;
    size_t step = (size_t)image->channels, row = (size_t)image->width * step,
           inner = row * (size_t)(image->height - 2);
    uint8_t *smooth = kin_alloc(inner);
    if (!smooth) return kin_fail_memory(err, "a smoothed picture", inner);
    for (size_t y = 0; y + 2 < (size_t)image->height; y++) {
        const uint8_t *above = image->data + y * row;
        smooth_row(above, above + row, above + 2 * row, smooth + y * row, row, step);
    }
    kin_blend(image->data + row, smooth, inner, (float)factor);
    kin_free(smooth);
    return true;
}

/* ---- blur ---- */

static int reflected(int i, int size)
{
    if (size == 1) return 0;
    int period = 2 * size - 2, at = i % period;
    if (at < 0) at += period;
    return at < size ? at : period - at;
}

/* weights[0] is the middle's; the kernel is symmetric. Normalised over the whole kernel; tails that all
 * together weigh less than a hundredth of a level are left out. Returns the radius. */
static int gaussian(int kernel, double sigma, float *weights)
{
    int radius = kernel / 2;
    double sum = 0, rest = 0;
    for (int i = -radius; i <= radius; i++) sum += exp(-0.5 * (i / sigma) * (i / sigma));
    for (int i = 0; i <= radius; i++) weights[i] = (float)(exp(-0.5 * (i / sigma) * (i / sigma)) / sum);
    while (radius > 0 && (rest += 2 * weights[radius]) * 255 < 0.01) radius--;
    return radius;
}

/* sum[i] = Σ_k weights[|k|] middle[i + k·step]; a row's neighbours are `step` floats away. */
static void weigh(const float *restrict middle, ptrdiff_t step, const float *weights, int radius,
                  float *restrict sum, size_t count)
{
    for (size_t i = 0; i < count; i++) sum[i] = weights[0] * middle[i];
    for (int k = 1; k <= radius; k++) {
        const float *restrict before = middle - k * step, *restrict after = middle + k * step;
        float weight = weights[k];
        for (size_t i = 0; i < count; i++) sum[i] += weight * (before[i] + after[i]);
    }
}

/* Across: a row as floats, with its reflection on both sides. */
static void blur_row(const kin_image *image, int y, const float *weights, int radius, float *padded,
                     float *out)
{
    size_t channels = (size_t)image->channels, row = (size_t)image->width * channels;
    const uint8_t *from = image->data + (size_t)y * row;
    float *middle = padded + (size_t)radius * channels;
    for (size_t i = 0; i < row; i++) middle[i] = from[i];
    for (int k = 1; k <= radius; k++)
        for (size_t c = 0; c < channels; c++) {
            *(middle + c - (size_t)k * channels) = from[(size_t)reflected(-k, image->width) * channels + c];
            middle[row + (size_t)(k - 1) * channels + c] =
                from[(size_t)reflected(image->width - 1 + k, image->width) * channels + c];
        }
    weigh(middle, (ptrdiff_t)channels, weights, radius, out, row);
}

/* Down: the rows already blurred across, the nearest to farthest, added up and rounded to bytes (half to
 * even, as torch does, by a number so large that it has no fraction left). */
static void blur_column(float *const *rows, int height, int y, const float *weights, int radius,
                        float *restrict sum, uint8_t *restrict out, size_t count)
{
    const float *restrict middle = rows[y];
    for (size_t i = 0; i < count; i++) sum[i] = weights[0] * middle[i];
    for (int k = 1; k <= radius; k++) {
        const float *restrict above = rows[reflected(y - k, height)], *restrict below =
                                                                          rows[reflected(y + k, height)];
        float weight = weights[k];
        for (size_t i = 0; i < count; i++) sum[i] += weight * (above[i] + below[i]);
    }
    for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(int)((sum[i] + 8388608.0f) - 8388608.0f);
}

bool kin_image_blur(kin_image *image, int kernel, double sigma, kin_error *err)
{
    enum { KERNEL_MAX = 255 };
    float weights[KERNEL_MAX / 2 + 1];
    if (kernel < 1 || kernel > KERNEL_MAX || kernel % 2 == 0 || !(sigma > 0))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "a blur needs an odd kernel of 1 to %d and a sigma above 0, not %d and %g",
                        KERNEL_MAX, kernel, sigma);
    int radius = gaussian(kernel, sigma, weights), height = image->height;
    size_t row = (size_t)image->width * (size_t)image->channels,
           padded = row + 2 * (size_t)radius * (size_t)image->channels, all;
    if (radius == 0) return true;
    if (!kin_mul_size(row, (size_t)height, &all)) return kin_fail_memory(err, "a blur", row);
    float *across = kin_alloc_array(all, sizeof *across), *scratch = kin_alloc_array(padded, sizeof *scratch),
          **rows = kin_alloc_array((size_t)height, sizeof *rows);
    bool ok = (across && scratch && rows) || kin_fail_memory(err, "a blur", all * sizeof *across);
    for (int y = 0; ok && y < height; y++) {
        rows[y] = across + (size_t)y * row;
        blur_row(image, y, weights, radius, scratch, rows[y]);
    }
    for (int y = 0; ok && y < height; y++)
        blur_column(rows, height, y, weights, radius, scratch, image->data + (size_t)y * row, row);
    kin_free(across);
    kin_free(scratch);
    kin_free(rows);
    return ok;
}
