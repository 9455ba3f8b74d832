/* kin(1) in roff's man macros, from the same tables as --help. */
#include "cli/help/help.h"

#include "base/version.h"
#include "cli/options/options.h"

#include <string.h>

/* Text for roff: backslashes, hyphens and quotes escaped (bare ones may be typeset as characters that cannot
 * be copied to a shell), and no line may begin with a control character. */
static void escaped_bytes(kin_text *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool starts = out->size == 0 || out->data[out->size - 1] == '\n';
        if (out->failed) return;
        if (starts && text[i] == '.') kin_text_add(out, "\\&");
        const char *escape = text[i] == '\\'   ? "\\e"
                             : text[i] == '-'  ? "\\-"
                             : text[i] == '\'' ? "\\(aq"
                             : text[i] == '`'  ? "\\(ga"
                                               : NULL;
        if (escape) kin_text_add(out, escape);
        else kin_text_add_bytes(out, &text[i], 1);
    }
}

static void escaped(kin_text *out, const char *text) { escaped_bytes(out, text, strlen(text)); }

/* Paragraphs separated by empty lines; a single newline begins a new output line. */
static void prose(kin_text *out, const char *text)
{
    for (const char *p = text; *p;) {
        size_t length = strcspn(p, "\n");
        escaped_bytes(out, p, length);
        kin_text_add(out, "\n");
        p += length;
        if (p[0] == '\n' && p[1] == '\n') {
            kin_text_add(out, ".PP\n");
            while (*p == '\n') p++;
        } else if (*p == '\n') {
            if (*++p) kin_text_add(out, ".br\n");
        }
    }
}

/* Lines as they are, unfilled. */
static void verbatim(kin_text *out, const char *lines)
{
    kin_text_add(out, ".PP\n.nf\n.RS 4\n");
    escaped(out, lines);
    if (*lines && lines[strlen(lines) - 1] != '\n') kin_text_add(out, "\n");
    kin_text_add(out, ".RE\n.fi\n");
}

static void options(kin_text *out, const kin_option *table)
{
    for (const kin_option *o = table; o && o->name; o++) {
        if (o->hidden) continue;
        kin_text_add(out, ".TP\n\\fB\\-\\-");
        escaped(out, o->name);
        kin_text_add(out, "\\fR");
        if (o->kind != KIN_OPTION_FLAG) {
            kin_text_add(out, " \\fI");
            escaped(out, o->value ? o->value : "VALUE");
            kin_text_add(out, "\\fR");
        }
        kin_text_add(out, "\n");
        kin_text sentence = {0};
        kin_help_option(&sentence, o);
        if (sentence.failed || !sentence.data) out->failed = true;
        else escaped(out, sentence.data);
        kin_text_add(out, "\n");
        kin_text_free(&sentence);
    }
}

static void command(kin_text *out, const kin_command *c)
{
    kin_text_add(out, ".SS \"kin ");
    escaped(out, c->name);
    kin_text_add(out, "\"\n");
    verbatim(out, c->usage);
    kin_text_add(out, ".PP\n");
    prose(out, c->about ? c->about : c->summary);
    for (int i = 0; i < KIN_CLI_ARGUMENTS && c->arguments[i].name; i++) {
        kin_text_add(out, ".TP\n\\fI");
        escaped(out, c->arguments[i].name);
        kin_text_add(out, "\\fR\n");
        escaped(out, c->arguments[i].help);
        kin_text_add(out, "\n");
    }
    options(out, c->options);
    if (c->examples) verbatim(out, c->examples);
}

static void synopsis(kin_text *out, const kin_command *const *all)
{
    kin_text_add(out, ".SH SYNOPSIS\n.nf\n");
    for (int i = 0; all[i]; i++) {
        escaped(out, all[i]->usage);
        kin_text_add(out, "\n");
    }
    kin_text_add(out, "kin \\-\\-help\nkin \\-\\-version\n.fi\n");
}

void kin_help_man(kin_text *out, const kin_command *const *all)
{
    kin_text_add(out, ".\\\" Made from the program's tables: ./kin help --man > docs/kin.1\n"
                      ".TH KIN 1 \"2026\" \"kin " KIN_VERSION "\" \"User Commands\"\n"
                      ".SH NAME\nkin \\- finds pictures of the same thing, with networks it trains itself\n");
    synopsis(out, all);
    kin_text_add(out, ".SH DESCRIPTION\n"
                      "kin trains a network that turns a picture into a vector, so that pictures of the same "
                      "thing lie close to each other;\n"
                      "then it searches, re\\-ranks and measures. Each step is a command, and the steps meet "
                      "in plain files.\n"
                      ".SH COMMANDS\n");
    for (int i = 0; all[i]; i++) command(out, all[i]);
    kin_text_add(out, ".SH \"OPTIONS OF EVERY COMMAND\"\n");
    options(out, kin_global_options);
    kin_text_add(
        out,
        ".PP\nA value follows its option after a blank or an equals sign. \\fB\\-\\-\\fR ends the options.\n"
        ".SH \"EXIT STATUS\"\n"
        ".TP\n0\nDone.\n"
        ".TP\n1\nA file could not be read or written, or its contents are wrong; one line on standard error "
        "tells which and why.\n"
        ".TP\n2\nThe command line makes no sense.\n"
        ".TP\n129, 130, 143\nInterrupted by SIGHUP, SIGINT (Ctrl\\-C) or SIGTERM; what was done so far is "
        "saved where the "
        "command says so.\n"
        ".SH ENVIRONMENT\n"
        ".TP\nKIN_THREADS, OMP_NUM_THREADS\nThe number of threads, when \\fB\\-\\-threads\\fR is not given.\n"
        ".TP\nKIN_ISA\nThe instruction set to compute with: generic, avx2 or avx512. By default the best the "
        "machine has.\n"
        ".TP\nKIN_VERBOSE\nWhen 1, the kernel that computes each shape is told on standard error.\n"
        ".TP\nKIN_USAGE\nA file to which each command adds a line of JSON when it ends: the command, its "
        "exit status, seconds, and "
        "the most memory held.\n"
        ".TP\nNO_COLOR\nWhen set and not empty, nothing is coloured or bold.\n");
}
