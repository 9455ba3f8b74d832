/* A folder of pictures, found by their content. Its layout tells whether its folders are classes: where no
 * picture lies in the root itself, none beside folders with pictures, and there are two such folders at
 * least, each is one, named by its path below the root; everything else is a folder without classes,
 * unless the user says otherwise. Folders train, val, test (and query, gallery) are parts, and classes are
 * named below them. What is passed over is counted by reason. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/text.h"
#include "data/images/kind.h"
#include "data/sets/known.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

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
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        ok = kin_grow((void **)&names, count, &capacity, sizeof *names) &&
             (names[count] = kin_strdup(entry->d_name)) != NULL;
        if (ok) count++;
        else kin_fail_memory(err, "a folder's names", count * sizeof *names);
    }
    if (ok && errno)
        ok = kin_fail(err, KIN_ERR_IO, "%s: cannot be read as a folder: %s", folder, strerror(errno));
    if (dir) closedir(dir);
    /* the order does not depend on the file system */
    if (count) qsort(names, count, sizeof *names, by_text);
    if (!ok) kin_folder_names_free(names, count);
    *out = ok ? names : NULL;
    *out_count = ok ? count : 0;
    return ok;
}

/* Why something in a folder is no picture of the set. */
typedef enum { NO_PICTURE, OTHER_KIND, NO_FILE, NO_TARGET, CLOSED, LOOP, OUTSIDE, EXCLUDED, REASONS } reason;
static const char *const reasons[REASONS] = {
    [NO_PICTURE] = "no pictures",
    [OTHER_KIND] = "of kinds that are not read",
    [NO_FILE] = "no files but pipes, sockets or devices",
    [NO_TARGET] = "links that lead nowhere",
    [CLOSED] = "not readable",
    [LOOP] = "links to a folder that they lie in",
    [OUTSIDE] = "outside of its parts",
    [EXCLUDED] = "excluded",
};

typedef struct above { /* the folders that one lies in */
    const struct above *next;
    dev_t device;
    ino_t inode;
} above;

typedef struct walk {
    kin_dataset *set;
    const char *root, *exclude; /* patterns of names and paths below the root; NULL: none */
    const char **class_of_item; /* grows with the items: the folder, "" for the root */
    size_t capacity;
    int64_t passed[REASONS];
    char first[REASONS][64]; /* a name for each */
    kin_error *err;
} walk;

static bool pass(walk *w, reason why, const char *name)
{
    if (w->passed[why]++ == 0) snprintf(w->first[why], sizeof w->first[why], "%.60s", name);
    return true;
}

static bool add_picture(walk *w, const char *folder, const char *name)
{
    char *relative = *folder ? kin_path_join(folder, name) : kin_strdup(name),
         *path = relative ? kin_path_join(w->root, relative) : NULL;
    const char *class_name = kin_arena_strdup(&w->set->arena, folder);
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

/* A file whose name tells nothing: its first bytes do. */
static bool look_inside(walk *w, const char *folder, const char *name, const char *path)
{
    uint8_t bytes[KIN_KIND_BYTES];
    FILE *file = fopen(path, "rb");
    if (!file && (errno == EACCES || errno == EPERM)) return pass(w, CLOSED, name);
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    bool failed = !file || ferror(file);
    int why = errno;
    if (file) fclose(file);
    if (failed) return kin_fail(w->err, KIN_ERR_IO, "%s: cannot be read: %s", path, strerror(why));
    if (kin_kind_is_read(bytes, size)) return add_picture(w, folder, name);
    return pass(w, kin_kind_of_others(bytes, size) ? OTHER_KIND : NO_PICTURE, name);
}

static bool visit(walk *w, const char *folder, int depth, const above *up);

/* One folder that is closed leaves out itself alone. */
static bool is_closed(const char *path)
{
    DIR *dir = opendir(path);
    bool closed = !dir && (errno == EACCES || errno == EPERM);
    if (dir) closedir(dir);
    return closed;
}

static bool visit_folder(walk *w, const char *relative, const char *name, const struct stat *info, int depth,
                         const above *up)
{
    for (const above *a = up; a; a = a->next)
        if (a->device == info->st_dev && a->inode == info->st_ino) return pass(w, LOOP, name);
    return visit(w, relative, depth, &(above){up, info->st_dev, info->st_ino});
}

static bool visit_entry(walk *w, const char *folder, const char *name, int depth, const above *up)
{
    struct stat info;
    char *relative = *folder ? kin_path_join(folder, name) : kin_strdup(name),
         *path = relative ? kin_path_join(w->root, relative) : NULL;
    bool ok = path != NULL || kin_fail_memory(w->err, "a folder's name", strlen(name));
    bool excluded = ok && w->exclude &&
                    (kin_glob_any(w->exclude, relative) || kin_glob_any(w->exclude, name));
    if (!ok) {
    } else if (excluded) {
        ok = pass(w, EXCLUDED, relative);
    } else if (stat(path, &info) != 0) {
        bool nowhere = errno == ENOENT || errno == ELOOP || errno == ENOTDIR, closed = errno == EACCES;
        ok = nowhere || closed
                 ? pass(w, nowhere ? NO_TARGET : CLOSED, name)
                 : kin_fail(w->err, KIN_ERR_IO, "%s: cannot be looked at: %s", path, strerror(errno));
    } else if (S_ISDIR(info.st_mode) && is_closed(path)) {
        ok = pass(w, CLOSED, relative);
    } else if (S_ISDIR(info.st_mode)) {
        ok = visit_folder(w, relative, name, &info, depth + 1, up);
    } else if (!S_ISREG(info.st_mode)) {
        ok = pass(w, NO_FILE, name);
    } else {
        ok = kin_looks_like_picture(name) ? add_picture(w, folder, name) : look_inside(w, folder, name, path);
    }
    kin_free(relative);
    kin_free(path);
    return ok;
}

static bool visit(walk *w, const char *folder, int depth, const above *up)
{
    char *path = *folder ? kin_path_join(w->root, folder) : kin_strdup(w->root), **names = NULL;
    size_t count = 0;
    bool ok = path != NULL || kin_fail_memory(w->err, "a folder's name", strlen(folder));
    if (ok && depth > DEPTH_MAX)
        ok = kin_fail(w->err, KIN_ERR_DATA, "%s: more than %d folders inside each other", path, DEPTH_MAX);
    ok = ok && kin_folder_names(path, &names, &count, w->err);
    for (size_t i = 0; ok && i < count; i++) ok = visit_entry(w, folder, names[i], depth, up);
    kin_folder_names_free(names, count);
    kin_free(path);
    return ok;
}

/* ---- parts ---- */

/* The part that a folder's first name is; -1: none. */
static int part_of(const char *folder) { return kin_part_of(folder, strcspn(folder, "/")); }

/* Whether the folder is divided: train beside val or test, or query beside gallery. */
static bool divided(const walk *w, bool *here)
{
    for (int64_t i = 0; i < w->set->count; i++) {
        int part = part_of(w->class_of_item[i]);
        if (part >= 0) here[part] = true;
    }
    return (here[KIN_PART_TRAIN] && (here[KIN_PART_VAL] || here[KIN_PART_TEST])) ||
           (here[KIN_PART_QUERY] && here[KIN_PART_GALLERY]);
}

/* The parts that there are, the default one first, and "all". */
static bool name_parts(walk *w, const bool *here, kin_error *err)
{
    kin_dataset *set = w->set;
    const char **parts = kin_arena_alloc(&set->arena, (KIN_PARTS + 2) * sizeof *parts);
    int n = 0;
    if (!parts) return kin_fail_memory(err, "the parts' names", KIN_PARTS * sizeof *parts);
    if (!here[KIN_PART_TRAIN]) parts[n++] = "all";
    for (int p = 0; p < KIN_PARTS; p++)
        if (here[p]) parts[n++] = kin_part_name(p);
    if (here[KIN_PART_TRAIN]) parts[n++] = "all";
    parts[n] = NULL;
    set->parts = parts;
    return true;
}

static bool choose_part(walk *w, const char *name, kin_error *err)
{
    kin_dataset *set = w->set;
    char known[80] = "";
    for (const char *const *p = set->parts; *p; p++) {
        if (!name) name = *p;
        if (strcmp(*p, name) == 0) set->part = *p;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known ? ", " : "", *p);
    }
    if (!set->part)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: has no part \"%s\"; its folders are the parts %s",
                        w->root, name, known);
    int64_t kept = 0, all = set->count;
    for (int64_t i = 0; i < all; i++) {
        int part = part_of(w->class_of_item[i]);
        bool outside = part < 0;
        if (outside) pass(w, OUTSIDE, set->items[i].id);
        if (outside || (strcmp(set->part, "all") != 0 && strcmp(kin_part_name(part), set->part) != 0))
            continue;
        const char *below = w->class_of_item[i] + strcspn(w->class_of_item[i], "/");
        w->class_of_item[kept] = *below ? below + 1 : below;
        set->items[kept] = set->items[i];
        set->items[kept++].role = part == KIN_PART_QUERY     ? KIN_ROLE_QUERY
                                  : part == KIN_PART_GALLERY ? KIN_ROLE_GALLERY
                                                             : KIN_ROLE_NONE;
    }
    set->count = kept;
    return true;
}

/* ---- classes ---- */

static bool is_inside(const char *folder, const char *of)
{
    size_t length = strlen(of);
    return strncmp(folder, of, length) == 0 && folder[length] == '/';
}

/* Why the folders are not taken for classes; NULL: they are. Items come in the order of their folders. */
static const char *why_no_classes(const walk *w)
{
    int64_t folders = 0;
    for (int64_t i = 0; i < w->set->count; i++) {
        const char *folder = w->class_of_item[i];
        if (!*folder) return "pictures lie in the folder itself";
        folders += i == 0 || strcmp(folder, w->class_of_item[i - 1]) != 0;
        const char *before = i ? w->class_of_item[i - 1] : folder;
        if (is_inside(folder, before) || is_inside(before, folder))
            return "folders with pictures lie inside others that hold pictures too";
    }
    return folders < 2 ? "all pictures lie in one folder" : NULL;
}

static bool name_classes(walk *w, bool folders_are_classes, kin_error *err)
{
    kin_dataset *set = w->set;
    const char *why = folders_are_classes ? NULL : why_no_classes(w);
    for (int64_t i = 0; i < set->count; i++)
        if (why) w->class_of_item[i] = NULL;
        else if (!*w->class_of_item[i]) w->class_of_item[i] = ".";
    set->unlabelled = why;
    if (why) set->kind = "a folder of pictures without classes";
    return kin_dataset_name_classes(set, w->class_of_item, err);
}

static bool tell_passed(walk *w, kin_error *err)
{
    kin_text text = {0};
    int64_t all = 0;
    for (int r = 0; r < REASONS; r++) {
        if (!w->passed[r]) continue;
        kin_text_format(&text, "%s%lld %s (%s%s)", all ? ", " : "", (long long)w->passed[r], reasons[r],
                        w->first[r], w->passed[r] > 1 ? ", ..." : "");
        all += w->passed[r];
    }
    bool ok = !all || (!text.failed && kin_dataset_remark(w->set, err, "passed over: %s", text.data));
    if (text.failed) ok = kin_fail_memory(err, "a remark", 64);
    kin_text_free(&text);
    return ok;
}

static bool take_parts(walk *w, const char *part, kin_error *err)
{
    bool here[KIN_PARTS] = {false};
    if (!divided(w, here)) {
        return !part ||
               kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s: is a folder of class folders, which has no part \"%s\"; only data sets known "
                        "by name, and folders train, val, test in it, are parts",
                        w->root, part);
    }
    w->set->kind = "a folder of parts";
    return name_parts(w, here, err) && choose_part(w, part, err) &&
           (part || kin_dataset_remark(w->set, err,
                                       "its folders are parts, of which %s was taken; %s:all is all of it",
                                       w->set->part, w->root));
}

/* The folder that the walk begins in is above all that it finds. */
static above top_of(const char *path)
{
    struct stat info;
    above root = {0};
    if (stat(path, &info) == 0) root.device = info.st_dev, root.inode = info.st_ino;
    return root;
}

bool kin_folder_pictures(const char *path, const char *exclude, kin_dataset *out, kin_error *err)
{
    walk w = {.set = out, .root = path, .exclude = exclude, .err = err};
    above root = top_of(path);
    out->kind = "a folder of pictures";
    bool ok = visit(&w, "", 0, &root) && tell_passed(&w, err);
    for (int64_t i = 0; ok && i < out->count; i++) out->items[i].label = -1;
    kin_free(w.class_of_item);
    return ok;
}

bool kin_folder_open(const char *path, const char *part, bool folders_are_classes, kin_dataset *out,
                     kin_error *err)
{
    walk w = {.set = out, .root = path, .err = err};
    above root = top_of(path);
    out->kind = "a folder of class folders";
    bool ok = visit(&w, "", 0, &root), any = out->count > 0;
    ok = ok && (!any || take_parts(&w, part, err)) && tell_passed(&w, err);
    if (ok && out->count == 0)
        ok = kin_fail(err, KIN_ERR_DATA,
                      "%s: holds no pictures; expected a folder of class folders with JPEG, PNG, WebP, "
                      "GIF, BMP or PNM files in them%s%s",
                      path, out->remark ? "; " : "", out->remark ? out->remark : "");
    ok = ok && name_classes(&w, folders_are_classes, err);
    kin_free(w.class_of_item);
    return ok;
}
