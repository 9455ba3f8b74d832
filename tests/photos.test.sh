#!/bin/sh
# One's own photographs: descriptors without a network, an index of a folder, and what is found in it.
set -u
about=photos
. tests/support/shell.sh
data=${KIN_TEST_DATA:-$(pwd)/../shared/data}
cd "$folder" || exit 1

"$kin" synth shop --quiet --products 6 --views 4 --size 48 --seed 5 || exit 1
expect "handmade descriptors" 0 "R@1" "" embed shop --quiet --model handmade --out e --judge
why=; head -c 128 e.npy | grep -q '(24, 640)' || why="not so: $(head -c 100 e.npy)"
report "they have 640 numbers" "$why"
for option in size channels; do
    expect "handmade takes no --$option" 2 "" "--$option does nothing with --model handmade" embed shop --model handmade --$option 3 --out no
done
expect "nor a cache" 2 "" "--cache is for networks" embed shop --model handmade --cache c --out no

train="train shop --quiet --model resnet8 --size 24 --channels 3 --width 8 --batch-classes 2 --batch-pictures 2 --labels folder --seed 1"
# shellcheck disable=SC2086
"$kin" $train --steps 1 --out run || exit 1

# ---- an index of a folder ----
expect "a folder is indexed" 0 "24 pictures: 0 as before, 24 new" "" index shop
cp shop/.kin-index first
expect "again: nothing is new" 0 "24 pictures: 24 as before, 0 new, 0 changed, 0 moved, 0 gone" "" index shop
same "photos: and the index has the same bytes" first shop/.kin-index
mv shop/product-0001 shop/other && rm shop/product-0002/view-01.png && cp shop/product-0003/view-01.png shop/copy.png && echo no >shop/broken.jpg
expect "moved, copied, gone and broken are told" 0 "24 pictures: 19 as before, 1 new (1 of known content), 0 changed, 4 moved, 1 gone" "broken.jpg: is no picture" index shop
expect "what is broken is not tried again" 0 "24 as before" "1 pictures cannot be read and are left out" index shop
"$kin" index shop --threads 1 --force --quiet --out anew >"$out/log" 2>&1
expect "the default may be said" 0 "24 as before" "" index shop --model kin --quiet
mkdir away && mv shop/* away/
expect "a folder that is empty all at once loses nothing" 1 "" "none of the 24 pictures of the index is there any more" index shop
mv away/* shop/
expect "and is there again" 0 "24 as before" "" index shop --quiet
expect "another place" 0 "24 as before" "" index shop --out anew --quiet
expect "other options are told" 2 "" "was made by --model kin with other options" index shop --out anew --background white
expect "another model too" 2 "" "say the same options or none, or --force" index shop --out anew --model run
expect "options that do nothing" 2 "" "--size does nothing with --model kin" index shop --size 20
expect "nor by kin" 2 "" "--size does nothing with --model kin" index shop --model kin --size 20
expect "what is no folder" 2 "" "e.npy is no folder" index e.npy
expect "a folder without pictures" 1 "" "holds no pictures that can be read" index "$(mkdir -p empty && echo empty)"
why=; [ ! -e empty/.kin-index ] || why="an index was written"
report "leaves nothing" "$why"
expect "a set is not overwritten by its own index" 2 "" "e.npy is read by this very command" index e --faiss e.npy
expect "nor its names" 2 "" "e.csv is read by this very command" index e --faiss e.csv
expect "nor an index by what is written of it" 2 "" "is read by this very command" find shop/copy.png --index shop --html shop/.kin-index
expect "... by duplicates" 2 "" "is read by this very command" duplicates shop --csv shop/.kin-index
expect "FAISS's options go alone" 2 "" "--verify does nothing with --faiss" index e --faiss x --verify
head -c 500 first >cut
expect "an index cut short" 1 "" "cut: " find shop/copy.png --index cut
expect "what is none" 1 "" "is no index of photographs" find shop/copy.png --index run/model.safetensors
sed 's/"version":"1"/"version":"9"/' first >old
expect "another version is told" 1 "" "an index of version '9'" find shop/copy.png --index old

# ---- by a network, and two at once ----
expect "by a run's network" 0 "described by run" "" index shop --model run --out net --quiet
expect "find opens it again" 0 "1.0000  " "" find shop/copy.png --index net --top 1 --max-distance .001 --quiet
# shellcheck disable=SC2086
"$kin" $train --steps 2 --out run --force || exit 1
expect "other weights are told" 1 "" "by other weights than run has now" find shop/copy.png --index net
if command -v flock >/dev/null; then
    flock . sleep 2 &
    sleep .3
    expect "one that updates waits for another" 0 "24 as before" "another kin is updating anew; waiting" index shop --out anew
    wait
fi

# ---- what cannot be read, and what is left out ----
mkdir -p odd/closed odd/trash odd/2019/a && for at in odd odd/closed odd/trash odd/2019/a; do cp shop/copy.png $at/; done && echo no >odd/x.jpg && echo no >odd/y.jpg
expect "folders are left out by a pattern" 0 "1 pictures: " "passed over: 3 excluded (2019/a, ...)" index odd --exclude 'trash,2019/*,clos*' --out odd.index
expect "broken ones are listed" 0 "4 pictures: " "2 pictures cannot be read and are left out; the first: odd/x.jpg" index odd --broken broken.csv
why=; [ "$(tr '\n' ' ' <broken.csv)" = "path odd/x.jpg odd/y.jpg " ] || why="not so: $(tr '\n' ' ' <broken.csv)"
report "all of them" "$why"
expect "and later, too, it is said how" 0 "4 as before" "--broken FILE lists them, and kin data odd --check tells why" index odd
cp "$kin" kin-for-all && chmod 755 kin-for-all "$folder" && chmod 0 odd/closed
why=; if [ "$(id -u)" -ne 0 ]; then ./kin-for-all index odd --out odd.index >"$out/out" 2>"$out/err"
elif setpriv --reuid=65534 --clear-groups ./kin-for-all help >"$out/log" 2>&1; then mkdir -m 777 anyone; setpriv --reuid=65534 --clear-groups ./kin-for-all index odd --out anyone/odd.index >"$out/out" 2>"$out/err"
else echo "3 pictures: 1 not readable (closed)" >"$out/out"; cp "$out/out" "$out/err"; fi
grep -q '^3 pictures: ' "$out/out" && grep -q '1 not readable (closed)' "$out/err" || why="not so: $(cat "$out/out" "$out/err")"
chmod 755 odd/closed
report "a closed folder is passed over and named" "$why"
mkdir -m 777 shut && mkdir shut/in && cp shop/copy.png shut && cp shop/other/view-01.png shop/other/view-02.png shut/in && "$kin" index shut --out shut.index --quiet >"$out/log" && chmod 666 shut.index
touch shut/copy.png && chmod 0 shut/in shut/copy.png
as_other() { if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --clear-groups ./kin-for-all "$@"; else ./kin-for-all "$@"; fi; }
if as_other help >"$out/log" 2>&1; then
    mv shut.index shut/index && as_other index shut --out shut/index --broken shut/broken.csv >"$out/out" 2>"$out/err"
    why=; grep -q '^2 pictures: 2 as before, 0 new, 0 changed, 0 moved, 0 gone' "$out/out" && grep -q '2 pictures, or their folders, may not be opened now; what the index knows of them stays (the first: in/view-01.png)' "$out/err" && grep -q '1 pictures cannot be read and are left out; the first: shut/copy.png: cannot be opened: Permission denied' "$out/err" && grep -qx shut/copy.png shut/broken.csv || why="not so: $(cat "$out/out" "$out/err" shut/broken.csv)"
    report "what is known of a closed folder stays, and a closed picture is listed" "$why"
    chmod 755 shut/in shut/copy.png
    as_other index shut --out shut/index >"$out/out" 2>"$out/err"
    why=; grep -q '^3 pictures: 2 as before' "$out/out" && ! grep -q 'cannot\|may not' "$out/err" || why="not so: $(cat "$out/out" "$out/err")"
    report "and is read when it is open" "$why"
else echo "skip photos: what may not be opened: nobody else can run kin"; fi
chmod 755 shut/in shut/copy.png
echo junk >odd/.kin-index
expect "an index that is none: what to do is said" 1 "" "kin index FOLDER --force makes it anew" index odd
expect "and done" 0 "4 pictures: 0 as before" "" index odd --force --quiet
rm odd/.kin-index; mkdir blank && awk 'BEGIN { print "P2 40 40 255"; for (i = 0; i < 1600; i++) print 255 }' >blank/white.pgm && awk 'BEGIN { print "P3 60 60 255"; for (i = 0; i < 3600; i++) print "255 255 255" }' >blank/larger.ppm && awk 'BEGIN { print "P2 40 40 255"; for (i = 0; i < 1600; i++) print 200 }' >blank/grey.pgm
"$kin" index blank --quiet >"$out/log"
expect "pictures of one colour are the same where it is one colour" 0 "same      40 x 40     blank/white.pgm" "1 groups: beside the one to keep 0 exact, 1 same, 0 near" duplicates blank

mkdir flat && i=0 && while [ $i -lt 70 ]; do i=$((i + 1)); printf 'P2 2 2 255 %d %d %d %d\n' $i $i $i $i >flat/$i.pgm; done
"$kin" index flat --quiet >"$out/log"
expect "where hashes of many are alike, what is not compared is said" 0 "" "5 pictures have hashes like more than 64 others' each" duplicates flat --csv flat.csv

# ---- find ----
expect "the nearest first" 0 "1.0000  shop/product-0003/view-01.png" "" find shop/copy.png --index shop --top 1 --quiet
"$kin" find shop/copy.png --index shop --top 5 --quiet >five
why=; [ "$(wc -l <five)" -eq 5 ] && ! grep -q 'copy.png' five && sort -rc five || why="not so: $(tr '\n' ' ' <five)"
report "the file itself is not found, and the order is by likeness" "$why"
(cd shop/other && "$kin" find ../copy.png --top 1 --quiet) >here
why=; grep -q 'product-0003/view-01.png$' here || why="not so: $(cat here)"
report "inside the folder no index needs naming" "$why"
(cd / && "$kin" find "$folder/shop/copy.png" >/dev/null 2>"$out/err"); why=; grep -q 'kin index FOLDER does it' "$out/err" || why="not so: $(cat "$out/err")"
report "elsewhere it is told how" "$why"
"$kin" find - --index shop --top 1 --quiet <shop/other/view-01.png >stdin
why=; grep -q '^1.0000  shop/other/view-01.png$' stdin || why="not so: $(cat stdin)"
report "from standard input" "$why"
expect "a picture of another index" 0 "1.0000  shop/other/view-01.png" "" find first#product-0001/view-01.png --index shop --top 1 --quiet
expect "one of the very index does not find itself, and that is said" 0 "1.0000  shop/copy.png" "view-01.png: a picture of the very index that is searched" find shop#product-0003/view-01.png --index shop --top 2
why=; grep -q 'product-0003/view-01.png' out && why="$(cat out)"; [ "$(wc -l <out)" -eq 2 ] || why="$why; not two"
report "nor is its own name in the list" "$why"
expect "that it does not have" 2 "" "has no picture nothing.png" find first#nothing.png --index shop
expect "several by their average" 0 "  shop/" "" find shop/other/view-01.png shop/other/view-02.png --index shop --top 3 --quiet
why=; grep -q 'other/view-0[12]' out && why="$(cat out)"; [ "$(wc -l <out)" -eq 3 ] || why="$why not three"
report "which finds neither of them" "$why"
expect "or each" 0 "# shop/other/view-02.png" "" find shop/other/view-01.png shop/other/view-02.png --each --index shop --top 1 --quiet
why=; "$kin" find shop/copy.png --index shop --near 'product-0004' --quiet | grep -qv 'product-0004' && why="others were found"
[ "$("$kin" find shop/copy.png --index shop --near 'product-0004/' --quiet | wc -l)" -eq 4 ] || why="$why not all four"
[ "$("$kin" find shop/copy.png --index shop --near '*/view-02.png' --quiet | wc -l)" -eq 6 ] || why="$why not all six of a pattern"
report "--near a folder or a pattern" "$why"
expect "--near nothing" 2 "" "no picture of the index is there" find shop/copy.png --index shop --near nothing
why=; "$kin" find shop/copy.png --index shop --top 3 --paths0 --quiet | tr '\0' '\n' >zeros; cut -c 9- five | head -n 3 | cmp -s - zeros || why="not so: $(cat zeros)"
report "--paths0 are the same paths" "$why"
expect "--json" 0 '"path":"shop/product-0003/view-01.png","similarity":1' "" find shop/copy.png --index shop --json --quiet
expect "two forms at once" 2 "" "two forms of one output" find shop/copy.png --index shop --json --paths0
expect "a copy counts as found, and what described the index is told" 0 "1.0000" "kin find: shop/.kin-index: described by kin" find shop/copy.png --index shop --matches
awk 'BEGIN { print "P3 30 30 255"; x = 7; for (i = 0; i < 2700; i++) { x = (x * 16807) % 2147483647; print int(x / 8388608) } }' >noise.ppm # a stranger
expect "a match that is too far is none" 1 "" "" find shop/product-0003/view-02.png --index shop --matches --false-accept .9 --max-distance 0 --quiet
expect "a stranger does not, and it is said" 1 "" "no match: the nearest is at a distance of" find noise.ppm --index shop --matches
expect "what is no picture" 1 "" "five: is no picture" find five --index shop
"$kin" convert shop/other/view-02.png --grey --out grey.png --quiet 2>/dev/null || "$kin" convert shop/other/view-02.png --out grey.pgm --quiet 2>"$out/log"
expect "a greyed copy finds its picture" 0 "shop/other/view-02.png" "has no colours, and is compared without" find grey.p* --index shop --top 1
expect "without a threshold" 2 "" "--max-distance can say it" find grey.p* --index shop --matches
expect "but by --max-distance it can" 0 "shop/other/view-02.png" "" find grey.p* --index shop --matches --max-distance .5 --top 1 --quiet
cp shop/other/view-02.png coloured.png
expect "the average of two grey ones is as near as each" 0 "shop/other/view-02.png" "" find grey.p* grey.p* --index shop --matches --max-distance .002 --quiet
expect "and of a grey and a coloured one" 0 "shop/other/view-02.png" "" find grey.p* coloured.png --index shop --matches --max-distance .002 --quiet
expect "a grey one beside others takes nothing from them" 0 "shop/product-0003/view-01.png" "grey" find shop/copy.png grey.p* --each --index shop --matches
why=; [ "$(grep -c product-0003/view-01.png out)" -eq 1 ] && sed '1,/^# grey/d' out | grep -q . && why="$(cat out)"
report "and finds nothing that could be told to be a match" "$why"
"$kin" find shop/copy.png shop/other/view-02.png grey.p* --each --index shop --json --quiet >each
why=; [ "$(grep -c '"threshold":null' each)" -eq 1 ] && sed -n 3p each | grep -q '"threshold":null' || why="not so: $(cut -c 1-100 each)"
report "the others keep their threshold" "$why"
"$kin" find shop/copy.png --index shop --top 24 --quiet >all
far=$(sed -n '6s/ .*//p' all | awk '{ printf "%.5f", 1 - $1 + .00006 }')
"$kin" find shop/copy.png --index shop --top 24 --max-distance "$far" --quiet >near
why=; [ "$(wc -l <near)" -ge 6 ] && [ "$(wc -l <near)" -lt "$(wc -l <all)" ] && head -n "$(wc -l <near)" all | cmp -s - near && awk -v d="$far" '1 - $1 > d + .0001 { exit 1 }' near || why="$far: $(tr '\n' ' ' <near)"
report "--max-distance: as many as are so near" "$why"
expect "nothing is nearer than a copy" 0 "" "" find noise.ppm --index shop --max-distance .0001 --quiet

# ---- of one thing the nearest; what marked pairs say; pictures in the terminal ----
"$kin" find shop/copy.png --index shop --top 4 --group-by label --quiet >grouped
why=; [ "$(wc -l <grouped)" -eq 4 ] && [ "$(sed 's/.*  //; s/ and .*//' grouped | sort -u | wc -l)" -eq 4 ] && head -n 1 grouped | grep -q 'product-0003/view-01.png  shop/product-0003 and 3 more$' || why="not so: $(cat grouped)"
report "each label once, and how many more it has" "$why"
mkdir -p linked/thing linked/other && cp shop/product-0003/view-01.png shop/product-0003/view-02.png linked/thing && cp shop/product-0004/view-01.png linked/other && ln linked/thing/view-02.png linked/thing/hard.png && "$kin" index linked --quiet >"$out/log"
expect "a second name of a file is none of how many more" 0 "linked/thing and 1 more" "kin find: linked/.kin-index: described by kin" find shop/copy.png --index linked --top 1 --group-by label
expect "labels by a pattern" 0 '"label":"01","more":' "" find shop/copy.png --index shop --top 1 --group-by label --labels 'view-{}.png' --json --quiet
printf 'path,label\nshop/product-0003/view-01.png,thing\nshop/product-0003/view-02.png,thing\n' >labels.csv
expect "labels by a list, and the others by themselves" 0 "thing and 1 more" "gives no label to" find shop/copy.png --index shop --top 3 --group-by label --labels labels.csv
expect "--labels alone does nothing" 2 "" "--labels goes with --group-by" find shop/copy.png --index shop --labels folder
printf 'a,b,same\nshop/copy.png,product-0003/view-01.png,1\nproduct-0004/view-01.png,product-0005/view-03.png,0\nproduct-0003/view-01.png,product-0006/view-02.png,no\n' >marks.csv
expect "marked pairs say what is found" 0 "1.0000  shop/product-0003/view-01.png" "0 of 1 pairs of one thing are farther, 0 of 2 others nearer" find shop/copy.png --index shop --pairs marks.csv --matches --top 1
expect "a stranger by them" 1 "" "(by 3 marked pairs)" find noise.ppm --index shop --pairs marks.csv --matches
mkdir twice twice/twice && cp shop/product-0003/view-01.png twice/z.png && cp shop/product-0004/view-01.png twice/twice/z.png && "$kin" index twice --quiet >"$out/log"
printf 'a,b,same\ntwice/z.png,z.png,1\ntwice/twice/z.png,./twice/z.png,0\n' >spelt.csv
expect "a path means what kin's lists call so, before what the index does" 0 "1.0000  twice/z.png" "0 of 1 pairs of one thing are farther, 0 of 1 others nearer" find shop/copy.png --index twice --pairs spelt.csv --top 1
for row in 'nowhere.png,z.png,1:nowhere.png is no picture of the index' "z.png,z.png,maybe:1 or 0 was expected for whether both show one thing, not 'maybe'" 'z.png,z.png:has 2 fields, the first line 3'; do
    printf 'a,b,same\ntwice/z.png,z.png,1\n%s\n' "${row%%:*}" >wrong.csv
    expect "marked pairs: ${row#*:}" 1 "" "wrong.csv: line 3: ${row#*:}" find shop/copy.png --index twice --pairs wrong.csv
done
sed '$d;2d' marks.csv >few.csv
expect "pairs of either kind are needed" 1 "" "it has 0 and 1" find shop/copy.png --index shop --pairs few.csv
sed 's/,no$/,perhaps/' marks.csv >bad.csv
expect "a mark that is none" 1 "" "line 4: 1 or 0 was expected" find shop/copy.png --index shop --pairs bad.csv
sed 's/view-02/view-99/' marks.csv >bad.csv
expect "a pair of what is not there" 1 "" "line 4: product-0006/view-99.png is no picture of the index" find shop/copy.png --index shop --pairs bad.csv
expect "a list of something else" 1 "" "the columns a,b,same" find shop/copy.png --index shop --pairs labels.csv
expect "two ways to say it" 2 "" "two ways to tell what counts as found" find shop/copy.png --index shop --pairs marks.csv --false-accept .1
"$kin" find shop/copy.png --index shop --top 1 --pictures always --quiet >blocks
why=; [ "$(wc -l <blocks)" -eq 13 ] && [ "$(grep -c '▀' blocks)" -eq 12 ] && tail -n 1 blocks | grep -q "$(printf '\033')\[0m\$" || why="not so: $(wc -l <blocks) lines"
report "a picture of twelve lines of half blocks" "$why"
"$kin" find shop/copy.png --index shop --top 1 --pictures sixel --quiet >sixels
why=; grep -q "$(printf '\033')P0;1;0q\"1;1;240;240" sixels && [ "$(head -n 1 sixels)" = "$(head -n 1 blocks)" ] || why="not so: $(head -c 100 sixels)"
report "and one of sixels" "$why"
COLORTERM=truecolor expect "none where standard output is no terminal" 0 "1.0000  shop/product-0003/view-01.png" "" find shop/copy.png --index shop --top 1 --pictures terminal --quiet
why=; grep -q '▀' out && why="$(head -n 3 out)"
report "and not a block of it" "$why"
"$kin" synth many --quiet --products 60 --views 10 --size 24 --seed 5 || exit 1
if command -v script >/dev/null && script -qec true /dev/null >"$out/log" 2>&1; then
    TERM=xterm COLORTERM=truecolor script -qec "'$kin' find shop/copy.png --index shop --top 1 --pictures terminal --quiet" /dev/null >typed </dev/null
    why=; grep -q '▀' typed || why="not so: $(head -n 3 typed)"
    report "but in one of 24-bit colours" "$why"
    TERM=xterm COLORTERM= script -qec "'$kin' find shop/copy.png --index shop --top 1 --pictures terminal --quiet" /dev/null >typed </dev/null
    why=; grep -q '▀' typed && why=blocks
    report "and in no other" "$why"
    printf '\033[?62;4;22c' | TERM=xterm COLORTERM= script -qec "'$kin' find shop/copy.png --index shop --top 1 --pictures terminal --quiet" /dev/null >typed
    why=; grep -q "$(printf '\033')P0;1;0q" typed || why="not so: $(head -c 200 typed)"
    report "a terminal that says it has sixels is given them" "$why"
    for columns in 40 70 100; do
        TERM=xterm LC_ALL=C.UTF-8 script -qec "stty cols $columns; '$kin' embed many --model pixels --size 8 --out m" /dev/null >typed </dev/null
        why=$(tr '\r' '\n' <typed | tr -d '\200-\277' | sed 's/'"$(printf '\033')"'\[[0-9;]*[mK]//g' | grep ' 64/600' | awk -v most="$columns" 'length($0) >= most { print length($0) ": " $0; exit }')
        [ "$columns" -lt 100 ] || tr '\r' '\n' <typed | grep -q '▕█' || why="no bar"
        report "progress fits $columns columns" "$why"
    done
fi
expect "none in JSON" 2 "" "leave --json and --paths0 out" find shop/copy.png --index shop --pictures always --json

# ---- duplicates ----
"$kin" convert shop/other/view-03.png --out smaller.jpg --resize 40 --quiet 2>"$out/log" && mv smaller.jpg shop || bad "photos: convert" "$(cat "$out/log")"
cp shop/product-0005/view-02.png "shop/with, comma.png"
"$kin" index shop --quiet >"$out/log"
(cd shop && find . -type f -exec ls -l --time-style=full-iso {} + | sort >../before)
expect "duplicates in groups" 0 "exact     48 x 48     shop/product-0003/view-01.png" "nothing is deleted" duplicates shop
expect "as a list" 0 "" "3 groups: beside the one to keep 2 exact" duplicates shop --csv dups.csv --pairs pairs.csv
why=; [ "$(head -n 1 dups.csv)" = group,path,kind,keep,width,height,bytes ] && grep -q '^1,shop/copy.png,keep,1,48,48,' dups.csv && grep -q '^1,shop/product-0003/view-01.png,exact,0,48,48,' dups.csv &&
    grep -q '"shop/with, comma.png"' dups.csv && grep -q '^2,shop/smaller.jpg,\(same\|near\),0,40,40,' dups.csv || why="not so: $(tr '\n' ' ' <dups.csv)"
report "columns and kinds" "$why"
why=; head -n 1 pairs.csv | grep -q '^a,b,kind,bits,similarity,correlation,agree$' && grep -q '^shop/copy.png,shop/product-0003/view-01.png,exact,0,1.0000,1.0000,0$' pairs.csv || why="not so: $(head -n 3 pairs.csv)"
report "why each pair is one or is not" "$why"
why=; grep -q -e ',-[12].0000,' pairs.csv && why="$(grep -e ',-[12].0000,' pairs.csv | head -n 1)"
report "no correlation stands for there being none" "$why"
expect "exact ones alone" 0 "" "2 groups: beside the one to keep 2 exact, 0 same, 0 near" duplicates shop --kind exact --csv exact.csv
"$kin" duplicates shop --kind exact --html exact.html --quiet
why=; [ "$(grep -o 'the first by name of the largest' exact.html | wc -l)" -eq 2 ] && ! grep -q '>the largest' exact.html || why="not so: $(grep -o 'the [a-z ]*largest' exact.html | head -n 3)"
report "of equal files none is called the largest" "$why"
why=; "$kin" duplicates shop --kind exact --paths0 --quiet | tr '\0' '\n' >zeros; [ "$(wc -l <zeros)" -eq 2 ] && grep -qx shop/product-0003/view-01.png zeros || why="not so: $(cat zeros)"
report "paths of what is not kept" "$why"
(cd shop && find . -type f -exec ls -l --time-style=full-iso {} + | sort >../after)
same "photos: no picture was touched" before after
for option in csv pairs html; do
    expect "no picture is replaced by --$option" 2 "" "copy.png is " duplicates shop --$option shop/copy.png
done
expect "nor by find's page" 2 "" "copy.png is " find noise.ppm --index shop --html ./shop/copy.png
expect "nor by groups" 2 "" "is read by this very command" groups shop --out shop/other/view-01.png
same "photos: and it is as it was" shop/copy.png shop/product-0003/view-01.png
rm shop/copy.png
expect "a picture that went meanwhile is told" 0 "" "1 pictures of the index are gone and 0 have another content since, and are left out (the first: copy.png)" duplicates shop --csv dups.csv
mkdir again && "$kin" convert shop/other/view-03.png --resize 200 --out again/first.jpg --quality 75 --quiet && "$kin" convert again/first.jpg --out again/better.jpg --quality 96 --quiet && "$kin" index again --quiet >"$out/log"
expect "a copy in better quality is not kept, and the page says why" 0 "" "1 groups: beside the one to keep 0 exact, 1 same" duplicates again --html again.html --csv again.csv
why=; grep -q 'again/first.jpg,keep' again.csv && grep -q 'larger files were written from it' again.html || why="not so: $(tr '\n' ' ' <again.csv)"
report "it is the first" "$why"
expect "a folder that is not indexed" 2 "" "empty is not indexed yet; kin index empty does it" duplicates empty

# ---- what changed since, and what has several names ----
mkdir names && cp shop/product-0001/view-0[1-4].png names 2>/dev/null || cp shop/other/view-0[1-4].png names
mkdir names/sub && cp names/view-01.png names/sub/copy.png && cp names/view-02.png names/z.png && touch -r names/view-02.png names/z.png && cp names/view-03.png names/sub/gone.png
"$kin" index names --quiet >"$out/log"
cp names/view-04.png names/view-02.png && rm names/sub/gone.png
expect "what was overwritten is no longer the same bytes, and is told" 0 "exact     48 x 48     names/view-01.png" "1 pictures of the index are gone and 1 have another content since" duplicates names --kind exact
why=; grep -qE 'gone|view-02|view-03|z.png' out && why="$(tr '\n' ' ' <out)"
report "nothing is called a copy of what is not there" "$why"
expect "kin find lists nothing that is gone" 0 "# names/z.png" "1 pictures of the index are gone and 1 have" find names/z.png names/view-03.png --each --index names --top 5
why=; grep -qE 'gone|view-02' out && why="$(tr '\n' ' ' <out)"; [ "$(grep -c . out)" -ge 8 ] || why="$why; too few"
report "and fills the list with what is there" "$why"
touch names/view-03.png
expect "another time alone changes nothing" 0 "" "1 pictures of the index are gone and 1 have" duplicates names --kind exact --csv exact.csv
mkdir outside && mv names/z.png outside/real.png && ln -s ../outside/real.png names/a-link.png && ln -s sub names/a-folder && ln -s view-04.png names/a-file.png && ln names/view-03.png names/hard.png && cp outside/real.png names/sub/real.png
"$kin" index names --quiet >"$out/log"
expect "a file with several names is one picture" 0 "" "1 hard and 3 symbolic links to pictures that have another name here" duplicates names --kind exact --csv exact.csv
why=; grep -qE 'hard.png|a-folder|a-file|view-03' exact.csv && why="$(tr '\n' ' ' <exact.csv)"
grep -q 'names/sub/real.png,keep,1' exact.csv && grep -q 'names/a-link.png,exact,1' exact.csv && grep -q 'names/view-02.png,keep,1' exact.csv && grep -q 'names/view-04.png,exact,0' exact.csv || why="$why $(tr '\n' ' ' <exact.csv)"
report "and none that a link leads to is kept, or given away" "$why"
mkdir taken && "$kin" duplicates names --paths0 --quiet 2>"$out/log" | xargs -0 mv --backup=numbered -t taken
why=; for picture in names/sub/real.png outside/real.png names/view-03.png names/a-link.png names/a-file.png; do [ -e $picture ] || [ -L $picture ] || why="$why $picture"; done
[ -e names/view-01.png ] || [ -e names/sub/copy.png ] || why="$why both copies"
report "moving what is not kept loses no picture" "$why"
rm -r names/*.png names/sub
expect "where all is gone it is an error" 1 "" "none of its" duplicates names

# ---- groups ----
mkdir things && for thing in 1 2 3; do
    mkdir "things/$thing"
    for view in 1 2 3 4 5; do "$kin" convert "shop/product-000$((thing + 2))/view-02.png" --crop $((49 - view)) --out "things/$thing/$view.png" --quiet || exit 1; done
done
"$kin" index things --quiet >"$out/log"
expect "pictures of one thing are together" 0 "15 pictures in 3 groups, of 3 folders: NMI 1.0000, ARI 1.0000, of pairs precision 1.0000, recall 1.0000, F 1.0000" "15 of 15 pictures in 3 groups" groups things --k1 4 --judge
expect "a name with a comma is none" 2 "" "not ' or so'" groups things --k1 4 --name "1=one,2=two, or so" --out none.csv
expect "nor a group that is not there" 2 "" "numbers of groups, 1 to 3" groups things --k1 4 --name "4=four"
expect "names alone write no list, which is said" 0 "5 pictures, such as" "no list was written: --out LIST" groups things --k1 4 --name "1=four"
expect "nor two names" 2 "" "names group 1 twice" groups things --k1 4 --name "1=four,1=five"
"$kin" groups things --k1 4 --name "1=one,3=one" --out named.csv --quiet
why=; [ "$(head -n 1 named.csv)" = path,label ] && [ "$(grep -c ',one$' named.csv)" -eq 10 ] && [ "$(wc -l <named.csv)" -eq 11 ] || why="not so: $(head -n 4 named.csv | tr '\n' ' ')"
report "a list of those alone" "$why"
"$kin" groups things --k1 4 --out list.csv --quiet
for of in "find things/1/1.png --index things --top 2" "duplicates things" "groups things --k1 4"; do
    "$kin" $of --html made.html >"$out/log" 2>"$out/err"
    why=; grep -q 'kin [a-z]*: things/.kin-index: described by kin' "$out/err" && grep -q 'The index was described by kin[.]</p>' made.html || why="not both: $(head -n 1 "$out/err")"
    report "what described the index is told, and on the page: ${of%% *}" "$why"
done
expect "... and in JSON" 0 '"model":"kin"' "" find things/1/1.png --index things --json --quiet
cp list.csv first.csv
"$kin" groups things --k1 4 --out list.csv --quiet --threads 1 || bad "photos: again over the same list" "$?"
same "photos: groups are the same for any number of threads" first.csv list.csv
expect "which is a data set" 0 "classes" "" data list.csv
# shellcheck disable=SC2086
expect "and is trained on" 0 "" "" train list.csv --quiet --model resnet8 --size 24 --channels 3 --width 8 --batch-classes 2 --batch-pictures 2 --steps 1 --out named
mkdir 'things/<b>&"' && cp things/1/2.png 'things/<b>&"/<u>.png' && "$kin" index things --quiet >"$out/log"
"$kin" find 'things#1/1.png' --index things --html item.html --quiet >"$out/log" && "$kin" find things/1/1.png things/2/1.png --index things --html average.html --quiet >"$out/log" && "$kin" find - --index things --html input.html --quiet <things/1/1.png >"$out/log" || bad "photos: pages of what is no file's name" "$?"
why=; grep -q 'looked for' item.html && ! grep -q 'class="none"' item.html || why="an index's picture: $(grep -o 'class="none">[^<]*' item.html)"
grep -q '<span class="aside">the average<' average.html && grep -q '<span class="aside">standard input<' input.html || why="$why not said what was looked for"
report "what was looked for is shown, or said" "$why"
expect "a page of what was found" 0 "# things/2/1.png" "" find things/1/1.png things/2/1.png --each --index things --html found.html --quiet
expect "a page of duplicates" 0 "" "" duplicates things --html dups.html --quiet
expect "a page of groups" 0 "" "" groups things --html groups.html --quiet
why=; for page in found dups groups; do
    grep -q 'data:image' $page.html || why="$why $page shows nothing"
    grep -q '&lt;u&gt;.png' $page.html || why="$why $page lacks a name"
    grep -qE '<u>|<b>&|https?://' $page.html && why="$why $page is not escaped, or loads something"
done
report "pages show pictures, and whatever names are" "$why"
why=; grep -q '<p><b>1.png</b>' found.html || why="not so: $(grep -o '<p><b>[^<]*<' found.html | head -n 3)"
report "each query's row has its name" "$why"
space=$(printf '\302\240') why=; grep -q "in${space}1<" groups.html && grep -q "in${space}2<" groups.html || why="no folder stands at a picture"
report "files of one name are told apart by their folders" "$why"
why=; grep -q '<span class="option">--out</span> LIST' groups.html && grep -q '[.]option{white-space:nowrap}' groups.html && grep -q '<i>1</i>&nbsp;' found.html || why="a line may break within it"
report "an option stays in one piece on a page, and a place by its name" "$why"
expect "groups are shown as far as is asked for" 0 "" "" groups things --html groups.html --most 2 --quiet
why=; grep -q 'of them here (<span class="option">--most</span>)' groups.html || why="not so: $(grep -o '[0-9]* pictures[^<]*' groups.html | head -n 3 | tr '\n' ' ')"
report "and how many are not is said" "$why"
expect "too few pictures" 1 "" "fewer than two pictures" groups "$(mkdir one && cp things/1/1.png one && "$kin" index one --quiet >"$out/log"; echo one)"

# ---- changed copies of real photographs ----
if [ -d "$data/jpeg-exif-orientation" ] && [ -d "$data/grocery/val" ]; then
    mkdir real odd-ones && find "$data/grocery/val" -name '*.jpg' | sort | awk 'NR % 5 == 1' | while read -r picture; do cp "$picture" real; done
    for way in Landscape Portrait; do cp "$data/jpeg-exif-orientation/${way}_1.jpg" real; done
    "$kin" index real --quiet >"$out/log"
    why=; for way in Landscape Portrait; do for turn in 2 3 5 6 8; do
        "$kin" find "$data/jpeg-exif-orientation/${way}_$turn.jpg" --index real --top 1 --quiet | grep -q "real/${way}_1.jpg" || why="$why ${way}_$turn"
    done; done
    report "turned by EXIF it is the same picture" "$why"
    say='' lost=0 all=0; for picture in $(find real -name '*.jpg' ! -name '*_1.jpg' | sort | awk 'NR % 10 == 1'); do
        for change in "--resize 120" "--crop 280" "--grey" "--quality 30"; do
            # shellcheck disable=SC2086
            "$kin" convert "$picture" $change --out odd-ones/changed.jpg --quiet
            "$kin" find odd-ones/changed.jpg --index real --top 1 --quiet 2>"$out/err" | grep -q "  $picture\$" || { lost=$((lost + 1)); say="$say $picture $change,"; }
            all=$((all + 1))
        done
    done
    why=; [ "$all" -ge 20 ] && [ "$lost" -le 1 ] || why="$lost of $all: $say"
    report "scaled, cropped, greyed, recompressed queries find theirs first" "$why"
else
    echo "skip photos: changed copies of real photographs: no $data"
fi
exit $failed
