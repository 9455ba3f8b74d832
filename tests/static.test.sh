#!/bin/sh
# What `make static` made is one file that needs nothing beside it: no loader, no library, no /proc, in a folder that holds nothing else.
set -u
cd "$(dirname "$0")/.." || exit 1
about=static
. tests/support/shell.sh
. tests/support/chain.sh
one=$PWD/build/kin-static
if [ ! -x "$one" ]; then
    echo "skip static: build/kin-static is not there: make static"
    exit 0
fi
newer=$(find . -path ./build -prune -o -name '*.[ch]' -newer "$one" -print | head -n 1)
if [ -n "$newer" ]; then
    echo "skip static: build/kin-static is older than $newer: make static"
    exit 0
fi
if said=$(ldd "$one" 2>&1); then report "ldd knows of no library" "$said"; else report "ldd knows of no library" ""; fi
if head -c 65536 "$one" | grep -q 'ld-linux\|ld-musl'; then report "no loader is named" "one is"; else report "no loader is named" ""; fi
if [ "$("$one" --version)" = "$("$kin" --version)" ]; then report "it is of this version" ""; else report "it is of this version" "$("$one" --version)"; fi
if [ "$(id -u)" -ne 0 ] || ! mkdir "$folder/root" || ! cp "$one" "$folder/root/kin" || ! chroot "$folder/root" /kin --version >"$out/said" 2>&1; then
    echo "skip static: the chain in an empty folder: chroot needs root"
    exit $failed
fi
WITHIN=$folder/root chain chroot "$folder/root" /kin
if chroot "$folder/root" /kin machine --unmeasured >"$out/said" 2>&1 && grep -q '^instructions' "$out/said"; then report "kin machine without /proc" ""
else report "kin machine without /proc" "$(tail -n 1 "$out/said")"; fi
exit $failed
