/* Indexes of photographs: written and read again, brought up to date, and what hostile files are refused
 * for. */
#define _POSIX_C_SOURCE 200809L
#include "autograd/ops.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/photos/album.h"
#include "data/look/facts.h"
#include "data/look/look.h"
#include "photos/present.h"
#include "photos/strangers.h"
#include "photos/update.h"
#include "tests/support/check.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const kin_photos none;
/* What the describer knows the options of; the commands themselves are no part of a test. */
extern const kin_command kin_command_index;
const kin_command kin_command_index = {.name = "index"};

static void draw(const char *path, int seed)
{
    kin_image image;
    CHECK(kin_image_new(&image, 40, 30, 3, NULL));
    for (int i = 0; i < 40 * 30 * 3; i++) image.data[i] = (uint8_t)(i * seed / 7 + (i % 40) * seed);
    CHECK(kin_image_write(path, NULL, &image, NULL, NULL));
    kin_image_free(&image);
}

static bool update(const kin_photos *known, const char *folder, bool verify, kin_photos *out,
                   kin_photos_told *told)
{
    kin_error err = {0};
    kin_photos_opt opt = {.model = "handmade",
                          .weights = "",
                          .options = "",
                          .root = ".",
                          .dim = KIN_LOOK_DIM,
                          .verify = verify};
    bool ok = kin_photos_update(known, folder, &opt, out, told, &err);
    CHECK_MSG(ok, "%s", err.message);
    return ok;
}

static void move_to(const char *from, const char *to)
{
    char a[600];
    snprintf(a, sizeof a, "%s", check_path(from));
    CHECK(rename(a, check_path(to)) == 0);
}

static bool equal(const kin_photos *a, const kin_photos *b)
{
    if (a->count != b->count || a->broken != b->broken || a->dim != b->dim || a->nearests != b->nearests)
        return false;
    for (int64_t i = 0; i < a->count + a->broken; i++) {
        const kin_photo *x = &a->item[i], *y = &b->item[i];
        if (strcmp(x->path, y->path) != 0 || memcmp(x->digest, y->digest, sizeof x->digest) != 0 ||
            x->hash != y->hash || x->bytes != y->bytes || x->change != y->change || x->width != y->width ||
            x->height != y->height || x->date != y->date)
            return false;
    }
    return memcmp(a->rows, b->rows, (size_t)(a->count * a->dim) * sizeof(float)) == 0 &&
           memcmp(a->nearest, b->nearest, (size_t)a->nearests * sizeof(float)) == 0 &&
           strcmp(a->model, b->model) == 0 && strcmp(a->root, b->root) == 0;
}

static bool no_room(void *user, int64_t pictures, kin_error *err)
{
    *(int64_t *)user = pictures;
    return kin_fail(err, KIN_ERR_IO, "no room");
}

static void test_begins(const char *folder)
{
    kin_photos out;
    kin_photos_told told;
    kin_error err = {0};
    int64_t pictures = 0;
    kin_photos_opt opt = {.model = "handmade",
                          .weights = "",
                          .options = "",
                          .root = ".",
                          .dim = KIN_LOOK_DIM,
                          .begins = no_room,
                          .user = &pictures};
    check_begin("index: where there is no room nothing is read");
    CHECK(!kin_photos_update(&none, folder, &opt, &out, &told, &err) && err.code == KIN_ERR_IO);
    CHECK(pictures == 7 && told.decoded == 0 && out.count == 0);
    check_end();
}

static void test_update(void)
{
    kin_photos first, second, read;
    kin_photos_told told;
    kin_error err = {0};
    char folder[600];
    CHECK(kin_make_folders(check_path("p/q"), NULL));
    snprintf(folder, sizeof folder, "%s", check_path("p"));
    for (int i = 0; i < 6; i++) {
        char name[32];
        snprintf(name, sizeof name, "p/%s%d.png", i < 3 ? "" : "q/", i);
        draw(check_path(name), i + 3);
    }
    CHECK(kin_write_file(check_path("p/broken.jpg"), "no", 2, NULL));

    test_begins(folder);
    check_begin("index: a folder is read once");
    CHECK(update(&none, folder, false, &first, &told));
    CHECK(first.count == 6 && first.broken == 1 && told.added == 6 && told.decoded == 6 && told.broken == 1);
    CHECK_TEXT(told.first_broken, "broken.jpg");
    CHECK(strcmp(first.item[0].path, "0.png") == 0 && strcmp(first.item[5].path, "q/5.png") == 0);
    CHECK(first.item[0].width == 40 && first.item[0].height == 30 && first.nearests == 6);
    check_end();

    check_begin("index: is read as it was written");
    CHECK(kin_photos_write(&first, check_path("i"), &err));
    CHECK_MSG(kin_photos_read(check_path("i"), &read, &err), "%s", err.message);
    CHECK(equal(&first, &read));
    check_end();

    check_begin("index: nothing is decoded where nothing changed");
    CHECK(update(&read, folder, false, &second, &told));
    CHECK(told.same == 6 && told.decoded == 0 && told.added == 0 && told.removed == 0 &&
          equal(&first, &second));
    kin_photos_free(&second);
    CHECK(update(&read, folder, true, &second, &told));
    CHECK(told.same == 6 && told.decoded == 0 && equal(&first, &second));
    kin_photos_free(&second);
    check_end();

    check_begin("index: new, changed, moved, copied, touched and gone are told apart");
    draw(check_path("p/new.png"), 90);
    draw(check_path("p/1.png"), 70);
    move_to("p/0.png", "p/q/zero.png");
    CHECK(unlink(check_path("p/2.png")) == 0);
    kin_bytes bytes;
    CHECK(kin_read_file(check_path("p/q/3.png"), 0, &bytes, NULL));
    CHECK(kin_write_file(check_path("p/copy.png"), bytes.data, bytes.size, NULL));
    kin_bytes_free(&bytes);
    struct timespec then[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    CHECK(utimensat(AT_FDCWD, check_path("p/q/4.png"), then, 0) == 0);
    CHECK(update(&read, folder, false, &second, &told));
    CHECK_MSG(told.same == 3 && told.added == 2 && told.copied == 1 && told.changed == 1 && told.moved == 1 &&
                  told.removed == 1 && told.decoded == 2,
              "same %d added %d copied %d changed %d moved %d removed %d decoded %d", (int)told.same,
              (int)told.added, (int)told.copied, (int)told.changed, (int)told.moved, (int)told.removed,
              (int)told.decoded);
    kin_photos fresh;
    CHECK(update(&none, folder, false, &fresh, &told));
    CHECK(equal(&fresh, &second));
    check_end();

    check_begin("index: --verify sees a change that size and time hide");
    struct stat info;
    kin_photos seen;
    CHECK(stat(check_path("p/new.png"), &info) == 0);
    CHECK(kin_read_file(check_path("p/new.png"), 0, &bytes, NULL));
    bytes.data[bytes.size - 1] ^= 1;
    CHECK(kin_write_file(check_path("p/new.png"), bytes.data, bytes.size, NULL));
    kin_bytes_free(&bytes);
    then[0] = then[1] = info.st_mtim;
    CHECK(utimensat(AT_FDCWD, check_path("p/new.png"), then, 0) == 0);
    CHECK(update(&fresh, folder, false, &seen, &told));
    CHECK(told.changed == 0 && equal(&fresh, &seen));
    kin_photos_free(&seen);
    CHECK(update(&fresh, folder, true, &seen, &told));
    CHECK(!equal(&fresh, &seen));
    kin_photos_free(&seen);
    check_end();
    kin_photos_free(&first), kin_photos_free(&second), kin_photos_free(&read), kin_photos_free(&fresh);
}

static int asked;
static kin_photos kept;

static bool stop(void *user, int64_t done, int64_t total)
{
    (void)user, (void)done, (void)total;
    return ++asked < 2;
}

static bool keep(void *user, const kin_photos *so_far, kin_error *err)
{
    (void)user;
    return kin_photos_write(so_far, check_path("part"), err) &&
           kin_photos_read(check_path("part"), &kept, err);
}

static void test_interrupted(void)
{
    kin_photos out, whole, again;
    kin_photos_told told;
    kin_error err = {0};
    char folder[600], name[32];
    CHECK(kin_make_folders(check_path("many"), NULL));
    snprintf(folder, sizeof folder, "%s", check_path("many"));
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof name, "many/%03d.png", i);
        draw(check_path(name), i + 2);
    }
    check_begin("index: an interrupted update goes on where it was");
    kin_photos_opt opt = {.model = "handmade",
                          .weights = "",
                          .options = "",
                          .root = ".",
                          .dim = KIN_LOOK_DIM,
                          .progress = stop,
                          .keep = keep};
    CHECK(!kin_photos_update(&none, folder, &opt, &out, &told, &err) && err.code == KIN_ERR_INTERRUPTED);
    CHECK_MSG(kept.count == 128, "%d", (int)kept.count);
    CHECK(update(&kept, folder, false, &again, &told));
    CHECK(told.decoded == 22 && told.same == 128);
    /* One that reads all anew, over a full index, loses nothing of it. */
    kin_photos full = again;
    kin_photos_free(&kept);
    asked = 0, opt.verify = true;
    CHECK(!kin_photos_update(&full, folder, &opt, &out, &told, &err) && err.code == KIN_ERR_INTERRUPTED);
    CHECK_MSG(kept.count == 150 && kept.nearests == full.nearests, "%d", (int)kept.count);
    kin_set_threads(1);
    CHECK(update(&none, folder, false, &whole, &told));
    kin_set_threads(0);
    CHECK(equal(&again, &whole));
    check_end();
    double near = 9, far = 0;
    check_begin("index: the threshold is the nearest distances' quantile");
    CHECK(kin_photos_threshold(&whole, .05, &near) && near == (double)whole.nearest[7]);
    CHECK(kin_photos_threshold(&whole, 1, &far) && far == (double)whole.nearest[149]);
    CHECK(!kin_photos_threshold(&none, .05, &near));
    check_end();
    kin_photos_free(&kept), kin_photos_free(&whole), kin_photos_free(&again);
}

static bool describe_alike(void *user, const char *const *path, int64_t count, float *rows, bool *made,
                           kin_error *err)
{
    (void)user, (void)path, (void)err;
    for (int64_t i = 0; i < count; i++) rows[i] = 1, made[i] = true;
    return true;
}

/* ---- what goes while it is read ---- */

/* While the folder is read: one goes, one is replaced by a later one of another content. */
static bool pass_by(void)
{
    const struct timespec later[2] = {{.tv_sec = 2000000000}, {.tv_sec = 2000000000}};
    remove(check_path("passing/b.png"));
    draw(check_path("passing/c.png"), 17);
    return utimensat(AT_FDCWD, check_path("passing/c.png"), later, 0) == 0;
}

static bool passing_begins(void *user, int64_t pictures, kin_error *err)
{
    (void)user, (void)err;
    return pictures == 4 && pass_by();
}

static bool passing_describe(void *user, const char *const *path, int64_t count, float *rows, bool *made,
                             kin_error *err)
{
    CHECK(pass_by() && describe_alike(user, path, count, rows, made, err));
    made[1] = false; /* b.png, which is not there any more */
    return true;
}

static void draw_passing(void)
{
    static const char *const names[] = {"passing/a.png", "passing/b.png", "passing/c.png", "passing/d.png"};
    for (int i = 0; i < 4; i++) draw(check_path(names[i]), 3 + i);
}

static void test_passing(void)
{
    kin_photos first, now, again;
    kin_photos_told told;
    kin_error err = {0};
    char folder[600];
    kin_photos_opt opt = {
        .model = "handmade", .weights = "", .options = "", .root = ".", .dim = KIN_LOOK_DIM};
    CHECK(kin_make_folders(check_path("passing"), NULL));
    snprintf(folder, sizeof folder, "%s", check_path("passing"));
    check_begin("index: a picture that goes before it is read is counted as that, and the others are read");
    draw_passing();
    opt.begins = passing_begins;
    CHECK(kin_photos_update(&none, folder, &opt, &first, &told, &err) && first.count == 3 && !first.broken);
    CHECK_MSG(told.went == 1 && strcmp(told.first_went, "b.png") == 0 && !told.broken && told.added == 3,
              "%lld went, %s", (long long)told.went, told.first_went);
    CHECK(update(&first, folder, false, &again, &told) && told.went == 0 && told.same == 3);
    kin_photos_free(&again);
    check_end();
    check_begin("index: a known one that goes is gone");
    draw_passing();
    CHECK(update(&first, folder, false, &again, &told) && again.count == 4);
    draw(check_path("passing/b.png"), 9);
    CHECK(kin_photos_update(&again, folder, &opt, &now, &told, &err) && now.count == 3);
    CHECK_MSG(told.went == 1 && told.removed == 1 && !told.broken, "%lld gone", (long long)told.removed);
    kin_photos_free(&first), kin_photos_free(&now), kin_photos_free(&again);
    check_end();
    check_begin("index: nor is another picture's descriptor taken, or one that went called broken");
    draw_passing();
    opt = (kin_photos_opt){
        .model = "alike", .weights = "", .options = "", .root = ".", .dim = 1, .describe = passing_describe};
    CHECK(kin_photos_update(&none, folder, &opt, &first, &told, &err) && first.count == 2 && !first.broken);
    CHECK_MSG(told.went == 2 && strcmp(told.first_went, "b.png") == 0 && !told.broken, "%lld went",
              (long long)told.went);
    opt.describe = describe_alike;
    CHECK(kin_photos_update(&first, folder, &opt, &now, &told, &err) && now.count == 3 && told.went == 0);
    kin_photos_free(&first), kin_photos_free(&now);
    check_end();
}

/* The file, under so many names more. */
static void link_names(int from, int to)
{
    char first[600], name[40];
    snprintf(first, sizeof first, "%s", check_path("large/0.png"));
    for (int i = from; i < to; i++) {
        snprintf(name, sizeof name, "large/%d.png", i);
        CHECK(link(first, check_path(name)) == 0);
    }
}

/* The index of these names, with a single distance. */
static kin_photos known_links(const char *folder, int count)
{
    struct stat info;
    kin_photos p = {.count = count, .dim = 1, .nearests = 1};
    char name[700];
    p.item = kin_alloc_zero((size_t)count, sizeof *p.item);
    p.rows = kin_alloc_array((size_t)count, sizeof *p.rows);
    p.nearest = kin_alloc_zero(1, sizeof *p.nearest);
    snprintf(name, sizeof name, "%s/0.png", folder);
    CHECK(stat(name, &info) == 0);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%d.png", i);
        p.rows[i] = 1;
        p.item[i].path = kin_arena_strdup(&p.arena, name);
        p.item[i].bytes = (int64_t)info.st_size;
        p.item[i].change = (int64_t)info.st_mtim.tv_sec * 1000000000 + (int64_t)info.st_mtim.tv_nsec;
    }
    return p;
}

/* Of a large index distances are measured when a fiftieth has changed, in however many updates. */
static void test_since(void)
{
    enum { LARGE = 5000, FEW = 60 };
    kin_photos now = {0}, next, read;
    kin_photos_told told;
    kin_error err = {0};
    kin_photos_opt opt = {
        .model = "alike", .weights = "", .options = "", .root = ".", .dim = 1, .describe = describe_alike};
    char folder[600];
    check_begin("index: small changes add up until distances are measured again");
    CHECK(kin_make_folders(check_path("large"), NULL));
    snprintf(folder, sizeof folder, "%s", check_path("large"));
    draw(check_path("large/0.png"), 3);
    link_names(1, LARGE);
    now = known_links(folder, LARGE);
    for (int step = 0; step < 2; step++) {
        static const int64_t since[] = {FEW, 0};
        link_names(LARGE + step * FEW, LARGE + (step + 1) * FEW);
        bool ok = kin_photos_update(&now, folder, &opt, &next, &told, &err);
        CHECK_MSG(ok, "%s", err.message);
        if (!ok) break;
        CHECK_MSG(told.added == FEW && next.since == since[step] && next.nearests == (step ? 1000 : 1),
                  "step %d: %d, %d", step, (int)next.since, (int)next.nearests);
        CHECK(kin_photos_write(&next, check_path("large.index"), NULL) &&
              kin_photos_read(check_path("large.index"), &read, NULL));
        CHECK(read.since == next.since);
        kin_photos_free(&now), kin_photos_free(&next);
        now = read;
    }
    kin_photos_free(&now);
    check_end();
}

/* The index of one picture, with one thing changed. */
static void refused(const char *what, const char *why, void change(kin_photos *))
{
    kin_photo item[2] = {{.path = "a.png", .bytes = 5, .width = 4, .height = 3}, {.path = "b.png"}};
    float rows[3] = {0, .6f, .8f}, nearest[2] = {.1f, .2f};
    kin_photos p = {.count = 1,
                    .broken = 1,
                    .item = item,
                    .rows = rows,
                    .dim = 3,
                    .nearest = nearest,
                    .nearests = 2,
                    .root = ".",
                    .model = "m",
                    .weights = "",
                    .options = ""},
               out;
    kin_error err = {0};
    check_begin("index: %s", what);
    if (change) change(&p);
    CHECK(kin_photos_write(&p, check_path("bad"), NULL));
    bool ok = kin_photos_read(check_path("bad"), &out, &err);
    if (why) {
        CHECK(!ok);
        CHECK_TEXT(err.message, why);
    } else CHECK_MSG(ok, "%s", err.message);
    if (ok) kin_photos_free(&out);
    check_end();
}

static void lead_out(kin_photos *p) { p->item[1].path = "x/../../b"; }
static void lead_up(kin_photos *p) { p->item[0].path = "/etc/passwd"; }
static void no_path(kin_photos *p) { p->item[0].path = ""; }
static void dots(kin_photos *p) { p->item[0].path = "..a/b..c"; }
static void lengthen(kin_photos *p) { p->rows[1] = 2; }
static void spoil(kin_photos *p) { p->rows[1] = (float)(0. / 0.); }
static void undo(kin_photos *p) { p->since = -1; }
static void fall(kin_photos *p) { p->nearest[1] = 0; }
static void negative(kin_photos *p) { p->item[0].bytes = -1; }

static void test_refused(void)
{
    refused("a small one is taken", NULL, NULL);
    refused("a path that leads out of the folder", "leads out", lead_out);
    refused("a path from the root", "leads out", lead_up);
    refused("an empty path", "leads out", no_path);
    refused("names with dots are fine", NULL, dots);
    refused("a row of another length", "unit length", lengthen);
    refused("a row that is no number", "unit length", spoil);
    refused("distances that fall", "do not rise", fall);
    refused("fewer changes than none", "what changed since", undo);
    refused("a size below zero", "makes no sense", negative);
    check_begin("index: cut anywhere, it is refused");
    kin_bytes bytes;
    kin_photos out;
    CHECK(kin_read_file(check_path("i"), 0, &bytes, NULL));
    for (size_t size = 0; size < bytes.size; size += size < 1200 ? 7 : 611)
        if (kin_photos_parse(bytes.data, size, &out, NULL)) {
            CHECK_MSG(false, "%zu bytes of %zu were taken", size, bytes.size);
            kin_photos_free(&out);
        }
    kin_bytes_free(&bytes);
    check_end();
}

static void test_memory(void)
{
    check_begin("index: an allocation that fails is an error, wherever it is");
    kin_photos p;
    kin_photos_told told;
    char folder[600];
    snprintf(folder, sizeof folder, "%s", check_path("p"));
    kin_photos_opt opt = {
        .model = "handmade", .weights = "", .options = "", .root = ".", .dim = KIN_LOOK_DIM};
    kin_set_threads(1);
    for (long n = 1; n < 4000; n += n < 150 ? 1 : 13) {
        kin_error err = {0};
        kin_alloc_fail_at(n);
        bool ok = kin_photos_update(&none, folder, &opt, &p, &told, &err), pending = kin_alloc_pending() > 0;
        kin_alloc_fail_at(0);
        if (ok) kin_photos_free(&p);
        if (pending) break;
        CHECK_MSG(ok || err.code == KIN_ERR_MEMORY, "allocation %ld: %s", n, err.message);
    }
    kin_set_threads(0);
    check_end();
}

/* What an index says beside what is there, by whatever allocation fails: a want of memory is no change, and no link is
 * overlooked for it. */
static void test_present(void)
{
    check_begin("index: what cannot be told for want of memory is no change");
    kin_photos p, q;
    kin_photos_told told;
    kin_present now;
    char folder[600];
    bool done = false;
    const struct timespec later[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    snprintf(folder, sizeof folder, "%s", check_path("now"));
    CHECK(mkdir(folder, 0755) == 0 && mkdir(check_path("now/sub"), 0755) == 0);
    draw(check_path("now/a.png"), 3), draw(check_path("now/sub/b.png"), 5);
    CHECK(symlink("sub", check_path("now/linked")) == 0);
    CHECK(update(&none, folder, false, &p, &told) && p.count == 3 &&
          utimensat(AT_FDCWD, check_path("now/a.png"), later, 0) == 0);
    for (long n = 1; n < 1000 && !done; n++) {
        kin_error err = {0};
        if (!update(&p, folder, false, &q, &told)) break;
        q.item[0].change--; /* a.png, whose content is then looked at */
        kin_alloc_fail_at(n);
        bool ok = kin_photos_present(&q, folder, &now, &err);
        done = kin_alloc_pending() > 0;
        kin_alloc_fail_at(0);
        if (ok)
            CHECK_MSG(q.count == 2 && now.symbolic == 1 && !now.now[KIN_PHOTO_CHANGED],
                      "allocation %ld: %lld pictures, %lld links, %lld changed", n, (long long)q.count,
                      (long long)now.symbolic, (long long)now.now[KIN_PHOTO_CHANGED]);
        else CHECK_MSG(err.code == KIN_ERR_MEMORY, "allocation %ld: %s", n, err.message);
        CHECK_MSG(ok == done, "allocation %ld failed, and it is no error", n);
        kin_photos_free(&q);
    }
    CHECK(done);
    if (geteuid() != 0) { /* to whom nothing is closed */
        struct stat info;
        kin_photo_state state;
        CHECK(chmod(check_path("now/sub"), 0) == 0);
        CHECK(kin_photo_now(&p.item[2], folder, &state, &info, NULL) && state == KIN_PHOTO_UNREADABLE);
        CHECK(chmod(check_path("now/sub"), 0755) == 0);
    }
    kin_photos_free(&p);
    check_end();
}

static void test_facts(void)
{
    check_begin("facts: size and date of JPEG and PNG");
    static const uint8_t tiff[] =
        "MM\0*\0\0\0\x8\0\2\1\x32\0\2\0\0\0\x14\0\0\0\x26\x87\x69\0\4\0\0\0\1\0\0\0\x3a"
        "\0\0\0\0"
        "2020:01:02 03:04:05\0"
        "\0\1\x90\3\0\2\0\0\0\x14\0\0\0\x4c\0\0\0\0"
        "2019:12:31 23:59:58";
    enum { T = sizeof tiff };
    uint8_t jpeg[T + 60] = {0xff, 0xd8, 0xff, 0xe1, 0, T + 8, 'E', 'x', 'i', 'f'};
    memcpy(jpeg + 12, tiff, T);
    static const uint8_t frame[] = {0xff, 0xc2, 0, 11, 8, 1, 2, 3, 4, 1, 1, 0x11, 0, 0xff, 0xd9};
    memcpy(jpeg + 12 + T, frame, sizeof frame);
    kin_picture_facts f = kin_facts(jpeg, 12 + T + sizeof frame);
    CHECK_MSG(f.date == 20191231235958, "%lld", (long long)f.date);
    CHECK(f.height == 258 && f.width == 772);
    jpeg[12 + 0x4c] = 'x'; /* no date: the other one */
    f = kin_facts(jpeg, 12 + T + sizeof frame);
    CHECK_MSG(f.date == 20200102030405, "%lld", (long long)f.date);
    jpeg[12 + 0x26 + 5] = '9';
    f = kin_facts(jpeg, 12 + T + sizeof frame);
    CHECK_MSG(f.date == 0, "%lld", (long long)f.date);
    for (size_t size = 0; size < sizeof jpeg; size++) kin_facts(jpeg, size);
    CHECK(kin_facts(NULL, 0).width == 0);
    jpeg[12 + 0x26 + 5] = '3';
    uint8_t webp[12 + 18 + 8 + T + 8] = "RIFF\0\0\0\0WEBPVP8X\12\0\0\0\10\0\0\0\3\3\0\1\1\0EXIF";
    webp[34] = (uint8_t)(T - 1);
    memcpy(webp + 38, tiff, T);
    f = kin_facts(webp, 38 + T);
    CHECK_MSG(f.date == 20191231235958, "%lld", (long long)f.date);
    CHECK(f.width == 772 && f.height == 258);
    for (size_t size = 0; size < sizeof webp; size++) kin_facts(webp, size);
    check_end();
}

/* 1e38 times as much, twice over: of a white picture nothing is finite any more. */
static kin_tensor *too_bright(kin_scope *s, kin_tensor *x, void *network)
{
    (void)s, (void)network;
    return kin_flatten(kin_scale(kin_scale(x, 1e19, 0), 1e20, 0));
}

static void test_not_finite(void)
{
    check_begin("describer: a picture whose descriptor is not finite spoils no other");
    static kin_network network;
    kin_error err = {0};
    char folder[] = "/tmp/kin-photos-XXXXXX", name[3][64];
    const char *path[3];
    static const uint8_t light[3] = {60, 255, 0};
    CHECK(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        kin_image image;
        CHECK(kin_image_new(&image, 4, 4, 1, NULL));
        memset(image.data, light[i], 16);
        snprintf(name[i], sizeof name[i], "%s/%d.png", folder, i);
        path[i] = name[i];
        CHECK(kin_image_write(path[i], NULL, &image, NULL, NULL));
        kin_image_free(&image);
    }
    kin_ctx *ctx = kin_ctx_new();
    kin_config_defaults(&network.config);
    network.config.size = 4, network.config.channels = 1;
    kin_module *module = kin_module_new(ctx, too_bright, &network, KIN_SHAPE(1, 4, 4, 1), 1);
    kin_describer d = {.ctx = ctx, .module = module, .network = &network, .dim = 16};
    float rows[3 * 16];
    bool made[3] = {true, true, true};
    CHECK_MSG(kin_describer_files(&d, path, 3, rows, made, &err), "%s", err.message);
    CHECK_MSG(made[0] && !made[1] && !made[2], "%d %d %d", made[0], made[1], made[2]);
    CHECK(fabsf(rows[5] - .25f) < 1e-6f);
    kin_module_free(module);
    kin_ctx_free(ctx);
    for (int i = 0; i < 3; i++) remove(path[i]);
    rmdir(folder);
    check_end();
}

static void copy_to(const char *from, const char *to)
{
    kin_bytes bytes;
    CHECK(kin_read_file(check_path(from), 0, &bytes, NULL));
    CHECK(kin_write_file(check_path(to), bytes.data, bytes.size, NULL));
    kin_bytes_free(&bytes);
}

/* 64 are read at the same time; those behind them are copies, of pictures and of a file that is none. */
static void test_twins(void)
{
    kin_photos whole, again, known;
    kin_photos_told told;
    char folder[600], name[32];
    check_begin("index: copies behind the first 64 are not decoded again, and are what decoding gives");
    CHECK(kin_make_folders(check_path("twins"), NULL));
    snprintf(folder, sizeof folder, "%s", check_path("twins"));
    for (int i = 0; i < 63; i++) {
        snprintf(name, sizeof name, "twins/a%02d.png", i);
        draw(check_path(name), i + 1);
    }
    CHECK(kin_write_file(check_path("twins/a63.png"), "no", 2, NULL));
    CHECK(update(&none, folder, false, &known, &told) && told.decoded == 63 && told.broken == 1);
    for (int i = 40; i < 64; i++) {
        char from[32];
        snprintf(from, sizeof from, "twins/a%02d.png", i), snprintf(name, sizeof name, "twins/b%02d.png", i);
        copy_to(from, name);
    }
    CHECK(update(&none, folder, false, &whole, &told));
    CHECK_MSG(told.decoded == 63 && told.added == 86 && told.broken == 2, "decoded %d added %d broken %d",
              (int)told.decoded, (int)told.added, (int)told.broken);
    for (int64_t i = 0; i < 23; i++)
        CHECK(memcmp(whole.rows + (63 + i) * whole.dim, whole.rows + (40 + i) * whole.dim,
                     (size_t)whole.dim * sizeof *whole.rows) == 0 &&
              whole.item[63 + i].hash == whole.item[40 + i].hash);
    CHECK(update(&known, folder, false, &again, &told));
    CHECK(told.decoded == 0 && told.copied == 23 && equal(&whole, &again));
    kin_photos_free(&known), kin_photos_free(&whole), kin_photos_free(&again);
    check_end();
}

int main(void)
{
    test_update();
    test_twins();
    test_interrupted();
    test_since();
    test_passing();
    test_refused();
    test_memory();
    test_present();
    test_facts();
    test_not_finite();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
