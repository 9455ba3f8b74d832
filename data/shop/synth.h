/* A shop that draws itself: products with a silhouette, a texture, colours and a print of their own, seen
 * in views that differ in pose, scale, light, background, occlusion and noise. Silhouettes and palettes
 * are shared among products, so that neither a histogram of colours nor an outline tells one from the
 * others: products 4n to 4n + 3 are a line, a product and three that differ from it by the print, the
 * colours or the texture alone.
 *
 * A picture is a pure function of (seed, product, view, size): no state, no files, the same bytes for any
 * number of threads and with any compiler (libm is used for sqrt and floor only, which are exact). */
#ifndef KIN_DATA_SHOP_SYNTH_H
#define KIN_DATA_SHOP_SYNTH_H

#include "base/error.h"
#include "data/images/image.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KIN_SYNTH_SIZE_MIN = 8,
    KIN_SYNTH_SIZE_MAX = 1024,
    KIN_SYNTH_COUNT_MAX = 1000000,
    KIN_SYNTH_MORE_MAX = 20
};

typedef struct kin_synth_opt {
    uint64_t seed;
    int products, views; /* 0: 200 and 10; numbers from 0; only kin_synth_write needs them */
    int size;            /* side of the square pictures in pixels; 0: 64 */
    /* More disorder than usual: so many more things behind the product, and in front of it. All else of a picture, its pose
     * and light, stays as it is. */
    int clutter, occluders;
    /* Called now and then by kin_synth_write from its own thread; false ends the work with
     * KIN_ERR_INTERRUPTED. */
    bool (*progress)(void *arg, int64_t done, int64_t total);
    void *progress_arg;
} kin_synth_opt;

/* Draws one view of one product, both counted from 0, as RGB. The pose, light and layout do not depend on
 * the size. Safe to call from several threads. */
bool kin_synth_image(const kin_synth_opt *opt, int product, int view, kin_image *out, kin_error *err);

/* The name of the product's silhouette, "bottle": a static string. */
const char *kin_synth_kind(const kin_synth_opt *opt, int product);

/* Writes folder/product-0001/view-01.png and so on: drawn in parallel into a folder beside it and renamed
 * when complete. `folder` must not exist, or be empty. */
bool kin_synth_write(const char *folder, const kin_synth_opt *opt, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
