#!/bin/sh
# kin embed --names: what a classifier calls each picture, by the names of the classes that it was trained on.
set -u
cd "$(dirname "$0")/.." || exit 1
about=names
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 5 --views 6 --size 32 --seed 3 --quiet
mv shop/product-0002 "shop/a bag, red"
"$kin" train shop --classes 0-3 --size 32 --channels 3 --loss softmax --batch 16 --steps 30 --out run --quiet || report "a classifier" "cannot be trained"
expect "pictures are called by words" 0 "" "of 24 pictures of classes that the network knows" embed shop --model run --output prediction --names said.csv --out p
why=
[ "$(head -n 1 said.csv)" = id,predicted,probability,label ] || why="another head: $(head -n 1 said.csv)"
[ "$(wc -l <said.csv)" = 31 ] || why="$why; $(wc -l <said.csv) lines"
right=$(awk -F, 'NR > 1' said.csv | sed 's/"a bag, red"/bag/g' | awk -F, '$2 == $4' | wc -l)
[ "$right" -ge 16 ] || why="$why; only $right of 24 are right"
grep -q '"a bag, red"' said.csv || why="$why; a name with a comma is not quoted"
# the column of the row that is not 0 is the class's place in sorted order: "a bag, red" is the first
"$kin" embed shop --model run --output probabilities --names - --out q --quiet >again.csv
cmp -s said.csv again.csv || why="$why; probabilities give other names"
report "what stands there" "$why"
expect "an embedding has no name" 2 "" "an embedding has no name" embed shop --model run --names x.csv --out y
expect "nor have pixels" 2 "" "--names does nothing with --model pixels" embed shop --model pixels --names x.csv --out y
"$kin" train shop --classes 0-3 --size 32 --channels 3 --loss triplet-hard --batch-classes 4 --steps 2 --out metric --quiet
expect "nor a network without a classifier" 2 "" "trained with --loss softmax" embed shop --model metric --output prediction --names x.csv --out y
if [ -e x.csv ] || [ -e y.npy ]; then report "nothing is written after a refusal" "something is there"; else report "nothing is written after a refusal" ""; fi
exit $failed
