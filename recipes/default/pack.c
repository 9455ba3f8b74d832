/* Makes models/default/kin.safetensors: a trained network and a whitening of what it says, as one network whose embedding
 * is the whitening, in numbers of 16 bits.
 *
 *   pack RUN/model.safetensors WHITENING.safetensors OUT
 */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "nn/files/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The nearest number of 16 bits, of two as near the even one. */
static uint16_t half(double x)
{
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    double size = fabs(x);
    int exponent;
    if (size == 0) return sign;
    frexp(size, &exponent); /* size in [2^(exponent - 1), 2^exponent) */
    if (exponent < -13) exponent = -13;
    double steps = nearbyint(
        ldexp(size, 11 - exponent)); /* of the last bit; 1024 .. 2048, fewer below the smallest */
    long bits = (long)steps + ((long)(exponent + 13) << 10);
    return bits >= 0x7c00 ? 0xffff : (uint16_t)(sign | bits);
}

typedef struct packing {
    kin_text head, body; /* the body's bytes */
    kin_error *err;
} packing;

static void put(packing *p, const char *name, int ndim, const int64_t *shape, const double *number,
                size_t count)
{
    size_t begin = p->body.size;
    for (size_t i = 0; i < count; i++) {
        uint16_t bits = half(number[i]);
        if ((bits & 0x7c00) == 0x7c00)
            kin_fail(p->err, KIN_ERR_NUMERIC, "%s: %g does not fit into 16 bits", name, number[i]);
        char bytes[2] = {(char)(bits & 255), (char)(bits >> 8)};
        kin_text_add_bytes(&p->body, bytes, 2);
    }
    kin_text_format(&p->head, ",\"%s\":{\"dtype\":\"F16\",\"shape\":[", name);
    for (int d = 0; d < ndim; d++) kin_text_format(&p->head, "%s%lld", d ? "," : "", (long long)shape[d]);
    kin_text_format(&p->head, "],\"data_offsets\":[%zu,%zu]}", begin, p->body.size);
}

static void put_network(packing *p, const kin_checkpoint *run)
{
    for (int i = 0; i < kin_checkpoint_count(run); i++) {
        const kin_array *a = kin_checkpoint_array(run, i);
        double *number = kin_alloc_array(a->count + 1, sizeof *number);
        if (!number || strstr(a->name, "num_batches_tracked") || !kin_dtype_is_real(a->dtype) ||
            strncmp(a->name, "embedding.", 10) == 0) {
            kin_free(number);
            continue;
        }
        for (size_t k = 0; k < a->count; k++) number[k] = kin_array_number(a, k);
        put(p, a->name, a->ndim, a->shape, number, a->count);
        kin_free(number);
    }
}

/* What the network says is E x + e: P (E x + e - m) is the layer of weight P E and bias P (e - m). */
static void put_embedding(packing *p, const kin_checkpoint *run, const kin_checkpoint *whitening)
{
    const kin_array *m = kin_checkpoint_find(whitening, "mean"),
                    *w = kin_checkpoint_find(whitening, "projection"),
                    *e = kin_checkpoint_find(run, "embedding.weight"),
                    *b = kin_checkpoint_find(run, "embedding.bias");
    if (!m || !w || w->ndim != 2 || (size_t)w->shape[1] != m->count || !e || e->ndim != 2 ||
        e->shape[0] != w->shape[1] || !b || b->count != m->count) {
        kin_fail(p->err, KIN_ERR_DATA, "no whitening by kin whiten of what such a network says");
        return;
    }
    size_t rows = (size_t)w->shape[0], between = m->count, columns = (size_t)e->shape[1];
    double *number = kin_alloc_array(rows * columns, sizeof *number),
           *bias = kin_alloc_array(rows, sizeof *bias);
    for (size_t r = 0; number && bias && r < rows; r++) {
        double *out = number + r * columns;
        bias[r] = 0;
        for (size_t c = 0; c < columns; c++) out[c] = 0;
        for (size_t k = 0; k < between; k++) {
            double weight = kin_array_number(w, r * between + k);
            bias[r] += weight * (kin_array_number(b, k) - kin_array_number(m, k));
            for (size_t c = 0; c < columns; c++) out[c] += weight * kin_array_number(e, k * columns + c);
        }
    }
    if (number && bias) {
        put(p, "embedding.weight", 2, (int64_t[]){(int64_t)rows, (int64_t)columns}, number, rows * columns);
        put(p, "embedding.bias", 1, (int64_t[]){(int64_t)rows}, bias, rows);
    } else kin_fail_memory(p->err, "the whitening", rows * columns);
    kin_free(number), kin_free(bias);
}

static bool write_packed(const packing *p, const char *path, kin_error *err)
{
    kin_text all = {0};
    size_t padded = (p->head.size + 1 + 7) / 8 * 8; /* the numbers begin at a multiple of 8 */
    for (int i = 0; i < 8; i++) {
        char byte = (char)((uint64_t)padded >> 8 * i & 255);
        kin_text_add_bytes(&all, &byte, 1);
    }
    kin_text_add_bytes(&all, p->head.data, p->head.size);
    kin_text_add(&all, "}");
    for (size_t i = p->head.size + 1; i < padded; i++) kin_text_add(&all, " ");
    kin_text_add_bytes(&all, p->body.data, p->body.size);
    bool ok = !all.failed ? kin_write_file(path, all.data, all.size, err)
                          : kin_fail_memory(err, path, all.size);
    kin_text_free(&all);
    return ok;
}

int main(int argc, char **argv)
{
    kin_error err = {0};
    kin_checkpoint *run = NULL, *whitening = NULL;
    packing p = {.err = &err};
    if (argc != 4) return fprintf(stderr, "usage: %s NETWORK WHITENING OUT\n", argv[0]), 2;
    bool ok = kin_checkpoint_open(argv[1], &run, &err) && kin_checkpoint_open(argv[2], &whitening, &err);
    if (ok) {
        kin_text_add(&p.head, "{\"__metadata__\":{\"kin.network\":\"1\",\"about\":\"docs/model-card.md\"}");
        put_network(&p, run), put_embedding(&p, run, whitening);
        if (p.head.failed || p.body.failed) kin_fail_memory(&err, argv[3], p.body.size);
        ok = !kin_failed(&err) && write_packed(&p, argv[3], &err);
    }
    if (!ok) fprintf(stderr, "%s: %s\n", argv[0], err.message);
    kin_text_free(&p.head), kin_text_free(&p.body);
    kin_checkpoint_free(run), kin_checkpoint_free(whitening);
    return !ok;
}
