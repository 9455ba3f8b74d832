/* A student and its teacher: the same pictures reach both, runs without classes, the components in the run, resuming with the
 * same bits, and what is refused. */
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/support/check.h"
#include "tests/support/drawn.h"
#include "train/teacher.h"
#include "train/train.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PRODUCTS = 5, VIEWS = 4, COUNT = PRODUCTS * VIEWS, SIZE = 16, STEPS = 6 };

static uint8_t pixels[COUNT * SIZE * SIZE * 3];
static kin_sample items[COUNT];
static char names[COUNT][DRAWN_NAME];

static kin_dataset draw(void)
{
    kin_pictures p = {
        .count = COUNT, .size = SIZE, .channels = 3, .classes = PRODUCTS, .pixels = pixels, .items = items};
    draw_pictures(&p, 7, names);
    return kin_pictures_set(&p);
}

static kin_config settings(void)
{
    kin_config c;
    kin_config_defaults(&c);
    c.size = SIZE, c.channels = 3, c.width = 8, c.embedding = 16, c.steps = STEPS;
    c.batch_classes = 4, c.batch_pictures = 2, c.batch = 8;
    return c;
}

/* `teacher` is a folder of this test's. */
static kin_config student(const char *teacher)
{
    kin_config c = settings();
    snprintf(c.loss, sizeof c.loss, "distill");
    snprintf(c.teacher, sizeof c.teacher, "%s", check_path(teacher));
    return c;
}

typedef struct stop {
    int64_t at;
} stop;
static int64_t stepped;
static void on_step(void *user, const kin_train_step *s) { (void)user, stepped = s->step; }
static bool should_stop(void *user) { return ((const stop *)user)->at == stepped; }

static bool train(const kin_config *c, const char *run, const kin_dataset *set, int64_t stop_at, bool resume,
                  kin_error *err)
{
    stop s = {stop_at ? stop_at : -1};
    char folder[1024];
    snprintf(folder, sizeof folder, "%.1000s", check_path(run));
    stepped = 0;
    kin_train_phase phase = {.config = c};
    return kin_train(&(kin_train_opt){.version = KIN_TRAIN_VERSION,
                                      .phases = &phase,
                                      .n_phases = 1,
                                      .set = set,
                                      .run = folder,
                                      .resume = resume,
                                      .watch = {.user = &s, .on_step = on_step, .should_stop = should_stop}},
                     NULL, err);
}

static void trained(const kin_config *c, const char *run, const kin_dataset *set)
{
    kin_error err = {0};
    CHECK_MSG(train(c, run, set, 0, false, &err), "%s: %s", run, err.message);
}

/* The loss of the first step, by the log. */
static double first_loss(const char *run)
{
    char path[64];
    kin_bytes bytes = {0};
    kin_arena arena = {0};
    kin_error err = {0};
    snprintf(path, sizeof path, "%.40s/log.jsonl", run);
    if (!kin_read_file(check_path(path), 0, &bytes, &err)) return NAN;
    const kin_json *line = kin_json_parse((const char *)bytes.data, strcspn((const char *)bytes.data, "\n"),
                                          &arena, &err);
    const kin_json *loss = kin_json_get(line, "loss");
    double value = loss ? loss->number : NAN;
    kin_bytes_free(&bytes);
    kin_arena_free(&arena);
    return value;
}

static bool same_files(const char *run, const char *other, const char *file)
{
    char a[64], b[64];
    kin_bytes x = {0}, y = {0};
    kin_error err = {0};
    snprintf(a, sizeof a, "%.20s/%.30s", run, file), snprintf(b, sizeof b, "%.20s/%.30s", other, file);
    bool same = kin_read_file(check_path(a), 0, &x, &err) && kin_read_file(check_path(b), 0, &y, &err) &&
                x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    kin_bytes_free(&x), kin_bytes_free(&y);
    return same;
}

/* Its own descriptors of the set, and what it says of the pictures as a student with `c` receives them. */
static void compare_said(const kin_dataset *set, kin_config *c, double tolerance)
{
    kin_error err = {0};
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_module *module = NULL;
    kin_encoded e = {0};
    kin_ctx *ctx = kin_ctx_new();
    kin_pictures p = {.count = COUNT, .size = SIZE, .channels = 3, .pixels = pixels, .items = items};
    kin_batch_opt how = kin_config_batch(c, 0);
    int64_t index[COUNT];
    float *x = kin_alloc_array(COUNT * SIZE * SIZE, 3 * sizeof *x);
    for (int i = 0; i < COUNT; i++) index[i] = i;
    kin_batch_fill(&p, index, COUNT, &how, x);
    CHECK_MSG(kin_network_open(c->teacher, NULL, ctx, network, &module, &err), "%s", err.message);
    CHECK_MSG(module && kin_encode(module, network, set, NULL, &e, &err), "%s", err.message);
    kin_teacher *t = kin_teacher_open(c, &err);
    const float *said = t ? kin_teacher_rows(t, x, COUNT, &err) : NULL;
    CHECK_MSG(said && kin_teacher_dim(t) == e.dim, "%s", err.message);
    double worst = 0;
    for (int64_t i = 0; said && i < e.count * e.dim; i++)
        worst = fmax(worst, fabs((double)said[i] - (double)e.rows[i]));
    CHECK_MSG(worst <= tolerance, "apart by %g", worst);
    kin_teacher_free(t);
    kin_encoded_free(&e);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_free(network), kin_free(x);
}

static void test_pictures(const kin_dataset *set)
{
    kin_config c = student("teacher");
    check_begin("the teacher says of the student's pictures what it says of the files, in its own scaling");
    compare_said(set, &c, 0);
    snprintf(c.normalize, sizeof c.normalize, "imagenet");
    c.invert = 1;
    compare_said(set, &c, 0);
    check_end();
    check_begin("a teacher of grey pictures of another size says what it says of the files");
    c = student("grey");
    compare_said(set, &c, 0);
    check_end();
}

/* The student begins as the teacher, whose norms stand still. */
static void test_begins_learnt(const kin_dataset *set)
{
    check_begin("a student that is the teacher has nothing to learn");
    kin_config c = student("teacher");
    snprintf(c.weights, sizeof c.weights, "%s", check_path("teacher/model.safetensors"));
    c.freeze_bn = 1, c.lr = 1e-6;
    trained(&c, "itself", set);
    CHECK_MSG(fabs(first_loss("itself")) < 1e-5, "the first loss is %g", first_loss("itself"));
    check_end();
}

static void test_without_classes(kin_dataset *set)
{
    check_begin("a data set without classes trains, with the bits of one that has some");
    kin_config c = student("teacher");
    trained(&c, "labelled", set);
    int classes = set->classes;
    for (int i = 0; i < COUNT; i++) items[i].label = -1;
    set->classes = 0;
    trained(&c, "unlabelled", set);
    kin_config pk = c;
    kin_error err = {0};
    pk.sampler = KIN_SAMPLING_PK;
    CHECK(!train(&pk, "no", set, 0, false, &err));
    CHECK_TEXT(err.message, "not all of these have one");
    for (int i = 0; i < COUNT; i++) items[i].label = i / VIEWS;
    set->classes = classes;
    CHECK(same_files("labelled", "unlabelled", "log.jsonl"));
    check_end();
}

static void test_resume(const kin_dataset *set)
{
    for (int k = 0; k < 2; k++) {
        check_begin("stopped and resumed, a student of %s dimensions has the same bytes",
                    k ? "fewer" : "as many");
        kin_config c = student("teacher");
        const char *whole = k ? "whole-less" : "whole", *halves = k ? "halves-less" : "halves";
        kin_error err = {0};
        if (k)
            c.embedding = 6, c.flip = 1,
            snprintf(c.loss, sizeof c.loss, "distill(relations=2) + softmax * .5");
        trained(&c, whole, set);
        CHECK(!train(&c, halves, set, 2, false, &err) && err.code == KIN_ERR_INTERRUPTED);
        kin_error_clear(&err);
        CHECK_MSG(train(&c, halves, set, 0, true, &err), "%s", err.message);
        CHECK(same_files(whole, halves, "last.safetensors") && same_files(whole, halves, "log.jsonl"));
        CHECK(same_files(whole, halves, "teacher.safetensors"));
        check_end();
    }
}

/* Who looks at the network as it stands, behind each step. */
typedef struct looker {
    kin_trainer *t;
    const kin_dataset *set;
    int looks;
} looker;

static void look(void *user, const kin_train_step *s)
{
    looker *l = user;
    kin_encoded e = {0};
    kin_error err = {0};
    CHECK_MSG(kin_trainer_encode(l->t, l->set, &e, &err), "step %d: %s", (int)s->step, err.message);
    l->looks++;
    kin_encoded_free(&e);
}

static int train_looked_at(const kin_config *c, const char *run, const kin_dataset *set, bool looked_at)
{
    char folder[1024];
    looker l = {.set = set};
    kin_error err = {0};
    snprintf(folder, sizeof folder, "%.1000s", check_path(run));
    l.t = kin_trainer_open(&(kin_trainer_opt){.config = c,
                                              .set = set,
                                              .run = folder,
                                              .watch = {.user = &l, .on_step = looked_at ? look : NULL}},
                           &err);
    CHECK_MSG(l.t && kin_trainer_run(l.t, &err), "%s: %s", run, err.message);
    kin_trainer_close(l.t);
    return l.looks;
}

static void test_looked_at(const kin_dataset *set)
{
    static const char *const files[] = {"model.safetensors", "last.safetensors", "log.jsonl",
                                        "teacher.safetensors"};
    check_begin("descriptors between the steps change no bit: teacher, average, memory, dropped branches, "
                "recomputed blocks");
    kin_config c = student("teacher");
    snprintf(c.model, sizeof c.model, "resnet8");
    snprintf(c.loss, sizeof c.loss, "distill + contrastive(xbm=16) + softmax * .5");
    c.embedding = 6, c.ema = .9, c.drop_path = .5, c.recompute = 1, c.flip = 1, c.erase = .5;
    CHECK(train_looked_at(&c, "unseen", set, false) == 0);
    CHECK(train_looked_at(&c, "seen", set, true) == STEPS);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK_MSG(same_files("unseen", "seen", files[i]), "%s", files[i]);
    check_end();
}

static void test_teacher_changed(const kin_dataset *set)
{
    check_begin("a run does not go on with another teacher, nor without its components");
    kin_config c = student("grey");
    kin_error err = {0};
    c.embedding = 6;
    CHECK(!train(&c, "moved", set, 2, false, &err));
    kin_error_clear(&err);
    kin_config other = settings();
    other.size = 20, other.channels = 1, other.seed = 9;
    trained(&other, "grey", set);
    CHECK(!train(&c, "moved", set, 0, true, &err));
    CHECK_TEXT(err.message, "is of another teacher");
    kin_error_clear(&err);
    CHECK(remove(check_path("moved/teacher.safetensors")) == 0);
    CHECK(!train(&c, "moved", set, 0, true, &err));
    CHECK_TEXT(err.message, "teacher.safetensors");
    check_end();
}

static void refuse(const char *what, kin_config *c, const kin_dataset *set, const char *why)
{
    check_begin("refused: %s", what);
    kin_error err = {0};
    CHECK(!train(c, "no", set, 0, false, &err));
    CHECK_TEXT(err.message, why);
    CHECK(!kin_exists(check_path("no/last.safetensors")));
    check_end();
}

static void test_refusals(const kin_dataset *set)
{
    kin_config c = student("teacher");
    c.embedding = 32;
    refuse("a student of more numbers than its teacher", &c, set, "it cannot have more; --embedding 16");
    c = student("teacher"), c.teacher[0] = '\0';
    refuse("distill without a teacher", &c, set, "--teacher RUN names one");
    c = student("teacher"), snprintf(c.loss, sizeof c.loss, "softmax");
    refuse("a teacher that nobody listens to", &c, set, "\"distill + softmax\" does");
    c = student("nobody");
    refuse("a teacher that is not there", &c, set, "nobody");
    c = student("teacher"), snprintf(c.teacher_model, sizeof c.teacher_model, "resnet181");
    refuse("published weights of no network", &c, set, "there is no network 'resnet181'");
    c = settings(), snprintf(c.teacher_model, sizeof c.teacher_model, "conv4");
    refuse("a teacher's network alone", &c, set, "goes with --teacher");
}

int main(void)
{
    kin_dataset set = draw();
    kin_config teacher = settings(), grey = settings();
    check_begin("teachers are trained");
    trained(&teacher, "teacher", &set);
    grey.size = 20, grey.channels = 1;
    trained(&grey, "grey", &set);
    check_end();
    test_pictures(&set);
    test_begins_learnt(&set);
    test_without_classes(&set);
    test_resume(&set);
    test_looked_at(&set);
    test_teacher_changed(&set);
    test_refusals(&set);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
