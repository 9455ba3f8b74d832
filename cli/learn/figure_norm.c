/* Batch norm on numbers that one can check: six rows of two channels, one a hundred times as large. */
#include "autograd/ops.h"
#include "cli/learn/figure.h"

enum { ROWS = 6, CHANNELS = 2 };

static void row(const char *name, const kin_real *v, int channel)
{
    printf("%-22s", name);
    for (int i = 0; i < ROWS; i++) printf(" %8.3f", (double)v[i * CHANNELS + channel]);
    printf("\n");
}

static void bars(kin_text *svg, const kin_real *v, int channel, double scale, int x, int y)
{
    for (int i = 0; i < ROWS; i++) {
        double height = (double)v[i * CHANNELS + channel] * scale, top = height > 0 ? y - height : y;
        kin_text_format(svg, "<rect class=\"b%d\" x=\"%d\" y=\"%.1f\" width=\"18\" height=\"%.1f\"/>",
                        channel, x + 24 * i, top, height > 0 ? height : -height);
    }
    kin_text_format(svg, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n", x - 4,
                    x + 24 * ROWS, y, y);
}

bool kin_figure_norm(const kin_cli *cli, kin_error *err)
{
    static const kin_real given[ROWS * CHANNELS] = {1, 100, 2, 300, 3, 200, 4, 600, 5, 500, 6, 400};
    kin_real y[ROWS * CHANNELS], mean[CHANNELS], variance[CHANNELS];
    kin_text svg = {0};
    kin_ctx *ctx = kin_ctx_new();
    if (!ctx) return kin_fail_memory(err, "a context", 1);
    kin_tensor *out = kin_batch_norm_train(kin_input(ctx, KIN_SHAPE(ROWS, CHANNELS), given),
                                           kin_input(ctx, KIN_SHAPE(CHANNELS), (kin_real[]){1, 1}),
                                           kin_input(ctx, KIN_SHAPE(CHANNELS), NULL),
                                           &(kin_batch_norm_opt){1e-5}, mean, variance);
    bool ok = kin_read(out, y) || kin_take_error(ctx, err);
    kin_ctx_free(ctx);
    if (!ok) return false;
    row("channel 0", given, 0), row("channel 0 normalised", y, 0);
    row("channel 1", given, 1), row("channel 1 normalised", y, 1);
    kin_figure_begin(&svg, 560, 330, "Batch norm brings channels to one scale");
    kin_text_add(&svg, "<text class=\"strong\" x=\"120\" y=\"24\">before, 1 to 600</text><text "
                       "class=\"strong\" x=\"360\" y=\"24\">normalised, -1.46 to 1.46</text>"
                       "<text x=\"20\" y=\"104\">channel 0</text><text x=\"20\" y=\"254\">channel 1</text>");
    bars(&svg, given, 0, .2, 120, 145), bars(&svg, given, 1, .2, 120, 300);
    bars(&svg, y, 0, 30, 360, 100), bars(&svg, y, 1, 30, 360, 250);
    return kin_figure_write(cli, &svg, err);
}
