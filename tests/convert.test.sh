#!/bin/sh
# kin convert: sizes, kinds, streams, several pictures, broken ones.
set -u
cd "$(dirname "$0")/.." || exit 1
about=convert
. tests/support/shell.sh

cd "$out" || exit 1
size_of() { "$kin" convert "$1" --rgb --out - --format ppm 2>/dev/null | head -n 2 | tail -n 1; }

"$kin" synth shop --products 2 --views 2 --size 90 >/dev/null 2>&1
set -- $(find shop -name '*.png' | sort)
a=$1 b=$2

why=
"$kin" convert "$a" --resize 64 --out a.png 2>err && [ "$(size_of a.png)" = "64 64" ] || why="--resize 64 gives $(size_of a.png) $(cat err)"
"$kin" convert "$a" --resize 80x40 --out b.jpg 2>err && [ "$(size_of b.jpg)" = "80 40" ] || why="--resize 80x40 gives $(size_of b.jpg) $(cat err)"
"$kin" convert b.jpg --resize 60 --crop 224x10 --out c.pam 2>err && [ "$(size_of c.pam)" = "224 10" ] || why="--crop gives $(size_of c.pam) $(cat err)"
report "sizes" "$why"

why=
"$kin" convert - --out - <"$a" 2>err | cmp -s - a.full.png 2>/dev/null
"$kin" convert "$a" --out a.full.png && "$kin" convert - --out - <"$a" 2>err | cmp -s - a.full.png || why="a stream gives another file: $(cat err)"
report "standard input and output" "$why"

why=
"$kin" convert "$a" "$b" --resize 32 --grey --out both.npy 2>err || why=$(cat err)
head -c 128 both.npy | tr -d '\0' | grep -q "u1.*(2, 32, 32, 1)" || why="the array's header is $(head -c 128 both.npy | tail -c 118)"
"$kin" convert "$a" b.jpg --out uneven.npy 2>err && why="pictures of two sizes were stacked"
grep -q "80 x 40 x 3 where the first picture is 90 x 90" err || why="the refusal says: $(cat err)"
[ -e uneven.npy ] && why="something was written"
report "several as one array" "$why"

why=
head -c 100 "$a" >cut.png
"$kin" convert "$a" cut.png b.jpg --format jpg --quality 90 --out small 2>err
[ $? -eq 1 ] || why="the status is not 1"
[ "$(ls small | wc -l)" = 2 ] || why="$(ls small | wc -l) files, not 2"
[ "$(wc -l <err)" = 2 ] && grep -q "cut.png" err && grep -q "1 of 3" err || why="it says: $(cat err)"
report "a broken one among several" "$why"

why=
"$kin" convert cut.png --out x.png 2>err && why="a broken picture was converted"
[ "$(wc -l <err)" = 1 ] && grep -q "cut.png" err || why="it says: $(cat err)"
[ -e x.png ] && why="something was written"
"$kin" convert "$a" --out x.webp 2>err && why="webp was written"
grep -q '"webp"' err || why="it says: $(cat err)"
"$kin" convert "$a" --resize 0 --out x.png 2>err && why="--resize 0 was taken"
"$kin" convert "$a" --max-pixels 100 --out x.png 2>err && why="--max-pixels was passed over"
grep -q -e "--max-pixels" err || why="it says: $(cat err)"
report "refusals" "$why"
exit $failed
