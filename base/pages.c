#define _DEFAULT_SOURCE /* madvise */
#include "base/pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORTH_MAPPING = 1 << 20 };

bool kin_map_file(const char *path, kin_bytes *out, kin_error *err)
{
    struct stat info;
    int file = open(path, O_RDONLY);
    void *pages = MAP_FAILED;
    bool large = file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode) &&
                 info.st_size >= WORTH_MAPPING && (uintmax_t)info.st_size <= PTRDIFF_MAX;
    if (large) pages = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (file >= 0) close(file);
    if (pages == MAP_FAILED) return kin_read_file(path, 0, out, err);
    *out = (kin_bytes){.data = pages, .size = (size_t)info.st_size, .mapped = true};
    return true;
}

void kin_discard(void *from, size_t bytes)
{
#ifdef __linux__
    long size = sysconf(_SC_PAGESIZE);
    if (size <= 0) return;
    uintptr_t page = (uintptr_t)size, first = ((uintptr_t)from + page - 1) / page * page,
              end = ((uintptr_t)from + bytes) / page * page;
    if (end > first) madvise((void *)first, end - first, MADV_DONTNEED);
#else
    (void)from, (void)bytes;
#endif
}
