#include "cli/pages/photos_page.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

const char *kin_alike(double similarity)
{
    return similarity > .999  ? "the same"
           : similarity > .93 ? "very alike"
           : similarity > .85 ? "alike"
           : similarity > .7  ? "somewhat alike"
                              : "hardly alike";
}

static void fail_memory(kin_page *page)
{
    kin_page_fail(page, &(kin_error){.code = KIN_ERR_MEMORY, .message = "out of memory for the page"});
}

void kin_photos_page_begin(kin_page *page, const char *path, const kin_album *album, const char *title,
                           const char *lead)
{
    kin_text text = {0};
    kin_text_format(&text, "%s The index was described by %s.", lead, album->photos.model);
    kin_page_begin(page, path, title, text.failed ? lead : text.data);
    if (text.failed) fail_memory(page);
    kin_text_free(&text);
}

bool kin_photos_page_write(const kin_cli *cli, kin_page *page, kin_error *err)
{
    if (!kin_page_write(page, err)) return false;
    if (page->unreadable)
        kin_cli_note(cli, "%lld pictures could not be read any more, as %s says in their places",
                     (long long)page->unreadable, page->path);
    return true;
}

void kin_photos_tile(kin_page *page, const kin_album *album, int64_t item, kin_tile_kind kind,
                     const char *badge, const char *note)
{
    const kin_photo *p = &album->photos.item[item];
    const char *slash = strrchr(p->path, '/');
    char *path = kin_album_path(album, item);
    kin_text text = {0};
    if (note) kin_text_format(&text, "%s\n", note);
    if (slash) kin_text_format(&text, "in\xc2\xa0%.*s\n", (int)(slash - p->path), p->path);
    if (p->date)
        kin_text_format(&text, "%04lld-%02lld-%02lld ", (long long)(p->date / 10000000000),
                        (long long)(p->date / 100000000 % 100), (long long)(p->date / 1000000 % 100));
    kin_text_format(&text, "%lld × %lld", (long long)p->width, (long long)p->height);
    if (!path || text.failed) fail_memory(page);
    else
        kin_page_tile(page, &(kin_tile){.kind = kind,
                                        .file = path,
                                        .name = slash ? slash + 1 : p->path,
                                        .note = text.data,
                                        .badge = badge,
                                        .about = p->path});
    kin_text_free(&text);
    kin_free(path);
}
