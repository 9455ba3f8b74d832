#include "cli/options/named_network.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/options/config_options.h"
#include "cli/options/own.h"

#include <stdio.h>
#include <string.h>

const char *const kin_filter_choices[] = {"own", "box", "bilinear", "bicubic", "lanczos", NULL};
const char *const kin_normalization_choices[] = {"own", "none", "half", "imagenet", "lite", NULL};

static bool take_text(const kin_cli *cli, const char *option, char *to, size_t size, kin_error *err)
{
    const char *text = kin_option_string(cli, option);
    if (text && strlen(text) >= size)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--%s is longer than %zu characters", option, size - 1);
    snprintf(to, size, "%s", text ? text : "");
    return true;
}

/* What the options leave open is as the published weights want it. */
static bool published_config(const kin_cli *cli, const kin_model *model, kin_config *c, kin_error *err)
{
    *c = (kin_config){.resize = kin_option_int(cli, "resize"), .loss = "triplet-hard", .own = kin_own()};
    if (!kin_size_read(cli, 1, 4096, &c->size, &c->across, err)) return false;
    snprintf(c->model, sizeof c->model, "%s", model->name);
    snprintf(c->filter, sizeof c->filter, "%s", kin_option_string(cli, "filter"));
    snprintf(c->normalize, sizeof c->normalize, "%s", kin_option_string(cli, "normalize"));
    const char *weights = kin_option_string(cli, "weights");
    if (!weights) return kin_fail(err, KIN_ERR_ARGUMENT, "--model %s needs --weights FILE", model->name);
    if (strlen(weights) >= sizeof c->weights)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--weights is longer than %zu characters",
                        sizeof c->weights - 1);
    snprintf(c->weights, sizeof c->weights, "%s", weights);
    if (!take_text(cli, "allow-missing", c->allow_missing, sizeof c->allow_missing, err) ||
        !take_text(cli, "key", c->key, sizeof c->key, err) ||
        !take_text(cli, "prefix", c->prefix, sizeof c->prefix, err))
        return false;
    c->untrained = kin_option_flag(cli, "untrained");
    c->sum_stem = kin_option_flag(cli, "sum-stem");
    if (!kin_config_sides(c, err)) return false;
    kin_config_complete(c, model, true);
    return true;
}

/* What a run brings itself may not be said beside it. */
static bool leaves_to_run(const kin_cli *cli, const char *run, kin_error *err)
{
    static const char *const its_own[] = {"weights",  "allow-missing", "key",    "prefix",   "untrained",
                                          "sum-stem", "resize",        "filter", "normalize"};
    for (size_t i = 0; i < sizeof its_own / sizeof *its_own; i++)
        if (kin_option_given(cli, its_own[i]))
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "--%s is for networks of kin models; %s is a trained network, which has its own",
                            its_own[i], run);
    return true;
}

static bool neither(const char *name, kin_error *err)
{
    kin_error ours = {0};
    kin_model_named(name, &ours);
    const char *meant = strstr(ours.message, "(did you mean");
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "there is neither a run, nor a checkpoint, nor a network '%.100s' %s", name,
                    meant ? meant : "(kin models lists the networks)");
}

bool kin_named_network(const kin_cli *cli, const char *name, kin_ctx *ctx, kin_network *network,
                       kin_module **module, kin_error *err)
{
    const kin_model *model = kin_catalogue_model(kin_own(), name);
    if (!model && !kin_exists(name)) return neither(name, err);
    kin_open_opt open = {.own = kin_own()};
    if (!model || kin_exists(name))
        return leaves_to_run(cli, name, err) && kin_size_read(cli, 1, 4096, &open.size, &open.across, err) &&
               kin_network_open(name, &open, ctx, network, module, err);
    kin_config *config = kin_alloc_zero(1, sizeof *config);
    bool ok = (config || kin_fail_memory(err, "a network's settings", sizeof *config)) &&
              published_config(cli, model, config, err) &&
              kin_network_published(config, ctx, network, module, err);
    kin_free(config);
    if (ok) kin_cli_note(cli, "%s", network->told);
    return ok;
}
