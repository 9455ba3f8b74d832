#define _POSIX_C_SOURCE 200809L
#include "train/embed_cache.h"

#include "base/blake2b.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/npy.h"
#include "base/parallel.h"
#include "base/version.h"
#include "kernels/isa.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEY = 16, NAME = 16 /* hexadecimal digits of a network in file names */ };

_Static_assert(sizeof(kin_embed_key) == KIN_BLAKE2B_BYTES && KEY * 2 == KIN_BLAKE2B_BYTES, "a key is a hash");

struct kin_embed_cache {
    char *folder, network[NAME + 1];
    int64_t dim;
    kin_npy *file; /* [files]: those found; [0 .. dim) behind each row's key */
    size_t files, file_room;
    float *fresh;                  /* [fresh_rows, KEY + dim]: not yet written */
    int64_t fresh_rows, kept_rows; /* kept: written by this process, but still in `fresh` */
    size_t fresh_room;
    /* [slots]: rows with their keys, by open addressing; NULL is free. Rows of `fresh` are found through
     * their number: */
    const float **slot;
    int64_t *fresh_slot; /* [slots]: 1 + the number of a row of `fresh`, or 0 */
    size_t slots, used;
};

/* ---- keys ---- */

typedef struct hashing {
    const float *pixels;
    int64_t numbers;
    kin_embed_key *keys;
} hashing;

static void hash_one(void *arg, int64_t i, int worker)
{
    (void)worker;
    const hashing *h = arg;
    kin_blake2b b;
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, h->pixels + i * h->numbers, (size_t)h->numbers * sizeof *h->pixels);
    kin_blake2b_end(&b, h->keys[i].hash);
}

void kin_embed_cache_keys(const float *pixels, int64_t count, int64_t numbers, kin_embed_key *keys)
{
    kin_parallel_for(count, hash_one, &(hashing){pixels, numbers, keys});
}

/* All that decides a descriptor beside the picture. */
static void name_network(kin_module *module, const kin_network *network, char *name)
{
    const kin_config *c = &network->config;
    kin_blake2b b;
    kin_embed_key key;
    char text[2 * KIN_CONFIG_TEXT];
    int length = snprintf(text, sizeof text, "%s|%s|%d|%s|%lld|%lld|%lld|%lld|%lld|%lld|%s|%s|%s",
                          KIN_VERSION, kin_isa_name(), network->classify, c->model, (long long)c->size,
                          (long long)c->channels, (long long)c->embedding, (long long)c->width,
                          (long long)c->last_stride, (long long)c->neck, c->stem, c->pooling, c->attention);
    if (c->across)
        length += snprintf(text + length, sizeof text - (size_t)length, "|%lld", (long long)c->across);
    kin_blake2b_begin(&b);
    kin_blake2b_add(&b, text, (size_t)length);
    for (int i = 0; i < kin_module_entries(module); i++) {
        kin_entry *e = kin_module_entry(module, i);
        kin_blake2b_add(&b, e->name, strlen(e->name) + 1);
        kin_blake2b_add(&b, kin_data(e->tensor), (size_t)kin_count(e->tensor) * sizeof(kin_real));
    }
    kin_blake2b_end(&b, key.hash);
    kin_hex(key.hash, NAME / 2, name);
}

/* A key as whole numbers below 65,536, and back. */
static void key_to_row(const kin_embed_key *key, float *row)
{
    for (int i = 0; i < KEY; i++) row[i] = (float)(key->hash[2 * i] << 8 | key->hash[2 * i + 1]);
}

static size_t place_of(const kin_embed_cache *c, const float *row)
{
    uint64_t mixed = 0;
    for (int i = 0; i < 4; i++) mixed = mixed << 16 ^ (uint64_t)row[i];
    return (size_t)mixed & (c->slots - 1);
}

/* ---- the table ---- */

static const float *row_at(const kin_embed_cache *c, size_t slot)
{
    if (c->fresh_slot[slot]) return c->fresh + (c->fresh_slot[slot] - 1) * (KEY + c->dim);
    return c->slot[slot];
}

/* The slot of the row with this key, or the free one where it would go. */
static size_t find_slot(const kin_embed_cache *c, const float *key)
{
    size_t at = place_of(c, key);
    for (const float *row; (row = row_at(c, at)) != NULL && memcmp(row, key, KEY * sizeof *key) != 0;)
        at = (at + 1) & (c->slots - 1);
    return at;
}

/* Room for `more` rows at no more than half full. */
static bool grow(kin_embed_cache *c, size_t more, kin_error *err)
{
    size_t slots = c->slots ? c->slots : 1024;
    while (slots < 2 * (c->used + more)) slots *= 2;
    if (slots == c->slots) return true;
    kin_embed_cache old = *c;
    c->slot = kin_alloc_zero(slots, sizeof *c->slot);
    c->fresh_slot = kin_alloc_zero(slots, sizeof *c->fresh_slot);
    if (!c->slot || !c->fresh_slot) {
        kin_free(c->slot), kin_free(c->fresh_slot);
        *c = old;
        return kin_fail_memory(err, c->folder, slots * sizeof *c->slot);
    }
    c->slots = slots;
    for (size_t i = 0; i < old.slots; i++) {
        const float *row = row_at(&old, i);
        if (!row) continue;
        size_t at = find_slot(c, row);
        c->slot[at] = old.slot[i];
        c->fresh_slot[at] = old.fresh_slot[i];
    }
    kin_free(old.slot), kin_free(old.fresh_slot);
    return true;
}

int64_t kin_embed_cache_dim(const kin_embed_cache *c) { return c->dim; }

const float *kin_embed_cache_find(const kin_embed_cache *c, const kin_embed_key *key)
{
    float wanted[KEY];
    if (!c->slots) return NULL;
    key_to_row(key, wanted);
    const float *row = row_at(c, find_slot(c, wanted));
    return row ? row + KEY : NULL;
}

bool kin_embed_cache_add(kin_embed_cache *c, const kin_embed_key *key, const float *row, int64_t dim,
                         kin_error *err)
{
    if (c->dim && c->dim != dim)
        return kin_fail(err, KIN_ERR_DATA, "%s: holds descriptors of %lld numbers, this network gives %lld",
                        c->folder, (long long)c->dim, (long long)dim);
    c->dim = dim;
    if (!grow(c, 1, err)) return false;
    if (!kin_grow((void **)&c->fresh, (size_t)c->fresh_rows, &c->fresh_room,
                  (size_t)(KEY + dim) * sizeof *c->fresh))
        return kin_fail_memory(err, c->folder, (size_t)dim * sizeof *c->fresh);
    float *to = c->fresh + c->fresh_rows * (KEY + dim);
    key_to_row(key, to);
    size_t at = find_slot(c, to);
    if (row_at(c, at)) return true;
    memcpy(to + KEY, row, (size_t)dim * sizeof *to);
    c->fresh_slot[at] = ++c->fresh_rows;
    c->used++;
    return true;
}

/* ---- files ---- */

static bool check_file(const kin_embed_cache *c, const char *path, const kin_npy *file, kin_error *err)
{
    if (file->shape[1] <= KEY || (c->dim && file->shape[1] != KEY + c->dim))
        return kin_fail(err, KIN_ERR_DATA,
                        "%s: rows of %lld numbers are none of this cache's; delete the file", path,
                        (long long)file->shape[1]);
    for (int64_t i = 0; i < file->shape[0]; i++)
        for (int k = 0; k < KEY; k++) {
            float part = file->data[i * file->shape[1] + k];
            if (!(part >= 0 && part <= 65535 && part == (float)(int)part))
                return kin_fail(err, KIN_ERR_DATA, "%s: row %lld does not begin with a key; delete the file",
                                path, (long long)i);
        }
    return true;
}

static bool read_file(kin_embed_cache *c, const char *path, kin_error *err)
{
    kin_npy file;
    if (!kin_npy_read_matrix(path, &file, err)) return false;
    bool ok = check_file(c, path, &file, err);
    if (ok && !kin_grow((void **)&c->file, c->files, &c->file_room, sizeof *c->file))
        ok = kin_fail_memory(err, path, sizeof *c->file);
    if (!ok || !grow(c, (size_t)file.shape[0], err)) {
        kin_npy_free(&file);
        return false;
    }
    c->file[c->files++] = file;
    c->dim = file.shape[1] - KEY;
    for (int64_t i = 0; i < file.shape[0]; i++) {
        const float *row = file.data + i * file.shape[1];
        size_t at = find_slot(c, row);
        if (row_at(c, at)) continue;
        c->slot[at] = row;
        c->used++;
    }
    return true;
}

static bool read_files(kin_embed_cache *c, kin_error *err)
{
    DIR *dir = opendir(c->folder);
    if (!dir) return kin_fail(err, KIN_ERR_IO, "%s: cannot be read: %s", c->folder, strerror(errno));
    bool ok = true;
    for (const char *name; (ok = ok && kin_next_name(dir, c->folder, &name, err)) && name;) {
        size_t length = strlen(name);
        if (strncmp(name, c->network, NAME) != 0 || length < 4 || strcmp(name + length - 4, ".npy") != 0)
            continue;
        char *path = kin_path_join(c->folder, name);
        ok = path ? read_file(c, path, err) : kin_fail_memory(err, c->folder, length);
        kin_free(path);
    }
    closedir(dir);
    return ok;
}

kin_embed_cache *kin_embed_cache_open(const char *folder, kin_module *module, const kin_network *network,
                                      kin_error *err)
{
    kin_embed_cache *c = kin_alloc_zero(1, sizeof *c);
    if (!c || !(c->folder = kin_strdup(folder))) {
        kin_fail_memory(err, folder, sizeof *c);
        kin_embed_cache_free(c);
        return NULL;
    }
    name_network(module, network, c->network);
    if (kin_make_folders(folder, err) && read_files(c, err)) return c;
    kin_embed_cache_free(c);
    return NULL;
}

void kin_embed_cache_free(kin_embed_cache *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->files; i++) kin_npy_free(&c->file[i]);
    kin_free(c->file), kin_free(c->fresh), kin_free(c->slot), kin_free(c->fresh_slot), kin_free(c->folder);
    kin_free(c);
}

/* Named by its first key, so that two processes never write one name with different contents. */
bool kin_embed_cache_keep(kin_embed_cache *c, kin_error *err)
{
    char name[2 * NAME + 8];
    if (c->kept_rows == c->fresh_rows) return true;
    const float *rows = c->fresh + c->kept_rows * (KEY + c->dim);
    snprintf(name, sizeof name, "%s-%04x%04x%04x%04x.npy", c->network, (unsigned)rows[0], (unsigned)rows[1],
             (unsigned)rows[2], (unsigned)rows[3]);
    char *path = kin_path_join(c->folder, name);
    bool ok = path ? kin_npy_write_float32(path, rows, c->fresh_rows - c->kept_rows, KEY + c->dim, err)
                   : kin_fail_memory(err, c->folder, sizeof name);
    if (ok) c->kept_rows = c->fresh_rows;
    kin_free(path);
    return ok;
}
