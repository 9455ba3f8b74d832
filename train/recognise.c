#include "train/recognise.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/pages.h"
#include "nn/files/fit.h"
#include "nn/files/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIXES = 8, PREFIX = sizeof(((kin_recognised *)0)->prefix), NAME = 700 };

/* ---- the file's names, sorted ---- */

typedef struct sorted {
    const kin_array **array;
    size_t count;
} sorted;

static int by_name(const void *x, const void *y)
{
    return strcmp((*(const kin_array *const *)x)->name, (*(const kin_array *const *)y)->name);
}

static bool sort(const kin_checkpoint *c, sorted *out, kin_error *err)
{
    size_t count = (size_t)kin_checkpoint_count(c);
    *out = (sorted){kin_alloc_array(count, sizeof *out->array), count};
    if (!out->array) return kin_fail_memory(err, "the names", count * sizeof *out->array);
    for (size_t i = 0; i < count; i++) out->array[i] = kin_checkpoint_array(c, (int)i);
    if (count) qsort(out->array, count, sizeof *out->array, by_name);
    return true;
}

static const kin_array *find(const sorted *s, const char *prefix, const char *name)
{
    char full[NAME];
    kin_array wanted = {.name = full};
    const kin_array *key = &wanted;
    int length = snprintf(full, sizeof full, "%s%s", prefix, name);
    if (length < 0 || (size_t)length >= sizeof full) return NULL;
    const kin_array *const *found = s->count ? bsearch(&key, s->array, s->count, sizeof *s->array, by_name)
                                             : NULL;
    return found ? *found : NULL;
}

/* ---- one network ---- */

/* What stands in the file before the network's first name. */
static int prefixes_of(const sorted *s, const char *first, char prefix[PREFIXES][PREFIX])
{
    size_t tail = strlen(first);
    int count = 1;
    prefix[0][0] = '\0';
    for (size_t i = 0; i < s->count && count < PREFIXES; i++) {
        const char *name = s->array[i]->name;
        size_t whole = strlen(name);
        if (whole <= tail + 1 || whole - tail > 120 || name[whole - tail - 1] != '.' ||
            strcmp(name + whole - tail, first) != 0)
            continue;
        snprintf(prefix[count++], PREFIX, "%.*s", (int)(whole - tail), name);
    }
    return count;
}

static int64_t classes_of(const sorted *s, const char *prefix, const kin_model *m)
{
    char name[200];
    snprintf(name, sizeof name, "%.100s.weight", m->classifier ? m->classifier : "classifier");
    const kin_array *a = find(s, prefix, name);
    return a && a->ndim >= 2 ? a->shape[0] : 0;
}

/* Better: it fits where the other does not, or has more that fits; among those that do not, more names. */
static void consider(const sorted *s, const kin_model *m, kin_module *module, const char prefix[PREFIX],
                     int64_t channels, kin_recognised *best, int *best_names)
{
    int entries = kin_module_entries(module), found = 0, names = 0;
    for (int i = 0; i < entries; i++) {
        kin_entry *e = kin_module_entry(module, i);
        const kin_array *a = find(s, prefix, e->name);
        names += a != NULL;
        found += a && kin_checkpoint_fits(a, e);
    }
    bool whole = entries > 0 && found == entries;
    bool better = whole ? !best->model || found > best->found
                        : !best->model && names > 0 &&
                              (found > best->found || (found == best->found && names > *best_names));
    if (!better) return;
    *best = (kin_recognised){.model = whole ? m : NULL,
                             .like = whole ? NULL : m,
                             .found = found,
                             .of = entries,
                             .channels = channels,
                             .classes = classes_of(s, prefix, m)};
    memcpy(best->prefix, prefix, PREFIX);
    *best_names = names;
}

static bool try_network(const sorted *s, const kin_model *m, int64_t channels, kin_recognised *best,
                        int *best_names, kin_error *err)
{
    kin_model_choice t = {.model = m};
    char prefix[PREFIXES][PREFIX] = {{0}};
    kin_ctx *ctx = kin_ctx_new();
    kin_module *module = ctx ? kin_module_outline(ctx, kin_model_features_net, &t,
                                                  KIN_SHAPE(2, m->size, m->size, channels))
                             : NULL;
    bool ok = module || (ctx ? kin_take_error(ctx, err) : kin_fail_memory(err, "a context", 1));
    int count = module && kin_module_entries(module)
                    ? prefixes_of(s, kin_module_entry(module, 0)->name, prefix)
                    : 0;
    for (int i = 0; i < count; i++) consider(s, m, module, prefix[i], channels, best, best_names);
    kin_module_free(module);
    kin_ctx_free(ctx);
    return ok;
}

bool kin_recognise(kin_checkpoint *c, const kin_catalogue *own, kin_recognised *out, kin_error *err)
{
    sorted s;
    const kin_model *m;
    int names = 0;
    *out = (kin_recognised){0};
    kin_import_old_names(c);
    bool ok = sort(c, &s, err);
    for (int i = 0; ok && (m = kin_catalogue_each_model(own, i)); i++)
        ok = try_network(&s, m, m->channels, out, &names, err) &&
             (m->channels == 3 || try_network(&s, m, 3, out, &names, err));
    kin_free(s.array);
    return ok;
}

/* ---- numbers ---- */

static void add_number(kin_sha256 *sum, uint64_t value, int bytes)
{
    uint8_t text[8];
    for (int i = 0; i < bytes; i++) text[i] = (uint8_t)(value >> 8 * i);
    kin_sha256_add(sum, text, (size_t)bytes);
}

bool kin_numbers_digest(const kin_checkpoint *c, char text[KIN_SHA256_TEXT], kin_error *err)
{
    sorted s;
    kin_sha256 sum;
    if (!sort(c, &s, err)) return false;
    kin_sha256_begin(&sum);
    for (size_t i = 0; i < s.count; i++) {
        const kin_array *a = s.array[i];
        if (!kin_dtype_is_real(a->dtype)) continue;
        kin_sha256_add(&sum, a->name, strlen(a->name) + 1);
        add_number(&sum, (uint64_t)a->ndim, 8);
        for (int d = 0; d < a->ndim; d++) add_number(&sum, (uint64_t)a->shape[d], 8);
        for (size_t k = 0; k < a->count; k++) {
            float value = (float)kin_array_number(a, k);
            uint32_t bits;
            memcpy(&bits, &value, sizeof bits);
            add_number(&sum, bits, 4);
        }
    }
    kin_sha256_end(&sum, text);
    kin_free(s.array);
    return true;
}

uint64_t kin_numbers_odd(const kin_checkpoint *c, uint64_t *count)
{
    uint64_t odd = 0;
    *count = 0;
    for (int i = 0; i < kin_checkpoint_count(c); i++) {
        const kin_array *a = kin_checkpoint_array(c, i);
        if (!kin_dtype_is_real(a->dtype)) continue;
        *count += a->count;
        for (size_t k = 0; k < a->count; k++) odd += !isfinite(kin_array_number(a, k));
    }
    return odd;
}

/* ---- the file ---- */

bool kin_weights_digest(const char *path, char text[KIN_SHA256_TEXT], uint64_t *bytes, kin_error *err)
{
    char *archive;
    const char *member = NULL;
    kin_bytes file;
    kin_sha256 sum;
    if (!kin_import_split(path, &archive, &member, err)) return false;
    bool ok = kin_map_file(archive ? archive : path, &file, err);
    kin_free(archive);
    if (!ok) return false;
    kin_sha256_begin(&sum);
    kin_sha256_add(&sum, file.data, file.size);
    kin_sha256_end(&sum, text);
    if (bytes) *bytes = file.size;
    kin_bytes_free(&file);
    return true;
}
