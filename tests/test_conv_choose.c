/* By which kernel each convolution of the zoo is computed (kernels/conv/choose.h): in every direction, for one
 * picture, a batch, and a batch of small ones, as tests/golden/conv_kinds.txt has it, whatever the register tile
 * and the number of threads. 1×1 kernels are left out of the file: they are products.
 * `build/cc/tests/test_conv_choose print` prints that file. */
#include "autograd/conv_shape.h"
#include "autograd/op_options.h"
#include "autograd/tape.h"
#include "base/memory.h"
#include "kernels/conv/choose.h"
#include "kernels/isa.h"
#include "models/registry.h"
#include "tests/support/check.h"
#include "tests/support/numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHAPES = 2048, LINE = 200 };

typedef struct shapes {
    kin_conv_shape *at;
    size_t count;
} shapes;

static void pointwise(const kin_conv_shape *s)
{
    kin_conv_machine machine = kin_conv_this_machine();
    for (int d = 0; d < KIN_CONV_DIRECTIONS; d++)
        CHECK(kin_conv_choose(s, (kin_conv_direction)d, &machine).kind == KIN_CONV_PRODUCT);
}

static void collect(void *arg, const kin_call *call)
{
    shapes *all = arg;
    if (call->op != &kin_op_conv2d || all->count == SHAPES) return;
    kin_conv_shape s = kin_conv2d_shape(call->in[0], kin_shape_of(call->in[1]), call->opt);
    s.in_ld = s.in_c;
    if (s.kernel_h == 1 && s.kernel_w == 1) {
        pointwise(&s);
        return;
    }
    for (size_t i = 0; i < all->count; i++)
        if (memcmp(&all->at[i], &s, sizeof s) == 0) return;
    all->at[all->count++] = s;
}

static void collect_network(const kin_model *model, int64_t batch, int64_t size, shapes *all)
{
    kin_model_choice c = {.model = model};
    kin_shape input = KIN_SHAPE(batch, size, size, model->channels);
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = kin_module_outline(ctx, kin_model_net, &c, input);
    kin_record(ctx, false);
    ctx->dry = true;
    ctx->observe = collect, ctx->observe_arg = all;
    CHECK_MSG(m && kin_module_forward(m, kin_dry_input(ctx, input), KIN_EVAL), "%s: %s", model->name,
              kin_ctx_error(ctx)->message);
    ctx->observe = NULL;
    ctx->dry = false;
    kin_end_step(ctx);
    kin_module_free(m);
    kin_ctx_free(ctx);
}

static shapes of_zoo(void)
{
    shapes all = {.at = kin_alloc_array(SHAPES, sizeof *all.at)};
    for (int i = 0; all.at && kin_models[i]; i++) {
        const kin_model *m = kin_models[i];
        collect_network(m, 1, m->size, &all);
        collect_network(m, 32, m->size, &all);
        collect_network(m, 64, kin_min(m->size, 64), &all);
    }
    return all;
}

/* ---- the table ---- */

static const char *word(const kin_conv_choice *c)
{
    static const char *const words[] = {[KIN_CONV_PRODUCT] = "product",
                                        [KIN_CONV_PIXELS] = "pixels",
                                        [KIN_CONV_FEW] = "few",
                                        [KIN_CONV_DEPTHWISE] = "depthwise"};
    return c->kind != KIN_CONV_WINOGRAD ? words[c->kind] : c->tile == 4 ? "winograd4" : "winograd2";
}

/* "32 x 56x56x64 to 56x56x64, kernel 3x3, stride 1, pad 1, groups 1: winograd4 winograd2 winograd4 winograd2",
 * the last four by direction: packed, forward, input, weight. */
static void line_of(const kin_conv_shape *s, const kin_conv_machine *machine, char *line)
{
    typedef long long ll;
    int used = snprintf(line, LINE,
                        "%lld x %lldx%lldx%lld to %lldx%lldx%lld, kernel %lldx%lld, stride %lld, pad "
                        "%lld, groups %lld:",
                        (ll)s->batch, (ll)s->in_h, (ll)s->in_w, (ll)s->in_c, (ll)s->out_h, (ll)s->out_w,
                        (ll)s->out_c, (ll)s->kernel_h, (ll)s->kernel_w, (ll)s->stride_h, (ll)s->pad_top,
                        (ll)s->groups);
    for (int d = 0; d < KIN_CONV_DIRECTIONS; d++) {
        kin_conv_choice c = kin_conv_choose(s, (kin_conv_direction)d, machine);
        CHECK(c.workspace > 0 && c.workspace < SIZE_MAX);
        used += snprintf(line + used, (size_t)(LINE - used), " %s", word(&c));
    }
}

static shapes all;

static void as_kept(const char *isa)
{
    check_begin("choice: each convolution of the zoo has its kernel (%s)", isa);
    FILE *file = fopen("tests/golden/conv_kinds.txt", "r");
    kin_conv_machine machine = kin_conv_this_machine();
    size_t lines = 0;
    char want[LINE], got[LINE];
    CHECK(file);
    for (; file && fgets(want, sizeof want, file) && lines < all.count; lines++) {
        want[strcspn(want, "\n")] = 0;
        machine.threads = 1 + (int64_t)lines % 7;
        line_of(&all.at[lines], &machine, got);
        CHECK_MSG(strcmp(want, got) == 0, "'%s', not '%s'", got, want);
    }
    CHECK_MSG(lines == all.count, "%zu shapes, the file has %zu", all.count, lines);
    if (file) fclose(file);
    check_end();
}

/* More threads need more memory at most, and never another kernel. */
static void by_threads(const char *isa)
{
    check_begin("choice: only the workspace depends on threads (%s)", isa);
    kin_conv_machine one = kin_conv_this_machine(), many = one;
    one.threads = 1, many.threads = 64;
    for (size_t i = 0; i < all.count; i++)
        for (int d = 0; d < KIN_CONV_DIRECTIONS; d++) {
            kin_conv_choice a = kin_conv_choose(&all.at[i], (kin_conv_direction)d, &one),
                            b = kin_conv_choose(&all.at[i], (kin_conv_direction)d, &many);
            CHECK(a.kind == b.kind && a.tile == b.tile && a.workspace <= b.workspace);
        }
    check_end();
}

static void for_set(const char *isa)
{
    as_kept(isa);
    by_threads(isa);
}

int main(int argc, char **argv)
{
    all = of_zoo();
    if (argc > 1 && strcmp(argv[1], "print") == 0) {
        kin_conv_machine machine = kin_conv_this_machine();
        char line[LINE];
        for (size_t i = 0; i < all.count; i++) line_of(&all.at[i], &machine, line), puts(line);
        return 0;
    }
    CHECK(all.count > 0 && all.count < SHAPES);
    numbers_each_isa("choice", for_set);
    kin_free(all.at);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
