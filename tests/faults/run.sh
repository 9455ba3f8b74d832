#!/bin/sh
# Every command under faults: the n-th call of a kind fails (shim.c), or the process is killed in it.
#   tests/faults/run.sh [sample|all] [WORD...]    WORD: commands or kinds whose name holds it
# A run under a fault either fails with a line that says why and leaves no temporary, or ends with the bytes of a run without. After a kill the same
# command, run again, ends with them too. `sample` makes a few of each kind (SHARE of them, 2), `all` every call.
set -u
how=${1:-all}; [ $# -gt 0 ] && shift
kin=${KIN:-$PWD/kin}; case $kin in /*) ;; *) kin=$PWD/$kin ;; esac
here=$PWD/tests/faults
top=$(mktemp -d) || exit 1
trap 'rm -rf "$top"' EXIT
shim=$top/shim.so
${CC:-cc} -O1 -shared -fPIC -o "$shim" "$here/shim.c" -ldl -pthread 2>"$top/why" || { echo "skip faults: every command: no shim: $(head -n 1 "$top/why")"; exit 0; }
cd "$top" || exit 1
export KIN_THREADS=2 KIN_FAULT_COUNT="$top/counts"

# ---- what the commands work on, one folder above theirs ----
(
    set -e
    "$kin" synth shop --products 6 --views 4 --size 24 --quiet
    "$kin" synth others --products 3 --views 4 --size 24 --seed 9 --quiet
    "$kin" train shop --width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 6 --channels 3 --loss softmax --sampler pk --quiet --out run
    "$kin" embed shop --model run --out E --quiet
    "$kin" embed others --model run --out Q --quiet
    "$kin" embed shop --model pixels --size 16 --out P --quiet
    "$kin" search --gallery E --query Q --top 8 --out ranks.csv --quiet
    "$kin" search --gallery E --top 8 --out own.csv --quiet
    "$kin" whiten fit E --dims 4 --out w.whiten --quiet
    "$kin" index shop --model handmade --out album --quiet >said
    "$kin" train shop --width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 4 --channels 3 --quiet --out run2
    "$kin" train shop --width 8 --embedding 8 --size 16 --pooling gap --batch-classes 4 --batch-pictures 2 --steps 2 --channels 3 --quiet --out pooled
    printf 'size = 16\nchannels = 3\nwidth = choice(4, 8)\nembedding = 8\nbatch-classes = 3\nbatch-pictures = 2\nsteps = 2\n' >space.conf
    "$kin" sweep space.conf shop --trials 2 --rungs 1 --seeds 1 --finalists 2 --out swept --quiet >said
    "$kin" local shop --model pooled --side 64 --most 8 --out local.st --quiet
    printf '{"data": "d", "row": "a", "title": "a", "mAP": 0.5, "low": 0.4, "high": 0.6}\n{"data": "d", "row": "b", "title": "b", "on": "a", "mAP": 0.6, "low": 0.5, "high": 0.7}\n' >rows.jsonl
    { printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<i8', 'fortran_order': False, 'shape': (24,), }"; for n in 0 1 2 3 4 5; do for v in 1 2 3 4; do printf "\\$n\\0\\0\\0\\0\\0\\0\\0"; done; done; } >labels.npy
    printf 'a,b,same\nproduct-0001/view-01.png,product-0001/view-02.png,1\nproduct-0001/view-01.png,product-0002/view-02.png,0\n' >marks.csv
    printf 'width = 8\nembedding = 8\nsize = 16\nbatch-classes = 4\nbatch-pictures = 2\nsteps = 3\n[phase one]\n[phase two]\nlr = .0001\n' >two.conf
    for n in 1 2 3; do cp "shop/product-000$n/view-01.png" .; "$kin" convert "shop/product-000$n/view-02.png" --out "p$n.jpg" --quiet; done
    { printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 16, 16), }"; head -c 6144 /dev/zero; } >x.npy
) 2>setup || { cat setup; exit 1; }

# NAME and the command's arguments
commands() {
    cat <<'ROWS'
synth synth new --products 3 --views 2 --size 24
data data ../shop
leaks data ../shop ../others --leaks --html l.html --json
train-phases train ../shop --recipe ../two.conf --out r
photos-index index ../shop --model handmade --out i
find find ../view-01.png --index ../album --top 4 --group-by label --html f.html
find-pairs find ../p1.jpg --index ../album --top 4 --pairs ../marks.csv --pictures always
duplicates duplicates ../album --csv d.csv --pairs p.csv --html d.html
groups groups ../album --out g.csv --html g.html
train train ../shop --width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 6 --save-every 2 --validate .34 --validate-every 2 --out r
embed embed ../shop --model ../run --out e
embed-pixels embed ../shop --model pixels --size 16 --out e
embed-cache embed ../shop --model ../run --cache c --out e
search search --gallery ../E --query ../Q --top 8 --out r.csv
search-labels search --gallery ../E --top 4 --group-by label --out r.csv
search-stdout search --gallery ../E --top 4
rerank rerank --gallery ../E --query ../Q --k1 6 --k2 3 --top 8 --out r.csv
rerank-graph rerank --gallery ../E --query ../Q --method graph --k1 6 --k2 3 --top 8 --out r.csv
retrieve retrieve --gallery ../E --query ../Q --top 8 --k1 6 --k2 3 --out r.csv
tune tune --gallery ../E --rounds 0 --top 8
index index ../E --faiss i.faiss
whiten whiten fit ../E --dims 4 --out w.whiten
whiten-apply whiten apply ../w.whiten ../E --out x
reduce reduce ../E --pca 3 --out x
fuse fuse --gallery ../E,../P --out r.csv --top 8
eval eval --gallery ../E
eval-ranks eval ../own.csv --gallery ../E
check check ../own.csv --gallery ../E
models models
machine machine --unmeasured
show show conv4
forward forward --model conv4 --width 8 --embedding 8 --weights ../run/model.safetensors --input ../x.npy --out y.npy
import import ../run/model.safetensors m.safetensors
tensors tensors ../run/model.safetensors
tensors-json tensors ../run/model.safetensors --json
convert convert ../p1.jpg ../view-01.png --out seen
augment augment ../view-01.png --recipe flip --out a.png --count 4
explain explain ../view-01.png ../p2.jpg --model ../run --out e.html
attend attend ../view-01.png --model ../run --out a.png
export export --model ../run --out m.onnx
help help train
local local ../shop --classes 0 --model ../pooled --side 64 --most 8 --out f.st
verify verify ../own.csv --gallery ../local.st --out v.csv --inliers n.npy
compare compare ../run ../run2 --html c.html
weights weights ../run/model.safetensors
recipes recipes bfe
loss loss triplet-hard --embeddings ../E.npy --labels ../labels.npy --gradient g.npy
ladder ladder ../rows.jsonl --table t.md --svg s.svg --out p.html
learn learn --list
show-svg show conv4 --svg s.svg
sweep-report sweep --report ../swept --html p.html
help-word help triplet
ROWS
}

passed=0 failed=0
bad() { echo "not ok faults: $1"; failed=$((failed + 1)); }
# run FAULT ARGUMENTS...: in a folder of its own; the shell's words on killed jobs are of no interest
run() {
    fault=$1; shift
    rm -rf work; mkdir work
    # shellcheck disable=SC2086
    (cd work && KIN_FAULT=$fault LD_PRELOAD=$shim "$kin" "$@" >stdout 2>../stderr </dev/null; exit $?) 2>/dev/null
}
wanted() { [ $# -eq 1 ] && return 0; what=$1; shift; for word; do case $what in *"$word"*) return 0 ;; esac; done; return 1; }

# Of a machine that cannot be read all is told that can be, and nothing else: a line less (most are there), or its beginning, or "unknown".
# The memory that is available changes by itself.
only_less() { # WHOLE PART
    awk 'NR == FNR { line[NR] = $0; next }
        { told++ }
        /^  available/ || /unknown$/ { next }
        { for (i in line) if (index(line[i], $0) == 1) next; other = 1 }
        END { exit other || told < 9 }' "$1" "$2"
}

one() { # NAME FAULT ARGUMENTS...
    name=$1 fault=$2; shift 2
    run "$fault" "$@"; got=$?
    case $fault in
    *KILL*)
        [ $got -eq 137 ] || [ $got -eq 0 ] || { bad "$name, $fault: status $got: $(head -n 1 stderr)"; return; }
        # shellcheck disable=SC2086
        case $name in
        train) [ -e work/r/last.safetensors ] && again="train --resume r" || again="$*" ;;
        train-phases) [ -e work/r/phase-one/last.safetensors ] && again="train --resume r" || again="$*" ;; *) again="$*" ;; esac
        case $name in synth) [ $got -eq 137 ] && [ -d work/new ] && again= ;; esac # it was in place already
        # shellcheck disable=SC2086
        [ -z "$again" ] || (cd work && "$kin" $again >stdout 2>../stderr </dev/null) || { bad "$name after $fault: $(head -n 1 stderr)"; return; }
        [ -n "$again" ] || cp "ref/stdout" work/stdout
        case $name in photos-index) cp ref/stdout work/stdout ;; esac # what it had written is no longer new
        ;;
    *)
        if [ $got -ne 0 ]; then
            [ $got -lt 3 ] || { bad "$name, $fault: status $got: $(head -n 1 stderr)"; return; }
            [ -s stderr ] || { bad "$name, $fault: no word of what failed"; return; }
            left=$(find work -name '*.tmp-*')
            [ -z "$left" ] || { bad "$name, $fault: left $left"; return; }
            passed=$((passed + 1)); return
        fi
        ;;
    esac
    rm -rf work/c ref/c # a cache may hold its rows in other files
    case $name in machine) if only_less ref/stdout work/stdout; then cp ref/stdout work/stdout; fi ;; esac
    different=$(diff -rq ref work | head -n 1)
    if [ -n "$different" ]; then bad "$name, $fault: $different"; else passed=$((passed + 1)); fi
}

# The numbers of the calls to try: all, or SHARE spread over them, others for other commands.
numbers() { # COUNT SEED
    if [ "$how" = all ]; then seq 1 "${EVERY:-1}" "$1"
    else awk -v n="$1" -v k="${SHARE:-2}" -v s="$2" 'BEGIN { if (n < k) k = n; for (i = 0; i < k; i++) print int((i + ((s * 7 + i * 3) % 10) / 10) * n / k) + 1 }'; fi
}

seed=0
commands >rows
while read -r name arguments; do
    # shellcheck disable=SC2086
    run none $arguments || { bad "$name: fails without a fault: $(head -n 1 stderr)"; continue; }
    rm -rf ref; mv work ref; cp counts calls
    for row in write:ENOSPC read:EIO open:EMFILE readdir:EIO sync:EIO rename:EIO mkdir:EACCES alloc:ENOMEM thread:EAGAIN map:ENOMEM close:EIO rename:KILL rename:KILLED open:KILL write:KILL; do
        kind=${row%:*} why=${row#*:}
        wanted "$name $kind $why" "$@" || continue
        count=$(awk -v kind="$kind" '$1 == kind { print $2 }' calls)
        seed=$((seed + 1))
        for n in $(numbers "$count" $seed); do
            # shellcheck disable=SC2086
            one "$name" "$kind:$n:$why" $arguments
        done
    done
done <rows
[ $passed -gt 0 ] && echo "ok faults: every command ($passed runs)"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
