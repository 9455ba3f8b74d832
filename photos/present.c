#define _POSIX_C_SOURCE 200809L
#include "photos/present.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_content(const kin_photo *photo, const char *path)
{
    kin_bytes bytes;
    kin_error ignored = {0};
    uint8_t digest[KIN_BLAKE2B_BYTES];
    kin_blake2b b;
    if (!kin_read_file(path, 0, &bytes, &ignored)) return false;
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, bytes.data, bytes.size);
    kin_blake2b_end(&b, digest);
    kin_bytes_free(&bytes);
    return memcmp(digest, photo->digest, sizeof digest) == 0;
}

kin_photo_state kin_photo_now(const kin_photo *photo, const char *folder, struct stat *info)
{
    enum {
        LONGEST = 8192
    }; /* beyond what any system opens; nothing is allocated, so that no want of memory means gone */
    char path[LONGEST];
    bool slash = *folder && folder[strlen(folder) - 1] != '/';
    int length = snprintf(path, sizeof path, "%s%s%s", folder, slash ? "/" : "", photo->path);
    kin_photo_state state = KIN_PHOTO_THERE;
    if (length >= LONGEST || stat(path, info) != 0 || !S_ISREG(info->st_mode)) {
        *info = (struct stat){0};
        state = KIN_PHOTO_GONE;
    } else {
        int64_t change = (int64_t)info->st_mtim.tv_sec * 1000000000 + (int64_t)info->st_mtim.tv_nsec;
        bool size = (int64_t)info->st_size == photo->bytes;
        if (!size || (change != photo->change && !same_content(photo, path))) state = KIN_PHOTO_CHANGED;
    }
    return state;
}

/* A file, and one of its names. */
typedef struct name {
    dev_t device;
    ino_t inode;
    int64_t item;
    bool link; /* leads through a symbolic link */
} name;

static int by_file(const void *a, const void *b)
{
    const name *x = a, *y = b;
    if (x->device != y->device) return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode) return x->inode < y->inode ? -1 : 1;
    if (x->link != y->link) return x->link - y->link;
    return (x->item > y->item) - (x->item < y->item);
}

static bool is_link(const char *folder, const char *path)
{
    struct stat info;
    char *whole = kin_path_join(folder, path);
    bool link = whole && lstat(whole, &info) == 0 && S_ISLNK(info.st_mode);
    kin_free(whole);
    return link;
}

/* Of a path's folders; those of the one before are remembered, for pictures of one folder follow each other. */
typedef struct folders {
    char *last;
    bool link;
} folders;

static bool through_link(folders *f, const char *folder, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (!length) return false;
    if (f->last && strlen(f->last) == length && memcmp(f->last, path, length) == 0) return f->link;
    kin_free(f->last);
    f->last = kin_strdup(path), f->link = false;
    if (!f->last) return false;
    f->last[length] = '\0';
    for (char *at = f->last; !f->link && at;) {
        at = strchr(at + 1, '/');
        if (at) *at = '\0';
        f->link = is_link(folder, f->last);
        if (at) *at = '/';
    }
    return f->link;
}

static void say_first(char text[256], const char *path)
{
    if (!*text) snprintf(text, 256, "%s", path);
}

/* What is there, as names by file; `stays` of those alone. */
static int64_t look(kin_photos *p, const char *folder, kin_present *told, name *names, bool *stays)
{
    int64_t n = 0;
    folders f = {0};
    for (int64_t i = 0; i < p->count; i++) {
        struct stat info;
        kin_photo *photo = &p->item[i];
        kin_photo_state state = kin_photo_now(photo, folder, &info);
        stays[i] = state == KIN_PHOTO_THERE;
        told->gone += state == KIN_PHOTO_GONE, told->changed += state == KIN_PHOTO_CHANGED;
        if (!stays[i]) {
            say_first(told->first_stale, photo->path);
            continue;
        }
        photo->link = through_link(&f, folder, photo->path) || is_link(folder, photo->path);
        names[n++] = (name){info.st_dev, info.st_ino, i, photo->link};
    }
    kin_free(f.last);
    return n;
}

/* Further names of one file do not stay. */
static void one_name(const kin_photos *p, name *names, int64_t n, kin_present *told, bool *stays)
{
    int64_t first = -1;
    if (n) qsort(names, (size_t)n, sizeof *names, by_file);
    for (int64_t i = 1; i < n; i++) {
        if (names[i].device != names[i - 1].device || names[i].inode != names[i - 1].inode) continue;
        stays[names[i].item] = false;
        *(names[i].link ? &told->symbolic : &told->hard) += 1;
        if (first < 0 || names[i].item < first) first = names[i].item;
    }
    if (first >= 0) say_first(told->first_link, p->item[first].path);
}

static void drop(kin_photos *p, const bool *stays)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < p->count; i++) {
        if (!stays[i]) continue;
        if (kept != i) {
            p->item[kept] = p->item[i];
            memcpy(p->rows + kept * p->dim, p->rows + i * p->dim, (size_t)p->dim * sizeof *p->rows);
        }
        kept++;
    }
    p->count = kept, p->broken = 0;
}

bool kin_photos_present(kin_photos *photos, const char *folder, kin_present *told, kin_error *err)
{
    size_t n = (size_t)photos->count;
    name *names = kin_alloc_array(n, sizeof *names);
    bool *stays = kin_alloc_zero(n, sizeof *stays), ok = names && stays;
    *told = (kin_present){0};
    if (ok) {
        int64_t there = look(photos, folder, told, names, stays);
        one_name(photos, names, there, told, stays);
        drop(photos, stays);
    } else kin_fail_memory(err, "the index", n * sizeof *names);
    kin_free(names), kin_free(stays);
    return ok;
}
