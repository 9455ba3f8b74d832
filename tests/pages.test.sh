#!/bin/sh
# Pages of lists, of runs beside each other, of what a network looks at: written by the commands, from real files.
set -u
about=pages
. tests/support/shell.sh
cd "$folder" || exit 1

# page NAME FILE PART...: FILE holds every PART, and nothing that a page may not hold.
page() {
    name=$1 file=$2 why=; shift 2
    [ -s "$file" ] || why="no page"
    for part in "$@"; do grep -qF -e "$part" "$file" || why="$why; lacks '$part'"; done
    if grep -qE '<script|://|@import|url\(' "$file"; then why="$why; loads or runs something"; fi
    report "$name" "$why"
}
how_many() { grep -oF -e "$1" "$2" | wc -l; }

# ---- lists of ranks ----

"$kin" synth 'a "shop" & <more>' --products 6 --views 4 --size 32 --seed 5 --quiet
"$kin" embed 'a "shop" & <more>' --model pixels --size 16 --out e --quiet
mkdir -p made
expect "search writes a page" 0 "" "made/s.html shows 26 pictures" search --gallery e --top 12 --html made/s.html --html-queries 2
page "of pictures, right and wrong, that a click opens" made/s.html "What is nearest" "24" 'class="right"' 'class="wrong"' \
    'href="../a%20%22shop%22%20%26%20%3Cmore%3E/product-0001/view-02.png"' "similarity" "3 found among the first 12"
[ "$(how_many '<ol class="tiles"' made/s.html)" -eq 2 ] && [ "$(how_many '<img' made/s.html)" -eq 26 ] && why= || why="not so: $(how_many '<img' made/s.html) pictures"
report "of as many queries as asked for" "$why"
"$kin" search --gallery e --top 12 --html t.html --html-queries 2 --threads 1 --quiet
sed 's/href="[^"]*"//g' t.html >t1; sed 's/href="[^"]*"//g' made/s.html >t2; same "pages: the same for any number of threads" t1 t2
expect "rerank writes a page" 0 "" "r.html shows" rerank --gallery e --k1 4 --k2 2 --top 5 --html r.html
page "whose numbers are what it orders by" r.html "distance" "smaller is nearer"
expect "lists are written beside a page" 0 "id,images" "shows" search --gallery e --out - --html s2.html
"$kin" train 'a "shop" & <more>' --model conv4 --width 8 --embedding 16 --size 16 --channels 3 --batch-classes 3 --batch-pictures 2 --steps 2 --out run --quiet
expect "retrieve writes a page of pictures that it embeds itself" 0 "" "p.html shows 144 pictures" retrieve --gallery 'a "shop" & <more>' --model run --method none --top 5 --html p.html
page "with them" p.html 'class="right"' 'href="a%20%22shop'

"$kin" search --gallery e --top 12 --out ranks.csv --quiet
expect "eval shows the worst queries" 0 "mAP" "w.html shows" eval ranks.csv --gallery e --html w.html --html-queries 3
expect "and without lists" 0 "mAP" "v.html shows" eval --gallery e --html v.html --html-queries 3
page "the worst first" v.html "AP 0." "The worst" "mINP" "similarity"
# worst FILE ARGS...: the page tells what --worst tells.
worst() {
    file=$1; shift
    want=$("$kin" eval "$@" --gallery e --worst 3 --quiet | tail -n 3 | awk '{ printf "%.3f\n", $3 }')
    [ "$(grep -oE '<br>AP [0-9.]+' "$file" | sed 's/.* //')" = "$want" ] && why= || why="not so: $(grep -oE '<br>AP [0-9.]+' "$file" | tr '\n' ' '), not $want"
    report "the queries of --worst ($file)" "$why"
}
worst w.html ranks.csv
worst v.html
[ "$(grep -oE 'title="product-[^"]*view-[0-9]+.png' v.html)" = "$(grep -oE 'title="product-[^"]*view-[0-9]+.png' w.html)" ] && why= || why="they differ"
report "lists and descriptors show the same" "$why"

# A query that is its own gallery item is not shown in its list, nor counted as something to find.
expect "queries of the gallery" 0 "" "shows" search --query e --gallery e --top 12 --html q.html --html-queries 2
page "do not find themselves on the page either" q.html "3 found among the first 12"

sed 's/,[^,]*$/,/' e.csv >bare.csv; sed -i '1s/.*/id,label,path/' bare.csv
"$kin" eval ranks.csv --gallery bare.csv --html b.html --html-queries 2 >/dev/null 2>err; shows_names=$?
[ $shows_names -eq 0 ] && grep -qF "names alone: bare.csv names no pictures" err && why= || why="not so: $(cat err)"
report "without files names are shown, and it is said why" "$why"
[ "$(how_many '<img' b.html)" -eq 0 ] && [ "$(how_many '<li class="wrong"' b.html)" -gt 0 ] && why= || why="pictures from nowhere"
report "with right and wrong" "$why"
rm 'a "shop" & <more>/product-0002/view-01.png'; echo broken >'a "shop" & <more>/product-0003/view-01.png'
expect "files that went away or broke are told in their place" 0 "" "shows" search --gallery e --top 12 --html g.html --html-queries 12
page "by name" g.html "no picture" "product-0002/view-01.png" "product-0003/view-01.png"
expect "the number of queries alone does nothing, and is refused" 2 "" "--html-queries is about the page" search --gallery e --html-queries 3
expect "in eval alike" 2 "" "--html-queries is about the page" eval --gallery e --html-queries 3
expect "a page does not take the place of what is read" 2 "" "e.csv" search --gallery e --html e.csv

# ---- runs beside each other ----

shop='a "shop" & <more>'
short="--model conv4 --width 8 --embedding 16 --size 16 --channels 3 --batch-classes 2 --batch-pictures 2 --validate 0.5 --validate-every 2 --quiet"
# shellcheck disable=SC2086
for lr in 0.001 0.01; do "$kin" train "$shop" $short --steps 6 --lr $lr --out "runs/<b>$lr" 2>>train.err; done
# shellcheck disable=SC2086
"$kin" train "$shop" $short --steps 6 --validate 0.34 --out runs/other 2>>train.err
"$kin" train "$shop" --model conv4 --width 8 --embedding 16 --size 16 --channels 3 --loss softmax --steps 3 --batch 8 --out runs/softmax --quiet 2>>train.err
[ -s runs/softmax/model.safetensors ] || bad "pages: runs to compare" "$(cat train.err)"
echo text >notes
expect "no page over notes, whatever the option is called" 2 "" "notes is there already and is no page" compare 'runs/<b>0.001' --out notes
expect "one page" 2 "" "--out is the former name of --html" compare 'runs/<b>0.001' --out c.html --html d.html
expect "compare tells what differs and what came of it" 0 "best validation mAP" "c.html shows 2 runs" compare 'runs/<b>0.001' 'runs/<b>0.01' --out c.html
[ "$(sed -n '1p' out | wc -w)" -eq 2 ] && [ "$(grep -c '^lr  *0.001  *0.01$' out)" -eq 1 ] && ! grep -qE '^(steps|margin|seed)   ' out && ! grep -q ' $' out && why= || why="not so: $(cat out)"
report "and nothing else" "$why"
page "with curves laid over each other, each with titled axes" c.html "Runs compared" "runs/&lt;b&gt;0.001" ">training step<" ">loss<" ">mAP on what was held out<" ">rate<" "All settings"
[ "$(how_many '>training step<' c.html)" -eq 6 ] && [ "$(how_many '<b>0' c.html)" -eq 0 ] && why= || why="not so: $(how_many '>training step<' c.html) charts"
report "three of them, for a desk and a phone" "$why"
best=$(grep -oE '"validation_mAP":[0-9.e-]+' 'runs/<b>0.01/log.jsonl' | sed 's/.*://' | sort -g | tail -n 1)
expect "as JSON" 0 '"differ": ["lr"]' "" compare 'runs/<b>0.001' 'runs/<b>0.01' --json
grep -qF "\"best mAP\": $best" out && why= || why="no best mAP of $best: $(cut -c1-300 out)"
report "compare finds the best validation" "$why"
step=$(grep -ao '"best.step":"[0-9]*"' 'runs/<b>0.01/model.safetensors' | tr -dc 0-9)
grep -qE "\"best step\": $step[,} ]" out && why= || why="not step $step: $(grep -o '"best step": [0-9]*' out | tr '\n' ' ')"
report "and names the step that training kept" "$why"
expect "runs without validation, or of other losses, are compared, too" 0 "softmax" "" compare runs/softmax 'runs/<b>0.01'
expect "other pictures held out are no comparison" 0 "pictures held out" "validations cannot be compared" compare runs/other 'runs/<b>0.01'
expect "... nor with a run without validation between them" 0 "pictures held out" "validations cannot be compared" compare runs/other runs/softmax 'runs/<b>0.01'
expect "all settings" 0 "margin" "" compare runs/softmax --all
expect "what is no run is refused" 2 "" "is no run of kin train" compare runs
mkdir -p phased/phase-a phased/phase-b
expect "phases are runs of their own" 2 "" "phased/phase-a, phased/phase-b" compare phased
mkdir broken && cp runs/softmax/last.safetensors broken && echo '{}' >broken/log.jsonl
expect "a log of nothing" 1 "" "tells of no training step" compare broken
head -c 200 runs/softmax/log.jsonl >broken/log.jsonl
expect "a log that a kill cut short" 0 "steps done" "" compare broken

# ---- what a network looks at ----

"$kin" synth seen --products 6 --views 3 --size 32 --seed 2 --quiet
three="seen/product-0001/view-01.png seen/product-0001/view-02.png seen/product-0002/view-01.png"
tiny="seen --size 32 --channels 3 --model resnet8 --width 4 --batch-classes 3 --batch-pictures 2 --steps 2 --quiet"
# explained NAME OPTIONS PART...: a run trained with the options, and its page holds every part.
explained() {
    name=$1 with=$2; shift 2
    # shellcheck disable=SC2086
    "$kin" train $tiny $with --out "runs/$name" 2>train.err || bad "pages: trains $name" "$(cat train.err)"
    # shellcheck disable=SC2086
    "$kin" explain $three --model "runs/$name" --out "made/$name.html" --quiet 2>err || bad "pages: explain $name" "$(cat err)"
    page "explain: $name" "made/$name.html" "What it finds alike" 'href="../seen/product-0002/view-01.png"' "$@"
}
explained plain "" "Where it answers" "Which places make two pictures alike" "Its last map has" "similarity"
explained bfe "--last-stride 1 --head bfe(global=8,part=8) --loss triplet-hard" "What training hides" "a training step" "by the branch global" "by the branch part"
explained abe "--head abe(learners=3,dim=12) --loss contrastive-squared" "What each learner looks at" "learner 3" "masks from"
explained abe-alone "--head abe(learners=1,dim=12) --loss contrastive-squared" "masks from"
report "one learner differs from none" "$(grep -o 'they differ by[^<]*' made/abe-alone.html | head -n 1)"
explained autoencoder "--head autoencoder(dim=12,side=8) --loss none" "What its code keeps" "made again from 12 numbers"
explained delf "--head delf(hidden=8,tap=layer2) --loss softmax --batch 8" "Key points" "<circle" "agree on one affine map"
explained sca "--attention sca@end" "What each channel counts" "Entropy of the weights" "what its attention changes" ">weight<"
explained se "--attention se@end" "What each channel counts" "The channels that count most"
explained cbam "--attention cbam@end" "What each channel counts" "what its attention changes"
[ "$(how_many 'by the branch part' made/bfe.html)" -eq 3 ] && [ "$(how_many 'learner 3</span>' made/abe.html)" -eq 3 ] && [ "$(how_many 'a training step</span>' made/bfe.html)" -eq 9 ] && why= || why="not so: $(how_many 'by the branch part' made/bfe.html) and $(how_many 'learner 3</span>' made/abe.html)"
report "a row for each branch, a mask for each learner" "$why"
if grep -qF "Key points" made/plain.html; then why="points that nobody asked for"; else why=; fi
report "key points only where there is a score, or they are asked for" "$why"
# shellcheck disable=SC2086
expect "explain takes points of any network" 0 "" "shows 3 pictures" explain $three --model runs/plain --points --tap layer2 --side 64 --out made/points.html
page "as circles of one size on pictures of any" made/points.html 'viewBox="0 0 640.0 640.0"' "Key points" "<circle" "The same points in two pictures"
# shellcheck disable=SC2086
"$kin" explain $three --model runs/plain --points --tap layer2 --side 64 --out made/again.html --threads 1 --quiet
same "pages: explain gives the same for any number of threads" made/points.html made/again.html
"$kin" embed seen --model runs/plain --out made/e --quiet
"$kin" reduce made/e --autoencoder 4 --steps 20 --out made/short --save made/short.model --quiet >/dev/null 2>err || bad "pages: an auto-encoder" "$(cat err)"
# shellcheck disable=SC2086
expect "explain shows what a code keeps" 0 "" "shows" explain $three --model runs/plain --reduce made/short.model --out made/kept.html
page "of descriptors" made/kept.html "in 4 numbers" "kept" "most alike by the descriptors"
# shellcheck disable=SC2086
expect "a code of other descriptors is refused" 2 "" "this network's have" explain $three --model runs/abe --reduce made/short.model --out made/kept.html
expect "one picture is explained, too" 0 "" "shows 1 pictures" explain seen/product-0001/view-01.png --model runs/plain --out made/one.html
expect "options of key points alone are refused" 2 "" "--points too" explain seen/product-0001/view-01.png --model runs/plain --side 64 --out made/one.html
expect "what is no picture is refused" 1 "" "log.jsonl" explain runs/plain/log.jsonl --model runs/plain --out made/none.html

exit $failed
