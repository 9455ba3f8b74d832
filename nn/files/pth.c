/* What torch.save writes. Two forms:
 *
 *   zip (since 1.6)   NAME/data.pkl, the pickled object; NAME/data/KEY, the numbers of each storage;
 *                     NAME/byteorder
 *   legacy            five pickles: a magic number, the protocol, facts about the machine, the object, the
 *                     list of storage keys; then for each key how many numbers, and the numbers,
 *                     always little-endian
 *
 * A storage stands in the pickle as the persistent id ('storage', type, key, device, count), a tensor as
 * the call _rebuild_tensor_v2(storage, offset, size, stride, ..). Tensors may share a storage, and need
 * not lie in it in C order. */
#include "base/memory.h"
#include "nn/files/import_parts.h"
#include "nn/files/pickle.h"
#include "nn/files/pth_globals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRAPPED_MAX = 8, NESTED_MAX = 8, KEYS_SHOWN = 12 };
static const size_t pickle_max = (size_t)64 << 20;

/* A storage of a legacy file. */
typedef struct storage {
    const char *key;
    size_t count, item;
    const uint8_t *data;
} storage;

typedef struct reader {
    kin_checkpoint *c;
    const kin_import_opt *opt;
    kin_import_info *info;
    kin_error *err;
    const kin_zip *zip; /* NULL: legacy */
    const char *folder; /* the archive's own name, with its slash */
    size_t folder_length;
    const uint8_t **ready; /* the numbers of entry i of the archive, once they were asked for */
    bool big_endian;
    storage *storages; /* by key */
    size_t n_storages;
} reader;

static bool refuse(const reader *r, const char *what, const char *name)
{
    return kin_fail(r->err, KIN_ERR_DATA, "malformed PyTorch file: %s %.100s", what, name);
}

/* ---- storages ---- */

/* The five parts of a persistent id. */
static bool read_id(const reader *r, const kin_pickle *p, const char **key, kin_dtype *dtype, size_t *count)
{
    const kin_pickle *id = p && p->kind == KIN_PICKLE_PERSISTENT ? p->args : NULL;
    if (!id || id->kind != KIN_PICKLE_TUPLE || id->count < 5 || id->items[0]->kind != KIN_PICKLE_TEXT ||
        strcmp(id->items[0]->text, "storage") != 0 || id->items[2]->kind != KIN_PICKLE_TEXT ||
        id->items[4]->kind != KIN_PICKLE_INT || id->items[4]->integer < 0)
        return refuse(r, "a storage that is described in no known way", "");
    *key = id->items[2]->text;
    *dtype = kin_pth_type(id->items[1]);
    if (!kin_add_size((uint64_t)id->items[4]->integer, 0, count))
        return refuse(r, "an impossible size of storage", *key);
    return *dtype || refuse(r, "an unknown type of numbers in storage", *key);
}

static bool zip_storage(reader *r, const char *key, size_t bytes, const uint8_t **data)
{
    char name[600];
    snprintf(name, sizeof name, "%.*sdata/%.200s", (int)r->folder_length, r->folder, key);
    const kin_zip_entry *e = kin_zip_find(r->zip, name);
    if (!e) return refuse(r, "it lacks the entry", name);
    if (e->size != bytes)
        return kin_fail(r->err, KIN_ERR_DATA,
                        "malformed PyTorch file: storage %.100s holds %zu bytes, its description says %zu",
                        key, e->size, bytes);
    size_t i = (size_t)(e - r->zip->entries);
    if (!r->ready[i] && !kin_checkpoint_unpack(r->c, e, &r->opt->unpacker, &r->ready[i], r->err))
        return false;
    *data = r->ready[i];
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const storage *)a)->key, ((const storage *)b)->key);
}

static storage *find_storage(const reader *r, const char *key)
{
    storage wanted = {.key = key};
    return r->n_storages ? bsearch(&wanted, r->storages, r->n_storages, sizeof wanted, by_key) : NULL;
}

/* Before version 0.4 a storage could be a window of another one: (key, first, count), or None. */
static bool take_window(const reader *r, const kin_pickle *id, size_t item, size_t *count,
                        const uint8_t **data)
{
    const kin_pickle *w = id->count > 5 ? id->items[5] : NULL;
    if (!w || w->kind == KIN_PICKLE_NONE) return true;
    if (w->kind != KIN_PICKLE_TUPLE || w->count != 3 || w->items[1]->kind != KIN_PICKLE_INT ||
        w->items[2]->kind != KIN_PICKLE_INT || w->items[1]->integer < 0 || w->items[2]->integer < 0 ||
        (uint64_t)w->items[1]->integer > *count ||
        (uint64_t)w->items[2]->integer > *count - (uint64_t)w->items[1]->integer)
        return refuse(r, "a window that lies outside of its storage", "");
    *data += (size_t)w->items[1]->integer * item;
    *count = (size_t)w->items[2]->integer;
    return true;
}

/* The numbers of a storage: *count of `*dtype`. */
static bool open_storage(reader *r, const kin_pickle *p, kin_dtype *dtype, size_t *count,
                         const uint8_t **data)
{
    const char *key;
    size_t bytes;
    if (!read_id(r, p, &key, dtype, count)) return false;
    if (!kin_mul_size(*count, kin_dtype_size(*dtype), &bytes))
        return refuse(r, "an impossible size of storage", key);
    if (r->zip) return zip_storage(r, key, bytes, data);
    const storage *s = find_storage(r, key);
    if (!s || !s->data || s->count != *count || s->item != kin_dtype_size(*dtype))
        return refuse(r, "the numbers are missing of storage", key);
    *data = s->data;
    return take_window(r, p->args, s->item, count, data);
}

/* ---- tensors ---- */

typedef struct tensor_call {
    const kin_pickle *const *args;
    size_t count;
    bool typed;
} tensor_call;

/* Finds the call that makes a tensor's numbers, inside those that make a parameter of it. */
static bool tensor_call_of(const kin_pickle *p, tensor_call *out)
{
    for (int depth = 0; depth < WRAPPED_MAX; depth++) {
        if (kin_pickle_is_call(p, "torch._utils._rebuild_tensor_v2", 4) ||
            kin_pickle_is_call(p, "torch._utils._rebuild_tensor", 4) ||
            kin_pickle_is_call(p, "torch._utils._rebuild_tensor_v3", 7)) {
            *out = (tensor_call){(const kin_pickle *const *)p->args->items, p->args->count,
                                 strcmp(p->callee->text, "torch._utils._rebuild_tensor_v3") == 0};
            return true;
        }
        if (kin_pickle_is_call(p, "torch._utils._rebuild_parameter", 1) ||
            kin_pickle_is_call(p, "torch._utils._rebuild_parameter_with_state", 1)) {
            p = p->args->items[0];
        } else if (kin_pickle_is_call(p, "torch._tensor._rebuild_from_type_v2", 3) &&
                   kin_pickle_is(p->args->items[0], "torch._utils._rebuild_tensor_v2") &&
                   p->args->items[2]->kind == KIN_PICKLE_TUPLE && p->args->items[2]->count >= 4) {
            *out = (tensor_call){(const kin_pickle *const *)p->args->items[2]->items,
                                 p->args->items[2]->count, false};
            return true;
        } else {
            return false;
        }
    }
    return false;
}

static bool is_tensor(const kin_pickle *p)
{
    tensor_call call;
    return tensor_call_of(p, &call);
}

/* A tuple of whole numbers, or torch.Size of one. */
static bool read_sizes(const kin_pickle *p, int *count, int64_t *out)
{
    if (kin_pickle_is_call(p, "torch.Size", 1)) p = p->args->items[0];
    if ((p->kind != KIN_PICKLE_TUPLE && p->kind != KIN_PICKLE_LIST) || p->count > KIN_ARRAY_DIMS)
        return false;
    *count = (int)p->count;
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i]->kind != KIN_PICKLE_INT || p->items[i]->integer < 0) return false;
        out[i] = p->items[i]->integer;
    }
    return true;
}

/* A tensor may be a view that reads its numbers with the other sign (torch.complex(a, b).conj().imag), or
 * conjugated, which for real numbers is the same: flags in a dictionary behind the other arguments. */
static bool read_flags(const reader *r, const tensor_call *call, const char *name, bool *negative)
{
    size_t at = call->typed ? 7 : 6;
    const kin_pickle *flags = call->count > at ? call->args[at] : NULL;
    *negative = false;
    if (!flags || flags->kind == KIN_PICKLE_NONE) return true;
    if (!kin_pickle_is_dict(flags)) return refuse(r, "flags of an unknown kind of", name);
    for (size_t i = 0; i + 1 < flags->count; i += 2) {
        const kin_pickle *key = flags->items[i], *value = flags->items[i + 1];
        bool text = key->kind == KIN_PICKLE_TEXT, neg = text && strcmp(key->text, "neg") == 0,
             known_flag = neg || (text && strcmp(key->text, "conj") == 0);
        if (!known_flag || value->kind != KIN_PICKLE_BOOL) return refuse(r, "an unknown flag of", name);
        if (neg) *negative = value->integer != 0;
    }
    return true;
}

/* Little-endian numbers, each with the other sign: that of real numbers is their last bit. */
static bool negate(reader *r, kin_array *a)
{
    size_t item = kin_dtype_size(a->dtype);
    uint8_t *room = kin_checkpoint_alloc(r->c, a->name, a->count * item, r->err);
    if (!room) return false;
    for (size_t i = 0; i < a->count; i++) {
        const uint8_t *from = a->data + i * item;
        uint8_t *to = room + i * item;
        unsigned carry = 1;
        for (size_t k = 0; k < item; k++) {
            unsigned sum = (uint8_t)~from[k] + carry;
            to[k] = kin_dtype_is_real(a->dtype) ? from[k] : (uint8_t)sum;
            carry = sum >> 8;
        }
        if (kin_dtype_is_real(a->dtype)) to[item - 1] ^= 0x80;
    }
    a->data = room;
    return true;
}

static bool read_tensor(reader *r, const char *name, size_t name_length, const kin_pickle *p)
{
    tensor_call call = {0};
    int64_t stride[KIN_ARRAY_DIMS];
    int strides = 0;
    size_t held = 0;
    const uint8_t *data = NULL;
    kin_array *a = kin_checkpoint_add(r->c, name, name_length, r->err);
    if (!a || !tensor_call_of(p, &call)) return false;
    const kin_pickle *offset = call.args[1];
    if (offset->kind != KIN_PICKLE_INT || !read_sizes(call.args[2], &a->ndim, a->shape) ||
        !read_sizes(call.args[3], &strides, stride) || strides != a->ndim)
        return refuse(r, "an impossible shape, offset or stride of", a->name);
    if (!open_storage(r, call.args[0], &a->dtype, &held, &data)) return false;
    if (call.typed && a->dtype == KIN_U8) {
        if (!(a->dtype = kin_pth_type(call.args[6])))
            return refuse(r, "an unknown type of numbers in", a->name);
        held /= kin_dtype_size(a->dtype);
    }
    size_t item = kin_dtype_size(a->dtype);
    if (!kin_array_count(a->ndim, a->shape, item, &a->count))
        return refuse(r, "a shape larger than any memory of", a->name);
    if (!kin_strides_fit(a->ndim, a->shape, stride, offset->integer, held))
        return kin_fail(r->err, KIN_ERR_DATA,
                        "malformed PyTorch file: %.100s reaches beyond its storage of %zu numbers", a->name,
                        held);
    bool negative;
    return read_flags(r, &call, a->name, &negative) &&
           kin_checkpoint_place(r->c, a, data + (size_t)offset->integer * item, stride, r->big_endian,
                                r->err) &&
           (!negative || negate(r, a));
}

/* ---- which dictionary ---- */

static bool holds_tensors(const kin_pickle *p)
{
    for (size_t i = 0; kin_pickle_is_dict(p) && i + 1 < p->count; i += 2)
        if (p->items[i]->kind == KIN_PICKLE_TEXT && is_tensor(p->items[i + 1])) return true;
    return false;
}

static bool fail_with_keys(const reader *r, const kin_pickle *dict, const char *what, const char *name)
{
    char keys[600] = "";
    size_t used = 0;
    int shown = 0;
    for (size_t i = 0; i + 1 < dict->count && shown < KEYS_SHOWN && used < sizeof keys; i += 2)
        if (dict->items[i]->kind == KIN_PICKLE_TEXT)
            used += (size_t)snprintf(keys + used, sizeof keys - used, "%s%.40s", shown++ ? ", " : "",
                                     dict->items[i]->text);
    return kin_fail(r->err, KIN_ERR_DATA, "%s%.100s; it holds %s; choose a dictionary of tensors with --key",
                    what, name, shown ? keys : "nothing with a name");
}

static void note_key(reader *r, const char *key)
{
    size_t used = strlen(r->info->key);
    snprintf(r->info->key + used, sizeof r->info->key - used, "%s%.100s", used ? "." : "", key);
}

/* The dictionary under "a.b": names may hold dots themselves, so the whole is tried first. */
static const kin_pickle *dict_at(reader *r, const kin_pickle *top, const char *key)
{
    const kin_pickle *at = top;
    const char *rest = key;
    while (kin_pickle_is_dict(at)) {
        const kin_pickle *whole = kin_pickle_get(at, rest);
        if (whole && kin_pickle_is_dict(whole)) return note_key(r, key), whole;
        const char *dot = strchr(rest, '.');
        char part[200];
        if (!dot || (size_t)(dot - rest) >= sizeof part) break;
        snprintf(part, sizeof part, "%.*s", (int)(dot - rest), rest);
        at = kin_pickle_get(at, part);
        rest = dot + 1;
    }
    fail_with_keys(r, top, "there is no dictionary ", key);
    return NULL;
}

/* The names under which training programs keep the state dict. */
static const kin_pickle *usual_child(const kin_pickle *dict, const char **key)
{
    static const char *const usual[] = {"state_dict", "model_state_dict", "model_state", "model",
                                        "net",        "network",          "module",      "weights",
                                        "params_ema", "params",           "model_ema",   "encoder",
                                        "backbone"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const kin_pickle *child = kin_pickle_get(dict, usual[i]);
        if (!kin_pickle_is_dict(child)) continue;
        *key = usual[i];
        return child;
    }
    return NULL;
}

static const kin_pickle *only_child(const kin_pickle *dict, const char **key)
{
    const kin_pickle *found = NULL;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        if (dict->items[i]->kind != KIN_PICKLE_TEXT || !holds_tensors(dict->items[i + 1])) continue;
        if (found) return NULL;
        *key = dict->items[i]->text;
        found = dict->items[i + 1];
    }
    return found;
}

/* Notes the dictionaries beside the one taken that hold tensors too: averages of the weights (EMA), a
 * teacher, a head of its own. */
static void note_others(reader *r, const kin_pickle *dict, const char *path, const kin_pickle *taken)
{
    char *also = r->info->also;
    size_t used = strlen(also), room = sizeof r->info->also;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const kin_pickle *name = dict->items[i], *value = dict->items[i + 1], *inner = value;
        const char *key = NULL;
        if (name->kind != KIN_PICKLE_TEXT || value == taken || !kin_pickle_is_dict(value)) continue;
        if (!holds_tensors(value) && !(inner = usual_child(value, &key))) continue;
        if (!holds_tensors(inner) || used >= room) continue;
        used += (size_t)snprintf(also + used, room - used, "%s%s%s%.60s%s%.60s", used ? ", " : "", path,
                                 *path ? "." : "", name->text, key ? "." : "", key ? key : "");
    }
    if (used >= room) memcpy(also + room - 4, "...", 4);
}

static const kin_pickle *find_dict(reader *r, const kin_pickle *top)
{
    const char *key;
    if (r->opt->key) return dict_at(r, top, r->opt->key);
    for (int depth = 0; depth < NESTED_MAX; depth++) {
        const kin_pickle *child = usual_child(top, &key);
        if (!child && holds_tensors(top)) return top;
        if (!child) child = only_child(top, &key);
        if (!child) break;
        note_others(r, top, r->info->key, child);
        note_key(r, key);
        top = child;
    }
    fail_with_keys(r, top, "there is no state dict in it", "");
    return NULL;
}

static bool read_object(reader *r, const kin_pickle *top)
{
    if (is_tensor(top)) return read_tensor(r, "tensor", strlen("tensor"), top);
    if (!kin_pickle_is_dict(top))
        return kin_fail(r->err, KIN_ERR_DATA,
                        "holds no dictionary of tensors; write one with torch.save(model.state_dict(), ..)");
    const kin_pickle *dict = find_dict(r, top);
    if (!dict) return false;
    if (!holds_tensors(dict))
        return fail_with_keys(r, dict, "there are no tensors in ", r->info->key[0] ? r->info->key : "it");
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        const kin_pickle *name = dict->items[i], *value = dict->items[i + 1];
        if (name->kind != KIN_PICKLE_TEXT || !is_tensor(value)) r->info->left_out++;
        else if (!read_tensor(r, name->text, name->length, value)) return false;
    }
    return true;
}

/* ---- the zip form ---- */

static const char pickle_name[] = "data.pkl";

/* data.pkl at the top or in one folder. */
static const kin_zip_entry *pickle_entry(const kin_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++) {
        const char *name = zip->entries[i].name, *slash = strchr(name, '/');
        if (strcmp(slash ? slash + 1 : name, pickle_name) == 0) return &zip->entries[i];
    }
    return NULL;
}

bool kin_pth_is_archive(const kin_zip *zip) { return pickle_entry(zip) != NULL; }

static bool read_byte_order(reader *r)
{
    char name[600];
    const uint8_t *text;
    snprintf(name, sizeof name, "%.*sbyteorder", (int)r->folder_length, r->folder);
    const kin_zip_entry *e = kin_zip_find(r->zip, name);
    if (!e) return true; /* before 2.1 it was not told, and little */
    if (e->size > 16) return refuse(r, "an unknown byte order in", name);
    if (!kin_checkpoint_unpack(r->c, e, &r->opt->unpacker, &text, r->err)) return false;
    r->big_endian = e->size == 3 && memcmp(text, "big", 3) == 0;
    return r->big_endian || (e->size == 6 && memcmp(text, "little", 6) == 0) ||
           refuse(r, "an unknown byte order in", name);
}

bool kin_pth_read_zip(kin_checkpoint *c, const kin_zip *zip, const kin_import_opt *opt, kin_import_info *info,
                      kin_error *err)
{
    const kin_zip_entry *e = pickle_entry(zip);
    reader r = {.c = c,
                .opt = opt,
                .info = info,
                .err = err,
                .zip = zip,
                .folder = e->name,
                .folder_length = strlen(e->name) - strlen(pickle_name)};
    const uint8_t *bytes;
    size_t used;
    info->form = "PyTorch (zip)";
    if (r.folder_length > 300) return refuse(&r, "an overlong name:", e->name);
    if (e->size > pickle_max)
        return kin_fail(err, KIN_ERR_DATA,
                        "malformed PyTorch file: a data.pkl of %zu bytes; at most %zu were expected", e->size,
                        pickle_max);
    r.ready = kin_arena_alloc_zero(&c->arena, zip->count * sizeof *r.ready);
    if (!r.ready) return kin_fail_memory(err, "an archive's directory", zip->count * sizeof *r.ready);
    if (!read_byte_order(&r) || !kin_checkpoint_unpack(c, e, &opt->unpacker, &bytes, err)) return false;
    const kin_pickle *top = kin_pickle_parse(bytes, e->size, &used, kin_pth_knows, NULL, &c->arena, err);
    return top && read_object(&r, top);
}

/* ---- the legacy form ---- */

/* Notes every storage that the object speaks of. */
static bool gather_storages(reader *r, const kin_pickle *last)
{
    size_t count = 0, kept = 0;
    for (const kin_pickle *p = last; p; p = p->state) count++;
    r->storages = kin_arena_alloc(&r->c->arena, count * sizeof *r->storages);
    if (!r->storages) return kin_fail_memory(r->err, "the storages", count * sizeof *r->storages);
    for (const kin_pickle *p = last; p; p = p->state) {
        storage *s = &r->storages[r->n_storages++];
        kin_dtype dtype;
        if (!read_id(r, p, &s->key, &dtype, &s->count)) return false;
        s->item = kin_dtype_size(dtype);
        s->data = NULL;
    }
    if (count) qsort(r->storages, count, sizeof *r->storages, by_key);
    for (size_t i = 0; i < count; i++) {
        const storage *s = &r->storages[i], *before = kept ? &r->storages[kept - 1] : NULL;
        if (!before || strcmp(before->key, s->key) != 0) r->storages[kept++] = *s;
        else if (before->count != s->count || before->item != s->item)
            return refuse(r, "two descriptions that contradict each other of storage", s->key);
    }
    r->n_storages = kept;
    return true;
}

static bool place_storages(reader *r, const kin_pickle *keys, const uint8_t *at, size_t left)
{
    if (keys->kind != KIN_PICKLE_LIST) return refuse(r, "its list of storages is missing", "");
    for (size_t i = 0; i < keys->count; i++) {
        const char *key = keys->items[i]->kind == KIN_PICKLE_TEXT ? keys->items[i]->text : "";
        storage *s = find_storage(r, key);
        uint64_t count = 0;
        size_t bytes;
        if (!s) return refuse(r, "nothing uses storage", key);
        if (s->data) return refuse(r, "there are two of storage", key);
        if (left < 8)
            return kin_fail(r->err, KIN_ERR_DATA, "truncated PyTorch file: storage %.100s is missing", key);
        for (int k = 7; k >= 0; k--) count = count << 8 | at[k];
        if (count != s->count)
            return kin_fail(
                r->err, KIN_ERR_DATA,
                "malformed PyTorch file: storage %.100s holds %llu numbers, its description says %zu", key,
                (unsigned long long)count, s->count);
        if (!kin_mul_size(s->count, s->item, &bytes) || bytes > left - 8)
            return kin_fail(r->err, KIN_ERR_DATA, "truncated PyTorch file: it ends inside of storage %.100s",
                            key);
        s->data = at + 8;
        at += 8 + bytes;
        left -= 8 + bytes;
    }
    return left == 0 ||
           kin_fail(r->err, KIN_ERR_DATA, "malformed PyTorch file: %zu bytes behind its last storage", left);
}

typedef struct cursor {
    const uint8_t *at;
    size_t left;
} cursor;

static const kin_pickle *next_pickle(reader *r, cursor *k, const kin_pickle **last)
{
    size_t used;
    const kin_pickle *p = kin_pickle_parse(k->at, k->left, &used, kin_pth_knows, last, &r->c->arena, r->err);
    k->at += used;
    k->left -= used;
    return p;
}

static bool is_magic(const kin_pickle *p)
{
    static const uint8_t magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return p->kind == KIN_PICKLE_LONG && p->length == sizeof magic &&
           memcmp(p->text, magic, sizeof magic) == 0;
}

bool kin_pth_read_legacy(kin_checkpoint *c, const kin_import_opt *opt, kin_import_info *info, kin_error *err)
{
    reader r = {.c = c, .opt = opt, .info = info, .err = err};
    cursor k = {c->file.data, c->file.size};
    const kin_pickle *last = NULL, *magic = next_pickle(&r, &k, NULL);
    if (!magic) return false;
    if (!is_magic(magic))
        return kin_fail(err, KIN_ERR_DATA,
                        "a pickle, but not one of torch.save; kin reads state dicts only and runs nothing");
    const kin_pickle *protocol = next_pickle(&r, &k, NULL);
    if (!protocol) return false;
    if (protocol->kind != KIN_PICKLE_INT || protocol->integer != 1001)
        return refuse(&r, "another protocol than 1001", "");
    /* sizes of C's types: of no use, as the numbers are always written the same way */
    if (!next_pickle(&r, &k, NULL)) return false;
    const kin_pickle *top = next_pickle(&r, &k, &last), *keys = top ? next_pickle(&r, &k, NULL) : NULL;
    info->form = "PyTorch (before 1.6)";
    return keys && gather_storages(&r, last) && place_storages(&r, keys, k.at, k.left) &&
           read_object(&r, top);
}
