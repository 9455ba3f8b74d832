#include "cli/outputs.h"

#include "base/file.h"
#include "base/memory.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_MAX_HERE = 4096 };

/* Names that stand for several files: "E" for E.npy and E.csv, a run for its networks. */
static const char *const set_endings[] = {"", ".npy", ".csv", NULL};
static const char *const picture_endings[] = {"", "/model.safetensors", "/last.safetensors", NULL};
static const char *const set_or_run[] = {"", ".npy", ".csv", "/model.safetensors", "/last.safetensors", NULL};

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* "E.npy" is E, as the readers of descriptors have it. */
static int stem_of(const char *name, size_t length)
{
    return (int)(length > 4 && strncmp(name + length - 4, ".npy", 4) == 0 ? length - 4 : length);
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
    const char *output = b->output, *const *endings = b->output_endings,
               *const *input_endings = b->input_endings;
    char to[PATH_MAX_HERE], from[PATH_MAX_HERE];
    if (length + 32 > sizeof from || strlen(output) + 32 > sizeof to) return true;
    for (int o = 0; endings[o]; o++)
        for (int i = 0; input_endings[i]; i++) {
            snprintf(to, sizeof to, "%.*s%s",
                     *endings[o] ? stem_of(output, strlen(output)) : (int)strlen(output), output, endings[o]);
            snprintf(from, sizeof from, "%.*s%s",
                     *input_endings[i] == '.' ? stem_of(input, length) : (int)length, input,
                     input_endings[i]);
            if (same_file(to, from)) return refuse(to, err);
        }
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
    return kin_option_flag(cli, "force") || !same_file(output, input) || refuse(output, err);
}

/* A name is that of pictures where a network is given to look at them. */
static bool takes_pictures(const kin_cli *cli)
{
    for (int i = 0; cli->command->options[i].name; i++)
        if (strcmp(cli->command->options[i].name, "model") == 0) return cli->values[i] != NULL;
    return false;
}

static bool apart_from_all(const kin_cli *cli, const kin_option *o, const char *output, kin_error *err)
{
    static const char *const as_it_is[] = {"", NULL};
    both b = {output, o->writes == KIN_WRITES_SET ? set_endings : as_it_is,
              takes_pictures(cli) ? picture_endings : set_or_run};
    for (int p = 0; p < cli->positionals; p++)
        if (!apart_from_value(&b, cli->positional[p], err)) return false;
    for (int i = 0; cli->command->options[i].name; i++) {
        const kin_option *other = &cli->command->options[i];
        if (!cli->values[i] || other->kind != KIN_OPTION_STRING || other->writes) continue;
        if (!apart_from_value(&b, cli->values[i], err)) return false;
    }
    return true;
}

/* Before long work. */
static bool creatable(const kin_option *o, const char *output, kin_error *err)
{
    char to[PATH_MAX_HERE];
    size_t length = strlen(output);
    if (o->writes != KIN_WRITES_SET || length + 32 > sizeof to) return kin_file_creatable(output, err);
    snprintf(to, sizeof to, "%.*s.npy", stem_of(output, length), output);
    return kin_file_creatable(to, err);
}

bool kin_outputs_check(const kin_cli *cli, kin_error *err)
{
    const kin_option *table = cli->command->options;
    bool forced = kin_option_flag(cli, "force");
    for (int i = 0; table && table[i].name; i++) {
        const char *output = cli->values[i];
        if (!table[i].writes || !output || strcmp(output, "-") == 0) continue;
        for (int k = 0; k < i; k++)
            if (table[k].writes && cli->values[k] && strcmp(cli->values[k], output) == 0)
                return kin_fail(err, KIN_ERR_ARGUMENT, "--%s and --%s both write %s; give two names",
                                table[k].name, table[i].name, output);
        if ((!forced && !apart_from_all(cli, &table[i], output, err)) || !creatable(&table[i], output, err))
            return false;
    }
    return true;
}
