/* kin train: data, a network, a loss, a folder for the run. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/options/config_options.h"
#include "cli/options/named_network.h"
#include "cli/options/own.h"
#include "cli/options/source.h"
#include "cli/terminal/interrupt.h"
#include "cli/training/demo.h"
#include "cli/training/live.h"
#include "cli/training/phases.h"
#include "cli/training/train_told.h"
#include "cli/training/watch.h"
#include "data/sets/split.h"
#include "train/run_folder.h"

#include <stdio.h>
#include <string.h>

/* In the order in which help tells them. */
static const char *const optimizers[] = {"adam", "adamw", "sgd", NULL};
static const char *const samplers[] = {"pk", "plain", "balanced", NULL};
static const char *const schedules[] = {"cosine", "step", "constant", NULL};

#define ANY .low = 0, .high = -1
static const kin_option options[] = {
    {"out", KIN_OPTION_STRING, "RUN", "folder for the checkpoints, the log and the curve"},
    {"recipe", KIN_OPTION_STRING, "NAME",
     "options from a recipe, and its phases one after the other: one that kin recipes lists, or a file; what "
     "is "
     "said beside it wins"},
    {"resume", KIN_OPTION_STRING, "RUN",
     "go on with an interrupted run where it stopped; its settings come with it, and only --steps, --data "
     "and "
     "the place of --teacher may change"},
    {"data", KIN_OPTION_STRING, "DATA",
     "with --resume: where the run's data are now, if not where they were"},
    {"model", KIN_OPTION_CHOICE, "NAME", "the network", "conv4", .choices = kin_model_names},
    {"loss", KIN_OPTION_STRING, "SUM",
     "the loss, or a sum of some, with their options and weights: \"softmax(smoothing=.1) + "
     "triplet-hard(margin=.3) * .5\"; kin loss lists them",
     "triplet-hard", .fallback_shown = "triplet-hard; with --weights " KIN_GENTLE_LOSS},
    {"teacher", KIN_OPTION_STRING, "RUN",
     "distill: learn the descriptors of another network, a run's or one with published weights (a file, with "
     "--teacher-model); with distill alone the data need no classes",
     .fallback_shown = "none; with it the loss is distill, unless said otherwise"},
    {"teacher-model", KIN_OPTION_STRING, "NAME", "with --teacher WEIGHTS: the network that they are of"},
    KIN_LABELS_OPTION,
    {"classes", KIN_OPTION_STRING, "LIST",
     "classes to train on, by their place in sorted order: 0-699, 700- or 0,2,4-6", .fallback_shown = "all"},
    {"size", KIN_OPTION_STRING, "PIXELS",
     "what pictures are brought to: a square of this side, the middle of the picture; or HEIGHTxWIDTH, as in "
     "256x128 for "
     "people, the whole picture, stretched",
     .fallback_shown = "the network's"},
    {"channels", KIN_OPTION_INT, "N", "1 for grey, 3 for colour", .fallback_shown = "the network's", .low = 1,
     .high = 3},
    KIN_MODEL_OPTIONS,
    {"filter", KIN_OPTION_CHOICE, "NAME", "how pictures are resized", "own", .choices = kin_filter_choices},
    {"resize", KIN_OPTION_INT, "PIXELS", "the short side before the middle is cut out",
     .fallback_shown = "the size; with --weights the margin they were tested with, as kin embed has it",
     .low = 8, .high = 4096},
    {"normalize", KIN_OPTION_CHOICE, "NAME",
     "what bytes become: none 0..1, half -1..1, imagenet as torchvision's networks want them, lite as "
     "EfficientNet-Lite",
     "own", .choices = kin_normalization_choices},
    {"weights", KIN_OPTION_STRING, "FILE",
     "begin with published weights of this network (anything that kin import reads, PyTorch's names); the "
     "classifier in them is passed over",
     .fallback_shown = "first values by the seed"},
    {"allow-missing", KIN_OPTION_STRING, "GLOBS",
     "with --weights: parameters that may be missing there or superfluous, such as 'layer4.*,fc.*'",
     .fallback_shown = "the heads"},
    KIN_WEIGHTS_OPTIONS,
    {"cache", KIN_OPTION_INT, "MIB", "decoded pictures kept in memory", "4096", ANY},
    KIN_PICTURE_OPTIONS,
    {"invert", KIN_OPTION_FLAG, NULL, "dark on light becomes light on dark, for drawings"},
    {"steps", KIN_OPTION_INT, "N", "how many batches to train on", "2000", ANY},
    {"sampler", KIN_OPTION_CHOICE, "NAME",
     "how batches are drawn: pk (P classes with K pictures each), plain (shuffled passes over all pictures), "
     "or balanced (every class equally often)",
     .fallback_shown = "pk for losses on pairs and triplets, else plain", .choices = samplers},
    {"batch-classes", KIN_OPTION_INT, "P", "classes in a batch of the pk sampler", "32",
     .fallback_shown = "32, or all where there are fewer", .low = 2, .high = 4096},
    {"batch-pictures", KIN_OPTION_INT, "K", "pictures of each class in a batch", "4", .low = 2, .high = 256},
    {"batch", KIN_OPTION_INT, "N", "pictures in a batch of the other samplers", "128",
     .fallback_shown = "128, or all where there are fewer", .low = 2, .high = 16384},
    {"lr", KIN_OPTION_REAL, "RATE", "learning rate", "0.001", .low = 1e-12, .high = -1,
     .fallback_shown = "0.001; with --weights " KIN_GENTLE_LR_TEXT},
    {"schedule", KIN_OPTION_CHOICE, "NAME", "how the rate falls", "cosine", .choices = schedules},
    {"final-lr", KIN_OPTION_REAL, "RATE", "where the cosine ends", "0", ANY},
    {"warmup", KIN_OPTION_INT, "N", "steps over which the rate rises first", "0", ANY,
     .fallback_shown = "0; with --weights a tenth of the steps, 100 at most"},
    {"decay-every", KIN_OPTION_INT, "N", "steps between falls of the step schedule", "1000", .low = 1,
     .high = -1},
    {"decay-gamma", KIN_OPTION_REAL, "X", "factor of each fall", "0.1", .low = 1e-6, .high = 1},
    {"optimizer", KIN_OPTION_CHOICE, "NAME", "how weights are moved", "adam", .choices = optimizers},
    {"momentum", KIN_OPTION_REAL, "X", "momentum of sgd", "0.9", .low = 0, .high = 0.9999},
    {"weight-decay", KIN_OPTION_REAL, "X", "pull of the weights towards 0 (not of norms and biases)", "0",
     ANY},
    {"decay-norms", KIN_OPTION_FLAG, NULL,
     "pull norms and biases towards 0, too, as PyTorch does unless told otherwise"},
    {"no-decay", KIN_OPTION_STRING, "PATTERNS", "parameters that are not pulled, such as 'gamma,*.p'"},
    {"freeze", KIN_OPTION_STRING, "PATTERNS",
     "parameters that do not change, with their norms' statistics, such as 'conv1.*,bn1.*,layer1.*'"},
    {"freeze-bn", KIN_OPTION_FLAG, NULL,
     "batch norms keep their statistics and normalise with them in training; their weights still train",
     .fallback_shown = "only with --weights"},
    {"train-bn", KIN_OPTION_FLAG, NULL,
     "with --weights: batch norms normalise by their batch, and their statistics follow"},
    {"norm-momentum", KIN_OPTION_REAL, "X",
     "share by which the batch norms' statistics move towards a batch's", "0",
     .fallback_shown = "the network's, mostly 0.1", .low = 0, .high = 1},
    {"drop-path", KIN_OPTION_REAL, "P",
     "stochastic depth: probability that the last residual branch is left out for a picture, of those before "
     "it in "
     "proportion to their depth",
     "0", .fallback_shown = "the network's", .low = 0, .high = 0.9},
    {"recompute", KIN_OPTION_FLAG, NULL,
     "keep only what the network's blocks return, and compute their insides again for the gradients: less "
     "memory, the same result, more time"},
    {"lr-warmup", KIN_OPTION_STRING, "LIST",
     "steps over which the rate of some parameters rises, such as 'layer*=500': what was trained before "
     "begins slower than what is new"},
    {"lr-scale", KIN_OPTION_STRING, "LIST",
     "factors of the learning rate, such as 'layer4.*=0.1,fc.*=10'; the last pattern that matches counts"},
    {"clip", KIN_OPTION_REAL, "NORM", "longest gradient allowed; 0 does not clip", "0", ANY},
    {"ema", KIN_OPTION_REAL, "DECAY", "keep a moving average of the weights and use it; 0 does not", "0",
     .low = 0, .high = 0.99999},
    {"margin", KIN_OPTION_REAL, "X", "the margin of the loss, where --loss does not say it",
     .fallback_shown = "the loss's own", ANY},
    {"smoothing", KIN_OPTION_REAL, "X", "label smoothing of softmax, where --loss does not say it", "0",
     .low = 0, .high = 0.9},
    {"augment", KIN_OPTION_STRING, "RECIPE",
     "augment: transforms in order, as kin augment shows them: \"rrc(64) flip jitter(.4,.4,.4,.1)\"; the "
     "last must bring pictures to --size",
     .fallback_shown = "none"},
    {"cache-side", KIN_OPTION_INT, "PIXELS",
     "before --augment pictures are reduced to this short side: less memory, less work",
     .fallback_shown = "not reduced", .low = 0, .high = 1000000},
    {"flip", KIN_OPTION_FLAG, NULL, "augment: mirror every other picture"},
    {"shift", KIN_OPTION_INT, "PIXELS", "augment: move by up to so many pixels", "0", .low = 0, .high = 512},
    {"light", KIN_OPTION_REAL, "X", "augment: change brightness and contrast by up to this share", "0",
     .low = 0, .high = 1},
    {"erase", KIN_OPTION_REAL, "P", "augment: probability that a random rectangle is erased", "0", .low = 0,
     .high = 1},
    {"validate", KIN_OPTION_REAL, "SHARE",
     "hold out the last share of the classes, one contiguous chunk, and keep the network that is best on "
     "them",
     "0", .low = 0, .high = 0.9},
    {"validate-fold", KIN_OPTION_STRING, "I/K",
     "hold out the I-th of K contiguous chunks of the classes instead"},
    {"validate-list", KIN_OPTION_STRING, "FILE",
     "hold out the classes, or the pictures by their ids, that the file names, one a line; a second column "
     "may say train, val or test instead"},
    {"validate-every", KIN_OPTION_INT, "N", "steps between looks at the held-out classes", "250", .low = 1,
     .high = -1},
    {"patience", KIN_OPTION_INT, "N",
     "end the training when N looks at the held-out classes in a row are no better than the best; 0 never "
     "does",
     "0", .low = 0, .high = 1000000000},
    {"save-every", KIN_OPTION_INT, "N", "steps between checkpoints", "500", .low = 1, .high = -1},
    {"seed", KIN_OPTION_INT, "N", "first values, batches and augmentation are functions of it", "1", ANY},
    {"watch", KIN_OPTION_FLAG, NULL,
     "write a page, RUN/watch.html, that shows the training while it goes on: loss, validation, the "
     "embedding's map as it forms, the hardest triplet; at the end RUN/learning.svg, the map as it moved"},
    {"profile", KIN_OPTION_FLAG, NULL,
     "print at the end where the time of the steps went, by op and layer, beside this machine's measured "
     "limits"},
    {"profile-csv", KIN_OPTION_STRING, "FILE", "the same, and write all layers to this file",
     .writes = KIN_WRITES_FILE},
    {"strict", KIN_OPTION_FLAG, NULL, "refuse broken pictures instead of leaving them out"},
    {0},
};

static bool resumed_config(kin_config *c, const char *run, kin_error *err)
{
    kin_checkpoint *checkpoint;
    char *path = kin_path_join(run, "last.safetensors");
    bool ok = path && kin_checkpoint_open(path, &checkpoint, err);
    if (ok) {
        ok = kin_config_from_checkpoint(c, checkpoint, path, kin_own(), err);
        kin_checkpoint_free(checkpoint);
    }
    kin_free(path);
    return ok;
}

/* What a resumed run may be told anew. */
static bool changed_config(kin_config *c, const kin_cli *cli, const char *run, kin_error *err)
{
    if (strcmp(c->data, KIN_DEMO_DATA) == 0)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s is a demo's run, whose pictures are drawn; the same kin demo goes on with it",
                        run);
    kin_text other = {0};
    const char *data = kin_option_string(cli, "data");
    bool ok = kin_config_contradictions(c, cli, &other, err);
    if (ok && other.size)
        ok = kin_fail(
            err, KIN_ERR_ARGUMENT,
            "--resume %s goes on as the run began, without %s; only --steps, --data and the place of "
            "--teacher may change",
            run, other.data);
    kin_text_free(&other);
    if (kin_option_given(cli, "steps")) c->steps = kin_option_int(cli, "steps");
    if (ok && data && strlen(data) >= sizeof c->data)
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "--data is longer than %zu characters", sizeof c->data - 1);
    if (ok && data) snprintf(c->data, sizeof c->data, "%s", data);
    const char *teacher = kin_option_string(cli, "teacher");
    if (ok && teacher && strlen(teacher) >= sizeof c->teacher)
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "--teacher is longer than %zu characters",
                      sizeof c->teacher - 1);
    if (ok && teacher) snprintf(c->teacher, sizeof c->teacher, "%s", teacher);
    return ok;
}

/* The run's data may lie elsewhere now, or the run be resumed from another folder. */
static bool data_moved(const kin_cli *cli, const char *data, kin_error *err)
{
    kin_error why = *err;
    char root[KIN_CONFIG_TEXT];
    snprintf(root, sizeof root, "%.*s", (int)strcspn(data, ":"), data);
    if (kin_exists(root) || kin_option_given(cli, "data")) return false;
    kin_error_clear(err);
    return kin_fail(err, why.code, "%.600s; if the run's data are elsewhere now, --data DATA says where",
                    why.message);
}

static bool show_reading(void *user, int64_t done, int64_t total)
{
    kin_meter *meter = user;
    meter->total = total;
    kin_meter_update(meter, done, NULL);
    return !kin_interrupted();
}

/* What a command line asks to be trained. */
typedef struct training {
    const kin_config *config;
    const kin_dataset *set, *validation;
    const char *run;
    bool resume;
    const kin_beginning *beginning;
} training;

/* What the trainer says of a stop, with the way on. */
static bool stopped(const kin_trainer *t, const char *run, kin_error *err)
{
    const kin_train_state *now = kin_trainer_state(t);
    if (err->code != KIN_ERR_INTERRUPTED) return false;
    kin_error_clear(err);
    return kin_fail(err, KIN_ERR_INTERRUPTED,
                    "stopped at step %lld of %lld; go on with: kin train --resume %s", (long long)now->step,
                    (long long)now->steps, run);
}

static bool run_shown(kin_cli *cli, const training *what, kin_trainer *t, kin_show *show, kin_error *err)
{
    kin_profile profile;
    const char *csv = kin_option_string(cli, "profile-csv");
    bool profiles = csv || kin_option_flag(cli, "profile"),
         ok = (!what->beginning || what->beginning->begin(what->beginning->user, err)) &&
              (!profiles || kin_profile_open(&profile, kin_module_ctx(kin_trainer_module(t)), err));
    if (ok && profiles) show->profile = &profile;
    kin_meter_start(show->meter, "training", "steps", kin_trainer_state(t)->step, what->config->steps,
                    cli->quiet);
    ok = ok && (kin_show_training(show, t, err) || stopped(t, what->run, err));
    if (ok) {
        kin_meter_end(show->meter);
        kin_tell_end(cli, t, what->set, what->validation != NULL, what->run);
    }
    ok = ok && (!profiles || kin_profile_report(&profile, csv, err));
    if (show->profile) kin_profile_free(&profile);
    return ok;
}

static bool train_on(kin_cli *cli, const training *what, kin_error *err)
{
    kin_meter meter;
    kin_show show = {.meter = &meter, .run = what->run};
    const kin_dataset *set = what->set;
    kin_trainer_opt opt = {.config = what->config,
                           .set = set,
                           .validation = what->validation,
                           .run = what->run,
                           .resume = what->resume,
                           .watch = kin_show_watch(&show),
                           .reading = {.cache = (uint64_t)kin_option_int(cli, "cache") << 20,
                                       .limits = {.max_pixels = (uint64_t)kin_option_int(cli, "max-pixels")},
                                       .progress = show_reading,
                                       .user = &meter}};
    kin_meter_start(&meter, "reading", "pictures", 0, set->count, cli->quiet || set->count < 500);
    kin_trainer *t = kin_trainer_open(&opt, err);
    if (!t) return false;
    if (kin_trainer_network(t)->told[0]) kin_cli_note(cli, "%s", kin_trainer_network(t)->told);
    kin_meter_end(&meter);
    kin_tell_beginning(cli, what->config, t, set);
    kin_live live;
    bool watched = kin_option_flag(cli, "watch"),
         ok = watched ? kin_live_open(&live, &meter, what->run, set, what->validation, err)
                      : what->resume || kin_live_forget(what->run, err);
    show.live = watched && ok ? &live : NULL;
    ok = ok && run_shown(cli, what, t, &show, err);
    if (show.live) kin_live_close(&live);
    kin_trainer_close(t);
    return ok;
}

static bool needs_classes(const kin_config *c)
{
    kin_loss_sum loss;
    bool split = c->validate > 0 || *c->validate_fold || *c->validate_list;
    return split || !kin_config_loss(c, &loss, NULL) || (kin_loss_needs(&loss) & KIN_LOSS_NEEDS_LABELS);
}

/* The held-out part is chosen before any picture is read. */
static bool read_and_train(kin_cli *cli, const kin_config *c, const char *run, bool resume,
                           const kin_beginning *beginning, kin_error *err)
{
    kin_dataset all, kept = {0}, held = {0};
    kin_split how = {.share = c->validate, .list = *c->validate_list ? c->validate_list : NULL};
    bool split = c->validate > 0 || *c->validate_fold || how.list;
    if (*c->validate_fold && !kin_split_parse_fold(c->validate_fold, &how.fold, &how.folds, err))
        return false;
    const kin_dataset_opt choice = {.classes = *c->classes ? c->classes : NULL,
                                    .labels = *c->labels ? c->labels : NULL};
    if (!kin_source_open_set(cli, c->data, &choice, &all, err))
        return resume ? data_moved(cli, c->data, err) : false;
    bool ok = all.classes > 0 || !needs_classes(c) || kin_source_need_classes(&all, c->data, "training", err);
    ok = ok && (!split || kin_split_validation(&all, &how, &kept, &held, err));
    const training what = {c, split ? &kept : &all, split ? &held : NULL, run, resume, beginning};
    ok = ok && train_on(cli, &what, err);
    kin_dataset_free(&kept);
    kin_dataset_free(&held);
    kin_dataset_free(&all);
    return ok;
}

static int ways_to_validate(const kin_cli *cli)
{
    return kin_option_given(cli, "validate") + kin_option_given(cli, "validate-fold") +
           kin_option_given(cli, "validate-list");
}

/* The options as one, and beside each other. */
bool kin_train_configure(kin_config *c, const kin_cli *cli, kin_error *err)
{
    if (kin_option_int(cli, "channels") == 2) return kin_fail(err, KIN_ERR_ARGUMENT, "--channels is 1 or 3");
    if (ways_to_validate(cli) > 1)
        return kin_fail(
            err, KIN_ERR_ARGUMENT,
            "--validate, --validate-fold and --validate-list each say what is held out; give one of them");
    if (kin_option_flag(cli, "freeze-bn") && kin_option_flag(cli, "train-bn"))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--freeze-bn and --train-bn say the opposite; give one of them");
    return kin_config_from_options(c, cli, err);
}

static bool train_told(kin_cli *cli, const kin_config *c, const char *run, bool resume,
                       const kin_beginning *beginning, kin_error *err)
{
    if (!resume) kin_tell_idle_options(cli, c), kin_tell_gentle(cli, c);
    return read_and_train(cli, c, run, resume, beginning, err);
}

static const kin_train_calls calls = {kin_train_configure, resumed_config, changed_config, train_told};

/* A run without a recipe takes the place of one that had one. */
static bool forget_recipe(void *user, kin_error *err)
{
    char *path = kin_path_join(user, "recipe.conf");
    if (!path) return kin_fail_memory(err, "a path", 1);
    bool ok = !kin_exists(path) || remove(path) == 0 ||
              kin_fail(err, KIN_ERR_IO, "%s: is of an earlier run and cannot be removed", path);
    kin_free(path);
    return ok;
}

/* Hours of work are not begun anew in their own folder unasked. */
static bool is_free(const kin_cli *cli, const char *out, kin_error *err)
{
    static const char *const files[] = {KIN_RUN_STATE, KIN_RUN_MODEL, "recipe.conf"};
    if (kin_option_flag(cli, "force")) return true;
    /* a recipe alone was ended before its first step was kept */
    bool begun = kin_phases_begun(out, cli->command);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = kin_path_join(out, files[i]);
        if (!path) return kin_fail_memory(err, out, strlen(out));
        bool there = kin_exists(path) && (i < 2 || begun);
        kin_free(path);
        int lock = -1;
        if (there && !kin_run_own(out, &lock, err)) return false; /* it is being written */
        kin_run_release(&lock);
        if (there)
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "%s holds a run; kin train --resume %s goes on with it, another --out keeps it, "
                            "and --force begins anew in its place",
                            out, out);
    }
    return true;
}

static bool train_new(kin_cli *cli, const char *out, kin_error *err)
{
    const kin_beginning beginning = {forget_recipe, (void *)out};
    if (!is_free(cli, out, err)) return false;
    if (kin_option_given(cli, "recipe")) return kin_phases_train(cli, &calls, err);
    kin_config *config = kin_alloc(sizeof *config);
    bool ok = (config || kin_fail_memory(err, "the settings of a run", sizeof *config)) &&
              kin_train_configure(config, cli, err);
    if (ok) snprintf(config->data, sizeof config->data, "%s", cli->positional[0]);
    ok = ok && train_told(cli, config, out, false, &beginning, err);
    kin_free(config);
    return ok;
}

static bool train_on_from(kin_cli *cli, const char *resume, kin_error *err)
{
    if (kin_phases_has(resume)) return kin_phases_resume(cli, &calls, err);
    kin_config *config = kin_alloc(sizeof *config);
    bool ok = (config || kin_fail_memory(err, "the settings of a run", sizeof *config)) &&
              resumed_config(config, resume, err) && changed_config(config, cli, resume, err) &&
              train_told(cli, config, resume, true, NULL, err);
    kin_free(config);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    const char *resume = kin_option_string(cli, "resume"), *out = kin_option_string(cli, "out");
    if (!resume && kin_option_given(cli, "data"))
        return kin_cli_usage(
            cli, "--data goes with --resume; the data of a new run come first, without an option");
    if (resume && (out || cli->positionals || kin_option_given(cli, "recipe")))
        return kin_cli_usage(cli,
                             "--resume takes everything from the run; leave out DATA, --out and --recipe "
                             "(--data says where the data are now)");
    if (!resume && (!out || !cli->positionals))
        return kin_cli_usage(cli, "DATA and --out RUN are needed (or --resume RUN)");
    kin_interrupt_catch();
    bool ok = resume ? train_on_from(cli, resume, &err) : train_new(cli, out, &err);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_train = {
    .name = "train",
    .summary = "train a network to tell classes apart",
    .usage =
        "kin train DATA --out RUN [--model M] [--loss L] [options]\nkin train DATA --recipe NAME --out RUN "
        "[options]\nkin train --resume RUN [--steps N] [--data DATA]",
    .about =
        "DATA is a folder of class folders, a list file with lines `path,label`, a file of IDX (also "
        ".gz) or CIFAR, or the folder of a data set known by name "
        "(Omniglot, CIFAR-10 and -100, MNIST and Fashion-MNIST, Stanford Online Products, In-Shop, "
        "CUB-200-2011, Cars-196, Market-1501, "
        "GroceryStoreDataset); DATA:test takes another of its parts, which `kin data DATA` lists.\n\n"
        "RUN receives model.safetensors (the network to use: the last one, or the best one with "
        "--validate), last.safetensors (with the optimiser's "
        "state, for --resume), log.jsonl and curve.svg. Ctrl-C writes a checkpoint; the resumed run "
        "ends with the same bits as an uninterrupted one.\n\n"
        "A recipe is a file of lines `option = value  # source`. Its sections `[phase NAME]` are trained one "
        "after the other, each from the network of the one before and in a folder RUN/phase-NAME; "
        "RUN/model.safetensors is then the last one's, and RUN/recipe.conf the recipe as it ran. --resume "
        "RUN "
        "goes on in the phase that was interrupted.",
    .examples =
        "# drawings, the first 700 classes, as in docs/results.md\n"
        "kin train omniglot --classes 0-699 --invert --filter lanczos --steps 3000 --out runs/omniglot\n"
        "# a method with its paper's values; kin recipes lists them\n"
        "kin train shop --recipe bfe-small --out runs/bfe\n"
        "# go on after Ctrl-C\n"
        "kin train --resume runs/omniglot",
    .arguments = {{"DATA", "pictures with classes"}},
    .arguments_min = 0,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
