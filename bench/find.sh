#!/bin/sh
# kin find, from its start to its end, among as many indexed pictures as the work says:   KIN=./kin bench/find.sh find-10000 THREADS
#
# The pictures are drawn (48 x 48), or PHOTOS names a folder of one's own; they are indexed before the first turn.
set -eu
work=$1 threads=$2 kin=${KIN:-./kin} count=${1#find-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -n "${PHOTOS:-}" ]; then
    photos=$PHOTOS
else
    photos=$folder/photos
    "$kin" synth "$photos" --products $((count / 10)) --views 10 --size 48 --quiet
fi
"$kin" index "$photos" --model handmade --out "$folder/index" --quiet >"$folder/log" 2>&1
picture=$(find "$photos" -type f -name '*.[jp][pn]g' | sort | head -n 1)
while read -r _; do
    began=$(date +%s.%N)
    "$kin" find "$picture" --index "$folder/index" --top 10 --threads "$threads" --quiet >"$folder/log"
    ended=$(date +%s.%N)
    echo "$work,$threads,s,kin,$(echo "$ended $began" | awk '{ print $1 - $2 }')"
done
