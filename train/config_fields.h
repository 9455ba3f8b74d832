/* The members of a kin_config by name: what options, notes of checkpoints and comparisons have in common. */
#ifndef KIN_TRAIN_CONFIG_FIELDS_H
#define KIN_TRAIN_CONFIG_FIELDS_H

#include "train/config.h"

/* WORD: an enumeration, in files one of `names`. SIZE: two numbers, height and width, "256x128" or "224". */
typedef enum {
    KIN_FIELD_TEXT,
    KIN_FIELD_WHOLE,
    KIN_FIELD_REAL,
    KIN_FIELD_FLAG,
    KIN_FIELD_WORD,
    KIN_FIELD_SIZE
} kin_field_kind;

typedef struct kin_config_field {
    const char *name;
    kin_field_kind kind;
    size_t at, size;
    bool option; /* there is an option of this name */
    bool later;  /* older checkpoints do not have it, and mean its zero */
    const char *const *names;
} kin_config_field;
extern const kin_config_field kin_config_fields[]; /* ends with {0} */

void *kin_config_member(const kin_config *c, const kin_config_field *f);
/* The value as text, numbers by the format `real`; and back: false where the text is none. */
void kin_config_value(const kin_config *c, const kin_config_field *f, const char *real, char *text,
                      size_t size);
bool kin_config_take(kin_config *c, const kin_config_field *f, const char *text);

#endif
