#include "tests/support/brute.h"

#include "base/random.h"

void brute_clusters(float *out, int64_t count, int64_t dim, int64_t classes, double spread, uint64_t seed)
{
    uint64_t centres = kin_key(seed, 1, 0), noise = kin_key(seed, 2, 0);
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < dim; d++) {
            double centre = kin_random_normal(centres, (uint64_t)(i % classes * dim + d));
            out[i * dim + d] = (float)(centre + spread * kin_random_normal(noise, (uint64_t)(i * dim + d)));
        }
}
