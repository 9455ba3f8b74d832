#define _POSIX_C_SOURCE 200809L
#include "photos/present.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t kin_photo_change(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + (int64_t)info->st_mtim.tv_nsec;
}

bool kin_photo_closed(int why) { return why == EACCES || why == EPERM; }

/* What the file itself is the reason of is a state; what the machine is the reason of would be no answer. */
static bool content_now(const kin_photo *photo, const char *path, kin_photo_state *state, kin_error *err)
{
    kin_bytes bytes;
    kin_error inner = {0};
    uint8_t digest[KIN_BLAKE2B_BYTES];
    kin_blake2b b;
    if (!kin_read_file(path, 0, &bytes, &inner)) {
        struct stat info; /* it may have gone since */
        *state = stat(path, &info) == 0 || kin_photo_closed(errno) ? KIN_PHOTO_UNREADABLE : KIN_PHOTO_GONE;
        return kin_error_is_of_file(&inner) || kin_fail(err, inner.code, "%s", inner.message);
    }
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, bytes.data, bytes.size);
    kin_blake2b_end(&b, digest);
    kin_bytes_free(&bytes);
    *state = memcmp(digest, photo->digest, sizeof digest) == 0 ? KIN_PHOTO_THERE : KIN_PHOTO_CHANGED;
    return true;
}

/* Of a file that stat finds no more; behind a folder that is closed it may still be. */
static bool state_of_errno(int why, const char *path, kin_photo_state *state, kin_error *err)
{
    *state = kin_photo_closed(why) ? KIN_PHOTO_UNREADABLE : KIN_PHOTO_GONE;
    kin_code code = kin_code_of_errno(why);
    return code == KIN_ERR_ABSENT || kin_fail(err, code, "%s: cannot be read: %s", path, strerror(why));
}

bool kin_photo_now(const kin_photo *photo, const char *folder, kin_photo_state *state, struct stat *info,
                   kin_error *err)
{
    char *path = kin_path_join(folder, photo->path);
    bool ok = true;
    *state = KIN_PHOTO_GONE;
    if (!path) return kin_fail_memory(err, "a path", strlen(photo->path));
    if (stat(path, info) != 0) ok = state_of_errno(errno, path, state, err);
    else if (S_ISREG(info->st_mode)) {
        *state = (int64_t)info->st_size == photo->bytes ? KIN_PHOTO_THERE : KIN_PHOTO_CHANGED;
        if (*state == KIN_PHOTO_THERE && kin_photo_change(info) != photo->change)
            ok = content_now(photo, path, state, err);
    }
    kin_free(path);
    return ok;
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

static bool is_link(const char *folder, const char *path, bool *link, kin_error *err)
{
    struct stat info;
    char *whole = kin_path_join(folder, path);
    if (!whole) return kin_fail_memory(err, "a path", strlen(path));
    *link = lstat(whole, &info) == 0 && S_ISLNK(info.st_mode);
    kin_free(whole);
    return true;
}

/* Of a path's folders; those of the one before are remembered, for pictures of one folder follow each other. */
typedef struct folders {
    char *last;
    bool link;
} folders;

static bool through_link(folders *f, const char *folder, const char *path, bool *link, kin_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    bool known = f->last && strlen(f->last) == length && memcmp(f->last, path, length) == 0, ok = true;
    *link = length && known && f->link;
    if (!length || known) return true;
    kin_free(f->last);
    f->last = kin_strdup(path), f->link = false;
    if (!f->last) return kin_fail_memory(err, "a path", strlen(path));
    f->last[length] = '\0';
    for (char *at = f->last; ok && !f->link && at;) {
        at = strchr(at + 1, '/');
        if (at) *at = '\0';
        ok = is_link(folder, f->last, &f->link, err);
        if (at) *at = '/';
    }
    *link = f->link;
    return ok;
}

static void say_first(char text[256], const char *path)
{
    if (!*text) snprintf(text, 256, "%s", path);
}

/* What is there, as names by file; `stays` of those alone. Their number; -1 on error. */
static int64_t look(kin_photos *p, const char *folder, kin_present *told, name *names, bool *stays,
                    kin_error *err)
{
    int64_t n = 0;
    folders f = {0};
    bool ok = true;
    for (int64_t i = 0; ok && i < p->count; i++) {
        struct stat info;
        kin_photo *photo = &p->item[i];
        kin_photo_state state;
        if (!(ok = kin_photo_now(photo, folder, &state, &info, err))) break;
        stays[i] = state == KIN_PHOTO_THERE;
        told->now[state]++;
        if (!stays[i]) {
            say_first(told->first_stale, photo->path);
            continue;
        }
        ok = through_link(&f, folder, photo->path, &photo->link, err) &&
             (photo->link || is_link(folder, photo->path, &photo->link, err));
        names[n++] = (name){info.st_dev, info.st_ino, i, photo->link};
    }
    kin_free(f.last);
    return ok ? n : -1;
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
    if (!ok) kin_fail_memory(err, "the index", n * sizeof *names);
    int64_t there = ok ? look(photos, folder, told, names, stays, err) : -1;
    if ((ok = there >= 0)) {
        one_name(photos, names, there, told, stays);
        drop(photos, stays);
    }
    kin_free(names), kin_free(stays);
    return ok;
}
