#!/bin/sh
# kin augment as a user meets it: sheets, the same bytes again, what is refused.
set -u
cd "$(dirname "$0")/.." || exit 1
about=augment
. tests/support/shell.sh

# size FILE: width and height of a PNG.
size() { od -An -j16 -N8 -tu1 "$1" | awk '{ print ($1 * 256 + $2) * 65536 + $3 * 256 + $4, ($5 * 256 + $6) * 65536 + $7 * 256 + $8 }'; }

# refused NAME CODE PART ARGS...
refused() {
    name=$1 code=$2 part=$3; shift 3
    "$kin" augment "$@" >"$out/out" 2>"$out/err" </dev/null
    got=$? why=
    [ "$got" -eq "$code" ] || why="exit status $got, not $code"
    grep -qF -e "$part" "$out/err" || why="$why; stderr lacks '$part': $(head -n 1 "$out/err")"
    report "$name" "$why"
}

"$kin" synth "$out/shop" --products 2 --views 2 --size 64 --quiet || echo "not ok augment: no pictures"
a=$out/shop/product-0001/view-01.png b=$out/shop/product-0002/view-01.png

why=
"$kin" augment "$a" "$b" --out "$out/1.png" --count 3 --size 40 --threads 1 2>"$out/err" || why="fails: $(cat "$out/err")"
"$kin" augment "$a" "$b" --out "$out/2.png" --count 3 --size 40 --threads 3 --quiet || why="$why; fails when quiet"
[ "$(size "$out/1.png")" = "188 92" ] || why="$why; the sheet has $(size "$out/1.png") pixels"
cmp -s "$out/1.png" "$out/2.png" || why="$why; other bytes with other threads"
grep -q "224 x 224 pixels" "$out/err" || why="$why; the recipe is not told"
report "a sheet of two pictures, the same with any number of threads" "$why"

why=
"$kin" augment "$a" --out "$out/3.png" --count 3 --size 40 --seed 2 --quiet
"$kin" augment "$a" --out "$out/4.png" --count 3 --size 40 --seed 2 --quiet --recipe train
"$kin" augment "$a" --out "$out/5.png" --count 3 --size 40 --seed 3 --quiet
cmp -s "$out/3.png" "$out/4.png" || why="the default is not train"
cmp -s "$out/3.png" "$out/5.png" && why="$why; another seed, the same bytes"
report "seeds" "$why"

why=
"$kin" augment --list >"$out/list" || why="fails"
for name in rrc RandomResizedCrop jitter normalize imagenet-train reid; do grep -q "$name" "$out/list" || why="$why; $name is missing"; done
report "the list" "$why"

refused "no picture" 2 "IMAGE is missing" --out "$out/x.png"
refused "no sheet" 2 "--out FILE is missing" "$a"
refused "an unknown transform" 2 "recipe: unknown transform 'rcc' (did you mean 'rrc'?)" "$a" --out "$out/x.png" --recipe "rcc(32)"
refused "a value out of range" 2 "recipe: flip: p is a number" "$a" --out "$out/x.png" --recipe "flip(2)"
refused "a crop that does not fit" 2 "$a: crop: a crop of 100x100" "$a" --out "$out/x.png" --recipe "crop(100)"
refused "a picture that is not there" 1 "$out/none.png" "$out/none.png" --out "$out/x.png"
refused "a sheet too large" 2 "is too large" "$a" "$a" "$a" "$a" "$a" --out "$out/x.png" --count 64 --size 1024
[ ! -e "$out/x.png" ]; report "nothing is left behind" "$([ -e "$out/x.png" ] && echo "a file is")"
exit $failed
