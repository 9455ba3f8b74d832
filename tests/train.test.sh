#!/bin/sh
# The commands as a person types them: draw, train, interrupt, resume, embed, search, re-rank, judge; and what they refuse.
set -u
about=train
. tests/support/shell.sh
cd "$folder" || exit 1

runs() { # NAME COMMAND...
    name=$1; shift
    if out=$("$@" 2>&1); then ok "$name"; else bad "$name" "$out"; fi
}
refuses() { # NAME STATUS TEXT COMMAND...: one line on standard error, with TEXT
    name=$1 status=$2 text=$3; shift 3
    out=$("$@" 2>&1 >/dev/null); got=$?
    lines=$(printf '%s\n' "$out" | grep -vc '^kin [a-z]*: .*parameters\|^training\|^reading\|^embedding')
    case $out in
    *"$text"*) [ "$got" -eq "$status" ] && [ "$lines" -eq 1 ] && ok "$name" || bad "$name" "status $got, $lines lines: $out" ;;
    *) bad "$name" "status $got: $out" ;;
    esac
}

small="--model conv4 --width 16 --embedding 32 --size 24 --channels 3 --batch-classes 6 --batch-pictures 3 --flip --shift 2 --light 0.1 --erase 0.2 --ema 0.9 --validate 0.25 --validate-every 20 --save-every 20"

runs "synth draws a shop" "$kin" synth shop --products 16 --views 5 --size 24 --seed 4
"$kin" synth again --products 16 --views 5 --size 24 --seed 4 --threads 1 --quiet
same "synth: same seed, same bytes" shop/product-0007/view-03.png again/product-0007/view-03.png

# shellcheck disable=SC2086
runs "train" "$kin" train shop $small --steps 60 --out whole --threads 2
for file in model.safetensors last.safetensors log.jsonl curve.svg; do [ -s "whole/$file" ] && ok "train writes $file" || bad "train writes $file" "missing"; done
why=
for part in ">training step<" ">loss<" ">mAP<" ">R@1<" ">on held-out classes<"; do grep -qF "$part" whole/curve.svg || why="$why; lacks $part"; done
[ "$(grep -oF 'M' whole/curve.svg | wc -l)" -gt 8 ] || why="$why; no points of validation"
report "curve.svg shows the loss and validation, with titled axes" "$why"

out=$folder # expect's
# what is there is not begun anew unasked
cp whole/model.safetensors kept.weights
expect "a run is not overwritten" 2 "" "--force begins anew in its place" train shop --size 24 --steps 2 --out whole
same "and is as it was" kept.weights whole/model.safetensors
mkdir forced; cp whole/last.safetensors forced/
expect "unless told" 0 "" "for 24 x 24 in grey" train shop --size 24 --width 8 --batch-classes 4 --steps 2 --out forced --force
"$kin" train shop --size 24 --width 8 --batch-classes 4 --steps 2 --out grey >grey.out 2>&1
grep -q "the pictures have colours" grey.out && grep -q "nothing was held out; --validate .2" grey.out && ok "train: grey of colours, and no validation, are told" || bad "train: grey of colours, and no validation, are told" "$(cat grey.out)"
expect "judged on what it was trained on" 0 "R@1" "16 of these 16 classes have names that the network was trained on" embed shop --model grey --out own --judge
expect "a run's tensors" 0 "arrays" "" tensors grey
expect "no page over a script" 2 "" "is no page" search --gallery own --html kept.weights --out found.csv
same "and the file is as it was" kept.weights whole/model.safetensors

# watched, a training is the same, and leaves a page that stands still and a drawing that moves
# shellcheck disable=SC2086
runs "train --watch" "$kin" train shop $small --steps 60 --out watched --threads 2 --watch
for file in model.safetensors last.safetensors log.jsonl; do same "train --watch changes no bit of $file" whole/$file watched/$file; done
why=
grep -q 'http-equiv="refresh"' watched/watch.html && why="; it loads itself anew for ever"
for part in "It ended at step 60 of 60" "The hardest triplet" "The embedding at step 60" "How it came to be" ">on held-out classes<"; do
    grep -qF "$part" watched/watch.html || why="$why; lacks $part"
done
[ "$(grep -o '<animateTransform' watched/learning.svg | wc -l)" -eq 20 ] || why="$why; not every held-out picture moves"
grep -q ">step 60: mAP " watched/learning.svg || why="$why; no figure at the last map"
report "train --watch leaves a page and how the map came to be" "$why"
"$kin" train shop $small --steps 100000 --out unwatched --threads 2 --watch >/dev/null 2>&1 &
pid=$!
for _ in $(seq 400); do [ -s unwatched/watch.html ] && break; sleep 0.05; done
grep -q 'http-equiv="refresh" content="5"' unwatched/watch.html && ok "train --watch: the page loads itself anew while it goes on" || bad "train --watch: the page loads itself anew while it goes on" "$(head -c 300 unwatched/watch.html)"
kill -TERM $pid; wait $pid
grep -q 'It ended at step' unwatched/watch.html && ! grep -q refresh unwatched/watch.html && ok "train --watch: stopped, the page stands still" || bad "train --watch: stopped, the page stands still" "$(head -c 300 unwatched/watch.html)"
# shellcheck disable=SC2086
runs "train anew, unwatched" "$kin" train shop $small --steps 1 --out unwatched --quiet --force
[ -e unwatched/watch.html ] || [ -e unwatched/learning.svg ] && bad "train: no page of an earlier run stays" "$(ls unwatched)" || ok "train: no page of an earlier run stays"
# shellcheck disable=SC2086
"$kin" train shop $small --steps 60 --out serial --threads 1 --quiet
same "train: the same bits with one thread" whole/last.safetensors serial/last.safetensors

# shellcheck disable=SC2086
"$kin" train shop $small --steps 60 --out halves --quiet >messages 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    [ -s halves/log.jsonl ] && break
    sleep 0.1
done
# A shell without job control starts background jobs deaf to SIGINT; SIGTERM is taken the same way.
kill -TERM $pid 2>/dev/null
wait $pid
status=$?
if [ $status -eq 143 ]; then
    grep -q "go on with: kin train --resume halves" messages && ok "train: an interrupted run says how to go on" || bad "train: an interrupted run says how to go on" "$(cat messages)"
else
    [ $status -eq 0 ] && ok "train: finished before the signal came" || bad "train: interrupted" "status $status: $(cat messages)"
fi
runs "train: resume" "$kin" train --resume halves --quiet
same "train: a resumed run ends with the same bits" whole/last.safetensors halves/last.safetensors
same "train: and the same log" whole/log.jsonl halves/log.jsonl

# The first layer and all statistics stand still; the settings travel in the checkpoint.
tuned="$small --freeze features.0.* --freeze-bn --lr-scale embedding.*=0.1 --no-decay *.conv.weight --weight-decay 0.1 --quiet"
set -f
# shellcheck disable=SC2086
runs "train with frozen layers" "$kin" train shop $tuned --steps 40 --out tuned
# shellcheck disable=SC2086
"$kin" train shop $tuned --steps 40 --out tuned-again >/dev/null 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -s tuned-again/log.jsonl ] && break
    sleep 0.1
done
kill -TERM $pid 2>/dev/null
wait $pid
set +f
[ -s tuned-again/last.safetensors ] && "$kin" train --resume tuned-again --quiet
same "train: frozen layers, resumed with the same bits" tuned/last.safetensors tuned-again/last.safetensors
refuses "train: a pattern that matches nothing" 2 "'layer9.*' matches no parameter" "$kin" train shop --size 24 --channels 3 --freeze 'layer9.*' --out r
refuses "train: a factor that is none" 2 "is not PATTERN=FACTOR" "$kin" train shop --size 24 --channels 3 --lr-scale 'embedding.*' --out r

# shellcheck disable=SC2086
runs "train with recomputed blocks" "$kin" train shop $small --steps 40 --recompute --quiet --out recomputed
# shellcheck disable=SC2086
runs "train without" "$kin" train shop $small --steps 40 --quiet --out kept
"$kin" embed shop --model kept --out K --quiet && "$kin" embed shop --model recomputed --out R --quiet
same "train: recomputed blocks change no bit of the descriptors" K.npy R.npy

# shellcheck disable=SC2086
runs "train with a neck" "$kin" train shop $small --steps 20 --neck --quiet --out necked
"$kin" tensors necked/model.safetensors | grep -q bnneck.running_var && ok "train: the neck's statistics are in the checkpoint" || bad "train: the neck's statistics are in the checkpoint"
runs "embed behind a neck" "$kin" embed shop --model necked --out N
refuses "show: a neck behind the network's own classifier" 2 "the neck stands behind an embedding" "$kin" show resnet18 --neck --classes 10

runs "embed" "$kin" embed shop --model whole --out E
runs "embed without a network" "$kin" embed shop --model histogram --out H
head -n 1 E.csv | grep -qx "id,label,path" && ok "embed names its rows" || bad "embed names its rows" "$(head -n 1 E.csv)"
runs "search" "$kin" search --gallery E --top 10 --out ranks.csv
runs "search by FAISS's layout" "$kin" search --gallery E.npy --top 10 --indices I.npy --distances D.npy
runs "rerank" "$kin" rerank --gallery E --top 79 --k1 5 --k2 2 --lambda 0.3 --expand 2 --out better.csv
runs "check" "$kin" check ranks.csv --gallery E
runs "eval" "$kin" eval better.csv --gallery E
"$kin" eval --gallery E --json | grep -q '"mAP": 0\.' && ok "eval of descriptors" || bad "eval of descriptors" "no mAP"
sed 's/^\([^,]*\),\([^ ]*\) /\1,\2 \2 /' ranks.csv >twice.csv
refuses "check: an id twice" 1 "line 2" "$kin" eval twice.csv --gallery E
"$kin" check twice.csv --gallery E >problems 2>&1; [ $? -eq 1 ] && [ "$(grep -c 'is listed twice' problems)" -gt 10 ] && ok "check lists all it finds" || bad "check lists all it finds" "$(head -n 3 problems)"
sed 3d ranks.csv >missing.csv
refuses "check: a query is missing" 1 "has no list" "$kin" eval missing.csv --gallery E

mkdir empty one one/a single single/a single/b
cp shop/product-0001/view-0*.png one/a
cp shop/product-0001/view-01.png single/a; cp shop/product-0002/view-01.png single/b
refuses "train: an empty folder" 1 "holds no pictures" "$kin" train empty --out r
refuses "train: one class" 1 "has no classes: all pictures lie in one folder" "$kin" train one --out r
refuses "train: one picture a class" 1 "one picture only" "$kin" train single --out r
refuses "train: the loss becomes NaN" 1 "lower" "$kin" train shop --width 8 --size 24 --channels 3 --batch-classes 4 --steps 50 --lr 1e30 --optimizer sgd --out r
refuses "train: an unknown option" 2 "did you mean --steps" "$kin" train shop --step 3 --out r
refuses "train: nothing to resume" 1 "nowhere/last.safetensors" "$kin" train --resume nowhere
refuses "embed: no such run" 2 "neither a run, nor a checkpoint, nor a network 'nowhere'" "$kin" embed shop --model nowhere --out F
head -c 5000 whole/model.safetensors >cut.safetensors
refuses "embed: a truncated checkpoint" 1 "truncated" "$kin" embed shop --model cut.safetensors --out F
"$kin" train shop --width 8 --size 24 --channels 3 --batch-classes 4 --steps 0 --out other --quiet
mkdir mixed
# A checkpoint whose notes promise another network than its numbers: the differences are listed.
sed 's/"kin.width":"8"/"kin.width":"9"/' other/model.safetensors >mixed/model.safetensors
refuses "embed: a checkpoint of another network" 1 "features.0.conv.weight" "$kin" embed shop --model mixed --out F
# What notes say is of anybody's making: as many characters, elsewhere.
"$kin" train shop --width 8 --size 24 --channels 3 --batch-classes 4 --steps 0 --seed 1000000000000 --out other --force --quiet
for swap in batch-classes:4:0 batch-pictures:4:0 batch-classes:4:4000000000000 resize:0:1000000000000 shift:0:1000000000000 cache-side:0:1000000000000; do
    note=${swap%%:*} value=${swap##*:} was=${swap#*:}; was=${was%:*}
    [ ${#value} -eq 1 ] && seed=1000000000000 || seed=1
    sed "s/\"kin.$note\":\"$was\"/\"kin.$note\":\"$value\"/; s/\"kin.seed\":\"1000000000000\"/\"kin.seed\":\"$seed\"/" other/last.safetensors >mixed/last.safetensors
    cp other/log.jsonl mixed
    refuses "train: notes that say $note $value" 1 "impossible sizes" "$kin" train --resume mixed --steps 2
done
head -c 300 shop/product-0001/view-01.png >one/a/broken.png
mkdir one/b; cp shop/product-0002/view-0*.png one/b
"$kin" embed one --model whole --out F 2>&1 | grep -q "broken.png" && ok "embed: a truncated PNG is named and left out" || bad "embed: a truncated PNG" "not named"
refuses "embed --strict refuses it" 1 "broken.png" "$kin" embed one --model whole --out F --strict
refuses "embed: where nothing can be written" 1 "/proc" "$kin" embed shop --model whole --out /proc/none/E
