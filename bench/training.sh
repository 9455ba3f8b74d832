#!/bin/sh
# Training steps beside PyTorch, in turn: `work,threads,unit,kin,rival_name,rival,ratio,bar` for pictures a second (the median of all turns but
# each process's first) and for memory (the least), against the best of eager NCHW and channels_last; a ratio above 1 means that kin is faster,
# or smaller. Every run is a process of its own:
#   bench/training.sh BUILD [THREADS [RUNS [WORK...]]]
# PYTHON names an interpreter with torch, torchvision and efficientnet-lite-pytorch.
set -u
build=$1
threads=${2:-2}
runs=${3:-3}
if [ $# -gt 3 ]; then shift 3; else set -- train-resnet18 train-resnet50 train-densenet121 train-efficientnet_lite0 train-conv4; fi
python=${PYTHON:-python3}
lines=$(mktemp) || exit 1
trap 'rm -f "$lines"' EXIT
echo "work,threads,unit,kin,rival_name,rival,ratio,bar"
for work; do
    : >"$lines"
    run=0
    while [ "$run" -lt "$runs" ]; do
        for who in kin torch channels_last; do
            if [ "$who" = kin ]; then set_of=$(BENCH_TURNS=4 "$build/bench/training" "$work" "$threads")
            else set_of=$(BENCH_TURNS=4 OMP_NUM_THREADS=$threads "$python" bench/training.py "$who" "$work" "$threads" 2>/dev/null); fi
            echo "$set_of" | sed 1d >>"$lines"
        done
        run=$((run + 1))
    done
    awk -F, -v work="$work" -v threads="$threads" '
        function median(key, n, i, j, t, v) {
            n = count[key]
            for (i = 1; i <= n; i++) v[i] = value[key, i]
            for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
            return n ? (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2 : 0
        }
        function better(a, b, unit) { return unit == "MB" ? a < b : a > b }
        { key = $4 "," $3; value[key, ++count[key]] = $5; if ($4 != "kin") rivals[$4] = 1 }
        END {
            bar["train-resnet18"] = 2.3; bar["train-resnet50"] = 1.7; bar["train-densenet121"] = 2; bar["train-efficientnet_lite0"] = 3; bar["train-conv4"] = 2.5
            for (u = 1; u <= 2; u++) {
                unit = u == 1 ? "img/s" : "MB"
                best = ""
                for (r in rivals) if (count[r "," unit] && (best == "" || better(median(r "," unit), median(best "," unit), unit))) best = r
                kin = median("kin," unit); rival = best == "" ? 0 : median(best "," unit)
                printf "%s,%s,%s,%.4g,%s,%s,%s,%s\n", work, threads, unit, kin, best, best == "" ? "" : sprintf("%.4g", rival), best == "" || kin == 0 ? "" : sprintf("%.2f", unit == "MB" ? rival / kin : kin / rival), unit == "MB" ? 2 : bar[work]
            }
        }' "$lines"
done
