/* Every loss against pytorch-metric-learning's value and gradients (tests/golden/losses.py wrote
 * losses_all.txt), on random batches and on degenerate ones; and gradient checks. */
#include "autograd/gradcheck.h"
#include "base/memory.h"
#include "losses/registry.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);

enum { N = 16, D = 6, CLASSES = 5 };

/* ---- the batches of losses.py ---- */

typedef struct batch {
    int n;
    kin_real x[N * D];
    int labels[N];
} batch;

static void numbers(kin_real *out, int count, double step, double shift)
{
    for (int i = 0; i < count; i++)
        out[i] = (kin_real)(sin(step * i + shift) + 0.4 * cos(0.7 * (i / D) * (i % D)));
}

static void take_rows(batch *b, const int *from)
{
    batch old = *b;
    for (int i = 0; i < b->n; i++) memcpy(b->x + i * D, old.x + from[i] * D, D * sizeof *b->x);
}

static batch batch_of(const char *name)
{
    static const int uneven[] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 0, 1, 4, 2}, equal[N] = {0},
                     twice[] = {0, 0, 2, 3, 4, 5, 4, 5, 8, 0, 10, 11, 12, 13, 14, 2};
    batch b = {.n = N};
    numbers(b.x, N * D, 1.3, 0.2);
    for (int i = 0; i < N; i++) b.labels[i] = i / 4;
    if (strcmp(name, "uneven") == 0) memcpy(b.labels, uneven, sizeof uneven);
    if (strcmp(name, "one-class") == 0)
        for (int i = 0; i < N; i++) b.labels[i] = 2;
    if (strcmp(name, "equal") == 0) take_rows(&b, equal);
    if (strcmp(name, "duplicates") == 0) take_rows(&b, twice);
    if (strcmp(name, "one-item") == 0) b.n = 1, b.labels[0] = 1;
    if (strcmp(name, "no-positive") == 0) {
        b.n = 5;
        for (int i = 0; i < 5; i++) b.labels[i] = i;
    }
    int step;
    if (sscanf(name, "step-%d", &step) == 1) {
        b.n = 4;
        memmove(b.x, b.x + step * 4 * D, 4 * D * sizeof *b.x);
        for (int i = 0; i < 4; i++) b.labels[i] = (step * 4 + i) % 3;
    }
    return b;
}

/* ---- a module that is the loss alone ---- */

typedef struct lone {
    kin_loss_sum sum;
    const int *labels;
    kin_mined *mined;
} lone;

/* Somebody else's rows of the same size, for those who learn from them. */
static kin_tensor *teacher_of(kin_tensor *x)
{
    kin_real rows[N * D];
    numbers(rows, N * D, 0.7, 1.1);
    return x && kin_rows(x) <= N && kin_channels(x) == D
               ? kin_input(kin_ctx_of(x), KIN_SHAPE(kin_rows(x), D), rows)
               : NULL;
}

static kin_tensor *lone_forward(kin_scope *s, kin_tensor *x, void *arg)
{
    lone *l = arg;
    return kin_loss_value(
        &l->sum, s,
        &(kin_loss_input){
            .x = x, .labels = l->labels, .classes = CLASSES, .teacher = teacher_of(x), .mined = l->mined});
}

static kin_module *module_of(kin_ctx *ctx, lone *l, const char *text, int n)
{
    kin_error err = {0};
    CHECK_MSG(kin_loss_parse(text, NULL, NULL, &l->sum, &err), "%s: %s", text, err.message);
    kin_module *m = kin_module_new(ctx, lone_forward, l, KIN_SHAPE(n, D), 1);
    CHECK_MSG(m, "%s: %s", text, kin_ctx_error(ctx)->message);
    for (int i = 0; m && i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        if (kin_count(e->tensor) == CLASSES * D) numbers(kin_entry_data(e), CLASSES * D, 0.9, 0.6);
    }
    return m;
}

static void projections(const kin_real *g, int64_t count, double out[3])
{
    out[0] = out[1] = out[2] = 0;
    for (int64_t i = 0; g && i < count; i++) {
        out[0] += (double)g[i] * (double)g[i];
        out[1] += (double)g[i] * cos(0.3 * (double)i);
        out[2] += (double)g[i] * sin(0.11 * (double)i + 1);
    }
    out[0] = sqrt(out[0]);
}

/* Each number is held to 1e-5 in double: distances of equal points are 1e-6 here and 0 there. */
static void compare(const char *name, const char *which, const double *want, const double *got)
{
    static const char *const what[] = {
        "value",       "gradient",          "gradient . cos",   "gradient . sin",
        "parameter's", "parameter's . cos", "parameter's . sin"};
    double tolerance = is_double ? 1e-5 : 2e-3;
    for (int k = 0; k < 7; k++)
        CHECK_MSG(fabs(got[k] - want[k]) <= tolerance * (1 + fabs(want[k])), "%s, %s: %s is %.10g, not %.10g",
                  name, which, what[k], got[k], want[k]);
}

static void one_line(kin_module *m, lone *l, const char *name, const char *which, const double want[7])
{
    kin_ctx *ctx = kin_module_ctx(m);
    batch b = batch_of(which);
    double got[7] = {0};
    l->labels = b.labels;
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(b.n, D), b.x), *loss = kin_module_forward(m, x, KIN_TRAIN);
    kin_module_zero_grad(m);
    CHECK_MSG(kin_backward(loss), "%s, %s: %s", name, which, kin_ctx_error(ctx)->message);
    got[0] = kin_item(loss);
    projections(kin_grad(x), kin_count(x), got + 1);
    kin_entry *w = kin_module_entry(m, 0);
    if (w && !w->buffer)
        projections(kin_module_grads(m) ? kin_grad(w->tensor) : NULL, kin_count(w->tensor), got + 4);
    compare(name, which, want, got);
    kin_end_step(ctx);
}

static void golden(void)
{
    check_begin("losses: pytorch-metric-learning's values and gradients, degenerate batches too (%s)",
                KIN_REAL_NAME);
    FILE *file = fopen("tests/golden/losses_all.txt", "r");
    char text[512], before[128] = "";
    int lines = 0;
    kin_ctx *ctx = kin_ctx_new();
    kin_module *m = NULL;
    lone l = {0};
    while (file && fgets(text, sizeof text, file)) {
        char name[128], which[32];
        double w[7];
        if (sscanf(text, "%127[^\t]\t%31[^\t]\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf", name, which, &w[0], &w[1],
                   &w[2], &w[3], &w[4], &w[5], &w[6]) != 9)
            break;
        if (strcmp(name, before) != 0) {
            kin_module_free(m);
            m = module_of(ctx, &l, name, 4);
            snprintf(before, sizeof before, "%s", name);
        }
        if (m) one_line(m, &l, name, which, w);
        lines++;
    }
    if (file) fclose(file);
    CHECK_MSG(lines == 33 * 7 + 4 * 4, "%d lines", lines);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- gradient checks ---- */

/* Points apart from one another, labels of three classes; parameters are inputs too where there are. */
static kin_tensor *checked(kin_tensor **in, void *arg)
{
    static const int labels[] = {0, 0, 0, 1, 1, 1, 2, 2};
    return kin_loss_value(
        arg, NULL,
        &(kin_loss_input){.x = in[0], .labels = labels, .classes = 3, .teacher = teacher_of(in[0])});
}

/* By parameters: through a module whose weights are moved one by one. */
static void parameter_slopes(const char *name)
{
    static const int labels[] = {0, 0, 0, 1, 1, 1, 2, 4};
    kin_ctx *ctx = kin_ctx_new();
    lone l = {.labels = labels};
    kin_module *m = module_of(ctx, &l, name, 8);
    kin_real x[8 * D];
    numbers(x, 8 * D, 1.7, 0.1);
    kin_tensor *loss = kin_module_forward(m, kin_variable(ctx, KIN_SHAPE(8, D), x), KIN_TRAIN);
    kin_module_zero_grad(m);
    CHECK_MSG(kin_backward(loss), "%s: %s", name, kin_ctx_error(ctx)->message);
    kin_real slope[CLASSES * D];
    kin_entry *w = kin_module_entry(m, 0);
    int64_t count = w ? kin_count(w->tensor) : 0;
    for (int64_t i = 0; kin_grad(w->tensor) && i < count; i++) slope[i] = kin_grad(w->tensor)[i];
    kin_end_step(ctx);
    for (int64_t i = 0; i < count; i += 7) {
        double value[2], step = 1e-5;
        for (int side = 0; side < 2; side++) {
            kin_entry_data(w)[i] += (kin_real)(side ? 2 * step : -step);
            value[side] = kin_item(kin_module_forward(m, kin_input(ctx, KIN_SHAPE(8, D), x), KIN_TRAIN));
            kin_end_step(ctx);
        }
        kin_entry_data(w)[i] -= (kin_real)step;
        double numeric = (value[1] - value[0]) / (2 * step);
        CHECK_MSG(fabs(numeric - (double)slope[i]) < 1e-5 * (1 + fabs(numeric)),
                  "%s: parameter %d: %.10g, not %.10g", name, (int)i, (double)slope[i], numeric);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
}

static void gradients(void)
{
    static const char *const more[] = {"multi-similarity(miner=ms)", "contrastive(miner=ms,margin=.9)",
                                       "triplet-all(margin=0)",      "triplet-hard(margin=.4,unit=1)",
                                       "margin(miner=all)",          "n-pair(unit=1)"};
    check_begin("losses: gradients are the values' slopes (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    for (int i = 0; kin_losses[i]; i++) {
        kin_loss_sum sum;
        kin_shape shape = KIN_SHAPE(8, D);
        if (kin_losses[i]->needs & KIN_LOSS_NEEDS_CLASSES) {
            if (is_double) parameter_slopes(kin_losses[i]->name);
            continue;
        }
        CHECK(kin_loss_parse(kin_losses[i]->name, NULL, NULL, &sum, NULL));
        /* A weight taken as a constant (circle) has another slope than the value; its gradient is in the
         * file. */
        if (strcmp(sum.term[0].loss->name, "circle") == 0) continue;
        CHECK_MSG(kin_gradcheck(ctx, checked, &sum, &shape, 1,
                                &(kin_gradcheck_opt){.step = is_double ? 1e-6 : 0,
                                                     .tolerance = is_double ? 1e-5 : .2},
                                NULL),
                  "%s: %s", kin_losses[i]->name, kin_ctx_error(ctx)->message);
        kin_error_clear(kin_ctx_error(ctx));
    }
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        kin_loss_sum sum;
        kin_shape shape = KIN_SHAPE(8, D);
        CHECK(kin_loss_parse(more[i], NULL, NULL, &sum, NULL));
        CHECK_MSG(kin_gradcheck(ctx, checked, &sum, &shape, 1,
                                &(kin_gradcheck_opt){.step = is_double ? 1e-6 : 0,
                                                     .tolerance = is_double ? 1e-5 : .2},
                                NULL),
                  "%s: %s", more[i], kin_ctx_error(ctx)->message);
        kin_error_clear(kin_ctx_error(ctx));
    }
    if (is_double) parameter_slopes("margin(miner=all,learn=1)");
    kin_ctx_free(ctx);
    check_end();
}

/* ---- degenerate points ---- */

static void finite_everywhere(void)
{
    check_begin("losses: zeros, embeddings on their proxies and opposite to them give finite gradients (%s)",
                KIN_REAL_NAME);
    for (int i = 0; kin_losses[i]; i++)
        for (int how = 0; how < 3; how++) {
            kin_ctx *ctx = kin_ctx_new();
            batch b = batch_of("random");
            lone l = {.labels = b.labels};
            kin_module *m = module_of(ctx, &l, kin_losses[i]->name, N);
            kin_real w[CLASSES * D];
            numbers(w, CLASSES * D, 0.9, 0.6);
            for (int k = 0; k < N * D; k++) {
                kin_real proxy = w[b.labels[k / D] * D + k % D];
                b.x[k] = how == 0 ? 0 : how == 1 ? proxy : -proxy;
            }
            kin_tensor *x = kin_variable(ctx, KIN_SHAPE(N, D), b.x),
                       *loss = kin_module_forward(m, x, KIN_TRAIN);
            kin_module_zero_grad(m);
            CHECK_MSG(kin_backward(loss) && isfinite(kin_item(loss)), "%s: %s, %g", kin_losses[i]->name,
                      kin_ctx_error(ctx)->message, kin_item(loss));
            for (int k = 0; kin_grad(x) && k < N * D; k++)
                CHECK_MSG(isfinite((double)kin_grad(x)[k]), "%s: gradient %d", kin_losses[i]->name, k);
            kin_module_free(m);
            kin_ctx_free(ctx);
        }
    check_end();
}

/* ---- failed allocations ---- */

/* One step of a loss; whatever fails, nothing is lost. */
static bool one_try(const char *text)
{
    kin_ctx *ctx = kin_ctx_new();
    batch b = batch_of("uneven");
    lone l = {.labels = b.labels};
    kin_mined mined = {0};
    bool ok = ctx && kin_loss_parse(text, NULL, NULL, &l.sum, NULL);
    kin_module *m = ok ? kin_module_new(ctx, lone_forward, &l, KIN_SHAPE(N, D), 1) : NULL;
    kin_tensor *x = m ? kin_variable(ctx, KIN_SHAPE(N, D), b.x) : NULL;
    l.mined = &mined;
    ok = m && kin_backward(kin_module_forward(m, x, KIN_TRAIN));
    kin_mined_free(&mined);
    kin_module_free(m);
    kin_ctx_free(ctx);
    return ok;
}

static void failed_allocations(void)
{
    static const char *const more[] = {"contrastive(miner=ms,xbm=20)", "triplet-all(xbm=20)",
                                       "margin(learn=1)", NULL};
    check_begin("losses: allocations that fail at any point lose nothing (%s)", KIN_REAL_NAME);
    for (int i = 0, known = 0; known >= 0; i++) {
        const char *text = kin_losses[known] ? kin_losses[known++]->name : more[i - known];
        if (!text) break;
        long alive = kin_alloc_live(), n = 1;
        for (bool failed = true; failed && n < 2000; n++) {
            kin_alloc_fail_at(n);
            bool ok = one_try(text);
            failed = kin_alloc_pending() == 0;
            kin_alloc_fail_at(0);
            CHECK_MSG(ok || failed, "%s: allocation %ld: failed unasked", text, n);
            CHECK_MSG(kin_alloc_live() == alive, "%s: allocation %ld: %ld blocks are lost", text, n,
                      kin_alloc_live() - alive);
        }
        CHECK_MSG(n > 10, "%s: %ld allocations", text, n);
    }
    check_end();
}

/* ---- mining ---- */

static void distance_weighted(void)
{
    check_begin("distance-weighted sampling: probabilities by hand, draws by the key (%s)", KIN_REAL_NAME);
    kin_ctx *ctx = kin_ctx_new();
    /* From one anchor: a positive, and negatives at .3 (counts as .5), 1, 1.3 and 1.6 (beyond the limit). */
    static const kin_real at[] = {0, (kin_real).2, (kin_real).3, 1, (kin_real)1.3, (kin_real)1.6};
    static const int own[] = {0}, others[] = {0, 0, 1, 1, 1, 1};
    kin_pairs p;
    CHECK(kin_pairs_new(&p, own, 1, others, 6, 0, NULL));
    kin_tensor *d = kin_input(ctx, KIN_SHAPE(1, 6), at);
    double weight[6], want[6] = {0}, sum = 0;
    static const double apart[] = {0, 0, .5, 1, 1.3, 0};
    for (int j = 2; j < 5; j++)
        sum += want[j] = 1 / (pow(apart[j], 4) * pow(1 - apart[j] * apart[j] / 4, 1.5));
    kin_distance_weights(d, &p, 0, 6, .5, 1.4, weight);
    for (int j = 0; j < 6; j++) CHECK_CLOSE(weight[j], want[j] / sum, 1e-6);
    int drawn[6] = {0};
    for (uint64_t key = 0; key < 4000; key++) {
        kin_triplets t, again;
        CHECK(kin_mine_distance_weighted(d, &p, 6, .5, 1.4, key, &t) && t.count == 1);
        CHECK(kin_mine_distance_weighted(d, &p, 6, .5, 1.4, key, &again));
        CHECK(t.positive[0] == 1 && t.negative[0] == again.negative[0]);
        drawn[t.negative[0]]++;
        kin_triplets_free(&t), kin_triplets_free(&again);
    }
    for (int j = 0; j < 6; j++) CHECK_CLOSE(drawn[j] / 4000., want[j] / sum, .03);
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    check_end();
}

static void rates(void)
{
    check_begin("losses: parameters are named by their terms, and have their own rate");
    kin_ctx *ctx = kin_ctx_new();
    lone l = {0};
    kin_module *m = module_of(ctx, &l,
                              "proxy-anchor(rate=100) + center(rate=.5) * .01 + arcface + arcface(.3)", 4);
    kin_loss_tune(&l.sum, m);
    kin_entry *a = kin_module_find(m, "loss.proxy-anchor.proxies"),
              *b = kin_module_find(m, "loss.center.centers"), *c = kin_module_find(m, "loss.arcface.weight"),
              *d = kin_module_find(m, "loss.arcface-2.weight");
    CHECK(a && b && c && d && a->lr_scale == 100 && b->lr_scale == .5 && c->lr_scale == 1 &&
          d->lr_scale == 1);
    if (a) a->lr_scale = 2; /* as a rule for all of a network may have left it */
    kin_loss_tune(&l.sum, m);
    CHECK(a && a->lr_scale == 200);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- the memory ---- */

static void damaged_memory(void)
{
    check_begin("a loss's memory that a checkpoint brought is looked at before it is read (%s)",
                KIN_REAL_NAME);
    static const struct {
        double place, there, label;
        bool sound;
    } rows[] = {{0, 64, 3, true},    {63, 64, 3, true},   {16, 16, 3, true},     {0, 0, 3, true},
                {-1, 64, 3, false},  {64, 64, 3, false},  {0, -1, 3, false},     {0, 65, 3, false},
                {3, 10, 3, false},   {NAN, 64, 3, false}, {0, NAN, 3, false},    {0, 64, -1, false},
                {0, 64, 3e9, false}, {0, 64, NAN, false}, {16, 16, 1e300, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        batch b = batch_of("even");
        lone l = {.labels = b.labels};
        kin_ctx *ctx = kin_ctx_new();
        kin_module *m = module_of(ctx, &l, "supcon(xbm=64)", N);
        kin_entry *state = kin_module_find(m, "loss.supcon.memory_state"),
                  *labels = kin_module_find(m, "loss.supcon.memory_labels");
        CHECK(state && labels);
        if (state)
            kin_entry_data(state)[0] = (kin_real)rows[i].place,
            kin_entry_data(state)[1] = (kin_real)rows[i].there;
        for (int k = 0; labels && k < 64; k++) kin_entry_data(labels)[k] = (kin_real)rows[i].label;
        kin_tensor *loss = kin_module_forward(m, kin_variable(ctx, KIN_SHAPE(N, D), b.x), KIN_TRAIN);
        CHECK_MSG((loss && kin_ok(ctx)) == rows[i].sound, "place %g, %g rows, label %g: %s", rows[i].place,
                  rows[i].there, rows[i].label, kin_ctx_error(ctx)->message);
        if (!rows[i].sound) CHECK_TEXT(kin_ctx_error(ctx)->message, "the memory that was read is damaged");
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

static void looked_at(void)
{
    check_begin("n-pair tells the pairs that it has chosen (%s)", KIN_REAL_NAME);
    batch b = batch_of("even");
    kin_ctx *ctx = kin_ctx_new();
    kin_loss_sum sum;
    kin_mined mined = {0};
    CHECK(kin_loss_parse("n-pair", NULL, NULL, &sum, NULL));
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(N, D), b.x);
    CHECK(kin_loss_value(&sum, NULL, &(kin_loss_input){.x = x, .labels = b.labels, .mined = &mined}));
    CHECK(mined.pairs.n == N && kin_pairs_count(&mined.pairs, KIN_PAIR_POSITIVE) == 4 &&
          kin_pairs_count(&mined.pairs, KIN_PAIR_NEGATIVE) == 12);
    for (int64_t i = 0; mined.pairs.kind && i < N; i++)
        for (int64_t j = 0; j < N; j++)
            CHECK(kin_pair(&mined.pairs, i, j) != KIN_PAIR_POSITIVE ||
                  (i != j && b.labels[i] == b.labels[j]));
    kin_mined_free(&mined);
    kin_ctx_free(ctx);
    check_end();
}

static void squared(void)
{
    check_begin("contrastive-squared by hand: the mean over all pairs, 0 where there are none (%s)",
                KIN_REAL_NAME);
    /* at 0, 60 and 90 degrees: squared distances 1, 2 and 2 - √3 */
    static const kin_real at[] = {1, 0, (kin_real).5, (kin_real)0.86602540378443865, 0, 1};
    static const int labels[] = {0, 0, 1};
    const double root = 1.7320508075688773;
    const struct {
        const char *text;
        int rows;
        double value;
    } rows[] = {{"contrastive-squared", 3, (1 + (root - 1)) / 3},
                {"contrastive-squared(3)", 3, (1 + 1 + (root + 1)) / 3},
                {"contrastive-squared", 1, 0}};
    for (int i = 0; i < 3; i++) {
        kin_loss_sum sum;
        kin_ctx *ctx = kin_ctx_new();
        CHECK(kin_loss_parse(rows[i].text, NULL, NULL, &sum, NULL));
        kin_tensor *x = kin_variable(ctx, KIN_SHAPE(rows[i].rows, 2), at),
                   *loss = kin_loss_value(&sum, NULL, &(kin_loss_input){.x = x, .labels = labels});
        CHECK_CLOSE(kin_item(loss), rows[i].value, 1e-6);
        CHECK(kin_backward(loss));
        for (int k = 0; kin_grad(x) && k < 2 * rows[i].rows; k++) CHECK(isfinite((double)kin_grad(x)[k]));
        kin_ctx_free(ctx);
    }
    check_end();
}

static void weightless(void)
{
    check_begin("a weight of 0 leaves nothing of a term, its gradient neither (%s)", KIN_REAL_NAME);
    batch b = batch_of("even");
    double value[3];
    static const char *const texts[] = {"triplet-hard", "triplet-hard * 0", "triplet-hard + lifted * 0"};
    for (int i = 0; i < 3; i++) {
        kin_loss_sum sum;
        kin_ctx *ctx = kin_ctx_new();
        CHECK(kin_loss_parse(texts[i], NULL, NULL, &sum, NULL));
        kin_tensor *x = kin_variable(ctx, KIN_SHAPE(N, D), b.x),
                   *loss = kin_loss_value(&sum, NULL, &(kin_loss_input){.x = x, .labels = b.labels});
        value[i] = kin_item(loss);
        CHECK(kin_backward(loss));
        for (int k = 0; i == 1 && kin_grad(x) && k < N * D; k++) CHECK(kin_grad(x)[k] == 0);
        kin_ctx_free(ctx);
    }
    CHECK(value[0] > 0 && value[1] == 0 && value[2] == value[0]);
    check_end();
}

static void classes_are_no_pictures(void)
{
    check_begin("losses over classes tell no pairs of pictures (%s)", KIN_REAL_NAME);
    for (int i = 0; kin_losses[i]; i++) {
        batch b = batch_of("even");
        kin_mined mined = {0};
        lone l = {.labels = b.labels};
        kin_ctx *ctx = kin_ctx_new();
        kin_module *m = module_of(ctx, &l, kin_losses[i]->name, N);
        l.mined = &mined;
        CHECK(kin_module_forward(m, kin_variable(ctx, KIN_SHAPE(N, D), b.x), KIN_TRAIN));
        CHECK_MSG((mined.pairs.kind || mined.triplets.count) ==
                      !(kin_losses[i]->needs &
                        (KIN_LOSS_NEEDS_CLASSES | KIN_LOSS_NEEDS_TEACHER | KIN_LOSS_NEEDS_HEAD)),
                  "%s", kin_losses[i]->name);
        CHECK_MSG(!mined.pairs.kind || (mined.pairs.n == N && mined.pairs.m == N), "%s", kin_losses[i]->name);
        kin_mined_free(&mined);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

static void foreign_labels(void)
{
    check_begin("losses over classes refuse labels that are none (%s)", KIN_REAL_NAME);
    static const char *const names[] = {"proxy-anchor", "proxy-nca", "arcface"};
    static const int places[] = {0, 3, N - 1};
    for (int i = 0; i < 18; i++) {
        char why[64];
        batch b = batch_of("even");
        lone l = {.labels = b.labels};
        kin_ctx *ctx = kin_ctx_new();
        kin_module *m = module_of(ctx, &l, names[i / 2 % 3], N);
        b.labels[places[i / 6]] = i % 2 ? -1 : CLASSES;
        snprintf(why, sizeof why, "label %d of row %d", i % 2 ? -1 : CLASSES, places[i / 6]);
        CHECK(!kin_module_forward(m, kin_variable(ctx, KIN_SHAPE(N, D), b.x), KIN_TRAIN));
        CHECK_TEXT(kin_ctx_error(ctx)->message, why);
        kin_module_free(m);
        kin_ctx_free(ctx);
    }
    check_end();
}

static void after_an_error(void)
{
    check_begin("losses pass over what an earlier error has left (%s)", KIN_REAL_NAME);
    static const int label[] = {0, 1};
    for (int i = 0; kin_losses[i]; i++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_loss_sum sum;
        CHECK(kin_loss_parse(kin_losses[i]->name, NULL, NULL, &sum, NULL));
        kin_input(ctx, KIN_SHAPE(0), NULL);
        char before[1024];
        snprintf(before, sizeof before, "%s", kin_ctx_error(ctx)->message);
        CHECK_MSG(!kin_loss_value(&sum, NULL, &(kin_loss_input){.labels = label, .classes = 2}), "%s",
                  kin_losses[i]->name);
        CHECK(strcmp(before, kin_ctx_error(ctx)->message) == 0);
        kin_ctx_free(ctx);
    }
    check_end();
}

int main(void)
{
    damaged_memory();
    looked_at();
    after_an_error();
    squared();
    weightless();
    foreign_labels();
    classes_are_no_pictures();
    golden();
    gradients();
    finite_everywhere();
    failed_allocations();
    distance_weighted();
    rates();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
