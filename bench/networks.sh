#!/bin/sh
# Whole networks without gradients beside PyTorch and ONNX Runtime, 16 pictures of 224×224: user CPU milliseconds a batch and memory in MB,
# the least of several turns, with kin's ratio to each rival (above 1: kin is faster, or smaller):
#   bench/networks.sh BUILD [THREADS [TURNS [MODEL...]]]
# PYTHON names an interpreter with torch, torchvision, onnxruntime and onnx. Every run is a process of its own, and they run in turn.
set -u
build=$1
threads=${2:-1}
turns=${3:-3}
if [ $# -gt 3 ]; then shift 3; else set -- resnet18 resnet50 densenet121 densenet161 efficientnet_lite0; fi
python=${PYTHON:-python3}
lines=$(mktemp) || exit 1
trap 'rm -f "$lines"' EXIT
for model; do
    turn=0
    while [ "$turn" -lt "$turns" ]; do
        "$build/bench/networks" "$model" "$threads" 3 >>"$lines"
        for rival in torch onnx; do
            "$python" bench/networks.py "$rival" "$model" "$threads" 3 2>/dev/null | tail -n 1 >>"$lines"
        done
        turn=$((turn + 1))
    done
done
awk -v threads="$threads" '
    { who = $2; sub(/-.*/, "", who); key = $1 " " who
      if (!($1 in seen)) { seen[$1] = 1; order[++n] = $1 }
      if (!(key in user) || $4 < user[key]) user[key] = $4
      if (!(key in memory) || $6 < memory[key]) memory[key] = $6 }
    END {
        printf "%-28s %10s %10s %7s %10s %7s\n", "work (" threads " threads)", "kin", "PyTorch", "ratio", "ONNX RT", "ratio"
        for (i = 1; i <= n; i++) { m = order[i]; row(m ", ms", user, m); row(m ", MB", memory, m) }
    }
    function row(what, of, m) { printf "%-28s %10.1f %s %s\n", what, of[m " kin"], beside(of, m, "torch"), beside(of, m, "onnx") }
    function beside(of, m, rival) { return (m " " rival) in of ? sprintf("%10.1f %7.2f", of[m " " rival], of[m " " rival] / of[m " kin"]) : sprintf("%10s %7s", "-", "-") }
' "$lines"
