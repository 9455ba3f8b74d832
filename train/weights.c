#include "train/weights.h"

#include "base/text.h"
#include "data/images/inflate.h"
#include "nn/files/fit.h"

#include <stdio.h>
#include <string.h>

static const char *given(const char *text) { return text && *text ? text : NULL; }

bool kin_weights_open(const char *path, const char *key, const char *prefix, kin_checkpoint **out,
                      kin_import_info *info, kin_error *err)
{
    return kin_import(
        path,
        &(kin_import_opt){.key = given(key), .prefix = given(prefix), .unpacker = {kin_inflate, kin_crc32}},
        out, info, err);
}

static void add(char told[KIN_WEIGHTS_TOLD], const char *format, ...) KIN_PRINTF(2, 3);
static void add(char told[KIN_WEIGHTS_TOLD], const char *format, ...)
{
    size_t used = strlen(told);
    va_list args;
    va_start(args, format);
    vsnprintf(told + used, KIN_WEIGHTS_TOLD - used, format, args);
    va_end(args);
}

static void tell(const kin_weights *w, const kin_import_info *info, const kin_import_count *all, int summed,
                 char told[KIN_WEIGHTS_TOLD])
{
    *told = '\0';
    add(told, "%d of %d tensors from %.200s", all->found, all->of, w->path);
    if (info->files) add(told, " (%d files)", info->files);
    if (info->member[0] && !strstr(w->path, info->member)) add(told, ", %s", info->member);
    if (info->key[0]) add(told, ", dictionary '%s'", info->key);
    if (info->prefix[0]) add(told, ", prefix '%s' taken off", info->prefix);
    if (info->left_out) add(told, ", %d entries left out", info->left_out);
    if (summed) add(told, ", %d convolution%s summed over RGB", summed, summed == 1 ? "" : "s");
    if (all->rest[0]) add(told, "; first values: %s", all->rest);
    if (info->also[0]) add(told, "; it also holds %s (--key)", info->also);
}

/* Where all names may be missing, most of them should be there all the same: patterns that name a part say
 * what the user knows to be new. */
static bool too_few(const kin_weights *w, const kin_checkpoint *c, kin_module *m, const char *allowed)
{
    if (w->untrained || !given(w->missing)) return false; /* what is missing is told by its names */
    kin_import_count trunk = kin_import_tensors(c, m, w->heads), needed = kin_import_tensors(c, m, allowed);
    return trunk.of && (!trunk.found || (!needed.of && 2 * trunk.found < trunk.of));
}

static bool none_fits(const kin_checkpoint *c, kin_module *m, const kin_import_count *all, kin_error *err)
{
    char found[40] = "none";
    if (all->found) snprintf(found, sizeof found, "only %d", all->found);
    return kin_fail(err, KIN_ERR_DATA,
                    "%s of the network's %d tensors is in it: its names are like %.80s, the network's like "
                    "%.80s; --untrained goes on with first values",
                    found, all->of, kin_checkpoint_count(c) ? kin_checkpoint_name(c, 0) : "nothing",
                    kin_module_entry(m, 0)->name);
}

/* `allowed`: the patterns of both lists. */
static bool fit(const kin_weights *w, const char *allowed, kin_checkpoint *c, kin_import_info *info,
                kin_module *m, char told[KIN_WEIGHTS_TOLD], kin_error *err)
{
    int summed = 0;
    kin_import_old_names(c);
    if (!given(w->prefix) && !kin_import_fit(c, m, info, err)) return false;
    if (given(w->heads)) kin_checkpoint_leave(c, m, w->heads);
    if (w->sum_channels && !kin_import_sum_channels(c, m, &summed, err)) return false;
    kin_import_count all = kin_import_tensors(c, m, NULL);
    tell(w, info, &all, summed, told);
    if (too_few(w, c, m, allowed)) return none_fits(c, m, &all, err);
    kin_error why = {0};
    if (kin_checkpoint_load(c, m, allowed, &why)) return true;
    const char *stem = kin_import_grey_stem(c, m);
    if (why.code != KIN_ERR_DATA) return kin_fail(err, why.code, "%s", why.message);
    if (stem)
        return kin_fail(
            err, why.code,
            "%s is for RGB pictures, and the network reads grey ones: --sum-stem sums it over the "
            "channels (kin train --channels 3 keeps it)",
            stem);
    return kin_fail(err, why.code, "%s; --allow-missing GLOBS lets some pass", why.message);
}

bool kin_weights_fit(const kin_weights *w, kin_checkpoint *c, kin_import_info *info, kin_module *m,
                     char told[KIN_WEIGHTS_TOLD], kin_error *err)
{
    const char *heads = given(w->heads), *missing = given(w->missing);
    kin_text both = {0};
    if (!heads || !missing) return fit(w, heads ? heads : missing, c, info, m, told, err);
    kin_text_format(&both, "%s,%s", heads, missing);
    bool ok = both.failed ? kin_fail_memory(err, "patterns of names", strlen(heads) + strlen(missing))
                          : fit(w, both.data, c, info, m, told, err);
    kin_text_free(&both);
    return ok;
}

bool kin_weights_load(const kin_weights *w, kin_module *m, char told[KIN_WEIGHTS_TOLD], kin_error *err)
{
    kin_checkpoint *c = NULL;
    kin_import_info info;
    kin_error why = {0};
    if (!kin_weights_open(w->path, w->key, w->prefix, &c, &info, err)) return false;
    bool ok = kin_weights_fit(w, c, &info, m, told, &why) ||
              kin_fail(err, why.code, "%s: %s", w->path, why.message);
    kin_checkpoint_free(c);
    return ok;
}
