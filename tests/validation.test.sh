#!/bin/sh
# The study of validation at a tiny size: four kinds of split, a row a training, nothing made twice.
set -u
cd "$(dirname "$0")/.." || exit 1
about=validation
. tests/support/shell.sh
case ${BUILD:-} in *address* | *thread*) echo "skip validation: not with sanitizers: its commands have tests of their own"; exit 0 ;; esac

run() { KIN=$kin RUNS=2 FOLDS=2 STEPS=2 POOL=20 SIZE=16 examples/validation.sh shop "$folder/study" >"$folder/said" 2>"$folder/err" || bad "validation: the study" "$(tail -n 1 "$folder/err")"; }
run
cd "$folder/study" || exit 1
report "a row for each kind and setting, with figures" "$(awk -F, 'NR > 1 { n++; if (!($4 > 0 && $4 <= 1 && $5 > 0 && $5 <= 1)) print "no figures: " $0 } END { if (n != 8) print n " rows" }' rows.csv)"
report "four kinds, with their intervals" "$(awk -F, 'NR > 1 { n++; if (!($6 <= $7 && $5 >= $6 && $5 <= $7 && $9 <= $10 && $11 >= 0 && $11 <= 1 && $12 <= $13)) print "makes no sense: " $0 } END { if (n != 4) print n " kinds" }' kinds.csv)"
"$kin" data shop --classes 0-19 --quiet --out all.csv >/dev/null
why=
[ "$(sed 1d pictures.csv | sort -u | wc -l)" -eq 40 ] || why="not a fifth of the pictures"
[ "$(sed 1d classes.csv | sort -u | wc -l)" -eq 4 ] || why="$why; not a fifth of the classes"
cut -d , -f 1,2 all.csv | tr , '\n' | sort -u >known
sed 1d pictures.csv | cat - classes.csv | grep -v '^class$' | grep -qvxF -f known && why="$why; a name that is none"
report "a fifth is held out, of pictures and of classes" "$why"
[ "$(grep -c '<circle' index.html)" -eq 8 ] && [ "$(grep -c '^<tr>' index.html)" -eq 5 ] && why= || why="other points or rows"
report "the page has its points and its table" "$why"
cat rows.csv kinds.csv >before
cd "$OLDPWD" || exit 1
rm "$folder/study/rows/classes-1"
run
cat "$folder/study/rows.csv" "$folder/study/kinds.csv" >"$folder/after"
same "validation: one row that is missing is trained again, with the same bits" "$folder/study/before" "$folder/after"
STEPS=3 KIN=$kin POOL=20 SIZE=16 examples/validation.sh shop "$folder/study" >/dev/null 2>"$folder/other"
report "rows of another study are not taken" "$([ $? -eq 2 ] && grep -q "holds another study (shop .*STEPS=2 POOL=20" "$folder/other" || echo "not so: $(head -n 1 "$folder/other")")"
report "... and no other" "$([ "$(grep -c '^validation: ' "$folder/err")" -eq 1 ] || echo "$(grep -c '^validation: ' "$folder/err") trainings")"
exit $failed
