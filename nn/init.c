/* Kaiming [He et al. 2015] keeps the variance of activations through ReLU layers: Var w = gain²/fan_in.
 * Xavier [Glorot and Bengio 2010] balances forward and backward: Var w = 2·gain²/(fan_in + fan_out). A
 * uniform distribution on ±b has the variance b²/3. */
#include "nn/init.h"

#include "base/random.h"

#include <math.h>

/* fan_in: the inputs that one output sums over; fan_out: the outputs that one input feeds. */
static void fans(const kin_param_opt *o, double *in, double *out)
{
    const int64_t *d = o->shape.dim;
    if (o->layout == KIN_LAYOUT_HWIO) { /* [kh, kw, in/groups, out] */
        *in = (double)(d[0] * d[1] * d[2]);
        *out = (double)(d[0] * d[1] * d[3]);
    } else if (o->shape.ndim >= 2) { /* [out, in] */
        *in = (double)(kin_shape_count(o->shape) / d[0]);
        *out = (double)(kin_shape_count(o->shape) / d[1]);
    } else {
        *in = *out = (double)kin_shape_count(o->shape);
    }
    if (o->fan_in > 0) *in = o->fan_in;
    if (o->fan_out > 0) *out = o->fan_out;
}

static void constant(kin_real *data, int64_t count, double value)
{
    for (int64_t i = 0; i < count; i++) data[i] = (kin_real)value;
}

static void uniform(kin_real *data, int64_t count, double bound, uint64_t key)
{
    for (int64_t i = 0; i < count; i++)
        data[i] = (kin_real)(bound * (2 * kin_random_uniform(key, (uint64_t)i) - 1));
}

static void normal(kin_real *data, int64_t count, double deviation, uint64_t key)
{
    for (int64_t i = 0; i < count; i++) data[i] = (kin_real)(deviation * kin_random_normal(key, (uint64_t)i));
}

void kin_init_fill(kin_real *data, const kin_param_opt *o, uint64_t key)
{
    int64_t n = kin_shape_count(o->shape);
    double in, out, kaiming = o->scale > 0 ? o->scale : sqrt(2), xavier = o->scale > 0 ? o->scale : 1;
    fans(o, &in, &out);
    switch (o->init) {
    case KIN_INIT_ZEROS: constant(data, n, 0); break;
    case KIN_INIT_ONES: constant(data, n, 1); break;
    case KIN_INIT_CONSTANT: constant(data, n, o->scale); break;
    case KIN_INIT_UNIFORM: uniform(data, n, o->scale, key); break;
    case KIN_INIT_NORMAL: normal(data, n, o->scale, key); break;
    case KIN_INIT_KAIMING_UNIFORM: uniform(data, n, kaiming * sqrt(3 / in), key); break;
    case KIN_INIT_KAIMING_NORMAL: normal(data, n, kaiming / sqrt(in), key); break;
    case KIN_INIT_KAIMING_NORMAL_FAN_OUT: normal(data, n, kaiming / sqrt(out), key); break;
    case KIN_INIT_XAVIER_UNIFORM: uniform(data, n, xavier * sqrt(6 / (in + out)), key); break;
    case KIN_INIT_XAVIER_NORMAL: normal(data, n, xavier * sqrt(2 / (in + out)), key); break;
    }
}
