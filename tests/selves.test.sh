#!/bin/sh
# Queries that are gallery items do not find themselves, in any command, and it is said.
set -u
cd "$(dirname "$0")/.." || exit 1
about=selves
. tests/support/shell.sh

g=tests/golden/retrieval/gallery q=tests/golden/retrieval/query
cp $g.npy "$out/g.npy"
awk -v OFS=, '{ print $0, "", NR == 1 ? "role" : NR % 3 ? "gallery" : "query" }' $g.csv | sed '1s/,,/,camera,/' >"$out/g.csv"
cp "$out/g.npy" "$out/copy.npy"; cp "$out/g.csv" "$out/copy.csv"
g=$out/g themselves="queries are gallery items themselves"

same() { # NAME LISTS: they are the lists of leaving one out, of those that were asked
    "$kin" "$command" --gallery "$g" $options --out "$out/alone.csv" --quiet
    why=$(awk -F, 'NR == FNR { list[$1] = $0; next } list[$1] != $0 { print "the list of " $1 " differs"; exit }' "$out/alone.csv" "$2")
    report "$1" "$why"
}

for command in search rerank retrieve; do
    for options in "--top 20" "--top 99"; do
        [ $command = search ] || options="$options --k1 8 --k2 3"
        expect "$command with parts of the gallery, $options" 0 "" "33 of 33 $themselves" $command --query "$g:query" --gallery "$g" $options --out "$out/r.csv"
        same "the lists of $command are those of leaving one out, and as long" "$out/r.csv"
        expect "$command with a copy of the gallery, $options" 0 "" "100 of 100 $themselves" $command --query "$out/copy" --gallery "$g" $options --out "$out/r.csv"
        same "the lists of $command are those of leaving one out, and all there" "$out/r.csv"
    done
done
for method in graph diffusion; do
    command=rerank options="--method $method --top 99"
    expect "rerank by $method" 0 "" "33 of 33 $themselves" rerank --query "$g:query" --gallery "$g" $options --out "$out/r.csv"
    same "the lists of $method are those of leaving one out" "$out/r.csv"
done
expect "retrieve among the first" 0 "" "33 of 33 $themselves" retrieve --query "$g:query" --gallery "$g" --k1 8 --among 20 --out "$out/r.csv"
expect "one more than there is" 2 "" "each query can find 99 items" search --query "$g:query" --gallery "$g" --top 100
expect "unless they may find themselves" 0 "" "33 lists of 100" search --query "$g:query" --gallery "$g" --top 100 --keep-self --out "$out/kept.csv"
why=; awk -F'[, ]' 'NR > 1 && $1 != $2 { exit 1 }' "$out/kept.csv" || why="another is first"; report "then each comes first" "$why"

# A picture may be looked for and be searched: the role "both".
awk -F, -v OFS=, 'NR > 1 { $NF = NR % 10 == 0 ? "both" : $NF } { print }' "$out/g.csv" >"$out/b.csv"; cp "$out/g.npy" "$out/b.npy"
queries=$(grep -c -e ',query$' -e ',both$' "$out/b.csv") searched=$(grep -c -e ',gallery$' -e ',both$' "$out/b.csv")
expect "those with both roles are on both sides" 0 "" "10 of $queries $themselves" search --query "$out/b:query" --gallery "$out/b:gallery" --top 20 --out "$out/r.csv"
expect "and no others" 0 "$queries lists, $((queries * 20)) ids" "" check "$out/r.csv" --query "$out/b:query" --gallery "$out/b:gallery"
why=$([ $((queries + searched)) -eq 110 ] || echo "$queries queries, $searched searched"); report "of 100" "$why"
sed '1s/role$/is_query,is_gallery/; s/,query$/,1,0/; s/,gallery$/,0,1/; s/,both$/,1,1/' "$out/b.csv" >"$out/f.csv"; cp "$out/g.npy" "$out/f.npy"
"$kin" search --query "$out/f:query" --gallery "$out/f:gallery" --top 20 --out "$out/flags.csv" --quiet
why=; cmp -s "$out/r.csv" "$out/flags.csv" || why="they differ"; report "is_query and is_gallery say the same" "$why"

one() { tr , '\n' | sed -n "s/.*\"$1\": //p"; }
all=$("$kin" eval --gallery "$g" --json | one mAP)
for pair in "$g $g" "$out/copy $g" "$out/copy.npy $g"; do
    set -- $pair
    expect "eval of $(basename $1) in $(basename $2)" 0 '"self matches": 100' "100 of 100 $themselves" eval --query "$1" --gallery "$2" --json
    why=; [ "$(one mAP <"$out/out")" = "$all" ] || why="mAP $(one mAP <"$out/out"), leaving one out $all"
    report "its figures are those of leaving one out" "$why"
done
expect "eval of a part" 0 '"self matches": 33' "33 of 33 $themselves" eval --query "$g:query" --gallery "$g" --json
part=$(one mAP <"$out/out")
expect "eval of lists that hold the queries" 0 "\"mAP\": $part" "33 of 33 $themselves" eval "$out/kept.csv" --query "$g:query" --gallery "$g" --json
expect "tune without themselves" 0 "before" "33 of 33 $themselves" tune --query "$g:query" --gallery "$g" --rounds 0
expect "fuse without themselves" 0 "" "33 of 33 $themselves" fuse --query "$g:query" --gallery "$g" --out "$out/f.csv"
expect "check takes what fuse wrote" 0 "33 lists, 3267 ids" "" check "$out/f.csv" --query "$g:query" --gallery "$g"
expect "fuse lists that hold the queries" 0 "" "33 of 33 $themselves" fuse "$out/kept.csv" "$out/kept.csv" --query "$g:query" --gallery "$g" --out "$out/f.csv"
why=; awk -F'[, ]' 'NR > 1 { for (i = 2; i <= NF; i++) if ($i == $1) exit 1 }' "$out/f.csv" || why="a query is in its own list"; report "none is in its own list" "$why"
expect "nothing is said of other sets" 0 "" "" search --query $q --gallery "$g" --out "$out/r.csv" --quiet

# another set that holds the same ids: nothing is dropped, and it is said
cp $q.npy "$out/other.npy"; head -n 37 "$g.csv" >"$out/other.csv"
expect "equal ids of another set" 0 "" "36 of 36 queries have the id of a gallery item of another set" search --query "$out/other" --gallery "$g" --out "$out/r.csv" --top 100
exit $failed
