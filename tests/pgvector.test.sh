#!/bin/sh
# kin export --pgvector: the form of its SQL, and what it refuses; into a real PostgreSQL and out again, where there is one.
set -u
cd "$(dirname "$0")/.." || exit 1
about=pgvector
. tests/support/shell.sh

cd "$out" || exit 1
# Three items of two numbers: float32, little-endian, 1 2 / 0.1 -0.5 / 1e-30 3e38.
npy() { { printf '\223NUMPY\001\000\166\000'; printf '%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (3, $1), }"; printf "$2"; } >set.npy; }
numbers='\000\000\200\077\000\000\000\100\315\314\314\075\000\000\000\277\140\102\242\015\346\261\141\177'
npy 2 "$numbers"
tab=$(printf '\t')
{ printf 'id,label,path\n'; printf 'a,red,x/a.png\n'; printf 'b\\c%sd,,\n' "$tab"; printf 'caf\303\251,2,\n'; } >set.csv
"$kin" export --pgvector set --table shop.things >sql 2>err || true
cat >want <<'END'
\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
BEGIN;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE "shop"."things" (id text PRIMARY KEY, label text, path text, embedding vector(2) NOT NULL);
COPY "shop"."things" (id, label, path, embedding) FROM stdin;
a	red	x/a.png	[1,2]
b\\c\td	\N	\N	[0.100000001,-0.5]
café	2	\N	[1e-30,3.00000001e+38]
\.
COMMIT;
END
why=
cmp -s sql want || why="not so: $(cat err) $(diff sql want | head -n 4 | tr '\n' ' ')"
report "one transaction, what is special escaped, numbers that give the same float32" "$why"

expect "the table is named items otherwise" 0 'CREATE TABLE "items" (id text' "" export --pgvector set
expect "a table's name that would be SQL" 2 "" "is no table's name here" export --pgvector set --table 'x; DROP TABLE y'
expect "... in capitals, which PostgreSQL makes small" 2 "" "is no table's name here" export --pgvector set --table Shop
expect "options of networks beside it" 2 "" "--weights does nothing with --pgvector" export --pgvector set --weights set
expect "an index, and what it is for" 0 'CREATE INDEX ON "items" USING hnsw (embedding vector_l2_ops);' "" export --pgvector set --index hnsw --metric euclid
expect "... in lists, a thousandth of the rows" 0 'USING ivfflat (embedding vector_cosine_ops) WITH (lists = 1);' "" export --pgvector set --index ivfflat
expect "--metric without an index" 2 "" "--metric goes with --index" export --pgvector set --metric inner
expect "--index without it" 2 "" "--index goes with --pgvector" export --index hnsw --model conv4 --out x.onnx
array wide.npy "1, 2001" 8004
expect "more numbers than an index takes" 2 "" "pgvector's indexes take 2000 numbers an item, not 2001" export --pgvector wide.npy --index hnsw
expect "... which the table takes" 0 "embedding vector(2001)" "" export --pgvector wide.npy
array wide.npy "1, 16001" 64004
expect "more numbers than pgvector holds" 2 "" "pgvector holds 16000 numbers an item, not 16001" export --pgvector wide.npy
array wide.npy "1, 8" 32
expect "zeros in an index of cosines" 1 "" "item '0' is all zeros" export --pgvector wide.npy --index hnsw
expect "--table without it" 2 "" "--table goes with --pgvector" export --table x --model conv4 --out x.onnx
expect "a network without --out" 2 "" "--out is missing" export --model conv4
expect "... and without --model" 2 "" "--model is missing" export --out x.onnx
printf 'id\na\n\377\nc\n' >set.csv
expect "names that are no UTF-8" 1 "" "are no UTF-8" export --pgvector set
rm set.csv
npy 2 '\000\000\200\077\000\000\000\100\315\314\314\075\000\000\000\277\140\102\242\015\000\000\200\177'
expect "infinity" 1 "" "finite" export --pgvector set
expect "JSON Lines: infinity" 1 "" "finite" export --jsonl set

# What another program reads, and a table of a database in the place of an array.
printf 'id,label,path,embedding\n"a ""b""\n\\",x,,"[1, -2.5e-3]"\n"c","",p,"{.1,3}"\n' >table.csv
expect "JSON Lines" 0 '{"id": "a \"b\"\n\\", "label": "x", "path": null, "embedding": [1,-0.00249999994]}' "" export --jsonl table.csv
expect "... with options of SQL" 2 "" "--table does nothing with --jsonl" export --jsonl table.csv --table x
expect "a table with a column of vectors is searched" 0 "c," "" search --gallery table.csv --metric euclid --quiet
refuses() { # NAME FIELD SAYS: such a second row
    printf 'id,embedding\na,"[1,2]"\nb,%s\n' "$2" >table.csv
    expect "... $1" 1 "" "$3" search --gallery table.csv
}
refuses "of different lengths" '"[1,2,3]"' "table.csv: line 3: a vector of 3 numbers; the first has 2"
refuses "with what is no number" '"[1,nan]"' "table.csv: line 3: the vector has something that is no number: '[1,nan]'"
refuses "cut off" '"[1,2"' "line 3: the vector has something that is no number, comma or bracket: '[1,2'"
refuses "too large for float32" '"[1,4e38]"' "line 3: the vector has a number that is not finite as float32"
refuses "and none" '' "line 3: the vector is none such as [1,2.5,-3]: ''"
printf 'id,label\na,b\n' >table.csv
expect "a list without vectors" 1 "" "names no column 'embedding'" search --gallery table.csv

# The real thing.
cd "$OLDPWD" || exit 1
. tests/support/postgres.sh
skip() { echo "skip $about: a real PostgreSQL: $1"; exit $failed; }
case ${BUILD:-build/cc} in build/cc | build/gcc) ;; *) skip "with the plain build by gcc alone" ;; esac
[ -z "${RUNNER:-}" ] || skip "not for another machine"
command -v python3 >/dev/null || skip "no python3"
postgres_find || skip "no server with pgvector (KIN_POSTGRES names its folder; .ci/run installs one)"
postgres_start "$folder" || { bad "$about: the server starts" "$(tail -n 1 "$folder/start")"; exit 1; }
trap 'postgres_stop; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
beside() { python3 tests/support/neighbours.py "$@"; }
# run_sql NAME STATUS STDERR-PART [PSQL'S ARGUMENTS...]: an empty part means that nothing is said.
run_sql() {
    name=$1 code=$2 complained=$3; shift 3
    psql_to "$@" >"$folder/out" 2>"$folder/err" </dev/null
    got=$? why=
    [ "$got" -eq "$code" ] || why="exit status $got, not $code"
    check_stream err "$complained"
    report "$name" "$why"
}
asked() { psql_to -A -t -c "$1" 2>&1; }

beside make "$folder"
for set in gallery query; do "$kin" export --pgvector "$folder/$set" --table $set >"$folder/$set.sql" || bad "$about: kin export" "$set"; done
run_sql "a real server takes it, with ids of all kinds" 0 "" -f "$folder/gallery.sql" -f "$folder/query.sql"
why=
[ "$(asked 'SELECT count(*), count(label), count(path) FROM gallery')" = "400|320|200" ] || why=$(asked 'SELECT count(*), count(label), count(path) FROM gallery')
report "... as many rows, labels and paths as there are" "$why"

# lists_of OPERATOR: all pairs, and the first twenty of each query as somebody would ask for them.
lists_of() {
    psql_to -c "COPY (SELECT q.id, g.id, q.embedding $1 g.embedding FROM query q, gallery g) TO STDOUT (FORMAT csv)" >"$folder/$metric/pairs.csv" &&
        psql_to -c "COPY (SELECT q.id, n.id, n.d FROM query q CROSS JOIN LATERAL (SELECT g.id, g.embedding $1 q.embedding AS d FROM gallery g
            ORDER BY g.embedding $1 q.embedding LIMIT 20) n ORDER BY q.id, n.d) TO STDOUT (FORMAT csv)" >"$folder/$metric/lists.csv"
}
for metric in 'cosine <=>' 'euclid <->' 'inner <#>'; do
    operator=${metric#* } metric=${metric% *} why=
    mkdir "$folder/$metric"
    { "$kin" search --query "$folder/query" --gallery "$folder/gallery" --metric $metric --top 20 --indices "$folder/$metric/i.npy" --distances "$folder/$metric/d.npy" --quiet &&
        lists_of "$operator" && beside compare "$folder" $metric; } >"$folder/log" 2>&1 || why=$(tail -n 1 "$folder/log")
    report "the order and the distances of $operator are kin's, $metric" "$why"
    kinds=hnsw
    [ $metric != cosine ] || kinds="hnsw ivfflat"
    for kind in $kinds; do
        why=
        { "$kin" export --pgvector "$folder/gallery" --table other --index $kind --metric $metric | psql_to &&
            psql_to -c "SET enable_seqscan = off; SET ivfflat.probes = 1" -c "COPY (SELECT q.id, n.id, n.d FROM query q CROSS JOIN LATERAL (SELECT g.id, g.embedding $operator q.embedding AS d
                FROM other g ORDER BY g.embedding $operator q.embedding LIMIT 20) n) TO STDOUT (FORMAT csv)" >"$folder/$metric/lists.csv" &&
            psql_to -c "SET enable_seqscan = off" -c "EXPLAIN SELECT id FROM other ORDER BY embedding $operator (SELECT embedding FROM query LIMIT 1) LIMIT 20" >"$folder/plan"; } 2>"$folder/log" || why=$(tail -n 1 "$folder/log")
        grep -q 'Index Scan using other_embedding_idx' "$folder/plan" || why="$why; the index is not used: $(head -n 3 "$folder/plan" | tr '\n' ' ')"
        found=$(beside recall "$folder" $metric)
        awk -v r="$found" 'BEGIN { exit !(r >= .98) }' || why="$why; recall $found"
        report "an index by $kind finds what kin finds, $metric" "$why"
        psql_to -c 'DROP TABLE other'
    done
done

psql_to -c "COPY gallery TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)" >"$folder/back.csv"
"$kin" export --pgvector "$folder/back.csv" --table gallery >"$folder/again.sql" 2>&1
same "$about: out of the database and into kin again, every byte" "$folder/gallery.sql" "$folder/again.sql"
for set in gallery back.csv; do "$kin" search --query "$folder/query" --gallery "$folder/$set" --top 20 --quiet --out "$folder/ranks.$set" || bad "$about: kin search" $set; done
same "$about: a table of the database is searched as the array was" "$folder/ranks.gallery" "$folder/ranks.back.csv"

# What goes wrong: one line or two, and nothing half done.
run_sql "a table that is there: not a row of it is read as commands" 3 'relation "gallery" already exists' -f "$folder/gallery.sql"
why=
[ "$(asked "SELECT count(*) FROM pg_class WHERE relname = 'pwned'"), $(asked 'SELECT count(*) FROM gallery')" = "0, 400" ] && [ ! -e pwned ] || why="an id was run: $(asked '\d' | tr '\n' ' ')"
report "... and it stays as it was" "$why"
sed 's/"gallery"/"half"/' "$folder/gallery.sql" | head -c 50000 >"$folder/half.sql"
psql_to -f "$folder/half.sql" >"$folder/out" 2>&1
why=; [ "$(asked "SELECT count(*) FROM pg_class WHERE relname = 'half'")" = 0 ] || why="half a table is there"
report "SQL that was cut off leaves nothing" "$why"
"$kin" export --pgvector "$folder/gallery" --table nowhere.gallery >"$folder/nowhere.sql"
run_sql "a schema that is not there" 3 'schema "nowhere" does not exist' -f "$folder/nowhere.sql"
run_sql "a database that is not there" 2 'database "absent" does not exist' -d absent -f "$folder/gallery.sql"
{ "$kin" export --pgvector "$folder/gallery"; echo $? >"$folder/status"; } 2>"$folder/err" | psql_to -d absent >/dev/null 2>&1
why=; [ "$(wc -l <"$folder/err")" -le 1 ] || why="$(cat "$folder/err")"
report "... of which kin, whose output nobody takes, says a line at most" "$why"
exit $failed
