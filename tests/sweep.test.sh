#!/bin/sh
# kin sweep: trials that stop and go on with the bits of those that did not, a journal that any kill leaves whole, recipes that give what
# was found, time that is kept, and what is wrong named by file and line.
set -u
about=sweep
root=$PWD
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 8 --views 4 --size 16 --seed 4 --quiet || bad "sweep: a shop" "cannot be drawn"
cat >space.conf <<'CONF'
# a search for seconds
model = conv4
size = 16
channels = 3
width = choice(4, 8)             # whatever it is
lr = log(1e-4, 3e-2)
loss = choice(softmax, triplet-hard(margin=.3))
smoothing = uniform(0, .2)       # softmax's alone
batch-classes = 3
batch-pictures = 2
steps = 9

[chain]
expand = uniform(0, 2)
k1 = choice(0, 4)
k2 = 1
CONF
run="space.conf shop --trials 5 --seeds 2"
# what does not depend on the clock
timeless() { sed -e '/"paused"/d' -e 's/,"steps":[0-9]*,"seconds":.*//' -e '/"failed"/s/,"seconds":.*//' "$1/journal.jsonl"; }

# ---- a search ----

expect "a search" 0 "trial    step     mAP  width" "the best so far" sweep $run --out whole
expect "ends with what other seeds say" 0 "(2 seeds)" "" sweep --report whole --quiet
expect "and whether the first two differ" 0 "(95 %)" "" sweep --report whole --quiet
expect "for programs" 0 '"importance": {"width": {"share": ' "" sweep --report whole --json --quiet
grep -q '^lr = .*# of log(1e-4, 3e-2)$' whole/best.conf && ok "sweep: the best so far is a recipe" || bad "sweep: the best so far is a recipe" "$(cat whole/best.conf)"
best=$("$kin" sweep --report whole | awk 'NR == 2 { print $1, $2 }')
chosen=whole/trial-000${best% *}
expect "which kin train takes" 0 "" "" train shop --recipe whole/best.conf --out again --quiet
if [ "${best#* }" -eq 9 ]; then same "sweep: a trial that is finished has the bits of that run" "$chosen/model.safetensors" again/model.safetensors
else bad "sweep: a trial that is finished has the bits of that run" "the best one stopped at step ${best#* }"; fi
grep -q '"method": "' whole/best.json && ok "sweep: with the chain behind it" || bad "sweep: with the chain behind it" "$(cat whole/best.json)"
"$kin" embed shop --model again --out E --quiet
expect "as kin retrieve takes it" 0 "id,images" "" retrieve --gallery E --params whole/best.json --top 3 --quiet
[ "$(grep -c '<circle' whole/report.html)" -gt 0 ] && grep -q 'Better, or luckier' whole/report.html && ok "sweep: a page" || bad "sweep: a page" "lacks something"
if grep -qE '<script|://|@import|url\(' whole/report.html; then bad "sweep: that loads nothing" "it does"; else ok "sweep: that loads nothing"; fi
# the figure is what the commands make of the network that is kept, on the classes that were held out
"$kin" embed shop --classes 6- --model "$chosen" --out H --quiet && "$kin" retrieve --gallery H --params whole/best.json --out H.lists --quiet
want=$("$kin" eval H.lists --gallery H | awk '$1 == "mAP" { print $2 }' | cut -c 1-6)
got=$("$kin" sweep --report whole | awk 'NR == 2 { print $3 }')
[ -n "$want" ] && [ "$want" = "$got" ] && ok "sweep: its figure is that of kin retrieve and kin eval" || bad "sweep: its figure is that of kin retrieve and kin eval" "$got, not $want"
grep -q '^# smoothing: the loss has none$\|^loss = softmax' whole/best.conf && ok "sweep: what a loss does not have is left out" || bad "sweep: what a loss does not have is left out" "$(cat whole/best.conf)"
timeless whole >whole.lines
expect "checkpoints of a few alone" 0 '"best": ' "" sweep $run --out few --keep 2 --quiet --json --html few.html
timeless few | cmp -s - whole.lines && [ "$(ls -d few/trial-*/last.safetensors | wc -l)" -eq 2 ] && ok "sweep: give the same" || bad "sweep: give the same" "$(ls few/*)"
expect "what is finished stays" 0 "trial" "" sweep $run --out whole --quiet
timeless whole | cmp -s - whole.lines && ok "sweep: and nothing is done again" || bad "sweep: and nothing is done again" "the journal grew"
expect "random search is one rung" 0 "    9  " "" sweep space.conf shop --trials 2 --seeds 0 --method random --out random --quiet

expect "the example's space stands" 1 "" "nowhere" sweep "$root/examples/sweep.conf" nowhere --trials 1 --out none
[ "$(grep -E '^[a-z0-9-]+ = ' "$root/examples/sweep.conf" | grep -vc ' # ')" -eq 0 ] && [ ! -e none ] && ok "sweep: and each line tells its reason" || bad "sweep: and each line tells its reason" "one does not"

# ---- kills ----

if [ -z "${RUNNER:-}" ]; then
    kills=0
    for wait in .05 .3 .15 .4 .1 .25; do
        "$kin" sweep $run --out killed --quiet >/dev/null 2>&1 &
        sleep $wait
        kill -9 $! 2>/dev/null && kills=$((kills + 1))
        wait $! 2>/dev/null
    done
    [ -f killed/journal.jsonl ] && printf '{"trial":0,"rung":1,"st' >>killed/journal.jsonl
    expect "killed $kills times, its last line torn, it goes on" 0 "trial" "" sweep $run --out killed --quiet
    timeless killed >killed.lines
    same "sweep: and ends with the bits of one that was not" whole.lines killed.lines
    "$kin" sweep $run --out stopped --quiet >/dev/null 2>err &
    sleep .4
    kill -INT $! 2>/dev/null
    wait $!
    case $? in
    130) grep -q "the same command goes on" err && ok "sweep: Ctrl-C says how to go on" || bad "sweep: Ctrl-C says how to go on" "$(cat err)" ;;
    0) ok "sweep: Ctrl-C came too late" ;;
    *) bad "sweep: Ctrl-C" "$(cat err)" ;;
    esac
    "$kin" sweep $run --out stopped --quiet >/dev/null && timeless stopped >stopped.lines
    same "sweep: and goes on with the same bits" whole.lines stopped.lines
    # ---- two at once ----
    "$kin" sweep space.conf shop --trials 500 --out busy --quiet >/dev/null 2>&1 &
    busy=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do [ -s busy/journal.jsonl ] || sleep .1; done
    expect "two in one folder" 1 "" "busy: another sweep works in this folder" sweep space.conf shop --trials 500 --out busy
    expect "a report while it runs" 0 "trial    step" "" sweep --report busy --quiet
    kill -9 $busy; wait $busy 2>/dev/null
fi

# ---- time ----

expect "a deadline ends it well" 0 "trial" "left out for the time: " sweep space.conf shop --deadline 1s --out timed
expect "a budget counts what was spent" 0 "trial" "left out for the time: " sweep space.conf shop --trials 5 --seeds 0 --method random --budget 0.01s --out random

sed 's/^steps = 9/steps = 90000/' space.conf >endless.conf
expect "what there is no time for" 0 "trial" "left out for the time: trial" sweep endless.conf shop --trials 2 --deadline 1s --rungs 8 --eta 3 --out endless
twice=$(sed -n 's/\(left out.*to step [0-9]*\).*/\1/p' err | sort | uniq -d)
[ -z "$twice" ] && ok "sweep: is told once" || bad "sweep: is told once" "$twice"

# ---- choices that go together ----

printf 'model = choice(conv4, resnet8)\nattention = choice("se@block", "se@layer1")\nsize = 16\nchannels = 3\nwidth = 4\nembedding = 8\nbatch-classes = 3\nbatch-pictures = 2\nsteps = 2\n' >pairs.conf
expect "a choice that does not go with the first of the others" 0 "trial " "" sweep pairs.conf shop --trials 3 --seeds 0 --rungs 1 --out pairs --quiet
sed 's/choice(conv4, resnet8)/conv4/' pairs.conf >never.conf
expect "and one that no trial can have" 2 "" "never.conf:2: " sweep never.conf shop --trials 3 --out no

# ---- what is wrong ----

expect "no end" 2 "" "say how long: --budget 30m" sweep space.conf shop --out no
expect "a report of a place" 2 "" "leave out SPACE, DATA and --out" sweep space.conf shop --report whole
expect "no place" 2 "" "SPACE, DATA and --out DIR are needed" sweep space.conf shop --trials 3
expect "too few steps" 2 "" "9 steps are too few for 4 rungs" sweep space.conf shop --rungs 4 --trials 3 --out no
sed 's/3e-2/2e-2/' space.conf >other.conf
expect "another space in the folder" 2 "" "whole/journal.jsonl: is of another sweep: its space has another lr" sweep other.conf shop --trials 5 --out whole
sed 's/^batch-pictures = 2/batch-pictures = 3/' space.conf >other.conf
expect "other fixed settings" 2 "" "its space has other fixed settings" sweep other.conf shop --trials 5 --out whole
expect "another seed" 2 "" "its --seed is 1" sweep space.conf shop --trials 5 --seed 2 --out whole
"$kin" synth other --products 8 --views 5 --size 16 --seed 4 --quiet
expect "other data" 2 "" "the data are others (30 pictures and 10 held out, where there were 24 and 8)" sweep space.conf other --trials 5 --out whole
mkdir -p lost/trial-0000
expect "trials without a journal" 2 "" "lost/trial-0000: is there, but no journal.jsonl" sweep space.conf shop --trials 5 --out lost
expect "no sweep to report" 1 "" "nowhere/journal.jsonl" sweep --report nowhere
mkdir -p strange; printf '{"a":1}\n' >strange/journal.jsonl
expect "a journal of another kind" 1 "" "strange/journal.jsonl:1: is no journal of kin sweep" sweep --report strange
if (ulimit -f 2) 2>/dev/null; then
    (ulimit -f 2; "$kin" sweep space.conf shop --trials 2 --out full --quiet >/dev/null 2>err); got=$?
    [ $got -eq 1 ] && ok "sweep: a full disk is an error" || bad "sweep: a full disk is an error" "exit status $got: $(cat err)"
    expect "and the same command goes on" 0 "trial" "" sweep space.conf shop --trials 2 --seeds 0 --out full --quiet
fi
wrong() { # NAME TEXT LINES: the message has TEXT
    printf -- "$3" >w.conf
    expect "$1" 2 "" "$2" sweep w.conf shop --trials 2 --out no
}
wrong "an unknown option" "w.conf:2: unknown option --lrr (did you mean --lr?)" 'steps = 9\nlrr = log(1e-4, 1)\n'
wrong "an option of all commands" "w.conf:2: --threads belongs to the command line" 'lr = log(1e-4, 1)\nthreads = 1\n'
wrong "an unknown one of the chain" "w.conf:3: unknown option --expnd (did you mean --expand?)" 'lr = log(1e-4, 1)\n[chain]\nexpnd = 3\n'
wrong "an empty range" "w.conf:1: lr: the range from 0.1 to 0.01 is empty" 'lr = log(.1, .01)\n'
wrong "the logarithm of 0" "w.conf:1: smoothing: log(0, 0.1): a logarithmic range lies above 0" 'smoothing = log(0, .1)\n'
wrong "an end that the option refuses" "w.conf:1: --smoothing needs a number from 0 to 0.9, not '2'" 'smoothing = uniform(0, 2)\n'
wrong "a range with one end" "w.conf:1: lr: a range has two ends: log(low, high)" 'lr = log(.1)\n'
wrong "a range of words" "w.conf:1: model: is no number, and takes choice(...)" 'model = uniform(0, 1)\n'
wrong "a slip" "(ranges are log(1e-4, 1e-2)" 'lr = lgo(.1, 1)\n'
wrong "a choice of one" "w.conf:1: model: a choice is between two or more" 'model = choice(conv4)\n'
wrong "one that stands twice" "w.conf:1: model: 'conv4' stands twice" 'model = choice(conv4, conv4)\n'
wrong "one that there is not" "w.conf:1: --model is one of" 'model = choice(conv4, conv5)\n'
wrong "one that no trial could have" "w.conf:2: " 'size = 16\nloss = choice(softmax, triplet-hart)\n'
wrong "a bracket that is not closed" "w.conf:1: " 'head = choice(plain, bfe(global=64)\n'
wrong "steps that differ" "w.conf:1: steps is the same for all trials" 'steps = choice(9, 18)\n'
wrong "what is held out" "w.conf:1: validate is the same for all trials" 'validate = uniform(.1, .3)\n'
wrong "a page to watch" "w.conf:1: watch is the sweep's own" 'watch = yes\n'
wrong "what is the sweep's" "w.conf:1: validate-every is the sweep's own" 'validate-every = 3\n'
wrong "nothing to search" "w.conf: has no range" 'lr = .1\n'
wrong "phases" "w.conf:2: a space has no phases" 'lr = log(.1, 1)\n[phase a]\n'
wrong "means of a gallery that is not there" "augment changes a gallery alone; query-every = 3" 'lr = log(.1, 1)\n[chain]\naugment = uniform(0, 3)\n'
[ ! -e no ] && ok "sweep: and nothing is written" || bad "sweep: and nothing is written" "$(ls no)"
printf 'size = 16\nchannels = 3\nsteps = 9\nlr = log(1e-3, 1e-2)\nloss = softmax\n[chain]\nk1 = 999\n' >w.conf
expect "a chain for more pictures than there are" 2 "" "w.conf:6: k1 999 needs more pictures than the 8 that are held out" sweep w.conf shop --trials 20 --out no --quiet
printf 'size = 16\nchannels = 3\nsteps = 9\nlr = log(1e-3, 1e-2)\nloss = softmax\nfreeze = conv*\nmodel = resnet8\nlr-scale = nothing=2\n' >w.conf
expect "all that fail" 2 "" "the first 8 trials failed, all of them" sweep w.conf shop --trials 20 --out hopeless --quiet
sed 's/^expand.*/query-every = 2\naugment = uniform(0, 2)\nexpand = uniform(0, 2)/' space.conf >queries.conf
expect "queries apart from the gallery" 0 "augment" "" sweep queries.conf shop --trials 3 --seeds 0 --out apart --quiet
sed 's/^expand.*/query-every = 2\nexpand = uniform(0, 5)/' space.conf >many.conf
expect "means of more than the gallery has" 2 "" "many.conf:15: expand 5 needs more pictures than the 4 that are left for the gallery" sweep many.conf shop --trials 1 --out no
sed 's/^steps/augment = choice("flip", "flip(0.2)")\n&/' queries.conf >both.conf
expect "a training's transforms beside the gallery's means" 0 "chain augment" "" sweep both.conf shop --trials 2 --seeds 0 --out both --quiet
exit $failed
