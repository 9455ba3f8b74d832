/* Losses as text, offered options, and losses and miners of one's own. */
#include "base/memory.h"
#include "losses/registry.h"
#include "tests/support/check.h"

#include <math.h>
#include <string.h>

/* ---- text ---- */

static void understood(const char *text, const char *printed)
{
    kin_loss_sum sum, again;
    kin_error err = {0};
    kin_text out = {0};
    CHECK_MSG(kin_loss_parse(text, NULL, NULL, &sum, &err), "%s: %s", text, err.message);
    kin_loss_print(&sum, &out);
    CHECK_MSG(out.data && strcmp(out.data, printed) == 0, "%s is printed as %s", text,
              out.data ? out.data : "");
    CHECK(out.data && kin_loss_parse(out.data, NULL, NULL, &again, &err) && again.count == sum.count);
    for (int i = 0; i < sum.count; i++)
        CHECK(again.term[i].weight == sum.term[i].weight &&
              memcmp(again.term[i].value, sum.term[i].value, sizeof sum.term[i].value) == 0);
    kin_text_free(&out);
}

static void refused(const char *text, const char *why)
{
    kin_loss_sum sum;
    kin_error err = {0};
    CHECK_MSG(!kin_loss_parse(text, NULL, NULL, &sum, &err), "%s was taken", text);
    CHECK_TEXT(err.message, why);
}

static void text(void)
{
    check_begin("losses as text: sums, options by place and by name, weights on either side; refused with "
                "the reason");
    understood("softmax", "softmax");
    understood("softmax(smoothing=.1) + triplet-hard(margin=.3) * .5",
               "softmax(smoothing=0.1) + triplet-hard(margin=0.3) * 0.5");
    understood(" .5*supcon( .2 )@plain+1e-1 * margin ( .1 , learn = 1 , miner=all ) ",
               "supcon(temperature=0.2)@plain * 0.5 + margin(margin=0.1,learn=1,miner=all) * 0.1");
    understood("multi-similarity(1,beta=20,miner=ms)+multi-similarity(xbm=64)",
               "multi-similarity(alpha=1,beta=20,miner=ms) + multi-similarity(xbm=64)");
    understood("circle()", "circle");
    understood("softmax(.12345678901234567) * 1.0000000000001",
               "softmax(smoothing=0.12345678901234566) * 1.0000000000001");
    understood("12.25 * triplet-hard(10.375)", "triplet-hard(margin=10.375) * 12.25");
    understood("triplet-hard(0.0625)@plain", "triplet-hard(margin=0.0625)@plain");
    refused("supcon(temperature=.1,.2)", "one without a name behind one with a name");
    refused("contrastive(miner=)", "miner");
    refused("supcon(temperature)", "'=' and a value expected");
    refused("supcon(xbm)", "'=' and a value expected");
    refused("triplet-semihard(1e-10)", "outside 1e-09");
    refused("softmax * 1.00000000000000000000000000000000000000000000000000000000000", "a weight expected");
    refused("triplet-hard(0.1000000000000000000000000000000000000000000000000000000)", "has no option");
    refused("softmax * 1x", "a weight expected");
    refused("softmax@", "a branch");
    refused("softmax@ + center", "a branch");
    refused("", "a loss expected");
    refused("softmx", "did you mean softmax?");
    refused("tripet-hard", "did you mean triplet-hard?");
    refused("nothing-like-it", "kin loss lists them");
    refused("softmax +", "a loss expected at 'the end'");
    refused("softmax triplet-hard", "'+' or the end expected at 'triplet-hard'");
    refused("softmax(smoothin=.1)", "did you mean smoothing?");
    refused("supcon(foo=1)", "it has temperature, miner, epsilon, xbm");
    refused("softmax(smoothing=2)", "softmax(smoothing=2) is outside 0 .. 0.9");
    refused("softmax(smoothing=nan)", "a number expected");
    refused("softmax(.1", "',' or ')' expected");
    refused("softmax(.1,.2)", "more values than options");
    refused("softmax(smoothing=.1,smoothing=.2)", "says smoothing twice");
    refused("contrastive(miner=hard)", "is none of all, ms");
    refused("contrastive(xbm=1.5)", "needs a whole number");
    refused("softmax * -1", "no number from 0 on");
    refused("2 softmax", "'*' and a loss expected");
    refused("softmax * 1e999", "a weight expected");
    refused("softmax + softmax", "once only");
    refused("center+center+center+center+center+center+center+center+center", "more than 8 terms");
    check_end();
}

static void offered(void)
{
    check_begin("an option is offered to all terms that have it and do not say it");
    kin_loss_sum sum;
    kin_error err = {0};
    int terms = 0;
    CHECK(kin_loss_parse("triplet-hard + softmax + triplet-semihard(.3) + triplet-all", NULL, NULL, &sum,
                         &err));
    CHECK(kin_loss_offer(&sum, "margin", .5, &terms, &err) && terms == 3);
    CHECK(kin_term_value(&sum.term[0], "margin") == .5 && isnan(kin_term_value(&sum.term[1], "margin")) &&
          kin_term_value_or(&sum.term[1], "margin", 7) == 7 && kin_term_value(&sum.term[2], "margin") == .3 &&
          kin_term_value(&sum.term[3], "margin") == .5);
    CHECK(kin_loss_offer(&sum, "no-such", .5, &terms, &err) && terms == 0);
    CHECK(!kin_loss_offer(&sum, "margin", -1, &terms, &err));
    CHECK_TEXT(err.message, "margin=-1");
    check_end();
}

/* ---- one's own ---- */

static kin_tensor *spread(const kin_loss_call *c)
{
    return kin_scale(kin_sum(kin_square(c->x), 0), kin_term_value(c->term, "scale"), 0);
}
static const kin_loss own = {.name = "spread",
                             .about = "squares",
                             .params = {{"scale", 2, 0, -1}},
                             .formula = spread},
                      other = {.name = "softmax", .about = "another of a known name", .formula = spread};

static void ones_own(void)
{
    check_begin(
        "a loss of one's own stands in a table that is handed in, and is found before the built-in ones");
    const kin_loss *const table[] = {&own, &other, NULL};
    kin_loss_sum sum;
    kin_error err = {0};
    static const kin_real two[] = {1, 2};
    static const int label[] = {0};
    kin_ctx *ctx = kin_ctx_new();
    CHECK_MSG(kin_loss_parse("spread(3) * .1 + contrastive", table, NULL, &sum, &err), "%s", err.message);
    kin_tensor *x = kin_variable(ctx, KIN_SHAPE(1, 2), two);
    CHECK_CLOSE(kin_item(kin_loss_value(&sum, NULL, &(kin_loss_input){.x = x, .labels = label})), 1.5, 1e-6);
    CHECK(kin_loss_parse("softmax", table, NULL, &sum, &err) && sum.term[0].loss == &other);
    CHECK(!kin_loss_parse("sprea", table, NULL, &sum, &err));
    CHECK_TEXT(err.message, "did you mean spread?");
    kin_ctx_free(ctx);
    check_end();
}

/* Anchors keep the first of their positives, or make one triplet of their first positive and first
 * negative. */
static int64_t first_of(const kin_pairs *p, int64_t i, int kind)
{
    for (int64_t j = 0; j < p->m; j++)
        if (kin_pair(p, i, j) == kind) return j;
    return -1;
}
static bool first_pairs(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p)
{
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t j = first_of(p, i, KIN_PAIR_POSITIVE) + 1; j < p->m; j++)
            if (kin_pair(p, i, j) == KIN_PAIR_POSITIVE) p->kind[i * p->m + j] = KIN_PAIR_NONE;
    return kin_rows(cosines) == p->n && kin_channels(cosines) == p->m && c->term->miner;
}
static bool first_triplets(const kin_loss_call *c, kin_tensor *distances, const kin_pairs *p,
                           kin_triplets *out)
{
    for (int64_t i = 0; i < p->n; i++) {
        int64_t positive = first_of(p, i, KIN_PAIR_POSITIVE), negative = first_of(p, i, KIN_PAIR_NEGATIVE);
        if (positive >= 0 && negative >= 0 && !kin_triplets_add(out, i, positive, negative)) return false;
    }
    return kin_rows(distances) == p->n && c->term->miner;
}
static bool silent(const kin_loss_call *c, kin_tensor *cosines, kin_pairs *p)
{
    return (void)c, (void)cosines, (void)p, false;
}
static const kin_miner first = {.name = "first",
                                .about = "-",
                                .pairs = first_pairs,
                                .triplets = first_triplets},
                       failing = {.name = "failing", .about = "-", .pairs = silent},
                       hides_ms = {.name = "ms", .about = "-", .pairs = first_pairs};

static void ones_own_miner(void)
{
    check_begin(
        "a miner of one's own: a word of the losses that take it, kept by name, and it alone chooses (%s)",
        KIN_REAL_NAME);
    const kin_miner *const table[] = {&first, &failing, &hides_ms, NULL};
    static const kin_real at[] = {1, 0, (kin_real).8, (kin_real).6, 0, 1, (kin_real)-.6, (kin_real).8};
    static const int labels[] = {0, 0, 0, 1};
    static const struct {
        const char *text, *again;
        int64_t positives, negatives, triplets;
    } rows[] = {{"multi-similarity(miner=first)", NULL, 3, 6, 0},
                {"contrastive(miner=first)", NULL, 3, 6, 0},
                {"circle(miner=ms)", NULL, 3, 6, 0},
                {"supcon(.1,first)", "supcon(miner=first)", 3, 6, 0},
                {"margin(miner=first)", NULL, 0, 0, 3}};
    kin_ctx *ctx = kin_ctx_new();
    kin_loss_sum sum;
    kin_error err = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kin_text said = {0};
        kin_mined mined = {0};
        CHECK_MSG(kin_loss_parse(rows[i].text, NULL, table, &sum, &err), "%s", err.message);
        kin_loss_print(&sum, &said);
        CHECK_MSG(strcmp(said.data, rows[i].again ? rows[i].again : rows[i].text) == 0, "%s", said.data);
        kin_tensor *x = kin_variable(ctx, KIN_SHAPE(4, 2), at);
        CHECK(kin_backward(
            kin_loss_value(&sum, NULL, &(kin_loss_input){.x = x, .labels = labels, .mined = &mined})));
        CHECK(kin_pairs_count(&mined.pairs, KIN_PAIR_POSITIVE) == rows[i].positives &&
              kin_pairs_count(&mined.pairs, KIN_PAIR_NEGATIVE) == rows[i].negatives &&
              mined.triplets.count == rows[i].triplets);
        kin_mined_free(&mined);
        kin_text_free(&said);
        kin_end_step(ctx);
    }
    CHECK(!kin_loss_parse("margin(miner=failing)", NULL, table, &sum, &err));
    CHECK_TEXT(err.message, "is none of distance, all, first");
    kin_error_clear(&err);
    CHECK(kin_loss_parse("contrastive(miner=failing)", NULL, table, &sum, &err));
    CHECK(!kin_loss_value(&sum, NULL,
                          &(kin_loss_input){.x = kin_variable(ctx, KIN_SHAPE(4, 2), at), .labels = labels}));
    CHECK_TEXT(kin_ctx_error(ctx)->message, "the miner failing failed, and did not say why");
    kin_ctx_free(ctx);
    check_end();
}

int main(void)
{
    text();
    offered();
    ones_own();
    ones_own_miner();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
