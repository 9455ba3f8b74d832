/* kin learn: ten lessons on how retrieval networks work, run where one reads them. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/help/help.h"
#include "cli/learn/figure.h"
#include "cli/learn/lesson.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const kin_option options[] = {
    {"folder", KIN_OPTION_STRING, "DIR", "where each lesson gets a folder of its own", "learn"},
    {"list", KIN_OPTION_FLAG, .help = "list the lessons, and which were read in --folder"},
    {"answers", KIN_OPTION_FLAG,
     .help = "print what happened when the things to change were tried, too, and run it"},
    {"draw", KIN_OPTION_STRING, "NAME",
     "draw a figure of the lessons instead: tape, conv, norm, lists, distances, map, flow or "
     "reciprocal"},
    {"out", KIN_OPTION_STRING, "FILE", "with --draw: the drawing, an SVG (lists: a PNG or a JPEG)",
     .writes = KIN_WRITES_FILE},
    {"gallery", KIN_OPTION_STRING, "E",
     "with --draw lists, distances, map, flow, reciprocal: descriptors of kin embed"},
    {"ranks", KIN_OPTION_STRING, "FILE", "with --draw lists, flow: what kin search found in them"},
    {"model", KIN_OPTION_STRING, "RUN", "with --draw flow: the network whose descriptors they are"},
    {"rows", KIN_OPTION_INT, "N", "with --draw lists: of so many pictures", "6", .low = 1, .high = 100},
    {"top", KIN_OPTION_INT, "N", "with --draw lists: so many of each list", "8", .low = 1, .high = 100},
    {"k", KIN_OPTION_INT, "N", "with --draw reciprocal: neighbours of each", "2", .low = 1, .high = 15},
    {"widest", KIN_OPTION_REAL, "D", "with --draw distances: where the axis ends", "1.2", .low = 1e-6,
     .high = 2},
    {"nearest", KIN_OPTION_FLAG,
     .help = "with --draw distances: only each picture's nearest of its thing, and of another"},
    {"mark", KIN_OPTION_REAL, "D", "with --draw distances: a line at this distance", .low = 0, .high = 2,
     .fallback_shown = "none"},
    {"from", KIN_OPTION_STRING, "PLACE",
     "with --draw conv: what flows back comes from all results, or from one of 0 to 8", "all"},
    {"x", KIN_OPTION_REAL, "X", "with --draw tape", "2"},
    {"w", KIN_OPTION_REAL, "W", "with --draw tape", "3"},
    {"b", KIN_OPTION_REAL, "B", "with --draw tape", "-1"},
    {"t", KIN_OPTION_REAL, "T", "with --draw tape", "1"},
    {0},
};

enum { TRIES = 1000, PATH_ROOM = 1200, PAGE_ROOM = PATH_ROOM + 16 };

/* ---- drawings ---- */

static bool draw(const kin_cli *cli, kin_error *err)
{
    const char *name = kin_option_string(cli, "draw");
    const kin_figure *f = kin_figures;
    while (f->name && strcmp(f->name, name) != 0) f++;
    kin_nearest nearest = {0};
    for (const kin_figure *g = kin_figures; g->name; g++) kin_nearest_try(&nearest, name, g->name);
    if (!f->name && nearest.name)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--draw %s: no such drawing; did you mean %s?", name,
                        nearest.name);
    if (!f->name)
        return kin_fail(err, KIN_ERR_ARGUMENT,
                        "--draw %s: one of those that kin learn --help lists was expected", name);
    if (!kin_option_given(cli, "out"))
        return kin_fail(err, KIN_ERR_ARGUMENT, "--draw %s: --out FILE is missing", name);
    if (f->gallery && !kin_option_given(cli, "gallery"))
        return kin_fail(err, KIN_ERR_ARGUMENT, "--draw %s: --gallery E is missing", name);
    return f->draw(cli, err);
}

/* ---- lessons ---- */

static int lessons(void)
{
    int n = 0;
    while (kin_lessons[n].name) n++;
    return n;
}

/* Of DIR/NAME, DIR/NAME-2, ... the k-th. */
static void folder_of(const kin_cli *cli, int lesson, int k, char out[PATH_ROOM])
{
    int used = snprintf(out, PATH_ROOM, "%s/%s", kin_option_string(cli, "folder"), kin_lessons[lesson].name);
    if (k > 1 && used > 0 && used < PATH_ROOM) snprintf(out + used, (size_t)(PATH_ROOM - used), "-%d", k);
}

/* A lesson that was gone through has left its page; the last one, where it was so more than once. */
static bool last_page(const kin_cli *cli, int lesson, char out[PAGE_ROOM])
{
    char folder[PATH_ROOM], page[PAGE_ROOM];
    bool found = false;
    for (int k = 1; k < TRIES; k++) {
        folder_of(cli, lesson, k, folder);
        if (!kin_exists(folder)) break;
        snprintf(page, sizeof page, "%s/index.html", folder);
        if (kin_exists(page)) found = true, memcpy(out, page, sizeof page);
    }
    return found;
}

static bool is_done(const kin_cli *cli, int lesson)
{
    char page[PAGE_ROOM];
    return last_page(cli, lesson, page);
}

/* DIR/index.html: all lessons, and where their pages are. */
static bool write_list(const kin_cli *cli, kin_error *err)
{
    int n = lessons();
    char path[PAGE_ROOM];
    const char **pages = kin_alloc_zero((size_t)n, sizeof *pages);
    char(*room)[PAGE_ROOM] = kin_alloc_array((size_t)n, sizeof *room);
    bool ok = (pages && room) || kin_fail_memory(err, "a list of lessons", (size_t)n * sizeof *room);
    for (int i = 0; ok && i < n; i++) pages[i] = last_page(cli, i, room[i]) ? room[i] : NULL;
    snprintf(path, sizeof path, "%s/index.html", kin_option_string(cli, "folder"));
    ok = ok && kin_lessons_page(pages, path, err);
    kin_free(pages), kin_free(room);
    return ok;
}

/* Nothing of an earlier time is touched: what was changed there by hand is the person's. */
static bool new_folder(const kin_cli *cli, int lesson, char out[PATH_ROOM], kin_error *err)
{
    if (strlen(kin_option_string(cli, "folder")) > PATH_ROOM / 2)
        return kin_fail(err, KIN_ERR_ARGUMENT, "--folder: too long a name");
    for (int k = 1; k < TRIES; k++) {
        folder_of(cli, lesson, k, out);
        if (!kin_exists(out)) return kin_make_folders(out, err);
    }
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "%s: there are %d of it already; take another --folder, or remove some", out, TRIES - 1);
}

static bool teach(kin_lesson *l, const char *folder, bool answers, kin_error *err)
{
    bool hidden = false; /* within details, which are for the page */
    for (size_t i = 0; i < l->count; i++) {
        kin_block *b = &l->blocks[i];
        bool promised = kin_block_is_output(b) && i > 0 && l->blocks[i - 1].ran;
        if (b->kind == KIN_BLOCK_END) hidden = false;
        if (hidden || promised) continue;
        if ((b->kind != KIN_BLOCK_DETAILS || !answers) && !kin_lesson_print(b, folder, err)) return false;
        if (b->kind == KIN_BLOCK_DETAILS) hidden = !answers;
        if (!kin_block_is_command(b) && !(answers && kin_block_is_tried(b))) continue;
        if (!kin_lesson_run(b, folder, &b->output, err)) return false;
        b->ran = true;
        printf("\n");
    }
    return true;
}

/* Whether a person who types kin in a shell gets one. */
static bool kin_is_found(void)
{
    char file[PAGE_ROOM];
    for (const char *p = getenv("PATH"); p; p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL) {
        int length = (int)strcspn(p, ":");
        if (snprintf(file, sizeof file, "%.*s/kin", length, p) < (int)sizeof file && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

/* Lessons say "kin"; where no such program is found, how it would be. */
static void tell_path(void)
{
    char self[PAGE_ROOM];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size < 0 || kin_is_found()) return;
    self[size] = 0;
    char *name = strrchr(self, '/');
    if (!name || strcmp(name, "/kin") != 0) return;
    *name = 0;
    printf("There type this once, so that kin is found: export PATH=\"%s:$PATH\"\n", self);
}

static bool run_lesson(const kin_cli *cli, int which, kin_error *err)
{
    char folder[PATH_ROOM], page[PAGE_ROOM];
    kin_lesson l;
    if (!new_folder(cli, which, folder, err) || !kin_lesson_open(&kin_lessons[which], &l, err)) return false;
    bool ok = teach(&l, folder, kin_option_flag(cli, "answers"), err);
    snprintf(page, sizeof page, "%s/index.html", folder);
    ok = ok && kin_lesson_page(&l, folder, page, err) && write_list(cli, err);
    kin_lesson_free(&l);
    if (ok)
        printf("The lesson with its pictures, and what happened to those who changed things: open %s in a "
               "browser\nTo change things yourself, go where its files are: cd %s\n",
               page, folder),
            tell_path();
    return ok;
}

static void list(const kin_cli *cli)
{
    for (int i = 0; i < lessons(); i++) {
        kin_span title = kin_lesson_title(kin_lessons[i].text);
        printf("%s %.*s\n", is_done(cli, i) ? "read" : "    ", (int)title.size, title.at);
    }
}

static int first_not_done(const kin_cli *cli)
{
    int i = 0;
    while (i < lessons() && is_done(cli, i)) i++;
    return i;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    int64_t n = 0;
    if (kin_option_given(cli, "draw")) return draw(cli, &err) ? 0 : kin_cli_fail(cli, &err);
    if (kin_option_flag(cli, "list")) return list(cli), 0;
    if (cli->positionals && !kin_parse_int(cli->positional[0], 1, lessons(), &n))
        return kin_cli_usage(cli, "lesson '%s': 1 to %d was expected", cli->positional[0], lessons());
    int which = n ? (int)n - 1 : first_not_done(cli);
    if (which == lessons())
        return printf("All %d lessons were read; kin learn N goes through one again.\n", which), 0;
    if (!run_lesson(cli, which, &err)) return kin_cli_fail(cli, &err);
    int next = first_not_done(cli);
    if (next < lessons()) printf("Next: kin learn%s (lesson %d)\n", n ? "" : ", the same command", next + 1);
    return 0;
}

const kin_command kin_command_learn = {
    .name = "learn",
    .summary = "ten lessons on how retrieval networks work, to run and to change",
    .usage = "kin learn [N] [--folder DIR]\nkin learn --list\nkin learn --draw NAME --out FILE [options of "
             "the drawing]",
    .about = "Each lesson has a question, an idea, one formula, the lines of kin that do it, a command that "
             "is run there and then "
             "with the output that comes, a picture, three things to change, the paper, and the file to read "
             "next. It is printed, and "
             "written as a page with the pictures, DIR/NN-NAME/index.html; DIR/index.html leads to the pages "
             "of all.\n\n"
             "Without N the first lesson that was not read is taken: the same command goes on where one "
             "stopped. A lesson that is "
             "gone through again gets a new folder; nothing is overwritten.\n\n"
             "--draw makes the figures that the lessons' commands ask for, of small examples or of one's own "
             "descriptors.",
    .examples = "kin learn\n"
                "# the lesson on triplets\n"
                "kin learn 5\n"
                "# a figure of the second with other numbers\n"
                "kin learn --draw tape --w -1 --out tape.svg",
    .arguments = {{"N", "the lesson, 1 to 10"}},
    .arguments_max = 1,
    .options = options,
    .run = run,
};
