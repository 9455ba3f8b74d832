#include "nn/files/checkpoint_parts.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t made_always = UINT64_C(256) << 20, made_times = 16;

kin_checkpoint *kin_checkpoint_new(kin_bytes *file, kin_error *err)
{
    kin_checkpoint *c = kin_alloc_zero(1, sizeof *c);
    if (c) c->file = *file, c->source = file->size;
    else kin_bytes_free(file), kin_fail_memory(err, "a checkpoint", sizeof *c);
    return c;
}

void kin_checkpoint_free(kin_checkpoint *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n_parts; i++) kin_checkpoint_free(c->parts[i]);
    kin_free(c->parts);
    kin_bytes_free(&c->file);
    kin_arena_free(&c->arena);
    kin_free(c->arrays);
    kin_free(c);
}

static bool sound_name(const char *name, size_t length)
{
    for (size_t at = 0, step; at < length; at += step) {
        step = kin_utf8_length(name + at, length - at);
        if (!step || name[at] == '\0') return false;
    }
    return true;
}

kin_array *kin_checkpoint_add(kin_checkpoint *c, const char *name, size_t length, kin_error *err)
{
    if (!sound_name(name, length))
        return kin_fail(err, KIN_ERR_DATA, "the name of array %zu is not UTF-8 text", c->count), NULL;
    char *copy = kin_arena_alloc(&c->arena, length + 1);
    if (!copy || !kin_grow((void **)&c->arrays, c->count, &c->capacity, sizeof *c->arrays))
        return kin_fail_memory(err, "a checkpoint's entries", (c->count + 1) * sizeof *c->arrays), NULL;
    if (length) memcpy(copy, name, length);
    copy[length] = '\0';
    c->arrays[c->count] = (kin_array){.name = copy};
    return &c->arrays[c->count++];
}

uint8_t *kin_checkpoint_alloc(kin_checkpoint *c, const char *name, size_t bytes, kin_error *err)
{
    uint64_t most = made_always + made_times * c->source;
    if (bytes > most - c->made)
        return kin_fail(err, KIN_ERR_DATA,
                        "%.100s: unpacked, this file of %llu bytes would take more than %llu", name,
                        (unsigned long long)c->source, (unsigned long long)most),
               NULL;
    uint8_t *room = kin_arena_alloc(&c->arena, bytes);
    if (!room) return kin_fail_memory(err, name, bytes), NULL;
    c->made += bytes;
    return room;
}

bool kin_checkpoint_place(kin_checkpoint *c, kin_array *a, const uint8_t *from, const int64_t *stride,
                          bool big_endian, kin_error *err)
{
    size_t item = kin_dtype_size(a->dtype);
    bool swap = big_endian && item > 1;
    a->data = from;
    if (!swap && kin_strides_plain(a->ndim, a->shape, stride)) return true;
    uint8_t *room = kin_checkpoint_alloc(c, a->name, a->count * item, err);
    if (!room) return false;
    kin_array_gather(room, from, item, a->ndim, a->shape, stride, swap);
    a->data = room;
    return true;
}

bool kin_checkpoint_unpack(kin_checkpoint *c, const kin_zip_entry *e, const kin_unpacker *unpacker,
                           const uint8_t **data, kin_error *err)
{
    kin_bytes owned;
    /* before anything is unpacked */
    uint8_t *room = e->deflated ? kin_checkpoint_alloc(c, e->name, e->size, err) : NULL;
    if ((e->deflated && !room) || !kin_zip_read(e, unpacker, data, &owned, err)) return false;
    if (!room) return true;
    if (e->size) memcpy(room, owned.data, e->size);
    *data = room;
    kin_bytes_free(&owned);
    return true;
}

static int by_name(const void *x, const void *y)
{
    return strcmp((*(const kin_array *const *)x)->name, (*(const kin_array *const *)y)->name);
}

bool kin_checkpoint_names(kin_checkpoint *c, kin_error *err)
{
    const kin_array **sorted = kin_alloc_array(c->count, sizeof *sorted);
    bool ok = true;
    if (!sorted) return kin_fail_memory(err, "the names", c->count * sizeof *sorted);
    for (size_t i = 0; i < c->count; i++) sorted[i] = &c->arrays[i];
    if (c->count) qsort(sorted, c->count, sizeof *sorted, by_name);
    for (size_t i = 1; ok && i < c->count; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            ok = kin_fail(err, KIN_ERR_DATA, "%.100s stands twice in it", sorted[i]->name);
    kin_free(sorted);
    return ok;
}

int kin_checkpoint_count(const kin_checkpoint *c) { return (int)c->count; }
const kin_array *kin_checkpoint_array(const kin_checkpoint *c, int i)
{
    return i >= 0 && (size_t)i < c->count ? &c->arrays[i] : NULL;
}
const char *kin_checkpoint_name(const kin_checkpoint *c, int i)
{
    return i >= 0 && (size_t)i < c->count ? c->arrays[i].name : NULL;
}

const kin_array *kin_checkpoint_find(const kin_checkpoint *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->arrays[i].name, name) == 0) return &c->arrays[i];
    return NULL;
}
