/* Auto-encoders of descriptors: where they begin, what they find that principal components cannot, and
 * files. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "models/autoencoder.h"
#include "retrieval/describe/whiten.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 600, IN = 12, DIMS = 2 };

static float rows[COUNT * IN], mean[IN];
static int label[COUNT];
static kin_whitening pca;

/* A bent sheet: two numbers u, v decide all twelve, half of them by their products, which no projection
 * can undo. Class: the sign of u v. */
static void make_rows(void)
{
    kin_error err = {0};
    for (int64_t i = 0; i < COUNT; i++) {
        double u = 2 * kin_random_uniform(1, (uint64_t)(2 * i)) - 1,
               v = 2 * kin_random_uniform(1, (uint64_t)(2 * i + 1)) - 1;
        const double basis[6] = {u, v, u * v, u * u, v * v, u * u * v};
        for (int64_t d = 0; d < IN; d++) {
            double sum = 3;
            for (int b = 0; b < 6; b++)
                sum += (b < 2 ? 1.5 : 1) * basis[b] * kin_random_normal(2, (uint64_t)(d * 6 + b));
            rows[i * IN + d] = (float)sum;
        }
        label[i] = i % 7 == 0 ? -1 : u * v > 0;
    }
    CHECK(kin_pca_fit((kin_vectors){rows, COUNT, IN}, DIMS, &pca, &err));
    for (int64_t d = 0; d < IN; d++) mean[d] = (float)pca.mean[d];
}

static kin_autoencoder *fit(kin_autoencoder_opt opt, kin_autoencoder_fit *fitted, kin_error *err)
{
    opt.dims = DIMS, opt.mean = mean, opt.components = pca.projection;
    return kin_autoencoder_train(rows, COUNT, IN, &opt, fitted, err);
}

/* The share of the rows' variance that is lost on the way there and back. */
static double lost(kin_autoencoder *a)
{
    static float codes[COUNT * DIMS], back[COUNT * IN];
    kin_error err = {0};
    double gone = 0, all = 0;
    CHECK_MSG(kin_autoencoder_encode(a, rows, COUNT, codes, &err) &&
                  kin_autoencoder_decode(a, codes, COUNT, back, &err),
              "%s", err.message);
    for (int64_t i = 0; i < COUNT * IN; i++) {
        gone += pow((double)back[i] - (double)rows[i], 2);
        all += pow((double)rows[i] - pca.mean[i % IN], 2);
    }
    return gone / all;
}

static double lost_by_pca(void)
{
    double gone = 0, all = 0;
    for (int64_t i = 0; i < COUNT; i++) {
        double left = 0;
        for (int64_t d = 0; d < IN; d++) left += pow((double)rows[i * IN + d] - pca.mean[d], 2);
        all += left;
        for (int p = 0; p < DIMS; p++) {
            double along = 0;
            for (int64_t d = 0; d < IN; d++)
                along += (double)pca.projection[p * IN + d] * ((double)rows[i * IN + d] - pca.mean[d]);
            left -= along * along;
        }
        gone += left;
    }
    return gone / all;
}

static void beginning(void)
{
    static float codes[COUNT * DIMS];
    kin_error err = {0};
    kin_autoencoder_fit fitted;
    check_begin("autoencoder: training begins at principal components");
    kin_autoencoder *a = fit((kin_autoencoder_opt){.steps = 1, .lr = 1e-30, .held_out = .2}, &fitted, &err);
    CHECK_MSG(a, "%s", err.message);
    CHECK(a && kin_autoencoder_encode(a, rows, COUNT, codes, &err));
    for (int64_t i = 0; i < COUNT; i++)
        for (int p = 0; p < DIMS; p++) {
            double along = 0;
            for (int64_t d = 0; d < IN; d++)
                along += (double)pca.projection[p * IN + d] * ((double)rows[i * IN + d] - pca.mean[d]);
            CHECK_CLOSE(codes[i * DIMS + p], along, 2e-5);
        }
    CHECK_CLOSE(lost(a), lost_by_pca(), 1e-5);
    kin_autoencoder_free(a);
    check_end();
}

static void bent(void)
{
    kin_error err = {0};
    kin_autoencoder_fit fitted = {0};
    check_begin("autoencoder: loses less than principal components where rows lie on a bent sheet");
    kin_autoencoder *a = fit((kin_autoencoder_opt){.steps = 1500, .lr = .003, .held_out = .1}, &fitted, &err);
    CHECK_MSG(a, "%s", err.message);
    CHECK(fitted.after < fitted.before && fitted.step > 0 && fitted.step <= 1500);
    CHECK_MSG(lost(a) < .25 * lost_by_pca(), "%g of the variance is lost, by principal components %g",
              lost(a), lost_by_pca());
    kin_autoencoder_free(a);
    check_end();

    check_begin("autoencoder: a row's cosines are kept better with the weight on them");
    kin_autoencoder *plain = fit((kin_autoencoder_opt){.steps = 600, .lr = .003}, &fitted, &err);
    CHECK(fitted.step == 600); /* nothing held out: the last */
    kin_autoencoder *alike = fit((kin_autoencoder_opt){.steps = 600, .lr = .003, .similarity = 3}, NULL,
                                 &err);
    double off[2] = {0, 0};
    for (int which = 0; which < 2 && plain && alike; which++) {
        static float codes[COUNT * DIMS];
        CHECK(kin_autoencoder_encode(which ? alike : plain, rows, COUNT, codes, &err));
        for (int64_t i = 0; i + 1 < COUNT; i++) {
            double code = 0, row = 0, cc[2] = {0, 0}, rr[2] = {0, 0};
            for (int64_t p = 0; p < DIMS; p++) {
                double x = codes[i * DIMS + p], y = codes[(i + 1) * DIMS + p];
                code += x * y, cc[0] += x * x, cc[1] += y * y;
            }
            for (int64_t d = 0; d < IN; d++) {
                double x = (double)rows[i * IN + d] - pca.mean[d],
                       y = (double)rows[(i + 1) * IN + d] - pca.mean[d];
                row += x * y, rr[0] += x * x, rr[1] += y * y;
            }
            off[which] += pow(code / sqrt(cc[0] * cc[1]) - row / sqrt(rr[0] * rr[1]), 2);
        }
    }
    CHECK_MSG(off[1] < off[0], "%g with it, %g without", off[1], off[0]);
    kin_autoencoder_free(plain), kin_autoencoder_free(alike);
    check_end();
}

/* The share of labelled rows whose nearest other labelled code is of their class. */
static double right(kin_autoencoder *a)
{
    static float codes[COUNT * DIMS];
    kin_error err = {0};
    int good = 0, all = 0;
    CHECK(kin_autoencoder_encode(a, rows, COUNT, codes, &err));
    for (int64_t i = 0; i < COUNT; i++) {
        double best = -2;
        int found = -1;
        for (int64_t j = 0; j < COUNT; j++) {
            const float *x = codes + i * DIMS, *y = codes + j * DIMS;
            double cosine = (double)(x[0] * y[0] + x[1] * y[1]) / (hypot(x[0], x[1]) * hypot(y[0], y[1]));
            if (j != i && label[j] >= 0 && cosine > best) best = cosine, found = label[j];
        }
        if (label[i] >= 0) all++, good += found == label[i];
    }
    return (double)good / all;
}

/* Without labels, neighbours across the borders are of another class: a few in a hundred. */
static void labels(void)
{
    static const double weights[] = {1, 5}, most_lost[] = {.01, .02};
    kin_error err = {0};
    kin_autoencoder *plain = fit((kin_autoencoder_opt){.steps = 600, .lr = .003, .held_out = .1}, NULL, &err);
    double before = plain ? right(plain) : NAN;
    for (int i = 0; i < 2; i++) {
        check_begin("autoencoder: with labels at weight %g, nearest codes are of a class, and rows come back",
                    weights[i]);
        kin_autoencoder *told = fit(
            (kin_autoencoder_opt){
                .steps = 400, .batch = 128, .lr = .003, .held_out = .1, .metric = weights[i], .label = label},
            NULL, &err);
        CHECK_MSG(plain && told, "%s", err.message);
        double wrong = told ? 1 - right(told) : NAN;
        CHECK_MSG(wrong < .5 * (1 - before), "%g wrong with labels, %g without", wrong, 1 - before);
        CHECK_MSG(lost(told) < most_lost[i] && lost(told) < lost_by_pca(),
                  "%g of the variance is lost, by principal components %g", lost(told), lost_by_pca());
        kin_autoencoder_free(told);
        check_end();
    }
    kin_autoencoder_free(plain);
}

/* Labels by chance have no neighbours to be brought together: nothing is given up for them. */
static void labels_by_chance(void)
{
    check_begin("autoencoder: labels that mean nothing take little of what comes back");
    static int chance[COUNT];
    kin_error err = {0};
    for (int i = 0; i < COUNT; i++) chance[i] = (int)kin_random_below(9, (uint64_t)i, 2);
    kin_autoencoder *a = fit(
        (kin_autoencoder_opt){
            .steps = 200, .batch = 128, .lr = .003, .held_out = .1, .metric = 1, .label = chance},
        NULL, &err);
    CHECK_MSG(a && lost(a) < lost_by_pca(), "%g of the variance is lost, by principal components %g",
              a ? lost(a) : NAN, lost_by_pca());
    kin_autoencoder_free(a);
    check_end();
}

static void same_bits(void)
{
    static float first[COUNT * DIMS], now[COUNT * DIMS];
    kin_error err = {0};
    check_begin("autoencoder: the same bits for 1, 2 and 3 threads, and after saving and loading");
    for (int threads = 1; threads <= 3; threads++) {
        kin_set_threads(threads);
        kin_autoencoder *a = fit(
            (kin_autoencoder_opt){
                .steps = 60, .held_out = .1, .similarity = 1, .metric = 1, .label = label, .seed = 5},
            NULL, &err);
        CHECK(a && kin_autoencoder_encode(a, rows, COUNT, threads == 1 ? first : now, &err));
        if (threads > 1) CHECK(memcmp(first, now, sizeof first) == 0);
        if (threads == 3)
            CHECK_MSG(kin_autoencoder_save(a, check_path("a.safetensors"), &err), "%s", err.message);
        kin_autoencoder_free(a);
    }
    kin_set_threads(0);
    kin_autoencoder *a = kin_autoencoder_load(check_path("a.safetensors"), &err);
    CHECK_MSG(a, "%s", err.message);
    CHECK(a && kin_autoencoder_in(a) == IN && kin_autoencoder_dims(a) == DIMS &&
          kin_autoencoder_encode(a, rows, COUNT, now, &err));
    CHECK(memcmp(first, now, sizeof first) == 0);
    kin_autoencoder_free(a);
    check_end();
}

static bool stop_at_ten(void *user, int64_t step, int64_t steps, double loss)
{
    (void)user, (void)steps, (void)loss;
    return step < 10;
}

static void refused(void)
{
    check_begin("autoencoder: what cannot be is refused in a line");
    kin_error err = {0};
    kin_autoencoder_opt wide = {.dims = IN + 1};
    CHECK(!kin_autoencoder_train(rows, COUNT, IN, &wide, NULL, &err));
    CHECK_TEXT(err.message, "codes of 13 numbers for descriptors of 12");
    kin_autoencoder_opt few = {.dims = DIMS, .held_out = .5};
    err = (kin_error){0};
    CHECK(!kin_autoencoder_train(rows, 3, IN, &few, NULL, &err));
    CHECK_TEXT(err.message, "3 rows are too few");
    err = (kin_error){0};
    CHECK(!fit((kin_autoencoder_opt){.similarity = NAN}, NULL, &err));
    CHECK_TEXT(err.message, "0 or more");
    err = (kin_error){0};
    CHECK(!fit((kin_autoencoder_opt){.steps = 20, .progress = stop_at_ten}, NULL, &err));
    CHECK(err.code == KIN_ERR_INTERRUPTED);
    err = (kin_error){0};
    CHECK(!kin_autoencoder_load(check_path("none"), &err));
    CHECK_TEXT(err.message, "none");
    check_end();

    check_begin("autoencoder: every failed allocation is an error and leaks nothing");
    long alive = kin_alloc_live();
    for (long n = 1; n < 5000; n += n < 60 ? 1 : 23) {
        err = (kin_error){0};
        kin_alloc_fail_at(n);
        kin_autoencoder *a = fit(
            (kin_autoencoder_opt){
                .steps = 2, .batch = 8, .held_out = .01, .similarity = 1, .metric = 1, .label = label},
            NULL, &err);
        bool reached = kin_alloc_pending() == 0;
        kin_alloc_fail_at(0);
        CHECK_MSG(a || (reached && err.code == KIN_ERR_MEMORY), "allocation %ld: %s", n, err.message);
        kin_autoencoder_free(a);
        CHECK_MSG(kin_alloc_live() == alive, "allocation %ld leaks", n);
        if (!reached) break;
    }
    check_end();
}

int main(void)
{
    make_rows();
    beginning();
    bent();
    labels();
    labels_by_chance();
    same_bits();
    refused();
    kin_whitening_free(&pca);
    return check_result();
}
