#include "models/attend.h"

#include "nn/attention.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"none", "se", "eca", "cbam", "sca"};
enum { KINDS = sizeof kinds / sizeof *kinds };

bool kin_attend_parse(const char *text, kin_attend_opt *out, kin_error *err)
{
    *out = (kin_attend_opt){0};
    if (!*text || strcmp(text, kinds[0]) == 0) return true;
    const char *at = strchr(text, '@');
    size_t length = at ? (size_t)(at - text) : 0;
    for (int i = 1; at && i < KINDS; i++)
        if (strlen(kinds[i]) == length && memcmp(kinds[i], text, length) == 0) out->kind = (kin_attend_kind)i;
    if (!out->kind || !at[1] || strlen(at + 1) >= sizeof out->place)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "attention is KIND@PLACE with KIND one of se, eca, cbam, sca and PLACE as block, end "
                        "or a stage's name (se@block, sca@end), not '%.60s'",
                        text);
    snprintf(out->place, sizeof out->place, "%s", at + 1);
    return true;
}

bool kin_attends(const kin_attend_opt *opt, const char *place)
{
    return opt->kind && strcmp(opt->place, place) == 0;
}

kin_tensor *kin_attend(kin_scope *s, const kin_attend_opt *opt, const char *place, kin_tensor *x)
{
    if (!x || !kin_attends(opt, place)) return x;
    s = kin_sub(s, "attention");
    return kin_tap(s, kin_attention(s, x, kinds[opt->kind]));
}
