/* A gradient by hand: e = (w·x + b − t)², recorded on the tape, and looked at from its end. */
#include "autograd/ops.h"
#include "cli/learn/figure.h"

#include <math.h>
#include <string.h>

enum { X, W, B, T, PRODUCT, SUM, DIFFERENCE, ERROR, NODES, LEAVES = 4 };

typedef struct node {
    const char *name, *made;
    double value, gradient, differences; /* differences: NaN for what is no leaf */
} node;

/* The expression as a person writes it, with every step kept. */
static void build(kin_ctx *ctx, const double leaf[LEAVES], kin_tensor *t[NODES])
{
    for (int i = 0; i < LEAVES; i++) t[i] = kin_variable(ctx, KIN_SHAPE(1), (kin_real[]){(kin_real)leaf[i]});
    t[PRODUCT] = kin_mul(t[W], t[X]);
    t[SUM] = kin_add(t[PRODUCT], t[B]);
    t[DIFFERENCE] = kin_sub_tensor(t[SUM], t[T]);
    t[ERROR] = kin_square(t[DIFFERENCE]);
}

static double error_at(kin_ctx *ctx, const double leaf[LEAVES])
{
    kin_tensor *t[NODES];
    build(ctx, leaf, t);
    double e = kin_item(t[ERROR]);
    kin_end_step(ctx);
    return e;
}

/* (e(v + h) − e(v − h)) / 2h: what a gradient must agree with. */
static double by_differences(kin_ctx *ctx, const double leaf[LEAVES], int which)
{
    double moved[LEAVES], h = .01;
    memcpy(moved, leaf, sizeof moved);
    moved[which] = leaf[which] + h;
    double above = error_at(ctx, moved);
    moved[which] = leaf[which] - h;
    return (above - error_at(ctx, moved)) / (2 * h);
}

static bool compute(const double leaf[LEAVES], node n[NODES], kin_error *err)
{
    kin_tensor *t[NODES];
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail_memory(err, "a context", 1);
    build(ctx, leaf, t);
    for (int i = 0; i < NODES; i++) kin_keep_grad(t[i]);
    kin_backward(t[ERROR]);
    bool ok = kin_ok(ctx);
    for (int i = 0; ok && i < NODES; i++) {
        const kin_real *gradient = kin_grad(t[i]);
        n[i].value = kin_item(t[i]), n[i].gradient = gradient ? (double)*gradient : NAN;
    }
    kin_end_step(ctx);
    for (int i = 0; ok && i < NODES; i++) n[i].differences = i < LEAVES ? by_differences(ctx, leaf, i) : NAN;
    if (!ok) kin_take_error(ctx, err);
    kin_ctx_free(ctx);
    return ok;
}

static void print(const node n[NODES])
{
    printf("%-4s %-7s %10s %10s %15s\n", "", "is", "value", "gradient", "by differences");
    for (int i = 0; i < NODES; i++) {
        printf("%-4s %-7s %10.4g %10.4g", n[i].name, n[i].made, n[i].value, n[i].gradient);
        if (isfinite(n[i].differences)) printf(" %15.4g", n[i].differences);
        printf("\n");
    }
}

static void box(kin_text *svg, const node *n, int x, int y)
{
    kin_text_format(svg, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"96\" height=\"58\" rx=\"6\"/>",
                    isfinite(n->differences) ? "track" : "b1", x, y);
    kin_text_format(svg, "<text class=\"strong\" x=\"%d\" y=\"%d\">%s%s%s</text>", x + 8, y + 17, n->name,
                    isfinite(n->differences) ? "" : " = ", isfinite(n->differences) ? "" : n->made);
    kin_text_format(svg,
                    "<text x=\"%d\" y=\"%d\">value %.4g</text><text x=\"%d\" y=\"%d\">gradient %.4g</text>\n",
                    x + 8, y + 34, n->value, x + 8, y + 50, n->gradient);
}

static void line(kin_text *svg, int x0, int y0, int x1, int y1)
{
    kin_text_format(svg, "<path class=\"axis\" fill=\"none\" d=\"M%d %dL%d %d\"/>\n", x0, y0, x1, y1);
}

bool kin_figure_tape(const kin_cli *cli, kin_error *err)
{
    node n[NODES] = {{"x", "given"}, {"w", "given"}, {"b", "given"}, {"t", "given"},
                     {"p", "w * x"}, {"s", "p + b"}, {"r", "s - t"}, {"e", "r * r"}};
    const char *names[LEAVES] = {"x", "w", "b", "t"};
    double leaf[LEAVES];
    kin_text svg = {0};
    for (int i = 0; i < LEAVES; i++) leaf[i] = kin_option_real(cli, names[i]);
    if (!compute(leaf, n, err)) return false;
    print(n);
    kin_figure_begin(&svg, 640, 300, "A loss, its parts, and the gradient of each");
    static const int at[NODES][2] = {{20, 20},  {20, 96},  {150, 172}, {280, 228},
                                     {150, 58}, {280, 96}, {410, 134}, {530, 134}};
    static const int joins[][2] = {{X, PRODUCT},      {W, PRODUCT},    {PRODUCT, SUM},     {B, SUM},
                                   {SUM, DIFFERENCE}, {T, DIFFERENCE}, {DIFFERENCE, ERROR}};
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++)
        line(&svg, at[joins[i][0]][0] + 96, at[joins[i][0]][1] + 29, at[joins[i][1]][0],
             at[joins[i][1]][1] + 29);
    for (int i = 0; i < NODES; i++) box(&svg, &n[i], at[i][0], at[i][1]);
    return kin_figure_write(cli, &svg, err);
}
