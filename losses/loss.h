/* Losses, as a sum of terms written like a recipe of transforms:
 *
 *     softmax(smoothing=.1) + triplet-hard(margin=.3) * .5
 *
 * A term is a loss's name, its options in brackets, by place or by name, a branch of the head (@NAME: "plain", or
 * what models/heads/ names), and a weight on either side. A loss is one const descriptor in the file of its
 * family: its options with their limits, what it needs, its formula, and the value at which it is stuck when
 * all embeddings are one point. Nothing else knows its name; a user's own stands in a table that is handed to
 * kin_loss_parse. */
#ifndef KIN_LOSSES_LOSS_H
#define KIN_LOSSES_LOSS_H

#include "autograd/ops.h"
#include "base/text.h"
#include "losses/pairs.h"
#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- descriptors ---- */

/* An option of a loss. */
typedef struct kin_loss_param {
    const char *name;
    double fallback, low, high; /* limits, included; high < low: no upper one */
    const char *const *words;   /* its values are words, and the number a word's place; ends with NULL */
    bool whole;
    const char *help;
    int mines; /* KIN_MINES_…: miners of one's own are among its words; one such option a loss */
} kin_loss_param;

enum { KIN_LOSS_PARAMS = 8, KIN_LOSS_TERMS = 8, KIN_LOSS_BRANCH = 24, KIN_LOSS_NAME = 48 };

typedef struct kin_loss kin_loss;
typedef struct kin_miner kin_miner;

/* A term as written. */
typedef struct kin_loss_term {
    const kin_loss *loss;
    double weight;
    double value[KIN_LOSS_PARAMS];
    bool given[KIN_LOSS_PARAMS];
    char branch[KIN_LOSS_BRANCH]; /* empty: every branch */
    char name[KIN_LOSS_NAME]; /* in the names of its parameters: the loss's, "-2" behind its second term */
    const kin_miner *miner;   /* of one's own, as its option says; NULL: none, or one of the loss's words */
} kin_loss_term;

/* What a formula works on. */
typedef struct kin_loss_call {
    const kin_loss_term *term;
    kin_scope *scope;  /* of the term's own parameters, "loss.NAME"; NULL where there is no module */
    kin_tensor *x;     /* [n, d]: the embeddings, for classifiers what lies behind the neck */
    const int *labels; /* [n] */
    int64_t classes;   /* of the training data */
    /* What the rows are compared with: themselves, or the rows of a memory. Row i's own copy there is row
     * (own + i) modulo their number. */
    kin_tensor *others;
    const int *other_labels; /* [kin_rows(others)] */
    int64_t own;
    /* What a teacher says of the same pictures, unit rows [n, its dimension], and the same in the axes of its principal
     * components, the first the most important; NULL: there is none. Constants. */
    kin_tensor *teacher, *teacher_pca;
    kin_mined *mined; /* receives the pairs or triplets that counted; NULL: nobody asks */
} kin_loss_call;

enum {
    KIN_LOSS_NEEDS_LABELS = 1,
    KIN_LOSS_NEEDS_PAIRS = 2,   /* several pictures of a class in the batch (the P×K sampler) */
    KIN_LOSS_NEEDS_CLASSES = 4, /* has parameters for each class: the number of classes is fixed */
    KIN_LOSS_NEEDS_TEACHER = 8, /* another network's descriptors of the same pictures */
    KIN_LOSS_NEEDS_HEAD = 16,   /* a head that adds a loss of its own, for it says nothing itself */
};

struct kin_loss {
    const char *name, *about, *paper;
    kin_loss_param params[KIN_LOSS_PARAMS + 1]; /* ends with {0} */
    unsigned needs;
    bool behind_neck; /* takes what classifiers take */
    bool own_names;   /* its parameters' names have no "loss.NAME" before them ("classifier.weight") */
    /* Asks the scope for the parameters, where the module is made; NULL: it has none, or `logits` asks. */
    bool (*parameters)(const kin_loss_call *c);
    /* What a classifier says of each class [n, classes]; NULL: it is none. */
    kin_tensor *(*logits)(const kin_loss_call *c);
    kin_tensor *(*formula)(const kin_loss_call *c); /* → [1] */
    /* The value when all embeddings are one point; NULL, or NaN: unknown. */
    double (*collapsed)(const kin_loss_term *t, int64_t classes);
};

enum { KIN_MINES_NONE, KIN_MINES_PAIRS, KIN_MINES_TRIPLETS };

/* A miner of one's own: which pairs, or which triplets, of a batch count. Losses on pairs (contrastive,
 * contrastive-squared, multi-similarity, circle, supcon) take it as miner=NAME if it has `pairs`, margin if
 * it has `triplets`. No gradient flows through the choice. Both return false on error, in the context of
 * the matrix they are given. */
struct kin_miner {
    const char *name, *about, *paper; /* paper: may be NULL */
    /* Drops pairs (p->kind[i * p->m + j] = KIN_PAIR_NONE), by cosines [p->n, p->m]; NULL: it mines none. */
    bool (*pairs)(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p);
    /* Adds triplets (kin_triplets_add) of the pairs p to `out`, which is empty, by distances [p->n, p->m]
     * of unit vectors; NULL: it mines none. */
    bool (*triplets)(const kin_loss_call *c, kin_tensor *distances, const kin_pairs *p, kin_triplets *out);
};

/* The place of an option among the loss's; -1: it has none of this name. */
int kin_loss_option(const kin_loss *l, const char *name);
/* The term's value of an option, by its name; NaN where the loss has no such option, so that a slip is not taken for 0. */
double kin_term_value(const kin_loss_term *t, const char *option);
/* The same of an option that not every loss has: `other` where this one has not. */
double kin_term_value_or(const kin_loss_term *t, const char *option, double other);

/* ---- sums ---- */

/* Holds no memory of its own: copy it, forget it. */
typedef struct kin_loss_sum {
    int count;
    kin_loss_term term[KIN_LOSS_TERMS];
} kin_loss_sum;

/* `own` losses and `miners` (each may be NULL) are looked at before the built-in ones; each ends with
 * NULL, and is borrowed by `out`. Fails with KIN_ERR_ARGUMENT and one line that says what was expected and
 * the nearest name known. */
bool kin_loss_parse(const char *text, const kin_loss *const *own, const kin_miner *const *miners,
                    kin_loss_sum *out, kin_error *err);
/* The sum as text that parses to the same sum; options that have their defaults are left out. */
void kin_loss_print(const kin_loss_sum *l, kin_text *out);
/* Gives an option to the terms that have it and do not say it themselves; how many terms have it. A value
 * outside a term's limits is refused. */
bool kin_loss_offer(kin_loss_sum *l, const char *option, double value, int *terms, kin_error *err);
/* A table of all losses and their options, and of miners of one's own, for people; either may be NULL. */
void kin_loss_list(const kin_loss *const *own, const kin_miner *const *miners, kin_text *out);

/* KIN_LOSS_NEEDS_… of all terms together. */
unsigned kin_loss_needs(const kin_loss_sum *l);
/* The first term that needs it, or NULL. */
const kin_loss *kin_loss_first(const kin_loss_sum *l, unsigned needs);
/* Whether a term is for a branch of this name (NULL: the only one). */
bool kin_loss_is_for(const kin_loss_term *t, const char *branch);

typedef struct kin_loss_input {
    kin_tensor *x;      /* [n, d]: what losses on distances take */
    kin_tensor *behind; /* what classifiers take; NULL: x */
    const int *labels;  /* [n]; not read in a dry run, nor where no term needs them */
    int64_t classes;
    kin_tensor *teacher, *teacher_pca; /* as in kin_loss_call; may be NULL */
    kin_mined *mined;                  /* may be NULL: of the first term that compares rows */
    /* The branch's name, where a head has several: terms that are for another one (@NAME) pass it over, and
     * parameters are named loss.TERM.BRANCH. NULL: the only one. */
    const char *branch;
} kin_loss_input;

/* Σ weight·term → [1]. Within a module's forward, s is the network's scope; s may be NULL for losses without
 * parameters and memory. In a dry run it asks for the parameters of all terms and returns x. */
kin_tensor *kin_loss_value(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *in);
/* The same over the branches of a head, each term on those that it is for. NULL with an error where a term is
 * for a branch that is not there. */
kin_tensor *kin_loss_values(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *branches, int count);
/* What the first classifier among the terms says; NULL with no error where there is none. */
kin_tensor *kin_loss_logits(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *in);
bool kin_loss_classifies(const kin_loss_sum *l);
/* Σ weight·(value at one point); NaN: unknown. */
double kin_loss_collapsed(const kin_loss_sum *l, int64_t classes);
/* The learning rates of the terms' own parameters (their option `rate`): factors put on the module's entries;
 * after kin_module_tune and before kin_optim_new. */
void kin_loss_tune(const kin_loss_sum *l, kin_module *m);

#ifdef __cplusplus
}
#endif

#endif
