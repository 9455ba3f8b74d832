#!/bin/sh
# kin attend: sheets of maps over pictures, for attention at the end and for any tap; what is refused.
set -u
cd "$(dirname "$0")/.." || exit 1
about=attend
. tests/support/shell.sh

"$kin" synth "$out/shop" --products 4 --views 4 --size 48 --quiet
a=$out/shop/product-0001/view-01.png
for kind in none sca@end cbam@end; do
    "$kin" train "$out/shop" --model resnet8 --size 32 --attention $kind --batch-classes 2 --batch-pictures 2 --steps 2 --out "$out/$kind" --quiet || report "a network with $kind" "cannot be trained"
    expect "where a network with $kind looks" 0 "" "over 2 pictures" attend "$a" "$out/shop/product-0002/view-01.png" --model "$out/$kind" --out "$out/$kind.png" --cell 64
    expect "its sheet is a picture" 0 "" "" convert "$out/$kind.png" --out "$out/copy.png"
done
# The entropy of self channel attention is logged for every step, inside recomputed blocks too, and for nothing else.
"$kin" train "$out/shop" --model resnet8 --size 32 --attention sca@block --recompute --batch-classes 2 --batch-pictures 2 --steps 2 --out "$out/again" --quiet
for run in sca@end again; do
    why=
    awk -F'"attention_entropy":' 'NF == 2 { sub("}.*", "", $2); if ($2 >= 0 && $2 <= 1) n++ } END { exit n != 2 }' "$out/$run/log.jsonl" || why=$(cat "$out/$run/log.jsonl")
    report "the entropy in the log of $run" "$why"
done
why=
grep -q attention_entropy "$out/none/log.jsonl" && why="is logged without self channel attention"
report "no entropy without self channel attention" "$why"
expect "any map by its name" 0 "" "in layer2" attend "$a" --model "$out/none" --tap layer2 --out "$out/tap.png"
expect "a tap that is not there" 2 "" 'no tap "layer9"' attend "$a" --model "$out/none" --tap layer9 --out "$out/x.png"
expect "a tap that is no map" 2 "" "is no map" attend "$a" --model "$out/none" --tap pooled --out "$out/x.png"
# With captions: an SVG names the pictures, the maps and their values; of several maps each has a column, of which each is what it is alone.
expect "a sheet with captions" 0 "" "in layer2,layer3" attend "$a" "$out/shop/product-0002/view-01.png" --model "$out/none" --tap layer2,layer3 --out "$out/two.svg" --cell 96
expect "of one of them" 0 "" "in layer3" attend "$a" "$out/shop/product-0002/view-01.png" --model "$out/none" --tap layer3 --out "$out/one.svg" --cell 96
why=
[ "$(grep -c '<image' "$out/two.svg")" = 6 ] || why="not so: $(grep -c '<image' "$out/two.svg") pictures"
for word in '>layer2<' '>layer3<' '>view-01.png<' '>product-0002<' '> to <' '>least<' 'class="ramp"'; do
    case $word in '> to <') word='[0-9] to [0-9]' ;; esac
    grep -q "$word" "$out/two.svg" || why="$why; no $word"
done
[ "$(grep -c '[0-9] to [0-9][^<]*</title>' "$out/two.svg")" = 4 ] || why="$why; not four pairs of values"
grep -o '<title>[0-9.e+-]* to [0-9.e+-]*<' "$out/one.svg" >"$out/one.values"
grep -o '<title>[0-9.e+-]* to [0-9.e+-]*<' "$out/two.svg" | awk 'NR % 2 == 0' | cmp -s - "$out/one.values" || why="$why; other values than alone"
report "what stands on it" "$why"
expect "several maps as a plain picture" 0 "" "over 1 pictures" attend "$a" --model "$out/none" --tap layer2,layer3 --out "$out/three.png" --cell 32
expect_text() { [ "$2" = "$3" ] && report "$1" "" || report "$1" "\"$2\", not \"$3\""; }
expect_text "it has a column each" "$(od -An -j16 -N8 -tu1 "$out/three.png" | tr -s ' ')" " 0 0 0 120 0 0 0 40"
expect "a difference of several" 2 "" "goes with one --tap" attend "$a" --model "$out/none" --tap layer2,layer3 --before layer1 --out "$out/x.svg"
expect "a name that is empty" 2 "" "one to 8 names" attend "$a" --model "$out/none" --tap layer2, --out "$out/x.svg"
expect "a network of the zoo without weights" 2 "" "needs --weights" attend "$a" --model resnet18 --out "$out/x.png"
expect "a broken picture" 1 "" "Makefile" attend Makefile --model "$out/none" --out "$out/x.png"
why=
[ -e "$out/x.png" ] && why="something was written"
report "nothing is written after a refusal" "$why"
exit $failed
