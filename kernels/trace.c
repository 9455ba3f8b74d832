#include "kernels/trace.h"

#include <stdio.h>

static struct {
    kin_trace_fn *fn;
    void *arg;
} listener;

void kin_trace_kernels(kin_trace_fn *fn, void *arg)
{
    listener.fn = fn;
    listener.arg = arg;
}

typedef long long ll;

void kin_trace_conv(const char *work, const kin_conv_shape *s, const char *kernel)
{
    char shape[160];
    if (!listener.fn) return;
    int used = snprintf(shape, sizeof shape, "%lld x %lldx%lldx%lld to %lldx%lldx%lld, kernel %lldx%lld",
                        (ll)s->batch, (ll)s->in_h, (ll)s->in_w, (ll)s->in_c, (ll)s->out_h, (ll)s->out_w,
                        (ll)s->out_c, (ll)s->kernel_h, (ll)s->kernel_w);
    size_t room = sizeof shape - (size_t)used;
    if (s->stride_h != 1 || s->stride_w != 1)
        used += snprintf(shape + used, room, ", stride %lld", (ll)s->stride_h),
            room = sizeof shape - (size_t)used;
    if (s->groups != 1) snprintf(shape + used, room, ", %lld groups", (ll)s->groups);
    listener.fn(listener.arg, work, shape, kernel);
}

void kin_trace_gemm(int64_t m, int64_t n, int64_t k, const char *kernel)
{
    char shape[80];
    if (!listener.fn) return;
    snprintf(shape, sizeof shape, "%lld x %lld x %lld", (ll)m, (ll)n, (ll)k);
    listener.fn(listener.arg, "product", shape, kernel);
}
