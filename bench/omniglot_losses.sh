#!/bin/sh
# Each loss on Omniglot, kin and PyTorch with pytorch-metric-learning in turn, and what the seeds of each spread over:
#
#   PYTHON=out/rivals/bin/python bench/omniglot_losses.sh [FILE.csv]      out/omniglot_losses.csv unless said otherwise
#
# LOSSES, SEEDS, STEPS and THREADS choose. A row that FILE.csv has is not run again, so that it goes on where it was stopped.
set -eu
out=${1:-out/omniglot_losses.csv} python=${PYTHON:-python3} threads=${THREADS:-2} steps=${STEPS:-1000}
export STEPS="$steps"
mkdir -p "$(dirname "$out")"
[ -s "$out" ] || echo "loss,steps,seed,who,seconds,mAP" >"$out"

# one WHO COMMAND...: a training of $loss from $seed, as a line of the file
one() {
    who=$1
    shift
    if grep -qF "$loss,$steps,$seed,$who," "$out"; then return; fi
    figures=$(echo | LOSS="$loss" SEED="$seed" "$@" | awk -F, '{ of[$3] = $5 } END { print of["s"] "," of["mAP"] }')
    echo "$loss,$steps,$seed,$who,$figures" | tee -a "$out"
}
for seed in ${SEEDS:-1 2 3}; do
    for loss in ${LOSSES:-triplet-hard multi-similarity "proxy-anchor(rate=10)" arcface supcon}; do
        one kin bench/omniglot.sh omniglot "$threads"
        one PyTorch "$python" bench/omniglot.py torch omniglot "$threads"
    done
done
awk -F, 'NR > 1 { k = $1 "," $2; if (!(k in seen)) { seen[k] = 1; order[++n] = k }
                  i = k "," $4; count[i]++; sum[i] += $6; time[i] += $5
                  if (count[i] == 1 || $6 < low[i]) low[i] = $6
                  if (count[i] == 1 || $6 > high[i]) high[i] = $6 }
         END { for (j = 1; j <= n; j++) { k = order[j] ",kin"; p = order[j] ",PyTorch"
                   if (count[k] && count[p])
                       printf "%s: kin %.4f (%.4f .. %.4f), PyTorch %.4f (%.4f .. %.4f), time %.2f of PyTorch'"'"'s\n", order[j],
                           sum[k] / count[k], low[k], high[k], sum[p] / count[p], low[p], high[p], time[k] / count[k] / (time[p] / count[p]) } }' "$out"
