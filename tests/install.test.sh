#!/bin/sh
# What `make install` puts in place is enough for somebody else's program.
set -u
case $BUILD in *address* | *thread*) echo "skip install: not with sanitizers"; exit 0 ;; esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
openmp=""
case $BUILD in *-openmp*) openmp=OPENMP=1 ;; esac
cc=${BUILD##*/}; cc=${cc%%-*}
if out=$(make -s install CC="$cc" BUILD="$BUILD" $openmp PREFIX="$folder/kin" 2>&1); then echo "ok install"; else echo "not ok install: $out"; exit 1; fi
for file in bin/kin lib/libkin.a lib/pkgconfig/kin.pc share/man/man1/kin.1 include/kin/kin.h; do
    [ -s "$folder/kin/$file" ] && echo "ok install: $file" || echo "not ok install: $file is missing"
done
flags="-I$folder/kin/include/kin -L$folder/kin/lib"
libs=$(sed -n 's/^Libs: *//p; s/^Libs.private: *//p' "$folder/kin/lib/pkgconfig/kin.pc" | sed 's|-L[^ ]*||' | tr '\n' ' ')
cp examples/first_gradient.c "$folder/mine.c"
# shellcheck disable=SC2086
if out=$(cd "$folder" && "$cc" -std=c11 $flags mine.c -o mine $libs -lm 2>&1 && ./mine); then echo "ok install: somebody else's program builds and runs"; else echo "not ok install: somebody else's program: $out"; fi
