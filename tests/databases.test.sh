#!/bin/sh
# Descriptors that kin writes, in other databases: Qdrant's local mode takes the .npy and the .csv beside it, Milvus Lite the JSON Lines, and both find
# what kin finds. Needs a Python with qdrant-client or pymilvus and milvus-lite ($KIN_ORACLE_PYTHON, or what .ci/run installs).
set -u
cd "$(dirname "$0")/.." || exit 1
about=databases
. tests/support/shell.sh
case ${BUILD:-build/cc} in build/cc | build/gcc) ;; *) echo "skip $about: with the plain build by gcc alone"; exit 0 ;; esac
[ -z "${RUNNER:-}" ] || { echo "skip $about: not for another machine"; exit 0; }
python=${KIN_ORACLE_PYTHON:-python3}
[ -n "${KIN_ORACLE_PYTHON:-}" ] || [ ! -x build/neighbours/bin/python ] || python=build/neighbours/bin/python
command -v "$python" >/dev/null || { echo "skip $about: no Python"; exit 0; }

"$python" tests/support/neighbours.py make "$folder"
"$kin" export --jsonl "$folder/gallery" >"$folder/gallery.jsonl" || bad "$about: kin export --jsonl" "failed"
for metric in cosine euclid inner; do
    mkdir "$folder/$metric"
    "$kin" search --query "$folder/query" --gallery "$folder/gallery" --metric $metric --top 20 --indices "$folder/$metric/i.npy" --distances "$folder/$metric/d.npy" --quiet ||
        bad "$about: kin search" "failed, $metric"
done
for database in qdrant milvus; do
    if ! "$python" tests/support/databases.py has $database >/dev/null 2>&1; then
        echo "skip $about: $database: no Python with its packages (KIN_ORACLE_PYTHON names one; .ci/run installs them)"
        continue
    fi
    rm -f "$folder"/*/lists.csv
    "$python" tests/support/databases.py $database "$folder" cosine euclid inner >"$folder/log" 2>&1
    for metric in cosine euclid inner; do
        why=
        "$python" tests/support/neighbours.py compare "$folder" $metric >>"$folder/log" 2>&1 || why=$(tail -n 1 "$folder/log")
        report "$database finds what kin finds, in kin's order, $metric" "$why"
    done
done
exit $failed
