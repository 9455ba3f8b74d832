/* Whole networks in training mode with hashed weights, for comparing their gradients with PyTorch's
 * (tests/golden/zoo.py).
 *
 * Of each tensor's gradient the golden files hold the norm and a few projections p·g on vectors of uniform
 * numbers in [-1, 1): an error e shows in them as a mean of (p·e)² near ‖e‖²/3, so whole tensors need not
 * be kept. */
#ifndef KIN_TESTS_SUPPORT_ZOO_GRADIENTS_H
#define KIN_TESTS_SUPPORT_ZOO_GRADIENTS_H

#include "base/file.h"
#include "base/npy.h"
#include "models/registry.h"

#include <stdio.h>

enum { ZOO_TENSORS = 400 };

/* The next network's parameters, in the order of tests/golden/zoo_gradients.txt. */
typedef struct zoo_names {
    char network[32];
    int count;
    char name[ZOO_TENSORS][128];
    long long numbers[ZOO_TENSORS];
} zoo_names;

typedef struct zoo_network {
    kin_ctx *ctx;
    kin_module *module;
    kin_model_choice choice;
    int64_t batch, size;
} zoo_network;

/* Of ten classes, batch × size × size × 3; z->module is NULL on failure, which the check in progress
 * notes. Close in any case. */
void zoo_open(zoo_network *z, const char *name, int64_t batch, int64_t size);
void zoo_close(zoo_network *z);
/* Gradients of the loss Σ logits·c for a hashed input. Returns the loss. */
double zoo_backward(zoo_network *z, const char *input);
/* The estimate of ‖e‖ for the gradient of parameter `name`; NaN when there is none of `count` numbers. */
double zoo_error(zoo_network *z, const char *name, int64_t count, const double *projections,
                 int n_projections);

bool zoo_read_names(FILE *file, zoo_names *out);
/* The rows of `columns` float64 numbers in a golden file: NULL when it holds something else. `bytes` owns
 * them. */
const double *zoo_read_rows(const char *path, int columns, kin_bytes *bytes, int64_t *rows);

#endif
