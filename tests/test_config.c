/* The defaults of a program's own training (kin_config_defaults) are those of kin train's options. */
#include "base/memory.h"
#include "cli/options/config_options.h"
#include "tests/support/check.h"
#include "train/config_fields.h"

#include <string.h>

/* The command whose table of options is asked; what a test is linked with has no commands. */
#include "cli/commands/train.c"

static void test_defaults(void)
{
    check_begin("config: a library's defaults are the command's");
    static kin_config typed, library;
    static kin_cli cli = {.command = &kin_command_train};
    char a[KIN_CONFIG_TEXT], b[KIN_CONFIG_TEXT];
    kin_error err = {0};
    CHECK_MSG(kin_config_from_options(&typed, &cli, &err), "%s", err.message);
    kin_config_defaults(&library);
    CHECK_MSG(kin_config_check(&library, &err), "%s", err.message);
    for (const kin_config_field *f = kin_config_fields; f->name; f++) {
        kin_config_value(&typed, f, "%.17g", a, sizeof a);
        kin_config_value(&library, f, "%.17g", b, sizeof b);
        CHECK_MSG(strcmp(a, b) == 0, "%s: --%s has '%s', kin_config_defaults '%s'", f->name, f->name, a, b);
    }
    CHECK(typed.open_batch_classes == library.open_batch_classes && typed.open_batch == library.open_batch);
    check_end();
}

static void test_options_are_there(void)
{
    check_begin("config: every member that says it has an option has one");
    for (const kin_config_field *f = kin_config_fields; f->name; f++) {
        bool there = !f->option;
        for (const kin_option *o = kin_command_train.options; o->name; o++)
            there |= strcmp(f->name, o->name) == 0;
        CHECK_MSG(there, "%s has no option", f->name);
    }
    check_end();
}

int main(void)
{
    test_defaults();
    test_options_are_there();
    CHECK(kin_alloc_live() == 0);
    return check_result();
}
