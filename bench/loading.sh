#!/bin/sh
# Whether a folder's embedding keeps all cores busy, decoding and network together: seconds by the clock, of CPU, and the share of the cores' time
# that was used, for decoding alone (--model histogram, whose descriptors are short: what is written hardly counts) and for decoding and a network.
#   bench/loading.sh KIN DATA MODEL [WEIGHTS]      DATA: a folder of photographs; MODEL: of kin models, with its WEIGHTS, or a run
set -eu
. "$(dirname "$0")/timed.sh"
kin=$1 data=$2 model=$3 weights=${4:-}
cores=$(nproc) work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Seconds by the clock and of CPU of kin embed with the arguments, the median of three by the clock.
embed() {
    for _ in 1 2 3; do
        timed "$kin" embed "$@" --out "$work/E" --force --quiet
    done | sort -n | sed -n 2p
}

show() { echo "$2 $3" | awk -v what="$1" -v cores="$cores" '{ printf "%-28s %6.2f s by the clock, %6.2f s of CPU: %.2f of %d cores\n", what, $1, $2, $2 / $1 / cores, cores }'; }

set -- $(embed "$data" --model histogram --size 224)
show "decoding alone" "$1" "$2"
decoding=$2
set -- $(embed "$data" --model "$model" ${weights:+--weights "$weights"})
show "decoding and network" "$1" "$2"
echo "$1 $2 $decoding" | awk -v cores="$cores" '{ printf "the network is %.2f of the work; by both one after the other on all cores it would take %.2f s\n", ($2 - $3) / $2, $2 / cores }'
