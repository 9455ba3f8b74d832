/* Frozen networks beside each other on pictures of classes that none of them was trained for. */
#ifndef KIN_CLI_JUDGE_BACKBONES_H
#define KIN_CLI_JUDGE_BACKBONES_H

#include "cli/options/command.h"
#include "data/sets/dataset.h"

/* One network, and what came of it. */
typedef struct kin_backbone {
    char *from;       /* the file, or "random"; owned */
    char model[48];   /* of kin models */
    bool random, run; /* first values; a network of kin train, which knows by itself how it is used */
    int64_t channels;
    char digest[65], numbers[65]; /* of the file; of its numbers, in whatever form; "" for first values */
    int64_t side, dim;
    double seconds, macs, bytes; /* of a picture; weights and what a batch needs */
    double map, recall1, low, high;
    double *ap; /* [set->count], owned: of each picture as a query, NaN: nothing to find */
} kin_backbone;

typedef struct kin_backbones {
    kin_backbone *row; /* [count] */
    size_t count, room;
} kin_backbones;

/* The networks that --weights and --random name; what is no network is told. */
bool kin_backbones_find(const kin_cli *cli, kin_backbones *out, kin_error *err);
void kin_backbones_free(kin_backbones *b);

/* Fills in a row: from --cache, or by computing. *known: it was there. False with KIN_ERR_NUMERIC for a network that
 * answers nothing. */
bool kin_backbone_measure(const kin_cli *cli, const kin_dataset *set, kin_backbone *b, bool *known,
                          kin_error *err);

#endif
