#include "train/model_words.h"

#include <string.h>

static int index_in(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return *name ? -1 : 0;
}

bool kin_model_options(const kin_model *m, const kin_catalogue *own, const kin_model_words *words,
                       kin_model_opt *out, kin_head_choice *head, kin_error *err)
{
    int s = index_in(kin_stem_names, words->stem), p = index_in(kin_pooling_names, words->pooling);
    *out = (kin_model_opt){.embedding = words->embedding,
                           .width = words->width,
                           .last_stride = words->last_stride,
                           .neck = words->neck,
                           .drop_path = words->drop_path,
                           .stem = (kin_stem)s,
                           .pooling = (kin_pooling)p};
    if (s < 0 || p < 0)
        return kin_fail(err, KIN_ERR_DATA, "there is no %s \"%.40s\"", s < 0 ? "stem" : "pooling",
                        s < 0 ? words->stem : words->pooling);
    return kin_attend_parse(words->attention, &out->attention, err) &&
           kin_head_parse(words->head, own ? own->heads : NULL, m, head, err) &&
           kin_head_check(head, m, out, err);
}
