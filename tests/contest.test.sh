#!/bin/sh
# The contest's script at a tiny size, from drawing to the picture; what it leaves out, it leaves out of the networks' sight.
set -u
about=contest
. tests/support/shell.sh
case $BUILD in *address* | *thread*) echo "skip contest: not with sanitizers: its commands have tests of their own"; exit 0 ;; esac

run() { KIN=$kin PRODUCTS=12 STEPS=8 SIZE=16 PICTURES=700 SECOND="--model resnet8 --width 8" examples/contest.sh "$1" "$folder/$1" >"$folder/said" 2>"$folder/err" || bad "contest: $1" "$(tail -n 1 "$folder/err")"; }

# Counts, disjoint sets, a row for each step with figures in 0 .. 1, and a well-formed picture.
look() { # WHAT QUERIES REFERENCES STEPS
    cd "$folder/$1" || return
    why=
    [ "$(grep -c ',query$' test.csv)" -eq "$2" ] && [ "$(grep -c ',gallery$' test.csv)" -eq "$3" ] || why="the test has other numbers of queries and references"
    cut -d, -f3 train.csv validation.csv test.csv | grep -v '^path$' | sort | uniq -d | grep -q . && why="a picture is in two sets"
    report "$1: who sees what" "$why"
    why=$(awk -F, -v rows="$4" 'NR > 1 { n++; if (!($3 > 0 && $3 <= 1 && $4 >= 0 && $4 <= 1 && $5 >= 0)) print "a row without figures: " $0 }
        END { if (n != rows) print n " rows" }' table.csv)
    grep -q '^search.*,[0-9.]*$' hour.csv && grep -q '^7000 queries,[0-9.]*$' sizes.csv || why="$why; no times"
    [ "$(grep -c '<rect' table.svg)" -eq $(($4 + 1)) ] && [ "$(tail -n 1 table.svg)" = "</svg>" ] || why="$why; the picture lacks bars"
    report "$1: the table and its picture" "$why"
    cd "$OLDPWD" || return
}

run shop
look shop 156 318 12
report "shop: what is not in the gallery" "$(awk -F, 'NR > 1 && !($2 > 0 && $3 >= 0 && $3 <= 1 && $4 + $5 <= 1) { print "a row without figures: " $0 } END { if (NR != 4) print NR " lines" }' "$folder/shop/strangers.csv")"
grep -q '^from the pictures by the first network in [0-9]* s,' "$folder/shop/sizes.csv"
report "shop: a deadline over the pictures" "$([ $? = 0 ] || echo "no such row")"
report "no product is trained on and asked for" "$(cut -d, -f2 "$folder/shop/train.csv" "$folder/shop/validation.csv" | sort -u | grep -v label >"$folder/known"; cut -d, -f2 "$folder/shop/test.csv" | sort -u | grep -Fx -f "$folder/known" | head -n 1)"
cat "$folder"/shop/*.csv >"$folder/before"
run shop
cat "$folder"/shop/*.csv >"$folder/after"
same "contest: what is there is not made again" "$folder/before" "$folder/after"
if [ -d /usr/share/datasets/fashion-mnist ]; then
    run fashion
    look fashion 182 366 13
else
    echo "skip contest: fashion: needs Debian's dataset-fashion-mnist"
fi
exit $failed
