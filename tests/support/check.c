#define _XOPEN_SOURCE 700
#include "tests/support/check.h"

#include "base/file.h"

#include <ftw.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char name[256], reason[1200], folder[256];
static bool open_now, failed_now;
static int failures, counted;
static pid_t owner; /* who is to call check_result: not a child that it forked */

static void say(const char *word, const char *why)
{
    counted++;
    failures += strcmp(word, "not ok") == 0;
    printf("%s %s%s%s\n", word, name, why ? ": " : "", why ? why : "");
    fflush(stdout);
}

/* What belongs to no check is named after its place. */
static void say_outside(const char *why)
{
    snprintf(name, sizeof name, "outside of a check");
    say("not ok", why);
}

static void ended_early(void)
{
    if (owner == getpid()) say_outside("the program ended before check_result");
}

/* A check that is open when the next one begins, or at the end, has lost its check_end: what failed in it
 * would be lost too. */
static void must_be_closed(void)
{
    if (open_now) say("not ok", failed_now ? reason : "has no check_end");
    open_now = failed_now = false;
}

void check_begin(const char *format, ...)
{
    must_be_closed();
    if (!owner) atexit(ended_early);
    owner = getpid();
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    open_now = true;
    fflush(stdout);
}

void check_fail(const char *file, int line, const char *format, ...)
{
    if (failed_now) return;
    int used = snprintf(reason, sizeof reason, "%s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    vsnprintf(reason + used, sizeof reason - (size_t)used, format, args);
    va_end(args);
    if (open_now) failed_now = true;
    else say_outside(reason);
    if (getenv("KIN_FIRST_FAILURE")) _exit(1); /* for who asks only whether any is (tests/mutate.sh) */
}

void check_end(void)
{
    if (!open_now) say_outside("check_end without check_begin");
    else if (failed_now) say("not ok", reason);
    else say("ok", NULL);
    open_now = failed_now = false;
}

void check_skip(const char *format, ...)
{
    char why[400];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (failed_now) say("not ok", reason);
    else say("skip", why);
    open_now = failed_now = false;
}

int check_result(void)
{
    must_be_closed();
    if (!counted) say_outside("no check ran");
    owner = -1;
    return failures ? 1 : 0;
}

void check_close(const char *file, int line, const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        check_fail(file, line, "%s is %.9g, expected %.9g within %.3g", what, got, want, tolerance);
}

void check_text(const char *file, int line, const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        check_fail(file, line, "expected \"%s\" in \"%s\"", part, text ? text : "(null)");
}

const char *check_data(const char *file)
{
    static char path[2048];
    const char *root = getenv("KIN_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", root ? root : "../shared/data", file);
    return kin_exists(path) ? path : NULL;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(void) { nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

const char *check_folder(void)
{
    if (folder[0]) return folder;
    const char *root = getenv("TMPDIR");
    if (!root || !*root || strlen(root) > 200) root = "/tmp";
    snprintf(folder, sizeof folder, "%s/kin-test-XXXXXX", root);
    if (!mkdtemp(folder)) {
        perror("mkdtemp");
        exit(1);
    }
    atexit(remove_folder);
    return folder;
}

const char *check_path(const char *file)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", check_folder(), file);
    return path;
}
