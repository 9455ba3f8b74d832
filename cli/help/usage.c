#include "cli/help/usage.h"

#include "base/json.h"
#include "base/text.h"
#include "cli/retrieve/timings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct timespec began;

static const char *file(void)
{
    const char *path = getenv("KIN_USAGE");
    return path && *path ? path : NULL;
}

void kin_usage_start(void)
{
    if (file()) clock_gettime(CLOCK_MONOTONIC, &began);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec);
}

/* As a shell would read it. */
static void add_word(kin_text *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+=@%";
    if (*word && word[strspn(word, plain)] == 0) {
        kin_text_add(text, word);
        return;
    }
    kin_text_add(text, "'");
    for (; *word; word++) {
        if (*word == '\'') kin_text_add(text, "'\\''");
        else kin_text_format(text, "%c", *word);
    }
    kin_text_add(text, "'");
}

/* One write of the whole line: commands side by side may share the file. */
static bool append(const char *path, const kin_text *line)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) return false;
    bool ok = write(file, line->data, line->size) == (ssize_t)line->size;
    return close(file) == 0 && ok;
}

void kin_usage_end(int argc, char **argv, int status)
{
    if (!file()) return;
    kin_text command = {0}, line = {0};
    kin_text_add(&command, "kin");
    for (int i = 1; i < argc; i++) {
        kin_text_add(&command, " ");
        add_word(&command, argv[i]);
    }
    kin_text_add(&line, "{\"command\": ");
    kin_json_add_string(&line, command.data ? command.data : "");
    kin_text_format(&line, ", \"status\": %d, \"seconds\": %.3f, \"memory\": %.0f}\n", status, seconds(),
                    kin_memory_peak());
    errno = 0;
    if (command.failed || line.failed || !append(file(), &line))
        fprintf(stderr, "kin: KIN_USAGE: cannot add a line to %s: %s\n", file(),
                errno ? strerror(errno) : "no memory, or an earlier write failed");
    kin_text_free(&command), kin_text_free(&line);
}
