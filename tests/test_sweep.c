/* A sweep's parts: what is drawn, who goes on, the journal, what the numbers say. The sweep as a whole: tests/sweep.test.sh. */
#include "base/file.h"
#include "base/memory.h"
#include "train/sweep/chain.h"
#include "data/pictures.h"
#include "data/shop/synth.h"
#include "train/sweep/journal.h"
#include "train/sweep/sweep.h"
#include "train/sweep/verdict.h"
#include "tests/support/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const three[] = {"a", "b", "c"};
static const kin_sweep_param rate = {"lr", KIN_SWEEP_LOG, false, 1e-4, 1e-1, NULL, 0},
                             share = {"smoothing", KIN_SWEEP_UNIFORM, false, 0, 0.2, NULL, 0},
                             whole = {"k1", KIN_SWEEP_UNIFORM, true, 3, 6, NULL, 0},
                             doubled = {"width", KIN_SWEEP_LOG, true, 1, 64, NULL, 0},
                             choice = {"head", KIN_SWEEP_CHOICE, false, 0, 0, three, 3};

/* ---- what is drawn ---- */

static void draws(void)
{
    enum { N = 4000 };
    int decade[3] = {0}, each[4] = {0}, chosen[3] = {0}, low = 0, small = 0;
    check_begin("draws: evenly, in their ranges, three digits, by seed and trial alone");
    for (int64_t i = 0; i < N; i++) {
        double r = kin_sweep_draw(&rate, 5, i), s = kin_sweep_draw(&share, 5, i),
               k = kin_sweep_draw(&whole, 5, i), w = kin_sweep_draw(&doubled, 5, i),
               c = kin_sweep_draw(&choice, 5, i);
        char text[32];
        double back;
        CHECK(r >= 1e-4 && r <= 1e-1 && s >= 0 && s <= 0.2 && w >= 1 && w <= 64 && w == floor(w));
        CHECK((k == 3 || k == 4 || k == 5 || k == 6) && (c == 0 || c == 1 || c == 2));
        snprintf(text, sizeof text, "%.3g", r);
        CHECK(sscanf(text, "%lf", &back) == 1 && back == r);
        decade[r < 1e-3   ? 0
               : r < 1e-2 ? 1
                          : 2]++,
            each[(int)k - 3]++, chosen[(int)c]++, low += s < 0.1, small += w < 8;
        CHECK(r == kin_sweep_draw(&rate, 5, i));
    }
    /* five deviations of a binomial */
    for (int i = 0; i < 3; i++) CHECK_CLOSE(decade[i], N / 3.0, 150), CHECK_CLOSE(chosen[i], N / 3.0, 150);
    for (int i = 0; i < 4; i++) CHECK_CLOSE(each[i], N / 4.0, 140);
    CHECK_CLOSE(low, N / 2.0, 160);
    CHECK_CLOSE(small, N * (log(7.5) - log(0.5)) / (log(64.5) - log(0.5)), 160);
    CHECK(kin_sweep_draw(&rate, 5, 7) != kin_sweep_draw(&rate, 6, 7));
    check_end();

    check_begin("draws: no two parameters go together");
    double sum = 0;
    for (int64_t i = 0; i < N; i++)
        sum += (kin_sweep_place(&rate, kin_sweep_draw(&rate, 1, i)) - 0.5) *
               (kin_sweep_place(&share, kin_sweep_draw(&share, 1, i)) - 0.5);
    CHECK_CLOSE(sum / N * 12, 0, 0.08);
    check_end();

    check_begin("ranges: what cannot be drawn from is refused");
    kin_error err = {0};
    kin_sweep_param p = rate;
    p.low = 0;
    CHECK(!kin_sweep_param_check(&p, &err));
    CHECK_TEXT(err.message, "a logarithmic range lies above 0");
    p = share, p.high = 0;
    CHECK(!kin_sweep_param_check(&p, NULL));
    p.high = NAN;
    CHECK(!kin_sweep_param_check(&p, NULL));
    check_end();
}

/* ---- who goes on ---- */

static double figure(int64_t trial, int rung) { return fmod(trial * 0.6180339887, 1) + 0.1 * rung; }

/* Does what is decided; false: nothing is left. */
static bool step(kin_sweep_table *t, const kin_sweep_plan *plan, kin_sweep_stage stage)
{
    kin_sweep_next next = kin_sweep_decide(t, plan, stage);
    if (next.what == KIN_SWEEP_DONE) return false;
    kin_sweep_result r = {
        .step = plan->step[next.rung], .figure = figure(next.trial, next.rung), .seconds = 1};
    if (next.what == KIN_SWEEP_AGAIN) {
        kin_sweep_table_add_again(t, next.trial, next.seed)->result = r;
        return true;
    }
    kin_sweep_trial *trial = next.trial == t->count ? kin_sweep_table_add(t) : &t->trials[next.trial];
    CHECK(next.rung == trial->rungs);
    if (next.trial % 5 == 3 && !next.rung) snprintf(trial->failed, sizeof trial->failed, "as told");
    else trial->result[trial->rungs++] = r;
    return true;
}

static void halving(void)
{
    kin_sweep_plan plan = {.trials = 27, .finalists = 2, .seeds = 3};
    kin_sweep_table t = {0};
    int reached[3] = {0}, failed = 0, steps = 0;
    check_begin("rungs: from the last one down");
    CHECK(kin_sweep_plan_rungs(&plan, 100, 3, 3, NULL));
    CHECK(plan.step[0] == 11 && plan.step[1] == 33 && plan.step[2] == 100);
    CHECK(kin_sweep_plan_rungs(&plan, 8, 1, 3, NULL) && plan.step[0] == 8);
    CHECK(!kin_sweep_plan_rungs(&plan, 8, 3, 3, NULL) && !kin_sweep_plan_rungs(&plan, 0, 1, 3, NULL));
    CHECK(!kin_sweep_plan_rungs(&plan, INT64_MAX, KIN_SWEEP_RUNGS + 1, 2, NULL));
    CHECK(kin_sweep_plan_rungs(&plan, 90, 3, 3, NULL) && plan.step[0] == 10);
    check_end();

    check_begin("halving: the best third goes on, failures do not, the finalists are trained again");
    while (steps < 1000 && step(&t, &plan, KIN_SWEEP_SEARCH)) steps++;
    for (int64_t i = 0; i < t.count; i++) {
        failed += *t.trials[i].failed != 0;
        for (int r = 0; r < t.trials[i].rungs; r++) reached[r]++;
    }
    CHECK(t.count == 27 && failed == 5 && reached[0] == 22);
    CHECK(reached[1] >= 22 / 3 && reached[1] < 14 && reached[2] >= reached[1] / 3 && reached[2] < 8);
    int64_t best = kin_sweep_best(&t), order[27];
    kin_sweep_order(&t, order);
    CHECK(order[0] == best && t.trials[best].rungs == 3 && t.n_again == 6);
    for (int64_t i = 0; i < t.n_again; i++)
        CHECK(t.again[i].trial == order[i % 2] && t.again[i].seed == 1 + i / 2);
    for (int64_t i = 1; i < 22; i++)
        CHECK(kin_sweep_last(&t.trials[order[i - 1]])->figure >= kin_sweep_last(&t.trials[order[i]])->figure);
    for (int64_t i = 22; i < 27; i++) CHECK(*t.trials[order[i]].failed);
    CHECK_CLOSE(kin_sweep_spent(&t), reached[0] + reached[1] + reached[2] + 6, 1e-9);
    /* the best of all at the first rung is at the end */
    for (int64_t i = 0; i < t.count; i++)
        if (t.trials[i].rungs && i != best)
            CHECK(t.trials[i].result[0].figure <= t.trials[best].result[0].figure + 0.2);
    check_end();
    kin_sweep_table_free(&t);

    check_begin("order: thousands, with equals, by figure and then by number");
    enum { MANY = 3000 };
    static int64_t many[MANY];
    for (int64_t i = 0; i < MANY; i++) {
        kin_sweep_trial *trial = kin_sweep_table_add(&t);
        trial->rungs = i % 7 != 0, trial->result[0].figure = (double)(i * 37 % 101);
    }
    kin_sweep_order(&t, many);
    for (int64_t i = 1; i < MANY; i++) {
        const kin_sweep_result *a = kin_sweep_last(&t.trials[many[i - 1]]),
                               *b = kin_sweep_last(&t.trials[many[i]]);
        CHECK(!b || (a && (a->figure > b->figure || (a->figure == b->figure && many[i - 1] < many[i]))));
        CHECK(b || a || many[i - 1] < many[i]);
    }
    CHECK(many[0] == kin_sweep_best(&t));
    kin_sweep_table_free(&t);
    check_end();

    check_begin(
        "halving: without time for a longer rung there are new trials, then what is there is finished");
    for (int i = 0; i < 9; i++) step(&t, &plan, KIN_SWEEP_NO_PROMOTION);
    CHECK(t.count == 9);
    kin_sweep_next next = kin_sweep_decide(&t, &plan, KIN_SWEEP_FINALISTS);
    CHECK(next.what == KIN_SWEEP_GO_ON && next.trial == kin_sweep_best(&t) && next.rung == 1);
    plan.seeds = 0;
    CHECK(kin_sweep_decide(&t, &plan, KIN_SWEEP_FINALISTS).what == KIN_SWEEP_DONE);
    kin_sweep_table_free(&t);
    check_end();
}

/* ---- the journal ---- */

static bool append(const char *text)
{
    FILE *f = fopen(check_path("journal.jsonl"), "a");
    bool ok = f && fputs(text, f) >= 0;
    return f ? fclose(f) == 0 && ok : false;
}

static void refuses(const char *name, const char *line, const char *message)
{
    kin_error err = {0};
    kin_sweep_record r;
    kin_bytes kept;
    check_begin("journal: %s", name);
    CHECK(kin_read_file(check_path("journal.jsonl"), 0, &kept, NULL) && append(line));
    CHECK(!kin_sweep_read(check_folder(), &r, &err));
    CHECK_TEXT(err.message, message);
    CHECK(kin_write_file(check_path("journal.jsonl"), kept.data, kept.size, NULL));
    kin_bytes_free(&kept);
    check_end();
}

static void journal(void)
{
    kin_sweep_param params[2];
    params[0] = rate, params[1] = choice;
    kin_sweep_space space = {
        .params = params, .n_params = 2, .fixed = "model = \"x\"\n", .data = "abc", .pictures = 3, .held = 2};
    kin_sweep_plan plan = {.seed = 9, .trials = 3};
    kin_sweep_journal j;
    kin_sweep_table t;
    kin_sweep_record r;
    kin_error err = {0};
    const kin_sweep_result result = {10, 0.1 + 0.2, 0.25, 10, 1.5, 0.5, 10};
    CHECK(kin_sweep_plan_rungs(&plan, 90, 3, 3, NULL));

    check_begin("journal: what is written comes back, bit for bit");
    CHECK(kin_sweep_journal_open(&j, check_folder(), &space, &plan, &t, &err) && t.count == 0);
    CHECK(kin_sweep_journal_begin(&j, 0, (const double[]){0.0123, 2}, &err));
    CHECK(kin_sweep_journal_result(&j, 0, 0, 0, &result, &err));
    CHECK(kin_sweep_journal_begin(&j, 1, (const double[]){0.1, 0}, &err));
    CHECK(kin_sweep_journal_failed(&j, 1, 0, "a \"reason\"\n", 0.5, &err));
    CHECK(kin_sweep_journal_paused(&j, 0, 0, 12, 0.75, &err));
    kin_sweep_result last = result;
    last.step = 90;
    CHECK(kin_sweep_journal_result(&j, 0, 2, 1, &last, &err));
    kin_sweep_journal_close(&j);
    CHECK_MSG(kin_sweep_read(check_folder(), &r, &err), "%s", err.message);
    CHECK(r.table.count == 2 && r.table.trials[0].rungs == 1 && r.table.trials[0].value[0] == 0.0123);
    CHECK(r.table.trials[0].value[1] == 2 &&
          memcmp(&r.table.trials[0].result[0], &result, sizeof result) == 0);
    CHECK(strcmp(r.table.trials[1].failed, "a \"reason\"\n") == 0 && r.table.n_again == 1 &&
          r.table.unfinished == 1.25);
    CHECK(r.plan.seed == 9 && r.plan.rungs == 3 && r.plan.step[2] == 90 &&
          strcmp(r.space.fixed, space.fixed) == 0);
    kin_sweep_record_free(&r);
    check_end();

    check_begin("journal: half a line is cut off, and it goes on");
    CHECK(append("{\"trial\":0,\"rung\":1,\"step\":30,\"mA"));
    CHECK_MSG(kin_sweep_journal_open(&j, check_folder(), &space, &plan, &t, &err), "%s", err.message);
    CHECK(t.count == 2 && t.trials[0].rungs == 1);
    CHECK(kin_sweep_journal_begin(&j, 2, (const double[]){0.1, 1}, &err));
    kin_sweep_journal_close(&j);
    kin_sweep_table_free(&t);
    CHECK(kin_sweep_read(check_folder(), &r, &err) && r.table.count == 3);
    kin_sweep_record_free(&r);
    check_end();

    refuses("a line that is none", "nonsense\n", "journal.jsonl:9: ");
    refuses("a trial before its turn", "{\"trial\":7,\"values\":{\"lr\":1,\"head\":\"a\"}}\n",
            "do not come in their order");
    refuses("a value that is no choice", "{\"trial\":3,\"values\":{\"lr\":1,\"head\":\"d\"}}\n",
            "not among the choices");
    refuses("a rung that is not next",
            "{\"trial\":0,\"rung\":2,\"step\":90,\"mAP\":1,\"search mAP\":1,\"best "
            "step\":1,\"steps\":1,\"seconds\":1,\"opening\":1}\n",
            "no rung that could be next");
    refuses("a step of no rung",
            "{\"trial\":0,\"rung\":1,\"step\":31,\"mAP\":1,\"search mAP\":1,\"best "
            "step\":1,\"steps\":1,\"seconds\":1,\"opening\":1}\n",
            "no rung that could be next");
    refuses("a trial that has not begun", "{\"trial\":3,\"rung\":0}\n", "has not begun");
    refuses("a number that is none", "{\"trial\":0,\"rung\":1,\"step\":30,\"mAP\":null}\n", "lacks a number");

    check_begin("journal: another sweep's is refused");
    params[0].high = 0.2;
    CHECK(!kin_sweep_journal_open(&j, check_folder(), &space, &plan, &t, &err));
    CHECK_TEXT(err.message, "its space has another lr");
    kin_sweep_journal_close(&j);
    params[0] = rate, plan.step[1] = 31;
    kin_error_clear(&err);
    CHECK(!kin_sweep_journal_open(&j, check_folder(), &space, &plan, &t, &err));
    CHECK_TEXT(err.message, "its rungs end at other steps");
    kin_sweep_journal_close(&j);
    check_end();
}

/* ---- what the numbers say ---- */

static void importance(void)
{
    static const double y[] = {1, 2, 3, 2, 3, 4}, group[] = {0, 0, 0, 1, 1, 1};
    kin_sweep_table t = {0};
    kin_sweep_importance it;
    check_begin("importance: by hand");
    for (int i = 0; i < 6; i++) {
        kin_sweep_trial *trial = kin_sweep_table_add(&t);
        trial->rungs = 1, trial->result[0].figure = y[i], trial->value[0] = group[i], trial->value[1] = i;
    }
    /* around 2.5 the squares sum to 5.5, those of the groups' means to 1.5 */
    CHECK(kin_sweep_importance_of(&choice, 0, &t, NULL, &it, NULL) && it.groups == 2 && it.trials == 6);
    CHECK_CLOSE(it.share, 1 - (1 - 1.5 / 5.5) * 5 / 4, 1e-12);
    CHECK(it.chance > 0.2 && it.chance < 0.9);
    CHECK(kin_sweep_importance_of(&whole, 1, &t, NULL, &it, NULL) &&
          isnan(it.share)); /* four groups of six */
    for (int i = 0; i < 30; i++) {
        kin_sweep_trial *trial = kin_sweep_table_add(&t);
        trial->rungs = 1, trial->value[0] = i % 3, trial->value[1] = i,
        trial->result[0].figure = 10 * (i % 3) + 0.1 * y[i % 6];
    }
    CHECK(kin_sweep_importance_of(&choice, 0, &t, NULL, &it, NULL) && it.share > 0.6 && it.chance <= 0.002);
    CHECK(kin_sweep_importance_of(&rate, 1, &t, NULL, &it, NULL) && it.groups == 4 && it.share < 0.2 &&
          it.chance > 0.05);
    bool idle[36] = {0};
    for (int i = 6; i < 36; i++) idle[i] = true;
    CHECK(kin_sweep_importance_of(&choice, 0, &t, idle, &it, NULL) && it.trials == 6);
    CHECK_CLOSE(it.share, 1 - (1 - 1.5 / 5.5) * 5 / 4, 1e-12);
    kin_sweep_table_free(&t);
    CHECK(kin_sweep_importance_of(&rate, 0, &t, NULL, &it, NULL) && isnan(it.share));
    check_end();
}

static void seeds(void)
{
    static const double first[] = {0.52, 0.50, 0.48}, second[] = {0.44, 0.46, 0.42},
                        near[] = {0.49, 0.47, 0.45};
    kin_sweep_table t = {0};
    kin_sweep_seeds s[4];
    check_begin("seeds: Welch's interval by hand, and no verdict without two seeds");
    for (int i = 0; i < 3; i++) kin_sweep_table_add(&t);
    for (int i = 0; i < 3; i++) {
        kin_sweep_table_add_again(&t, 2, i + 1)->result.figure = second[i];
        kin_sweep_table_add_again(&t, 1, i + 1)->result.figure = first[i];
    }
    CHECK(kin_sweep_seeds_of(&t, s, 4) == 2 && s[0].trial == 1 && s[1].trial == 2);
    CHECK_CLOSE(s[0].mean, 0.5, 1e-12), CHECK_CLOSE(s[0].deviation, 0.02, 1e-12);
    kin_sweep_difference d = kin_sweep_compare(&s[0], &s[1]);
    CHECK(d.known && d.real);
    CHECK_CLOSE(d.difference, 0.06, 1e-12), CHECK_CLOSE(d.margin, 2.776 * 0.02 * sqrt(2.0 / 3), 1e-6);
    for (int i = 0; i < 3; i++) kin_sweep_table_add_again(&t, 0, i + 1)->result.figure = near[i];
    CHECK(kin_sweep_seeds_of(&t, s, 4) == 3 && s[1].trial == 0);
    CHECK(!kin_sweep_compare(&s[0], &s[1]).real);
    CHECK(kin_sweep_seeds_of(&t, s, 1) == 1 && s[0].trial == 1);
    s[0].count = 1;
    CHECK(!kin_sweep_compare(&s[0], &s[0]).known);
    kin_sweep_table_free(&t);
    check_end();
}

/* ---- the chain ---- */

static void chain(void)
{
    /* two classes of three on a circle; the third of each lies among the other */
    static const double angle[] = {0, 0.1, 0.9, 1.2, 1.3, 0.4};
    static const int64_t label[] = {0, 0, 0, 1, 1, 1}, camera[] = {-1, -1, -1, -1, -1, -1};
    float rows[12];
    kin_metrics m;
    kin_error err = {0};
    for (int i = 0; i < 6; i++) rows[2 * i] = (float)cos(angle[i]), rows[2 * i + 1] = (float)sin(angle[i]);
    const kin_vectors v = {rows, 6, 2};
    check_begin("chain: who asks, and what cannot be");
    CHECK(kin_sweep_chain_judge(v, label, camera, &(kin_sweep_chain){.used = true}, &m, &err) &&
          m.evaluated == 6);
    CHECK(kin_sweep_chain_judge(v, label, camera, &(kin_sweep_chain){.query_every = 3}, &m, &err));
    /* 0 finds 1 first and 2 third; 3 finds 4 first and 5 third: (1 + 2/3) / 2 */
    CHECK(m.evaluated == 2);
    CHECK_CLOSE(m.mean.ap, (1 + 2.0 / 3) / 2, 1e-12);
    CHECK(!kin_sweep_chain_judge(v, label, camera, &(kin_sweep_chain){.k1 = 6, .k2 = 1}, &m, &err));
    CHECK_TEXT(err.message, "k1 6 needs more pictures than the 6 held out");
    CHECK(!kin_sweep_chain_judge(v, label, camera, &(kin_sweep_chain){.augment = 2}, &m, NULL));
    CHECK(!kin_sweep_chain_judge(v, label, camera, &(kin_sweep_chain){.expand = 7}, &m, NULL));
    CHECK(kin_sweep_chain_judge(
        v, label, camera,
        &(kin_sweep_chain){.query_every = 3, .augment = 2, .expand = 1, .k1 = 2, .k2 = 1, .lambda = .3}, &m,
        NULL));
    check_end();
}

/* ---- the best, whatever becomes of it ---- */

enum { PRODUCTS = 6, VIEWS = 4, COUNT = PRODUCTS * VIEWS, SIZE = 16 };
static uint8_t pixels[2][COUNT * SIZE * SIZE * 3];
static kin_sample items[2][COUNT];

static kin_dataset drawn(int part)
{
    kin_pictures p = {.count = COUNT,
                      .size = SIZE,
                      .channels = 3,
                      .classes = PRODUCTS,
                      .pixels = pixels[part],
                      .items = items[part]};
    for (int i = 0; i < COUNT; i++) {
        kin_image image;
        int product = part * PRODUCTS + i / VIEWS;
        CHECK(kin_synth_image(&(kin_synth_opt){.seed = 5, .size = SIZE}, product, i % VIEWS, &image, NULL));
        memcpy(pixels[part] + (size_t)i * SIZE * SIZE * 3, image.data, SIZE * SIZE * 3);
        kin_image_free(&image);
        items[part][i] = (kin_sample){.id = "", .path = "", .label = i / VIEWS, .camera = -1, .index = i};
    }
    return kin_pictures_set(&p);
}

typedef struct told {
    double begun[8];
    int count;
    int64_t best, times;
} told;

/* A trial that would go on is refused: it is no recipe any more. */
static bool once(void *user, const double *value, kin_config *c, kin_sweep_chain *chain, kin_error *err)
{
    told *t = user;
    (void)chain;
    for (int i = 0; i < t->count; i++)
        if (t->begun[i] == value[0]) return kin_fail(err, KIN_ERR_ARGUMENT, "once is enough");
    if (t->count < 8) t->begun[t->count++] = value[0];
    kin_config_defaults(c);
    c->size = SIZE, c->channels = 3, c->width = 4, c->embedding = 8, c->lr = value[0];
    c->batch_classes = 3, c->batch_pictures = 2;
    return true;
}

static bool on_best(void *user, const kin_sweep_table *table, int64_t trial, kin_error *err)
{
    told *t = user;
    (void)err;
    CHECK(trial == kin_sweep_best(table));
    t->best = trial, t->times++;
    return true;
}

static void best(void)
{
    kin_error err = {0};
    kin_sweep_table table;
    kin_sweep_record r;
    told t = {.best = -1};
    const kin_dataset set = drawn(0), held = drawn(1);
    kin_sweep_opt opt = {.params = &rate,
                         .n_params = 1,
                         .configure = once,
                         .user = &t,
                         .plan = {.trials = 3, .seed = 1},
                         .set = &set,
                         .validation = &held,
                         .folder = check_path("sweep"),
                         .watch = {.user = &t, .on_best = on_best}};
    check_begin("best: where it fails later, another is, and is told");
    CHECK(kin_sweep_plan_rungs(&opt.plan, 2, 2, 2, NULL));
    CHECK_MSG(kin_sweep(&opt, &table, &err), "%s", err.message);
    int64_t now = kin_sweep_best(&table), failed = 0;
    for (int64_t i = 0; i < table.count; i++) failed += table.trials[i].rungs && *table.trials[i].failed;
    CHECK_MSG(table.count == 3 && failed > 0 && now >= 0 && t.best == now,
              "%lld failed, %lld is told, not %lld", (long long)failed, (long long)t.best, (long long)now);
    kin_sweep_table_free(&table);
    check_end();

    check_begin("best: an on_best that tells it all is not called twice for the same");
    int64_t times = t.times;
    CHECK_MSG(kin_sweep(&opt, NULL, &err), "%s", err.message);
    CHECK(t.times == times + 1); /* what a kill may have kept from being told */
    CHECK(kin_sweep_read(opt.folder, &r, &err) && r.table.count == 3);
    kin_sweep_record_free(&r);
    check_end();
}

int main(void)
{
    best(), draws(), halving(), journal(), importance(), seeds(), chain();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
