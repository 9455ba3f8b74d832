/* Attention as an option of any network: what kind, and where. */
#ifndef KIN_MODELS_ATTEND_H
#define KIN_MODELS_ATTEND_H

#include "nn/module.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    KIN_ATTEND_NONE = 0,
    KIN_ATTEND_SE,
    KIN_ATTEND_ECA,
    KIN_ATTEND_CBAM,
    KIN_ATTEND_SCA
} kin_attend_kind;

/* "se@block": squeeze and excitation at the end of every block, before the sum; "sca@end": self channel
 * attention on the last map; "eca@layer3": behind the stage of that name. */
typedef struct kin_attend_opt {
    kin_attend_kind kind;
    char place[24];
} kin_attend_opt;

/* Reads "KIND@PLACE"; "" and "none" mean none. */
bool kin_attend_parse(const char *text, kin_attend_opt *out, kin_error *err);

/* Whether attention was asked for at this place. */
bool kin_attends(const kin_attend_opt *opt, const char *place);
/* x with attention, under the scope "attention", where it was asked for; else x itself. */
kin_tensor *kin_attend(kin_scope *s, const kin_attend_opt *opt, const char *place, kin_tensor *x);

#ifdef __cplusplus
}
#endif

#endif
