/* Preloaded (LD_PRELOAD) into kin: makes the n-th call of a kind fail, or kills the process in it.
 *
 *   KIN_FAULT=write:3:ENOSPC   the third write fails
 *   KIN_FAULT=rename:2:KILL   killed before the second rename
 *   KIN_FAULT=read:5+:EIO      from the fifth on, all     KIN_FAULT=rename:2:KILLED and after it
 *   KIN_FAULT=open:2:GONE      the file is removed before it is opened for the second time
 *   KIN_FAULT_PATH=TEXT        only files whose path holds TEXT count (open, read, write, rename, readdir)
 *   KIN_FAULT_COUNT=FILE       how often each kind was called goes there at the end, "kind number" a line
 *
 * Kinds: open read write sync rename mkdir readdir alloc thread map close. glibc's streams call the kernel
 * without passing here, so fopen and fdopen return streams whose reading and writing are functions of this
 * file. Linux with glibc alone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN, READ, WRITE, SYNC, RENAME, MKDIR, READDIR, ALLOC, THREAD, MAP, CLOSE, KINDS };
static const char *const kinds[KINDS] = {"open",    "read",  "write",  "sync", "rename", "mkdir",
                                         "readdir", "alloc", "thread", "map",  "close"};
static const struct {
    const char *name;
    int number;
} errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
              {"ENOMEM", ENOMEM}, {"EINTR", EINTR},   {"EACCES", EACCES},
              {"EAGAIN", EAGAIN}, {"EXDEV", EXDEV},   {"EDQUOT", EDQUOT}};
enum { KILL = -1, KILLED = -2, GONE = -3 };

static atomic_long calls[KINDS];
static int kind = -1, what;
static long at;
static bool from_there_on, active;
static _Thread_local bool own;
static const char *only;

static void begin(void)
{
    const char *fault = getenv("KIN_FAULT");
    only = getenv("KIN_FAULT_PATH");
    for (int k = 0; fault && k < KINDS; k++) {
        size_t length = strlen(kinds[k]);
        char *end;
        if (strncmp(fault, kinds[k], length) != 0 || fault[length] != ':') continue;
        at = strtol(fault + length + 1, &end, 10);
        from_there_on = *end == '+';
        const char *name = strchr(end, ':');
        what = !name                             ? EIO
               : strcmp(name + 1, "KILL") == 0   ? KILL
               : strcmp(name + 1, "KILLED") == 0 ? KILLED
               : strcmp(name + 1, "GONE") == 0   ? GONE
                                                 : EIO;
        for (size_t i = 0; name && i < sizeof errors / sizeof *errors; i++)
            if (strcmp(name + 1, errors[i].name) == 0) what = errors[i].number;
        kind = k;
    }
}

static bool counts(const char *path) { return active && (!only || (path && strstr(path, only))); }

/* Whether this call is to fail; errno says why. *after: it is to be made, and then the process killed. */
static bool fails(int k, const char *path, bool *after)
{
    *after = false;
    if (!counts(path)) return false;
    long n = atomic_fetch_add(&calls[k], 1) + 1;
    if (k != kind || (from_there_on ? n < at : n != at)) return false;
    if (what == KILL) kill(getpid(), SIGKILL);
    if (what == GONE && path) unlink(path);
    *after = what == KILLED;
    if (what > 0) errno = what;
    return what > 0;
}

static void end_of(bool after)
{
    if (after) kill(getpid(), SIGKILL);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- memory ---- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

static bool no_memory(void)
{
    bool after, fail;
    if (!active || own) return false;
    fail = fails(ALLOC, only, &after);
    if (fail) errno = ENOMEM;
    return fail;
}

void *malloc(size_t size) { return no_memory() ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return no_memory() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { return no_memory() ? NULL : __libc_realloc(p, size); }
void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory() ? NULL : __libc_memalign(alignment, size);
}

/* ---- streams ---- */

typedef struct file {
    int fd;
    FILE *stream;
    char path[512];
} file;
enum { FILES = 256 };
static file *known[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t read_it(void *cookie, char *buffer, size_t size)
{
    file *f = cookie;
    bool after;
    if (fails(READ, f->path, &after)) return -1;
    return read(f->fd, buffer, size);
}

static ssize_t write_it(void *cookie, const char *buffer, size_t size)
{
    file *f = cookie;
    bool after;
    if (fails(WRITE, f->path, &after)) return 0; /* what a cookie returns for an error; errno stays */
    ssize_t done = write(f->fd, buffer, size);
    end_of(after);
    return done < 0 ? 0 : done;
}

static int seek_it(void *cookie, off64_t *offset, int whence)
{
    file *f = cookie;
    off64_t to = lseek64(f->fd, *offset, whence);
    if (to < 0) return -1;
    *offset = to;
    return 0;
}

static int close_it(void *cookie)
{
    file *f = cookie;
    bool after, fail = fails(CLOSE, f->path, &after);
    int why = errno, result = close(f->fd);
    pthread_mutex_lock(&lock);
    for (int i = 0; i < FILES; i++)
        if (known[i] == f) known[i] = NULL;
    pthread_mutex_unlock(&lock);
    free(f);
    if (fail) errno = why;
    return fail ? -1 : result;
}

static FILE *stream_of(int fd, const char *path, const char *mode)
{
    own = true; /* this is not kin's memory */
    file *f = calloc(1, sizeof *f);
    f->fd = fd;
    snprintf(f->path, sizeof f->path, "%s", path);
    f->stream = fopencookie(f, mode, (cookie_io_functions_t){read_it, write_it, seek_it, close_it});
    own = false;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < FILES; i++)
        if (!known[i]) {
            known[i] = f;
            break;
        }
    pthread_mutex_unlock(&lock);
    return f->stream;
}

FILE *fopen(const char *path, const char *mode)
{
    int flags = mode[0] == 'r'   ? O_RDONLY
                : mode[0] == 'a' ? O_WRONLY | O_CREAT | O_APPEND
                                 : O_WRONLY | O_CREAT | O_TRUNC;
    if (strchr(mode, '+')) flags = (flags & ~(O_RDONLY | O_WRONLY)) | O_RDWR;
    bool after;
    if (fails(OPEN, path, &after)) return NULL;
    int fd = REAL(open)(path, flags, 0666);
    end_of(after);
    return fd < 0 ? NULL : stream_of(fd, path, mode);
}

FILE *fdopen(int fd, const char *mode)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    return stream_of(fd, path, mode);
}

int fileno(FILE *stream)
{
    pthread_mutex_lock(&lock);
    int fd = -1;
    for (int i = 0; i < FILES; i++)
        if (known[i] && known[i]->stream == stream) fd = known[i]->fd;
    pthread_mutex_unlock(&lock);
    return fd >= 0 ? fd : REAL(fileno)(stream);
}

/* ---- the others ---- */

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    bool after;
    if (fails(OPEN, path, &after)) return -1;
    int fd = REAL(open)(path, flags, mode);
    end_of(after);
    return fd;
}
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));

int fsync(int fd)
{
    bool after;
    if (fails(SYNC, only, &after)) return -1;
    int result = REAL(fsync)(fd);
    end_of(after);
    return result;
}

int rename(const char *from, const char *to)
{
    bool after;
    if (fails(RENAME, to, &after)) return -1;
    int result = REAL(rename)(from, to);
    end_of(after);
    return result;
}

int mkdir(const char *path, mode_t mode)
{
    bool after;
    if (fails(MKDIR, path, &after)) return -1;
    int result = REAL(mkdir)(path, mode);
    end_of(after);
    return result;
}

struct dirent *readdir(DIR *dir)
{
    bool after;
    if (fails(READDIR, only, &after)) return NULL;
    return REAL(readdir)(dir);
}
struct dirent64 *readdir64(DIR *dir)
{
    bool after;
    if (fails(READDIR, only, &after)) return NULL;
    return REAL(readdir64)(dir);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    bool after;
    if (fails(THREAD, only, &after)) return EAGAIN;
    return REAL(pthread_create)(thread, attributes, run, argument);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    bool after;
    if (fd >= 0 && fails(MAP, only, &after)) return MAP_FAILED;
    return REAL(mmap)(address, size, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));

/* ---- the process ---- */

__attribute__((constructor)) static void start(void)
{
    begin();
    stdout = stream_of(STDOUT_FILENO, "standard output", "w");
    unsetenv("LD_PRELOAD");
    active = true;
}

__attribute__((destructor)) static void stop(void)
{
    const char *path = getenv("KIN_FAULT_COUNT");
    active = false;
    if (!path) return;
    int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    for (int k = 0; k < KINDS; k++) dprintf(fd, "%s %ld\n", kinds[k], atomic_load(&calls[k]));
    close(fd);
}
