#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/pages/page.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The real path of the folder that holds `path`, a slash behind it; NULL where it cannot be told. Owned by
 * the caller (kin_text_free). */
static bool real_folder(const char *path, kin_text *out)
{
    const char *slash = strrchr(path, '/');
    kin_text folder = {0};
    kin_text_add_bytes(&folder, path, slash ? (size_t)(slash - path) + 1 : 0);
    errno = 0;
    char *real = folder.failed ? NULL : realpath(slash ? folder.data : ".", NULL);
    if (folder.failed || (!real && errno == ENOMEM)) out->failed = true; /* not: there is no such folder */
    kin_text_free(&folder);
    if (real) kin_text_add(out, real);
    if (real && strcmp(real, "/") != 0) kin_text_add(out, "/");
    free(real);
    return out->size && !out->failed;
}

/* All but what may stand in a path as it is: no byte ends the attribute, begins a scheme or a query. */
static void add_encoded(kin_text *text, const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    for (const char *c = path; *c; c++) {
        if (strchr(plain, *c)) kin_text_add_bytes(text, c, 1);
        else kin_text_format(text, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

/* From a folder to another one, both ending in a slash, below one that is more than the root. */
static bool add_way(kin_text *text, const char *from, const char *to)
{
    size_t same = 0;
    for (size_t i = 0; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/') same = i + 1;
    if (same < 2) return false;
    for (const char *c = from + same; *c; c++)
        if (*c == '/') kin_text_add(text, "../");
    add_encoded(text, to + same);
    return true;
}

void kin_page_link(kin_text *text, const char *page, const char *file)
{
    kin_text from = {0}, to = {0};
    const char *slash = strrchr(file, '/');
    if (real_folder(file, &to) && real_folder(page ? page : "", &from)) {
        if (!add_way(text, from.data, to.data)) add_encoded(text, to.data);
        add_encoded(text, slash ? slash + 1 : file);
    } else add_encoded(text, file);
    text->failed |= from.failed || to.failed;
    kin_text_free(&from), kin_text_free(&to);
}
