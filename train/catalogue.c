#include "train/catalogue.h"

#include "base/reader.h"
#include "base/text.h"

#include <string.h>

enum { MODEL_NAME = 32, LOSS_NAME = 40 }; /* kin_config.model, and what a term keeps of a name */

const kin_model *kin_catalogue_model(const kin_catalogue *own, const char *name)
{
    for (int i = 0; own && own->models && own->models[i]; i++)
        if (strcmp(own->models[i]->name, name) == 0) return own->models[i];
    return kin_model_find(name);
}

const kin_model *kin_catalogue_each_model(const kin_catalogue *own, int i)
{
    int known = 0;
    for (; kin_models[known]; known++)
        if (known == i) return kin_models[i];
    for (int k = 0; own && own->models && own->models[k]; k++)
        if (known + k == i) return own->models[k];
    return NULL;
}

bool kin_catalogue_loss(const kin_catalogue *own, const char *text, kin_loss_sum *out, kin_error *err)
{
    return kin_loss_parse(text, own ? own->losses : NULL, own ? own->miners : NULL, out, err);
}

/* A name as options and sums of losses are written. */
static bool name_fits(const char *what, const char *name, size_t most, kin_error *err)
{
    kin_reader r = {name ? name : ""};
    char word[KIN_WORD];
    if (name && *name && strlen(name) < most && kin_read_word(&r, word) && strcmp(word, name) == 0)
        return true;
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "own %s: '%.40s' is no name: letters, digits, - and _, fewer than %zu", what,
                    name ? name : "", most);
}

static bool lacks(const char *what, const char *name, const char *which, kin_error *err)
{
    return kin_fail(err, KIN_ERR_ARGUMENT, "own %s %s: has no %s", what, name, which);
}

static bool model_fits(const kin_model *m, kin_error *err)
{
    if (!name_fits("network", m->name, MODEL_NAME, err)) return false;
    if (!m->stages || !*m->stages) return lacks("network", m->name, "stages", err);
    if (!m->stage) return lacks("network", m->name, "function `stage`", err);
    if (m->size < 1 || (m->channels != 1 && m->channels != 3))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "own network %s: is for pictures of size %lld with %lld channels", m->name,
                        (long long)m->size, (long long)m->channels);
    return m->about || lacks("network", m->name, "`about`", err);
}

static bool head_fits(const kin_head *h, kin_error *err)
{
    if (!name_fits("head", h->name, KIN_WORD, err)) return false;
    if (!h->run) return lacks("head", h->name, "function `run`", err);
    if (h->params[KIN_HEAD_PARAMS].name) return lacks("head", h->name, "end of its options", err);
    return h->about || lacks("head", h->name, "`about`", err);
}

static bool loss_fits(const kin_loss *l, kin_error *err)
{
    if (!name_fits("loss", l->name, LOSS_NAME, err)) return false;
    if (!l->formula) return lacks("loss", l->name, "formula", err);
    if (l->params[KIN_LOSS_PARAMS].name) return lacks("loss", l->name, "end of its options", err);
    return l->about || lacks("loss", l->name, "`about`", err);
}

static bool miner_fits(const kin_miner *m, kin_error *err)
{
    if (!name_fits("miner", m->name, KIN_WORD, err)) return false;
    if (!m->pairs && !m->triplets) return lacks("miner", m->name, "function `pairs` or `triplets`", err);
    return m->about || lacks("miner", m->name, "`about`", err);
}

static bool transform_fits(const kin_transform_info *t, kin_error *err)
{
    if (!name_fits("transform", t->name, KIN_WORD, err)) return false;
    if (t->params[KIN_TRANSFORM_PARAMS].name)
        return lacks("transform", t->name, "end of its parameters", err);
    return t->help || lacks("transform", t->name, "`help`", err);
}

static bool set_fits(const kin_dataset_reader *s, kin_error *err)
{
    if (!s->name || !*s->name) return kin_fail(err, KIN_ERR_ARGUMENT, "own data set: has no name");
    if (!s->here) return lacks("data set", s->name, "function `here`", err);
    return s->open || lacks("data set", s->name, "function `open`", err);
}

bool kin_catalogue_check(const kin_catalogue *own, kin_error *err)
{
    bool ok = true;
    for (int i = 0; ok && own && own->models && own->models[i]; i++) ok = model_fits(own->models[i], err);
    for (int i = 0; ok && own && own->heads && own->heads[i]; i++) ok = head_fits(own->heads[i], err);
    for (int i = 0; ok && own && own->losses && own->losses[i]; i++) ok = loss_fits(own->losses[i], err);
    for (int i = 0; ok && own && own->miners && own->miners[i]; i++) ok = miner_fits(own->miners[i], err);
    for (int i = 0; ok && own && own->transforms && own->transforms[i]; i++)
        ok = transform_fits(own->transforms[i], err);
    for (int i = 0; ok && own && own->sets && own->sets[i]; i++) ok = set_fits(own->sets[i], err);
    return ok;
}
