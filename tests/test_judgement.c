/* Bootstrap intervals, means by class, the worst queries. */
#include "base/memory.h"
#include "base/parallel.h"
#include "base/random.h"
#include "retrieval/judge/judgement.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { N = 400 };
static kin_scores each[N];
static int64_t label[N];

static void make(void)
{
    for (int64_t q = 0; q < N; q++) {
        memset(&each[q], 0, sizeof each[q]);
        each[q].ap = kin_random_uniform(5, (uint64_t)q);
        each[q].recall[0] = each[q].ap > 0.3;
        each[q].inp = q == 11 ? NAN : 0.5;
        label[q] = q % 7;
        if (q % 10 == 3) each[q].ap = NAN; /* skipped */
    }
}

int main(void)
{
    make();
    kin_error err = {0};
    kin_scores low, high, low1, high1;

    check_begin("bootstrap: the interval is that of the normal approximation");
    double mean = 0, square = 0, count = 0;
    for (int64_t q = 0; q < N; q++)
        if (!isnan(each[q].ap)) mean += each[q].ap, square += each[q].ap * each[q].ap, count++;
    mean /= count;
    double error = sqrt((square / count - mean * mean) / count);
    CHECK_MSG(kin_bootstrap(each, N, &(kin_bootstrap_opt){4000, 0.95, 1}, &low, &high, &err), "%s",
              err.message);
    CHECK_CLOSE(low.ap, mean - 1.96 * error, 0.12 * error);
    CHECK_CLOSE(high.ap, mean + 1.96 * error, 0.12 * error);
    CHECK(low.recall[0] < high.recall[0] && low.recall[0] > 0.5 && isnan(low.inp) && low.ap_at_k == 0 &&
          high.ap_at_k == 0);
    check_end();

    check_begin("bootstrap: the same bits for 1 and 3 threads, other ones for another seed");
    kin_set_threads(1);
    CHECK(kin_bootstrap(each, N, &(kin_bootstrap_opt){300, 0.9, 7}, &low1, &high1, &err));
    kin_set_threads(3);
    CHECK(kin_bootstrap(each, N, &(kin_bootstrap_opt){300, 0.9, 7}, &low, &high, &err));
    CHECK(memcmp(&low, &low1, sizeof low) == 0 && memcmp(&high, &high1, sizeof high) == 0);
    CHECK(kin_bootstrap(each, N, &(kin_bootstrap_opt){300, 0.9, 8}, &low, &high, &err) && low.ap != low1.ap);
    kin_set_threads(0);
    check_end();

    check_begin("bootstrap over classes: wide where classes differ, nothing where they do not");
    /* 16 classes of 25: the figure is the class's own, so that its interval is that of 16 draws, not of 400. */
    enum { CLASSES = 16, EACH = 25, ALL = CLASSES * EACH };
    static double value[ALL], same[ALL];
    static int64_t of[ALL];
    double low_end, high_end, middle = 0, spread = 0;
    for (int i = 0; i < ALL; i++)
        of[i] = 1000 - i % CLASSES, value[i] = same[i] = (double)(i % CLASSES * 7 % 16) / 16;
    for (int c = 0; c < CLASSES; c++) middle += value[c] / CLASSES;
    for (int c = 0; c < CLASSES; c++) spread += (value[c] - middle) * (value[c] - middle) / CLASSES;
    double deviation = sqrt(spread / CLASSES);
    CHECK_MSG(kin_bootstrap_classes(&(kin_figures){value, NULL, of, ALL}, &(kin_bootstrap_opt){4000, .95, 1},
                                    &low_end, &high_end, &err),
              "%s", err.message);
    CHECK_CLOSE(low_end, middle - 1.96 * deviation, .15 * deviation);
    CHECK_CLOSE(high_end, middle + 1.96 * deviation, .15 * deviation);
    CHECK(kin_bootstrap_classes(&(kin_figures){value, same, of, ALL}, &(kin_bootstrap_opt){100, .95, 1},
                                &low_end, &high_end, &err) &&
          low_end == 0 && high_end == 0);
    value[3] = NAN, same[4] = NAN;
    CHECK(kin_bootstrap_classes(&(kin_figures){value, same, of, ALL}, &(kin_bootstrap_opt){100, .95, 1},
                                &low_end, &high_end, &err) &&
          high_end == 0);
    for (int i = 0; i < ALL; i++) value[i] = NAN;
    CHECK(!kin_bootstrap_classes(&(kin_figures){value, NULL, of, ALL}, &(kin_bootstrap_opt){100, .95, 1},
                                 &low_end, &high_end, &err));
    CHECK_TEXT(err.message, "no query was evaluated");
    for (long n = 1; n <= 3; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        CHECK(!kin_bootstrap_classes(&(kin_figures){same, NULL, of, ALL}, &(kin_bootstrap_opt){10, .95, 1},
                                     &low_end, &high_end, &err) &&
              err.code == KIN_ERR_MEMORY);
        kin_alloc_fail_at(0);
    }
    kin_error_clear(&err);
    check_end();

    check_begin("classes: means of those evaluated");
    kin_class_scores *classes;
    int64_t classes_count, total = 0;
    CHECK_MSG(kin_class_means(each, label, N, &classes, &classes_count, &err), "%s", err.message);
    CHECK(classes_count == 7);
    for (int64_t c = 0; c < classes_count; c++) {
        double sum = 0;
        int64_t queries = 0;
        for (int64_t q = c; q < N; q += 7)
            if (!isnan(each[q].ap)) sum += each[q].ap, queries++;
        CHECK(classes[c].label == c && classes[c].queries == queries);
        CHECK_CLOSE(classes[c].mean.ap, sum / (double)queries, 1e-14);
        total += queries;
    }
    CHECK((double)total == count);
    kin_free(classes);
    check_end();

    check_begin("worst queries: the smallest AP first");
    int64_t order[N], worst = kin_worst_queries(each, N, order);
    CHECK((double)worst == count);
    for (int64_t a = 1; a < worst; a++) CHECK(each[order[a - 1]].ap <= each[order[a]].ap);
    check_end();

    check_begin("judgement: refusals, and failed allocations");
    CHECK(!kin_bootstrap(each, N, &(kin_bootstrap_opt){0, 0.95, 1}, &low, &high, &err));
    CHECK_TEXT(err.message, "0 rounds");
    kin_error_clear(&err);
    kin_scores nothing = {.ap = NAN};
    CHECK(!kin_bootstrap(&nothing, 1, &(kin_bootstrap_opt){10, 0.95, 1}, &low, &high, &err));
    CHECK_TEXT(err.message, "no query was evaluated");
    for (long n = 1; n <= 2; n++) {
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        CHECK(!kin_bootstrap(each, N, &(kin_bootstrap_opt){10, 0.95, 1}, &low, &high, &err) &&
              err.code == KIN_ERR_MEMORY);
        kin_error_clear(&err);
        kin_alloc_fail_at(n);
        CHECK(!kin_class_means(each, label, N, &classes, &classes_count, &err) && err.code == KIN_ERR_MEMORY);
        kin_alloc_fail_at(0);
    }
    kin_alloc_fail_at(1);
    CHECK(kin_worst_queries(each, N, order) == -1);
    kin_alloc_fail_at(0);
    CHECK(kin_alloc_live() == 0);
    check_end();
    return check_result();
}
