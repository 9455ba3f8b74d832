/* The value of a sum of terms within a network's forward, and the memory of those that have one. */
#include "base/memory.h"
#include "losses/loss.h"
#include "losses/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what a sum needs ---- */

unsigned kin_loss_needs(const kin_loss_sum *l)
{
    unsigned needs = 0;
    for (int i = 0; i < l->count; i++) needs |= l->term[i].loss->needs;
    return needs;
}

const kin_loss *kin_loss_first(const kin_loss_sum *l, unsigned needs)
{
    for (int i = 0; i < l->count; i++)
        if ((l->term[i].loss->needs & needs) == needs) return l->term[i].loss;
    return NULL;
}

static int classifier(const kin_loss_sum *l)
{
    for (int i = 0; i < l->count; i++)
        if (l->term[i].loss->logits) return i;
    return -1;
}

bool kin_loss_classifies(const kin_loss_sum *l) { return classifier(l) >= 0; }

double kin_loss_collapsed(const kin_loss_sum *l, int64_t classes)
{
    double sum = 0;
    for (int i = 0; i < l->count; i++) {
        const kin_loss_term *t = &l->term[i];
        sum += t->weight * (t->loss->collapsed ? t->loss->collapsed(t, classes) : NAN);
    }
    return sum;
}

/* ---- its value ---- */

static kin_scope *scope_of(kin_scope *s, const kin_loss_term *t, const char *branch)
{
    if (!s || (t->loss->own_names && !branch)) return s;
    kin_scope *loss = kin_sub_shared(s, "loss");
    return branch ? kin_sub(kin_sub_shared(loss, t->name), branch) : kin_sub(loss, t->name);
}

static kin_loss_call call_of(const kin_loss_sum *l, int i, kin_scope *s, const kin_loss_input *in)
{
    const kin_loss_term *t = &l->term[i];
    kin_tensor *x = t->loss->behind_neck && in->behind ? in->behind : in->x;
    return (kin_loss_call){.term = t,
                           .scope = scope_of(s, t, in->branch),
                           .x = x,
                           .labels = in->labels,
                           .classes = in->classes,
                           .others = x,
                           .other_labels = in->labels,
                           .teacher = in->teacher,
                           .teacher_pca = in->teacher_pca,
                           .mined = in->mined};
}

/* The dry run that makes a module: every parameter is asked for. */
static kin_tensor *declare(const kin_loss_sum *l, int i, kin_scope *s, const kin_loss_input *in)
{
    kin_loss_call c = call_of(l, i, s, in);
    bool ok = true;
    if (c.term->loss->logits) ok = c.term->loss->logits(&c) != NULL;
    else if (c.term->loss->parameters) ok = c.term->loss->parameters(&c);
    return ok && kin_loss_memory_declare(&c) ? in->x : NULL;
}

static kin_tensor *term_value(const kin_loss_sum *l, int i, kin_scope *s, const kin_loss_input *in)
{
    kin_loss_call c = call_of(l, i, s, in);
    int *labels = NULL;
    if (!kin_loss_memory_compare(&c, &labels)) return NULL;
    kin_tensor *value = c.term->loss->formula(&c);
    kin_free(labels);
    if (!value && kin_ok(kin_ctx_of(in->x)))
        kin_fail(kin_ctx_error(kin_ctx_of(in->x)), KIN_ERR_ARGUMENT, "loss %s: its formula returned nothing",
                 c.term->loss->name);
    if (!value) return NULL;
    return c.term->weight == 1 ? value : kin_scale(value, c.term->weight, 0);
}

bool kin_loss_is_for(const kin_loss_term *t, const char *branch)
{
    return !*t->branch || strcmp(t->branch, branch ? branch : "plain") == 0;
}

static kin_tensor *no_branch(const kin_loss_term *t, const kin_loss_input *branches, int count)
{
    char all[200] = "";
    for (int k = 0; k < count; k++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? ", " : "",
                 branches[k].branch ? branches[k].branch : "plain");
    kin_fail(kin_ctx_error(kin_ctx_of(branches[0].x)), KIN_ERR_ARGUMENT,
             "loss: %s@%s: there is no branch of this name; the head's are: %s", t->loss->name, t->branch,
             all);
    return NULL;
}

kin_tensor *kin_loss_values(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *branches, int count)
{
    kin_ctx *ctx = count > 0 ? kin_ctx_of(branches[0].x) : NULL;
    kin_tensor *sum = NULL;
    if (!ctx || !kin_ok(ctx)) return NULL;
    if (!kin_is_dry(ctx) && !branches[0].labels && (kin_loss_needs(l) & KIN_LOSS_NEEDS_LABELS))
        return kin_fail(kin_ctx_error(ctx), KIN_ERR_ARGUMENT, "a loss needs the labels of its batch"), NULL;
    for (int i = 0; i < l->count; i++) {
        int met = 0;
        for (int k = 0; k < count; k++) {
            if (!kin_loss_is_for(&l->term[i], branches[k].branch)) continue;
            met++;
            kin_tensor *value = kin_is_dry(ctx) ? declare(l, i, s, &branches[k])
                                                : term_value(l, i, s, &branches[k]);
            if (!value) return NULL;
            if (kin_is_dry(ctx)) continue;
            sum = sum ? kin_add(sum, value) : value;
        }
        if (!met) return no_branch(&l->term[i], branches, count);
    }
    return kin_is_dry(ctx) ? branches[0].x : sum;
}

kin_tensor *kin_loss_value(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *in)
{
    return kin_loss_values(l, s, in, 1);
}

kin_tensor *kin_loss_logits(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *in)
{
    int i = classifier(l);
    if (i < 0) return NULL;
    kin_loss_call c = call_of(l, i, s, in);
    return c.term->loss->logits(&c);
}

/* ---- rates ---- */

void kin_loss_tune(const kin_loss_sum *l, kin_module *m)
{
    for (int k = 0; k < l->count; k++) {
        const kin_loss_term *t = &l->term[k];
        char prefix[KIN_LOSS_NAME + 8];
        if (t->loss->own_names) continue;
        snprintf(prefix, sizeof prefix, "loss.%s.", t->name);
        for (int i = 0; i < kin_module_entries(m); i++) {
            kin_entry *e = kin_module_entry(m, i);
            if (!e->buffer && strncmp(e->name, prefix, strlen(prefix)) == 0)
                e->lr_scale *= kin_term_value_or(t, "rate", 1);
        }
    }
}
