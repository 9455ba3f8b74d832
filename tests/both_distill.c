/* Distillation: the value from its formula in plain loops, its slopes, a student of fewer dimensions, and refusals. */
#include "autograd/gradcheck.h"
#include "base/memory.h"
#include "losses/registry.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

enum { N = 7, STUDENT = 4, TEACHER = 6 };

static void numbers(kin_real *out, int count, double step)
{
    for (int i = 0; i < count; i++) out[i] = (kin_real)(sin(step * i + .3) + .2 * cos(2.1 * i));
}

/* Cosine of the first d numbers of two rows. */
static double cosine(const kin_real *a, const kin_real *b, int d)
{
    double ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < d; k++) {
        ab += (double)a[k] * (double)b[k];
        aa += (double)a[k] * (double)a[k];
        bb += (double)b[k] * (double)b[k];
    }
    return ab / sqrt(aa * bb);
}

/* As on paper; the teacher's first d numbers count. */
static double by_hand(const kin_real *x, const kin_real *t, int d, int stride, double relations)
{
    double points = 0, pairs = 0;
    for (int i = 0; i < N; i++) {
        points += 1 - cosine(x + i * d, t + i * stride, d);
        for (int j = 0; j < N; j++) {
            double difference = cosine(x + i * d, x + j * d, d) - cosine(t + i * stride, t + j * stride, d);
            if (i != j) pairs += difference * difference;
        }
    }
    return points / N + relations * pairs / (N * (N - 1));
}

typedef struct lesson {
    kin_loss_sum sum;
    int dim; /* the teacher's */
    kin_real rows[N * TEACHER], pca[N * TEACHER];
} lesson;

static lesson lesson_of(const char *text, int dim)
{
    lesson l = {.dim = dim};
    kin_error err = {0};
    CHECK_MSG(kin_loss_parse(text, NULL, NULL, &l.sum, &err), "%s", err.message);
    numbers(l.rows, N * dim, .9), numbers(l.pca, N * dim, 1.6);
    return l;
}

static kin_tensor *value_of(kin_tensor *x, lesson *l)
{
    kin_ctx *ctx = kin_ctx_of(x);
    return kin_loss_value(&l->sum, NULL,
                          &(kin_loss_input){.x = x,
                                            .teacher = kin_input(ctx, KIN_SHAPE(N, l->dim), l->rows),
                                            .teacher_pca = kin_input(ctx, KIN_SHAPE(N, l->dim), l->pca)});
}

static void values(void)
{
    static const struct {
        const char *text;
        int dim;
        double relations;
    } rows[] = {{"distill", STUDENT, 1},
                {"distill(relations=0)", STUDENT, 0},
                {"distill(2.5)", STUDENT, 2.5},
                {"distill(relations=.5)", TEACHER, .5}};
    kin_real x[N * STUDENT];
    numbers(x, N * STUDENT, 1.3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_begin("%s, a teacher of %d numbers: the formula's value, without labels (%s)", rows[i].text,
                    rows[i].dim, KIN_REAL_NAME);
        lesson l = lesson_of(rows[i].text, rows[i].dim);
        const kin_real *taught = rows[i].dim == STUDENT ? l.rows : l.pca;
        kin_ctx *ctx = kin_ctx_new();
        double got = kin_item(value_of(kin_variable(ctx, KIN_SHAPE(N, STUDENT), x), &l));
        CHECK_MSG(kin_ok(ctx), "%s", kin_ctx_error(ctx)->message);
        CHECK_CLOSE(got, by_hand(x, taught, STUDENT, rows[i].dim, rows[i].relations),
                    sizeof(kin_real) == 8 ? 1e-12 : 1e-5);
        kin_ctx_free(ctx);
        check_end();
    }
}

static kin_tensor *checked(kin_tensor **in, void *arg) { return value_of(in[0], arg); }

static void slopes(void)
{
    check_begin("distill: gradients are the value's slopes (%s)", KIN_REAL_NAME);
    bool is_double = sizeof(kin_real) == 8;
    for (int k = 0; k < 2; k++) {
        lesson l = lesson_of(k ? "distill(relations=3)" : "distill + distill(0) * .5", k ? TEACHER : STUDENT);
        kin_ctx *ctx = kin_ctx_new();
        kin_shape shape = KIN_SHAPE(N, STUDENT);
        CHECK_MSG(kin_gradcheck(ctx, checked, &l, &shape, 1,
                                &(kin_gradcheck_opt){.step = is_double ? 1e-6 : 0,
                                                     .tolerance = is_double ? 1e-6 : .2},
                                NULL),
                  "%s", kin_ctx_error(ctx)->message);
        kin_ctx_free(ctx);
    }
    check_end();
}

/* The student says what the teacher says, but longer. */
static void learnt(void)
{
    check_begin("distill: 0 once the student says the same; one picture alone has no relations (%s)",
                KIN_REAL_NAME);
    lesson l = lesson_of("distill", STUDENT);
    kin_real longer[N * STUDENT];
    for (int i = 0; i < N * STUDENT; i++) longer[i] = 3 * l.rows[i];
    kin_ctx *ctx = kin_ctx_new();
    CHECK_CLOSE(kin_item(value_of(kin_variable(ctx, KIN_SHAPE(N, STUDENT), longer), &l)), 0, 1e-6);
    kin_tensor *one = kin_variable(ctx, KIN_SHAPE(1, STUDENT), longer),
               *teacher = kin_input(ctx, KIN_SHAPE(1, STUDENT), l.rows + STUDENT);
    CHECK_CLOSE(kin_item(kin_loss_value(&l.sum, NULL, &(kin_loss_input){.x = one, .teacher = teacher})),
                1 - cosine(l.rows, l.rows + STUDENT, STUDENT), 1e-5);
    CHECK_MSG(kin_ok(ctx), "%s", kin_ctx_error(ctx)->message);
    kin_ctx_free(ctx);
    check_end();
}

static void refuses(const char *name, const kin_real *teacher, int rows, int dim, const kin_real *pca,
                    const char *why)
{
    check_begin("distill refuses %s (%s)", name, KIN_REAL_NAME);
    lesson l = lesson_of("distill", STUDENT);
    kin_real x[N * STUDENT];
    numbers(x, N * STUDENT, 1.3);
    kin_ctx *ctx = kin_ctx_new();
    kin_loss_input in = {.x = kin_variable(ctx, KIN_SHAPE(N, STUDENT), x)};
    if (teacher) in.teacher = kin_input(ctx, KIN_SHAPE(rows, dim), teacher);
    if (pca) in.teacher_pca = kin_input(ctx, KIN_SHAPE(rows, 2), pca);
    CHECK(!kin_loss_value(&l.sum, NULL, &in));
    CHECK_TEXT(kin_ctx_error(ctx)->message, why);
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    kin_real rows[N * TEACHER];
    numbers(rows, N * TEACHER, .9);
    values();
    slopes();
    learnt();
    refuses("to learn from nobody", NULL, 0, 0, NULL, "there is no teacher");
    refuses("a teacher of fewer numbers", rows, N, 3, NULL, "it cannot have more");
    refuses("a teacher of more without a projection", rows, N, TEACHER, NULL, "no projection");
    refuses("a projection that is too short", rows, N, TEACHER, rows, "no projection");
    refuses("what is said of other pictures", rows, N - 1, STUDENT, NULL, "of other pictures");
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
