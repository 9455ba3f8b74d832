/* A convolution that can be followed with a finger: 5 × 5 numbers, a kernel of 3 × 3, 3 × 3 results; and its
 * backward, from all of them or from one. */
#include "autograd/ops.h"
#include "cli/learn/figure.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 5, KERNEL = 3, RESULT = 3, CELL = 34 };

typedef struct numbers {
    kin_real x[SIDE * SIDE], w[KERNEL * KERNEL], y[RESULT * RESULT], dy[RESULT * RESULT], dx[SIDE * SIDE],
        dw[KERNEL * KERNEL];
} numbers;

/* e = Σ dy·y, so that dy is what flows back into y. */
static bool compute(numbers *n, kin_error *err)
{
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail_memory(err, "a context", 1);
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(1, SIDE, SIDE, 1), n->x);
    kin_tensor *w = kin_variable(ctx, KIN_SHAPE(KERNEL, KERNEL, 1, 1), n->w);
    kin_tensor *y = kin_conv2d(x, w, NULL, NULL);
    kin_backward(kin_sum(kin_mul(y, kin_input(ctx, KIN_SHAPE(1, RESULT, RESULT, 1), n->dy)), 0));
    bool ok = kin_read(y, n->y) && kin_ok(ctx);
    if (ok) memcpy(n->dx, kin_grad(x), sizeof n->dx), memcpy(n->dw, kin_grad(w), sizeof n->dw);
    else kin_take_error(ctx, err);
    kin_ctx_free(ctx);
    return ok;
}

static void print(const char *name, const kin_real *v, int side)
{
    printf("%s\n", name);
    for (int i = 0; i < side * side; i++) printf("%5g%s", (double)v[i], i % side == side - 1 ? "\n" : "");
}

static void grid(kin_text *svg, const char *name, const kin_real *v, int side, int left, int top)
{
    kin_text_format(svg, "<text class=\"strong\" x=\"%d\" y=\"%d\">%s</text>", left, top - 8, name);
    for (int i = 0; i < side * side; i++) {
        int x = left + i % side * CELL, y = top + i / side * CELL;
        kin_text_format(
            svg,
            "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/><text x=\"%d\" y=\"%d\" "
            "text-anchor=\"middle\">%g</text>",
            v[i] != 0 ? "b1" : "track", x, y, CELL - 2, CELL - 2, x + CELL / 2 - 1, y + CELL / 2 + 4,
            (double)v[i]);
    }
    kin_text_add(svg, "\n");
}

bool kin_figure_conv(const kin_cli *cli, kin_error *err)
{
    /* an edge between dark and light, and what finds such edges [Sobel] */
    numbers n = {.w = {-1, 0, 1, -2, 0, 2, -1, 0, 1}};
    const char *from = kin_option_string(cli, "from");
    bool all = strcmp(from, "all") == 0;
    int one = all ? 0 : from[0] - '0';
    kin_text svg = {0};
    if (!all && (one < 0 || one >= RESULT * RESULT || from[1]))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--from %s: all, or one of the results 0 to 8, row by row, was expected", from);
    for (int i = 0; i < SIDE * SIDE; i++) n.x[i] = i % SIDE < 3 ? 1 : 5;
    for (int i = 0; i < RESULT * RESULT; i++) n.dy[i] = all || i == one;
    if (!compute(&n, err)) return false;
    print("x, the picture", n.x, SIDE);
    print("w, the weights", n.w, KERNEL);
    print("y, the results", n.y, RESULT);
    print("dy, what flows back into them", n.dy, RESULT);
    print("dx, to the picture", n.dx, SIDE);
    print("dw, to the weights", n.dw, KERNEL);
    kin_figure_begin(&svg, 540, 440, "A convolution forward and backward");
    grid(&svg, "x, the picture", n.x, SIDE, 20, 40);
    grid(&svg, "w, the weights", n.w, KERNEL, 220, 40);
    grid(&svg, "y, the results", n.y, RESULT, 370, 40);
    grid(&svg, "dx, to the picture", n.dx, SIDE, 20, 250);
    grid(&svg, "dw, to the weights", n.dw, KERNEL, 220, 250);
    grid(&svg, "dy, into the results", n.dy, RESULT, 370, 250);
    return kin_figure_write(cli, &svg, err);
}
