/* Pictures to numbers: scaling and light augmentation, on all cores. */
#ifndef KIN_DATA_BATCH_H
#define KIN_DATA_BATCH_H

#include "data/pictures.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_batch_opt {
    bool invert;                  /* 255 − x first: drawings, ink as 1 on paper as 0 */
    double mean[3], deviation[3]; /* by channel, (x/255 − mean)/deviation; deviation 0 means 1 */
    /* Augmentation; a key of 0 turns all of it off. */
    /* of the step: every picture's draw depends on it and the picture's place in the set */
    uint64_t key;
    bool flip;    /* mirrored, every other time */
    int shift;    /* moved by up to so many pixels each way, the border repeated */
    double light; /* brightness and contrast changed by up to this share */
    /* probability that a random rectangle (2 % to 20 % of the area) is filled with noise */
    double erase;
} kin_batch_opt;

/* Sets mean and deviation by name: "none" (bytes become 0..1), "half" (−1..1), "imagenet" (torchvision's),
 * "lite" ((x − 127)/128, EfficientNet-Lite's). False when there is no such name. */
bool kin_normalization(const char *name, kin_batch_opt *opt);
extern const char *const kin_normalization_names[]; /* end with NULL */

/* Fills out [n, size, size, channels] with pictures index[0 .. n-1], on all cores. */
void kin_batch_fill(const kin_pictures *p, const int64_t *index, int64_t n, const kin_batch_opt *opt,
                    float *out);

/* The same picture by picture, for threads that have each their own: `picture` is its place in the set. */
typedef struct kin_scaling {
    kin_batch_opt opt;
    float level[3][256]; /* what a byte becomes, by channel */
} kin_scaling;
void kin_scaling_make(kin_scaling *scale, const kin_batch_opt *opt);
/* `pixels` pixels, unchanged but scaled. */
void kin_scaling_pixels(const kin_scaling *scale, const uint8_t *from, size_t pixels, int channels,
                        float *out);
void kin_scaling_picture(const kin_scaling *scale, const kin_image *image, int64_t picture, uint64_t key,
                         float *out);

#ifdef __cplusplus
}
#endif

#endif
