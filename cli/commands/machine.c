/* kin machine: what the program runs on, for figures that are to be compared and for bug reports. */
#include "base/json.h"
#include "cli/help/help.h"
#include "cli/network/machine.h"

#include <stdlib.h>

static const char *const report =
    "A bug report holds all of the above; the command as typed and all that it printed; and the files it "
    "read,\nor better the `kin synth` that draws some with which it happens too. With KIN_VERBOSE=1 a "
    "command tells\nwhich kernel computes each shape; with KIN_ISA=generic and KIN_THREADS=1 it should "
    "go wrong in the same way\nunless a kernel or the threads are at fault: say whether it does.\n";

static const char *who_chose_threads(const kin_cli *cli)
{
    if (kin_option_given(cli, "threads")) return "as --threads asks";
    if (getenv("KIN_THREADS")) return "as KIN_THREADS asks";
    if (getenv("OMP_NUM_THREADS")) return "as OMP_NUM_THREADS asks";
    return "one for each processor on line";
}

static void add_table(kin_text *out, const kin_facts *f)
{
    for (int i = 0; i < f->count; i++) kin_text_format(out, "%-13s %s\n", f->row[i].label, f->row[i].text);
    kin_text_format(out, "\n%s", report);
}

static void add_json(kin_text *out, const kin_facts *f)
{
    for (int i = 0; i < f->count; i++) {
        kin_text_add(out, i ? ", " : "{");
        kin_json_add_string(out, f->row[i].key);
        kin_text_add(out, ": ");
        if (f->row[i].is_number) kin_json_add_number(out, f->row[i].number);
        else kin_json_add_string(out, f->row[i].text);
    }
    kin_text_add(out, "}\n");
}

static int run(kin_cli *cli)
{
    kin_facts facts;
    kin_text out = {0};
    kin_facts_collect(&facts, &(kin_facts_opt){.measure = !kin_option_flag(cli, "unmeasured"),
                                               .threads_why = who_chose_threads(cli)});
    if (kin_option_flag(cli, "json")) add_json(&out, &facts);
    else add_table(&out, &facts);
    return kin_help_print(&out);
}

static const kin_option options[] = {
    {.name = "json", .help = "Print one line of JSON instead of the table."},
    {.name = "unmeasured", .help = "Leave out the limits of arithmetic and memory, which take a second."},
    {0},
};

const kin_command kin_command_machine = {
    .name = "machine",
    .summary = "tells what kin runs on, for a bug report",
    .usage = "kin machine [--unmeasured] [--json]",
    .about =
        "Prints version, compiler and C library; the processor, how many of it are on line and how many "
        "threads kin takes; the instruction set that the kernels use and why, and which of the others in "
        "this build would run; caches, memory and huge pages; and two limits, measured: of multiplications "
        "and additions in registers, and of bytes between memory and the cores (STREAM's triad). No kernel "
        "is faster than one of the two allows.",
    .examples = "kin machine\n"
                "# what another set makes of this processor's arithmetic\n"
                "KIN_ISA=generic kin machine --threads 1",
    .options = options,
    .run = run,
};
