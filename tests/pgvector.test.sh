#!/bin/sh
# kin export --pgvector: the form of its SQL, and what it refuses.
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
expect "--table without it" 2 "" "--table goes with --pgvector" export --table x --model conv4 --out x.onnx
expect "a network without --out" 2 "" "--out is missing" export --model conv4
expect "... and without --model" 2 "" "--model is missing" export --out x.onnx
printf 'id\na\n\377\nc\n' >set.csv
expect "names that are no UTF-8" 1 "" "are no UTF-8" export --pgvector set
rm set.csv
npy 2 '\000\000\200\077\000\000\000\100\315\314\314\075\000\000\000\277\140\102\242\015\000\000\200\177'
expect "infinity" 1 "" "finite" export --pgvector set
exit $failed
