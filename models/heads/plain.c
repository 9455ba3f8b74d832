/* One map, one vector: pooling, an embedding where one is asked for, and the batch norm neck behind it. */
#include "models/heads/head.h"

static bool run(const kin_head_call *c, kin_branches *out)
{
    kin_tensor *map = kin_model_features(c->model, c->scope, c->x, c->opt);
    kin_tensor *embedding = kin_model_head(c->model, c->scope, map, c->opt);
    /* in training too where nothing reads it, for its statistics */
    kin_tensor *behind = kin_model_neck(c->scope, embedding, c->opt);
    out->branch[out->count++] = (kin_named_branch){"plain", .metric = embedding, .behind = behind};
    return behind != NULL;
}

const kin_head kin_head_plain = {.name = "plain", .about = "pooling, embedding, neck", .run = run};
