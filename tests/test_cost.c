/* The cost model's arithmetic, lengths of time as people write them, and re-ranking among the first of the
 * lists. */
#include "base/memory.h"
#include "base/random.h"
#include "cli/retrieve/timings.h"
#include "cli/terminal/deadline.h"
#include "retrieval/cost.h"
#include "retrieval/rerank/among.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

static void work(void)
{
    kin_job_size job = {.queries = 100, .gallery = 300, .dim = 10, .top = 50, .k1 = 20, .k2 = 6},
                 alone = {.gallery = 300, .dim = 10, .top = 50};
    check_begin("cost: each stage's work is what it computes");
    CHECK(kin_cost_work(&job, KIN_COST_EMBED) == 0 && kin_cost_work(&job, KIN_COST_AUGMENT) == 0 &&
          kin_cost_work(&job, KIN_COST_SEARCH_AGAIN) == 0);
    const double pair = 10 + 50, both = 10 + 150, place = 9 * 10 + 3500; /* retrieval/cost.h */
    CHECK(kin_cost_work(&job, KIN_COST_SEARCH) == 100.0 * (300 * pair + 50 * place));
    CHECK(kin_cost_work(&job, KIN_COST_COMPARE) ==
          400.0 * 400 / 2 * both + (100.0 * 50 + 400.0 * 20) * place);
    CHECK(kin_cost_work(&job, KIN_COST_WRITE) == 2.0 * 100 * 50);
    CHECK(kin_cost_work(&alone, KIN_COST_SEARCH) == 300.0 * (300 * pair + 50 * place) &&
          kin_cost_work(&alone, KIN_COST_COMPARE) == 0);
    job.augment = 5, job.expand = 7;
    CHECK(kin_cost_work(&job, KIN_COST_AUGMENT) == 300.0 * (300 * pair + 5 * place) &&
          kin_cost_work(&job, KIN_COST_EXPAND) == 100.0 * (300 * pair + 7 * place));
    CHECK(kin_cost_work(&job, KIN_COST_SEARCH_AGAIN) == kin_cost_work(&job, KIN_COST_SEARCH));
    CHECK(kin_cost_work(&job, KIN_COST_WRITE) == 3.0 * 100 * 50);
    check_end();
}

static void scaling(void)
{
    kin_job_size half = {.queries = 50, .gallery = 300, .dim = 10, .top = 50, .k1 = 20, .k2 = 6},
                 whole = half;
    double seconds[KIN_COSTS];
    check_begin("cost: seconds scale with the work, and unknown rates are said to be unknown");
    for (int c = 0; c < KIN_COSTS; c++) seconds[c] = -1;
    seconds[KIN_COST_SEARCH] = 2, seconds[KIN_COST_ENCODE] = 7;
    whole.queries = 100;
    kin_rates r = kin_rates_from(&half, seconds);
    CHECK_CLOSE(kin_cost_seconds(&r, &whole, KIN_COST_SEARCH), 4, 1e-12);
    CHECK_CLOSE(kin_cost_seconds(&r, &whole, KIN_COST_ENCODE), 7.0 * 400 / 350, 1e-12);
    CHECK(kin_cost_seconds(&r, &whole, KIN_COST_RERANK) < 0 &&
          kin_cost_seconds(&r, &whole, KIN_COST_AUGMENT) == 0);
    /* by the search's rate */
    CHECK_CLOSE(kin_cost_seconds(&r, &whole, KIN_COST_COMPARE),
                2 * kin_cost_work(&whole, KIN_COST_COMPARE) / kin_cost_work(&half, KIN_COST_SEARCH), 1e-9);
    /* As many participants as fit use up the time: c·P² + e·P = s. */
    int64_t p = kin_cost_participants(&r, &whole, 30);
    kin_job_size fit = whole;
    fit.gallery = p - fit.queries;
    CHECK_MSG(p > 100, "%lld", (long long)p);
    double takes = kin_cost_seconds(&r, &fit, KIN_COST_COMPARE) + kin_cost_seconds(&r, &fit, KIN_COST_ENCODE);
    CHECK_MSG(takes <= 30 && takes > 29, "%g", takes);
    CHECK(kin_cost_participants(&r, &whole, 0) == 0);
    check_end();
}

static void details(void)
{
    check_begin("cost: each neighbour that is averaged adds half of its numbers; a rate of 0 is known");
    kin_job_size one = {.queries = 100, .gallery = 300, .dim = 10, .top = 50, .k1 = 20, .k2 = 1}, seven = one;
    seven.k2 = 7;
    CHECK_CLOSE(kin_cost_bytes(&seven, KIN_COST_RERANK) - kin_cost_bytes(&one, KIN_COST_RERANK),
                2.0 * 400 * 20 * 0.5 * 6 * 12, 1e-6);
    double seconds[KIN_COSTS];
    for (int c = 0; c < KIN_COSTS; c++) seconds[c] = -1;
    seconds[KIN_COST_SEARCH] = 2, seconds[KIN_COST_COMPARE] = 0;
    kin_rates r = kin_rates_from(&one, seconds);
    CHECK(kin_cost_seconds(&r, &one, KIN_COST_COMPARE) == 0 &&
          kin_cost_seconds(&r, &one, KIN_COST_SEARCH) == 2);
    check_end();
}

static void durations(void)
{
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"3600s", 3600},  {"60m", 3600}, {"1h", 3600},   {"1h30m", 5400},
                {"1h0m5s", 3605}, {"90", 90},    {"0.5h", 1800}, {".5", -1}};
    static const char *const bad[] = {"",   "soon", "1d",    "-5s", "5s3m",   "1h30", "0",
                                      "0s", "nan",  "1e300", "1 h", "3600ss", "inf"};
    kin_error err = {0};
    double seconds;
    check_begin("deadlines as people write them");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++, kin_error_clear(&err)) {
        bool ok = kin_duration_read(good[i].text, &seconds, &err);
        CHECK_MSG(ok == (good[i].seconds > 0) && (!ok || seconds == good[i].seconds), "'%s' gave %g",
                  good[i].text, seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++, kin_error_clear(&err))
        CHECK_MSG(!kin_duration_read(bad[i], &seconds, &err) && err.code == KIN_ERR_ARGUMENT, "'%s' gave %g",
                  bad[i], seconds);
    check_end();
}

static void files(void)
{
    kin_timings t = {.job = {.pictures = 3,
                             .queries = 4,
                             .gallery = 5,
                             .dim = 6,
                             .top = 7,
                             .augment = 8,
                             .expand = 9,
                             .k1 = 10,
                             .k2 = 11},
                     .memory = 12345},
                back;
    kin_error err = {0};
    check_begin("timings are read as they were written");
    for (int c = 0; c < KIN_COSTS; c++) t.seconds[c] = c == KIN_COST_EXPAND ? -1 : 0.5 * c;
    CHECK_MSG(kin_timings_write(check_path("t.json"), &t, &err) &&
                  kin_timings_read(check_path("t.json"), &back, &err),
              "%s", err.message);
    CHECK(memcmp(&t.job, &back.job, sizeof t.job) == 0 &&
          memcmp(t.seconds, back.seconds, sizeof t.seconds) == 0 && back.memory == 12345);
    check_end();
}

/* ---- among ---- */

enum { QUERIES = 30, GALLERY = 150, DIM = 8, TOP = 60 };

static void make(float *data, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = 0; d < DIM; d++)
            data[i * DIM + d] = (float)(kin_key(1, (uint64_t)(i % 12), (uint64_t)d) >> 40) * 0x1p-24F +
                                0.5F * (float)(kin_key(2, (uint64_t)i, (uint64_t)d) >> 40) * 0x1p-24F;
}

/* The same by hand: a gallery of the rows that are among the first, and the rest of each list behind. */
static void by_hand(const float *data, const kin_neighbours *lists, int64_t first, const kin_rerank_opt *opt,
                    const kin_neighbours *found)
{
    float part[GALLERY * DIM];
    int64_t row[GALLERY], count = 0;
    bool in[GALLERY] = {0};
    for (int64_t i = 0; i < QUERIES; i++)
        for (int64_t a = 0; a < first; a++) in[lists->index[i * TOP + a]] = true;
    for (int64_t g = 0; g < GALLERY; g++)
        if (in[g])
            memcpy(part + count * DIM, data + (QUERIES + g) * DIM, DIM * sizeof *part), row[count++] = g;
    kin_rerank_opt inner = *opt;
    kin_neighbours better;
    kin_error err = {0};
    inner.k = count < opt->k ? count : opt->k;
    CHECK_MSG(kin_rerank_k_reciprocal((kin_vectors){data, QUERIES, DIM}, (kin_vectors){part, count, DIM},
                                      &inner, &better, &err),
              "%s", err.message);
    CHECK(kin_among_count(lists, GALLERY, first, NULL) == count);
    for (int64_t i = 0; i < QUERIES; i++) {
        int64_t at = 0;
        for (int64_t a = 0; a < inner.k; a++, at++)
            CHECK(found->index[i * TOP + at] == row[better.index[i * inner.k + a]] &&
                  found->value[i * TOP + at] == better.value[i * inner.k + a]);
        for (int64_t a = 0; a < TOP && at < TOP; a++)
            if (!in[lists->index[i * TOP + a]])
                CHECK(found->index[i * TOP + at++] == lists->index[i * TOP + a]);
        for (; at < TOP; at++) CHECK(found->index[i * TOP + at] == -1);
    }
    kin_neighbours_free(&better);
}

static void among(void)
{
    static const int64_t firsts[] = {1, 2, 5, 20, TOP};
    float data[(QUERIES + GALLERY) * DIM];
    kin_neighbours lists, found;
    kin_error err = {0};
    kin_rerank_opt opt = {.k = TOP, .k1 = 6, .k2 = 3, .lambda = 0.3};
    check_begin("re-ranking among the first of the lists is re-ranking of that part, and the rest in its "
                "order behind");
    make(data, QUERIES + GALLERY);
    kin_vectors q = {data, QUERIES, DIM}, g = {data + QUERIES * DIM, GALLERY, DIM};
    CHECK(kin_search(q, g, &(kin_search_opt){.k = TOP}, &lists, &err));
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        CHECK_MSG(kin_rerank_among(q, g, &lists, firsts[i], &opt, &found, &err), "%s", err.message);
        by_hand(data, &lists, firsts[i], &opt, &found);
        kin_neighbours_free(&found);
    }
    for (int64_t most = 0; most <= GALLERY; most += 10) {
        int64_t first = kin_among_fit(&lists, GALLERY, most);
        CHECK(kin_among_count(&lists, GALLERY, first, NULL) <= most);
        CHECK(first == TOP || kin_among_count(&lists, GALLERY, first + 1, NULL) > most);
    }
    CHECK(!kin_rerank_among(q, g, &lists, 0, &opt, &found, &err));
    kin_neighbours_free(&lists);
    check_end();
}

/* What stands before the first report comes once. Taken for the pace of all, half a second of packing foretold
 * 20 seconds of a comparison that takes 8, and a re-ranking that fitted was left out. */
static void pace(void)
{
    check_begin("cost: how long a stage takes is told by its pace, not by its start");
    kin_pace p = {0};
    CHECK(kin_pace_foretell(&p, 0.1, 0) == 0);
    CHECK(kin_pace_foretell(&p, 0.527, 0.0278) == 0 && kin_pace_foretell(&p, 0.528, 0.0347) == 0 &&
          kin_pace_foretell(&p, 0.528, 0.0484) == 0);
    CHECK_CLOSE(kin_pace_foretell(&p, 0.927, 0.0778), 0.927 + 0.4 / 0.05 * (1 - 0.0778), 1e-12);
    CHECK_CLOSE(kin_pace_foretell(&p, 8.0, 1), 8, 1e-12);
    /* too little work, however long it took: the share alone says nothing of the pace */
    p = (kin_pace){0};
    CHECK(kin_pace_foretell(&p, 0.1, 0.001) == 0 && kin_pace_foretell(&p, 5, 0.0011) == 0);
    check_end();
}

int main(void)
{
    pace();
    work();
    scaling();
    details();
    durations();
    files();
    among();
    return check_result();
}
