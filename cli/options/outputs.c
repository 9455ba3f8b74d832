#include "cli/options/outputs.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/options/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_MAX_HERE = 4096 };

/* Names that stand for several files: "E" for E.npy and E.csv, a run for its networks. */
static const char *const as_it_is[] = {"", NULL};
static const char *const set_endings[] = {"", ".npy", ".csv", NULL};
static const char *const picture_endings[] = {"", "/.kin-index", "/model.safetensors", "/last.safetensors",
                                              NULL};
static const char *const set_or_run[] = {
    "", ".npy", ".csv", "/.kin-index", "/model.safetensors", "/last.safetensors", NULL};

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool folder_of(const char *path, struct stat *out)
{
    char folder[PATH_MAX_HERE];
    size_t length = (size_t)(last_name(path) - path);
    if (length >= sizeof folder) return false;
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    return stat(length ? folder : ".", out) == 0;
}

/* Whether two names are of one file, which need not be there yet: "x" and "./x". */
static bool same_place(const char *a, const char *b)
{
    struct stat x, y;
    if (strcmp(a, b) == 0 || same_file(a, b)) return true;
    return strcmp(last_name(a), last_name(b)) == 0 && folder_of(a, &x) && folder_of(b, &y) &&
           x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* "E.npy" is E, as the readers of descriptors have it. */
static int stem_of(const char *name, size_t length)
{
    return (int)(length > 4 && strncmp(name + length - 4, ".npy", 4) == 0 ? length - 4 : length);
}

/* A name with an ending of those that it stands for; false: it is too long for any file. */
static bool spell(char to[PATH_MAX_HERE], const char *name, size_t length, const char *ending)
{
    if (length + 32 > PATH_MAX_HERE) return false;
    snprintf(to, PATH_MAX_HERE, "%.*s%s", *ending == '.' ? stem_of(name, length) : (int)length, name, ending);
    return true;
}

static bool refuse(const char *output, kin_error *err)
{
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "%s is read by this very command and would be overwritten; choose another name, or say "
                    "--force",
                    output);
}

/* One name that the command writes, and one that it reads, with the endings that each stands for. */
typedef struct both {
    const char *output, *const *output_endings, *const *input_endings;
} both;

static bool apart(const both *b, const char *input, size_t length, kin_error *err)
{
    char to[PATH_MAX_HERE], from[PATH_MAX_HERE];
    for (const char *const *o = b->output_endings; *o; o++)
        for (const char *const *i = b->input_endings; *i; i++)
            if (spell(to, b->output, strlen(b->output), *o) && spell(from, input, length, *i) &&
                same_file(to, from))
                return refuse(to, err);
    return true;
}

/* An input may be several names with commas between them, and end in the colon and name of a part. */
static bool apart_from_value(const both *b, const char *value, kin_error *err)
{
    const char *colon = strrchr(value, ':');
    if (!apart(b, value, strlen(value), err) || (colon && !apart(b, value, (size_t)(colon - value), err)))
        return false;
    if (!strchr(value, ',')) return true;
    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        if (length && !apart(b, at, length, err)) return false;
        at += length;
        if (!*at) return true;
    }
}

bool kin_output_apart(const kin_cli *cli, const char *output, const char *input, kin_error *err)
{
    both b = {output, as_it_is, as_it_is};
    return kin_option_flag(cli, "force") || apart_from_value(&b, input, err);
}

/* A name is that of pictures where a network is given to look at them, or where the command says so; what is handed to
 * FAISS is a set. */
static bool takes_pictures(const kin_cli *cli)
{
    const char *argument = cli->command->arguments[0].name;
    for (int i = 0; cli->command->options[i].name; i++)
        if (strcmp(cli->command->options[i].name, "faiss") == 0 && cli->values[i]) return false;
    if (argument && strcmp(argument, "FOLDER") == 0) return true;
    for (int i = 0; cli->command->options[i].name; i++)
        if (strcmp(cli->command->options[i].name, "model") == 0) return cli->values[i] != NULL;
    return false;
}

static const char *const *endings_of(const kin_option *o)
{
    return o->writes == KIN_WRITES_SET ? set_endings : as_it_is;
}

static const char *const *read_endings(const kin_cli *cli, kin_reads reads)
{
    if (reads == KIN_READS_FILE) return as_it_is;
    return takes_pictures(cli) ? picture_endings : set_or_run;
}

static const kin_argument *argument_of(const kin_cli *cli, int p)
{
    const kin_argument *a = cli->command->arguments;
    int i = 0;
    while (i < p && i + 1 < KIN_CLI_ARGUMENTS && a[i + 1].name) i++;
    return &a[i];
}

static bool apart_from_all(const kin_cli *cli, const kin_option *o, const char *output, kin_error *err)
{
    both b = {output, endings_of(o), NULL};
    for (int p = 0; p < cli->positionals; p++) {
        b.input_endings = read_endings(cli, argument_of(cli, p)->reads);
        if (!apart_from_value(&b, cli->positional[p], err)) return false;
    }
    for (int i = 0; cli->command->options[i].name; i++) {
        const kin_option *other = &cli->command->options[i];
        if (!cli->values[i] || other->kind != KIN_OPTION_STRING || other->writes) continue;
        b.input_endings = read_endings(cli, other->reads);
        if (!apart_from_value(&b, cli->values[i], err)) return false;
    }
    return true;
}

/* What a page takes the place of has to be a page. */
static bool is_for_pages(const kin_option *o, const char *output, kin_error *err)
{
    char begin[16] = "";
    struct stat s;
    bool there = o->writes == KIN_WRITES_PAGE && stat(output, &s) == 0 && S_ISREG(s.st_mode);
    FILE *file = there ? fopen(output, "rb") : NULL;
    if (!file) return true;
    size_t read = fread(begin, 1, sizeof begin - 1, file);
    fclose(file);
    return read == 0 || begin[0] == '<' ||
           kin_fail(err, KIN_ERR_ARGUMENT,
                    "%s is there already and is no page; choose another name, or say --force", output);
}

static bool is_for_lists(const kin_cli *cli, const kin_option *o, const char *output, kin_error *err)
{
    size_t length = strlen(output);
    const kin_option *arrays = cli->command->options;
    if (o->writes != KIN_WRITES_LIST || length < 4 || strcmp(output + length - 4, ".npy") != 0) return true;
    while (arrays->name && strcmp(arrays->name, "indices") != 0) arrays++;
    return kin_fail(err, KIN_ERR_ARGUMENT,
                    "--%s %s: the lists are text, and would be read as an array by this name; %s", o->name,
                    output, arrays->name ? "--indices writes arrays" : "call it .csv");
}

/* Before long work. */
static bool creatable(const kin_option *o, const char *output, kin_error *err)
{
    char to[PATH_MAX_HERE];
    bool set = o->writes == KIN_WRITES_SET && spell(to, output, strlen(output), ".npy");
    return kin_file_creatable(set ? to : output, err);
}

/* Outputs of two options; "-" is no file. */
static bool two_files(const kin_option *a, const char *one, const kin_option *b, const char *other,
                      kin_error *err)
{
    char x[PATH_MAX_HERE], y[PATH_MAX_HERE];
    for (const char *const *i = endings_of(a); *i; i++)
        for (const char *const *k = endings_of(b); *k; k++)
            if (spell(x, one, strlen(one), *i) && spell(y, other, strlen(other), *k) && same_place(x, y))
                return kin_fail(err, KIN_ERR_ARGUMENT, "--%s and --%s both write %s; give two names", a->name,
                                b->name, y);
    return true;
}

bool kin_outputs_check(const kin_cli *cli, kin_error *err)
{
    const kin_option *table = cli->command->options;
    bool forced = kin_option_flag(cli, "force");
    for (int i = 0; table && table[i].name; i++) {
        const char *output = cli->values[i];
        if (!table[i].writes || !output || strcmp(output, "-") == 0) continue;
        for (int k = 0; k < i; k++)
            if (table[k].writes && cli->values[k] && strcmp(cli->values[k], "-") != 0 &&
                !two_files(&table[k], cli->values[k], &table[i], output, err))
                return false;
        if ((!forced &&
             (!apart_from_all(cli, &table[i], output, err) || !is_for_pages(&table[i], output, err))) ||
            !is_for_lists(cli, &table[i], output, err) || !creatable(&table[i], output, err))
            return false;
    }
    return true;
}
