/* The networks' descriptors, kin_model_NAME. This is the only list of them: the registry is made from it. */
#ifndef KIN_MODELS_MODELS_H
#define KIN_MODELS_MODELS_H

#include "models/registry.h"

/* clang-format off */
#define KIN_MODELS(X) \
    X(conv4) \
    X(resnet8) X(resnet20) X(resnet32) X(resnet44) X(resnet56) X(resnet110) \
    X(resnet18) X(resnet34) X(resnet50) X(resnet101) X(resnet152) X(resnext50_32x4d) X(wide_resnet50_2) \
    X(densenet121) X(densenet161) X(densenet169) X(densenet201) \
    X(mobilenet_v2) X(efficientnet_lite0) X(efficientnet_lite1) X(efficientnet_lite2) \
    X(lite0_front)
/* clang-format on */

#define KIN_MODEL_DECLARED(NAME) extern const kin_model kin_model_##NAME;
KIN_MODELS(KIN_MODEL_DECLARED)

/* What torchvision's ImageNet networks take. */
#define KIN_IMAGENET .size = 224, .channels = 3, .resize = 256, .normalize = "imagenet"

#endif
