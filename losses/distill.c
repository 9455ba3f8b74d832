/* Distillation of a descriptor: a student learns to say what a teacher says of the same picture. With unit vectors u of
 * the student and t of the teacher,
 *
 *   L = mean_i (1 - u_i·t_i)  +  r · mean_{i≠j} (u_i·u_j - t_i·t_j)²:
 *
 * each descriptor points where the teacher's does, and the cosines between the pictures of a batch, which are what a
 * search sees, are the teacher's [Park et al. 2019, Tung and Mori 2019 have the second by itself]. No labels are needed.
 *
 * A student of fewer dimensions learns the first of the teacher's principal components, brought to unit length: a fixed
 * projection of the teacher, so that the second mean stays what the search will see. */
#include "losses/loss.h"

static kin_tensor *refuse(const kin_loss_call *c, const char *why)
{
    long long student = (long long)kin_channels(c->x), teacher = (long long)kin_channels(c->teacher);
    kin_error *err = kin_ctx_error(kin_ctx_of(c->x));
    if (c->teacher)
        kin_fail(err, KIN_ERR_ARGUMENT,
                 "the loss distill: the student's descriptor has %lld numbers, the teacher's %lld%s", student,
                 teacher, why);
    else kin_fail(err, KIN_ERR_ARGUMENT, "the loss distill: %s", why);
    return NULL;
}

/* The teacher's rows in the student's dimension. */
static kin_tensor *taught(const kin_loss_call *c)
{
    int64_t d = kin_channels(c->x);
    if (!c->teacher) return refuse(c, "there is no teacher");
    if (kin_rows(c->teacher) != kin_rows(c->x)) return refuse(c, ", and they are of other pictures");
    if (kin_channels(c->teacher) == d) return kin_l2_normalize(c->teacher);
    if (kin_channels(c->teacher) < d) return refuse(c, ": it cannot have more");
    if (!c->teacher_pca || kin_channels(c->teacher_pca) < d)
        return refuse(c, ", and no projection to as many is there");
    return kin_l2_normalize(kin_slice(c->teacher_pca, 0, d));
}

static kin_tensor *cosines(kin_tensor *rows)
{
    return kin_matmul(rows, rows, &(kin_matmul_opt){.transpose_b = true});
}

static kin_tensor *formula(const kin_loss_call *c)
{
    double n = (double)kin_rows(c->x), relations = kin_term_value(c->term, "relations");
    kin_tensor *t = taught(c), *u = t ? kin_l2_normalize(c->x) : NULL;
    kin_tensor *value = kin_scale(kin_sum(kin_mul(u, t), 0), -1 / n, 1);
    if (!(relations > 0) || n < 2) return value;
    /* on the diagonal both are 1 */
    kin_tensor *differ = kin_square(kin_sub_tensor(cosines(u), cosines(t)));
    return kin_add(value, kin_scale(kin_sum(differ, 0), relations / (n * (n - 1)), 0));
}

const kin_loss kin_loss_distill = {
    .name = "distill",
    .about = "say of each picture what a teacher says of it, and keep the teacher's cosines within the batch",
    .paper = "Park et al. 2019",
    .params = {{"relations", 1, 0, 1e6, NULL, false,
                "weight of the cosines' differences beside the descriptors' own"}},
    .needs = KIN_LOSS_NEEDS_TEACHER,
    .formula = formula};
