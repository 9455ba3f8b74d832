#!/bin/sh
# Successive halving against random search at an equal budget of training steps, on products that kin draws: which finds the better
# network? Each sweep searches the classes below 48, and judges by the last quarter of those; what it chose is then looked at on 48-71, which no
# sweep ever sees. Equal steps rather than equal seconds, so that the figures are the same on any machine.
#
#     bench/sweep.sh [SWEEPS] [FOLDER]        8 sweeps of each kind, out/bench-sweep; minutes
#
# A sweep that is there already is not made again. On other data than the drawn shop: DATA, the classes that are SEARCHED, those that are NEW, and
# lines of the space that the data need:
#
#     DATA=out/omniglot SEARCHED=0-199 NEW=700-799 EXTRA='channels = 1
#     invert = yes' bench/sweep.sh 8 out/bench-sweep-omniglot
set -eu
kin=${KIN:-./kin}
sweeps=${1:-8} out=${2:-out/bench-sweep}
data=${DATA:-$out/shop} searched=${SEARCHED:-0-47} new=${NEW:-48-} extra=${EXTRA:-channels = 3}
mkdir -p "$out"
[ -n "${DATA:-}" ] || [ -d "$out/shop" ] || "$kin" synth "$out/shop" --products 72 --views 6 --size 24 --seed 22 --quiet
cat >"$out/space.conf" <<CONF
# wide, as spaces are before one knows better
model = conv4
size = 24
classes = $searched
$extra
batch-classes = 10
batch-pictures = 3
batch = 30
steps = 162
width = choice(8, 16, 24)
lr = log(1e-5, 1e-1)
schedule = choice(cosine, constant)
weight-decay = log(1e-6, 1e-1)
loss = choice(softmax, "softmax(smoothing=.1)", triplet-hard, triplet-hard(margin=.3), contrastive, multi-similarity)
flip = choice(yes, no)
shift = uniform(0, 6)
erase = uniform(0, .6)
CONF

# steps that a sweep computed; the folder of its best trial
steps_of() { sed -n 's/.*"best step":[0-9]*,"steps":\([0-9]*\),.*/\1/p' "$1/journal.jsonl" | awk '{ sum += $1 } END { print sum + 0 }'; }
best_of() { "$kin" sweep --report "$1" --quiet | awk 'NR == 2 { printf "%04d %s\n", $1, $3 }'; }
test_of() { # FOLDER: mAP on the classes that no sweep saw
    best=$(best_of "$1")
    "$kin" embed "$data" --classes "$new" --model "$1/trial-${best% *}" --out "$out/rows" --quiet
    "$kin" eval --gallery "$out/rows" | awk '$1 == "mAP" { print $2 }' | cut -c 1-6
}

echo "seed,method,steps,trials,validation,test" >"$out/results.csv"
seed=1
while [ "$seed" -le "$sweeps" ]; do
    "$kin" sweep "$out/space.conf" "$data" --trials 27 --seeds 0 --seed "$seed" --out "$out/asha-$seed" --quiet >/dev/null
    budget=$(steps_of "$out/asha-$seed")
    # the nearest whole number of trials, and never fewer steps than halving had
    trials=$(((budget + 161) / 162))
    "$kin" sweep "$out/space.conf" "$data" --method random --trials $trials --seeds 0 --seed $((seed + 1000)) --out "$out/random-$seed" --quiet >/dev/null
    for method in asha random; do
        folder=$out/$method-$seed
        best=$(best_of "$folder")
        echo "$seed,$method,$(steps_of "$folder"),$(grep -c '"values"' "$folder/journal.jsonl"),${best#* },$(test_of "$folder")" | tee -a "$out/results.csv"
    done
    seed=$((seed + 1))
done
awk -F , 'NR > 1 { n[$2]++; steps[$2] += $3; v[$2] += $5; t[$2] += $6; if ($2 == "asha") a[$1] = $6; else d[++pairs] = a[$1] - $6 }
    END {
        for (m in n) printf "%s: %d steps a sweep, validation %.4f, test %.4f\n", m, steps[m] / n[m], v[m] / n[m], t[m] / n[m]
        for (i = 1; i <= pairs; i++) { mean += d[i] / pairs; won += d[i] > 0 }
        for (i = 1; i <= pairs; i++) square += (d[i] - mean) ^ 2
        deviation = pairs > 1 ? sqrt(square / (pairs - 1)) : 0
        printf "halving over random on the test classes: %+.4f, deviation of a pair %.4f, standard error %.4f; ahead in %d of %d\n", mean, deviation, deviation / sqrt(pairs), won, pairs
    }' "$out/results.csv"
