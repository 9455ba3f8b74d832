#!/bin/sh
# The shell of the program as a user meets it: exit codes, help, suggestions, the man page, lost output.
set -u
cd "$(dirname "$0")/.." || exit 1
about=shell
. tests/support/shell.sh

expect "no command" 2 "" "kin: a command is missing"
expect "kin --help lists the commands" 0 "  help " "" --help
expect "kin help lists them too" 0 "  help " "" help
expect "kin --version" 0 "kin 0." "" --version
expect "an unknown command suggests the nearest" 2 "" "unknown command 'hlep' (did you mean 'help'?)" hlep
expect "a command nothing like any" 2 "" "kin --help lists them" xyzzy
expect "kin help of an unknown command" 2 "" "kin help: unknown command 'hep' (did you mean 'help'?)" help hep
expect "an option before the command" 2 "" "options follow the command" --threads 2 help
expect "an unknown option suggests the nearest" 2 "" "kin help: unknown option --threds (did you mean --threads?); see kin help --help" help --threds 2
expect "a value out of range" 2 "" "--threads needs a whole number from 1 to 64, not '0'; see kin help --help" help --threads 0
expect "a value that is missing" 2 "" "--threads needs a value (--threads N)" help --threads
expect "too many arguments" 2 "" "unexpected argument 'a'" models a b
expect "--option=value" 0 "Usage: kin help" "" help --threads=1 help
expect "after -- nothing is an option" 2 "" "unknown command '--quiet'" help -- --quiet

why=
KIN_ISA=none "$kin" help >"$out/out" 2>"$out/err"; check_stream err "kin help: KIN_ISA"
KIN_ISA=none "$kin" help --quiet >"$out/out" 2>"$out/err"; check_stream err ""
report "--quiet silences remarks" "$why"

# Every command explains itself, within 80 columns.
why=
for command in $("$kin" --help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    "$kin" "$command" --help >"$out/out" 2>"$out/err" </dev/null || why="$why; kin $command --help fails"
    "$kin" help "$command" >"$out/again" 2>>"$out/err" </dev/null
    cmp -s "$out/out" "$out/again" || why="$why; kin help $command differs from kin $command --help"
    grep -q '^Usage: kin ' "$out/out" || why="$why; kin $command --help has no usage"
    grep -q '^Examples' "$out/out" || why="$why; kin $command --help has no examples"
    sed '/^Usage/,/^$/d; /^Examples/,$d' "$out/out" | grep -q '.\{81\}' && why="$why; kin $command --help is wider than 80 columns"
    [ -s "$out/err" ] && why="$why; kin $command --help complains: $(head -n 1 "$out/err")"
done
report "every command explains itself" "$why"

why=
"$kin" help --man >"$out/kin.1" || why="kin help --man fails"
cmp -s "$out/kin.1" docs/kin.1 || why="docs/kin.1 is out of date: ./kin help --man > docs/kin.1"
report "docs/kin.1 is what the tables say" "$why"

headers="kin.h $(sed -n 's/^#include "\(.*\)"/\1/p' kin.h)"
# shellcheck disable=SC2086
why=$(awk -v undocumented=1 -f tests/support/api.awk $headers)
report "every public function says what it does" "$why"
why=
# shellcheck disable=SC2086
awk -f tests/support/api.awk $headers >"$out/api.md"
cmp -s "$out/api.md" docs/api.md || why="docs/api.md is out of date: make api"
report "docs/api.md is what the headers say" "$why"

why=
if command -v groff >"$out/which"; then
    groff -man -Tutf8 -ww -z "$out/kin.1" 2>"$out/err" || why="groff refuses the man page"
    check_stream err ""
    report "the man page is clean roff" "$why"
else
    echo "skip shell: the man page is clean roff: no groff"
fi

if [ -w /dev/full ]; then
    why=
    "$kin" help >/dev/full 2>"$out/err"
    [ $? -eq 1 ] || why="exit status is not 1"
    check_stream err "cannot write standard output"
    report "output that is lost is a failure" "$why"
else
    echo "skip shell: output that is lost is a failure: no /dev/full"
fi

exit $failed
