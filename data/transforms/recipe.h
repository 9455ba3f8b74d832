/* What happens to pictures on their way into a network, as text:
 *
 *     rrc(224,scale=.08-1) flip jitter(.4,.4,.4,.1) grey(.2) blur(23,.1-2) erase(.25) normalize(imagenet)
 *
 * Transforms in order, parameters by place or by name, names and defaults torchvision's (its class names
 * are understood too). A preset's name stands for its transforms. One table, kin_transforms, says what
 * there is. Nothing here keeps state: what happens to a picture is a pure function of the recipe and a
 * key, whichever thread does it and wherever a run was resumed. */
#ifndef KIN_DATA_TRANSFORMS_RECIPE_H
#define KIN_DATA_TRANSFORMS_RECIPE_H

#include "base/random.h"
#include "base/text.h"
#include "data/images/image.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    KIN_PARAM_NUMBER, /* 0.5 */
    KIN_PARAM_WHOLE,  /* 23 */
    KIN_PARAM_RANGE,  /* 0.1-2; one number v: v-v */
    KIN_PARAM_SWING,  /* -10-20; one number v: -v - v */
    KIN_PARAM_FACTOR, /* 0.6-1.4; one number v: 1-v - 1+v, not below 0 */
    KIN_PARAM_SIZE,   /* 256x128, height first; one number: both, or what the transform says */
    KIN_PARAM_PAIR,   /* 0.1x0.2; one number: both */
    KIN_PARAM_COLOUR, /* 124/116/104; one number: every channel */
    KIN_PARAM_WORD,   /* one of `words` */
} kin_param_kind;

typedef struct kin_recipe_param {
    const char *name;
    kin_param_kind kind;
    const char *fallback;     /* as text; NULL: must be given */
    double low, high;         /* limits, included */
    const char *const *words; /* ends with NULL; other kinds may take words as well */
    const char *help;
} kin_recipe_param;

/* What was written for a parameter. */
typedef struct kin_value {
    int count; /* numbers; 0: a word */
    int word;  /* its place in `words` */
    double number[3];
} kin_value;

enum { KIN_TRANSFORM_PARAMS = 8, KIN_RECIPE_STEPS = 32 };

typedef struct kin_recipe kin_recipe;
typedef struct kin_recipe_step kin_recipe_step;

/* A row of the table. */
typedef struct kin_transform_info {
    const char *name, *alias, *torch;                  /* alias and torch may be NULL */
    const char *help;                                  /* one sentence */
    kin_recipe_param params[KIN_TRANSFORM_PARAMS + 1]; /* ends with {0} */
    /* Draws from the stream and changes the picture; NULL: nothing happens to bytes. */
    bool (*apply)(const kin_recipe_step *step, const kin_recipe *recipe, kin_stream *s, kin_image *image,
                  kin_error *err);
    /* Size before to size after, 0 where unknown; NULL: it stays. */
    void (*size)(const kin_recipe_step *step, int *width, int *height);
    /* Refuses values that make no sense together; may be NULL. */
    bool (*check)(const kin_recipe_step *step, kin_error *err);
} kin_transform_info;

struct kin_recipe_step {
    const kin_transform_info *what;
    kin_value value[KIN_TRANSFORM_PARAMS];
};

/* Holds no memory of its own: copy it, forget it. */
struct kin_recipe {
    int count;
    kin_recipe_step step[KIN_RECIPE_STEPS];
    /* Normalisation, when bytes become floats: (byte/255 − mean[c])/std[c]; without normalize() 0 and 1. */
    bool normalizes;
    float mean[3], std[3];
};

/* All transforms; ends with {0}. */
extern const kin_transform_info kin_transforms[];

/* A name for a usual recipe; the name takes a size, imagenet-train(160). The table ends with {0}. In
 * `text` $ is the size, % its half and @ eight sevenths of it. */
typedef struct kin_recipe_preset {
    const char *name, *text;
    int size;
    const char *help;
} kin_recipe_preset;
extern const kin_recipe_preset kin_recipe_presets[];

/* Fails with KIN_ERR_ARGUMENT and one line that says where, what was expected and the nearest name known.
 * An empty text is a recipe that does nothing. */
bool kin_recipe_parse(const char *text, kin_recipe *recipe, kin_error *err);
/* The same with transforms of one's own, which are looked at before those of the table; `own` ends with NULL, and may be
 * NULL. */
bool kin_recipe_parse_own(const char *text, const kin_transform_info *const *own, kin_recipe *recipe,
                          kin_error *err);

/* The key of a picture's draws: a picture has its own in each epoch. */
uint64_t kin_recipe_key(uint64_t seed, uint64_t epoch, uint64_t picture);

/* Changes the picture in place; alpha goes first. On failure (no memory; a crop larger than the picture)
 * the picture is in some state between, still to be freed. May be called by many threads at a time. */
bool kin_recipe_apply(const kin_recipe *recipe, uint64_t key, kin_image *image, kin_error *err);

/* The size that pictures of *width × *height come out at, 0 where that is not known before (0 × 0:
 * pictures of any size). True when both are known: batches need that. */
bool kin_recipe_output_size(const kin_recipe *recipe, int *width, int *height);

/* Adds the recipe as text that parses to the same recipe: short names, defaults left out. */
void kin_recipe_print(const kin_recipe *recipe, kin_text *out);

/* Adds the table of transforms and presets, for a terminal. */
void kin_recipe_list(kin_text *out);
/* One of them. */
void kin_transform_list(const kin_transform_info *t, kin_text *out);

/* ---- for the table and those who extend it ---- */

/* The numbers of a RANGE, SWING or FACTOR, low then high. */
void kin_step_range(const kin_recipe_step *step, int param, double range[2]);
/* Reads one value; `text` is not zero-terminated. */
bool kin_param_parse(const kin_recipe_param *param, const char *text, size_t length, kin_value *out,
                     kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
