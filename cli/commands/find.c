/* kin find: the pictures of an indexed folder that are most alike to one at hand. */
#define _POSIX_C_SOURCE 200809L
#include "cli/pages/photos_page.h"
#include "cli/photos/marked_pairs.h"
#include "cli/photos/queries.h"
#include "cli/photos/telling.h"
#include "cli/terminal/terminal.h"
#include "photos/strangers.h"
#include "retrieval/search/search.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const group_by[] = {"label", NULL};
static const char *const picture_whens[] = {"terminal", "blocks", "sixel", "always", NULL};

static const kin_option options[] = {
    KIN_INDEX_OPTION,
    {"top", KIN_OPTION_INT, "K", "how many at most", "10", .low = 1, .high = 100000},
    {"max-distance", KIN_OPTION_REAL, "D",
     "only those as near as this: 1 - cosine, 0 is the same, 1 has nothing in common",
     .fallback_shown = "none", .low = 0, .high = 2},
    {"near", KIN_OPTION_STRING, "PATH",
     "only pictures below this folder of the index, or whose paths fit a pattern with *"},
    {"each", KIN_OPTION_FLAG, NULL, "of several pictures, look for each by itself, not for their average"},
    {"matches", KIN_OPTION_FLAG, NULL, "only those that count as found; exit status 1 where there are none"},
    {"false-accept", KIN_OPTION_REAL, "RATE",
     "what counts as found: so near that of strangers this part would be taken for a match", "0.05",
     .low = .001, .high = .9},
    {"group-by", KIN_OPTION_CHOICE, "WHAT",
     "of several pictures of one thing only the nearest: the label says what one thing is (see --labels)",
     .fallback_shown = "every picture", .choices = group_by},
    {"labels", KIN_OPTION_STRING, "HOW",
     "with --group-by: where labels are told: folder (the one a picture lies in), a pattern of names with {} "
     "for the "
     "label, such as IMG_{}_*.jpg, or a list `path,label`",
     "folder"},
    {"pairs", KIN_OPTION_STRING, "FILE",
     "what counts as found, by pairs of the index that you marked: a list `a,b,same` with 1 or 0, or what "
     "kin duplicates "
     "--pairs writes",
     .fallback_shown = "--false-accept"},
    {"pictures", KIN_OPTION_CHOICE, "WHEN",
     "show small pictures below the lines: terminal, where standard output is one that shows them, by sixels "
     "(which it is asked for) or by half blocks (24-bit colours, COLORTERM); or blocks or sixel wherever it "
     "goes (always: blocks)",
     .fallback_shown = "none", .choices = picture_whens},
    {"html", KIN_OPTION_STRING, "PAGE", "a page that shows what was found, to be opened in a browser",
     .writes = KIN_WRITES_PAGE},
    {"max-pixels", KIN_OPTION_INT, "N",
     "refuse larger pictures, and those that cost more work than pictures of this size do", "100000000",
     .low = 1, .high = -1},
    {"json", KIN_OPTION_FLAG, NULL, "one JSON object a query, with distances, sizes and dates"},
    {"paths0", KIN_OPTION_FLAG, NULL, "paths alone, each ended by a zero byte, for xargs -0"},
    {0},
};

typedef struct finding {
    kin_choice choice;
    kin_find_telling told;
    char by[80];   /* what the threshold comes from */
    int64_t shown; /* of all queries */
} finding;

/* The distance up to which results are wanted. */
static double widest(const finding *r)
{
    bool given = kin_option_given(r->told.cli, "max-distance"),
         matches = kin_option_flag(r->told.cli, "matches");
    double within = given ? kin_option_real(r->told.cli, "max-distance") : 2;
    if (matches && r->told.known) return r->told.threshold < within ? r->told.threshold : within;
    return matches && !given ? -1 /* nobody can tell */ : within;
}

static bool show(finding *r, const char *query, const char *path, const kin_asked *asked, const float *value,
                 const int64_t *index, int64_t k, kin_error *err)
{
    const kin_find_telling *t = &r->told;
    kin_found f = {0};
    bool ok = kin_choice_make(&r->choice, asked, value, index, k, &f, err) &&
              kin_find_tell(t, query, path, &f);
    r->shown += f.count;
    if (ok && t->known && f.nearest > t->threshold)
        kin_cli_note(t->cli,
                     "%s: no match: the nearest is at a distance of %.4f, and what counts as found is within "
                     "%.4f (%s)",
                     query, f.nearest, t->threshold, r->by);
    kin_found_free(&f);
    return ok;
}

static bool find(finding *r, kin_find_queries *q, kin_error *err)
{
    const kin_cli *cli = r->told.cli;
    const kin_choice *c = &r->choice;
    const kin_vectors *among = &c->gallery.vectors;
    bool each = kin_option_flag(cli, "each") || q->count == 1, told = r->told.known;
    int64_t top = c->top, n = each ? q->count : 1, files = each ? 1 : q->count, most = among->count,
            k = top < most - files && !c->labels.used ? top + files : most;
    kin_neighbours nearest;
    kin_search_opt opt = {.k = k, .metric = KIN_INNER};
    if (!each && !kin_find_average(q, among->dim, err)) return false;
    if (!kin_search((kin_vectors){q->rows, n, among->dim}, *among, &opt, &nearest, err)) return false;
    bool ok = true;
    for (int64_t i = 0; ok && i < n; i++) {
        if (q->count > 1 && each && !kin_option_flag(cli, "json") && !kin_option_flag(cli, "paths0")) {
            fputs("# ", stdout);
            kin_say(stdout, q->name[i]);
            putchar('\n');
        }
        /* What a picture without colours is compared by has another scale. */
        bool grey = q->grey[i];
        for (int64_t j = 0; !each && j < q->count; j++) grey |= q->grey[j];
        r->told.known = told && !grey;
        r->told.titled = each && q->count > 1;
        kin_asked asked = {q->rows + i * among->dim, each ? &q->file[i] : q->file, files, widest(r)};
        ok = show(r, each ? q->name[i] : "the average", each ? q->path[i] : NULL, &asked,
                  nearest.value + i * k, nearest.index + i * k, k, err);
    }
    kin_neighbours_free(&nearest);
    if (ok && c->first_stale >= 0)
        kin_album_say_stale(cli, c->album, c->now, c->album->photos.item[c->first_stale].path);
    return ok;
}

static bool take_threshold(finding *r, kin_error *err)
{
    const char *pairs = kin_option_string(r->told.cli, "pairs");
    kin_marked_pairs m;
    double rate = kin_option_real(r->told.cli, "false-accept");
    snprintf(r->by, sizeof r->by, "--false-accept %g", rate);
    if (!pairs) {
        r->told.known = kin_photos_threshold(&r->choice.album->photos, rate, &r->told.threshold);
        return true;
    }
    if (!kin_marked_pairs_read(pairs, r->choice.album, &m, err)) return false;
    snprintf(r->by, sizeof r->by, "by %lld marked pairs", (long long)(m.same + m.different));
    r->told.known = true, r->told.threshold = m.threshold;
    kin_cli_note(r->told.cli,
                 "found is what is within %.4f: %lld of %lld pairs of one thing are farther, %lld of %lld "
                 "others nearer",
                 m.threshold, (long long)m.far_same, (long long)m.same, (long long)m.near_different,
                 (long long)m.different);
    return true;
}

/* Into a file or a pipe go none that were not asked for by their name. */
static kin_pictures_shown pictures_here(void)
{
    if (kin_terminal_sixel()) return KIN_PICTURES_SIXEL;
    return kin_terminal_colours() ? KIN_PICTURES_BLOCKS : KIN_PICTURES_NONE;
}

static bool take_pictures(finding *r, kin_error *err)
{
    enum { USUAL_CELL = 20, SMALLEST = 6, LARGEST = 100 };
    const char *when = kin_option_string(r->told.cli, "pictures");
    bool lines = !kin_option_flag(r->told.cli, "json") && !kin_option_flag(r->told.cli, "paths0");
    int cell = kin_terminal_measure(STDOUT_FILENO).cell_height;
    if (!when) return true;
    r->told.cell_height = cell >= SMALLEST && cell <= LARGEST ? cell : USUAL_CELL;
    if (strcmp(when, "terminal") != 0) {
        r->told.pictures = strcmp(when, "sixel") == 0 ? KIN_PICTURES_SIXEL : KIN_PICTURES_BLOCKS;
        return lines ||
               kin_fail(err, KIN_ERR_ARGUMENT,
                        "--pictures %s shows them between lines; leave --json and --paths0 out", when);
    }
    if (lines) r->told.pictures = pictures_here();
    return true;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    kin_album album = {0};
    kin_find_queries q = {0};
    finding r = {.told = {.cli = cli, .choice = &r.choice, .threshold = 2, .err = &err}};
    if (kin_option_flag(cli, "json") && kin_option_flag(cli, "paths0"))
        return kin_cli_usage(cli, "--json and --paths0 are two forms of one output");
    if (kin_option_given(cli, "labels") && !kin_option_given(cli, "group-by"))
        return kin_cli_usage(cli, "--labels goes with --group-by");
    if (kin_option_given(cli, "pairs") && kin_option_given(cli, "false-accept"))
        return kin_cli_usage(cli, "--pairs and --false-accept are two ways to tell what counts as found");
    bool ok = kin_album_open(cli, kin_option_string(cli, "index"), &album, &err);
    if (ok && album.photos.count == 0) ok = kin_fail(&err, KIN_ERR_DATA, "%s: holds no pictures", album.file);
    ok = ok && kin_album_apart(cli, &album, kin_option_string(cli, "html"), &err);
    ok = ok && kin_choice_open(cli, &album, &r.choice, &err) &&
         kin_find_queries_take(cli, &album, &q, &err) && take_threshold(&r, &err) && take_pictures(&r, &err);
    bool told = !kin_option_flag(cli, "matches") || kin_option_given(cli, "max-distance");
    if (ok && !told && kin_find_all_grey(&q, kin_option_flag(cli, "each")))
        ok = kin_fail(&err, KIN_ERR_ARGUMENT,
                      "of a picture without colours it cannot be told what a match is; "
                      "--max-distance can say it");
    if (ok && !told && !r.told.known)
        ok = kin_fail(
            &err, KIN_ERR_DATA,
            "%s: of fewer than 20 pictures it cannot be told what a match is; --max-distance can say it",
            album.file);
    kin_page page;
    const char *html = kin_option_string(cli, "html");
    if (ok && html) {
        kin_photos_page_begin(
            r.told.page = &page, html, &album, "Found",
            "Pictures of an indexed folder that are like one at hand. A click opens the file.");
        page.limits.max_pixels = (uint64_t)kin_option_int(cli, "max-pixels");
        kin_page_section(&page, "Results", "Pale ones are farther than what counts as found.");
    }
    ok = ok && find(&r, &q, &err);
    if (r.told.page) {
        ok = ok && kin_photos_page_write(cli, &page, &err);
        kin_page_free(&page);
    }
    bool none = ok && kin_option_flag(cli, "matches") && r.shown == 0;
    kin_find_queries_free(&q);
    kin_choice_close(&r.choice);
    if (album.file) kin_album_close(&album);
    return ok ? none : kin_cli_fail(cli, &err);
}

const kin_command kin_command_find = {
    .name = "find",
    .summary = "find pictures of an indexed folder that are like one at hand",
    .usage = "kin find PICTURE... [--index PATH] [--top K] [--matches] [--html PAGE]",
    .about = "Prints similarity (cosine) and path of the most alike, the best first. Several pictures are "
             "looked for by "
             "their average, or with --each one after the other. A PICTURE may be \"-\", standard input, or "
             "INDEX#PATH, a "
             "picture as another index knows it. The very file that is asked with is not found.\n\n"
             "Whether the nearest is a match at all is told without labels: a thousand of the index's own "
             "pictures were "
             "taken for strangers, each without those that kin groups takes for the same thing, and a part "
             "--false-accept of them found another picture within the distance that counts as found.",
    .examples = "kin find picture.jpg --index ~/photos\n"
                "# the average of two, and only what counts as found\n"
                "kin find left.jpg right.jpg --matches\n"
                "# to look at\n"
                "kin find picture.jpg --top 5 --paths0 | xargs -0 feh",
    .arguments = {{"PICTURE", "files, - or INDEX#PATH"}},
    .arguments_min = 1,
    .arguments_max = 1000,
    .options = options,
    .run = run,
};
