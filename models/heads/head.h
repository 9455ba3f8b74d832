/* Heads: what stands behind a backbone. A head is a function from pictures to named branches; it runs the
 * backbone's stages itself, so that it may take the map behind any of them (BFE) or run the last ones
 * several times with the same parameters (ABE).
 *
 * A branch has two vectors: what losses on distances take, and what classifiers take; with a batch norm
 * neck they differ. In evaluation the branches that belong to the descriptor stand side by side in it. A
 * head may add a term of its own to the loss (ABE's divergence).
 *
 * A head is one const descriptor in a file of its own, a user's as well: kin_head_parse is handed a table.
 * It is written like a loss: "bfe(global=256,part=512)". */
#ifndef KIN_MODELS_HEADS_HEAD_H
#define KIN_MODELS_HEADS_HEAD_H

#include "models/registry.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_BRANCHES = 16, KIN_HEAD_PARAMS = 8, KIN_HEAD_TEXT = 256 };

typedef struct kin_head kin_head;

typedef struct kin_head_param {
    const char *name;
    double fallback, low, high; /* limits, included */
    bool whole;
    bool stage; /* its value is the name of one of the backbone's stages; none given: the head's own choice */
    const char *help;
} kin_head_param;

/* A head as written. Holds no memory. */
typedef struct kin_head_choice {
    const kin_head *head;
    double value[KIN_HEAD_PARAMS]; /* of a stage: its number, -1 where none was given */
} kin_head_choice;

typedef struct kin_named_branch {
    char name[24];
    kin_tensor *metric; /* [n, d]: for losses on distances */
    kin_tensor *behind; /* [n, d]: for classifiers and for the descriptor; may be `metric` itself */
    bool training_only; /* not part of the descriptor */
} kin_named_branch;

typedef struct kin_branches {
    kin_named_branch branch[KIN_BRANCHES];
    int count;
    kin_tensor *term; /* the head's own part of the loss [1], in training; NULL: none */
} kin_branches;

typedef struct kin_head_call {
    const kin_head_choice *choice;
    const kin_model *model;
    const kin_model_opt *opt;
    kin_scope *scope;
    kin_tensor *x; /* pictures [n, h, w, c] */
} kin_head_call;

struct kin_head {
    const char *name, *about, *paper;
    /* Globs of its parameters beyond a plain head's, "reduction.*,...": weights of others do not have them.
     * NULL: none. */
    const char *own;
    kin_head_param params[KIN_HEAD_PARAMS + 1]; /* ends with {0} */
    /* Refuses what makes no sense together; may be NULL. */
    bool (*check)(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt,
                  kin_error *err);
    /* Fills in `out`. False on error (in the context). */
    bool (*run)(const kin_head_call *c, kin_branches *out);
};

extern const kin_head *const kin_heads[]; /* ends with NULL; the first one is "plain" */

/* Reads NAME or NAME(option=value,...). `own` (may be NULL) is looked at before the built-in ones; it ends
 * with NULL. An empty text is "plain". Fails with KIN_ERR_ARGUMENT and one line that says what was
 * expected. */
bool kin_head_parse(const char *text, const kin_head *const *own, const kin_model *m, kin_head_choice *out,
                    kin_error *err);
/* The model's checks and the head's. */
bool kin_head_check(const kin_head_choice *choice, const kin_model *m, const kin_model_opt *opt,
                    kin_error *err);

/* The place of an option among the head's; -1: it has none of this name. */
int kin_head_option(const kin_head *h, const char *name);
/* The value of an option of the head, as it was chosen; NaN where the head has no such option. */
double kin_head_value(const kin_head_choice *choice, const char *param);

/* Runs the head. NULL pointers within `out` after an error (in the context). */
bool kin_head_run(const kin_head_call *c, kin_branches *out);
/* The descriptor: the branches that belong to it side by side [n, Σd]. */
kin_tensor *kin_head_descriptor(const kin_branches *b);

#ifdef __cplusplus
}
#endif

#endif
