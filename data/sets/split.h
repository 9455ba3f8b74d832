/* Parts of a data set, chosen before any picture is decoded. */
#ifndef KIN_DATA_SETS_SPLIT_H
#define KIN_DATA_SETS_SPLIT_H

#include "data/sets/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The items i with keep[i], in their order, as a set of its own: a view whose texts and pixels belong to
 * `set`, which must outlive it. Classes that keep a picture are renumbered from 0 in their order. Free
 * with kin_dataset_free. */
bool kin_dataset_choose(const kin_dataset *set, const bool *keep, kin_dataset *out, kin_error *err);

/* What is held out for validation; one of the three. Validation on classes that training never saw is what
 * tells how well retrieval will do, and chunks of neighbouring classes are harder, and more honest, than
 * classes drawn at random: neighbours (of one alphabet, one kind of goods) do not stand on both sides. */
typedef struct kin_split {
    double share;    /* the last share of the classes, one contiguous chunk */
    int fold, folds; /* contiguous chunk `fold` (from 1) of `folds` about equal ones */
    /* a file with a line for each class, or picture's id, held out; a second column, if there is one, says
     * * train, val or test (test: in neither part). A first line may name the columns: "class" or "id",
     * "split" */
    const char *list;
} kin_split;

/* Both are views of `set`. Fails when less than two classes are left for training, or when the held-out
 * part has no class with two pictures, of which one could find the other; the list's errors name file and
 * line. */
bool kin_split_validation(const kin_dataset *set, const kin_split *how, kin_dataset *kept, kin_dataset *held,
                          kin_error *err);

/* A split.list in memory, which is cut up in place; a zero byte follows its last. part [set->count]: 0
 * kept, 1 held out, 2 neither. */
bool kin_split_parse_list(const kin_dataset *set, const char *name, kin_bytes *text, uint8_t *part,
                          kin_error *err);

/* "2/5": fold 2 of 5. */
bool kin_split_parse_fold(const char *text, int *fold, int *folds, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
