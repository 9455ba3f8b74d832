#!/bin/sh
# The library as others see it: what the shared one shows, headers that C++ takes, and a call from Python.
set -u
case $BUILD in *address* | *thread* | *undefined* | *-m32*) echo "skip library: not with sanitizers, nor for another machine"; exit 0 ;; esac
about=library
. tests/support/shell.sh
so=$BUILD/libkin.so include=$BUILD/include
cc=${BUILD##*/}; cc=${cc%%-*}
case $cc in clang*) cxx=clang++${cc#clang} ;; gcc*) cxx=g++${cc#gcc} ;; *) cxx=c++ ;; esac
version=$(awk '/define KIN_VERSION_(MAJOR|MINOR|PATCH) /{v = v dot $3; dot = "."} END{print v}' base/version.h)

nm -D --defined-only "$so" | awk '{ print $3 }' | sort >"$folder/shown"
report "only names that begin with kin_ are visible" "$(grep -v '^kin_' "$folder/shown" | head -n 3)"
report "an internal function is not" "$(grep -x 'kin_gemm\|kin_isa_name\|kin_parse_head' "$folder/shown")"
nm -D --undefined-only "$so" | awk '{ sub(/@.*/, "", $2); print $2 }' >"$folder/wanted"
report "nothing in it prints, ends the program or catches signals" "$(grep -xE 'v?printf|__v?printf_chk|puts|putchar|perror|stderr|signal|sigaction|raise|alarm|_?exit|abort|getopt.*' "$folder/wanted" | head -n 3)"
readelf -d "$so" >"$folder/dynamic"
report "the soname" "$(grep -q "SONAME.*\[libkin.so.${version%.*}\]" "$folder/dynamic" || grep SONAME "$folder/dynamic" || echo none)"
report "position-independent" "$(grep TEXTREL "$folder/dynamic")"

# Functions by the preprocessed headers: a name and a bracket, but for those with a body and for types.
"$cc" -std=c11 -E -P -I"$include" "$include/kin/kin.h" >"$folder/all.h"
grep -oE '\<kin_[a-z0-9_]+\(' "$folder/all.h" | tr -d '(' | sort -u >"$folder/named"
grep -E '^(static inline|typedef)' "$folder/all.h" | grep -oE '\<kin_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$folder/inline"
comm -23 "$folder/named" "$folder/inline" | comm -23 - "$folder/shown" >"$folder/lacking"
report "each function that a public header declares is there" "$(tr '\n' ' ' <"$folder/lacking")"
report "there are hundreds of them" "$([ "$(wc -l <"$folder/named")" -gt 300 ] || wc -l <"$folder/named")"
# Eight positions are mixed up: from there on a struct of options names them. Brackets within brackets are callbacks'.
crowded=$(tr '\n' ' ' <"$folder/all.h" | tr ';{}' '\n\n\n' | grep -E '\<kin_[a-z0-9_]+\(.*\) *$' | sed -E ':inner; s/(.*\([^()]*)\([^()]*\)/\1/; t inner' |
    awk -F , 'NF > 7 { match($0, /kin_[a-z0-9_]+\(/); print substr($0, RSTART, RLENGTH - 1) ": " NF }')
report "no public function takes more than seven parameters" "$crowded"

# Internal headers stay inside, and names of the tree's own are never looked up beside the user's.
report "no internal header is public" "$(cd "$include/kin" && ls kernels autograd/tape.h autograd/plan.h nn/folded.h base/json.h cli/options/command.h cli/options/own.h train/run_folder.h train/trainer_parts.h 2>/dev/null)"
report "headers name one another as <kin/...>" "$(grep -rn '#include "' "$include")"
for header in train/train.h train/encoder.h train/judge.h data/loader.h data/sets/split.h retrieval/lists/items.h base/version.h; do
    report "kin.h reaches $header" "$([ -f "$include/kin/$header" ] || echo "it does not")"
done

if command -v "$cxx" >/dev/null; then
    # shellcheck disable=SC2046
    report "each header alone is C++17" "$("$cxx" -std=c++17 -Wall -Wextra -Wpedantic -Wno-missing-field-initializers -Wno-unused-function -Wno-pragma-once-outside-header -Werror -fsyntax-only -I"$include" -x c++ $(find "$include" -name '*.h') 2>&1 | head -n 5)"
    printf '#include <kin/cli/main.h>\nint main(int argc, char **argv) { kin_catalogue own = {}; return kin_main(argc, argv, &own); }\n' >"$folder/own.cc"
    report "kin_main from C++" "$({ "$cxx" -std=c++17 -I"$include" "$folder/own.cc" -o "$folder/own" "$BUILD/libkin_cli.a" "$BUILD/libkin.a" $(case $BUILD in *-openmp*) echo -fopenmp ;; esac) -pthread -lm; } 2>&1; [ "$("$folder/own" --version)" = "kin $version" ] || echo "it is no kin")"
    report "each header that declares a function says extern \"C\"" "$(cd "$include" && grep -rlE '\<kin_[a-z0-9_]+\(.*\);' . | xargs grep -L 'extern "C"')"
    for lib in "$so" "$BUILD/libkin.a"; do
        if out=$("$cxx" -std=c++17 -Wall -Wextra -Wno-missing-field-initializers -Werror -I"$include" tests/library/program.cc -o "$folder/program" "$lib" $(case $BUILD in *-openmp*) echo -fopenmp ;; esac) -pthread -lm 2>&1); then
            ln -sf "$(cd "$BUILD" && pwd)/libkin.so" "$folder/libkin.so.${version%.*}"
            report "a C++ program with ${lib##*/}" "$(out=$(LD_LIBRARY_PATH=$folder "$folder/program" 2>&1); [ "$out" = "$version" ] || echo "$out")"
        else
            bad "library: a C++ program with ${lib##*/}" "$(echo "$out" | head -n 5)"
        fi
    done
else
    echo "skip library: C++ needs $cxx"
fi

report "the program's version" "$([ "$("$kin" --version)" = "kin $version" ] || echo "not so: $("$kin" --version)")"
if command -v python3 >/dev/null && python3 -c 'import ctypes' 2>/dev/null; then
    report "a search from Python, by ctypes" "$(out=$(python3 tests/library/search.py "$so" 2>&1); [ "$out" = "$version" ] || echo "$out" | tail -n 1)"
else
    echo "skip library: a search from Python needs python3 with ctypes"
fi
exit $failed
