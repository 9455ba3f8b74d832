#include "cli/photos/leaks.h"

#include "base/json.h"
#include "base/names.h"
#include "cli/options/source.h"
#include "cli/pages/page.h"
#include "cli/pages/photos_page.h"
#include "cli/photos/photos_progress.h"
#include "photos/leaks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const kin_leaks_kinds[] = {"exact", "same", "near", NULL};

typedef struct telling {
    const kin_cli *cli;
    const kin_dataset *first, *second;
    const kin_leaks *leaks;
    bool comparable; /* a class of both has one name */
} telling;

static const char *class_of(const kin_dataset *set, const kin_sample *item)
{
    return item->label < 0 ? NULL : set->class_names[item->label];
}

/* Whether any class of one set has the name of one of the other. */
static bool share_names(const kin_dataset *first, const kin_dataset *second, bool *share, kin_error *err)
{
    kin_names names = {0};
    bool ok = true;
    *share = false;
    for (int c = 0; ok && c < first->classes; c++) ok = kin_names_add(&names, first->class_names[c]) >= 0;
    for (int c = 0; ok && !*share && c < second->classes; c++)
        *share = kin_names_find(&names, second->class_names[c]) >= 0;
    kin_names_free(&names);
    return ok || kin_fail_memory(err, "names of classes", (size_t)first->classes * sizeof *names.text);
}

/* The same picture, and the sets call it by different names: one of them is wrong. Sets whose names are
 * different throughout do not have that in common which could contradict. */
static bool contradicts(const telling *t, const kin_leak *l)
{
    if (!t->comparable) return false;
    const char *a = class_of(t->first, &t->first->items[l->first]),
               *b = class_of(t->second, &t->second->items[l->second]);
    return a && b && strcmp(a, b) != 0;
}

/* ---- forms ---- */

/* "mnist.idx#7" for a picture among others in one file. */
static void name_of(const kin_sample *item, kin_text *out)
{
    kin_text_add(out, item->path);
    if (item->index >= 0) kin_text_format(out, "#%lld", (long long)item->number);
    if (item->box.width)
        kin_text_format(out, " (%d,%d,%d,%d)", item->box.x, item->box.y, item->box.x + item->box.width,
                        item->box.y + item->box.height);
}

static bool put_lines(const telling *t, kin_error *err)
{
    for (int64_t i = 0; i < t->leaks->count; i++) {
        const kin_leak *l = &t->leaks->leak[i];
        kin_text line = {0};
        kin_text_format(&line, "%-5s  ", kin_duplicate_names[l->kind]);
        name_of(&t->second->items[l->second], &line);
        kin_text_add(&line, "  is  ");
        name_of(&t->first->items[l->first], &line);
        bool ok = !line.failed || kin_fail_memory(err, "a line", line.size);
        if (ok) kin_say(stdout, line.data), putchar('\n');
        kin_text_free(&line);
        if (!ok) return false;
    }
    printf("%lld of %lld pictures of %s are in %s: %lld exact, %lld same, %lld near\n",
           (long long)t->leaks->count, (long long)t->second->count, t->cli->positional[1],
           t->cli->positional[0], (long long)t->leaks->of_kind[KIN_DUPLICATE_EXACT],
           (long long)t->leaks->of_kind[KIN_DUPLICATE_SAME],
           (long long)t->leaks->of_kind[KIN_DUPLICATE_NEAR]);
    return true;
}

static void add_item(kin_text *out, const char *key, const kin_dataset *set, const kin_sample *item)
{
    kin_text name = {0};
    const char *label = class_of(set, item);
    name_of(item, &name);
    kin_text_format(out, ",\"%s\":", key);
    kin_json_add_string(out, name.failed ? item->path : name.data);
    out->failed |= name.failed;
    kin_text_free(&name);
    if (!label) return;
    kin_text_format(out, ",\"%s_label\":", key);
    kin_json_add_string(out, label);
}

static bool put_json(const telling *t, kin_error *err)
{
    kin_text out = {0};
    const kin_leaks *l = t->leaks;
    kin_text_add(&out, "{\"first\":");
    kin_json_add_string(&out, t->cli->positional[0]);
    kin_text_add(&out, ",\"second\":");
    kin_json_add_string(&out, t->cli->positional[1]);
    kin_text_format(&out, ",\"pictures\":[%lld,%lld],\"unreadable\":%lld", (long long)t->first->count,
                    (long long)t->second->count, (long long)l->broken);
    for (int k = 0; k < KIN_DUPLICATE_NONE; k++)
        kin_text_format(&out, ",\"%s\":%lld", kin_duplicate_names[k], (long long)l->of_kind[k]);
    kin_text_add(&out, ",\"leaks\":[");
    for (int64_t i = 0; i < l->count; i++) {
        const kin_leak *leak = &l->leak[i];
        kin_text_format(&out, "%s{\"kind\":\"%s\",\"similarity\":%.6f", i ? "," : "",
                        kin_duplicate_names[leak->kind], (double)leak->similarity);
        add_item(&out, "first", t->first, &t->first->items[leak->first]);
        add_item(&out, "second", t->second, &t->second->items[leak->second]);
        kin_text_add(&out, "}");
    }
    kin_text_add(&out, "]}\n");
    bool ok = !out.failed || kin_fail_memory(err, "the pictures that both have", out.size);
    if (ok) fwrite(out.data, 1, out.size, stdout);
    kin_text_free(&out);
    return ok;
}

/* ---- the page ---- */

/* Pictures as the sets have them: cut out, or from a file of many. */
static bool picture_of(const kin_dataset *set, int64_t i, const kin_image_limits *limits, kin_image *out)
{
    const kin_sample *item = &set->items[i];
    kin_error ignored = {0}; /* the page tells of files that it cannot read by itself */
    return (item->index >= 0 || item->box.width) && kin_dataset_image(set, i, limits, out, &ignored);
}

static kin_tile tile_of(const kin_dataset *set, int64_t i, const kin_image *image)
{
    const kin_sample *item = &set->items[i];
    const char *slash = strrchr(item->id, '/');
    return (kin_tile){.image = image,
                      .file = item->index < 0 ? item->path : NULL,
                      .name = slash ? slash + 1 : item->id,
                      .note = class_of(set, item),
                      .about = item->id};
}

static void put_row(kin_page *page, const telling *t, const kin_leak *l)
{
    kin_image seen[2];
    bool shown[2] = {picture_of(t->second, l->second, &page->limits, &seen[0]),
                     picture_of(t->first, l->first, &page->limits, &seen[1])};
    kin_tile asked = tile_of(t->second, l->second, shown[0] ? &seen[0] : NULL),
             found = tile_of(t->first, l->first, shown[1] ? &seen[1] : NULL);
    asked.kind = KIN_TILE_ASKED;
    found.kind = contradicts(t, l) ? KIN_TILE_WRONG : KIN_TILE_PLAIN;
    found.badge = kin_duplicate_names[l->kind];
    const char *own = class_of(t->second, &t->second->items[l->second]);
    kin_page_row_begin(page, &(kin_page_row){.asked = &asked, .title = asked.name, .note = own});
    kin_page_tile(page, &found);
    kin_page_row_end(page);
    for (int k = 0; k < 2; k++)
        if (shown[k]) kin_image_free(&seen[k]);
}

static bool write_page(const telling *t, const kin_image_limits *limits, const char *name, kin_error *err)
{
    enum { ROWS = 500 };
    kin_page page;
    char note[200];
    kin_page_begin(
        &page, name, "Leaks",
        "Pictures of one set that are in another one, too. Figures on them say nothing of pictures that were "
        "not trained on.");
    page.limits = *limits;
    snprintf(
        note, sizeof note,
        "At the left the second set's picture, beside it the first set's. exact: the same bytes; same: "
        "written "
        "again; near: cropped, framed, greyed, slightly turned or written upon. Crossed: by another label.");
    kin_page_section(&page, t->leaks->count ? "In both" : "There are none", note);
    for (int64_t i = 0; i < t->leaks->count && i < ROWS && kin_page_ok(&page); i++)
        put_row(&page, t, &t->leaks->leak[i]);
    if (t->leaks->count > ROWS) kin_page_note(&page, "Others are left out here; --json has all of them.");
    bool ok = kin_page_write(&page, err);
    kin_page_free(&page);
    return ok;
}

void kin_leaks_say_crowded(const kin_cli *cli, int64_t pictures)
{
    if (pictures)
        kin_cli_note(
            cli,
            "%lld pictures have hashes like more than 64 others' each (plain ones do); of those 64 were "
            "compared with each, and the nearest by descriptor: there may be more",
            (long long)pictures);
}

bool kin_leaks_tell(const kin_cli *cli, const kin_dataset *first, const kin_dataset *second, int64_t *found,
                    kin_error *err)
{
    kin_leaks leaks = {0};
    kin_photos_meter m = {.quiet = cli->quiet};
    kin_duplicates_opt opt = {.loosest = (kin_duplicate)kin_option_choice(cli, "kind"),
                              .scratch = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
                              .progress = {kin_photos_show, &m}};
    const char *html = kin_option_string(cli, "html");
    bool ok = kin_picture_limits(cli, &opt.limits, err) && kin_leaks_find(first, second, &opt, &leaks, err);
    kin_photos_meter_end(&m);
    telling t = {cli, first, second, &leaks, false};
    ok = ok && share_names(first, second, &t.comparable, err);
    ok = ok && (!html || write_page(&t, &opt.limits, html, err));
    ok = ok && (kin_option_flag(cli, "json") ? put_json(&t, err) : put_lines(&t, err));
    if (ok) kin_leaks_say_crowded(cli, leaks.crowded);
    if (ok && leaks.broken)
        kin_cli_note(cli, "%lld pictures could not be read and were not compared; the first: %s",
                     (long long)leaks.broken, leaks.first_broken.message);
    int64_t names = 0;
    for (int64_t i = 0; ok && i < leaks.count; i++) names += contradicts(&t, &leaks.leak[i]);
    if (names) kin_cli_note(cli, "%lld of them have one label there and another one here", (long long)names);
    *found = leaks.count;
    kin_leaks_free(&leaks);
    return ok;
}
