#!/bin/sh
# Every shell command in README.md and docs/ runs, in order, in a copy of nothing but the program: blocks marked ```sh. Long
# trainings are cut to a few steps; blocks that need data which is not here are left out aloud.
set -u
root=$PWD
kin=$root/$BUILD/kin
case $BUILD in /*) kin=$BUILD/kin ;; esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cp "$kin" "$folder/kin"
data=${KIN_TEST_DATA:-$root/../shared/data}
export PATH="$folder:$PATH" # some pages, as the lessons, have kin on the path
[ -d "$data" ] && ln -s "$(cd "$data" && pwd)" "$folder/data"

# Where a block's command is make, its own target is what is tested already; the contest and the ladder have tests of their own.
shorten() { sed -e '/^examples\/contest.sh /d' -e '/^examples\/ladder.sh /d' -e 's/--steps [0-9]*/--steps 3/' -e 's/^make demo$/.\/kin demo/' -e 's/^\.\/kin demo$/.\/kin demo --steps 3/' -e '/^make /d' -e 's/--save-every [0-9]*/--save-every 3/'; }

# The pages of results take a minute: once, in the plain build by gcc, is enough.
pages="README.md docs/*.md"
case $BUILD in */cc | */gcc) ;; *) pages=README.md ;; esac

for page in $pages; do
    awk -v out="$folder/block" '/^```sh$/ { n++; on = 1; next } /^```/ { on = 0 } on { print > (out "-" sprintf("%03d", n) ".sh") }' "$page"
    for block in "$folder"/block-*.sh; do
        [ -f "$block" ] || continue
        name="$page: $(head -n 1 "$block")"
        if grep -q 'data/' "$block" && [ ! -d "$folder/data" ]; then
            echo "skip $name: needs the shared data sets"
        elif grep -q '/usr/share/datasets' "$block" && [ ! -d /usr/share/datasets/fashion-mnist ]; then
            echo "skip $name: needs Debian's dataset-fashion-mnist"
        elif out=$(cd "$folder" && shorten <"$block" | sh -eu 2>&1); then
            echo "ok $name"
        else
            echo "not ok $name: $(printf '%s' "$out" | tail -n 3 | tr '\n' ' ')"
        fi
        rm -f "$block"
    done
done

# C snippets compile.
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' README.md >"$folder/snippet.c"
{ echo '#include "kin.h"'; cat "$folder/snippet.c"; echo 'kin_net used = network;'; } >"$folder/whole.c"
if out=$(${CC:-cc} -std=c11 -I. -fsyntax-only "$folder/whole.c" 2>&1); then echo "ok README.md: its C compiles"; else echo "not ok README.md: its C: $out"; fi
