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
[ "$(ls small | wc -l)" = 2 ] || why="not so: $(ls small | wc -l) files, not 2"
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

why=
mkdir -p twins/a twins/b && cp "$a" twins/a/1.png && cp "$b" twins/b/1.png
"$kin" convert twins/a/1.png twins/b/1.png --out kept 2>err || why="not so: $(cat err)"
cmp -s kept/a/1.png kept/b/1.png && why="both are the same picture"
[ -e kept/a/1.png ] && [ -e kept/b/1.png ] || why="there are: $(find kept -type f)"
(cd twins/a && "$kin" convert 1.png ../b/1.png --out ../../kept2 2>../../err) || why="from a folder inside: $(cat err)"
[ -e kept2/a/1.png ] && [ -e kept2/b/1.png ] || why="from a folder inside: $(find kept2 -type f)"
report "equal names in two folders keep their folders" "$why"

why=
cp "$a" twins/a/1.bmp
"$kin" convert twins/a/1.png twins/a/1.bmp --out flat 2>err && why="two inputs became one file"
grep -q "twins/a/1.png and twins/a/1.bmp would both become flat/1.png" err || why="it says: $(cat err)"
[ -e flat ] && why="something was written"
report "two inputs that would be one file are refused before the first write" "$why"

why=
cp b.jpg twins/a/2.jpg && cp b.jpg twins/a/3.jpg && cp "$a" twins/a/3.png && cp twins/a/3.png before
(cd twins/a && "$kin" convert 2.jpg --format jpg --out . 2>../../err) && why="an input was overwritten"
grep -q "is one of the pictures to read" err || why="it says: $(cat err)"
(cd twins/a && "$kin" convert 3.jpg --out . 2>../../err) && why="a picture beside the input was overwritten"
grep -q "is there already, beside 3.jpg" err || why="it says: $(cat err)"
cmp -s before twins/a/3.png && cmp -s b.jpg twins/a/2.jpg || why="a picture was changed"
"$kin" convert twins/a/2.jpg --resize 8 --out twins/a/../a/2.jpg 2>err && why="--out IN was taken"
grep -q "read by this very command" err || why="it says: $(cat err)"
"$kin" convert twins/a/2.jpg "$a" --resize 8 --crop 8 --rgb --out twins/a/2.jpg/x.npy 2>err && why="a folder that cannot be was taken"
"$kin" convert twins/a/2.jpg --resize 8 --out twins/a/2.jpg --force 2>err && [ "$(size_of twins/a/2.jpg)" = "16 8" ] || why="--force: $(cat err)"
report "no input is overwritten, unless by --force" "$why"
exit $failed
