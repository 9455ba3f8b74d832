/* Checkpoints of other programs: PyTorch's .pth and .pt, NumPy's .npz, a .npy or a folder of them,
 * safetensors, and any of these inside an archive (a wheel of PyPI). */
#ifndef KIN_NN_FILES_IMPORT_H
#define KIN_NN_FILES_IMPORT_H

#include "base/zip.h"
#include "nn/files/checkpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_import_opt {
    /* of the dictionary to take out of a PyTorch file, "model" or "ema.model"; NULL: the state dict is
     * looked for */
    const char *key;
    const char *prefix;    /* only names that begin with it are taken, and it is taken off; NULL: all */
    const char *member;    /* which file of an archive; NULL: the one file of weights in it */
    kin_unpacker unpacker; /* for archives with deflated entries */
} kin_import_opt;

/* What was done, to be told. */
typedef struct kin_import_info {
    const char *form;           /* "PyTorch (zip)", "safetensors", .. */
    char key[128], prefix[128]; /* the dictionary taken and the prefix taken off; "" when neither */
    /* arrays without the prefix, and entries that are no arrays of numbers */
    int left_out;
    int files;        /* that an index named, of which the arrays came; 0: no index */
    int integers;     /* arrays of integers among those taken */
    char member[256]; /* the file of an archive that it was; "" when it was none */
    char also[256];   /* other dictionaries of tensors beside the one taken (an average: EMA); "" when none */
} kin_import_info;

/* Reads a file, its form told by its first bytes, a folder of .npy files, the files that an index
 * (*.index.json with a weight_map) names beside it, or a file inside an archive: "wheel.whl" where it holds
 * one file of weights, else "wheel.whl:NAME". The prefixes "module." and
 * "_orig_mod.", which DataParallel and torch.compile put before every name, are taken off. Nothing in the
 * file is run. Free with kin_checkpoint_free. `info` may be NULL. */
bool kin_import(const char *path, const kin_import_opt *opt, kin_checkpoint **out, kin_import_info *info,
                kin_error *err);
/* The same for a file in memory; takes the bytes over, also when it fails. */
bool kin_import_bytes(kin_bytes *bytes, const kin_import_opt *opt, kin_checkpoint **out,
                      kin_import_info *info, kin_error *err);
/* "wheel.whl:NAME" taken apart at the first colon behind the name of a file: *archive is that file, the caller's
 * (kin_free), and *member points into path. Where path is there itself, or no part of it is, *archive is NULL. */
bool kin_import_split(const char *path, char **archive, const char **member, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
