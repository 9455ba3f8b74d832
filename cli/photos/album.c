#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/photos/album.h"

#include "base/memory.h"
#include "base/text.h"
#include "cli/network/kin_network.h"
#include "cli/options/outputs.h"
#include "cli/options/source.h"
#include "cli/terminal/interrupt.h"
#include "data/look/look.h"
#include "photos/present.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

const char kin_index_name[] = ".kin-index";

/* ---- where ---- */

/* The nearest folder with an index, from here up. */
static char *find_above(kin_error *err)
{
    char *here = realpath(".", NULL), *found = NULL;
    if (!here) return kin_fail(err, KIN_ERR_IO, "the folder here cannot be found: %s", strerror(errno)), NULL;
    for (char *end = here + strlen(here); !found;) {
        char *file = kin_path_join(here, kin_index_name);
        if (file && kin_exists(file)) found = file;
        else kin_free(file);
        if (found || !*here) break;
        while (end > here && *end != '/') end--;
        *end = '\0';
    }
    free(here);
    if (!found)
        kin_fail(err, KIN_ERR_ARGUMENT,
                 "neither the folder here nor one above it is indexed; kin index FOLDER does it, and --index "
                 "PATH says where");
    return found;
}

char *kin_index_find(const char *path, kin_error *err)
{
    if (!path) return find_above(err);
    char *file = kin_is_folder(path) ? kin_path_join(path, kin_index_name) : kin_strdup(path);
    if (!file) return kin_fail_memory(err, path, strlen(path)), NULL;
    if (kin_exists(file)) return file;
    if (kin_is_folder(path))
        kin_fail(err, KIN_ERR_ARGUMENT, "%s is not indexed yet; kin index %s does it", path, path);
    else kin_fail(err, KIN_ERR_ABSENT, "%s: there is no such folder or index", path);
    kin_free(file);
    return NULL;
}

bool kin_album_open(const kin_cli *cli, const char *path, kin_album *out, kin_error *err)
{
    *out = (kin_album){0};
    bool ok = (out->file = kin_index_find(path, err)) != NULL &&
              kin_photos_read(out->file, &out->photos, err);
    if (ok) {
        const char *root = out->photos.root;
        out->root = strcmp(root, ".") == 0 ? kin_parent_folder(out->file) : kin_strdup(root);
        ok = out->root || kin_fail_memory(err, root, strlen(root));
    }
    if (ok && cli) kin_cli_note(cli, "%s: described by %s", out->file, out->photos.model);
    if (!ok) kin_album_close(out);
    return ok;
}

void kin_album_close(kin_album *album)
{
    kin_photos_free(&album->photos);
    kin_free(album->file), kin_free(album->root);
    *album = (kin_album){0};
}

char *kin_album_path(const kin_album *album, int64_t item)
{
    const char *path = album->photos.item[item].path;
    return strcmp(album->root, ".") == 0 ? kin_strdup(path) : kin_path_join(album->root, path);
}

int64_t kin_album_item(const kin_album *album, const char *path)
{
    char *root = realpath(album->root, NULL), *file = realpath(path, NULL);
    size_t length = root ? strlen(root) : 0;
    const char *below = root && file && strncmp(file, root, length) == 0 && file[length] == '/'
                            ? file + length + 1
                            : NULL;
    int64_t found = -1;
    for (int64_t i = 0; found < 0 && i < album->photos.count; i++) {
        const char *own = album->photos.item[i].path;
        if (strcmp(own, path) == 0 || (below && strcmp(own, below) == 0)) found = i;
    }
    free(root), free(file);
    return found;
}

bool kin_album_apart(const kin_cli *cli, const kin_album *album, const char *output, kin_error *err)
{
    int64_t item = output ? kin_album_item(album, output) : -1;
    char *path = item < 0 ? NULL : kin_album_path(album, item);
    bool ok = item < 0 || (path ? kin_output_apart(cli, output, path, err) : kin_fail_memory(err, output, 1));
    kin_free(path);
    return ok;
}

void kin_album_say_stale(const kin_cli *cli, const kin_album *album, const int64_t *now, const char *first)
{
    char unreadable[64] = "";
    if (now[KIN_PHOTO_GONE] + now[KIN_PHOTO_CHANGED] + now[KIN_PHOTO_UNREADABLE] == 0) return;
    if (now[KIN_PHOTO_UNREADABLE])
        snprintf(unreadable, sizeof unreadable, ", %lld may not be opened",
                 (long long)now[KIN_PHOTO_UNREADABLE]);
    kin_cli_note(
        cli,
        "%lld pictures of the index are gone and %lld have another content since%s, and are left out (the "
        "first: %s); kin index brings %s up to date",
        (long long)now[KIN_PHOTO_GONE], (long long)now[KIN_PHOTO_CHANGED], unreadable, first, album->file);
}

bool kin_album_present(const kin_cli *cli, kin_album *album, kin_error *err)
{
    kin_present told;
    int64_t known = album->photos.count, links;
    if (!kin_photos_present(&album->photos, album->root, &told, err)) return false;
    if (known && !album->photos.count)
        return kin_fail(
            err, KIN_ERR_DATA,
            "%s: none of its %lld pictures is there below %s as the index knows it; kin index brings it "
            "up to date",
            album->file, (long long)known, album->root);
    kin_album_say_stale(cli, album, told.now, told.first_stale);
    links = told.hard + told.symbolic;
    if (links)
        kin_cli_note(
            cli,
            "%lld hard and %lld symbolic links to pictures that have another name here are no copies, and "
            "are passed over (the first: %s)",
            (long long)told.hard, (long long)told.symbolic, told.first_link);
    return true;
}

bool kin_photos_joined(const kin_photos *p)
{
    return strncmp(p->options, "model=kin\n", 10) == 0 && p->dim > KIN_LOOK_DIM;
}

bool kin_album_by_hand(kin_album *album)
{
    kin_photos *p = &album->photos;
    if (*p->weights == '\0') return p->dim == KIN_LOOK_DIM;
    if (!kin_photos_joined(p)) return false;
    for (int64_t i = 0; i < p->count; i++)
        kin_network_by_hand(p->rows + i * p->dim, p->rows + i * KIN_LOOK_DIM);
    p->dim = KIN_LOOK_DIM;
    return true;
}

bool kin_by_group(const int64_t *group, int64_t count, int64_t groups, kin_groups *out, kin_error *err)
{
    out->first = kin_alloc_zero((size_t)groups + 2, sizeof *out->first);
    out->item = kin_alloc_array((size_t)count, sizeof *out->item);
    if (!out->first || !out->item) {
        kin_groups_free(out);
        return kin_fail_memory(err, "groups", (size_t)(count + groups) * sizeof *out->item);
    }
    /* Counted two places ahead, so that filling leaves each group's beginning where it belongs. */
    for (int64_t i = 0; i < count; i++)
        if (group[i] >= 0) out->first[group[i] + 2]++;
    for (int64_t g = 2; g < groups + 2; g++) out->first[g] += out->first[g - 1];
    for (int64_t i = 0; i < count; i++)
        if (group[i] >= 0) out->item[out->first[group[i] + 1]++] = i;
    return true;
}

void kin_groups_free(kin_groups *g)
{
    kin_free(g->first), kin_free(g->item);
    *g = (kin_groups){0};
}

/* ---- who describes ---- */

static const char handmade[] = "handmade";

static bool is_own(const char *model) { return strcmp(model, kin_network_name) == 0; }

/* The options that decide a descriptor. */
static const char *const deciding[] = {"model",  "weights",   "allow-missing", "key",
                                       "prefix", "untrained", "sum-stem",      "size",
                                       "resize", "filter",    "normalize",     "background",
                                       NULL};

static void digest_of(kin_module *module, char *text)
{
    uint8_t hash[KIN_BLAKE2B_BYTES];
    kin_blake2b b;
    kin_blake2b_begin(&b);
    for (int i = 0; i < kin_module_entries(module); i++) {
        kin_entry *e = kin_module_entry(module, i);
        kin_blake2b_add(&b, e->name, strlen(e->name) + 1);
        kin_blake2b_add(&b, kin_data(e->tensor), (size_t)kin_count(e->tensor) * sizeof(kin_real));
    }
    kin_blake2b_end(&b, hash);
    kin_hex(hash, sizeof hash, text);
}

/* How long a row is: what a black picture gives. */
static bool measure(kin_describer *d, kin_error *err)
{
    const kin_config *c = &d->network->config;
    size_t numbers = (size_t)(c->size * kin_config_across(c) * c->channels);
    float *black = kin_alloc_zero(numbers, sizeof *black);
    if (!black) return kin_fail_memory(err, "a picture", numbers * sizeof *black);
    bool recording = kin_record(d->ctx, false);
    kin_tensor *y = kin_module_forward(
        d->module, kin_input(d->ctx, KIN_SHAPE(1, c->size, kin_config_across(c), c->channels), black),
        KIN_EVAL);
    bool ok = y || kin_take_error(d->ctx, err);
    if (ok) d->dim = kin_channels(y);
    kin_end_step(d->ctx);
    kin_record(d->ctx, recording);
    kin_free(black);
    return ok;
}

bool kin_describer_open(const kin_cli *cli, kin_describer *out, kin_error *err)
{
    const char *model = kin_option_string(cli, "model");
    *out = (kin_describer){0};
    if (!kin_picture_limits(cli, &out->limits, err)) return false;
    bool by_hand = strcmp(model, handmade) == 0;
    out->joined = is_own(model);
    for (const char *const *name = deciding + 1; (by_hand || out->joined) && *name; name++)
        if (kin_option_given(cli, *name) && strcmp(*name, "background") != 0)
            return kin_fail(err, KIN_ERR_ARGUMENT, "--%s does nothing with --model %s", *name, model);
    out->dim = KIN_LOOK_DIM;
    if (by_hand) return true;
    out->ctx = kin_ctx_new();
    out->network = kin_alloc_zero(1, sizeof *out->network);
    bool ok = ((out->ctx && out->network) || kin_fail_memory(err, "a network", sizeof *out->network)) &&
              (out->joined ? kin_network_own(out->ctx, out->network, &out->module, err)
                           : kin_named_network(cli, model, out->ctx, out->network, &out->module, err));
    if (ok) digest_of(out->module, out->weights);
    if (ok) kin_module_seal(out->module);
    ok = ok && measure(out, err);
    if (ok && out->joined) out->dim = kin_network_joined_dim(out->dim);
    if (!ok) kin_describer_close(out);
    return ok;
}

void kin_describer_close(kin_describer *d)
{
    kin_module_free(d->module);
    kin_ctx_free(d->ctx);
    kin_free(d->network);
    d->module = NULL, d->ctx = NULL, d->network = NULL;
}

/* An option's place in the command's table. */
static int option_at(const kin_command *command, const char *name, size_t length)
{
    for (int i = 0; command->options[i].name; i++)
        if (strlen(command->options[i].name) == length &&
            strncmp(command->options[i].name, name, length) == 0)
            return i;
    return -1;
}

/* The whole path, so that the file is found from elsewhere; of an archive's file, the archive's. */
static void add_whole(kin_text *text, const char *name, const char *value)
{
    char *archive = NULL;
    const char *member = NULL;
    kin_error ignored = {0};
    kin_import_split(value, &archive, &member, &ignored);
    char *whole = realpath(archive ? archive : value, NULL);
    if (whole && archive) kin_text_format(text, "%s=%s:%s\n", name, whole, member);
    else kin_text_format(text, "%s=%s\n", name, whole ? whole : value);
    free(whole);
    kin_free(archive);
}

bool kin_describer_given(const kin_cli *cli)
{
    for (const char *const *name = deciding; *name; name++)
        if (kin_option_given(cli, *name)) return true;
    return false;
}

char *kin_describer_options(const kin_cli *cli)
{
    kin_text text = {0};
    kin_text_add(&text, "");
    for (const char *const *name = deciding; *name; name++) {
        int at = option_at(cli->command, *name, strlen(*name));
        const char *value = at >= 0 ? cli->values[at] : NULL;
        if (strcmp(*name, "model") == 0) { /* left out: by hand, as the first indexes were */
            const char *model = kin_option_string(cli, "model");
            if (is_own(model)) kin_text_format(&text, "model=%s\n", model);
            if (is_own(model) || strcmp(model, handmade) == 0) continue;
        }
        if (value && (strcmp(*name, "model") == 0 || strcmp(*name, "weights") == 0))
            add_whole(&text, *name, value);
        else if (value) kin_text_format(&text, "%s=%s\n", *name, value);
    }
    char *options = text.failed ? NULL : kin_strdup(text.data ? text.data : "");
    kin_text_free(&text);
    return options;
}

/* The index's options as if they had been typed. `text` is cut up. */
static bool retype(char *text, kin_cli *as, kin_error *err)
{
    for (char *line = text, *next; *line; line = next) {
        char *end = strchr(line, '\n'), *sign = strchr(line, '=');
        int at = sign && end && sign < end ? option_at(as->command, line, (size_t)(sign - line)) : -1;
        bool decides = false;
        if (at < 0) return kin_fail(err, KIN_ERR_DATA, "the index's options are none of kin index");
        *end = '\0', next = end + 1;
        for (const char *const *name = deciding; *name; name++)
            decides |= strcmp(as->command->options[at].name, *name) == 0;
        if (!decides)
            return kin_fail(err, KIN_ERR_DATA, "the index's options are none that make descriptors");
        as->values[at] = sign + 1;
    }
    return true;
}

bool kin_describer_open_like(const kin_command *index, const kin_cli *cli, const kin_photos *photos,
                             kin_describer *out, kin_error *err)
{
    kin_cli as = {.command = index, .quiet = true};
    char *text = kin_strdup(photos->options);
    if (!text) return kin_fail_memory(err, "options", strlen(photos->options));
    as.values[option_at(index, "model", 5)] = handmade;
    bool ok = retype(text, &as, err) && kin_describer_open(&as, out, err);
    if (ok) out->limits.max_pixels = (uint64_t)kin_option_int(cli, "max-pixels");
    if (ok && (strcmp(out->weights, photos->weights) != 0 || out->dim != photos->dim)) {
        kin_describer_close(out);
        ok = kin_fail(
            err, KIN_ERR_DATA,
            "the index was made by other weights than %s has now; kin index FOLDER --force makes it anew",
            photos->model);
    }
    kin_free(text);
    return ok;
}

static bool goes_on(void *user, int64_t done, int64_t total)
{
    (void)user, (void)done, (void)total;
    return !kin_interrupted();
}

/* Brings a row to unit length; false where it has no direction: the picture's own matter, and no other's. */
static bool to_unit_length(float *row, int64_t dim)
{
    double sum = 0;
    for (int64_t i = 0; i < dim; i++) sum += (double)row[i] * (double)row[i];
    if (!(sum > 0) || !isfinite(sum)) return false;
    for (int64_t i = 0; i < dim; i++) row[i] = (float)((double)row[i] / sqrt(sum));
    return true;
}

/* The rows of a set that the network takes, at their places. */
static bool encode(kin_describer *d, const kin_dataset *set, int64_t dim, float *rows, bool *made,
                   kin_error *err)
{
    kin_encoded encoded;
    kin_encode_opt opt = {.raw = true, .limits = d->limits, .progress = goes_on};
    for (int64_t i = 0; i < set->count; i++) made[i] = false;
    kin_error inner = {0};
    if (!kin_encode(d->module, d->network, set, &opt, &encoded, &inner))
        return inner.code == KIN_ERR_DATA /* none can be read */
                   ? true
                   : kin_fail(err, inner.code, "%s", inner.message);
    for (int64_t k = 0; k < encoded.count; k++) {
        float *row = rows + encoded.item[k] * dim;
        memcpy(row, encoded.rows + k * dim, (size_t)dim * sizeof *row);
        made[encoded.item[k]] = to_unit_length(row, dim);
    }
    kin_encoded_free(&encoded);
    return true;
}

/* The network's rows behind what is counted by hand. */
static bool join(kin_describer *d, const kin_dataset *set, float *rows, bool *made, kin_error *err)
{
    int64_t dim = d->dim - KIN_LOOK_DIM;
    float *network = kin_alloc_array((size_t)set->count, (size_t)dim * sizeof *network);
    if (!network) return kin_fail_memory(err, "descriptors", (size_t)(set->count * dim) * sizeof *network);
    bool ok = encode(d, set, dim, network, made, err);
    for (int64_t i = 0; ok && i < set->count; i++)
        made[i] = made[i] && kin_network_joined_row(rows + i * d->dim, network + i * dim, dim);
    kin_free(network);
    return ok;
}

static bool describe(kin_describer *d, const kin_dataset *set, float *rows, bool *made, kin_error *err)
{
    return d->joined ? join(d, set, rows, made, err) : encode(d, set, d->dim, rows, made, err);
}

bool kin_describer_files(void *describer, const char *const *path, int64_t count, float *rows, bool *made,
                         kin_error *err)
{
    kin_describer *d = describer;
    kin_dataset set = {.kind = "photographs"};
    bool ok = true;
    for (int64_t i = 0; ok && i < count; i++) ok = kin_dataset_add(&set, path[i], path[i], -1, -1, err);
    ok = ok && describe(d, &set, rows, made, err);
    kin_dataset_free(&set);
    return ok;
}

bool kin_describer_bytes(kin_describer *d, const kin_bytes *bytes, float *row, kin_error *err)
{
    kin_photo photo;
    kin_image image;
    bool by_hand = !d->module || d->joined;
    if (by_hand && !kin_photo_read(bytes->data, bytes->size, &d->limits, &photo, row, err)) return false;
    if (!d->module) return true;
    if (!kin_image_decode(bytes->data, bytes->size, &d->limits, &image, err)) return false;
    kin_sample item = {.id = "picture", .path = "picture", .label = -1, .camera = -1};
    bool made, ok = kin_image_convert(&image, 3, err);
    kin_dataset set = {.count = 1,
                       .items = &item,
                       .pixels = image.data,
                       .width = image.width,
                       .height = image.height,
                       .channels = 3,
                       .kind = "photographs"};
    ok = ok && describe(d, &set, row, &made, err) &&
         (made || kin_fail(err, KIN_ERR_NUMERIC, "the network gives nothing for this picture"));
    kin_image_free(&image);
    return ok;
}

/* ---- one writer ---- */

int kin_index_lock(const kin_cli *cli, const char *file, kin_error *err)
{
    char *folder = kin_parent_folder(file);
    if (!folder) return kin_fail_memory(err, file, strlen(file)), -1;
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int why = errno;
    kin_free(folder);
    if (lock < 0) return kin_fail(err, kin_code_of_errno(why), "%s: %s", file, strerror(why)), -1;
    for (bool told = false; flock(lock, LOCK_EX | LOCK_NB) != 0;) {
        if (errno != EWOULDBLOCK && errno != EINTR) return lock; /* a file system without locks */
        if (!told) kin_cli_note(cli, "another kin is updating %s; waiting for it", file);
        told = true;
        if (kin_interrupted()) {
            close(lock);
            return kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while waiting; nothing was changed"), -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return lock;
}

void kin_index_unlock(int lock)
{
    if (lock >= 0) close(lock);
}
