/* Everything that kin offers to other programs, in one include. */
#ifndef KIN_H
#define KIN_H

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/tensor.h"
#include "autograd/unary.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/npy.h"
#include "base/parallel.h"
#include "base/random.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "data/image.h"
#include "data/pictures.h"
#include "data/sampler.h"
#include "data/synth.h"
#include "losses/contrastive.h"
#include "losses/registry.h"
#include "losses/triplet.h"
#include "models/registry.h"
#include "nn/checkpoint.h"
#include "nn/layers.h"
#include "nn/module.h"
#include "nn/optim.h"
#include "retrieval/expand.h"
#include "retrieval/metrics.h"
#include "retrieval/rerank.h"
#include "retrieval/search.h"
#include "retrieval/whiten.h"

#endif
