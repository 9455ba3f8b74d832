#!/bin/sh
# kin machine: every row is there, and says what is so.
# Also by RUNNER.
set -u
cd "$(dirname "$0")/.." || exit 1
about=machine
. tests/support/shell.sh
says() { if grep -qE -e "$2" "$out/out"; then report "$1" ""; else report "$1" "'$2' was not said"; fi; } # NAME PATTERN

expect "a table" 0 "A bug report holds" "" machine --threads 2
for row in version compiler "C library" build system processor processors threads instructions cache memory "huge pages"; do
    says "row $row" "^$row +[^ ]"
done
says "limits are measured" '^arithmetic +[0-9.]+ GFLOP/s'
says "of memory too" '^traffic +[0-9.]+ GB/s'
says "threads, and who chose them" '^threads +2, as --threads asks$'
says "a set that always runs" '^  set +generic: runs here'
says "the best set is taken" '^  why +the best that runs here$'
used=$(sed -n 's/^instructions *//p' "$out/out")
says "the set in use runs here" "^  set +$used: runs here"

expect "unmeasured" 0 "instructions" "" machine --unmeasured
if grep -q 'GFLOP' "$out/out"; then report "nothing is measured then" "$(grep GFLOP "$out/out")"; else report "nothing is measured then" ""; fi

KIN_ISA=generic KIN_THREADS=1 expect "a set that is asked for" 0 "as KIN_ISA asks" "" machine --unmeasured
says "is the one in use" '^instructions +generic$'
says "and so are threads" '^threads +1, as KIN_THREADS asks$'
KIN_ISA=none expect "a set that is none" 0 "the best that runs here: KIN_ISA names none" "KIN_ISA is none of" machine --unmeasured

expect "JSON" 0 '"instruction set"' "" machine --json --threads 1
if command -v python3 >"$out/which" && [ -z "${RUNNER:-}" ]; then
    why=$(python3 -c '
import json, sys
m = json.load(open(sys.argv[1]))
assert m["version"].startswith("kin ") and m["threads"] == 1 and m["memory"] > 1e6, m
assert m["flops"] > 1e6 and m["bytes per second"] > 1e6, m
assert m["set " + m["instruction set"]].endswith("runs here"), m' "$out/out" 2>&1 | tail -n 1)
    report "which others can read" "$why"
else
    echo "skip machine: which others can read: no python3"
fi
expect "no argument" 2 "" "unexpected argument 'x'" machine x
exit $failed
