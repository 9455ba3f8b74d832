/* kin groups: pictures of an indexed folder that show one thing, without labels. */
#include "base/csv.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/text.h"
#include "cli/pages/photos_page.h"
#include "cli/photos/album.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "data/sets/dataset.h"
#include "retrieval/cluster/cluster.h"

#include <stdio.h>
#include <string.h>

static const kin_option options[] = {
    {"out", KIN_OPTION_STRING, "LIST", "a list `path,label` of the groups, as kin train takes it",
     .writes = KIN_WRITES_FILE},
    {"html", KIN_OPTION_STRING, "PAGE",
     "a page that shows the groups by their numbers, to be opened in a browser", .writes = KIN_WRITES_PAGE},
    {"name", KIN_OPTION_STRING, "NAMES",
     "names for groups, by their numbers, as in 1=apples,4=pears; the list then has those alone. Groups of "
     "one name become "
     "one class",
     .fallback_shown = "group-0001 and so on, all of them"},
    {"most", KIN_OPTION_INT, "N", "with --html: so many pictures of a group at most", "12", .low = 1,
     .high = 2000},
    {"least", KIN_OPTION_INT, "N", "groups of fewer pictures are left out", "2", .low = 1, .high = -1},
    {"apart", KIN_OPTION_REAL, "D",
     "groups whose pictures' neighbours differ this much on average stay apart: less makes more and smaller "
     "groups",
     "0.96", .low = .05, .high = 1},
    {"k1", KIN_OPTION_INT, "K",
     "neighbours that are looked at: about as many as a smaller group has pictures",
     .fallback_shown = "10, in small folders a twentieth of the pictures", .low = 1, .high = 1000},
    {"judge", KIN_OPTION_FLAG, NULL, "compare the groups with the folders that the pictures lie in"},
    {0},
};

static bool show(void *user, const char *stage, int64_t done, int64_t total)
{
    (void)user, (void)stage, (void)done, (void)total;
    return !kin_interrupted();
}

/* What --name says of each group; NULL: nothing. */
static bool read_names(const kin_cli *cli, int64_t groups, const char **name, kin_arena *arena,
                       kin_error *err)
{
    const char *given = kin_option_string(cli, "name");
    char *text = given ? kin_arena_strdup(arena, given) : NULL;
    for (int64_t g = 0; g < groups; g++) name[g] = NULL;
    if (!given) return true;
    if (!text) return kin_fail_memory(err, "--name", strlen(given));
    for (char *at = text, *next; *at; at = next) {
        size_t length = strcspn(at, ",");
        next = at + length + (at[length] == ',');
        at[length] = '\0';
        char *sign = strchr(at, '=');
        int64_t number;
        if (sign) *sign = '\0';
        if (!sign || !sign[1] || !kin_parse_int(at, 1, groups, &number))
            return kin_fail(err, KIN_ERR_ARGUMENT,
                            "--name takes NUMBER=NAME with numbers of groups, 1 to %lld, and commas between "
                            "them, not '%.60s'",
                            (long long)groups, at);
        if (name[number - 1])
            return kin_fail(err, KIN_ERR_ARGUMENT, "--name names group %lld twice", (long long)number);
        name[number - 1] = sign + 1;
    }
    return true;
}

/* The groups, and what is needed to tell of them. */
typedef struct grouping {
    const kin_cli *cli;
    kin_album album;
    int64_t *group, *size,
        *middle;           /* [pictures], [groups], [groups]: the picture nearest to the others' mean */
    kin_groups of;         /* the pictures of each */
    const char **name;     /* [groups] */
    int64_t groups, shown; /* shown: those of --least pictures or more; they come first */
    kin_arena arena;
} grouping;

/* Of each group the picture whose descriptor is nearest to the sum of all. */
static bool find_middles(grouping *g, kin_error *err)
{
    const kin_photos *p = &g->album.photos;
    double *best = kin_alloc_array((size_t)g->groups, sizeof *best);
    float *sums = kin_alloc_zero((size_t)g->groups, (size_t)p->dim * sizeof *sums);
    bool ok = (best && sums) || kin_fail_memory(err, "groups", (size_t)(g->groups * p->dim) * sizeof *sums);
    for (int64_t i = 0; ok && i < p->count; i++)
        for (int64_t d = 0; d < p->dim; d++) sums[g->group[i] * p->dim + d] += p->rows[i * p->dim + d];
    for (int64_t k = 0; ok && k < g->groups; k++) best[k] = -1e30;
    for (int64_t i = 0; ok && i < p->count; i++) {
        double product = 0;
        int64_t k = g->group[i];
        for (int64_t d = 0; d < p->dim; d++)
            product += (double)sums[k * p->dim + d] * (double)p->rows[i * p->dim + d];
        if (product > best[k]) best[k] = product, g->middle[k] = i;
    }
    kin_free(best), kin_free(sums);
    return ok;
}

static bool make_groups(grouping *g, kin_error *err)
{
    const kin_photos *p = &g->album.photos;
    kin_cluster_opt opt = {.k1 = kin_option_int(g->cli, "k1"),
                           .apart = kin_option_real(g->cli, "apart"),
                           .progress = {.report = show}};
    if (p->count < 2)
        return kin_fail(err, KIN_ERR_DATA, "%s: of fewer than two pictures no groups can be made",
                        g->album.file);
    g->group = kin_alloc_array((size_t)p->count, sizeof *g->group);
    if (!g->group) return kin_fail_memory(err, "groups", (size_t)p->count * sizeof *g->group);
    g->groups = kin_cluster(kin_photos_vectors(p), &opt, g->group, err);
    if (g->groups < 0) return false;
    size_t n = (size_t)g->groups;
    g->size = kin_alloc_zero(n, sizeof *g->size), g->middle = kin_alloc_zero(n, sizeof *g->middle);
    g->name = kin_alloc_array(n, sizeof *g->name);
    if (!g->size || !g->middle || !g->name) return kin_fail_memory(err, "groups", n * 3 * sizeof *g->size);
    for (int64_t i = 0; i < p->count; i++) g->size[g->group[i]]++;
    while (g->shown < g->groups && g->size[g->shown] >= kin_option_int(g->cli, "least")) g->shown++;
    return find_middles(g, err) && kin_by_group(g->group, p->count, g->groups, &g->of, err) &&
           read_names(g->cli, g->shown, g->name, &g->arena, err);
}

static bool write_list(const grouping *g, const char *list, kin_error *err)
{
    kin_file file;
    char number[32];
    bool named = kin_option_given(g->cli, "name"), ok = true;
    if (!kin_file_create(&file, list, err)) return false;
    fputs("path,label\n", file.stream);
    for (int64_t k = 0; ok && k < g->shown; k++) {
        snprintf(number, sizeof number, "group-%04lld", (long long)k + 1);
        if (named && !g->name[k]) continue;
        for (int64_t at = g->of.first[k]; ok && at < g->of.first[k + 1]; at++) {
            int64_t i = g->of.item[at];
            char *whole = kin_album_path(&g->album, i);
            kin_sample sample = {.path = whole, .id = whole, .index = -1, .number = -1};
            char *path = whole ? kin_list_path(list, &sample) : NULL;
            ok = path || kin_fail_memory(err, "the list", 4096);
            if (ok) kin_csv_put(file.stream, path);
            fputc(',', file.stream);
            kin_csv_put(file.stream, named ? g->name[k] : number);
            fputc('\n', file.stream);
            kin_free(whole), kin_free(path);
        }
    }
    if (ok) return kin_file_commit(&file, err);
    kin_file_abandon(&file);
    return false;
}

/* The middle of each group first; of large groups not all. */
static bool write_page(const grouping *g, const char *name, kin_error *err)
{
    enum { PICTURES = 2000 };
    const int64_t most = kin_option_int(g->cli, "most");
    kin_page page;
    int64_t shown = 0;
    kin_photos_page_begin(
        &page, name, &g->album, "Groups",
        "Pictures that show one thing, as far as their neighbours tell. A click opens the file.");
    kin_page_section(&page, g->shown ? "The largest first" : "There are none",
                     "kin groups --name 1=apples,2=pears --out LIST writes a list that kin train takes; the "
                     "first picture of each "
                     "row is the one in the group's middle.");
    for (int64_t k = 0; k < g->shown && shown < PICTURES && kin_page_ok(&page); k++) {
        char title[64], note[80];
        int64_t count = 1;
        snprintf(title, sizeof title, "Group %lld", (long long)k + 1);
        if (g->size[k] > most)
            snprintf(note, sizeof note, "%lld pictures, %lld of them here (--most)", (long long)g->size[k],
                     (long long)most);
        else snprintf(note, sizeof note, "%lld picture%s", (long long)g->size[k], g->size[k] == 1 ? "" : "s");
        kin_page_row_begin(&page, &(kin_page_row){.title = g->name[k] ? g->name[k] : title, .note = note});
        kin_photos_tile(&page, &g->album, g->middle[k], KIN_TILE_PLAIN, "middle", NULL);
        for (int64_t at = g->of.first[k]; at < g->of.first[k + 1] && count < most && kin_page_ok(&page);
             at++) {
            if (g->of.item[at] == g->middle[k]) continue;
            kin_photos_tile(&page, &g->album, g->of.item[at], KIN_TILE_PLAIN, NULL, NULL);
            count++;
        }
        kin_page_row_end(&page);
        shown += count;
    }
    if (shown >= PICTURES) kin_page_note(&page, "Smaller groups are left out here; kin groups prints all.");
    bool ok = kin_photos_page_write(g->cli, &page, err);
    kin_page_free(&page);
    return ok;
}

static bool print_groups(const grouping *g, kin_error *err)
{
    for (int64_t k = 0; k < g->shown; k++) {
        char *path = kin_album_path(&g->album, g->middle[k]);
        if (!path) return kin_fail_memory(err, "a path", 4096);
        printf("%4lld  %5lld pictures, such as ", (long long)k + 1, (long long)g->size[k]);
        kin_say(stdout, path);
        if (g->name[k]) {
            fputs(": ", stdout);
            kin_say(stdout, g->name[k]);
        }
        putchar('\n');
        kin_free(path);
    }
    return true;
}

/* Against the folders. */
static bool judge(const grouping *g, kin_error *err)
{
    const kin_photos *p = &g->album.photos;
    kin_names folders = {0};
    int64_t *label = kin_alloc_array((size_t)p->count, sizeof *label);
    kin_agreement a;
    bool ok = label || kin_fail_memory(err, "labels", (size_t)p->count * sizeof *label);
    for (int64_t i = 0; ok && i < p->count; i++) {
        char *folder = kin_strdup(p->item[i].path), *slash = folder ? strrchr(folder, '/') : NULL;
        if (slash) *slash = '\0';
        label[i] = folder ? kin_names_add(&folders, slash ? folder : "") : -1;
        ok = label[i] >= 0 || kin_fail_memory(err, "labels", 4096);
        kin_free(folder);
    }
    ok = ok && kin_cluster_agreement(g->group, label, p->count, &a, err);
    if (ok)
        printf("%lld pictures in %lld groups, of %lld folders: NMI %.4f, ARI %.4f, of pairs precision %.4f, "
               "recall %.4f, F "
               "%.4f\n",
               (long long)a.counted, (long long)a.groups, (long long)a.labels, a.nmi, a.ari, a.precision,
               a.recall, a.f);
    kin_names_free(&folders);
    kin_free(label);
    return ok;
}

static int run(kin_cli *cli)
{
    kin_error err = {0};
    grouping g = {.cli = cli};
    const char *out = kin_option_string(cli, "out"), *html = kin_option_string(cli, "html");
    kin_interrupt_catch();
    bool ok = kin_album_open(cli, cli->positionals ? cli->positional[0] : NULL, &g.album, &err) &&
              kin_album_apart(cli, &g.album, out, &err) && kin_album_apart(cli, &g.album, html, &err) &&
              kin_album_present(cli, &g.album, &err) && make_groups(&g, &err);
    ok = ok && (!out || write_list(&g, out, &err)) && (!html || write_page(&g, html, &err));
    if (ok && !out && !html) ok = print_groups(&g, &err);
    ok = ok && (!kin_option_flag(cli, "judge") || judge(&g, &err));
    if (ok && !out && kin_option_given(cli, "name"))
        kin_cli_note(cli, "no list was written: --out LIST writes the groups that --name names");
    if (ok) {
        int64_t in = 0;
        for (int64_t k = 0; k < g.shown; k++) in += g.size[k];
        kin_cli_note(cli, "%lld of %lld pictures in %lld groups of %lld or more", (long long)in,
                     (long long)g.album.photos.count, (long long)g.shown,
                     (long long)kin_option_int(cli, "least"));
    }
    kin_free(g.group), kin_free(g.size), kin_free(g.middle), kin_free(g.name);
    kin_groups_free(&g.of);
    kin_arena_free(&g.arena);
    if (g.album.file) kin_album_close(&g.album);
    return ok ? 0 : kin_cli_fail(cli, &err);
}

const kin_command kin_command_groups = {
    .name = "groups",
    .summary = "gather pictures of an indexed folder that show one thing",
    .usage = "kin groups [FOLDER] [--html PAGE] [--out LIST] [--name NAMES] [--judge]",
    .about = "Clusters the index's descriptors without labels, and without being told how many groups there "
             "are: two pictures "
             "belong together as far as their nearest neighbours are the same, and groups are merged, the "
             "nearest first, "
             "until those left have little in common. Prints them, the largest first, each with the picture "
             "in its middle.\n\n"
             "--out writes a list that kin train takes as it is; --name gives groups their names, and leaves "
             "the others out.",
    .examples = "kin index ~/photos\n"
                "kin groups ~/photos --html groups.html\n"
                "kin groups ~/photos --name 1=apples,2=pears,5=pears --out fruit.csv\n"
                "kin train fruit.csv --out runs/fruit",
    .arguments = {{"FOLDER", "an indexed folder, or an index; the nearest above where it is left out"}},
    .arguments_min = 0,
    .arguments_max = 1,
    .options = options,
    .run = run,
};
