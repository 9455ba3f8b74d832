#!/bin/sh
# What reading photographs costs a training: the same steps of ResNet-18 on pictures kept decoded and on pictures read and decoded
# every time, in turn. Prints seconds of the steps (the start, which reads everything once, taken off) and their ratio.
#   bench/loader.sh KIN DATA [ROUNDS]        DATA is a folder of photographs with classes, as grocery:train
set -u
. "$(dirname "$0")/timed.sh"
kin=$1 data=$2 rounds=${3:-3}
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT

# Seconds by the clock and of CPU of a run of $1 steps with the other arguments as options.
run_for() {
    steps=$1; shift
    rm -rf "$run/r"
    timed "$kin" train "$data" --classes 0-30 --model resnet18 --size 64 --batch-classes 16 --batch-pictures 4 \
        --augment 'rrc(64) flip' --steps "$steps" --out "$run/r" --quiet "$@"
}

round=0
while [ "$round" -lt "$rounds" ]; do
    echo "$(run_for 20 --cache 4096) $(run_for 0 --cache 4096) $(run_for 20 --cache 0) $(run_for 0 --cache 0)" | awk '{
        printf "20 steps: kept decoded %.2f s (%.2f s of CPU), read every time %.2f s (%.2f s): %.3f of its speed (%.3f by CPU)\n", $1 - $3, $2 - $4, $5 - $7, $6 - $8,
            ($1 - $3) / ($5 - $7), ($2 - $4) / ($6 - $8) }'
    round=$((round + 1))
done
