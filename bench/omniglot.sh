#!/bin/sh
# The Omniglot recipe of docs/results.md, once, with a seed of 1 or SEED:   KIN=./kin bench/omniglot.sh omniglot THREADS
#
# The drawings come from omniglot-background.tar.gz in $KIN_TEST_DATA (else ../shared/data). STEPS takes fewer steps than 3,000, LOSS
# another loss than triplet-hard. Tells the seconds of the whole of kin train, reading the drawings and writing checkpoints included, and
# the mAP on the held-out characters.
set -eu
work=$1 threads=$2 kin=${KIN:-./kin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/drawings"
tar xzf "${KIN_TEST_DATA:-../shared/data}/omniglot-background.tar.gz" -C "$folder/drawings"
read -r _
began=$(date +%s.%N)
"$kin" train "$folder/drawings" --classes 0-699 --invert --filter lanczos --loss "${LOSS:-triplet-hard}" --steps "${STEPS:-3000}" --sampler pk --seed "${SEED:-1}" --threads "$threads" --quiet --out "$folder/run"
ended=$(date +%s.%N)
"$kin" embed "$folder/drawings" --classes 700- --model "$folder/run" --threads "$threads" --quiet --out "$folder/held"
map=$("$kin" eval --gallery "$folder/held" --quiet | awk '$1 == "mAP" { print $2; exit }')
echo "$work,$threads,s,kin,$(echo "$ended $began" | awk '{ print $1 - $2 }')"
echo "$work,$threads,mAP,kin,$map"
