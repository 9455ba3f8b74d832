/* The networks' descriptors, one file each; kin_models in registry.c lists them. */
#ifndef KIN_MODELS_MODELS_H
#define KIN_MODELS_MODELS_H

#include "models/registry.h"

extern const kin_model kin_model_conv4, kin_model_resnet20, kin_model_resnet8;

#endif
