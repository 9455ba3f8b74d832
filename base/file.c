#define _POSIX_C_SOURCE 200809L
#include "base/file.h"

#include "base/memory.h"
#include "base/pages.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

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
        used += fread(data + used, 1, capacity - used, stream);
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
    if (ferror(stream) || (limit && used > limit)) {
        kin_free(data);
        return ferror(stream)
                   ? kin_fail(err, KIN_ERR_IO, "%s: cannot be read: %s", path, strerror(errno))
                   : kin_fail(err, KIN_ERR_DATA, "%s: larger than the limit of %zu bytes", path, limit);
    }
    data[used] = 0;
    *out = (kin_bytes){.data = data, .size = used};
    return true;
}

bool kin_read_file(const char *path, size_t limit, kin_bytes *out, kin_error *err)
{
    *out = (kin_bytes){0};
    if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", limit, out, err);
    if (kin_is_folder(path)) return kin_fail(err, KIN_ERR_IO, "%s: is a folder; a file was expected", path);
    FILE *stream = fopen(path, "rb");
    if (!stream) return kin_fail(err, KIN_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    bool ok = read_stream(stream, path, limit, out, err);
    fclose(stream);
    return ok;
}

void kin_bytes_free(kin_bytes *bytes)
{
    if (bytes->mapped) kin_unmap(bytes);
    else kin_free(bytes->data);
    *bytes = (kin_bytes){0};
}

/* A terminal, a pipe, /dev/null: written as it is, for a file renamed to its name would take its place. */
static bool is_device(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool kin_file_create(kin_file *file, const char *path, kin_error *err)
{
    *file = (kin_file){0};
    if (strcmp(path, "-") == 0) {
        file->stream = stdout;
        return true;
    }
    size_t size = strlen(path) + 32;
    file->path = kin_strdup(path);
    if (file->path && is_device(path)) {
        file->stream = fopen(path, "wb");
        if (file->stream) return true;
        kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
        kin_file_abandon(file);
        return false;
    }
    file->temporary = kin_alloc(size);
    if (!file->path || !file->temporary) {
        kin_file_abandon(file);
        return kin_fail_memory(err, path, size);
    }
    snprintf(file->temporary, size, "%s.tmp-%ld", path, (long)getpid());
    file->stream = fopen(file->temporary, "wb");
    if (file->stream) return true;
    int why = errno;
    kin_file_abandon(file);
    return kin_fail(err, KIN_ERR_IO, "%s: cannot be created: %s", path, strerror(why));
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

/* A stream remembers that something failed earlier, but not what: nearly always the disk is full. */
static int why_it_failed(FILE *stream)
{
    struct statvfs disk;
    return fstatvfs(fileno(stream), &disk) == 0 && disk.f_bavail == 0 ? ENOSPC : EIO;
}

bool kin_file_commit(kin_file *file, kin_error *err)
{
    if (!file->temporary) {
        bool ok = file->stream && fflush(file->stream) == 0;
        if (!ok)
            kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s",
                     file->path ? file->path : "standard output", strerror(errno));
        kin_file_abandon(file);
        return ok;
    }
    errno = 0;
    bool ok = !ferror(file->stream) && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int why = errno;
    if (!ok && !why) why = why_it_failed(file->stream);
    if (fclose(file->stream) != 0 && ok) {
        ok = false;
        why = errno;
    }
    file->stream = NULL;
    if (ok && rename(file->temporary, file->path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok)
        kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s; nothing was changed", file->path,
                 strerror(why));
    else {
        kin_free(file->temporary);
        file->temporary = NULL;
    }
    kin_file_abandon(file);
    return ok;
}

void kin_file_abandon(kin_file *file)
{
    if (file->stream && file->stream != stdout) fclose(file->stream);
    if (file->temporary) unlink(file->temporary);
    kin_free(file->temporary);
    kin_free(file->path);
    *file = (kin_file){0};
}

bool kin_write_file(const char *path, const void *data, size_t size, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    fwrite(data, 1, size, file.stream);
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

bool kin_make_folders(const char *path, kin_error *err)
{
    char *copy = kin_strdup(path);
    if (!copy) return kin_fail_memory(err, path, strlen(path));
    bool ok = true;
    for (char *at = copy + 1; ok; at++) {
        if (*at != '/' && *at != '\0') continue;
        bool last = *at == '\0';
        *at = '\0';
        if (mkdir(copy, 0777) != 0 && !kin_is_folder(copy))
            ok = kin_fail(err, KIN_ERR_IO, "%s: cannot make this folder: %s", copy, strerror(errno));
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
