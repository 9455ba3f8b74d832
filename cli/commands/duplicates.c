/* kin duplicates: pictures of an indexed folder that are one picture. */
#include "base/csv.h"
#include "base/memory.h"
#include "cli/options/source.h"
#include "cli/pages/photos_page.h"
#include "cli/photos/album.h"
#include "cli/photos/leaks.h"
#include "cli/photos/photos_progress.h"
#include "cli/terminal/interrupt.h"
#include "photos/duplicates.h"

#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"csv", KIN_OPTION_STRING, "FILE", "columns group,path,kind,keep,width,height,bytes, a line a picture",
     .writes = KIN_WRITES_FILE},
    {"html", KIN_OPTION_STRING, "PAGE", "a page that shows the groups, to be opened in a browser",
     .writes = KIN_WRITES_PAGE},
    {"pairs", KIN_OPTION_STRING, "FILE",
     "all pairs that were compared, and why: columns a,b,kind,bits,similarity,correlation,agree; correlation "
     "is empty where they were not laid over each other",
     .writes = KIN_WRITES_FILE},
    {"kind", KIN_OPTION_CHOICE, "KIND", "the loosest that counts", "near", .choices = kin_leaks_kinds},
    {"bits", KIN_OPTION_INT, "N", "compare pictures whose perceptual hashes differ in at most N of 64 bits",
     "10", .low = 1, .high = 32},
    {"nearest", KIN_OPTION_INT, "K", "and each picture with its K nearest by descriptor", "12", .low = 1,
     .high = 1000},
    {"paths0", KIN_OPTION_FLAG, NULL, "print the paths of all that are not kept, each ended by a zero byte"},
    KIN_PICTURE_OPTIONS,
    {0},
};

static const char *kind_of(const kin_duplicates *d, int64_t i)
{
    return d->keeper[d->group[i]] == i ? "keep" : kin_duplicate_name(d->kind[i], d->turn[i]);
}

/* Why a group's keeper is the one to keep. */
static const char *why_kept(const kin_album *album, const kin_duplicates *d, const int64_t *item,
                            int64_t count)
{
    const kin_photo *kept = &album->photos.item[d->keeper[d->group[*item]]];
    bool pixels = true, bytes = true, larger = false, dates = kept->date != 0, first = false;
    for (int64_t k = 0; k < count; k++) {
        const kin_photo *p = &album->photos.item[item[k]];
        if (p == kept) continue;
        larger |= p->width * p->height > kept->width * kept->height;
        pixels = pixels && p->width * p->height < kept->width * kept->height;
        dates = dates && p->date == 0;
        bytes = bytes && p->bytes < kept->bytes;
        first |= p->width * p->height == kept->width * kept->height && p->bytes > kept->bytes;
    }
    return larger   ? "larger ones are grey, of few colours, framed, enlarged, or links"
           : pixels ? "the largest"
           : dates  ? "the one that tells its date"
           : first  ? "larger files were written from it"
           : bytes  ? "the most bytes"
                    : "the first by name of the largest";
}

typedef struct writing {
    const kin_album *album;
    const kin_duplicates *d;
    const kin_groups *groups;
    FILE *stream;
    kin_error *err; /* what went wrong while groups were put out */
    int64_t last;
    kin_page *page;
} writing;

/* Calls `put` for the pictures of each group, the keeper first. */
static void in_order(writing *w, void put(void *, int64_t))
{
    const int64_t *first = w->groups->first, *item = w->groups->item;
    for (int64_t g = 0; g < w->d->groups; g++) {
        put(w, w->d->keeper[g]);
        for (int64_t k = first[g]; k < first[g + 1]; k++)
            if (item[k] != w->d->keeper[g]) put(w, item[k]);
    }
}

static char *path_of(const writing *w, int64_t i)
{
    char *path = kin_album_path(w->album, i);
    if (!path) kin_fail_memory(w->err, "a path", 4096);
    return path;
}

static void put_path_field(const writing *w, int64_t i)
{
    char *path = path_of(w, i);
    if (path) kin_csv_put(w->stream, path);
    kin_free(path);
}

/* The file is put in place only where nothing went wrong. */
static bool commit(kin_file *file, const writing *w)
{
    if (!kin_failed(w->err)) return kin_file_commit(file, w->err);
    kin_file_abandon(file);
    return false;
}

static void put_csv(void *user, int64_t i)
{
    writing *w = user;
    const kin_photo *p = &w->album->photos.item[i];
    fprintf(w->stream, "%lld,", (long long)w->d->group[i] + 1);
    put_path_field(w, i);
    bool keep = w->d->keeper[w->d->group[i]] == i ||
                p->link; /* what a link leads to is not this folder's to go */
    fprintf(w->stream, ",%s,%d,%lld,%lld,%lld\n", kind_of(w->d, i), keep, (long long)p->width,
            (long long)p->height, (long long)p->bytes);
}

static void put_text(void *user, int64_t i)
{
    writing *w = user;
    const kin_photo *p = &w->album->photos.item[i];
    char *path = path_of(w, i);
    if (!path) return;
    if (w->last != w->d->group[i] && w->last >= 0) putchar('\n');
    w->last = w->d->group[i];
    printf("%-5s  %5lld x %-5lld  ", kind_of(w->d, i), (long long)p->width, (long long)p->height);
    kin_say(stdout, path);
    putchar('\n');
    kin_free(path);
}

/* What another program may take away: through a symbolic link it would take the picture that the link leads to. */
static void put_path(void *user, int64_t i)
{
    writing *w = user;
    char *path = path_of(w, i);
    bool moves = w->d->keeper[w->d->group[i]] != i && !w->album->photos.item[i].link;
    if (path && moves) fwrite(path, 1, strlen(path) + 1, stdout);
    kin_free(path);
}

static void put_tile(void *user, int64_t i)
{
    writing *w = user;
    char title[64];
    if (!kin_page_ok(w->page)) return;
    if (w->last != w->d->group[i]) {
        if (w->last >= 0) kin_page_row_end(w->page);
        snprintf(title, sizeof title, "Group %lld", (long long)w->d->group[i] + 1);
        kin_page_row_begin(w->page, &(kin_page_row){.title = title});
        w->last = w->d->group[i];
    }
    bool keep = w->d->keeper[w->d->group[i]] == i;
    int64_t group = w->d->group[i], first = w->groups->first[group],
            count = w->groups->first[group + 1] - first;
    kin_photos_tile(w->page, w->album, i, KIN_TILE_PLAIN, kind_of(w->d, i),
                    keep ? why_kept(w->album, w->d, w->groups->item + first, count) : NULL);
}

static bool write_page(const kin_cli *cli, const writing *what, const kin_image_limits *limits,
                       const char *name, kin_error *err)
{
    kin_page page;
    writing w = *what;
    w.page = &page;
    kin_photos_page_begin(&page, name, w.album, "Duplicates",
                          "Pictures that are one picture. Nothing was deleted; a click opens the file.");
    page.limits.max_pixels = limits->max_pixels;
    page.limits.background = limits->background;
    kin_page_section(&page, w.d->groups ? "Groups" : "There are none",
                     "exact: the same bytes; same: written again in another size, format or quality; near: "
                     "cropped, framed, "
                     "greyed, slightly turned or written upon; turned, mirrored: near by a quarter, a half "
                     "or a mirror. The first of each row is the one to keep.");
    in_order(&w, put_tile);
    if (w.last >= 0) kin_page_row_end(&page);
    bool ok = kin_photos_page_write(cli, &page, err);
    kin_page_free(&page);
    return ok;
}

static bool write_csv(const writing *what, const char *name, kin_error *err)
{
    kin_file file;
    writing w = *what;
    if (!kin_file_create(&file, name, err)) return false;
    w.stream = file.stream;
    fputs("group,path,kind,keep,width,height,bytes\n", file.stream);
    in_order(&w, put_csv);
    return commit(&file, &w);
}

static bool write_pairs(const writing *what, const char *name, kin_error *err)
{
    kin_file file;
    writing w = *what;
    const kin_duplicates *d = w.d;
    if (!kin_file_create(&file, name, err)) return false;
    w.stream = file.stream;
    fputs("a,b,kind,bits,similarity,correlation,agree\n", file.stream);
    for (int64_t i = 0; i < d->pairs; i++) {
        const kin_duplicate_pair *p = &d->pair[i];
        put_path_field(&w, p->a);
        fputc(',', file.stream);
        put_path_field(&w, p->b);
        fprintf(file.stream, ",%s,%d,%.4f,", kin_duplicate_name(p->kind, p->turn), p->bits,
                (double)p->similarity);
        if (p->correlation >= -1) fprintf(file.stream, "%.4f", (double)p->correlation);
        fprintf(file.stream, ",%d\n", (int)p->agree);
    }
    return commit(&file, &w);
}

static void summary(const kin_cli *cli, const kin_album *album, const kin_duplicates *d)
{
    int64_t count[3] = {0}, bytes = 0;
    for (int64_t i = 0; i < album->photos.count; i++) {
        if (d->group[i] < 0 || d->keeper[d->group[i]] == i) continue;
        count[d->kind[i]]++;
        if (!album->photos.item[i].link) bytes += album->photos.item[i].bytes;
    }
    kin_cli_note(
        cli,
        "%lld groups: beside the one to keep %lld exact, %lld same, %lld near, %.1f MB; nothing is deleted",
        (long long)d->groups, (long long)count[0], (long long)count[1], (long long)count[2],
        (double)bytes / 1e6);
    kin_leaks_say_crowded(cli, d->crowded);
    if (d->broken)
        kin_cli_note(
            cli,
            "%lld pictures could not be read again and were not compared; kin index brings the index up to "
            "date",
            (long long)d->broken);
}

/* Comparing takes its time, in which pictures may go. */
static bool recheck(const kin_cli *cli, const kin_album *album, kin_duplicates *d, kin_error *err)
{
    int64_t first, left_out = kin_duplicates_recheck(d, &album->photos, album->root, &first, err);
    if (left_out > 0)
        kin_cli_note(cli,
                     "%lld groups are left out, of which a picture went or changed while they were compared "
                     "(the first: %s); kin index brings %s up to date",
                     (long long)left_out, album->photos.item[first].path, album->file);
    return left_out >= 0;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_album album = {0};
    char *scratch = NULL;
    kin_duplicates d = {0};
    kin_groups groups = {0};
    kin_photos_meter m = {.quiet = cli->quiet};
    const char *csv = kin_option_string(cli, "csv"), *pairs = kin_option_string(cli, "pairs"),
               *html = kin_option_string(cli, "html");
    kin_duplicates_opt opt = {.nearest = kin_option_int(cli, "nearest"),
                              .bits = (int)kin_option_int(cli, "bits"),
                              .loosest = (kin_duplicate)kin_option_choice(cli, "kind"),
                              .progress = {kin_photos_show, &m}};
    kin_interrupt_catch();
    bool ok = kin_picture_limits(cli, &opt.limits, &err) &&
              kin_album_open(cli, cli->positionals ? cli->positional[0] : NULL, &album, &err);
    if (ok)
        kin_album_by_hand(
            &album); /* what its bounds were chosen for; a network tells one thing, not one picture */
    ok = ok && kin_album_apart(cli, &album, csv, &err) && kin_album_apart(cli, &album, pairs, &err) &&
         kin_album_apart(cli, &album, html, &err) && kin_album_present(cli, &album, &err);
    if (ok) opt.scratch = scratch = kin_parent_folder(album.file);
    ok = ok && (scratch || kin_fail_memory(&err, album.file, strlen(album.file))) &&
         kin_photos_duplicates(&album.photos, album.root, &opt, &d, &err);
    kin_photos_meter_end(&m);
    ok = ok && recheck(cli, &album, &d, &err);
    ok = ok && kin_by_group(d.group, album.photos.count, d.groups, &groups, &err);
    writing w = {&album, &d, &groups, stdout, &err, -1, NULL};
    ok = ok && (!csv || write_csv(&w, csv, &err)) && (!pairs || write_pairs(&w, pairs, &err)) &&
         (!html || write_page(cli, &w, &opt.limits, html, &err));
    if (ok && kin_option_flag(cli, "paths0")) in_order(&w, put_path);
    else if (ok && !csv && !html) in_order(&w, put_text);
    ok = ok && !kin_failed(&err);
    if (ok) summary(cli, &album, &d);
    kin_groups_free(&groups);
    kin_duplicates_free(&d);
    kin_free(scratch);
    if (album.file) kin_album_close(&album);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_duplicates = {
    .name = "duplicates",
    .summary = "tell which pictures of an indexed folder are one picture",
    .usage = "kin duplicates [FOLDER] [--csv FILE] [--html PAGE] [--kind KIND]",
    .about =
        "Groups of pictures that are the same file (exact), the same picture written again in another "
        "size, format or "
        "quality (same), or near to it: cropped, framed, greyed, slightly turned, written upon. "
        "Candidates by "
        "perceptual hash and by descriptor are laid over each other, as wholes or by the corners that "
        "both have, and "
        "count only where what lies over each other is the same; two photographs of one thing are not. "
        "Of each group "
        "one is named to be kept: none that is grey, framed or of 256 colours where another is not, then "
        "that of "
        "most "
        "pixels, unless it was enlarged, which its detail tells, then one with a date, then the one that "
        "another was written from, which a JPEG's coefficients tell, then that of most bytes.\n\n"
        "A file with several names (hard links, symbolic links to it or to its folder) is one picture. One "
        "that "
        "only a symbolic link leads to is never kept before another, and --paths0 does not name it. What is "
        "gone or has another content than the index says is left out, and that is said.\n\n"
        "Nothing is ever deleted, moved or changed.",
    .examples = "kin index ~/photos\n"
                "kin duplicates ~/photos --csv dups.csv --html dups.html\n"
                "# copies alone, moved away by another program\n"
                "kin duplicates ~/photos --kind exact --paths0 | xargs -0 mv --backup=numbered -t ~/copies",
    .arguments = {{"FOLDER", "an indexed folder, or an index; the nearest above where it is left out"}},
    .arguments_min = 0,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
