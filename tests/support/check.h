/* A test program is a list of named checks. Each prints "ok NAME", "not ok NAME: why" or "skip NAME: why";
 * tests/run.sh adds the lines up. */
#ifndef KIN_TESTS_SUPPORT_CHECK_H
#define KIN_TESTS_SUPPORT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Begins and ends a named check; within it the first failed CHECK is reported and the rest still run.
 * Outside of one each failed CHECK is reported by itself, so that a program may end in
 * CHECK(kin_alloc_live() == 0). */
void check_begin(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check_end(void);
void check_skip(const char *format, ...) __attribute__((format(printf, 1, 2))); /* instead of check_end */
void check_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The exit status for main: 1 when any check failed, was never ended, or when there was none. A program
 * that ends before it is failed. */
int check_result(void);

#define CHECK(condition) \
    do { \
        if (!(condition)) check_fail(__FILE__, __LINE__, "%s", #condition); \
    } while (0)
#define CHECK_MSG(condition, ...) \
    do { \
        if (!(condition)) check_fail(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)
#define CHECK_CLOSE(got, want, tolerance) \
    check_close(__FILE__, __LINE__, #got, (double)(got), (double)(want), (double)(tolerance))
#define CHECK_TEXT(text, part) check_text(__FILE__, __LINE__, (text), (part)) /* `part` occurs in `text` */

void check_close(const char *file, int line, const char *what, double got, double want, double tolerance);
void check_text(const char *file, int line, const char *text, const char *part);

/* The folder of real data ($KIN_TEST_DATA, else ../shared/data), with `name` appended; NULL when it is not
 * there. The string lives until the next call. */
const char *check_data(const char *name);
/* A fresh folder for this program's files, removed at exit. */
const char *check_folder(void);
/* "folder/name" inside check_folder(), in one of eight rotating buffers. */
const char *check_path(const char *name);

#endif
