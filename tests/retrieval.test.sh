#!/bin/sh
# kin search, rerank, eval, check as they are typed, on the vectors of tests/golden/retrieval.
set -u
cd "$(dirname "$0")/.." || exit 1
about=retrieval
. tests/support/shell.sh

q=tests/golden/retrieval/query g=tests/golden/retrieval/gallery
expect "search writes lists" 0 "" "36 lists of 100" search --query $q --gallery $g --out "$out/r.csv"
expect "check accepts them" 0 "36 lists, 3600 ids, all known, none twice" "" check "$out/r.csv" --query $q --gallery $g
expect "eval prints a table" 0 "mAP@100" "" eval "$out/r.csv" --query $q --gallery $g.csv
expect "eval prints JSON" 0 '"R@10": ' "" eval "$out/r.csv" --query $q --gallery $g --json
expect "search by Euclid agrees with the golden mAP" 0 "" "" search --query $q --gallery $g --metric euclid --out "$out/e.csv" --indices "$out/i.npy" --distances "$out/d.npy" --quiet
expect "the golden mAP" 0 '"mAP": 0.80330' "" eval "$out/e.csv" --query $q.csv --gallery $g.csv --json --distances "$out/d.npy"
expect "eval with distances also breaks ties against us" 0 "mAP-pessimistic" "" eval "$out/e.csv" --query $q --gallery $g --distances "$out/d.npy"
"$kin" search --query $q --gallery $g --top 5 --out "$out/five.csv" --quiet
expect "figures that lists are too short for" 0 "R@10                 -   not available: needs lists of 10, and the shortest has 5 left" "" eval "$out/five.csv" --query $q --gallery $g
expect "and as JSON" 0 '"unavailable": {"R@10": "needs lists of 10, and the shortest has 5 left"' "" eval "$out/five.csv" --query $q --gallery $g --json
expect "K without lists" 0 '"mAP@7": ' "" eval --query $q --gallery $g --k 7 --json
# 12 items that all look alike, and the first class stands first: what is found is a matter of order
array "$out/alike.npy" "12, 2" 96
tr '\000' '\001' <"$out/alike.npy" | tail -c 96 >"$out/ones"; head -c 128 "$out/alike.npy" | cat - "$out/ones" >"$out/a.npy"
{ echo id,label,path; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "i$i,c$(((i + 5) / 6)),"; done; } >"$out/a.csv"
sed '2,$s/^i/j/' "$out/a.csv" >"$out/b.csv"; { head -c 128 "$out/a.npy" | sed 's/(12, 2)/( 6, 2)/'; head -c 48 "$out/ones"; } >"$out/b.npy"; sed -i 8,13d "$out/b.csv"
expect "ties are broken against collapsed descriptors, too" 0 "R@1-pessimistic  0.0000" "same pictures twice" eval --query "$out/b" --gallery "$out/a"
expect "without queries" 0 "R@1-pessimistic  0.0000" "" eval --gallery "$out/a"
expect "by tune" 0 "; with ties against it R@1 0.0000, mAP 0.3161" "" tune --gallery "$out/a" --method expand --rounds 0 --quiet
expect "by fuse" 0 "; with ties against it R@1 0.0000, mAP 0.3161" "" fuse --gallery "$out/a,$out/a" --fit --quiet
floats() { tail -c "$(($2 * 4))" "$1" | od -An -v -tf4 -w4 | awk '{ printf "%.6f\n", $1 }'; }
for metric in cosine inner euclid; do
    "$kin" search --query $q --gallery $g --metric $metric --top 5 --out "$out/r5.csv" --distances "$out/d5.npy" --quiet
    limit=$(floats "$out/d5.npy" 180 | sort -g | sed -n 90p)
    "$kin" search --query $q --gallery $g --metric $metric --max-distance "$limit" --top 5 --out "$out/m5.csv" --distances "$out/m5.npy" --quiet
    count=$(awk -F'[, ]' 'NR > 1 && $2 != "" { n += NF - 1 } END { print n }' "$out/m5.csv")
    why=; [ "$count" -ge 89 ] && [ "$count" -le 91 ] || why="$count of 180 items are within their median distance, $limit"
    report "--distances holds what --max-distance takes, $metric" "$why"
    why=; floats "$out/d5.npy" 180 | awk 'NR % 5 != 1 && $1 < last { exit 1 } { last = $1 }' || why="they do not ascend"
    report "and is smaller where things are nearer, $metric" "$why"
    [ $metric != euclid ] || continue
    "$kin" search --query $q --gallery $g --metric $metric --top 5 --distances "$out/d5.npy" --similarities "$out/s5.npy" --quiet
    floats "$out/d5.npy" 180 >"$out/d5"; floats "$out/s5.npy" 180 >"$out/s5"
    why=; paste "$out/d5" "$out/s5" | awk -v one=$([ $metric = cosine ] && echo 1 || echo 0) '{ x = one - $2 - $1; if (x > 1e-5 || x < -1e-5) exit 1 }' || why="others"
    report "--similarities are what they were, $metric" "$why"
done
doubles() { printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': ($1, 2), }"; shift; for x; do printf "$x\000\000\000\000\000\000\000\000"; done; }
one='\000\000\200\000\145\315\315\101' two='\000\000\000\001\145\315\315\101' # 1e9 + 1, 1e9 + 2
doubles 2 "$one" "$two" >"$out/wide.npy"; doubles 1 "$two" >"$out/ask.npy"
expect "doubles that float32 would round are told apart" 0 "0,1 0" "" search --gallery "$out/wide.npy" --query "$out/ask.npy" --keep-self --metric euclid --quiet
expect "and the same is found to be the same" 0 "0,0" "1 of 1 queries is a gallery item" search --gallery "$out/wide.npy" --query "$out/ask.npy" --metric euclid
expect "what rounds them says so" 0 "" "holds numbers that are rounded to float32 here" search --gallery "$out/wide.npy" --query "$out/ask.npy" --metric euclid --float32 --out "$out/r2.csv"
expect "re-ranking says so, too" 0 "" "holds numbers that are rounded to float32 here" rerank --gallery "$out/wide.npy" --method none --out "$out/r2.csv"
for command in "whiten fit $out/wide.npy --out $out/w.safetensors" "reduce $out/wide.npy --pca 1 --out $out/r3" "index $out/wide.npy --faiss $out/f.index" \
    "fuse --gallery $out/wide.npy,$out/wide.npy --out $out/r2.csv" "tune --gallery $out/wide.npy --out $out/t.json" "eval --gallery $out/wide.npy"; do
    # shellcheck disable=SC2086
    "$kin" $command >"$out/out" 2>"$out/err"
    grep -q "holds numbers that are rounded to float32 here" "$out/err" && ok "so does kin ${command%% *}" || bad "so does kin ${command%% *}" "$(head -n 2 "$out/err")"
done
expect "Euclid has no similarities" 2 "" "take --distances" search --query $q --gallery $g --metric euclid --similarities "$out/s.npy"
expect "nor has k-reciprocal re-ranking" 2 "" "take --distances" rerank --query $q --gallery $g --similarities "$out/s.npy"
expect "distances without lists" 2 "" "--distances belongs to RANKS" eval --query $q --gallery $g --distances "$out/d.npy"
expect "distances of another search" 1 "" "does not fit the 36 lists" eval "$out/e.csv" --query $q --gallery $g --distances $q.npy
expect "rerank writes lists" 0 "" "36 lists of 50" rerank --query $q --gallery $g --top 50 --k1 8 --k2 3 --out "$out/k.csv"
expect "check accepts those too" 0 "1800 ids" "" check "$out/k.csv" --query $q --gallery $g
expect "rerank warns of small classes" 0 "" "less than --k1 20" rerank --query $q --gallery $g --out "$out/k.csv"
expect "rerank after expansion and augmentation" 0 "" "" rerank --query $q --gallery $g --k1 8 --k2 3 --augment 3 --expand 3 --out "$out/k.csv" --quiet
expect "rerank by propagation over the graph" 0 "" "36 lists of 50" rerank --query $q --gallery $g --method graph --top 50 --k1 8 --k2 3 --out "$out/k.csv"
expect "rerank by diffusion" 0 "" "" rerank --query $q --gallery $g --method diffusion --kd 10 --kq 5 --out "$out/k.csv" --quiet
expect "check accepts diffusion's lists" 0 "36 lists, 3600 ids" "" check "$out/k.csv" --query $q --gallery $g
expect "rerank by off-line diffusion, leaving one out" 0 "" "" rerank --gallery $g --method diffusion --kd 10 --truncate 40 --out "$out/l.csv" --quiet
expect "check accepts those too" 0 "100 lists, 9900 ids" "" check "$out/l.csv" --gallery $g
expect "rerank by the first of each list" 0 "" "36 lists of 100" rerank --query $q --gallery $g --method top-m --first 40 --neighbours 4 --beta 0.3 --out "$out/top.csv"
expect "check accepts those, too" 0 "36 lists, 3600 ids" "" check "$out/top.csv" --query $q --gallery $g
expect "retrieve does the same" 0 "" "" retrieve --query $q --gallery $g --method top-m --first 40 --neighbours 4 --beta 0.3 --out "$out/top2.csv" --quiet
same "the same lists by retrieve" "$out/top.csv" "$out/top2.csv"
expect "each item among the others, by the first of each list" 0 "" "" rerank --gallery $g --method top-m --first 30 --top 99 --out "$out/l.csv" --quiet
expect "options of top-m alone" 2 "" "--beta says nothing to --method k-reciprocal" rerank --gallery $g --beta 0.3
expect "options of top-m alone, in retrieve" 2 "" "--first belongs to --method top-m" retrieve --gallery $g --first 30 --out "$out/x.csv"
expect "rerank by nothing is search" 0 "" "" rerank --query $q --gallery $g --method none --out "$out/k.csv" --quiet
why=; cmp -s "$out/r.csv" "$out/k.csv" || why="lists differ"; report "the same lists" "$why"
expect "an option of another method" 2 "" "--lambda says nothing to --method graph" rerank --gallery $g --method graph --lambda 0.5
expect "expansion alone needs its number" 2 "" "needs --expand N" rerank --gallery $g --method expand
expect "each item among the others" 0 "" "100 lists of 99" search --gallery $g --out "$out/l.csv"
expect "eval of each among the others" 0 "100 queries, 100 gallery items, lists of 99" "" eval "$out/l.csv" --gallery $g
expect "rerank of each among the others, expanded" 0 "" "" rerank --gallery $g --expand 4 --k1 8 --out "$out/l.csv" --quiet
expect "check knows that nothing finds itself" 0 "100 lists" "" check "$out/l.csv" --gallery $g
expect "a bare .npy is numbered, lists go to standard output" 0 "id,images" "" search --gallery $out/d.npy --top 2 --quiet

expect "search within a distance" 0 "" "queries have nothing within --max-distance" search --query $q --gallery $g --max-distance 0.15 --out "$out/m.csv" --indices "$out/mi.npy"
expect "eval tells intervals, classes and the worst queries" 0 "The 3 worst queries" "" eval "$out/r.csv" --query $q --gallery $g --bootstrap 100 --worst 3 --per-class "$out/classes.csv"
why=; [ "$(wc -l <"$out/classes.csv")" -eq 13 ] || why="not so: $(wc -l <"$out/classes.csv") lines"; report "a line a class" "$why"
expect "eval fits a threshold" 0 "--max-distance 0." "" eval --gallery $g --fit-threshold 0.05
expect "eval tells intervals as JSON" 0 '"mAP interval": [0.' "" eval --query $q --gallery $g --bootstrap 100 --json
expect "a threshold needs descriptors" 2 "" "leave RANKS out" eval "$out/r.csv" --query $q --gallery $g --fit-threshold 0.05
expect "fuse descriptors" 0 "" "36 lists of 100 from 2 sets" fuse --gallery $g,$g --query $q,$q --out "$out/f.csv"
expect "check accepts fused lists" 0 "36 lists, 3600 ids" "" check "$out/f.csv" --query $q --gallery $g
expect "fit weights of lists" 0 "--weights 0." "" fuse "$out/r.csv" "$out/e.csv" "$out/f.csv" --query $q --gallery $g --fit --quiet
expect "fuse descriptors side by side" 0 "" "100 descriptors of 48 numbers" fuse --gallery $g,$g --weights 2,1 --embeddings "$out/both"
expect "fused descriptors can be searched" 0 "mAP" "" eval --gallery "$out/both"
expect "weights that do not fit" 2 "" "2 numbers of 0 or more" fuse --gallery $g,$g --weights 1
expect "sets of other pictures" 1 "" "has 100 rows" fuse --gallery $g,$q
expect "lists have no descriptors" 2 "" "fused by rank alone" fuse "$out/r.csv" "$out/e.csv" --query $q --gallery $g --by distance
expect "tune k1, k2 and lambda" 0 "--method k-reciprocal --k1 " "" tune --gallery $g --query $q --out "$out/p.json" --quiet
expect "rerank with what was found" 0 "" "" rerank --query $q --gallery $g --params "$out/p.json" --out "$out/p.csv" --quiet
promised() { # FILE: p.csv has the mAP that the file tells
    why=; "$kin" eval "$out/p.csv" --query $q --gallery $g --json | grep -q "$(sed 's/.*"mAP": \(0\.[0-9]\{5\}\).*/"mAP": \1/' "$1")" || why="another mAP: $(cat "$1")"
    report "it has the mAP that was promised" "$why"
}
promised "$out/p.json"
expect "tune on means of queries and gallery" 0 "--augment" "" tune --gallery $g --query $q --method expand --rounds 1 --out "$out/means.json" --quiet
expect "search with them" 0 "" "" rerank --query $q --gallery $g --params "$out/means.json" --out "$out/p.csv" --quiet
promised "$out/means.json"
expect "tune re-ranking behind means" 0 "--k1" "" tune --gallery $g --query $q --expand 2 --augment 3 --alpha 1 --rounds 0 --out "$out/chain.json" --quiet
expect "rerank behind them" 0 "" "" rerank --query $q --gallery $g --params "$out/chain.json" --out "$out/p.csv" --quiet
promised "$out/chain.json"
expect "fitted means are not given" 2 "" "--method expand fits --augment" tune --gallery $g --query $q --method expand --augment 3
expect "the gallery's means without queries" 2 "" "leave --augment out" tune --gallery $g --augment 3
expect "an alpha without means" 2 "" "--alpha weights the means" tune --gallery $g --alpha 1
expect "params of another method" 2 "" "fitted for --method k-reciprocal" rerank --query $q --gallery $g --params "$out/p.json" --method graph
for method in graph diffusion top-m expand; do
    expect "tune $method" 0 "--method $method --" "" tune --gallery $g --method $method --rounds 1 --out "$out/$method.json" --quiet
    expect "rerank by $method with what was found" 0 "" "" rerank --gallery $g --params "$out/$method.json" --out "$out/p.csv" --quiet
done
echo '{"k1": 7, "colour": 3}' >"$out/odd.json"
expect "params that are no options" 2 "" "odd.json: unknown option --colour" rerank --gallery $g --params "$out/odd.json"
echo '{"k1": 0}' >"$out/odd.json"
expect "params out of range" 2 "" "odd.json: --k1 needs a whole number from 1" rerank --gallery $g --params "$out/odd.json"
expect "fit weights and keep them; a set twice gains nothing, which is said" 0 "--weights 0" "together +0.0000 over number 1, +0.0000 to +0.0000 over other classes: no gain that these items show" fuse --gallery $g,$g --fit --save-params "$out/w.json"
expect "fuse with kept weights" 0 "" "" fuse --gallery $g,$g --query $q,$q --params "$out/w.json" --out "$out/f.csv" --quiet
awk -v OFS=, 'NR == 1 { print $0, "camera,role" } NR > 1 { print $0, "", NR < 14 ? "query" : "" }' $g.csv >"$out/twelve.csv"; cp $g.npy "$out/twelve.npy"
"$kin" reduce "$out/twelve:query" --pca 24 --out "$out/few" --quiet
expect "fit a whitening" 0 "" "24 to 8 dimensions, from 100 rows" whiten fit $g --dims 8 --shrinkage 0.1 --out "$out/w.safetensors"
expect "apply it" 0 "" "36 descriptors of 8 numbers" whiten apply "$out/w.safetensors" $q --out "$out/qw"
expect "a whitening of few rows: the default keeps all directions" 0 "" "24 to 24 dimensions, from 12 rows" whiten fit "$out/few" --out "$out/f.safetensors"
expect "and says how many there are" 0 "" "the rows differ in 11 of 24 directions by more than rounding" whiten fit "$out/few" --out "$out/f.safetensors"
expect "without shrinkage it keeps those" 0 "" "24 to 11 dimensions, from 12 rows" whiten fit "$out/few" --shrinkage 0 --out "$out/f.safetensors"
expect "and refuses more" 1 "" "12 rows differ in only 11 directions" whiten fit "$out/few" --shrinkage 0 --dims 12 --out "$out/f.safetensors"
expect "reduce says it, too" 0 "" "the rows of $out/few differ in 11 directions" reduce "$out/few" --pca 16 --out "$out/x"
expect "whitening what it was fitted on" 0 "" "these are the rows that it was fitted on" whiten apply "$out/f.safetensors" "$out/few" --out "$out/x"
expect "learn a whitening" 0 "" "from 100 rows and 802 positive pairs" whiten fit $g --learned --shrinkage 0.1 --out "$out/w.safetensors"
expect "whitened descriptors keep their labels" 0 "" "" whiten apply "$out/w.safetensors" $g --out "$out/gw" --quiet
expect "and can be judged" 0 "mAP" "" eval --gallery "$out/gw"
expect "a whitening of other dimensions" 2 "" "fitted on 24 dimensions, the vectors have 8" whiten apply "$out/w.safetensors" "$out/qw" --out "$out/x"
expect "what is no whitening" 1 "" "not" whiten apply $g.npy $g --out "$out/x"
expect "reduce by principal components" 0 "" "36 descriptors of 6 numbers, before 24" reduce $q --pca 6 --on $g --out "$out/q6"
expect "reduce by an auto-encoder" 0 "" "by principal components alone" reduce $q --autoencoder 6 --on $g --metric-weight 1 --steps 40 --save "$out/ae.safetensors" --out "$out/q6"
expect "reduce by a kept auto-encoder" 0 "" "100 descriptors of 6 numbers, before 24" reduce $g --with "$out/ae.safetensors" --out "$out/g6"
expect "and search with both" 0 "mAP" "" eval --query "$out/q6" --gallery "$out/g6"
expect "reduce by a kept whitening" 0 "" "36 descriptors of 24 numbers" reduce $q --with "$out/w.safetensors" --out "$out/x"
expect "an auto-encoder of other dimensions" 2 "" "has 6 dimensions, the auto-encoder takes 24" reduce "$out/q6" --with "$out/ae.safetensors" --out "$out/x"
expect "no way to reduce" 2 "" "one of --pca D, --autoencoder D and --with FILE" reduce $q --out "$out/x"
expect "an auto-encoder's option without it" 2 "" "--hidden belongs to --autoencoder" reduce $q --pca 6 --hidden 8 --out "$out/x"
expect "codes longer than descriptors" 2 "" "24" reduce $q --autoencoder 25 --out "$out/x"

why=
"$kin" search --query $q --gallery $g --top 7 --quiet | "$kin" eval - --query $q --gallery $g >"$out/out" 2>"$out/err" || why="fails"
check_stream out "lists of 7"
report "eval reads standard input" "$why"

why=
for threads in 1 2 3; do
    "$kin" rerank --query $q --gallery $g --k1 8 --k2 3 --out "$out/t$threads.csv" --distances "$out/t$threads.npy" --threads $threads --quiet || why="fails"
    cmp -s "$out/t1.csv" "$out/t$threads.csv" && cmp -s "$out/t1.npy" "$out/t$threads.npy" || why="$threads threads differ from one"
done
report "the number of threads changes nothing" "$why"

sed '3s/ g/ g0 g0 g/' "$out/r.csv" >"$out/bad.csv"
sed '/^q7,/d' "$out/bad.csv" >"$out/worse.csv"
printf 'q99,g1 g2\n' >>"$out/worse.csv"
expect "check names a duplicate" 1 "" "bad.csv: line 3: the id 'g0' is listed twice" check "$out/bad.csv" --query $q --gallery $g
expect "check names a missing query" 1 "" "the query 'q7' has no list" check "$out/worse.csv" --query $q --gallery $g
expect "check names an unknown query" 1 "" "line 37: the id 'q99' is not a query" check "$out/worse.csv" --query $q --gallery $g
expect "eval refuses them" 1 "" "line 3: the id 'g0' is listed twice" eval "$out/bad.csv" --query $q --gallery $g
expect "eval needs labels" 1 "" "has no labels" eval "$out/r.csv" --query "$out/i.npy" --gallery $g
expect "lists longer than the gallery" 2 "" "--top 101: each query can find 100 items" search --query $q --gallery $g --top 101
expect "a gallery that is not there" 1 "" "absent.npy: cannot be opened" search --gallery absent
expect "a folder that is not there" 1 "" "cannot be created" search --gallery $g --out "$out/absent/r.csv"
expect "dimensions that differ" 2 "" "both must come from one model" search --query "$out/d.npy" --gallery $g
expect "k1 beyond all items" 2 "" "k1 200 and k2 6 need more items" rerank --query $q --gallery $g --k1 200
expect "expansion by more than there is" 2 "" "--expand: expansion by 500 neighbours; 1 to 100 was expected" search --query $q --gallery $g --expand 500
expect "expansion needs cosine" 2 "" "needs --metric cosine" search --query $q --gallery $g --expand 5 --metric euclid
head -c 1000 $g.npy >"$out/cut.npy"
expect "a truncated array" 1 "" "cut off" search --gallery "$out/cut.npy" --top 1

# ---- of several items of one label the nearest ----
# once LIST: of each label the first, and of those four
once() {
    awk -F, -v gallery="$g.csv" '
        BEGIN { getline line <gallery; while ((getline line <gallery) > 0) { split(line, f, ","); label[f[1]] = f[2] } }
        NR == 1 { print; next }
        { n = split($2, id, " "); delete seen; line = ""; kept = 0
          for (i = 1; i <= n && kept < 4; i++) if (!(label[id[i]] in seen)) { seen[label[id[i]]]; line = line (kept++ ? " " : "") id[i] }
          print $1 "," line }' "$1"
}
"$kin" search --query $q --gallery $g --top 100 --out "$out/whole.csv" --quiet
once "$out/whole.csv" >"$out/wanted.csv"
expect "a label once" 0 "" "" search --query $q --gallery $g --top 4 --group-by label --out "$out/labels.csv" --quiet
same "$about: the nearest of each, as a whole list has them" "$out/wanted.csv" "$out/labels.csv"
expect "within a distance" 0 "" "" search --query $q --gallery $g --top 4 --group-by label --max-distance 3 --out "$out/labels.csv" --quiet
same "$about: the same where the distance is no bound" "$out/wanted.csv" "$out/labels.csv"
for method in k-reciprocal graph diffusion top-m none; do
    "$kin" rerank --query $q --gallery $g --method $method --top 100 --out "$out/whole.csv" --quiet
    once "$out/whole.csv" >"$out/wanted.csv"
    "$kin" rerank --query $q --gallery $g --method $method --top 4 --group-by label --out "$out/labels.csv" --quiet
    same "$about: a label once by rerank --method $method" "$out/wanted.csv" "$out/labels.csv"
done
for method in k-reciprocal top-m none; do
    "$kin" retrieve --query $q --gallery $g --method $method --expand 3 --top 100 --out "$out/whole.csv" --quiet
    once "$out/whole.csv" >"$out/wanted.csv"
    "$kin" retrieve --query $q --gallery $g --method $method --expand 3 --top 4 --group-by label --out "$out/labels.csv" --quiet
    same "$about: a label once by retrieve --method $method" "$out/wanted.csv" "$out/labels.csv"
done
for command in rerank retrieve; do
    expect "what has no labels, by $command" 1 "" "has no labels" $command --gallery "$out/i.npy" --group-by label --top 4
done
expect "what has no labels" 1 "" "has no labels" search --gallery "$out/i.npy" --group-by label --metric euclid
exit $failed
