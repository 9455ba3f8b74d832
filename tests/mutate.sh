#!/bin/sh
# Breaks one line at a time of a room and runs the room's tests, to see what they would not notice:
#   tests/mutate.sh ROOM [COUNT] [SEED]        rooms: kernels autograd losses retrieval; 50 mutants, seed 1
#   tests/mutate.sh --list ROOM [COUNT] [SEED] only says which ones they are
#   tests/mutate.sh --survivors LOG ROOM       tries those again that survived by what an earlier run said
# The work is done in a copy ($TMPDIR), at the lowest priority. A mutant that no test notices is printed with its line as it was and as it is;
# tests/mutants.txt names those that change nothing, or only the time, with the reason. The same room, seed and sources give the same mutants.
# With WORK=FOLDER the copy is made there and kept, for the next run. JOBS (2) mutants are tried at a time. A mutant's file is built with the
# sanitizers; whatever takes four times the processors' time that it took before has been noticed. tests/support/mutate.py has a table of the
# tests that look at each file most closely, which are tried first; with CLOSE=1 no others, and --survivors tries those later. An interrupted
# run (^C, or kill of mutate.py) still says its figures; SKIP=N goes on behind the first N, those that do not compile among them.
set -eu
list= log=
case ${1:-} in
--list) list=--list; shift ;;
--survivors) [ $# -ge 2 ] || { sed -n '2,12s/^# *//p' "$0"; exit 2; }; log=$(realpath "$2"); shift 2 ;;
esac
[ $# -ge 1 ] || { sed -n '2,12s/^# *//p' "$0"; exit 2; }
room=$1 count=${2:-50} seed=${3:-1}
[ -d "$room" ] || { echo "tests/mutate.sh: there is no room $room here" >&2; exit 2; }
if [ -n "$list" ]; then exec python3 tests/support/mutate.py --list "$room" "$count" "$seed"; fi

if [ -n "${WORK:-}" ]; then
    scratch=$WORK
    mkdir -p "$scratch"
else
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/kin-mutate-XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 130' INT TERM
fi
# What the tree no longer has goes from a kept copy too: the Makefile takes every file that it finds.
[ ! -f "$scratch/tmp/files" ] || tr '\0' '\n' <"$scratch/tmp/files" | while IFS= read -r file; do [ -e "$file" ] || rm -f "$scratch/$file"; done
mkdir -p "$scratch/tmp"
git ls-files -z --cached --others --exclude-standard >"$scratch/tmp/files"
tar --null -T "$scratch/tmp/files" -cf - | tar -C "$scratch" -xf -
KIN_TEST_DATA=$(realpath "${KIN_TEST_DATA:-../shared/data}")
export KIN_TEST_DATA
cd "$scratch"
export TMPDIR="$scratch/tmp"
if [ -n "$log" ]; then nice -n 19 python3 tests/support/mutate.py --survivors "$log" "$room"
else nice -n 19 python3 tests/support/mutate.py "$room" "$count" "$seed"; fi
