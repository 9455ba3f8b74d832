/* The names that stand in PyTorch's pickles: what kinds of numbers there are, and what else is nothing to fear. */
#ifndef KIN_NN_FILES_PTH_GLOBALS_H
#define KIN_NN_FILES_PTH_GLOBALS_H

#include "nn/files/import_parts.h"
#include "nn/files/pickle.h"

/* Of "torch.HalfStorage" or "torch.float16"; KIN_DTYPE_NONE: it is neither. p may be NULL. */
kin_dtype kin_pth_type(const kin_pickle *p);
/* Whether a pickle may name it. */
bool kin_pth_knows(const char *global);

#endif
