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
[ "\$1" = -c ] && { echo 2.1; exit; }
[ "\$2" = torch ] && exec "$folder/participant" "\$3" "\$4" img/s PyTorch "1 50 50 50" 150
[ "\$3" = train-resnet50 ] && { echo "no such package" >&2; exit 1; }
exec "$folder/participant" "\$3" "\$4" img/s "PyTorch channels_last" "1 52.5 52.5 52.5" 100
END
chmod +x "$folder/participant" "$folder/python" "$folder"/build/bench/*
printf '#!/bin/sh\necho "{\\"version\\": \\"kin 1\\", \\"compiler\\": \\"gcc 12\\", \\"processor\\": \\"A, family 6\\", \\"processors\\": 2, \\"instruction set\\": \\"avx2\\"}"\n' >"$folder/build/kin"
chmod +x "$folder/build/kin"
export LOG="$folder/log" RESULTS="$folder/results-avx2.csv"
columns=work,threads,unit,kin,rival_name,rival,ratio,bar,date,versions,processor
printf '%s\nGEMM 2048×2048×2048,2,GFLOP/s,1,PyTorch,2,0.5,1,2020-01-02,,B\n' "$columns" >"$RESULTS"
PYTHON="$folder/python" TURNS=3 python3 bench/run.py "$folder/build" train-resnet18 train-resnet50 >"$folder/said" 2>&1 || cat "$folder/said" >&2

has() { # NAME LINE: the table has this line; what measured it, and when, is looked at by itself
    if cut -d, -f1-8 "$RESULTS" | grep -qxF "$2"; then report "$1" ""; else report "$1" "no line $2"; fi
}
has "the median of the turns, beside the best rival, with the bar" "training ResNet-18 64×64²,2,img/s,210,PyTorch channels_last,52.5,4,2.3"
has "the other rivals follow without it" "training ResNet-18 64×64²,2,img/s,210,PyTorch,50,4.2,"
has "one thread" "training ResNet-18 64×64²,1,img/s,110,PyTorch channels_last,52.5,2.1,2.3"
has "memory: less is better" "training ResNet-18 64×64² memory,2,MB,50,PyTorch channels_last,100,2,2"
has "the gain of threads" "training ResNet-18 64×64² 2 threads over 1,2,x,1.909,PyTorch channels_last,1,1.91,"
has "a rival that cannot run is left out" "training ResNet-50 32×64²,2,img/s,210,PyTorch,50,4.2,1.7"
has "rows that were not chosen stay" "GEMM 2048×2048×2048,2,GFLOP/s,1,PyTorch,2,0.5,1"
today=$(grep '^training ResNet-18 64×64²,2,img/s,210,PyTorch,' "$RESULTS")
case $today in *,20[2-9][0-9]-[01][0-9]-[0-3][0-9],kin\ 1\ gcc\ 12\;\ torch\ 2.1,A\ family\ 6\ 2\ cores) why= ;; *) why="not so: $today" ;; esac
report "each line tells its day, the versions and the processor" "$why"
why=; grep -qxF 'GEMM 2048×2048×2048,2,GFLOP/s,1,PyTorch,2,0.5,1,2020-01-02,,B' "$RESULTS" || why="not so: $(grep GEMM "$RESULTS")"
report "that of an earlier day keeps them" "$why"
if grep -q 'left out: .*no such package' "$folder/said"; then report "and says why" ""; else report "and says why" "$(tail -n 1 "$folder/said")"; fi
if [ "$(sed -n '1p;2p;3p;4p' "$folder/log" | cut -d' ' -f2- | tr '\n' ' ')" = "kin PyTorch PyTorch channels_last kin " ]; then report "in turn" ""
else report "in turn" "$(head -n 4 "$folder/log" | tr '\n' ' ')"; fi

# A product stands beside the machine's limit, of which it is to reach a share, and beside the register tile alone.
printf '#!/bin/sh\nexec "%s/participant" "$1" "$2" GFLOP/s kin "1 6 6 6" 50\n' "$folder" >"$folder/build/bench/gemm_conv"
printf '#!/bin/sh\nn=7\n[ "$1" = tile ] && n=6.4\nwhile read -r _; do echo "$1,$2,GFLOP/s,this machine,$n"; done\n' >"$folder/build/bench/limits"
printf '#!/bin/sh\n[ "$2" = torch ] || exit 1\nexec "%s/participant" "$3" "$4" GFLOP/s PyTorch "1 6.3 6.3 6.3" 150\n' "$folder" >"$folder/python-near"
chmod +x "$folder/build/bench/gemm_conv" "$folder/python-near"
product() { # PYTHON: measures it
    RESULTS="$folder/$1.csv"
    PYTHON="$folder/$1" TURNS=3 THREADS=2 RESULTS="$RESULTS" python3 bench/run.py "$folder/build" gemm-2048 >"$folder/said" 2>&1 || cat "$folder/said" >&2
}
product python
has "a product beside its rival" "GEMM 2048×2048×2048,2,GFLOP/s,6,PyTorch,50,0.12,1"
has "and the machine's limit, with the share to reach" "GEMM 2048×2048×2048,2,GFLOP/s,6,limit of this machine,7,0.857,0.9"
has "and the tile alone, .95 of which are asked as the aim is beyond it" "GEMM 2048×2048×2048,2,GFLOP/s,6,the register tile alone,6.4,0.938,0.95"
product python-near
has "an aim within the tile" "GEMM 2048×2048×2048,2,GFLOP/s,6,PyTorch,6.3,0.952,1"
has "asks nothing of the tile" "GEMM 2048×2048×2048,2,GFLOP/s,6,the register tile alone,6.4,0.938,"

# --check measures the short rows again and names what fell by more than a tenth of what is kept; it writes nothing.
RESULTS="$folder/results-avx2.csv"
kept() { printf '%s\nGEMM 2048×2048×2048,2,GFLOP/s,6,PyTorch,6.3,%s,1,2020-01-02,,B\n' "$columns" "$1" >"$folder/kept.csv"; }
check() { PYTHON="$folder/python-near" TURNS=3 RESULTS="$folder/kept.csv" python3 bench/run.py "$folder/build" --check >"$folder/said" 2>&1; }
kept 1.05; check; code=$?
why=; [ $code -eq 0 ] && grep -q '^1 rows compared with kept.csv, 0 fell by more than a tenth$' "$folder/said" || why="status $code: $(tail -n 1 "$folder/said")"
report "a tenth less is borne" "$why"
kept 1.07; cp "$folder/kept.csv" "$folder/before"; check; code=$?
why=; [ $code -eq 1 ] && grep -q '^GEMM 2048×2048×2048: 0.952 times PyTorch, where 1.07 is kept$' "$folder/said" || why="status $code: $(tail -n 2 "$folder/said")"
report "more is named" "$why"
same "bench: the table that is kept stays" "$folder/before" "$folder/kept.csv"
printf '%s\n' "$columns" >"$folder/kept.csv"; check; code=$?
why=; [ $code -eq 1 ] && grep -q '^0 rows compared' "$folder/said" || why="status $code: $(tail -n 1 "$folder/said")"
report "with nothing to compare with it fails" "$why"

if grep -q '>training ResNet-18 64×64²<' "$folder/results.svg" 2>/dev/null && grep -q '>memory<' "$folder/results.svg" && grep -q '>avx2: A family 6 2 cores<' "$folder/results.svg"; then report "the picture" ""; else report "the picture" "lacks a row"; fi

# How time grows: the power is that of the upper half, and the picture has a panel for what was measured.
mkdir "$folder/growth"
printf 'growth,size,seconds,memory,date,processor\n' >"$folder/growth/growth-avx2.csv"
for n in 1000 10000 100000 1000000; do printf 'gallery,%s,%s,%s,2020-01-02,B\n' $n "$(awk "BEGIN { print .5 + $n * 1e-3 }")" $n; done >>"$folder/growth/growth-avx2.csv"
why=$(cd bench && python3 - "$folder/growth" 2>&1 <<'END'
import pathlib, sys
import growth_chart
folder = pathlib.Path(sys.argv[1])
tables = growth_chart.tables(folder)
points = [(size, seconds) for size, seconds, _ in tables["avx2"]["gallery"]]
if not .98 < growth_chart.power(points) < 1:
    print("the power is", growth_chart.power(points))
growth_chart.draw(tables, folder / "growth.svg")
END
)
[ -n "$why" ] || grep -q '>gallery: 1,000 queries' "$folder/growth/growth.svg" || why="no panel"
[ "$(grep -c '<polyline' "$folder/growth/growth.svg")" -eq 2 ] || why="$why not time and memory"
report "growth: the power, and the picture" "$why"
"$kin" synth "$folder/shop" --products 4 --views 4 --size 24 --quiet
"$kin" train "$folder/shop" --model conv4 --size 24 --width 8 --embedding 8 --steps 1 --batch-classes 2 --batch-pictures 2 --out "$folder/run" --quiet
sh bench/loading.sh "$kin" "$folder/shop" "$folder/run" >"$folder/said" 2>&1
why=; [ "$(grep -c 's by the clock, .* s of CPU: [0-9.]* of [0-9]* cores$' "$folder/said")" -eq 2 ] && grep -q '^the network is [0-9.-]* of the work' "$folder/said" || why="not so: $(head -n 1 "$folder/said")"
report "loading: decoding alone, and with the network" "$why"
exit $failed
