#!/bin/sh
# Pictures from anywhere in the commands: alpha, elongated ones, names made to fool a terminal.
set -u
cd "$(dirname "$0")/.." || exit 1
about=pictures
. tests/support/shell.sh

# 2 x 2 PAMs of two classes: opaque, and transparent in one pixel.
pam() { { printf 'P7\nWIDTH 2\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n'; printf "\\100\\100\\100\\377\\200\\100\\100\\377\\100\\200\\100\\377\\100\\100\\200\\$2"; } >"$1"; }
mkdir -p "$folder/alpha/a" "$folder/alpha/b"
pam "$folder/alpha/a/1.pam" 377
pam "$folder/alpha/b/1.pam" 000
expect "hidden colours that count are told" 0 "" "1 of 2 pictures are transparent in places" embed "$folder/alpha" --model pixels --size 8 --out "$folder/e"
expect "... and are not told when they do not count" 0 "" "" embed "$folder/alpha" --model pixels --size 8 --out "$folder/white" --background white
why=
cmp -s "$folder/e.npy" "$folder/white.npy" && why="the background changes nothing"
report "--background is seen" "$why"
"$kin" convert "$folder/alpha/b/1.pam" --rgb --background '#102030' --out "$folder/x.ppm"
why=$(tail -c 3 "$folder/x.ppm" | od -An -tx1 | tr -d ' \n')
[ "$why" = 102030 ] && why=
report "a transparent pixel has the background's colour" "$why"
expect "a background that is no colour" 2 "" "--background takes white, black or #rrggbb, not 'purple'" embed "$folder/alpha" --model pixels --background purple --out "$folder/e"
expect "... in training, before anything is read" 2 "" "--background takes white, black or #rrggbb" train "$folder/alpha" --model conv4 --background '#12345g' --out "$folder/r"
expect "--max-pixels counts for the pixels too" 1 "" "3 allowed" embed "$folder/alpha" --model pixels --max-pixels 3 --out "$folder/e"

# Elongated pictures: 1 x 5000 and 5000 x 1, as grey maps. Sanitizers take more addresses than any limit leaves.
case ${BUILD:-} in *address* | *thread*) room=unlimited ;; *) room=400000 ;; esac
mkdir -p "$folder/long/a" "$folder/long/b"
{ printf 'P5 1 5000 255\n'; head -c 5000 /dev/zero | tr '\000' '\115'; } >"$folder/long/a/tall.pgm"
{ printf 'P5 5000 1 255\n'; head -c 5000 /dev/zero | tr '\000' '\116'; } >"$folder/long/b/wide.pgm"
why=$( (ulimit -v $room; "$kin" embed "$folder/long" --model pixels --size 224 --out "$folder/long-e" --threads 2 --quiet) 2>&1)
report "elongated pictures are computed where they are seen" "$why"
why=$( (ulimit -v $room; "$kin" convert "$folder/long/a/tall.pgm" --resize 256 --crop 224 --out "$folder/tall.png" --threads 2) 2>&1)
report "... in kin convert too" "$why"
expect "the whole of one is refused by name" 1 "" "tall.pgm" convert "$folder/long/a/tall.pgm" --resize 256 --out "$folder/tall.png"
"$kin" synth "$folder/shop" --products 2 --views 3 --size 32 --seed 1 --quiet >/dev/null
cp "$folder/long/a/tall.pgm" "$(dirname "$(ls "$folder"/shop/*/*.png | head -n 1)")/"
expect "... by a recipe, in training: by name, and others stand in" 0 "" "tall.pgm: resize: a picture of 1 x 5000 cannot be resized" train "$folder/shop" --model conv4 --size 32 --augment 'resize(256) centre(32)' --batch-classes 2 --batch-pictures 4 --steps 4 --out "$folder/run"

# Names made to move a terminal's cursor, to colour it, or to write lines that kin did not say.
mkdir "$folder/evil"
evil=$folder/evil/$(printf 'a\033[31m\nkin: all is well\177').png
echo "no picture" >"$evil"
escape=$(printf '\033') delete=$(printf '\177')
"$kin" convert "$evil" --out "$folder/x.png" 2>"$out/err"
why=
grep -q "$escape" "$out/err" && why="the escape character came through"
grep -q "$delete" "$out/err" && why="$why; a delete came through"
[ "$(wc -l <"$out/err")" -eq 1 ] || why="$why; more than a line"
grep -qF 'a\x1b[31m\nkin: all is well\x7f.png' "$out/err" || why="$why; $(cat "$out/err")"
report "a name reaches a terminal as text: a message" "$why"
"$kin" data "$folder/evil" --check >"$out/out" 2>&1
why=
grep -q "$escape" "$out/out" && why="the escape character came through"
report "... kin data" "$why"
header='{"a\u001b[2J\u009b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
{ printf "\\$(printf %o ${#header})\\0\\0\\0\\0\\0\\0\\0"; printf %s "$header"; printf '\000\000\200\077'; } >"$folder/evil.st"
for way in "" --json; do
    # shellcheck disable=SC2086
    "$kin" tensors "$folder/evil.st" $way >"$out/out" 2>&1
    why=
    grep -q "$escape" "$out/out" && why="the escape character came through"
    LC_ALL=C grep -q "$(printf '\302\233')" "$out/out" && why="$why; a control sequence of C1 came through"
    grep -qF '[2J' "$out/out" || why="$why; $(head -n 2 "$out/out")"
    report "... kin tensors $way" "$why"
done
exit $failed
