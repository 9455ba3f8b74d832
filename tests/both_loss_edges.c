/* Losses at their edges: options' limits, numbers that exp cannot take, anchors without a loss, pairs that
 * miners drop, and a memory's rows, all by hand. */
#include "autograd/ops.h"
#include "base/memory.h"
#include "losses/matrix.h"
#include "losses/registry.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const bool is_double = sizeof(kin_real) == sizeof(double);
static const double degree = 3.14159265358979324 / 180;

/* The value of a loss without parameters; *finite says whether it and its gradient are. */
static double value_of(const char *text, const kin_real *x, int rows, int width, const int *labels,
                       bool *finite)
{
    kin_loss_sum sum;
    kin_error err = {0};
    CHECK_MSG(kin_loss_parse(text, NULL, NULL, &sum, &err), "%s: %s", text, err.message);
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *in = kin_variable(ctx, KIN_SHAPE(rows, width), x),
               *loss = kin_loss_value(&sum, NULL, &(kin_loss_input){.x = in, .labels = labels});
    double value = kin_item(loss);
    CHECK_MSG(kin_backward(loss), "%s: %s", text, kin_ctx_error(ctx)->message);
    *finite = isfinite(value) && kin_grad(in);
    for (int i = 0; kin_grad(in) && i < rows * width; i++) *finite &= isfinite((double)kin_grad(in)[i]);
    kin_ctx_free(ctx);
    return value;
}

/* ---- options ---- */

static bool taken(const char *loss, const char *option, double value)
{
    char text[128];
    kin_loss_sum sum;
    snprintf(text, sizeof text, "%s(%s=%.17g)", loss, option, value);
    return kin_loss_parse(text, NULL, NULL, &sum, NULL);
}

static void limits(void)
{
    check_begin("losses: each option takes its limits, and nothing beyond them (%s)", KIN_REAL_NAME);
    static const struct {
        const char *loss, *option;
        double low, high;
        bool whole;
    } rows[] = {{"arcface", "margin", 0, 1.5, false},
                {"arcface", "scale", 1e-6, 1e6, false},
                {"center", "rate", 0, 1e6, false},
                {"circle", "epsilon", 0, 2, false},
                {"circle", "gamma", 1e-6, 1e6, false},
                {"circle", "margin", 0, 1, false},
                {"contrastive", "margin", 0, 1e6, false},
                {"contrastive", "positive", 0, 1e6, false},
                {"contrastive", "unit", 0, 1, true},
                {"contrastive-squared", "margin", 0, 4, false},
                {"cosface", "margin", 0, 2, false},
                {"cosface", "scale", 1e-6, 1e6, false},
                {"lifted", "margin", 0, 1e6, false},
                {"lifted", "positive", 0, 1e6, false},
                {"lifted", "unit", 0, 1, true},
                {"margin", "beta", 0, 2, false},
                {"margin", "cutoff", 1e-3, 1.9, false},
                {"margin", "learn", 0, 1, true},
                {"margin", "limit", 1e-3, 2, false},
                {"margin", "margin", 0, 2, false},
                {"multi-similarity", "alpha", 1e-6, 1e6, false},
                {"multi-similarity", "base", -1, 1, false},
                {"multi-similarity", "beta", 1e-6, 1e6, false},
                {"n-pair", "l2", 0, 1e6, false},
                {"n-pair", "unit", 0, 1, true},
                {"norm-softmax", "temperature", 1e-6, 1e6, false},
                {"proxy-anchor", "alpha", 1e-6, 1e6, false},
                {"proxy-anchor", "margin", 0, 1, false},
                {"proxy-nca", "scale", 1e-6, 1e6, false},
                {"smooth-ap", "temperature", 1e-6, 1e6, false},
                {"softmax", "smoothing", 0, .9, false},
                {"supcon", "temperature", 1e-6, 1e6, false},
                {"supcon", "xbm", 0, 1 << 20, true},
                {"triplet-all", "margin", 0, 1e6, false},
                {"triplet-all", "unit", 0, 1, true},
                {"triplet-hard", "margin", 0, 1e6, false},
                {"triplet-hard", "unit", 0, 1, true},
                {"triplet-semihard", "margin", 1e-9, 1e6, false},
                {"triplet-semihard", "unit", 0, 1, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *loss = rows[i].loss, *option = rows[i].option;
        double low = rows[i].low, high = rows[i].high,
               step = rows[i].whole ? 1
                      : low != 0    ? fabs(low) / 2
                                    : 1e-3;
        CHECK_MSG(taken(loss, option, low) && taken(loss, option, high), "%s(%s): %g .. %g", loss, option,
                  low, high);
        CHECK_MSG(!taken(loss, option, low - step), "%s(%s): %g", loss, option, low - step);
        CHECK_MSG(!taken(loss, option, rows[i].whole ? high + 1 : high * 1.001), "%s(%s): beyond %g", loss,
                  option, high);
        CHECK_MSG(taken(loss, option, low + (high - low) / 3) == !rows[i].whole, "%s(%s): between", loss,
                  option);
    }
    check_end();
}

static void needs(void)
{
    check_begin("losses: what a sum needs, and the first term that needs it (%s)", KIN_REAL_NAME);
    kin_loss_sum sum;
    CHECK(kin_loss_parse("softmax + supcon + circle", NULL, NULL, &sum, NULL));
    CHECK(kin_loss_needs(&sum) == (KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_PAIRS | KIN_LOSS_NEEDS_CLASSES));
    CHECK(kin_loss_first(&sum, KIN_LOSS_NEEDS_PAIRS) == kin_loss_find("supcon"));
    CHECK(kin_loss_first(&sum, KIN_LOSS_NEEDS_CLASSES) == kin_loss_find("softmax"));
    CHECK(!kin_loss_first(&sum, KIN_LOSS_NEEDS_PAIRS | KIN_LOSS_NEEDS_CLASSES));
    CHECK(kin_loss_classifies(&sum));
    CHECK(kin_loss_parse("supcon + softmax", NULL, NULL, &sum, NULL) && kin_loss_classifies(&sum));
    CHECK(kin_loss_parse("supcon + circle", NULL, NULL, &sum, NULL) && !kin_loss_classifies(&sum));
    check_end();
}

#define WORD "a-word-of-some-forty-letters-and-more-still-"
static const char *const words[] = {WORD "1", WORD "2", WORD "3", WORD "4", WORD "5", WORD "6", NULL};
static kin_tensor *nothing(const kin_loss_call *c) { return kin_scale(kin_sum(c->x, 0), 0, 0); }
static const kin_loss wordy = {.name = "wordy",
                               .about = "options whose names fill more than a line",
                               .params = {{WORD "a", 0, 0, 1, words, false, "one of many"},
                                          {WORD "b", 0, 0, 1, NULL, false, "a number"},
                                          {WORD "c", 0, 0, 1, NULL, false, "a number"},
                                          {WORD "d", 0, 0, 1, NULL, false, "a number"},
                                          {WORD "e", 0, 0, 1, NULL, false, "a number"}},
                               .formula = nothing};

static void long_lists(void)
{
    check_begin("losses: lists of options and words that are longer than a line are cut (%s)", KIN_REAL_NAME);
    const kin_loss *const own[] = {&wordy, NULL};
    kin_loss_sum sum;
    kin_error err = {0};
    CHECK(kin_loss_parse("wordy(" WORD "6," WORD "b=.5)", own, NULL, &sum, &err) &&
          sum.term[0].value[0] == 5);
    CHECK(kin_loss_needs(&sum) == 0 && !kin_loss_classifies(&sum));
    CHECK(!kin_loss_parse("wordy(" WORD "a=none)", own, NULL, &sum, &err));
    CHECK_TEXT(err.message, "=none) is none of " WORD "1, " WORD "2, ");
    kin_error_clear(&err);
    CHECK(!kin_loss_parse("wordy(other=1)", own, NULL, &sum, &err));
    CHECK_TEXT(err.message, "the loss wordy has no option 'other'; it has " WORD "a, " WORD "b, ");
    check_end();
}

/* ---- values ---- */

static double four_options(const kin_matrix *s, double *grad)
{
    double sum = 0;
    for (int64_t i = 0; i < s->n * s->m; i++) grad[i] = 1;
    for (int i = 0; i < KIN_MATRIX_OPTIONS; i++) sum += s->option[i];
    return sum;
}

static void matrices(void)
{
    check_begin("a loss on a matrix has four options, and pairs of its shape (%s)", KIN_REAL_NAME);
    static const double options[] = {1, 10, 100, 1000, 10000, 100000};
    static const int labels[] = {0, 1};
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(2, 2), (kin_real[]){1, 2, 3, 4});
    kin_pairs p;
    CHECK(kin_pairs_new(&p, labels, 2, labels, 2, 0, NULL));
    CHECK(kin_item(kin_matrix_loss(x, &p, four_options, options, 6)) == 1111);
    CHECK(kin_item(kin_matrix_loss(x, &p, four_options, options, 2)) == 11);
    CHECK(kin_item(kin_matrix_loss(x, &p, four_options, NULL, 0)) == 0);
    CHECK(!kin_matrix_loss(kin_variable(ctx, KIN_SHAPE(2, 3), NULL), &p, four_options, NULL, 0));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "a loss on a matrix of 2 x 3 got pairs of 2 x 2");
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    check_end();
}

/* Points of the circle: a pair (class 0) in one place and far from all others, whose loss is exactly 0; a
 * pair (class 1) a right angle apart; and between these a point that is alone in its class. */
static void anchors_with_a_loss(void)
{
    check_begin("losses: the mean runs over the anchors whose loss is not zero; it is 0 where all are (%s)",
                KIN_REAL_NAME);
    static const int labels[] = {0, 0, 1, 1, 2}, apart[] = {0, 0, 2};
    static const double angle[] = {180, 180, 0, 90, 10};
    kin_real x[10];
    for (int i = 0; i < 5; i++)
        x[2 * i] = (kin_real)cos(angle[i] * degree), x[2 * i + 1] = (kin_real)sin(angle[i] * degree);
    double near = cos(10 * degree), far = cos(80 * degree); /* of the lone point to the second pair's two */
    bool finite;
    CHECK_CLOSE(value_of("supcon(.001)", x, 5, 2, labels, &finite), (near + far) / 2 / .001,
                is_double ? 1e-6 : .01);
    CHECK(finite);
    double want = 0;
    for (int i = 0; i < 2; i++) {
        double s = i ? far : near, positive = 1.4 * (1 - .4 - cos(90 * degree)),
               negative = (s + .4) * (s - .4);
        want += 1e4 * (positive + negative) / 2;
    }
    CHECK_CLOSE(value_of("circle(gamma=10000)", x, 5, 2, labels, &finite), want, is_double ? 1e-6 : .05);
    CHECK(finite);
    x[4] = 1, x[5] = 0; /* opposite to the first pair */
    CHECK(value_of("supcon(.001)", x, 3, 2, apart, &finite) == 0 && finite);
    CHECK(value_of("circle(gamma=10000)", x, 3, 2, apart, &finite) == 0 && finite);
    check_end();
}

static void exponents(void)
{
    check_begin("losses: exponents that exp cannot take (%s)", KIN_REAL_NAME);
    /* Two anchors (rows 0 and 2), each orthogonal to its own positive and one with the other's. */
    static const kin_real crossed[] = {40, 0, 0, 40, 0, 40, 40, 0};
    static const int pairs[] = {0, 0, 1, 1};
    static const char *const sharp[] = {"multi-similarity(alpha=1e5,beta=1e5)",
                                        "supcon(1e-5)",
                                        "smooth-ap(1e-5)",
                                        "circle(gamma=1e5)",
                                        "lifted(margin=1e4)",
                                        "lifted(unit=0)",
                                        "triplet-hard",
                                        "margin(limit=.01)"};
    bool finite;
    CHECK_CLOSE(value_of("n-pair(l2=0)", crossed, 4, 2, pairs, &finite), 1600, 1e-3);
    CHECK(finite);
    for (size_t i = 0; i < sizeof sharp / sizeof *sharp; i++) {
        kin_real x[16];
        static const int labels[] = {0, 0, 1, 1, 2, 2, 3, 0};
        for (int k = 0; k < 16; k++) x[k] = (kin_real)(100 * sin(1.3 * k + .2));
        value_of(sharp[i], x, 8, 2, labels, &finite);
        CHECK_MSG(finite, "%s", sharp[i]);
    }
    check_end();
}

/* ---- miners ---- */

static void mined_by_similarity(void)
{
    check_begin("multi-similarity's miner drops pairs that lie on the boundary itself (%s)", KIN_REAL_NAME);
    static const kin_real at[] = {1, (kin_real).5, (kin_real).75, (kin_real).25, (kin_real).5};
    static const int own[] = {0}, others[] = {0, 0, 0, 1, 1};
    static const int stays[] = {KIN_PAIR_NONE, KIN_PAIR_POSITIVE, KIN_PAIR_NONE, KIN_PAIR_NONE,
                                KIN_PAIR_NEGATIVE};
    kin_ctx *ctx = kin_ctx_new();
    kin_pairs p;
    CHECK(kin_pairs_new(&p, own, 1, others, 5, 0, NULL));
    kin_mine_multi_similarity(kin_input(ctx, KIN_SHAPE(1, 5), at), .25, &p);
    for (int j = 0; j < 5; j++) CHECK_MSG(kin_pair(&p, 0, j) == stays[j], "pair %d", j);
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    check_end();
}

static void drawn_by_distance(void)
{
    check_begin(
        "distance-weighted sampling draws the first of a row too, and nothing where all are too far (%s)",
        KIN_REAL_NAME);
    static const kin_real at[] = {1, 0, (kin_real).2};
    static const int own[] = {0}, others[] = {1, 0, 0};
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *d = kin_input(ctx, KIN_SHAPE(1, 3), at);
    kin_pairs p;
    kin_triplets t;
    CHECK(kin_pairs_new(&p, own, 1, others, 3, 1, NULL));
    for (uint64_t key = 0; key < 20; key++) {
        CHECK(kin_mine_distance_weighted(d, &p, 6, .5, 1.4, key, &t) && t.count == 1);
        CHECK(t.count == 1 && t.anchor[0] == 0 && t.positive[0] == 2 && t.negative[0] == 0);
        kin_triplets_free(&t);
        CHECK(kin_mine_distance_weighted(d, &p, 6, .5, .9, key, &t) && t.count == 0);
        kin_triplets_free(&t);
    }
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- a memory ---- */

enum { OLD = 2, NEW = 3, ALL = OLD + NEW, ROOM = 8 };

static kin_tensor *with_memory(kin_scope *s, kin_tensor *x, void *arg)
{
    static const int labels[NEW] = {0, 1, 1};
    return kin_loss_value(arg, s, &(kin_loss_input){.x = x, .labels = labels, .classes = 2});
}

/* contrastive-squared of three rows against themselves and two that are remembered: the value, and by each
 * cosine s_ij = u_i·u_j the slope −2 or 2 over the number of pairs, of which x_i has (u_j − s_ij
 * u_i)/|x_i|. */
static void remembered(void)
{
    check_begin("a memory's rows are compared with, and have no gradient: by hand (%s)", KIN_REAL_NAME);
    static const double angle[ALL] = {0, 70, 15, 40, 160}, length[ALL] = {1, 1, 2, .5, 3};
    static const int label[ALL] = {1, 0, 0, 1, 1};
    kin_loss_sum sum;
    kin_ctx *ctx = kin_ctx_new();
    kin_real x[2 * NEW];
    double u[ALL][2], value = 0, slope[2 * NEW] = {0};
    const double pairs = NEW * (ALL - 1);
    for (int i = 0; i < ALL; i++) u[i][0] = cos(angle[i] * degree), u[i][1] = sin(angle[i] * degree);
    for (int i = OLD; i < ALL; i++)
        for (int j = 0; j < ALL; j++) {
            double s = u[i][0] * u[j][0] + u[i][1] * u[j][1], apart = 2 - 2 * s, g;
            if (i == j) continue;
            value += (label[i] == label[j] ? apart : fmax(1 - apart, 0)) / pairs;
            g = (label[i] == label[j] ? -2 : apart < 1 ? 2 : 0) / pairs;
            for (int k = 0; k < 2; k++) slope[2 * (i - OLD) + k] += g * (u[j][k] - s * u[i][k]) / length[i];
        }
    for (int k = 0; k < 2 * NEW; k++) x[k] = (kin_real)(length[OLD + k / 2] * u[OLD + k / 2][k % 2]);
    CHECK(kin_loss_parse("contrastive-squared(xbm=8)", NULL, NULL, &sum, NULL));
    kin_module *m = kin_module_new(ctx, with_memory, &sum, KIN_SHAPE(NEW, 2), 1);
    kin_entry *rows = kin_module_find(m, "loss.contrastive-squared.memory"),
              *labels = kin_module_find(m, "loss.contrastive-squared.memory_labels"),
              *state = kin_module_find(m, "loss.contrastive-squared.memory_state");
    CHECK(rows && labels && state);
    for (int i = 0; rows && labels && i < OLD; i++) {
        for (int k = 0; k < 2; k++) kin_entry_data(rows)[2 * i + k] = (kin_real)u[i][k];
        kin_entry_data(labels)[i] = (kin_real)label[i];
    }
    if (state) kin_entry_data(state)[0] = kin_entry_data(state)[1] = OLD;
    kin_tensor *in = kin_variable(ctx, KIN_SHAPE(NEW, 2), x), *loss = kin_module_forward(m, in, KIN_TRAIN);
    CHECK_MSG(kin_backward(loss), "%s", kin_ctx_error(ctx)->message);
    CHECK_CLOSE(kin_item(loss), value, 1e-6);
    for (int k = 0; kin_grad(in) && k < 2 * NEW; k++) CHECK_CLOSE((double)kin_grad(in)[k], slope[k], 1e-6);
    CHECK(state && kin_entry_data(state)[0] == ALL && kin_entry_data(state)[1] == ALL);
    for (int i = OLD; rows && labels && i < ALL; i++)
        CHECK(kin_entry_data(rows)[2 * i] == x[2 * (i - OLD)] && kin_entry_data(labels)[i] == label[i]);
    kin_end_step(ctx);
    in = kin_variable(ctx, KIN_SHAPE(NEW, 2), x); /* to the ring's end */
    CHECK(kin_module_forward(m, in, KIN_TRAIN));
    CHECK(state && kin_entry_data(state)[0] == 0 && kin_entry_data(state)[1] == ROOM);
    kin_end_step(ctx);
    in = kin_variable(ctx, KIN_SHAPE(NEW, 2), x); /* and over the oldest */
    CHECK(kin_module_forward(m, in, KIN_TRAIN));
    CHECK(state && kin_entry_data(state)[0] == NEW && kin_entry_data(state)[1] == ROOM);
    CHECK(rows && kin_entry_data(rows)[0] == x[0] && kin_entry_data(rows)[5] == x[5] &&
          kin_entry_data(labels)[0] == 0);
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static kin_tensor *one_row(kin_scope *s, kin_tensor *x, void *arg)
{
    static const int label[] = {0};
    return kin_loss_value(arg, s, &(kin_loss_input){.x = x, .labels = label, .classes = 1});
}

static void one_pair(void)
{
    check_begin("a row and another that is remembered are a pair: right angles are 2 apart (%s)",
                KIN_REAL_NAME);
    kin_loss_sum sum;
    kin_ctx *ctx = kin_ctx_new();
    CHECK(kin_loss_parse("contrastive-squared(xbm=4)", NULL, NULL, &sum, NULL));
    kin_module *m = kin_module_new(ctx, one_row, &sum, KIN_SHAPE(1, 2), 1);
    for (int i = 0; i < 2; i++) {
        kin_tensor *x = kin_variable(ctx, KIN_SHAPE(1, 2), (kin_real[]){(kin_real)i, (kin_real)(1 - i)});
        kin_tensor *loss = kin_module_forward(m, x, KIN_TRAIN);
        CHECK_MSG(loss, "%s", kin_ctx_error(ctx)->message);
        CHECK_CLOSE(kin_item(loss), 2 * i, 1e-6);
        kin_end_step(ctx);
    }
    kin_module_free(m);
    kin_ctx_free(ctx);
    check_end();
}

static void refusals(void)
{
    check_begin(
        "miners refuse distances of another shape; a branch that is not there is told those that are (%s)",
        KIN_REAL_NAME);
    static const int labels[] = {0, 0, 1};
    kin_ctx *ctx = kin_ctx_new();
    kin_loss_sum sum;
    kin_pairs p;
    kin_triplets t;
    CHECK(kin_pairs_new(&p, labels, 3, labels, 3, 0, NULL));
    for (int i = 0; i < 4; i++) {
        kin_tensor *d = kin_input(ctx, KIN_SHAPE(3, 2), NULL);
        CHECK(!(i == 0   ? kin_mine_batch_hard(d, &p, &t)
                : i == 1 ? kin_mine_semi_hard(d, &p, 1, &t)
                : i == 2 ? kin_mine_batch_all(d, &p, &t)
                         : kin_mine_distance_weighted(d, &p, 6, .5, 1.4, 1, &t)));
        CHECK_TEXT(kin_ctx_error(ctx)->message, "3 x 3 distances of its pairs, not 3 x 2");
        kin_error_clear(kin_ctx_error(ctx));
    }
    kin_pairs_free(&p);
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(3, 2), NULL);
    const kin_loss_input branches[] = {{.x = x, .labels = labels, .branch = "global"},
                                       {.x = x, .labels = labels, .branch = "drop"}};
    CHECK(kin_loss_parse("triplet-hard@part", NULL, NULL, &sum, NULL));
    CHECK(!kin_loss_values(&sum, NULL, branches, 2));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "the head's are: global, drop");
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    refusals();
    limits();
    needs();
    long_lists();
    matrices();
    anchors_with_a_loss();
    exponents();
    mined_by_similarity();
    drawn_by_distance();
    remembered();
    one_pair();
    check_begin("losses at their edges: nothing is kept (%s)", KIN_REAL_NAME);
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
