#include "tests/support/hashed.h"

#include "base/random.h"

#include <math.h>
#include <string.h>

int64_t hashed_index(const kin_entry *e, int64_t i)
{
    if (e->layout != KIN_LAYOUT_HWIO) return i;
    kin_shape s = kin_shape_of(e->tensor);
    const int64_t *d = s.dim; /* [kh, kw, in, out] */
    int64_t o = i % d[3], c = i / d[3] % d[2], w = i / d[3] / d[2] % d[1], h = i / d[3] / d[2] / d[1];
    return ((o * d[2] + c) * d[0] + h) * d[1] + w;
}

double hashed_number(uint64_t key, int64_t i) { return 2 * kin_random_uniform(key, (uint64_t)i) - 1; }

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

void hashed_fill(kin_module *m)
{
    for (int at = 0; at < kin_module_entries(m); at++) {
        kin_entry *e = kin_module_entry(m, at);
        kin_real *data = kin_entry_data(e);
        kin_shape shape = kin_shape_of(e->tensor);
        uint64_t key = kin_key_text(1, e->name);
        int64_t count = kin_count(e->tensor),
                outputs = e->layout == KIN_LAYOUT_HWIO ? shape.dim[3] : shape.dim[0];
        double bound = sqrt(6.0 / (double)(count / outputs));
        bool positive = ends_with(e->name, "running_var") ||
                        (shape.ndim == 1 && ends_with(e->name, "weight"));
        for (int64_t i = 0; i < count; i++) {
            double u = kin_random_uniform(key, (uint64_t)hashed_index(e, i));
            data[i] = (kin_real)(float)(positive          ? 0.5 + u
                                        : shape.ndim == 1 ? 0.4 * u - 0.2
                                                          : (2 * u - 1) * bound);
        }
    }
}

kin_tensor *hashed_input(kin_ctx *ctx, const char *name, kin_shape s)
{
    kin_tensor *x = kin_input(ctx, s, NULL);
    kin_real *data = (kin_real *)kin_data(x);
    uint64_t key = kin_key_text(1, name);
    int64_t channels = kin_channels(x), pixels = s.ndim == 4 ? s.dim[1] * s.dim[2] : 1;
    for (int64_t i = 0; i < kin_count(x); i++) {
        int64_t c = i % channels, pixel = i / channels % pixels, n = i / channels / pixels;
        data[i] = (kin_real)(float)hashed_number(key, (n * channels + c) * pixels + pixel);
    }
    return x;
}
