#include "tests/support/zoo_gradients.h"

#include "autograd/ops.h"
#include "base/random.h"
#include "tests/support/check.h"
#include "tests/support/hashed.h"

#include <math.h>

void zoo_open(zoo_network *z, const char *name, int64_t batch, int64_t size)
{
    *z = (zoo_network){.ctx = kin_ctx_new(),
                       .choice = {kin_model_find(name), {.classes = 10}},
                       .batch = batch,
                       .size = size};
    if (z->choice.model)
        z->module = kin_module_new_zero(z->ctx, kin_model_net, &z->choice, KIN_SHAPE(batch, size, size, 3));
    CHECK_MSG(z->module, "%s: %s", name, kin_ctx_error(z->ctx)->message);
    if (z->module) hashed_fill(z->module);
}

void zoo_close(zoo_network *z)
{
    kin_module_free(z->module);
    kin_ctx_free(z->ctx);
}

double zoo_backward(zoo_network *z, const char *input)
{
    kin_module_zero_grad(z->module);
    kin_tensor *y = kin_module_forward(
        z->module, hashed_input(z->ctx, input, KIN_SHAPE(z->batch, z->size, z->size, 3)), KIN_TRAIN);
    kin_tensor *loss = kin_sum(kin_mul(y, hashed_input(z->ctx, "loss", KIN_SHAPE(z->batch, 10))), 0);
    double value = kin_item(loss);
    CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(z->ctx)->message);
    kin_end_step(z->ctx);
    return value;
}

double zoo_error(zoo_network *z, const char *name, int64_t count, const double *projections,
                 int n_projections)
{
    const kin_entry *e = kin_module_find(z->module, name);
    CHECK_MSG(e && kin_count(e->tensor) == count, "%s is missing, or of another size", name);
    if (!e || kin_count(e->tensor) != count) return NAN;
    const kin_real *grad = kin_module_grads(z->module) + kin_entry_offset(z->module, e);
    double squares = 0;
    for (int k = 0; k < n_projections; k++) {
        uint64_t key = kin_key_text(100 + (uint64_t)k, name);
        double sum = 0;
        for (int64_t i = 0; i < count; i++) sum += (double)grad[i] * hashed_number(key, hashed_index(e, i));
        squares += (sum - projections[k]) * (sum - projections[k]);
    }
    return sqrt(3 * squares / n_projections);
}

bool zoo_read_names(FILE *file, zoo_names *out)
{
    char input[32], rest[512];
    double loss, norm;
    out->count = 0;
    if (fscanf(file, " = %31s %31s %lf", out->network, input, &loss) != 3) return false;
    while (out->count < ZOO_TENSORS && fscanf(file, " %127[^= ] %lld %lf%511[^\n]", out->name[out->count],
                                              &out->numbers[out->count], &norm, rest) == 4)
        out->count++;
    return true;
}

const double *zoo_read_rows(const char *path, int columns, kin_bytes *bytes, int64_t *rows)
{
    kin_npy_layout layout;
    kin_error err = {0};
    *rows = 0;
    if (!kin_read_file(path, 0, bytes, &err) ||
        !kin_npy_describe(bytes->data, bytes->size, path, &layout, &err))
        return NULL;
    if (layout.dims == 2 && layout.shape[1] == columns && layout.kind == 'f' && layout.item == sizeof(double))
        *rows = layout.shape[0];
    bool whole = *rows > 0 && bytes->size - layout.offset == (size_t)*rows * (size_t)columns * sizeof(double);
    return whole ? (const double *)(const void *)(bytes->data + layout.offset) : NULL;
}
