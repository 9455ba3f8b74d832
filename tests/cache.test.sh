#!/bin/sh
# kin embed --cache: what comes from the folder has the bits that computing gives, whatever is in it, and whatever stopped the run that filled it.
set -u
about=cache
. tests/support/shell.sh
cd "$folder" || exit 1
"$kin" synth shop --products 30 --views 6 --size 24 --seed 4 --quiet >messages 2>&1
"$kin" train shop --model conv4 --width 16 --embedding 32 --size 24 --channels 3 --steps 2 --batch-classes 4 --batch-pictures 2 --out run --quiet >messages 2>&1
"$kin" train shop --model conv4 --width 16 --embedding 32 --size 24 --channels 3 --steps 3 --batch-classes 4 --batch-pictures 2 --out other --quiet >messages 2>&1
"$kin" embed shop --model run --out plain --quiet || bad "cache: embed without" "fails"

expect "an empty folder is filled" 0 "" "0 of 180 descriptors were in the cache" embed shop --model run --cache kept --out first
same "cache: the same bits while it is filled" plain.npy first.npy
expect "and answers" 0 "" "180 of 180 descriptors were in the cache" embed shop --model run --cache kept --out second
same "cache: the same bits from it" plain.npy second.npy
same "cache: the same names" plain.csv second.csv
expect "another network finds nothing there" 0 "" "0 of 180 descriptors" embed shop --model other --cache kept --out third
"$kin" embed shop --model other --out other_plain --quiet
same "cache: and computes its own" other_plain.npy third.npy
expect "some of the pictures, from a folder of another name" 0 "" "60 of 60 descriptors" embed shop --classes 10-19 --model run --cache kept --out part

"$kin" embed shop --classes 0,3,5-9,20-24 --model run --cache some --out part --quiet
expect "some known, some not" 0 "" "72 of 180 descriptors" embed shop --model run --cache some --out mixed
same "cache: the same bits from both" plain.npy mixed.npy
expect "kin retrieve uses it" 0 "" "shop: 180 of 180 descriptors were in the cache" retrieve --gallery shop --model run --cache some --top 5 --out ranks.csv

# Stopped in the middle: what was done is there, and the next run goes on.
"$kin" synth many --products 400 --views 6 --size 24 --seed 5 --quiet >messages 2>&1
"$kin" embed many --model run --out many_plain --quiet
"$kin" embed many --model run --cache cut --out many --threads 1 >messages 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q "embedding" messages && break; sleep 0.05; done
kill -INT $pid 2>/dev/null; wait $pid; got=$?
case $got in 0 | 130) ok "cache: stopped by a signal" ;; *) bad "cache: stopped by a signal" "status $got: $(cat messages)" ;; esac
expect "goes on after it" 0 "" "of 2400 descriptors were in the cache" embed many --model run --cache cut --out many
same "cache: the same bits after it" many_plain.npy many.npy

file=$(ls kept/*.npy | head -n 1)
for each in kept/*.npy; do head -c 3000 "$each" >"$each.cut" && mv "$each.cut" "$each"; done
expect "a file that is cut off" 1 "" "cut off" embed shop --model run --cache kept --out x
for each in kept/*.npy; do cp plain.npy "$each"; done
expect "a file without keys" 1 "" "does not begin with a key; delete the file" embed shop --model run --cache kept --out x
[ -n "$file" ] && echo "no numbers" >plainfile
expect "a folder that cannot be made" 1 "" "plainfile" embed shop --model run --cache plainfile --out x
expect "pixels need none" 2 "" "--cache is for networks" embed shop --model pixels --cache kept --out x
exit $failed
