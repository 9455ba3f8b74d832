#!/bin/sh
# What fails underneath: disks, kills, signals, two at once. Faults of single calls are injected (tests/faults/shim.c); `make faults` runs all of them.
set -u
about=faults
. tests/support/shell.sh
shim=$folder/shim.so back=$PWD
${CC:-cc} -O1 -shared -fPIC -o "$shim" tests/faults/shim.c -ldl -pthread 2>"$folder/why" || shim=
case ${BUILD:-} in *address* | *thread* | *undefined*) shim=; echo "sanitizers' own allocator comes first" >"$folder/why" ;; esac
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
    if [ $got -eq "$code" ] && { [ -z "$text" ] || grep -qF -e "$text" err; }; then ok "$name"; else bad "$name" "status $got: $(head -n 2 err)"; fi
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
# ---- a sweep ----
printf 'size = 16\nchannels = 3\nwidth = choice(4, 8)\nlr = log(1e-4, 1e-2)\nbatch-classes = 3\nbatch-pictures = 2\nsteps = 4\n[chain]\nexpand = uniform(0, 2)\n' >space.conf
sweeps() { "$kin" sweep space.conf shop --trials 3 --rungs 2 --eta 2 --seeds 1 --finalists 1 --quiet --out "$@"; }
timeless() { sed -e '/"paused"/d' -e 's/,"steps":[0-9]*,"seconds":.*//' "$1/journal.jsonl"; }
if with_shim "a sweep, whatever fails"; then
    wrong=
    sweeps sweep-whole >/dev/null && timeless sweep-whole >whole.lines
    for how in rename:5:KILL rename:14:KILLED write:9:KILL write:14:ENOSPC sync:12:EIO read:60:EIO; do
        rm -rf swept
        { KIN_FAULT=$how LD_PRELOAD=$shim sweeps swept; } >/dev/null 2>&1 && wrong="$wrong $how: nothing failed;"
        sweeps swept >/dev/null 2>err || wrong="$wrong $how: $(cat err);"
        timeless swept | cmp -s - whole.lines || wrong="$wrong $how: the journal differs;"
        [ -z "$(leftovers swept)" ] || wrong="$wrong $how left $(leftovers swept);"
    done
    report "a sweep goes on from anything with the same trials" "$wrong"
fi

# ---- two at once ----
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
"$kin" embed shop --model whole --out small --quiet
mkdir -p real && ln -s real/target.npy link.npy && ln -s real/target.csv link.csv
"$kin" embed shop --model pixels --out link --quiet
[ -L link.npy ] && cmp -s ref.npy real/target.npy && ok "a symbolic link is followed" || bad "a symbolic link is followed" "$(ls -l link.npy real)"
(umask 000; "$kin" whiten fit small --dims 4 --out w.whiten --quiet; chmod 640 w.whiten; "$kin" whiten fit small --dims 4 --out w.whiten --quiet) 2>err
[ "$(find w.whiten -perm 640)" = w.whiten ] && ok "a file that is replaced keeps its mode" || bad "a file that is replaced keeps its mode" "$(ls -l w.whiten; cat err)"
sh -c 'echo $$' >dead; : >"other.csv.tmp-kin-$(cat dead)"; : >"mine.csv.tmp-kin-$$"
"$kin" embed shop --model pixels --out again --quiet
[ ! -e "other.csv.tmp-kin-$(cat dead)" ] && [ -e "mine.csv.tmp-kin-$$" ] && ok "what a killed process left is removed, what a living one writes is not" || bad "what a killed process left is removed, what a living one writes is not" "$(ls)"
if with_shim "a parent that is not writable"; then
    says "a parent that is not writable is named so" 1 "cannot make this folder: Permission denied" faulty mkdir:1:EACCES "$kin" train shop --steps 1 --out new
fi

# ---- a passing error of reading is not a broken picture ----
cp -r shop spoilt; head -c 100 shop/product-0002/view-02.png >spoilt/product-0002/view-02.png
says "a damaged picture is left out and counted" 0 "1 of 32 pictures could not be read" "$kin" embed spoilt --model pixels --out spoilt
printf 'shop/product-0001/view-01.png,a\nshop/product-0001/view-99.png,a\nshop/product-0002/view-01.png,b\n' >list.csv
says "a missing one, too" 0 "1 of 3 pictures could not be read" "$kin" embed list.csv --model pixels --out listed
spoil=$(find shop/product-0007 shop/product-0008 -name '*.png' | head -n 1)
cp -r shop held; head -c 100 "$spoil" >"held/${spoil#shop/}"
# shellcheck disable=SC2086
says "and one that is held out" 0 "1 of 8 held-out pictures could not be read" "$kin" train held --width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 4 --validate .25 --validate-every 2 --out held_run
if with_shim "passing errors of reading"; then
    for why in "EIO Input/output error" "EMFILE Too many open files" "ENOMEM memory"; do
        KIN_FAULT_PATH=view-03.png says "${why%% *} while a picture is opened ends the command" 1 "${why#* }" faulty "open:5+:${why%% *}" "$kin" embed shop --model whole --out passing
    done
    KIN_FAULT_PATH=view-03.png says "EIO while a picture is read ends it" 1 "Input/output error" faulty read:5:EIO "$kin" embed shop --model whole --out passing
    KIN_FAULT_PATH=view-03.png says "EIO while pictures are checked ends it" 1 "Input/output error" faulty read:5:EIO "$kin" data shop --check
    KIN_FAULT_PATH=product-0001 says "EIO in training ends it" 1 "Input/output error" faulty read:3:EIO "$kin" train shop --width 8 --embedding 8 --size 16 --batch-classes 4 --batch-pictures 2 --steps 4 --cache 0 --out passing_run
    says "an interrupted call is made again" 0 "" faulty read:9:EINTR "$kin" embed shop --model pixels --out passing --quiet
    same "and nothing is missing" ref.npy passing.npy
    KIN_FAULT_PATH=product-0007 says "no descriptor for a moment is waited for" 0 "" faulty open:2:EMFILE "$kin" embed shop --model pixels --out passing --quiet
    same "and nothing is missing then" ref.npy passing.npy
    says "a folder that cannot be read on is not at its end" 1 "Input/output error" faulty readdir:9+:EIO "$kin" data shop
fi

# ---- photographs that go while they are read ----
if with_shim "photographs that go"; then
    mkdir album && for n in 1 2 3 4; do "$kin" convert shop/product-000$n/view-01.png --resize 96 --out album/$n.png --quiet; done
    "$kin" convert album/1.png --resize 60 --out album/small.jpg --quiet && cp -rp album all-of-it
    KIN_FAULT_PATH=album/3.png says "one that goes while a folder is indexed is told, and counted" 0 "1 pictures went or changed while the folder was read (the first: 3.png)" faulty open:1:GONE "$kin" index album
    grep -q '^4 pictures: 0 as before, 4 new' out && ! grep -q 'cannot be read' err && ok "and the others are read" || bad "and the others are read" "$(cat out err)"
    says "one of them is a copy" 0 "1 groups" "$kin" duplicates album
    KIN_FAULT_PATH=album/2.png says "one that goes while a page is made" 0 "1 pictures could not be read any more, as g.html says" faulty open:1:GONE "$kin" groups album --k1 2 --least 1 --html g.html
    cp -p all-of-it/* album && touch album/2.png
    KIN_FAULT_PATH=album/2.png says "one that goes while it is looked at is gone" 0 "1 pictures of the index are gone and 0 have another content since, and" faulty open:1:GONE "$kin" groups album --k1 2
    cp -p all-of-it/* album
    KIN_FAULT_PATH=album/small.jpg says "one that goes while copies are looked for is not compared" 0 "1 pictures could not be read again and were not compared" faulty open:1:GONE "$kin" duplicates album
    grep -q . out && bad "nor called a copy" "$(cat out)" || ok "nor called a copy"
    cp -p all-of-it/* album
    KIN_FAULT_PATH=album/small.jpg says "one that goes behind that is in no group" 0 "1 groups are left out, of which a picture went or changed while they were compared (the first: small.jpg)" faulty open:2:GONE "$kin" duplicates album
    grep -q . out && bad "and its copies are not given away" "$(cat out)" || ok "and its copies are not given away"
fi
(ulimit -n 8; "$kin" embed shop --model pixels --out few --quiet) 2>err; got=$?
[ $got -eq 0 ] && cmp -s ref.npy few.npy && ok "eight descriptors are enough" || bad "eight descriptors are enough" "status $got: $(cat err)"
(ulimit -n 4; "$kin" embed shop --model whole --out few --quiet) 2>err; got=$?
[ $got -eq 1 ] && grep -q "Too many open files" err && ok "too few are told" || { [ $got -eq 0 ] && ok "too few are told"; } || bad "too few are told" "status $got: $(cat err)"

# ---- an array and its names are one result ----
"$kin" embed shop --model whole --out pair --quiet
cp -r shop renamed && mv renamed/product-0003/view-01.png renamed/product-0003/view-11.png
"$kin" embed renamed --model whole --out other --quiet
cp other.csv pair.csv
for command in "search --gallery pair --top 3" "rerank --gallery pair --k1 6 --k2 3 --top 3" "eval --gallery pair" "fuse --gallery pair,pair --top 3" "reduce pair --pca 3 --out x"; do
    # shellcheck disable=SC2086
    says "names of another run are refused: kin ${command%% *}" 1 "are not of one run" "$kin" $command
done
rm pair.csv
says "names that are missing are said" 0 "the .csv that was written with it is missing" "$kin" search --gallery pair --top 3
sed 's/product-0001,/another,/' other.csv >other.new && mv other.new other.csv
says "labels may be changed" 0 "" "$kin" eval --gallery other --quiet
if with_shim "a pair whose second renaming fails"; then
    for n in 1 2; do
        "$kin" embed shop --model pixels --out both --quiet
        faulty "rename:$n:KILLED" "$kin" embed renamed --model pixels --out both --quiet >/dev/null 2>&1
        "$kin" search --gallery both --top 3 --out both_ranks.csv --quiet 2>err; got=$?
        if [ $got -eq 1 ] && grep -q "are not of one run" err || [ $got -eq 0 ]; then ok "a pair, killed after its renaming $n, is whole or refused"; else bad "a pair, killed after its renaming $n, is whole or refused" "status $got: $(cat err)"; fi
    done
fi
wrong=
for n in 1 2 3 4 5 6 7 8 9 10; do
    "$kin" embed shop --model pixels --out two --quiet & pid=$!
    "$kin" embed renamed --model pixels --out two --quiet || wrong="$wrong $n"
    wait $pid || wrong="$wrong $n"
    "$kin" search --gallery two --top 3 --out two_ranks.csv --quiet 2>err || grep -q "not of one run" err || wrong="$wrong $n: $(cat err)"
done
report "two commands that write one pair leave one's or a refusal" "$wrong"

# ---- where things are not as usual ----
for locale in de_DE.UTF-8 fr_FR.UTF-8; do LC_ALL=$locale "$kin" eval --gallery other --quiet >"figures.$locale"; done
"$kin" eval --gallery other --quiet >figures
cmp -s figures figures.de_DE.UTF-8 && cmp -s figures figures.fr_FR.UTF-8 && ok "figures have points in any locale" || bad "figures have points in any locale" "$(head -n 3 figures.de_DE.UTF-8)"
(umask 000; "$kin" embed shop --model pixels --out open --quiet); cmp -s ref.npy open.npy && ok "umask 000" || bad "umask 000" "differs"
if [ "$(id -u)" -eq 0 ] && mkdir disk && mount -t tmpfs -o size=64k none disk 2>/dev/null; then
    wrong=
    for size in 4 16 36 64; do
        mount -o "remount,size=${size}k" disk 2>/dev/null || continue
        rm -rf disk/*
        "$kin" embed shop --model pixels --size 32 --out disk/e --quiet 2>err; got=$?
        [ $got -eq 1 ] && grep -q "No space left" err || [ $got -eq 0 ] || wrong="$wrong $size: status $got, $(cat err)"
        [ $got -eq 0 ] || [ -z "$(leftovers disk)" ] || wrong="$wrong $size: left $(leftovers disk)"
    done
    umount disk
    report "a full disk is told" "$wrong"
else echo "skip faults: a full disk: needs root and tmpfs"; fi

# ---- every command, a sample ----
if with_shim "every command"; then
    cd "$back" && SHARE=1 KIN=$kin tests/faults/run.sh sample >"$folder/sample" 2>&1 || failed=1
    grep '^not ok\|^ok\|^skip' "$folder/sample"
fi
exit $failed
