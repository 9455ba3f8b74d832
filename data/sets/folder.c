/* A folder of class folders: every folder that holds pictures is a class, named by its path below the
 * root. */
#include "base/memory.h"
#include "data/sets/known.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 16 };

bool kin_looks_like_picture(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".ppm", ".pgm",  ".pbm",  ".pnm", ".pam",
                                          ".bmp", ".gif", ".webp", ".tif", ".tiff", ".heic", ".avif"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void kin_folder_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) kin_free(names[i]);
    kin_free(names);
}

bool kin_folder_names(const char *folder, char ***out, size_t *out_count, kin_error *err)
{
    char **names = NULL;
    size_t count = 0, capacity = 0;
    DIR *dir = opendir(folder);
    bool ok = dir != NULL ||
              kin_fail(err, KIN_ERR_IO, "%s: cannot be opened as a folder: %s", folder, strerror(errno));
    for (struct dirent *entry; ok && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        ok = kin_grow((void **)&names, count, &capacity, sizeof *names) &&
             (names[count] = kin_strdup(entry->d_name)) != NULL;
        if (ok) count++;
        else kin_fail_memory(err, "a folder's names", count * sizeof *names);
    }
    if (dir) closedir(dir);
    /* the order does not depend on the file system */
    if (count) qsort(names, count, sizeof *names, by_text);
    if (!ok) kin_folder_names_free(names, count);
    *out = ok ? names : NULL;
    *out_count = ok ? count : 0;
    return ok;
}

typedef struct walk {
    kin_dataset *set;
    const char *root;
    const char **class_of_item; /* grows with the items */
    size_t capacity;
    kin_error *err;
} walk;

static bool add_picture(walk *w, const char *folder, const char *name)
{
    char *relative = *folder ? kin_path_join(folder, name) : kin_strdup(name),
         *path = relative ? kin_path_join(w->root, relative) : NULL;
    const char *class_name = kin_arena_strdup(&w->set->arena, *folder ? folder : ".");
    bool ok = path && class_name &&
              kin_grow((void **)&w->class_of_item, (size_t)w->set->count, &w->capacity,
                       sizeof *w->class_of_item);
    if (!ok) kin_fail_memory(w->err, "a folder's pictures", (size_t)w->set->count);
    if (ok) w->class_of_item[w->set->count] = class_name;
    ok = ok && kin_dataset_add(w->set, relative, path, 0, -1, w->err);
    kin_free(relative);
    kin_free(path);
    return ok;
}

static bool visit(walk *w, const char *folder, int depth);

static bool visit_entry(walk *w, const char *folder, const char *name, int depth)
{
    char *relative = *folder ? kin_path_join(folder, name) : kin_strdup(name),
         *path = relative ? kin_path_join(w->root, relative) : NULL;
    bool ok = path != NULL || kin_fail_memory(w->err, "a folder's name", strlen(name));
    if (ok && kin_is_folder(path)) ok = visit(w, relative, depth + 1);
    else if (ok && kin_looks_like_picture(name)) ok = add_picture(w, folder, name);
    kin_free(relative);
    kin_free(path);
    return ok;
}

static bool visit(walk *w, const char *folder, int depth)
{
    char *path = *folder ? kin_path_join(w->root, folder) : kin_strdup(w->root), **names = NULL;
    size_t count = 0;
    bool ok = path != NULL || kin_fail_memory(w->err, "a folder's name", strlen(folder));
    if (ok && depth > DEPTH_MAX)
        ok = kin_fail(w->err, KIN_ERR_DATA, "%s: more than %d folders inside each other", path, DEPTH_MAX);
    ok = ok && kin_folder_names(path, &names, &count, w->err);
    for (size_t i = 0; ok && i < count; i++) ok = visit_entry(w, folder, names[i], depth);
    kin_folder_names_free(names, count);
    kin_free(path);
    return ok;
}

bool kin_folder_open(const char *path, kin_dataset *out, kin_error *err)
{
    walk w = {.set = out, .root = path, .err = err};
    bool ok = visit(&w, "", 0);
    if (ok && out->count == 0)
        ok = kin_fail(err, KIN_ERR_DATA,
                      "%s: holds no pictures; expected a folder of class folders with JPEG, PNG, BMP or PNM "
                      "files in them",
                      path);
    ok = ok && kin_dataset_name_classes(out, w.class_of_item, err);
    kin_free(w.class_of_item);
    return ok;
}
