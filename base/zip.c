/* An archive ends with its directory: behind the entries stand one record for each, then (zip64) a wide
 * end record with its locator, then the end record with the directory's place. */
#include "base/zip.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOCAL_SIZE = 30,
    RECORD_SIZE = 46,
    END_SIZE = 22,
    LOCATOR_SIZE = 20,
    WIDE_END_SIZE = 56,
    COMMENT_MAX = 65535,
    DEFLATE_RATIO = 1032
};
enum { STORED = 0, DEFLATED = 8 };
static const uint32_t local_mark = 0x04034b50, record_mark = 0x02014b50, end_mark = 0x06054b50,
                      locator_mark = 0x07064b50, wide_end_mark = 0x06064b50;

static uint32_t u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }
static uint64_t u64(const uint8_t *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

typedef struct directory {
    uint64_t count, size, offset;
} directory;

bool kin_zip_is(const uint8_t *bytes, size_t size)
{
    return size >= 4 && (u32(bytes) == local_mark || u32(bytes) == end_mark);
}

static const uint8_t *find_end(const uint8_t *bytes, size_t size)
{
    if (size < END_SIZE) return NULL;
    size_t lowest = size - END_SIZE > COMMENT_MAX ? size - END_SIZE - COMMENT_MAX : 0;
    for (size_t at = size - END_SIZE + 1; at-- > lowest;)
        if (u32(bytes + at) == end_mark && at + END_SIZE + u16(bytes + at + 20) == size) return bytes + at;
    return NULL;
}

/* The wide end record is used when its locator stands in front of the end record. */
static bool read_wide_end(const uint8_t *bytes, const uint8_t *end, directory *d, kin_error *err)
{
    size_t at = (size_t)(end - bytes);
    if (at < LOCATOR_SIZE || u32(end - LOCATOR_SIZE) != locator_mark) return true;
    uint64_t wide = u64(end - LOCATOR_SIZE + 8);
    if (at < LOCATOR_SIZE + WIDE_END_SIZE || wide > at - LOCATOR_SIZE - WIDE_END_SIZE ||
        u32(bytes + wide) != wide_end_mark)
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: its zip64 end record is not where it should be");
    *d = (directory){u64(bytes + wide + 32), u64(bytes + wide + 40), u64(bytes + wide + 48)};
    return true;
}

static bool find_directory(const uint8_t *bytes, size_t size, directory *d, kin_error *err)
{
    const uint8_t *end = find_end(bytes, size);
    if (!end)
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: it has no end record; the file is truncated");
    if (u16(end + 4) != 0 || u16(end + 6) != 0)
        return kin_fail(err, KIN_ERR_DATA, "this archive is one part of several");
    *d = (directory){u16(end + 10), u32(end + 12), u32(end + 16)};
    if (!read_wide_end(bytes, end, d, err)) return false;
    uint64_t before = (uint64_t)(end - bytes);
    if (d->offset > before || d->size > before - d->offset || d->count > d->size / RECORD_SIZE)
        return kin_fail(err, KIN_ERR_DATA,
                        "damaged archive: its directory of %llu entries does not fit into the file",
                        (unsigned long long)d->count);
    return true;
}

/* Sizes that do not fit into 32 bits stand in the extra field 1, those that do are left out there. */
static bool read_wide_sizes(const uint8_t *extra, size_t length, uint64_t *size, uint64_t *packed,
                            uint64_t *offset)
{
    uint64_t *const fields[] = {size, packed, offset};
    const uint8_t *end = extra + length;
    while (end - extra >= 4 && u16(extra) != 1) {
        size_t step = 4 + u16(extra + 2);
        if (step > (size_t)(end - extra)) return false;
        extra += step;
    }
    const uint8_t *at = extra + 4, *stop = end - extra >= 4 && u16(extra + 2) <= (size_t)(end - extra) - 4
                                               ? at + u16(extra + 2)
                                               : NULL;
    for (int i = 0; i < 3; i++) {
        if (*fields[i] != UINT32_MAX) continue;
        if (!stop || stop - at < 8) return false;
        *fields[i] = u64(at);
        at += 8;
    }
    return true;
}

/* The entry's own header must tell the same name and method; its sizes may be missing there. */
static bool find_data(const uint8_t *bytes, uint64_t directory_offset, uint64_t offset, const uint8_t *record,
                      kin_zip_entry *e, kin_error *err)
{
    size_t name = u16(record + 28);
    if (offset > directory_offset || directory_offset - offset < LOCAL_SIZE + name)
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s lies outside the file", e->name);
    const uint8_t *local = bytes + offset;
    if (u32(local) != local_mark || u16(local + 8) != u16(record + 10) || u16(local + 26) != name ||
        memcmp(local + LOCAL_SIZE, record + RECORD_SIZE, name) != 0)
        return kin_fail(err, KIN_ERR_DATA,
                        "damaged archive: its directory and the header of %.100s contradict each other",
                        e->name);
    uint64_t begin = offset + LOCAL_SIZE + name + u16(local + 28);
    if (begin > directory_offset || e->packed > directory_offset - begin)
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s lies outside the file", e->name);
    e->data = bytes + begin;
    return true;
}

static bool read_record(const uint8_t *bytes, const directory *d, const uint8_t *record, size_t left,
                        kin_zip *zip, kin_zip_entry *e, size_t *step, kin_error *err)
{
    if (left < RECORD_SIZE || u32(record) != record_mark)
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: its directory is malformed");
    size_t name = u16(record + 28), extra = u16(record + 30);
    *step = RECORD_SIZE + name + extra + u16(record + 32);
    if (*step > left) return kin_fail(err, KIN_ERR_DATA, "damaged archive: its directory is cut off");
    char *copy = kin_arena_alloc(&zip->arena, name + 1);
    if (!copy) return kin_fail_memory(err, "an archive's directory", name + 1);
    memcpy(copy, record + RECORD_SIZE, name);
    copy[name] = '\0';
    e->name = copy;
    if (strlen(copy) != name)
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: a name in it holds a zero byte");
    uint32_t method = u16(record + 10);
    uint64_t packed = u32(record + 20), size = u32(record + 24), offset = u32(record + 42);
    if (u16(record + 8) & 1) return kin_fail(err, KIN_ERR_DATA, "%.100s is encrypted", e->name);
    if (method != STORED && method != DEFLATED)
        return kin_fail(err, KIN_ERR_DATA,
                        "%.100s is packed by method %u; stored and deflated entries are read", e->name,
                        method);
    if (!read_wide_sizes(record + RECORD_SIZE + name, extra, &size, &packed, &offset))
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s lacks its zip64 sizes", e->name);
    e->deflated = method == DEFLATED;
    e->crc = u32(record + 16);
    e->packed = (size_t)packed, e->size = (size_t)size;
    if (packed > SIZE_MAX / DEFLATE_RATIO || size > SIZE_MAX ||
        (e->deflated ? size / DEFLATE_RATIO > packed : size != packed))
        return kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s cannot unpack from %llu to %llu bytes",
                        e->name, (unsigned long long)packed, (unsigned long long)size);
    return find_data(bytes, d->offset, offset, record, e, err);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const kin_zip_entry *)x)->name, ((const kin_zip_entry *)y)->name);
}

static int by_place(const void *x, const void *y)
{
    const kin_zip_entry *a = x, *b = y;
    if (a->data != b->data) return a->data < b->data ? -1 : 1;
    return a->packed < b->packed ? -1 : a->packed > b->packed;
}

static bool entries_are_apart(kin_zip_entry *e, size_t count, kin_error *err)
{
    if (!count) return true;
    qsort(e, count, sizeof *e, by_place);
    for (size_t i = 1; i < count; i++)
        if (e[i].data == e[i - 1].data || e[i].data < e[i - 1].data + e[i - 1].packed)
            return kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s and %.100s overlap", e[i - 1].name,
                            e[i].name);
    qsort(e, count, sizeof *e, by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(e[i].name, e[i - 1].name) == 0)
            return kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s stands twice in it", e[i].name);
    return true;
}

bool kin_zip_open(const uint8_t *bytes, size_t size, kin_zip *out, kin_error *err)
{
    directory d = {0};
    *out = (kin_zip){0};
    if (!find_directory(bytes, size, &d, err)) return false;
    kin_zip_entry *entries = kin_arena_alloc_zero(&out->arena, (size_t)d.count * sizeof *entries);
    if (!entries) return kin_fail_memory(err, "an archive's directory", d.count * sizeof *entries);
    const uint8_t *record = bytes + d.offset;
    size_t left = (size_t)d.size, step = 0;
    for (uint64_t i = 0; i < d.count; i++, record += step, left -= step)
        if (!read_record(bytes, &d, record, left, out, &entries[i], &step, err)) return false;
    if (!entries_are_apart(entries, (size_t)d.count, err)) return false;
    out->entries = entries;
    out->count = (size_t)d.count;
    return true;
}

void kin_zip_free(kin_zip *zip)
{
    kin_arena_free(&zip->arena);
    *zip = (kin_zip){0};
}

const kin_zip_entry *kin_zip_find(const kin_zip *zip, const char *name)
{
    kin_zip_entry key = {.name = name};
    return zip->count ? bsearch(&key, zip->entries, zip->count, sizeof key, by_name) : NULL;
}

bool kin_zip_read(const kin_zip_entry *e, const kin_unpacker *unpacker, const uint8_t **data,
                  kin_bytes *owned, kin_error *err)
{
    kin_error inner = {0};
    *owned = (kin_bytes){0};
    *data = e->data;
    if (e->deflated) {
        if (!unpacker || !unpacker->inflate)
            return kin_fail(err, KIN_ERR_DATA, "%.100s is deflated; only stored entries are read here",
                            e->name);
        size_t limit = e->size ? e->size : 1; /* no limit is what 0 would mean */
        if (!unpacker->inflate(e->data, e->packed, limit, owned, &inner))
            return kin_fail(err, inner.code, "%.100s: %.500s", e->name, inner.message);
        *data = owned->data;
        if (owned->size != e->size) {
            kin_fail(err, KIN_ERR_DATA, "damaged archive: %.100s unpacks to %zu bytes, not %zu", e->name,
                     owned->size, e->size);
            kin_bytes_free(owned);
            return false;
        }
    }
    if (!unpacker || !unpacker->crc32 || unpacker->crc32(0, *data, e->size) == e->crc) return true;
    kin_bytes_free(owned);
    return kin_fail(err, KIN_ERR_DATA, "damaged archive: the checksum of %.100s does not match", e->name);
}
