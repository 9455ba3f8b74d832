/* NumPy's .npz: an archive of .npy files, one an array; and folders of them. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/npy.h"
#include "nn/files/import_parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".npy";
enum { SUFFIX = sizeof suffix - 1, FOLDER_MAX = 1 << 20 };

static kin_dtype dtype_of(const kin_npy_layout *l)
{
    static const struct {
        char kind;
        size_t item;
        kin_dtype dtype;
    } known[] = {{'f', 8, KIN_F64}, {'f', 4, KIN_F32}, {'f', 2, KIN_F16}, {'i', 8, KIN_I64},
                 {'i', 4, KIN_I32}, {'i', 2, KIN_I16}, {'i', 1, KIN_I8},  {'u', 8, KIN_U64},
                 {'u', 4, KIN_U32}, {'u', 2, KIN_U16}, {'u', 1, KIN_U8},  {'b', 1, KIN_BOOL}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].kind == l->kind && known[i].item == l->item) return known[i].dtype;
    return KIN_DTYPE_NONE;
}

bool kin_npy_add(kin_checkpoint *c, const char *name, size_t name_length, const uint8_t *bytes, size_t size,
                 kin_error *err)
{
    kin_npy_layout l;
    kin_array *a = kin_checkpoint_add(c, name, name_length, err);
    if (!a || !kin_npy_describe(bytes, size, a->name, &l, err)) return false;
    a->dtype = dtype_of(&l);
    a->ndim = l.dims;
    memcpy(a->shape, l.shape, (size_t)l.dims * sizeof *l.shape);
    if (!kin_array_count(a->ndim, a->shape, l.item, &a->count))
        return kin_fail(err, KIN_ERR_DATA, "%.100s: the shape in its header is larger than any memory",
                        a->name);
    if (a->count * l.item > size - l.offset)
        return kin_fail(err, KIN_ERR_DATA,
                        "%.100s: cut off: its header promises %zu bytes of numbers, the file holds %zu",
                        a->name, a->count * l.item, size - l.offset);
    int64_t stride[KIN_ARRAY_DIMS], step = 1;
    for (int i = 0; i < a->ndim && a->count; i++) {
        int d = l.fortran ? i : a->ndim - 1 - i;
        stride[d] = step;
        step *= a->shape[d];
    }
    if (a->count) return kin_checkpoint_place(c, a, bytes + l.offset, stride, l.big_endian, err);
    a->data = bytes;
    return true;
}

static bool is_npy(const char *name)
{
    return strlen(name) > SUFFIX && strcmp(name + strlen(name) - SUFFIX, suffix) == 0;
}

bool kin_npz_is(const kin_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++)
        if (is_npy(zip->entries[i].name)) return true;
    return false;
}

bool kin_npz_read(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt, kin_import_info *info,
                  kin_error *err)
{
    if (!kin_npz_is(zip))
        return kin_fail(err, KIN_ERR_DATA,
                        "an archive of neither PyTorch (there is no data.pkl in it) nor NumPy (there is no "
                        ".npy in it), and "
                        "without a file of weights such as .pth");
    for (size_t i = 0; i < zip->count; i++) {
        const kin_zip_entry *e = &zip->entries[i];
        const uint8_t *data;
        kin_npy_layout layout;
        if (!is_npy(e->name)) {
            info->left_out++;
            continue;
        }
        if (!kin_checkpoint_unpack(c, e, &opt->unpacker, &data, err)) return false;
        if (!kin_npy_describe(data, e->size, e->name, &layout, NULL) && layout.foreign) {
            info->left_out++; /* text, dates, records: beside the weights, not among them */
            continue;
        }
        if (!kin_npy_add(c, e->name, strlen(e->name) - SUFFIX, data, e->size, err)) return false;
    }
    if (!c->count) return kin_fail(err, KIN_ERR_DATA, "an archive of NumPy without an array of numbers");
    info->form = "NumPy (.npz)";
    return true;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The names of the .npy files in a folder, sorted; they live in the arena, the list belongs to the caller
 * (kin_free). */
static bool list_folder(DIR *folder, kin_arena *arena, char ***names, size_t *count, kin_error *err)
{
    size_t capacity = 0;
    for (const char *name;;) {
        if (!kin_next_name(folder, "the folder", &name, err)) return false;
        if (!name) break;
        if (!is_npy(name)) continue;
        if (*count == FOLDER_MAX)
            return kin_fail(err, KIN_ERR_DATA, "a folder of more than %d arrays", FOLDER_MAX);
        char *copy = kin_arena_strdup(arena, name);
        if (!copy || !kin_grow((void **)names, *count, &capacity, sizeof **names))
            return kin_fail_memory(err, "a folder's names", strlen(name));
        (*names)[(*count)++] = copy;
    }
    if (*count) qsort(*names, *count, sizeof **names, by_text);
    return *count > 0 || kin_fail(err, KIN_ERR_DATA, "a folder without .npy files");
}

static bool read_one(kin_checkpoint *c, const char *folder, const char *name, kin_import_info *info,
                     kin_error *err)
{
    kin_npy_layout layout;
    kin_bytes bytes = {0};
    char *path = kin_path_join(folder, name);
    if (!path) return kin_fail_memory(err, name, strlen(name));
    bool ok = kin_read_file(path, 0, &bytes, err);
    c->source += bytes.size;
    if (ok && !kin_npy_describe(bytes.data, bytes.size, name, &layout, NULL) && layout.foreign) {
        info->left_out++;
    } else {
        uint8_t *room = ok ? kin_checkpoint_alloc(c, name, bytes.size, err) : NULL;
        if (room && bytes.size) memcpy(room, bytes.data, bytes.size);
        ok = room && kin_npy_add(c, name, strlen(name) - SUFFIX, room, bytes.size, err);
    }
    kin_bytes_free(&bytes);
    kin_free(path);
    return ok;
}

bool kin_npy_read_folder(kin_checkpoint *c, const char *path, kin_import_info *info, kin_error *err)
{
    DIR *folder = opendir(path);
    char **names = NULL;
    size_t count = 0;
    if (!folder) return kin_fail(err, KIN_ERR_IO, "cannot be opened: %s", strerror(errno));
    bool ok = list_folder(folder, &c->arena, &names, &count, err);
    for (size_t i = 0; ok && i < count; i++) ok = read_one(c, path, names[i], info, err);
    if (ok && !c->count) ok = kin_fail(err, KIN_ERR_DATA, "a folder without an array of numbers");
    kin_free(names);
    closedir(folder);
    return ok;
}
