#!/bin/sh
# What is said on the command line is done or refused, never passed over: endings, options beside a run, sizes, resumed runs; and descriptors
# that say nothing.
set -u
about=options
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 6 --views 4 --size 24 --seed 4 --quiet
small="--size 24 --channels 3 --batch-classes 4 --batch-pictures 3 --quiet"
# shellcheck disable=SC2086
"$kin" train shop $small --model conv4 --width 8 --embedding 16 --steps 2 --out flat || bad "options: a run" "cannot be trained"
# shellcheck disable=SC2086
"$kin" train shop $small --model resnet8 --steps 0 --out pooled || bad "options: a pooled run" "cannot be trained"
a=shop/product-0001/view-01.png

# ---- endings ----
expect "attend writes no gif" 2 "" '"gif" is none of them' attend $a --model pooled --out s.gif
expect "attend writes what its ending says" 0 "" "s.jpg" attend $a --model pooled --out s.jpg --cell 64
[ "$(od -An -tx1 -N2 s.jpg | tr -d ' ')" = ffd8 ] && ok "options: a .jpg is a JPEG" || bad "options: a .jpg is a JPEG" "$(od -An -tx1 -N4 s.jpg)"
expect "augment writes no gif" 2 "" '"gif" is none of them' augment $a --recipe flip --out s.gif
mkdir sheet.d
expect "a name without an ending" 2 "" 'is none of them' augment $a --recipe flip --out sheet.d/s

# ---- names ----
expect "the beginning of a network's name" 2 "" "did you mean efficientnet_lite0?" embed shop --model efficientnet --out e
expect "no run of this name" 2 "" "neither a run, nor a checkpoint, nor a network 'rnu/x'" embed shop --model rnu/x --out e

# ---- beside a run ----
for option in "--weights x.safetensors" "--allow-missing fc.*" "--resize 32" "--filter box" "--normalize half"; do
    # shellcheck disable=SC2086
    expect "embed: ${option% *} beside a run" 2 "" "which has its own" embed shop --model pooled $option --out e
done
expect "embed: channels beside a run" 2 "" "--channels does nothing with --model pooled" embed shop --model pooled --channels 1 --out e
expect "embed: a filter for pixels" 2 "" "--filter does nothing with --model pixels" embed shop --model pixels --filter box --out e
expect "retrieve: a size without a network" 2 "" "--size is about pictures; give --model too" retrieve --gallery flat --size 24 --out ranks.csv
"$kin" embed shop --model pooled --out e24 --quiet && "$kin" embed shop --model pooled --size 40 --out e40 --quiet && "$kin" embed shop --model pooled --size 24 --out again --quiet
if cmp -s e24.npy e40.npy; then bad "options: another size is applied" "the same descriptors"; else ok "options: another size is applied"; fi
same "options: its own size changes nothing" e24.npy again.npy
expect "a size that the layers do not fit" 2 "" "was trained at 24, and its layers fit no other size" embed shop --model flat --size 48 --out e

# ---- one rule of the crop: what is trained from weights sees what is embedded with them ----
cp pooled/model.safetensors w.safetensors
"$kin" embed shop --model resnet8 --weights w.safetensors --size 24 --normalize none --allow-missing 'classifier.*' --out before --quiet || bad "options: embed with weights" "fails"
"$kin" train shop --model resnet8 --weights w.safetensors --size 24 --normalize none --batch-classes 4 --batch-pictures 3 --steps 0 --out fine --quiet || bad "options: train with weights" "fails"
"$kin" embed shop --model fine --out after --quiet
same "options: before and after fine-tuning are comparable" before.npy after.npy

# ---- as the network gives it ----
"$kin" embed shop --model pooled --output raw --out raw --quiet && "$kin" eval --gallery raw --json --quiet >raw.json && "$kin" eval --gallery e24 --json --quiet >unit.json
same "options: raw descriptors have the same directions" raw.json unit.json
if cmp -s raw.npy e24.npy; then bad "options: and other lengths" "unit vectors"; else ok "options: and other lengths"; fi

# ---- a picture to which the network has no answer ----
mkdir -p mixed/a mixed/b && cp shop/product-0001/view-0[12].png mixed/a && cp shop/product-0002/view-01.png mixed/b
{ printf 'P6 24 24 255\n'; head -c 1728 /dev/zero; } >mixed/b/black.ppm
expect "a descriptor of zeros is left out by name" 0 "" "1 of 4 pictures have a descriptor of zeros" embed mixed --model pooled --out mixed-e
expect "its name" 0 "" "the first: b/black" embed mixed --model pooled --out mixed-e
[ "$(wc -l <mixed-e.csv)" -eq 4 ] && ok "options: the others are written" || bad "options: the others are written" "$(cat mixed-e.csv)"
mkdir dark && cp mixed/b/black.ppm dark
"$kin" embed mixed --model pooled --cache kept --out mixed-e --quiet
expect "it counts among those of the cache" 0 "" "4 of 4 descriptors were in the cache" embed mixed --model pooled --cache kept --out mixed-e
expect "in kin retrieve, too" 0 "" "4 of 4 descriptors were in the cache" retrieve --gallery mixed --model pooled --cache kept --method none --top 2 --out mixed.lists
expect "nothing but zeros" 1 "" "the network has collapsed" embed dark --model pooled --out dark-e

# ---- a resumed run ----
steady="--size 24 --channels 3 --model conv4 --width 8 --embedding 16 --batch-classes 4 --batch-pictures 3 --schedule constant --quiet"
sum="multi-similarity(miner=ms,xbm=64) + proxy-anchor(rate=10) * .1"
# shellcheck disable=SC2086
"$kin" train shop $steady --loss "$sum" --steps 8 --out whole
# shellcheck disable=SC2086
"$kin" train shop $steady --loss "$sum" --steps 5 --out half
expect "--steps extends, and says so" 0 "" "from step 5 on the schedule is that of 8 steps, not of 5" train --resume half --steps 8 --lr 0.001
grep -q '"step":5,"steps":8,"steps_before":5' half/log.jsonl && ok "options: and logs it" || bad "options: and logs it" "$(tail -n 4 half/log.jsonl)"
same "options: with the bits of one run, memory and proxies too" whole/model.safetensors half/model.safetensors
expect "nor behind where it is" 1 "" "is at step 8 already, past the 6 of --steps" train --resume half --steps 6
expect "other options are refused by name" 2 "" "without --lr 0.01 (the run has 0.001), --seed 2 (the run has 1)" train --resume half --lr .01 --seed 2 --steps 9
expect "a flag too" 2 "" "without --flip" train --resume half --flip
cp -r shop moved && mv shop gone
expect "data that are elsewhere" 1 "" "--data DATA says where" train --resume half --steps 9
expect "are found again" 0 "" "the network is half/model.safetensors" train --resume half --steps 9 --data moved
rm moved/product-0003/view-02.png
expect "a picture less" 1 "" "23 pictures and 0 held out, where there were 24 and 0" train --resume half --steps 10 --data moved
cp moved/product-0003/view-01.png moved/product-0003/view-05.png
expect "another picture" 1 "" "other names or labels" train --resume half --steps 10 --data moved
rm moved/product-0003/view-05.png && cp gone/product-0003/view-02.png moved/product-0003 && mv moved/product-0003 moved/product-0003b
expect "another class" 1 "" "class 2 is 'product-0003b', where it was 'product-0003'" train --resume half --steps 10 --data moved
mv moved/product-0003b moved/product-0003 && mv moved/product-0006 sixth
expect "the last class less" 1 "" "class 5, 'product-0006', is missing" train --resume half --steps 10 --data moved
cp -r sixth moved/product-0006 && mv sixth moved/product-0007
expect "a class more" 1 "" "class 6, 'product-0007', is new" train --resume half --steps 10 --data moved
mv gone shop
expect "--data without --resume" 2 "" "--data goes with --resume" train shop --data moved --out no

# ---- batches that a small set has no room for ----
expect "fewer classes than a batch asks for by default" 0 "" "there are 6 classes, and each batch has all of them" train shop --size 24 --channels 3 --width 8 --steps 1 --out few
expect "unless they were asked for" 2 "" "cannot be drawn from 6 classes" train shop --size 24 --channels 3 --width 8 --steps 1 --batch-classes 7 --out no2
expect "fewer pictures" 0 "" "there are 24 pictures, and each batch has all of them" train shop --size 24 --channels 3 --width 8 --loss softmax --steps 1 --out few2
mkdir -p single && cp -r shop/product-000[1-3] single && rm single/product-0003/view-0[234].png
expect "a class of one picture is told" 0 "" "1 of 3 classes have one picture only, in which triplet-hard finds no pair" train single --size 24 --channels 3 --width 8 --steps 1 --out few3
expect "batches without a pair are told" 0 "" "no two pictures of the batch are of one class" train shop --size 24 --channels 3 --width 8 --sampler plain --batch 2 --steps 12 --out few4
expect "and counted" 0 "" "batches had nothing to compare" train shop --size 24 --channels 3 --width 8 --sampler plain --batch 2 --steps 12 --out few5 


# ---- options without a use ----
expect "an option that others leave nothing to do is told" 0 "" "--batch does nothing here; it goes with --sampler plain or balanced" train shop --size 24 --channels 3 --width 8 --steps 1 --batch 8 --out few6
expect "as a schedule's" 0 "" "--decay-every does nothing here; it goes with --schedule step" train shop --size 24 --channels 3 --width 8 --steps 1 --decay-every 8 --out few7
expect "lists under the name of an array" 2 "" "--out lists.npy: the lists are text, and would be read as an array by this name; --indices writes arrays" search --gallery mixed-e --out lists.npy
for command in rerank retrieve fuse; do expect "nor those of $command" 2 "" "the lists are text" $command --gallery mixed-e --out lists.npy; done
[ ! -e lists.npy ] && ok "options: and nothing is written" || bad "options: and nothing is written" "it is"
exit $failed
