/* What a program adds to the networks, heads, losses, miners, transforms and data sets that kin has:
 * tables of its own descriptors, found before the built-in ones of the same name. A field of the options
 * of training (kin_train_opt.own, kin_config.own) and of whatever opens a network that was trained with
 * them; kin_main (cli/main.h) hands it to every command.
 *
 * A checkpoint knows its network, head, loss and miner by name. A program without them refuses it, and
 * names what is missing. */
#ifndef KIN_TRAIN_CATALOGUE_H
#define KIN_TRAIN_CATALOGUE_H

#include "data/sets/dataset.h"
#include "data/transforms/recipe.h"
#include "losses/registry.h"
#include "models/heads/head.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Borrowed; each table ends with NULL, and NULL is none. */
typedef struct kin_catalogue {
    const kin_model *const *models;
    const kin_head *const *heads;
    const kin_loss *const *losses;
    const kin_miner *const *miners;              /* of losses' option `miner` */
    const kin_transform_info *const *transforms; /* for recipes of augmentation */
    const kin_dataset_reader *const *sets;       /* kinds of data sets */
} kin_catalogue;

/* The network of this name, among `own` (may be NULL) first; NULL when there is none. */
const kin_model *kin_catalogue_model(const kin_catalogue *own, const char *name);
/* Their i-th network, own ones behind the built-in ones; NULL behind the last. */
const kin_model *kin_catalogue_each_model(const kin_catalogue *own, int i);

/* A sum of losses from text (kin_loss_parse) with the losses and miners of `own`, which may be NULL. */
bool kin_catalogue_loss(const kin_catalogue *own, const char *text, kin_loss_sum *out, kin_error *err);

/* Refuses descriptors that cannot work, with KIN_ERR_ARGUMENT and a line that says what is wrong: no name, a name that
 * cannot be written in an option, more options than there is room for, no function. */
bool kin_catalogue_check(const kin_catalogue *own, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
