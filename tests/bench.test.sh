#!/bin/sh
# The runner of the benchmarks: participants take turns, the median counts, the best rival has the bar, earlier rows stay, the picture is drawn. The
# participants are made up here, so that nothing is timed.
set -u
cd "$(dirname "$0")/.." || exit 1
about=bench
. tests/support/shell.sh
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
    echo "skip bench: no Python 3 here"
    exit 0
fi
mkdir -p "$folder/build/bench"
# Each prints the next of its numbers for each line it reads, and at the end its memory.
cat >"$folder/participant" <<'END'
#!/bin/sh
work=$1 threads=$2 unit=$3 who=$4 numbers=$5 memory=$6
while read -r _; do
    echo "turn $who" >>"$LOG"
    echo "$work,$threads,$unit,$who,${numbers%% *}"
    numbers=${numbers#* }
done
echo "$work,$threads,MB,$who,$memory"
END
cat >"$folder/build/bench/training" <<END
#!/bin/sh
exec "$folder/participant" "\$1" "\$2" img/s kin "1 \${2}00 \${2}10 9000" 50
END
printf '#!/bin/sh\necho "$1,$2,GFLOP/s,this machine,7"\nwhile read -r _; do echo "$1,$2,GFLOP/s,this machine,7"; done\n' >"$folder/build/bench/limits"
cat >"$folder/python" <<END
#!/bin/sh
[ "\$2" = torch ] && exec "$folder/participant" "\$3" "\$4" img/s PyTorch "1 50 50 50" 150
[ "\$3" = train-resnet50 ] && { echo "no such package" >&2; exit 1; }
exec "$folder/participant" "\$3" "\$4" img/s "PyTorch channels_last" "1 52.5 52.5 52.5" 100
END
chmod +x "$folder/participant" "$folder/python" "$folder"/build/bench/*
export LOG="$folder/log" RESULTS="$folder/results.csv"
printf 'work,threads,unit,kin,rival_name,rival,ratio,bar\nGEMM 2048×2048×2048,2,GFLOP/s,1,PyTorch,2,0.5,1\n' >"$RESULTS"
PYTHON="$folder/python" TURNS=3 python3 bench/run.py "$folder/build" train-resnet18 train-resnet50 >"$folder/said" 2>&1 || cat "$folder/said" >&2

has() { # NAME LINE: the table has this line
    if grep -qxF "$2" "$RESULTS"; then report "$1" ""; else report "$1" "no line $2"; fi
}
has "the median of the turns, beside the best rival, with the bar" "training ResNet-18 64×64²,2,img/s,210,PyTorch channels_last,52.5,4,2.3"
has "the other rivals follow without it" "training ResNet-18 64×64²,2,img/s,210,PyTorch,50,4.2,"
has "one thread" "training ResNet-18 64×64²,1,img/s,110,PyTorch channels_last,52.5,2.1,2.3"
has "memory: less is better" "training ResNet-18 64×64² memory,2,MB,50,PyTorch channels_last,100,2,2"
has "the gain of threads" "training ResNet-18 64×64² 2 threads over 1,2,x,1.909,PyTorch channels_last,1,1.91,"
has "a rival that cannot run is left out" "training ResNet-50 32×64²,2,img/s,210,PyTorch,50,4.2,1.7"
has "rows that were not chosen stay" "GEMM 2048×2048×2048,2,GFLOP/s,1,PyTorch,2,0.5,1"
if grep -q 'left out: .*no such package' "$folder/said"; then report "and says why" ""; else report "and says why" "$(tail -n 1 "$folder/said")"; fi
if [ "$(sed -n '1p;2p;3p;4p' "$folder/log" | cut -d' ' -f2- | tr '\n' ' ')" = "kin PyTorch PyTorch channels_last kin " ]; then report "in turn" ""
else report "in turn" "$(head -n 4 "$folder/log" | tr '\n' ' ')"; fi

# A product stands beside the machine's limit, of which it is to reach a share, and beside the register tile alone, of which nothing is asked.
printf '#!/bin/sh\nexec "%s/participant" "$1" "$2" GFLOP/s kin "1 6 6 6" 50\n' "$folder" >"$folder/build/bench/gemm_conv"
printf '#!/bin/sh\nn=7\n[ "$1" = tile ] && n=6.4\nwhile read -r _; do echo "$1,$2,GFLOP/s,this machine,$n"; done\n' >"$folder/build/bench/limits"
chmod +x "$folder/build/bench/gemm_conv"
PYTHON="$folder/python" TURNS=3 THREADS=2 RESULTS="$folder/limits.csv" python3 bench/run.py "$folder/build" gemm-2048 >"$folder/said" 2>&1 || cat "$folder/said" >&2
RESULTS="$folder/limits.csv"
has "a product beside its rival" "GEMM 2048×2048×2048,2,GFLOP/s,6,PyTorch,50,0.12,1"
has "and the machine's limit, with the share to reach" "GEMM 2048×2048×2048,2,GFLOP/s,6,limit of this machine,7,0.857,0.9"
has "and the tile alone, without" "GEMM 2048×2048×2048,2,GFLOP/s,6,the register tile alone,6.4,0.938,"
RESULTS="$folder/results.csv"

if grep -q 'training ResNet-18 64×64² memory' "$folder/results.svg" 2>/dev/null; then report "the picture" ""; else report "the picture" "lacks a row"; fi
exit $failed
