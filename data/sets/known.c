#include "data/sets/known.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern const kin_known kin_known_sop, kin_known_inshop, kin_known_cub, kin_known_cars, kin_known_market,
    kin_known_grocery, kin_known_omniglot, kin_known_cifar10, kin_known_cifar100, kin_known_mnist;

const kin_known *const kin_known_sets[] = {
    &kin_known_sop,
    &kin_known_inshop,
    &kin_known_cub,
    &kin_known_cars,
    &kin_known_market,
    &kin_known_grocery,
    &kin_known_omniglot,
    &kin_known_cifar10,
    &kin_known_cifar100,
    &kin_known_mnist,
    NULL,
};

enum { LIST_LIMIT = 1 << 28 };

/* The first of "a|b" that is there, as folder/a; NULL when none is, or (with `failed`) when memory has
 * ended. */
static char *find_list(const char *folder, const char *names, bool *failed)
{
    char name[128];
    for (const char *at = names + (*names == '?');; at++) {
        size_t length = strcspn(at, "|");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        if (kin_known_has(folder, name)) {
            char *path = kin_path_join(folder, name);
            *failed = !path;
            return path;
        }
        at += length;
        if (!*at) return NULL;
    }
}

static bool lists_here(const kin_known *known, const char *folder)
{
    bool any = false;
    for (int i = 0; i < KIN_KNOWN_LISTS && known->lists[i]; i++) {
        bool failed = false;
        char *path = find_list(folder, known->lists[i], &failed);
        kin_free(path);
        if (known->lists[i][0] == '?') continue;
        if (!path) return false;
        any = true;
    }
    return any;
}

const kin_known *kin_known_find(const char *folder)
{
    for (const kin_known *const *k = kin_known_sets; *k; k++)
        if ((*k)->here ? (*k)->here(folder) : lists_here(*k, folder)) return *k;
    return NULL;
}

static bool has_part(const kin_known *known, const char *folder, const char *part, kin_error *err)
{
    kin_text all = {0};
    for (const char *const *p = known->parts; *p; p++) {
        if (strcmp(*p, part) == 0) return kin_text_free(&all), true;
        kin_text_format(&all, "%s%s", p == known->parts ? "" : ", ", *p);
    }
    kin_fail(err, KIN_ERR_ARGUMENT, "%s: is %s, which has no part \"%s\"; its parts are %s", folder,
             known->name, part, all.failed ? "others" : all.data);
    kin_text_free(&all);
    return false;
}

bool kin_known_open(const kin_known *known, const char *folder, const char *part, kin_dataset *out,
                    kin_error *err)
{
    kin_list_file lists[KIN_KNOWN_LISTS] = {{0}};
    if (part && !has_part(known, folder, part, err)) return false;
    if (!part) part = known->parts[0];
    bool ok = true;
    for (int i = 0; ok && i < KIN_KNOWN_LISTS && known->lists[i]; i++) {
        bool failed = false;
        lists[i].path = find_list(folder, known->lists[i], &failed);
        if (failed) ok = kin_fail_memory(err, known->lists[i], strlen(folder));
        else if (!lists[i].path && known->lists[i][0] != '?')
            ok = kin_fail(err, KIN_ERR_IO, "%s: has no %s, which %s needs", folder, known->lists[i],
                          known->name);
        else if (lists[i].path) ok = kin_read_file(lists[i].path, LIST_LIMIT, &lists[i].bytes, err);
    }
    ok = ok && known->parse(folder, part, lists, out, err);
    for (int i = 0; i < KIN_KNOWN_LISTS; i++) {
        kin_free(lists[i].path);
        kin_bytes_free(&lists[i].bytes);
    }
    if (ok && out->count == 0)
        ok = kin_fail(err, KIN_ERR_DATA, "%s: is %s, but its part \"%s\" has no pictures", folder,
                      known->name, part);
    if (!ok) return false;
    out->kind = known->name;
    out->parts = known->parts;
    out->part = kin_arena_strdup(&out->arena, part);
    return out->part || kin_fail_memory(err, "a part's name", strlen(part));
}
