#!/bin/sh
# One's own photographs: descriptors without a network, an index of a folder, and what is found in it.
set -u
about=photos
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --quiet --products 6 --views 4 --size 48 --seed 5 || exit 1
expect "handmade descriptors" 0 "R@1" "" embed shop --quiet --model handmade --out e --judge
why=; head -c 128 e.npy | grep -q '(24, 640)' || why="$(head -c 100 e.npy)"
report "they have 640 numbers" "$why"
for option in size channels; do
    expect "handmade takes no --$option" 2 "" "--$option does nothing with --model handmade" embed shop --model handmade --$option 3 --out no
done
expect "nor a cache" 2 "" "--cache is for networks" embed shop --model handmade --cache c --out no
exit $failed
