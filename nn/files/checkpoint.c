/* safetensors: eight bytes with the header's length, the header (a JSON object: name → dtype, shape,
 * data_offsets), and the numbers, little-endian, one after the other. */
#include "nn/files/checkpoint.h"

#include "base/memory.h"
#include "base/pages.h"
#include "base/text.h"
#include "nn/files/import_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* parsed JSON takes up to 64 times its text; 16 MB are a hundred thousand names */
enum { HEADER_MAX = 16 << 20, NAMES_SHOWN = 20 };
static const int64_t STEPS_MAX = INT64_C(1) << 53; /* so that counting on never overflows */
static const char optimizer_prefix[] = "optimizer.";

/* ---- writing ---- */

/* PyTorch's shape and order of an entry: HWIO becomes OIHW. */
static kin_shape file_shape(const kin_entry *e)
{
    kin_shape s = kin_shape_of(e->tensor);
    return e->layout == KIN_LAYOUT_HWIO ? KIN_SHAPE(s.dim[3], s.dim[2], s.dim[0], s.dim[1]) : s;
}

/* Where number i of the file lies in memory. */
static int64_t memory_index(const kin_entry *e, int64_t i)
{
    if (e->layout != KIN_LAYOUT_HWIO) return i;
    kin_shape s = kin_shape_of(e->tensor);
    int64_t kw = s.dim[1], in = s.dim[2], out = s.dim[3], area = s.dim[0] * kw, tap = i % area,
            channel = i / area % in, o = i / area / in;
    return (tap * in + channel) * out + o;
}

typedef struct writer {
    kin_text header;
    size_t offset;
    FILE *stream;
} writer;

static void describe(writer *w, const char *name, kin_dtype dtype, int ndim, const int64_t *shape,
                     size_t count)
{
    kin_text_add(&w->header, w->header.size > 1 ? "," : "");
    kin_json_add_string(&w->header, name);
    kin_text_format(&w->header, ":{\"dtype\":\"%s\",\"shape\":[", kin_dtype_name(dtype));
    for (int i = 0; i < ndim; i++) kin_text_format(&w->header, "%s%lld", i ? "," : "", (long long)shape[i]);
    size_t bytes = count * kin_dtype_size(dtype);
    kin_text_format(&w->header, "],\"data_offsets\":[%zu,%zu]}", w->offset, w->offset + bytes);
    w->offset += bytes;
}

static void describe_entry(writer *w, const kin_entry *e)
{
    kin_shape shape = file_shape(e);
    describe(w, e->name, KIN_F32, shape.ndim, shape.dim, (size_t)kin_shape_count(shape));
}

static void describe_slab(writer *w, kin_module *m, const char *name)
{
    char full[64];
    int64_t count = kin_module_slab_count(m);
    snprintf(full, sizeof full, "%s%s", optimizer_prefix, name);
    describe(w, full, KIN_F32, 1, &count, (size_t)count);
}

static void put_float(FILE *stream, double value)
{
    float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    fwrite(bytes, 1, 4, stream);
}

/* Ends the header, opens the file and writes it. */
static bool begin_file(writer *w, kin_file *file, const char *path, kin_error *err)
{
    kin_text_add(&w->header, "}");
    while (w->header.size % 8 && !w->header.failed)
        kin_text_add(&w->header, " "); /* so that the numbers are aligned */
    if (w->header.failed) return kin_fail_memory(err, "a checkpoint's header", w->header.size);
    if (!kin_file_create(file, path, err)) return false;
    w->stream = file->stream;
    for (int i = 0; i < 8; i++) fputc((int)((uint64_t)w->header.size >> (8 * i) & 255), w->stream);
    fwrite(w->header.data, 1, w->header.size, w->stream);
    return true;
}

static void add_metadata(writer *w, const kin_note *notes, int n_notes, int64_t steps)
{
    kin_text_add(&w->header, "{\"__metadata__\":{\"format\":\"pt\"");
    if (steps >= 0) kin_text_format(&w->header, ",\"optimizer.steps\":\"%lld\"", (long long)steps);
    for (int i = 0; i < n_notes; i++) {
        kin_text_add(&w->header, ",");
        kin_json_add_string(&w->header, notes[i].key);
        kin_text_add(&w->header, ":");
        kin_json_add_string(&w->header, notes[i].value);
    }
    kin_text_add(&w->header, "}");
}

static void write_numbers(writer *w, kin_module *m, kin_optim *optim)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        const kin_real *data = kin_data(e->tensor);
        for (int64_t k = 0; k < kin_count(e->tensor); k++)
            put_float(w->stream, (double)data[memory_index(e, k)]);
    }
    for (int slab = 0; optim && slab < kin_optim_slabs(optim); slab++)
        for (int64_t k = 0; k < kin_module_slab_count(m); k++)
            put_float(w->stream, (double)kin_optim_slab(optim, slab)[k]);
}

bool kin_checkpoint_save(const char *path, kin_module *m, kin_optim *optim, const kin_note *notes,
                         int n_notes, kin_error *err)
{
    writer w = {0};
    kin_file file;
    if (kin_module_is_sealed(m))
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "%s: a sealed network's weights are gone and cannot be written", path);
    add_metadata(&w, notes, n_notes, optim ? kin_optim_steps(optim) : -1);
    for (int i = 0; i < kin_module_entries(m); i++) describe_entry(&w, kin_module_entry(m, i));
    for (int slab = 0; optim && slab < kin_optim_slabs(optim); slab++)
        describe_slab(&w, m, kin_optim_slab_name(optim, slab));
    bool ok = begin_file(&w, &file, path, err);
    if (ok) {
        write_numbers(&w, m, optim);
        ok = kin_file_commit(&file, err);
    }
    kin_text_free(&w.header);
    return ok;
}

/* Real numbers of other widths become float32, integers keep their type. */
static kin_dtype written_dtype(const kin_array *a)
{
    return kin_dtype_is_real(a->dtype) ? KIN_F32 : a->dtype;
}

static void write_array(FILE *stream, const kin_array *a)
{
    if (kin_dtype_is_real(a->dtype) && a->dtype != KIN_F32)
        for (size_t i = 0; i < a->count; i++) put_float(stream, kin_array_number(a, i));
    else if (a->count) fwrite(a->data, kin_dtype_size(a->dtype), a->count, stream);
}

bool kin_arrays_write(const kin_array *arrays, size_t count, const char *path, const kin_note *notes,
                      int n_notes, kin_error *err)
{
    writer w = {0};
    kin_file file;
    add_metadata(&w, notes, n_notes, -1);
    for (size_t i = 0; i < count; i++)
        describe(&w, arrays[i].name, written_dtype(&arrays[i]), arrays[i].ndim, arrays[i].shape,
                 arrays[i].count);
    bool ok = begin_file(&w, &file, path, err);
    if (ok) {
        for (size_t i = 0; i < count; i++) write_array(w.stream, &arrays[i]);
        ok = kin_file_commit(&file, err);
    }
    kin_text_free(&w.header);
    return ok;
}

bool kin_checkpoint_write(const kin_checkpoint *c, const char *path, const kin_note *notes, int n_notes,
                          kin_error *err)
{
    return kin_arrays_write(c->arrays, c->count, path, notes, n_notes, err);
}

/* ---- reading ---- */

/* As the format's reference reads it: 4.0 is no size. */
static bool read_size(const kin_json *v, int64_t *out)
{
    return v && v->whole && kin_json_integer(v, 0, 9e15, out);
}

static bool read_shape(kin_array *a, const kin_json *shape, kin_error *err)
{
    if (!shape || shape->kind != KIN_JSON_ARRAY)
        return kin_fail(err, KIN_ERR_DATA, "%.100s has no shape", a->name);
    if (shape->count > KIN_ARRAY_DIMS)
        return kin_fail(err, KIN_ERR_DATA, "%.100s has %zu axes; up to %d are read", a->name, shape->count,
                        KIN_ARRAY_DIMS);
    for (const kin_json *d = shape->first; d; d = d->next)
        if (!read_size(d, &a->shape[a->ndim++]))
            return kin_fail(err, KIN_ERR_DATA, "%.100s has an impossible shape", a->name);
    return kin_array_count(a->ndim, a->shape, kin_dtype_size(a->dtype), &a->count) ||
           kin_fail(err, KIN_ERR_DATA, "%.100s has an impossible shape", a->name);
}

static bool read_array(kin_array *a, const kin_json *entry, const uint8_t *data, size_t data_size,
                       kin_error *err)
{
    int64_t begin, end;
    const kin_json *dtype = kin_json_get(entry, "dtype"), *offsets = kin_json_get(entry, "data_offsets");
    a->dtype = dtype && dtype->kind == KIN_JSON_STRING ? kin_dtype_find(dtype->text) : KIN_DTYPE_NONE;
    if (!a->dtype)
        return kin_fail(err, KIN_ERR_DATA,
                        "%.100s has an unknown dtype; F64, F32, F16, BF16, integers and BOOL are read",
                        a->name);
    if (!read_shape(a, kin_json_get(entry, "shape"), err)) return false;
    if (!offsets || offsets->kind != KIN_JSON_ARRAY || offsets->count != 2 ||
        !read_size(offsets->first, &begin) || !read_size(offsets->first->next, &end) || begin > end ||
        (uint64_t)end > data_size)
        return kin_fail(err, KIN_ERR_DATA,
                        "%.100s lies outside the file: it is truncated or its offsets are wrong", a->name);
    if (a->count * kin_dtype_size(a->dtype) != (size_t)(end - begin))
        return kin_fail(err, KIN_ERR_DATA,
                        "%.100s occupies %lld bytes, but its shape and dtype need another number", a->name,
                        (long long)(end - begin));
    a->data = data + begin;
    return true;
}

static const uint8_t *end_of(const kin_array *a) { return a->data + a->count * kin_dtype_size(a->dtype); }

static int by_place(const void *x, const void *y)
{
    const kin_array *a = x, *b = y;
    if (a->data != b->data) return a->data < b->data ? -1 : 1;
    return end_of(a) < end_of(b) ? -1 : end_of(a) > end_of(b);
}

/* The arrays fill the data from the first byte to the last, as the format's reference wants it: what lies
 * between or behind them would be read by nobody, and could be anything. */
static bool no_gaps(kin_checkpoint *c, const uint8_t *data, size_t data_size, kin_error *err)
{
    const uint8_t *at = data;
    if (c->count) qsort(c->arrays, c->count, sizeof *c->arrays, by_place);
    for (size_t i = 0; i < c->count; at = end_of(&c->arrays[i++])) {
        if (c->arrays[i].data < at)
            return kin_fail(err, KIN_ERR_DATA, "%.100s and %.100s overlap", c->arrays[i - 1].name,
                            c->arrays[i].name);
        if (c->arrays[i].data > at)
            return kin_fail(err, KIN_ERR_DATA, "%lld bytes before %.100s belong to no array",
                            (long long)(c->arrays[i].data - at), c->arrays[i].name);
    }
    size_t used = (size_t)(at - data);
    return used == data_size ||
           kin_fail(err, KIN_ERR_DATA, "%zu bytes behind the last array belong to none", data_size - used);
}

static bool read_metadata(kin_checkpoint *c, const kin_json *entry, kin_error *err)
{
    if (entry->kind != KIN_JSON_OBJECT && entry->kind != KIN_JSON_NULL)
        return kin_fail(err, KIN_ERR_DATA, "its __metadata__ is no object of strings");
    for (const kin_json *note = entry->first; note; note = note->next)
        if (note->kind != KIN_JSON_STRING)
            return kin_fail(err, KIN_ERR_DATA, "its __metadata__ holds \"%.100s\", which is no string",
                            note->key);
    c->metadata = entry;
    return true;
}

/* What stands in the place of the header's length, when it is none. */
static bool no_length(const kin_checkpoint *c, uint64_t length, kin_error *err)
{
    const uint8_t *b = c->file.data;
    size_t printable = 0;
    while (printable < 8 && ((b[printable] >= 0x20 && b[printable] < 0x7f) || b[printable] == '\n' ||
                             b[printable] == '\r' || b[printable] == '\t'))
        printable++;
    if (c->file.size > 8 && b[8] == '{' && length <= HEADER_MAX)
        return kin_fail(err, KIN_ERR_DATA,
                        "a truncated safetensors file: its header is %llu bytes long, and %zu are there",
                        (unsigned long long)length, c->file.size - 8);
    if (c->file.size > 8 && b[8] == '{' && length <= c->file.size - 8)
        return kin_fail(err, KIN_ERR_DATA, "its header would be %llu bytes long; at most %d are read",
                        (unsigned long long)length, HEADER_MAX);
    if (printable == 8)
        return kin_fail(
            err, KIN_ERR_DATA,
            "a file of text; weights are safetensors, .pth, .npz, .npy or a *.index.json of them");
    return kin_fail(err, KIN_ERR_DATA,
                    "not a safetensors file: its first eight bytes would be a header's length of %llu",
                    (unsigned long long)length);
}

bool kin_safetensors_read(kin_checkpoint *c, kin_error *err)
{
    uint64_t length = 0;
    if (c->file.size < 8)
        return kin_fail(err, KIN_ERR_DATA, "not a safetensors file: shorter than its first eight bytes");
    for (int i = 7; i >= 0; i--) length = length << 8 | c->file.data[i];
    if (length > HEADER_MAX || length > c->file.size - 8) return no_length(c, length, err);
    if (length && c->file.data[8] != '{')
        return kin_fail(err, KIN_ERR_DATA, "not a safetensors file: its header does not begin with '{'");
    const kin_json *header = kin_json_parse((const char *)c->file.data + 8, (size_t)length, &c->arena, err);
    if (!header) return false;
    if (header->kind != KIN_JSON_OBJECT)
        return kin_fail(err, KIN_ERR_DATA, "not a safetensors file: its header is not an object");
    const uint8_t *data = c->file.data + 8 + length;
    for (const kin_json *entry = header->first; entry; entry = entry->next) {
        if (strcmp(entry->key, "__metadata__") == 0) {
            if (!read_metadata(c, entry, err)) return false;
            continue;
        }
        kin_array *a = kin_checkpoint_add(c, entry->key, strlen(entry->key), err);
        if (!a || !read_array(a, entry, data, c->file.size - 8 - (size_t)length, err)) return false;
    }
    return no_gaps(c, data, c->file.size - 8 - (size_t)length, err) && kin_checkpoint_names(c, err);
}

static bool take_file(kin_bytes *file, kin_checkpoint **out, kin_error *err)
{
    kin_checkpoint *c = kin_checkpoint_new(file, err);
    *out = NULL;
    if (!c) return false;
    if (kin_safetensors_read(c, err)) {
        *out = c;
        return true;
    }
    kin_checkpoint_free(c);
    return false;
}

bool kin_checkpoint_open(const char *path, kin_checkpoint **out, kin_error *err)
{
    kin_bytes file;
    kin_error inner = {0};
    *out = NULL;
    if (!kin_map_file(path, &file, err)) return false;
    if (take_file(&file, out, &inner)) return true;
    kin_error_prefix(&inner, "%s", path);
    return kin_fail(err, inner.code, "%s", inner.message);
}

bool kin_checkpoint_parse(const uint8_t *bytes, size_t size, kin_checkpoint **out, kin_error *err)
{
    kin_bytes copy = {kin_alloc(size), size};
    *out = NULL;
    if (!copy.data) return kin_fail_memory(err, "a checkpoint", size);
    if (size) memcpy(copy.data, bytes, size);
    return take_file(&copy, out, err);
}

const char *kin_checkpoint_note(const kin_checkpoint *c, const char *key)
{
    const kin_json *note = kin_json_get(c->metadata, key);
    return note && note->kind == KIN_JSON_STRING ? note->text : NULL;
}

size_t kin_checkpoint_notes(const kin_checkpoint *c, kin_note *notes, size_t most)
{
    size_t count = 0;
    for (const kin_json *note = c->metadata ? c->metadata->first : NULL; note; note = note->next) {
        if (strcmp(note->key, "format") == 0) continue;
        if (count < most) notes[count] = (kin_note){note->key, note->text};
        count++;
    }
    return count;
}

/* ---- values into modules ---- */

static bool matches(const char *globs, const char *name) { return globs && kin_glob_any(globs, name); }

static bool passed_over(const char *name, const char *allow_missing)
{
    static const char counter[] = "num_batches_tracked";
    size_t length = strlen(name);
    return strncmp(name, optimizer_prefix, sizeof optimizer_prefix - 1) == 0 ||
           (length >= sizeof counter - 1 && strcmp(name + length - (sizeof counter - 1), counter) == 0) ||
           matches(allow_missing, name);
}

typedef struct differences {
    kin_text missing, unexpected, shapes;
    int n_missing, n_unexpected, n_shapes, limit;
} differences;

/* Up to `limit` of them in one line; without a limit, all, one a line. */
static void note_name(const differences *d, kin_text *list, int *count, const char *name)
{
    if (!d->limit) kin_text_format(list, "  %s\n", name);
    else if (*count < d->limit) kin_text_format(list, "%s%s", list->size ? ", " : "", name);
    ++*count;
}

static const char *array_shape_text(const kin_array *a, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "[");
    for (int i = 0; i < a->ndim && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%lld", i ? ", " : "", (long long)a->shape[i]);
    if (used < size) snprintf(buffer + used, size - used, "]");
    return buffer;
}

static bool same_shape(const kin_array *a, kin_shape s)
{
    return a->ndim == s.ndim && memcmp(a->shape, s.dim, (size_t)s.ndim * sizeof *s.dim) == 0;
}

bool kin_checkpoint_fits(const kin_array *a, const kin_entry *e)
{
    return kin_dtype_is_real(a->dtype) && same_shape(a, file_shape(e));
}

void kin_checkpoint_leave(kin_checkpoint *c, kin_module *m, const char *patterns)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        kin_entry *e = matches(patterns, c->arrays[i].name) ? kin_module_find(m, c->arrays[i].name) : NULL;
        if (!e || kin_checkpoint_fits(&c->arrays[i], e)) c->arrays[kept++] = c->arrays[i];
    }
    c->count = kept;
}

static void compare(const kin_checkpoint *c, kin_module *m, const char *allow_missing, differences *d)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        const kin_array *a = kin_checkpoint_find(c, e->name);
        if (!a) {
            if (!matches(allow_missing, e->name)) note_name(d, &d->missing, &d->n_missing, e->name);
            continue;
        }
        if (kin_checkpoint_fits(a, e)) continue;
        char text[400], have[100], want[100];
        snprintf(text, sizeof text, "%.120s is %s %s here and %s in the network", e->name,
                 kin_dtype_name(a->dtype), array_shape_text(a, have, sizeof have),
                 kin_shape_text(file_shape(e), want, sizeof want));
        note_name(d, &d->shapes, &d->n_shapes, text);
    }
    for (size_t i = 0; i < c->count; i++)
        if (!passed_over(c->arrays[i].name, allow_missing) && !kin_module_find(m, c->arrays[i].name))
            note_name(d, &d->unexpected, &d->n_unexpected, c->arrays[i].name);
}

static void add_list(const differences *d, kin_text *to, const char *title, const kin_text *list, int count)
{
    if (!count) return;
    if (d->limit)
        kin_text_format(to, "%s%d %s: %s%s", to->size ? "; " : "", count, title, list->data ? list->data : "",
                        count > d->limit ? ", ..." : "");
    else kin_text_format(to, "%d %s:\n%s", count, title, list->data ? list->data : "");
}

static int report(differences *d, kin_text *to)
{
    add_list(d, to, "missing", &d->missing, d->n_missing);
    add_list(d, to, "unexpected", &d->unexpected, d->n_unexpected);
    add_list(d, to, "of another shape", &d->shapes, d->n_shapes);
    kin_text_free(&d->missing);
    kin_text_free(&d->unexpected);
    kin_text_free(&d->shapes);
    /* not by the text, for which memory may be lacking */
    return d->n_missing + d->n_unexpected + d->n_shapes;
}

int kin_checkpoint_differences(const kin_checkpoint *c, kin_module *m, const char *allow_missing,
                               kin_text *list)
{
    differences d = {0};
    compare(c, m, allow_missing, &d);
    return report(&d, list);
}

static bool in_mapped_file(const kin_checkpoint *c, const kin_array *a)
{
    return c->file.mapped && (const uint8_t *)a->data >= c->file.data &&
           (const uint8_t *)a->data < c->file.data + c->file.size;
}

/* What training left when it diverged, or a damaged file: every figure made with it would be NaN. */
static bool all_finite(const kin_checkpoint *c, kin_module *m, kin_error *err)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        const kin_array *a = kin_checkpoint_find(c, kin_module_entry(m, i)->name);
        size_t odd = 0;
        for (size_t k = 0; a && k < a->count; k++) odd += !isfinite((float)kin_array_number(a, k));
        if (odd)
            return kin_fail(err, KIN_ERR_NUMERIC,
                            "these weights are damaged, or of a training that diverged: %zu of the %zu "
                            "numbers of %.100s are NaN or infinite",
                            odd, a->count, a->name);
    }
    return true;
}

bool kin_checkpoint_load(const kin_checkpoint *c, kin_module *m, const char *allow_missing, kin_error *err)
{
    differences d = {.limit = NAMES_SHOWN};
    kin_text line = {0};
    compare(c, m, allow_missing, &d);
    bool same = report(&d, &line) == 0;
    if (!same)
        kin_fail(err, KIN_ERR_DATA, "this checkpoint is of another network: %s",
                 line.failed || !line.data ? "(out of memory for the list)" : line.data);
    kin_text_free(&line);
    if (!same || !all_finite(c, m, err)) return false;
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        const kin_array *a = kin_checkpoint_find(c, e->name);
        kin_real *data = a ? kin_entry_data(e) : NULL;
        for (int64_t k = 0; data && k < kin_count(e->tensor); k++)
            data[memory_index(e, k)] = (kin_real)kin_array_number(a, (size_t)k);
        if (a && in_mapped_file(c, a))
            kin_discard((void *)(uintptr_t)a->data, a->count * kin_dtype_size(a->dtype));
    }
    return true;
}

bool kin_checkpoint_load_optim(const kin_checkpoint *c, kin_optim *o, kin_error *err)
{
    const char *text = kin_checkpoint_note(c, "optimizer.steps");
    int64_t steps;
    if (!text || !kin_parse_int(text, 0, STEPS_MAX, &steps))
        return kin_fail(err, KIN_ERR_DATA,
                        "this checkpoint holds no optimiser state; resume from the run's last.safetensors");
    const kin_array *found[3];
    for (int slab = 0; slab < kin_optim_slabs(o); slab++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", optimizer_prefix, kin_optim_slab_name(o, slab));
        found[slab] = kin_checkpoint_find(c, name);
        int64_t count = kin_optim_slab_count(o);
        if (!found[slab] || !kin_dtype_is_real(found[slab]->dtype) || found[slab]->ndim != 1 ||
            found[slab]->shape[0] != count)
            return kin_fail(
                err, KIN_ERR_DATA,
                "this checkpoint's optimiser state does not fit: %s is missing or not %lld numbers", name,
                (long long)count);
    }
    for (int slab = 0; slab < kin_optim_slabs(o); slab++)
        for (int64_t k = 0; k < kin_optim_slab_count(o); k++)
            kin_optim_slab(o, slab)[k] = (kin_real)kin_array_number(found[slab], (size_t)k);
    kin_optim_set_steps(o, steps);
    return true;
}
