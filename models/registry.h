/* The networks by name. A network is one short function from pictures to a map of features; what stands
 * behind the map (pooling, an embedding or a classifier) is the same for all, so a head or an attention
 * can be put on any of them. */
#ifndef KIN_MODELS_REGISTRY_H
#define KIN_MODELS_REGISTRY_H

#include "models/attend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { KIN_STEM_OWN = 0, KIN_STEM_IMAGENET, KIN_STEM_CIFAR } kin_stem;
/* as kin_pool names them */
typedef enum {
    KIN_POOLING_OWN = 0,
    KIN_POOLING_GAP,
    KIN_POOLING_GMP,
    KIN_POOLING_GEM,
    KIN_POOLING_GAP_GMP,
    KIN_POOLING_FLATTEN
} kin_pooling;
/* "own", "imagenet", ...; end with NULL */
extern const char *const kin_stem_names[], *const kin_pooling_names[];

/* What a person may choose about any network; zero means the network's own default. */
typedef struct kin_model_opt {
    /* numbers in the embedding: a linear layer "embedding" on the pooled features; 0: the features
     * themselves */
    int64_t embedding;
    /* > 0: the network's own classifier instead, under PyTorch's name, so that its checkpoints load
     * completely */
    int64_t classes;
    int64_t width; /* channels of the first stage; the others follow in proportion */
    /* imagenet: 7×7 of stride 2 and a maximum of stride 2; cifar: 3×3 of stride 1, for small pictures */
    kin_stem stem;
    int64_t last_stride; /* 1: the last stage keeps its resolution */
    kin_attend_opt attention;
    kin_pooling pooling;
    bool neck; /* a batch norm behind the embedding, "bnneck" (nn/head.h) */
    /* Stochastic depth [Huang et al. 2016]: in training the last residual branch is left out for a picture with this
     * probability, those before it in proportion to their depth; 0: the network's own. */
    double drop_path;
} kin_model_opt;

typedef struct kin_model {
    const char *name, *about;
    int64_t size, channels; /* the input it was made for */
    /* How its published weights want pictures: short side before the middle is cut out (0: size), filter
     * (NULL: bilinear), what is subtracted and divided by (NULL: bytes become 0..1). */
    int64_t resize;
    const char *filter, *normalize;
    int64_t embedding;      /* made when none is asked for; 0: the pooled features are the embedding */
    const char *classifier; /* PyTorch's name of the classifying layer; NULL: "classifier" */
    double dropout;         /* before the classifier */
    bool zero_bias;         /* the classifier's biases begin with 0, not with PyTorch's default */
    bool small_init;        /* and its weights with N(0, .01²) */
    kin_pooling pooling;    /* 0: the mean over all pixels */
    bool one_stem;          /* the stem cannot be chosen */
    bool residual;          /* has branches that stochastic depth can leave out */
    /* TensorFlow's SAME: pixel 0 of a map of stride S is centred on pixel S − 1, not on 0 */
    bool same_padding;
    const char *places; /* where attention can stand beside "end", separated by blanks */
    /* Its stages by name, in order, separated by blanks; a head may take the map behind any of them
     * (kin_model_run). Stage k: [n, h, w, c] → [n, h', w', c']. */
    const char *stages;
    kin_tensor *(*stage)(kin_scope *s, kin_tensor *x, int stage, const kin_model_opt *opt);
} kin_model;

extern const kin_model *const kin_models[];        /* ends with NULL */
extern const char *const kin_model_names[];        /* the same by name */
const kin_model *kin_model_find(const char *name); /* NULL when there is none */

/* Fails when the network does not have what is asked for. */
bool kin_model_check(const kin_model *m, const kin_model_opt *opt, kin_error *err);

/* How many stages it has. */
int kin_model_stages(const kin_model *m);
int kin_model_stage(const kin_model *m, const char *name); /* its number; -1 when there is none */
/* Stages first .. end − 1. In a scope opened with kin_sub_shared the same stages may run several times in
 * one forward, with the same parameters and each time its own batch statistics. */
kin_tensor *kin_model_run(const kin_model *m, kin_scope *s, kin_tensor *x, int first, int end,
                          const kin_model_opt *opt);

/* The map before pooling, attention "end" included: tap "features". */
kin_tensor *kin_model_features(const kin_model *m, kin_scope *s, kin_tensor *x, const kin_model_opt *opt);
/* From the map to [n, embedding], or [n, classes]; not normalised. Tap "pooled" is what the last layer
 * reads. */
kin_tensor *kin_model_head(const kin_model *m, kin_scope *s, kin_tensor *map, const kin_model_opt *opt);
/* Behind that the neck, if it is asked for: what a classifier and the search take, while a loss on
 * distances takes what lies before. */
kin_tensor *kin_model_neck(kin_scope *s, kin_tensor *embedding, const kin_model_opt *opt);
/* All three. */
kin_tensor *kin_model_forward(const kin_model *m, kin_scope *s, kin_tensor *x, const kin_model_opt *opt);

/* A network, and what was chosen about it. With one of the two functions behind it, a module's function and argument:
 *
 *   kin_model_choice c = {kin_model_find("resnet20"), {.embedding = 32}};
 *   kin_module *net = kin_module_new(ctx, kin_model_net, &c, KIN_SHAPE(1, 32, 32, 3), seed);
 *
 * The choice has to live as long as the module. */
typedef struct kin_model_choice {
    const kin_model *model;
    kin_model_opt opt;
} kin_model_choice;

/* `choice` is a const kin_model_choice *. The whole network, as kin_model_forward. */
kin_tensor *kin_model_net(kin_scope *s, kin_tensor *x, void *choice);
/* Its map alone, as kin_model_features. */
kin_tensor *kin_model_features_net(kin_scope *s, kin_tensor *x, void *choice);

#ifdef __cplusplus
}
#endif

#endif
