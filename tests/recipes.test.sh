#!/bin/sh
# Recipes: every one of the program's parses and trains; the command line wins; phases are trained in turn, resumed wherever they were
# stopped with the same bits; what is wrong is named by file and line.
set -u
about=recipes
root=$PWD
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 6 --views 4 --size 32 --seed 4 --quiet || bad "recipes: a shop" "cannot be drawn"

# ---- the program's own ----

for file in "$root"/recipes/*.conf; do
    recipe=$(basename "$file" .conf)
    "$kin" recipes "$recipe" >shown && cmp -s shown "$file" && "$kin" recipes | grep -q "^$recipe " && ok "recipes: $recipe is shown as it is" || bad "recipes: $recipe is shown as it is" "differs"
    unsourced=$(grep -E '^[a-z-]+ = ' "$file" | grep -vc '#')
    [ "$unsourced" -eq 0 ] && ok "recipes: $recipe tells its sources" || bad "recipes: $recipe tells its sources" "$unsourced values have none"
    case $recipe in
    *-small) # two steps a phase, of batches that fit themselves to the shop
        expect "$recipe trains" 0 "" "model.safetensors" train shop --recipe "$recipe" --steps 2 --batch-pictures 2 --out "run-$recipe"
        "$kin" embed shop --model "run-$recipe" --out E --quiet && ok "recipes: $recipe embeds" || bad "recipes: $recipe embeds" "fails" ;;
    *) expect "$recipe stands" 1 "" "nowhere" train nowhere --recipe "$recipe" --out none ;;
    esac
done
[ ! -e none ] && ok "recipes: nothing is written without data" || bad "recipes: nothing is written without data" "there is a folder"

# ---- phases ----

cat >two.conf <<'CONF'
# two phases
model = resnet8    # small
size = 24
channels = 3
flip = yes
seed = 3

[phase classes]
loss = softmax
batch = 8
lr = 2e-3
steps = 6
save-every = 2

[phase metric]     # behind it
loss = triplet-hard
freeze = conv1.*,bn1.*
flip = no
batch-classes = 4
batch-pictures = 2
steps = 6
save-every = 2
CONF
expect "two phases" 0 "" "the network of the last phase is whole/model.safetensors" train shop --recipe two.conf --out whole
expect "the second begins with the first's network, its own loss aside" 0 "" "35 of 35 tensors from again/phase-metric/start.safetensors" train shop --recipe two.conf --out again --threads 1
for file in model.safetensors recipe.conf phase-classes/last.safetensors phase-metric/log.jsonl; do [ -s "whole/$file" ] && ok "recipes: the run has $file" || bad "recipes: the run has $file" "missing"; done
[ ! -e again/phase-metric/start.safetensors ] && ok "recipes: what a phase began with is not kept" || bad "recipes: what a phase began with is not kept" "it is"
same "recipes: the run's network is the last phase's" whole/model.safetensors whole/phase-metric/model.safetensors
same "recipes: the same bits with one thread" whole/phase-metric/log.jsonl again/phase-metric/log.jsonl
first() { "$kin" tensors "$1" | grep '^conv1.weight'; }
[ "$(first whole/phase-classes/model.safetensors)" = "$(first whole/phase-metric/model.safetensors)" ] && ok "recipes: what the second freezes is as the first left it" || bad "recipes: what the second freezes is as the first left it" "conv1 moved"
expect "a run of phases is a network like others" 0 "" "" embed shop --model whole --out W --quiet

# A recipe that begins with weights says all itself, resumed as well: what is not said are the plain defaults.
printf 'model = resnet8\nsize = 24\nchannels = 3\nbatch-classes = 4\nbatch-pictures = 2\nweights = whole/model.safetensors\n[phase a]\nsteps = 3\n[phase b]\nsteps = 3\n' >plainly.conf
"$kin" train shop --recipe plainly.conf --out plainly --quiet || bad "recipes: with weights" "cannot be trained"
cp -r plainly gently && rm -rf gently/phase-b gently/model.safetensors
expect "one with weights is resumed" 0 "" "phase b, 2 of 2" train --resume gently
same "recipes: as it began" plainly/phase-b/log.jsonl gently/phase-b/log.jsonl

# Stopped between the phases, and in the second; both come to the same bits.
rm -rf again/phase-metric again/model.safetensors
mtime=$(stat -c %y again/phase-classes/last.safetensors)
expect "resumed between phases" 0 "" "phase metric, 2 of 2" train --resume again
same "recipes: with the same bits" whole/phase-metric/log.jsonl again/phase-metric/log.jsonl
[ "$mtime" = "$(stat -c %y again/phase-classes/last.safetensors)" ] && ok "recipes: a finished phase is not repeated" || bad "recipes: a finished phase is not repeated" "it is"
# the one that is stopped in its second phase is watched, too, which the run remembers and which changes nothing
for phase in classes metric; do
    rm -rf halves
    watch=
    [ $phase = classes ] || watch=--watch
    # shellcheck disable=SC2086
    "$kin" train shop --recipe two.conf --steps 200 --out halves $watch --quiet >messages 2>&1 &
    pid=$!
    for _ in $(seq 1 300); do [ -s "halves/phase-$phase/last.safetensors" ] && break; sleep 0.1; done
    [ "$phase" = classes ] || expect "two trainings cannot write one run" 1 "" "another training writes this run" train --resume halves
    kill -TERM $pid 2>/dev/null
    wait $pid
    status=$?
    [ $status -eq 143 ] && grep -q "phase [a-z]*: stopped at step .* go on with: kin train --resume halves$" messages && ok "recipes: stopped in $phase, and told how to go on" || bad "recipes: stopped in $phase, and told how to go on" "status $status: $(cat messages)"
    expect "resumed in $phase" 0 "" "the network of the last phase" train --resume halves
    [ -e straight ] || "$kin" train shop --recipe two.conf --steps 200 --out straight --quiet
    same "recipes: stopped in $phase, the same log of $phase" straight/phase-$phase/log.jsonl halves/phase-$phase/log.jsonl
    "$kin" embed shop --model straight --out S --quiet && "$kin" embed shop --model halves --out H --quiet
    same "recipes: stopped in $phase, the same descriptors" S.npy H.npy
done
for phase in classes metric; do grep -q "It ended at step 200 of 200" halves/phase-$phase/watch.html && [ -s halves/phase-$phase/learning.svg ] && ok "recipes: the page of $phase" || bad "recipes: the page of $phase" "$(ls halves/phase-$phase)"; done
rm -rf halves && cp -r straight halves && rm -rf halves/phase-classes/last.safetensors
expect "nothing of the first phase was kept" 1 "" "begin again: kin train DATA --recipe halves/recipe.conf --out halves" train --resume halves

# Phases in the place of a run, killed at any moment: what goes on ends as what was not.
rm -rf halves old && "$kin" train shop --recipe two.conf --steps 9 --seed 5 --out old --watch --quiet
for wait in .02 .2 .5; do
    rm -rf halves && cp -r old halves
    "$kin" train shop --recipe two.conf --out halves --force --quiet >messages 2>&1 &
    pid=$!
    sleep $wait; kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null
    "$kin" train --resume halves --quiet >messages 2>&1 || "$kin" train shop --recipe two.conf --out halves --force --quiet 2>>messages
    why=
    for phase in classes metric; do cmp -s whole/phase-$phase/log.jsonl halves/phase-$phase/log.jsonl || why="$why $phase"; done
    # killed before it had begun: the run that was there is
    cmp -s old/recipe.conf halves/recipe.conf && cmp -s old/phase-classes/log.jsonl halves/phase-classes/log.jsonl && cmp -s old/phase-metric/log.jsonl halves/phase-metric/log.jsonl && why=
    [ -z "$why" ] && ok "recipes: in the place of a run, killed after $wait s" || bad "recipes: in the place of a run, killed after $wait s" "another log of$why: $(cat messages)"
done

# ---- the command line wins, and the run keeps what ran ----

grep -qx 'steps = 200  # said on the command line' straight/recipe.conf && [ "$(grep -c '^# said otherwise: steps = 6$' straight/recipe.conf)" -eq 2 ] && ok "recipes: what was typed is kept, and what it took the place of" || bad "recipes: what was typed is kept, and what it took the place of" "$(cat straight/recipe.conf)"
[ "$(wc -l <straight/phase-metric/log.jsonl)" -eq 200 ] && ok "recipes: the command line wins" || bad "recipes: the command line wins" "other steps"
expect "the kept recipe is a recipe" 0 "" "the network of the last phase is thrice/model.safetensors" train shop --recipe straight/recipe.conf --steps 6 --out thrice
same "recipes: of the same training" whole/phase-metric/log.jsonl thrice/phase-metric/log.jsonl
expect "a finished run is extended in its last phase" 0 "" "from step 6 on the schedule is that of 8 steps" train --resume thrice --steps 8
[ "$(grep -c '"loss"' thrice/phase-classes/log.jsonl)" -eq 6 ] && ok "recipes: and in no other" || bad "recipes: and in no other" "$(wc -l <thrice/phase-classes/log.jsonl)"
expect "other options are refused in a phase that has begun" 2 "" "without --lr 0.5 (the run has 0.001)" train --resume thrice --lr .5
rm -rf thrice/phase-metric
expect "and in one that has not" 2 "" "without --lr 0.5 (the run has 0.001)" train --resume thrice --lr .5
mv shop elsewhere
expect "--data holds for all phases that follow" 0 "" "the network of the last phase" train --resume thrice --data elsewhere
mv elsewhere shop
printf 'model = resnet8\nsize = 24\nchannels = 3\nbatch-classes = 4\nbatch-pictures = 2\nvalidate = .3\nsteps = 2\n' >plain.conf
printf 'product-0001\nproduct-0002\n' >held
expect "a recipe without phases is a training" 0 "" "the network is plain/model.safetensors" train shop --recipe plain.conf --validate-list held --batch-classes 3 --out plain
grep -qx '# said otherwise: validate = .3' plain/recipe.conf && ok "recipes: one way to hold out takes the place of another" || bad "recipes: one way to hold out takes the place of another" "$(cat plain/recipe.conf)"
expect "and goes on like one" 0 "" "the network is plain/model.safetensors" train --resume plain --steps 3
expect "a run without a recipe in its place" 0 "" "" train shop --size 24 --channels 3 --width 8 --steps 1 --batch-classes 4 --out plain --force --quiet
[ ! -e plain/recipe.conf ] && ok "recipes: does not keep the other's" || bad "recipes: does not keep the other's" "it does"
expect "phases in the place of a run" 0 "" "" train shop --recipe two.conf --steps 1 --out plain --force --quiet
[ ! -e plain/last.safetensors ] && ok "recipes: leave nothing of it to resume" || bad "recipes: leave nothing of it to resume" "its state stays"
expect "nor a log to be compared" 2 "" "plain is a training in phases" compare plain

# ---- what is wrong ----

expect "a recipe that there is not" 2 "" "there is no recipe 'bfr' (did you mean bfe?)" train shop --recipe bfr --out no
expect "a file that there is not" 1 "" "none.conf" train shop --recipe none.conf --out no
expect "with --resume" 2 "" "leave out DATA, --out and --recipe" train --resume whole --recipe bfe
wrong() { # NAME TEXT LINES: the message has TEXT
    printf -- "$3" >w.conf
    expect "$1" 2 "" "$2" train shop --recipe w.conf --out no
}
wrong "an unknown option" "w.conf:2: unknown option --stepps (did you mean --steps?)" 'size = 24\nstepps = 3\n'
wrong "a value that is none" "w.conf:1: --lr needs a number of at least 1e-12, not 'fast'" 'lr = fast # soon\n'
wrong "a choice" "w.conf:3: --model is one of" '\n# a\nmodel = resnet21\n'
wrong "a flag" "w.conf:1: --flip is yes or no, not '1'" 'flip = 1\n'
wrong "no value" "w.conf:1: 'lr' has no value" 'lr = # .1\n'
wrong "no setting" "w.conf:2: 'train' is no setting" 'size = 24\ntrain\n'
wrong "dashes" "w.conf:1: options stand here without their dashes" '--lr = 1\n'
wrong "a setting twice" "w.conf:3: lr was said already, at line 1" 'lr = 1\n\nlr = 2\n'
wrong "a run's folder" "w.conf:1: out belongs to the command line" 'out = r\n'
wrong "a section of another kind" "w.conf:1: '[model]' is no beginning of a phase" '[model]\n'
wrong "a name that is no folder's" "a phase's name is of up to 39" '[phase ../a]\n'
wrong "a phase twice" "w.conf:3: there is a phase a already, at line 1" '[phase a]\nlr = 1\n[phase a]\n'
wrong "an open quote" "w.conf:1: the closing quote is missing" 'augment = "flip\n'
wrong "a loss that there is not" "w.conf:2: " 'size = 24\nloss = triplet-hart\n'
wrong "an option of no term" "w.conf:2: --smoothing: the loss triplet-hard has no option" 'size = 24\nsmoothing = .1\n'
wrong "settings that contradict, in the second phase" "w.conf:6: --validate" '[phase a]\nsteps = 1\n[phase b]\nsteps = 1\nvalidate = .1\nvalidate-fold = 1/3\n'
wrong "another network in the second phase" "w.conf:3: the phases a and b differ in model" '[phase a]\n[phase b]\nmodel = resnet8\n'
wrong "transforms to another size, in the second" "w.conf:4: phase b: augment makes pictures of 32 x 32 (width x height) where size is 24 x 24" '[phase a]\n[phase b]\nsize = 24\naugment = rrc(32)\n'
wrong "weights in the second phase" "w.conf:3: weights are what the first phase begins with" '[phase a]\n[phase b]\nweights = x.pth\n'
wrong "a phase that freezes everything" "w.conf:4: phase b: every parameter is frozen" 'size = 24\n[phase a]\n[phase b]\nfreeze = *\n'
wrong "a pattern that matches nothing" "w.conf:3: phase b: the pattern 'layer9.*' matches no parameter" '[phase a]\n[phase b]\nfreeze = layer9.*\n'
wrong "a map that is too small" "w.conf:4: phase b: the head bfe erases" 'model = resnet18\n[phase b]\nsize = 32\nhead = bfe\n'
[ ! -e no ] && ok "recipes: nothing is written for a recipe that is wrong" || bad "recipes: nothing is written for a recipe that is wrong" "there is a folder"
printf 'lr = 1\0\n' >zero.conf
expect "a file that is no text" 1 "" "zero.conf: is no text" train shop --recipe zero.conf --out no
printf '\357\273\277size = 24\r\nchannels = 3\r\nmodel="resnet8" # quoted\r\nsteps=0' >dos.conf
expect "marks, CR and quotes of other editors" 0 "" "resnet8 with" train shop --recipe dos.conf --out dos

# ---- ended before its first step was kept ----
printf 'size = 16\nwidth = 4\nembedding = 4\nbatch-classes = 3\nbatch-pictures = 2\nsteps = 1\n[phase one]\n[phase two]\nlr = .0001\n' >short.conf
mkdir killed && cp short.conf killed/recipe.conf
expect "which is begun again without a word of force" 0 "" "" train shop --recipe short.conf --out killed --quiet
expect "but not where there is something to go on with" 2 "" "killed holds a run" train shop --recipe short.conf --out killed --quiet

exit $failed
