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

static char name[256], reason[1200], folder[64];
static bool failed_now;
static int failures;

void check_begin(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    failed_now = false;
    fflush(stdout);
}

void check_fail(const char *file, int line, const char *format, ...)
{
    if (failed_now) return;
    failed_now = true;
    int used = snprintf(reason, sizeof reason, "%s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    vsnprintf(reason + used, sizeof reason - (size_t)used, format, args);
    va_end(args);
}

void check_end(void)
{
    if (failed_now) failures++;
    if (failed_now) printf("not ok %s: %s\n", name, reason);
    else printf("ok %s\n", name);
    fflush(stdout);
}

void check_skip(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("skip %s: ", name);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

int check_result(void) { return failures ? 1 : 0; }

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
    snprintf(folder, sizeof folder, "/tmp/kin-test-XXXXXX");
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
