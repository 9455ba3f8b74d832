/* The options of any network, shared by the commands that make one. */
#ifndef KIN_CLI_OPTIONS_MODEL_OPTIONS_H
#define KIN_CLI_OPTIONS_MODEL_OPTIONS_H

#include "cli/options/command.h"
#include "models/heads/head.h"

/* Rows of the commands' option tables. */
#define KIN_MODEL_OPTIONS \
    {"embedding", KIN_OPTION_INT, "N", "numbers in the embedding", .fallback_shown = "the network's", \
     .low = 2,    .high = 8192}, \
        {"width",  KIN_OPTION_INT, "N", "channels of the first stage", .fallback_shown = "the network's", \
         .low = 1, .high = 2048}, \
        {"stem", KIN_OPTION_CHOICE, \
         "NAME", "how pictures come in: imagenet halves them twice, cifar keeps their size", \
         "own",  .choices = kin_stem_names}, \
        {"last-stride", \
         KIN_OPTION_INT, \
         "N", \
         "1 keeps the resolution in the last stage", \
         .fallback_shown = "the network's", \
         .low = 1, \
         .high = 2}, \
        {"pooling", \
         KIN_OPTION_CHOICE, \
         "NAME", \
         "from the map to numbers: gap averages, gmp takes the maxima, gem is between them by a power that " \
         "is learned, flatten keeps all", \
         "own", \
         .choices = kin_pooling_names}, \
        {"neck", KIN_OPTION_FLAG, NULL, \
         "a batch norm behind the embedding: losses on distances take what lies before it, a classifier " \
         "and the search what lies behind"}, \
        {"attention", KIN_OPTION_STRING, "KIND@PLACE", \
         "attention: se, eca, cbam or sca at block, end or a stage (se@block, sca@end)", \
         .fallback_shown = "none"}, \
    { \
        "head", KIN_OPTION_STRING, "HEAD", \
            "what stands behind the network: plain (pooling, embedding, neck), bfe, abe, delf or " \
            "autoencoder, with " \
            "options in " \
            "brackets, as in \"bfe(global=256,part=512)\" or \"abe(learners=4,split=layer3)\"", \
            .fallback_shown = "plain" \
    }

/* Rows of the option tables of commands that read weights. */
#define KIN_WEIGHTS_OPTIONS \
    {"key", KIN_OPTION_STRING, "NAME", \
     "with --weights: the dictionary to take out of a PyTorch file, such as model_ema", \
     .fallback_shown = "the state dict"}, \
        {"prefix", KIN_OPTION_STRING, "TEXT", \
         "with --weights: take only the names that begin with this, and take it off", \
         .fallback_shown = "the one behind which the network's names stand"}, \
        {"untrained", KIN_OPTION_FLAG, NULL, \
         "with --weights: go on although nothing of the file is in the network, as a baseline"}, \
    { \
        "sum-stem", KIN_OPTION_FLAG, NULL, \
            "with --weights of RGB pictures in a network of grey ones: the first convolution summed over " \
            "the " \
            "channels" \
    }

/* From the command line. Fails when the network does not have what is asked for. */
bool kin_model_options_read(const kin_cli *cli, const kin_model *m, kin_model_opt *out, kin_head_choice *head,
                            kin_error *err);

/* "3x224x224" (or "224": as many channels as the network's) to [1, h, w, c]. */
bool kin_input_read(const char *text, const kin_model *m, kin_shape *out, kin_error *err);

/* A kin_net whose argument is this. */
typedef struct kin_named_model {
    const kin_model *model;
    kin_model_opt opt;
    kin_head_choice head; /* NULL within: plain */
} kin_named_model;
kin_tensor *kin_named_model_forward(kin_scope *s, kin_tensor *x, void *chosen);

/* The model of this name; fails with the nearest name. */
const kin_model *kin_model_named(const char *name, kin_error *err);

#endif
