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

static kin_scope *scope_of(kin_scope *s, const kin_loss_term *t)
{
    return !s || t->loss->own_names ? s : kin_sub(kin_sub_shared(s, "loss"), t->name);
}

static kin_loss_call call_of(const kin_loss_sum *l, int i, kin_scope *s, const kin_loss_input *in)
{
    const kin_loss_term *t = &l->term[i];
    kin_tensor *x = t->loss->behind_neck && in->behind ? in->behind : in->x;
    return (kin_loss_call){.term = t,
                           .scope = scope_of(s, t),
                           .x = x,
                           .labels = in->labels,
                           .classes = in->classes,
                           .others = x,
                           .other_labels = in->labels,
                           .mined = in->mined};
}

/* The dry run that makes a module: every parameter is asked for. */
static kin_tensor *declare(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *in)
{
    for (int i = 0; i < l->count; i++) {
        kin_loss_call c = call_of(l, i, s, in);
        bool ok = true;
        if (c.term->loss->logits) ok = c.term->loss->logits(&c) != NULL;
        else if (c.term->loss->parameters) ok = c.term->loss->parameters(&c);
        if (!ok || !kin_loss_memory_declare(&c)) return NULL;
    }
    return in->x;
}

static kin_tensor *term_value(const kin_loss_sum *l, int i, kin_scope *s, const kin_loss_input *in)
{
    kin_loss_call c = call_of(l, i, s, in);
    int *labels = NULL;
    if (!kin_loss_memory_compare(&c, &labels)) return NULL;
    kin_tensor *value = c.term->loss->formula(&c);
    kin_free(labels);
    return c.term->weight == 1 ? value : kin_scale(value, c.term->weight, 0);
}

kin_tensor *kin_loss_value(const kin_loss_sum *l, kin_scope *s, const kin_loss_input *in)
{
    kin_ctx *ctx = kin_ctx_of(in->x);
    if (!ctx || !kin_ok(ctx)) return NULL;
    if (kin_is_dry(ctx)) return declare(l, s, in);
    if (!in->labels)
        return kin_fail(kin_ctx_error(ctx), KIN_ERR_ARGUMENT, "a loss needs the labels of its batch"), NULL;
    kin_tensor *sum = term_value(l, 0, s, in);
    for (int i = 1; i < l->count; i++) sum = kin_add(sum, term_value(l, i, s, in));
    return sum;
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
                e->lr_scale *= kin_term_value(t, "rate");
        }
    }
}
