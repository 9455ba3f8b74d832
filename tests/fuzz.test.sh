#!/bin/sh
# The seeds of the fuzzers, each given once: what was found stays found, without libFuzzer too.
about=fuzz
. tests/support/shell.sh
for seeds in tests/fuzz/corpus/*; do
    name=${seeds##*/}
    fuzzer=${BUILD:-build/cc}/fuzz/fuzz_$name
    if [ ! -x "$fuzzer" ]; then
        echo "skip $about: the seeds of $name: $fuzzer is not built"
        continue
    fi
    why=
    "$fuzzer" "$seeds"/* >"$out/said" 2>&1 || why="exit status $?: $(tail -n 1 "$out/said")"
    report "the seeds of $name" "$why"
done
exit $failed
