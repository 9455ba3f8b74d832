#!/bin/sh
# Builds every fuzzer with clang's libFuzzer under the address and undefined-behaviour sanitizers and runs each for
# some seconds over its seeds, as many at a time as there are cores:   tests/fuzz/run.sh [SECONDS] [NAME...]
# New inputs go to build/corpus/NAME, which later runs start from; a crash is written to build/crash-NAME-*.
set -u
build=build/libfuzzer
data=${KIN_TEST_DATA:-../shared/data}

seeds_of() {
    case $1 in
    png) echo "$data/pngsuite $data/fuzz-seeds/png" ;;
    jpeg) echo "$data/jpeg-crashtest $data/jpeg-crashtest/imagetestsuite $data/jpeg-reftest $data/jpeg-reftest/mozilla $data/fuzz-seeds/jpeg" ;;
    facts) echo "$data/jpeg-exif-orientation $data/fuzz-seeds/jpeg $data/fuzz-seeds/png" ;;
    bmp) echo tests/golden/bmp ;;
    pnm) echo "$data/pngsuite" ;;
    mat) echo tests/golden ;;
    cifar) echo "$data/cifar10" ;;
    pth | npz) echo tests/golden/pth ;;
    esac
}

fuzz() { # FUZZER SECONDS: one line of what came of it
    name=${1##*/fuzz_}
    mkdir -p "build/corpus/$name"
    folders=build/corpus/$name
    [ -d "tests/fuzz/corpus/$name" ] && folders="$folders tests/fuzz/corpus/$name"
    for seeds in $(seeds_of "$name"); do [ -d "$seeds" ] && folders="$folders $seeds"; done
    # shellcheck disable=SC2086
    if "$1" -max_total_time="$2" -timeout=20 -rss_limit_mb=3000 -max_len=65536 -artifact_prefix="build/crash-$name-" -print_final_stats=1 $folders >"build/fuzz-$name.log" 2>&1; then
        echo "ok fuzz $name: $(grep -o 'stat::number_of_executed_units: *[0-9]*' "build/fuzz-$name.log" | tr -dc 0-9) runs, $(grep -o 'cov: [0-9]*' "build/fuzz-$name.log" | tail -n 1)"
    else
        echo "not ok fuzz $name: see build/fuzz-$name.log"
        tail -n 30 "build/fuzz-$name.log"
    fi
}

if [ "${1:-}" = --one ]; then
    fuzz "$2" "$3"
    exit 0
fi
seconds=${1:-10}
[ $# -gt 0 ] && shift
# Kernels see nothing that a stranger wrote, and take the longest to build with sanitizers: they are built without.
make -j"$(nproc)" fuzz CC=clang OPENMP= BUILD=$build SANITIZE=address,undefined,fuzzer-no-link KERNEL_CFLAGS=-fno-sanitize=all FUZZ_ENGINE=-fsanitize=fuzzer >/dev/null || exit 1
said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
for fuzzer in "$build"/fuzz/fuzz_*; do
    name=${fuzzer##*/fuzz_}
    case " ${*:-$name} " in *" $name "*) [ -x "$fuzzer" ] && echo "$fuzzer" ;; esac
done | xargs -P "${JOBS:-$(nproc)}" -I FUZZER sh "$0" --one FUZZER "$seconds" | tee "$said"
passed=$(grep -c '^ok ' "$said") failed=$(grep -c '^not ok ' "$said")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
