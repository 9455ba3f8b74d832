/* Any bytes as a checkpoint; what parses is also loaded, so that the numbers behind the header are read.
 * The network is made once. */
#include "nn/files/fit.h"
#include "nn/layers.h"
#include "tests/fuzz/long.h"

static kin_tensor *network(kin_scope *s, kin_tensor *x, void *arg)
{
    (void)arg;
    return kin_batch_norm(kin_sub(s, "bn"), kin_linear(kin_sub(s, "a"), x, &(kin_linear_opt){.out = 2}),
                          &(kin_norm_opt){.act = KIN_RELU});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kin_module *m;
    static kin_optim *optim;
    if (!m) {
        m = kin_module_new(kin_ctx_new(), network, NULL, KIN_SHAPE(4, 2), 1);
        optim = kin_optim_new(m, &(kin_optim_opt){.kind = KIN_SGD});
    }
    kin_error err = {0};
    kin_checkpoint *c;
    kin_bytes b = kin_lengthened(data, size, 1 << 20);
    bool parsed = m && kin_checkpoint_parse(b.data, b.size, &c, &err);
    kin_bytes_free(&b);
    if (!parsed) return 0;
    kin_import_info info = {0};
    int summed;
    if (!kin_import_fit(c, m, &info, &err) || !kin_import_sum_channels(c, m, &summed, &err))
        kin_error_clear(&err);
    if (!kin_checkpoint_load(c, m, NULL, &err)) {
        kin_error_clear(&err);
        kin_checkpoint_load(c, m, "*", &err);
    }
    kin_error_clear(&err);
    if (optim) kin_checkpoint_load_optim(c, optim, &err);
    kin_checkpoint_free(c);
    return 0;
}
