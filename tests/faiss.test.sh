#!/bin/sh
# The index that kin writes is read by FAISS, which finds the same. Needs $KIN_ORACLE_PYTHON, a Python with faiss.
set -u
cd "$(dirname "$0")/.." || exit 1
kin=${BUILD:-build/cc}/kin
python=${KIN_ORACLE_PYTHON:-python3}
[ -n "${KIN_ORACLE_PYTHON:-}" ] || [ ! -x build/neighbours/bin/python ] || python=build/neighbours/bin/python
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
q=tests/golden/retrieval/query g=tests/golden/retrieval/gallery
failed=0
for metric in euclid cosine inner; do
    values=--similarities; [ $metric != euclid ] || values=--distances
    name="faiss: an index of kin's is searched by FAISS with the same result, $metric"
    if "$kin" index $g --faiss "$out/$metric.index" --metric $metric --quiet >"$out/log" 2>&1 &&
        "$kin" search --query $q --gallery $g --metric $metric --top 20 --indices "$out/i.npy" $values "$out/d.npy" --quiet >>"$out/log" 2>&1; then
        if ! "$python" -c 'import numpy, faiss' >/dev/null 2>&1; then echo "skip $name: no Python with numpy and faiss (KIN_ORACLE_PYTHON names one)"
        elif "$python" tests/support/faiss_check.py "$out/$metric.index" $metric $q.npy "$out/i.npy" "$out/d.npy" >>"$out/log" 2>&1; then echo "ok $name"
        else echo "not ok $name: $(tail -n 1 "$out/log")"; failed=1; fi
    else
        echo "not ok $name: $(tail -n 1 "$out/log")"
        failed=1
    fi
done
# Without FAISS too: the 45 + 8 bytes before the numbers, and the numbers themselves.
name="faiss: the header and the numbers of an IndexFlatL2"
want=497846321800000064000000000000000000100000000000000010000000000001010000006009000000000000
got=$(head -c 45 "$out/euclid.index" | od -An -v -tx1 | tr -d ' \n')
tail -c 9600 $g.npy >"$out/numbers"
if [ "$got" != "$want" ]; then echo "not ok $name: $got"; failed=1
elif ! tail -c +46 "$out/euclid.index" | cmp -s - "$out/numbers"; then echo "not ok $name: the numbers differ"; failed=1
else echo "ok $name"; fi
exit $failed
