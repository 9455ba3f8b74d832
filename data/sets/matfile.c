#include "data/sets/matfile.h"

#include "base/memory.h"
#include "data/images/inflate.h"

#include <string.h>

/* Types of data elements, and classes of arrays. */
enum {
    INT8 = 1,
    UINT8,
    INT16,
    UINT16,
    INT32,
    UINT32,
    SINGLE,
    DOUBLE = 9,
    INT64 = 12,
    UINT64,
    MATRIX,
    COMPRESSED,
    UTF8,
    UTF16,
    UTF32
};
enum { CELL_CLASS = 1, STRUCT_CLASS, CHAR_CLASS = 4, DOUBLE_CLASS = 6, UINT64_CLASS = 15 };
enum { HEADER = 128, DEPTH_MAX = 16, ARRAYS_MAX = 1000000, FIELDS_MAX = 1000, UNPACKED_MAX = 64 << 20 };

typedef struct mat_reader {
    const char *name;
    bool swapped; /* big-endian */
    int64_t arrays;
    kin_arena *arena;
    kin_error *err;
} mat_reader;

/* Bytes not read yet. */
typedef struct span {
    const uint8_t *at, *end;
} span;
typedef struct element {
    uint32_t type;
    const uint8_t *data;
    size_t size;
} element;

static kin_mat *read_array(mat_reader *r, span s, int depth);

static bool damaged(mat_reader *r, const char *what)
{
    return kin_fail(r->err, KIN_ERR_DATA, "%s: %s: the MAT-file is cut off or damaged", r->name, what);
}

static uint64_t integer(const mat_reader *r, const uint8_t *p, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++) value |= (uint64_t)p[r->swapped ? size - 1 - i : i] << (8 * i);
    return value;
}

/* A tag of type and size, or both and up to four bytes of data in eight bytes; data is padded to eight
 * bytes, unless packed. */
static bool next_element(mat_reader *r, span *s, element *e)
{
    size_t left = (size_t)(s->end - s->at);
    *e = (element){0};
    if (left < 8) return damaged(r, "ends within a tag");
    uint32_t word = (uint32_t)integer(r, s->at, 4);
    if (word >> 16) {
        *e = (element){word & 0xffff, s->at + 4, word >> 16};
        if (e->size > 4) return damaged(r, "has a small element of more than four bytes");
        s->at += 8;
        return true;
    }
    *e = (element){word, s->at + 8, (size_t)integer(r, s->at + 4, 4)};
    if (e->size > left - 8) return damaged(r, "promises more bytes than follow");
    size_t step = 8 + e->size + (e->type == COMPRESSED ? 0 : (8 - e->size % 8) % 8);
    s->at += step < left ? step : left;
    return true;
}

static int type_size(uint32_t type)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 4, 0, 8, 0, 0, 8, 8, 0, 0, 1, 2, 4};
    return type < sizeof sizes ? sizes[type] : 0;
}

static double number_at(const mat_reader *r, uint32_t type, const uint8_t *p)
{
    uint64_t bits = integer(r, p, type_size(type));
    uint32_t low = (uint32_t)bits;
    float single;
    double real;
    switch (type) {
    case INT8: return (int8_t)bits;
    case INT16: return (int16_t)bits;
    case INT32: return (int32_t)low;
    case INT64: return (double)(int64_t)bits;
    case SINGLE: return memcpy(&single, &low, sizeof single), (double)single;
    case DOUBLE: return memcpy(&real, &bits, sizeof real), real;
    default: return (double)bits;
    }
}

static bool no_memory(mat_reader *r, size_t bytes) { return kin_fail_memory(r->err, r->name, bytes); }

static bool read_numbers(mat_reader *r, span *s, kin_mat *m)
{
    element e;
    if (!next_element(r, s, &e)) return false;
    int size = type_size(e.type);
    if (size == 0 || e.type >= UTF8 || e.size / (size_t)size != m->count)
        return damaged(r, "an array of numbers does not have as many as its sizes say");
    double *number = kin_arena_alloc(r->arena, (m->count + 1) * sizeof *number);
    if (!number) return no_memory(r, m->count * sizeof *number);
    for (size_t i = 0; i < m->count; i++) number[i] = number_at(r, e.type, e.data + i * (size_t)size);
    m->number = number;
    return true;
}

/* One code point (surrogates are kept apart: names are not poetry) as UTF-8; returns the bytes. A zero
 * becomes '?'. */
static size_t put_utf8(uint32_t c, char *out)
{
    if (c == 0 || c > 0x10ffff) c = '?';
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000)
        return out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)),
               out[2] = (char)(0x80 | (c & 63)), 3;
    return out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63)),
           out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63)), 4;
}

static bool read_text(mat_reader *r, span *s, kin_mat *m)
{
    element e;
    if (!next_element(r, s, &e)) return false;
    int size = type_size(e.type);
    if (size == 0 || size > 4 || e.type == SINGLE) return damaged(r, "a text is not made of characters");
    size_t count = e.size / (size_t)size, length = 0;
    char *text = count < SIZE_MAX / 4 ? kin_arena_alloc(r->arena, 4 * count + 1) : NULL;
    if (!text) return no_memory(r, e.size);
    for (size_t i = 0; i < count; i++) {
        uint32_t c = (uint32_t)integer(r, e.data + i * (size_t)size, size);
        if (size == 1 && (e.type == UTF8 || c < 0x80)) text[length++] = c ? (char)c : '?';
        else length += put_utf8(c, text + length);
    }
    text[length] = '\0';
    m->text = text;
    return true;
}

static bool read_items(mat_reader *r, span *s, kin_mat *m, size_t count, int depth)
{
    /* Each takes a tag at least: what cannot be there is not allocated. */
    if (count > (size_t)(s->end - s->at) / 8) return damaged(r, "promises more arrays than follow");
    m->item = kin_arena_alloc(r->arena, (count + 1) * sizeof *m->item);
    if (!m->item) return no_memory(r, count * sizeof *m->item);
    for (size_t i = 0; i < count; i++) {
        element e;
        if (!next_element(r, s, &e)) return false;
        if (e.type != MATRIX) return damaged(r, "something else stands where an array was expected");
        m->item[i] = read_array(r, (span){e.data, e.data + e.size}, depth + 1);
        if (!m->item[i]) return false;
    }
    return true;
}

static bool read_struct(mat_reader *r, span *s, kin_mat *m, int depth)
{
    element length, names;
    if (!next_element(r, s, &length) || !next_element(r, s, &names)) return false;
    size_t each = length.size == 4 ? (size_t)integer(r, length.data, 4) : 0;
    if (each == 0 || names.size % each || names.size / each > FIELDS_MAX)
        return damaged(r, "a struct's field names make no sense");
    m->fields = (int)(names.size / each);
    m->field = kin_arena_alloc(r->arena, (size_t)(m->fields + 1) * sizeof *m->field);
    for (int f = 0; m->field && f < m->fields; f++) {
        char *text = kin_arena_alloc(r->arena, each + 1);
        if (!text) return no_memory(r, each);
        memcpy(text, names.data + (size_t)f * each, each);
        text[each] = '\0';
        m->field[f] = text;
    }
    size_t count;
    if (!m->field) return no_memory(r, (size_t)m->fields * sizeof *m->field);
    if (!kin_mul_size(m->count, (size_t)m->fields, &count)) return damaged(r, "impossible sizes");
    return read_items(r, s, m, count, depth);
}

static bool read_head(mat_reader *r, span *s, kin_mat *m, int *class)
{
    element flags, sizes, name;
    if (!next_element(r, s, &flags) || !next_element(r, s, &sizes) || !next_element(r, s, &name))
        return false;
    if (flags.type != UINT32 || flags.size != 8 || sizes.type != INT32 || sizes.size % 4)
        return damaged(r, "an array's head makes no sense");
    *class = (int)(integer(r, flags.data, 4) & 0xff);
    m->count = 1;
    for (size_t i = 0; i < sizes.size; i += 4)
        if (!kin_mul_size(m->count, integer(r, sizes.data + i, 4), &m->count))
            return damaged(r, "impossible sizes");
    char *text = kin_arena_alloc(r->arena, name.size + 1);
    if (!text) return no_memory(r, name.size);
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    m->name = text;
    return true;
}

static kin_mat *read_array(mat_reader *r, span s, int depth)
{
    kin_mat *m = kin_arena_alloc_zero(r->arena, sizeof *m);
    int class = 0;
    if (!m) return no_memory(r, sizeof *m), NULL;
    if (depth > DEPTH_MAX || ++r->arrays > ARRAYS_MAX)
        return damaged(r, "has too many arrays, or too many inside each other"), NULL;
    if (s.at == s.end) {
        m->kind = KIN_MAT_NUMBERS; /* [] */
        return m;
    }
    bool ok = read_head(r, &s, m, &class);
    if (ok && class == CELL_CLASS) m->kind = KIN_MAT_CELLS, ok = read_items(r, &s, m, m->count, depth);
    else if (ok && class == STRUCT_CLASS) m->kind = KIN_MAT_STRUCT, ok = read_struct(r, &s, m, depth);
    else if (ok && class == CHAR_CLASS) m->kind = KIN_MAT_TEXT, ok = read_text(r, &s, m);
    else if (ok && class >= DOUBLE_CLASS && class <= UINT64_CLASS)
        m->kind = KIN_MAT_NUMBERS, ok = read_numbers(r, &s, m);
    return ok ? m : NULL;
}

static bool read_variables(mat_reader *r, span s, size_t *unpacked, kin_mat ***last)
{
    while (s.at < s.end) {
        element e;
        if (!next_element(r, &s, &e)) return false;
        if (e.type == COMPRESSED && unpacked) {
            kin_bytes inside;
            kin_error inner = {0};
            /* One byte more than is left: no limit is what 0 would mean. */
            if (!kin_zlib_unpack(e.data, e.size, UNPACKED_MAX - *unpacked + 1, &inside, &inner))
                return kin_fail(r->err, inner.code, "%s: %s", r->name, inner.message);
            *unpacked += inside.size;
            bool ok = *unpacked <= UNPACKED_MAX || damaged(r, "unpacks to more than 64 MiB");
            ok = ok && read_variables(r, (span){inside.data, inside.data + inside.size}, NULL, last);
            kin_bytes_free(&inside);
            if (!ok) return false;
        } else if (e.type == MATRIX) {
            kin_mat *m = read_array(r, (span){e.data, e.data + e.size}, 0);
            if (!m) return false;
            **last = m;
            *last = &m->next;
        }
    }
    return true;
}

const kin_mat *kin_mat_parse(const char *name, const kin_bytes *bytes, kin_arena *arena, kin_error *err)
{
    mat_reader r = {.name = name, .arena = arena, .err = err};
    kin_mat *first = NULL, **last = &first;
    size_t unpacked = 0;
    const uint8_t *b = bytes->data;
    r.swapped = bytes->size >= HEADER && b[126] == 'M' && b[127] == 'I';
    if (bytes->size < HEADER || (!r.swapped && (b[126] != 'I' || b[127] != 'M')) ||
        integer(&r, b + 124, 2) != 0x0100)
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: is no MAT-file of level 5; one saved with -v7 (not -v7.3) was expected", name),
               NULL;
    if (!read_variables(&r, (span){b + HEADER, b + bytes->size}, &unpacked, &last)) return NULL;
    if (!first) kin_fail(err, KIN_ERR_DATA, "%s: holds no variables", name);
    return first;
}

const kin_mat *kin_mat_variable(const kin_mat *first, const char *name)
{
    while (first && (!first->name || strcmp(first->name, name) != 0)) first = first->next;
    return first;
}

const kin_mat *kin_mat_field(const kin_mat *structs, size_t i, const char *field)
{
    if (!structs || structs->kind != KIN_MAT_STRUCT || i >= structs->count) return NULL;
    for (int f = 0; f < structs->fields; f++)
        if (strcmp(structs->field[f], field) == 0)
            return structs->item[i * (size_t)structs->fields + (size_t)f];
    return NULL;
}

bool kin_mat_number(const kin_mat *m, double *out)
{
    if (!m || m->kind != KIN_MAT_NUMBERS || m->count != 1 || !m->number) return false;
    *out = m->number[0];
    return true;
}

const char *kin_mat_text(const kin_mat *m) { return m && m->kind == KIN_MAT_TEXT ? m->text : NULL; }
