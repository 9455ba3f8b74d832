/* kin data: what a path is recognised as, what is in it, and what of it cannot be read. */
#include "base/csv.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/parallel.h"
#include "cli/options/command.h"
#include "cli/options/own.h"
#include "cli/options/source.h"
#include "cli/photos/leaks.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "data/sets/known.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- counting ---- */

typedef struct summary {
    int64_t pictures, queries, gallery, distractors;
    int classes, cameras;
} summary;

static int by_camera(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static bool summarise(const kin_dataset *set, summary *s, kin_error *err)
{
    int *camera = kin_alloc_array((size_t)set->count + 1, sizeof *camera);
    if (!camera) return kin_fail_memory(err, "the cameras", (size_t)set->count * sizeof *camera);
    int64_t known = 0;
    *s = (summary){.pictures = set->count, .classes = set->classes};
    for (int64_t i = 0; i < set->count; i++) {
        const kin_sample *item = &set->items[i];
        s->queries += item->role == KIN_ROLE_QUERY || item->role == KIN_ROLE_BOTH;
        s->gallery += item->role == KIN_ROLE_GALLERY || item->role == KIN_ROLE_BOTH;
        s->distractors += item->label < 0;
        if (item->camera >= 0) camera[known++] = item->camera;
    }
    qsort(camera, (size_t)known, sizeof *camera, by_camera);
    for (int64_t i = 0; i < known; i++) s->cameras += i == 0 || camera[i] != camera[i - 1];
    kin_free(camera);
    return true;
}

static void print_summary(const char *part, const summary *s, bool chosen)
{
    printf("%c %-20s %8lld pictures %6d classes", chosen ? '*' : ' ', part, (long long)s->pictures,
           s->classes);
    if (s->queries || s->gallery)
        printf(", %lld queries, %lld gallery", (long long)s->queries, (long long)s->gallery);
    if (s->distractors && s->classes) printf(", %lld distractors", (long long)s->distractors);
    if (s->cameras) printf(", %d cameras", s->cameras);
    putchar('\n');
}

/* A part that cannot be opened (its files are not there) is told in a line; it is no failure of the
 * others. */
static bool print_part(const char *folder, const char *part, const char *labels, bool chosen, kin_error *err)
{
    kin_dataset set;
    kin_error inner = {0};
    summary s;
    size_t size = strlen(folder) + strlen(part) + 2;
    char *path = kin_alloc(size);
    if (!path) return kin_fail_memory(err, folder, size);
    snprintf(path, size, "%s:%s", folder, part);
    bool opened = kin_dataset_open(path, &(kin_dataset_opt){.labels = labels, .own = kin_own()->sets}, &set,
                                   &inner),
         ok = true;
    kin_free(path);
    if (!opened) {
        if (inner.code == KIN_ERR_MEMORY) return kin_fail(err, inner.code, "%s", inner.message);
        printf("  %-20s not here: ", part);
        kin_say(stdout, inner.message);
        putchar('\n');
        return true;
    }
    ok = summarise(&set, &s, err);
    if (ok) print_summary(part, &s, chosen);
    kin_dataset_free(&set);
    return ok;
}

static bool print_parts(const char *path, const kin_dataset *set, const char *labels, kin_error *err)
{
    summary s;
    if (!summarise(set, &s, err)) return false;
    if (!set->parts) {
        print_summary("all", &s, true);
        return true;
    }
    char *folder = kin_strdup(path), *colon = folder ? strrchr(folder, ':') : NULL;
    if (!folder) return kin_fail_memory(err, path, strlen(path));
    if (colon && strcmp(colon + 1, set->part) == 0 && !kin_exists(folder)) *colon = '\0';
    bool ok = true;
    for (const char *const *p = set->parts; ok && *p; p++) {
        bool chosen = strcmp(*p, set->part) == 0;
        if (chosen) print_summary(*p, &s, true);
        else ok = print_part(folder, *p, labels, false, err);
    }
    kin_free(folder);
    return ok;
}

/* ---- pictures per class ---- */

enum { BARS = 10, BAR_WIDTH = 50 };

static int by_count(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Ranges of pictures per class, and how many classes lie in each. */
static void print_bars(const int64_t *sorted, int classes)
{
    int64_t low = sorted[0], width = (sorted[classes - 1] - low) / BARS + 1, most = 1, bar[BARS] = {0};
    char range[48];
    for (int c = 0; c < classes; c++) bar[(sorted[c] - low) / width]++;
    for (int b = 0; b < BARS; b++)
        if (bar[b] > most) most = bar[b];
    for (int b = 0; b < BARS && low + b * width <= sorted[classes - 1]; b++) {
        int64_t first = low + b * width, last = first + width - 1;
        if (width == 1) snprintf(range, sizeof range, "%lld", (long long)first);
        else snprintf(range, sizeof range, "%lld-%lld", (long long)first, (long long)last);
        int length = (int)((bar[b] * BAR_WIDTH + most - 1) / most);
        printf("  %13s  %6lld%s%.*s\n", range, (long long)bar[b], length ? "  " : "", length,
               "##################################################");
    }
}

static bool print_histogram(const kin_dataset *set, kin_error *err)
{
    if (set->classes == 0) return true;
    int64_t *counts = kin_alloc_array((size_t)set->classes, sizeof *counts);
    if (!counts) return kin_fail_memory(err, "the histogram", (size_t)set->classes * sizeof *counts);
    kin_dataset_histogram(set, counts);
    qsort(counts, (size_t)set->classes, sizeof *counts, by_count);
    int n = set->classes;
    printf("\npictures per class: %lld to %lld, median %g\n", (long long)counts[0], (long long)counts[n - 1],
           (double)(counts[(n - 1) / 2] + counts[n / 2]) / 2);
    printf("  %13s  %6s\n", "pictures", "classes");
    print_bars(counts, n);
    kin_free(counts);
    return true;
}

/* ---- the list ---- */

static void write_item(FILE *stream, const kin_dataset *set, const kin_sample *item, const char *path,
                       bool boxes)
{
    static const char *const roles[] = {"", "query", "gallery", "both"};
    kin_csv_put(stream, item->id);
    fputc(',', stream);
    kin_csv_put(stream, item->label < 0 ? "" : set->class_names[item->label]);
    fputc(',', stream);
    kin_csv_put(stream, path);
    fputc(',', stream);
    if (item->camera >= 0) fprintf(stream, "%d", item->camera);
    fprintf(stream, ",%s", roles[item->role]);
    const kin_box *b = &item->box;
    if (b->width) fprintf(stream, ",%d,%d,%d,%d", b->x, b->y, b->x + b->width, b->y + b->height);
    else if (boxes) fputs(",,,,", stream);
    fputc('\n', stream);
}

static bool write_list(const char *list, const kin_dataset *set, kin_error *err)
{
    kin_file file;
    if (!kin_file_create(&file, list, err)) return false;
    bool boxes = false;
    for (int64_t i = 0; i < set->count; i++) boxes |= set->items[i].box.width > 0;
    fprintf(file.stream, "id,label,path,camera,role%s\n", boxes ? ",x_1,y_1,x_2,y_2" : "");
    for (int64_t i = 0; i < set->count; i++) {
        char *path = kin_list_path(list, &set->items[i]);
        if (!path) {
            kin_file_abandon(&file);
            return kin_fail_memory(err, list, strlen(set->items[i].path));
        }
        write_item(file.stream, set, &set->items[i], path, boxes);
        kin_free(path);
    }
    return kin_file_commit(&file, err);
}

/* ---- reading everything ---- */

enum { GROUP = 64, REASONS_SHOWN = 20, NAMES_SHOWN = 3 };

typedef struct reason {
    int64_t count;
    const char *names[NAMES_SHOWN];
} reason;

typedef struct checking {
    const kin_dataset *set;
    kin_image_limits limits;
    int64_t first;
    kin_error errors[GROUP];
    const char *remarks[GROUP];
    int64_t broken, remarked;
    kin_names texts; /* of the reasons, the broken first by order of coming */
    reason *reasons; /* [texts.count] */
    size_t capacity;
} checking;

static void check_one(void *arg, int64_t k, int worker)
{
    (void)worker;
    checking *c = arg;
    kin_image image = {0};
    kin_error_clear(&c->errors[k]);
    c->remarks[k] = NULL;
    if (!kin_dataset_image(c->set, c->first + k, &c->limits, &image, &c->errors[k])) return;
    c->remarks[k] = image.remark;
    kin_image_free(&image);
}

/* What a message says without the picture's name and with its numbers as '#', so that like reasons are
 * counted as one. */
static void reason_of(const char *message, const char *path, char *out, size_t size)
{
    size_t length = strlen(path), n = 0;
    if (strncmp(message, path, length) == 0) message += length + strspn(message + length, ": ");
    for (; *message && n + 1 < size; message++) {
        bool digit = isdigit((unsigned char)*message);
        if (digit && n && out[n - 1] == '#') continue;
        out[n++] = digit ? '#' : *message;
    }
    out[n] = '\0';
}

static bool count_reason(checking *c, const char *text, const kin_sample *item, kin_error *err)
{
    int64_t before = c->texts.count, number = kin_names_add(&c->texts, text);
    bool ok = number >= 0 && kin_grow((void **)&c->reasons, (size_t)number, &c->capacity, sizeof *c->reasons);
    if (!ok) return kin_fail_memory(err, "the reasons", (size_t)before * sizeof *c->reasons);
    if (number == before) c->reasons[number] = (reason){0};
    reason *r = &c->reasons[number];
    if (r->count < NAMES_SHOWN) r->names[r->count] = item->id;
    r->count++;
    return true;
}

static bool count_group(checking *c, int64_t n, kin_error *err)
{
    char text[512];
    for (int64_t k = 0; k < n; k++) {
        const kin_sample *item = &c->set->items[c->first + k];
        if (kin_failed(&c->errors[k])) {
            if (!kin_error_is_of_file(&c->errors[k]))
                return kin_fail(err, c->errors[k].code, "%s", c->errors[k].message);
            reason_of(c->errors[k].message, item->path, text, sizeof text);
            c->broken++;
        } else if (c->remarks[k]) {
            snprintf(text, sizeof text, "read, but %s", c->remarks[k]);
            c->remarked++;
        } else {
            continue;
        }
        if (!count_reason(c, text, item, err)) return false;
    }
    return true;
}

static void print_reasons(const checking *c)
{
    printf("\n%lld of %lld pictures can be read", (long long)(c->set->count - c->broken),
           (long long)c->set->count);
    if (c->broken) printf("; %lld are broken", (long long)c->broken);
    if (c->remarked) printf("; %lld were read with remarks", (long long)c->remarked);
    putchar('\n');
    for (int64_t i = 0; i < c->texts.count && i < REASONS_SHOWN; i++) {
        const reason *r = &c->reasons[i];
        printf("  %lld x ", (long long)r->count);
        kin_say(stdout, c->texts.text[i]);
        fputs("\n    ", stdout);
        for (int k = 0; k < NAMES_SHOWN && k < r->count; k++) {
            if (k) fputs(", ", stdout);
            kin_say(stdout, r->names[k]);
        }
        puts(r->count > NAMES_SHOWN ? ", ..." : "");
    }
    if (c->texts.count > REASONS_SHOWN)
        printf("  and %lld other reasons\n", (long long)(c->texts.count - REASONS_SHOWN));
}

/* Leaves how many are broken in *broken. */
static bool check_all(const kin_cli *cli, const kin_dataset *set, int64_t *broken, kin_error *err)
{
    checking *c = kin_alloc_zero(1, sizeof *c);
    if (!c) return kin_fail_memory(err, "the check", sizeof *c);
    c->set = set;
    kin_meter meter;
    kin_meter_start(&meter, "reading", "pictures", 0, set->count, cli->quiet || set->count < 500);
    bool ok = kin_picture_limits(cli, &c->limits, err);
    for (c->first = 0; ok && c->first < set->count; c->first += GROUP) {
        int64_t n = set->count - c->first < GROUP ? set->count - c->first : GROUP;
        kin_parallel_for(n, check_one, c);
        kin_meter_update(&meter, c->first + n, NULL);
        ok = count_group(c, n, err);
        if (ok && kin_interrupted())
            ok = kin_fail(err, KIN_ERR_INTERRUPTED, "interrupted while reading pictures");
    }
    if (ok) kin_meter_end(&meter);
    if (ok) print_reasons(c);
    *broken = c->broken;
    kin_names_free(&c->texts);
    kin_free(c->reasons);
    kin_free(c);
    return ok;
}

/* ---- the command ---- */

/* Two sets beside each other. */
static int compare(kin_cli *cli)
{
    kin_error err = {0};
    kin_dataset set[2];
    int64_t found = 0;
    int open = 0;
    kin_dataset_opt choice = kin_source_choice(cli);
    bool ok = true;
    for (; ok && open < 2; open += ok)
        ok = kin_source_open_set(cli, cli->positional[open], &choice, &set[open], &err);
    ok = ok && kin_leaks_tell(cli, &set[0], &set[1], &found, &err);
    while (open > 0) kin_dataset_free(&set[--open]);
    return !ok ? kin_cli_fail(cli, &err) : found > 0;
}

/* What is of use with --leaks alone, and what is of none with it. */
static const char *idle_option(const kin_cli *cli, bool leaks)
{
    static const char *const of_leaks[] = {"kind", "html", "json", NULL}, *const of_one[] = {"out", "check",
                                                                                             NULL};
    for (const char *const *name = leaks ? of_one : of_leaks; *name; name++)
        if (kin_option_given(cli, *name)) return *name;
    return NULL;
}

static int run(kin_cli *cli)
{
    bool leaks = kin_option_flag(cli, "leaks");
    const char *idle = idle_option(cli, leaks);
    if (idle && leaks) return kin_cli_usage(cli, "--%s does nothing with --leaks", idle);
    if (idle) return kin_cli_usage(cli, "--%s goes with --leaks", idle);
    if (leaks != (cli->positionals == 2))
        return kin_cli_usage(cli, leaks ? "--leaks compares two sets: kin data TRAIN TEST --leaks"
                                        : "of two sets --leaks tells what both have");
    kin_interrupt_catch();
    if (leaks) return compare(cli);
    kin_error err = {0};
    kin_dataset set;
    int64_t broken = 0;
    const char *path = cli->positional[0], *out = kin_option_string(cli, "out");
    kin_dataset_opt choice = kin_source_choice(cli);
    if (!kin_source_open_set(cli, path, &choice, &set, &err)) return kin_cli_fail(cli, &err);
    bool table = !out || strcmp(out, "-") != 0;
    if (table)
        printf("%s: %s%s%s\n", path, set.kind, set.unlabelled ? ": " : "",
               set.unlabelled ? set.unlabelled : "");
    bool ok = (!table || (print_parts(path, &set, choice.labels, &err) && print_histogram(&set, &err)));
    ok = ok && (!out || write_list(out, &set, &err));
    fflush(stdout);
    ok = ok && (!kin_option_flag(cli, "check") || check_all(cli, &set, &broken, &err));
    kin_dataset_free(&set);
    return !ok ? kin_cli_fail(cli, &err) : broken ? 1 : 0;
}

static const kin_option options[] = {
    {"out", KIN_OPTION_STRING, "FILE",
     "write the pictures as a list `id,label,path,camera,role`, which is a data set again; - is standard "
     "output, and then nothing else is printed",
     .writes = KIN_WRITES_FILE},
    KIN_LABELS_OPTION,
    {"classes", KIN_OPTION_STRING, "LIST",
     "classes to take, by their place in sorted order: 0-699, 700- or 0,2,4-6", .fallback_shown = "all"},
    {"check", KIN_OPTION_FLAG, NULL,
     "read every picture, and count the broken ones by reason; the exit status is 1 when there are any"},
    KIN_LEAKS_OPTIONS,
    KIN_PICTURE_OPTIONS,
    {0},
};

const kin_command kin_command_data = {
    .name = "data",
    .summary = "tells what a path is recognised as, and what is in it",
    .usage =
        "kin data DATA[:PART] [--check] [--out FILE]\nkin data TRAIN TEST --leaks [--html PAGE] [--json]",
    .about = "Prints the kind of data set, its parts with the counts of their pictures and classes (queries, "
             "gallery and cameras where it tells them), and how many "
             "pictures the classes of the chosen part have. A star marks the chosen part.\n\n"
             "Known by name, when their files are there: Omniglot, CIFAR-10 and -100, MNIST and "
             "Fashion-MNIST, Stanford Online Products, In-Shop Clothes "
             "Retrieval, CUB-200-2011, Cars-196, Market-1501, GroceryStoreDataset. Anything else is a folder "
             "of class folders or a list; "
             "of a list with a column `role`, LIST:query and LIST:gallery are the pictures of one role.\n\n"
             "--leaks tells which pictures of a second set are in the first one, too: what was trained on is "
             "no test.",
    .examples = "# which parts there are\n"
                "kin data cub\n"
                "# every picture of a part read once\n"
                "kin data market:test --check\n"
                "# pictures for testing that were trained on\n"
                "kin data market:train market:test --leaks --html leaks.html",
    .arguments = {{"DATA", "a folder, a list, or a file of IDX or CIFAR"},
                  {"TEST", "with --leaks: the other set"}},
    .arguments_min = 1,
    .arguments_max = 2,
    .options = options,
    .run = run,
};
