#!/bin/sh
# Descriptors as they should not be: one clear line each, exit status 1 or 2, nothing half-written. And such as are unusual, but right.
set -u
cd "$(dirname "$0")/.." || exit 1
about="bad vectors"
. tests/support/shell.sh
q=tests/golden/retrieval/query g=tests/golden/retrieval/gallery

# npy FILE DESCR FORTRAN SHAPE: the header; the numbers come on standard input.
npy() {
    words=$(printf '%-117s' "{'descr': '$2', 'fortran_order': $3, 'shape': ($4), }") # 128 bytes in all, as NumPy aligns them
    { printf '\223NUMPY\001\000'; printf '%b' "\\0$(printf %o $((${#words} + 1)))\\0000$words\\n"; cat; } >"$1"
}
zero='\000\000\000\000' one='\000\000\200\077' two='\000\000\000\100' three='\000\000\100\100' nan='\000\000\300\177' inf='\000\000\200\377'

# refused NAME CODE PART COMMAND...: the command writes to nothing.csv, which must not be there afterwards, nor anything beside it.
refused() {
    name=$1 code=$2 part=$3; shift 3
    mkdir "$out/empty"
    "$kin" "$@" --out "$out/empty/nothing.csv" >"$out/out" 2>"$out/err" </dev/null
    got=$? why=
    [ "$got" -eq "$code" ] || why="exit status $got, not $code"
    grep -qF -e "$part" "$out/err" || why="$why; standard error lacks '$part': $(head -n 1 "$out/err")"
    [ "$(grep -c '^kin' "$out/err")" -eq 1 ] || why="$why; not one line: $(cat "$out/err")"
    [ -z "$(ls "$out/empty")" ] || why="$why; left behind: $(ls "$out/empty")"
    rm -rf "$out/empty"
    report "$name" "$why"
}

printf "$one$two$one$nan$two$two" | npy "$out/nan.npy" '<f4' False '3, 2'
printf "$one$two$one$one$two$inf" | npy "$out/inf.npy" '<f4' False '3, 2'
printf "$one$two$zero$zero$two$two" | npy "$out/zero.npy" '<f4' False '3, 2'
printf "$one$two$one$one$two$two" | npy "$out/fine.npy" '<f4' False '3, 2'
refused "NaN, by row and column" 1 "row 1 (counted from 0) holds NaN in column 1" search --gallery "$out/nan.npy" --top 1
refused "infinity" 1 "row 2 (counted from 0) holds infinity in column 1" search --gallery "$out/inf.npy" --top 1 --metric euclid
refused "NaN among queries" 1 "row 1 (counted from 0) holds NaN" rerank --query "$out/nan.npy" --gallery "$out/fine.npy" --k1 2 --k2 1 --top 1
refused "a zero vector has no cosine" 1 "row 1 is zero" search --gallery "$out/zero.npy" --top 1
expect "by Euclid it has a place" 0 "id,images" "" search --gallery "$out/zero.npy" --top 1 --metric euclid --quiet
refused "re-ranking a zero vector" 1 "row 1 (counted from 0) has the norm 0" retrieve --gallery "$out/zero.npy" --k1 1 --k2 1 --top 1

npy "$out/none.npy" '<f4' False '0, 2' </dev/null
refused "no queries" 1 "none.npy" search --query "$out/none.npy" --gallery "$out/fine.npy" --top 1
refused "no gallery" 1 "none.npy" search --query "$out/fine.npy" --gallery "$out/none.npy" --top 1
npy "$out/huge.npy" '<f4' False '1152921504606846976, 2' </dev/null
refused "a header of 2^60 rows" 1 "huge.npy" search --gallery "$out/huge.npy" --top 1
npy "$out/wide.npy" '<f4' False '2, 4611686018427387904' </dev/null
refused "a header of 2^62 dimensions" 1 "wide.npy" search --gallery "$out/wide.npy" --top 1
head -c 100 "$out/fine.npy" >"$out/short.npy"
refused "a header cut short" 1 "short.npy" search --gallery "$out/short.npy" --top 1
head -c 2000 $g.npy >"$out/cut.npy"
refused "numbers cut short" 1 "cut off" retrieve --gallery "$out/cut.npy" --top 1
printf 'id,label\na,1\nb,1\na,2\n' >"$out/fine.csv"
refused "an id that repeats" 1 "'a'" search --gallery "$out/fine" --top 1
rm "$out/fine.csv"
refused "lists longer than the gallery" 2 "--top 3" search --gallery "$out/fine.npy" --top 3
refused "k1 as large as the set" 2 "k1 3" rerank --gallery "$out/fine.npy" --k1 3 --k2 1 --top 1
refused "dimensions that differ" 2 "both must come from one model" rerank --query $q --gallery "$out/fine.npy" --top 1

# The same numbers, stored in other ways.
printf "$one$one$two$two$one$two" | npy "$out/fortran.npy" '<f4' True '3, 2'
printf '\000\000\000\000\000\000\360\077\000\000\000\000\000\000\000\100\000\000\000\000\000\000\360\077\000\000\000\000\000\000\360\077\000\000\000\000\000\000\000\100\000\000\000\000\000\000\000\100' |
    npy "$out/float64.npy" '<f8' False '3, 2'
printf '\000\074\000\100\000\074\000\074\000\100\000\100' | npy "$out/float16.npy" '<f2' False '3, 2'
printf '\077\200\000\000\100\000\000\000\077\200\000\000\077\200\000\000\100\000\000\000\100\000\000\000' | npy "$out/big.npy" '>f4' False '3, 2'
"$kin" search --gallery "$out/fine.npy" --top 2 --metric euclid --quiet >"$out/want"
for kind in fortran float64 float16 big; do
    "$kin" search --gallery "$out/$kind.npy" --top 2 --metric euclid --quiet >"$out/got" 2>&1
    same "$about: $kind is read as float32 is" "$out/want" "$out/got"
done

# A disk that is full: no file may be longer than 4 KiB, and an earlier result stays as it is.
cp tests/golden/retrieval/query.csv "$out/old.csv"
cp "$out/old.csv" "$out/result.csv"
for command in search rerank retrieve; do
    before=$(ls "$out")
    (trap '' XFSZ; ulimit -f 8; exec "$kin" $command --query $q --gallery $g --k1 8 --k2 3 --out "$out/result.csv" --quiet) 2>"$folder/err" >/dev/null
    status=$?
    why=
    [ $command != search ] || { (trap '' XFSZ; ulimit -f 8; exec "$kin" search --query $q --gallery $g --out "$out/result.csv" --quiet) 2>"$folder/err"; status=$?; }
    [ $status -eq 1 ] || why="exit status $status"
    grep -q 'result.csv' "$folder/err" || why="$why; $(head -n 1 "$folder/err")"
    cmp -s "$out/old.csv" "$out/result.csv" || why="$why; the old file is gone"
    [ "$(ls "$out" | grep -v '^err$')" = "$(echo "$before" | grep -v '^err$')" ] || why="$why; something was left behind"
    report "$command: a full disk leaves the old result" "$why"
done
if [ -c /dev/full ]; then
    expect "a full device" 1 "" "/dev/full: cannot be written" search --gallery "$out/fine.npy" --top 1 --quiet --out /dev/full
    why=; [ -c /dev/full ] || why="it is a file now"
    report "a device stays one" "$why"
else echo "skip $about: a full device: no /dev/full"; fi
# Opened once: a reader that comes for the first opening is gone at a second, which would wait for ever.
mkfifo "$out/pipe"
timeout 60 cat "$out/pipe" >"$out/got" &
timeout 60 "$kin" search --gallery "$out/fine.npy" --top 2 --metric euclid --quiet --out "$out/pipe"
wait
same "$about: a pipe by its name" "$out/want" "$out/got"

# A gallery of 512 MiB, most of it a hole, is searched in place: what the process has of its own stays small.
npy "$out/large.npy" '<f4' False '2097152, 64' </dev/null
truncate -s $((536870912 + $(wc -c <"$out/large.npy"))) "$out/large.npy"
printf "$one" | cat - /dev/zero | head -c 256 | npy "$out/one.npy" '<f4' False '1, 64'
name="a gallery of 512 MiB is searched in place"
if [ -r /proc/self/smaps_rollup ]; then
    "$kin" search --query "$out/one.npy" --gallery "$out/large.npy" --metric euclid --top 3 --threads 2 >"$out/got" 2>"$out/err" &
    pid=$! most=0
    while kill -0 $pid 2>/dev/null; do
        own=$(awk '/^(Anonymous|Private_Dirty):/ && $2 > most { most = $2 } END { print most + 0 }' /proc/$pid/smaps_rollup 2>/dev/null) || own=0
        [ "${own:-0}" -gt $most ] && most=$own
        sleep 0.01
    done
    wait $pid
    status=$? why=
    [ $status -eq 0 ] || why="exit status $status: $(head -n 1 "$out/err")"
    grep -q ',0 1 2$' "$out/got" || why="$why; $(head -n 2 "$out/got" | tail -n 1 | head -c 80)"
    # Sanitizers keep a shadow of what is read: what is theirs cannot be told from kin's own.
    case ${BUILD:-} in *-address* | *-thread*) ;; *) [ $most -lt 131072 ] || why="$why; $most KiB of its own" ;; esac
    report "$name" "$why"
else echo "skip $about: $name: no /proc/self/smaps_rollup"; fi
exit $failed
