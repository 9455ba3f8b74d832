#!/bin/sh
# Data sets as they are typed: kin data, parts, splits, samplers, and queries with cameras through to kin eval.
set -u
about=datasets
. tests/support/shell.sh
root=$PWD
cd "$folder" || exit 1

says() { # NAME STATUS TEXT COMMAND...: TEXT is somewhere in what is printed
    name=$1 status=$2 text=$3; shift 3
    out=$("$@" 2>&1); got=$?
    case $out in
    *"$text"*) if [ "$got" -eq "$status" ]; then ok "$name"; else bad "$name" "status $got: $out"; fi ;;
    *) bad "$name" "status $got, without '$text': $out" ;;
    esac
}

# A shop of 14 goods in 6 views, dealt out as Market-1501 is: goods 0-5 train, 6-11 test, 12 distractors, 13 junk; view v by camera v mod 3.
"$kin" synth shop --products 14 --views 6 --size 24 --seed 4 --quiet || bad "synth" "failed"
mkdir -p market/bounding_box_train market/query market/bounding_box_test
for good in shop/product-*; do
    number=$((1${good##*product-} - 10001))
    for view in 0 1 2 3 4 5; do
        name=$(printf 'c%ds1_%06d_00.jpg' $((view % 3 + 1)) $view)
        if [ $number -lt 6 ]; then to=market/bounding_box_train/$(printf '%04d' $((number + 1)))_$name
        elif [ $number -lt 12 ] && [ $view -lt 2 ]; then to=market/query/$(printf '%04d' $((number + 1)))_$name
        elif [ $number -lt 12 ]; then to=market/bounding_box_test/$(printf '%04d' $((number + 1)))_$name
        elif [ $number -eq 12 ]; then to=market/bounding_box_test/0000_$name
        else to=market/bounding_box_test/-1_$name
        fi
        cp "$good/$(printf 'view-%02d.png' $((view + 1)))" "$to"
    done
done
says "data: Market-1501 is recognised" 0 "market: Market-1501" "$kin" data market
says "data: its test part is counted" 0 "test                       42 pictures      6 classes, 12 queries, 30 gallery, 6 distractors, 3 cameras" "$kin" data market
says "data: the part is chosen" 0 "* query" "$kin" data market:query
says "data: a part that it does not have" 2 'has no part "val"; its parts are train, test, query, gallery' "$kin" data market:val
says "embed: both sides at once" 0 "" "$kin" embed market:test --model histogram --out E --quiet
says "embed: cameras and roles are written" 0 "query/0007_c1s1_000000_00.jpg,0007,market/query/0007_c1s1_000000_00.jpg,1,query" cat E.csv
says "embed: distractors have no label" 0 "bounding_box_test/0000_c1s1_000000_00.jpg,,market" cat E.csv
says "eval: cameras are looked at" 0 "gallery items of the query's label and camera are dropped" "$kin" eval --query E:query --gallery E:gallery
says "eval: or not" 0 '"queries": 12, "skipped": 0, "gallery": 30' "$kin" eval --query E:query --gallery E:gallery --ignore-cameras --json
says "eval: one set with roles is remarked on" 0 "give --query E:query --gallery E:gallery" "$kin" eval --gallery E
"$kin" search --query E:query --gallery E:gallery --out ranks.csv --quiet
says "check: lists of a role" 0 "12 lists, 360 ids" "$kin" check ranks.csv --query E:query --gallery E:gallery
"$kin" eval ranks.csv --query E:query --gallery E:gallery --json >listed
"$kin" eval --query E:query --gallery E:gallery --json >exact
grep -o '"mAP": 0.[0-9]\{6\}' listed >a && grep -o '"mAP": 0.[0-9]\{6\}' exact >b
same "eval: lists and full rankings agree on the camera rule" a b
market=$root/tests/golden/market
want=$(cut -c 1-16 "$market/expected.txt" | head -n 1 | cut -d ' ' -f 3 | cut -c 1-8)
says "eval: Market-1501's rule as evaluated elsewhere" 0 "\"mAP\": $want" "$kin" eval --query "$market/vectors:query" --gallery "$market/vectors:gallery" --json
says "eval: a role that is not there" 1 "has no column \`role\`" "$kin" eval --gallery "$root/tests/golden/retrieval/gallery:query"

"$kin" data market:test --out list.csv --quiet >report
says "data: the list is a data set" 0 "42 pictures      6 classes, 12 queries, 30 gallery, 6 distractors, 3 cameras" "$kin" data list.csv
mkdir -p lists && "$kin" data market:test --out lists/elsewhere.csv --quiet >report
says "data: a list in another folder finds its pictures" 0 "42 of 42 pictures can be read" "$kin" data lists/elsewhere.csv --check
"$kin" data list.csv --out - | sort >c
sort list.csv >d
same "data: and the same list again" c d

# One picture cut short, twelve that are none.
head -c 200 market/query/0007_c1s1_000000_00.jpg >x && mv x market/query/0007_c1s1_000000_00.jpg
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "no picture $i" >"market/query/0008_c1s1_00000${i}_01.jpg"; done
says "data: every picture is read" 1 "11 of 24 pictures can be read; 13 are broken" "$kin" data market:query --check
says "data: like reasons are one line" 1 "  12 x " "$kin" data market:query --check
says "data: sound sets say so" 0 "36 of 36 pictures can be read" "$kin" data market:train --check

small="--model conv4 --width 8 --embedding 8 --size 24 --channels 3 --loss softmax --batch 8 --save-every 5 --validate-every 5 --quiet"
# shellcheck disable=SC2086
"$kin" train market $small --sampler balanced --validate-fold 2/3 --steps 10 --out whole && ok "train: balanced, with a fold held out" || bad "train: balanced, with a fold held out" failed
printf 'class,split\n0003,val\n0004,val\n' >held.csv
# shellcheck disable=SC2086
"$kin" train market $small --sampler balanced --validate-list held.csv --steps 10 --out listed-run
grep -v '^{"step":[0-9]*,"loss"' whole/log.jsonl >e
grep -v '^{"step":[0-9]*,"loss"' listed-run/log.jsonl >f
same "train: the list names the same classes" e f
# shellcheck disable=SC2086
"$kin" train market $small --sampler balanced --validate-fold 2/3 --steps 60 --out long
# shellcheck disable=SC2086
"$kin" train market $small --sampler balanced --validate-fold 2/3 --steps 60 --out halves >/dev/null 2>&1 &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    [ -s halves/log.jsonl ] && break
    sleep 0.1
done
kill -TERM $pid 2>/dev/null # a run that has ended by then is resumed all the same
wait $pid
"$kin" train --resume halves --quiet
same "train: a resumed run draws the same batches" long/last.safetensors halves/last.safetensors
# shellcheck disable=SC2086
says "train: one way to validate" 2 "give one of them" "$kin" train market $small --validate 0.3 --validate-fold 1/2 --out no
# shellcheck disable=SC2086
says "train: the fold is checked" 2 '"4/3" is not understood' "$kin" train market $small --validate-fold 4/3 --out no
echo 0099 >held.csv
# shellcheck disable=SC2086
says "train: the list is checked by line" 1 'held.csv: line 1: "0099" is neither a class nor' "$kin" train market $small --validate-list held.csv --out no
# shellcheck disable=SC2086
says "train: distractors cannot be trained on" 1 "belongs to no class" "$kin" train market:gallery $small --steps 1 --out no

# Pictures inside a container, by number: here the last two of three in another order, 8 x 8 each.
{ printf '\0\0\010\003\0\0\0\003\0\0\0\010\0\0\0\010'; i=0; while [ $i -lt 192 ]; do printf "\\$(printf %o $((i * 5 % 256)))"; i=$((i + 1)); done; } >tiny-images-idx3-ubyte
printf '\0\0\010\001\0\0\0\003\001\0\001' >tiny-labels-idx1-ubyte
"$kin" data tiny-images-idx3-ubyte --out whole.csv --quiet >report
says "data: a list names pictures of a container" 0 "2,1,tiny-images-idx3-ubyte#2,," cat whole.csv
printf 'id,label,path\nz,1,tiny-images-idx3-ubyte#2\ny,0,tiny-images-idx3-ubyte#1\n' >two.csv
"$kin" embed two.csv --model pixels --channels 1 --size 8 --out last-two --quiet && "$kin" embed tiny-images-idx3-ubyte --model pixels --channels 1 --size 8 --out three --quiet
tail -c 512 last-two.npy >a; { tail -c 256 three.npy; tail -c 512 three.npy | head -c 256; } >b
[ -s a ] || bad "data: pictures by their number" "nothing was read"
same "data: and these are what is read" a b
printf 'path,label\ntiny-images-idx3-ubyte#3,1\n' >beyond.csv
says "data: a number beyond the container" 1 "names picture 3 of tiny-images-idx3-ubyte, which holds 3" "$kin" data beyond.csv
printf 'path,label\nnone-idx3-ubyte#3,1\n' >beyond.csv
says "data: a container that is not there" 1 "none-idx3-ubyte: there is no such file" "$kin" data beyond.csv
# ---- pictures for testing that were trained on ----
mkdir leaks && for p in 01 02 03 04; do
    mkdir -p leaks/train/$p leaks/test/$p
    cp shop/product-00$p/view-01.png shop/product-00$p/view-02.png leaks/train/$p
    "$kin" synth "leaks/more$p" --products 1 --views 2 --size 96 --seed "7$p" --quiet
    mv "leaks/more$p/product-0001/view-01.png" leaks/train/$p/big.png && mv "leaks/more$p/product-0001/view-02.png" leaks/test/$p/other.png
done
says "data: sets that share nothing" 0 "0 of 4 pictures of leaks/test are in leaks/train" "$kin" data leaks/train leaks/test --leaks
cp leaks/train/01/view-01.png leaks/test/02/again.png
"$kin" convert leaks/train/03/big.png --resize 80 --out leaks/test/03/small.jpg --quiet
"$kin" convert leaks/train/04/big.png --crop 80 --out leaks/test/04/crop.png --quiet
says "data: exact, same and near ones are told" 1 "3 of 7 pictures of leaks/test are in leaks/train: 1 exact, 1 same, 1 near" "$kin" data leaks/train leaks/test --leaks
says "data: which is which" 1 "near   leaks/test/04/crop.png  is  leaks/train/04/big.png" "$kin" data leaks/train leaks/test --leaks
says "data: by two names" 1 "1 of them have one label there and another one here" "$kin" data leaks/train leaks/test --leaks
mkdir leaks/apart && for p in 01 02 03 04; do cp -r leaks/test/$p leaks/apart/new-$p; done
"$kin" data leaks/train leaks/apart --leaks >apart 2>&1
! grep -q 'one label there' apart && grep -q '1 exact, 1 same, 1 near' apart && ok "data: sets without a name in common contradict nowhere" || bad "data: sets without a name in common contradict nowhere" "$(cat apart)"
says "data: the loosest kind that counts" 1 "2 of 7 pictures of leaks/test are in leaks/train: 1 exact, 1 same, 0 near" "$kin" data leaks/train leaks/test --leaks --kind same
says "data: leaks as JSON" 1 '"first":"leaks/train/01/view-01.png","first_label":"01","second":"leaks/test/02/again.png","second_label":"02"' "$kin" data leaks/train leaks/test --leaks --json --html leaks.html
grep -q 'data:image' leaks.html && grep -q 'again.png' leaks.html && ok "data: leaks on a page" || bad "data: leaks on a page" "$(head -c 300 leaks.html)"
"$kin" data leaks/train leaks/test --leaks --json --quiet --threads 1 >one; "$kin" data leaks/train leaks/test --leaks --json --quiet --threads 3 >three
same "data: leaks are the same for any number of threads" one three
head -c 100 leaks/train/02/big.png >leaks/test/02/broken.png
says "data: what cannot be read is counted" 1 "1 pictures could not be read and were not compared; the first: leaks/test/02/broken.png" "$kin" data leaks/train leaks/test --leaks
says "data: pictures of one file" 1 "2 of 2 pictures of two.csv are in tiny-images-idx3-ubyte: 2 exact" "$kin" data tiny-images-idx3-ubyte two.csv --leaks
printf 'path,label,x_1,y_1,x_2,y_2\nleaks/train/02/big.png,a,10,10,90,90\n' >boxes.csv
says "data: what is cut out of a picture" 1 "1 of 1 pictures of boxes.csv are in leaks/train: 0 exact, 0 same, 1 near" "$kin" data leaks/train boxes.csv --leaks
says "data: --leaks needs two" 2 "kin data TRAIN TEST --leaks" "$kin" data leaks/train --leaks
says "data: two need --leaks" 2 "of two sets --leaks tells what both have" "$kin" data leaks/train leaks/test
says "data: an option that does nothing with it" 2 "--check does nothing with --leaks" "$kin" data leaks/train leaks/test --leaks --check
says "data: or without it" 2 "--json goes with --leaks" "$kin" data leaks/train --json
exit 0
