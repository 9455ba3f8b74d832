#define _POSIX_C_SOURCE 200809L
#include "nn/files/import.h"

#include "base/memory.h"
#include "base/pages.h"
#include "nn/files/import_parts.h"

#include <stdio.h>
#include <string.h>

static const kin_import_opt plain;

/* ---- names ---- */

static bool all_begin(const kin_checkpoint *c, const char *prefix)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < c->count; i++)
        if (strncmp(c->arrays[i].name, prefix, length) != 0 || !c->arrays[i].name[length]) return false;
    return c->count > 0;
}

static void take_off(kin_checkpoint *c, const char *prefix, kin_import_info *info)
{
    size_t used = strlen(info->prefix);
    snprintf(info->prefix + used, sizeof info->prefix - used, "%s", prefix);
    for (size_t i = 0; i < c->count; i++) c->arrays[i].name += strlen(prefix);
}

bool kin_import_select(kin_checkpoint *c, const char *prefix, kin_import_info *info, kin_error *err)
{
    size_t kept = 0, length = strlen(prefix);
    for (size_t i = 0; i < c->count; i++)
        if (strncmp(c->arrays[i].name, prefix, length) == 0 && c->arrays[i].name[length])
            c->arrays[kept++] = c->arrays[i];
    if (!kept)
        return kin_fail(err, KIN_ERR_ARGUMENT, "no name begins with '%.100s'; the first is %.100s", prefix,
                        c->count ? c->arrays[0].name : "not there at all");
    info->left_out += (int)(c->count - kept);
    c->count = kept;
    take_off(c, prefix, info);
    return true;
}

/* A prefix that is asked for may be told with or without those of DataParallel and torch.compile. */
static bool finish_names(kin_checkpoint *c, const kin_import_opt *opt, kin_import_info *info, kin_error *err)
{
    static const char *const wrappers[] = {"module.", "_orig_mod."};
    bool told = opt->prefix && opt->prefix[0];
    for (size_t i = 0, rounds = 0; i < 2 && rounds < 8; i++) {
        if ((told && strncmp(opt->prefix, wrappers[i], strlen(wrappers[i])) == 0) ||
            !all_begin(c, wrappers[i]))
            continue;
        take_off(c, wrappers[i], info);
        i = (size_t)-1; /* again from the first, as either may stand within the other */
        rounds++;
    }
    if (told && !kin_import_select(c, opt->prefix, info, err)) return false;
    for (size_t i = 0; i < c->count; i++) info->integers += !kin_dtype_is_real(c->arrays[i].dtype);
    return kin_checkpoint_names(c, err);
}

static bool finish(kin_checkpoint *c, bool ok, const kin_import_opt *opt, kin_checkpoint **out,
                   kin_import_info *info, kin_error *err)
{
    if (ok && opt->key && *opt->key && !*info->key)
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "%s has no dictionaries, of which '%.100s' could be chosen",
                      info->form, opt->key);
    ok = ok && finish_names(c, opt, info, err);
    if (ok) *out = c;
    else kin_checkpoint_free(c);
    return ok;
}

bool kin_import_bytes(kin_bytes *bytes, const kin_import_opt *opt, kin_checkpoint **out,
                      kin_import_info *info, kin_error *err)
{
    kin_import_info unasked;
    kin_error inner = {0}, *to = err ? err : &inner;
    if (!info) info = &unasked;
    if (!opt) opt = &plain;
    *info = (kin_import_info){0};
    *out = NULL;
    kin_checkpoint *c = kin_checkpoint_new(bytes, to);
    return c && finish(c, kin_import_form(c, opt, info, to), opt, out, info, to);
}

static bool import_folder(const char *path, const kin_import_opt *opt, kin_checkpoint **out,
                          kin_import_info *info, kin_error *err)
{
    kin_checkpoint *c = kin_checkpoint_new(&(kin_bytes){0}, err);
    if (!c) return false;
    info->form = "NumPy (a folder of .npy)";
    return finish(c, kin_npy_read_folder(c, path, info, err), opt, out, info, err);
}

/* An index names the files that hold the arrays, beside it. */
static bool import_index(const char *path, kin_bytes *file, const kin_import_opt *opt, kin_checkpoint **out,
                         kin_import_info *info, kin_error *err)
{
    kin_checkpoint *c = kin_checkpoint_new(file, err);
    return c && finish(c, kin_shards_read(c, path, opt, info, err), opt, out, info, err);
}

static bool import_path(const char *path, const kin_import_opt *opt, kin_checkpoint **out,
                        kin_import_info *info, kin_error *err)
{
    kin_error inner = {0};
    kin_bytes file;
    if (kin_is_folder(path)) {
        if (import_folder(path, opt, out, info, &inner)) return true;
    } else {
        if (!kin_map_file(path, &file, err)) return false;
        if (kin_shards_are(&file) ? import_index(path, &file, opt, out, info, &inner)
                                  : kin_import_bytes(&file, opt, out, info, &inner))
            return true;
    }
    kin_error_prefix(&inner, "%s", path);
    return kin_fail(err, inner.code, "%s", inner.message);
}

bool kin_import_split(const char *path, char **archive, const char **member, kin_error *err)
{
    *archive = NULL;
    if (kin_exists(path)) return true;
    for (const char *colon = strchr(path, ':'); colon; colon = strchr(colon + 1, ':')) {
        char *before = kin_strdup(path);
        if (!before) return kin_fail_memory(err, path, strlen(path));
        before[colon - path] = '\0';
        if (colon > path && colon[1] && kin_exists(before) && !kin_is_folder(before)) {
            *archive = before, *member = colon + 1;
            return true;
        }
        kin_free(before);
    }
    return true;
}

bool kin_import(const char *path, const kin_import_opt *opt, kin_checkpoint **out, kin_import_info *info,
                kin_error *err)
{
    kin_import_info unasked;
    kin_import_opt own = opt ? *opt : plain;
    char *archive;
    if (!info) info = &unasked;
    *info = (kin_import_info){0};
    *out = NULL;
    if (!kin_import_split(path, &archive, &own.member, err)) return false;
    bool ok = import_path(archive ? archive : path, &own, out, info, err);
    kin_free(archive);
    return ok;
}
