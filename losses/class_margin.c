/* Softmax on the unit sphere: a weight ŵ_c a class and cosines instead of products, c_j = û·ŵ_j, and a
 * target that is made harder than it is:
 *
 *   norm-softmax [Zhai, Wu 2019]       CE(c/τ)
 *   CosFace [Wang et al. 2018]         CE(S·c), with c_y − m for the target
 *   ArcFace [Deng et al. 2019]         CE(S·c), with cos(θ_y + m), θ_y = arccos c_y
 *
 * Beyond θ = π − m the cosine would rise again; there c_y − m·sin m goes on falling. By c_y the slopes are
 * 1, 1 and sin(θ + m)/sin θ; at c_y = ±1, where that is infinite, 0 is taken. */
#include "losses/matrix.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

typedef struct target {
    double cosine, slope;
} target;

static target as_it_is(double c, double m) { return (target){c - m, 1}; }

static target at_a_wider_angle(double c, double m)
{
    double angle = acos(fmin(fmax(c, -1), 1));
    if (angle > pi - m) return (target){cos(angle) - m * sin(m), fabs(c) < 1 ? 1 : 0};
    return (target){cos(angle + m), fabs(c) < 1 ? sin(angle + m) / sin(angle) : 0};
}

static double cross_entropy(const kin_matrix *s, double *grad, target (*harder)(double c, double m))
{
    double scale = s->option[0], margin = s->option[1], sum = 0, share = 1 / (double)s->n;
    for (int64_t i = 0; i < s->n; i++) {
        int64_t y = 0;
        while (kin_matrix_kind(s, i, y) != KIN_PAIR_POSITIVE) y++;
        target t = harder(kin_matrix_at(s, i, y), margin);
        double own = scale * t.cosine, others = kin_matrix_lse(s, i, KIN_PAIR_NEGATIVE, scale, 0, false),
               loss = kin_log1p_exp(others - own), lse = own + loss;
        sum += loss;
        kin_matrix_lse_grad(s, i, KIN_PAIR_NEGATIVE, scale, 0, lse, share, grad);
        grad[i * s->m + y] = -share * scale * t.slope * kin_logistic(others - own);
    }
    return sum * share;
}

static double plain(const kin_matrix *s, double *grad) { return cross_entropy(s, grad, as_it_is); }
static double arc(const kin_matrix *s, double *grad) { return cross_entropy(s, grad, at_a_wider_angle); }

static kin_tensor *cosines(const kin_loss_call *c)
{
    return kin_call_class_cosines(c, kin_call_class_rows(c, "weight", KIN_INIT_NORMAL, 1));
}

static double scale_of(const kin_loss_term *t)
{
    double temperature = kin_term_value_or(t, "temperature", 0);
    return temperature > 0 ? 1 / temperature : kin_term_value(t, "scale");
}

static kin_tensor *logits(const kin_loss_call *c) { return kin_scale(cosines(c), scale_of(c->term), 0); }

static kin_tensor *formula(const kin_loss_call *c, kin_matrix_formula f)
{
    double option[] = {scale_of(c->term), kin_term_value_or(c->term, "margin", 0)};
    kin_tensor *s = cosines(c);
    kin_pairs p;
    kin_loss_call unasked = *c; /* these pairs are with classes, not with pictures */
    unasked.mined = NULL;
    return kin_call_class_pairs(c, &p) ? kin_call_matrix(&unasked, s, &p, f, option, 2) : NULL;
}
static kin_tensor *plain_formula(const kin_loss_call *c) { return formula(c, plain); }
static kin_tensor *arc_formula(const kin_loss_call *c) { return formula(c, arc); }

#define SCALE \
    { \
        "scale", 64, 1e-6, 1e6, NULL, false, "what cosines are multiplied by" \
    }

const kin_loss kin_loss_norm_softmax = {
    .name = "norm-softmax",
    .about = "classify by cosines, of embeddings and class weights at unit length",
    .paper = "Zhai, Wu 2019",
    .params = {{"temperature", .05, 1e-6, 1e6, NULL, false, "what cosines are divided by"}, KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .behind_neck = true,
    .logits = logits,
    .formula = plain_formula};

const kin_loss kin_loss_arc_face = {
    .name = "arcface",
    .about = "classify by cosines; the own class must win at an angle that is wider by a margin",
    .paper = "Deng et al. 2019",
    .params = {{"margin", .5, 0, 1.5, NULL, false, "in radians"}, SCALE, KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .behind_neck = true,
    .logits = logits,
    .formula = arc_formula};

const kin_loss kin_loss_cos_face = {
    .name = "cosface",
    .about = "classify by cosines; the own class must win with a cosine that is smaller by a margin",
    .paper = "Wang et al. 2018",
    .params = {{"margin", .35, 0, 2, NULL, false, "of the cosine"}, SCALE, KIN_LOSS_RATE},
    .needs = KIN_LOSS_NEEDS_LABELS | KIN_LOSS_NEEDS_CLASSES,
    .behind_neck = true,
    .logits = logits,
    .formula = plain_formula};
