#!/bin/sh
# What kin writes kin reads: ids that are paths, lists of descriptors as data sets, other programs' lists and arrays.
set -u
cd "$(dirname "$0")/.." || exit 1
about=lists
. tests/support/shell.sh
cd "$out" || exit 1

says() { # NAME STATUS TEXT COMMAND...: TEXT is somewhere in what is printed
    name=$1 status=$2 text=$3; shift 3
    said=$("$@" 2>&1 </dev/null); got=$?
    why=
    case $said in *"$text"*) ;; *) why="without '$text': $said" ;; esac
    [ "$got" -eq "$status" ] || why="status $got: $said"
    report "$name" "$why"
}

# ---- ids keep the path ----
"$kin" synth shop --products 4 --views 3 --size 16 --quiet
mkdir "odd" && cp -r shop/product-0001 "odd/a b" && cp -r shop/product-0002 "odd/a_b" && cp -r shop/product-0003 "odd/50%20, \"x\""
new='odd/a b/two
lines.png'
mv "odd/a b/view-01.png" "$new"
says "embed takes names that differ in a blank" 0 "" "$kin" embed odd --model pixels --size 8 --out e
says "the id is the path" 0 "a b/view-02.png" cat e.csv
"$kin" search --gallery e --out ranks.csv --quiet
says "check reads the lists" 0 "9 lists, 72 ids, all known, none twice" "$kin" check ranks.csv --gallery e
"$kin" eval ranks.csv --gallery e --json >listed 2>/dev/null
"$kin" eval --gallery e --json >exact 2>/dev/null
grep -o '"mAP": 0.[0-9]\{6\}' listed >a && grep -o '"mAP": 0.[0-9]\{6\}' exact >b
same "lists: eval reads them alike" a b
says "fuse reads them" 0 "id,images" "$kin" fuse ranks.csv ranks.csv --gallery e
says "data reads the descriptors' list" 0 "9 of 9 pictures can be read" "$kin" data e.csv --check
says "data writes a list that it reads" 0 "9 of 9 pictures can be read" sh -c "'$kin' data odd --out odd.csv --quiet >/dev/null && '$kin' data odd.csv --check"
mkdir sub && "$kin" embed odd --model pixels --size 8 --out sub/e --quiet
says "and of descriptors in another folder" 0 "9 of 9 pictures can be read" "$kin" data sub/e.csv --check
"$kin" embed sub/e.csv --model pixels --size 8 --out again --quiet
same "lists: and the same descriptors come of it" e.npy again.npy
sed "s|$out/||" sub/e.csv >sub/old.csv
says "a list of kin's from before, whose paths count from the working directory" 0 "9 of its 9 paths count from the working directory" "$kin" data sub/old.csv --check

# ---- arrays of FAISS's ----
"$kin" search --gallery e --indices i.npy --distances d.npy --quiet
says "check reads an array" 0 "9 lists, 72 ids" "$kin" check i.npy --gallery e
"$kin" eval i.npy --gallery e --json >arrays 2>/dev/null
grep -o '"mAP": 0.[0-9]\{6\}' arrays >a
same "lists: eval reads an array alike" a b
says "fuse reads arrays beside lists" 0 "id,images" "$kin" fuse i.npy ranks.csv --gallery e
{ # as FAISS would give it: each item finds itself first
    printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<i8', 'fortran_order': False, 'shape': (9, 2), }"
    for q in 0 1 2 3 4 5 6 7 8; do
        for row in $q $(((q + 1) % 9)); do printf "\\0$((row / 8))$((row % 8))\\0\\0\\0\\0\\0\\0\\0"; done
    done
} >own.npy
says "an array that holds the queries themselves" 0 "9 items found themselves in own.npy" "$kin" eval own.npy --gallery e
head -c 200 i.npy >cut.npy
says "an array that is cut short" 1 "is cut short" "$kin" check cut.npy --gallery e

# ---- what never ends ----
for command in "data /dev/zero" "convert /dev/zero --out endless" "check /dev/zero --gallery e" "tensors /dev/zero" "train shop --recipe /dev/zero --out endless"; do
    # shellcheck disable=SC2086
    says "a device is no file: ${command%% *}" 1 "/dev/zero: is a device; a file was expected" timeout 20 "$kin" $command
done

# ---- folders without classes ----
mkdir loose && cp shop/product-0001/view-01.png loose/a_1.png && cp shop/product-0001/view-02.png loose/a_2.png
cp shop/product-0002/view-01.png loose/b_1.png && cp shop/product-0002/view-02.png loose/b_2.png && mkfifo loose/pipe.jpg
says "data tells that there are no classes" 0 "a folder of pictures without classes: pictures lie in the folder itself" "$kin" data loose
says "a pipe is passed over" 0 "passed over: 1 no files but pipes, sockets or devices (pipe.jpg)" "$kin" data loose
says "embed --judge without classes is refused" 1 "has no classes: pictures lie in the folder itself, and --judge needs them" "$kin" embed loose --model pixels --size 8 --out l --judge
[ -e l.npy ] && report "before the work" "l.npy was written"
says "embed without classes" 0 "" "$kin" embed loose --model pixels --size 8 --out l --quiet
says "and no label is written" 0 "a_1.png,," cat l.csv
says "eval without labels is refused" 1 "the items have no labels" "$kin" eval --gallery l
says "its threshold too" 1 "the items have no labels" "$kin" eval --gallery l --fit-threshold 0.1
says "tune too" 1 "the items have no labels" "$kin" tune --gallery l
says "one label is none" 1 "all items have one label, '.'" sh -c "sed 's/,,/,.,/' l.csv >m.csv && cp l.npy m.npy && '$kin' eval --gallery m"
says "the list of it is a data set without classes" 0 "0 classes" "$kin" data l.csv
says "embed --judge by a pattern of names" 0 "4 pictures, each looked for among the others" "$kin" embed loose --labels "{}_*" --model pixels --size 8 --out l --judge --quiet
long=$(printf "%0250d" 7) && mkdir -p "deep/$long/$long" && cp loose/a_1.png "deep/$long/$long/a.png" && printf 'path,label\n%s,one\n%s,two\n' "$long/$long/a.png" a.png >labels.csv
says "two labels of a picture with a long name" 1 "000000 has the label \"one\" on an earlier line" "$kin" data deep --labels labels.csv

# ---- outputs ----
says "embed asks for its folder before the work" 1 "nodir/x.npy" "$kin" embed odd --model pixels --size 8 --out nodir/x
cp odd.csv photos.csv
says "embed does not overwrite the list that it reads" 2 "photos.csv is read by this very command" "$kin" embed photos.csv --model pixels --size 8 --out photos
same "lists: and the list is as it was" odd.csv photos.csv
says "two outputs of one name" 2 "--out and --indices both write x" "$kin" search --gallery e --out x --indices x
says "two outputs of one place" 2 "--out and --indices both write ./x" "$kin" search --gallery e --out x --indices ./x
says "one output is a part of another" 2 "both write" "$kin" reduce e --pca 2 --out y --save y.npy
exit $failed
