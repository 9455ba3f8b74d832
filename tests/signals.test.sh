#!/bin/sh
# A signal ends every command that takes long, once and soon: with 128 and its number, nothing half written behind it, and nobody working on.
set -u
about=signals
. tests/support/shell.sh
command -v timeout >/dev/null || { echo "skip signals: no timeout to send them"; exit 0; }
SOON=${SOON:-4000} # milliseconds from the signal to the end: a second is promised, but not that a busy machine gives it to us
case ${BUILD:-} in *address* | *thread* | *undefined*) SOON=20000 ;; esac
[ -z "${RUNNER:-}" ] || { echo "skip signals: an emulated machine takes its own time"; exit 0; }
cd "$folder" || exit 1
export KIN_THREADS=2
now() { echo $(($(date +%s%N) / 1000000)); }

# Pictures that take long to read and are small to write, and rows that take long to compare.
{ printf 'P6 3000 3000 255\n'; head -c 27000000 /dev/zero | LC_ALL=C tr '\000' '\120'; } >wide.ppm
"$kin" convert wide.ppm --out wide.png --quiet
mkdir many
for i in 1 2 3 4 5 6 7 8; do for j in 0 1 2 3 4 5 6 7 8 9; do { cat wide.png; echo $i$j; } >many/$i$j.png; done; done
{ printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (5000, 2048), }"
  head -c 40960000 /dev/urandom | LC_ALL=C tr '\000-\377' '[\076*128][\077*128]'; } >E.npy
awk 'BEGIN { print "id,label"; for (i = 0; i < 5000; i++) print i "," i % 500 }' >E.csv
"$kin" synth shop --products 60 --views 8 --size 24 --quiet
"$kin" train shop --model resnet20 --width 16 --embedding 8 --size 32 --batch-classes 4 --batch-pictures 2 --steps 1 --channels 3 --out run --quiet
"$kin" index shop --quiet >/dev/null

# ends NAME SIGNAL COMMAND...
wrong= after=200 # milliseconds until the signal
ends() {
    name=$1 signal=$2; shift 2
    rm -rf new*
    begun=$(now)
    timeout --preserve-status -k 60 -s "$signal" ".$after" "$kin" "$@" >said 2>err </dev/null
    got=$? took=$(($(now) - begun - after)) wanted=143
    [ "$signal" = INT ] && wanted=130
    [ $got -eq 0 ] && echo "# signals: $name was done before the signal came" && return
    [ -n "${VERBOSE:-}" ] && echo "# $name $signal: $got after $took ms: $(tail -n 1 err | tr '\r' ' ')"
    [ $got -eq $wanted ] || wrong="$wrong $name $signal: status $got ($(tail -n 1 err));"
    [ $took -le "$SOON" ] || wrong="$wrong $name $signal: $took ms;"
    [ "$name" = learn ] && sleep 3 # its commands may take their second, too
    left=$(find . -name '*.tmp-*' -o -name '*.next.*')
    # What takes longer than its second is ended at once; the tree of pictures that it leaves then is removed by the next.
    [ "$name" = synth ] && [ $took -ge 900 ] && left=
    [ -z "$left" ] || wrong="$wrong $name left $left;"
}
ends train INT train shop --steps 100000 --size 16 --out new
ends embed INT embed many --model run --out new
# On a busy machine the signal may come before the program listens for it: it ends then, too, but has nothing to say.
[ -s err ] || { after=900; ends embed INT embed many --model run --out new; after=200; }
grep -q "interrupted while reading pictures" err || [ $took -ge 900 ] || wrong="$wrong embed says $(tail -n 1 err);"
ends backbones INT backbones shop --random resnet20,conv4 --size 192
ends backbones TERM backbones shop --random resnet20,conv4 --size 192 --cache new
ends index TERM index many --model run --out new
ends find INT find many/*.png --index shop --each
ends search INT search --gallery E --top 5 --out new
ends rerank TERM rerank --gallery E --top 5 --out new
ends retrieve TERM retrieve --gallery E --top 5 --out new
ends groups INT groups shop --k1 450 --html new.html
ends duplicates TERM duplicates shop --csv new.csv
ends whiten INT whiten fit E --out new.safetensors
ends reduce INT reduce E --autoencoder 64 --out new
ends tune TERM tune --gallery E --out new
ends fuse INT fuse --gallery E,E --out new
ends local TERM local many --model run --out new
ends convert INT convert many/*.png --resize 300 --out new
ends synth TERM synth new --products 100000
ends explain INT explain many/1[0-7].png --model run --out new.html
ends learn TERM learn 8 --folder new
report "every command that takes long ends by them, and soon" "$wrong"

# timeout signals its child and then the child's group: told twice at once, it is one wish.
wrong=
for _ in 1 2 3 4 5; do
    rm -rf new*
    "$kin" synth new --products 100000 --quiet >said 2>err </dev/null &
    pid=$!
    sleep .3; kill -TERM $pid; sleep .01; kill -TERM $pid 2>/dev/null
    begun=$(now)
    wait $pid
    got=$? took=$(($(now) - begun))
    [ $got -eq 143 ] || wrong="$wrong synth: status $got ($(tail -n 1 err));"
    left=$(find . -name '*.tmp-*')
    [ -z "$left" ] || [ $took -ge 900 ] || wrong="$wrong synth left $left;"
done
report "a signal told twice at once is one" "$wrong"

# Steps of some seconds are finished first; who asks again later has them ended at once.
wrong=
"$kin" train shop --model resnet20 --width 128 --embedding 8 --size 48 --batch-classes 8 --batch-pictures 4 --steps 9 --out new --force >said 2>err </dev/null &
pid=$!
for _ in $(seq 200); do grep -q "batches of" err && break; sleep .05; done
sleep .3; kill -TERM $pid
for _ in $(seq 100); do grep -q "stops after this step" err && break; sleep .05; done
sleep .4; begun=$(now); kill -TERM $pid; wait $pid
got=$? took=$(($(now) - begun))
[ $got -eq 143 ] || wrong="status $got ($(tail -n 1 err));"
[ $took -le "$SOON" ] || wrong="$wrong $took ms;"
[ ! -e new/last.safetensors ] || echo "# signals: the step was done before the second signal came"
left=$(find . -name '*.tmp-*')
[ -z "$left" ] || wrong="$wrong left $left;"
report "a second signal ends a long step at once" "$wrong"

if command -v pgrep >/dev/null; then report "nobody works on behind a lesson that was ended" "$(pgrep -f "$folder/new" | head -n 1)"; fi
exit $failed
