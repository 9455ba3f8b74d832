/* Large checkpoints come in several files with an index beside them, model.safetensors.index.json: a JSON
 * object whose "weight_map" says for each array which file holds it. */
#include "base/memory.h"
#include "base/pages.h"
#include "base/text.h"
#include "nn/files/import_parts.h"

#include <stdlib.h>
#include <string.h>

/* parsed JSON takes up to 64 times its text */
enum { INDEX_MAX = 16 << 20, FILES_MAX = 4096 };

bool kin_shards_are(const kin_bytes *file)
{
    size_t i = 0;
    /* a safetensors file may begin with this byte too: it is the length of its header, with zeros in it */
    if (file->size < 8 || memchr(file->data, 0, 8)) return false;
    while (i < 8 && strchr(" \t\r\n", file->data[i])) i++;
    return i < 8 && file->data[i] == '{';
}

static int by_file(const void *x, const void *y)
{
    const kin_json *a = *(const kin_json *const *)x, *b = *(const kin_json *const *)y;
    int order = strcmp(a->text, b->text);
    return order ? order : strcmp(a->key, b->key);
}

static int by_name(const void *x, const void *y)
{
    return strcmp((*(const kin_array *const *)x)->name, (*(const kin_array *const *)y)->name);
}

/* The entries of the map, by file. */
static const kin_json **sorted_map(kin_checkpoint *c, size_t *count, kin_error *err)
{
    if (c->file.size > INDEX_MAX)
        return kin_fail(err, KIN_ERR_DATA, "an index of %zu bytes; at most %d were expected", c->file.size,
                        INDEX_MAX),
               NULL;
    const kin_json *top = kin_json_parse((const char *)c->file.data, c->file.size, &c->arena, err);
    if (!top) return NULL;
    const kin_json *map = kin_json_get(top, "weight_map");
    if (!map || map->kind != KIN_JSON_OBJECT || !map->count)
        return kin_fail(err, KIN_ERR_DATA,
                        "JSON, but no index of weights: it has no \"weight_map\" of names and files"),
               NULL;
    const kin_json **entries = kin_alloc_array(map->count, sizeof *entries);
    if (!entries) return kin_fail_memory(err, "an index", map->count * sizeof *entries), NULL;
    *count = 0;
    for (const kin_json *e = map->first; e; e = e->next) {
        /* beside the index, nowhere else */
        if (e->kind != KIN_JSON_STRING || !e->length || strchr(e->text, '/') || strcmp(e->text, "..") == 0) {
            kin_free(entries);
            kin_fail(err, KIN_ERR_DATA, "its weight_map names no file beside it for %.100s", e->key);
            return NULL;
        }
        entries[(*count)++] = e;
    }
    qsort(entries, *count, sizeof *entries, by_file);
    return entries;
}

/* Takes the arrays that these entries name out of one file, which c then owns. */
static bool take_part(kin_checkpoint *c, kin_checkpoint *part, const kin_json *const *entries, size_t count,
                      kin_import_info *info, kin_error *err)
{
    const kin_array **known = kin_alloc_array(part->count, sizeof *known);
    bool ok = known || kin_fail_memory(err, "the names", part->count * sizeof *known);
    for (size_t i = 0; ok && i < part->count; i++) known[i] = &part->arrays[i];
    if (ok && part->count) qsort(known, part->count, sizeof *known, by_name);
    for (size_t i = 0; ok && i < count; i++) {
        kin_array wanted = {.name = entries[i]->key};
        const kin_array *key = &wanted, *const *found = part->count ? bsearch(&key, known, part->count,
                                                                              sizeof *known, by_name)
                                                                    : NULL;
        kin_array *a = found ? kin_checkpoint_add(c, wanted.name, strlen(wanted.name), err) : NULL;
        if (a) {
            const char *name = a->name;
            *a = **found;
            a->name = name;
        }
        ok = a || kin_fail(err, KIN_ERR_DATA, "holds no %.100s, which the index says it does", wanted.name);
    }
    if (ok) info->left_out += (int)(part->count - count);
    kin_free(known);
    return ok;
}

static bool read_part(kin_checkpoint *c, const char *path, const kin_json *const *entries, size_t count,
                      const kin_import_opt *opt, kin_import_info *info, kin_error *err)
{
    kin_bytes file;
    kin_error inner = {0};
    if (!kin_map_file(path, &file, err)) return false;
    kin_checkpoint *part = kin_checkpoint_new(&file, err);
    if (!part) return false;
    if (!kin_grow((void **)&c->parts, c->n_parts, &c->parts_capacity, sizeof *c->parts)) {
        kin_checkpoint_free(part);
        return kin_fail_memory(err, "the files of an index", (c->n_parts + 1) * sizeof *c->parts);
    }
    c->parts[c->n_parts++] = part;
    c->source += part->source;
    bool ok = kin_import_form(part, opt, info, &inner) && kin_checkpoint_names(part, &inner) &&
              take_part(c, part, entries, count, info, &inner);
    if (!ok) kin_error_prefix(&inner, "%s", path);
    return ok || kin_fail(err, inner.code, "%s", inner.message);
}

bool kin_shards_read(kin_checkpoint *c, const char *path, const kin_import_opt *opt, kin_import_info *info,
                     kin_error *err)
{
    size_t count = 0, files = 0;
    const kin_json **entries = sorted_map(c, &count, err);
    bool ok = entries != NULL;
    for (size_t first = 0, end; ok && first < count; first = end) {
        for (end = first + 1; end < count && strcmp(entries[end]->text, entries[first]->text) == 0;) end++;
        if (++files > FILES_MAX)
            ok = kin_fail(err, KIN_ERR_DATA, "an index of more than %d files", FILES_MAX);
        kin_text beside = {0};
        const char *slash = strrchr(path, '/');
        kin_text_format(&beside, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, entries[first]->text);
        ok = ok && (!beside.failed || kin_fail_memory(err, path, strlen(path))) &&
             read_part(c, beside.data, entries + first, end - first, opt, info, err);
        kin_text_free(&beside);
    }
    kin_free(entries);
    info->files = (int)files;
    return ok;
}
