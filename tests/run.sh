#!/bin/sh
# Runs every test (or those whose path matches a word given) and adds their lines up:
#   BUILD=build/cc tests/run.sh [WORD...]
# RUNNER, a command with its arguments, runs programs of another machine's; tests that are scripts run the program themselves and are left out then.
# A test prints "ok NAME", "not ok NAME: why" or "skip NAME: why". A program that ends badly counts as failed, and so does one that has not ended
# after LIMIT seconds (900): a test that hangs is named, and the others still run.
set -u
BUILD=${BUILD:-build/cc} RUNNER=${RUNNER:-} LIMIT=${LIMIT:-900}
export BUILD
log=$(mktemp -d) || exit 1
trap 'rm -rf "$log"' EXIT
passed=0 failed=0 skipped=0

wanted() {
    [ $# -eq 1 ] && return 0
    path=$1; shift
    for word; do case $path in *"$word"*) return 0;; esac; done
    return 1
}

run_one() {
    started=$(date +%s)
    case $1 in *.test.sh) [ -z "$RUNNER" ] || return 0 ;; esac
    # shellcheck disable=SC2086
    timeout -k 10 "$LIMIT" $RUNNER "$1" >"$log/out" 2>"$log/err" </dev/null
    status=$?
    p=$(grep -c '^ok ' "$log/out"); f=$(grep -c '^not ok ' "$log/out"); s=$(grep -c '^skip ' "$log/out")
    if [ "$status" -ge 124 ] && [ $(($(date +%s) - started)) -ge "$LIMIT" ]; then
        f=$((f + 1))
        echo "not ok $1: had not ended after $LIMIT s; its last words: $(tail -n 1 "$log/out")"
    elif [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
        echo "not ok $1: ended with status $status"
    fi
    if [ "$f" -gt 0 ]; then
        grep '^not ok ' "$log/out"
        tail -n 30 "$log/err"
    fi
    grep '^skip ' "$log/out"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "$1: $p passed, $f failed, $s skipped, $(($(date +%s) - started)) s"
}

for test in "$BUILD"/tests/test_* "$BUILD"/tests/both_* "$BUILD"/tests-double/* tests/*.test.sh; do
    [ -x "$test" ] || continue
    case $test in *.d) continue;; esac
    wanted "$test" "$@" && run_one "$test"
done

if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"
else echo "$passed passed, $failed failed"; fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
