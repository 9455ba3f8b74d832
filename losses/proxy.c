/* Proxies: a learned point p̂ a class stands for its pictures, so that a batch needs no pairs.
 *
 *   Proxy-NCA [Movshovitz-Attias et al. 2017], with D_c = scale·|û − p̂_c|² = scale·(2 − 2 û·p̂_c):
 *       mean_i −log( e^{−D_y} / Σ_c e^{−D_c} ),  the sum with the own proxy or, as in the paper, without it
 *
 *   Proxy-Anchor [Kim et al. 2020], each proxy an anchor for the whole batch, with cosines s:
 *       (1/|P⁺|) Σ_{p∈P⁺} log(1 + Σ_{x of p} e^{−α(s − δ)}) +
 *       (1/|P|) Σ_p log(1 + Σ_{x not of p} e^{α(s + δ)}),
 *   P⁺ being the proxies that have a picture in the batch. */
#include "base/memory.h"
#include "losses/matrix.h"

#include <math.h>

/* By cosines: −D_c is 2·scale·s up to what all classes share. */
static double proxy_nca(const kin_matrix *s, double *grad)
{
    double scale = 2 * s->option[0], sum = 0, share = 1 / (double)s->n;
    bool without = s->option[1] == 1;
    for (int64_t i = 0; i < s->n; i++) {
        double own = kin_matrix_lse(s, i, KIN_PAIR_POSITIVE, scale, 0, false),
               others = kin_matrix_lse(s, i, KIN_PAIR_NEGATIVE, scale, 0, false),
               slope = without ? 1 : kin_logistic(others - own);
        if (others == -INFINITY) continue; /* a single class */
        sum += without ? others - own : kin_log1p_exp(others - own);
        kin_matrix_lse_grad(s, i, KIN_PAIR_NEGATIVE, scale, 0, others, share * slope, grad);
        kin_matrix_lse_grad(s, i, KIN_PAIR_POSITIVE, scale, 0, own, -share * slope, grad);
    }
    return sum * share;
}

/* Rows are proxies here, columns the batch. */
static double proxy_anchor(const kin_matrix *s, double *grad)
{
    double alpha = s->option[0], delta = s->option[1], pull = 0, push = 0, with = 0, all = (double)s->n;
    for (int64_t p = 0; p < s->n; p++) with += kin_matrix_count(s, p, KIN_PAIR_POSITIVE) > 0;
    for (int64_t p = 0; p < s->n; p++) {
        double positive = kin_matrix_lse(s, p, KIN_PAIR_POSITIVE, -alpha, alpha * delta, true),
               negative = kin_matrix_lse(s, p, KIN_PAIR_NEGATIVE, alpha, alpha * delta, true);
        pull += positive, push += negative;
        if (with > 0)
            kin_matrix_lse_grad(s, p, KIN_PAIR_POSITIVE, -alpha, alpha * delta, positive, 1 / with, grad);
        kin_matrix_lse_grad(s, p, KIN_PAIR_NEGATIVE, alpha, alpha * delta, negative, 1 / all, grad);
    }
    return (with > 0 ? pull / with : 0) + push / all;
}

static kin_tensor *proxies(const kin_loss_call *c)
{
    return kin_call_class_rows(c, "proxies", KIN_INIT_NORMAL, sqrt(2 / (double)c->classes));
}

static kin_tensor *cosines(const kin_loss_call *c) { return kin_call_class_cosines(c, proxies(c)); }
static kin_tensor *nca_logits(const kin_loss_call *c)
{
    return kin_scale(cosines(c), 2 * kin_term_value(c->term, "scale"), 0);
}
static kin_tensor *anchor_logits(const kin_loss_call *c)
{
    return kin_scale(cosines(c), kin_term_value(c->term, "alpha"), 0);
}

static kin_tensor *nca_formula(const kin_loss_call *c)
{
    double option[] = {kin_term_value(c->term, "scale"), kin_term_value(c->term, "form")};
    kin_tensor *s = cosines(c);
    kin_pairs p;
    kin_loss_call unasked = *c;
    unasked.mined = NULL;
    return kin_call_class_pairs(c, &p) ? kin_call_matrix(&unasked, s, &p, proxy_nca, option, 2) : NULL;
}

/* The pairs of classes and batch, seen from the classes. */
static kin_pairs turned(kin_pairs p)
{
    kin_pairs q = {p.m, p.n, kin_alloc_array((size_t)p.m, (size_t)p.n)};
    for (int64_t i = 0; q.kind && i < p.n; i++)
        for (int64_t j = 0; j < p.m; j++) q.kind[j * p.n + i] = p.kind[i * p.m + j];
    kin_pairs_free(&p);
    return q;
}

static kin_tensor *anchor_formula(const kin_loss_call *c)
{
    double option[] = {kin_term_value(c->term, "alpha"), kin_term_value(c->term, "margin")};
    kin_tensor *s = kin_matmul(kin_l2_normalize(proxies(c)), kin_l2_normalize(c->x),
                               &(kin_matmul_opt){.transpose_b = true});
    kin_pairs p;
    kin_loss_call unasked = *c;
    unasked.mined = NULL;
    if (!kin_call_class_pairs(c, &p)) return NULL;
    p = turned(p);
    if (!p.kind)
        return kin_fail_memory(kin_ctx_error(kin_ctx_of(c->x)), "the pairs of a batch", (size_t)(p.n * p.m)),
               NULL;
    return kin_call_matrix(&unasked, s, &p, proxy_anchor, option, 2);
}

static const char *const forms[] = {"pml", "paper", NULL};

const kin_loss kin_loss_proxy_nca = {
    .name = "proxy-nca",
    .about = "each picture nearest to the proxy of its class, by squared distance on the unit sphere",
    .paper = "Movshovitz-Attias et al. 2017",
    .params = {{"scale", 1, 1e-6, 1e6, NULL, false, "what squared distances are multiplied by"},
               {"form", 0, 0, 1, forms, false,
                "the own proxy among those that it is compared with, or, as in the paper, not"},
               KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .logits = nca_logits,
    .formula = nca_formula};

const kin_loss kin_loss_proxy_anchor = {
    .name = "proxy-anchor",
    .about = "each class's proxy pulls its pictures of the batch and pushes all others, the hardest most",
    .paper = "Kim et al. 2020",
    .params = {{"margin", .1, 0, 1, NULL, false, "delta: positives above it, negatives below minus it"},
               {"alpha", 32, 1e-6, 1e6, NULL, false, "how sharply pictures are weighed"},
               KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .logits = anchor_logits,
    .formula = anchor_formula};
