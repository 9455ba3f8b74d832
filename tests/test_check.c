/* Of the checks themselves: each way in which a test can fail, run in a child, must be said and must end the
 * child with a status other than 0; what passes must not. */
#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"
#include "base/text.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what the children do ---- */

static void passes(void)
{
    check_begin("child");
    CHECK(true);
    CHECK_MSG(true, "not said");
    CHECK_CLOSE(1, 1.5, .5);
    CHECK_TEXT("a word", "word");
    check_end();
}
static void passes_outside(void)
{
    passes();
    CHECK(true);
}
static void skips(void)
{
    check_begin("child");
    check_skip("no %s", "such thing");
}
static void fails(void)
{
    check_begin("child");
    CHECK(1 > 2);
    CHECK(3 > 4); /* only the first is said */
    check_end();
}
static void fails_with_words(void)
{
    check_begin("child");
    CHECK_MSG(false, "number %d", 7);
    check_end();
}
static void far(void)
{
    check_begin("child");
    CHECK_CLOSE(1, 2, .5);
    check_end();
}
static void not_a_number(void)
{
    check_begin("child");
    CHECK_CLOSE(strtod("nan", NULL), 0, 1e9);
    check_end();
}
static void no_text(void)
{
    check_begin("child");
    CHECK_TEXT(NULL, "word");
    check_end();
}
static void other_text(void)
{
    check_begin("child");
    CHECK_TEXT("a word", "Word");
    check_end();
}
static void fails_outside(void)
{
    passes();
    CHECK(5 > 6);
}
static void fails_before(void)
{
    CHECK(5 > 6);
    passes();
}
static void fails_twice_outside(void)
{
    passes();
    CHECK(5 > 6);
    CHECK(7 > 8);
}
static void leaks(void)
{
    passes();
    void *kept = kin_alloc(1);
    CHECK(kin_alloc_live() == 0);
    kin_free(kept);
}
static void skips_after_failure(void)
{
    check_begin("child");
    CHECK(1 > 2);
    check_skip("no such thing");
}
static void never_ended(void)
{
    check_begin("child");
    CHECK(1 > 2);
}
static void never_ended_nor_failed(void) { check_begin("child"); }
static void ended_by_the_next(void)
{
    check_begin("first");
    CHECK(1 > 2);
    passes();
}
static void ended_twice(void)
{
    passes();
    check_end();
}
static void nothing(void) {}
static void leaves(void)
{
    passes();
    exit(0);
}

static const struct {
    const char *what;
    void (*run)(void);
    bool passes;
    const char *says;
    int failures; /* lines "not ok" */
} ways[] = {
    {"checks that hold", passes, true, "ok child\n", 0},
    {"a check outside that holds", passes_outside, true, "ok child\n", 0},
    {"a skipped check", skips, true, "skip child: no such thing\n", 0},
    {"a condition", fails, false, ": 1 > 2\n", 1},
    {"a condition with words", fails_with_words, false, ": number 7\n", 1},
    {"a number too far away", far, false, ": 1 is 1, expected 2 within 0.5\n", 1},
    {"a number that is none", not_a_number, false, "nan, expected 0", 1},
    {"no text", no_text, false, "expected \"word\" in \"(null)\"\n", 1},
    {"another text", other_text, false, "expected \"Word\" in \"a word\"\n", 1},
    {"a condition after the last check", fails_outside, false,
     "not ok outside of a check: tests/test_check.c:", 1},
    {"a condition before the first check", fails_before, false, ": 5 > 6\nok child\n", 1},
    {"two conditions outside", fails_twice_outside, false, ": 7 > 8\n", 2},
    {"memory that was not freed", leaks, false, ": kin_alloc_live() == 0\n", 1},
    {"a check that fails and is skipped", skips_after_failure, false, ": 1 > 2\n", 1},
    {"a check that fails and is never ended", never_ended, false, ": 1 > 2\n", 1},
    {"a check that is never ended", never_ended_nor_failed, false, "not ok child: has no check_end\n", 1},
    {"a check within another", ended_by_the_next, false, "not ok first: ", 1},
    {"a check that is ended twice", ended_twice, false, "check_end without check_begin\n", 1},
    {"a program without a check", nothing, false, "no check ran\n", 1},
    {"a program that leaves early", leaves, false, "the program ended before check_result\n", 1},
};

/* ---- what is seen of them ---- */

/* This program again, as the child of one way: its output, and how it ended. */
static int run(const char *self, int way, char *said, size_t size)
{
    char command[1200];
    snprintf(command, sizeof command, "%s '%s' %d", getenv("RUNNER") ? getenv("RUNNER") : "", self, way);
    FILE *child = popen(command, "r");
    said[0] = 0;
    if (!child) return -1;
    said[fread(said, 1, size - 1, child)] = 0;
    return pclose(child);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part)) n++;
    return n;
}

static void hold(const char *self, int i)
{
    char said[2000];
    int status = run(self, i, said, sizeof said);
    check_begin("checks: %s %s", ways[i].what, ways[i].passes ? "passes" : "fails");
    CHECK_MSG(status != -1 && WIFEXITED(status), "it did not end by itself");
    /* A program that leaves early chooses its own status: tests/run.sh counts the line. */
    if (ways[i].run != leaves) CHECK_MSG((status == 0) == ways[i].passes, "it ended with status %d", status);
    CHECK_TEXT(said, ways[i].says);
    CHECK_MSG(count(said, "not ok ") == ways[i].failures, "it said %s", said);
    check_end();
}

int main(int argc, char **argv)
{
    const int64_t all = sizeof ways / sizeof *ways;
    int64_t one;
    if (argc == 2) {
        if (!kin_parse_int(argv[1], 0, all - 1, &one)) return 2;
        ways[one].run();
        return check_result();
    }
    for (int i = 0; i < all; i++) hold(argv[0], i);
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
