/* Losses by hand: five points on a line, whose distances anyone can read off. */
#include "base/memory.h"
#include "losses/collapse.h"
#include "losses/contrastive.h"
#include "losses/registry.h"
#include "losses/triplet.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

/* Class 0 at 0 and 1, class 1 at 3 and 5, and one picture alone in its class at 9. */
static const kin_real line[] = {0, 1, 3, 5, 9};
static const int labels[] = {0, 0, 1, 1, 2};

static double softplus(double x) { return log1p(exp(x)); }

static void miners(void)
{
    check_begin("miners: whom they choose, by hand");
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(5, 1), line), *d = kin_distance(x, x);
    kin_triplets t;
    kin_pairs p;
    kin_error err = {0};
    CHECK(kin_pairs_new(&p, labels, 5, labels, 5, 0, &err));
    CHECK(kin_mine_batch_hard(d, &p, &t) && t.count == 4);                     /* the fifth has no positive */
    static const int64_t positive[] = {1, 0, 3, 2}, negative[] = {2, 2, 1, 1}; /* the first of equals */
    for (int i = 0; i < 4 && i < t.count; i++)
        CHECK_MSG(t.anchor[i] == i && t.positive[i] == positive[i] && t.negative[i] == negative[i],
                  "anchor %d", i);
    kin_triplets_free(&t);
    /* Gaps d_an − d_ap: anchor 0: 2 4 8; anchor 1: 1 3 7; anchor 2: 1 0 4; anchor 3: 3 2 2. */
    CHECK(kin_mine_semi_hard(d, &p, 2, &t) && t.count == 5);
    kin_triplets_free(&t);
    CHECK(kin_mine_batch_all(d, &p, &t) && t.count == 12);
    kin_triplets_free(&t);
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    check_end();
}

static void farthest(void)
{
    check_begin(
        "miners: the farthest of its class, the first of equals, item 0 as negative; freed, nothing stays");
    static const kin_real at[] = {9, 1, 0, 2, 0.5};
    static const int of[] = {1, 0, 0, 0, 0};
    static const int64_t positive[] = {2, 3, 2, 3};
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(5, 1), at), *d = kin_distance(x, x);
    kin_triplets t;
    kin_pairs p;
    CHECK(kin_pairs_new(&p, of, 5, of, 5, 0, NULL));
    CHECK(kin_mine_batch_hard(d, &p, &t) && t.count == 4);
    for (int i = 0; i < 4 && i < t.count; i++)
        CHECK_MSG(t.anchor[i] == i + 1 && t.positive[i] == positive[i] && t.negative[i] == 0, "anchor %d",
                  i + 1);
    kin_triplets_free(&t);
    CHECK(!t.anchor && !t.positive && !t.negative && t.count == 0 && t.capacity == 0);
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    check_end();
}

static void one_sided(void)
{
    check_begin("contrastive: a batch of one class, or of none twice, has one of the two terms");
    static const kin_real at[] = {0, 1, 3};
    static const int same[] = {0, 0, 0}, other[] = {0, 1, 2};
    for (int i = 0; i < 2; i++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_tensor *loss = kin_contrastive(kin_variable(ctx, KIN_SHAPE(3, 1), at), i ? other : same, 0, 4);
        CHECK(kin_count(loss) == 1);
        CHECK_CLOSE(kin_item(loss), 2, 1e-5); /* 1, 3 and 2, or what is missing to 4 */
        CHECK(kin_backward(loss) && kin_ok(ctx));
        kin_ctx_free(ctx);
    }
    check_end();
}

static void values(void)
{
    check_begin("losses: values by hand");
    kin_ctx *ctx = kin_ctx_new();
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(5, 1), line);
    /* Hardest pairs: (1, 3), (1, 2), (2, 2), (2, 4). */
    CHECK_CLOSE(kin_item(kin_triplet_batch_hard(x, labels, 0)),
                (2 * softplus(-2) + softplus(-1) + softplus(0)) / 4, 1e-6);
    CHECK_CLOSE(kin_item(kin_triplet_batch_hard(x, labels, 1.5)), (0 + 0.5 + 1.5 + 0) / 4, 1e-6);
    CHECK_CLOSE(kin_item(kin_triplet_semi_hard(x, labels, 2)), (0 + 1 + 1 + 0 + 0) / 5.0, 1e-6);
    /* over those that are not zero */
    CHECK_CLOSE(kin_item(kin_triplet_batch_all(x, labels, 2)), (1 + 1 + 2) / 3.0, 1e-6);
    CHECK_CLOSE(kin_item(kin_triplet_batch_all(x, labels, 1e-9)), 1e-9, 1e-12);
    /* Pairs: distances 1 and 2; others 3 5 9, 2 4 8, 6, 4, of which 3 and 2 are below 4. */
    CHECK_CLOSE(kin_item(kin_contrastive(x, labels, 0, 4)), 1.5 + 1.5, 1e-5);
    CHECK_CLOSE(kin_item(kin_contrastive(x, labels, 1.5, 1)), 0.5, 1e-5);
    CHECK(kin_ok(ctx));
    kin_ctx_free(ctx);
    check_end();
}

static void one_point(void)
{
    check_begin("losses: all embeddings at one point give the known value and finite gradients");
    static const int four[] = {0, 0, 1, 1};
    for (int i = 0; kin_losses[i]; i++) {
        kin_loss_sum sum;
        if (kin_losses[i]->needs & (KIN_LOSS_NEEDS_CLASSES | KIN_LOSS_NEEDS_TEACHER | KIN_LOSS_NEEDS_HEAD))
            continue;
        CHECK(kin_loss_parse(kin_losses[i]->name, NULL, NULL, &sum, NULL));
        double stuck = kin_loss_collapsed(&sum, 3);
        kin_real same[12];
        for (int k = 0; k < 12; k++) same[k] = (kin_real)0.5;
        kin_ctx *ctx = kin_ctx_new();
        kin_tensor *x = kin_variable(ctx, KIN_SHAPE(4, 3), same),
                   *loss = kin_loss_value(&sum, NULL,
                                          &(kin_loss_input){.x = x, .labels = four, .classes = 3});
        CHECK_MSG(kin_backward(loss), "%s: %s", kin_losses[i]->name, kin_ctx_error(ctx)->message);
        if (!isnan(stuck)) CHECK_CLOSE(kin_item(loss), stuck, 0.01 * stuck);
        for (int k = 0; kin_grad(x) && k < 12; k++)
            CHECK_MSG(isfinite((double)kin_grad(x)[k]), "%s: gradient %d", kin_losses[i]->name, k);
        kin_ctx_free(ctx);
    }
    check_end();
}

static void collapse(void)
{
    check_begin("collapse: noticed once after the patience, past single batches that scatter, and not when "
                "the loss moves");
    kin_loss_sum hard, hinge;
    CHECK(kin_loss_parse("triplet-hard", NULL, NULL, &hard, NULL));
    CHECK(kin_loss_parse("triplet-hard(margin=.3) * .5 + contrastive(.2)", NULL, NULL, &hinge, NULL));
    kin_collapse c = kin_collapse_watch(&hard, 3, 3);
    CHECK(!kin_collapse_seen(&c, 0.6931) && !kin_collapse_seen(&c, 0.73) && kin_collapse_seen(&c, 0.66) &&
          !kin_collapse_seen(&c, 0.6931));
    c = kin_collapse_watch(&hard, 3, 3);
    CHECK(!kin_collapse_seen(&c, 0.6931) && !kin_collapse_seen(&c, 0.6931) && !kin_collapse_seen(&c, 0.3) &&
          c.stuck == 0);
    CHECK(!kin_collapse_seen(&c, NAN) && c.stuck == 0);
    CHECK(!kin_collapse_seen(&c, 0.6931) && !kin_collapse_seen(&c, 0.6931) && kin_collapse_seen(&c, 0.6931));
    c = kin_collapse_watch(&hinge, 3, 1);
    CHECK(kin_collapse_seen(&c, 0.35));
    /* The hardest triplets of embeddings that are nearly one point lie a little above the value. */
    c = kin_collapse_watch(&hard, 3, 2);
    CHECK(!kin_collapse_seen(&c, 0.72) && kin_collapse_seen(&c, 0.725));
    c = kin_collapse_watch(&hard, 3, 2);
    CHECK(!kin_collapse_seen(&c, 0.75) && !kin_collapse_seen(&c, 0.75) && !kin_collapse_seen(&c, 0.75));
    CHECK(kin_loss_find("nothing") == NULL);
    check_end();

    check_begin("collapse: a loss that does not know the value is never taken for collapsed");
    const kin_loss own = {.name = "own", .formula = hard.term[0].loss->formula};
    kin_loss_sum unknown;
    CHECK(kin_loss_parse("triplet-hard + own", (const kin_loss *const[]){&own, NULL}, NULL, &unknown, NULL));
    c = kin_collapse_watch(&unknown, 3, 1);
    CHECK(!kin_collapse_seen(&c, 0.6931) && !kin_collapse_seen(&c, 0));
    check_end();
}

static void refusals(void)
{
    check_begin(
        "losses: a batch without triplets is 0, and distances of another shape than the pairs' are an error");
    static const int alone[] = {0, 1, 2, 3, 4}, one[] = {7, 7, 7, 7, 7};
    const int *batches[] = {alone, one};
    for (int i = 0; i < 2; i++) {
        kin_ctx *ctx = kin_ctx_new();
        kin_tensor *x = kin_variable(ctx, KIN_SHAPE(5, 1), line),
                   *none = kin_triplet_batch_hard(x, batches[i], 0);
        CHECK(kin_item(none) == 0 && kin_backward(none) && kin_grad(x) && kin_grad(x)[2] == 0);
        CHECK(kin_item(kin_triplet_semi_hard(x, batches[i], 1)) == 0 &&
              kin_item(kin_triplet_batch_all(x, batches[i], 1)) == 0);
        kin_ctx_free(ctx);
    }
    kin_ctx *ctx = kin_ctx_new();
    kin_triplets t;
    kin_pairs p;
    CHECK(kin_pairs_new(&p, labels, 5, labels, 5, 0, NULL));
    CHECK(!kin_mine_batch_hard(kin_input(ctx, KIN_SHAPE(5, 2), NULL), &p, &t) && !kin_ok(ctx));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "5 x 5");
    kin_pairs_free(&p);
    kin_ctx_free(ctx);
    CHECK(kin_contrastive(NULL, labels, 0, 1) == NULL && kin_triplet_batch_all(NULL, labels, 1) == NULL);
    check_end();
}

int main(void)
{
    miners();
    farthest();
    one_sided();
    values();
    one_point();
    collapse();
    refusals();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
