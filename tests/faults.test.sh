#!/bin/sh
# What fails underneath: disks, kills, signals, two at once. Faults of single calls are injected (tests/faults/shim.c); `make faults` runs all of them.
set -u
about=faults
. tests/support/shell.sh
shim=$folder/shim.so
${CC:-cc} -O1 -shared -fPIC -o "$shim" tests/faults/shim.c -ldl -pthread 2>"$folder/why" || shim=
cd "$folder" || exit 1

# faulty FAULT COMMAND...: runs it with this fault
faulty() { fault=$1; shift; KIN_FAULT=$fault LD_PRELOAD=$shim "$@"; }
with_shim() { # NAME: false, with a line, where the shim could not be built
    [ -n "$shim" ] && return 0
    echo "skip faults: $1: no shim: $(head -n 1 "$folder/why")"; return 1
}
# says NAME CODE TEXT COMMAND...: on standard error
says() {
    name=$1 code=$2 text=$3; shift 3
    "$@" >out 2>err </dev/null; got=$?
    if [ $got -eq "$code" ] && grep -qF -e "$text" err; then ok "$name"; else bad "$name" "status $got: $(head -n 2 err)"; fi
}
leftovers() { find "$1" -name '*.tmp-*' -o -name '*.next.*'; }

"$kin" synth shop --products 8 --views 4 --size 24 --quiet
small="--width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 8 --save-every 2 --validate .3 --validate-every 2 --lr .01 --quiet"

# ---- a run is one transaction ----
# shellcheck disable=SC2086
"$kin" train shop $small --out whole
if with_shim "a run, killed at every renaming"; then
    wrong=
    for how in KILL KILLED; do for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
        rm -rf part
        # shellcheck disable=SC2086
        { faulty "rename:$n:$how" "$kin" train shop $small --out part; } >/dev/null 2>&1
        if [ -e part/last.safetensors ]; then "$kin" train --resume part --quiet 2>err || wrong="$wrong $how $n: $(cat err);"
        # shellcheck disable=SC2086
        else "$kin" train shop $small --out part 2>err || wrong="$wrong $how $n: $(cat err);"; fi
        for file in last.safetensors model.safetensors log.jsonl; do cmp -s whole/$file part/$file || wrong="$wrong $how $n: $file differs;"; done
        [ -z "$(leftovers part)" ] || wrong="$wrong $how $n left $(leftovers part);"
    done; done
    report "a run that is killed at any renaming ends like one that is not, and leaves nothing" "$wrong"
fi
cp -r whole gone && rm gone/model.safetensors
says "a best network that is lost is said" 0 "is missing in the run's folder" "$kin" train --resume gone --threads 2
cp -r whole gone2 && sed -i 1,3d gone2/log.jsonl
says "a log of another length is refused" 1 "tells of 6 steps before the checkpoint's 8" "$kin" train --resume gone2
# shellcheck disable=SC2086
"$kin" train shop $small --steps 100000 --out owned 2>first & pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s owned/last.safetensors ] && break; sleep .1; done
# shellcheck disable=SC2086
says "two trainings do not write one run" 1 "another training writes this run" "$kin" train shop $small --out owned
says "nor does a resumed one" 1 "another training writes this run" "$kin" train --resume owned

# ---- signals ----
kill -HUP $pid; wait $pid; got=$?
[ $got -eq 129 ] && grep -q "go on with: kin train --resume owned" first && ok "a hangup ends a training with a checkpoint" || bad "a hangup ends a training with a checkpoint" "status $got: $(cat first)"
# shellcheck disable=SC2086
"$kin" train shop $small --steps 100000 --out owned3 2>first & pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s owned3/last.safetensors ] && break; sleep .1; done
kill -TERM $pid; wait $pid; got=$?
[ $got -eq 143 ] && ok "SIGTERM exits with 143" || bad "SIGTERM exits with 143" "status $got"
{ "$kin" train shop --width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 300 --out piped 2>&1; echo $? >status; } | head -n 1 >/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s status ] && break; sleep .2; done
[ "$(cat status)" = 0 ] && [ -s piped/model.safetensors ] && ok "who closes the pipe of messages does not end a training" || bad "who closes the pipe of messages does not end a training" "status $(cat status)"

# ---- files ----
"$kin" embed shop --model pixels --out ref --quiet
{ (ulimit -f 1; "$kin" embed shop --model pixels --size 64 --out limit --quiet) >out 2>err; }; got=$?
[ $got -eq 1 ] && grep -q "File too large" err && [ -z "$(leftovers .)" ] && ok "a limit of file sizes is told" || bad "a limit of file sizes is told" "status $got: $(cat err)"
mkdir -p real && ln -s real/target.npy link.npy && ln -s real/target.csv link.csv
"$kin" embed shop --model pixels --out link --quiet
[ -L link.npy ] && cmp -s ref.npy real/target.npy && ok "a symbolic link is followed" || bad "a symbolic link is followed" "$(ls -l link.npy real)"
(umask 000; "$kin" whiten fit ref --dims 4 --out w.whiten --quiet; chmod 640 w.whiten; "$kin" whiten fit ref --dims 4 --out w.whiten --quiet) 2>err
[ "$(find w.whiten -perm 640)" = w.whiten ] && ok "a file that is replaced keeps its mode" || bad "a file that is replaced keeps its mode" "$(ls -l w.whiten; cat err)"
sh -c 'echo $$' >dead; : >"other.csv.tmp-kin-$(cat dead)"; : >"mine.csv.tmp-kin-$$"
"$kin" embed shop --model pixels --out again --quiet
[ ! -e "other.csv.tmp-kin-$(cat dead)" ] && [ -e "mine.csv.tmp-kin-$$" ] && ok "what a killed process left is removed, what a living one writes is not" || bad "what a killed process left is removed, what a living one writes is not" "$(ls)"
if with_shim "a parent that is not writable"; then
    says "a parent that is not writable is named so" 1 "cannot make this folder: Permission denied" faulty mkdir:1:EACCES "$kin" train shop --steps 1 --out new
fi

exit $failed
