#define _POSIX_C_SOURCE 200809L
#include "cli/photos/telling.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/pages/photos_page.h"
#include "cli/terminal/half_blocks.h"
#include "cli/terminal/sixel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static char *path_of(const kin_find_telling *r, int64_t item)
{
    char *path = kin_album_path(r->choice->album, item);
    if (!path) kin_fail_memory(r->err, "a path", 4096);
    return path;
}

static void put_json(const kin_find_telling *r, const char *query, const kin_found *f)
{
    kin_text t = {0};
    kin_text_add(&t, "{\"query\":");
    kin_json_add_string(&t, query);
    kin_text_add(&t, ",\"model\":");
    kin_json_add_string(&t, r->choice->album->photos.model);
    kin_text_add(&t, ",\"threshold\":");
    kin_json_add_number(&t, r->known ? r->threshold : NAN);
    kin_text_add(&t, ",\"results\":[");
    for (int64_t i = 0; i < f->count; i++) {
        const kin_photo *p = &r->choice->album->photos.item[f->item[i]];
        char *path = path_of(r, f->item[i]);
        const char *label = kin_choice_label(r->choice, f->item[i]);
        double distance = f->distance[i];
        kin_text_add(&t, i ? ",{\"path\":" : "{\"path\":");
        kin_json_add_string(&t, path ? path : p->path);
        kin_text_format(&t, ",\"similarity\":%.6f,\"distance\":%.6f,\"width\":%lld,\"height\":%lld",
                        1 - distance, distance, (long long)p->width, (long long)p->height);
        if (p->date) kin_text_format(&t, ",\"date\":%lld", (long long)p->date);
        if (label) {
            kin_text_add(&t, ",\"label\":");
            kin_json_add_string(&t, label);
            kin_text_format(&t, ",\"more\":%lld", (long long)f->more[i]);
        }
        kin_text_format(&t, ",\"match\":%s}",
                        !r->known                  ? "null"
                        : distance <= r->threshold ? "true"
                                                   : "false");
        kin_free(path);
    }
    kin_text_add(&t, "]}\n");
    if (t.failed) kin_fail_memory(r->err, "the results", t.size);
    else if (!kin_failed(r->err)) fwrite(t.data, 1, t.size, stdout);
    kin_text_free(&t);
}

static void put_page(const kin_find_telling *r, const char *query, const char *path, const kin_found *f)
{
    const char *slash = strrchr(query, '/');
    kin_tile asked = {.kind = KIN_TILE_ASKED,
                      .file = path,
                      .name = query,
                      .missing = path                      ? NULL
                                 : strcmp(query, "-") == 0 ? "standard input"
                                                           : query,
                      .badge = "looked for"};
    const char *note = r->known && (!f->count || f->distance[0] > r->threshold)
                           ? "no match: the nearest follow"
                           : "the most alike first";
    kin_page_row_begin(r->page, &(kin_page_row){.asked = &asked,
                                                .title = r->titled ? slash ? slash + 1 : query : NULL,
                                                .note = note,
                                                .numbered = true});
    for (int64_t i = 0; i < f->count && kin_page_ok(r->page); i++) {
        bool match = r->known && f->distance[i] <= r->threshold;
        const char *label = kin_choice_label(r->choice, f->item[i]);
        kin_text said = {0};
        kin_text_format(&said, "%s, %.3f", kin_alike(1 - f->distance[i]), 1 - f->distance[i]);
        if (label) kin_text_format(&said, "\n%s", label);
        if (label && f->more[i]) kin_text_format(&said, ", and %lld more", (long long)f->more[i]);
        if (said.failed) kin_fail_memory(r->err, "the page", said.size);
        kin_photos_tile(r->page, r->choice->album, f->item[i], match ? KIN_TILE_PLAIN : KIN_TILE_REST,
                        match ? "match" : NULL, said.data);
        kin_text_free(&said);
    }
    kin_page_row_end(r->page);
}

/* One that is damaged or gone has none to show. */
static void put_picture(const kin_find_telling *r, const char *path)
{
    enum { COLUMNS = 32, ROWS = 12, INDENT = 8 };
    bool sixel = r->pictures == KIN_PICTURES_SIXEL;
    int high = ROWS * r->cell_height;
    kin_image image;
    kin_text text = {0};
    kin_error why = {0};
    kin_image_limits limits = {.max_pixels = (uint64_t)kin_option_int(r->cli, "max-pixels"),
                               .reduce_to = sixel ? high : 4 * ROWS};
    bool read = kin_image_read(path, &limits, &image, &why);
    bool ok = read && kin_image_convert(&image, 3, &why) &&
              (sixel || kin_half_blocks_add(&text, &image, COLUMNS, ROWS, INDENT, &why));
    if (ok && sixel) {
        kin_text_format(&text, "%*s", INDENT, "");
        ok = kin_sixel_add(&text, &image, high * 3 / 2, high, &why);
        kin_text_add(&text, "\n");
    }
    if (ok && text.failed) ok = kin_fail_memory(&why, "a picture", text.size);
    if (ok) fwrite(text.data, 1, text.size, stdout);
    else if (!kin_error_is_of_file(&why)) kin_fail(r->err, why.code, "%s", why.message);
    kin_text_free(&text);
    if (read) kin_image_free(&image);
}

static void put_line(const kin_find_telling *r, const kin_found *f, int64_t i, const char *path)
{
    const char *label = kin_choice_label(r->choice, f->item[i]);
    printf("%.4f  ", 1 - f->distance[i]);
    kin_say(stdout, path);
    if (label) {
        fputs("  ", stdout);
        kin_say(stdout, label);
    }
    if (label && f->more[i]) printf(" and %lld more", (long long)f->more[i]);
    putchar('\n');
    if (r->pictures) put_picture(r, path);
}

static void put_lines(const kin_find_telling *r, const kin_found *f)
{
    bool paths = kin_option_flag(r->cli, "paths0");
    for (int64_t i = 0; i < f->count && !kin_failed(r->err); i++) {
        char *path = path_of(r, f->item[i]);
        if (!path) return;
        if (paths) fwrite(path, 1, strlen(path) + 1, stdout);
        else put_line(r, f, i, path);
        kin_free(path);
    }
}

bool kin_find_tell(const kin_find_telling *r, const char *query, const char *path, const kin_found *f)
{
    if (kin_option_flag(r->cli, "json")) put_json(r, query, f);
    else put_lines(r, f);
    if (r->page) put_page(r, query, path, f);
    return !kin_failed(r->err);
}
