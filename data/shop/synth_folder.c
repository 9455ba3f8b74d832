/* The shop as a tree of PNGs. */
#define _GNU_SOURCE /* syncfs */
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "data/shop/synth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PER_ROUND = 64, DEFAULT_PRODUCTS = 200, DEFAULT_VIEWS = 10 };

typedef struct job {
    kin_synth_opt opt;
    const char *folder; /* the one aside */
    int product_digits, view_digits;
    int64_t first;
    int folders; /* of products that are made */
    kin_error errors[PER_ROUND];
} job;

static int digits(int n, int least)
{
    int d = 1;
    for (; n >= 10; n /= 10) d++;
    return d > least ? d : least;
}

/* "folder/product-0001" or, with a view, "folder/product-0001/view-01.png", allocated. */
static char *name_of(const job *j, int product, int view)
{
    char name[64];
    int used = snprintf(name, sizeof name, "product-%0*d", j->product_digits, product + 1);
    if (view >= 0)
        snprintf(name + used, sizeof name - (size_t)used, "/view-%0*d.png", j->view_digits, view + 1);
    return kin_path_join(j->folder, name);
}

/* Plainly, without a sync a file: the whole tree appears by one rename at the end. */
static bool write_plain(const char *path, const kin_bytes *bytes, kin_error *err)
{
    FILE *stream = fopen(path, "wb");
    if (!stream) return kin_fail(err, KIN_ERR_IO, "%s: cannot be created: %s", path, strerror(errno));
    errno = 0;
    bool ok = fwrite(bytes->data, 1, bytes->size, stream) == bytes->size;
    int why = errno;
    if (fclose(stream) != 0 && ok) ok = false, why = errno;
    return ok || kin_fail(err, KIN_ERR_IO, "%s: cannot be written: %s", path, strerror(why ? why : EIO));
}

static void one_picture(void *arg, int64_t block, int worker)
{
    (void)worker;
    job *j = arg;
    kin_error *err = &j->errors[block];
    int product = (int)((j->first + block) / j->opt.views), view = (int)((j->first + block) % j->opt.views);
    kin_image image;
    kin_bytes bytes = {0};
    char *path = name_of(j, product, view);
    if (!path) kin_fail_memory(err, "a path", strlen(j->folder));
    if (path && kin_synth_image(&j->opt, product, view, &image, err)) {
        if (kin_png_encode(&image, &bytes, err)) write_plain(path, &bytes, err);
        kin_bytes_free(&bytes);
        kin_image_free(&image);
    }
    kin_free(path);
}

/* Those of the first `products`. */
static bool make_product_folders(job *j, int products, kin_error *err)
{
    for (; j->folders < products; j->folders++) {
        char *path = name_of(j, j->folders, -1);
        bool ok = path ? kin_make_folders(path, err) : kin_fail_memory(err, "a path", strlen(j->folder));
        kin_free(path);
        if (!ok) return false;
    }
    return true;
}

static bool draw_all(job *j, kin_error *err)
{
    int64_t total = (int64_t)j->opt.products * j->opt.views;
    for (j->first = 0; j->first < total; j->first += PER_ROUND) {
        int64_t blocks = total - j->first < PER_ROUND ? total - j->first : PER_ROUND;
        if (!make_product_folders(j, (int)((j->first + blocks - 1) / j->opt.views) + 1, err)) return false;
        for (int i = 0; i < PER_ROUND; i++) kin_error_clear(&j->errors[i]);
        kin_parallel_for(blocks, one_picture, j);
        for (int64_t i = 0; i < blocks; i++)
            if (kin_failed(&j->errors[i]))
                return kin_fail(err, j->errors[i].code, "%s", j->errors[i].message);
        if (j->opt.progress && !j->opt.progress(j->opt.progress_arg, j->first + blocks, total))
            return kin_fail(err, KIN_ERR_INTERRUPTED, "stopped; nothing was kept");
    }
    return true;
}

static void remove_one(const job *j, int product, int view)
{
    char *path = name_of(j, product, view);
    if (path) remove(path);
    kin_free(path);
}

/* Removes what draw_all made, and only that. */
static void remove_all(const job *j)
{
    for (int product = 0; product < j->folders; product++) {
        for (int view = 0; view < j->opt.views; view++) remove_one(j, product, view);
        remove_one(j, product, -1);
    }
    rmdir(j->folder);
}

static bool is_free(const char *folder, kin_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ||
               kin_fail(err, KIN_ERR_IO, "%s: cannot be used as a folder: %s", folder, strerror(errno));
    int entries = 0;
    bool ok = true;
    for (const char *name; (ok = ok && kin_next_name(dir, folder, &name, err)) && name;) entries++;
    closedir(dir);
    if (!ok) return false;
    return entries <= 2 ||
           kin_fail(err, KIN_ERR_IO, "%s: holds files already; name a new folder or remove this one", folder);
}

static bool check_options(const kin_synth_opt *opt, kin_error *err)
{
    if (opt->products < 1 || opt->products > KIN_SYNTH_COUNT_MAX || opt->views < 1 ||
        opt->views > KIN_SYNTH_COUNT_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "%d products with %d views cannot be drawn: each from 1 to %d",
                        opt->products, opt->views, KIN_SYNTH_COUNT_MAX);
    if (opt->size < KIN_SYNTH_SIZE_MIN || opt->size > KIN_SYNTH_SIZE_MAX)
        return kin_fail(err, KIN_ERR_ARGUMENT, "size %d: pictures are drawn from %d to %d pixels wide",
                        opt->size, KIN_SYNTH_SIZE_MIN, KIN_SYNTH_SIZE_MAX);
    return true;
}

/* "shop/" and "shop" are one folder; the one aside must stand beside it, on the same file system. */
static char *trimmed(const char *folder)
{
    char *copy = kin_strdup(folder);
    for (size_t n = copy ? strlen(copy) : 0; n > 1 && copy[n - 1] == '/'; n--) copy[n - 1] = '\0';
    return copy;
}

/* ---- what killed processes left: trees of folders of files, two deep ---- */

static void remove_tree(const char *path, int depth)
{
    DIR *dir = depth >= 0 ? opendir(path) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *inner = kin_path_join(path, entry->d_name);
        if (inner && unlink(inner) != 0) remove_tree(inner, depth - 1);
        kin_free(inner);
    }
    if (dir) closedir(dir);
    rmdir(path);
}

/* Those of the same place alone. */
static void remove_stale(const char *place)
{
    const char *slash = strrchr(place, '/'), *base = slash ? slash + 1 : place;
    char *parent = slash ? kin_strdup(place) : kin_strdup(".");
    if (parent && slash) parent[slash == place ? 1 : slash - place] = '\0';
    DIR *dir = parent ? opendir(parent) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        bool of_place = strncmp(entry->d_name, base, strlen(base)) == 0 && entry->d_name[strlen(base)] == '.';
        char *path = of_place && kin_is_stale(parent, entry->d_name) ? kin_path_join(parent, entry->d_name)
                                                                     : NULL;
        if (path) remove_tree(path, 1);
        kin_free(path);
    }
    if (dir) closedir(dir);
    kin_free(parent);
}

/* All of the tree at once: a sync a file takes as long as the drawing. */
static bool sync_tree(int tree, const char *path, kin_error *err)
{
#ifdef __linux__
    return syncfs(tree) == 0 || kin_fail(err, KIN_ERR_IO, "%s: cannot be synced: %s", path, strerror(errno));
#else
    (void)tree, (void)path, (void)err;
    sync();
    return true;
#endif
}

/* The tree is locked while it is drawn: it is not stale. */
static bool write_aside(const char *folder, char *aside, job *j, kin_error *err)
{
    j->folder = aside;
    if (!kin_make_folders(aside, err)) return false;
    int tree = open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = tree >= 0 || kin_fail(err, KIN_ERR_IO, "%s: cannot be opened: %s", aside, strerror(errno));
    if (ok) (void)!flock(tree, LOCK_EX | LOCK_NB);
    ok = ok && draw_all(j, err) && sync_tree(tree, aside, err);
    if (ok && rename(aside, folder) != 0)
        ok = kin_fail(err, KIN_ERR_IO, "%s: cannot be put in place: %s", folder, strerror(errno));
    if (!ok) remove_all(j);
    if (tree >= 0) close(tree);
    return ok && kin_sync_parent(folder, err);
}

bool kin_synth_write(const char *folder, const kin_synth_opt *opt, kin_error *err)
{
    kin_synth_opt o = *opt;
    if (!o.products) o.products = DEFAULT_PRODUCTS;
    if (!o.views) o.views = DEFAULT_VIEWS;
    if (!o.size) o.size = 64;
    if (!check_options(&o, err) || !is_free(folder, err)) return false;
    char *place = trimmed(folder);
    size_t size = strlen(folder) + 40;
    char *aside = kin_alloc(size);
    job *j = kin_alloc_zero(1, sizeof *j);
    bool ok = place && aside && j;
    if (!ok) kin_fail_memory(err, folder, size + sizeof *j);
    if (ok) {
        *j = (job){.opt = o, .product_digits = digits(o.products, 4), .view_digits = digits(o.views, 2)};
        remove_stale(place);
        snprintf(aside, size, "%s.tmp-kin-%ld", place, (long)getpid());
        ok = write_aside(place, aside, j, err);
    }
    kin_free(j);
    kin_free(aside);
    kin_free(place);
    return ok;
}
