#!/bin/sh
# kin retrieve and kin plan: the same lists as the single commands, a complete result on disk at every moment, a deadline that is kept.
about=retrieve
. tests/support/shell.sh
cd "$folder" || exit 1

"$kin" synth shop --products 120 --views 10 --size 32 --seed 4 --quiet
"$kin" embed shop --model histogram --out E --quiet
"$kin" embed shop --model histogram --classes 0-39 --out Q --quiet
means="--expand 3 --augment 3"
sets="--query Q --gallery E --top 50"

# sameas NAME REFERENCE-COMMAND... -- RETRIEVE-OPTIONS...
sameas() {
    name=$1; shift
    reference=
    while [ "$1" != -- ]; do reference="$reference $1"; shift; done
    shift
    # shellcheck disable=SC2086
    "$kin" $reference --out want.csv --quiet && "$kin" retrieve "$@" --out got.csv --quiet
    same "retrieve: $name" want.csv got.csv
}
# shellcheck disable=SC2086
{
sameas "the lists of kin rerank" rerank $sets $means -- $sets $means
sameas "without re-ranking those of kin search" search $sets $means -- $sets $means --method expand
sameas "the plain lists" search $sets -- $sets --method none
sameas "each gallery item among the others" rerank --gallery E --k1 8 --k2 3 --top 20 -- --gallery E --k1 8 --k2 3 --top 20
sameas "a deadline far away changes nothing" rerank $sets $means -- $sets $means --deadline 1h
sameas "re-ranking among so many that all take part" rerank --query Q --gallery E --top 1200 -- --query Q --gallery E --top 1200 --among 1200
"$kin" rerank $sets --indices I.npy --distances D.npy --quiet && "$kin" retrieve $sets --indices J.npy --distances F.npy --deadline 10m --quiet
same "retrieve: FAISS's layout" I.npy J.npy
"$kin" retrieve $sets --out - --quiet >stream.csv
"$kin" rerank $sets --out file.csv --quiet
same "retrieve: standard output gets one result, the last" stream.csv file.csv

expect "a deadline that nothing can keep still gives the plain lists" 0 "" "left out for the deadline: re-ranking" retrieve $sets $means --deadline 0.000001s --out tight.csv
"$kin" search $sets --out plain.csv --quiet
same "retrieve: those of kin search" tight.csv plain.csv
expect "among the first few" 0 "" "gallery items that are among the first 2 of a list" retrieve $sets --among 2 --out few.csv
expect "its lists are valid" 0 "400 lists" "" check few.csv --query Q --gallery E --quiet
expect "classes smaller than k1" 0 "" "less than --k1 20" retrieve $sets --out few.csv
expect "a deadline that is none" 2 "" "is not a length of time" retrieve $sets --deadline soon --out x.csv
expect "--among without queries" 2 "" "--among needs --query" retrieve --gallery E --among 3 --out x.csv
expect "options of pictures without a network" 2 "" "--size is about pictures" retrieve $sets --size 32 --out x.csv
expect "k1 beyond the items" 2 "" "--k1 5000 needs more items" retrieve $sets --k1 5000 --out x.csv
expect "a folder that is not there" 1 "" "nowhere" retrieve $sets --out nowhere/x.csv

# Pictures, with the network in the same command.
"$kin" train shop --model conv4 --width 8 --embedding 16 --size 24 --channels 3 --steps 3 --batch-classes 4 --batch-pictures 2 --out run --quiet
"$kin" embed shop --model run --out N --quiet
"$kin" rerank --gallery N --k1 8 --k2 3 --top 20 --out want.csv --quiet
"$kin" retrieve --gallery shop --model run --k1 8 --k2 3 --top 20 --out got.csv --timings t.json --deadline 10m --quiet
same "retrieve: pictures through a network" want.csv got.csv
"$kin" data shop --out roles.csv --quiet && awk -F, 'BEGIN { OFS = "," } NR > 1 { $NF = NR % 4 ? "gallery" : "query" } { print }' roles.csv >both.csv
"$kin" embed both.csv --model run --out B --quiet && "$kin" rerank --query B:query --gallery B:gallery --top 20 --out want.csv --quiet
"$kin" retrieve --query both.csv:query --gallery both.csv:gallery --model run --top 20 --out got.csv --quiet
same "retrieve: the queries and the gallery of one list" want.csv got.csv
grep -q '"embed": [0-9]' t.json && grep -q '"rerank": [0-9]' t.json && ok "retrieve: timings by stage" || bad "retrieve: timings by stage" "$(cat t.json)"

# Killed at any moment: no file yet, or complete lists of one of the stages.
wrong=
found=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    rm -f killed.csv
    "$kin" retrieve --gallery E --expand 3 --top 400 --out killed.csv --quiet &
    pid=$!
    sleep "0.0$((i * 8 % 100 + 10))"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ -e killed.csv ] || continue
    found=$((found + 1))
    "$kin" check killed.csv --gallery E --quiet >/dev/null 2>&1 || wrong="after $i"
done
[ -z "$wrong" ] && ok "retrieve: killed at twelve moments, lists are whole or not there" || bad "retrieve: killed at twelve moments" "$wrong ($found files)"
rm -f ./*.tmp-*
} 2>/dev/null

# shellcheck disable=SC2086
"$kin" retrieve $sets $means --out t.csv --timings half.json --quiet
expect "plan: from a run's timings" 0 "compare" "" plan --queries 400 --gallery 1200 --dim 512 --top 50 --expand 3 --augment 3 --timings half.json --quiet
expect "plan: what fits into a deadline" 0 "all of it fits" "" plan --queries 400 --gallery 1200 --dim 512 --top 50 --timings half.json --deadline 1h --quiet
expect "plan: measured now" 0 "re-ranked lists" "" plan --queries 100 --gallery 800 --dim 32 --top 20 --quiet
expect "plan: with a network" 0 "pictures to descriptors" "" plan --gallery 800 --dim 128 --top 20 --model conv4 --quiet
expect "plan: numbers for programs" 0 '"total": ' "" plan --queries 10 --gallery 800 --dim 32 --top 20 --json --quiet
expect "plan: lists longer than the gallery" 2 "" "a query can find 800 items" plan --queries 10 --gallery 800 --dim 32 --top 900
echo '{}' >none.json
expect "plan: timings that are none" 1 "" "no timings" plan --gallery 800 --dim 32 --timings none.json
exit $failed
