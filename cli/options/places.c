#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/options/places.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The real path of the folder that holds `path`, then its name: without links and "..", so that what is
 * below a common folder stays below it. What is not there is told when it is read. */
static const char *true_name(kin_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    kin_text text = {0};
    kin_text_add_bytes(&text, path, slash ? (size_t)(slash - path) + 1 : 0);
    char *folder = text.failed ? NULL : realpath(slash ? text.data : ".", NULL);
    bool missing = !folder && !text.failed && kin_code_of_errno(errno) == KIN_ERR_ABSENT;
    kin_text_free(&text);
    if (!folder && !missing) return NULL; /* of no memory, not of the file */
    char *whole = folder ? kin_path_join(folder, name) : kin_strdup(name);
    const char *kept = whole ? kin_arena_strdup(arena, whole) : NULL;
    free(folder);
    kin_free(whole);
    return kept;
}

/* How much of both is the same, up to a slash. */
static size_t common_folder(const char *a, size_t length, const char *b)
{
    size_t same = 0;
    for (size_t i = 0; i < length && b[i] == a[i]; i++)
        if (a[i] == '/') same = i + 1;
    return same;
}

static const char *place(kin_arena *arena, const char *folder, const char *below, const char *kind)
{
    const char *slash = strrchr(below, '/'), *name = slash ? slash + 1 : below, *dot = strrchr(name, '.');
    kin_text text = {0};
    kin_text_format(&text, "%s/%.*s.%s", folder, (int)(dot && dot > name ? dot - below : (long)strlen(below)),
                    below, kind);
    const char *path = text.failed ? NULL : kin_arena_strdup(arena, text.data);
    kin_text_free(&text);
    return path;
}

static bool same_file(const struct stat *a, const char *path)
{
    struct stat b;
    return stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/* Whether `to` lies in the folder of `from`. */
static bool beside(const char *to, const char *from, kin_arena *arena)
{
    const char *a = true_name(arena, to), *b = true_name(arena, from);
    const char *x = a ? strrchr(a, '/') : NULL, *y = b ? strrchr(b, '/') : NULL;
    return x && y && x - a == y - b && strncmp(a, b, (size_t)(x - a)) == 0;
}

/* What stands at places->to[i] already. */
static bool is_free(const kin_cli *cli, kin_places *places, int i, kin_error *err)
{
    struct stat there;
    const char *to = places->to[i], *from = cli->positional[i];
    if (stat(to, &there) != 0) return true;
    for (int k = 0; k < places->count; k++)
        if (same_file(&there, cli->positional[k]))
            return kin_fail(
                err, KIN_ERR_ARGUMENT,
                "%s is one of the pictures to read and would be overwritten by %s; choose another "
                "folder, or say --force",
                to, from);
    return !beside(to, from, &places->arena) ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "%s is there already, beside %s; choose another folder, or say --force to overwrite it",
                    to, from);
}

/* Two inputs at one place are fine only where they are one file. */
static bool differ(const kin_cli *cli, const kin_places *places, const char *const *from, kin_error *err)
{
    kin_names names = {0};
    int *first = kin_alloc_array((size_t)places->count, sizeof *first);
    bool ok = first || kin_fail_memory(err, "the names", (size_t)places->count * sizeof *first);
    for (int i = 0; ok && i < places->count; i++) {
        int64_t before = names.count, number = kin_names_add(&names, places->to[i]);
        if (number < 0) ok = kin_fail_memory(err, "the names", (size_t)places->count * 32);
        else if (number == before) first[number] = i;
        else if (strcmp(from[first[number]], from[i]) != 0)
            ok = kin_fail(
                err, KIN_ERR_ARGUMENT,
                "%s and %s would both become %s; convert them into two folders. Nothing was written",
                cli->positional[first[number]], cli->positional[i], places->to[i]);
    }
    kin_names_free(&names);
    kin_free(first);
    return ok;
}

bool kin_places_find(const kin_cli *cli, const char *folder, const char *kind, kin_places *out,
                     kin_error *err)
{
    int n = cli->positionals;
    *out = (kin_places){.count = n};
    const char **from = kin_arena_alloc(&out->arena, (size_t)n * sizeof *from);
    out->to = kin_arena_alloc(&out->arena, (size_t)n * sizeof *out->to);
    bool ok = from && out->to;
    size_t common = 0;
    for (int i = 0; ok && i < n; i++) {
        ok = (from[i] = true_name(&out->arena, cli->positional[i])) != NULL;
        if (ok)
            common = i ? common_folder(from[0], common, from[i])
                       : common_folder(from[0], strlen(from[0]), from[0]);
    }
    for (int i = 0; ok && i < n; i++)
        ok = (out->to[i] = place(&out->arena, folder, from[i] + common, kind)) != NULL;
    if (!ok) kin_fail_memory(err, "the names", (size_t)n * sizeof *from);
    ok = ok && differ(cli, out, from, err);
    for (int i = 0; ok && i < n && !kin_option_flag(cli, "force"); i++) ok = is_free(cli, out, i, err);
    ok = ok && kin_make_folders(folder, err);
    if (!ok) kin_places_free(out);
    return ok;
}

bool kin_places_make_folder(const kin_places *places, int i, kin_error *err)
{
    char *folder = kin_strdup(places->to[i]);
    if (!folder) return kin_fail_memory(err, places->to[i], strlen(places->to[i]));
    *strrchr(folder, '/') = '\0'; /* at least the slash behind the folder given */
    bool ok = !*folder || kin_make_folders(folder, err);
    kin_free(folder);
    return ok;
}

void kin_places_free(kin_places *places)
{
    kin_arena_free(&places->arena);
    *places = (kin_places){0};
}
