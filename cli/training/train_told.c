#include "cli/training/train_told.h"

#include "base/text.h"
#include "cli/options/config_options.h"
#include "cli/options/source.h"

/* An option that the others leave nothing to do is told, not passed over. */
void kin_tell_idle_options(const kin_cli *cli, const kin_config *c)
{
    kin_loss_sum loss;
    bool pairs = kin_config_loss(c, &loss, NULL) && (kin_loss_needs(&loss) & KIN_LOSS_NEEDS_PAIRS),
         pk = c->sampler ? c->sampler == KIN_SAMPLING_PK : pairs,
         validates = c->validate > 0 || *c->validate_fold || *c->validate_list;
    const struct {
        const char *option;
        bool works;
        const char *with;
    } table[] = {{"batch-classes", pk, "--sampler pk"},
                 {"batch-pictures", pk, "--sampler pk"},
                 {"batch", !pk, "--sampler plain or balanced"},
                 {"decay-every", c->schedule == KIN_SCHEDULE_STEP, "--schedule step"},
                 {"decay-gamma", c->schedule == KIN_SCHEDULE_STEP, "--schedule step"},
                 {"final-lr", c->schedule == KIN_SCHEDULE_COSINE, "--schedule cosine"},
                 {"momentum", c->optimizer == KIN_SGD, "--optimizer sgd"},
                 {"allow-missing", *c->weights, "--weights"},
                 {"train-bn", *c->weights, "--weights"},
                 {"cache-side", *c->augment, "--augment"},
                 {"decay-norms", c->weight_decay > 0, "--weight-decay"},
                 {"patience", validates, "--validate"},
                 {"validate-every", validates, "--validate"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (kin_option_given(cli, table[i].option) && !table[i].works)
            kin_cli_note(cli, "--%s does nothing here; it goes with %s", table[i].option, table[i].with);
}

void kin_tell_gentle(const kin_cli *cli, const kin_config *c)
{
    kin_text told = {0};
    kin_config_tell_gentle(c, cli, &told);
    if (told.size && !told.failed)
        kin_cli_note(cli, "weights are changed gently, unless said otherwise: %s", told.data + 2);
    kin_text_free(&told);
}

static void tell_broken(const kin_cli *cli, const kin_trainer *t, int64_t count)
{
    kin_error first;
    int64_t sound = kin_trainer_state(t)->pictures;
    if (sound == count) return;
    kin_trainer_broken(t, &first);
    kin_cli_note(
        cli,
        "%lld of %lld pictures could not be read and were left out (--strict refuses them); the first: %s",
        (long long)(count - sound), (long long)count, first.message);
}

/* A recipe may fail where reading did not: a picture of 1 x 5000 resized to 256 is of millions. */
static void tell_unused(const kin_cli *cli, const kin_trainer *t, int64_t count)
{
    kin_error first;
    int64_t unused = kin_trainer_broken(t, &first) - (count - kin_trainer_state(t)->pictures);
    if (unused > 0)
        kin_cli_note(cli,
                     "%lld more of the pictures could not be used, and others of their classes stood in; the "
                     "first: %s",
                     (long long)unused, first.message);
}

/* What the set has less of than the batches ask for. */
static void tell_batches(const kin_cli *cli, const kin_config *asked, const kin_trainer *t)
{
    const kin_config *c = &kin_trainer_network(t)->config;
    const kin_train_state *now = kin_trainer_state(t);
    const kin_loss *pairs = kin_loss_first(&kin_trainer_network(t)->loss, KIN_LOSS_NEEDS_PAIRS);
    if (c->batch_classes != asked->batch_classes)
        kin_cli_note(cli,
                     "there are %lld classes, and each batch has all of them (--batch-classes, else %lld)",
                     (long long)c->batch_classes, (long long)asked->batch_classes);
    if (c->batch != asked->batch)
        kin_cli_note(cli, "there are %lld pictures, and each batch has all of them (--batch, else %lld)",
                     (long long)c->batch, (long long)asked->batch);
    if (pairs && now->classes_of_one)
        kin_cli_note(cli, "%lld of %lld classes have one picture only, in which %s finds no pair",
                     (long long)now->classes_of_one, (long long)now->classes_filled, pairs->name);
}

/* By the first picture that can be read. */
static bool has_colours(const kin_dataset *set)
{
    const kin_image_limits limits = {.reduce_to = 64};
    kin_image image = {0};
    kin_error ignored = {0};
    bool read = false, colours = false;
    for (int64_t i = 0; i < set->count && i < 8 && !read; i++) {
        kin_error_clear(&ignored);
        read = kin_dataset_image(set, i, &limits, &image, &ignored);
    }
    for (size_t p = 0; read && image.channels >= 3 && p < (size_t)image.width * (size_t)image.height; p++) {
        const uint8_t *rgb = image.data + p * (size_t)image.channels;
        colours |= rgb[0] != rgb[1] || rgb[1] != rgb[2];
    }
    kin_image_free(&image);
    return colours;
}

void kin_tell_beginning(const kin_cli *cli, const kin_config *asked, kin_trainer *t, const kin_dataset *set)
{
    const kin_train_state *now = kin_trainer_state(t);
    tell_broken(cli, t, set->count);
    kin_source_hidden(cli, kin_trainer_hidden(t), set->count);
    tell_batches(cli, asked, t);
    const kin_config *c = &kin_trainer_network(t)->config;
    kin_cli_note(
        cli,
        "%s with %lld parameters for %lld x %lld in %s, %s, %lld pictures of %d classes, batches of %lld",
        asked->model, (long long)kin_module_parameters(kin_trainer_module(t)), (long long)c->size,
        (long long)kin_config_across(c), c->channels == 1 ? "grey" : "colour", asked->loss,
        (long long)now->pictures, set->classes, (long long)now->batch);
    if (c->channels == 1 && has_colours(set))
        kin_cli_note(
            cli,
            "the pictures have colours, which a network for grey ones does not see; --channels 3 takes them");
}

void kin_tell_end(const kin_cli *cli, const kin_trainer *t, const kin_dataset *set, bool validated,
                  const char *run)
{
    const kin_train_state *now = kin_trainer_state(t);
    tell_unused(cli, t, set->count);
    if (validated)
        kin_cli_note(cli, "best on the held-out classes: mAP %.4f at step %lld", now->best,
                     (long long)now->best_step);
    else if (set->classes)
        kin_cli_note(cli, "nothing was held out; --validate .2 tells what the network is worth on classes "
                          "that it never saw");
    if (now->idle)
        kin_cli_note(cli, "%lld of the batches had nothing to compare: no two pictures of a class",
                     (long long)now->idle);
    kin_cli_note(cli, "the network is %s/model.safetensors", run);
}
