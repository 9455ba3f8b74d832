/* Training as a library does it: structs in, callbacks out, nothing printed; phases; resuming with the same bits. */
#include "base/file.h"
#include "base/memory.h"
#include "nn/layers.h"
#include "tests/support/check.h"
#include "tests/support/drawn.h"
#include "train/judge.h"
#include "train/train.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PRODUCTS = 6, VIEWS = 4, COUNT = PRODUCTS * VIEWS, SIZE = 16, STEPS = 6 };

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

static kin_config settings(void)
{
    kin_config c;
    kin_config_defaults(&c);
    c.size = SIZE, c.channels = 3, c.width = 8, c.embedding = 16, c.steps = STEPS, c.validate_every = 3;
    c.batch_classes = 4, c.batch_pictures = 2;
    return c;
}

typedef struct seen {
    int64_t steps, validations, parts, saves, stop_at;
    double loss;
} seen;

static void on_step(void *user, const kin_train_step *s)
{
    seen *x = user;
    x->steps++;
    x->loss = s->loss;
    CHECK(s->step >= 1 && s->step <= s->steps && s->lr >= 0);
}
static void on_validation(void *user, const kin_train_validation *v)
{
    ((seen *)user)->validations++;
    CHECK(v->metrics->mean.ap > 0 && v->metrics->mean.ap <= 1);
}
static void on_part(void *user, kin_train_part part) { ((seen *)user)->parts += part == KIN_PART_OPTIMISER; }
static bool on_save(void *user, const kin_trainer *t, kin_error *err)
{
    (void)err;
    CHECK(kin_trainer_state(t)->step >= 0);
    return ++((seen *)user)->saves > 0;
}
static bool should_stop(void *user)
{
    const seen *x = user;
    return x->stop_at && x->steps == x->stop_at;
}

static kin_train_watch watch(seen *x)
{
    return (kin_train_watch){.user = x,
                             .on_step = on_step,
                             .on_validation = on_validation,
                             .on_part = on_part,
                             .on_save = on_save,
                             .should_stop = should_stop};
}

static bool train(const char *run, const kin_train_phase *phases, int n, const kin_dataset *set, bool resume,
                  seen *x, kin_train_state *last, kin_error *err)
{
    kin_train_opt opt = {.version = KIN_TRAIN_VERSION,
                         .phases = phases,
                         .n_phases = n,
                         .set = set,
                         .validation = set,
                         .run = run,
                         .resume = resume,
                         .watch = watch(x)};
    return kin_train(&opt, last, err);
}

/* By hand: a string that outlives check_path's eight. */
static const char *in(char *out, const char *run, const char *file)
{
    snprintf(out, 1024, "%.900s/%s", run, file);
    return out;
}

static bool same_files(const char *a, const char *b)
{
    kin_bytes x = {0}, y = {0};
    kin_error err = {0};
    bool same = kin_read_file(a, 0, &x, &err) && kin_read_file(b, 0, &y, &err) && x.size == y.size &&
                memcmp(x.data, y.data, x.size) == 0;
    kin_bytes_free(&x), kin_bytes_free(&y);
    return same;
}

/* ---- one phase ---- */

static void test_callbacks(const kin_dataset *set)
{
    check_begin("callbacks: each step, each validation, each part, each time of saving");
    kin_config c = settings();
    kin_error err = {0};
    kin_train_state last;
    seen x = {0};
    CHECK_MSG(train(check_path("whole"), &(kin_train_phase){.config = &c}, 1, set, false, &x, &last, &err),
              "%s", err.message);
    CHECK(x.steps == STEPS && x.validations == 2 && x.parts == STEPS && x.saves >= 1);
    CHECK(last.step == STEPS && last.steps == STEPS && last.best > 0 && last.best_step > 0 && !last.losses);
    CHECK(last.pictures == COUNT && last.classes_filled == PRODUCTS && last.batch == 8);
    CHECK(kin_exists(check_path("whole/model.safetensors")) && kin_exists(check_path("whole/log.jsonl")));
    check_end();
}

static void test_stop_and_resume(const kin_dataset *set)
{
    kin_config c = settings();
    for (int at = 1; at < STEPS; at += 2) {
        check_begin("stopped after step %d and resumed, the files have the same bytes", at);
        char run[1024], name[64], a[1024], b[1024];
        kin_error err = {0};
        kin_train_phase phase = {.config = &c};
        seen x = {.stop_at = at}, y = {0};
        snprintf(name, sizeof name, "stopped-%d", at);
        snprintf(run, sizeof run, "%s", check_path(name));
        CHECK(!train(run, &phase, 1, set, false, &x, NULL, &err) && err.code == KIN_ERR_INTERRUPTED);
        CHECK_TEXT(err.message, "stopped at step ");
        CHECK_MSG(!strstr(err.message, "kin train"), "the library speaks of a program: %s", err.message);
        kin_error_clear(&err);
        CHECK_MSG(train(run, &phase, 1, set, true, &y, NULL, &err), "%s", err.message);
        CHECK(y.steps == STEPS - at);
        CHECK(same_files(in(a, run, "model.safetensors"), check_path("whole/model.safetensors")));
        CHECK(same_files(in(b, run, "log.jsonl"), check_path("whole/log.jsonl")));
        check_end();
    }
}

static void test_patience(const kin_dataset *set)
{
    check_begin("patience: ends at the look that is one too many, saved; resumed, nothing is left to do");
    kin_config c = settings(), next = settings();
    kin_error err = {0};
    kin_train_state last;
    seen x = {0}, y = {0}, z = {0};
    c.steps = 30, c.validate_every = 2, c.patience = 3, c.lr = 1e-12;
    c.save_every = 1000, c.freeze_bn = 1;
    kin_train_phase phase = {.config = &c};
    CHECK_MSG(train(check_path("patient"), &phase, 1, set, false, &x, &last, &err), "%s", err.message);
    CHECK_MSG(x.steps == 8 && x.validations == 4 && last.best_step == 2, "%d steps, %d looks, best at %d",
              (int)x.steps, (int)x.validations, (int)last.best_step);
    CHECK_MSG(train(check_path("patient"), &phase, 1, set, true, &y, &last, &err), "%s", err.message);
    CHECK(y.steps == 0 && last.step == 8);
    next.steps = 2;
    const kin_train_phase two[] = {{"first", &c}, {"second", &next}};
    CHECK_MSG(train(check_path("patient-phases"), two, 2, set, false, &z, &last, &err), "%s", err.message);
    CHECK_MSG(z.steps == 8 + 2 && last.step == 2, "%d steps", (int)z.steps);
    seen again = {0};
    CHECK_MSG(train(check_path("patient-phases"), two, 2, set, true, &again, &last, &err), "%s", err.message);
    CHECK_MSG(again.steps == 0, "%d steps", (int)again.steps);
    c.patience = 32, c.validate_every = INT64_C(1) << 59;
    CHECK(!kin_config_out_of_patience(&c, 10, 0) && !kin_config_out_of_patience(&c, 0, 10));
    c.patience = 3, c.validate_every = 2;
    CHECK(kin_config_out_of_patience(&c, 8, 2) && !kin_config_out_of_patience(&c, 7, 2));
    check_end();
}

/* Mean |value| of the parameters whose name ends so, in a run's network. */
static double size_of(const char *run, const char *ending)
{
    kin_checkpoint *c = NULL;
    kin_error err = {0};
    char file[1024];
    double sum = 0;
    size_t count = 0, end = strlen(ending);
    CHECK_MSG(kin_checkpoint_open(in(file, run, "model.safetensors"), &c, &err), "%s", err.message);
    for (int i = 0; c && i < kin_checkpoint_count(c); i++) {
        const kin_array *a = kin_checkpoint_array(c, i);
        if (strlen(a->name) < end || strcmp(a->name + strlen(a->name) - end, ending) != 0) continue;
        for (size_t k = 0; k < a->count; k++) sum += fabs(kin_array_number(a, k)), count++;
    }
    kin_checkpoint_free(c);
    return count ? sum / (double)count : NAN;
}

static void test_norms(const kin_dataset *set)
{
    check_begin("norms: pulled towards 0 where asked; their statistics move by the share that was asked for");
    kin_config plain = settings(), pulled = settings(), slow = settings();
    kin_error err = {0};
    seen x = {0};
    char a[1024], b[1024], d[1024];
    snprintf(a, sizeof a, "%s", check_path("norms-plain")),
        snprintf(b, sizeof b, "%s", check_path("norms-pulled"));
    snprintf(d, sizeof d, "%s", check_path("norms-slow"));
    plain.steps = pulled.steps = slow.steps = 1;
    plain.optimizer = pulled.optimizer = slow.optimizer = KIN_ADAMW;
    plain.schedule = pulled.schedule = slow.schedule = KIN_SCHEDULE_CONSTANT;
    plain.lr = pulled.lr = slow.lr = 1e-3, plain.weight_decay = pulled.weight_decay = 100;
    pulled.decay_norms = 1, slow.norm_momentum = .01;
    CHECK(train(a, &(kin_train_phase){.config = &plain}, 1, set, false, &x, NULL, &err) &&
          train(b, &(kin_train_phase){.config = &pulled}, 1, set, false, &x, NULL, &err) &&
          train(d, &(kin_train_phase){.config = &slow}, 1, set, false, &x, NULL, &err));
    /* one step: the decay of AdamW is 1 - lr * 100 = .9 on what was 1 */
    CHECK_CLOSE(size_of(b, "bn.weight") - size_of(a, "bn.weight"), -.1, 2e-3);
    /* from 0: a tenth and a hundredth of the batch's mean */
    CHECK_CLOSE(size_of(d, "running_mean") / size_of(a, "running_mean"), .1, 1e-4);
    check_end();
}

static void test_drop_path(const kin_dataset *set)
{
    check_begin(
        "stochastic depth: training differs and is the same again, stopped and resumed; conv4 has none");
    kin_config c = settings();
    kin_error err = {0};
    seen x = {0}, y = {.stop_at = 2}, z = {0}, n = {0};
    snprintf(c.model, sizeof c.model, "resnet8");
    kin_train_phase phase = {.config = &c};
    CHECK_MSG(train(check_path("whole-depth"), &phase, 1, set, false, &n, NULL, &err), "%s", err.message);
    c.drop_path = .5;
    CHECK_MSG(train(check_path("depth"), &phase, 1, set, false, &x, NULL, &err), "%s", err.message);
    CHECK(!train(check_path("depth-halves"), &phase, 1, set, false, &y, NULL, &err));
    kin_error_clear(&err);
    CHECK_MSG(train(check_path("depth-halves"), &phase, 1, set, true, &z, NULL, &err), "%s", err.message);
    CHECK(same_files(check_path("depth/model.safetensors"), check_path("depth-halves/model.safetensors")));
    CHECK(n.loss != x.loss);
    snprintf(c.model, sizeof c.model, "conv4");
    CHECK(!train(check_path("no-depth"), &phase, 1, set, false, &x, NULL, &err));
    CHECK_TEXT(err.message, "no residual branches");
    check_end();
}

static void test_rectangle(const kin_dataset *set)
{
    check_begin("pictures higher than wide: stopped and resumed with the same bytes, the size is kept");
    kin_config c = settings(), *back = kin_alloc(sizeof *back);
    kin_error err = {0};
    kin_checkpoint *kept = NULL;
    kin_train_phase phase = {.config = &c};
    seen x = {0}, y = {.stop_at = 3}, z = {0};
    c.size = 20, c.across = 12, c.flip = 1, c.shift = 3, c.light = .1, c.erase = .9;
    CHECK_MSG(train(check_path("tall"), &phase, 1, set, false, &x, NULL, &err), "%s", err.message);
    CHECK(!train(check_path("tall-halves"), &phase, 1, set, false, &y, NULL, &err));
    kin_error_clear(&err);
    CHECK_MSG(train(check_path("tall-halves"), &phase, 1, set, true, &z, NULL, &err), "%s", err.message);
    CHECK(same_files(check_path("tall/model.safetensors"), check_path("tall-halves/model.safetensors")));
    CHECK(kin_checkpoint_open(check_path("tall/model.safetensors"), &kept, &err) &&
          kin_config_from_checkpoint(back, kept, "tall", NULL, &err));
    CHECK(back && back->size == 20 && back->across == 12 && kin_config_across(back) == 12);
    const char *note = kin_checkpoint_note(kept, "kin.size");
    CHECK(note && strcmp(note, "20x12") == 0);
    kin_checkpoint_free(kept);
    kin_free(back);
    check_end();
    check_begin("sizes as they are written");
    static const struct {
        const char *text;
        int64_t height, across; /* height -1: none */
    } rows[] = {{"224", 224, 0}, {"256x128", 256, 128}, {"64x64", 64, 0}, {"x64", -1, 0},    {"64x", -1, 0},
                {"-3", -1, 0},   {"64x-1", -1, 0},      {"64x0", -1, 0},  {"64 x 3", -1, 0}, {"", -1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t height = -1, across = -1;
        bool ok = kin_size_parse(rows[i].text, &height, &across);
        CHECK_MSG(ok == (rows[i].height >= 0), "'%s'", rows[i].text);
        CHECK_MSG(!ok || (height == rows[i].height && across == rows[i].across), "'%s'", rows[i].text);
    }
    check_end();
}

/* Standard output and error, while it trains and while it fails, go to a file that stays empty. */
static void test_silent(const kin_dataset *set)
{
    check_begin("nothing is printed");
    kin_config c = settings(), bad = settings();
    kin_error err = {0};
    kin_bytes said = {0};
    kin_train_phase phase = {.config = &c}, wrong = {.config = &bad};
    seen x = {0};
    char file[1024], run[1024];
    snprintf(file, sizeof file, "%s", check_path("said"));
    snprintf(run, sizeof run, "%s", check_path("silent"));
    snprintf(bad.loss, sizeof bad.loss, "no-such-loss");
    fflush(stdout);
    int out = dup(1), errs = dup(2), to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool turned = out >= 0 && errs >= 0 && to >= 0 && dup2(to, 1) >= 0 && dup2(to, 2) >= 0;
    bool trained = train(run, &phase, 1, set, false, &x, NULL, &err);
    bool refused = !train(run, &wrong, 1, set, false, &x, NULL, &err);
    fflush(stdout);
    bool back = dup2(out, 1) >= 0 && dup2(errs, 2) >= 0;
    close(out), close(errs), close(to);
    CHECK(turned && back && trained && refused);
    kin_error ignored = {0};
    CHECK(kin_read_file(file, 0, &said, &ignored));
    CHECK_MSG(said.size == 0, "it printed: %.200s", (const char *)said.data);
    kin_bytes_free(&said);
    check_end();
}

/* ---- phases ---- */

static void test_phases(const kin_dataset *set)
{
    check_begin("phases: each in its folder, the last one's network is the run's");
    kin_config first = settings(), second = settings();
    kin_error err = {0};
    seen x = {0}, y = {.stop_at = STEPS + 2}, z = {0}, again = {0};
    kin_train_state last;
    snprintf(second.loss, sizeof second.loss, "softmax + triplet-hard * .5");
    second.steps = 4;
    const kin_train_phase phases[] = {{"warm", &first}, {"main", &second}};
    CHECK_MSG(train(check_path("phases"), phases, 2, set, false, &x, &last, &err), "%s", err.message);
    CHECK(x.steps == STEPS + 4 && last.step == 4);
    CHECK(same_files(check_path("phases/model.safetensors"),
                     check_path("phases/phase-main/model.safetensors")));
    CHECK(!kin_exists(check_path("phases/phase-main/start.safetensors")));
    CHECK(!same_files(check_path("phases/phase-warm/model.safetensors"),
                      check_path("phases/model.safetensors")));
    /* Again in the same folder, which takes the place of the first, and is stopped in its second phase. */
    kin_bytes whole = {0}, resumed = {0};
    CHECK(kin_read_file(check_path("phases/model.safetensors"), 0, &whole, &err));
    CHECK(!train(check_path("phases"), phases, 2, set, false, &y, NULL, &err) &&
          err.code == KIN_ERR_INTERRUPTED);
    CHECK(!kin_exists(check_path("phases/model.safetensors")));
    kin_error_clear(&err);
    CHECK_MSG(train(check_path("phases"), phases, 2, set, true, &z, NULL, &err), "%s", err.message);
    CHECK(z.steps == 2);
    CHECK(kin_read_file(check_path("phases/model.safetensors"), 0, &resumed, &err));
    CHECK(whole.size == resumed.size && memcmp(whole.data, resumed.data, whole.size) == 0);
    CHECK_MSG(train(check_path("phases"), phases, 2, set, true, &again, NULL, &err), "%s", err.message);
    CHECK(again.steps == 0);
    kin_bytes_free(&whole), kin_bytes_free(&resumed);
    check_end();
}

/* ---- what a program adds ---- */

static kin_tensor *small(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt)
{
    (void)stage, (void)opt;
    return kin_conv(kin_sub(s, "conv"), x, &(kin_conv_opt){.out = 4, .kernel = 3, .stride = 2});
}
static bool twice(const kin_head_call *c, kin_branches *out)
{
    kin_tensor *y = kin_global_avg_pool(kin_model_features(c->model, c->scope, c->x, c->opt));
    out->branch[out->count++] = (kin_named_branch){"once", y, y, false};
    out->branch[out->count++] = (kin_named_branch){"again", y, y, false};
    return y != NULL;
}
static kin_tensor *squares(const kin_loss_call *c) { return kin_mean(kin_square(c->x), 0); }

static const kin_model own_model = {
    .name = "own-net", .about = "-", .size = 16, .channels = 3, .stages = "only", .stage = small};
static const kin_head own_head = {.name = "own-head", .about = "-", .run = twice};
static bool keep_all(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p)
{
    return (void)c, (void)cosines, (void)p, true;
}
static const kin_miner own_miner = {.name = "own-miner", .about = "-", .pairs = keep_all};
static const kin_loss own_loss = {.name = "own-loss", .about = "-", .formula = squares};

static bool darken(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                   kin_error *err)
{
    (void)recipe, (void)s, (void)err;
    for (int i = 0; i < image->width * image->height * image->channels; i++)
        image->data[i] = (uint8_t)(image->data[i] * step->value[0].number[0]);
    return true;
}
static const kin_transform_info own_transform = {
    .name = "darken",
    .help = "Darkens.",
    .params = {{"by", KIN_PARAM_NUMBER, "0.5", 0, 1, NULL, "factor"}},
    .apply = darken};
static bool is_drawn(const char *path) { return strncmp(path, "drawn", 5) == 0; }
static bool open_drawn(const char *path, const char *part, kin_dataset *out, kin_error *err)
{
    const char *classes[COUNT];
    bool ok = !part || kin_fail(err, KIN_ERR_ARGUMENT, "%s: has no part %s", path, part);
    for (int i = 0; ok && i < COUNT; i++) {
        classes[i] = i < COUNT / 2 ? "a" : "b";
        ok = kin_dataset_add(out, names[i], names[i], -1, -1, err);
    }
    return ok && kin_dataset_name_classes(out, classes, err);
}
static const kin_dataset_reader own_set = {"a drawn set", is_drawn, open_drawn};

/* Each alone, so that each is what the other program lacks. */
static void test_own(const kin_dataset *set, const kin_catalogue *own, const char *what, const char *missing)
{
    check_begin("own %s: trained and opened with the catalogue, refused by name without it", what);
    kin_config c = settings();
    kin_error err = {0};
    char run[1024];
    snprintf(run, sizeof run, "%s", check_path(what));
    c.embedding = 0, c.steps = 2;
    if (own->models) snprintf(c.model, sizeof c.model, "own-net");
    if (own->heads) snprintf(c.head, sizeof c.head, "own-head");
    if (own->losses) snprintf(c.loss, sizeof c.loss, "own-loss * .5");
    if (own->miners) snprintf(c.loss, sizeof c.loss, "supcon(miner=own-miner)");
    kin_train_opt opt = {.version = KIN_TRAIN_VERSION,
                         .phases = &(kin_train_phase){.config = &c},
                         .n_phases = 1,
                         .set = set,
                         .run = run,
                         .own = own};
    CHECK_MSG(kin_train(&opt, NULL, &err), "%s", err.message);
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_module *module = NULL;
    kin_encoded e = {0};
    kin_ctx *ctx = kin_ctx_new();
    CHECK_MSG(kin_network_open(run, &(kin_open_opt){.own = own}, ctx, network, &module, &err) &&
                  kin_encode(module, network, set, NULL, &e, &err),
              "%s", err.message);
    CHECK(e.count == COUNT);
    kin_encoded_free(&e);
    kin_module_free(module);
    CHECK(!kin_network_open(run, NULL, ctx, network, &module, &err) && err.code == KIN_ERR_DATA);
    CHECK_TEXT(err.message, missing);
    kin_error_clear(&err);
    opt.own = NULL, opt.resume = true;
    CHECK(!kin_train(&opt, NULL, &err));
    CHECK_TEXT(err.message, missing);
    kin_ctx_free(ctx);
    kin_free(network);
    check_end();
}

static void refuse_catalogue(const char *what, const kin_catalogue *own, const char *part)
{
    kin_error err = {0};
    check_begin("a catalogue is refused: %s", what);
    CHECK(!kin_catalogue_check(own, &err) && err.code == KIN_ERR_ARGUMENT);
    CHECK_TEXT(err.message, part);
    check_end();
}

static void test_catalogue(const kin_dataset *set)
{
    const kin_model *const models[] = {&own_model, NULL};
    const kin_head *const heads[] = {&own_head, NULL};
    const kin_loss *const losses[] = {&own_loss, NULL};
    const kin_miner *const miners[] = {&own_miner, NULL};
    test_own(set, &(kin_catalogue){.models = models}, "model", "own-net");
    test_own(set, &(kin_catalogue){.heads = heads}, "head", "own-head");
    test_own(set, &(kin_catalogue){.losses = losses}, "loss", "own-loss");
    test_own(set, &(kin_catalogue){.miners = miners}, "miner", "own-miner");
    kin_model m = own_model;
    kin_head h = own_head;
    kin_loss l = own_loss;
    const kin_catalogue bad_model = {.models = (const kin_model *const[]){&own_model, &m, NULL}},
                        bad_head = {.heads = (const kin_head *const[]){&h, NULL}},
                        bad_loss = {.losses = (const kin_loss *const[]){&l, NULL}};
    m.name = "a name";
    refuse_catalogue("a network's name with a blank", &bad_model, "'a name' is no name");
    m = own_model, m.name = "a-name-that-is-longer-than-notes-hold";
    refuse_catalogue("a network's name that is too long", &bad_model, "fewer than 32");
    m = own_model, m.stage = NULL;
    refuse_catalogue("a network without a function", &bad_model, "has no function `stage`");
    m = own_model, m.stages = "";
    refuse_catalogue("a network without stages", &bad_model, "has no stages");
    m = own_model, m.channels = 2;
    refuse_catalogue("a network for two channels", &bad_model, "2 channels");
    h.run = NULL;
    refuse_catalogue("a head without a function", &bad_head, "has no function `run`");
    h = own_head;
    for (int i = 0; i <= KIN_HEAD_PARAMS; i++) h.params[i].name = "x";
    refuse_catalogue("a head whose options have no end", &bad_head, "has no end of its options");
    l.formula = NULL;
    refuse_catalogue("a loss without a formula", &bad_loss, "has no formula");
    kin_transform_info transform = own_transform;
    kin_dataset_reader reader = own_set;
    transform.name = "";
    refuse_catalogue("a transform without a name",
                     &(kin_catalogue){.transforms = (const kin_transform_info *const[]){&transform, NULL}},
                     "'' is no name");
    reader.open = NULL;
    refuse_catalogue("a data set without a function",
                     &(kin_catalogue){.sets = (const kin_dataset_reader *const[]){&reader, NULL}},
                     "has no function `open`");
    kin_miner miner = own_miner;
    const kin_catalogue bad_miner = {.miners = (const kin_miner *const[]){&miner, NULL}};
    miner.pairs = NULL;
    refuse_catalogue("a miner without a function", &bad_miner, "has no function `pairs` or `triplets`");
    miner = own_miner, miner.name = "a miner";
    refuse_catalogue("a miner's name with a blank", &bad_miner, "'a miner' is no name");
    l = own_loss, l.name = NULL;
    refuse_catalogue("a loss without a name", &bad_loss, "'' is no name");
}

static void test_own_transform(const kin_dataset *set)
{
    check_begin("own transform: trained with, unknown without");
    const kin_transform_info *const table[] = {&own_transform, NULL};
    const kin_catalogue own = {.transforms = table};
    kin_config c = settings();
    kin_error err = {0};
    char run[1024];
    kin_image image = {0};
    kin_recipe recipe;
    kin_text text = {0};
    snprintf(run, sizeof run, "%s", check_path("darkened"));
    snprintf(c.augment, sizeof c.augment, "flip darken(.25)");
    c.steps = 2;
    kin_train_opt opt = {.version = KIN_TRAIN_VERSION,
                         .phases = &(kin_train_phase){.config = &c},
                         .n_phases = 1,
                         .set = set,
                         .run = run};
    CHECK(!kin_train(&opt, NULL, &err) && err.code == KIN_ERR_ARGUMENT);
    CHECK_TEXT(err.message, "unknown transform 'darken'");
    kin_error_clear(&err);
    opt.own = &own;
    CHECK_MSG(kin_train(&opt, NULL, &err), "%s", err.message);
    CHECK(kin_recipe_parse_own("darken", table, &recipe, &err) && kin_image_new(&image, 2, 2, 3, &err));
    image.data[0] = 100;
    CHECK(kin_recipe_apply(&recipe, 1, &image, &err) && image.data[0] == 50);
    CHECK(!kin_recipe_parse_own("darkn", table, &recipe, &err));
    CHECK_TEXT(err.message, "did you mean 'darken'?");
    kin_transform_list(&own_transform, &text);
    CHECK_TEXT(text.data, "by=0.5");
    kin_text_free(&text);
    kin_image_free(&image);
    check_end();
}

static void test_own_set(void)
{
    check_begin("own data set: opened by its reader, with choices of classes and labels");
    const kin_dataset_reader *const table[] = {&own_set, NULL};
    kin_dataset set;
    kin_error err = {0};
    CHECK_MSG(kin_dataset_open("drawn", &(kin_dataset_opt){.own = table}, &set, &err), "%s", err.message);
    CHECK(set.count == COUNT && set.classes == 2 && strcmp(set.kind, "a drawn set") == 0);
    kin_dataset_free(&set);
    CHECK(kin_dataset_open("drawn", &(kin_dataset_opt){.own = table, .classes = "1"}, &set, &err));
    CHECK(set.count == COUNT / 2 && set.classes == 1);
    kin_dataset_free(&set);
    CHECK(!kin_dataset_open("drawn:x", &(kin_dataset_opt){.own = table}, &set, &err));
    CHECK_TEXT(err.message, "has no part x");
    kin_error_clear(&err);
    CHECK(!kin_dataset_open("drawn", NULL, &set, &err) && err.code == KIN_ERR_IO);
    check_end();
}

/* ---- refusals ---- */

static void refuse(const char *what, const kin_train_opt *opt, const char *part)
{
    kin_error err = {0};
    check_begin("refused: %s", what);
    CHECK(!kin_train(opt, NULL, &err) && err.code == KIN_ERR_ARGUMENT);
    CHECK_TEXT(err.message, part);
    CHECK(!kin_exists(check_path("refused")));
    check_end();
}

static void test_refusals(const kin_dataset *set)
{
    kin_config c = settings();
    char run[1024];
    snprintf(run, sizeof run, "%s", check_path("refused"));
    kin_train_phase one = {.config = &c};
    const kin_train_phase two[] = {{"a", &c}, {"a", &c}}, path[] = {{"../a", &c}};
    const kin_train_opt good = {
        .version = KIN_TRAIN_VERSION, .phases = &one, .n_phases = 1, .set = set, .run = run};
    kin_train_opt opt = good;
    opt.version = 7;
    refuse("another version", &opt, "is of version 7");
    opt = good, opt.n_phases = 0;
    refuse("no phase", &opt, "needs a phase");
    opt = good, opt.phases = two, opt.n_phases = 2;
    refuse("two phases of one name", &opt, "two phases are called a");
    opt = good, opt.phases = path;
    refuse("a name that is a path", &opt, "needs a name");
    snprintf(c.model, sizeof c.model, "resnet17");
    refuse("an unknown network", &good, "there is no network 'resnet17'");
    c = settings(), c.lr = -1;
    refuse("a negative rate", &good, "lr is -1");
    c = settings(), c.channels = 2;
    refuse("two channels", &good, "impossible sizes");
    c = settings(), memset(c.head, 'x', sizeof c.head);
    refuse("a text without an end", &good, "head has no end");
    c = settings(), c.across = SIZE + 1, c.resize = 20;
    refuse("the middle of a rectangle", &good, "resize is of squares");
    c = settings(), c.across = 5000;
    refuse("a width beyond all", &good, "impossible sizes");
    c = settings(), snprintf(c.augment, sizeof c.augment, "rrc(9)");
    refuse("a recipe that ends in another size", &good, "9 x 9");
}

static void test_errors_handed_on(void)
{
    check_begin("a context's error is handed on as it is; that there is none is an error of memory");
    kin_error err = {0}, none = {0};
    kin_ctx *ctx = kin_ctx_new();
    kin_fail(kin_ctx_error(ctx), KIN_ERR_NUMERIC, "%s", "100 %s of it");
    CHECK(!kin_take_error(ctx, &err) && err.code == KIN_ERR_NUMERIC &&
          strcmp(err.message, "100 %s of it") == 0);
    CHECK(!kin_ok(ctx) && !kin_take_error(NULL, &none) && none.code == KIN_ERR_MEMORY);
    kin_ctx_free(ctx);
    check_end();
}

/* ---- what was trained ---- */

static void test_use(const kin_dataset *set)
{
    check_begin("the run's network embeds, and the descriptors can be judged");
    kin_error err = {0};
    kin_network *network = kin_alloc_zero(1, sizeof *network);
    kin_module *module = NULL;
    kin_encoded e = {0};
    kin_metrics m;
    int64_t labels[COUNT];
    kin_ctx *ctx = kin_ctx_new();
    CHECK_MSG(kin_network_open(check_path("whole"), NULL, ctx, network, &module, &err), "%s", err.message);
    CHECK_MSG(module && kin_encode(module, network, set, NULL, &e, &err), "%s", err.message);
    CHECK(e.count == COUNT && e.dim == 16);
    for (int i = 0; i < COUNT; i++) labels[i] = items[i].label;
    CHECK_MSG(kin_judge_set((kin_vectors){e.rows, e.count, e.dim}, labels, NULL, &m, NULL, &err), "%s",
              err.message);
    CHECK(m.mean.ap > 0.2 && m.mean.ap <= 1);
    kin_encoded_free(&e);
    kin_module_free(module);
    kin_ctx_free(ctx);
    kin_free(network);
    check_end();
}

int main(void)
{
    kin_dataset set = draw();
    test_callbacks(&set);
    test_stop_and_resume(&set);
    test_rectangle(&set);
    test_patience(&set);
    test_norms(&set);
    test_drop_path(&set);
    test_silent(&set);
    test_phases(&set);
    test_catalogue(&set);
    test_own_transform(&set);
    test_own_set();
    test_refusals(&set);
    test_errors_handed_on();
    test_use(&set);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
