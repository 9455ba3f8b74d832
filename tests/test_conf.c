/* Recipes of trainings: what a phase reads, what a command line takes over, the recipe as it ran, failed
 * allocations. */
#include "base/memory.h"
#include "cli/options/conf.h"
#include "cli/options/options.h"
#include "tests/support/check.h"

#include <stdio.h>
#include <string.h>

/* The program's own are a table that the Makefile makes. */
static const kin_option options[] = {
    {.name = "out", .kind = KIN_OPTION_STRING},
    {.name = "steps", .kind = KIN_OPTION_INT, .low = 0, .high = -1},
    {.name = "lr", .kind = KIN_OPTION_REAL},
    {.name = "loss", .kind = KIN_OPTION_STRING},
    {.name = "flip", .kind = KIN_OPTION_FLAG},
    {.name = "validate", .kind = KIN_OPTION_REAL},
    {.name = "validate-fold", .kind = KIN_OPTION_STRING},
    {.name = "validate-list", .kind = KIN_OPTION_STRING},
    {0},
};
static const kin_command command = {.name = "train", .options = options};

static const char text[] = "# a recipe\n"
                           "steps = 10  # all\n"
                           "loss=\"a # b\"\n"
                           "flip = yes\n"
                           "validate = .2\n"
                           "[phase one] # first\n"
                           "lr = .1\n"
                           "flip = no\n"
                           "\n"
                           "[phase two]\n"
                           "steps = 20\n"
                           "validate-fold = 1/3";

/* A line of what a phase comes to. */
static const char *shown(const kin_conf *c, int phase, kin_cli cli)
{
    static char line[256];
    kin_error err = {0};
    if (!kin_conf_apply(c, phase, &cli, &err)) return "fails";
    size_t used = 0;
    for (int i = 0; options[i].name; i++)
        if (cli.values[i])
            used += (size_t)snprintf(line + used, sizeof line - used, "%s=%s;", options[i].name,
                                     cli.values[i]);
    return line;
}

static void test_phases(void)
{
    check_begin("conf: a phase reads what is its own");
    kin_conf c;
    kin_error err = {0};
    kin_cli none = {.command = &command}, typed = none;
    CHECK(kin_conf_parse("r.conf", text, &command, &c, &err));
    CHECK(c.phases == 2);
    CHECK(strcmp(shown(&c, 0, none), "steps=10;lr=.1;loss=a # b;validate=.2;") == 0);
    CHECK(strcmp(shown(&c, 1, none), "steps=20;loss=a # b;flip=;validate-fold=1/3;") == 0);
    typed.values[1] = "7", typed.values[7] = "held";
    CHECK(strcmp(shown(&c, 1, typed), "steps=7;loss=a # b;flip=;validate-list=held;") == 0);
    kin_conf_free(&c);
    check_end();
}

/* What ran is a recipe of the same phases, whatever was typed. */
static void test_as_ran(void)
{
    check_begin("conf: what ran is a recipe again");
    kin_conf c, again;
    kin_error err = {0};
    kin_text ran = {0};
    kin_cli none = {.command = &command}, typed = none;
    typed.values[0] = "run", typed.values[1] = "7", typed.values[3] = "x # y", typed.values[7] = "\"q\"";
    CHECK(kin_conf_parse("r.conf", text, &command, &c, &err));
    CHECK(!kin_conf_as_ran(&c, &typed, &ran, &err)); /* quotes within quotes */
    kin_text_free(&ran);
    kin_error_clear(&err);
    typed.values[7] = "a\nb";
    CHECK(!kin_conf_as_ran(&c, &typed, &ran, &err));
    kin_text_free(&ran);
    kin_error_clear(&err);
    typed.values[7] = NULL, typed.values[4] = "";
    CHECK(kin_conf_as_ran(&c, &typed, &ran, &err));
    CHECK(kin_conf_parse("ran.conf", ran.data, &command, &again, &err));
    for (int phase = 0; phase < 2; phase++) {
        char first[256];
        kin_cli without_out = typed;
        without_out.values[0] = NULL;
        snprintf(first, sizeof first, "%s", shown(&c, phase, without_out));
        CHECK(strcmp(first, shown(&again, phase, none)) == 0);
    }
    kin_conf_free(&again);
    kin_conf_free(&c);
    kin_text_free(&ran);
    check_end();
}

static void test_failed_allocations(void)
{
    check_begin("conf: a recipe without memory");
    for (long n = 1;; n++) {
        kin_conf c;
        kin_error err = {0};
        long live = kin_alloc_live();
        kin_alloc_fail_at(n);
        bool ok = kin_conf_parse("r.conf", text, &command, &c, &err);
        bool all = kin_alloc_pending() != 0;
        kin_alloc_fail_at(0);
        CHECK(ok || err.code == KIN_ERR_MEMORY);
        if (ok) kin_conf_free(&c);
        CHECK(kin_alloc_live() == live);
        if (all) break;
    }
    check_end();
}

int main(void)
{
    test_phases();
    test_as_ran();
    test_failed_allocations();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
