/* The contrastive loss [Hadsell, Chopra, LeCun 2006] in the form of metric-learning libraries. */
#ifndef KIN_LOSSES_CONTRASTIVE_H
#define KIN_LOSSES_CONTRASTIVE_H

#include "autograd/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Over all ordered pairs of different rows: mean of [d − m_pos]₊ over the positive pairs whose term is not
 * zero, plus mean of [m_neg − d]₊ over such negative pairs. embedding [n, d], labels [n]. */
kin_tensor *kin_contrastive(kin_tensor *embedding, const int *labels, double margin_positive,
                            double margin_negative);

#ifdef __cplusplus
}
#endif

#endif
