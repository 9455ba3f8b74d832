/* What a watched training looks at: when, which pictures, the hardest triplet of a batch. */
#include "base/memory.h"
#include "cli/terminal/deadline.h"
#include "cli/training/live.h"
#include "tests/support/check.h"
#include "tests/support/drawn.h"

#include <math.h>
#include <string.h>

enum { PRODUCTS = 5, VIEWS = 3, COUNT = PRODUCTS * VIEWS, SIZE = 16 };

static uint8_t pixels[COUNT * SIZE * SIZE * 3];
static kin_sample items[COUNT];
static char names[COUNT][DRAWN_NAME];

static kin_dataset draw(void)
{
    kin_pictures p = {
        .count = COUNT, .size = SIZE, .channels = 3, .classes = PRODUCTS, .pixels = pixels, .items = items};
    draw_pictures(&p, 5, names);
    return kin_pictures_set(&p);
}

static void test_due(void)
{
    check_begin("forty looks, the last at the last step, closer together at the beginning");
    for (int64_t steps = 40; steps <= 4000; steps *= 10) {
        kin_forming f = {0};
        int64_t looks = 0, first_half = 0;
        for (int64_t s = 1; s <= steps; s++) {
            if (!kin_forming_due(&f, s, steps)) continue;
            looks++, first_half += s <= steps / 2;
        }
        CHECK_MSG(looks <= KIN_FORMING_LOOKS && first_half > looks / 2, "%lld of %lld", (long long)first_half,
                  (long long)looks);
        CHECK(steps < 4000 || looks == KIN_FORMING_LOOKS);
        CHECK(kin_forming_due(&f, 0, steps) && kin_forming_due(&f, steps, steps));
        f.from = steps / 2;
        CHECK(kin_forming_due(&f, f.from, steps) && kin_forming_due(&f, steps, steps));
    }
    check_end();
}

static double distance(const kin_encoded *e, int64_t a, int64_t b)
{
    double dot = 0;
    for (int64_t k = 0; k < e->dim; k++) dot += (double)e->rows[a * e->dim + k] * e->rows[b * e->dim + k];
    return sqrt(fmax(2 - 2 * dot, 0));
}

static void test_looks(kin_trainer *t, const kin_dataset *set)
{
    check_begin("a look has a place for each picture and a figure, and the next one begins there");
    kin_forming f;
    kin_error err = {0};
    CHECK_MSG(kin_forming_open(&f, set, 0, &err), "%s", err.message);
    CHECK(f.sample.count == COUNT);
    for (int64_t i = 0; i < COUNT; i++) CHECK(f.labels[i] == i / VIEWS);
    CHECK(kin_forming_look(&f, t, 0, &err) && kin_forming_look(&f, t, 1, &err) && f.frames == 2);
    for (int i = 0; i < 2 * COUNT; i++) CHECK(fabsf(f.frame[0].positions[i]) <= 1);
    CHECK(f.frame[0].map > 0 && f.frame[0].map == f.frame[1].map && f.frame[1].step == 1);
    kin_text svg = {0};
    kin_learning learning = kin_forming_learning(&f);
    kin_learning_svg(&svg, &learning);
    CHECK(!svg.failed && strstr(svg.data, "<animateTransform") && strstr(svg.data, "step 1: mAP"));
    kin_text_free(&svg);
    kin_forming_free(&f);
    check_end();
}

static void test_missing(const kin_dataset *set)
{
    check_begin("a picture without a place in one map stays where it was; one without any is not drawn");
    static float first[2 * COUNT], second[2 * COUNT];
    static int64_t labels[COUNT];
    (void)set;
    for (int i = 0; i < 2 * COUNT; i++) first[i] = second[i] = 0.25F;
    second[4] = second[5] = NAN;
    first[6] = first[7] = second[6] = second[7] = NAN;
    kin_learning_frame frames[] = {{0, NAN, first}, {1, NAN, second}};
    kin_text svg = {0};
    kin_learning_svg(&svg, &(kin_learning){COUNT, labels, frames, 2});
    int paths = 0;
    for (const char *p = svg.data; (p = strstr(p, "<path")); p++) paths++;
    CHECK(paths == COUNT - 1 && !strstr(svg.data, "nan") && !strstr(svg.data, "mAP"));
    kin_text_free(&svg);
    check_end();
}

static void test_hardest(kin_trainer *t, const kin_dataset *set)
{
    check_begin("the hardest triplet is what trying all of them gives");
    int64_t batch[COUNT + 1];
    kin_error err = {0};
    kin_hardest h;
    kin_encoded e;
    for (int i = 0; i < COUNT; i++) batch[i] = COUNT - 1 - i;
    batch[COUNT] = 0; /* twice */
    kin_train_step step = {.step = 1, .steps = 2, .batch = batch, .pictures = COUNT + 1};
    CHECK_MSG(kin_hardest_find(&h, t, set, &step, &err) && h.there, "%s", err.message);
    CHECK(kin_trainer_encode(t, set, &e, &err) && e.count == COUNT);
    double most = -INFINITY;
    for (int a = 0; a < COUNT; a++)
        for (int p = 0; p < COUNT; p++)
            for (int n = 0; n < COUNT; n++)
                if (p != a && items[p].label == items[a].label && items[n].label != items[a].label) {
                    double hard = distance(&e, a, p), near = INFINITY;
                    for (int o = 0; o < COUNT; o++)
                        if (items[o].label != items[a].label) near = fmin(near, distance(&e, a, o));
                    most = fmax(most, hard - near);
                }
    CHECK_CLOSE(h.d_ap - h.d_an, most, 1e-5);
    CHECK_CLOSE(distance(&e, h.anchor, h.positive), h.d_ap, 1e-4);
    CHECK_CLOSE(distance(&e, h.anchor, h.negative), h.d_an, 1e-4);
    CHECK(h.positive != h.anchor && items[h.positive].label == items[h.anchor].label);
    kin_encoded_free(&e);
    for (int i = 0; i < 3; i++) batch[i] = i;
    step.pictures = 3; /* of one class */
    CHECK(kin_hardest_find(&h, t, set, &step, &err) && !h.there);
    kin_dataset classless = *set;
    classless.classes = 0;
    CHECK_MSG(kin_hardest_find(&h, NULL, &classless, &step, &err) && !h.there, "the network was asked: %s",
              err.message);
    check_end();
}

static void test_short_of_memory(kin_trainer *t, const kin_dataset *set)
{
    check_begin("a training whose page memory is too short for goes on, with its validations");
    for (long n = 1; n <= 4; n++) {
        kin_live l;
        kin_meter meter;
        kin_error err = {0};
        kin_metrics m = {0};
        kin_meter_start(&meter, "training", "steps", 0, 2, true);
        CHECK_MSG(kin_live_open(&l, &meter, "no-folder", set, NULL, &err), "%s", err.message);
        kin_alloc_fail_at(n);
        kin_live_begin(&l, t);
        kin_alloc_fail_at(0);
        kin_live_validation(&l, &(kin_train_validation){.step = 1, .metrics = &m});
        CHECK(l.failed && l.validations == 0);
        kin_live_end(&l);
        kin_live_close(&l);
    }
    check_end();
}

static void test_pace(kin_trainer *t, const kin_dataset *set)
{
    check_begin("between the looks a page is written where the last one took little of the time since");
    static const struct {
        double ago, took;
        bool written;
    } rows[] = {{4, 0, false}, {6, 0.1, true}, {6, 7, false}, {11, 1, true}, {60, 7, false}};
    kin_live l;
    kin_meter meter;
    kin_error err = {0};
    int64_t batch[COUNT];
    for (int i = 0; i < COUNT; i++) batch[i] = i;
    kin_meter_start(&meter, "training", "steps", 0, 2, true);
    CHECK_MSG(kin_live_open(&l, &meter, check_path("."), set, NULL, &err), "%s", err.message);
    kin_live_begin(&l, t);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        double written = kin_clock() - rows[r].ago;
        l.written = written, l.took = rows[r].took, l.hardest.there = false;
        kin_live_step(&l, &(kin_train_step){.step = 1, .steps = 1000000, .batch = batch, .pictures = COUNT});
        CHECK_MSG((l.written > written) == rows[r].written && l.hardest.there == rows[r].written,
                  "%g s ago, %g s", rows[r].ago, rows[r].took);
    }
    CHECK(!l.failed);
    kin_live_close(&l);
    check_end();
}

int main(void)
{
    kin_dataset set = draw();
    kin_config c;
    kin_error err = {0};
    kin_config_defaults(&c);
    c.size = SIZE, c.channels = 3, c.width = 8, c.embedding = 16, c.steps = 2;
    c.batch_classes = 4, c.batch_pictures = 2;
    test_due();
    kin_trainer *t = kin_trainer_open(&(kin_trainer_opt){.config = &c, .set = &set}, &err);
    CHECK_MSG(t, "%s", err.message);
    test_looks(t, &set);
    test_missing(&set);
    test_hardest(t, &set);
    test_short_of_memory(t, &set);
    test_pace(t, &set);
    kin_trainer_close(t);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
