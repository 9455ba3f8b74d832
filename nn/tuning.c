#include "nn/tuning.h"

#include "autograd/tape.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { PATTERN_LENGTH = 200 };

/* Does something to an entry that a pattern matches. */
typedef void (*mark_fn)(kin_entry *e, double value);

static void mark_frozen(kin_entry *e, double value)
{
    (void)value;
    e->frozen = true;
}
static void mark_scale(kin_entry *e, double value) { e->lr_scale = value; }
static void mark_warmup(kin_entry *e, double value) { e->lr_warmup = value; }
static void mark_no_decay(kin_entry *e, double value)
{
    (void)value;
    e->never_decay = true;
}

/* A norm's name is that of its statistics, but for their last part. */
static bool is_norm(const kin_entry *e, const char *pattern)
{
    char norm[PATTERN_LENGTH * 2];
    const char *last = strrchr(e->name, '.');
    if (!e->buffer || (strcmp(last ? last + 1 : e->name, "running_mean") != 0 &&
                       strcmp(last ? last + 1 : e->name, "running_var") != 0))
        return false;
    snprintf(norm, sizeof norm, "%.*s", (int)(last ? last - e->name : 0), e->name);
    return kin_glob(pattern, norm);
}

static bool matches(const kin_entry *e, const char *pattern, bool norms)
{
    return norms ? is_norm(e, pattern) : kin_glob(pattern, e->name);
}

/* Splits "PATTERN" or, with values, "PATTERN=FACTOR". */
static bool read_item(const char *item, size_t length, bool values, char pattern[PATTERN_LENGTH],
                      double *value, kin_error *err)
{
    if (length == 0)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "an empty pattern stands in a list; patterns are separated by single commas");
    if (length >= PATTERN_LENGTH)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the pattern '%.40s...' is longer than %d characters", item,
                        PATTERN_LENGTH - 1);
    memcpy(pattern, item, length);
    pattern[length] = '\0';
    if (!values) return true;
    char *equals = strrchr(pattern, '=');
    if (!equals || equals == pattern || !kin_parse_real(equals + 1, value) || *value < 0)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "'%s' is not PATTERN=FACTOR with a factor from 0 on, as in layer4.*=0.1", pattern);
    *equals = '\0';
    return true;
}

static bool no_match(kin_module *m, const char *pattern, bool norms, kin_error *err)
{
    const kin_entry *one = kin_module_entry(m, kin_module_entries(m) / 2);
    if (norms || !one)
        return kin_fail(err, KIN_ERR_ARGUMENT, "the pattern '%s' matches no batch norm of this network",
                        pattern);
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "the pattern '%s' matches no parameter of this network; its names look like %s", pattern,
                    one->name);
}

static bool mark_all(kin_module *m, const char *list, bool norms, bool values, mark_fn mark, kin_error *err)
{
    if (!list || !*list) return true;
    for (const char *item = list; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
        char pattern[PATTERN_LENGTH];
        double value = 0;
        int found = 0;
        if (!read_item(item, strcspn(item, ","), values, pattern, &value, err)) return false;
        for (int i = 0; i < kin_module_entries(m); i++) {
            kin_entry *e = kin_module_entry(m, i);
            if (matches(e, pattern, norms)) mark(e, value), found++;
        }
        if (!found) return no_match(m, pattern, norms, err);
    }
    return true;
}

bool kin_module_tune(kin_module *m, const kin_tuning *tuning, kin_error *err)
{
    bool trains = false;
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        e->frozen = e->never_decay = false;
        e->lr_scale = 1, e->lr_warmup = 0;
    }
    bool ok = mark_all(m, tuning->freeze, false, false, mark_frozen, err) &&
              mark_all(m, tuning->freeze_bn, true, false, mark_frozen, err) &&
              mark_all(m, tuning->lr_scale, false, true, mark_scale, err) &&
              mark_all(m, tuning->lr_warmup, false, true, mark_warmup, err) &&
              mark_all(m, tuning->no_decay, false, false, mark_no_decay, err);
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        e->tensor->wants_grad = !e->buffer && !e->frozen;
        trains |= e->tensor->wants_grad;
    }
    return ok && (trains ||
                  kin_fail(err, KIN_ERR_ARGUMENT, "every parameter is frozen: there is nothing to train"));
}
