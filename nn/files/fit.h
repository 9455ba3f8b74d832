/* Other programs' names and shapes brought to a network's, before they are loaded. */
#ifndef KIN_NN_FILES_FIT_H
#define KIN_NN_FILES_FIT_H

#include "nn/files/import.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "backbone.conv1.weight" for the network's "conv1.weight": where the names only fit behind a prefix, it is
 * found by the network's own names, taken off, and told in info->prefix; what stands without it is left out
 * and counted. Names that fit as they are stay. Fails when two prefixes fit as well as one another (a teacher
 * and a student): which one is meant is for the user to say. */
bool kin_import_fit(kin_checkpoint *c, kin_module *m, kin_import_info *info, kin_error *err);

/* torchvision's published DenseNets have the names of PyTorch before 0.4, denselayer1.norm.1.weight: they become
 * denselayer1.norm1.weight, as torchvision does it. Returns how many. */
int kin_import_old_names(kin_checkpoint *c);

/* Where the network's convolution reads one channel and the file's three, the file's kernels are summed over
 * the channels: what a picture of three equal channels gives, where all are scaled alike. *summed counts
 * them. */
bool kin_import_sum_channels(kin_checkpoint *c, kin_module *m, int *summed, kin_error *err);
/* The first such convolution; NULL: there is none. */
const char *kin_import_grey_stem(const kin_checkpoint *c, kin_module *m);

/* How many of the network's tensors the file brings, and how many there are, without those whose names match
 * one of the patterns `but` (may be NULL); `rest` receives the first few names that it does not bring. */
typedef struct kin_import_count {
    int found, of;
    char rest[200];
} kin_import_count;
kin_import_count kin_import_tensors(const kin_checkpoint *c, kin_module *m, const char *but);

#ifdef __cplusplus
}
#endif

#endif
