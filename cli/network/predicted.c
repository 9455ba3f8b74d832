#include "cli/network/predicted.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/memory.h"
#include "nn/files/checkpoint.h"
#include "train/run_folder.h"

#include <string.h>

char *kin_trained_names(const char *model)
{
    kin_checkpoint *run = NULL;
    kin_error ignored = {0};
    char *file = kin_is_folder(model) ? kin_run_model(model) : kin_strdup(model);
    bool open = file && kin_exists(file) && kin_checkpoint_open(file, &run, &ignored);
    const char *names = open ? kin_checkpoint_note(run, "data.classes") : NULL;
    char *copy = names && *names ? kin_strdup(names) : NULL;
    kin_checkpoint_free(run);
    kin_free(file);
    return copy;
}

/* The lines of a text of its own, ended by zeros in place. */
static int64_t cut(char *names, const char **line, int64_t room)
{
    int64_t n = 0;
    for (char *p = names; *p; n++) {
        if (n < room) line[n] = p;
        p += strcspn(p, "\n");
        if (*p) *p++ = 0;
    }
    return n;
}

static int64_t likeliest(const float *row, int64_t dim)
{
    int64_t best = 0;
    for (int64_t c = 1; c < dim; c++)
        if (row[c] > row[best]) best = c;
    return best;
}

static bool is_among(const char *const *line, int64_t n, const char *name)
{
    for (int64_t i = 0; i < n; i++)
        if (strcmp(line[i], name) == 0) return true;
    return false;
}

static void put_rows(FILE *to, const char *const *line, const kin_dataset *set, const int64_t *which,
                     kin_vectors rows, int64_t *known, int64_t *right)
{
    fputs("id,predicted,probability,label\n", to);
    for (int64_t i = 0; i < rows.count; i++) {
        const kin_sample *item = &set->items[which ? which[i] : i];
        const float *row = rows.data + i * rows.dim;
        int64_t best = likeliest(row, rows.dim);
        const char *label = item->label < 0 || !set->class_names ? "" : set->class_names[item->label];
        kin_csv_put(to, item->id), fputc(',', to);
        kin_csv_put(to, line[best]);
        fprintf(to, ",%.4f,", (double)row[best]);
        kin_csv_put(to, label), fputc('\n', to);
        if (*label && is_among(line, rows.dim, label)) ++*known, *right += strcmp(label, line[best]) == 0;
    }
}

static bool write(const char *path, const char *const *line, const kin_dataset *set, const int64_t *which,
                  kin_vectors rows, int64_t *known, int64_t *right, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    put_rows(file.stream, line, set, which, rows, known, right);
    return kin_file_commit(&file, err);
}

bool kin_predicted_write(const kin_cli *cli, const char *path, const char *names, const kin_dataset *set,
                         const int64_t *which, kin_vectors rows, kin_error *err)
{
    char *copy = kin_strdup(names);
    const char **line = kin_alloc_array((size_t)rows.dim, sizeof *line);
    int64_t known = 0, right = 0, n = copy && line ? cut(copy, line, rows.dim) : 0;
    bool ok = (copy && line) ||
              kin_fail_memory(err, "the names of the classes", (size_t)rows.dim * sizeof *line);
    if (ok && n != rows.dim)
        ok = kin_fail(err, KIN_ERR_DATA,
                      "--names: the network knows %lld classes, and its checkpoint the names of %lld",
                      (long long)rows.dim, (long long)n);
    ok = ok && write(path, line, set, which, rows, &known, &right, err);
    if (ok && known)
        kin_cli_note(cli, "%lld of %lld pictures of classes that the network knows are called by their name",
                     (long long)right, (long long)known);
    kin_free(line), kin_free(copy);
    return ok;
}
