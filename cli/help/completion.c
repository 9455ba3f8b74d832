#include "cli/help/completion.h"

#include "cli/options/command.h"
#include "cli/options/options.h"

#include <string.h>

const char *const kin_completion_shells[] = {"bash", "zsh", "fish", NULL};

/* Calls `each` for all options that help shows, the command's own first. */
static void options(kin_text *out, const kin_command *c,
                    void (*each)(kin_text *, const kin_command *, const kin_option *))
{
    const kin_option *tables[] = {c->options, kin_global_options};
    for (int t = 0; t < 2; t++)
        for (const kin_option *o = tables[t]; o && o->name; o++)
            if (!o->hidden) each(out, c, o);
}

static void choices(kin_text *out, const kin_option *o)
{
    const char *each;
    for (int i = 0; (each = kin_option_choice_at(o, i)); i++)
        kin_text_format(out, "%s%s", i ? " " : "", each);
}

static void names(kin_text *out, const kin_command *const *all)
{
    for (int i = 0; all[i]; i++) kin_text_format(out, "%s%s", i ? " " : "", all[i]->name);
}

/* The first words of a sentence, without what the shells would take for theirs. */
static void brief(kin_text *out, const char *help)
{
    size_t length = strcspn(help, ".;:(");
    for (size_t i = 0; i < length && i < 72; i++)
        if (!strchr("'[]\\`\"$\n", help[i])) kin_text_add_bytes(out, help + i, 1);
}

/* ---- bash ---- */

static void bash_values(kin_text *out, const kin_command *c, const kin_option *o)
{
    if (o->kind != KIN_OPTION_CHOICE) return;
    kin_text_format(out, "        %s:--%s) words='", c->name, o->name);
    choices(out, o);
    kin_text_add(out, "' ;;\n");
}

static void bash_name(kin_text *out, const kin_command *c, const kin_option *o)
{
    (void)c;
    kin_text_format(out, " --%s", o->name);
}

static void bash(kin_text *out, const kin_command *const *all)
{
    kin_text_add(
        out, "# kin for bash: kin help --completion bash > ~/.local/share/bash-completion/completions/kin\n"
             "_kin()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
             "    if [ \"$COMP_CWORD\" -eq 1 ] || { [ \"${COMP_WORDS[1]}\" = help ] && [ \"$COMP_CWORD\" -eq "
             "2 ] &&\n"
             "        [ \"${cur#-}\" = \"$cur\" ]; }; then\n        words='");
    names(out, all);
    kin_text_add(out, "'\n    else\n        case ${COMP_WORDS[1]}:$prev in\n");
    for (int i = 0; all[i]; i++) options(out, all[i], bash_values);
    kin_text_add(
        out, "        esac\n    fi\n    if [ -z \"$words\" ]; then\n        case ${COMP_WORDS[1]}:$cur in\n");
    for (int i = 0; all[i]; i++) {
        kin_text_format(out, "        %s:-*) words='", all[i]->name);
        options(out, all[i], bash_name);
        kin_text_add(out, "' ;;\n");
    }
    kin_text_add(out,
                 "        esac\n    fi\n    if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- "
                 "\"$cur\"))\n"
                 "    else local IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$cur\")); fi\n}\ncomplete -o "
                 "filenames -F _kin kin ./kin\n");
}

/* ---- zsh ---- */

static void zsh_option(kin_text *out, const kin_command *c, const kin_option *o)
{
    (void)c;
    kin_text_format(out, "        '--%s[", o->name);
    brief(out, o->help);
    kin_text_add(out, "]");
    if (o->kind != KIN_OPTION_FLAG) kin_text_format(out, ":%s:", o->value ? o->value : "VALUE");
    if (o->kind == KIN_OPTION_CHOICE) kin_text_add(out, "("), choices(out, o), kin_text_add(out, ")");
    else if (o->kind == KIN_OPTION_STRING) kin_text_add(out, "_files");
    kin_text_add(out, "' \\\n");
}

static void zsh(kin_text *out, const kin_command *const *all)
{
    kin_text_add(out, "#compdef kin\n# kin for zsh: kin help --completion zsh > a folder of $fpath/_kin\n"
                      "_kin()\n{\n    local -a commands\n    commands=(\n");
    for (int i = 0; all[i]; i++) {
        kin_text_format(out, "    '%s:", all[i]->name);
        brief(out, all[i]->summary);
        kin_text_add(out, "'\n");
    }
    kin_text_add(out,
                 "    )\n    if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
                 "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n");
    for (int i = 0; all[i]; i++) {
        kin_text_format(out, "    %s) _arguments \\\n", all[i]->name);
        options(out, all[i], zsh_option);
        kin_text_add(out, "        '*:file:_files' ;;\n");
    }
    kin_text_add(out, "    esac\n}\n_kin \"$@\"\n");
}

/* ---- fish ---- */

static void fish_option(kin_text *out, const kin_command *c, const kin_option *o)
{
    kin_text_format(out, "complete -c kin -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
    if (o->kind == KIN_OPTION_CHOICE) kin_text_add(out, " -x -a '"), choices(out, o), kin_text_add(out, "'");
    else if (o->kind != KIN_OPTION_FLAG) kin_text_add(out, o->kind == KIN_OPTION_STRING ? " -r" : " -x");
    kin_text_add(out, " -d '");
    brief(out, o->help);
    kin_text_add(out, "'\n");
}

static void fish(kin_text *out, const kin_command *const *all)
{
    kin_text_add(out, "# kin for fish: kin help --completion fish > ~/.config/fish/completions/kin.fish\n");
    for (int i = 0; all[i]; i++) {
        kin_text_format(out, "complete -c kin -n __fish_use_subcommand -f -a %s -d '", all[i]->name);
        brief(out, all[i]->summary);
        kin_text_add(out, "'\n");
    }
    for (int i = 0; all[i]; i++) options(out, all[i], fish_option);
}

void kin_completion(kin_text *out, const char *shell, const kin_command *const *all)
{
    (strcmp(shell, "zsh") == 0 ? zsh : strcmp(shell, "fish") == 0 ? fish : bash)(out, all);
}
