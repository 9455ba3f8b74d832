#!/bin/sh
# The contest of 2018 re-enacted: a network learns on 1,383 products and is asked for 1,383 others, 18,027 queries against 36,748
# references, mAP@1000, within the hour.
#
#   examples/contest.sh shop OUT      on products that kin draws
#   examples/contest.sh fashion OUT   on Fashion-MNIST; the networks learn from the 15,225 pictures that are neither query nor reference
#
# Every setting is fitted on validation items: of the shop the last eighth of the training products, of Fashion-MNIST every fifth training
# picture. Queries and references are looked at once, at the end, except where a row of the table says "together": there all queries take
# part in each other's lists, as k-reciprocal re-ranking is defined.
#
# Leaves in OUT: lists.csv (what would be handed in), table.csv (what each step gains), hour.csv (how long which part of the hour takes),
# sizes.csv (fewer queries, twice of everything, less time), strangers.csv (what is not in the gallery), table.svg. What is in OUT already is not
# made again. KIN is the program, PRODUCTS, STEPS, SIZE, PICTURES and SECOND make it smaller; docs/contest.md tells the story.
set -eu
kin=${KIN:-./kin} what=${1:-} out=${2:-}
case $what,$out in shop,?* | fashion,?*) ;; *) echo "usage: $0 shop|fashion OUT" >&2; exit 2 ;; esac
products=${PRODUCTS:-1383} size=${SIZE:-32} pictures=${PICTURES:-70000}
mkdir -p "$out"
out=$(cd "$out" && pwd)
say() { echo "contest: $*" >&2; }
missing() { [ ! -s "$out/$1" ]; }
now() { date +%s.%N; }
since() { echo "$1 $(now)" | awk '{ printf "%.1f", $2 - $1 }'; }

# ---- the pictures: train.csv without, validation.csv and test.csv with queries and references ----

# Of each product's views the first are queries and the next references: as many as make QUERIES and REFERENCES of 1,383 products.
views() { # QUERIES REFERENCES
    awk -F, -v q="$1" -v r="$2" 'BEGIN { OFS = "," }
        function share(all) { return int((n + 1) * all / 1383) - int(n * all / 1383) }
        NR == 1 { print "id,label,path,role"; next }
        $2 != last { last = $2; v = 0; queries = share(q); references = share(r); n++ }
        { v++; if (v <= queries + references) print ++id, $2, $3, v <= queries ? "query" : q ? "gallery" : "" }'
}

draw_shop() {
    held=$(((products + 7) / 8))
    [ -d "$out/shop" ] || { say "drawing the shop"; "$kin" synth "$out/shop" --products $((2 * products)) --views 54 --size "$size" --seed 2018; }
    missing double.csv || return 0
    "$kin" data "$out/shop" --classes 0-$((products - held - 1)) --quiet --out - | views 0 73551 >"$out/train.csv"
    "$kin" data "$out/shop" --classes $((products - held))-$((products - 1)) --quiet --out - | views 18027 36748 >"$out/validation.csv"
    "$kin" data "$out/shop" --classes $products-$((2 * products - 1)) --quiet --out - | views 18027 36748 >"$out/test.csv"
    "$kin" data "$out/shop" --quiet --out - | views 18027 36748 >"$out/double.csv"
}

# 7919 is coprime to 70,000: the picture in line n gets a number of its own, and the numbers decide what it is for.
divide_fashion() {
    missing test.csv || return 0
    for part in train test; do "$kin" data "${FASHION:-/usr/share/datasets/fashion-mnist}:$part" --quiet --out -; done |
        awk -F, -v out="$out" -v pictures="$pictures" 'BEGIN {
                for (i = split("train validation test", set, " "); i; i--) { file[i] = out "/" set[i] ".csv"; print "id,label,path,role" >file[i] }
            }
            $1 == "id" || seen++ >= pictures { next }
            { n = seen * 7919 % 70000; role = "gallery"; to = 3 }
            n < 18027 { role = "query" }
            n >= 54775 { to = n % 5 ? 1 : 2; role = to == 1 ? "" : ++asked % 3 ? "gallery" : "query" }
            { print seen "," $2 "," $3 "," role >file[to] }'
}

# ---- two networks, first taught the classes, then distances ----

train() { # RUN OPTIONS...
    run=$1; shift
    [ ! -e "$out/$run/done" ] || return 0
    say "training $run"
    # shellcheck disable=SC2086
    if [ -e "$out/$run/last.safetensors" ]; then "$kin" train --resume "$out/$run"
    else "$kin" train "$out/train.csv" $input --embedding 128 "$@" --out "$out/$run"; fi
    touch "$out/$run/done"
}

train_both() {
    for net in first second; do
        if [ $net = first ]; then model="--seed 1 --model conv4 --width 64"
        else model="--seed 2 --attention sca@end $second"; fi
        # shellcheck disable=SC2086
        train $net-softmax $model --loss softmax --batch 64 --steps "$steps"
        # shellcheck disable=SC2086
        train $net $model --loss $loss --weights "$out/$net-softmax/model.safetensors" --lr 0.0005 --steps $((steps / 4))
    done
}

embed() { # RUN SET
    missing "$1-$2.npy" || return 0
    "$kin" embed "$out/$2.csv" --model "$out/$1" --out "$out/$1-$2"
}

# ---- the hour: what is done with queries and references is timed, one part after the other ----

part() { # NAME COMMAND...
    grep -q "^$1," "$out/hour.csv" 2>/dev/null && return
    named=$1; shift
    began=$(now); "$@"; echo "$named,$(since "$began")" >>"$out/hour.csv"
}
spent() { awk -F, '{ all += $2 } END { printf "%.1f", all }' "$out/hour.csv"; }

# ---- the ensemble, its whitening, and all other settings, on the validation items ----

of() { echo "--query $out/$1:query --gallery $out/$1:gallery"; }
number() { sed -n "s/.*\"$2\": \(-\{0,1\}[0-9.e-]*\)[,}].*/\1/p" "$1"; } # FILE KEY: of a line of JSON
# shellcheck disable=SC2046
map() { "$kin" eval $(of "$1") --json --quiet >"$out/found.json"; number "$out/found.json" mAP; } # SET

side_by_side() { # SET: both networks' descriptors as one
    missing "both-$1.npy" || return 0
    "$kin" fuse --params "$out/fusion.json" --gallery "$out/first-$1,$out/second-$1" --embeddings "$out/both-$1" --quiet
}

fit_ensemble() {
    v=validation
    # By distance: that is how descriptors side by side are compared.
    if missing fusion.json; then
        "$kin" fuse --query "$out/first-$v:query,$out/second-$v:query" --gallery "$out/first-$v:gallery,$out/second-$v:gallery" --by distance --fit --save-params "$out/fusion.json"
    fi
    for set in quarter validation; do side_by_side $set; done
    part "both side by side" side_by_side test
}

fit_whitening() {
    missing whitened || return 0
    say "fitting a whitening"
    best=0 before=$(map both-validation)
    for kind in "" --learned; do
        for dims in 64 128 256; do
            for shrinkage in 0.03 0.3; do
                # shellcheck disable=SC2086
                "$kin" whiten fit "$out/both-quarter" $kind --dims $dims --shrinkage $shrinkage --out "$out/w.safetensors" --quiet
                "$kin" whiten apply "$out/w.safetensors" "$out/both-validation" --out "$out/w-validation" --quiet
                found=$(map w-validation)
                more "$found" "$best" || continue
                best=$found choice="$kind --dims $dims --shrinkage $shrinkage"
                cp "$out/w.safetensors" "$out/whitening.safetensors"
            done
        done
    done
    say "whitening: $choice, mAP $best, before $before"
    if more "$best" "$before"; then echo "white $choice"; else echo "both $choice"; fi >"$out/whitened"
}
more() { echo "$1 $2" | awk '{ exit !($1 > $2) }'; } # X THAN

whiten() { # SET
    missing "white-$1.npy" || return 0
    "$kin" whiten apply "$out/whitening.safetensors" "$out/both-$1" --out "$out/white-$1" --quiet
}

shorten() { # KIND OPTIONS...: the ensemble's descriptors in 64 numbers
    kind=$1; shift
    missing "$kind-test.npy" || return 0
    "$kin" reduce "$out/both-quarter" "$@" --save "$out/$kind.safetensors" --out "$out/$kind-train" --quiet
    "$kin" reduce "$out/both-test" --with "$out/$kind.safetensors" --out "$out/$kind-test" --quiet
}

tune() { # FILE OPTIONS...: settings of later options count
    file=$1; shift
    missing "$file.json" || return 0
    say "fitting $file"
    # shellcheck disable=SC2046
    "$kin" tune $(of "$base-validation") --rounds 1 "$@" --out "$out/$file.json"
}
means() { for key in expand augment alpha; do echo "--$key $(number "$out/expand.json" $key)"; done; }

# ---- the test ----

judge() { # NAME JUDGED COMMAND...: the command writes ranks.csv
    name=$1 judged=$2; shift 2
    grep -q "^$name," "$out/table.csv" && return
    say "$name"
    began=$(now); "$@" --top $top --out "$out/ranks.csv" --quiet; took=$(since "$began")
    "$kin" eval "$out/ranks.csv" --query "$out/first-test:query" --gallery "$out/first-test:gallery" --json --quiet >"$out/found.json"
    printf "%s,%s,%.4f,%.4f,%s\n" "$name" "$judged" "$(number "$out/found.json" "mAP@$top")" "$(number "$out/found.json" R@1)" "$took" >>"$out/table.csv"
}

climb() {
    [ -s "$out/table.csv" ] || echo "step,queries judged,mAP@1000,R@1,seconds" >"$out/table.csv"
    # shellcheck disable=SC2046
    {
        judge "pixels" alone "$kin" search $(of pixels-test)
        [ $what = shop ] || judge "the predicted class by confidence" alone "$kin" search $(of predicted-test) --metric inner
        judge "features of the softmax" alone "$kin" search $(of first-softmax-test)
        judge "triplets" alone "$kin" search $(of first-test)
        judge "another network with attention" alone "$kin" search $(of second-test)
        judge "both networks" alone "$kin" search $(of both-test)
        judge "both in 64 numbers: principal components" alone "$kin" search $(of pca-test)
        judge "both in 64 numbers: auto-encoder" alone "$kin" search $(of autoencoder-test)
        judge "both whitened" alone "$kin" search $(of white-test)
        judge "expanded" alone "$kin" rerank $(of $base-test) --params "$out/expand.json"
        judge "diffused" alone "$kin" rerank $(of $base-test) --params "$out/diffusion.json"
        judge "re-ranked" together "$kin" rerank $(of $base-test) --params "$out/rerank.json"
        judge "expanded and re-ranked" together "$kin" rerank $(of $base-test) --params "$out/chain.json"
    }
}

# ---- to lists within the hour; fewer queries, and twice of everything ----

retrieve() { # SET DEADLINE LISTS
    # shellcheck disable=SC2046
    "$kin" retrieve $(of "$1") --params "$out/chain.json" --deadline "$2" --top $top --out "$out/$3"
}

# The same from the pictures on, with one network: decoding and embedding count as well.
from_pictures() { # DEADLINE
    # shellcheck disable=SC2046
    "$kin" retrieve $(of test.csv) --model "$out/first" --params "$out/chain.json" --deadline "$1" --top $top --out "$out/ranks.csv"
}
share() { awk -F, -v what="$1" -v part="$2" '$1 == what { printf "%d", 1 + $2 * part; exit }' "$out/sizes.csv"; } # NAME PART: of its seconds

the_hour() {
    [ -s "$out/sizes.csv" ] || echo "what,seconds" >"$out/sizes.csv"
    part "search expansion search re-ranking and writing" retrieve $base-test "$(spent | awk '{ printf "%d", 3600 - $1 }')s" lists.csv
    "$kin" check "$out/lists.csv" --query "$out/first-test:query" --gallery "$out/first-test:gallery" >&2
    awk -F, 'BEGIN { OFS = "," } $NF == "query" && ++n > 7000 { $NF = "" } { print }' "$out/$base-test.csv" >"$out/part.csv"
    ln -sf "$base-test.npy" "$out/part.npy"
    size "7000 queries" retrieve part 1h ranks.csv
    [ $what = shop ] || return 0
    for net in first second; do embed $net double; done
    side_by_side double
    [ $base = both ] || whiten double
    size "twice the contest" retrieve $base-double 1h ranks.csv
    third=$(share "twice the contest" 0.333)
    size "twice the contest in $third s" retrieve $base-double "${third}s" ranks.csv
    size "from the pictures by the first network" from_pictures 1h
    less=$(share "from the pictures by the first network" 0.75)
    size "from the pictures by the first network in $less s" from_pictures "${less}s"
}

# ---- what is not in the gallery: of every second product the test's references are taken away ----

strangers() { # RATE: of false accepts, that a threshold is fitted to on the validation items
    grep -q "^$1," "$out/strangers.csv" && return
    say "strangers, $1 of them to be accepted"
    # shellcheck disable=SC2046
    "$kin" eval $(of "$base-validation") --fit-threshold "$1" --json --quiet >"$out/found.json"
    distance=$(number "$out/found.json" threshold)
    # shellcheck disable=SC2046
    "$kin" search $(of half) --max-distance "$distance" --top 1 --out "$out/near.csv" --quiet
    awk -F, -v rate="$1" -v distance="$distance" '
        FNR == 1 { next }
        NR == FNR { label[$1] = $2; if ($NF == "gallery") there[$2] = 1; next }
        !(label[$1] in there) { strangers++; accepted += $2 != ""; next }
        { known++; found += label[$2] == label[$1]; wrong += $2 != "" && label[$2] != label[$1] }
        END { printf "%s,%.4f,%.4f,%.4f,%.4f\n", rate, distance, accepted / strangers, found / known, wrong / known }' "$out/half.csv" "$out/near.csv" >>"$out/strangers.csv"
}

not_there() {
    [ -s "$out/strangers.csv" ] || echo "false accepts asked,distance,strangers accepted,found,mistaken" >"$out/strangers.csv"
    awk -F, 'BEGIN { OFS = "," } !($2 in number) { number[$2] = n++ } $NF == "gallery" && number[$2] % 2 { $NF = "" } { print }' "$out/$base-test.csv" >"$out/half.csv"
    ln -sf "$base-test.npy" "$out/half.npy"
    for rate in 0.01 0.05 0.2; do strangers $rate; done
}

size() { # NAME COMMAND...
    grep -q "^$1," "$out/sizes.csv" && return
    named=$1; shift
    say "$named"
    began=$(now); "$@"; echo "$named,$(since "$began")" >>"$out/sizes.csv"
}

# ---- the picture ----

draw_table() {
    awk -F, 'NR == 1 { next } { name[++n] = $1; map[n] = $3; seconds[n] = $5; alone[n] = $2 == "alone" }
        END {
            printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"%d\" font-family=\"sans-serif\" font-size=\"14\">\n", 30 * n + 44
            print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
            for (i = 1; i <= n; i++) {
                y = 30 * i - 18; wide = 330 * map[i]
                printf "<text x=\"300\" y=\"%d\" text-anchor=\"end\">%s</text>\n", y + 16, name[i]
                printf "<rect x=\"310\" y=\"%d\" width=\"%.1f\" height=\"22\" fill=\"%s\"/>\n", y, wide, alone[i] ? "#4477aa" : "#cc7733"
                printf "<text x=\"%.1f\" y=\"%d\">%s</text>\n", 316 + wide, y + 16, substr(sprintf("%.4f", map[i]), map[i] < 1 ? 2 : 1)
                if (seconds[i] != "") printf "<text x=\"745\" y=\"%d\" text-anchor=\"end\" fill=\"#666666\">%.0f s</text>\n", y + 16, seconds[i]
            }
            printf "<text x=\"310\" y=\"%d\" font-size=\"12\" fill=\"#666666\">mAP@1000 and time; blue: each query alone, orange: all queries together</text>\n</svg>\n", 30 * n + 30
        }' "$out/table.csv" >"$out/table.svg"
}

# ---- all of it ----

top=1000
if [ "$what" = shop ]; then
    steps=${STEPS:-1800}
    draw_shop
    [ "$products" -ge 32 ] && classes=32 || classes=$((products / 2))
    input="--size $size --channels 3 --shift 3 --light 0.2" colours=3
    loss="triplet-hard --sampler pk --batch-classes $classes --batch-pictures 4"
    second=${SECOND:---model densenet121 --stem cifar --width 16}
else
    divide_fashion
    steps=${STEPS:-600} size=28 input="--size 28 --channels 1 --shift 2 --flip" colours=1
    loss="triplet-semihard --sampler pk --batch-classes 10 --batch-pictures 12"
    second=${SECOND:---model resnet20 --width 16}
fi
items=$(grep -c ',gallery$' "$out/test.csv")
[ "$items" -ge $top ] || top=$items
train_both
awk 'NR == 1 || NR % 4 == 0' "$out/train.csv" >"$out/quarter.csv" # of the training pictures, for whitening and shorter descriptors
for net in first second; do
    part "descriptors of the $net network" embed $net test
    for set in quarter validation; do embed $net $set; done
done
embed first-softmax test
if missing pixels-test.npy; then "$kin" embed "$out/test.csv" --model pixels --size $((size / 2)) --channels $colours --out "$out/pixels-test"; fi
if [ $what = fashion ] && missing predicted-test.npy; then "$kin" embed "$out/test.csv" --model "$out/first-softmax" --output prediction --out "$out/predicted-test"; fi
fit_ensemble
fit_whitening
read -r base _ <"$out/whitened" # what the steps after it take
whiten validation
if [ "$base" = white ]; then part whitened whiten test; else whiten test; fi
shorten pca --pca 64
shorten autoencoder --autoencoder 64 --metric-weight 1 --steps "${STEPS:-2000}"
tune expand --method expand
tune diffusion --method diffusion --truncate 500 --rounds 0
tune rerank --method k-reciprocal
# shellcheck disable=SC2046
tune chain --method k-reciprocal $(means)
climb
the_hour
if [ "$what" = shop ]; then not_there; fi
draw_table
column -s, -t "$out/table.csv" 2>/dev/null || cat "$out/table.csv"
cat "$out/hour.csv" "$out/sizes.csv"
if [ "$what" = shop ]; then cat "$out/strangers.csv"; fi
say "the whole hour: $(spent) s; the picture: $out/table.svg"
