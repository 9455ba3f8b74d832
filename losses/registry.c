#include "losses/registry.h"

#include <string.h>

/* Each in the file of its family. One a line, so that a new one is a line. */
extern const kin_loss kin_loss_softmax, kin_loss_contrastive, kin_loss_contrastive_squared,
    kin_loss_triplet_hard, kin_loss_triplet_semi_hard, kin_loss_triplet_all;
extern const kin_loss kin_loss_n_pair, kin_loss_lifted, kin_loss_margin, kin_loss_multi_similarity,
    kin_loss_circle, kin_loss_sup_con, kin_loss_smooth_ap;
extern const kin_loss kin_loss_norm_softmax, kin_loss_arc_face, kin_loss_cos_face, kin_loss_proxy_nca,
    kin_loss_proxy_anchor, kin_loss_center, kin_loss_distill, kin_loss_none;

const kin_loss *const kin_losses[] = {
    &kin_loss_softmax,
    &kin_loss_contrastive,
    &kin_loss_contrastive_squared,
    &kin_loss_triplet_hard,
    &kin_loss_triplet_semi_hard,
    &kin_loss_triplet_all,
    &kin_loss_n_pair,
    &kin_loss_lifted,
    &kin_loss_margin,
    &kin_loss_multi_similarity,
    &kin_loss_circle,
    &kin_loss_sup_con,
    &kin_loss_smooth_ap,
    &kin_loss_norm_softmax,
    &kin_loss_arc_face,
    &kin_loss_cos_face,
    &kin_loss_proxy_nca,
    &kin_loss_proxy_anchor,
    &kin_loss_center,
    &kin_loss_distill,
    &kin_loss_none,
    NULL,
};

const kin_loss *kin_loss_find(const char *name)
{
    for (int i = 0; kin_losses[i]; i++)
        if (strcmp(kin_losses[i]->name, name) == 0) return kin_losses[i];
    return NULL;
}
