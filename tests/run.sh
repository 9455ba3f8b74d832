#!/bin/sh
# Runs every test (or those whose path matches a word given), as many at a time as there are cores, and adds their lines up:
#   BUILD=build/cc tests/run.sh [WORD...]
# RUNNER, a command with its arguments, runs programs of another machine's; of the tests that are scripts only those with the line "# Also by RUNNER."
# are run then: they run the program by it, through tests/support/shell.sh.
# A test prints "ok NAME", "not ok NAME: why" or "skip NAME: why". A program that ends badly counts as failed, and so does one that has not ended
# after LIMIT seconds (900): a test that hangs is named, and the others still run. JOBS=1 runs one after the other.
set -u
BUILD=${BUILD:-build/cc} RUNNER=${RUNNER:-} LIMIT=${LIMIT:-900} JOBS=${JOBS:-$(nproc 2>/dev/null || echo 1)}
export BUILD RUNNER LIMIT
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" # tests share the cores: OpenMP's threads are not to turn while they wait

wanted() { # PATH [WORD...]
    [ $# -eq 1 ] && return 0
    path=$1; shift
    for word; do case $path in *"$word"*) return 0;; esac; done
    return 1
}

# Scripts first: they are the long ones, and the last to end should be short.
list() { # [WORD...]
    for test in tests/*.test.sh "$BUILD"/tests/test_* "$BUILD"/tests/both_* "$BUILD"/tests-double/*; do
        [ -x "$test" ] || continue
        case $test in *.d) continue;; *.test.sh) [ -z "$RUNNER" ] || grep -q '^# Also by RUNNER\.$' "$test" || continue;; esac
        if wanted "$test" "$@"; then echo "$test"; fi
    done
}

run_one() { # TEST FOLDER: what is said of it, in one piece; the counts go to a file
    log=$(mktemp -d "$2/XXXXXX") || exit 1
    started=$(date +%s)
    by=$RUNNER
    case $1 in *.test.sh) by=;; esac
    # shellcheck disable=SC2086
    timeout -k 10 "$LIMIT" $by "$1" >"$log/out" 2>"$log/err" </dev/null
    status=$?
    p=$(grep -c '^ok ' "$log/out"); f=$(grep -c '^not ok ' "$log/out"); s=$(grep -c '^skip ' "$log/out")
    took=$(($(date +%s) - started))
    {
        if [ "$status" -ge 124 ] && [ "$took" -ge "$LIMIT" ]; then
            f=$((f + 1))
            echo "not ok $1: had not ended after $LIMIT s; its last words: $(tail -n 1 "$log/out")"
        elif [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
            f=1
            echo "not ok $1: ended with status $status"
        elif [ $((p + f + s)) -eq 0 ]; then
            f=1
            echo "not ok $1: said nothing"
        fi
        if [ "$f" -gt 0 ]; then
            grep '^not ok ' "$log/out"
            tail -n 30 "$log/err"
        fi
        grep '^skip ' "$log/out"
        grep '^sets: ' "$log/out" | tee -a "$2/sets" # how instruction sets' shapes were run (tests/both_sets.c)
        echo "$1: $p passed, $f failed, $s skipped, $took s"
    } >"$log/said"
    cat "$log/said"
    echo "$p $f $s" >>"$2/counts"
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$3"
    exit 0
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
list "$@" >"$folder/tests"
: >"$folder/counts"
xargs -P "$JOBS" -I TEST sh "$0" --one TEST "$folder" <"$folder/tests"
[ ! -s "$folder/sets" ] || sort -u "$folder/sets"
awk -v tests="$(wc -l <"$folder/tests")" '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        failed += tests - NR # ended without a word
        printf "%d passed, %d failed", passed, failed
        if (skipped) printf ", %d skipped", skipped
        print ""
        exit !(failed == 0 && passed > 0)
    }' "$folder/counts"
