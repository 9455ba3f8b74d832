/* Files that hold many pictures, told by their names: IDX (MNIST's) and CIFAR's. */
#include "data/sets/container.h"

#include "base/file.h"

#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_cifar(const char *path) { return ends_with(path, ".bin"); }

bool kin_is_container(const char *path)
{
    return is_cifar(path) || ends_with(path, ".gz") || strstr(path, "idx3-ubyte");
}

const char *kin_container_kind(const char *path) { return is_cifar(path) ? "a CIFAR file" : "an IDX file"; }

bool kin_container_open(const char *path, kin_dataset *out, kin_error *err)
{
    if (!kin_exists(path)) return kin_fail(err, KIN_ERR_IO, "%s: there is no such file or folder", path);
    return is_cifar(path) ? kin_cifar_open(&path, 1, false, out, err) : kin_idx_open(path, out, err);
}
