#include "cli/retrieve/whitening_file.h"

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/npy.h"
#include "nn/files/checkpoint.h"

#include <math.h>
#include <string.h>

/* Little-endian, whatever the machine. */
static void put_word(FILE *stream, uint64_t word, int bytes)
{
    for (int i = 0; i < bytes; i++) putc((int)(word >> (8 * i) & 255), stream);
}

static void put_floats(FILE *stream, const float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        put_word(stream, bits, 4);
    }
}

bool kin_whitening_save(const kin_whitening *w, const char *path, const char *about, kin_error *err)
{
    kin_text header = {0};
    kin_file file;
    long long in = w->in, out = w->out, mean = 8 * in, projection = mean + 4 * in * out,
              variance = projection + 4 * out;
    kin_text_add(&header, "{\"__metadata__\":{\"kin\":\"whitening\",\"about\":");
    kin_json_add_string(&header, about);
    kin_text_format(&header, "},\"mean\":{\"dtype\":\"F64\",\"shape\":[%lld],\"data_offsets\":[0,%lld]},", in,
                    mean);
    kin_text_format(&header,
                    "\"projection\":{\"dtype\":\"F32\",\"shape\":[%lld,%lld],\"data_offsets\":[%lld,%lld]},",
                    out, in, mean, projection);
    kin_text_format(&header,
                    "\"variance\":{\"dtype\":\"F32\",\"shape\":[%lld],\"data_offsets\":[%lld,%lld]}}", out,
                    projection, variance);
    while (header.size % 8 && !header.failed) kin_text_add(&header, " ");
    bool ok = header.failed ? kin_fail_memory(err, path, 1024) : kin_file_create(&file, path, err);
    if (ok) {
        put_word(file.stream, header.size, 8);
        fwrite(header.data, 1, header.size, file.stream);
        for (int64_t i = 0; i < w->in; i++) {
            uint64_t bits;
            memcpy(&bits, &w->mean[i], sizeof bits);
            put_word(file.stream, bits, 8);
        }
        put_floats(file.stream, w->projection, w->in * w->out);
        put_floats(file.stream, w->variance, w->out);
        ok = kin_file_commit(&file, err);
    }
    kin_text_free(&header);
    return ok;
}

static bool take(const kin_checkpoint *c, kin_whitening *w, kin_error *err)
{
    const kin_array *mean = kin_checkpoint_find(c, "mean"),
                    *projection = kin_checkpoint_find(c, "projection"),
                    *variance = kin_checkpoint_find(c, "variance");
    if (!mean || !projection || !variance)
        return kin_fail(err, KIN_ERR_DATA,
                        "this is no whitening: the arrays mean, projection and variance were expected");
    bool fits = mean->ndim == 1 && projection->ndim == 2 && variance->ndim == 1 &&
                projection->shape[1] == mean->shape[0] && projection->shape[0] == variance->shape[0] &&
                mean->count > 0 && variance->count > 0;
    if (!fits)
        return kin_fail(err, KIN_ERR_DATA,
                        "mean [in], projection [out, in] and variance [out] were expected; the shapes do not "
                        "fit together");
    *w = (kin_whitening){mean->shape[0], projection->shape[0], kin_alloc_array(mean->count, sizeof(double)),
                         kin_alloc_array(projection->count, sizeof(float)),
                         kin_alloc_array(variance->count, sizeof(float))};
    if (!w->mean || !w->projection || !w->variance)
        return kin_fail_memory(err, "a whitening", (unsigned long long)projection->count * sizeof(float));
    for (size_t i = 0; i < mean->count; i++) {
        w->mean[i] = kin_array_number(mean, i);
        if (!isfinite(w->mean[i])) return kin_fail(err, KIN_ERR_NUMERIC, "the mean holds NaN or infinity");
    }
    for (size_t i = 0; i < projection->count; i++) w->projection[i] = (float)kin_array_number(projection, i);
    for (size_t i = 0; i < variance->count; i++) w->variance[i] = (float)kin_array_number(variance, i);
    return kin_check_finite(w->projection, w->out, w->in, "the projection", err);
}

bool kin_whitening_load(const char *path, kin_whitening *out, kin_error *err)
{
    kin_checkpoint *c;
    *out = (kin_whitening){0};
    if (!kin_checkpoint_open(path, &c, err)) return false;
    bool ok = take(c, out, err);
    kin_checkpoint_free(c);
    if (ok) return true;
    kin_error_prefix(err, "%s", path);
    kin_whitening_free(out);
    return false;
}
