#!/bin/sh
# kin backbones: frozen networks ranked on held-out classes, resumed by row.
set -u
cd "$(dirname "$0")/.." || exit 1
about=backbones
. tests/support/shell.sh

"$kin" synth "$folder/shop" --products 8 --views 3 --size 32 --seed 1 >/dev/null
"$kin" train "$folder/shop" --model resnet8 --channels 3 --size 32 --batch-classes 4 --batch-pictures 2 --steps 2 --out "$folder/run" --quiet >/dev/null 2>&1 || bad "backbones: a run" "it failed"
mkdir "$folder/weights"
cp "$folder/run/model.safetensors" "$folder/weights/a.safetensors"
cp "$folder/run/model.safetensors" "$folder/weights/same.safetensors"
cp tests/golden/pth/wheel.whl "$folder/weights/none.whl"
echo text >"$folder/weights/LICENSE"
set -- backbones "$folder/shop" --weights "$folder/weights" --random resnet8,conv4 --validate .5 --cache "$folder/cache"

"$kin" "$@" --csv "$folder/table.csv" >"$out/first" 2>"$out/err"
why=
[ $? -eq 0 ] || why="it failed: $(cat "$out/err")"
[ "$(wc -l <"$folder/table.csv")" -eq 4 ] || why="$why; not three rows"
grep -q "12 pictures of 4 classes" "$out/first" || why="$why; other pictures than the last half of the classes"
sed 1d "$folder/table.csv" | cut -d , -f 3 | sort -r -n -c 2>/dev/null || why="$why; not by mAP"
report "networks are ranked on the last half of the classes" "$why"
report "a row of the CSV has all columns" "$(awk -F, 'NR == 1 { n = NF; for (i = 1; i <= n; i++) if ($i == "macs") m = i } NF != n { print "not " n " columns: " $0 } NR > 1 && !($m > 1e6) { print "macs is " $m }' "$folder/table.csv" | head -n 1)"
why=
grep -q "same.safetensors holds the same numbers as .*a.safetensors" "$out/err" || why="not told"
grep -q "left out: .*none.whl: fits no network" "$out/err" || why="$why; what fits no network is not told"
report "one network in two files stands there once, and what is none is told" "$why"
"$kin" "$@" >"$out/second" 2>"$out/err"
why=
cmp -s "$out/first" "$out/second" || why="another table"
grep -q "3 of 3 rows were in the cache" "$out/err" || why="$why; computed anew"
report "again: every row is in the cache" "$why"
"$kin" "$@" --random resnet8,conv4,resnet20 >/dev/null 2>"$out/err"
grep -q "3 of 4 rows were in the cache" "$out/err" && why= || why="not so: $(tail -n 1 "$out/err")"
report "one more costs only itself" "$why"
for row in "$folder"/cache/backbone-*.json; do echo '{"ap": [1]}' >"$row"; done
expect "a row that is none is named" 1 "" "is no row of kin backbones; delete it" "$@"
rm "$folder"/cache/backbone-*.json
"$kin" "$@" >/dev/null 2>&1
victim=$(find "$folder/shop" -name '*.png' | LC_ALL=C sort | tail -n 1)
cp -p "$victim" "$folder/kept.png"
cp "$(find "$folder/shop" -name '*.png' | LC_ALL=C sort | head -n 1)" "$victim"
expect "another picture under the same name is no row of the cache" 0 "12 pictures of 4 classes" "0 of 3 rows were in the cache" "$@"
cp -p "$folder/kept.png" "$victim"

# Two networks in one archive are two rows, in the cache as well.
if command -v python3 >/dev/null; then
    "$kin" train "$folder/shop" --model resnet8 --channels 3 --size 32 --batch-classes 4 --batch-pictures 2 --steps 2 --seed 2 --out "$folder/run2" --quiet >/dev/null 2>&1
    python3 - "$folder" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/two.zip", "w") as z:
    z.write(sys.argv[1] + "/run/model.safetensors", "a.safetensors")
    z.write(sys.argv[1] + "/run2/model.safetensors", "b.safetensors")
PY
    for time in first again; do "$kin" backbones "$folder/shop" --weights "$folder/two.zip:a.safetensors,$folder/two.zip:b.safetensors" --cache "$folder/cache-two" --json >"$out/two-$time" 2>"$out/err"; done
    why=
    grep -q "2 of 2 rows were in the cache" "$out/err" || why="not so: $(tail -n 1 "$out/err")"
    [ "$(sed -n 's/.*"network": .*"mAP": \([0-9.]*\), "low".*/\1/p' "$out/two-again" | sort -u | wc -l)" -eq 2 ] || why="$why; one figure for two"
    report "two networks of one archive" "$why"
else echo "skip $about: two networks of one archive: no python3"; fi

# A row's mAP is what embed and eval say of the same network and pictures.
"$kin" embed "$folder/shop" --model "$folder/run" --classes 4- --out "$folder/e" --quiet
"$kin" eval --gallery "$folder/e" | awk '/^mAP / { print $2; exit }' >"$out/eval"
"$kin" backbones "$folder/shop" --weights "$folder/weights/a.safetensors" --classes 4- --json >"$out/json" 2>/dev/null
sed -n 's/.*"mAP": \([0-9.]*\).*/\1/p' "$out/json" | head -n 1 | awk '{ printf "%.4f\n", $1 }' >"$out/row"
same "backbones: a row is what embed and eval say" "$out/eval" "$out/row"
expect "neither --weights nor --random" 2 "" "give --weights DIR, --random NAMES or both" backbones "$folder/shop"
expect "a folder without weights" 1 "" "no file in it is of a network" backbones "$folder/shop" --weights "$folder/shop"
expect "an unknown network" 2 "" "did you mean resnet56?" backbones "$folder/shop" --random resnet51
expect "no classes" 1 "" "all pictures are of one class" backbones "$folder/shop" --labels folder --classes 0 --random conv4

# Whether the order holds after training: a row a network, nothing trained twice.
study() { KIN=$kin STEPS=2 SIZE=24 BATCH=${BATCH:-8} examples/backbones.sh "$folder/shop" 0-3 4-7 "$folder/study" "$folder/weights/none.whl,tests/golden/pth/wheel.whl" resnet8,conv4 >"$out/said" 2>"$out/err" || bad "backbones: the study" "$(tail -n 1 "$out/err")"; }
study
why=
[ "$(wc -l <"$folder/study/rows.csv")" -eq 3 ] || why="not two rows"
grep -q "^Spearman of both orders over 2 networks: -*[01].00; as much by chance: " "$out/said" || grep -q "all alike" "$out/said" || why="$why; $(tail -n 1 "$out/said")"
report "frozen and trained orders are compared" "$why"
cp "$out/said" "$out/before"
study
same "backbones: the study again" "$out/before" "$out/said"
BATCH=4 study
report "another training is another row" "$([ "$(grep -c '^backbones: ' "$out/err")" -eq 2 ] || echo "$(grep -c '^backbones: ' "$out/err") trainings")"
: >"$out/err"
study
report "... trains nothing twice" "$(grep '^backbones: ' "$out/err" | head -n 1)"
exit $failed
