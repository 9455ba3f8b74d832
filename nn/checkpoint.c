/* safetensors: eight bytes with the header's length, the header (a JSON object: name → dtype, shape, data_offsets),
 * and the numbers, little-endian, one after the other. */
#include "nn/checkpoint.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100 << 20, NAMES_SHOWN = 20 };
static const int64_t STEPS_MAX = INT64_C(1) << 53; /* so that counting on never overflows */
static const char optimizer_prefix[] = "optimizer.";

typedef struct array {
    const char *name;
    char dtype[8];
    kin_shape shape;     /* as in the file; ndim 0 is a single number */
    int ndim;
    size_t begin, end;   /* in the data */
    const uint8_t *data;
} array;

struct kin_checkpoint {
    kin_bytes file;
    kin_arena arena;
    array *arrays;
    int count;
    const kin_json *metadata;
};

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
    int64_t kw = s.dim[1], in = s.dim[2], out = s.dim[3], area = s.dim[0] * kw, tap = i % area, channel = i / area % in, o = i / area / in;
    return (tap * in + channel) * out + o;
}

typedef struct writer {
    kin_text header;
    size_t offset;
    FILE *stream;
} writer;

static void describe(writer *w, const char *prefix, const char *name, kin_shape shape)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    kin_text_add(&w->header, w->header.size > 1 ? "," : "");
    kin_json_add_string(&w->header, full);
    kin_text_add(&w->header, ":{\"dtype\":\"F32\",\"shape\":[");
    for (int i = 0; i < shape.ndim; i++) kin_text_format(&w->header, "%s%lld", i ? "," : "", (long long)shape.dim[i]);
    size_t bytes = (size_t)kin_shape_count(shape) * sizeof(float);
    kin_text_format(&w->header, "],\"data_offsets\":[%zu,%zu]}", w->offset, w->offset + bytes);
    w->offset += bytes;
}

static void put_float(FILE *stream, double value)
{
    float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    fwrite(bytes, 1, 4, stream);
}

static void write_header(writer *w)
{
    for (int i = 0; i < 8; i++) fputc((int)((uint64_t)w->header.size >> (8 * i) & 255), w->stream);
    fwrite(w->header.data, 1, w->header.size, w->stream);
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
        for (int64_t k = 0; k < kin_count(e->tensor); k++) put_float(w->stream, (double)data[memory_index(e, k)]);
    }
    for (int slab = 0; optim && slab < kin_optim_slabs(optim); slab++)
        for (int64_t k = 0; k < kin_module_slab_count(m); k++) put_float(w->stream, (double)kin_optim_slab(optim, slab)[k]);
}

bool kin_checkpoint_save(const char *path, kin_module *m, kin_optim *optim, const kin_note *notes, int n_notes, kin_error *err)
{
    writer w = {0};
    kin_file file;
    add_metadata(&w, notes, n_notes, optim ? kin_optim_steps(optim) : -1);
    for (int i = 0; i < kin_module_entries(m); i++) describe(&w, "", kin_module_entry(m, i)->name, file_shape(kin_module_entry(m, i)));
    for (int slab = 0; optim && slab < kin_optim_slabs(optim); slab++) describe(&w, optimizer_prefix, kin_optim_slab_name(optim, slab), KIN_SHAPE(kin_module_slab_count(m)));
    kin_text_add(&w.header, "}");
    while (w.header.size % 8 && !w.header.failed) kin_text_add(&w.header, " "); /* so that the numbers are aligned */
    bool ok = !w.header.failed || kin_fail_memory(err, "a checkpoint's header", w.header.size);
    ok = ok && kin_file_create(&file, path, err);
    if (ok) {
        w.stream = file.stream;
        write_header(&w);
        write_numbers(&w, m, optim);
        ok = kin_file_commit(&file, err);
    }
    kin_text_free(&w.header);
    return ok;
}

/* ---- reading ---- */

static size_t item_size(const char *dtype)
{
    static const struct { const char *name; size_t size; } known[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1}, {"U8", 1}, {"BOOL", 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, dtype) == 0) return known[i].size;
    return 0;
}

static bool read_shape(array *a, const kin_json *shape, size_t *count, kin_error *err)
{
    *count = 1;
    if (!shape || shape->kind != KIN_JSON_ARRAY) return kin_fail(err, KIN_ERR_DATA, "%.100s has no shape", a->name);
    a->ndim = 0;
    for (const kin_json *d = shape->first; d; d = d->next) {
        int64_t size;
        if (!kin_json_integer(d, 0, 9e15, &size) || !kin_mul_size(*count, (size_t)size, count)) return kin_fail(err, KIN_ERR_DATA, "%.100s has an impossible shape", a->name);
        if (a->ndim < KIN_MAX_DIMS) a->shape.dim[a->ndim] = size;
        a->ndim++;
    }
    a->shape.ndim = a->ndim <= KIN_MAX_DIMS ? a->ndim : 0;
    return true;
}

static bool read_array(array *a, const kin_json *entry, size_t data_size, kin_error *err)
{
    size_t count, bytes;
    int64_t begin, end;
    const kin_json *dtype = kin_json_get(entry, "dtype"), *offsets = kin_json_get(entry, "data_offsets");
    if (!dtype || dtype->kind != KIN_JSON_STRING || item_size(dtype->text) == 0)
        return kin_fail(err, KIN_ERR_DATA, "%.100s has an unknown dtype; F64, F32, F16, BF16 and integers are read", a->name);
    snprintf(a->dtype, sizeof a->dtype, "%s", dtype->text);
    if (!read_shape(a, kin_json_get(entry, "shape"), &count, err)) return false;
    if (!offsets || offsets->kind != KIN_JSON_ARRAY || offsets->count != 2 || !kin_json_integer(offsets->first, 0, 9e15, &begin) ||
        !kin_json_integer(offsets->first->next, 0, 9e15, &end) || begin > end || (uint64_t)end > data_size)
        return kin_fail(err, KIN_ERR_DATA, "%.100s lies outside the file: it is truncated or its offsets are wrong", a->name);
    if (!kin_mul_size(count, item_size(a->dtype), &bytes) || bytes != (size_t)(end - begin))
        return kin_fail(err, KIN_ERR_DATA, "%.100s occupies %lld bytes, but its shape and dtype need another number", a->name, (long long)(end - begin));
    a->begin = (size_t)begin;
    a->end = (size_t)end;
    return true;
}

static int by_begin(const void *x, const void *y)
{
    const array *a = x, *b = y;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

static bool no_overlaps(kin_checkpoint *c, kin_error *err)
{
    qsort(c->arrays, (size_t)c->count, sizeof *c->arrays, by_begin);
    for (int i = 1; i < c->count; i++)
        if (c->arrays[i].begin < c->arrays[i - 1].end) return kin_fail(err, KIN_ERR_DATA, "%.100s and %.100s overlap", c->arrays[i - 1].name, c->arrays[i].name);
    return true;
}

static bool parse(kin_checkpoint *c, kin_error *err)
{
    uint64_t length = 0;
    if (c->file.size < 8) return kin_fail(err, KIN_ERR_DATA, "not a safetensors file: shorter than its first eight bytes");
    for (int i = 7; i >= 0; i--) length = length << 8 | c->file.data[i];
    if (length > HEADER_MAX || length > c->file.size - 8) return kin_fail(err, KIN_ERR_DATA, "not a safetensors file, or a truncated one: its header would be %llu bytes long", (unsigned long long)length);
    const kin_json *header = kin_json_parse((const char *)c->file.data + 8, (size_t)length, &c->arena, err);
    if (!header) return false;
    if (header->kind != KIN_JSON_OBJECT) return kin_fail(err, KIN_ERR_DATA, "not a safetensors file: its header is not an object");
    c->arrays = kin_arena_alloc_zero(&c->arena, (header->count + 1) * sizeof *c->arrays);
    if (!c->arrays) return kin_fail_memory(err, "a checkpoint's entries", header->count * sizeof *c->arrays);
    const uint8_t *data = c->file.data + 8 + length;
    for (const kin_json *entry = header->first; entry; entry = entry->next) {
        if (strcmp(entry->key, "__metadata__") == 0) {
            c->metadata = entry;
            continue;
        }
        array *a = &c->arrays[c->count++];
        a->name = entry->key;
        if (!read_array(a, entry, c->file.size - 8 - (size_t)length, err)) return false;
        a->data = data + a->begin;
    }
    return no_overlaps(c, err);
}

static bool take_file(kin_bytes *file, kin_checkpoint **out, kin_error *err)
{
    kin_checkpoint *c = kin_alloc_zero(1, sizeof *c);
    *out = NULL;
    if (!c) {
        kin_bytes_free(file);
        return kin_fail_memory(err, "a checkpoint", sizeof *c);
    }
    c->file = *file;
    if (parse(c, err)) {
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
    if (!kin_read_file(path, 0, &file, err)) return false;
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

void kin_checkpoint_free(kin_checkpoint *c)
{
    if (!c) return;
    kin_bytes_free(&c->file);
    kin_arena_free(&c->arena);
    kin_free(c);
}

const char *kin_checkpoint_note(const kin_checkpoint *c, const char *key)
{
    const kin_json *note = kin_json_get(c->metadata, key);
    return note && note->kind == KIN_JSON_STRING ? note->text : NULL;
}

int kin_checkpoint_count(const kin_checkpoint *c) { return c->count; }
const char *kin_checkpoint_name(const kin_checkpoint *c, int i) { return i >= 0 && i < c->count ? c->arrays[i].name : NULL; }

/* ---- values into modules ---- */

static uint64_t little(const uint8_t *p, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = size; i-- > 0;) bits = bits << 8 | p[i];
    return bits;
}

static double half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, fraction = h & 1023, bits;
    if (exponent == 31) bits = sign | 0x7f800000u | fraction << 13;
    else if (exponent) bits = sign | (exponent + 112) << 23 | fraction << 13;
    else {
        double tiny = (double)fraction * 0x1p-24;
        return sign ? -tiny : tiny;
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static double number_at(const array *a, size_t i)
{
    size_t size = item_size(a->dtype);
    uint64_t bits = little(a->data + i * size, size);
    if (strcmp(a->dtype, "F64") == 0) {
        double d;
        memcpy(&d, &bits, sizeof d);
        return d;
    }
    if (strcmp(a->dtype, "F16") == 0) return half((uint16_t)bits);
    uint32_t word = strcmp(a->dtype, "BF16") == 0 ? (uint32_t)bits << 16 : (uint32_t)bits;
    float f;
    memcpy(&f, &word, sizeof f);
    return (double)f;
}

static bool is_real(const array *a) { return a->dtype[0] == 'F' || strcmp(a->dtype, "BF16") == 0; }

static bool matches(const char *glob, const char *name) { return glob && kin_glob(glob, name); }

static bool passed_over(const char *name, const char *allow_missing)
{
    static const char counter[] = "num_batches_tracked";
    size_t length = strlen(name);
    return strncmp(name, optimizer_prefix, sizeof optimizer_prefix - 1) == 0 || (length >= sizeof counter - 1 && strcmp(name + length - (sizeof counter - 1), counter) == 0) ||
           matches(allow_missing, name);
}

static const array *array_named(const kin_checkpoint *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->arrays[i].name, name) == 0) return &c->arrays[i];
    return NULL;
}

typedef struct differences { kin_text missing, unexpected, shapes; int n_missing, n_unexpected, n_shapes; } differences;

static void note_name(kin_text *list, int *count, const char *name)
{
    if ((*count)++ < NAMES_SHOWN) kin_text_format(list, "%s%s", list->size ? ", " : "", name);
}

static void compare(const kin_checkpoint *c, kin_module *m, const char *allow_missing, differences *d)
{
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        const array *a = array_named(c, e->name);
        if (!a) {
            if (!matches(allow_missing, e->name)) note_name(&d->missing, &d->n_missing, e->name);
            continue;
        }
        if (is_real(a) && a->ndim <= KIN_MAX_DIMS && kin_shape_equal(a->shape, file_shape(e))) continue;
        char text[300], have[64], want[64];
        snprintf(text, sizeof text, "%.120s is %s %s here and %s in the network", e->name, a->dtype, a->ndim <= KIN_MAX_DIMS ? kin_shape_text(a->shape, have, sizeof have) : "of many axes",
                 kin_shape_text(file_shape(e), want, sizeof want));
        note_name(&d->shapes, &d->n_shapes, text);
    }
    for (int i = 0; i < c->count; i++)
        if (!passed_over(c->arrays[i].name, allow_missing) && !kin_module_find(m, c->arrays[i].name)) note_name(&d->unexpected, &d->n_unexpected, c->arrays[i].name);
}

static void add_list(kin_text *line, const char *title, const kin_text *list, int count)
{
    if (!count) return;
    kin_text_format(line, "%s%d %s: %s%s", line->size ? "; " : "", count, title, list->data ? list->data : "", count > NAMES_SHOWN ? ", ..." : "");
}

static bool report(differences *d, kin_error *err)
{
    kin_text line = {0};
    add_list(&line, "missing", &d->missing, d->n_missing);
    add_list(&line, "unexpected", &d->unexpected, d->n_unexpected);
    add_list(&line, "of another shape", &d->shapes, d->n_shapes);
    bool ok = !d->n_missing && !d->n_unexpected && !d->n_shapes; /* not by the text, for which memory may be lacking */
    if (!ok) kin_fail(err, KIN_ERR_DATA, "this checkpoint is of another network: %s", line.failed || !line.data ? "(out of memory for the list)" : line.data);
    kin_text_free(&line);
    kin_text_free(&d->missing);
    kin_text_free(&d->unexpected);
    kin_text_free(&d->shapes);
    return ok;
}

bool kin_checkpoint_load(const kin_checkpoint *c, kin_module *m, const char *allow_missing, kin_error *err)
{
    differences d = {0};
    compare(c, m, allow_missing, &d);
    if (!report(&d, err)) return false;
    for (int i = 0; i < kin_module_entries(m); i++) {
        kin_entry *e = kin_module_entry(m, i);
        const array *a = array_named(c, e->name);
        kin_real *data = a ? kin_entry_data(e) : NULL;
        for (int64_t k = 0; data && k < kin_count(e->tensor); k++) data[memory_index(e, k)] = (kin_real)number_at(a, (size_t)k);
    }
    return true;
}

bool kin_checkpoint_load_optim(const kin_checkpoint *c, kin_optim *o, kin_error *err)
{
    const char *text = kin_checkpoint_note(c, "optimizer.steps");
    int64_t steps;
    if (!text || !kin_parse_int(text, 0, STEPS_MAX, &steps)) return kin_fail(err, KIN_ERR_DATA, "this checkpoint holds no optimiser state; resume from the run's last.safetensors");
    const array *found[3];
    for (int slab = 0; slab < kin_optim_slabs(o); slab++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", optimizer_prefix, kin_optim_slab_name(o, slab));
        found[slab] = array_named(c, name);
        int64_t count = kin_optim_slab_count(o);
        if (!found[slab] || !is_real(found[slab]) || found[slab]->ndim != 1 || found[slab]->shape.dim[0] != count)
            return kin_fail(err, KIN_ERR_DATA, "this checkpoint's optimiser state does not fit: %s is missing or not %lld numbers", name, (long long)count);
    }
    for (int slab = 0; slab < kin_optim_slabs(o); slab++)
        for (int64_t k = 0; k < kin_optim_slab_count(o); k++) kin_optim_slab(o, slab)[k] = (kin_real)number_at(found[slab], (size_t)k);
    kin_optim_set_steps(o, steps);
    return true;
}
