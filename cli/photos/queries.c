#define _POSIX_C_SOURCE 200809L
#include "cli/photos/queries.h"

#include "base/memory.h"
#include "cli/network/kin_network.h"
#include "data/look/look.h"

#include <math.h>
#include <string.h>

extern const kin_command kin_command_index;

static bool is_one_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* "INDEX#PATH": a picture as another index knows it; or the index that is searched, in which it does not find itself. */
static bool take_item(const kin_cli *cli, const char *text, const kin_album *searched, float *row,
                      struct stat *file, char **found, kin_error *err)
{
    const kin_photos *like = &searched->photos;
    const char *mark = strrchr(text, '#');
    kin_album other;
    char *path = kin_strdup(text);
    if (!path) return kin_fail_memory(err, text, strlen(text));
    path[mark - text] = '\0';
    bool ok = kin_album_open(NULL, path, &other, err);
    int64_t item = ok ? kin_album_item(&other, mark + 1) : -1;
    if (ok && item < 0) ok = kin_fail(err, KIN_ERR_ARGUMENT, "%s: has no picture %s", path, mark + 1);
    if (ok && (strcmp(other.photos.options, like->options) != 0 ||
               strcmp(other.photos.weights, like->weights) != 0 || other.photos.dim != like->dim))
        ok = kin_fail(err, KIN_ERR_ARGUMENT, "%s: described by %s, and the index searched by %s", path,
                      other.photos.model, like->model);
    if (ok) memcpy(row, other.photos.rows + item * like->dim, (size_t)like->dim * sizeof *row);
    char *whole = ok ? kin_album_path(&other, item) : NULL;
    if (ok && !whole) ok = kin_fail_memory(err, text, strlen(text));
    if (ok && stat(whole, file) != 0) *file = (struct stat){0};
    if (ok && is_one_file(other.file, searched->file))
        kin_cli_note(cli, "%s: a picture of the very index that is searched; it is not among its own results",
                     text);
    *found = whole;
    if (other.file) kin_album_close(&other);
    kin_free(path);
    return ok;
}

static bool take_file(const char *name, kin_describer *d, float *row, struct stat *file, char **found,
                      kin_error *err)
{
    kin_bytes bytes;
    kin_error inner = {0};
    if (!kin_read_file(name, 0, &bytes, err)) return false;
    bool ok = kin_describer_bytes(d, &bytes, row, &inner);
    kin_bytes_free(&bytes);
    if (stat(name, file) != 0) *file = (struct stat){0};
    else if (S_ISREG(file->st_mode) && !(*found = kin_strdup(name)))
        return kin_fail_memory(err, name, strlen(name));
    return ok || kin_fail(err, inner.code, "%s: %s", strcmp(name, "-") == 0 ? "standard input" : name,
                          inner.message);
}

static double length_of(const float *row, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)row[i] * (double)row[i];
    return sqrt(sum);
}

/* How long its parts are. */
static void measure(const float *row, int64_t dim, double part[3])
{
    part[0] = length_of(row, KIN_LOOK_COLOURS);
    part[1] = length_of(row + KIN_LOOK_COLOURS, KIN_LOOK_GRADIENTS);
    part[2] = length_of(row + KIN_LOOK_DIM, dim - KIN_LOOK_DIM);
}

/* The largest product of the first row with any of the index. */
static double longest(const kin_find_queries *q, int64_t dim)
{
    double part[3];
    measure(q->rows, dim, part);
    return part[0] * q->part[0] + part[1] * q->part[1] + part[2] * q->part[2];
}

bool kin_find_average(kin_find_queries *q, int64_t dim, kin_error *err)
{
    for (int64_t d = 0; d < dim; d++) {
        double mean = 0;
        for (int64_t i = 0; i < q->count; i++) mean += (double)q->rows[i * dim + d];
        q->rows[d] = (float)(mean / (double)q->count);
    }
    double length = kin_find_all_grey(q, false) ? longest(q, dim) : length_of(q->rows, dim);
    if (!(length > 1e-6))
        return kin_fail(err, KIN_ERR_NUMERIC, "the average of these pictures has no direction");
    for (int64_t d = 0; d < dim; d++) q->rows[d] = (float)((double)q->rows[d] / length);
    return true;
}

/* Of a picture that has none. */
static bool leave_colours(const kin_photos *p, float *row, double part[3])
{
    double before[3];
    bool joined = kin_photos_joined(p);
    if (!joined && (*p->weights || p->dim != KIN_LOOK_DIM)) return false;
    measure(row, p->dim, before);
    if (!(joined ? kin_network_joined_grey(row) : kin_look_grey(row))) return false;
    memcpy(part, before, sizeof before);
    return true;
}

static bool is_item(const char *name)
{
    return strcmp(name, "-") != 0 && !kin_exists(name) && strchr(name, '#');
}

bool kin_find_queries_take(const kin_cli *cli, const kin_album *album, kin_find_queries *q, kin_error *err)
{
    const kin_photos *p = &album->photos;
    kin_describer d = {0};
    bool opened = false, ok = true;
    q->count = cli->positionals;
    q->name = kin_alloc_array((size_t)q->count, sizeof *q->name);
    q->path = kin_alloc_zero((size_t)q->count, sizeof *q->path);
    q->rows = kin_alloc_array((size_t)q->count, (size_t)p->dim * sizeof *q->rows);
    q->file = kin_alloc_zero((size_t)q->count, sizeof *q->file);
    q->grey = kin_alloc_zero((size_t)q->count, sizeof *q->grey);
    if (!q->name || !q->path || !q->rows || !q->file || !q->grey)
        return kin_fail_memory(err, "the pictures", (size_t)q->count * 4096);
    for (int64_t i = 0; ok && i < q->count; i++) {
        q->name[i] = cli->positional[i];
        float *row = q->rows + i * p->dim;
        bool item = is_item(q->name[i]);
        if (!item && !opened) ok = opened = kin_describer_open_like(&kin_command_index, cli, p, &d, err);
        ok = ok && (item ? take_item(cli, q->name[i], album, row, &q->file[i], &q->path[i], err)
                         : take_file(q->name[i], &d, row, &q->file[i], &q->path[i], err));
        q->grey[i] = ok && leave_colours(p, row, q->part);
        if (q->grey[i]) kin_cli_note(cli, "%s: has no colours, and is compared without", q->name[i]);
    }
    kin_describer_close(&d);
    return ok;
}

bool kin_find_all_grey(const kin_find_queries *q, bool each)
{
    int64_t grey = 0;
    for (int64_t i = 0; i < q->count; i++) grey += q->grey[i];
    return each ? grey == q->count : grey > 0;
}

void kin_find_queries_free(kin_find_queries *q)
{
    for (int64_t i = 0; q->path && i < q->count; i++) kin_free(q->path[i]);
    kin_free(q->name), kin_free(q->path), kin_free(q->rows), kin_free(q->file), kin_free(q->grey);
    *q = (kin_find_queries){0};
}
