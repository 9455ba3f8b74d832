#!/bin/sh
# Builds every fuzzer with clang's libFuzzer under the address and undefined-behaviour sanitizers and runs each for
# some seconds over its seeds:   tests/fuzz/run.sh [SECONDS] [NAME...]
# New inputs go to build/corpus/NAME, which later runs start from; a crash is written to build/crash-NAME-*.
set -u
seconds=${1:-10}
[ $# -gt 0 ] && shift
build=build/libfuzzer
data=${KIN_TEST_DATA:-../shared/data}
make -j"$(nproc)" fuzz CC=clang OPENMP=0 BUILD=$build SANITIZE=address,undefined,fuzzer-no-link FUZZ_ENGINE=-fsanitize=fuzzer >/dev/null || exit 1

seeds_of() {
    case $1 in
    png) echo "$data/pngsuite $data/fuzz-seeds/png" ;;
    jpeg) echo "$data/jpeg-crashtest $data/jpeg-crashtest/imagetestsuite $data/jpeg-reftest $data/jpeg-reftest/mozilla $data/fuzz-seeds/jpeg" ;;
    bmp) echo tests/golden/bmp ;;
    pnm) echo "$data/pngsuite" ;;
    mat) echo tests/golden ;;
    cifar) echo "$data/cifar10" ;;
    pth | npz) echo tests/golden/pth ;;
    esac
}

failed=0 passed=0
for fuzzer in "$build"/fuzz/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    name=${fuzzer##*/fuzz_}
    case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
    mkdir -p "build/corpus/$name"
    folders=build/corpus/$name
    [ -d "tests/fuzz/corpus/$name" ] && folders="$folders tests/fuzz/corpus/$name"
    for seeds in $(seeds_of "$name"); do [ -d "$seeds" ] && folders="$folders $seeds"; done
    # shellcheck disable=SC2086
    if "$fuzzer" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=65536 -artifact_prefix="build/crash-$name-" -print_final_stats=1 $folders >"build/fuzz-$name.log" 2>&1; then
        echo "ok fuzz $name: $(grep -o 'stat::number_of_executed_units: *[0-9]*' "build/fuzz-$name.log" | tr -dc 0-9) runs, $(grep -o 'cov: [0-9]*' "build/fuzz-$name.log" | tail -n 1)"
        passed=$((passed + 1))
    else
        echo "not ok fuzz $name: see build/fuzz-$name.log"
        tail -n 30 "build/fuzz-$name.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
