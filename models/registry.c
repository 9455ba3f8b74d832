#include "models/models.h"

#include <stddef.h>
#include <string.h>

const kin_model *const kin_models[] = {&kin_model_conv4, &kin_model_resnet8, &kin_model_resnet20, NULL};

const kin_model *kin_model_find(const char *name)
{
    for (int i = 0; kin_models[i]; i++)
        if (strcmp(kin_models[i]->name, name) == 0) return kin_models[i];
    return NULL;
}
