/* The trunk of the CIFAR ResNets, for other heads than an embedding. */
#ifndef KIN_MODELS_RESNET_CIFAR_H
#define KIN_MODELS_RESNET_CIFAR_H

#include "nn/module.h"

/* x [n, h, w, c] → pooled features [n, 4·width]; 6·blocks + 2 layers with a classifier (blocks 3: ResNet-20, 9: ResNet-56). */
kin_tensor *kin_resnet_cifar(kin_scope *s, kin_tensor *x, int blocks, int64_t width);

#endif
