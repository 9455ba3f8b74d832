#define _POSIX_C_SOURCE 200809L
#include "base/npy.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { HEADER_LIMIT = 1 << 20, FIRST_CHUNK = 1 << 22 };

typedef kin_npy_layout header;

/* --- the dictionary: Python literals, of which only strings, True, False and tuples of integers can occur
 * --- */

typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted) return false;
    c->at++;
    return true;
}

static bool take_word(cursor *c, const char *word)
{
    skip_blanks(c);
    size_t size = strlen(word);
    if ((size_t)(c->end - c->at) < size || memcmp(c->at, word, size) != 0) return false;
    c->at += size;
    return true;
}

static bool take_string(cursor *c, char *out, size_t room)
{
    skip_blanks(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
    char quote = *c->at++;
    size_t size = 0;
    while (c->at < c->end && *c->at != quote && size + 1 < room) out[size++] = *c->at++;
    out[size] = '\0';
    return take(c, quote);
}

static bool take_int(cursor *c, int64_t *out)
{
    skip_blanks(c);
    const char *first = c->at;
    int64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (value > (INT64_MAX - 9) / 10) return false;
        value = value * 10 + (*c->at - '0');
    }
    if (c->at == first) return false;
    if (c->at < c->end && *c->at == 'L') c->at++; /* as Python 2 wrote them */
    *out = value;
    return true;
}

static bool take_shape(cursor *c, header *h)
{
    if (!take(c, '(')) return false;
    h->dims = 0;
    while (!take(c, ')')) {
        if (h->dims == KIN_NPY_MAX_DIMS || !take_int(c, &h->shape[h->dims])) return false;
        h->dims++;
        if (take(c, ',')) continue;
        return take(c, ')');
    }
    return true;
}

static bool understand_type(const char *descr, header *h)
{
    static const char known[][4] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"};
    char order = descr[0];
    if (order != '<' && order != '>' && order != '|' && order != '=') return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(descr + 1, known[i]) != 0) continue;
        h->kind = known[i][0];
        h->item = (size_t)(known[i][1] - '0');
        h->big_endian = order == '>';
        return true;
    }
    return false;
}

static bool parse_dictionary(const char *text, size_t size, const char *name, header *h, kin_error *err)
{
    cursor c = {text, text + size};
    char key[32], descr[32];
    bool type = false, order = false, shape = false, sound = take(&c, '{');
    while (sound && !take(&c, '}')) {
        sound = take_string(&c, key, sizeof key) && take(&c, ':');
        if (!sound) break;
        if (strcmp(key, "descr") == 0) {
            if (!take_string(&c, descr, sizeof descr) || !understand_type(descr, h)) {
                h->foreign = true;
                return kin_fail(err, KIN_ERR_DATA,
                                "%s: holds another type than float16/32/64, integers or bool; convert it "
                                "with x.astype('float32')",
                                name);
            }
            type = true;
        } else if (strcmp(key, "fortran_order") == 0) {
            h->fortran = take_word(&c, "True");
            sound = order = h->fortran || take_word(&c, "False");
        } else if (strcmp(key, "shape") == 0) {
            sound = shape = take_shape(&c, h);
        } else {
            sound = false;
        }
        if (sound && !take(&c, ',')) {
            sound = take(&c, '}');
            break;
        }
    }
    if (sound && type && order && shape) return true;
    return kin_fail(err, KIN_ERR_DATA,
                    "%s: the .npy header is malformed (descr, fortran_order and shape of up to %d dimensions "
                    "were expected)",
                    name, KIN_NPY_MAX_DIMS);
}

/* The first eight bytes; *field is the width of the header's length behind them. */
static bool understand_start(const unsigned char *start, size_t size, const char *name, size_t *field,
                             kin_error *err)
{
    if (size < 8 || memcmp(start, "\x93NUMPY", 6) != 0)
        return kin_fail(err, KIN_ERR_DATA, "%s: not a .npy file (its magic number is missing)", name);
    if (start[6] < 1 || start[6] > 3)
        return kin_fail(err, KIN_ERR_DATA, "%s: .npy version %d.%d; 1 to 3 were expected", name, start[6],
                        start[7]);
    *field = start[6] == 1 ? 2 : 4;
    return true;
}

static bool understand_length(const unsigned char *bytes, size_t field, const char *name, size_t *size,
                              kin_error *err)
{
    *size = 0;
    for (size_t i = field; i-- > 0;) *size = *size << 8 | bytes[i];
    return *size <= HEADER_LIMIT ||
           kin_fail(err, KIN_ERR_DATA, "%s: a .npy header of %zu bytes; at most %d were expected", name,
                    *size, HEADER_LIMIT);
}

/* A number in the padding: a blank is 0, a tab 1, the lowest bit last, `before` the header's end. */
static uint64_t blanks_of(const char *text, size_t size, size_t before, size_t bits)
{
    uint64_t number = 0;
    if (size < before + bits + 1) return 0;
    for (const char *c = text + size - before - bits; c < text + size - before; c++) {
        if (*c != ' ' && *c != '\t') return 0;
        number = number << 1 | (*c == '\t');
    }
    return number;
}

/* The mark stands before the newline, how it was made before the mark. */
static uint64_t mark_of(const char *text, size_t size) { return blanks_of(text, size, 1, KIN_NPY_MARK_BITS); }
static uint32_t made_of(const char *text, size_t size)
{
    return (uint32_t)blanks_of(text, size, 1 + KIN_NPY_MARK_BITS, KIN_NPY_MADE_BITS);
}

static void put_blanks(char *end, uint64_t number, int bits)
{
    for (int i = 0; i < bits; i++) end[i - bits] = number >> (bits - 1 - i) & 1 ? '\t' : ' ';
}

bool kin_npy_describe(const uint8_t *bytes, size_t size, const char *name, kin_npy_layout *out,
                      kin_error *err)
{
    size_t field = 0, length = 0;
    *out = (kin_npy_layout){0};
    if (!understand_start(bytes, size, name, &field, err)) return false;
    if (size < 8 + field) return kin_fail(err, KIN_ERR_DATA, "%s: the .npy header is cut off", name);
    if (!understand_length(bytes + 8, field, name, &length, err)) return false;
    if (length > size - 8 - field) return kin_fail(err, KIN_ERR_DATA, "%s: the .npy header is cut off", name);
    out->offset = 8 + field + length;
    out->mark = mark_of((const char *)bytes + 8 + field, length);
    out->made = made_of((const char *)bytes + 8 + field, length);
    return parse_dictionary((const char *)bytes + 8 + field, length, name, out, err);
}

static bool header_cut_off(FILE *stream, const char *name, kin_error *err)
{
    if (ferror(stream)) return kin_fail_reading(err, name, errno);
    return kin_fail(err, KIN_ERR_DATA, "%s: the .npy header is cut off", name);
}

static bool read_header(FILE *stream, const char *name, header *h, kin_error *err)
{
    unsigned char start[12];
    size_t field = 0, size = 0;
    size_t got = kin_read_on(stream, start, 8);
    if (ferror(stream)) return kin_fail_reading(err, name, errno);
    if (!understand_start(start, got, name, &field, err)) return false;
    if (kin_read_on(stream, start + 8, field) != field) return header_cut_off(stream, name, err);
    if (!understand_length(start + 8, field, name, &size, err)) return false;
    char *text = kin_alloc(size);
    if (!text) return kin_fail_memory(err, name, size);
    bool ok = kin_read_on(stream, text, size) == size || header_cut_off(stream, name, err);
    ok = ok && parse_dictionary(text, size, name, h, err);
    if (ok) h->mark = mark_of(text, size), h->made = made_of(text, size);
    kin_free(text);
    return ok;
}

/* --- the numbers --- */

static bool cut_off(const char *name, size_t wanted, size_t found, kin_error *err)
{
    return kin_fail(err, KIN_ERR_DATA,
                    "%s: cut off: its header promises %zu bytes of numbers, the file holds %zu", name, wanted,
                    found);
}

/* Bytes from here to the end of a regular file; SIZE_MAX where that cannot be known. */
static size_t bytes_left(FILE *stream)
{
    struct stat info;
    int fd = fileno(stream);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return SIZE_MAX;
    off_t at = ftello(stream);
    if (at < 0) return SIZE_MAX;
    if (info.st_size <= at) return 0;
    uintmax_t left = (uintmax_t)(info.st_size - at);
    return left < SIZE_MAX ? (size_t)left : SIZE_MAX - 1; /* more than a machine of 32 bits can hold */
}

/* Reads `total` bytes. Where the size of the file is unknown, memory is asked for only as the bytes
 * arrive. */
static unsigned char *read_numbers(FILE *stream, const char *name, size_t total, kin_error *err)
{
    size_t left = bytes_left(stream), used = 0;
    if (left != SIZE_MAX && left < total) return cut_off(name, total, left, err), NULL;
    size_t capacity = left != SIZE_MAX || total < FIRST_CHUNK ? total : FIRST_CHUNK;
    unsigned char *data = kin_alloc(capacity);
    while (data) {
        used += kin_read_on(stream, data + used, capacity - used);
        if (used < capacity || used == total) break;
        size_t wider = capacity > total / 2 ? total : capacity * 2;
        unsigned char *moved = kin_realloc(data, used, wider);
        if (!moved) kin_free(data);
        data = moved;
        capacity = wider;
    }
    if (!data) return kin_fail_memory(err, name, total), NULL;
    int why = errno;
    if (used == total) return data;
    if (ferror(stream)) kin_fail_reading(err, name, why);
    else cut_off(name, total, used, err);
    kin_free(data);
    return NULL;
}

static float half_to_float(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float value = exponent == 31 ? (fraction ? NAN : INFINITY)
                                 : ldexpf((float)(exponent ? fraction + 1024 : fraction),
                                          (exponent ? exponent : 1) - 25);
    return half >> 15 ? -value : value;
}

static float one_number(const unsigned char *bytes, const header *h)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < h->item; i++) bits = bits << 8 | bytes[h->big_endian ? i : h->item - 1 - i];
    if (h->kind == 'u') return (float)bits;
    if (h->kind == 'b') return bits ? 1.0f : 0.0f;
    if (h->kind == 'i') {
        uint64_t sign = UINT64_C(1) << (8 * h->item - 1);
        return bits & sign ? -(float)((~bits + 1) & (sign | (sign - 1))) : (float)bits;
    }
    if (h->item == 2) return half_to_float((uint16_t)bits);
    if (h->item == 4) {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* The same as a double, for those that float32 may round. */
static double one_wide(const unsigned char *bytes, const header *h)
{
    uint64_t bits = 0, sign = UINT64_C(1) << (8 * h->item - 1);
    double value;
    for (size_t i = 0; i < h->item; i++) bits = bits << 8 | bytes[h->big_endian ? i : h->item - 1 - i];
    if (h->kind == 'u') return (double)bits;
    if (h->kind == 'i') return bits & sign ? -(double)((~bits + 1) & (sign | (sign - 1))) : (double)bits;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool may_round(const header *h)
{
    return h->kind == 'f' ? h->item == 8 : h->kind != 'b' && h->item >= 4;
}

/* Walks the result in C order; `offset` follows in the order of the file. */
static void convert(const unsigned char *raw, const header *h, float *out, double *wide, int64_t count)
{
    int64_t step[KIN_NPY_MAX_DIMS], at[KIN_NPY_MAX_DIMS] = {0}, stride = 1, offset = 0;
    for (int i = 0; i < h->dims; i++) {
        int d = h->fortran ? i : h->dims - 1 - i;
        step[d] = stride;
        stride *= h->shape[d];
    }
    for (int64_t n = 0; n < count; n++) {
        out[n] = one_number(raw + (size_t)offset * h->item, h);
        if (wide) wide[n] = one_wide(raw + (size_t)offset * h->item, h);
        for (int d = h->dims - 1; d >= 0; d--) {
            offset += step[d];
            if (++at[d] < h->shape[d]) break;
            offset -= step[d] * h->shape[d];
            at[d] = 0;
        }
    }
}

static bool machine_is_big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* float32 in C order from a regular file: its pages are the array. False, and nothing done, where that
 * cannot be. */
static bool map_numbers(FILE *stream, size_t bytes, kin_npy *out)
{
    off_t offset = ftello(stream);
    size_t left = bytes_left(stream);
    if (bytes == 0 || left == SIZE_MAX || left < bytes || offset % (off_t)sizeof(float) != 0) return false;
    size_t size = (size_t)offset + bytes;
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(stream), 0);
    if (pages == MAP_FAILED) return false;
    if (fseeko(stream, (off_t)size, SEEK_SET) != 0) return munmap(pages, size), false;
    out->mapping = pages;
    out->mapped = size;
    out->data = (float *)(void *)((char *)pages + offset);
    return true;
}

/* Keeps the doubles only where float32 rounded one. */
static void drop_if_exact(kin_npy *a, int64_t count)
{
    for (int64_t n = 0; a->wide && n < count; n++)
        if ((double)a->data[n] != a->wide[n]) return;
    kin_free(a->wide);
    a->wide = NULL;
}

static bool read_stream(FILE *stream, const char *name, bool wide, kin_npy *out, kin_error *err)
{
    *out = (kin_npy){0};
    header h = {0};
    if (!read_header(stream, name, &h, err)) return false;
    size_t count = 1, bytes, floats;
    bool fits = true, empty = false;
    for (int i = 0; i < h.dims; i++) {
        empty = empty || h.shape[i] == 0;
        fits = fits && kin_mul_size(count, h.shape[i] ? (uint64_t)h.shape[i] : 1, &count);
    }
    fits = fits && kin_mul_size(count, h.item, &bytes) && kin_mul_size(count, sizeof(float), &floats) &&
           floats <= PTRDIFF_MAX && bytes <= PTRDIFF_MAX;
    if (!fits)
        return kin_fail(err, KIN_ERR_DATA, "%s: the shape in its header is larger than any memory", name);
    if (empty) count = bytes = floats = 0;
    bool plain = h.kind == 'f' && h.item == 4 && h.big_endian == machine_is_big_endian() &&
                 (!h.fortran || h.dims < 2);
    if (!plain || !map_numbers(stream, bytes, out)) {
        unsigned char *raw = read_numbers(stream, name, bytes, err);
        if (!raw) return false;
        out->data = plain ? (float *)(void *)raw : kin_alloc(floats);
        bool keep = wide && may_round(&h) && count > 0;
        if (keep) out->wide = kin_alloc_array(count, sizeof *out->wide);
        bool room = out->data && (!keep || out->wide);
        if (!plain && room) convert(raw, &h, out->data, out->wide, (int64_t)count);
        if (!plain) kin_free(raw);
        if (!room) return kin_npy_free(out), kin_fail_memory(err, name, floats);
        drop_if_exact(out, (int64_t)count);
    }
    out->dims = h.dims;
    out->count = (int64_t)count;
    out->mark = h.mark, out->made = h.made;
    memcpy(out->shape, h.shape, sizeof out->shape);
    return true;
}

bool kin_npy_read_stream(FILE *stream, const char *name, kin_npy *out, kin_error *err)
{
    return read_stream(stream, name, false, out, err);
}

static bool read_path(const char *path, bool wide, kin_npy *out, kin_error *err)
{
    *out = (kin_npy){0};
    if (strcmp(path, "-") == 0) return read_stream(stdin, "standard input", wide, out, err);
    if (kin_is_folder(path))
        return kin_fail(err, KIN_ERR_IO, "%s: is a folder; a .npy file was expected", path);
    FILE *stream = kin_open_for_reading(path, err);
    if (!stream) return false;
    bool ok = read_stream(stream, path, wide, out, err);
    fclose(stream);
    return ok;
}

bool kin_npy_read(const char *path, kin_npy *out, kin_error *err) { return read_path(path, false, out, err); }

bool kin_npy_read_matrix(const char *path, kin_npy *out, kin_error *err)
{
    if (!read_path(path, true, out, err)) return false;
    bool ok = out->dims == 2 && out->count > 0;
    if (!ok) {
        if (out->dims != 2)
            kin_fail(err, KIN_ERR_DATA, "%s: has %d dimensions; a matrix [items, numbers] was expected", path,
                     out->dims);
        else
            kin_fail(err, KIN_ERR_DATA, "%s: is empty: %lld rows of %lld numbers", path,
                     (long long)out->shape[0], (long long)out->shape[1]);
    }
    ok = ok && kin_check_finite(out->data, out->shape[0], out->shape[1], path, err);
    if (!ok) kin_npy_free(out);
    return ok;
}

void kin_npy_free(kin_npy *array)
{
    if (array->mapping) munmap(array->mapping, array->mapped);
    else kin_free(array->data);
    kin_free(array->wide);
    *array = (kin_npy){0};
}

bool kin_check_finite(const float *data, int64_t rows, int64_t cols, const char *name, kin_error *err)
{
    for (int64_t i = 0; i < rows; i++) {
        const float *row = data + i * cols;
        bool bad = false;
        for (int64_t j = 0; j < cols; j++) bad |= !(fabsf(row[j]) <= FLT_MAX);
        if (!bad) continue;
        for (int64_t j = 0; j < cols; j++) {
            if (isfinite(row[j])) continue;
            return kin_fail(
                err, KIN_ERR_NUMERIC,
                "%s: row %lld (counted from 0) holds %s in column %lld; every number must be finite", name,
                (long long)i, isnan(row[j]) ? "NaN" : "infinity", (long long)j);
        }
    }
    return true;
}

/* --- writing --- */

static bool put_array(kin_file *file, const char *descr, const void *data, size_t item, int dims,
                      const int64_t *shape, uint64_t mark, uint32_t made, kin_error *err)
{
    const char *path = file->path ? file->path : "standard output";
    if (machine_is_big_endian() && item > 1) descr = item == 4 ? ">f4" : ">i8";
    size_t bytes = item;
    char shown[KIN_NPY_MAX_DIMS * 22 + 1] = "";
    if (dims < 1 || dims > KIN_NPY_MAX_DIMS)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%s: an array of %d dimensions cannot be written", path, dims);
    for (int i = 0, used = 0; i < dims; i++) {
        used += snprintf(shown + used, sizeof shown - (size_t)used, "%s%lld%s", i ? " " : "",
                         (long long)shape[i], i + 1 < dims || dims == 1 ? "," : "");
        if (shape[i] < 0 || !kin_mul_size(bytes, (uint64_t)shape[i], &bytes))
            return kin_fail(err, KIN_ERR_ARGUMENT, "%s: an array of (%s...) cannot be written", path, shown);
    }
    /* Magic, version 1.0, and a header padded so that the numbers begin at a multiple of 64. */
    char head[320] = "\x93NUMPY\x01";
    int size = snprintf(head + 10, sizeof head - 10,
                        "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shown);
    int blanks = made   ? KIN_NPY_MARK_BITS + KIN_NPY_MADE_BITS
                 : mark ? KIN_NPY_MARK_BITS
                        : 0,
        total = (10 + size + blanks + 1 + 63) / 64 * 64;
    memset(head + 10 + size, ' ', (size_t)(total - 10 - size));
    put_blanks(head + total - 1, mark, KIN_NPY_MARK_BITS * (mark || made));
    put_blanks(head + total - 1 - KIN_NPY_MARK_BITS, made, KIN_NPY_MADE_BITS * (made != 0));
    head[total - 1] = '\n';
    head[8] = (char)((total - 10) & 255);
    head[9] = (char)((total - 10) >> 8);
    fwrite(head, 1, (size_t)total, file->stream); /* a failure stays in the stream */
    if (bytes) fwrite(data, 1, bytes, file->stream);
    return true;
}

static bool write_array(const char *path, const char *descr, const void *data, size_t item, int dims,
                        const int64_t *shape, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, path, err)) return false;
    if (put_array(&file, descr, data, item, dims, shape, 0, 0, err)) return kin_file_commit(&file, err);
    kin_file_abandon(&file);
    return false;
}

bool kin_npy_write_marked(kin_file *file, const float *data, int64_t rows, int64_t cols, uint64_t mark,
                          uint32_t made, kin_error *err)
{
    return put_array(file, "<f4", data, sizeof *data, 2, (int64_t[]){rows, cols}, mark, made, err);
}

bool kin_npy_write_float32(const char *path, const float *data, int64_t rows, int64_t cols, kin_error *err)
{
    return write_array(path, "<f4", data, sizeof *data, 2, (int64_t[]){rows, cols}, err);
}

bool kin_npy_write_array(const char *path, const float *data, int dims, const int64_t *shape, kin_error *err)
{
    return write_array(path, "<f4", data, sizeof *data, dims, shape, err);
}

bool kin_npy_write_bytes(const char *path, const uint8_t *data, int dims, const int64_t *shape,
                         kin_error *err)
{
    return write_array(path, "|u1", data, 1, dims, shape, err);
}

bool kin_npy_write_int64(const char *path, const int64_t *data, int64_t rows, int64_t cols, kin_error *err)
{
    return write_array(path, "<i8", data, sizeof *data, 2, (int64_t[]){rows, cols}, err);
}
