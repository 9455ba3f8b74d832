#include "data/sets/lines.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Without an allocation: what a folder is must not depend on whether there is memory. A pipe of that name
 * is none: whoever reads it waits for ever. */
bool kin_known_has(const char *folder, const char *name)
{
    char path[4096];
    struct stat info;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && stat(path, &info) == 0 &&
           (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
}

/* ---- lines ---- */

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

kin_fields kin_fields_open(const kin_list_file *file, char separator)
{
    kin_fields f = {.name = file->path,
                    .at = (char *)file->bytes.data,
                    .end = (char *)file->bytes.data + file->bytes.size,
                    .separator = separator};
    if (file->bytes.size >= 3 && memcmp(f.at, "\xef\xbb\xbf", 3) == 0) f.at += 3; /* a byte order mark */
    return f;
}

bool kin_fields_fail(kin_fields *f, kin_error *err, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    f->failed = true;
    return kin_fail(err, KIN_ERR_DATA, "%s: line %lld: %s", f->name, (long long)f->line, text);
}

/* Cuts the zero-terminated line up; false when it has too many fields. */
static bool cut(kin_fields *f, char *line)
{
    f->count = 0;
    bool blanks = f->separator == ' ';
    for (;;) {
        while (blank(*line)) line++;
        if (blanks && !*line) return true;
        if (f->count == KIN_FIELDS_MAX) return false;
        f->field[f->count++] = line;
        while (*line && (blanks ? !blank(*line) : *line != f->separator)) line++;
        char *stop = line, more = *line;
        while (stop > f->field[f->count - 1] && blank(stop[-1])) stop--;
        if (more) line++;
        *stop = '\0';
        if (!more) return true;
    }
}

bool kin_fields_next(kin_fields *f, int count, const char *what, kin_error *err)
{
    while (!f->failed && f->at < f->end) {
        char *line = f->at, *stop = memchr(line, '\n', (size_t)(f->end - line));
        f->at = stop ? stop + 1 : f->end;
        if (!stop) stop = f->end; /* where kin_read_file has put a zero byte */
        f->line++;
        if (memchr(line, '\0', (size_t)(stop - line)))
            return kin_fields_fail(f, err, "holds a zero byte; a list is plain text");
        *stop = '\0';
        if (!line[strspn(line, " \t\r")]) continue;
        if (!cut(f, line) || (count && f->count != count))
            return kin_fields_fail(f, err, "is not `%s`", what);
        return true;
    }
    return false;
}

bool kin_fields_int(kin_fields *f, int i, const char *what, int64_t low, int64_t high, int64_t *out,
                    kin_error *err)
{
    if (kin_parse_int(f->field[i], low, high, out)) return true;
    return kin_fields_fail(f, err, "the %s is \"%.60s\"; a number from %lld to %lld was expected", what,
                           f->field[i], (long long)low, (long long)high);
}

/* ---- gathering ---- */

bool kin_path_inside(const char *path)
{
    if (!*path || *path == '/') return false;
    for (const char *at = path; *at; at += *at == '/') {
        size_t length = strcspn(at, "/");
        if (length == 2 && at[0] == '.' && at[1] == '.') return false;
        at += length;
    }
    return true;
}

bool kin_set_builder_add(kin_set_builder *g, kin_fields *f, const char *path, const char *class_name,
                         const kin_sample *like, kin_error *err)
{
    if (!kin_path_inside(path))
        return kin_fields_fail(f, err,
                               "the path \"%.200s\" leads out of the data set's folder; paths are relative "
                               "to it and without \"..\"",
                               path);
    int64_t before = g->paths.count, number = kin_names_add(&g->paths, path);
    if (number >= 0 && number < before)
        return kin_fields_fail(f, err, "the picture \"%.200s\" stands on line %lld already", path,
                               (long long)g->line[number]);
    bool ok = number >= 0 && kin_grow((void **)&g->line, (size_t)number, &g->lines_capacity, sizeof *g->line);
    if (ok) g->line[number] = f->line;
    if (ok && !like) return true;
    ok = ok && kin_grow((void **)&g->class_of_item, (size_t)g->set->count, &g->classes_capacity,
                        sizeof *g->class_of_item);
    const char *copy = ok && class_name ? kin_arena_strdup(&g->set->arena, class_name) : NULL;
    char *full = ok && (copy || !class_name) ? kin_path_join(g->root, path) : NULL;
    if (!full) return kin_fail_memory(err, f->name, (size_t)g->set->count * sizeof(kin_sample));
    g->class_of_item[g->set->count] = copy;
    ok = kin_dataset_add(g->set, path, full, like->label, -1, err);
    kin_free(full);
    if (!ok) return false;
    kin_sample *item = &g->set->items[g->set->count - 1];
    item->camera = like->camera;
    item->role = like->role;
    item->box = like->box;
    return true;
}

bool kin_set_builder_end(kin_set_builder *g, bool ok, const char *const *names, int n, kin_error *err)
{
    if (ok)
        ok = names ? kin_dataset_number_classes(g->set, names, n, err)
                   : kin_dataset_name_classes(g->set, g->class_of_item, err);
    kin_names_free(&g->paths);
    kin_free(g->line);
    kin_free(g->class_of_item);
    *g = (kin_set_builder){0};
    return ok;
}
