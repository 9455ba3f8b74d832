/* The network that a command line names: a run of kin train, a checkpoint of one, or a network of the zoo
 * with published weights. */
#ifndef KIN_CLI_OPTIONS_NAMED_NETWORK_H
#define KIN_CLI_OPTIONS_NAMED_NETWORK_H

#include "cli/options/command.h"
#include "cli/options/model_options.h"
#include "train/encoder.h"

extern const char *const kin_filter_choices[], *const kin_normalization_choices[]; /* "own" first */

/* Rows of the commands' option tables; of these only --size may stand beside a run. */
#define KIN_CHOSEN_OPTIONS \
    {"weights", KIN_OPTION_STRING, "FILE", \
     "published weights for a network of kin models (safetensors, .pth or .npz, PyTorch's names)", \
     .fallback_shown = "the run's"}, \
        {"allow-missing", KIN_OPTION_STRING, "GLOBS", \
         "with --weights: parameters that may be missing there or superfluous, such as 'fc.*'", \
         .fallback_shown = "the heads"}, \
        KIN_WEIGHTS_OPTIONS, \
        {"size", KIN_OPTION_STRING, "PIXELS", \
         "a square's side, or HEIGHTxWIDTH as in 256x128; beside a run, others than it was trained at", \
         .fallback_shown = "the network's"}, \
        {"resize", \
         KIN_OPTION_INT, \
         "PIXELS", \
         "with --weights: the short side before the middle is cut out", \
         .fallback_shown = "the network's", \
         .low = 1, \
         .high = 4096}, \
        {"filter", KIN_OPTION_CHOICE, \
         "NAME",   "with --weights: how pictures are resized", \
         "own",    .choices = kin_filter_choices}, \
    { \
        "normalize", KIN_OPTION_CHOICE, "NAME", "with --weights: what bytes become, as in kin train", "own", \
            .choices = kin_normalization_choices \
    }

/* `name` is the command's --model. ctx must outlive the module. */
bool kin_named_network(const kin_cli *cli, const char *name, kin_ctx *ctx, kin_network *network,
                       kin_module **module, kin_error *err);

#endif
