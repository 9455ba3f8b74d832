#define _POSIX_C_SOURCE 200809L
#include "base/file.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

kin_code kin_code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO: return KIN_ERR_ABSENT;
    case ENOMEM: return KIN_ERR_MEMORY;
    default: return KIN_ERR_IO;
    }
}

/* ---- reading ---- */

/* Reads until the end or until `size` bytes are there; a signal in between is no error. */
size_t kin_read_on(FILE *stream, void *to, size_t size)
{
    uint8_t *data = to;
    size_t used = 0;
    for (;;) {
        errno = 0;
        used += fread(data + used, 1, size - used, stream);
        if (used == size || !ferror(stream) || errno != EINTR) return used;
        clearerr(stream);
    }
}

bool kin_fail_reading(kin_error *err, const char *name, int number)
{
    if (!number) number = EIO;
    return kin_fail(err, kin_code_of_errno(number), "%s: cannot be read: %s", name, strerror(number));
}

bool kin_next_name(void *dir, const char *folder, const char **name, kin_error *err)
{
    errno = 0;
    struct dirent *entry = readdir(dir);
    *name = entry ? entry->d_name : NULL;
    return entry || errno == 0 || kin_fail_reading(err, folder, errno);
}

static bool read_stream(FILE *stream, const char *path, size_t limit, kin_bytes *out, kin_error *err)
{
    size_t capacity = 1 << 16, used = 0;
    struct stat info;
    if (fstat(fileno(stream), &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        (uintmax_t)info.st_size < SIZE_MAX / 2)
        capacity = (size_t)info.st_size + 1;
    if (limit && capacity > limit + 1) capacity = limit + 1;
    uint8_t *data = kin_alloc(capacity + 1);
    if (!data) return kin_fail_memory(err, path, capacity);
    for (;;) {
        used += kin_read_on(stream, data + used, capacity - used);
        if (used < capacity) break;
        if (limit && used > limit) break;
        uint8_t *more = kin_realloc(data, used, capacity * 2 + 1);
        if (!more) {
            kin_free(data);
            return kin_fail_memory(err, path, capacity * 2);
        }
        data = more;
        capacity *= 2;
    }
    int why = errno;
    if (ferror(stream) || (limit && used > limit)) {
        kin_free(data);
        return ferror(stream)
                   ? kin_fail_reading(err, path, why)
                   : kin_fail(err, KIN_ERR_DATA, "%s: larger than the limit of %zu bytes", path, limit);
    }
    data[used] = 0;
    *out = (kin_bytes){.data = data, .size = used};
    return true;
}

/* /dev/zero and its like: memory would end before they do. */
static bool never_ends(FILE *stream)
{
    struct stat info, empty;
    int file = fileno(stream);
    return fstat(file, &info) == 0 && S_ISCHR(info.st_mode) && !isatty(file) &&
           (stat("/dev/null", &empty) != 0 || empty.st_rdev != info.st_rdev);
}

enum { TRIES = 100 };

/* Threads that read at once may need more descriptors than there are for a moment. */
FILE *kin_open_for_reading(const char *path, kin_error *err)
{
    for (int i = 0;; i++) {
        FILE *stream = fopen(path, "rb");
        int why = errno;
        if (stream && !never_ends(stream)) return stream;
        if (stream) {
            fclose(stream);
            return kin_fail(err, KIN_ERR_ABSENT, "%s: is a device; a file was expected", path), NULL;
        }
        if ((why != EMFILE && why != ENFILE && why != EINTR) || i == TRIES)
            return kin_fail(err, kin_code_of_errno(why), "%s: cannot be opened: %s", path, strerror(why)),
                   NULL;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

bool kin_read_file(const char *path, size_t limit, kin_bytes *out, kin_error *err)
{
    *out = (kin_bytes){0};
    if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", limit, out, err);
    if (kin_is_folder(path))
        return kin_fail(err, KIN_ERR_ABSENT, "%s: is a folder; a file was expected", path);
    FILE *stream = kin_open_for_reading(path, err);
    if (!stream) return false;
    bool ok = read_stream(stream, path, limit, out, err);
    fclose(stream);
    return ok;
}

void kin_bytes_free(kin_bytes *bytes)
{
    if (bytes->mapped) munmap(bytes->data, bytes->size);
    else kin_free(bytes->data);
    *bytes = (kin_bytes){0};
}

/* ---- names ---- */

char *kin_parent_folder(const char *path)
{
    char *copy = kin_strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    if (!copy) return NULL;
    if (slash) slash[slash == copy] = '\0';
    else snprintf(copy, strlen(path) + 1, "%s", *path ? "." : "");
    return copy;
}

/* Some file systems have no such thing as a folder's sync (EINVAL), and a folder that may not be read is not
 * opened: the names are then as safe as they were without. */
bool kin_sync_folder(const char *folder, kin_error *err)
{
    int file = open(folder, O_RDONLY | O_DIRECTORY);
    if (file < 0) return true;
    int why = fsync(file) == 0 ? 0 : errno;
    close(file);
    return !why || why == EINVAL || why == EROFS || why == EBADF ||
           kin_fail(err, KIN_ERR_IO, "%s: cannot be synced: %s", folder, strerror(why));
}

bool kin_sync_parent(const char *path, kin_error *err)
{
    char *folder = kin_parent_folder(path);
    bool ok = folder ? kin_sync_folder(folder, err) : kin_fail_memory(err, path, strlen(path));
    kin_free(folder);
    return ok;
}

enum { LINKS_MAX = 16, LINK_SIZE = 4096 };

/* Where a link's text leads, seen from the link's folder. */
static char *linked_from(const char *path, const char *text)
{
    char *folder = *text == '/' ? kin_strdup("") : kin_parent_folder(path),
         *joined = folder ? kin_path_join(folder, text) : NULL;
    kin_free(folder);
    return joined;
}

/* What a name is in the end, its links followed; it need not be there. */
static char *followed(const char *path, kin_error *err)
{
    char *at = kin_strdup(path), text[LINK_SIZE];
    for (int i = 0; at; i++) {
        ssize_t size = readlink(at, text, sizeof text - 1);
        if (size < 0) return at;
        if (i == LINKS_MAX) break;
        text[size] = '\0';
        char *next = linked_from(at, text);
        kin_free(at);
        at = next;
    }
    if (at) kin_fail(err, KIN_ERR_IO, "%s: cannot be created: %s", path, strerror(ELOOP));
    else kin_fail_memory(err, path, strlen(path));
    kin_free(at);
    return NULL;
}

/* ---- what others left ---- */

static const char mark[] = ".tmp-kin-";

/* What locking says: 0, it is nobody's; EWOULDBLOCK, somebody writes it; else it cannot be known. */
static int try_lock(const char *path)
{
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int why = file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (file >= 0) close(file);
    return why;
}

bool kin_is_stale(const char *folder, const char *name)
{
    const char *at = strstr(name, mark);
    char *end;
    if (!at) return false;
    long pid = strtol(at + sizeof mark - 1, &end, 10);
    if (pid <= 0 || *end || kill((pid_t)pid, 0) == 0 || errno != ESRCH) return false;
    /* Of a process elsewhere (another container with this folder) the number says nothing, but its lock
     * does. */
    char *path = kin_path_join(folder, name);
    bool stale = path && try_lock(path) == 0;
    kin_free(path);
    return stale;
}

static void remove_stale(const char *folder, const char *name)
{
    struct stat info;
    char *path = kin_is_stale(folder, name) ? kin_path_join(folder, name) : NULL;
    if (path && lstat(path, &info) == 0 && S_ISREG(info.st_mode)) unlink(path);
    kin_free(path);
}

enum { SWEPT = 64 };

/* Each folder once in a process's life: a command may write a hundred thousand files. */
static bool swept_before(const struct stat *info)
{
    static _Atomic uint64_t known[SWEPT];
    static atomic_uint count;
    uint64_t key = (uint64_t)info->st_dev * 0x9e3779b97f4a7c15u + (uint64_t)info->st_ino + 1;
    for (int i = 0; i < SWEPT; i++)
        if (atomic_load(&known[i]) == key) return true;
    atomic_store(&known[atomic_fetch_add(&count, 1) % SWEPT], key);
    return false;
}

/* A courtesy: whatever fails here is passed over. */
static void sweep_beside(const char *path)
{
    char *folder = kin_parent_folder(path);
    struct stat info;
    DIR *dir = folder && stat(folder, &info) == 0 && !swept_before(&info) ? opendir(folder) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) remove_stale(folder, entry->d_name);
    if (dir) closedir(dir);
    kin_free(folder);
}

/* ---- writing ---- */

enum { OPEN_MAX_KNOWN = 64 };
static _Atomic(char *) temporaries[OPEN_MAX_KNOWN];

static void remember(char *name)
{
    for (int i = 0; i < OPEN_MAX_KNOWN; i++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&temporaries[i], &none, name)) return;
    }
}

static void forget(char *name)
{
    for (int i = 0; name && i < OPEN_MAX_KNOWN; i++) {
        char *same = name;
        if (atomic_compare_exchange_strong(&temporaries[i], &same, NULL)) return;
    }
}

void kin_file_remove_temporaries(void)
{
    for (int i = 0; i < OPEN_MAX_KNOWN; i++) {
        char *name = atomic_load(&temporaries[i]);
        if (name) unlink(name);
    }
}

/* A terminal, a pipe, /dev/null: written as it is, for a file renamed to its name would take its place. */
static bool is_device(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

/* Opens the temporary, which nobody else has, with the mode of the file that it will replace. */
static int open_temporary(const kin_file *file)
{
    struct stat old;
    bool replaces = stat(file->target, &old) == 0;
    if (replaces && S_ISDIR(old.st_mode)) return errno = EISDIR, -1;
    if (replaces && access(file->target, W_OK) != 0) return -1;
    int made = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made < 0 && errno == EEXIST) {
        /* Of an earlier process of this number, or of one in another container that writes it now. */
        if (try_lock(file->temporary) == EWOULDBLOCK) return errno = EBUSY, -1;
        if (unlink(file->temporary) == 0)
            made = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (made < 0) return -1;
    (void)!flock(made, LOCK_EX | LOCK_NB);
    if (replaces) {
        (void)!fchown(made, old.st_uid, old.st_gid);
        (void)!fchmod(made, old.st_mode & 07777);
    }
    return made;
}

static bool open_beside(kin_file *file, kin_error *err)
{
    sweep_beside(file->target);
    int made = open_temporary(file), why = errno;
    file->stream = made >= 0 ? fdopen(made, "wb") : NULL;
    if (file->stream) {
        remember(file->temporary);
        return true;
    }
    if (made >= 0) why = errno, close(made), unlink(file->temporary);
    kin_free(file->temporary);
    file->temporary = NULL; /* it is not there, or not ours */
    return kin_fail(err, KIN_ERR_IO, "%s: cannot be created: %s", file->path, strerror(why));
}

bool kin_file_create(kin_file *file, const char *path, kin_error *err)
{
    *file = (kin_file){0};
    if (strcmp(path, "-") == 0) {
        file->stream = stdout;
        return true;
    }
    file->path = kin_strdup(path);
    bool ok = file->path || kin_fail_memory(err, path, strlen(path)), device = ok && is_device(path);
    if (device) {
        file->stream = fopen(path, "wb");
        ok = file->stream || kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    } else if (ok && (ok = (file->target = followed(path, err)) != NULL)) {
        size_t size = strlen(file->target) + 40;
        file->temporary = kin_alloc(size);
        ok = file->temporary || kin_fail_memory(err, path, size);
        if (ok) snprintf(file->temporary, size, "%s%s%ld", file->target, mark, (long)getpid());
        ok = ok && open_beside(file, err);
    }
    if (!ok) kin_file_abandon(file);
    return ok;
}

bool kin_file_creatable(const char *path, kin_error *err)
{
    kin_file file;
    if (!path || strcmp(path, "-") == 0) return true;
    if (is_device(path))
        return access(path, W_OK) == 0 ||
               kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (!kin_file_create(&file, path, err)) return false;
    kin_file_abandon(&file);
    return true;
}

/* A stream remembers that something failed earlier, but not what: one byte more fails for the same reason. */
static int why_it_failed(FILE *stream)
{
    struct statvfs disk;
    if (write(fileno(stream), "", 1) < 0) return errno;
    return fstatvfs(fileno(stream), &disk) == 0 && disk.f_bavail == 0 ? ENOSPC : EIO;
}

bool kin_file_complete(kin_file *file, kin_error *err)
{
    if (!file->temporary) return true;
    if (!file->stream) return true; /* done already */
    errno = 0;
    bool ok = !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int why = errno;
    if (!ok && !why) why = why_it_failed(file->stream);
    if (fclose(file->stream) != 0 && ok) {
        ok = false;
        why = errno;
    }
    file->stream = NULL;
    if (ok) return true;
    kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s; nothing was changed", file->path, strerror(why));
    kin_file_abandon(file);
    return false;
}

/* A stream that is no file of ours: a pipe, a device, standard output. */
static bool flush_stream(kin_file *file, kin_error *err)
{
    bool ok = file->stream && !ferror(file->stream) && fflush(file->stream) == 0;
    if (!ok)
        kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s", file->path ? file->path : "standard output",
                 strerror(errno ? errno : EIO));
    kin_file_abandon(file);
    return ok;
}

bool kin_file_commit(kin_file *file, kin_error *err)
{
    if (!file->temporary) return flush_stream(file, err);
    if (!kin_file_complete(file, err)) return false;
    char *folder = kin_parent_folder(
        file->target); /* memory that ends behind the renaming would deny what was done */
    bool ok = folder || kin_fail_memory(err, file->path, strlen(file->target));
    if (ok && rename(file->temporary, file->target) != 0)
        ok = kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s; nothing was changed", file->path,
                      strerror(errno));
    if (ok) {
        forget(file->temporary);
        kin_free(file->temporary);
        file->temporary = NULL;
        ok = kin_sync_folder(folder, err);
    }
    kin_free(folder);
    kin_file_abandon(file);
    return ok;
}

void kin_file_abandon(kin_file *file)
{
    if (file->stream && file->stream != stdout) fclose(file->stream);
    if (file->temporary) unlink(file->temporary);
    forget(file->temporary);
    kin_free(file->temporary);
    kin_free(file->target);
    kin_free(file->path);
    *file = (kin_file){0};
}

bool kin_write_file(const char *path, const void *data, size_t size, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    fwrite(data, 1, size, file.stream); /* a failure stays in the stream, and commit tells it */
    return kin_file_commit(&file, err);
}

bool kin_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool kin_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool kin_look_for(const char *path, bool *there, kin_error *err)
{
    struct stat info;
    *there = stat(path, &info) == 0;
    return *there || errno == ENOENT || errno == ENOTDIR || kin_fail_reading(err, path, errno);
}

bool kin_make_folders(const char *path, kin_error *err)
{
    char *copy = kin_strdup(path);
    if (!copy) return kin_fail_memory(err, path, strlen(path));
    bool ok = true;
    for (char *at = copy + 1; ok; at++) {
        if (*at != '/' && *at != '\0') continue;
        bool last = *at == '\0';
        *at = '\0';
        int why = mkdir(copy, 0777) == 0 ? 0 : errno;
        if (why && !kin_is_folder(copy))
            ok = kin_fail(err, KIN_ERR_IO, "%s: cannot make this folder: %s", copy, strerror(why));
        if (last) break;
        *at = '/';
    }
    kin_free(copy);
    return ok;
}

char *kin_path_join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = kin_alloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", folder, *folder && folder[strlen(folder) - 1] != '/' ? "/" : "", name);
    return path;
}
